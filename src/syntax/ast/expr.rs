//! Expressions.

use super::{Ident, Range, UnitExpr};
use crate::source::Span;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `1e-3`; `5%` is 0.05 with `percent` set.
    Number {
        /// The value, with a per cent sign already applied.
        value: f64,
        /// Whether a per cent sign was written.
        percent: bool,
    },
    /// `9.81 [m/s^2]`
    Measured {
        /// The number.
        value: Box<Expr>,
        /// Its unit.
        unit: UnitExpr,
    },
    /// `"lorenz.csv"`, without the quotes.
    Text(String),
    /// `x`
    Name(String),
    /// `x'`, `x''`: a name or a tuple with primes.
    Primed {
        /// What is differentiated.
        of: Box<Expr>,
        /// How often.
        primes: u32,
    },
    /// `smoother.v`
    Field {
        /// Left of the dot.
        of: Box<Expr>,
        /// Right of it.
        name: Ident,
    },
    /// `q[1]`, `v[3]`
    Subscript {
        /// What is subscripted.
        of: Box<Expr>,
        /// The subscripts.
        at: Vec<Expr>,
    },
    /// `sin(x)`, `adam(lr = 1e-3)`
    Call(Call),
    /// `?poly(x, y; degree = 2)`
    Hole(Call),
    /// `(x, y, z)` with two or more elements.
    Tuple(Vec<Expr>),
    /// `-x`, `+x`
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        operand: Box<Expr>,
    },
    /// `sum(k in 0..4) c[k]`
    Sum {
        /// The name of the element.
        variable: Ident,
        /// The elements.
        range: Box<Range>,
        /// What is added up.
        body: Box<Expr>,
    },
    /// `if x > 0 then a else b`
    If {
        /// What decides.
        condition: Box<Expr>,
        /// The value where it holds.
        then: Box<Expr>,
        /// The value elsewhere.
        otherwise: Box<Expr>,
    },
    /// `a + b`
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
}

/// `f(a, b; key = value)`
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is called.
    pub function: Ident,
    /// Positional arguments.
    pub arguments: Vec<Expr>,
    /// `key = value` arguments, after the positional ones or after `;`.
    pub named: Vec<NamedArgument>,
}

/// A constraint or option in a call: `degree = 2`, `coefficients >= 0`.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArgument {
    /// The key.
    pub name: Ident,
    /// `=`, `>=` or `<=`.
    pub relation: Relation,
    /// The value.
    pub value: Expr,
}

/// How a named argument's key relates to its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `=`
    Is,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
}

/// A prefix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Negate,
    /// `+`
    Plus,
    /// `not`
    Not,
}

/// An infix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `^`, right associative, binds tighter than a prefix minus.
    Power,
    /// `==`
    Equal,
    /// `!=`
    Different,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `and`
    And,
    /// `or`
    Or,
}
