//! Solutions of models that inputs drive, sample by sample, with the inputs as fits take them.

use std::ops::Range;
use std::path::Path;

use super::experiment::{Watch, for_fit, load};
use super::failure::{Failure, Problem};
use super::memory;
use super::pointwise::Compiled;
use crate::base::Arena;
use crate::data::{self, DataError, Dataset, OdeError, Tolerance, Trajectory};
use crate::hir::{DataSet, Model, Program, SimulateSpec};
use crate::train::joint::{Drive, Observations};

/// A right-hand side with inputs: time, state, inputs, derivative to fill in.
pub(super) type Rhs<'a> = dyn FnMut(f64, &[f64], &[f64], &mut [f64]) + 'a;

/// The solution at the ends of the steps behind `samples`, from a state at the first of them, `[sample, component]`.
///
/// Every piece in which the inputs are smooth is solved for itself, so that no step of the integration goes over a jump.
pub(super) fn solve(
    rhs: &mut Rhs<'_>,
    start: &[f64],
    (drive, inputs): (&Drive, usize),
    samples: Range<usize>,
) -> Result<Vec<f64>, OdeError> {
    let (mut state, mut input) = (start.to_vec(), vec![0.0; inputs]);
    let mut rows = Vec::with_capacity(start.len() * samples.len());
    for sample in samples {
        for (piece, begin, length) in drive.pieces(sample) {
            let mut in_piece = |behind: f64, x: &[f64], dx: &mut [f64]| {
                drive.at(piece, behind, &mut input);
                rhs(begin + behind, x, &input, dx);
            };
            let both = data::integrate(&mut in_piece, &state, 0.0, length, 2, &Tolerance::default());
            let both = both.map_err(|e| e.later(begin))?;
            state = both.get(start.len()..).unwrap_or_default().to_vec();
        }
        rows.extend_from_slice(&state);
    }
    Ok(rows)
}

/// The solutions of a model at the times of data that drive it, one for each of their trajectories, without noise. `observed` are its states and
/// their places among the components.
pub(super) fn simulate(
    program: &Program,
    spec: &SimulateSpec,
    by: &DataSet,
    observed: &[(String, usize)],
    root: &Path,
) -> Result<Dataset, Failure> {
    let model = &program.models[spec.model];
    let starts = spec.data.is_some_and(|by| by.starts);
    let read = along(program, model, (by, starts), root)?;
    let samples = read.samples();
    memory::ensure(
        &format!("simulating {samples} samples"),
        memory::of_simulation(model, &SimulateSpec { steps: samples, trajectories: 1, ..spec.clone() }),
        "take data of fewer samples",
    )?;
    let mut compiled = Compiled::field(model)?;
    let width = spec.initial.len();
    let mut trajectories = Vec::with_capacity(read.trajectories.len());
    let several = read.trajectories.len() > 1;
    for (k, along) in read.trajectories.into_iter().enumerate() {
        let drive = Drive::new(&of_inputs(model, &along));
        let name = if along.id.is_empty() { (k + 1).to_string() } else { along.id.clone() };
        let of = if several { format!(" of trajectory {name}") } else { String::new() };
        let initial = match starts {
            true => {
                first_sample(spec, observed, &read.columns, &along).map_err(|state| unknown_start(by, &state, &of))?
            }
            false => spec.initial.clone(),
        };
        let mut watch = Watch::new(&initial, &spec.values);
        let mut rhs = |t: f64, x: &[f64], input: &[f64], dx: &mut [f64]| {
            watch.see((t, x), dx, |dx| compiled.evaluate_driven(t, (x, input), &spec.values, dx));
        };
        let links = 0..along.len.saturating_sub(1);
        let solved = solve(&mut rhs, &initial, (&drive, model.inputs.len()), links);
        let mut rows = initial;
        rows.extend(watch.end(solved.map_err(DataError::from), model, of)?);
        let values: Vec<f64> = rows
            .chunks_exact(width.max(1))
            .flat_map(|row| observed.iter().map(|(_, at)| row.get(*at).copied().unwrap_or(f64::NAN)))
            .collect();
        trajectories.push(Trajectory { valid: vec![true; values.len()], truth: Some(values.clone()), values, ..along });
    }
    Ok(Dataset {
        source: format!("simulated from {}", model.name),
        columns: observed.iter().map(|(name, _)| name.clone()).collect(),
        inputs: read.inputs,
        trajectories,
    })
}

/// The state at the first sample of a trajectory, with the initial values of the simulation for what the data do not observe; the name of a
/// state of which neither knows a value.
fn first_sample(
    spec: &SimulateSpec,
    observed: &[(String, usize)],
    columns: &[String],
    along: &Trajectory,
) -> Result<Vec<f64>, String> {
    let mut initial = spec.initial.clone();
    for (name, at) in observed {
        let column = columns.iter().position(|c| c == name);
        let Some(slot) = initial.get_mut(*at) else { continue };
        *slot = column.and_then(|c| along.value(0, c)).unwrap_or(*slot);
        if slot.is_nan() {
            return Err(name.clone());
        }
    }
    Ok(initial)
}

fn unknown_start(by: &DataSet, state: &str, of: &str) -> Failure {
    Failure::Usage(Problem::new(
        "N022",
        format!("nothing says where `{state}` begins: the first row{of} of `{}` has no sample of it", by.name),
        format!("write `initial {state} = ...` in the model, which counts where the data have none"),
    ))
}

/// The inputs of a model from data, and where they give the start their states; nothing else is read.
fn along(program: &Program, model: &Model, (by, starts): (&DataSet, bool), root: &Path) -> Result<Dataset, Failure> {
    let states = if starts { model.states.clone() } else { Arena::new() };
    let wanted = Model { states, unknowns: Arena::new(), ..model.clone() };
    let read = for_fit(load(program, by, &wanted, root).map_err(|f| f.of_data(by))?, &wanted);
    match model.inputs.values().find(|i| !read.inputs.contains(&i.name)) {
        None => Ok(read),
        Some(missing) => Err(Failure::Usage(Problem::new(
            "N022",
            format!("`{}` has no column `{}`, an input of `{}`", by.name, missing.name, model.name),
            "name data that have it",
        ))),
    }
}

/// The inputs of a trajectory as fits take them.
fn of_inputs(model: &Model, along: &Trajectory) -> Observations {
    let width = along.input_width();
    let of = |k: usize| along.inputs.iter().skip(k).step_by(width.max(1)).copied();
    Observations {
        t: (0..along.len).map(|i| along.time(i)).collect(),
        input: (0..width).flat_map(of).collect(),
        between: model.inputs.values().map(|input| input.between).collect(),
        ..Observations::default()
    }
}
