//! The compiler and its engines put together: sessions, the list of passes, runs and what they leave behind.
//!
//! [`Session`] is the way in, for the binary and for embedders alike. Nothing here prints; everything that can go wrong is a
//! [`Failure`] with the exit code it stands for.

mod discovered;
mod emit;
mod experiment;
mod failure;
mod findings;
mod gradient;
mod holdout;
mod joint;
mod memory;
mod passes;
mod pointwise;
mod run;
mod session;
mod terms;

pub use emit::Stage;
pub use failure::{Failure, Problem};
pub use findings::{Estimate, Findings};
pub use pointwise::Compiled;
pub use run::{Outcome, RunOptions};
pub use session::{Checked, Session};
