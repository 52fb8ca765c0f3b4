//! Making expressions: constants are folded while an expression is built, and a constant outside a function's domain
//! is a fault at its place.

use crate::base::Real;
use crate::hir::{BinaryOp, Expr, ExprKind, UnaryFn, number};
use crate::source::Span;

/// A constant expression that has no finite value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// What is wrong, in the user's terms.
    pub(super) message: String,
    /// Where.
    pub(super) span: Span,
}

/// An expression, or why it cannot be.
pub(super) type Folded = Result<Expr, Fault>;

/// `f(a)`
pub(super) fn unary(f: UnaryFn, a: Expr, span: Span) -> Folded {
    if let Some(v) = a.as_number() {
        let value = f.apply(v);
        if value.is_finite() {
            return Ok(Expr::number(value, span));
        }
        let why = match f {
            UnaryFn::Sqrt => format!("there is no real square root of {}", number(v)),
            UnaryFn::Ln => format!("there is no real logarithm of {}", number(v)),
            UnaryFn::Asin | UnaryFn::Acos => format!("`{}` takes values from -1 to 1, not {}", f.name(), number(v)),
            _ => format!("`{}({})` is too large for a number", f.name(), number(v)),
        };
        return Err(Fault { message: why, span });
    }
    match (f, a.kind) {
        (UnaryFn::Neg, ExprKind::Unary(UnaryFn::Neg, inner)) => Ok(Expr { span, ..*inner }),
        (f, kind) => Ok(Expr::new(ExprKind::Unary(f, Box::new(Expr { kind, span: a.span })), span)),
    }
}

/// `a op b`
pub(super) fn binary(op: BinaryOp, a: Expr, b: Expr, span: Span) -> Folded {
    let (x, y) = (a.as_number(), b.as_number());
    if op == BinaryOp::Div && y == Some(0.0) {
        return Err(Fault { message: "this divides by zero".to_string(), span });
    }
    if op == BinaryOp::Pow
        && let Some(n) = y.filter(|n| n.fract() == 0.0 && n.abs() <= f64::from(MAX_WHOLE_POWER))
    {
        return whole_power(a, n as i32, span);
    }
    if let (Some(x), Some(y)) = (x, y) {
        let value = op.apply(x, y);
        if value.is_finite() {
            return Ok(Expr::number(value, span));
        }
        let message = match op {
            BinaryOp::Pow if value.is_nan() => {
                format!("a negative number ({}) has no real power {}", number(x), number(y))
            }
            BinaryOp::Pow if x == 0.0 => format!("zero has no power {}", number(y)),
            _ => "the value is too large for a number".to_string(),
        };
        return Err(Fault { message, span });
    }
    let keep = |e: Expr| Ok(Expr { span, ..e });
    match (op, x, y) {
        (BinaryOp::Add, Some(0.0), _) => keep(b),
        (BinaryOp::Add | BinaryOp::Sub, _, Some(0.0)) => keep(a),
        (BinaryOp::Sub, Some(0.0), _) => unary(UnaryFn::Neg, b, span),
        (BinaryOp::Mul, Some(0.0), _) | (BinaryOp::Mul, _, Some(0.0)) | (BinaryOp::Div, Some(0.0), _) => {
            Ok(Expr::number(0.0, span))
        }
        (BinaryOp::Mul, Some(1.0), _) => keep(b),
        (BinaryOp::Mul | BinaryOp::Div, _, Some(1.0)) => keep(a),
        (BinaryOp::Mul, Some(-1.0), _) => unary(UnaryFn::Neg, b, span),
        (BinaryOp::Mul | BinaryOp::Div, _, Some(-1.0)) => unary(UnaryFn::Neg, a, span),
        _ => Ok(Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), span)),
    }
}

/// The largest exponent that is kept exact; beyond it a power is computed as a real one.
const MAX_WHOLE_POWER: i32 = 1 << 16;

/// `a ^ n`
pub(super) fn whole_power(a: Expr, n: i32, span: Span) -> Folded {
    if let Some(x) = a.as_number() {
        let value = Real::powi(x, n);
        if value.is_finite() {
            return Ok(Expr::number(value, span));
        }
        let message = match x == 0.0 {
            true => format!("zero has no power {n}"),
            false => "the value is too large for a number".to_string(),
        };
        return Err(Fault { message, span });
    }
    match n {
        0 => Ok(Expr::number(1.0, span)),
        1 => Ok(Expr { span, ..a }),
        _ => Ok(Expr::new(ExprKind::Powi(Box::new(a), n), span)),
    }
}

/// The sum of all terms, as a balanced tree: long sums must not make deep ones. Zero when there is none.
pub(super) fn sum(terms: Vec<Expr>, span: Span) -> Folded {
    balanced(BinaryOp::Add, 0.0, terms, span)
}

/// The product of all factors, as a balanced tree. One when there is none.
pub(super) fn product(factors: Vec<Expr>, span: Span) -> Folded {
    balanced(BinaryOp::Mul, 1.0, factors, span)
}

fn balanced(op: BinaryOp, empty: f64, mut items: Vec<Expr>, span: Span) -> Folded {
    /// Shorter chains stay as they are written: left to right.
    const SHORT: usize = 32;
    if items.len() > SHORT {
        let right = items.split_off(items.len() / 2);
        let (left, right) = (balanced(op, empty, items, span)?, balanced(op, empty, right, span)?);
        return binary(op, left, right, span);
    }
    let mut items = items.into_iter();
    let Some(first) = items.next() else { return Ok(Expr::number(empty, span)) };
    items.try_fold(first, |acc, e| {
        let span = acc.span.to(e.span);
        binary(op, acc, e, span)
    })
}
