//! What the normal matrix does not determine, the rows may.
//!
//! Its condition number is the square of that of the rows: from a condition of 1e8 on nothing is left of it in double precision, and the
//! corrections of a solve do not settle a little earlier. An orthogonal factor of the rows bears the square of that. It costs a
//! hundred times as much, so it is made only where the normal matrix fails. A [`Footprint`](super::Footprint) does not count it.

use super::error::SolveError;
use super::factor::{Factor, factor};
use super::problem::{Method, Precision, Problem, Scheme};

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

impl Factor {
    /// Why the rows were factored in place of the normal matrix that the scheme asks for, at a hundred times its cost: when the factor was made, or
    /// in a solve whose corrections did not settle.
    pub fn failure(&self) -> Option<&SolveError> {
        self.failure.as_ref().or_else(|| self.rows.get().map(|kept| &kept.0))
    }

    /// The problem as it was factored.
    pub(crate) fn as_factored<'a>(&self, problem: &Problem<'a>) -> Problem<'a> {
        if self.failure.is_some() { from_rows(problem) } else { *problem }
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
        sample.and_then(|()| self.fill_by_rows(&rows)).map_err(|second| told(&failure, second))?;
        self.failure = Some(failure);
        Ok(())
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
            (Err(second @ SolveError::Unsettled { .. }), Some(failure)) => Err(told(failure, second)),
            (Err(failure), None) if may_be_rescued(problem, &failure) => {
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
