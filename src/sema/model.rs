//! One model from declarations to split equations.

use super::axes;
use super::equations::Draft;
use super::fold;
use super::resolve::Resolver;
use super::scope::{Lazy, Meaning, Scope};
use super::split::choose_linear;
use crate::base::{Arena, Idx, IndexMap, IndexSet};
use crate::diagnostics::codes::{E0212, E0213, E0308, E1012, W0701, W0705};
use crate::diagnostics::{Diagnostic, Sink};
use crate::hir::{
    BinaryOp, Bounds, Equation, Expr, ExprKind, Hole, HoleId, HoleTerm, Model, ParamId, StateId, Unknown, UnknownId,
    UnknownKind,
};
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
            expanded.iter().map(|e| self.split(e, &linear, &unknowns)).collect::<Vec<_>>().into_iter().collect();
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
    fn elements(&self, name: &str) -> usize {
        self.scope.names.get(name).map_or(0, |e| self.scope.size_of(&e.axes))
    }

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
                false => d.help(format!("a known number has no range: `param {name} = {} fixed`", crate::hir::number(lower))),
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

    /// Replaces highest derivatives of other states by what their equations say, so that every equation holds only its
    /// own. Equations that need each other are an algebraic loop.
    fn make_explicit(
        &mut self,
        drafts: &[Draft],
        owners: &[usize],
        mut residuals: Vec<(StateId, Expr)>,
    ) -> Option<Vec<(StateId, Expr)>> {
        let orders: Vec<u8> = self.scope.states.values().map(|s| s.order).collect();
        let needs = |i: usize, residual: &Expr| -> Vec<usize> {
            let tops = super::equations::derivatives(residual).into_iter();
            let mut out: Vec<usize> =
                tops.filter(|(s, d, _)| s.index() != i && *d == orders[s.index()]).map(|(s, _, _)| s.index()).collect();
            out.sort_unstable();
            out.dedup();
            out
        };
        let mut open: Vec<Vec<usize>> = residuals.iter().enumerate().map(|(i, (_, r))| needs(i, r)).collect();
        if open.iter().all(Vec::is_empty) {
            return Some(residuals);
        }
        let mut settled = vec![false; residuals.len()];
        let mut values: Vec<Option<Expr>> = vec![None; residuals.len()];
        loop {
            let next = (0..residuals.len()).find(|&i| !settled[i] && open[i].iter().all(|&j| settled[j]));
            let Some(i) = next else { break };
            settled[i] = true;
            let span = drafts[owners[i]].span;
            if !open[i].is_empty() {
                let tops = orders.clone();
                let mut added = 0;
                residuals[i].1.rewrite(&mut |e| {
                    if let ExprKind::State(s, d) = e.kind
                        && s.index() != i
                        && d == tops[s.index()]
                        && let Some(value) = &values[s.index()]
                        && added < super::resolve::MAX_NODES
                    {
                        added += value.size();
                        *e = value.clone();
                    }
                });
                self.count(added, span)?;
                open[i].clear();
            }
            if open.iter().any(|list| list.contains(&i)) {
                values[i] = Some(self.solved(i, &residuals[i].1, span)?);
            }
        }
        if let Some(i) = settled.iter().position(|s| !s) {
            let round: Vec<usize> = (0..settled.len()).filter(|&j| !settled[j]).collect();
            let names: Vec<String> =
                round.iter().map(|&j| format!("`{}`", self.scope.states[StateId::new(j)].name)).collect();
            let message = format!("the highest derivatives of {} are defined by each other", names.join(", "));
            let d = Diagnostic::error(E0308, message, drafts[owners[i]].span, "part of the loop");
            let others = round.iter().skip(1).fold(d, |d, &j| d.label(drafts[owners[j]].span, "part of the loop"));
            self.sink.push(others.help("solve the equations for the derivatives and write one for each"));
            return None;
        }
        Some(residuals)
    }

    /// The highest derivative of state `i` as its equation gives it.
    fn solved(&mut self, i: usize, residual: &Expr, span: Span) -> Option<Expr> {
        let state = StateId::new(i);
        let order = self.scope.states[state].order;
        let equation = self.expand(state, residual.clone(), span)?;
        self.leading(&equation)?;
        let is_top = |s: StateId, d: u8| s == state && d == order;
        let mut rest = Vec::new();
        let mut leading = Vec::new();
        for product in &equation.products {
            match product.split_state() {
                Some((s, d, coefficient)) if is_top(s, d) => leading.push(coefficient.to_expr()),
                _ => rest.push(product.clone().scaled(-1.0).to_expr()),
            }
        }
        let sum =
            |list: Vec<fold::Folded>| list.into_iter().collect::<Result<Vec<_>, _>>().and_then(|l| fold::sum(l, span));
        let value = sum(leading).and_then(|c| sum(rest).and_then(|r| fold::binary(BinaryOp::Div, r, c, span)));
        self.folded(value)
    }

    fn unused(&mut self, model: &ast::Model) {
        for (name, entry) in &self.scope.names {
            let what = match entry.meaning {
                Meaning::Const(_) => "constant",
                Meaning::Hole(_) => "hole",
                Meaning::Let(_) => "`let`",
                Meaning::Input(i) if self.scope.inputs[i].field.is_some() => "field",
                Meaning::Input(_) => "input",
                // Functions from outside the model are there for all models.
                Meaning::Function
                    if model.span.file == entry.span.file
                        && model.span.start < entry.span.start
                        && entry.span.end < model.span.end =>
                {
                    "function"
                }
                Meaning::Function => continue,
                Meaning::Index(a) if !self.scope.axes[a].used.get() => "index set",
                Meaning::State(_) | Meaning::Param(_) | Meaning::Index(_) | Meaning::Broken => continue,
            };
            if !entry.used.get() {
                let message = format!("the {what} `{name}` is never used");
                self.sink.push(Diagnostic::warning(W0701, message, entry.span, "declared here"));
            }
        }
    }

    /// Parameters that no equation holds.
    fn unidentified(&mut self, equations: &[Equation], unknowns: &Arena<UnknownId, Unknown>) {
        let mut found = vec![false; unknowns.len()];
        for eq in equations {
            eq.residual.visit(&mut |e| {
                if let ExprKind::Unknown(u) = e.kind {
                    found[u.index()] = true;
                }
            });
        }
        for (id, unknown) in unknowns.iter() {
            let UnknownKind::Param(p) = unknown.kind else { continue };
            if !found[id.index()] {
                let message = format!("no equation holds the parameter `{}`, so nothing can identify it", unknown.name);
                let span = self.scope.params[p].span;
                self.sink.push(Diagnostic::warning(W0705, message, span, "declared here"));
            }
        }
        for (name, entry) in &self.scope.names {
            if let Meaning::Param(p) = entry.meaning
                && self.scope.params[p].fixed
                && !entry.used.get()
            {
                let message = format!("the fixed parameter `{name}` is never used");
                self.sink.push(Diagnostic::warning(W0701, message, entry.span, "declared here"));
            }
        }
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
