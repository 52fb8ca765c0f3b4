//! Parameters: their values, ranges and the unknowns of those that are estimated.

use super::resolve::Resolver;
use super::scope::Meaning;
use crate::base::{Arena, Idx};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0212, E0213, E1012};
use crate::hir::{Bounds, ParamId, Unknown, UnknownId, UnknownKind};
use crate::syntax::ast;

impl<'a> Resolver<'a, '_> {
    /// Values and bounds of the parameters, and the unknowns of those that are estimated.
    pub(super) fn parameters(&mut self, model: &'a ast::Model) -> Arena<UnknownId, Unknown> {
        let mut unknowns = Arena::new();
        let mut done = vec![false; self.scope.params.len()];
        for item in &model.body {
            let ast::ModelItem::Param(list) = item else { continue };
            for decl in list {
                let name = decl.name.name.as_str();
                let Some(Meaning::Param(first)) = self.scope.names.get(name).map(|e| e.meaning) else { continue };
                if std::mem::replace(&mut done[first.index()], true) {
                    continue;
                }
                for k in 0..self.elements(name) {
                    self.parameter(ParamId::new(first.index() + k), decl, &mut unknowns);
                }
                if let (true, Some(span)) = (decl.fixed, decl.per_sample) {
                    let message = format!("`{name}` is fixed, and so the same for every sample");
                    let d = Diagnostic::error(E1012, message, span, "cannot differ");
                    self.sink.push(d.help("leave one of them out"));
                }
                if decl.fixed && decl.value.is_none() {
                    let message = format!("`{name}` is fixed, but has no value");
                    let d = Diagnostic::error(E0212, message, decl.name.span, "to be fixed at what?");
                    self.sink.push(d.help(format!("write `param {name} = 1 fixed`")));
                }
            }
        }
        self.next_unknown = unknowns.len();
        unknowns
    }

    fn parameter(&mut self, p: ParamId, decl: &'a ast::ParamDecl, unknowns: &mut Arena<UnknownId, Unknown>) {
        let value = self.param_value(p, decl.name.span);
        let slot = self.scope.param_slots[p.index()].clone();
        let bounds = self.in_slot(&slot, |r| r.bounds(p, decl, value));
        self.scope.params[p].value = value;
        self.scope.params[p].bounds = bounds;
        if !decl.fixed {
            let (kind, name) = (UnknownKind::Param(p), self.scope.params[p].name.clone());
            let unknown = Unknown { kind, name, start: value, bounds, linear: false };
            self.scope.param_unknowns[p.index()] = Some(unknowns.push(unknown));
        }
    }

    fn bounds(&mut self, p: ParamId, decl: &ast::ParamDecl, value: Option<f64>) -> Bounds {
        let Some((low, high)) = &decl.bounds else { return Bounds::FREE };
        let (lower, upper) = (self.constant(low), self.constant(high));
        let (Some(lower), Some(upper)) = (lower, upper) else { return Bounds::FREE };
        let place = low.span.to(high.span);
        let name = &self.scope.params[p].name;
        if lower >= upper {
            let message = format!("the range of `{name}` is empty: its lower end is not below its upper end");
            let d = Diagnostic::error(E0213, message, place, "no number lies in here");
            self.sink.push(match lower > upper {
                true => {
                    let turned = format!("{}, {}", crate::hir::number(upper), crate::hir::number(lower));
                    d.help(format!("the lower end comes first: `in [{turned}]`")).replace(place, turned)
                }
                false => {
                    d.help(format!("a known number has no range: `param {name} = {} fixed`", crate::hir::number(lower)))
                }
            });
            return Bounds::FREE;
        }
        if let (Some(v), Some(expr)) = (value, &decl.value)
            && !(lower..=upper).contains(&v)
        {
            let message = format!("the value of `{name}` lies outside its range");
            let d = Diagnostic::error(E0213, message, expr.span, "outside");
            self.sink.push(d.label(place, "the range").help("write a value within the range, or another range"));
        }
        Bounds { lower, upper }
    }
}
