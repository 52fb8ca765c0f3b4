//! One model from declarations to split equations.

use super::axes;
use super::equations::Draft;
use super::resolve::Resolver;
use super::scope::{Lazy, Meaning, Scope};
use super::split::choose_linear;
use crate::base::{Arena, Idx, IndexMap, IndexSet};
use crate::diagnostics::Sink;
use crate::hir::{Equation, Expr, ExprKind, Hole, HoleId, HoleTerm, Model, StateId, Unknown, UnknownId, UnknownKind};
use crate::source::{Sources, Span};
use crate::syntax::ast;

/// A model's parts once every unknown has its final number.
struct Numbered {
    unknowns: Arena<UnknownId, Unknown>,
    holes: Arena<HoleId, Hole>,
    residuals: Vec<(StateId, Expr)>,
    /// The final number of every hole in order of reading.
    hole_ids: Vec<Option<HoleId>>,
}

/// Checks `model`; `None` when it has an error, which is then in `sink`.
pub(super) fn analyze(model: &ast::Model, sources: &Sources, sink: &mut Sink) -> Option<Model> {
    if super::units::in_place_of_units(model, sink) {
        return None;
    }
    let mut own = Sink::new();
    let (axes, used) = axes::declare(model, sources, &mut own);
    let indexed = !axes.is_empty();
    let scope = Scope::declare(model, axes, &mut own);
    used.iter().for_each(|name| {
        scope.lookup(name);
    });
    let mut resolver = Resolver::new(scope, sources, &mut own);
    let checked = resolver.model(model);
    let ok = !own.has_errors();
    // A statement for many elements is blamed once.
    let mut said: IndexSet<(&'static str, Span, String)> = IndexSet::new();
    for finding in own.into_sorted() {
        let message = if indexed { String::new() } else { finding.message.clone() };
        if said.insert((finding.code, finding.primary.span, message)) {
            sink.push(finding);
        }
    }
    checked.filter(|_| ok)
}

impl<'a> Resolver<'a, '_> {
    fn model(&mut self, model: &'a ast::Model) -> Option<Model> {
        let declared = !self.sink.has_errors();
        if self.scope.states.is_empty() && declared {
            self.no_state(model);
            return None;
        }
        self.check_functions(model);
        self.constants();
        let params = self.parameters(model);
        self.field_starts(model);
        let step = self.declared_step(model);
        self.named_holes();
        self.lets();
        let drafts = self.drafts(model);
        self.unscaled_products(model);
        let owners = self.assign(&drafts);
        let (initial, boundary) = self.boundary(model, owners.is_some());
        if !self.sink.has_errors() {
            self.unused(model);
        }
        let owners = owners?;
        let Numbered { unknowns, holes, residuals, hole_ids } = self.number(params, &drafts, &owners);
        let residuals = self.make_explicit(&drafts, &owners, residuals)?;
        let mut expanded = Vec::with_capacity(residuals.len());
        for ((state, residual), &i) in residuals.into_iter().zip(&owners) {
            let equation = self.expand(state, residual, drafts[i].span)?;
            let explicit = self.leading(&equation).is_some();
            expanded.push(equation);
            if !explicit {
                return None;
            }
        }
        let linear = choose_linear(&expanded, &unknowns);
        let equations: Option<Vec<Equation>> =
            expanded.iter().map(|e| self.split(e, &linear)).collect::<Vec<_>>().into_iter().collect();
        let alike = self.alike(&expanded, &linear, &unknowns);
        let mut unknowns = unknowns;
        for (id, linear) in unknowns.ids().zip(linear) {
            unknowns[id].linear = linear;
        }
        let equations = equations?;
        if !self.sink.has_errors() {
            self.unidentified(&equations, &unknowns);
        }
        let units = super::units::check(self, model, &unknowns, &holes, &hole_ids);
        let statements =
            (!self.scope.axes.is_empty() || !self.scope.holes.is_empty()).then(|| self.statements(model, &hole_ids));
        let abbreviations = if statements.is_none() { self.abbreviations() } else { Vec::new() };
        Some(Model {
            name: model.name.name.clone(),
            doc: model.doc.clone(),
            span: model.span,
            states: self.scope.states.clone(),
            params: self.scope.params.clone(),
            inputs: self.scope.inputs.clone(),
            holes,
            unknowns,
            equations,
            alike,
            initial,
            boundary,
            step,
            statements,
            abbreviations,
            units,
        })
    }

    /// What is put in the place of names: the values of `let`s, constants and fixed parameters.
    fn abbreviations(&mut self) -> Vec<(String, Expr)> {
        let names: Vec<(&str, Meaning, Span)> = self.scope.names.iter().map(|(n, e)| (*n, e.meaning, e.span)).collect();
        let value = |(name, meaning, span): (&str, Meaning, Span)| {
            let value = match meaning {
                Meaning::Let(i) => match self.scope.lets.get(i)? {
                    Lazy::Done(quantity) => quantity.value.clone(),
                    _ => return None,
                },
                Meaning::Const(i) => self.constant_value(i, name, span)?,
                Meaning::Param(p) if self.scope.param_unknowns.get(p.index())?.is_none() => {
                    Expr::number(self.scope.params.get(p)?.value?, span)
                }
                _ => return None,
            };
            Some((name.to_string(), value))
        };
        names.into_iter().filter_map(value).collect()
    }

    fn constants(&mut self) {
        for (name, i, span) in self.entries(|m| if let Meaning::Const(i) = m { Some(i) } else { None }) {
            for k in 0..self.elements(name) {
                // One element is enough to find what is wrong with all.
                if self.constant_value(i + k, name, span).is_none() {
                    break;
                }
            }
        }
    }

    fn lets(&mut self) {
        for (name, i, span) in self.entries(|m| if let Meaning::Let(i) = m { Some(i) } else { None }) {
            for k in 0..self.elements(name) {
                if !self.force_let(i + k, name, span) {
                    break;
                }
            }
        }
    }

    fn entries<T>(&self, pick: impl Fn(Meaning) -> Option<T>) -> Vec<(&'a str, T, Span)> {
        self.scope.names.iter().filter_map(|(name, e)| pick(e.meaning).map(|t| (*name, t, e.span))).collect()
    }

    /// How many elements a name stands for.
    pub(super) fn elements(&self, name: &str) -> usize {
        self.scope.names.get(name).map_or(0, |e| self.scope.size_of(&e.axes))
    }

    /// Final numbers for all unknowns: parameters, then coefficients equation by equation and term by term.
    fn number(&mut self, params: Arena<UnknownId, Unknown>, drafts: &[Draft], owners: &[usize]) -> Numbered {
        let mut unknowns = params;
        let mut holes: Arena<HoleId, Hole> = Arena::new();
        let mut moved: IndexMap<UnknownId, UnknownId> = unknowns.ids().map(|u| (u, u)).collect();
        let mut names: IndexMap<String, usize> = IndexMap::new();
        let mut reordered = Vec::with_capacity(self.holes.len());
        let mut hole_ids: Vec<Option<HoleId>> = vec![None; self.holes.len()];
        for (i, &draft) in owners.iter().enumerate() {
            let state = StateId::new(i);
            let prefix = {
                let s = &self.scope.states[state];
                (s.name.clone(), "'".repeat(usize::from(s.order)))
            };
            for &position in &drafts[draft].holes {
                let hole = &self.holes[position];
                if hole_ids[position].is_some() {
                    continue;
                }
                // What all elements share is named after all of them.
                let named = self.scope.holes.iter().find(|b| covers(b.value.span, hole.span)).map(|b| &b.name.name);
                let base = if hole.repeated { prefix.0.split('[').next().unwrap_or_default() } else { &prefix.0 };
                let prefix = named.cloned().unwrap_or_else(|| format!("{base}{}", prefix.1));
                let id = HoleId::new(holes.len());
                hole_ids[position] = Some(id);
                let mut terms = Vec::with_capacity(hole.terms.len());
                for (k, term) in hole.terms.iter().enumerate() {
                    let mut name = format!("{prefix}[{}]", term.spelled);
                    let same = names.entry(name.clone()).or_insert(0_usize);
                    *same += 1;
                    if *same > 1 {
                        name = format!("{name}#{same}");
                    }
                    let unknown = unknowns.push(Unknown {
                        kind: UnknownKind::Coefficient { hole: id, term: k },
                        name,
                        start: None,
                        bounds: hole.bounds,
                        linear: false,
                    });
                    moved.insert(term.coefficient, unknown);
                    terms.push(HoleTerm {
                        spelled: term.spelled.clone(),
                        value: term.value.clone(),
                        coefficient: unknown,
                    });
                }
                let (spelled, name) = (hole.spelled.clone(), prefix);
                holes.push(Hole { spelled, name, side: hole.side, state, terms, span: hole.span });
                reordered.push(hole.clone());
            }
        }
        self.holes = reordered;
        let mut residuals = Vec::with_capacity(owners.len());
        for (i, &draft) in owners.iter().enumerate() {
            let Some(mut residual) = drafts[draft].residual.clone() else { continue };
            residual.rewrite(&mut |e| {
                if let ExprKind::Unknown(u) = &mut e.kind
                    && let Some(new) = moved.get(u)
                {
                    *u = *new;
                }
            });
            residuals.push((StateId::new(i), residual));
        }
        Numbered { unknowns, holes, residuals, hole_ids }
    }
}

/// Whether one place lies in another.
fn covers(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}

/// The number a setting's expression stands for, outside any model.
pub(super) fn bare_constant(expr: &ast::Expr, sources: &Sources, sink: &mut Sink) -> Option<f64> {
    Resolver::new(Scope::default(), sources, sink).constant(expr)
}
