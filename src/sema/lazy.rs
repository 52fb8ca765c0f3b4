//! Values of constants, `let`s and parameters, each computed when a name first needs it, so that their order does not matter.

use super::resolve::{Place, Resolver, depth};
use super::scope::{Lazy, Quantity};
use crate::base::Idx;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0209, E0210};
use crate::hir::{Expr, ExprKind, ParamId};
use crate::source::Span;

impl Resolver<'_, '_> {
    /// The size and depth of a `let`, computed at its first use.
    pub(super) fn quantity(&mut self, i: usize, name: &str, span: Span) -> Option<Quantity> {
        match &self.scope.lets[i] {
            Lazy::Done(q) => {
                // The value itself is cloned by the caller once it is known to fit.
                Some(Quantity { value: Expr::number(0.0, span), size: q.size, depth: q.depth })
            }
            Lazy::Failed => None,
            Lazy::Busy => self.cycle(name, span),
            Lazy::Pending(expr) => {
                let expr = *expr;
                self.scope.lets[i] = Lazy::Busy;
                let slot = self.scope.let_slots[i].clone();
                let part = self.part(expr, &slot, span);
                let value = part.and_then(|part| self.in_slot(&slot, |r| r.resolve_at(Place::Let, part)));
                let done = value.map(|value| Quantity { size: value.size(), depth: depth(&value), value });
                let shape = done.as_ref().map(|q| (q.size, q.depth));
                self.scope.lets[i] = done.map_or(Lazy::Failed, Lazy::Done);
                shape.map(|(size, depth)| Quantity { value: Expr::number(0.0, span), size, depth })
            }
        }
    }

    /// Resolves the `let` at `i` even if nothing uses it, so that mistakes in it are found.
    pub(super) fn force_let(&mut self, i: usize, name: &str, span: Span) -> bool {
        self.quantity(i, name, span).is_some()
    }

    /// The number a constant stands for.
    pub(super) fn constant_value(&mut self, i: usize, name: &str, span: Span) -> Option<Expr> {
        match &self.scope.consts[i] {
            Lazy::Done(v) => Some(Expr::number(*v, span)),
            Lazy::Failed => None,
            Lazy::Busy => self.cycle(name, span),
            Lazy::Pending(expr) => {
                let expr = *expr;
                self.scope.consts[i] = Lazy::Busy;
                let slot = self.scope.const_slots[i].clone();
                let part = self.part(expr, &slot, span);
                let value = part.and_then(|part| self.in_slot(&slot, |r| r.constant(part)));
                self.scope.consts[i] = value.map_or(Lazy::Failed, Lazy::Done);
                value.map(|v| Expr::number(v, span))
            }
        }
    }

    /// The declared value of a parameter; `None` also when it has none.
    pub(super) fn param_value(&mut self, p: ParamId, span: Span) -> Option<f64> {
        match self.scope.param_values[p.index()].clone()? {
            Lazy::Done(v) => Some(v),
            Lazy::Failed => None,
            Lazy::Busy => {
                let name = self.scope.params[p].name.clone();
                self.cycle::<f64>(&name, span)
            }
            Lazy::Pending(expr) => {
                self.scope.param_values[p.index()] = Some(Lazy::Busy);
                let slot = self.scope.param_slots[p.index()].clone();
                let part = self.part(expr, &slot, span);
                let value = part.and_then(|part| self.in_slot(&slot, |r| r.constant(part)));
                self.scope.param_values[p.index()] = Some(value.map_or(Lazy::Failed, Lazy::Done));
                value
            }
        }
    }

    pub(super) fn param(&mut self, p: ParamId, name: &str, span: Span) -> Option<Expr> {
        let declared = self.scope.params[p].span;
        if self.scope.params[p].fixed {
            // A fixed parameter without a value is reported where it is declared.
            return self.param_value(p, span).map(|v| Expr::number(v, span));
        }
        if self.place == Place::Constant {
            return self.not_constant(&format!("`{name}` is estimated"), span, Some(declared));
        }
        let unknown = self.scope.param_unknowns[p.index()]?;
        Some(Expr::new(ExprKind::Unknown(unknown), span))
    }

    fn cycle<T>(&mut self, name: &str, span: Span) -> Option<T> {
        let d = Diagnostic::error(E0209, format!("`{name}` is defined by itself"), span, "needed for its own value").help("give one of the names on the way a value without the others; what depends on its own value in time is a state");
        let d = match self.scope.names.get(name) {
            Some(entry) => d.label(entry.span, "declared here"),
            None => d,
        };
        self.sink.push(d);
        None
    }

    pub(super) fn not_constant(&mut self, why: &str, span: Span, declared: Option<Span>) -> Option<Expr> {
        let d = Diagnostic::error(E0210, format!("a number is needed here, but {why}"), span, "not a constant").help("write a number, a `const`, or a parameter that is `fixed`; what changes or is estimated is named by `let` and stands in equations");
        self.sink.push(match declared {
            Some(place) => d.label(place, "declared here"),
            None => d,
        });
        None
    }
}
