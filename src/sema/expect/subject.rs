//! Names of fits, models and data sets in expectations.

use super::super::suggest;
use super::super::units::{Effect, Table, effect};
use super::calls::OfModels;
use super::family;
use super::holes::{as_written, declared};
use super::unit_of::measured_factor;
use crate::diagnostics::codes::{E1102, E1103};
use crate::diagnostics::{Advice, Diagnostic, Sink};
use crate::hir::{self, DataId, EquationRef, FitId, Model, ModelId, Program, Subject};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Function};

/// What a name before a dot stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Data(DataId),
    Of(Subject),
}

/// Resolves the expectations of one program.
pub(super) struct Resolver<'a> {
    pub program: &'a Program,
    pub sink: &'a mut Sink,
    /// Names of items that a test uses.
    pub used: &'a mut Vec<String>,
    /// The functions of the file.
    pub functions: &'a [Function],
    /// The functions that models declare for themselves.
    pub of_models: &'a OfModels<'a>,
    /// The units of the file.
    pub table: &'a Table,
    /// Calls of them so far, and how many the current place lies in.
    pub calls: usize,
    pub depth: usize,
    /// Whether there were too many calls, which has been reported.
    pub lost: bool,
}

impl<'a> Resolver<'a> {
    pub fn unknown(&mut self, message: String, span: Span, help: impl Into<Advice>) {
        let d = Diagnostic::error(E1102, message.as_str(), span, "").help(help);
        self.sink.push(d.missing(message));
    }

    pub fn wrong(&mut self, message: impl Into<String>, span: Span, help: impl Into<Advice>) {
        self.sink.push(Diagnostic::error(E1103, message, span, "").help(help));
    }

    /// Whether a data set, a fit or a model has this name.
    pub fn is_item(&self, name: &str) -> bool {
        let program = self.program;
        program.data.values().any(|d| d.name == name)
            || program.fits.values().any(|f| f.name == name)
            || program.models.values().any(|m| m.name == name)
    }

    fn model_id(&self, subject: Subject) -> ModelId {
        match subject {
            Subject::Fit(id) => self.program.fits[id].model,
            Subject::Model(id) => id,
        }
    }

    pub fn model(&self, subject: Subject) -> &'a Model {
        &self.program.models[self.model_id(subject)]
    }

    /// The only fit of the file, which names without an owner belong to.
    pub fn only_fit(&mut self, span: Span) -> Option<FitId> {
        let ids: Vec<FitId> = self.program.fits.ids().collect();
        match ids.as_slice() {
            [only] => Some(*only),
            [] => {
                let help = "put the name of a data set or a model and a dot before it: `run.x`, `Model.k`".to_string();
                self.unknown("the file has no fit that this could belong to".to_string(), span, help);
                None
            }
            several => {
                let names: Vec<&str> = several.iter().map(|id| self.program.fits[*id].name.as_str()).collect();
                let help = format!("put its name and a dot before it: `{}.x`; fits: {}", names[0], names.join(", "));
                self.unknown(format!("the file has {} fits, and this says not which", names.len()), span, help);
                None
            }
        }
    }

    /// The item called `name`.
    pub fn owner(&mut self, name: &str, span: Span) -> Option<Owner> {
        let program = self.program;
        let data = program.data.iter().find(|(_, d)| d.name == name).map(|(id, _)| Owner::Data(id));
        let fit = || program.fits.iter().find(|(_, f)| f.name == name).map(|(id, _)| Owner::Of(Subject::Fit(id)));
        let model = || program.models.iter().find(|(_, m)| m.name == name).map(|(id, _)| Owner::Of(Subject::Model(id)));
        let found = data.or_else(fit).or_else(model);
        if found.is_some() {
            self.used.push(name.to_string());
            return found;
        }
        let names = program.data.values().map(|d| d.name.as_str());
        let names = names.chain(program.fits.values().map(|f| f.name.as_str()));
        let names = names.chain(program.models.values().map(|m| m.name.as_str()));
        let help = suggest::help_of_many(self.sink, "data sets, fits and models", name, names);
        self.unknown(format!("there is no data set, fit or model `{name}`"), span, help);
        None
    }

    /// A fit or model called `name`.
    pub fn subject(&mut self, name: &str, span: Span) -> Option<Subject> {
        match self.owner(name, span)? {
            Owner::Of(subject) => Some(subject),
            Owner::Data(_) => {
                self.wrong(format!("`{name}` is a data set, which has no equations"), span, "name a fit or a model");
                None
            }
        }
    }

    /// The only fit of the file; reports nothing.
    pub fn single_fit(&self) -> Option<FitId> {
        let mut ids = self.program.fits.ids();
        ids.next().filter(|_| ids.next().is_none())
    }

    /// The fit or model called `name`; reports nothing.
    pub fn named_subject(&self, name: &str) -> Option<Subject> {
        let program = self.program;
        let fit = program.fits.iter().find(|(_, f)| f.name == name).map(|(id, _)| Subject::Fit(id));
        fit.or_else(|| program.models.iter().find(|(_, m)| m.name == name).map(|(id, _)| Subject::Model(id)))
    }

    /// `x`, `quick.x` or `x[3]`: the state of a fit or model.
    pub fn state(&mut self, expr: &Expr) -> Option<(Subject, String)> {
        if let Some(element) = family::element(expr) {
            return self.state(&element);
        }
        let (subject, name, span) = match &expr.kind {
            ExprKind::Name(name) => (Subject::Fit(self.only_fit(expr.span)?), name.clone(), expr.span),
            ExprKind::Field { of, name } => match &of.kind {
                ExprKind::Name(owner) => (self.subject(owner, of.span)?, name.name.clone(), name.span),
                _ => return self.no_state(expr.span),
            },
            _ => return self.no_state(expr.span),
        };
        let model = self.model(subject);
        if model.states.values().any(|s| s.name == name) {
            return Some((subject, name));
        }
        let first = model.states.values().find(|s| s.name.split_once('[').is_some_and(|(family, _)| family == name));
        if let Some(first) = first {
            let message = format!("`{name}` is a family of states, and one state is needed here");
            self.unknown(message, span, format!("name an element, such as `{}`", first.name));
            return None;
        }
        let help = suggest::help_of_many(self.sink, "states", &name, model.states.values().map(|s| s.name.as_str()));
        self.unknown(format!("model `{}` has no state `{name}`", model.name), span, help);
        None
    }

    fn no_state<T>(&mut self, span: Span) -> Option<T> {
        self.wrong("a state is expected here", span, "write `x`, or `quick.x` with the name of a fit or a model");
        None
    }

    /// `x'` or `quick.x''`: the equation of a state. `up` or `quick.up`: a hole with a name. `numerator(up)`, `denominator(x')`: a sum
    /// of a ratio.
    pub fn equation(&mut self, expr: &Expr) -> Option<EquationRef> {
        if let Some(found) = self.hole(expr) {
            return found;
        }
        let ExprKind::Primed { of, primes } = &expr.kind else {
            self.known_owner(expr)?;
            if let Some(hole) = self.hole_inside(expr) {
                let help = format!("a hole has its terms without what it is multiplied by: write `{hole}`");
                self.wrong("this is no equation, but what holds a hole", expr.span, Advice::instead(help, hole));
                return None;
            }
            if let Some((subject, name)) = self.owned(expr) {
                self.no_equation(&self.program.models[self.model_id(subject)], &name, expr);
                return None;
            }
            let help = "name an equation by its highest derivative, `x'`, or `quick.x'` with the name of a fit; or a hole that has a name";
            self.wrong("an equation is expected here", expr.span, help);
            return None;
        };
        if let Some(found) = self.statement(of, *primes, expr.span) {
            return found.and_then(|found| self.evaluated(found, expr.span));
        }
        let (subject, state) = self.state(of)?;
        let model = self.model(subject);
        let order = model.states.values().find(|s| s.name == state).map_or(1, |s| s.order);
        if u32::from(order) != *primes {
            let right = format!("{state}{}", "'".repeat(order.into()));
            self.wrong(format!("the equation of `{state}` gives `{right}`"), expr.span, format!("write `{right}`"));
            return None;
        }
        self.evaluated(EquationRef { subject, state, sum: None }, expr.span)
    }

    /// Says that a name stands for no equation.
    fn no_equation(&mut self, model: &Model, name: &str, expr: &Expr) {
        let written = as_written(expr);
        if let Some(state) = model.states.values().find(|s| hir::family(&s.name) == name || s.name == name) {
            let right = format!("{written}{}", "'".repeat(state.order.into()));
            let message = format!("an equation is expected here, and `{name}` is a state");
            let help = format!("an equation is named by its highest derivative: `{right}`");
            self.wrong(message, expr.span, Advice::instead(help, right));
            return;
        }
        let holes = declared(model).filter(|(_, hole)| hole.side.is_none()).map(|(_, hole)| hole.name.as_str());
        let of_state = |s: &hir::State| format!("{}{}", s.name, "'".repeat(s.order.into()));
        let equations: Vec<String> = match &model.statements {
            Some(statements) => statements.equations.iter().map(|s| s.left.clone()).collect(),
            None => model.states.values().map(of_state).collect(),
        };
        let names = holes.chain(equations.iter().map(String::as_str));
        let help = suggest::help_of_many(self.sink, "equations and holes", &written, names);
        let message = format!("model `{}` has neither an equation nor a hole `{name}`", model.name);
        self.unknown(message, expr.span, help);
    }

    /// The equation, where it has numbers to compare with.
    pub(super) fn evaluated(&mut self, found: EquationRef, span: Span) -> Option<EquationRef> {
        let model = self.model(found.subject);
        if let (Subject::Model(_), Some(open)) = (found.subject, model.params.values().find(|p| p.value.is_none())) {
            let message = format!("parameter `{}` of model `{}` has no value", open.name, model.name);
            self.wrong(message, span, "declare its value, or test a fit that estimates it");
            return None;
        }
        Some(found)
    }

    /// Whether a term can be one of the model's: every name in it is known, and numbers have the units of what they stand with. Reports the first that is
    /// not so.
    pub fn knows_term(&mut self, term: &Expr, model: &Model) -> bool {
        if let Some(number) = measured_factor(term) {
            let help =
                "leave it out: the number in front of a term is what it is compared with, `coef(s', s) == 2 [1/s]`";
            self.wrong("a number with a unit is no part of a term", number.span, help);
            return false;
        }
        self.knows(term, model)
    }

    fn knows(&mut self, term: &Expr, model: &Model) -> bool {
        let known = |name: &str| matches!(name, "t" | "pi") || names_in_terms(model).any(|n| n == name);
        match &term.kind {
            ExprKind::Number { .. } => true,
            ExprKind::Measured { value, unit } => {
                self.table.unit(unit, self.sink).is_some() && self.knows(value, model)
            }
            ExprKind::Name(name) if known(name) => true,
            ExprKind::Name(name) => {
                let help = suggest::help_of_many(self.sink, "names", name, names_in_terms(model));
                self.unknown(format!("model `{}` has no `{name}`", model.name), term.span, help);
                false
            }
            ExprKind::Primed { of, .. } => self.knows(of, model),
            ExprKind::Unary { operand, .. } => self.knows(operand, model),
            ExprKind::Binary { op, left, right } => {
                let added = matches!(op, BinaryOp::Add | BinaryOp::Subtract);
                self.knows(left, model) && self.knows(right, model) && (!added || self.fit_together(left, right, model))
            }
            ExprKind::Call(call) => {
                let plain = effect(&call.function.name) == Effect::Plain;
                call.arguments.iter().all(|a| self.knows(a, model) && (!plain || self.has_no_unit(a, model)))
            }
            ExprKind::Subscript { of, .. } => self.knows(of, model),
            // Its variable is one name more; what else stands in it shows when the terms are compared.
            ExprKind::Sum { .. } if model.statements.is_some() => true,
            _ => {
                self.wrong("this is not a term of an equation", term.span, "a term is a product such as `x*y^2`");
                false
            }
        }
    }
}

/// The names that may stand in terms of the equations of a model.
fn names_in_terms(model: &Model) -> impl Iterator<Item = &str> {
    let names = model.states.values().map(|s| s.name.as_str());
    let names = names.chain(model.inputs.values().map(|i| i.name.as_str()));
    let names = names.chain(model.params.values().map(|p| p.name.as_str()));
    let names = names.chain(model.abbreviations.iter().map(|(n, _)| n.as_str()));
    let names = names.chain(model.statements.iter().flat_map(|s| family::names(model, s)));
    names.chain(declared(model).map(|(_, hole)| hole.name.as_str()))
}
