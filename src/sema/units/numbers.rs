//! Numbers without a unit. Alone they take the unit that is needed and as factors they are plain; what they are in a sum is judged
//! when everything else is known.

use super::infer::Checker;
use super::report::shown;
use super::solve::Measure;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W0802;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, UnaryOp};

/// A number without a unit in a sum.
pub(super) struct Beside {
    pub(super) number: Span,
    /// A term of the same sum, and what it measures.
    pub(super) term: ast::Expr,
    pub(super) measure: Measure,
    /// Whether the number is a plain one where nothing else tells the unit of the sum.
    pub(super) factor: bool,
    /// Calls around the place, outermost first.
    pub(super) calls: Vec<Span>,
}

impl Checker<'_, '_> {
    /// Whether `expr` is made of numbers without a unit alone. What chooses among them is checked.
    pub(super) fn bare(&mut self, expr: &ast::Expr) -> bool {
        let bare = is_bare(expr);
        if bare {
            self.choices(expr);
        }
        bare
    }

    fn choices(&mut self, expr: &ast::Expr) {
        if let ExprKind::If { condition, .. } = &expr.kind {
            self.condition(condition);
        }
        super::each_part(expr, &mut |part| self.choices(part));
    }

    /// Keeps numbers without a unit that are terms of a sum of `measure`. One that is a side by itself is a value.
    pub(super) fn note_numbers(&mut self, parts: &[&ast::Expr], measure: &Measure) {
        let Some(term) = parts.iter().find(|e| !is_bare(e)) else { return };
        for number in parts.iter().filter(|e| is_bare(e) && !is_zero(e)) {
            self.beside.push(Beside {
                number: number.span,
                term: (*term).clone(),
                measure: measure.clone(),
                factor: self.factor,
                calls: self.calls.clone(),
            });
        }
    }

    /// Takes numbers without a unit as plain ones where the equations leave the unit of their sum open, in the order of the text,
    /// and reports those in sums of quantities.
    pub(super) fn judge_numbers(&mut self) {
        let beside = std::mem::take(&mut self.beside);
        for Beside { number, measure, .. } in beside.iter().filter(|b| b.factor) {
            if self.solver.reduce(measure).as_unit().is_none() {
                // An open unit can be that of plain numbers, so they agree.
                let _ = self.solver.unify(measure, &Measure::one(), *number);
            }
        }
        for Beside { number, term, measure, calls, .. } in beside {
            let measure = self.solver.reduce(&measure);
            let Some(unit) = measure.as_unit().filter(|u| !u.is_one()) else { continue };
            let unit = shown(unit);
            self.calls = calls;
            let message = format!("a number without a unit is added to a quantity in {unit}");
            let d = Diagnostic::warning(W0802, message, number, format!("taken as {unit}"));
            let d = self.origins(d.label(term.span, format!("in {unit}")), &term, number);
            self.push(d.help(format!(
                "write {unit} behind the number if that is meant, or make the other term a plain number"
            )));
        }
        self.calls.clear();
    }
}

fn is_zero(expr: &ast::Expr) -> bool {
    matches!(expr.kind, ExprKind::Number { value, .. } if value == 0.0)
}

/// Whether `expr` is made of numbers without a unit alone, whatever chooses among them.
pub(super) fn is_bare(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ExprKind::Number { .. } => true,
        ExprKind::Name(name) => name == "pi",
        ExprKind::Unary { op: UnaryOp::Negate | UnaryOp::Plus, operand } => is_bare(operand),
        ExprKind::Binary { left, right, .. } => is_bare(left) && is_bare(right),
        ExprKind::Call(call) => call.arguments.iter().all(is_bare),
        ExprKind::Tuple(list) => list.iter().all(is_bare),
        ExprKind::If { then, otherwise, .. } => is_bare(then) && is_bare(otherwise),
        _ => false,
    }
}
