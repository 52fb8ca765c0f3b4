//! Text to syntax tree: the pest grammar of `grammar/mech.pest`, the tree with a span on every node, and the parser.
//!
//! A file is read in three steps: the lexer finds tokens, the outline matches brackets and cuts items and statements
//! apart, and the grammar reads each header and statement alone. So one bad statement is one error and the rest of the
//! file is still read.
//!
//! Invariants: [`parse`] never panics, takes time and memory in proportion to the text and refuses what would not;
//! brackets nest at most 256 deep and an [`ast::Expr`] is at most 1000 nodes deep, so recursive passes over the tree are
//! safe; a statement that was reported is not in the tree. No type of pest leaves this module.

pub mod ast;

mod begins;
mod brackets;
mod build;
mod colons;
mod declarations;
mod dump;
mod elsewhere;
mod expectation;
mod explain;
mod expr;
mod foreign;
mod format;
mod grammar;
mod letters;
mod lexer;
mod literals;
mod misshapen;
mod not_items;
mod numerals;
mod outline;
mod parse;
mod parts;
mod phrases;
mod report;
mod slips;
mod strangers;
mod tex;
mod units;

#[cfg(test)]
mod tests;

pub use dump::{dump, dump_expr};
pub use format::{format, same_program};
pub use parse::{parse, parse_library, parse_setting_value, words};
