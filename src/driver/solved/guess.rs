//! Where the iteration for equations that are not linear starts.

use super::super::driven;
use super::super::failure::Failure;
use super::super::pointwise::Compiled;
use super::given::Given;
use crate::base::Idx;
use crate::data::{self, Sampling};
use crate::hir::{InitialValue, SolveSpec, StateId};
use crate::lower::pointwise::components;
use crate::train::joint::{Drive, Observations};

/// A first trajectory, `[component, time]`: the simulated one, along the inputs, where every initial value is known; otherwise, or where that
/// fails, straight lines through the values at the ends.
pub(super) fn guess(spec: &SolveSpec, given: &Given) -> Result<Vec<f64>, Failure> {
    let model = spec.model.as_ref();
    let parts = components(model);
    let first: Vec<Option<f64>> = parts.iter().map(|&part| at_start(spec, given, part)).collect();
    let known: Option<Vec<f64>> = first.iter().copied().collect();
    let free = model.boundary.of_solves().is_none();
    if let Some(initial) = known.filter(|_| free)
        && let Some(x) = simulated(spec, given, &initial)?
    {
        return Ok(x);
    }
    let last = |part| value(&model.boundary.finals, part);
    let span = given.dt * given.steps.saturating_sub(1) as f64;
    let mut x = Vec::with_capacity(parts.len() * given.steps);
    for (&(state, k), start) in parts.iter().zip(&first) {
        // A line from the first value to the last one; its slope for the first derivative.
        let ends = |k: u8| (at_start(spec, given, (state, k)), last((state, k)));
        let (a, b) = match (*start, last((state, k)), k) {
            (Some(a), Some(b), _) => (a, b),
            (Some(v), None, _) | (None, Some(v), _) => (v, v),
            (None, None, 1) => match ends(0) {
                (Some(a), Some(b)) => ((b - a) / span, (b - a) / span),
                _ => (0.0, 0.0),
            },
            (None, None, 0) => (1.0, 1.0),
            (None, None, _) => (0.0, 0.0),
        };
        let part = |i: usize| i as f64 / given.steps.saturating_sub(1).max(1) as f64;
        x.extend((0..given.steps).map(|i| a + (b - a) * part(i)));
    }
    Ok(x)
}

fn value(list: &[InitialValue], part: (StateId, u8)) -> Option<f64> {
    list.iter().find(|v| (v.state, v.derivative) == part).map(|v| v.value)
}

/// The value of a component at the first time, from the item, the model or the data.
fn at_start(spec: &SolveSpec, given: &Given, part: (StateId, u8)) -> Option<f64> {
    let place = (0, part.0.index(), usize::from(part.1));
    let from_data = given.places.iter().position(|p| *p == place).and_then(|i| given.values.get(i)).copied();
    value(&spec.initial, part).or(from_data)
}

/// The simulated trajectory; `None` where it cannot be had.
fn simulated(spec: &SolveSpec, given: &Given, initial: &[f64]) -> Result<Option<Vec<f64>>, Failure> {
    let model = spec.model.as_ref();
    let mut compiled = Compiled::field(model)?;
    let n = initial.len();
    let values = if model.inputs.is_empty() {
        let observed: Vec<(String, usize)> = (0..n).map(|i| (String::new(), i)).collect();
        let sampling = Sampling { t0: given.t0, dt: given.dt, samples: given.steps, ..Sampling::default() };
        let mut rhs = |t: f64, x: &[f64], dx: &mut [f64]| {
            if compiled.evaluate(t, x, &[], dx).is_err() {
                dx.fill(f64::NAN);
            }
        };
        match data::simulate(&mut rhs, initial, &observed, &sampling) {
            Ok(solved) => solved.values,
            Err(_) => return Ok(None),
        }
    } else {
        let drive = Drive::new(&Observations {
            t: (0..given.steps).map(|i| given.time(i)).collect(),
            input: given.inputs.clone(),
            between: model.inputs.values().map(|input| input.between).collect(),
            ..Observations::default()
        });
        let mut rhs = |t: f64, x: &[f64], input: &[f64], dx: &mut [f64]| {
            if compiled.evaluate_driven(t, (x, input), &[], dx).is_err() {
                dx.fill(f64::NAN);
            }
        };
        match driven::solve(&mut rhs, initial, (&drive, model.inputs.len()), 0..given.steps.saturating_sub(1)) {
            Ok(behind) => [initial, &behind].concat(),
            Err(_) => return Ok(None),
        }
    };
    let at = |c: usize, t: usize| values.get(t * n + c).copied().unwrap_or(f64::NAN);
    Ok(Some((0..n).flat_map(|c| (0..given.steps).map(move |t| (c, t))).map(|(c, t)| at(c, t)).collect()))
}
