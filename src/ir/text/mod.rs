//! The text form of the representation: what `--emit ir` shows and what the tests of the passes are written in.
//!
//! ```text
//! module Lorenz
//! axis time
//! axis equation = 3
//!
//! func scale(%x: f64[time, equation], %k: f64[]) {
//!   %v2 = broadcast %k : f64[time, equation]
//!   %y = mul %x, %v2 : f64[time, equation]
//!   return y = %y
//! }
//! ```
//!
//! An instruction is `results = mnemonic operands, attributes : types`; line breaks mean nothing and `//` starts a comment. The
//! mnemonic of `select` carries its comparison (`select_lt`). A value without a name is `%v` and its number; where two values
//! share a name, the number follows after a dot (`%x.7`). Names that are not plain words are quoted. Numbers are printed with
//! the fewest digits that read back to the same bits; NaNs that are not the canonical one are written as bits (`0x7ff8...`).
//!
//! Invariant: `parse(&print(m)) == m` for every module whose values are numbered in the order of definition, which the
//! builder guarantees and the verifier checks. The text says nothing about well-typedness: that is the verifier's.

mod items;
mod lexer;
mod parse;
mod print;
#[cfg(test)]
mod tests;

pub use parse::{TextError, parse};
pub use print::{print, print_function};
