//! What differs from step to step: fields, the steps of the solves.
//!
//! A field that no network gives is an array of trained numbers over the steps of a window, the same for all windows. Trained
//! steps are `init e^s` with trained numbers s, so that they stay positive.

use super::Request;
use super::TrainingError;
use super::encoder::Declared;
use super::forward::Emitted;
use super::scope::{Axes, Constants};
use crate::artifact::training::{Start, WeightSpec};
use crate::base::{Elem, IndexMap};
use crate::hir::{FieldStart, InputId, Over, StepSource};
use crate::ir::{AxisId, Builder, Type, UnaryOp, ValueId};

/// The parameters behind fields and steps.
pub(super) struct Varying {
    /// Fields that are trained as they are, `f32[time]`.
    fields: IndexMap<InputId, ValueId>,
    /// Logarithms of the steps over where they start, `f32[interval]`.
    steps: Option<ValueId>,
    /// From steps to intervals and back, where there is need: means of neighbours, `f64[time, interval]` and `f64[interval, time]`.
    means: Option<[ValueId; 2]>,
    interval: AxisId,
}

/// The steps of the solves.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    /// As the solves take them: a scalar, or over samples, intervals or both.
    pub between: ValueId,
    /// At every sample: the mean of those beside it, over the same axes with steps in the place of intervals.
    pub at: ValueId,
}

impl Varying {
    /// Declares the parameters.
    pub fn declare(
        b: &mut Builder,
        request: &Request,
        axes: &Axes,
        declared: &mut Declared,
        constants: &mut Constants,
    ) -> Result<Varying, TrainingError> {
        let window = request.fit.reach();
        let intervals = window.saturating_sub(1);
        let interval = b.module.axis("interval", Some(intervals));
        let mut fields = IndexMap::new();
        for (id, input) in request.model.inputs.iter() {
            let Some(FieldStart { low, high }) = input.field else { continue };
            if request.fit.fields.iter().any(|f| f.input == id) {
                continue;
            }
            let start = if low < high { Start::Between(low, high) } else { Start::Constant(low) };
            let name = format!("field''{}", input.name);
            let weight = WeightSpec { name, shape: vec![window], start, coefficients: false };
            fields.insert(id, declared.declare(b, weight, &[axes.time]));
        }
        let steps = matches!(request.fit.step, StepSource::Trained(_)).then(|| {
            let name = "log_steps".to_string();
            let weight = WeightSpec { name, shape: vec![intervals], start: Start::Constant(0.0), coefficients: false };
            declared.declare(b, weight, &[interval])
        });
        let over_time = match request.fit.step {
            StepSource::Data => false,
            StepSource::Trained(_) => true,
            StepSource::Output(o) => {
                request.networks[o.network].outputs.get(o.output).is_some_and(|output| output.over != Over::Once)
            }
        };
        let means = match over_time {
            false => None,
            true => {
                let (to_intervals, to_steps) = means(window);
                let ty = Type::f64([axes.time, interval]);
                let to_intervals = constants.add(b, "to_intervals", ty, vec![window, intervals], to_intervals)?;
                let ty = Type::f64([interval, axes.time]);
                Some([to_intervals, constants.add(b, "to_steps", ty, vec![intervals, window], to_steps)?])
            }
        };
        Ok(Varying { fields, steps, means, interval })
    }

    /// The fields, `f64[time]` or `f64[sample, time]`, by input.
    pub fn fields(&self, b: &mut Builder, request: &Request, emitted: &Emitted) -> IndexMap<InputId, ValueId> {
        let mut out = IndexMap::new();
        for (id, _) in request.model.inputs.iter().filter(|(_, i)| i.field.is_some()) {
            let binding = request.fit.fields.iter().find(|f| f.input == id);
            let value = match (binding.and_then(|f| emitted.get(&f.source)), self.fields.get(&id)) {
                (Some(value), _) => value,
                (None, Some(&numbers)) => b.convert(numbers, Elem::F64),
                (None, None) => continue,
            };
            out.insert(id, value);
        }
        out
    }

    /// The steps; `h` is that of the data.
    pub fn steps(&self, b: &mut Builder, request: &Request, axes: &Axes, emitted: &Emitted, h: ValueId) -> Steps {
        let same = Steps { between: h, at: h };
        match (request.fit.step, self.steps, self.means) {
            (StepSource::Trained(init), Some(logarithms), Some([_, to_steps])) => {
                let start = init.map_or(h, |init| b.f64(init));
                let logarithms = b.convert(logarithms, Elem::F64);
                let factor = b.unary(UnaryOp::Exp, logarithms);
                let between = b.mul(factor, start);
                Steps { between, at: b.contract(between, to_steps, &[self.interval], &[axes.time]) }
            }
            (StepSource::Output(source), _, means) => match (emitted.get(&source), means) {
                (Some(value), None) => Steps { between: value, at: value },
                (Some(value), Some([to_intervals, to_steps])) => {
                    let between = b.contract(value, to_intervals, &[axes.time], &[axes.sample, self.interval]);
                    Steps { between, at: b.contract(between, to_steps, &[self.interval], &[axes.sample, axes.time]) }
                }
                (None, _) => same,
            },
            _ => same,
        }
    }

    /// Whether steps are anything but the data's.
    pub fn has_steps(request: &Request) -> bool {
        request.fit.step != StepSource::Data
    }
}

/// From `n` steps to the intervals between them and from these to steps: means of the neighbours, at the ends the only one.
fn means(n: usize) -> (Vec<f64>, Vec<f64>) {
    let intervals = n.saturating_sub(1);
    let mut to_intervals = vec![0.0; n * intervals];
    let mut to_steps = vec![0.0; intervals * n];
    for i in 0..intervals {
        to_intervals[i * intervals + i] = 0.5;
        to_intervals[(i + 1) * intervals + i] = 0.5;
        to_steps[i * n + i] = if i == 0 { 1.0 } else { 0.5 };
        to_steps[i * n + i + 1] = if i + 1 == intervals { 1.0 } else { 0.5 };
    }
    (to_intervals, to_steps)
}

/// The position of an input among those that are read from the data.
pub(super) fn data_inputs(request: &Request) -> Vec<InputId> {
    request.model.inputs.iter().filter(|(_, i)| i.field.is_none()).map(|(id, _)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::means;

    #[test]
    fn means_of_neighbours() {
        let (to_intervals, to_steps) = means(3);
        assert_eq!(to_intervals, [0.5, 0.0, 0.5, 0.5, 0.0, 0.5]);
        assert_eq!(to_steps, [1.0, 0.5, 0.0, 0.0, 0.5, 1.0]);
    }
}
