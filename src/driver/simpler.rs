//! Laws of lower degree, where the data do not choose among the candidate terms.
//!
//! Where terms could stand in place of others, the fit is made again with the candidates up to a lower degree alone: those of all equations,
//! then of single ones that are still in doubt. A law counts in place of the one before where its extended Bayesian information criterion
//! is no larger (Chen & Chen 2008, with gamma = 1), that is the likelihood with a price `ln N + 2 ln P` for each of its terms, for N observations and P
//! candidates of its own library: every library is as likely beforehand, and in it every number of terms. Neither need it be
//! smaller where the law has no more terms and the difference may be chance: within the standard error that it has from how the log likelihoods differ
//! among the observations, as laws of which neither holds the other are told apart (Vuong 1989). The best of many laws of high degree
//! fits noise better than any one of them would, and is named with errors that say nothing of that choice.

use super::exchanges;
use super::other_starts::goes_through_all;
use crate::base::{Idx, IndexMap, IndexSet};
use crate::hir::{Hole, Model, StateId};
use crate::train::joint::{JointError, JointFit, Observations, Rival, Unknown};

/// So many standard errors a difference may be of by chance: five times in a hundred.
pub const CHANCE: f64 = 1.96;
/// Fits that are made with lower degrees, at most.
const MOST_FITS: usize = 12;

/// A fit with some of the candidate terms alone.
type Fit<'f> = dyn FnMut(&[Unknown]) -> Result<JointFit, JointError> + 'f;

/// A law, the fit with all candidates where that is another one, and the unknowns that the law was chosen from.
pub struct Settled {
    /// The law.
    pub law: JointFit,
    /// The fit with all candidates.
    pub all: Option<JointFit>,
    /// The unknowns with the candidates of the law's library, all others held at zero.
    pub unknowns: Vec<Unknown>,
}

/// The simplest law that explains the data as well as `all`, the fit with all candidates.
///
/// # Errors
/// [`JointError::Interrupted`], with where `all` came to; a fit that fails is none that counts.
pub fn settled(
    model: &Model,
    unknowns: &[Unknown],
    all: JointFit,
    observations: &Observations,
    fit: &mut Fit<'_>,
) -> Result<Settled, JointError> {
    let candidates = Candidates::of(model);
    let mut best: Option<JointFit> = None;
    let mut left = MOST_FITS;
    let mut try_up_to = |caps: &IndexMap<StateId, usize>, before: &JointFit| {
        if left == 0 || candidates.all_within(before, caps) || !candidates.could_hold(model, before, caps) {
            return Ok(None);
        }
        left -= 1;
        match fit(&candidates.up_to(unknowns, caps)) {
            Ok(found) => Ok(explains_as_well((unknowns, observations), &found, before).then_some(found)),
            Err(JointError::Interrupted(_)) => Err(JointError::Interrupted(Some(Box::new(all.interim())))),
            Err(_) => Ok(None),
        }
    };
    let in_doubt = |best: &Option<JointFit>| -> IndexSet<StateId> {
        let law = best.as_ref().unwrap_or(&all);
        exchanges::in_doubt(model, law).into_iter().chain(candidates.rivalled(law)).collect()
    };
    let mut caps = candidates.highest();
    let mut lower = candidates.degrees();
    lower.pop();
    for &degree in lower.iter().rev() {
        if in_doubt(&best).is_empty() {
            break;
        }
        let less = caps.iter().map(|(state, cap)| (*state, degree.min(*cap))).collect();
        if let Some(found) = try_up_to(&less, best.as_ref().unwrap_or(&all))? {
            (best, caps) = (Some(found), less);
        }
    }
    for state in in_doubt(&best) {
        for &degree in lower.iter().rev() {
            let cap = caps.get(&state).copied().unwrap_or(0);
            if degree >= cap || !in_doubt(&best).contains(&state) {
                continue;
            }
            let mut less = caps.clone();
            less.insert(state, degree);
            if let Some(found) = try_up_to(&less, best.as_ref().unwrap_or(&all))? {
                (best, caps) = (Some(found), less);
            }
        }
    }
    let unknowns = candidates.up_to(unknowns, &caps);
    Ok(match best {
        Some(simpler) => Settled { law: simpler, all: Some(all), unknowns },
        None => Settled { law: all, all: None, unknowns },
    })
}

/// By how much the criterion of a law is larger than that of one before: twice the negative log likelihood, of the process where its noise matters,
/// and the price of the terms.
pub fn rise(observations: &Observations, found: &JointFit, before: &JointFit) -> f64 {
    let exact = !found.process_noise && !before.process_noise;
    let criterion = |fit: &JointFit| if exact { deviance(observations, fit) + fit.price } else { fit.criterion };
    criterion(found) - criterion(before)
}

/// Whether a law of lower degree counts in place of one before.
fn explains_as_well(
    (unknowns, observations): (&[Unknown], &Observations),
    found: &JointFit,
    before: &JointFit,
) -> bool {
    let exact = !found.process_noise && !before.process_noise;
    let worse = 0.5 * rise(observations, found, before);
    let terms = |fit: &JointFit| terms(unknowns, fit);
    let by_chance =
        if exact && terms(found) <= terms(before) { CHANCE * spread(observations, found, before) } else { 0.0 };
    let counts = found.converged && found.process_noise <= before.process_noise && worse <= by_chance;
    counts && !goes_through_all(found, before)
}

/// Of every observation the negative log likelihood on an exact trajectory at its own noise, up to what is the same for all; none where nothing was
/// seen, or no noise was estimated.
fn surprises<'o>(observations: &'o Observations, fit: &'o JointFit) -> impl Iterator<Item = Option<f64>> + 'o {
    let len = observations.t.len().max(1);
    observations.y.iter().enumerate().map(move |(at, y)| {
        let (x, noise) = (fit.x.get(at)?, fit.noise.get(at / len).filter(|noise| **noise > 0.0)?);
        let off = (y - x) / noise;
        y.is_finite().then(|| 0.5 * off * off + libm::log(*noise))
    })
}

/// Twice the negative log likelihood. Where trajectories begin is estimated like any other number: the marginal likelihood would favour laws for
/// which that hardly matters.
pub fn deviance(observations: &Observations, fit: &JointFit) -> f64 {
    2.0 * surprises(observations, fit).flatten().sum::<f64>()
}

/// The standard error of the difference of two log likelihoods, from how it varies among the observations.
pub fn spread(observations: &Observations, a: &JointFit, b: &JointFit) -> f64 {
    let both = surprises(observations, a).zip(surprises(observations, b));
    let all: Vec<f64> = both.filter_map(|(a, b)| Some(a? - b?)).collect();
    let mean = all.iter().sum::<f64>() / all.len().max(1) as f64;
    all.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>().sqrt()
}

/// How many candidate terms a fit keeps.
fn terms(unknowns: &[Unknown], fit: &JointFit) -> usize {
    let is_term = |number: usize| unknowns.get(fit.columns.unknown(number)).is_some_and(|u| u.droppable);
    fit.estimates.iter().enumerate().filter(|(number, e)| e.kept && is_term(*number)).count()
}

/// The candidate terms of a model: position of the coefficient among the unknowns, the state of the equation, and the degree.
struct Candidates(Vec<(usize, StateId, usize)>);

impl Candidates {
    fn of(model: &Model) -> Candidates {
        let of = |hole: &Hole| -> Vec<(usize, StateId, usize)> {
            hole.terms.iter().map(|t| (t.coefficient.index(), hole.state, t.value.degree())).collect()
        };
        Candidates(model.holes.values().flat_map(of).collect())
    }

    /// All degrees there are, ascending.
    fn degrees(&self) -> Vec<usize> {
        let all: std::collections::BTreeSet<usize> = self.0.iter().map(|(.., degree)| *degree).collect();
        all.into_iter().collect()
    }

    /// The highest degree in every equation.
    fn highest(&self) -> IndexMap<StateId, usize> {
        let mut out = IndexMap::new();
        for &(_, state, degree) in &self.0 {
            let cap = out.entry(state).or_insert(degree);
            *cap = degree.max(*cap);
        }
        out
    }

    /// The unknowns with candidates of higher degree held at zero.
    fn up_to(&self, unknowns: &[Unknown], caps: &IndexMap<StateId, usize>) -> Vec<Unknown> {
        let above: IndexSet<usize> = self.above(caps).collect();
        // What was no candidate, as a multiple of another one is none, does not come back in place of one either.
        let held = |(k, unknown): (usize, &Unknown)| match above.contains(&k) && unknown.lower < unknown.upper {
            true => Unknown { lower: 0.0, upper: 0.0, left_out: true, ..unknown.clone() },
            false => unknown.clone(),
        };
        unknowns.iter().enumerate().map(held).collect()
    }

    /// Whether every term that a fit keeps is within the degrees.
    fn all_within(&self, fit: &JointFit, caps: &IndexMap<StateId, usize>) -> bool {
        let kept = |k: usize| fit.estimates.get(fit.columns.at(k, 0)).is_some_and(|e| e.kept);
        !self.above(caps).any(kept)
    }

    /// Whether a law within the degrees may be one of those that fit about as well: in every equation that would lose kept terms one of them could be
    /// exchanged for another, or terms enough are plausible to make up for it together. A constant alone can only where it could stand in
    /// place of a term by itself.
    fn could_hold(&self, model: &Model, fit: &JointFit, caps: &IndexMap<StateId, usize>) -> bool {
        let kept = |k: usize| fit.estimates.get(fit.columns.at(k, 0)).is_some_and(|e| e.kept);
        let above: IndexSet<usize> = self.above(caps).collect();
        let degree = |number: usize| {
            let unknown = fit.columns.unknown(number);
            self.0.iter().find(|(k, ..)| *k == unknown).map(|(.., degree)| *degree)
        };
        let is_constant = |state: &StateId| caps.get(state).is_some_and(|cap| *cap == 0);
        let crowded = exchanges::crowded(model, fit);
        let lost = || self.0.iter().filter(|(k, ..)| above.contains(k) && kept(*k));
        let doubtful: IndexSet<StateId> = lost()
            .filter(|(k, state, _)| {
                let mut of = fit.exchanges.iter().filter(|e| fit.columns.unknown(e.kept) == *k);
                of.any(|e| !is_constant(state) || degree(e.dropped) == Some(0))
            })
            .map(|(_, state, _)| *state)
            .collect();
        let rivalled = |state: &StateId| {
            let lost: Vec<usize> = lost().filter(|(_, of, _)| of == state).map(|(k, ..)| *k).collect();
            let unknowns = |of: &[usize]| of.iter().map(|&k| fit.columns.unknown(k)).collect::<Vec<usize>>();
            let within = |rival: &&Rival| {
                let leave = unknowns(&rival.leave);
                lost.iter().all(|k| leave.contains(k)) && unknowns(&rival.enter).iter().all(|k| !above.contains(k))
            };
            fit.rivals.iter().any(|rival| within(&rival))
        };
        lost().all(|(_, state, _)| {
            doubtful.contains(state) || crowded.contains(state) && !is_constant(state) || rivalled(state)
        })
    }

    /// The states in whose equations other terms would do about as well that are of lower degree in all.
    fn rivalled(&self, fit: &JointFit) -> IndexSet<StateId> {
        let of = |number: &usize| self.0.iter().find(|(k, ..)| *k == fit.columns.unknown(*number));
        let highest = |numbers: &[usize]| numbers.iter().filter_map(of).map(|(.., degree)| *degree).max();
        let lower = |rival: &&Rival| highest(&rival.enter) < highest(&rival.leave);
        fit.rivals
            .iter()
            .filter(lower)
            .filter_map(|rival| of(rival.leave.first()?))
            .map(|(_, state, _)| *state)
            .collect()
    }

    fn above<'c>(&'c self, caps: &'c IndexMap<StateId, usize>) -> impl Iterator<Item = usize> + 'c {
        let is_above = |(_, state, degree): &&(usize, StateId, usize)| caps.get(state).is_some_and(|cap| degree > cap);
        self.0.iter().filter(is_above).map(|(k, ..)| *k)
    }
}
