//! The names of one model, and what is known about each of them so far.

use std::cell::Cell;
use std::rc::Rc;

use super::axes::Axis;
use super::elements::Slot;
use super::suggest;
use crate::base::{Arena, IndexMap};
use crate::diagnostics::{Advice, Sink};
use crate::hir::{Expr, Input, InputId, Param, ParamId, State, StateId, UnaryFn, UnknownId};
use crate::source::Span;
use crate::syntax::ast;

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
    /// An unknown term with a name: position in [`Scope::holes`].
    Hole(usize),
    /// An index set: position in [`Scope::axes`].
    Index(usize),
    /// A function of the user's.
    Function,
    /// Something whose declaration is wrong, which has been reported.
    Broken,
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
            Meaning::Hole(_) => "a hole",
            Meaning::Index(_) => "an index set",
            Meaning::Function => "a function",
            Meaning::Broken => "something else",
        }
    }
}

/// A declared name.
#[derive(Debug)]
pub(super) struct Entry {
    /// What it stands for; of a family the first element.
    pub(super) meaning: Meaning,
    /// Its index sets; the elements follow the first one row by row.
    pub(super) axes: Rc<[usize]>,
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
    /// Whether these are not the names of a model but those of formulas.
    pub(super) of_formulas: bool,
    /// By name.
    pub(super) names: IndexMap<&'a str, Entry>,
    /// Index sets.
    pub(super) axes: Vec<Axis>,
    /// Functions of the user's.
    pub(super) functions: IndexMap<&'a str, &'a ast::Function>,
    /// States; their order is settled with the equations.
    pub(super) states: Arena<StateId, State>,
    /// The `order` each state declares.
    pub(super) declared_orders: Vec<Option<&'a ast::Expr>>,
    /// Parameters.
    pub(super) params: Arena<ParamId, Param>,
    /// Their values.
    pub(super) param_values: Vec<Option<Lazy<'a, f64>>>,
    /// Their places in their families.
    pub(super) param_slots: Vec<Slot>,
    /// The unknown of each estimated parameter.
    pub(super) param_unknowns: Vec<Option<UnknownId>>,
    /// Inputs.
    pub(super) inputs: Arena<InputId, Input>,
    /// Constants.
    pub(super) consts: Vec<Lazy<'a, f64>>,
    /// Their places in their families.
    pub(super) const_slots: Vec<Slot>,
    /// Substituted quantities.
    pub(super) lets: Vec<Lazy<'a, Quantity>>,
    /// Their places in their families.
    pub(super) let_slots: Vec<Slot>,
    /// Holes with a name.
    pub(super) holes: Vec<&'a ast::Binding>,
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
    /// The entry of `name`, marked as used.
    pub(super) fn lookup(&self, name: &str) -> Option<&Entry> {
        let entry = self.names.get(name)?;
        entry.used.set(true);
        Some(entry)
    }

    /// What to say when `name` is unknown.
    pub(super) fn suggestion(&self, name: &str, sink: &Sink) -> Advice {
        // Random numbers of formulas have names with blanks, which nobody can write.
        let names = self.names.keys().copied().filter(|n| !n.contains(' '));
        suggest::help_of_many(sink, "names here", name, names.chain(BUILT_IN))
    }
}
