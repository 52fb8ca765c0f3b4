//! Host engines for the structured least-squares systems of both fitting engines.
//!
//! - [`relaxed`] solves batches of small systems: a linear differential system with given coefficients becomes one
//!   least-squares programme per sample, solved in time linear in the number of steps, with all its gradients.
//! - [`Chain`] factors one long block tridiagonal system and solves many right-hand sides: the trajectory of the joint engine.
//! - [`Cholesky`] is for small dense systems: the border of unknowns.
//!
//! Invariants: results are the same bits for any number of threads (work is cut into pieces that depend on the shape alone);
//! a singular or non-finite system is a named error, never a silent NaN; nothing here prints.

mod chain;
mod dense;
mod lanes;
pub mod relaxed;

pub use chain::{Chain, PivotError};
pub use dense::Cholesky;
pub use lanes::{INSTRUCTIONS, instructions, unknown_instructions};
