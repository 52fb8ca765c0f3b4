//! Units in expectations: where one is written, both sides and the tolerance are brought to one unit.
//!
//! Plain numbers fit everything, as values do in models. Unlike models, expectations convert: a test says what is true of a
//! quantity, in whatever unit it is told.

use super::super::units::{mismatch, shown};
use super::canonical::expression;
use super::subject::Resolver;
use crate::base::Ratio;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E0807;
use crate::hir::{
    BinaryOp, DataId, DataSource, EquationRef, Model, Quantity, Reduction, Relation, Subject, Timing, UnaryFn, Unit,
    family,
};
use crate::source::Span;
use crate::syntax::ast::{self, Expr, ExprKind};

/// What is known about the unit of a quantity.
#[derive(Clone, Debug)]
pub(super) enum Measure {
    /// A number without a unit, which fits everything.
    Plain,
    /// Nothing.
    Open,
    /// The unit.
    Known(Unit),
}

/// Why quantities cannot be brought to one unit.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// They measure different things.
    Differ(Unit, Unit),
    /// The unit of one is not known.
    Open,
}

type Measured = (Quantity, Measure);

/// Whether a number with a unit stands in `expr`.
pub(super) fn has_units(expr: &Expr) -> bool {
    let mut found = matches!(expr.kind, ExprKind::Measured { .. });
    super::super::functions::each_part(expr, &mut |part| found = found || has_units(part));
    found
}

impl Resolver<'_> {
    /// A number with a unit.
    pub(super) fn measured(&mut self, value: &Expr, unit: &ast::UnitExpr) -> Option<Quantity> {
        let ExprKind::Number { value, .. } = value.kind else { return None };
        Some(Quantity::Measured(value, self.table.unit(unit, self.sink)?))
    }

    /// Both sides and the tolerance in the unit of the left side, and that unit; `within` is the tolerance as it is written.
    pub(super) fn in_one_unit(
        &mut self,
        (left, at_left): (Quantity, Span),
        (relation, within): (Relation, Option<&Expr>),
        (right, at_right): (Quantity, Span),
    ) -> Option<(Quantity, Relation, Quantity, Option<Unit>)> {
        let (left, right) = (self.settle(left), self.settle(right));
        let (left, right) = (self.told(left, at_left), self.told(right, at_right));
        let (left, right, measure) = self.told(join(left?, right?), at_right)?;
        let relation = match (relation, within.map(|w| &w.kind)) {
            (Relation::Within(by), Some(ExprKind::Measured { unit, .. })) => {
                let own = self.table.unit(unit, self.sink)?;
                let tolerance = (Quantity::Measured(by, own.clone()), Measure::Known(own));
                let joined = join((Quantity::Number(0.0), measure.clone()), tolerance);
                match self.told(joined, unit.span)? {
                    (_, Quantity::Measured(by, _), _) => Relation::Within(by),
                    _ => relation,
                }
            }
            _ => relation,
        };
        let unit = match measure {
            Measure::Known(unit) => Some(unit),
            Measure::Plain | Measure::Open => None,
        };
        Some((left, relation, right, unit))
    }

    /// The number of a constant time in the unit of `times`.
    pub(super) fn time_of(&mut self, time: Quantity, times: &Quantity, place: Span) -> Option<f64> {
        let joined = self.settle(times.clone()).and_then(|a| join(a, self.settle(time)?));
        let (_, time, _) = self.told(joined, place)?;
        match time {
            Quantity::Measured(at, _) | Quantity::Number(at) => Some(at),
            _ => None,
        }
    }

    /// What was found, or nothing after a report at `place`.
    fn told<T>(&mut self, found: Result<T, Trouble>, place: Span) -> Option<T> {
        let d = match found {
            Ok(found) => return Some(found),
            Err(Trouble::Differ(left, right)) => mismatch(&left, &right, place, format!("in {}", shown(&right))),
            Err(Trouble::Open) => {
                let message = "the unit of what this is compared with is not known, so there is nothing to convert to";
                let d = Diagnostic::error(E0807, message, place, "");
                d.help("leave the unit out, or declare units in the model: `state x [m]`")
            }
        };
        self.sink.push(d);
        None
    }

    /// A quantity whose parts are in one unit, and what it measures.
    fn settle(&self, quantity: Quantity) -> Result<Measured, Trouble> {
        let of = |unit: Option<Unit>| unit.map_or(Measure::Open, Measure::Known);
        let measure = match &quantity {
            Quantity::Number(_) => Measure::Plain,
            Quantity::Measured(_, unit) => Measure::Known(unit.clone()),
            Quantity::Column(id, name) => of(self.models_of(*id).find_map(|m| unit_of_name(m, name))),
            Quantity::Solution(fit, name) | Quantity::Noise(fit, name) => {
                of(unit_of_name(self.model(Subject::Fit(*fit)), name))
            }
            Quantity::Parameter(subject, name) => of(unit_of_name(self.model(*subject), name)),
            Quantity::ParameterError(fit, name) => of(unit_of_name(self.model(Subject::Fit(*fit)), name)),
            Quantity::Coefficient(equation, term) | Quantity::CoefficientError(equation, term) => {
                of(self.unit_of_coefficient(equation, term))
            }
            Quantity::Metric(fit, name, _) => {
                let state = name.strip_prefix("RMSE of ");
                of(state.and_then(|state| unit_of_name(self.model(Subject::Fit(*fit)), state)))
            }
            Quantity::Loss(_) => Measure::Open,
            Quantity::Unary(..)
            | Quantity::Binary(..)
            | Quantity::Reduced(..)
            | Quantity::List(_)
            | Quantity::Timed { .. } => {
                return self.settle_parts(quantity);
            }
        };
        Ok((quantity, measure))
    }

    fn settle_parts(&self, quantity: Quantity) -> Result<Measured, Trouble> {
        Ok(match quantity {
            Quantity::Unary(f, a) => {
                let (a, measure) = self.settle(*a)?;
                let measure = match (f, measure) {
                    (UnaryFn::Neg | UnaryFn::Abs, measure) => measure,
                    (UnaryFn::Sqrt, Measure::Known(unit)) => Measure::Known(unit.power(Ratio::new(1, 2))),
                    (UnaryFn::Sqrt, measure) => measure,
                    _ => Measure::Plain,
                };
                (Quantity::Unary(f, Box::new(a)), measure)
            }
            Quantity::Binary(op, a, b) => {
                let (a, b) = (self.settle(*a)?, self.settle(*b)?);
                let (a, b, measure) = match op {
                    BinaryOp::Mul => product(a, b, Unit::times),
                    BinaryOp::Div => product(a, b, Unit::over),
                    BinaryOp::Pow => power(a, b),
                    BinaryOp::Add | BinaryOp::Sub | BinaryOp::Min | BinaryOp::Max => join(a, b)?,
                };
                (Quantity::Binary(op, Box::new(a), Box::new(b)), measure)
            }
            Quantity::Reduced(how, a) => {
                let (a, measure) = self.settle(*a)?;
                let measure = if how == Reduction::Count { Measure::Plain } else { measure };
                (Quantity::Reduced(how, Box::new(a)), measure)
            }
            Quantity::List(list) => {
                let (mut out, mut all) = (Vec::with_capacity(list.len()), Measure::Plain);
                for part in list {
                    // Those before have this unit or are plain.
                    let (_, part, measure) = join((Quantity::Number(0.0), all), self.settle(part)?)?;
                    all = measure;
                    out.push(part);
                }
                (Quantity::List(out), all)
            }
            Quantity::Timed { how, series, times } => {
                let (series, of_series) = self.settle(*series)?;
                let (times, of_times) = self.settle(*times)?;
                let measure = match how {
                    Timing::At(_) => of_series,
                    Timing::Period => of_times,
                    Timing::Peaks => Measure::Plain,
                };
                (Quantity::Timed { how, series: Box::new(series), times: Box::new(times) }, measure)
            }
            other => (other, Measure::Open),
        })
    }

    /// The models that say what the columns of a data set are.
    fn models_of(&self, id: DataId) -> impl Iterator<Item = &Model> {
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
    fn unit_of_coefficient(&self, equation: &EquationRef, term: &str) -> Option<Unit> {
        let model = self.model(equation.subject);
        let (id, state) =
            model.states.iter().find(|(_, s)| s.name == equation.state || family(&s.name) == equation.state)?;
        let left = model.units.derivative(id, state.order)?;
        Some(left.over(&unit_of_term(model, &expression(term)?)?))
    }
}

/// Both in the unit of the first, and that unit.
fn join(a: Measured, b: Measured) -> Result<(Quantity, Quantity, Measure), Trouble> {
    match (a, b) {
        ((a, Measure::Plain), (b, measure)) | ((a, measure), (b, Measure::Plain)) => Ok((a, b, measure)),
        ((a, Measure::Open), (b, Measure::Open)) => Ok((a, b, Measure::Open)),
        ((_, Measure::Open), _) | (_, (_, Measure::Open)) => Err(Trouble::Open),
        ((a, Measure::Known(unit)), (b, Measure::Known(other))) => match other.in_units_of(&unit) {
            None => Err(Trouble::Differ(unit, other)),
            Some(factor) => Ok((a, scaled(b, factor, &unit), Measure::Known(unit))),
        },
    }
}

fn scaled(quantity: Quantity, factor: f64, unit: &Unit) -> Quantity {
    match quantity {
        Quantity::Measured(value, _) => Quantity::Measured(value * factor, unit.clone()),
        other if factor == 1.0 => other,
        other => Quantity::Binary(BinaryOp::Mul, Box::new(Quantity::Number(factor)), Box::new(other)),
    }
}

fn product(a: Measured, b: Measured, of: impl Fn(&Unit, &Unit) -> Unit) -> (Quantity, Quantity, Measure) {
    let unit = |m: &Measure| match m {
        Measure::Plain => Some(Unit::one()),
        Measure::Known(unit) => Some(unit.clone()),
        Measure::Open => None,
    };
    let measure = match (&a.1, &b.1) {
        (Measure::Plain, Measure::Plain) => Measure::Plain,
        (m, n) => unit(m).zip(unit(n)).map_or(Measure::Open, |(m, n)| Measure::Known(of(&m, &n))),
    };
    (a.0, b.0, measure)
}

fn power(a: Measured, b: Measured) -> (Quantity, Quantity, Measure) {
    let exponent = match &b.0 {
        Quantity::Number(n) => Ratio::of(*n),
        _ => None,
    };
    let measure = match (&a.1, exponent) {
        (Measure::Plain, _) => Measure::Plain,
        (Measure::Known(unit), Some(n)) => Measure::Known(unit.power(n)),
        _ => Measure::Open,
    };
    (a.0, b.0, measure)
}

/// The unit of a time, state, input or parameter, with the derivatives that its primes say.
fn unit_of_name(model: &Model, name: &str) -> Option<Unit> {
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

/// The unit of a term of an equation.
fn unit_of_term(model: &Model, term: &Expr) -> Option<Unit> {
    let of = |e: &Expr| unit_of_term(model, e);
    match &term.kind {
        ExprKind::Number { .. } => Some(Unit::one()),
        ExprKind::Name(name) => unit_of_name(model, name),
        ExprKind::Subscript { of: whole, .. } => of(whole),
        ExprKind::Primed { of: whole, primes } => match &whole.kind {
            ExprKind::Name(name) => unit_of_name(model, &format!("{name}{}", "'".repeat(*primes as usize))),
            _ => None,
        },
        ExprKind::Unary { operand, .. } => of(operand),
        ExprKind::Binary { op: ast::BinaryOp::Multiply, left, right } => Some(of(left)?.times(&of(right)?)),
        ExprKind::Binary { op: ast::BinaryOp::Divide, left, right } => Some(of(left)?.over(&of(right)?)),
        ExprKind::Binary { op: ast::BinaryOp::Power, left, right } => match right.kind {
            ExprKind::Number { value, .. } => Some(of(left)?.power(Ratio::of(value)?)),
            _ => None,
        },
        ExprKind::Binary { op: ast::BinaryOp::Add | ast::BinaryOp::Subtract, left, right } => match of(left)? {
            unit if unit.is_one() => of(right),
            unit => Some(unit),
        },
        _ => None,
    }
}
