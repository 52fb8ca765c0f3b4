//! Tests: what is expected, and how it compares.

use super::{Expr, Ident};
use crate::source::Span;

/// `test "NAME" { ... }`
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The text between the quotes, with its place.
    pub name: Ident,
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// Its expectations in order.
    pub expectations: Vec<Expectation>,
    /// From `test` to the closing brace.
    pub span: Span,
}

/// `expect ...`
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What is expected.
    pub claim: Claim,
    /// From `expect` to the end of the statement.
    pub span: Span,
}

/// What a test expects.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all claims are comparisons")]
pub enum Claim {
    /// `coef(y', x) ~= 28 within 2%`
    Compare {
        /// Left side.
        left: Side,
        /// How the sides compare.
        comparison: Comparison,
        /// Right side.
        right: Side,
        /// The tolerance after `within`.
        within: Option<Expr>,
    },
    /// `snapshot equations of quick`
    Snapshot {
        /// What is kept.
        what: Ident,
        /// The fit or model it is about.
        of: Option<Ident>,
    },
}

/// A side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    /// A number, or one for every sample.
    Expr(Expr),
    /// `{x, y}`
    Set(Vec<Expr>, Span),
}

/// How the two sides of an expectation compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equals,
    /// `!=`
    Differs,
    /// `~=`
    Nearly,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `<`
    Less,
    /// `>`
    Greater,
}

impl Comparison {
    /// The operator as it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Comparison::Equals => "==",
            Comparison::Differs => "!=",
            Comparison::Nearly => "~=",
            Comparison::AtLeast => ">=",
            Comparison::AtMost => "<=",
            Comparison::Less => "<",
            Comparison::Greater => ">",
        }
    }
}
