//! The host: Cranelift compiles each loop nest to one native function.
//!
//! Element-wise arithmetic is emitted in the order of the program, in the number type of each value and without fused
//! multiply-adds, and transcendental functions are calls of the functions in [`Real`](crate::base::Real), so that results equal
//! the reference evaluator's bit by bit. Innermost loops over contiguous numbers run on 128-bit vectors, with the same
//! arithmetic per lane; a sum in a vector is the sum of its lanes' sums, lowest lane first.

mod body;
mod compile;
mod emit;
mod library;
mod scalar;
mod sums;
mod vector;

pub use compile::{CodegenError, clif, compile};
