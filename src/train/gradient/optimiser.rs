//! Starting weights and Adam.

use super::functions::{Functions, update};
use super::{Decay, GradientError, Layout, Settings, State, Weights};
use crate::artifact::training::{Elimination, Start, names};
use crate::base::{Elem, Tensor, TensorData};
use crate::data::{Purpose, normals, stream, uniform};
use crate::train::gradient::batches::vector;

impl State {
    /// The state before the first step. Array number i draws its numbers from stream i of the weights' purpose.
    pub fn start(layout: &Layout, seed: u64) -> Self {
        let mut weights = Vec::new();
        for (i, spec) in layout.weights.iter().enumerate() {
            let mut rng = stream(seed, Purpose::Weights, i as u64);
            let mut value = Tensor::zeros(Elem::F32, spec.shape.clone());
            let mut numbers = vec![0.0; value.len()];
            match spec.start {
                Start::Uniform(bound) => numbers.iter_mut().for_each(|x| *x = bound * (2.0 * uniform(&mut rng) - 1.0)),
                Start::Normal => normals(&mut rng, &mut numbers),
            }
            if let TensorData::F32(slot) = value.data_mut() {
                slot.iter_mut().zip(numbers).for_each(|(s, x)| *s = x as f32);
            }
            weights.push(Weights::new(&spec.name, value));
        }
        if !layout.parameters.is_empty() {
            let value = vector(layout.parameters.iter().map(|p| p.start).collect());
            weights.push(Weights::new(names::PARAMETERS, value));
        }
        let start: Vec<f64> = layout.coefficients.iter().map(|c| c.start).collect();
        if layout.elimination == Elimination::Trained && !start.is_empty() {
            weights.push(Weights::new(names::COEFFICIENTS, vector(start.clone())));
        }
        let count = start.len();
        State {
            step: 0,
            weights,
            mask: vec![1.0; count],
            held: vec![0.0; count],
            coefficients: start,
            losses: Vec::new(),
        }
    }
}

impl Weights {
    fn new(name: &str, value: Tensor) -> Self {
        let zeros = Tensor::zeros(value.elem(), value.shape().to_vec());
        Weights { name: name.to_string(), value, mean: zeros.clone(), square: zeros }
    }
}

/// The learning rate's factor at a step.
pub(super) fn decay(decay: Decay, step: usize, total: usize) -> f64 {
    match decay {
        Decay::Constant => 1.0,
        Decay::Cosine => 0.5 * (1.0 + libm::cos(std::f64::consts::PI * step as f64 / total.max(1) as f64)),
    }
}

/// One update of every array from the adjoints of the last step. `values` are the arrays; the state has their moments.
pub(super) fn adam(
    functions: &mut Functions,
    layout: &Layout,
    state: &mut State,
    values: &mut super::functions::Arguments,
    settings: &Settings,
    factor: f64,
) -> Result<(), GradientError> {
    let t = (state.step + 1) as f64;
    let corrections = [1.0 - libm::pow(settings.beta1, t), 1.0 - libm::pow(settings.beta2, t)];
    for (i, weights) in state.weights.iter_mut().enumerate() {
        let of_network = layout.weights.get(i).is_some_and(|w| !w.coefficients);
        let rate = if of_network { settings.rate } else { settings.coefficient_rate.unwrap_or(settings.rate) };
        let scalars = [rate * factor, settings.beta1, settings.beta2, settings.epsilon, corrections[0], corrections[1]];
        let gradient = functions.step.result(&format!("{}{}", weights.name, names::ADJOINT))?;
        let Some(value) = values.get_mut(&weights.name) else { continue };
        let single = value.elem() == Elem::F32;
        let executable = if single { &mut functions.adam_f32 } else { &mut functions.adam_f64 };
        let scalars = scalars.map(|x| if single { single_scalar(x) } else { Tensor::scalar(x) });
        update(executable, [value, &mut weights.mean, &mut weights.square], gradient, &scalars)?;
    }
    clamp(values, names::PARAMETERS, layout.parameters.iter().map(|p| (p.lower, p.upper)));
    clamp(values, names::COEFFICIENTS, layout.coefficients.iter().map(|c| (c.lower, c.upper)));
    Ok(())
}

/// Moves numbers that left their bounds back to them.
fn clamp(values: &mut super::functions::Arguments, name: &str, bounds: impl Iterator<Item = (f64, f64)>) {
    if let Some(TensorData::F64(numbers)) = values.get_mut(name).map(Tensor::data_mut) {
        numbers.iter_mut().zip(bounds).for_each(|(x, (lower, upper))| *x = x.max(lower).min(upper));
    }
}

fn single_scalar(x: f64) -> Tensor {
    let mut tensor = Tensor::zeros(Elem::F32, Vec::new());
    if let TensorData::F32(slot) = tensor.data_mut() {
        slot.fill(x as f32);
    }
    tensor
}
