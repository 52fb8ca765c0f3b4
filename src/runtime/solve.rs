//! Relaxed solves through the host engines.

use super::RuntimeError;
use super::call::Run;
use crate::artifact::SolveStep;

/// What a solve step keeps between calls.
#[derive(Default)]
pub(super) struct SolverState {}

/// Runs the solve, or its adjoint.
pub(super) fn run(run: &Run<'_>, step: usize, _s: &SolveStep, _state: &mut SolverState) -> Result<(), RuntimeError> {
    Err(RuntimeError::Solve {
        entry: run.entry.name.clone(),
        step,
        reason: "this build has no engine for relaxed solves".to_string(),
    })
}
