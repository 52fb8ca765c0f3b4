//! Terms that a fit keeps although nothing is known of them: where steps towards the set without them were too long to be taken, a fit without them may settle all the same.

use super::joint_numbers::started;
use super::observed::Observed;
use super::other_starts::goes_through_all;
use super::simpler;
use crate::train::joint::{Estimate, JointError, JointFit, Observations, PLAUSIBLE, Unknown};

/// Fits that are made with one of such terms left out, at most.
const MOST_FITS: usize = 6;

/// A fit with these unknowns and terms.
type Fit<'f> = dyn FnMut(&[Unknown], Vec<bool>) -> Result<JointFit, JointError> + 'f;

/// The law without terms of which nothing is known: without all of them, or else without one after the other, where the fit settles on an exact trajectory and explains the data as
/// well for what its terms cost.
///
/// # Errors
/// [`JointError::Interrupted`], with where `law` came to; a fit that fails is none that counts.
pub fn dropped(
    unknowns: &[Unknown],
    law: JointFit,
    (observed, observations): (&Observed, &Observations),
    fit: &mut Fit<'_>,
) -> Result<JointFit, JointError> {
    let mut law = law;
    let mut left = MOST_FITS;
    while !law.process_noise && observed.hidden().next().is_none() {
        let weak = weak(unknowns, &law);
        let each = weak.iter().map(|k| vec![*k]).filter(|_| weak.len() > 1);
        let sets: Vec<Vec<usize>> = std::iter::once(weak.clone()).filter(|all| !all.is_empty()).chain(each).collect();
        let mut better = None;
        for set in sets {
            let terms =
                (0..unknowns.len()).map(|k| kept(&law, k).is_some() && !set.contains(&k)).collect::<Vec<bool>>();
            for from in [started(unknowns, &law), unknowns.to_vec()] {
                if left == 0 || better.is_some() {
                    continue;
                }
                left -= 1;
                match fit(&from, terms.clone()) {
                    Ok(found)
                        if found.in_order()
                            && !goes_through_all(&found, &law)
                            && simpler::rise(observations, &found, &law) < 0.0 =>
                    {
                        better = Some(found);
                    }
                    Err(JointError::Interrupted(_)) => {
                        return Err(JointError::Interrupted(Some(Box::new(law.interim()))));
                    }
                    _ => {}
                }
            }
        }
        match better {
            Some(better) => law = better,
            None => break,
        }
    }
    Ok(law)
}

/// The candidate terms that a fit keeps although its numbers may as well be zero, the least known first.
fn weak(unknowns: &[Unknown], law: &JointFit) -> Vec<usize> {
    let sure = |e: &Estimate| e.value.abs() / e.std_error;
    let terms = unknowns.iter().enumerate().filter(|(_, u)| u.droppable);
    let mut found: Vec<(usize, f64)> = terms.filter_map(|(k, _)| Some((k, sure(kept(law, k)?)))).collect();
    found.retain(|(_, sure)| *sure < PLAUSIBLE);
    found.sort_by(|a, b| a.1.total_cmp(&b.1));
    found.into_iter().map(|(k, _)| k).collect()
}

/// The number of an unknown that is kept.
fn kept(law: &JointFit, unknown: usize) -> Option<&Estimate> {
    law.estimates.get(law.columns.at(unknown, 0)).filter(|e| e.kept)
}
