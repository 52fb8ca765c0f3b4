//! `mechc test`: the tests of model files.
//!
//! [`run_tests`] checks the files, runs what their tests are about (data sets and fits, each at most once, into temporary
//! folders), judges every expectation, and keeps or compares snapshots. What cannot be judged is a failure with a code, never
//! a pass.

mod compare;
mod found;
mod judge;
mod laboratory;
mod run;
mod snapshots;
mod timing;
mod unjudged;
mod values;

pub use run::{FileTests, TestOptions, TestOutcome, run_tests};
