//! Laws with several terms in place of others that explain the data better than the one that was found, or about as well.
//!
//! The fit names sets of terms of single equations that its quadratic model of the objective does not rule out. That model is of the trajectory
//! of its own law: each of them is fitted by itself, with its terms held. The one whose criterion is smallest counts, and those
//! whose criterion is hardly larger are told with it: the choice among them is not the data's.

use super::kinds::Told;
use super::other_starts::goes_through_all;
use super::simpler;
use crate::base::Idx;
use crate::hir::{Hole, Model};
use crate::train::joint::{AS_WELL, JointError, JointFit, Observations, Rival, Unknown};

/// Fits that are made with terms in place of others, at most.
const MOST_FITS: usize = 8;

/// A fit with some unknowns kept, by the unknowns of the model.
type Fit<'f> = dyn FnMut(Vec<bool>) -> Result<JointFit, JointError> + 'f;

/// A law and those that explain the data about as well.
pub struct Settled {
    /// The law.
    pub law: JointFit,
    /// Others, nearest first.
    pub others: Vec<JointFit>,
}

/// The law that explains the data best of `first` and of those that its fit, or that of one in its place, does not rule out.
///
/// # Errors
/// [`JointError::Interrupted`], with where the best law came to; a fit that fails is none that counts.
pub fn settled(
    unknowns: &[Unknown],
    first: JointFit,
    observations: &Observations,
    fit: &mut Fit<'_>,
) -> Result<Settled, JointError> {
    let mut law = first;
    let mut others: Vec<JointFit> = Vec::new();
    let mut tried = vec![kept(&law)];
    while let Some(terms) = next(&law, &tried).filter(|_| tried.len() <= MOST_FITS) {
        tried.push(terms.clone());
        let found = match fit(terms) {
            Ok(found) => found,
            Err(JointError::Interrupted(_)) => return Err(JointError::Interrupted(Some(Box::new(law.interim())))),
            Err(_) => continue,
        };
        if !counts(unknowns, &found) || goes_through_all(&found, &law) {
            continue;
        }
        if simpler::rise(observations, &found, &law) < 0.0 {
            others.push(std::mem::replace(&mut law, found));
        } else {
            others.push(found);
        }
    }
    Ok(sorted(law, others, observations))
}

/// A law with those of others that explain the data about as well, nearest first.
pub fn sorted(law: JointFit, mut others: Vec<JointFit>, observations: &Observations) -> Settled {
    let rise = |other: &JointFit| simpler::rise(observations, other, &law);
    others.retain(|other| is_as_good(observations, other, &law));
    others.sort_by(|a, b| rise(a).total_cmp(&rise(b)));
    Settled { law, others }
}

/// Whether a law explains the data about as well as another one.
fn is_as_good(observations: &Observations, other: &JointFit, law: &JointFit) -> bool {
    simpler::rise(observations, other, law) < most_of_as_good(observations, other, law)
}

/// By how much less a law explains the data that explains them about as well as another one. What is less than its own standard error may be chance,
/// however many observations it is summed over.
pub fn most_of_as_good(observations: &Observations, other: &JointFit, law: &JointFit) -> f64 {
    AS_WELL.max(2.0 * simpler::spread(observations, other, law))
}

/// Whether a fit with its terms held is a law of its own.
pub fn counts(unknowns: &[Unknown], law: &JointFit) -> bool {
    law.in_order() && is_sound(unknowns, law)
}

/// That other laws were not sought for a fit for which they are not, where there was a choice of terms.
pub fn not_sought(model: &Model, law: &JointFit) -> Option<Told> {
    let kept = kept(law);
    let is_kept = |at: usize| kept.get(at).is_some_and(|kept| *kept);
    let chosen = |hole: &Hole| {
        let count = hole.terms.iter().filter(|t| is_kept(t.coefficient.index())).count();
        0 < count && count < hole.terms.len()
    };
    if law.in_order() || !model.holes.values().any(chosen) {
        return None;
    }
    let why = if law.process_noise { "the data follow no trajectory exactly" } else { "the fit did not settle" };
    Some(Told::note(format!("laws with other terms that fit these data about as well were not sought, as {why}")))
}

/// Which unknowns a law keeps.
pub fn kept(law: &JointFit) -> Vec<bool> {
    (0..law.columns.unknowns()).map(|k| law.estimates.get(law.columns.at(k, 0)).is_some_and(|e| e.kept)).collect()
}

/// The terms of the nearest law that was not tried.
fn next(law: &JointFit, tried: &[Vec<bool>]) -> Option<Vec<bool>> {
    let with = |rival: &Rival| {
        let mut terms = kept(law);
        let changes = rival.leave.iter().map(|k| (k, false)).chain(rival.enter.iter().map(|k| (k, true)));
        for (&number, keeps) in changes {
            if let Some(slot) = terms.get_mut(law.columns.unknown(number)) {
                *slot = keeps;
            }
        }
        terms
    };
    law.rivals.iter().map(with).find(|terms| !tried.contains(terms))
}

/// Whether every term of a law is worth its price: one that is not makes no law of its own.
fn is_sound(unknowns: &[Unknown], law: &JointFit) -> bool {
    let is_term = |number: usize| unknowns.get(law.columns.unknown(number)).is_some_and(|u| u.droppable);
    let count = law.estimates.iter().enumerate().filter(|(k, e)| e.kept && is_term(*k)).count();
    let price = law.price / count.max(1) as f64;
    let pays = |value: f64, error: f64| value * value >= price * error * error;
    law.estimates.iter().enumerate().filter(|(k, e)| e.kept && is_term(*k)).all(|(_, e)| pays(e.value, e.std_error))
}
