//! What the normal matrix does not determine, the rows may.
//!
//! Its condition number is the square of that of the rows: from a condition of 1e8 on nothing is left of it in double precision, and the
//! corrections of a solve do not settle a little earlier. An orthogonal factor of the rows bears the square of that. It costs a
//! hundred times as much, so it is made only where the normal matrix fails.

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

/// What to say of a system that the rows do not determine either: what the normal matrix said of it, which names the unknown.
fn told(first: &SolveError, second: SolveError) -> SolveError {
    if second.sample().is_some_and(|sample| first.sample() == Some(sample)) { first.clone() } else { second }
}

impl Factor {
    /// The problem as it was factored.
    pub(crate) fn as_factored<'a>(&self, problem: &Problem<'a>) -> Problem<'a> {
        if self.failure.is_some() { from_rows(problem) } else { *problem }
    }

    /// Factors the rows where the normal matrix has failed in this way.
    ///
    /// # Errors
    /// What the rows do not determine either.
    pub(crate) fn rescue(&mut self, problem: &Problem, failure: SolveError) -> Result<(), SolveError> {
        self.fill_by_rows(problem).map_err(|second| told(&failure, second))?;
        self.failure = Some(failure);
        Ok(())
    }

    /// Does again by the rows, with a factor of its own, what did not settle by the normal matrix.
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
                again(&factor(&rows)?, &rows)
            }
            (done, _) => done,
        }
    }
}
