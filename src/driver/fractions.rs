//! Ratios of single terms.
//!
//! The choice of terms goes step by step in a quadratic model of the objective, in which a term of a denominator and terms of the numerator stand for each other as far
//! as their derivatives do: on the way a denominator may be lost to powers above it, or to another one. Where a ratio has few candidates the laws with a single term above,
//! alone or with a single one below, are all fitted.

use super::other_starts;
use super::rivals::{self, Settled};
use super::simpler;
use crate::base::{Idx, IndexSet};
use crate::hir::{Hole, Model, Side};
use crate::train::joint::{JointError, JointFit, Observations, Unknown};

/// Ratios with more laws of single terms are not gone through, nor more of them in all.
const MOST_FITS: usize = 20;
/// A number that is so many errors from zero is known well.
const SURE: f64 = 10.0;
/// Nor are larger data.
const MOST_SAMPLES: usize = 20_000;

/// A fit with some unknowns kept, which begins where a law came to, or as it is declared.
type Fit<'f> = dyn FnMut(Option<&JointFit>, Vec<bool>) -> Result<JointFit, JointError> + 'f;

/// The law in whose place one with single terms in a ratio counts, where that explains the data better for what its terms cost, and all that explain them about as well.
///
/// # Errors
/// [`JointError::Interrupted`], with where the law came to; a fit that fails is none that counts.
pub fn settled(
    (model, unknowns): (&Model, &[Unknown]),
    best: Settled,
    observations: &Observations,
    fit: &mut Fit<'_>,
) -> Result<Settled, JointError> {
    let Settled { mut law, mut others } = best;
    if !law.in_order() || observations.t.len() > MOST_SAMPLES {
        return Ok(Settled { law, others });
    }
    let mut tried: Vec<Vec<bool>> = others.iter().map(rivals::kept).collect();
    let mut left = MOST_FITS;
    for ratio in ratios(model, unknowns) {
        let laws = ratio.singles();
        if laws.len() > left {
            continue;
        }
        left -= laws.len();
        let before = rivals::kept(&law);
        // A law that is of this form and sure of its numbers is no reason to seek long for others.
        let again = !ratio.is_sure(&law);
        tried.push(before.clone());
        for terms in laws.iter().map(|terms| ratio.within(&before, terms)) {
            if tried.contains(&terms) {
                continue;
            }
            tried.push(terms.clone());
            let mut found = fit(Some(&law), terms.clone());
            let settles = matches!(&found, Ok(found) if found.in_order());
            if again && !settles && !matches!(found, Err(JointError::Interrupted(_))) {
                found = fit(None, terms);
            }
            match found {
                // Numbers that run away leave nothing of their terms but their quotient.
                Ok(found) if !rivals::counts(unknowns, &found) || other_starts::goes_through_all(&found, &law) => {}
                Ok(found) if simpler::rise(observations, &found, &law) < 0.0 => {
                    others.push(std::mem::replace(&mut law, found));
                }
                Ok(found) => others.push(found),
                Err(JointError::Interrupted(_)) => return Err(JointError::Interrupted(Some(Box::new(law.interim())))),
                _ => {}
            }
        }
    }
    Ok(rivals::sorted(law, others, observations))
}

/// The candidates of a ratio, by the positions of their coefficients among the unknowns.
#[derive(PartialEq, Eq, Hash)]
struct Ratio {
    above: Vec<usize>,
    below: Vec<usize>,
}

impl Ratio {
    /// The laws of single terms.
    fn singles(&self) -> Vec<Vec<usize>> {
        let below = || self.below.iter().map(|k| Some(*k)).chain([None]);
        self.above.iter().flat_map(|&a| below().map(move |b| std::iter::once(a).chain(b).collect())).collect()
    }

    /// Whether a law has single terms in the ratio whose numbers are known well.
    fn is_sure(&self, law: &JointFit) -> bool {
        let kept = |of: &[usize]| {
            let numbers = of.iter().filter_map(|&k| law.estimates.get(law.columns.at(k, 0)));
            numbers.filter(|e| e.kept).map(|e| e.value.abs() > SURE * e.std_error).collect::<Vec<bool>>()
        };
        let (above, below) = (kept(&self.above), kept(&self.below));
        above.len() == 1 && below.len() <= 1 && above.iter().chain(&below).all(|sure| *sure)
    }

    /// What a law keeps with these terms of the ratio in place of its own.
    fn within(&self, kept: &[bool], terms: &[usize]) -> Vec<bool> {
        let of = |(k, kept): (usize, &bool)| match self.above.contains(&k) || self.below.contains(&k) {
            true => terms.contains(&k),
            false => *kept,
        };
        kept.iter().enumerate().map(of).collect()
    }
}

/// The ratios of a model: their sums are holes that stand one after the other.
fn ratios(model: &Model, unknowns: &[Unknown]) -> IndexSet<Ratio> {
    let is_open = |k: &usize| unknowns.get(*k).is_some_and(|u| u.lower < u.upper);
    let open = |hole: &Hole| hole.terms.iter().map(|t| t.coefficient.index()).filter(is_open).collect::<Vec<usize>>();
    let sums: Vec<&Hole> = model.holes.values().collect();
    let pair = |pair: &[&Hole]| match pair {
        [above, below] if (above.side, below.side) == (Some(Side::Numerator), Some(Side::Denominator)) => {
            Some(Ratio { above: open(above), below: open(below) })
        }
        _ => None,
    };
    sums.windows(2).filter_map(pair).filter(|ratio| !ratio.below.is_empty()).collect()
}
