//! Units in expectations: where one is written, both sides and the tolerance are brought to one unit.
//!
//! Plain numbers fit everything, as values do in models. Unlike models, expectations convert: a test says what is true of a
//! quantity, in whatever unit it is told.

use super::super::units::{mismatch, what};
use super::subject::Resolver;
use super::unit_of::unit_of_name;
use crate::base::Ratio;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E0807;
use crate::hir::{BinaryOp, Quantity, Reduction, Relation, Subject, Timing, UnaryFn, Unit};
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

/// Whether a number with a unit stands in `quantity`.
pub(super) fn has_units(quantity: &Quantity) -> bool {
    match quantity {
        Quantity::Measured(..) => true,
        Quantity::Unary(_, a) | Quantity::Reduced(_, a) => has_units(a),
        Quantity::Binary(_, a, b) => has_units(a) || has_units(b),
        Quantity::List(list) => list.iter().any(has_units),
        Quantity::Timed { series, .. } => has_units(series),
        _ => false,
    }
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
        let (left, right) = (self.told(left, at_left, None), self.told(right, at_right, None));
        let (left, right, measure) = self.told(join(left?, right?), at_right, Some((at_left, "")))?;
        let relation = match (relation, within.map(|w| &w.kind)) {
            (Relation::Within(by), Some(ExprKind::Measured { unit, .. })) => {
                let own = self.table.unit(unit, self.sink)?;
                let tolerance = (Quantity::Measured(by, own.clone()), Measure::Known(own));
                let joined = join((Quantity::Number(0.0), measure.clone()), tolerance);
                match self.told(joined, unit.span, Some((at_left, "")))? {
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
    pub(super) fn time_of(&mut self, time: Quantity, times: &Quantity, (place, of): (Span, Span)) -> Option<f64> {
        let joined = self.settle(times.clone()).and_then(|a| join(a, self.settle(time)?));
        let (_, time, _) = self.told(joined, place, Some((of, "its times are ")))?;
        match time {
            Quantity::Measured(at, _) | Quantity::Number(at) => Some(at),
            _ => None,
        }
    }

    /// What was found, or nothing after a report at `place`, which is to fit what stands `beside`: its place, and what its label begins with.
    fn told<T>(&mut self, found: Result<T, Trouble>, place: Span, beside: Option<(Span, &str)>) -> Option<T> {
        let d = match found {
            Ok(found) => return Some(found),
            Err(Trouble::Differ(left, right)) => {
                let d = mismatch(&left, &right, place, what(&right));
                beside.into_iter().fold(d, |d, (other, head)| d.label(other, format!("{head}{}", what(&left))))
            }
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
