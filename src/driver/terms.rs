//! Expressions with what was found put in.

use crate::base::Idx;
use crate::hir::{BinaryOp, Expr, ExprKind, Model, UnaryFn, UnknownId, UnknownKind};
pub use crate::hir::{Term, terms};

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
