//! Parameters that only move a jump: the solution changes with them nowhere but where a condition changes, and no engine
//! differentiates that.

use crate::base::Idx;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W0705;
use crate::hir::{Expr, ExprKind, Model, UnaryFn, UnknownId, UnknownKind};
use crate::source::Span;

/// A warning for each such parameter of a model that is fitted; one for all elements of a family.
pub(super) fn warnings(model: &Model) -> Vec<Diagnostic> {
    let mut all = vec![false; model.unknowns.len()];
    let mut smooth = vec![false; model.unknowns.len()];
    for equation in &model.equations {
        equation.residual.visit(&mut |e| mark(e, &mut all));
        visit_smooth(&equation.residual, &mut |e| mark(e, &mut smooth));
    }
    let mut said: Vec<Span> = Vec::new();
    let mut out = Vec::new();
    for (id, unknown) in model.unknowns.iter() {
        let UnknownKind::Param(param) = unknown.kind else { continue };
        let Some(span) = model.params.get(param).map(|p| p.span) else { continue };
        if !holds(&all, id) || holds(&smooth, id) || said.contains(&span) {
            continue;
        }
        said.push(span);
        let name = &unknown.name;
        let message =
            format!("`{name}` only moves a jump, which is not differentiated: the fit leaves it at its start");
        let help = format!(
            "write `fixed` after it and compare fits with several values, or make the step smooth: `(1 + tanh((x - {name})/w))/2`"
        );
        out.push(Diagnostic::warning(W0705, message, span, "in conditions only").help(help));
    }
    out
}

fn holds(marks: &[bool], id: UnknownId) -> bool {
    marks.get(id.index()) == Some(&true)
}

fn mark(expr: &Expr, marks: &mut [bool]) {
    if let ExprKind::Unknown(id) = expr.kind
        && let Some(slot) = marks.get_mut(id.index())
    {
        *slot = true;
    }
}

/// Calls `visit` on everything that the value of `expr` has a derivative by: not on conditions, nor on what a sign is taken of.
fn visit_smooth(expr: &Expr, visit: &mut impl FnMut(&Expr)) {
    visit(expr);
    match &expr.kind {
        ExprKind::Select(_, parts) => parts.iter().skip(2).for_each(|e| visit_smooth(e, visit)),
        ExprKind::Unary(UnaryFn::Sign, _) => {}
        _ => expr.operands().for_each(|e| visit_smooth(e, visit)),
    }
}
