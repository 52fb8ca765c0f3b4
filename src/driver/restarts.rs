//! Fits with states that no column observes, made again from states that decay where they come to nothing from states that do not.

use crate::train::joint::{JointError, JointFit, Observations, Unknown};

/// Noise that is so many times what neighbouring samples scatter by is none of the data.
const TOO_MUCH: f64 = 5.0;

/// A fit from given starts of its unknowns.
type Fit<'f> = dyn FnMut(&[Unknown]) -> Result<JointFit, JointError> + 'f;

/// The fit that counts: that of the `unknowns` as they are, if it is in order and leaves no more than noise, or else the best of those that are in order from
/// other `starts`, position and value each, and from where the best of these came to, if one is better; then `unknowns` have that start.
pub fn settled(
    unknowns: &mut Vec<Unknown>,
    (starts, observations): (&[Vec<(usize, f64)>], &Observations),
    fit: &mut Fit<'_>,
) -> Result<JointFit, JointError> {
    let mut best = fit(unknowns);
    let plain = unknowns.clone();
    let is_well = |fit: &JointFit| fit.in_order() && !leaves_too_much(fit);
    if best.as_ref().is_ok_and(is_well) || matches!(best, Err(JointError::Interrupted(_))) {
        return best;
    }
    for start in starts.iter().map(Some).chain([None]) {
        // At last from where the best of them came to: on the way from a decay alone terms may have been dropped.
        let from = match (start, &best) {
            (Some(start), _) => start.clone(),
            (None, Ok(best)) if *unknowns != plain => estimated(best),
            _ => break,
        };
        let mut decaying = plain.clone();
        for (k, value) in from {
            if let Some(unknown) = decaying.get_mut(k).filter(|unknown| unknown.droppable) {
                unknown.start = Some(value);
            }
        }
        match fit(&decaying) {
            Ok(other)
                if other.in_order() && best.as_ref().map_or(true, |best| is_better(&other, best, observations)) =>
            {
                (best, *unknowns) = (Ok(other), decaying);
            }
            Err(JointError::Interrupted(interim)) => {
                let interim = best.ok().map(|best| Box::new(best.interim())).or(interim);
                return Err(JointError::Interrupted(interim));
            }
            _ => {}
        }
    }
    best
}

/// What a fit came to, of every unknown the first number.
fn estimated(fit: &JointFit) -> Vec<(usize, f64)> {
    let of = |k: usize| Some((k, fit.estimates.get(fit.columns.at(k, 0))?.value));
    (0..fit.columns.unknowns()).filter_map(of).filter(|(_, value)| value.is_finite()).collect()
}

/// Whether a fit leaves over what no noise of its data can be.
fn leaves_too_much(fit: &JointFit) -> bool {
    fit.noise.iter().zip(&fit.scatter).any(|(noise, scatter)| *noise > TOO_MUCH * scatter)
}

/// Whether a fit that is in order is better than another one. Both may have been made at samples of their own, so that noise and terms are compared.
fn is_better(fit: &JointFit, than: &JointFit, observations: &Observations) -> bool {
    let rows = observations.y.chunks_exact(observations.t.len().max(1));
    let seen: Vec<f64> = rows.map(|y| y.iter().filter(|y| y.is_finite()).count() as f64).collect();
    let cost = |fit: &JointFit| {
        let noise = fit.noise.iter().zip(&seen).filter(|(noise, _)| **noise > 0.0);
        fit.price + noise.map(|(noise, seen)| 2.0 * seen * libm::log(*noise)).sum::<f64>()
    };
    // What is not in order is no law, unless what is leaves far more.
    !than.in_order() && (leaves_too_much(than) || !leaves_too_much(fit)) || cost(fit) < cost(than)
}
