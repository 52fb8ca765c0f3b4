//! The unit of an expression, and what must agree in it.

use super::super::holes::HoleDraft;
use super::super::resolve::MAX_NODES;
use super::super::scope::Scope;
use super::numbers::Beside;
use super::solve::{Measure, Solver};
use super::table::{Table, refuse};
use crate::base::{IndexMap, IndexSet, Ratio};
use crate::diagnostics::codes::E0805;
use crate::diagnostics::{Diagnostic, Sink};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ExprKind, UnaryOp};

/// A declared name.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) measure: Measure,
    pub(super) span: Span,
}

/// The check of one model.
pub(super) struct Checker<'m, 's> {
    pub(super) scope: &'m Scope<'m>,
    pub(super) table: &'m Table,
    pub(super) sink: &'s mut Sink,
    pub(super) solver: Solver,
    /// States, parameters, constants, inputs and `let`s.
    pub(super) names: IndexMap<&'m str, Named>,
    pub(super) time: Measure,
    /// Where the unit of the time is declared.
    pub(super) time_place: Option<Span>,
    /// Index sets' distances between neighbours, by position.
    pub(super) spacings: Vec<Option<Measure>>,
    /// Values of constants without index sets.
    pub(super) constants: IndexMap<&'m str, &'m ast::Expr>,
    /// Holes in their final order, and their positions by place and element of a tuple.
    pub(super) drafts: &'m [HoleDraft],
    pub(super) hole_places: IndexMap<(Span, usize), usize>,
    /// What each hole stands for, and the units of its arguments.
    pub(super) holes: IndexMap<usize, (Measure, Vec<Measure>)>,
    /// Whether the place is inside a hole.
    pub(super) in_hole: bool,
    /// Whether the place is a factor, an argument, or the value of a `let`. There `1 - x/K` is a plain number unless something else tells
    /// its unit; a sum that is a side by itself has the unit of the other side.
    pub(super) factor: bool,
    /// Calls around the place, outermost first.
    pub(super) calls: Vec<Span>,
    /// Which element of a tuple on the left side the equation is for.
    pub(super) tuple: usize,
    /// Numbers without a unit that stand in a sum, with a term beside them and what that measures: judged when all is known.
    pub(super) beside: Vec<Beside>,
    /// Reported places.
    pub(super) said: IndexSet<(&'static str, Span)>,
    /// Calls so far, and nodes looked at.
    pub(super) fresh: usize,
    pub(super) nodes: usize,
}

impl Checker<'_, '_> {
    /// The unit of `expr`. Where something does not fit, the rest is judged as if nothing were known about it.
    pub(super) fn infer(&mut self, expr: &ast::Expr) -> Measure {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            // Branches that nothing looks at may hold calls without end.
            return self.solver.fresh();
        }
        match &expr.kind {
            // Nothing is nothing in every unit.
            ExprKind::Number { value, .. } if *value == 0.0 => self.solver.fresh(),
            ExprKind::Number { .. } => Measure::one(),
            ExprKind::Measured { unit, .. } => match self.table.unit(unit, self.sink) {
                Some(unit) => Measure::known(unit),
                None => self.solver.fresh(),
            },
            ExprKind::Name(name) if name == "t" => self.time.clone(),
            // Numbers of elements, variables of loops and sums, and pi.
            ExprKind::Name(name) => self.names.get(name.as_str()).map_or(Measure::one(), |n| n.measure.clone()),
            ExprKind::Primed { of, primes } => {
                let of = self.infer(of);
                of.over(&self.time.power(Ratio::new((*primes).into(), 1)))
            }
            ExprKind::Subscript { of, at } => {
                at.iter().for_each(|e| {
                    refuse(e, "a subscript", self.sink);
                });
                self.infer(of)
            }
            ExprKind::Call(call) => self.call(call, expr.span),
            ExprKind::Hole(call) => self.hole(call, expr.span),
            ExprKind::Unary { operand, .. } => self.infer(operand),
            ExprKind::Binary { op, left, right } => match op {
                BinaryOp::Multiply => self.as_factor(|own| own.infer(left).times(&own.infer(right))),
                BinaryOp::Divide => self.as_factor(|own| own.infer(left).over(&own.infer(right))),
                BinaryOp::Power => self.as_factor(|own| own.power(left, right)),
                BinaryOp::Add | BinaryOp::Subtract => {
                    let mut parts = Vec::new();
                    summands(expr, &mut parts);
                    let measure = self.alike(&parts);
                    self.note_numbers(&parts, &measure);
                    measure
                }
                _ => {
                    self.condition(expr);
                    Measure::one()
                }
            },
            ExprKind::Sum { range, body, .. } => {
                std::iter::once(&range.from).chain(&range.to).for_each(|e| {
                    refuse(e, "the number of an element", self.sink);
                });
                self.infer(body)
            }
            ExprKind::If { condition, then, otherwise } => {
                self.condition(condition);
                self.alike(&[then, otherwise])
            }
            ExprKind::Tuple(list) => self.alike(&list.iter().collect::<Vec<_>>()),
            ExprKind::Text(_) | ExprKind::Field { .. } => self.solver.fresh(),
        }
    }

    /// What `look` finds where sums are factors.
    pub(super) fn as_factor<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> T {
        let outside = std::mem::replace(&mut self.factor, true);
        let found = look(self);
        self.factor = outside;
        found
    }

    /// The unit that all of `parts` have. Numbers that stand alone take the unit that is needed.
    pub(super) fn alike(&mut self, parts: &[&ast::Expr]) -> Measure {
        let mut measured: Vec<(&ast::Expr, Measure)> = Vec::with_capacity(parts.len());
        for &part in parts {
            if !self.bare(part) {
                measured.push((part, self.infer(part)));
            }
        }
        let known = measured.iter().position(|(_, m)| self.solver.reduce(m).as_unit().is_some());
        let Some((first, reference)) = measured.get(known.unwrap_or(0)).cloned() else { return Measure::one() };
        let mut fits = true;
        for (part, measure) in &measured {
            if part.span != first.span
                && let Err(clash) = self.solver.unify(&reference, measure, part.span)
            {
                self.clash((first, &clash.left), (part, &clash.right));
                fits = false;
            }
        }
        // Of a sum that fits nowhere nothing follows for what holds it.
        if fits { reference } else { self.solver.fresh() }
    }

    /// Comparisons between quantities, joined by `and`, `or` and `not`.
    pub(super) fn condition(&mut self, expr: &ast::Expr) {
        let outside = std::mem::replace(&mut self.factor, false);
        match &expr.kind {
            ExprKind::Binary { op: BinaryOp::And | BinaryOp::Or, left, right } => {
                self.condition(left);
                self.condition(right);
            }
            ExprKind::Unary { op: UnaryOp::Not, operand } => self.condition(operand),
            ExprKind::Binary { left, right, .. } => {
                let mut parts = Vec::new();
                summands(left, &mut parts);
                let split = parts.len();
                summands(right, &mut parts);
                let measure = self.alike(&parts);
                let (left, right) = parts.split_at(split);
                [left, right].into_iter().for_each(|side| self.note_numbers(side, &measure));
            }
            _ => {}
        }
        self.factor = outside;
    }

    /// Makes sure that `argument` is a plain number, which what stands at `place` takes; whether it can be one.
    pub(super) fn plain(&mut self, argument: &ast::Expr, place: Span, why: &str) -> bool {
        let measure = self.infer(argument);
        match self.solver.unify(&measure, &Measure::one(), argument.span) {
            Ok(()) => true,
            Err(clash) => {
                self.not_plain(argument, &clash, place, why);
                false
            }
        }
    }

    fn power(&mut self, base: &ast::Expr, exponent: &ast::Expr) -> Measure {
        let told = self.is_told(exponent);
        let of_exponent = self.infer(exponent);
        if let Err(clash) = self.solver.unify(&of_exponent, &Measure::one(), exponent.span) {
            // With such an exponent nothing can be said about the power.
            if !told {
                self.tell(exponent);
                self.not_plain(exponent, &clash, exponent.span, "an exponent");
            }
            self.infer(base);
            return self.solver.fresh();
        }
        if let Some(power) = self.constant(exponent, 0).and_then(Ratio::of) {
            return self.infer(base).power(power);
        }
        let measure = self.infer(base);
        if let Err(clash) = self.solver.unify(&measure, &Measure::one(), base.span) {
            let shown = super::report::shown(&clash.left);
            let message = format!("a power of {shown} has no unit, since its exponent is not a constant fraction");
            let d = Diagnostic::error(E0805, message, base.span, format!("in {shown}"));
            let d = self.origins(d.label(exponent.span, "not a constant fraction"), base, exponent.span);
            if !told {
                self.tell(exponent);
                self.push(d.help("take the power of a plain number: `(x/x0)^n`"));
            }
            return self.solver.fresh();
        }
        Measure::one()
    }

    /// Whether all names of an exponent stood in one that was told: an exponent that stands in several places is wrong once.
    fn is_told(&self, exponent: &ast::Expr) -> bool {
        let places = self.declared_in(exponent);
        !places.is_empty() && places.into_iter().all(|place| self.said.contains(&(E0805, place)))
    }

    fn tell(&mut self, exponent: &ast::Expr) {
        let places = self.declared_in(exponent);
        self.said.extend(places.into_iter().map(|place| (E0805, place)));
    }

    /// Where the names in an expression are declared.
    fn declared_in(&self, expr: &ast::Expr) -> Vec<Span> {
        let mut names = Vec::new();
        super::report::names_in(expr, &mut names);
        let place = |name: &str| match self.names.get(name) {
            Some(named) => Some(named.span),
            None if name == "t" => self.time_place,
            None => None,
        };
        names.into_iter().filter_map(place).collect()
    }

    /// The number `expr` is, when it is made of numbers and constants.
    pub(super) fn constant(&self, expr: &ast::Expr, depth: usize) -> Option<f64> {
        /// Constants in constants; more than this is no exponent.
        const MAX_DEPTH: usize = 100;
        if depth > MAX_DEPTH {
            return None;
        }
        let value = |e: &ast::Expr| self.constant(e, depth + 1);
        match &expr.kind {
            ExprKind::Number { value, .. } => Some(*value),
            ExprKind::Name(name) => value(self.constants.get(name.as_str())?),
            ExprKind::Unary { op: UnaryOp::Negate, operand } => value(operand).map(|v| -v),
            ExprKind::Unary { op: UnaryOp::Plus, operand } => value(operand),
            ExprKind::Binary { op, left, right } => {
                let (a, b) = (value(left)?, value(right)?);
                Some(match op {
                    BinaryOp::Add => a + b,
                    BinaryOp::Subtract => a - b,
                    BinaryOp::Multiply => a * b,
                    BinaryOp::Divide => a / b,
                    BinaryOp::Power => a.powf(b),
                    _ => return None,
                })
            }
            _ => None,
        }
    }
}

/// The parts of a sum, signs left out.
pub(super) fn summands<'e>(expr: &'e ast::Expr, out: &mut Vec<&'e ast::Expr>) {
    match &expr.kind {
        ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Subtract, left, right } => {
            summands(left, out);
            summands(right, out);
        }
        ExprKind::Unary { op: UnaryOp::Negate | UnaryOp::Plus, operand } => summands(operand, out),
        _ => out.push(expr),
    }
}
