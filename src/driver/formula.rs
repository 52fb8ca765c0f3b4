//! Data from formulas: every column at every sample, with random numbers of streams of their own.

use super::failure::{Failure, Problem};
use super::memory;
use crate::data::{self, Dataset, Purpose, Trajectory};
use crate::hir::{Draw, FormulaSpec, Point};

/// Bytes of a number with its flag.
const NUMBER: u64 = 9;
/// Streams of a trajectory; no block has as many random numbers.
const STREAMS: u64 = 1 << 20;

/// Computes a data set.
///
/// # Errors
/// [`Failure::Numerical`] where a formula has no value, [`Failure::Environment`] for too little memory.
pub(super) fn compute(name: &str, spec: &FormulaSpec) -> Result<Dataset, Failure> {
    let numbers = (spec.steps as u64).saturating_mul((spec.columns.len() + spec.draws.len()) as u64);
    let bytes = numbers.saturating_mul(spec.trajectories as u64).saturating_mul(NUMBER);
    memory::ensure(&format!("computing `{name}`"), bytes, "take fewer times or `trajectories`")?;
    let trajectories: Result<Vec<Trajectory>, Failure> =
        (0..spec.trajectories).map(|number| trajectory(name, spec, number)).collect();
    Ok(Dataset {
        source: format!("computed from the formulas of {name}"),
        columns: spec.columns.iter().map(|(name, _)| name.clone()).collect(),
        inputs: Vec::new(),
        trajectories: trajectories?,
    })
}

fn trajectory(name: &str, spec: &FormulaSpec, number: usize) -> Result<Trajectory, Failure> {
    let draws: Vec<Vec<f64>> = spec
        .draws
        .iter()
        .enumerate()
        .map(|(k, draw)| {
            let mut rng = data::stream(spec.seed, Purpose::Formula, number as u64 * STREAMS + k as u64);
            let mut out = vec![0.0; spec.steps];
            match draw {
                Draw::Normal => data::normals(&mut rng, &mut out),
                Draw::Uniform => out.iter_mut().for_each(|v| *v = data::uniform(&mut rng)),
            }
            out
        })
        .collect();
    let mut out = Trajectory {
        id: if spec.trajectories > 1 { (number + 1).to_string() } else { String::new() },
        t0: spec.t0,
        dt: spec.dt,
        len: spec.steps,
        ..Trajectory::default()
    };
    for step in 0..spec.steps {
        let unknowns = draws.iter().map(|d| d.get(step).copied().unwrap_or(f64::NAN)).collect();
        let point = Point { time: out.time(step), unknowns, ..Point::default() };
        for (column, formula) in &spec.columns {
            let value = formula.eval(&point);
            if !value.is_finite() {
                let message = format!("the formula of `{column}` in `{name}` is {value} at t = {}", point.time);
                let help = "change the formula where it has no value, or the times";
                return Err(Failure::Numerical(Problem::new("N517", message, help)));
            }
            out.values.push(value);
        }
    }
    out.valid = vec![true; out.values.len()];
    Ok(out)
}
