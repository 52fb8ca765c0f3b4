//! Expressions as sums of terms: a number times what is left.

use crate::base::Idx;
use crate::hir::{BinaryOp, Expr, ExprKind, Model, UnaryFn, UnknownId, UnknownKind};

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

/// `expr` with the estimates of holes' coefficients in place of the coefficients, which have no spelling in source;
/// parameters keep their names. Terms whose coefficient is zero vanish. `round` shapes each number.
pub fn filled(model: &Model, expr: &Expr, values: &[f64], round: &impl Fn(f64) -> f64) -> Expr {
    let kind = match &expr.kind {
        ExprKind::Unknown(id) => match model.unknowns.get(*id).map(|u| u.kind) {
            Some(UnknownKind::Coefficient { .. }) => {
                ExprKind::Number(round(values.get(id.index()).copied().unwrap_or(0.0)))
            }
            _ => expr.kind.clone(),
        },
        ExprKind::Unary(f, a) => match (f, filled(model, a, values, round)) {
            (UnaryFn::Neg, a) if a.as_number().is_some() => ExprKind::Number(-a.as_number().unwrap_or(0.0)),
            (f, a) => ExprKind::Unary(*f, Box::new(a)),
        },
        ExprKind::Powi(a, n) => ExprKind::Powi(Box::new(filled(model, a, values, round)), *n),
        ExprKind::Select(compare, parts) => {
            ExprKind::Select(*compare, Box::new(parts.as_ref().clone().map(|e| filled(model, &e, values, round))))
        }
        ExprKind::Binary(op, a, b) => {
            let (a, b) = (filled(model, a, values, round), filled(model, b, values, round));
            match (op, a.as_number(), b.as_number()) {
                (BinaryOp::Mul, Some(0.0), _) | (BinaryOp::Mul, _, Some(0.0)) => ExprKind::Number(0.0),
                (BinaryOp::Mul, Some(1.0), _) | (BinaryOp::Add, Some(0.0), _) => b.kind,
                (BinaryOp::Mul, _, Some(1.0)) | (BinaryOp::Add | BinaryOp::Sub, _, Some(0.0)) => a.kind,
                _ => ExprKind::Binary(*op, Box::new(a), Box::new(b)),
            }
        }
        other => other.clone(),
    };
    Expr::new(kind, expr.span)
}

/// Parameters that stand in dropped terms only, so that nothing that was found depends on them. `kept` says of every unknown
/// whether it is kept.
pub fn idle_parameters(model: &Model, kept: &dyn Fn(UnknownId) -> bool) -> Vec<UnknownId> {
    let mut used = vec![false; model.unknowns.len()];
    let mut mark = |expr: &Expr| {
        expr.visit(&mut |e| {
            if let ExprKind::Unknown(id) = e.kind
                && let Some(slot) = used.get_mut(id.index())
            {
                *slot = true;
            }
        });
    };
    for equation in &model.equations {
        equation.linear.iter().for_each(|term| mark(&term.coefficient));
        equation.known.iter().for_each(&mut mark);
        for term in equation.unknowns.iter().filter(|t| kept(t.unknown)) {
            mark(&term.factor);
            mark(&Expr::new(ExprKind::Unknown(term.unknown), term.factor.span));
        }
    }
    let inside = |id: UnknownId| {
        let holds = |e: &Expr| e.any(&mut |e| matches!(e.kind, ExprKind::Unknown(u) if u == id));
        model.coefficients().any(|(_, _, term)| holds(&term.value))
    };
    let parameters = model.unknowns.iter().filter(|(_, u)| matches!(u.kind, UnknownKind::Param(_)));
    parameters.map(|(id, _)| id).filter(|id| used.get(id.index()) == Some(&false) && inside(*id)).collect()
}

/// A number with six significant digits, for people.
pub fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
