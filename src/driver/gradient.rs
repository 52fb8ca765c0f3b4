//! The gradient engine on a compiled model.

use std::time::Duration;

use super::bound;
use super::checkpoint::{self, Saver};
use super::failure::{Failure, Problem};
use super::findings::{Estimate, Findings};
use super::kinds::Told;
use super::memory;
use super::observed::Observed;
use super::target::{self, Target};
use super::{features, sets, small_terms, under_way, varying, watched};
use crate::base::Idx;
use crate::data::Dataset;
use crate::hir::{self, ExprKind, Fit, Model, Program, StateId, UnknownId};
use crate::lower::training::{self, Coefficients, Lowered, Request, TrainingError};
use crate::report::{Archive, Metric, NormalisationRecord};
use crate::runtime::{Loaded, RuntimeError};
use crate::train::Observer;
use crate::train::gradient::{
    self, CoefficientSpec, Functions, GradientError, GradientFit, Layout, ParameterSpec, Seed, Settings, State,
    StepTimes,
};

/// Trains the networks of `fit` and estimates the model's unknowns, from the beginning or from what an interrupted run kept.
pub fn fit(
    program: &Program,
    fit: &Fit,
    observed: &Observed,
    target: &Target,
    (kept, saver): (Option<Archive>, &mut Saver),
    observer: &mut dyn Observer,
) -> Result<(Findings, Trained), Failure> {
    let model = &program.models[fit.model];
    let states = observed_states(model, observed);
    let coefficients = coefficients(fit);
    let (lowered, loaded) = compiled(program, fit, observed, target, (&states, &coefficients))?;
    let mut functions = Functions::new(&loaded).map_err(target::opening)?;
    let mut layout = layout(model, &lowered, observed, &states, &coefficients);
    let features = features::settle(program, fit, &observed.train, &mut layout.constants)?;
    let normalised = features.iter().flat_map(|f| [f.subtracted, f.divided_by]).collect::<Vec<f64>>();
    let settings = settings(fit);
    let state = match kept {
        None => State { features: normalised, ..State::start(&layout, settings.seed) },
        Some(archive) => {
            let same = |state: &State| state.belongs_to(&layout) && state.features == normalised;
            checkpoint::training(&archive).filter(same).ok_or_else(|| {
                // Program, settings and data are the same, so only a mistake of whoever wrote it is left.
                Failure::Internal("the checkpoint does not hold the state of this training".to_string())
            })?
        }
    };
    let data = &observed.train;
    let (held, too_short) = watched::held(fit, observed, |held| gradient::ensure_windows(held, &layout, &settings))?;
    let result =
        gradient::go_on(&mut functions, &layout, (data, held), &settings, state, saver, observer).map_err(failure)?;
    let mut found = findings(model, &lowered, observed, &result);
    found.watched_held = held.is_some();
    found.fail(too_short);
    functions.solved_by_rows().map(by_rows).into_iter().for_each(|text| found.note(text));
    found.remarks.extend(small_terms::remarks((model, fit), &lowered, &result));
    found.remarks.extend(under_way::remarks((model, fit), &lowered, &result));
    if held.is_some() && result.state.watch.least.is_finite() {
        let metrics = &mut found.metrics;
        metrics.push(Metric::new("smallest loss", "held out", result.state.watch.least));
        metrics.push(Metric::new("steps trained", "", result.state.step as f64));
    }
    found.normalisation.extend(features);
    let has_fields = varying::has(model, fit);
    if !fit.parameters.is_empty() || has_fields {
        let held = observed.held.as_ref().map(|held| &held.data);
        let applied = match held {
            None => None,
            Some(held) => match gradient::apply(&mut functions, &layout, (data, held), &settings, &result, observer) {
                Ok(parts) => Some((held, parts)),
                Err(error @ (GradientError::Data(_) | GradientError::Missing { .. } | GradientError::Steps)) => {
                    found.fail([format!("what was held out cannot be judged: {error}")]);
                    None
                }
                Err(error) => return Err(failure(error)),
            },
        };
        let parts = applied.as_ref().map(|(held, parts)| (*held, parts.as_slice()));
        if let Some((held, parts)) = parts {
            bound::judge(model, (held, parts), &mut found);
        }
        if !fit.parameters.is_empty() {
            bound::add(program, fit, (data, &result.reconstructions), parts, &mut found);
        }
        if has_fields {
            let fitted = (data, result.reconstructions.as_slice(), false);
            let all: Vec<_> = std::iter::once(fitted).chain(parts.map(|(d, p)| (d, p, true))).collect();
            varying::add(model, fit, &all, &mut found);
        }
    }
    Ok((found, Trained { functions, layout, settings, result }))
}

/// A finished training, which predictions are made from.
pub(super) struct Trained {
    functions: Functions,
    layout: Layout,
    settings: Settings,
    result: GradientFit,
}

impl Trained {
    /// Samples that networks read.
    pub fn read(&self) -> usize {
        self.settings.read
    }

    /// As [`gradient::roll_out`].
    pub fn roll_out(
        &self,
        train: &Dataset,
        what: (&[Seed], usize, usize),
        observer: &dyn Observer,
    ) -> Result<Vec<Vec<f64>>, GradientError> {
        gradient::roll_out(&self.functions, &self.layout, train, &self.settings, &self.result, what, observer)
    }
}

/// What to say of relaxed solves that cost a hundred times what they need not.
fn by_rows(reason: &str) -> String {
    format!(
        "relaxed solves factored their rows, which takes a hundred times as long, since by the normal matrix {reason}: give more initial values, or keep \
         fewer derivatives"
    )
}

/// The functions of a training, where data and memory allow it.
fn compiled(
    program: &Program,
    fit: &Fit,
    observed: &Observed,
    target: &Target,
    (states, coefficients): (&[StateId], &training::Coefficients),
) -> Result<(training::Lowered, Loaded), Failure> {
    let model = &program.models[fit.model];
    sets::ensure_alike(observed, fit)?;
    sets::ensure_moved(model, fit, observed)?;
    let request = Request { model, networks: &program.networks, fit, observed: states, coefficients };
    let lowered = training::lower(request).map_err(refused)?;
    let loaded = target.compile(&lowered.module)?;
    ensure_memory(fit, &lowered, &loaded, observed)?;
    Ok((lowered, loaded))
}

/// How long training steps of `fit` take, until `enough` says so.
pub fn time_steps(
    program: &Program,
    fit: &Fit,
    observed: &Observed,
    target: &Target,
    enough: &mut dyn FnMut(&[Duration]) -> bool,
) -> Result<StepTimes, Failure> {
    let model = &program.models[fit.model];
    let states = observed_states(model, observed);
    let coefficients = coefficients(fit);
    let (lowered, loaded) = compiled(program, fit, observed, target, (&states, &coefficients))?;
    let functions = Functions::new(&loaded).map_err(target::opening)?;
    let layout = layout(model, &lowered, observed, &states, &coefficients);
    gradient::time_steps(&functions, &layout, &observed.train, &settings(fit), enough).map_err(failure)
}

/// The states that the data have.
fn observed_states(model: &Model, observed: &Observed) -> Vec<StateId> {
    let of = |c: &String| model.states.iter().find(|(_, s)| s.name == *c).map(|(id, _)| id);
    observed.train.columns.iter().filter_map(of).collect()
}

/// Refuses networks, windows and batches that do not fit in memory.
fn ensure_memory(fit: &Fit, lowered: &Lowered, loaded: &Loaded, observed: &Observed) -> Result<(), Failure> {
    let windows = |len: usize| len.checked_sub(fit.span()).map_or(0, |rest| rest / fit.stride.max(1) + 1);
    let all: usize = observed.train.trajectories.iter().map(|t| windows(t.len)).sum();
    let batch = fit.batch.min(all).max(1) as u64;
    let weights = weights(lowered);
    let what = format!("training {weights} weights on mini-batches of {batch} windows of {}", fit.span());
    let help = "make the network smaller, or `window` and `batch`";
    memory::ensure(&what, memory::of_training(loaded.entries(), batch, weights), help)
}

/// How many numbers of networks a fit trains.
pub fn weights(lowered: &Lowered) -> u64 {
    let count = |shape: &[usize]| shape.iter().fold(1u64, |n, &extent| n.saturating_mul(extent as u64));
    lowered.weights.iter().map(|w| count(&w.shape)).fold(0, u64::saturating_add)
}

/// The lowered functions of a fit without its data, for `--emit` and `--plan`.
pub fn lowered(program: &Program, fit: &Fit) -> Result<Lowered, Failure> {
    let model = &program.models[fit.model];
    let states: Vec<StateId> = model.states.ids().collect();
    let coefficients = coefficients(fit);
    let request = Request { model, networks: &program.networks, fit, observed: &states, coefficients: &coefficients };
    training::lower(request).map_err(refused)
}

/// Where the coefficients of a fit come from.
fn coefficients(fit: &Fit) -> Coefficients {
    if fit.projection { Coefficients::Projected } else { Coefficients::Trained }
}

fn layout(
    model: &Model,
    lowered: &Lowered,
    observed: &Observed,
    states: &[StateId],
    coefficients: &Coefficients,
) -> Layout {
    let specs = lowered
        .coefficients
        .iter()
        .map(|c| {
            let unknown = &model.unknowns[c.unknown];
            CoefficientSpec {
                start: unknown.start.unwrap_or(0.0),
                lower: unknown.bounds.lower,
                upper: unknown.bounds.upper,
                prunable: matches!(unknown.kind, hir::UnknownKind::Coefficient { .. }),
                states: c.states.clone(),
            }
        })
        .collect();
    let parameters = lowered
        .parameters
        .iter()
        .map(|&id| {
            let unknown = &model.unknowns[id];
            let bounds = unknown.bounds;
            let start = unknown.start.unwrap_or(1.0).max(bounds.lower).min(bounds.upper);
            ParameterSpec { start, lower: bounds.lower, upper: bounds.upper }
        })
        .collect();
    Layout {
        weights: lowered.weights.clone(),
        coefficients: specs,
        parameters,
        constants: lowered.constants.clone(),
        columns: model.states.values().map(|s| observed.train.column(&s.name)).collect(),
        observed: states.iter().map(|s| s.index()).collect(),
        elimination: coefficients.elimination(),
    }
}

fn settings(fit: &Fit) -> Settings {
    let defaults = Settings::default();
    Settings {
        seed: fit.seed,
        window: fit.span(),
        begin: fit.begin,
        read: fit.window,
        stride: fit.stride,
        batch: fit.batch,
        steps: fit.steps,
        epochs: fit.epochs,
        cycles: fit.cycles,
        threshold: fit.threshold,
        significance: fit.significance.unwrap_or(defaults.significance),
        prune_from: fit.prune_from,
        consistency: fit.consistency,
        rate: fit.optimizer.rate,
        coefficient_rate: fit.coefficient_rate,
        beta1: fit.optimizer.beta1,
        beta2: fit.optimizer.beta2,
        epsilon: fit.optimizer.epsilon,
        decay: fit.optimizer.decay,
        warmup: fit.optimizer.warmup,
        normalise: fit.normalise,
        shifts: fit.shifts.iter().map(|(state, by)| (state.index(), by.index())).collect(),
        evaluate: fit.evaluate,
        patience: fit.early_stopping.map(|s| s.patience),
        ..defaults
    }
}

fn findings(model: &Model, lowered: &Lowered, observed: &Observed, result: &GradientFit) -> Findings {
    let mut estimates = vec![Estimate { value: 0.0, std_error: None, kept: true }; model.unknowns.len()];
    for (c, found) in lowered.coefficients.iter().zip(&result.coefficients) {
        // Least squares know nothing of the error of a trained number inside the term, on which the coefficient depends most.
        let std_error = found.std_error.filter(|_| !holds_unknowns(model, c.unknown));
        estimates[c.unknown.index()] = Estimate { value: found.value, std_error, kept: found.kept };
    }
    for (id, value) in lowered.parameters.iter().zip(&result.parameters) {
        estimates[id.index()].value = *value;
    }
    let total: usize = observed.train.trajectories.iter().map(|t| t.len).sum();
    let starts: Vec<usize> = observed
        .train
        .trajectories
        .iter()
        .scan(0, |at, t| {
            let start = *at;
            *at += t.len;
            Some(start)
        })
        .collect();
    let states = model.states.len();
    let mut solution = vec![f64::NAN; observed.components.len() * total];
    for part in &result.reconstructions {
        let Some(&offset) = starts.get(part.trajectory) else { continue };
        for (c, component) in observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0) {
            let Some(state) = model.states.values().position(|s| s.name == component.state) else { continue };
            for i in 0..part.len {
                solution[c * total + offset + i] = part.solution[i * states + state];
            }
        }
    }
    let metrics = vec![
        Metric::new("loss of the solution", "fitted", result.loss.fit),
        Metric::new("loss of the auxiliaries", "fitted", result.loss.auxiliary),
    ];
    let mut warnings = Vec::new();
    if estimates.iter().any(|e| e.kept && e.std_error.is_some()) {
        // The regression takes the auxiliaries for exact; early in a training that is far from true.
        warnings.push(Told::note(
            match result.parameters.is_empty() {
                true => "the standard errors leave out the errors of the auxiliaries and of the discretisation, so they are too small",
                false => "the standard errors leave out the errors of the auxiliaries, of the discretisation and of parameters and other trained numbers, so they are too small",
            },
        ));
    }
    Findings {
        estimates,
        solution,
        warnings,
        noise: vec![None; observed.components.len()],
        losses: result.state.losses.iter().map(|&l| ("train", l)).collect(),
        watched: {
            let watch = &result.state.watch;
            watch.steps.iter().zip(&watch.losses).map(|(&step, &loss)| (step as u64, loss)).collect()
        },
        metrics,
        normalisation: normalisations(model, &result.state),
        state: checkpoint::of_training(&result.state),
        ..Findings::default()
    }
}

/// Whether a term that a coefficient multiplies holds another estimated number, as in the denominator of a ratio.
fn holds_unknowns(model: &Model, id: UnknownId) -> bool {
    let terms = model.equations.iter().flat_map(|e| &e.unknowns).filter(|term| term.unknown == id);
    terms.into_iter().any(|term| term.factor.any(&mut |e| matches!(e.kind, ExprKind::Unknown(_))))
}

/// How networks saw the observed states.
fn normalisations(model: &Model, state: &State) -> Vec<NormalisationRecord> {
    let found = state.normalisation.mean.iter().zip(&state.normalisation.scale);
    let record = |(s, (&mean, &scale)): (&hir::State, (&f64, &f64))| NormalisationRecord {
        state: s.name.clone(),
        subtracted: mean,
        divided_by: scale,
    };
    model.states.values().zip(found).map(record).collect()
}

fn refused(error: TrainingError) -> Failure {
    match error {
        TrainingError::Lower(e) => Failure::Internal(e.to_string()),
        _ => Failure::Usage(Problem::new(
            "N007",
            error.to_string(),
            "change the network or the auxiliaries, or fit with `engine joint`",
        )),
    }
}

pub(super) fn failure(error: GradientError) -> Failure {
    let message = error.to_string();
    let numerical = |code, help: &str| Failure::Numerical(Problem::new(code, message.clone(), help));
    match error {
        GradientError::Data(e) => Failure::Data(e),
        GradientError::Missing { .. } => numerical("N511", "take a shorter `window`, or fit with `engine joint`"),
        GradientError::Steps => {
            numerical("N512", "sample all trajectories at the same step, or fit with `engine joint`")
        }
        GradientError::Diverged { .. } => numerical("N513", "lower the learning rate: `optimizer adam(lr = 1e-4)`"),
        GradientError::Interrupted { .. } => Failure::Interrupted(Problem::interrupted()),
        GradientError::Singular => numerical("N514", "remove candidate terms that say the same on these data"),
        GradientError::Runtime(RuntimeError::Device(e))
        | GradientError::Step { source: RuntimeError::Device(e), .. } => e.into(),
        GradientError::Runtime(RuntimeError::Memory { .. })
        | GradientError::Step { source: RuntimeError::Memory { .. }, .. } => {
            let help = "make the network smaller, or `window` and `batch`";
            Failure::Environment(Problem::new("N014", message, help))
        }
        GradientError::Runtime(_) | GradientError::Step { .. } => {
            numerical("N515", "lower the learning rate, remove candidate terms, or fit with `engine joint`")
        }
        GradientError::Horizon | GradientError::Unknown { .. } => Failure::Internal(message),
    }
}
