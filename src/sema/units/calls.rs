//! Units of calls.

use super::super::functions::{DIFFERENCES, substitute};
use super::super::scope::Meaning;
use super::infer::Checker;
use super::solve::Measure;
use crate::base::Ratio;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};

/// What a function does with the unit of its argument.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Effect {
    /// Keeps it: `abs`.
    Same,
    /// Takes its root.
    Root,
    /// Takes any and gives a plain number: `sign`.
    Forgets,
    /// Takes a plain number and gives one.
    Plain,
}

pub(in super::super) fn effect(name: &str) -> Effect {
    match name {
        "abs" | "relu" => Effect::Same,
        "sqrt" => Effect::Root,
        "sign" => Effect::Forgets,
        _ => Effect::Plain,
    }
}

impl Checker<'_, '_> {
    /// The unit of a call: of the body with the arguments in it, of a difference, or of a function that every model knows.
    pub(super) fn call(&mut self, call: &ast::Call, span: Span) -> Measure {
        let name = call.function.name.as_str();
        if let Some(function) = self.scope.functions.get(name).copied() {
            let arguments: Vec<(&str, &ast::Expr)> =
                function.params.iter().map(|p| p.name.as_str()).zip(&call.arguments).collect();
            let mut body = function.body.clone();
            self.fresh += 1;
            substitute(&mut body, &arguments, self.fresh);
            self.calls.push(span);
            let measure = self.infer(&body);
            self.calls.pop();
            return measure;
        }
        if DIFFERENCES.contains(&name) && !self.scope.axes.is_empty() {
            return self.difference(call);
        }
        self.built_in(call)
    }

    /// `dx(u)`, `dxx(u)`, `D(u, k)`: each derivative divides by the spacing.
    fn difference(&mut self, call: &ast::Call) -> Measure {
        let Some(of) = call.arguments.first() else { return self.solver.fresh() };
        let measure = self.infer(of);
        let own = if call.function.name == "D" { 2 } else { 1 };
        let times = match call.function.name.as_str() {
            "dx" => Some(1.0),
            "dxx" => Some(2.0),
            _ => call.arguments.get(1).and_then(|k| self.constant(k, 0)),
        };
        let axis = match call.arguments.get(own).map(|e| &e.kind) {
            Some(ExprKind::Name(name)) => match self.scope.names.get(name.as_str()).map(|e| e.meaning) {
                Some(Meaning::Index(axis)) => Some(axis),
                _ => None,
            },
            _ => {
                let mut mentioned = Vec::new();
                self.scope.mentioned_axes(of, &mut mentioned);
                mentioned.into_iter().find(|&a| self.scope.axes.get(a).is_some_and(|axis| axis.spacing.is_some()))
            }
        };
        let spacing = axis.and_then(|a| self.spacings.get(a).cloned().flatten());
        match (spacing, times.and_then(Ratio::of)) {
            (Some(spacing), Some(times)) => measure.over(&spacing.power(times)),
            _ => self.solver.fresh(),
        }
    }

    /// The unit of a call of a function that is not the user's.
    fn built_in(&mut self, call: &ast::Call) -> Measure {
        let name = call.function.name.as_str();
        if matches!(name, "min" | "max") {
            return self.alike(&call.arguments.iter().collect::<Vec<_>>());
        }
        let Some(argument) = call.arguments.first() else { return self.solver.fresh() };
        match effect(name) {
            Effect::Same => self.infer(argument),
            Effect::Root => self.infer(argument).power(Ratio::new(1, 2)),
            Effect::Forgets => {
                self.infer(argument);
                Measure::one()
            }
            Effect::Plain => {
                // Of a call that is wrong nothing follows for what holds it.
                match self.bare(argument) || self.plain(argument, call.function.span, &format!("`{name}`")) {
                    true => Measure::one(),
                    false => self.solver.fresh(),
                }
            }
        }
    }
}
