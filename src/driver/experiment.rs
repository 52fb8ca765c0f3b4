//! Data for a fit: reading or simulating them.

use std::path::Path;

use super::causes;
use super::derived::{self, Origin};
use super::failure::{Failure, Problem};
use super::pointwise::Compiled;
use super::{driven, formula, memory, solved};
use crate::data::{self, DataError, Dataset, OdeError, Purpose, ReadSpec, Sampling, Trajectory};
use crate::hir::{DataSet, DataSource, Model, Noise, Program, SimulateSpec, Vary, family};
use crate::lower::pointwise::components;
use crate::report::{short, some};
use crate::train::joint::{EvaluateError, Spot};

/// Initial values that an error names, at most.
const MOST_STARTS: usize = 6;

/// Reads or simulates a data set for a model. Paths are relative to `root`.
pub fn load(program: &Program, data: &DataSet, model: &Model, root: &Path) -> Result<Dataset, Failure> {
    match &data.source {
        DataSource::Simulate(_) | DataSource::Solve(_) | DataSource::Formula(_) => make(program, data, root),
        DataSource::Predict(_) => make(program, data, root),
        DataSource::Csv { path, columns }
        | DataSource::Numpy { path, columns }
        | DataSource::Parquet { path, columns } => {
            // Once any state is listed, those not listed count as unobserved. A family is listed by its own name.
            let any = model.states.values().any(|s| columns.lists(&s.name));
            let mut states: Vec<&str> = model.states.values().map(|s| s.name.as_str()).collect();
            for start in &model.boundary.starts {
                if !states.contains(&start.column.as_str()) {
                    states.push(&start.column);
                }
            }
            let inputs = model.inputs.values().filter(|i| i.field.is_none());
            let inputs: Vec<&str> = inputs.map(|i| i.name.as_str()).collect();
            let maps = |names: &[&str]| -> Vec<data::ColumnMap> {
                let parts = names.chunk_by(|a, b| a.contains('[') && family(a) == family(b));
                parts
                    .flat_map(|part| {
                        part.iter().enumerate().map(move |(k, name)| {
                            let column = columns.column(name);
                            // A column of its own is an array of its own.
                            let own = columns.columns.contains_key(*name) || !name.contains('[');
                            let element = (!own).then_some((k, part.len()));
                            let conversion = columns.conversion(name).map_or(data::Conversion::NONE, |c| {
                                data::Conversion { factor: c.factor, offset: c.offset }
                            });
                            let written = columns.written.get(*name).or_else(|| columns.written.get(family(name)));
                            let of_model = || columns.has_units.then(|| unit_of(model, name)).flatten();
                            let unit = written.cloned().or_else(of_model);
                            data::ColumnMap { element, conversion, unit, ..data::ColumnMap::new(*name, column) }
                        })
                    })
                    .collect()
            };
            let origin = |map: data::ColumnMap| match columns.derived.get_key_value(&map.name) {
                Some((name, derived)) => Origin::Computed(name, derived),
                None => Origin::Read(map),
            };
            let observed: Vec<Origin> =
                maps(&states).into_iter().filter(|m| !any || columns.lists(&m.name)).map(origin).collect();
            let driven: Vec<Origin> = maps(&inputs).into_iter().map(origin).collect();
            // Columns that formulas of inputs read may have missing samples like others: what is computed from them may not.
            let mut read = derived::to_read(&observed);
            let needed = derived::to_read(&driven);
            let (raw, inputs): (Vec<_>, Vec<_>) =
                needed.into_iter().partition(|m| !driven.iter().any(|o| matches!(o, Origin::Read(map) if map == m)));
            read.extend(raw.into_iter().filter(|m| !read.contains(m)).collect::<Vec<_>>());
            let spec = ReadSpec {
                columns: read,
                inputs,
                time: columns.time.clone(),
                dt: columns.dt,
                time_factor: columns.time_factor,
                trajectory: columns.trajectory.clone(),
                missing: columns.missing.clone(),
                irregular: columns.irregular,
                // Of a model whose numbers are all known a fit estimates no more than where its states begin: two samples are enough for that, and a solution that is compared with data
                // needs no more.
                min_samples: if model.unknowns.is_empty() { 2 } else { ReadSpec::default().min_samples },
                ..ReadSpec::default()
            };
            let format = match data.source {
                DataSource::Csv { .. } => Some(data::Format::Csv),
                DataSource::Parquet { .. } => Some(data::Format::Parquet),
                _ => None,
            };
            let dataset = data::read_files(&[root.join(path)], format, &spec)?;
            Ok(derived::compute(dataset, &observed, &driven, spec.is_missing("nan"))?)
        }
    }
}

/// The unit of a state or an input, which its column is read in where no other one is written.
fn unit_of(model: &Model, name: &str) -> Option<String> {
    let of_state = model.states.iter().find(|(_, s)| s.name == name).and_then(|(id, _)| model.units.state(id).cloned());
    let of_input = || model.inputs.iter().find(|(_, i)| i.name == name).and_then(|(id, _)| model.column_unit(id));
    of_state.or_else(of_input).filter(|unit| !unit.is_one()).map(|unit| unit.to_string())
}

/// Makes a data set that comes from no file of its own. Paths of data that a solve item takes are relative to `root`.
///
/// # Errors
/// Those of simulating, solving and computing, and a mistake of the caller for data from a file.
pub(super) fn make(program: &Program, data: &DataSet, root: &Path) -> Result<Dataset, Failure> {
    match &data.source {
        DataSource::Simulate(spec) => simulate(program, spec, root),
        DataSource::Solve(spec) => solved::solve(program, spec, root),
        DataSource::Formula(spec) => formula::compute(&data.name, spec),
        DataSource::Predict(_) => Err(Failure::Usage(Problem::new(
            "N003",
            format!("`{}` is a prediction, which a fit makes", data.name),
            format!("`mechc run` writes it into the run directory as `{}.csv`", data.name),
        ))),
        DataSource::Csv { .. } | DataSource::Numpy { .. } | DataSource::Parquet { .. } => {
            Err(Failure::Internal(format!("`{}` is read from a file", data.name)))
        }
    }
}

/// A data set as a fit takes it: what is a state of the model as columns, what is an input as inputs, wherever the set has it.
pub(super) fn for_fit(dataset: Dataset, model: &Model) -> Dataset {
    let (width, driven) = (dataset.columns.len(), dataset.inputs.len());
    let all = || dataset.columns.iter().chain(&dataset.inputs);
    let states: Vec<usize> = all()
        .enumerate()
        .filter(|(_, name)| model.states.values().any(|s| s.name == **name))
        .map(|(place, _)| place)
        .collect();
    let needed = model.inputs.values().filter(|i| i.field.is_none());
    let inputs: Vec<usize> = needed.filter_map(|i| all().position(|name| *name == i.name)).collect();
    if states.iter().copied().eq(0..width) && inputs.iter().copied().eq(width..width + driven) {
        return dataset;
    }
    // Inputs are known at every sample.
    let value = |t: &Trajectory, columns: &[f64], i: usize, place: usize| match place.checked_sub(width) {
        None => columns.get(i * width + place).copied(),
        Some(input) => t.inputs.get(i * driven + input).copied(),
    };
    let take = |t: &Trajectory, columns: &[f64], places: &[usize]| -> Vec<f64> {
        let of_sample = |i: usize| places.iter().filter_map(move |&place| value(t, columns, i, place));
        (0..t.len).flat_map(of_sample).collect()
    };
    let known = |t: &Trajectory, i: usize, place: usize| {
        place >= width || t.valid.get(i * width + place).copied().unwrap_or(false)
    };
    let trajectories = dataset.trajectories.iter().map(|t| Trajectory {
        values: take(t, &t.values, &states),
        valid: (0..t.len).flat_map(|i| states.iter().map(move |&place| known(t, i, place))).collect(),
        inputs: take(t, &t.values, &inputs),
        truth: t.truth.as_ref().map(|truth| take(t, truth, &states)),
        ..t.clone()
    });
    let names = |places: &[usize]| places.iter().filter_map(|&p| all().nth(p).cloned()).collect();
    Dataset {
        source: dataset.source.clone(),
        columns: names(&states),
        inputs: names(&inputs),
        trajectories: trajectories.collect(),
    }
}

/// The unknowns of a simulated trajectory, counted from 0: those that vary are drawn from a stream of their own.
pub fn values(spec: &SimulateSpec, trajectory: usize) -> Vec<f64> {
    let mut values = spec.values.clone();
    let mut rng = data::stream(spec.seed, Purpose::Parameters, trajectory as u64);
    let mut drawn = vec![0.0; spec.vary.len()];
    data::normals(&mut rng, &mut drawn);
    for ((at, vary), z) in spec.vary.iter().zip(&drawn) {
        let value = match vary {
            Vary::Normal(mean, deviation) => Some(mean + deviation * z),
            Vary::List(list) => list.get(trajectory).copied(),
        };
        if let (Some(slot), Some(value)) = (values.get_mut(*at), value) {
            *slot = value;
        }
    }
    values
}

/// Which trajectory a simulation that failed is, and from where, where there are several.
fn trajectory(spec: &SimulateSpec, model: &Model, number: usize, initial: &[f64]) -> String {
    let starts = components(model).into_iter().zip(initial);
    let starts: Vec<String> =
        starts.map(|((state, k), v)| format!("{} = {}", model.spell_state(state, k), short(*v))).collect();
    match spec.trajectories {
        0 | 1 => String::new(),
        _ => format!(" of trajectory {number}, from {}", some(&starts, MOST_STARTS)),
    }
}

/// A failed simulation, `of` a trajectory, with what in the model is the cause.
fn failed(model: &Model, of: String, (last, sizes): (&Spot, &[f64]), error: DataError) -> DataError {
    let DataError::Simulation(error) = error else { return error };
    match error {
        OdeError::NotFinite { .. } => {
            DataError::SimulationOf { of, error, why: causes::cause(model, last), help: None }
        }
        _ => match causes::jump(model, last, sizes) {
            None => DataError::SimulationOf { of, error, why: None, help: None },
            why => DataError::SimulationOf { of, error, why, help: Some(causes::SMOOTH) },
        },
    }
}

/// Solves a model with known numbers and adds noise. Paths of data that drive it are relative to `root`.
pub fn simulate(program: &Program, spec: &SimulateSpec, root: &Path) -> Result<Dataset, Failure> {
    let model = &program.models[spec.model];
    let parts = components(model);
    let observed: Vec<(String, usize)> = parts
        .iter()
        .enumerate()
        .filter(|(_, (_, k))| *k == 0)
        .map(|(i, (state, _))| (model.states[*state].name.clone(), i))
        .collect();
    let mut dataset = match spec.data {
        Some(by) => driven::simulate(program, spec, &program.data[by.data], &observed, root)?,
        None => alone(model, spec, &observed)?,
    };
    let noise = match spec.noise {
        Noise::Relative(x) => data::Noise::Relative(x),
        Noise::Absolute(x) => data::Noise::Absolute(x),
    };
    dataset.add_noise(noise, spec.seed)?;
    Ok(dataset)
}

/// The solutions of a model that nothing drives, without noise. `observed` are its states and their places among the components.
fn alone(model: &Model, spec: &SimulateSpec, observed: &[(String, usize)]) -> Result<Dataset, Failure> {
    if !model.inputs.is_empty() {
        return Err(Failure::Usage(Problem::new(
            "N002",
            format!("model `{}` has inputs, whose values a simulation without `data` does not know", model.name),
            "name the data that have them, `data measured`, or replace the inputs by functions of `t`",
        )));
    }
    let what = format!("simulating {} samples of {} trajectories", spec.steps, spec.trajectories);
    memory::ensure(&what, memory::of_simulation(model, spec), "take fewer `steps` or `trajectories`")?;
    let mut compiled = Compiled::field(model)?;
    let sampling = Sampling { t0: spec.start, dt: spec.dt, samples: spec.steps, ..Sampling::default() };
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
        let values = values(spec, k);
        let mut watch = Watch::new(&initial, &values);
        let mut rhs =
            |t: f64, x: &[f64], dx: &mut [f64]| watch.see((t, x), dx, |dx| compiled.evaluate(t, x, &values, dx));
        let solved = data::simulate(&mut rhs, &initial, observed, &sampling);
        let of = trajectory(spec, model, k + 1, &initial);
        let mut trajectory = watch.end(solved, model, of)?;
        if spec.trajectories > 1 {
            trajectory.id = (k + 1).to_string();
        }
        trajectories.push(trajectory);
    }
    Ok(Dataset {
        source: format!("simulated from {}", model.name),
        columns: observed.iter().map(|(name, _)| name.clone()).collect(),
        inputs: Vec::new(),
        trajectories,
    })
}

/// What is seen of a solution while it is computed, for the message if it fails.
pub(super) struct Watch {
    /// Where it was last looked at.
    last: Spot,
    /// The largest magnitude of every component.
    sizes: Vec<f64>,
    error: Option<EvaluateError>,
}

impl Watch {
    pub(super) fn new(initial: &[f64], values: &[f64]) -> Watch {
        let last = Spot { x: initial.to_vec(), unknowns: values.to_vec(), ..Spot::default() };
        Watch { last, sizes: vec![0.0; initial.len()], error: None }
    }

    /// Evaluates the right-hand side at a time and a state.
    pub(super) fn see(
        &mut self,
        (t, x): (f64, &[f64]),
        dx: &mut [f64],
        evaluate: impl FnOnce(&mut [f64]) -> Result<(), EvaluateError>,
    ) {
        self.last.time = t;
        self.last.x.copy_from_slice(x);
        let finite = self.sizes.iter_mut().zip(x).filter(|(_, x)| x.is_finite());
        finite.for_each(|(size, x)| *size = size.max(x.abs()));
        if let Err(e) = evaluate(dx) {
            self.error.get_or_insert(e);
            dx.fill(f64::NAN);
        }
    }

    /// What came of it, `of` a trajectory.
    pub(super) fn end<T>(self, solved: Result<T, DataError>, model: &Model, of: String) -> Result<T, Failure> {
        match self.error {
            Some(e) => Err(Failure::Internal(e.to_string())),
            None => Ok(solved.map_err(|error| failed(model, of, (&self.last, &self.sizes), error))?),
        }
    }
}
