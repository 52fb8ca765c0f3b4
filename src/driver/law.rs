//! The law that a fit tells: from its first fit to others that explain the data better, or as well with less.

use super::exact;
use super::fractions;
use super::joint_numbers::started;
use super::observed::Observed;
use super::other_starts;
use super::rivals;
use super::simpler;
use super::weak;
use crate::hir::Model;
use crate::train::joint::{JointError, JointFit, Observations, Unknown};

/// A fit with these unknowns, of terms that are not to be chosen, and whether it is held to an exact trajectory with samples how many times as fine.
type Fit<'f> = dyn FnMut(&[Unknown], Option<Vec<bool>>, (bool, usize)) -> Result<JointFit, JointError> + 'f;

/// A law and what stands beside it.
pub struct Settled {
    /// The law, and others that explain the data about as well.
    pub best: rivals::Settled,
    /// The fit with all candidates, where the law is one of fewer.
    pub all: Option<JointFit>,
    /// All unknowns as fits begin with them that lead to the law.
    pub unknowns: Vec<Unknown>,
    /// Whether these are held to an exact trajectory, and how many times as fine their samples are.
    pub held: (bool, usize),
}

/// The law that counts, from `first`, the fit with all candidates.
///
/// # Errors
/// [`JointError::Interrupted`], with where the law came to.
pub fn settled(
    (model, unknowns): (&Model, &[Unknown]),
    first: JointFit,
    data: (&Observed, &Observations),
    fit: &mut Fit<'_>,
) -> Result<Settled, JointError> {
    let mut elsewhere = |unknowns: &[Unknown]| fit(unknowns, None, (false, 1));
    let (first, unknowns) = other_starts::settled(unknowns, first, data, &mut elsewhere)?;
    let mut exactly =
        |unknowns: &[Unknown], terms: Option<Vec<bool>>, finer: usize| fit(unknowns, terms, (true, finer));
    let exact = exact::settled(model, &unknowns, &first, data, &mut exactly)?;
    // What led to an exact law once does so again.
    let held = (exact.is_some(), exact.as_ref().map_or(1, |(_, finer)| *finer));
    let unknowns = exact.as_ref().map_or_else(|| unknowns.clone(), |(law, _)| started(&unknowns, law));
    let first = exact.map_or(first, |(law, _)| law);
    let mut with_terms = |unknowns: &[Unknown], terms: Vec<bool>| fit(unknowns, Some(terms), held);
    let all = weak::dropped(&unknowns, first, data, &mut with_terms)?;
    let mut with_library = |unknowns: &[Unknown]| fit(unknowns, None, held);
    let simplest = simpler::settled(model, &unknowns, all, data.1, &mut with_library)?;
    let mut with_terms = |terms: Vec<bool>| fit(&simplest.unknowns, Some(terms), held);
    let best = rivals::settled(&simplest.unknowns, simplest.law, data.1, &mut with_terms)?;
    let mut single = |from: Option<&JointFit>, terms: Vec<bool>| {
        let unknowns = from.map_or_else(|| simplest.unknowns.clone(), |law| started(&simplest.unknowns, law));
        fit(&unknowns, Some(terms), held)
    };
    let best = fractions::settled((model, &simplest.unknowns), best, data.1, &mut single)?;
    Ok(Settled { best, all: simplest.all, unknowns, held })
}
