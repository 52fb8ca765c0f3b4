//! `solve` items: a model with known numbers as one relaxed least-squares problem, solved once where the model is linear in its
//! states and by Newton's iteration where it is not.

mod doubts;
mod given;
mod guess;
mod system;

use std::path::Path;

use super::case_failure::{self, Batch, Origin};
use super::causes;
use super::experiment;
use super::failure::{Failure, Problem as Fault};
use crate::base::Idx;
use crate::data::{Dataset, Trajectory};
use crate::hir::{Model, Program, SolvePrecision, SolveSpec};
use crate::lower::pointwise::components;
use crate::solve::relaxed::{
    Border, Coefficients, DataRows, Footprint, Method, Precision, Problem, RowSet, RowWeights, Scheme, Shape, Slack,
    SolveError, Steps, Weights, factor,
};
use crate::train::joint::Spot;
pub(super) use doubts::doubts;
use given::Given;
use system::{Linearised, Rows};

/// The most solves of an iteration.
const MOST_SOLVES: usize = 50;
/// The iteration ends when no state changes by more than this part of its largest magnitude.
const CHANGE: f64 = 1e-8;
/// So many solves in a row that do not come nearer to that than the best one before end the iteration.
const PATIENCE: usize = 12;

/// Solves an item: a trajectory for each one of its data, or one where it has none. The columns are the states and, behind them,
/// their derivatives, as many as are kept; the inputs are those of the model.
///
/// # Errors
/// [`Failure::Numerical`] for a problem without a unique solution and for an iteration that does not settle, those of
/// [`experiment::load`] for the data that inputs and starts come from.
pub(super) fn solve(program: &Program, spec: &SolveSpec, root: &Path) -> Result<Dataset, Failure> {
    let model = spec.model.as_ref();
    let data = match spec.data {
        Some(id) => Some((
            program.data[id].name.as_str(),
            experiment::load(program, &program.data[id], model, root).map_err(|f| f.of_data(&program.data[id]))?,
        )),
        None => None,
    };
    let given = Given::all(spec, data.as_ref().map(|(name, data)| (*name, data)))?;
    let trajectories: Result<Vec<Trajectory>, Failure> = given.iter().map(|g| trajectory(spec, g)).collect();
    let rows = if spec.scheme.taylor { "Taylor" } else { "Hermite" };
    Ok(Dataset {
        source: format!("the solution of {} with {rows} rows", model.name),
        columns: columns(model, spec.scheme.orders),
        inputs: model.inputs.values().map(|i| i.name.clone()).collect(),
        trajectories: trajectories?,
    })
}

/// States, then their first derivatives, and so on.
fn columns(model: &Model, orders: usize) -> Vec<String> {
    let primed = |k: usize| model.states.values().map(move |s| format!("{}{}", s.name, "'".repeat(k)));
    (0..=orders).flat_map(primed).collect()
}

/// Sizes of the problem of an item with so many samples.
pub(super) fn shape(spec: &SolveSpec, steps: usize) -> Shape {
    let states = spec.model.states.len();
    let orders = spec.scheme.orders + 1;
    Shape { batch: 1, equations: states, steps, states, orders, initial_steps: 0, initial_orders: 0 }
}

/// Rows and arithmetic of an item.
pub(super) fn scheme(spec: &SolveSpec) -> Scheme {
    let options = &spec.scheme;
    let [equation, initial, smooth] = options.weights;
    Scheme {
        slack: options.slack.then_some(Slack { alpha: 0.0, gamma: 1.0 }),
        central: options.central,
        periodic: spec.model.boundary.periodic.is_some(),
        rows: if options.taylor { RowSet::Taylor } else { RowSet::Hermite },
        precision: match options.precision {
            SolvePrecision::F64 => Precision::Double,
            SolvePrecision::F32 => Precision::Single,
            SolvePrecision::Mixed => Precision::Mixed,
        },
        method: if options.qr { Method::Qr } else { Method::Normal },
        weights: Weights { equation, initial, smooth },
        refinements: options.refinements,
        keeps_rows: false,
    }
}

fn trajectory(spec: &SolveSpec, given: &Given) -> Result<Trajectory, Failure> {
    let model = spec.model.as_ref();
    let shape = shape(spec, given.steps);
    let size = Footprint::new(&shape, &scheme(spec), &[shape.states]);
    let alone = Batch { one: &size, of_gradients: None, systems: 1, own: true };
    alone.ensure_memory(2, "free memory, or take fewer steps")?;
    let u = match model.is_linear() {
        true => once(spec, given, &system::linear(model, given, &shape))?,
        false => iterate(spec, given, &shape)?,
    };
    // From `[step, state, order]` to `[step, order, state]`.
    let (d, k) = (shape.states, shape.orders);
    let place = |i: usize| (i / (d * k) * d + i % d) * k + i / d % k;
    let inputs = model.inputs.len();
    let input = |(i, t): (usize, usize)| given.inputs.get(i * given.steps + t).copied().unwrap_or(f64::NAN);
    let values: Vec<f64> = (0..u.len()).map(|i| u.get(place(i)).copied().unwrap_or(f64::NAN)).collect();
    Ok(Trajectory {
        id: given.name.clone(),
        set: String::new(),
        t0: given.t0,
        dt: given.dt,
        times: Vec::new(),
        len: given.steps,
        valid: vec![true; values.len()],
        values,
        // From `[input, step]` to `[step, input]`.
        inputs: (0..given.steps).flat_map(|t| (0..inputs).map(move |i| (i, t))).map(input).collect(),
        truth: None,
    })
}

/// What is said where the equations have no value on the trajectory around which they are linearised, `[component, time]`: near a step, or at the
/// first place where a part of them has none.
fn without_value(model: &Model, given: &Given, (x, near): (&[f64], usize)) -> Option<Failure> {
    let spot = |step: usize| Spot {
        time: given.time(step),
        trajectory: None,
        x: x.chunks_exact(given.steps.max(1)).filter_map(|of| of.get(step)).copied().collect(),
        inputs: given.inputs.chunks_exact(given.steps.max(1)).filter_map(|of| of.get(step)).copied().collect(),
        unknowns: Vec::new(),
    };
    let (step, cause) =
        std::iter::once(near).chain(0..given.steps).find_map(|s| Some((s, causes::cause(model, &spot(s))?)))?;
    let time = crate::hir::number(given.time(step));
    let message = format!("solving `{}` failed: {cause}, at t = {time}", model.name);
    Some(Failure::Numerical(Fault::new(
        "N515",
        message,
        "the iteration passes through such values on its way: write the equations so that they have a value there, such as `sqrt(max(x, 0))` in place \
         of `sqrt(x)`, or `simulate` the model",
    )))
}

/// The solution of a linear problem, `[step, state, order]`.
fn once(spec: &SolveSpec, given: &Given, rows: &Rows) -> Result<Vec<f64>, Failure> {
    solved(spec, given, rows).map_err(|error| failure(error, spec, given))
}

fn solved(spec: &SolveSpec, given: &Given, rows: &Rows) -> Result<Vec<f64>, SolveError> {
    let shape = shape(spec, given.steps);
    let steps = vec![given.dt; shape.intervals()];
    let problem = Problem {
        shape,
        scheme: scheme(spec),
        c: Coefficients::Shared(&rows.c),
        rhs: &rows.rhs,
        iv: &[],
        h: Steps { values: &steps, per_sample: false, per_state: false },
        row_weights: RowWeights::default(),
        data: DataRows { places: &given.places, values: &given.values, weights: &given.weights },
        border: Border::default(),
    };
    Ok(factor(&problem)?.solve(&problem)?.u)
}

/// The solution of a problem that is not linear: linearised around the last solution and solved again until it stays.
fn iterate(spec: &SolveSpec, given: &Given, shape: &Shape) -> Result<Vec<f64>, Failure> {
    let model = spec.model.as_ref();
    let parts = components(model);
    let mut linearised = Linearised::new(model)?;
    let mut x = guess::guess(spec, given)?;
    let (mut change, mut best, mut solves) = (f64::INFINITY, (f64::INFINITY, 0), 0);
    while solves < MOST_SOLVES && solves - best.1 < PATIENCE {
        solves += 1;
        let rows = linearised.rows(given, shape, &x)?;
        let u = solved(spec, given, &rows).map_err(|error| {
            let step = match error {
                SolveError::NonFiniteMatrix { step, .. } => step,
                _ => return failure(error, spec, given),
            };
            without_value(model, given, (&x, step)).unwrap_or_else(|| failure(error, spec, given))
        })?;
        change = 0.0;
        for (c, &(state, k)) in parts.iter().enumerate() {
            let at = |t: usize| (t * shape.states + state.index()) * shape.orders + usize::from(k);
            let new: Vec<f64> = (0..given.steps).map(|t| u.get(at(t)).copied().unwrap_or(f64::NAN)).collect();
            let old = x.get_mut(c * given.steps..(c + 1) * given.steps).unwrap_or_default();
            let largest = new.iter().fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
            let moved = new.iter().zip(old.iter()).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
            change = change.max(moved / largest);
            old.copy_from_slice(&new);
        }
        if change <= CHANGE {
            return Ok(u);
        }
        if change < best.0 {
            best = (change, solves);
        }
    }
    let message = format!(
        "solving `{}` did not settle: after {solves} solves it still changes by {change:.1e} of its size",
        model.name
    );
    let help = match model.boundary.of_solves() {
        None => {
            "the equations are not linear, and each solve starts from the last one: take a shorter time, or `simulate` it"
        }
        Some(_) => {
            "the equations are not linear, and each solve starts from the last one: give a guess by `initial`, or take a shorter time"
        }
    };
    Err(Failure::Numerical(Fault::new("N516", message, help)))
}

fn failure(error: SolveError, spec: &SolveSpec, given: &Given) -> Failure {
    let model = spec.model.as_ref();
    let place = |state: usize, order: usize, step: usize| {
        let name = model.states.values().nth(state).map_or("?", |s| s.name.as_str());
        format!("`{name}{}` at t = {}", "'".repeat(order), crate::hir::number(given.time(step)))
    };
    let (what, help) = match error {
        SolveError::Singular { step, state, order, .. } => (
            format!("{} is not determined by the equations and the values at the ends", place(state, order, step)),
            "add `initial` or `final` values; equations with a periodic boundary must not allow a shift or a resonance",
        ),
        SolveError::NonFiniteMatrix { step, state, order, .. } => (
            format!("a coefficient is no number, or too large, near {}", place(state, order, step)),
            "change the equations where they have no value or an infinite slope, as where they divide by zero or take the root of zero, or the times",
        ),
        SolveError::NonFiniteResult { step, state, order, .. } => (
            format!("the solution is no number, or too large, near {}", place(state, order, step)),
            "change the equations where they have no value, or take a shorter time",
        ),
        SolveError::TooFew { option, least, got, .. } => {
            (format!("{option} takes at least {least} times, and there are {got}"), "give the solve item more `steps`")
        }
        other => {
            return case_failure::failure(
                other,
                Origin::Of("the solve item"),
                &shape(spec, given.steps),
                &scheme(spec),
            );
        }
    };
    Failure::Numerical(Fault::new("N515", format!("solving `{}` failed: {what}", model.name), help))
}
