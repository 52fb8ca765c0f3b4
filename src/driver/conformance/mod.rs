//! Whether a device computes what the processor does: `mechc doctor --gpu-check`.
//!
//! [`cases`] are functions with arguments: relaxed solves in every regime and published ones, and every function of every example and of small
//! models with every construct of the language. Each
//! runs on the processor and twice on the device; results must agree with the processor's, or with those published, and those of
//! the second run must have the bits of the first. [`engines`] then compares whole fits of both engines.

mod arguments;
mod cases;
mod engines;
mod judge;
mod models;
mod published;
mod report;
mod solves;

use super::failure::Failure;
use super::target::Target;
use crate::runtime::Threads;

pub use cases::{Case, Golden, cases};
pub use judge::{tolerance, worst};
pub use models::{CONSTRUCTS, EXAMPLES, of_program};
pub use published::golden;
pub use report::{Conformance, Verdict};
pub use solves::{SolveForm, StepAxes};

/// Checks the device `target` against the processor: cases and fits whose name contains `filter`. `said` is told every verdict as it
/// comes.
///
/// # Errors
/// Where a case cannot be made, which is a mistake of the compiler, or a folder for fits cannot.
pub fn check(
    target: &Target,
    threads: &Threads,
    filter: &str,
    said: &mut dyn FnMut(&Verdict),
) -> Result<Conformance, Failure> {
    let mut verdicts = Vec::new();
    let mut tell = |verdict: Verdict| {
        said(&verdict);
        verdicts.push(verdict);
    };
    for case in cases(filter)? {
        tell(judge::judge(&case, target, threads)?);
    }
    engines::check(target, threads, filter, &mut tell)?;
    Ok(Conformance { device: target.describe(), verdicts })
}
