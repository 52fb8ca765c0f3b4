//! The joint engine on a compiled model: what is asked before a fit, the fit, and what is told of it.

use super::beginnings;
use super::bound;
use super::checkpoint::{self, Saver};
use super::collinear;
use super::failure::Failure;
use super::findings::Findings;
use super::joint_failure::failure;
use super::joint_judged::{self, Reached};
use super::joint_law::{self, Fitter, Law};
use super::joint_numbers::unknown;
use super::memory;
use super::observed::Observed;
use super::pointwise::Compiled;
use super::powers;
use super::target::Target;
use super::unfelt::Unfelt;
use crate::hir::{Fit, Model, Program, StartSource};
use crate::train::Observer;
use crate::train::joint::{JointError, Settings, Unknown, samples};

/// Fits `model` to the observations. An interrupted fit leaves its coefficients with the saver; a run that is taken up again starts
/// from the beginning, which takes seconds and gives the bits of a run that was not interrupted.
///
/// # Errors
/// [`Failure`] where the fit has no numbers to tell, or would not fit in memory.
pub fn fit(
    program: &Program,
    fit: &Fit,
    observed: &mut Observed,
    target: &Target,
    saver: &mut Saver,
    observer: &mut dyn Observer,
) -> Result<Findings, Failure> {
    let model = &program.models[fit.model];
    let unfelt = Unfelt::of(model, observed);
    if let Some(unfelt) = unfelt.as_ref().filter(|unfelt| unfelt.has_hole()) {
        // Terms that change nothing would all be dropped, and what is left would be told as a law.
        return Err(unfelt.failure((model, fit)));
    }
    // With those around the instants in which inputs change.
    let samples = samples(&observed.observations(model, &observed.train.trajectories), 1) as u64;
    let trajectories = observed.train.trajectories.len() as u64;
    ensure_memory(model, (samples, trajectories))?;
    let settings = Settings {
        seed: fit.seed,
        significance: fit.significance,
        most_samples: memory::most_samples(model, trajectories),
        finer: 1,
        terms: None,
        near: false,
        exact: false,
    };
    let mut fitter =
        Fitter { compiled: Compiled::linearisation(&powers::continued(model), target)?, settings, observer };
    let unknowns = unknowns(program, fit, observed)?;
    observed.known_starts = fit.start != StartSource::Free;
    observed.held_starts = fit.start == StartSource::Held;
    let Law { result, other, others, observations, unknowns, starts } =
        joint_law::law((model, observed), unknowns, &mut fitter);
    observed.known_starts &= starts.held;
    if let Some(fault) = fitter.compiled.take_fault() {
        return Err(fault.into());
    }
    if let Err(JointError::Interrupted(interim)) = &result {
        let interim = interim.as_deref().cloned().unwrap_or_default();
        saver.keep_archive(checkpoint::of_joint(&interim, &[]), interim.solves as u64);
    }
    let result = result.map_err(|e| {
        // A parameter of an equation that the data do not feel is why; whether it stands elsewhere too the fit knows.
        let unfelt = unfelt.filter(|_| matches!(e, JointError::Collinear | JointError::Singular { .. }));
        match (unfelt, &starts.against) {
            (Some(unfelt), _) => unfelt.failure((model, fit)),
            (None, None) => failure(e, model, &observations),
            (None, Some(_)) => beginnings::failed(model, failure(e, model, &observations)),
        }
    })?;
    // What comes behind the fit may be interrupted too.
    saver.keep_archive(checkpoint::of_joint(&result.interim(), &result.x), result.solves as u64);
    let reached = Reached { program, fit, observed, unknowns: &unknowns, observations: &observations, result: &result };
    let mut findings = joint_judged::findings(&reached, (other.as_ref(), &others), starts, &mut fitter);
    bound::add_own(program, fit, &observed.train, &result, &mut findings);
    Ok(findings)
}

/// The unknowns of the model; candidates that are multiples of others on these data are held at 0.
fn unknowns(program: &Program, fit: &Fit, observed: &Observed) -> Result<Vec<Unknown>, Failure> {
    let model = &program.models[fit.model];
    let mut unknowns: Vec<Unknown> = model.unknowns.values().map(|u| unknown(model, u)).collect();
    for position in collinear::multiples(program, fit, observed)? {
        if let Some(multiple) = unknowns.get_mut(position) {
            (multiple.lower, multiple.upper) = (0.0, 0.0);
        }
    }
    Ok(unknowns)
}

/// Refuses more samples and unknowns than fit in memory, for so many samples in so many trajectories.
pub fn ensure_memory(model: &Model, (samples, trajectories): (u64, u64)) -> Result<(), Failure> {
    let numbers = memory::estimated(model, trajectories);
    let what = format!("a joint fit of {numbers} unknowns to {samples} samples");
    let bytes = memory::of_joint_fit(model, (samples, trajectories));
    memory::ensure(&what, bytes, "fit fewer samples, or fewer candidate terms")
}
