//! The declarations of a model entered into its scope.

use std::cell::Cell;
use std::rc::Rc;

use super::axes::{Axis, MAX_ELEMENTS};
use super::elements::Slot;
use super::fields::START;
use super::scope::{Entry, Lazy, Meaning, Scope, functions};
use super::suggest;
use crate::base::{Idx, IndexMap};
use crate::diagnostics::codes::{E0202, E0203, E0902, E0904};
use crate::diagnostics::{Diagnostic, Sink};
use crate::hir::{Bounds, FieldStart, Input, InputId, Param, ParamId, State, StateId};
use crate::syntax::ast;

impl<'a> Scope<'a> {
    /// Enters every declaration of `model`; duplicates and reserved names are reported and left out.
    pub(super) fn declare(model: &'a ast::Model, axes: IndexMap<String, Axis>, sink: &mut Sink) -> Self {
        let mut scope = Scope { axes: axes.into_values().collect(), ..Scope::default() };
        // Index sets come first, since the sizes of everything else depend on them.
        for item in &model.body {
            let ast::ModelItem::Index(list) = item else { continue };
            for decl in list {
                let place = scope.axes.iter().position(|a| a.span == decl.name.span);
                let meaning = place.filter(|&a| scope.axes[a].len > 0).map_or(Meaning::Broken, Meaning::Index);
                scope.enter(&decl.name, meaning, Rc::default(), sink);
            }
        }
        for item in &model.body {
            scope.item(item, sink);
        }
        scope.size_lets(model);
        scope
    }

    /// Constants, parameters and functions without index sets: all that the sizes of index sets may mention.
    pub(super) fn declare_scalars(model: &'a ast::Model, sink: &mut Sink) -> Self {
        let mut scope = Scope::default();
        for item in &model.body {
            match item {
                ast::ModelItem::Param(list) => {
                    list.iter().filter(|d| d.axes.is_empty()).for_each(|d| scope.param(d, sink));
                }
                ast::ModelItem::Const(list) => {
                    list.iter().filter(|b| b.axes.is_empty()).for_each(|b| scope.constant(b, sink));
                }
                ast::ModelItem::Function(_) => scope.item(item, sink),
                _ => {}
            }
        }
        scope
    }

    fn item(&mut self, item: &'a ast::ModelItem, sink: &mut Sink) {
        match item {
            ast::ModelItem::State(list) => list.iter().for_each(|d| self.state(d, sink)),
            ast::ModelItem::Param(list) => list.iter().for_each(|d| self.param(d, sink)),
            ast::ModelItem::Const(list) => list.iter().for_each(|b| self.constant(b, sink)),
            ast::ModelItem::Input(list) => self.inputs(list, None, sink),
            ast::ModelItem::Field(field) => self.inputs(&field.names, Some(START), sink),
            ast::ModelItem::Let(b) => {
                // Without declared index sets the size follows from what the name stands for.
                self.family(&b.name, &b.axes, Meaning::Let(usize::MAX), sink);
            }
            ast::ModelItem::Function(f) => {
                if self.enter(&f.name, Meaning::Function, Rc::default(), sink) {
                    self.functions.insert(&f.name.name, f);
                }
            }
            ast::ModelItem::Hole(b) => {
                let hole = Meaning::Hole(self.holes.len());
                if self.family(&b.name, &b.axes, hole, sink).is_some() {
                    self.holes.push(b);
                }
            }
            ast::ModelItem::Index(_)
            | ast::ModelItem::Step(_)
            | ast::ModelItem::Equation(_)
            | ast::ModelItem::Initial(_)
            | ast::ModelItem::Time(_)
            | ast::ModelItem::Final(_)
            | ast::ModelItem::Boundary(_)
            | ast::ModelItem::For(_) => {}
        }
    }

    /// Inputs, or fields, which the fit finds from their start on.
    fn inputs(&mut self, list: &'a [ast::InputDecl], field: Option<FieldStart>, sink: &mut Sink) {
        for decl in list {
            let first = Meaning::Input(InputId::new(self.inputs.len()));
            let Some(axes) = self.family(&decl.name, &decl.axes, first, sink) else { continue };
            for flat in 0..self.size_of(&axes) {
                let name = self.element_name(&decl.name.name, &axes, flat);
                self.inputs.push(Input { name, field, between: decl.between, span: decl.name.span });
            }
        }
    }

    fn state(&mut self, decl: &'a ast::StateDecl, sink: &mut Sink) {
        let first = Meaning::State(StateId::new(self.states.len()));
        let Some(axes) = self.family(&decl.name, &decl.axes, first, sink) else { return };
        for flat in 0..self.size_of(&axes) {
            let name = self.element_name(&decl.name.name, &axes, flat);
            self.states.push(State { name, order: 0, span: decl.name.span });
            self.declared_orders.push(decl.order.as_ref());
        }
    }

    fn param(&mut self, decl: &'a ast::ParamDecl, sink: &mut Sink) {
        let first = Meaning::Param(ParamId::new(self.params.len()));
        let Some(axes) = self.family(&decl.name, &decl.axes, first, sink) else { return };
        for flat in 0..self.size_of(&axes) {
            let name = self.element_name(&decl.name.name, &axes, flat);
            let (value, bounds, span) = (None, Bounds::FREE, decl.name.span);
            self.params.push(Param {
                name,
                value,
                bounds,
                fixed: decl.fixed,
                held: false,
                per_sample: decl.per_sample.is_some(),
                span,
            });
            self.param_values.push(decl.value.as_ref().map(Lazy::Pending));
            self.param_slots.push(Slot { axes: axes.clone(), flat });
            self.param_unknowns.push(None);
        }
    }

    fn constant(&mut self, b: &'a ast::Binding, sink: &mut Sink) {
        let Some(axes) = self.family(&b.name, &b.axes, Meaning::Const(self.consts.len()), sink) else { return };
        for flat in 0..self.size_of(&axes) {
            self.consts.push(Lazy::Pending(&b.value));
            self.const_slots.push(Slot { axes: axes.clone(), flat });
        }
    }

    /// Enters a name with its index sets, which are returned when all is well.
    fn family(
        &mut self,
        name: &'a ast::Ident,
        list: &[ast::Ident],
        first: Meaning,
        sink: &mut Sink,
    ) -> Option<Rc<[usize]>> {
        let mut axes = Vec::with_capacity(list.len());
        let mut broken = false;
        for axis in list {
            match self.names.get(axis.name.as_str()).map(|e| e.meaning) {
                Some(Meaning::Index(a)) => {
                    self.axes[a].used.set(true);
                    axes.push(a);
                }
                Some(Meaning::Broken) => broken = true,
                _ => {
                    broken = true;
                    let message = format!("there is no index set `{}`", axis.name);
                    let help = match self.axes.is_empty() {
                        true if crate::hir::known_unit(&axis.name).is_some() => {
                            format!("a unit stands behind a blank: `{} [{}]`", name.name, axis.name).into()
                        }
                        true => format!("declare it: `index {} = 10`", axis.name).into(),
                        false => {
                            let known = self.axes.iter().map(|a| a.name.as_str());
                            suggest::help_of_many(sink, "index sets", &axis.name, known)
                        }
                    };
                    sink.push(
                        Diagnostic::error(E0904, message, axis.span, "unknown index set")
                            .help(help)
                            .missing(&axis.name),
                    );
                }
            }
        }
        let size = self.size_of(&axes);
        if size > MAX_ELEMENTS && !broken {
            let message = format!("`{}` has {size} elements; at most {} are possible", name.name, MAX_ELEMENTS);
            sink.push(
                Diagnostic::error(E0902, message, name.span, "too large").help("declare it over smaller index sets"),
            );
            broken = true;
        }
        let axes: Rc<[usize]> = axes.into();
        let meaning = if broken { Meaning::Broken } else { first };
        (self.enter(name, meaning, axes.clone(), sink) && !broken).then_some(axes)
    }

    /// Gives every `let` its index sets (those declared, or those of what it stands for) and its elements.
    fn size_lets(&mut self, model: &'a ast::Model) {
        let mut open: Vec<&'a ast::Binding> = Vec::new();
        for item in &model.body {
            let ast::ModelItem::Let(b) = item else { continue };
            let own = self.names.get(b.name.name.as_str()).is_some_and(|e| e.span == b.name.span);
            if own && self.names[b.name.name.as_str()].meaning != Meaning::Broken {
                open.push(b);
            }
        }
        // A `let` may use others in any order: repeat until nothing grows. A chain of n needs n rounds at most.
        if !self.axes.is_empty() {
            let mut grew = true;
            let mut rounds = 0;
            while grew && rounds <= open.len() {
                grew = false;
                rounds += 1;
                for b in open.iter().filter(|b| b.axes.is_empty()) {
                    let mut axes = Vec::new();
                    self.free_axes(&b.value, &[], &mut axes);
                    if let Some(entry) = self.names.get_mut(b.name.name.as_str())
                        && entry.axes.as_ref() != axes.as_slice()
                    {
                        entry.axes = axes.into();
                        grew = true;
                    }
                }
            }
        }
        for b in open {
            let axes = self.names[b.name.name.as_str()].axes.clone();
            let size = self.size_of(&axes).min(MAX_ELEMENTS);
            let first = self.lets.len();
            for flat in 0..size {
                self.lets.push(Lazy::Pending(&b.value));
                self.let_slots.push(Slot { axes: axes.clone(), flat });
            }
            if let Some(entry) = self.names.get_mut(b.name.name.as_str()) {
                entry.meaning = Meaning::Let(first);
            }
        }
    }

    fn enter(&mut self, name: &'a ast::Ident, meaning: Meaning, axes: Rc<[usize]>, sink: &mut Sink) -> bool {
        let text = name.name.as_str();
        if let Some(reserved) = reserved(text) {
            let message = format!("`{text}` cannot be declared: it is {reserved}");
            sink.push(Diagnostic::error(E0203, message, name.span, "taken").help("choose another name"));
            // What is said with the name meant the declaration, so nothing more can be said of it.
            let broken = Entry { meaning: Meaning::Broken, axes, span: name.span, used: Cell::new(true) };
            self.names.entry(text).or_insert(broken);
            return false;
        }
        if let Some(first) = self.names.get(text) {
            let d = Diagnostic::error(E0202, format!("`{text}` is declared twice"), name.span, "declared again here");
            let d = d.label(first.span, format!("first declared here, as {}", first.meaning.noun()));
            sink.push(d.help("give one of them another name"));
            return false;
        }
        self.names.insert(text, Entry { meaning, axes, span: name.span, used: Cell::new(false) });
        true
    }
}

/// What a name is that no declaration can have.
fn reserved(name: &str) -> Option<&'static str> {
    match name {
        "t" => Some("the time"),
        "pi" => Some("the number 3.14159..."),
        _ if functions().any(|f| f == name) => Some("a function"),
        _ => None,
    }
}
