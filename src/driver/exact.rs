//! Laws with exact trajectories in place of one that gives the variation of the data to noise of the process.
//!
//! A choice of terms or a step that goes astray on the way to an exact trajectory looks like noise of the process, and so does a wrong law. So fits that are held to an exact
//! trajectory are made from other starts of the parameters within terms, and without some of the terms that were kept. The best of them counts where it explains the data as
//! well, where what it leaves over is noise and no more of it, or where the law with noise of the process says nothing at all.

use super::agreement::{self, Agreement};
use super::joint_numbers::{started, told};
use super::kinks;
use super::observed::Observed;
use super::residuals;
use crate::base::{Idx, IndexMap};
use crate::hir::Model;
use crate::train::joint::{JointError, JointFit, Observations, PLAUSIBLE, Unknown};

/// Fits to larger data are not made again,
const MOST_SAMPLES: usize = 20_000;
/// nor those of models with more unknowns.
const MOST_UNKNOWNS: usize = 60;
/// Starts of parameters within terms, and terms that are left out, of each at most so many.
const MOST_OF_EACH: usize = 6;
/// Equations that bend where the solution passes are fitted at so many times as many samples.
const FINER: usize = 4;
/// Twice the logarithm of the likelihood, with the price of terms, by which an exact trajectory may explain less.
const AS_WELL: f64 = 10.0;
/// Neighbouring samples of noise agree or disagree by no more than this many standard errors.
const BY_CHANCE: f64 = 3.0;
/// Of a process without noise the noise of the data is no larger than this many times what it is beside noise of the process.
const NO_MORE: f64 = 1.1;
/// A law that explains as well may leave over so many times what one with noise of the process does, where that is no noise.
const NEAR: f64 = 1.5;
/// Less noise than this part of what neighbouring samples scatter by is none that data have.
pub const LITTLE: f64 = 0.03;
/// A law that leaves over this part of what the data do, or less, explains something.
const EXPLAINS: f64 = 0.5;

/// A fit with these unknowns, with terms that are not to be chosen, at samples so many times as fine, which is held to an exact trajectory.
type Fit<'f> = dyn FnMut(&[Unknown], Option<Vec<bool>>, usize) -> Result<JointFit, JointError> + 'f;

/// The law that counts of `noisy`, which has noise of the process, and of laws with exact trajectories, and how many times as fine its samples are; none where
/// that is `noisy`.
///
/// # Errors
/// [`JointError::Interrupted`], with where `noisy` came to; a fit that fails is none that counts.
pub fn settled(
    model: &Model,
    unknowns: &[Unknown],
    noisy: &JointFit,
    (observed, observations): (&Observed, &Observations),
    fit: &mut Fit<'_>,
) -> Result<Option<(JointFit, usize)>, JointError> {
    let is_large = observations.t.len() > MOST_SAMPLES || unknowns.len() > MOST_UNKNOWNS;
    if !noisy.process_noise || is_large || observed.hidden().next().is_some() {
        return Ok(None);
    }
    let judge = Judge { observed, observations, noisy };
    let kept = |fit: &JointFit| -> Vec<bool> {
        (0..unknowns.len()).map(|k| fit.estimates.get(fit.columns.at(k, 0)).is_some_and(|e| e.kept)).collect()
    };
    let mut once = |unknowns: &[Unknown], terms: Option<Vec<bool>>, finer: usize| match fit(unknowns, terms, finer) {
        Ok(found) => Ok(Some(found)),
        Err(JointError::Interrupted(_)) => Err(JointError::Interrupted(Some(Box::new(noisy.interim())))),
        Err(_) => Ok(None),
    };
    let mut best: Option<JointFit> = None;
    for (tried, whole) in tries(model, unknowns, noisy) {
        let mut found = once(&tried, None, 1)?.filter(|found| found.in_order());
        if let (Some(law), false) = (&found, whole) {
            // With its price in the whole library.
            found = once(&started(unknowns, law), Some(kept(law)), 1)?;
        }
        let better = |found: &JointFit| best.as_ref().is_none_or(|best| judge.prefers(found, best));
        if let Some(found) = found.filter(|found| judge.counts(found) && better(found)) {
            best = Some(found);
        }
    }
    if best.is_none() {
        // What the choice of terms does on the way may be what does not settle, or where the equations bend between samples.
        let told = told(noisy);
        let bends = kinks::visited(model, (&told.estimates, &told.x), observations).is_some();
        let finer = if bends { FINER } else { 1 };
        let found = once(&started(unknowns, noisy), Some(kept(noisy)), finer)?;
        return Ok(found.filter(|found| judge.counts(found)).map(|found| (found, finer)));
    }
    Ok(best.map(|best| (best, 1)))
}

/// Says which laws with exact trajectories count.
struct Judge<'a> {
    observed: &'a Observed,
    observations: &'a Observations,
    noisy: &'a JointFit,
}

impl Judge<'_> {
    fn counts(&self, exact: &JointFit) -> bool {
        // Numbers that run away along a valley, or go through every sample.
        let is_lost = || {
            let little = exact.noise.iter().zip(&exact.scatter).any(|(noise, scatter)| *noise < LITTLE * scatter);
            little || !exact.made_up.is_empty()
        };
        let as_well = exact.with_volume() <= self.noisy.with_volume() + AS_WELL;
        let within =
            |times: f64| exact.noise.iter().zip(&self.noisy.noise).all(|(exact, noisy)| *exact <= times * noisy);
        let no_more = || within(NO_MORE);
        // What leaves over far more, and no noise, is another law than that of the data, however well it fits for what it is.
        let is_near = || self.leaves_noise(exact) || within(NEAR) || self.explains_nothing();
        // A trajectory that deviates from the equations between samples may seem to leave noise alone.
        let is_told = || !exact.coarse || self.agreement(exact).is_some_and(|found| residuals::is_told(&found));
        exact.in_order()
            && !is_lost()
            && is_told()
            && (as_well && is_near()
                || self.leaves_noise(exact) && no_more()
                || self.explains_nothing() && self.explains(exact))
    }

    /// What leaves noise comes first.
    fn prefers(&self, one: &JointFit, other: &JointFit) -> bool {
        match (self.leaves_noise(one), self.leaves_noise(other)) {
            (true, false) => true,
            (false, true) => false,
            _ => one.with_volume() < other.with_volume(),
        }
    }

    fn leaves_noise(&self, fit: &JointFit) -> bool {
        self.agreement(fit).is_some_and(|found| found.certain.abs() < BY_CHANCE)
    }

    fn agreement(&self, fit: &JointFit) -> Option<Agreement> {
        agreement::of(self.observed, (self.observations, &fit.x))
    }

    /// Whether the law with noise of the process tells none of its numbers, or leaves over all there is.
    fn explains_nothing(&self) -> bool {
        let known = |e: &crate::train::joint::Estimate| !e.at_bound && e.value.abs() > PLAUSIBLE * e.std_error;
        let none = !self.noisy.estimates.iter().any(|e| e.kept && known(e));
        none || self.left(self.noisy) >= 1.0
    }

    fn explains(&self, fit: &JointFit) -> bool {
        self.left(fit) < EXPLAINS
    }

    /// The largest part of what the data of a state do that is left over as noise.
    fn left(&self, fit: &JointFit) -> f64 {
        let states =
            self.observed.components.iter().zip(&fit.noise).filter(|(c, _)| c.derivative == 0 && c.deviation > 0.0);
        states.map(|(c, noise)| noise / c.deviation).fold(0.0, f64::max)
    }
}

/// The unknowns as other fits begin with them, and whether these have all candidates: as they are, with parameters within terms elsewhere, and without some of the terms that
/// were kept.
fn tries(model: &Model, unknowns: &[Unknown], found: &JointFit) -> Vec<(Vec<Unknown>, bool)> {
    let mut out = vec![(unknowns.to_vec(), true)];
    let inner = unknowns.iter().enumerate().filter(|(_, u)| !u.droppable && !u.linear);
    for (k, start) in inner.flat_map(|(k, u)| starts(u).into_iter().map(move |start| (k, start))).take(MOST_OF_EACH) {
        let mut other = unknowns.to_vec();
        other.iter_mut().skip(k).take(1).for_each(|u| u.start = Some(start));
        out.push((other, true));
    }
    let kept = |k: &usize| found.estimates.get(found.columns.at(*k, 0)).is_some_and(|e| e.kept);
    // What stands for the same in several equations is left out of all.
    let mut alike: IndexMap<&str, Vec<usize>> = IndexMap::new();
    for term in model.holes.values().flat_map(|hole| &hole.terms) {
        alike.entry(term.spelled.as_str()).or_default().push(term.coefficient.index());
    }
    let kept = alike.into_values().filter(|of| of.iter().any(kept)).take(MOST_OF_EACH);
    out.extend(kept.map(|of| {
        let left_out = |(k, u): (usize, &Unknown)| match of.contains(&k) {
            true => Unknown { lower: 0.0, upper: 0.0, left_out: true, ..u.clone() },
            false => u.clone(),
        };
        (unknowns.iter().enumerate().map(left_out).collect(), false)
    }));
    out
}

/// Other places where a parameter may begin.
fn starts(unknown: &Unknown) -> Vec<f64> {
    let (low, high) = (unknown.lower, unknown.upper);
    if low > 0.0 && high.is_finite() {
        return [5.0, 3.0, 1.0].map(|sixth| low * libm::pow(high / low, sixth / 6.0)).to_vec();
    }
    let by = |factor: f64| unknown.start.map(|start| (start * factor).clamp(low, high));
    [10.0, 0.1].into_iter().filter_map(by).collect()
}
