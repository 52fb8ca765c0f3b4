//! Units of the names, columns and terms that expectations are about.

use super::super::units::{Effect, effect, mismatch, what};
use super::canonical::{canonical, expression};
use super::subject::Resolver;
use crate::base::Ratio;
use crate::hir::{DataId, DataSource, EquationRef, Model, NamedTerm, Part, UnaryFn, Unit, UnknownKind, family};
use crate::syntax::ast::{self, Expr, ExprKind};

impl Resolver<'_> {
    /// The models that say what the columns of a data set are.
    pub(super) fn models_of(&self, id: DataId) -> impl Iterator<Item = &Model> {
        let own = match self.program.data.get(id).map(|d| &d.source) {
            Some(DataSource::Simulate(spec)) => self.program.models.get(spec.model),
            Some(DataSource::Solve(spec)) => Some(spec.model.as_ref()),
            Some(DataSource::Predict(spec)) => {
                self.program.fits.get(spec.fit).and_then(|f| self.program.models.get(f.model))
            }
            _ => None,
        };
        let fits = self.program.fits.values().filter(move |f| f.data.contains(&id));
        let fitted = fits.filter_map(|f| self.program.models.get(f.model));
        own.into_iter().chain(fitted).chain(self.program.solved_with(id))
    }

    /// The unit of the left side over that of the term.
    pub(super) fn unit_of_coefficient(&self, equation: &EquationRef, term: &NamedTerm) -> Option<Unit> {
        let spellings = [Some(term.spelled.as_str()), term.written_out.as_deref()];
        spellings.into_iter().flatten().find_map(|spelled| self.unit_beside(equation, spelled))
    }

    /// The unit of the coefficient of a term in canonical spelling.
    fn unit_beside(&self, equation: &EquationRef, term: &str) -> Option<Unit> {
        let model = self.model(equation.subject);
        // Of a hole the terms are listed.
        let hole = equation.sum.and_then(|id| model.holes.get(id)).or_else(|| self.named_hole(equation));
        if let Some(hole) = hole {
            let candidate = hole.terms.iter().find(|t| canonical(&t.spelled) == term)?;
            return model.units.unknown(candidate.coefficient).cloned();
        }
        let of_candidate = || unit_of_candidate(model, &equation.state, term);
        if let Some(unit) = unit_in_statement(model, &equation.state, term).or_else(of_candidate) {
            return Some(unit);
        }
        let (id, state) =
            model.states.iter().find(|(_, s)| s.name == equation.state || family(&s.name) == equation.state)?;
        let left = model.units.derivative(id, state.order)?;
        Some(left.over(&unit_of_term(model, &expression(term)?)?))
    }
}

impl Resolver<'_> {
    /// Whether the numbers with units in two operands that are added have those of the other one, as far as they are known; reports it where not.
    pub(super) fn fit_together(&mut self, left: &Expr, right: &Expr, model: &Model) -> bool {
        let (number, other) = match (measured_factor(left), measured_factor(right)) {
            (None, None) => return true,
            (Some(_), _) => (left, right),
            (None, Some(_)) => (right, left),
        };
        let (Some(own), Some(needed)) = (self.unit_with_numbers(number, model), self.unit_with_numbers(other, model))
        else {
            return true;
        };
        if own.equals(&needed) {
            return true;
        }
        let d = mismatch(&needed, &own, number.span, what(&own));
        self.sink.push(d.label(other.span, what(&needed)));
        false
    }

    /// Whether numbers with units in the argument of a function that takes none leave it without one; reports it where not.
    pub(super) fn has_no_unit(&mut self, argument: &Expr, model: &Model) -> bool {
        if measured_factor(argument).is_none() {
            return true;
        }
        match self.unit_with_numbers(argument, model) {
            Some(own) if !own.equals(&Unit::one()) => {
                self.sink.push(mismatch(&Unit::one(), &own, argument.span, what(&own)));
                false
            }
            _ => true,
        }
    }

    /// The unit of a product with those of its numbers.
    fn unit_with_numbers(&mut self, expr: &Expr, model: &Model) -> Option<Unit> {
        match &expr.kind {
            ExprKind::Number { .. } => Some(Unit::one()),
            ExprKind::Measured { unit, .. } => self.table.unit(unit, self.sink),
            ExprKind::Unary { operand, .. } => self.unit_with_numbers(operand, model),
            ExprKind::Binary { op: ast::BinaryOp::Multiply, left, right } => {
                Some(self.unit_with_numbers(left, model)?.times(&self.unit_with_numbers(right, model)?))
            }
            ExprKind::Binary { op: ast::BinaryOp::Divide, left, right } => {
                Some(self.unit_with_numbers(left, model)?.over(&self.unit_with_numbers(right, model)?))
            }
            ExprKind::Binary { op: ast::BinaryOp::Power, left, right } => {
                Some(self.unit_with_numbers(left, model)?.power(Ratio::of(number(right)?)?))
            }
            _ => unit_of_term(model, expr),
        }
    }
}

/// A number with a unit among the factors of a product.
pub(super) fn measured_factor(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Measured { .. } => Some(expr),
        ExprKind::Unary { operand, .. } => measured_factor(operand),
        ExprKind::Binary { op: ast::BinaryOp::Multiply | ast::BinaryOp::Divide, left, right } => {
            measured_factor(left).or_else(|| measured_factor(right))
        }
        ExprKind::Binary { op: ast::BinaryOp::Power, left, .. } => measured_factor(left),
        _ => None,
    }
}

/// The unit of a time, state, input or parameter, with the derivatives that its primes say.
pub(super) fn unit_of_name(model: &Model, name: &str) -> Option<Unit> {
    let bare = name.trim_end_matches('\'');
    if bare == "t" {
        return model.units.time.clone();
    }
    if let Some((id, _)) = model.states.iter().find(|(_, s)| s.name == bare || family(&s.name) == bare) {
        return model.units.derivative(id, u8::try_from(name.len() - bare.len()).ok()?);
    }
    let input = || model.inputs.iter().find(|(_, i)| i.name == bare || family(&i.name) == bare);
    let param = || model.params.iter().find(|(_, p)| p.name == bare || family(&p.name) == bare);
    let input = input().and_then(|(id, _)| model.units.input(id));
    input.or_else(|| param().and_then(|(id, _)| model.units.param(id))).cloned()
}

/// The unit of the coefficient of a candidate term in the equation of a model with index sets: a hole that is a summand says it, as it
/// does where the equation is printed.
fn unit_in_statement(model: &Model, state: &str, term: &str) -> Option<Unit> {
    let statements = model.statements.as_ref()?;
    let statement = statements.equations.iter().find(|s| s.left.trim_end_matches('\'') == state)?;
    let holes = statement.right.iter().filter_map(|(_, parts)| match parts.as_slice() {
        [Part::Hole(id)] => model.holes.get(*id),
        _ => None,
    });
    let candidate = holes.flat_map(|h| &h.terms).find(|t| canonical(&t.spelled) == term)?;
    model.units.unknown(candidate.coefficient).cloned()
}

/// The unit of the coefficient of a candidate term of a hole that is a summand of an equation.
fn unit_of_candidate(model: &Model, state: &str, term: &str) -> Option<Unit> {
    let equation = model.equations.iter().find(|e| model.states.get(e.state).is_some_and(|s| s.name == state))?;
    equation.unknowns.iter().find_map(|part| {
        let UnknownKind::Coefficient { hole, term: at } = model.unknowns.get(part.unknown)?.kind else { return None };
        let candidate = model.holes.get(hole)?.terms.get(at)?;
        // A factor before the hole would have its unit in the coefficient.
        let alone = || model.spell(&part.factor) == model.spell(&candidate.value);
        let found = canonical(&candidate.spelled) == term && alone();
        found.then(|| model.units.unknown(part.unknown).cloned()).flatten()
    })
}

/// The unit of a term of an equation; `None` where it is not known. A number may have had a unit: alone in a sum it has that of the rest,
/// and as a factor inside a term it hides it.
fn unit_of_term(model: &Model, term: &Expr) -> Option<Unit> {
    let of = |e: &Expr| unit_of_term(model, e);
    match &term.kind {
        ExprKind::Number { value, .. } => (*value == 1.0).then(Unit::one),
        ExprKind::Name(name) => unit_of_name(model, name),
        ExprKind::Subscript { of: whole, .. } => of(whole),
        ExprKind::Primed { of: whole, primes } => match &whole.kind {
            ExprKind::Name(name) => unit_of_name(model, &format!("{name}{}", "'".repeat(*primes as usize))),
            _ => None,
        },
        ExprKind::Unary { operand, .. } => of(operand),
        ExprKind::Call(call) => {
            let name = call.function.name.as_str();
            let known = UnaryFn::ALL.into_iter().any(|f| f.name() == name) || matches!(name, "log" | "relu");
            match effect(name) {
                _ if !known => None,
                Effect::Same => of(call.arguments.first()?),
                Effect::Root => Some(of(call.arguments.first()?)?.power(Ratio::new(1, 2))),
                Effect::Forgets | Effect::Plain => Some(Unit::one()),
            }
        }
        ExprKind::Binary { op: ast::BinaryOp::Multiply, left, right } => Some(of(left)?.times(&of(right)?)),
        ExprKind::Binary { op: ast::BinaryOp::Divide, left, right } => Some(of(left)?.over(&of(right)?)),
        ExprKind::Binary { op: ast::BinaryOp::Power, left, right } => Some(of(left)?.power(Ratio::of(number(right)?)?)),
        ExprKind::Binary { op: ast::BinaryOp::Add | ast::BinaryOp::Subtract, left, right } => {
            match (number(left), number(right)) {
                (Some(_), Some(_)) => None,
                (Some(_), None) => of(right),
                _ => of(left).or_else(|| of(right)),
            }
        }
        _ => None,
    }
}

/// The number that an expression is, with its sign.
fn number(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number { value, .. } => Some(*value),
        ExprKind::Unary { op: ast::UnaryOp::Negate, operand } => number(operand).map(|value| -value),
        _ => None,
    }
}
