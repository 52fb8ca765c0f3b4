//! Random well-formed programs, for comparing what evaluates, differentiates, optimises or compiles them. For tests alone.
//!
//! Every value carries an interval that its numbers lie in, so functions are only applied inside their domains and well away
//! from their poles, and nothing overflows.

mod interval;
mod program;
mod systems;

pub use program::{ProgramOptions, random_program};
