//! What a solve item is given: times, inputs, and the rows of its values at the ends.

use crate::base::{Idx, same_step};
use crate::data::{Dataset, Trajectory};
use crate::hir::SolveSpec;

use super::super::failure::{Failure, Problem};

/// The factor on the rows of a start from several samples. They say more than the equations leave open, and all rows are soft: with the
/// weight of other rows the solution would bend to the noise. With this one its error is within a tenth of what fitting the open values to
/// the same samples leaves.
const SEVERAL: f64 = 1e-3;

/// What one trajectory is given.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// The name of the trajectory.
    pub name: String,
    /// Time of the first sample.
    pub t0: f64,
    /// Spacing.
    pub dt: f64,
    /// Samples.
    pub steps: usize,
    /// `[input, time]`
    pub inputs: Vec<f64>,
    /// Step, state and derivative of each value, steps ascending.
    pub places: Vec<(usize, usize, usize)>,
    /// The values.
    pub values: Vec<f64>,
    /// Factors on their rows.
    pub weights: Vec<f64>,
}

impl Given {
    /// The time of a sample.
    pub fn time(&self, step: usize) -> f64 {
        self.t0 + step as f64 * self.dt
    }

    /// What every trajectory is given: those of the data, or one.
    pub fn all(spec: &SolveSpec, data: Option<(&str, &Dataset)>) -> Result<Vec<Given>, Failure> {
        match data {
            None => Ok(vec![Given::one(spec, None)?]),
            Some((name, data)) => data.trajectories.iter().map(|t| Given::one(spec, Some((name, data, t)))).collect(),
        }
    }

    fn one(spec: &SolveSpec, data: Option<(&str, &Dataset, &Trajectory)>) -> Result<Given, Failure> {
        let trajectory = data.map(|(_, _, t)| t);
        let wrong = |message: String, help: &str| Err(Failure::Usage(Problem::new("N022", message, help)));
        let steps = spec.steps.or(trajectory.map(|t| t.len)).unwrap_or(0);
        let dt = spec.dt.or(trajectory.map(|t| t.dt)).unwrap_or(0.0);
        if let Some((name, _, t)) = data {
            if t.len < steps {
                let message = format!("`{name}` has {} samples in a trajectory, and the solution {steps}", t.len);
                return wrong(message, "take fewer `steps`, or leave them out");
            }
            if !same_step(t.dt, dt) {
                let message = format!("the samples of `{name}` are {} apart, and those of the solution {dt}", t.dt);
                return wrong(message, "leave out `dt`");
            }
        }
        let mut given = Given {
            name: trajectory.map_or(String::new(), |t| t.id.clone()),
            t0: trajectory.map_or(0.0, |t| t.t0),
            dt,
            steps,
            ..Given::default()
        };
        let model = spec.model.as_ref();
        for input in model.inputs.values() {
            let column = column(data, &input.name, steps)?;
            if let Some(step) = column.iter().position(|v| v.is_none()) {
                let message = format!("the input `{}` has no value at t = {}", input.name, given.time(step));
                return wrong(message, "every sample of an input must be known");
            }
            given.inputs.extend(column.into_iter().flatten());
        }
        let mut rows = Vec::new();
        if model.boundary.periodic.is_none() {
            let last = steps.saturating_sub(1);
            rows.extend(spec.initial.iter().map(|v| (0, v.state.index(), usize::from(v.derivative), v.value, 1.0)));
            let finals = model.boundary.finals.iter();
            rows.extend(finals.map(|v| (last, v.state.index(), usize::from(v.derivative), v.value, 1.0)));
        }
        for start in &model.boundary.starts {
            let column = column(data, &start.column, start.steps)?;
            let place = (start.state.index(), usize::from(start.derivative));
            let weight = if start.steps > 1 { SEVERAL } else { 1.0 };
            let known = column.into_iter().enumerate().filter_map(|(t, v)| Some((t, place.0, place.1, v?, weight)));
            rows.extend(known);
        }
        rows.sort_by_key(|&(t, d, k, ..)| (t, d, k));
        for (t, d, k, value, weight) in rows {
            given.places.push((t, d, k));
            given.values.push(value);
            given.weights.push(weight * spec.scheme.weights[1]);
        }
        Ok(given)
    }
}

/// The first samples of a column or an input of the data; `None` where one is missing.
fn column(data: Option<(&str, &Dataset, &Trajectory)>, name: &str, steps: usize) -> Result<Vec<Option<f64>>, Failure> {
    let Some((set, data, trajectory)) = data else {
        return Err(Failure::Internal(format!("`{name}` needs data and the item has none")));
    };
    if trajectory.len < steps {
        let message =
            format!("`{name}` is taken for {steps} steps, and a trajectory of `{set}` has {}", trajectory.len);
        return Err(Failure::Usage(Problem::new("N022", message, "take fewer steps")));
    }
    let width = data.inputs.len();
    match (data.column(name), data.inputs.iter().position(|i| i == name)) {
        (Some(c), _) => Ok((0..steps).map(|t| trajectory.value(t, c)).collect()),
        (None, Some(i)) => Ok((0..steps).map(|t| trajectory.inputs.get(t * width + i).copied()).collect()),
        (None, None) => {
            let message = format!("`{set}` has no column `{name}`");
            let columns: Vec<&str> = data.columns.iter().chain(&data.inputs).map(String::as_str).collect();
            Err(Failure::Usage(Problem::new("N022", message, format!("it has {}", columns.join(", ")))))
        }
    }
}
