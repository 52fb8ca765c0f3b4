//! The joint engine on a compiled model.

use super::checkpoint::{self, Saver};
use super::failure::{Failure, Problem};
use super::findings::{Estimate, Findings};
use super::memory;
use super::observed::Observed;
use super::pointwise::Compiled;
use super::remarks;
use super::target::Target;
use crate::artifact::Pattern;
use crate::hir::{Fit, Model, UnknownKind};
use crate::runtime::Threads;
use crate::train::joint::{
    self, Dynamics, EvaluateError, JointError, JointFit, Observations, Points, Settings, Unknown,
};
use crate::train::{Observer, Progress};

/// Observations per component that a trajectory needs at least.
pub use crate::train::joint::FEWEST_PER_COMPONENT;

/// Fits `model` to the observations. An interrupted fit leaves its coefficients with the saver; a run that is taken up again starts
/// from the beginning, which takes seconds and gives the bits of a run that was not interrupted.
pub fn fit(
    model: &Model,
    fit: &Fit,
    observed: &Observed,
    target: &Target,
    saver: &mut Saver,
    observer: &mut dyn Observer,
) -> Result<Findings, Failure> {
    let samples: u64 = observed.train.trajectories.iter().map(|t| t.len as u64).sum();
    ensure_memory(model, samples)?;
    let mut compiled = Compiled::linearisation(model, target)?;
    let unknowns: Vec<Unknown> = model
        .unknowns
        .values()
        .map(|u| Unknown {
            name: u.name.clone(),
            start: u.start,
            lower: u.bounds.lower,
            upper: u.bounds.upper,
            linear: u.linear,
            droppable: matches!(u.kind, UnknownKind::Coefficient { .. }),
        })
        .collect();
    let settings =
        Settings { seed: fit.seed, significance: fit.significance, most_samples: memory::most_samples(model) };
    let observations = observed.observations(model, &observed.train.trajectories);
    let result = joint::fit(&mut compiled, &unknowns, &observations, &settings, observer);
    if let Some(fault) = compiled.take_fault() {
        return Err(fault.into());
    }
    if let Err(JointError::Interrupted(interim)) = &result {
        let interim = interim.as_deref().cloned().unwrap_or_default();
        saver.keep_archive(checkpoint::of_joint(&interim, &[]), interim.solves as u64);
    }
    let result = result.map_err(|e| failure(e, &observations.names))?;
    // What comes behind the fit may be interrupted too.
    saver.keep_archive(checkpoint::of_joint(&result.interim(), &result.x), result.solves as u64);
    let mut findings = findings(&result);
    findings.warnings = remarks::general(model, &result);
    findings.remarks = remarks::placed(model, &result);
    Ok(findings)
}

/// The trajectory that fits observations best under a model whose unknowns are known, `[component, sample]`, or why there
/// is none.
pub fn trajectory(
    model: &Model,
    xi: &[f64],
    observations: &Observations,
    threads: &Threads,
    (seed, observer): (u64, &mut dyn Observer),
) -> Result<Result<Vec<f64>, String>, Failure> {
    let mut known = Known::new(Compiled::linearisation(model, &Target::Host(threads.clone()))?, xi);
    let settings = Settings { seed, significance: None, most_samples: observations.t.len() };
    match joint::fit(&mut known, &[], observations, &settings, &mut Unseen(observer)) {
        Ok(fit) => Ok(Ok(fit.x)),
        Err(error) => match failure(error, &observations.names) {
            Failure::Numerical(problem) => Ok(Err(problem.message)),
            other => Err(other),
        },
    }
}

/// An observer that is asked whether to go on and not told how far it is.
struct Unseen<'a>(&'a mut dyn Observer);

impl Observer for Unseen<'_> {
    fn progress(&mut self, _: &Progress) {}

    fn should_stop(&self) -> bool {
        self.0.should_stop()
    }
}

/// A model with the values of its unknowns: it has none left.
struct Known {
    compiled: Compiled,
    pattern: Pattern,
    xi: Vec<f64>,
}

impl Known {
    fn new(compiled: Compiled, xi: &[f64]) -> Known {
        let pattern = compiled.pattern();
        let by_unknown = vec![Vec::new(); pattern.by_unknown.len()];
        Known { pattern: Pattern { by_unknown, ..pattern.clone() }, compiled, xi: xi.to_vec() }
    }
}

impl Dynamics for Known {
    fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    fn field(&mut self, at: Points, _: &[f64], f: &mut [f64]) -> Result<(), EvaluateError> {
        self.compiled.field(at, &self.xi, f)
    }

    fn linearise(&mut self, at: Points, _: &[f64], entries: &mut [f64]) -> Result<(), EvaluateError> {
        self.compiled.linearise(at, &self.xi, entries)
    }
}

/// Refuses more samples and unknowns than fit in memory.
pub fn ensure_memory(model: &Model, samples: u64) -> Result<(), Failure> {
    let what = format!("a joint fit of {} unknowns to {samples} samples", model.unknowns.len());
    memory::ensure(&what, memory::of_joint_fit(model, samples), "fit fewer samples, or fewer candidate terms")
}

fn findings(result: &JointFit) -> Findings {
    let finite = |x: f64| x.is_finite().then_some(x);
    let estimates: Vec<Estimate> = result
        .estimates
        .iter()
        .map(|e| Estimate { value: e.value, std_error: finite(e.std_error), kept: e.kept })
        .collect();
    Findings {
        plausible: result.plausible.iter().map(|p| (p.unknown, p.value, (p.value / p.t_statistic).abs())).collect(),
        solution: result.x.clone(),
        noise: result.noise.iter().map(|&s| finite(s)).collect(),
        losses: result.losses.iter().map(|&l| ("joint", l)).collect(),
        state: checkpoint::of_joint(&result.interim(), &result.x),
        estimates,
        ..Findings::default()
    }
}

/// A failed fit in the user's terms; `names` are those of the components.
fn failure(error: JointError, names: &[String]) -> Failure {
    let message = match &error {
        JointError::Singular(at) => match names.get(at.component) {
            Some(name) => format!("the joint system is singular or not finite in `{name}` at step {}", at.step),
            None => error.to_string(),
        },
        _ => error.to_string(),
    };
    let numerical = |code, help: &str| Failure::Numerical(Problem::new(code, message.clone(), help));
    match error {
        JointError::TooFewObservations { .. } => numerical("N501", "give more samples, or fewer candidate terms"),
        JointError::NothingObserved(_) => numerical("N502", "name the data's columns after the states"),
        JointError::Singular(_) => numerical("N503", "look for states or parameters that the data cannot determine"),
        JointError::NotFinite { .. } => {
            numerical("N504", "check the start values and bounds of parameters, and terms such as ln or a ratio")
        }
        JointError::Collinear => numerical("N505", "remove candidate terms that say the same on these data"),
        JointError::Evaluate(_) => Failure::Internal(message),
        JointError::Interrupted(_) => Failure::Interrupted(Problem::interrupted()),
    }
}
