//! Adam.

use super::functions::{Functions, update};
use super::{Decay, GradientError, Layout, Settings, State};
use crate::artifact::training::names;
use crate::base::{Elem, Tensor, TensorData};

/// The learning rate's factor at the step that comes next.
pub(super) fn decay(settings: &Settings, state: &State, total: usize) -> f64 {
    let progress = state.step as f64 / total.max(1) as f64;
    let schedule = match settings.decay {
        Decay::Constant => 1.0,
        Decay::Cosine => 0.5 * (1.0 + libm::cos(std::f64::consts::PI * progress)),
        Decay::Exponential(end) => libm::pow(end, progress),
        Decay::Plateau { .. } => state.watch.factor,
    };
    let risen = (state.step + 1) as f64 / settings.warmup.max(1) as f64;
    schedule * risen.min(1.0)
}

/// One update of every array from the adjoints of the last step.
pub(super) fn adam(
    functions: &mut Functions,
    layout: &Layout,
    state: &mut State,
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
        let single = weights.value.elem() == Elem::F32;
        let executable = if single { &mut functions.adam_f32 } else { &mut functions.adam_f64 };
        let scalars = scalars.map(|x| if single { single_scalar(x) } else { Tensor::scalar(x) });
        update(executable, [&mut weights.value, &mut weights.mean, &mut weights.square], gradient, &scalars)?;
    }
    clamp(state, names::PARAMETERS, layout.parameters.iter().map(|p| (p.lower, p.upper)));
    clamp(state, names::COEFFICIENTS, layout.coefficients.iter().map(|c| (c.lower, c.upper)));
    Ok(())
}

/// Moves numbers that left their bounds back to them.
fn clamp(state: &mut State, name: &str, bounds: impl Iterator<Item = (f64, f64)>) {
    let array = state.weights.iter_mut().find(|w| w.name == name);
    if let Some(TensorData::F64(numbers)) = array.map(|w| w.value.data_mut()) {
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
