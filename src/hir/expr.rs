//! Resolved expressions.

use super::{InputId, StateId, UnknownId};
use crate::source::Span;

/// An expression over a model's states, inputs, unknowns and time.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it was written.
    pub span: Span,
}

/// The kinds of expression. Constants, `let`s and fixed parameters are already substituted.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A finite number.
    Number(f64),
    /// The time of the step.
    Time,
    /// A state's derivative (0 is the state itself).
    State(StateId, u8),
    /// A known function of time, from the data.
    Input(InputId),
    /// An estimated number: a parameter or a hole's coefficient.
    Unknown(UnknownId),
    /// A function of one argument.
    Unary(UnaryFn, Box<Expr>),
    /// An operator.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// A whole power, exact for every sign of the base.
    Powi(Box<Expr>, i32),
    /// Of `[a, b, x, y]` the value `x` where `a` and `b` compare, and `y` elsewhere.
    Select(Compare, Box<[Expr; 4]>),
}

/// Comparisons; false when an operand is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// `a < b`
    Less,
    /// `a <= b`
    AtMost,
    /// `a == b`
    Equal,
}

impl Compare {
    /// The operator as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Compare::Less => "<",
            Compare::AtMost => "<=",
            Compare::Equal => "==",
        }
    }

    /// Whether `a` and `b` compare.
    pub fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Compare::Less => a < b,
            Compare::AtMost => a <= b,
            Compare::Equal => a == b,
        }
    }
}

/// Functions of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryFn {
    /// `-a`
    Neg,
    /// `|a|`
    Abs,
    /// Square root.
    Sqrt,
    /// `e^a`
    Exp,
    /// Natural logarithm.
    Ln,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Arc sine.
    Asin,
    /// Arc cosine.
    Acos,
    /// Arc tangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Hyperbolic tangent.
    Tanh,
    /// -1, 0 or 1.
    Sign,
}

impl UnaryFn {
    /// Every function, in the order of declaration.
    pub const ALL: [UnaryFn; 15] = [
        UnaryFn::Neg,
        UnaryFn::Abs,
        UnaryFn::Sqrt,
        UnaryFn::Exp,
        UnaryFn::Ln,
        UnaryFn::Sin,
        UnaryFn::Cos,
        UnaryFn::Tan,
        UnaryFn::Asin,
        UnaryFn::Acos,
        UnaryFn::Atan,
        UnaryFn::Sinh,
        UnaryFn::Cosh,
        UnaryFn::Tanh,
        UnaryFn::Sign,
    ];

    /// The name in `.mech` source.
    pub fn name(self) -> &'static str {
        match self {
            UnaryFn::Neg => "neg",
            UnaryFn::Abs => "abs",
            UnaryFn::Sqrt => "sqrt",
            UnaryFn::Exp => "exp",
            UnaryFn::Ln => "ln",
            UnaryFn::Sin => "sin",
            UnaryFn::Cos => "cos",
            UnaryFn::Tan => "tan",
            UnaryFn::Asin => "asin",
            UnaryFn::Acos => "acos",
            UnaryFn::Atan => "atan",
            UnaryFn::Sinh => "sinh",
            UnaryFn::Cosh => "cosh",
            UnaryFn::Tanh => "tanh",
            UnaryFn::Sign => "sign",
        }
    }
}

/// Operators of two arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// `a ^ b` with a real exponent; the base must be positive.
    Pow,
    /// The smaller.
    Min,
    /// The larger.
    Max,
}

impl BinaryOp {
    /// The operator as it is written between its operands, or the function's name.
    pub fn name(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Pow => "^",
            BinaryOp::Min => "min",
            BinaryOp::Max => "max",
        }
    }
}

impl Expr {
    /// An expression of this kind at this place.
    pub fn new(kind: ExprKind, span: Span) -> Self {
        Expr { kind, span }
    }

    /// A number. It must be finite.
    pub fn number(value: f64, span: Span) -> Self {
        Expr { kind: ExprKind::Number(value), span }
    }

    /// The value if this is a number.
    pub fn as_number(&self) -> Option<f64> {
        match self.kind {
            ExprKind::Number(v) => Some(v),
            _ => None,
        }
    }

    /// The operands, in order.
    pub fn operands(&self) -> impl Iterator<Item = &Expr> {
        let (first, second) = match &self.kind {
            ExprKind::Unary(_, a) | ExprKind::Powi(a, _) => (Some(&**a), None),
            ExprKind::Binary(_, a, b) => (Some(&**a), Some(&**b)),
            _ => (None, None),
        };
        let four: &[Expr] = match &self.kind {
            ExprKind::Select(_, parts) => parts.as_slice(),
            _ => &[],
        };
        first.into_iter().chain(second).chain(four)
    }

    /// Calls `visit` on this expression and everything in it, outside first.
    pub fn visit(&self, visit: &mut impl FnMut(&Expr)) {
        visit(self);
        self.operands().for_each(|e| e.visit(visit));
    }

    /// Whether `found` holds for this expression or anything in it.
    pub fn any(&self, found: &mut impl FnMut(&Expr) -> bool) -> bool {
        found(self) || self.operands().any(|e| e.any(found))
    }

    /// Calls `change` on everything in this expression, innermost first, and then on itself.
    pub fn rewrite(&mut self, change: &mut impl FnMut(&mut Expr)) {
        match &mut self.kind {
            ExprKind::Unary(_, a) | ExprKind::Powi(a, _) => a.rewrite(change),
            ExprKind::Binary(_, a, b) => {
                a.rewrite(change);
                b.rewrite(change);
            }
            ExprKind::Select(_, parts) => parts.iter_mut().for_each(|e| e.rewrite(change)),
            _ => {}
        }
        change(self);
    }

    /// The degree as a product of states, inputs and the time: a quotient counts as the product of what stands in it, a function and a sum as the
    /// highest of what they are of.
    pub fn degree(&self) -> usize {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::Unknown(_) => 0,
            ExprKind::Time | ExprKind::State(..) | ExprKind::Input(_) => 1,
            ExprKind::Powi(base, power) => base.degree().saturating_mul(power.unsigned_abs() as usize),
            ExprKind::Binary(BinaryOp::Mul | BinaryOp::Div, a, b) => a.degree().saturating_add(b.degree()),
            ExprKind::Binary(..) | ExprKind::Unary(..) | ExprKind::Select(..) => {
                self.operands().map(Expr::degree).max().unwrap_or(0)
            }
        }
    }

    /// How many nodes it has.
    pub fn size(&self) -> usize {
        let mut n = 0;
        self.visit(&mut |_| n += 1);
        n
    }

    /// Whether the value depends on a state (or one of its derivatives).
    pub fn has_state(&self) -> bool {
        self.any(&mut |e| matches!(e.kind, ExprKind::State(..)))
    }

    /// Whether the value depends on an unknown.
    pub fn has_unknown(&self) -> bool {
        self.any(&mut |e| matches!(e.kind, ExprKind::Unknown(_)))
    }
}
