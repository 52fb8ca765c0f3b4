//! Expressions with what was found put in.

use crate::base::Idx;
use crate::hir::{self, BinaryOp, Expr, ExprKind, Model, UnaryFn, UnknownId, UnknownKind};
pub use crate::hir::{Term, terms};

/// `expr` with the size of every hole's coefficient under its own name and its sign before it, so that sums and products read
/// as they would with the number. Terms whose coefficient is zero vanish; parameters keep their names.
pub fn filled(model: &Model, expr: &Expr, values: &[f64]) -> Expr {
    let neg = |e: Expr| {
        let span = e.span;
        Expr::new(ExprKind::Unary(UnaryFn::Neg, Box::new(e)), span)
    };
    let kind = match &expr.kind {
        ExprKind::Unknown(id) => match model.unknowns.get(*id).map(|u| u.kind) {
            Some(UnknownKind::Coefficient { .. }) => match values.get(id.index()).copied().unwrap_or(0.0) {
                0.0 => ExprKind::Number(0.0),
                value if value < 0.0 => ExprKind::Unary(UnaryFn::Neg, Box::new(expr.clone())),
                _ => expr.kind.clone(),
            },
            _ => expr.kind.clone(),
        },
        ExprKind::Unary(f, a) => match (f, filled(model, a, values)) {
            (UnaryFn::Neg, a) if a.as_number().is_some() => ExprKind::Number(-a.as_number().unwrap_or(0.0)),
            (UnaryFn::Neg, Expr { kind: ExprKind::Unary(UnaryFn::Neg, a), .. }) => a.kind,
            // Of a hole of which nothing is left.
            (f, a) if a.as_number() == Some(0.0) && f.apply(0.0) == 0.0 => ExprKind::Number(0.0),
            (f, a) => ExprKind::Unary(*f, Box::new(a)),
        },
        ExprKind::Powi(a, n) => ExprKind::Powi(Box::new(filled(model, a, values)), *n),
        ExprKind::Select(compare, parts) => {
            let parts = parts.as_ref().clone().map(|e| filled(model, &e, values));
            match parts.each_ref().map(Expr::as_number) {
                [.., Some(a), Some(b)] if a.to_bits() == b.to_bits() => ExprKind::Number(a),
                _ => ExprKind::Select(*compare, Box::new(parts)),
            }
        }
        ExprKind::Binary(op, a, b) => {
            let (a, b) = (filled(model, a, values), filled(model, b, values));
            match (op, a.as_number(), b.as_number()) {
                (BinaryOp::Mul, Some(0.0), _) | (BinaryOp::Mul, _, Some(0.0)) => ExprKind::Number(0.0),
                (BinaryOp::Div, Some(0.0), None) => ExprKind::Number(0.0),
                (BinaryOp::Mul, Some(1.0), _) | (BinaryOp::Add, Some(0.0), _) => b.kind,
                (BinaryOp::Mul | BinaryOp::Div, _, Some(1.0)) | (BinaryOp::Add | BinaryOp::Sub, _, Some(0.0)) => a.kind,
                _ => {
                    let ((less_a, a), (less_b, b)) = (sign(a), sign(b));
                    let of = |op, a, b| Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), expr.span);
                    match (op, less_a, less_b) {
                        (BinaryOp::Mul | BinaryOp::Div, _, _) if less_a != less_b => neg(of(*op, a, b)).kind,
                        (BinaryOp::Mul | BinaryOp::Div, _, _) => of(*op, a, b).kind,
                        (BinaryOp::Add, false, true) => of(BinaryOp::Sub, a, b).kind,
                        (BinaryOp::Sub, false, true) => of(BinaryOp::Add, a, b).kind,
                        _ => {
                            let back = |less: bool, e: Expr| if less { neg(e) } else { e };
                            of(*op, back(less_a, a), back(less_b, b)).kind
                        }
                    }
                }
            }
        }
        other => other.clone(),
    };
    let out = Expr::new(kind, expr.span);
    match worked_out(&out).filter(|_| expr.any(&mut |e| holds_coefficient(model, e))) {
        Some(value) => Expr::number(value, expr.span),
        None => out,
    }
}

/// The value of an operation on numbers alone, as a hole of which nothing is left leaves them: `exp(0)`.
fn worked_out(expr: &Expr) -> Option<f64> {
    let numbers = expr.operands().next().is_some() && expr.operands().all(|e| e.as_number().is_some());
    numbers.then(|| expr.eval(&hir::Point::default())).filter(|v| v.is_finite())
}

fn holds_coefficient(model: &Model, expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Unknown(id) if model.unknowns.get(id).is_some_and(|u| u.is_coefficient()))
}

/// Whether a minus stands before an expression, and what is behind it.
fn sign(expr: Expr) -> (bool, Expr) {
    match expr.kind {
        ExprKind::Unary(UnaryFn::Neg, a) => (true, *a),
        _ => (false, expr),
    }
}

/// A hole's coefficient that is a factor of a product, taken out of it, and what is left.
pub fn coefficient(model: &Model, expr: &Expr) -> Option<(UnknownId, Option<Expr>)> {
    let of = |op, a: Expr, b: &Expr| Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b.clone())), expr.span);
    match &expr.kind {
        ExprKind::Unknown(id) if model.unknowns.get(*id).is_some_and(|u| u.is_coefficient()) => Some((*id, None)),
        ExprKind::Binary(BinaryOp::Mul, a, b) => match coefficient(model, a) {
            Some((id, rest)) => Some((id, Some(rest.map_or_else(|| b.as_ref().clone(), |a| of(BinaryOp::Mul, a, b))))),
            None => {
                let (id, rest) = coefficient(model, b)?;
                let left = a.as_ref().clone();
                Some((id, Some(rest.map_or_else(|| left.clone(), |b| of(BinaryOp::Mul, left.clone(), &b)))))
            }
        },
        ExprKind::Binary(BinaryOp::Div, a, b) => {
            let (id, rest) = coefficient(model, a)?;
            Some((id, Some(of(BinaryOp::Div, rest.unwrap_or_else(|| Expr::number(1.0, a.span)), b))))
        }
        _ => None,
    }
}

/// Parameters that stand in dropped terms only, so that nothing that was found depends on them. `kept` says of every unknown
/// whether it is kept.
pub fn idle_parameters(model: &Model, kept: &dyn Fn(UnknownId) -> bool) -> Vec<UnknownId> {
    unused_parameters(model, kept).into_iter().filter(|id| stands_in_a_term(model, *id)).collect()
}

/// Parameters that no equation holds.
pub fn unheld_parameters(model: &Model) -> Vec<UnknownId> {
    unused_parameters(model, &|_| true).into_iter().filter(|id| !stands_in_a_term(model, *id)).collect()
}

/// Whether a candidate term holds the unknown.
fn stands_in_a_term(model: &Model, id: UnknownId) -> bool {
    let holds = |e: &Expr| e.any(&mut |e| matches!(e.kind, ExprKind::Unknown(u) if u == id));
    model.coefficients().any(|(_, _, term)| holds(&term.value))
}

/// Parameters that no kept part of an equation holds.
fn unused_parameters(model: &Model, kept: &dyn Fn(UnknownId) -> bool) -> Vec<UnknownId> {
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
    let parameters = model.unknowns.iter().filter(|(_, u)| matches!(u.kind, UnknownKind::Param(_)));
    parameters.map(|(id, _)| id).filter(|id| used.get(id.index()) == Some(&false)).collect()
}

/// A number with six significant digits, for people.
pub fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
