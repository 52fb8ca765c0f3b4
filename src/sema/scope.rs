//! The names of one model, and what is known about each of them so far.

use std::cell::Cell;

use super::suggest;
use crate::base::{Arena, Idx, IndexMap};
use crate::diagnostics::{Diagnostic, Sink};
use crate::hir::{Bounds, Expr, Input, InputId, Param, ParamId, State, StateId, UnaryFn, UnknownId};
use crate::source::Span;
use crate::syntax::ast;

use crate::diagnostics::codes::{E0202, E0203};

/// What a name of a model stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A state variable.
    State(StateId),
    /// A parameter, estimated or fixed.
    Param(ParamId),
    /// A constant: position in [`Scope::consts`].
    Const(usize),
    /// A `let`: position in [`Scope::lets`].
    Let(usize),
    /// A known function of time.
    Input(InputId),
}

impl Meaning {
    /// What such a name is called in messages.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Meaning::State(_) => "a state",
            Meaning::Param(_) => "a parameter",
            Meaning::Const(_) => "a constant",
            Meaning::Let(_) => "a `let`",
            Meaning::Input(_) => "an input",
        }
    }
}

/// A declared name.
#[derive(Debug)]
pub(super) struct Entry {
    /// What it stands for.
    pub(super) meaning: Meaning,
    /// Where it is declared.
    pub(super) span: Span,
    /// Whether anything mentions it.
    pub(super) used: Cell<bool>,
}

/// Something computed when it is first needed.
#[derive(Clone, Debug)]
pub(super) enum Lazy<'a, T> {
    /// Not looked at yet.
    Pending(&'a ast::Expr),
    /// Being computed: needing it now is a cycle.
    Busy,
    /// Computed.
    Done(T),
    /// Wrong, and said so.
    Failed,
}

/// A substituted quantity with its size.
#[derive(Clone, Debug)]
pub(super) struct Quantity {
    /// What stands in its place.
    pub(super) value: Expr,
    /// Nodes in it.
    pub(super) size: usize,
    /// Longest path from its root.
    pub(super) depth: usize,
}

/// Every declaration of a model.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    /// By name.
    pub(super) names: IndexMap<&'a str, Entry>,
    /// States; their order is settled with the equations.
    pub(super) states: Arena<StateId, State>,
    /// The `order` each state declares.
    pub(super) declared_orders: Vec<Option<&'a ast::Expr>>,
    /// Parameters.
    pub(super) params: Arena<ParamId, Param>,
    /// Their values.
    pub(super) param_values: Vec<Option<Lazy<'a, f64>>>,
    /// The unknown of each estimated parameter.
    pub(super) param_unknowns: Vec<Option<UnknownId>>,
    /// Inputs.
    pub(super) inputs: Arena<InputId, Input>,
    /// Constants.
    pub(super) consts: Vec<Lazy<'a, f64>>,
    /// Substituted quantities.
    pub(super) lets: Vec<Lazy<'a, Quantity>>,
}

/// Names every model has.
pub(super) const BUILT_IN: [&str; 2] = ["t", "pi"];

/// Functions of more than one argument, and other spellings of those of one.
pub(super) const OTHER_FUNCTIONS: [&str; 4] = ["min", "max", "log", "relu"];

/// Every function a model may call.
pub(super) fn functions() -> impl Iterator<Item = &'static str> {
    UnaryFn::ALL.iter().filter(|f| **f != UnaryFn::Neg).map(|f| f.name()).chain(OTHER_FUNCTIONS)
}

impl<'a> Scope<'a> {
    /// Enters every declaration of `model`; duplicates and reserved names are reported and left out.
    pub(super) fn declare(model: &'a ast::Model, sink: &mut Sink) -> Self {
        let mut scope = Scope::default();
        for item in &model.body {
            match item {
                ast::ModelItem::State(list) => list.iter().for_each(|d| scope.state(d, sink)),
                ast::ModelItem::Param(list) => list.iter().for_each(|d| scope.param(d, sink)),
                ast::ModelItem::Const(list) => {
                    for b in list {
                        if scope.enter(&b.name, Meaning::Const(scope.consts.len()), sink) {
                            scope.consts.push(Lazy::Pending(&b.value));
                        }
                    }
                }
                ast::ModelItem::Input(list) => {
                    for name in list {
                        if scope.enter(name, Meaning::Input(InputId::new(scope.inputs.len())), sink) {
                            scope.inputs.push(Input { name: name.name.clone(), span: name.span });
                        }
                    }
                }
                ast::ModelItem::Let(b) => {
                    if scope.enter(&b.name, Meaning::Let(scope.lets.len()), sink) {
                        scope.lets.push(Lazy::Pending(&b.value));
                    }
                }
                ast::ModelItem::Equation(_) | ast::ModelItem::Initial(_) => {}
            }
        }
        scope
    }

    /// The entry of `name`, marked as used.
    pub(super) fn lookup(&self, name: &str) -> Option<&Entry> {
        let entry = self.names.get(name)?;
        entry.used.set(true);
        Some(entry)
    }

    /// What to say when `name` is unknown.
    pub(super) fn suggestion(&self, name: &str) -> String {
        suggest::help("names here", name, self.names.keys().copied().chain(BUILT_IN))
    }

    fn state(&mut self, decl: &'a ast::StateDecl, sink: &mut Sink) {
        if self.enter(&decl.name, Meaning::State(StateId::new(self.states.len())), sink) {
            self.states.push(State { name: decl.name.name.clone(), order: 0, span: decl.name.span });
            self.declared_orders.push(decl.order.as_ref());
        }
    }

    fn param(&mut self, decl: &'a ast::ParamDecl, sink: &mut Sink) {
        if self.enter(&decl.name, Meaning::Param(ParamId::new(self.params.len())), sink) {
            let name = decl.name.name.clone();
            let (value, bounds, span) = (None, Bounds::FREE, decl.name.span);
            self.params.push(Param { name, value, bounds, fixed: decl.fixed, span });
            self.param_values.push(decl.value.as_ref().map(Lazy::Pending));
            self.param_unknowns.push(None);
        }
    }

    fn enter(&mut self, name: &'a ast::Ident, meaning: Meaning, sink: &mut Sink) -> bool {
        let text = name.name.as_str();
        if let Some(reserved) = reserved(text) {
            let message = format!("`{text}` cannot be declared: it is {reserved}");
            sink.push(Diagnostic::error(E0203, message, name.span, "taken").help("choose another name"));
            return false;
        }
        if let Some(first) = self.names.get(text) {
            let d = Diagnostic::error(E0202, format!("`{text}` is declared twice"), name.span, "declared again here");
            sink.push(d.label(first.span, format!("first declared here, as {}", first.meaning.noun())));
            return false;
        }
        self.names.insert(text, Entry { meaning, span: name.span, used: Cell::new(false) });
        true
    }
}

fn reserved(name: &str) -> Option<&'static str> {
    match name {
        "t" => Some("the time"),
        "pi" => Some("the number 3.14159..."),
        _ if functions().any(|f| f == name) => Some("a function"),
        _ => None,
    }
}
