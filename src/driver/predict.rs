//! Predictions of a fit: where they start, what comes of them, and how well they follow the data.
//!
//! A fit whose solves reach beyond their windows is rolled out by its engine: networks read the last samples, their own output too.
//! What others found is solved on by itself. Either gives a [`Forecast`], which is judged and recorded here.

use super::failure::Failure;
use super::findings::Findings;
use super::holdout;
use super::joint;
use super::observed::Observed;
use super::pointwise::Compiled;
use super::score::Score;
use crate::data::{Dataset, Trajectory};
use crate::hir::{Model, Origin, PredictSpec, Program};
use crate::report::{PredictionRecord, StateRecord, TrajectoryRecord};
use crate::runtime::Threads;
use crate::train::gradient::Seed;

/// The share of a held-out trajectory that its state is estimated from before the equations are solved on.
const HEAD: f64 = 0.2;

/// A prediction.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    /// Its name.
    pub name: String,
    /// How it was made.
    pub about: String,
    /// A prediction counts as following the data while its error, in standard deviations, stays below this.
    pub tolerance: f64,
    /// The trajectories that could be predicted.
    pub parts: Vec<Part>,
}

/// A trajectory that goes on.
#[derive(Clone, Debug)]
pub struct Part {
    /// The data behind the first sample that is predicted; without samples where there are none.
    pub truth: Trajectory,
    /// The times of what is predicted, without values.
    pub grid: Trajectory,
    /// `[component, sample]`, not a number for derivatives that the engine does not give.
    pub predicted: Vec<f64>,
}

/// A trajectory cut where a prediction starts.
pub(super) struct Cut {
    /// What comes before.
    pub before: Trajectory,
    /// What comes behind, with which it is compared.
    pub truth: Trajectory,
    /// Which of the fitted trajectories it belongs to, and at which of its samples it is cut.
    fitted: Option<(usize, usize)>,
}

impl Cut {
    /// The times of `steps` samples behind the cut, or of as many as there are data.
    fn grid(&self, steps: Option<usize>) -> Trajectory {
        let (before, len) = (&self.before, steps.unwrap_or(self.truth.len));
        Trajectory {
            id: before.id.clone(),
            set: before.set.clone(),
            t0: before.time(before.len),
            dt: before.dt,
            len,
            ..Trajectory::default()
        }
    }
}

/// The trajectories of a prediction, each cut where it starts; the first part has at least `read` samples.
pub(super) fn cuts(spec: &PredictSpec, observed: &Observed, read: usize) -> Vec<Cut> {
    let held = observed.held.as_ref();
    let cut = |whole: &Trajectory, at: usize, fitted| Cut {
        before: whole.slice(0, at),
        truth: whole.slice(at, whole.len),
        fitted,
    };
    // What was held out behind a fitted trajectory.
    let behind = |k: usize| {
        let held = held?;
        held.data.trajectories.get(held.follows.iter().position(|f| *f == Some(k))?)
    };
    let whole = |(k, fitted): (usize, &Trajectory)| {
        let after = behind(k);
        let at = match spec.from {
            Origin::Start => read,
            Origin::End => fitted.len,
            Origin::HeldOut if held.is_some() && after.is_none() => return None,
            Origin::HeldOut => fitted.len + if spec.by.is_some() { read } else { 0 },
        };
        let whole = after.map_or_else(|| fitted.clone(), |after| joined(fitted, after));
        Some(cut(&whole, at, Some((k, at))))
    };
    let mut all: Vec<Cut> = observed.train.trajectories.iter().enumerate().filter_map(whole).collect();
    if let (Origin::HeldOut, Some(held)) = (spec.from, held) {
        let own = held.data.trajectories.iter().zip(&held.follows).filter(|(_, follows)| follows.is_none());
        all.extend(own.map(|(t, _)| cut(t, read, None)));
    }
    all
}

/// A trajectory and the one that goes on where it ends.
fn joined(a: &Trajectory, b: &Trajectory) -> Trajectory {
    let together = |x: &[f64], y: &[f64]| [x, y].concat();
    Trajectory {
        len: a.len + b.len,
        values: together(&a.values, &b.values),
        valid: [a.valid.as_slice(), &b.valid].concat(),
        inputs: together(&a.inputs, &b.inputs),
        truth: None,
        ..a.clone()
    }
}

/// The cuts of a roll-out with what networks read before each: the last `read` samples of the observed states. Those without are told and
/// left out.
pub(super) fn seeds(
    spec: &PredictSpec,
    (model, observed): (&Model, &Observed),
    read: usize,
    (name, warnings): (&str, &mut Vec<String>),
) -> (Vec<Cut>, Vec<Seed>) {
    let (mut kept, mut seeds) = (Vec::new(), Vec::new());
    let states = observed.train.columns.iter().enumerate();
    let states = states.filter(|(_, name)| model.states.values().any(|s| s.name == **name));
    let columns: Vec<usize> = states.map(|(c, _)| c).collect();
    for cut in cuts(spec, observed, read) {
        match seed(&cut, read, &columns) {
            Ok(seed) => {
                seeds.push(seed);
                kept.push(cut);
            }
            Err(why) => warnings.push(format!("the prediction `{name}`{} fails: {why}", of(&cut))),
        }
    }
    (kept, seeds)
}

fn seed(cut: &Cut, read: usize, columns: &[usize]) -> Result<Seed, String> {
    let before = &cut.before;
    let first = before.len.checked_sub(read).ok_or_else(|| format!("there are fewer than {read} samples to read"))?;
    let rows = (first..before.len).flat_map(|i| columns.iter().map(move |&c| (i, c)));
    let values: Option<Vec<f64>> = rows.map(|(i, c)| before.value(i, c)).collect();
    let values = values.ok_or("one of the samples to read is missing")?;
    Ok(Seed { t0: before.time(first), values })
}

/// Which trajectory a cut is of, where it has a name.
fn of(cut: &Cut) -> String {
    match cut.before.name() {
        name if name.is_empty() => name,
        name => format!(" of trajectory {name}"),
    }
}

/// A forecast of which nothing is predicted yet.
pub(super) fn begun(name: &str, spec: &PredictSpec, read: usize) -> Forecast {
    let from = match spec.from {
        Origin::Start => "the first samples",
        Origin::End => "the end of the fitted samples",
        Origin::HeldOut => "the first samples held out",
    };
    let about = match spec.by {
        Some(by) => format!("From {from}: networks read the last {read} samples, each solve adds {by} of its own."),
        None => format!("From {from}: the equations that were found, solved on from the state that was estimated."),
    };
    Forecast { name: name.to_string(), about, tolerance: spec.tolerance, parts: Vec::new() }
}

/// Adds to a forecast what a roll-out gave of a cut, `[sample, state]` for the states in `model`'s order. A prediction that ended before
/// its time is told.
pub(super) fn add_rolled(
    forecast: &mut Forecast,
    cut: Cut,
    (model, observed): (&Model, &Observed),
    steps: Option<usize>,
    rows: &[f64],
    warnings: &mut Vec<String>,
) {
    let states = model.states.len().max(1);
    let mut grid = cut.grid(steps);
    let done = (rows.len() / states).min(grid.len);
    if done < grid.len {
        let at = grid.time(done);
        warnings.push(format!("the prediction `{}` is not finite from the time {at} on and ends there", forecast.name));
        grid.len = done;
    }
    let mut predicted = vec![f64::NAN; observed.components.len() * done];
    for (c, component) in observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0) {
        let Some(state) = model.states.values().position(|s| s.name == component.state) else { continue };
        let column = rows.iter().skip(state).step_by(states);
        predicted.iter_mut().skip(c * done).take(done).zip(column).for_each(|(slot, x)| *slot = *x);
    }
    let truth = cut.truth.slice(0, done);
    forecast.parts.push(Part { truth, grid, predicted });
}

/// The predictions of a fit that are solutions of the equations it found.
pub(super) fn solve_on(
    (program, fit): (&Program, &str),
    model: &Model,
    observed: &Observed,
    findings: &mut Findings,
    (threads, seed): (&Threads, u64),
) -> Result<(), Failure> {
    let xi: Vec<f64> = findings.estimates.iter().map(|e| e.value).collect();
    for (data, spec) in program.predictions(fit).into_iter().filter(|(_, s)| s.by.is_none()) {
        let mut compiled = Compiled::field(model)?;
        let mut forecast = begun(&data.name, &spec, 0);
        // From the start, the first sample gives the state; of trajectories held out, the first fifth.
        for cut in cuts(&spec, observed, 1) {
            let cut = if cut.fitted.is_none() { with_head(cut, observed) } else { cut };
            let grid = cut.grid(spec.steps);
            let state = state(&cut, model, observed, findings, (&xi, threads, seed))?;
            let solved = state.and_then(|state| {
                let before = cut.before.time(cut.before.len.saturating_sub(1));
                holdout::solve(&mut compiled, &xi, &state, before, &grid)
            });
            match solved {
                Ok(predicted) => {
                    let truth = cut.truth.slice(0, grid.len);
                    forecast.parts.push(Part { truth, grid, predicted });
                }
                Err(why) => {
                    findings.warnings.push(format!("the prediction `{}`{} fails: {why}", data.name, of(&cut)));
                }
            }
        }
        findings.predictions.push(forecast);
    }
    Ok(())
}

/// A trajectory of its own, cut behind the samples that its state is estimated from.
fn with_head(cut: Cut, observed: &Observed) -> Cut {
    let whole = joined(&cut.before, &cut.truth);
    let fewest = joint::FEWEST_PER_COMPONENT * observed.components.len() / whole.width().max(1) + 2;
    let count = ((whole.len as f64 * HEAD).ceil() as usize).max(fewest).min(whole.len);
    Cut { before: whole.slice(0, count), truth: whole.slice(count, whole.len), fitted: None }
}

/// The state at the last sample before a cut: that of the solution where there is one, else what the samples give under the found
/// equations.
fn state(
    cut: &Cut,
    model: &Model,
    observed: &Observed,
    findings: &Findings,
    (xi, threads, seed): (&[f64], &Threads, u64),
) -> Result<Result<Vec<f64>, String>, Failure> {
    let n = observed.components.len();
    let fitted = &observed.train.trajectories;
    if let Some((k, at)) = cut.fitted {
        let total: usize = fitted.iter().map(|t| t.len).sum();
        let first: usize = fitted.iter().take(k).map(|t| t.len).sum();
        let solved = |c: usize| findings.solution.get(c * total + first + at.checked_sub(1)?).copied();
        let state: Option<Vec<f64>> = (0..n).map(|c| solved(c).filter(|v| v.is_finite())).collect();
        if let Some(state) = state.filter(|_| fitted.get(k).is_some_and(|t| at <= t.len)) {
            return Ok(Ok(state));
        }
    }
    // The gradient engine gives states without their derivatives: samples up to the cut, or from the first on, say the rest.
    let fewest = joint::FEWEST_PER_COMPONENT * n / cut.before.width().max(1) + 2;
    let early = cut.before.len < fewest;
    let source = if early { joined(&cut.before, &cut.truth) } else { cut.before.clone() };
    let count = ((source.len as f64 * HEAD).ceil() as usize).max(fewest);
    if count > source.len {
        return Ok(Err(format!("its state cannot be estimated from fewer than {fewest} samples")));
    }
    let part = source.slice(if early { 0 } else { source.len - count }, count);
    let observations = observed.observations(model, std::slice::from_ref(&part));
    let estimated = joint::trajectory(model, xi, &observations, threads, seed)?;
    let at = if early { cut.before.len.saturating_sub(1) } else { count - 1 };
    Ok(estimated.and_then(|x| {
        let state: Option<Vec<f64>> =
            (0..n).map(|c| x.get(c * count + at).copied().filter(|v| v.is_finite())).collect();
        state.ok_or_else(|| "its state is not finite".to_string())
    }))
}

/// Adds the errors of the predictions, and for how long each follows the data, to the figures.
pub(super) fn judge(observed: &Observed, findings: &mut Findings) {
    let mut told = Vec::new();
    for forecast in &findings.predictions {
        let new = |set: String| Score::new(set, observed).within(forecast.tolerance);
        let mut scores = vec![new(String::new())];
        for part in forecast.parts.iter().filter(|p| p.truth.len > 0) {
            let (len, many) = (part.truth.len, part.grid.len);
            let along = part.predicted.chunks(many.max(1)).flat_map(|row| row.iter().take(len).copied());
            let mut own = new(part.truth.set.clone());
            own.compare(observed, &observed.train.columns, &part.truth, &along.collect::<Vec<f64>>());
            Score::collect(&mut scores, own);
        }
        told.push((forecast.name.clone(), scores));
    }
    for (name, scores) in &told {
        scores.iter().for_each(|score| score.tell(observed, name, findings));
    }
}

/// Predictions as the record keeps them.
pub(super) fn records(observed: &Observed, predictions: &[Forecast]) -> Vec<PredictionRecord> {
    let record = |forecast: &Forecast| PredictionRecord {
        name: forecast.name.clone(),
        about: forecast.about.clone(),
        trajectories: forecast.parts.iter().map(|part| trajectory(observed, part)).collect(),
    };
    predictions.iter().map(record).collect()
}

fn trajectory(observed: &Observed, part: &Part) -> TrajectoryRecord {
    let len = part.grid.len;
    let states = observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0);
    let states = states.map(|(c, component)| {
        let column = observed.train.column(&component.state);
        let value = |i: usize| column.and_then(|col| part.truth.value(i, col)).unwrap_or(f64::NAN);
        StateRecord {
            state: component.state.clone(),
            data: if part.truth.len > 0 { (0..len).map(value).collect() } else { Vec::new() },
            solution: part.predicted.get(c * len..(c + 1) * len).unwrap_or_default().to_vec(),
        }
    });
    TrajectoryRecord {
        name: part.grid.name(),
        time: (0..len).map(|i| part.grid.time(i)).collect(),
        states: states.collect(),
        held_out_from: None,
    }
}

/// A prediction as a data set.
pub fn dataset(record: &PredictionRecord) -> Dataset {
    let trajectories = record.trajectories.iter().map(|t| {
        let len = t.time.len();
        let at = |i: usize| t.states.iter().map(move |s| s.solution.get(i).copied().unwrap_or(f64::NAN));
        let values: Vec<f64> = (0..len).flat_map(at).collect();
        let (first, second) = (t.time.first().copied().unwrap_or(0.0), t.time.get(1).copied());
        Trajectory {
            id: t.name.clone(),
            t0: first,
            dt: second.map_or(1.0, |s| s - first),
            // As they are recorded: rounding does not add up.
            times: t.time.clone(),
            len,
            valid: values.iter().map(|v| v.is_finite()).collect(),
            values: values.into_iter().map(|v| if v.is_finite() { v } else { 0.0 }).collect(),
            ..Trajectory::default()
        }
    });
    let first = record.trajectories.first();
    Dataset {
        source: format!("the prediction {}", record.name),
        columns: first.iter().flat_map(|t| &t.states).map(|s| s.state.clone()).collect(),
        inputs: Vec::new(),
        trajectories: trajectories.collect(),
    }
}
