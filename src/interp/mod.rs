//! The reference evaluator: runs a function of the representation slowly and simply. It is the oracle that compiled code is
//! compared with, so it shares no numerical code with it beyond the scalar functions of [`base::Real`](crate::base::Real).
//!
//! Rules: every operation rounds to the number type of its result; sums and contractions add one number after another, from
//! zero, in row-major order of the operand (sums) or of the list of axes (contractions); the relaxed solve is a dense QR
//! factorisation of its rows in double precision, and its adjoint the residual form from the same factor; the symmetric
//! solve is a dense Cholesky factorisation. Sizes of dynamic axes come from the arguments; see [`ir`](crate::ir).

mod array;
mod dense;
mod error;
mod eval;
mod gradient;
mod relaxed;
mod spd;
#[cfg(test)]
mod tests;

pub use error::InterpError;
pub use eval::run;
pub use gradient::{GradientMismatch, check_gradient};
