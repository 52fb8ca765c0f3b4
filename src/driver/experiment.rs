//! Data for a fit: reading or simulating it, and laying it out for the engines.

use std::path::Path;

use super::failure::{Failure, Problem};
use super::memory;
use super::pointwise::Compiled;
use crate::data::{self, Dataset, HoldOut, Purpose, ReadSpec, Sampling, Trajectory};
use crate::hir::{DataSet, DataSource, Holdout, Model, Noise, Program, SimulateSpec};
use crate::lower::pointwise::components;
use crate::report::{StateRecord, TrajectoryRecord};
use crate::train::joint::Observations;

/// One component of the first-order system.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// The state.
    pub state: String,
    /// Which derivative.
    pub derivative: u8,
    /// Standard deviation of its observations; zero when there is none.
    pub deviation: f64,
}

/// The data of a fit.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Components of the model's first-order system.
    pub components: Vec<Component>,
    /// What is fitted.
    pub train: Dataset,
    /// What is held out.
    pub test: Option<Dataset>,
    /// Whether `test` goes on where `train` ends.
    pub test_follows: bool,
    /// Predictions of the held-out part, per trajectory `[component, sample]`.
    pub predictions: Vec<Vec<f64>>,
}

/// Reads or simulates a data set for a model. Paths are relative to `root`.
pub fn load(program: &Program, data: &DataSet, model: &Model, root: &Path) -> Result<Dataset, Failure> {
    match &data.source {
        DataSource::Simulate(spec) => simulate(program, spec),
        DataSource::Csv { path, columns } | DataSource::Numpy { path, columns } => {
            // Once any state is listed, those not listed count as unobserved.
            let listed = model.states.values().any(|s| columns.columns.contains_key(&s.name));
            let column = |name: &str| {
                let column = columns.columns.get(name).map(String::as_str).unwrap_or(name);
                data::ColumnMap::new(name, column)
            };
            let spec = ReadSpec {
                columns: model
                    .states
                    .values()
                    .filter(|s| !listed || columns.columns.contains_key(&s.name))
                    .map(|s| column(&s.name))
                    .collect(),
                inputs: model.inputs.values().map(|i| column(&i.name)).collect(),
                time: columns.time.clone(),
                dt: columns.dt,
                trajectory: columns.trajectory.clone(),
                missing: columns.missing.iter().cloned().collect(),
                ..ReadSpec::default()
            };
            let format = matches!(data.source, DataSource::Csv { .. }).then_some(data::Format::Csv);
            Ok(data::read_files(&[root.join(path)], format, &spec)?)
        }
    }
}

/// Solves a model with known numbers and adds noise.
pub fn simulate(program: &Program, spec: &SimulateSpec) -> Result<Dataset, Failure> {
    let model = &program.models[spec.model];
    if !model.inputs.is_empty() {
        return Err(Failure::Usage(Problem::new(
            "N002",
            format!("model `{}` has inputs, whose values a simulation does not know", model.name),
            "replace the inputs by functions of `t`",
        )));
    }
    let what = format!("simulating {} samples of {} trajectories", spec.steps, spec.trajectories);
    memory::ensure(&what, memory::of_simulation(model, spec), "take fewer `steps` or `trajectories`")?;
    let mut compiled = Compiled::field(model)?;
    let parts = components(model);
    let observed: Vec<(String, usize)> = parts
        .iter()
        .enumerate()
        .filter(|(_, (_, k))| *k == 0)
        .map(|(i, (state, _))| (model.states[*state].name.clone(), i))
        .collect();
    let sampling = Sampling { dt: spec.dt, samples: spec.steps, ..Sampling::default() };
    let mut trajectories: Vec<Trajectory> = Vec::with_capacity(spec.trajectories);
    for k in 0..spec.trajectories.max(1) {
        let mut initial = spec.initial.clone();
        if k > 0 {
            let mut rng = data::stream(spec.seed, Purpose::Simulation, k as u64);
            let mut shifts = vec![0.0; initial.len()];
            data::normals(&mut rng, &mut shifts);
            for (x, z) in initial.iter_mut().zip(&shifts) {
                *x += spec.spread * x.abs().max(1.0) * z;
            }
        }
        let mut error = None;
        let mut rhs = |t: f64, x: &[f64], dx: &mut [f64]| {
            if let Err(e) = compiled.evaluate(t, x, &spec.values, dx) {
                error.get_or_insert(e);
                dx.fill(f64::NAN);
            }
        };
        let solved = data::simulate(&mut rhs, &initial, &observed, &sampling);
        if let Some(e) = error {
            return Err(Failure::Internal(e.to_string()));
        }
        let mut trajectory = solved?;
        if spec.trajectories > 1 {
            trajectory.id = (k + 1).to_string();
        }
        trajectories.push(trajectory);
    }
    let mut dataset = Dataset {
        source: format!("simulated from {}", model.name),
        columns: observed.into_iter().map(|(name, _)| name).collect(),
        inputs: Vec::new(),
        trajectories,
    };
    let noise = match spec.noise {
        Noise::Relative(x) => data::Noise::Relative(x),
        Noise::Absolute(x) => data::Noise::Absolute(x),
    };
    dataset.add_noise(noise, spec.seed)?;
    Ok(dataset)
}

impl Observed {
    /// Splits a data set and notes the model's components.
    pub fn new(model: &Model, data: &DataSet, dataset: Dataset, seed: u64) -> Result<Observed, Failure> {
        let (train, test, test_follows) = match data.holdout {
            None => (dataset, None, false),
            Some(how) => {
                let how_data = match how {
                    Holdout::Time(share) => HoldOut::Time(share),
                    Holdout::Trajectories(fraction) => HoldOut::Trajectories { fraction, seed },
                };
                let split = dataset.hold_out(how_data)?;
                (split.train, Some(split.test), matches!(how, Holdout::Time(_)))
            }
        };
        let components = components(model)
            .into_iter()
            .map(|(id, derivative)| {
                let state = model.states[id].name.clone();
                let deviation = match train.column(&state) {
                    Some(c) if derivative == 0 => train.stats(c).std,
                    _ => 0.0,
                };
                Component { state, derivative, deviation }
            })
            .collect();
        Ok(Observed { components, train, test, test_follows, predictions: Vec::new() })
    }

    /// The fitted part as the joint engine takes it.
    pub fn observations(&self, model: &Model) -> Observations {
        let n = self.components.len();
        let mut out = Observations {
            derivative_of: self
                .components
                .iter()
                .enumerate()
                .map(|(i, c)| if c.derivative > 0 { i.checked_sub(1) } else { None })
                .collect(),
            names: self.components.iter().map(|c| format!("{}{}", c.state, "'".repeat(c.derivative.into()))).collect(),
            ..Observations::default()
        };
        let parts = components(model);
        out.guess = parts
            .iter()
            .map(|&(state, k)| {
                model.initial.iter().find(|i| i.state == state && i.derivative == k).map_or(1.0, |i| i.value)
            })
            .collect();
        let mut rows: Vec<Vec<f64>> = vec![Vec::new(); n];
        let mut inputs: Vec<Vec<f64>> = vec![Vec::new(); model.inputs.len()];
        for trajectory in &self.train.trajectories {
            if !out.t.is_empty() {
                out.breaks.push(out.t.len());
            }
            out.t.extend((0..trajectory.len).map(|i| trajectory.time(i)));
            for (row, c) in rows.iter_mut().zip(&self.components) {
                let column = self.train.column(&c.state).filter(|_| c.derivative == 0);
                row.extend(
                    (0..trajectory.len).map(|i| column.and_then(|c| trajectory.value(i, c)).unwrap_or(f64::NAN)),
                );
            }
            let width = model.inputs.len();
            for (k, row) in inputs.iter_mut().enumerate() {
                row.extend(trajectory.inputs.iter().skip(k).step_by(width.max(1)));
            }
        }
        out.y = rows.concat();
        out.input = inputs.concat();
        out
    }

    /// Data and solution, trajectory by trajectory, with held-out samples and their prediction behind the fitted ones.
    pub fn records(&self, solution: &[f64]) -> Vec<TrajectoryRecord> {
        let total: usize = self.train.trajectories.iter().map(|t| t.len).sum();
        let mut offset = 0;
        let mut out = Vec::new();
        for (k, fitted) in self.train.trajectories.iter().enumerate() {
            let after = self.test.as_ref().filter(|_| self.test_follows).and_then(|t| t.trajectories.get(k));
            let mut time: Vec<f64> = (0..fitted.len).map(|i| fitted.time(i)).collect();
            if let Some(t) = after {
                time.extend((0..t.len).map(|i| t.time(i)));
            }
            let states = self
                .components
                .iter()
                .enumerate()
                .filter(|(_, c)| c.derivative == 0)
                .map(|(i, c)| {
                    let mut values = Vec::new();
                    for (dataset, t) in [(Some(&self.train), Some(fitted)), (self.test.as_ref(), after)] {
                        let (Some(dataset), Some(t)) = (dataset, t) else { continue };
                        match dataset.column(&c.state) {
                            Some(col) => values.extend((0..t.len).map(|s| t.value(s, col).unwrap_or(f64::NAN))),
                            None => values.extend(std::iter::repeat_n(f64::NAN, t.len)),
                        }
                    }
                    let from = i * total + offset;
                    let mut solved = solution.get(from..from + fitted.len).unwrap_or(&[]).to_vec();
                    if let Some(t) = after {
                        match self.predictions.get(k).and_then(|p| p.get(i * t.len..(i + 1) * t.len)) {
                            Some(p) => solved.extend(p),
                            None => solved.extend(std::iter::repeat_n(f64::NAN, t.len)),
                        }
                    }
                    StateRecord { state: c.state.clone(), data: values, solution: solved }
                })
                .collect();
            out.push(TrajectoryRecord {
                name: fitted.id.clone(),
                time,
                states,
                held_out_from: after.map(|_| fitted.len),
            });
            offset += fitted.len;
        }
        out
    }
}
