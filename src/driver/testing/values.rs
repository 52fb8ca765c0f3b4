//! What quantities of expectations are: numbers and series from data sets and fits.

use std::borrow::Cow;

use super::compare::Value;
use super::judge::Judge;
use super::timing;
use super::unjudged::Unjudged;
use crate::data::Dataset;
use crate::hir::{self, Quantity, Subject, Timing};
use crate::report::{self, RunRecord};

impl Judge<'_, '_> {
    pub(super) fn value(&self, quantity: &Quantity) -> Result<Value, Unjudged> {
        let number = |v: f64| Ok(Value::Number(v));
        match quantity {
            Quantity::Number(v) | Quantity::Measured(v, _) => number(*v),
            Quantity::Column(id, name) => self.column(*id, name),
            Quantity::Solution(id, name) => solution(self.laboratory.fit(*id)?, name),
            Quantity::Parameter(Subject::Fit(id), name) => number(parameter(self.laboratory.fit(*id)?, name)?.value),
            Quantity::Parameter(Subject::Model(id), name) => {
                let model = &self.program().models[*id];
                let value = model.params.values().find(|p| p.name == *name).and_then(|p| p.value);
                value.map(Value::Number).ok_or_else(|| format!("`{name}` has no value").into())
            }
            Quantity::ParameterError(id, name) => {
                let error = parameter(self.laboratory.fit(*id)?, name)?.std_error;
                error.map(Value::Number).ok_or_else(|| format!("this fit gives no standard error of `{name}`").into())
            }
            Quantity::Coefficient(of, term) => number(self.coefficient(of, term)?.map_or(0.0, |found| found.0)),
            Quantity::CoefficientError(of, term) => {
                let error = self.coefficient(of, term)?.and_then(|found| found.1);
                error.map(Value::Number).ok_or_else(|| format!("there is no standard error of `{}`", term.shown).into())
            }
            Quantity::Metric(id, name, part) => {
                let record = self.laboratory.fit(*id)?;
                let found = record.metrics.iter().find(|m| m.name == *name && m.part == *part);
                found.map(|m| Value::Number(m.value)).ok_or_else(|| {
                    let known: Vec<String> =
                        record.metrics.iter().map(|m| format!("\"{}\" of \"{}\"", m.name, m.part)).collect();
                    format!("the fit has no figure \"{name}\" of the part \"{part}\"; it has {}", known.join(", "))
                        .into()
                })
            }
            Quantity::Noise(id, state) => {
                let found = self.laboratory.fit(*id)?.noise.iter().find(|n| n.state == *state);
                found
                    .map(|n| Value::Number(n.std))
                    .ok_or_else(|| format!("the fit estimates no noise of `{state}`").into())
            }
            Quantity::Loss(id) => {
                let last = self.laboratory.fit(*id)?.loss.last();
                last.map(|l| Value::Number(l.loss)).ok_or_else(|| "the fit has no loss".into())
            }
            Quantity::Unary(f, a) => Ok(self.value(a)?.map(|v| f.apply(v))),
            Quantity::Binary(op, a, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                Ok(match a.common(&b)? {
                    None => Value::Number(op.apply(a.at(0), b.at(0))),
                    Some(n) => Value::Series((0..n).map(|i| op.apply(a.at(i), b.at(i))).collect()),
                })
            }
            Quantity::List(list) => {
                let mut out = Vec::with_capacity(list.len());
                for quantity in list {
                    match self.value(quantity)? {
                        Value::Number(v) => out.push(v),
                        Value::Series(values) => out.extend(values),
                    }
                }
                Ok(Value::Series(out))
            }
            Quantity::Timed { how, series, times } => number(self.timed(*how, series, times)?),
            Quantity::Reduced(how, a) => number(match self.value(a)? {
                Value::Number(v) => how.apply(&[v]),
                Value::Series(values) => how.apply(&self.measured(a, &values)?),
            }),
        }
    }

    /// A number from a series and its times, which is as long.
    fn timed(&self, how: Timing, series: &Quantity, times: &Quantity) -> Result<f64, Unjudged> {
        match (self.value(series)?, self.value(times)?) {
            (Value::Series(values), Value::Series(times)) if values.len() == times.len() => match how {
                Timing::At(_) => Ok(timing::apply(how, &values, &times)?),
                _ => Ok(timing::apply(how, &self.measured(series, &values)?, &self.measured(series, &times)?)?),
            },
            _ => Err("the series has another length than its times".into()),
        }
    }

    /// The values, one for each sample of `quantity`, of those samples that no column it is made of lacks.
    fn measured(&self, quantity: &Quantity, values: &[f64]) -> Result<Vec<f64>, Unjudged> {
        let missing = self.missing(quantity)?;
        let kept = values.iter().enumerate().filter(|(i, _)| missing.get(*i) != Some(&true));
        let kept: Vec<f64> = kept.map(|(_, v)| *v).collect();
        if kept.is_empty() && !values.is_empty() {
            return Err("every sample is missing".into());
        }
        Ok(kept)
    }

    /// Which samples of a quantity are missing in the data; shorter than the quantity where none is from there on.
    fn missing(&self, quantity: &Quantity) -> Result<Vec<bool>, Unjudged> {
        match quantity {
            Quantity::Column(id, name) => {
                let data = self.data(*id)?;
                let Some(column) = data.column(name) else { return Ok(Vec::new()) };
                let of = |t: &crate::data::Trajectory| (0..t.len).map(|i| t.value(i, column).is_none()).collect();
                Ok(data.trajectories.iter().flat_map(|t| -> Vec<bool> { of(t) }).collect())
            }
            Quantity::Unary(_, a) => self.missing(a),
            Quantity::Binary(_, a, b) => {
                let (a, b) = (self.missing(a)?, self.missing(b)?);
                let at = |list: &[bool], i: usize| list.get(i) == Some(&true);
                Ok((0..a.len().max(b.len())).map(|i| at(&a, i) || at(&b, i)).collect())
            }
            // Elements of a list are taken as they are: one that is missing is for its author to say.
            _ => Ok(Vec::new()),
        }
    }

    /// A data set: beside a solution of a fit as the fit looks at it.
    fn data(&self, id: hir::DataId) -> Result<Cow<'_, Dataset>, Unjudged> {
        match self.beside_solution.get() {
            true => self.laboratory.fitted_data(id),
            false => self.laboratory.data(id).map(Cow::Borrowed),
        }
    }

    fn column(&self, id: hir::DataId, name: &str) -> Result<Value, Unjudged> {
        let data = self.data(id)?;
        let values = |f: &dyn Fn(&crate::data::Trajectory, usize) -> f64| {
            data.trajectories.iter().flat_map(|t| (0..t.len).map(move |i| f(t, i)).collect::<Vec<f64>>()).collect()
        };
        if name == "t" {
            return Ok(Value::Series(values(&|t, i| t.time(i))));
        }
        if let Some(column) = data.column(name) {
            return Ok(Value::Series(values(&|t, i| t.value(i, column).unwrap_or(f64::NAN))));
        }
        let Some(input) = data.inputs.iter().position(|n| n == name) else {
            return Err(format!("the data have no column `{name}`; they have {}", data.columns.join(", ")).into());
        };
        let width = data.inputs.len();
        Ok(Value::Series(values(&|t, i| t.inputs.get(i * width + input).copied().unwrap_or(f64::NAN))))
    }
}

/// Whether a quantity is computed from the solution of a fit.
pub(super) fn has_solution(quantity: &Quantity) -> bool {
    match quantity {
        Quantity::Solution(..) => true,
        Quantity::Unary(_, a) | Quantity::Reduced(_, a) => has_solution(a),
        Quantity::Binary(_, a, b) => has_solution(a) || has_solution(b),
        Quantity::List(list) => list.iter().any(has_solution),
        Quantity::Timed { series, times, .. } => has_solution(series) || has_solution(times),
        _ => false,
    }
}

fn parameter<'r>(record: &'r RunRecord, name: &str) -> Result<&'r report::Parameter, Unjudged> {
    let found = record.parameters.iter().find(|p| p.name == name);
    found.ok_or_else(|| format!("the fit does not estimate `{name}`").into())
}

fn solution(record: &RunRecord, name: &str) -> Result<Value, Unjudged> {
    let mut out = Vec::new();
    for trajectory in &record.trajectories {
        match trajectory.states.iter().find(|s| s.state == name) {
            _ if name == "t" => out.extend(&trajectory.time),
            Some(state) => out.extend(&state.solution),
            None => return Err(format!("the fit has no solution of `{name}`").into()),
        }
    }
    Ok(Value::Series(out))
}
