//! Expressions as sums of terms: a number times what is left.

use super::{BinaryOp, Expr, ExprKind, UnaryFn};

/// A number times an expression; `None` for the number alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The number.
    pub coefficient: f64,
    /// What it multiplies.
    pub rest: Option<Expr>,
}

/// `expr` as a sum of terms, in order. Numbers and signs are taken out of products; nothing is multiplied out.
pub fn terms(expr: &Expr) -> Vec<Term> {
    let mut out = Vec::new();
    collect(expr, 1.0, &mut out);
    out
}

fn collect(expr: &Expr, by: f64, out: &mut Vec<Term>) {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::Add, a, b) => {
            collect(a, by, out);
            collect(b, by, out);
        }
        ExprKind::Binary(BinaryOp::Sub, a, b) => {
            collect(a, by, out);
            collect(b, -by, out);
        }
        ExprKind::Unary(UnaryFn::Neg, a) => collect(a, -by, out),
        _ => {
            let (coefficient, rest) = split(expr);
            if coefficient != 0.0 {
                out.push(Term { coefficient: coefficient * by, rest });
            }
        }
    }
}

/// A product as a number times the rest.
fn split(expr: &Expr) -> (f64, Option<Expr>) {
    match &expr.kind {
        ExprKind::Number(x) => (*x, None),
        ExprKind::Unary(UnaryFn::Neg, a) => {
            let (c, rest) = split(a);
            (-c, rest)
        }
        ExprKind::Binary(BinaryOp::Mul, a, b) => {
            let ((c, x), (d, y)) = (split(a), split(b));
            let rest = match (x, y) {
                (Some(x), Some(y)) => {
                    Some(Expr::new(ExprKind::Binary(BinaryOp::Mul, Box::new(x), Box::new(y)), expr.span))
                }
                (x, y) => x.or(y),
            };
            (c * d, rest)
        }
        ExprKind::Binary(BinaryOp::Div, a, b) => match (split(a), b.as_number()) {
            ((c, rest), Some(d)) if d != 0.0 => (c / d, rest),
            ((c, x), _) => {
                let above = x.unwrap_or_else(|| Expr::number(1.0, a.span));
                (c, Some(Expr::new(ExprKind::Binary(BinaryOp::Div, Box::new(above), b.clone()), expr.span)))
            }
        },
        _ => (1.0, Some(expr.clone())),
    }
}
