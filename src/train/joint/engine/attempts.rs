//! A fit, made again where it does not come out well: at finer samples, and beyond the poles of divisors.

use super::Engine;
use crate::train::Observer;
use crate::train::joint::columns::Columns;
use crate::train::joint::poles::Poles;
use crate::train::joint::problem::{
    Dynamics, FEWEST_PER_COMPONENT, JointError, JointFit, Observations, Settings, Unknown,
};
use crate::train::joint::refine::{Refined, samples};

/// Largest refinement of the samples.
const MAX_REFINEMENT: usize = 8;
/// A fit at finer samples that is not in order counts for nothing if it leaves so many times the noise of the one before.
const WORSE: f64 = 10.0;
/// One before that leaves less than this part of what neighbouring samples scatter by goes through every sample, and is no better.
const LITTLE: f64 = 0.03;

/// Fits the unknowns of a model to observations.
pub fn fit(
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    observations: &Observations,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<JointFit, JointError> {
    let columns = Columns::new(unknowns, observations);
    let (declared, unknowns) = (unknowns, &columns.expanded(unknowns));
    enough(unknowns, observations)?;
    let mut solves = 0;
    let mut attempt = |refined: &Observations, poles: &Poles| -> Outcome {
        let mut engine = Engine::new(model, (declared, unknowns, &columns), refined, settings, (observer, poles));
        let outcome = engine.run();
        solves += engine.solves;
        let (fit, coarse) = outcome?;
        Ok((JointFit { solves, ..fit }, coarse))
    };
    let mut round = |by: usize| -> Outcome {
        let Refined { observations: refined, kept } = Refined::new(observations, by);
        let poles = Poles::closed();
        let mut found = attempt(&refined, &poles);
        // What is wrong may be the side of the pole that the fit is held on.
        let in_doubt = !found.as_ref().is_ok_and(|found| found.0.in_order() && !found.0.went_astray);
        if poles.held_back() && in_doubt && !settings.exact && !matches!(found, Err(JointError::Interrupted(_))) {
            found = match (attempt(&refined, &Poles::open()), found) {
                (Ok(other), Err(_)) => Ok(other),
                (Ok(other), Ok(found)) if other.0.in_order() && better(&other, &found) => Ok(other),
                (Err(interrupted @ JointError::Interrupted(_)), Err(_)) => Err(interrupted),
                (Err(JointError::Interrupted(_)), Ok((fit, _))) => {
                    Err(JointError::Interrupted(Some(Box::new(fit.interim()))))
                }
                (_, found) => found,
            };
        }
        let (fit, coarse) = found?;
        let x = kept.of(&fit.x, refined.t.len());
        Ok((JointFit { x, ..fit }, coarse))
    };
    // The last fit there was; as long as there is none, the first failure: what fails at the samples that were observed says more than
    // what finer ones fail by later.
    let fits = |by: usize| samples(observations, by) <= settings.most_samples;
    let first = Some(settings.finer).filter(|by| *by > 1 && fits(*by)).unwrap_or(1);
    let mut found = round(first);
    let mut unfinished = too_coarse(&found);
    let mut by = 2 * first;
    while unfinished && by <= MAX_REFINEMENT && fits(by) {
        let finer = round(by);
        unfinished = too_coarse(&finer);
        found = match (finer, found) {
            // Where samples are put in vain, what they lead to may be far worse.
            (Ok(finer), Ok(coarser))
                if !finer.0.in_order() && left(&coarser.0) > LITTLE && left(&finer.0) > WORSE * left(&coarser.0) =>
            {
                Ok(coarser)
            }
            (Ok(finer), _) => Ok(finer),
            (Err(JointError::Interrupted(None)), Ok((coarser, _))) => {
                Err(JointError::Interrupted(Some(Box::new(coarser.interim()))))
            }
            (Err(interrupted @ JointError::Interrupted(_)), _) => Err(interrupted),
            (Err(_), found) => found,
        };
        by *= 2;
    }
    let (fit, _) = found?;
    Ok(JointFit { solves, ..fit })
}

/// The largest noise of a component, in units of how neighbouring samples scatter.
fn left(fit: &JointFit) -> f64 {
    fit.noise.iter().zip(&fit.scatter).map(|(noise, scatter)| noise / scatter).fold(0.0, f64::max)
}

/// A fit, and whether its samples are too coarse for the model.
type Outcome = Result<(JointFit, bool), JointError>;

/// Whether a fit that is in order counts in place of another one.
fn better(other: &(JointFit, bool), found: &(JointFit, bool)) -> bool {
    !found.0.in_order() || other.0.criterion < found.0.criterion
}

/// Whether finer samples may give what these did not.
fn too_coarse(found: &Outcome) -> bool {
    match found {
        Ok((_, coarse)) => *coarse,
        Err(error) => matches!(error, JointError::NotFinite { .. } | JointError::Singular { .. }),
    }
}

/// Refuses data that cannot determine the unknowns and the noise.
fn enough(unknowns: &[Unknown], observations: &Observations) -> Result<(), JointError> {
    let have = observations.y.iter().filter(|y| y.is_finite()).count();
    if have == 0 {
        let name = observations.names.first().cloned().unwrap_or_default();
        return Err(JointError::NothingObserved(name));
    }
    let need = FEWEST_PER_COMPONENT * observations.names.len() + unknowns.iter().filter(|u| !u.droppable).count() + 1;
    if have < need { Err(JointError::TooFewObservations { have, need, unknowns: unknowns.len() }) } else { Ok(()) }
}
