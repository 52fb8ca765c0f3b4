//! Numbers of the size that arguments have in a training.

use crate::artifact::Port;
use crate::artifact::training::names;
use crate::base::{Elem, Tensor};
use crate::data::{Purpose, stream, uniform};
use crate::driver::failure::Failure;
use crate::kernel::Program;
use crate::lower::training::Lowered;

/// Samples of a mini-batch.
const SAMPLES: usize = 3;

/// Tensors that stand for parameters, by their names.
pub type Given = Vec<(String, Tensor)>;

/// Constants of a fit, and weights of networks as they start.
pub fn given(fit: &Lowered) -> Result<Given, Failure> {
    let mut given = fit.constants.clone();
    for (at, weight) in (0..).zip(&fit.weights) {
        let mut rng = stream(12, Purpose::Benchmark, at);
        let bound = weight.shape.first().map_or(1.0, |&inputs| (inputs as f64).sqrt().recip());
        let count: usize = weight.shape.iter().product();
        let numbers: Vec<f64> = (0..count).map(|_| bound * (2.0 * uniform(&mut rng) - 1.0)).collect();
        given.push((weight.name.clone(), typed(Elem::F64, weight.shape.clone(), numbers)?));
    }
    Ok(given)
}

/// Arguments of a model's or a training's function.
pub fn of_function(program: &Program, given: &Given) -> Result<Vec<Tensor>, Failure> {
    let size = |axis: &usize| program.entry.axes.get(*axis).and_then(|a| a.size).unwrap_or(SAMPLES);
    let one = |(at, port): (u64, &Port)| {
        if let Some((_, tensor)) = given.iter().find(|(name, _)| *name == port.name) {
            return typed(port.elem, tensor.shape().to_vec(), tensor.to_f64());
        }
        let shape: Vec<usize> = port.axes.iter().map(size).collect();
        let count: usize = shape.iter().product();
        let numbers = match port.name.as_str() {
            names::MASK | names::SCALE | names::WEIGHT | names::CONSISTENCY => vec![1.0; count],
            names::HELD | names::MEAN => vec![0.0; count],
            names::STEP_SIZE => vec![0.05; count],
            names::AVERAGE => vec![1e-3; count],
            // Random windows determine the coefficients badly; two roundings of one matrix must not show.
            names::RIDGE => vec![1e-2; count],
            _ => {
                let mut rng = stream(11, Purpose::Benchmark, at);
                (0..count).map(|_| 0.2 + uniform(&mut rng)).collect()
            }
        };
        typed(port.elem, shape, numbers)
    };
    (0..).zip(&program.entry.params).map(one).collect()
}

/// Coupled oscillators with a little of everything: arguments `c`, `h` and others of a relaxed solve.
pub fn of_solve(program: &Program, samples: usize, steps: usize) -> Result<Vec<Tensor>, Failure> {
    let axes = &program.entry.axes;
    let size = |at: &usize| {
        let axis = axes.get(*at);
        axis.and_then(|a| a.size).unwrap_or(if axis.is_some_and(|a| a.name == "time") { steps } else { samples })
    };
    let named = |name: &str| axes.iter().find(|a| a.name == name).and_then(|a| a.size).unwrap_or(1);
    let (orders, states, equations) = (named("order"), named("state"), named("equation"));
    let tensor = |port: &Port| {
        let shape: Vec<usize> = port.axes.iter().map(size).collect();
        let number = |i: usize| match port.name.as_str() {
            // Intervals differ where there are several.
            "h" => 0.1 + 0.02 * (i as f64).sin(),
            "c" => {
                let (k, d, e) = (i % orders, i / orders % states, i / (orders * states * steps.max(1)) % equations);
                let wave = (i as f64 * 0.7).sin();
                match (d == e, k) {
                    (true, 1) => 1.0 + 0.1 * wave,
                    (true, 0) => 0.8 + 0.2 * wave,
                    (false, 0) => 0.3 * wave,
                    _ => 0.0,
                }
            }
            _ => (i as f64 * 0.37).sin(),
        };
        let count: usize = shape.iter().product();
        typed(port.elem, shape, (0..count).map(number).collect())
    };
    program.entry.params.iter().map(tensor).collect()
}

/// An argument in double precision; numbers that were in single precision are moved by this share of them, up or down at random.
pub(super) fn widened(tensor: &Tensor, moved: f64, at: u64) -> Result<Tensor, Failure> {
    let mut rng = stream(13, Purpose::Benchmark, at);
    let mut move_by = |x: f64| if uniform(&mut rng) > 0.5 { x + moved * x } else { x - moved * x };
    let mut numbers = tensor.to_f64();
    if tensor.elem() == Elem::F32 {
        numbers.iter_mut().for_each(|x| *x = move_by(*x));
    }
    typed(Elem::F64, tensor.shape().to_vec(), numbers)
}

pub(super) fn typed(elem: Elem, shape: Vec<usize>, numbers: Vec<f64>) -> Result<Tensor, Failure> {
    let made = match elem {
        Elem::F64 => Tensor::from_f64(shape, numbers),
        Elem::F32 => Tensor::from_f32(shape, numbers.into_iter().map(|x| x as f32).collect()),
    };
    made.map_err(|e| Failure::Internal(e.to_string()))
}
