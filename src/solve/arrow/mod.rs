//! Least squares over one long trajectory: a block tridiagonal normal matrix with a dense border of shared unknowns.
//!
//! The unknowns are `v` `(T, n)`, one block for each step, and `p` `(P)`, shared by all steps. The normal equations are
//!
//! ```text
//! C[t-1] v[t-1] + A[t] v[t] + C[t]^T v[t+1] + B[t] p = g[t]        t = 0..T
//! sum_t B[t]^T v[t]                           + Q p = q
//! ```
//!
//! with symmetric positive definite matrix. [`ArrowFactor`] eliminates the steps from both ends towards the middle, which leaves
//! the Schur complement `S` `(P, P)` of the border; [`ArrowFactor::solve`] solves for all columns of the border or for a subset of them
//! (the others held at zero), which needs the small system and one back-substitution only.
//!
//! Invariants: time `O(T n (n + P)^2)`, memory `O(T n (n + P))`, reused by every factorisation of the same shape; the two
//! halves may run on two threads and give the same bits on one; a pivot without a correct digit is a named error.

mod block;
mod error;
mod factor;
mod inverse;
mod panel;
mod schur;
mod solve;
mod tile;

pub use block::{ArrowShape, StepBlock};
pub use error::ArrowError;
pub use factor::ArrowFactor;
pub use schur::SchurFactor;
pub use solve::ArrowSolution;

#[cfg(test)]
mod tests;
