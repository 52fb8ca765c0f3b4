//! The compiler and its engines put together: sessions, the list of passes, runs and what they leave behind.
//!
//! [`Session`] is the way in, for the binary and for embedders alike. Nothing here prints; everything that can go wrong is a
//! [`Failure`] with the exit code it stands for.

mod bench_device;
mod bench_solve;
mod bench_step;
mod bound;
mod case;
mod checkpoint;
mod collinear;
pub mod conformance;
mod derived;
mod device_sources;
mod discovered;
mod doctor;
mod emit;
mod experiment;
mod explain;
mod export;
mod failure;
mod features;
mod files;
mod findings;
mod format;
mod formula;
mod gradient;
mod holdout;
mod info;
mod joint;
mod memory;
mod observed;
mod passes;
mod plan;
mod pointwise;
mod predict;
mod remarks;
mod resume;
mod run;
mod run_solve;
mod sampling;
mod scaffold;
mod score;
mod session;
mod sets;
mod solve_case;
mod solved;
mod statements;
mod target;
mod terms;
mod testing;
#[cfg(test)]
mod tests;
mod varying;
mod words;

pub use bench_device::DeviceTimes;
pub use bench_solve::{SolveBench, SolveTimes, bench_solve, random_case};
pub use bench_step::{StepBench, StepBenchTimes};
pub use case::{Case, CaseFile, read_case};
pub use device_sources::{BuiltFile, DeviceFunction, device_code, device_sources};
pub use doctor::Doctor;
pub use emit::Stage;
pub use explain::{Explanation, explain, explanations};
pub use export::ExportRequest;
pub use failure::{Failure, Problem};
pub use files::{missing, model_files};
pub use findings::{Estimate, Findings};
pub use format::Formatted;
pub use info::INFO_SCHEMA;
pub use plan::{Planned, PlannedSolve, Purpose};
pub use pointwise::Compiled;
pub use run::{Outcome, RunOptions, remark};
pub use scaffold::new_project;
pub use session::{Checked, Session};
pub use solve_case::{CaseOptions, SolvedCase, solve_case};
pub use target::Target;
pub use testing::{FileTests, TestOptions, TestOutcome, run_tests};
