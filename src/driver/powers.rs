//! Powers whose exponent is estimated, as fits see them. Of a number below zero such a power has no value unless its exponent is whole, and then no
//! derivative by it: where a state begins at zero, or its samples scatter around it, a fit could not leave the exponent that it starts with. To a fit
//! the power of what is not above zero is zero, which it comes to at zero.

use std::borrow::Cow;

use crate::hir::{BinaryOp, Compare, Equation, Expr, ExprKind, Model};

/// The model with such powers as fits see them.
pub fn continued(model: &Model) -> Cow<'_, Model> {
    let mut powers = |e: &Expr| is_open(model, e);
    if !model.equations.iter().any(|equation| equation.residual.any(&mut powers)) {
        return Cow::Borrowed(model);
    }
    let mut out = model.clone();
    for Equation { residual, known, unknowns, .. } in &mut out.equations {
        let parts = std::iter::once(residual).chain(known).chain(unknowns.iter_mut().map(|term| &mut term.factor));
        parts.for_each(|part| part.rewrite(&mut |e| continue_at_zero(model, e)));
    }
    Cow::Owned(out)
}

/// Whether this is a power whose exponent a fit estimates, and may be positive, of what changes along a trajectory.
fn is_open(model: &Model, expr: &Expr) -> bool {
    let ExprKind::Binary(BinaryOp::Pow, base, exponent) = &expr.kind else { return false };
    let mut changes = |e: &Expr| matches!(e.kind, ExprKind::State(..) | ExprKind::Input(_) | ExprKind::Time);
    let mut estimated = |e: &Expr| matches!(e.kind, ExprKind::Unknown(id) if model.unknowns[id].bounds.upper > 0.0);
    base.any(&mut changes) && exponent.any(&mut estimated)
}

/// `x^n` as `if 0 < x then x^n else 0`, of which the derivatives are finite on either side.
fn continue_at_zero(model: &Model, expr: &mut Expr) {
    if !is_open(model, expr) {
        return;
    }
    let ExprKind::Binary(BinaryOp::Pow, base, exponent) = &expr.kind else { return };
    let of = |kind: ExprKind| Expr::new(kind, expr.span);
    let number = |value: f64| of(ExprKind::Number(value));
    let above = |then: Expr, otherwise: Expr| {
        of(ExprKind::Select(Compare::Less, Box::new([number(0.0), (**base).clone(), then, otherwise])))
    };
    // Both branches are computed, and so are their derivatives.
    let safe = Box::new(above((**base).clone(), number(1.0)));
    let power = of(ExprKind::Binary(BinaryOp::Pow, safe, exponent.clone()));
    *expr = above(power, number(0.0));
}
