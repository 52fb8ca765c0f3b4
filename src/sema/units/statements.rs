//! Declarations, equations and initial values of a model.

use super::super::resolve::Resolver;
use super::super::scope::Meaning;
use super::infer::{Checker, Named, summands};
use super::solve::{Measure, Solver};
use super::table::{Table, refuse};
use super::{each_declared, has_units};
use crate::base::Arena;
use crate::base::{Idx, IndexMap, IndexSet, Ratio};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E0806;
use crate::hir::{Hole, HoleId, Unit, Units, Unknown, UnknownId, UnknownKind};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, ModelItem, UnitExpr};

/// Checks the units of `model`, which is right otherwise, and gives those of its quantities. `ids` are the final numbers of the
/// holes in order of reading.
pub(in super::super) fn check(
    resolver: &mut Resolver<'_, '_>,
    model: &ast::Model,
    unknowns: &Arena<UnknownId, Unknown>,
    holes: &Arena<HoleId, Hole>,
    ids: &[Option<HoleId>],
) -> Units {
    if !has_units(model) {
        return Units::default();
    }
    let table = Table::declare(&model.units, resolver.sink);
    let mut checker = checker(resolver, &table, ids);
    checker.model(model);
    checker.judge_numbers();
    checker.judge_names();
    checker.units(unknowns, holes)
}

/// The unit of a formula of the inputs of `model`; what does not fit in it is reported.
pub(in super::super) fn of_formula(
    resolver: &mut Resolver<'_, '_>,
    model: &ast::Model,
    table: &Table,
    formula: &ast::Expr,
) -> Option<Unit> {
    let mut checker = checker(resolver, table, &[]);
    checker.time_of(model);
    checker.declare(model);
    let measure = checker.infer(formula);
    checker.solver.reduce(&measure).as_unit().cloned()
}

fn checker<'m, 's>(resolver: &'m mut Resolver<'_, 's>, table: &'m Table, ids: &[Option<HoleId>]) -> Checker<'m, 'm> {
    let places = resolver.hole_at_place.iter();
    let hole_places = places.filter_map(|(place, &h)| Some((*place, ids.get(h).copied().flatten()?.index()))).collect();
    Checker {
        scope: &resolver.scope,
        table,
        sink: &mut *resolver.sink,
        solver: Solver::default(),
        names: IndexMap::new(),
        time: Measure::one(),
        time_place: None,
        spacings: Vec::new(),
        constants: IndexMap::new(),
        drafts: &resolver.holes,
        hole_places,
        holes: IndexMap::new(),
        in_hole: false,
        factor: false,
        calls: Vec::new(),
        tuple: 0,
        beside: Vec::new(),
        said: IndexSet::new(),
        fresh: 0,
        nodes: 0,
    }
}

impl<'m> Checker<'m, '_> {
    fn model(&mut self, model: &'m ast::Model) {
        self.time_of(model);
        self.declare(model);
        self.values(model);
        self.equations(&model.body);
        self.initial(&model.body);
    }

    /// The unit of the time: declared, or to be found.
    fn time_of(&mut self, model: &ast::Model) {
        self.time = self.solver.fresh();
        for item in &model.body {
            let ModelItem::Time(unit) = item else { continue };
            if let Some(first) = self.time_place {
                let d = Diagnostic::error(E0806, "the unit of the time is declared twice", unit.span, "again here");
                self.sink.push(
                    d.label(first, "first here")
                        .help("keep one of them; columns of data have units of their own: `time t [h]`"),
                );
                continue;
            }
            self.time_place = Some(unit.span);
            if let Some(unit) = self.table.unit_of_time(unit, self.sink) {
                self.time = Measure::known(unit);
            }
        }
    }

    fn declare(&mut self, model: &'m ast::Model) {
        for item in &model.body {
            each_declared(item, &mut |name, unit| self.enter(name, unit));
            match item {
                ModelItem::State(list) => list.iter().flat_map(|d| &d.order).for_each(|e| {
                    refuse(e, "an order", self.sink);
                }),
                ModelItem::Const(list) => {
                    let single = list.iter().filter(|b| b.axes.is_empty());
                    self.constants.extend(single.map(|b| (b.name.name.as_str(), &b.value)));
                }
                _ => {}
            }
        }
    }

    fn enter(&mut self, name: &'m ast::Ident, unit: Option<&UnitExpr>) {
        let measure = match unit.and_then(|u| self.table.unit(u, self.sink)) {
            Some(unit) => Measure::known(unit),
            None => self.solver.fresh(),
        };
        self.names.insert(&name.name, Named { measure, span: name.span });
    }

    /// Values of constants, parameters and `let`s, and distances of index sets.
    fn values(&mut self, model: &ast::Model) {
        for item in &model.body {
            let ModelItem::Index(list) = item else { continue };
            for decl in list {
                std::iter::once(&decl.range.from).chain(&decl.range.to).for_each(|e| {
                    refuse(e, "the number of an element", self.sink);
                });
                let spacing = decl.spacing.as_ref().map(|e| match self.bare(e) {
                    true => self.solver.fresh(),
                    false => self.infer(e),
                });
                self.spacings.push(spacing);
            }
        }
        for item in &model.body {
            match item {
                ModelItem::Const(list) => list.iter().for_each(|b| self.value(&b.name.name, &b.value, true)),
                ModelItem::Let(b) | ModelItem::Hole(b) => self.value(&b.name.name, &b.value, false),
                ModelItem::Param(list) => {
                    for p in list {
                        let bounds = p.bounds.iter().flat_map(|(low, high)| [low, high]);
                        p.value.iter().chain(bounds).for_each(|e| self.value(&p.name.name, e, true));
                    }
                }
                _ => {}
            }
        }
    }

    /// Compares a value with what is declared as `name`. Numbers take the unit that is needed; with `lenient` so does
    /// everything that is a plain number.
    fn value(&mut self, name: &str, value: &ast::Expr, lenient: bool) {
        let Some(Named { measure, span }) = self.names.get(name).cloned() else { return };
        self.fits(name, (&measure, span), value, lenient);
    }

    fn fits(&mut self, name: &str, declared: (&Measure, Span), value: &ast::Expr, lenient: bool) {
        if let ExprKind::Tuple(list) = &value.kind {
            return list.iter().for_each(|e| self.fits(name, declared, e, lenient));
        }
        let known = self.solver.reduce(declared.0).as_unit().is_some();
        if (lenient || known) && self.bare(value) {
            return;
        }
        let measure = match lenient {
            true => self.infer(value),
            false => self.as_factor(|own| own.infer(value)),
        };
        if lenient && self.solver.reduce(&measure).as_unit().is_some_and(Unit::is_one) {
            return;
        }
        if let Err(clash) = self.solver.unify(declared.0, &measure, value.span) {
            self.clash_with_name(name, (declared.1, &clash.left), (value, &clash.right));
        }
    }

    fn equations(&mut self, body: &[ModelItem]) {
        for item in body {
            match item {
                ModelItem::Equation(eq) => self.equation(eq),
                ModelItem::For(f) => {
                    std::iter::once(&f.range.from).chain(&f.range.to).for_each(|e| {
                        refuse(e, "the number of an element", self.sink);
                    });
                    self.equations(&f.body);
                }
                _ => {}
            }
        }
    }

    fn equation(&mut self, eq: &ast::Equation) {
        let lefts = super::super::equations::left_sides(&eq.left);
        for (k, left) in lefts.iter().enumerate() {
            let right = match &eq.right.kind {
                ExprKind::Tuple(list) if lefts.len() > 1 => list.get(k).unwrap_or(&eq.right),
                _ => &eq.right,
            };
            self.tuple = k;
            let mut parts = Vec::new();
            summands(left, &mut parts);
            let split = parts.len();
            summands(right, &mut parts);
            let measure = self.alike(&parts);
            let (left, right) = parts.split_at(split);
            [left, right].into_iter().for_each(|side| self.note_numbers(side, &measure));
        }
        self.tuple = 0;
    }

    fn initial(&mut self, body: &[ModelItem]) {
        for item in body {
            match item {
                ModelItem::Initial(list) | ModelItem::Final(list) => {
                    // A column of the data, `data.x for 50 steps`, is converted to the state's unit when it is read.
                    for decl in list.iter().filter(|d| d.steps.is_none()) {
                        let Some(named) = self.names.get(decl.state.name.as_str()).cloned() else { continue };
                        let time = self.time.power(Ratio::new(decl.primes.into(), 1));
                        let name = format!("{}{}", decl.state.name, "'".repeat(decl.primes as usize));
                        self.fits(&name, (&named.measure.over(&time), named.span), &decl.value, true);
                    }
                }
                ModelItem::For(f) => self.initial(&f.body),
                _ => {}
            }
        }
    }

    /// What was found, in the order of the model's arenas.
    fn units(&self, unknowns: &Arena<UnknownId, Unknown>, holes: &Arena<HoleId, Hole>) -> Units {
        let unit = |measure: &Measure| self.solver.reduce(measure).as_unit().cloned();
        let mut units = Units {
            time: unit(&self.time),
            time_span: self.time_place,
            states: vec![None; self.scope.states.len()],
            params: vec![None; self.scope.params.len()],
            inputs: vec![None; self.scope.inputs.len()],
            unknowns: Vec::with_capacity(unknowns.len()),
        };
        for (name, entry) in &self.scope.names {
            let Some(found) = self.names.get(name).and_then(|n| unit(&n.measure)) else { continue };
            let (list, first) = match entry.meaning {
                Meaning::State(first) => (&mut units.states, first.index()),
                Meaning::Param(first) => (&mut units.params, first.index()),
                Meaning::Input(first) => (&mut units.inputs, first.index()),
                _ => continue,
            };
            let elements = self.scope.size_of(&entry.axes);
            list.iter_mut().skip(first).take(elements).for_each(|slot| *slot = Some(found.clone()));
        }
        let coefficients: Vec<Vec<Option<Unit>>> = (0..holes.len()).map(|h| self.coefficients(h)).collect();
        for unknown in unknowns.values() {
            units.unknowns.push(match unknown.kind {
                UnknownKind::Param(p) => units.param(p).cloned(),
                UnknownKind::Coefficient { hole, term } => {
                    coefficients.get(hole.index()).and_then(|c| c.get(term)).cloned().flatten()
                }
            });
        }
        units
    }
}
