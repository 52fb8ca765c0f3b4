//! What the normal matrix does not determine, the rows may.
//!
//! Its condition number is the square of that of the rows: from a condition of 1e8 on nothing is left of it in double precision, and the
//! corrections of a solve do not settle a little earlier. An orthogonal factor of the rows bears the square of that. It costs a
//! hundred times as much, so it is made only for lane groups whose normal matrix fails. Where corrections do not settle a second factor of the whole batch is made,
//! which a [`Footprint`](super::Footprint) does not count.

use rayon::prelude::*;

use super::arithmetic::Plain;
use super::elimination::{FactorGroup, Scratch};
use super::error::SolveError;
use super::factor::{Factor, factor, rows_of};
use super::problem::Problem;
use super::scheme::{Method, Precision, Scheme};
use super::stage::Staged;
use super::storage::{pack, wide};
use super::windows::Window;
use crate::solve::lanes::{Pack, Pack8};

/// What may be wrong still in a solution by a factor of the normal matrix that is corrected at least twice, as a share of it: where more is, the
/// rows are factored.
pub(crate) const SETTLED: f64 = 1e-7;

/// The problem with its rows as what is factored.
pub(crate) fn from_rows<'a>(problem: &Problem<'a>) -> Problem<'a> {
    Problem { scheme: Scheme { method: Method::Qr, ..problem.scheme }, ..*problem }
}

/// Whether a failure is one of the normal matrix that the rows need not share. In single precision users have asked for what costs least.
pub(crate) fn may_be_rescued(problem: &Problem, failure: &SolveError) -> bool {
    problem.scheme.precision != Precision::Single
        && problem.scheme.method == Method::Normal
        && matches!(failure, SolveError::Singular { .. } | SolveError::Border { .. } | SolveError::Unsettled { .. })
}

/// What to say of a system that the rows do not determine either: what the normal matrix said of it, where that names the unknown.
fn told(first: &SolveError, second: SolveError) -> SolveError {
    let names = matches!(first, SolveError::Singular { .. } | SolveError::Border { .. });
    if names && second.sample().is_some_and(|sample| first.sample() == Some(sample)) { first.clone() } else { second }
}

/// Where rows were factored in place of the normal matrix that the scheme asks for.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// What the normal matrix said.
    pub why: SolveError,
    /// Of all samples, or of lane groups with a sample that needs it only.
    pub whole: bool,
}

impl Factor {
    /// Why the rows were factored in place of the normal matrix that the scheme asks for, at a hundred times its cost: when the factor was made, or
    /// in a solve whose corrections did not settle.
    pub fn failure(&self) -> Option<&SolveError> {
        self.failure.as_ref().map(|failure| &failure.why).or_else(|| self.rows.get().map(|kept| &kept.0))
    }

    /// The problem as it was factored.
    pub(crate) fn as_factored<'a>(&self, problem: &Problem<'a>) -> Problem<'a> {
        match self.failure {
            None => *problem,
            Some(Failure { whole: true, .. }) => from_rows(problem),
            // Corrected as often as orthogonal factors are, and settled as factors of normal matrices have to be.
            Some(Failure { whole: false, .. }) => {
                let refinements = from_rows(problem).refinements();
                Problem { scheme: Scheme { refinements, ..problem.scheme }, ..*problem }
            }
        }
    }

    /// Factors the rows where the normal matrix has failed in this way.
    ///
    /// # Errors
    /// What the rows do not determine either.
    pub(crate) fn rescue(&mut self, problem: &Problem, failure: SolveError) -> Result<(), SolveError> {
        let rows = from_rows(problem);
        // Where the sample that failed is beyond help, no other is factored in vain.
        let sample = failure.sample().filter(|_| !self.common);
        let sample = sample.map_or(Ok(()), |sample| self.try_rows(&rows, sample));
        let whole = self.common || problem.shape.batch == 1;
        let filled = sample.and_then(|()| match whole {
            true => self.fill_by_rows(&rows),
            false => self.fill_by_rows_where_needed(problem, &rows),
        });
        filled.map_err(|second| told(&failure, second))?;
        self.failure = Some(Failure { why: failure, whole });
        Ok(())
    }

    /// Factors the normal matrices once more in double precision, and the rows of the lane groups that have a sample whose normal matrix fails.
    fn fill_by_rows_where_needed(&mut self, problem: &Problem, rows: &Problem) -> Result<(), SolveError> {
        // Solves are corrected then, in other memory.
        self.pool.clear();
        let (plan, pool, shape) = (&self.plan, &self.pool, &problem.shape);
        let values = wide(&mut self.storage, plan.len * shape.batch.div_ceil(Pack8::WIDTH));
        let scratch = || (Scratch::<Plain<Pack8>>::take(problem, plan, pool), Staged::<f64>::new(rows, shape.steps));
        let done: Vec<Result<(), SolveError>> = values
            .par_chunks_exact_mut(plan.len)
            .enumerate()
            .map_init(scratch, |(scratch, staged), (group, out)| {
                let window = Window::of_group::<Pack8>(group, shape);
                scratch.staged.load_matrix(problem, window);
                let unknowns = None;
                match Pack8::dispatch(FactorGroup { problem, plan, window, scratch, out: &mut *out, unknowns }) {
                    Err(failure) if may_be_rescued(problem, &failure) => {
                        let samples = window.first..window.first + window.count;
                        let factors: Result<Vec<_>, _> =
                            samples.map(|sample| rows_of(rows, plan, staged, sample)).collect();
                        out.copy_from_slice(&pack(plan.len, &factors?));
                        Ok(())
                    }
                    done => done.map(|_| ()),
                }
            })
            .collect();
        done.into_iter().collect()
    }

    /// Does again by the rows what did not settle by the normal matrix. Their factor is kept for the next time; whether it is taken is asked
    /// of each call anew, so that no result depends on the calls before.
    ///
    /// # Errors
    /// Of the first attempt where that is not of this kind, else of the second.
    pub(crate) fn rescued<'a>(
        &self,
        problem: &Problem<'a>,
        first: Result<(), SolveError>,
        again: impl FnOnce(&Factor, &Problem<'a>) -> Result<(), SolveError>,
    ) -> Result<(), SolveError> {
        match (first, &self.failure) {
            (Err(second @ SolveError::Unsettled { .. }), Some(Failure { why, whole: true })) => Err(told(why, second)),
            (Err(failure), None | Some(Failure { whole: false, .. })) if may_be_rescued(problem, &failure) => {
                let rows = from_rows(problem);
                let (_, kept) = match self.rows.get() {
                    Some(kept) => &**kept,
                    None => {
                        let made = factor(&rows).map_err(|second| told(&failure, second))?;
                        self.rows.get_or_init(|| Box::new((failure.clone(), made)))
                    }
                };
                again(kept, &rows).map_err(|second| told(&failure, second))
            }
            (done, _) => done,
        }
    }
}
