//! Parameters that differ from trajectory to trajectory. Where no trajectory of a model is exact although every one of them alone could be,
//! one number for all of them is why: a fit in which a parameter has a number for each trajectory tells.

use crate::base::Idx;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1111;
use crate::hir::{Model, UnknownKind};
use crate::report::short;
use crate::train::joint::{JointError, JointFit, Observations, Unknown};

/// Fits that are made for this, at most: one for a parameter, in the order of their declarations.
const MOST_FITS: usize = 4;
/// Larger data are not fitted again.
const MOST_SAMPLES: usize = 20_000;
/// Nor are models with more unknowns.
const MOST_UNKNOWNS: usize = 60;
/// Trajectories, at most: each of them adds a number.
const MOST_TRAJECTORIES: usize = 100;
/// The numbers differ where they scatter by more than this many of their standard errors,
const APART: f64 = 4.0;
/// and where the fit is better by this much for each number that it has more. It counts twice the logarithm of the likelihood.
const BETTER: f64 = 6.0;

/// The parameter with whose numbers for each trajectory the data follow the model, where with one number for all they do not; `exact` says
/// of a fit that they do, and `again` fits other unknowns to the same data.
pub fn parameter(
    model: &Model,
    (unknowns, result, observations): (&[Unknown], &JointFit, &Observations),
    exact: impl Fn(&JointFit) -> bool,
    mut again: impl FnMut(&[Unknown]) -> Result<JointFit, JointError>,
) -> Option<Diagnostic> {
    let trajectories = observations.breaks.len() + 1;
    if !(2..=MOST_TRAJECTORIES).contains(&trajectories)
        || observations.t.len() > MOST_SAMPLES
        || unknowns.len() > MOST_UNKNOWNS
    {
        return None;
    }
    let shared = model.unknowns.iter().filter_map(|(id, u)| match u.kind {
        // Of a family all elements would have numbers of their own.
        UnknownKind::Param(p) if !u.name.contains('[') && !model.is_per_sample(u) => Some((id.index(), p)),
        _ => None,
    });
    let mut best: Option<(f64, usize, Diagnostic)> = None;
    for (k, param) in shared.take(MOST_FITS) {
        let mut tried = unknowns.to_vec();
        match tried.get_mut(k) {
            Some(unknown) if unknown.lower < unknown.upper && unknown.trajectory.is_none() => unknown.own = true,
            _ => continue,
        }
        let found = match again(&tried) {
            Ok(found) => found,
            // Whoever interrupts a run has its result already.
            Err(JointError::Interrupted(_)) => return None,
            Err(_) => continue,
        };
        let gain = result.criterion - found.criterion - BETTER * (trajectories - 1) as f64;
        let own = found.estimates.get(found.columns.of(k)).unwrap_or_default();
        let numbers = || own.iter().map(|e| e.value);
        let mean = numbers().sum::<f64>() / own.len().max(1) as f64;
        let differ = own.iter().any(|e| (e.value - mean).abs() > APART * e.std_error);
        if !(exact(&found) && found.converged && gain > 0.0 && differ) || best.as_ref().is_some_and(|(g, ..)| *g > gain)
        {
            continue;
        }
        let name = &model.unknowns.values().nth(k)?.name;
        let [low, high] = crate::base::least_and_most(numbers());
        let message = format!(
            "no single `{name}` fits all {trajectories} trajectories; with a number for each, from {} to {}, the data follow the model",
            short(low),
            short(high)
        );
        let help = format!(
            "say that it differs: `per sample` at the end of its declaration, `param {name} per sample`; if nothing differs between them, a \
             term is missing that acts otherwise in each"
        );
        let finding = Diagnostic::warning(W1111, message, model.params[param].span, "one number for all trajectories");
        best = Some((gain, k, finding.help(help)));
    }
    best.map(|(.., finding)| finding)
}
