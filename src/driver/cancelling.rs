//! Laws whose terms cancel each other.
//!
//! Where data do not choose between two laws of as many terms, one may be the small difference of large functions of the same states, as
//! `-24*x + 20*sin(x)` is in place of `-4.4*x - 2.9*x^3` on a short range. Such numbers fit as well, are less likely to be meant, and go astray outside of
//! the data: the law with the terms that add up to what they say is told, and the other one named beside it. Terms of different states may well be large
//! where they nearly balance, as the two ways of a reaction do.

use super::other_starts::goes_through_all;
use super::rivals::{self, Settled};
use super::simpler;
use crate::artifact::{Pattern, PatternEntry};
use crate::base::{Idx, IndexSet};
use crate::hir::{ExprKind, HoleTerm, Model};
use crate::train::joint::{Dynamics, Exchange, JointError, JointFit, Observations, Points, Unknown};

/// Terms that are so many times as large as their sum cancel each other,
const CANCEL: f64 = 2.0;
/// and the other law's do where they are more than this part of it.
const PART: f64 = 0.5;

/// Fits that are made with one term in place of another, at most.
const MOST_FITS: usize = 4;

/// A fit of a compiled model with some unknowns kept.
type Fit<'f> = dyn FnMut(&mut dyn Dynamics, Vec<bool>) -> Result<JointFit, JointError> + 'f;

/// The law in whose place one counts whose terms do not cancel each other, where one is among the others or comes of an exchange of terms.
///
/// # Errors
/// [`JointError::Interrupted`], with where the law came to; a fit that fails is none that counts.
pub fn plainest(
    best: Settled,
    (model, unknowns): (&Model, &[Unknown]),
    observations: &Observations,
    compiled: &mut dyn Dynamics,
    fit: &mut Fit<'_>,
) -> Result<Settled, JointError> {
    let Settled { mut law, mut others } = best;
    if others.is_empty() && law.exchanges.is_empty() {
        return Ok(Settled { law, others });
    }
    let of = variables(model);
    let here = cancellation(&law, &of, observations, compiled).unwrap_or(0.0);
    if here <= CANCEL || !law.in_order() {
        return Ok(Settled { law, others });
    }
    for Exchange { kept: leaves, dropped: enters, .. } in law.exchanges.iter().take(MOST_FITS) {
        let mut terms = rivals::kept(&law);
        for (number, keeps) in [(leaves, false), (enters, true)] {
            if let Some(slot) = terms.get_mut(law.columns.unknown(*number)) {
                *slot = keeps;
            }
        }
        if others.iter().any(|other| rivals::kept(other) == terms) {
            continue;
        }
        match fit(compiled, terms) {
            Ok(found) if rivals::counts(unknowns, &found) && !goes_through_all(&found, &law) => others.push(found),
            Err(JointError::Interrupted(_)) => return Err(JointError::Interrupted(Some(Box::new(law.interim())))),
            _ => {}
        }
    }
    let most = rivals::kept(&law).iter().filter(|kept| **kept).count();
    // The price of a term is that of its library, which may be a larger one here: laws of no more terms are compared without it.
    let rise = |other: &JointFit| simpler::rise(observations, other, &law) - (other.price - law.price);
    let mut stands = |other: &JointFit| {
        rise(other) < rivals::most_of_as_good(observations, other, &law)
            && rivals::kept(other).iter().filter(|kept| **kept).count() <= most
            && cancellation(other, &of, observations, compiled).is_some_and(|there| there < PART * here)
    };
    // Of several that which is shorter to write, then that which is nearest.
    let key = |other: &JointFit| (length(model, other), rise(other));
    let standing = others.iter().enumerate().filter(|(_, other)| stands(other)).map(|(at, other)| (at, key(other)));
    let first = standing.min_by(|(_, a), (_, b)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    if let Some(slot) = first.and_then(|(at, _)| others.get_mut(at)) {
        std::mem::swap(&mut law, slot);
    }
    Ok(rivals::sorted(law, others, observations))
}

/// Nodes in the candidate terms that a law keeps.
fn length(model: &Model, law: &JointFit) -> usize {
    let kept = rivals::kept(law);
    let is_kept = |term: &&HoleTerm| kept.get(term.coefficient.index()).is_some_and(|kept| *kept);
    model.holes.values().flat_map(|hole| &hole.terms).filter(is_kept).map(|term| term.value.size()).sum()
}

/// What every candidate term is a function of: states with their derivatives, inputs and the time; none for other unknowns.
fn variables(model: &Model) -> Vec<Option<IndexSet<String>>> {
    let mut of = vec![None; model.unknowns.len()];
    for term in model.holes.values().filter(|hole| hole.side.is_none()).flat_map(|hole| &hole.terms) {
        let mut names = IndexSet::new();
        term.value.visit(&mut |e| {
            match e.kind {
                ExprKind::State(id, order) => names.insert(model.spell_state(id, order)),
                ExprKind::Input(id) => names.insert(model.inputs[id].name.clone()),
                ExprKind::Time => names.insert("t".to_string()),
                _ => false,
            };
        });
        if let Some(slot) = of.get_mut(term.coefficient.index()) {
            *slot = Some(names);
        }
    }
    of
}

/// A coefficient, and its term along the samples.
type Scaled = (f64, PatternEntry);

/// How many times as large as their sum the terms of the same variables in an equation are, each by its root mean square over the samples: of those of
/// which they are most. None where the model has no value there.
fn cancellation(
    law: &JointFit,
    of: &[Option<IndexSet<String>>],
    observations: &Observations,
    compiled: &mut dyn Dynamics,
) -> Option<f64> {
    let Pattern { by_unknown, rows, .. } = compiled.pattern().clone();
    let values: Vec<f64> = law.estimates.iter().map(|e| if e.kept { e.value } else { 0.0 }).collect();
    let len = observations.t.len();
    let mut entries = vec![0.0; rows * len];
    let ends = observations.breaks.iter().copied().chain([len]);
    for (k, range) in observations.firsts().zip(ends).map(|(first, end)| first..end).enumerate() {
        // A parameter of every trajectory's own may stand within a term.
        let xi = law.columns.values(&values, k);
        let part = |all: &[f64]| {
            all.chunks(len.max(1))
                .flat_map(|row| row.get(range.clone()).unwrap_or_default())
                .copied()
                .collect::<Vec<f64>>()
        };
        let (x, input) = (part(&law.x), part(&observations.input));
        let at = Points { x: &x, t: observations.t.get(range.clone())?, input: &input };
        let mut own = vec![0.0; rows * range.len()];
        compiled.linearise(at, &xi, &mut own).ok()?;
        for (all, own) in entries.chunks_mut(len.max(1)).zip(own.chunks(range.len().max(1))) {
            all.get_mut(range.clone())?.copy_from_slice(own);
        }
    }
    let xi = law.columns.values(&values, 0);
    let read = |entry: PatternEntry, t: usize| match entry {
        PatternEntry::Constant(x) => x,
        PatternEntry::Row(row) => entries.get(row * len + t).copied().unwrap_or(f64::NAN),
    };
    let size = |terms: &[Scaled]| {
        let sum = |t: usize| terms.iter().map(|&(c, e)| c * read(e, t)).sum::<f64>();
        (0..len).map(|t| sum(t).powi(2)).sum::<f64>().sqrt()
    };
    let mut most = 0f64;
    for list in &by_unknown {
        let mut alike: Vec<(&IndexSet<String>, Vec<Scaled>)> = Vec::new();
        for &(k, entry) in list {
            let (Some(Some(names)), Some(&c)) = (of.get(k), xi.get(k)) else { continue };
            match alike.iter_mut().find(|(of, _)| *of == names) {
                Some((_, terms)) => terms.push((c, entry)),
                None => alike.push((names, vec![(c, entry)])),
            }
        }
        for (_, terms) in alike {
            let all: f64 = terms.iter().map(|&term| size(&[term])).sum();
            if all > 0.0 {
                most = most.max(all / size(&terms));
            }
        }
    }
    most.is_finite().then_some(most)
}
