//! What is told of the law that a joint fit came to: its numbers, what they do not say, and why a fit is not exact.

use super::apart;
use super::beginnings;
use super::conventions::Conventions;
use super::differing;
use super::drift;
use super::exchanges;
use super::findings::Findings;
use super::free_scale;
use super::hung;
use super::joint_law::{Fitter, Starts};
use super::joint_numbers;
use super::lost;
use super::louder;
use super::observed::Observed;
use super::rivals;
use super::separate;
use super::signs;
use super::terms::unheld_parameters;
use super::twins;
use super::undetermined;
use super::uneven;
use super::{frequencies, remarks, residuals};
use crate::base::Idx;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{W1101, W1102, W1104, W1105, W1117, W1120, W1122};
use crate::hir::{Fit, Model, Program};
use crate::train::joint::{self, JointFit, Observations, Unknown};

/// A law, and what it was fitted to.
pub struct Reached<'a> {
    pub program: &'a Program,
    pub fit: &'a Fit,
    pub observed: &'a Observed,
    /// The unknowns as fits begin with them that lead to the law.
    pub unknowns: &'a [Unknown],
    pub observations: &'a Observations,
    pub result: &'a JointFit,
}

impl Reached<'_> {
    fn model(&self) -> &Model {
        &self.program.models[self.fit.model]
    }

    fn both(&self) -> (&Program, &Fit) {
        (self.program, self.fit)
    }

    fn all(&self) -> (&[Unknown], &JointFit, &Observations) {
        (self.unknowns, self.result, self.observations)
    }

    /// What a solution of these observations leaves over of the samples that is no noise.
    fn left_over(&self, fit: &JointFit) -> Vec<Diagnostic> {
        residuals::left_over(self.model(), self.observed, (self.observations, &fit.x))
    }

    fn is_exact(&self, fit: &JointFit) -> bool {
        !fit.process_noise && self.left_over(fit).is_empty()
    }
}

/// The findings on a law; `other` is the fit with all candidates, where the law is one of fewer, and `others` explain the data about as well.
pub fn findings(
    of: &Reached,
    (other, others): (Option<&JointFit>, &[JointFit]),
    starts: Starts,
    fitter: &mut Fitter,
) -> Findings {
    let (model, result) = (of.model(), of.result);
    let mut findings = numbers(model, result);
    let told = joint_numbers::told(result);
    // A remark that cannot be made is no reason to lose a finished fit.
    let free = joint::freedoms(&mut fitter.compiled, of.unknowns, of.observations, result).unwrap_or_default();
    let conventions = Conventions::of(model, free);
    let in_doubt = !of.is_exact(result);
    let against = starts.against.as_ref();
    // Where nothing but the starts is wrong there is no other reason.
    let starts_alone = against.is_some_and(|free| free.converged && of.is_exact(free));
    let more_is_wrong = against.is_some_and(|free| !free.process_noise && !of.is_exact(free));
    let against = against.map(|free| {
        let found = beginnings::contradicted_held((model, of.observed), of.observations, [result, free]);
        if more_is_wrong { beginnings::and_more(found) } else { found }
    });
    let turned = (in_doubt && !starts_alone)
        .then(|| signs::turned(model, of.all(), |unknowns| fitter.again(unknowns, of.observations)));
    let turned = turned.flatten();
    let is_turned = turned.is_some();
    let why = turned.or(against);
    let by_scale = free_scale::of_parameters(model, of.observations);
    if let Some(said) = lost::said(model, of.observed, (&conventions, by_scale.is_some()), &told) {
        // Nothing else that could be said of it would be true.
        findings.lose(why.map_or(said, lost::since));
        return findings;
    }
    findings.in_doubt = result.process_noise || !result.converged;
    findings.deviates = result.process_noise.then(|| remarks::deviates(model, &told, of.observations));
    findings.warnings = remarks::general(model, &told);
    findings.remarks = remarks::placed(of.both(), &told);
    let by_scale = by_scale.filter(|_| findings.remarks.iter().all(|d| d.code != W1102));
    for &k in by_scale.iter().flat_map(|(_, parameters)| parameters) {
        // What a fit happened to come to has no error.
        findings.estimates.iter_mut().skip(k).take(1).for_each(|e| e.std_error = None);
        findings.without_error.push(k);
    }
    let undetermined = by_scale.and_then(|by| undetermined::by_scale(of.both(), by, &told));
    let undetermined = undetermined.or_else(|| undetermined::check(of.both(), (of.observed, starts.declared), &told));
    let is_determined = undetermined.is_none();
    findings.remarks.splice(0..0, undetermined);
    let hung_on = starts.free.filter(|_| !of.observed.held_starts && findings.remarks.iter().all(|d| d.code != W1102));
    let hung = hung_on
        .and_then(|free| hung::remark(of.both(), of.observed, &told, &free.map(|free| joint_numbers::told(&free))));
    let is_open = conventions.open(result);
    if is_open {
        // Numbers that are one choice of many have no errors, and need not settle.
        findings.remarks.retain(|d| d.code != W1105);
    }
    let is_hung = hung.is_some();
    if !is_determined || is_hung || is_open {
        // Of such a fit no one can say why it is not exact, nor that another beginning would not do, and why it did not settle has been said.
        findings.deviates = None;
        findings.warnings.retain(|w| w.code != Some(W1120));
    }
    findings.remarks.extend(hung);
    findings.remarks.extend(conventions.remarks(model, result));
    if starts.declared && !starts.held && is_determined {
        findings.remarks.extend(beginnings::released(model, of.observed, of.observations, &result.x));
    }
    laws_beside(of, (other, others), &conventions, &mut findings);
    if is_determined && !is_hung && result.in_order() && !is_open {
        findings.remarks.extend(other_numbers(of, &findings, fitter));
    }
    if why.is_some() && (is_turned || !more_is_wrong) {
        // That says why the law is empty, one of several, or at the ends of its ranges.
        findings.remarks.retain(|d| ![W1101, W1104, W1105].contains(&d.code));
        findings.warnings.retain(|w| w.code != Some(W1122));
        findings.told_why = true;
    }
    if is_turned || starts_alone {
        // And why the fit did not settle.
        findings.remarks.retain(|d| d.code != W1102);
        findings.warnings.retain(|w| w.code != Some(W1120));
    }
    let reason = why.or_else(|| in_doubt.then(|| reason(of, &mut findings, fitter)).flatten());
    match reason {
        Some(reason) => {
            findings.deviates = None;
            findings.remarks.push(reason);
        }
        None if !result.process_noise => what_is_left(of, &mut findings),
        // Where the process itself is noisy that has been said.
        None => {}
    }
    findings.warnings.extend(rivals::not_sought(model, result).filter(|_| !findings.told_why));
    findings
}

/// The numbers of a fit; what it does not estimate is as the model says.
fn numbers(model: &Model, result: &JointFit) -> Findings {
    let mut findings = joint_numbers::findings(result);
    for id in unheld_parameters(model) {
        if let Some(estimate) = findings.estimates.get_mut(id.index()) {
            (estimate.value, estimate.std_error) = (model.unknowns[id].start.unwrap_or(estimate.value), None);
        }
    }
    findings
}

/// Other laws that explain the data as well, and coefficients that are one choice of many.
fn laws_beside(
    of: &Reached,
    (other, others): (Option<&JointFit>, &[JointFit]),
    conventions: &Conventions,
    findings: &mut Findings,
) {
    let (model, result) = (of.model(), of.result);
    let other = other.map(|other| exchanges::other_law((model, of.fit), findings, &joint_numbers::findings(other)));
    findings.remarks.extend(other);
    let rivals = others.iter().filter(|rival| !conventions.join(result, rival));
    let rivals: Vec<Findings> = rivals.map(joint_numbers::findings).collect();
    findings.remarks.extend(exchanges::rivals((model, of.fit), findings, &rivals));
    findings.remarks.extend(exchanges::remarks(model, result, conventions));
    findings.remarks.extend(exchanges::beside(model, result, conventions));
}

/// Other numbers with which the law fits as well.
fn other_numbers(of: &Reached, findings: &Findings, fitter: &mut Fitter) -> Option<Diagnostic> {
    let Reached { unknowns, observations, result, .. } = *of;
    let rates = joint::rates(&mut fitter.compiled, unknowns, observations, result).unwrap_or_default();
    // Of all pairs no more are looked at than it takes to find as many as are fitted.
    let mut is_plausible = |pair: &twins::Pair| {
        let changed = pair.changed();
        pair.is_of_logarithm()
            || joint::same_spectrum(&mut fitter.compiled, unknowns, (observations, result), &changed)
                .unwrap_or_default()
    };
    let pairs = twins::pairs(unknowns, result, &rates.own).into_iter().filter(|pair| is_plausible(pair));
    let pairs: Vec<twins::Pair> = pairs.take(twins::MOST_PAIRS).collect();
    let again = |unknowns: &[Unknown], terms: Vec<bool>| fitter.near(unknowns, observations, terms);
    let twin = twins::twin(of.all(), (&pairs, &rates), again)?;
    twins::remark(of.model(), (result, &twin), (findings, &joint_numbers::findings(&twin.fit)))
}

/// Why a fit is not exact, as far as fits with something else tell; the first reason that is one.
fn reason(of: &Reached, findings: &mut Findings, fitter: &mut Fitter) -> Option<Diagnostic> {
    let (model, observed, result) = (of.model(), of.observed, of.result);
    let exact = |fit: &JointFit| of.is_exact(fit);
    let differs = differing::parameter(model, of.all(), exact, |unknowns| fitter.again(unknowns, of.observations));
    let differs = differs.or_else(|| {
        let wrong = frequencies::start(model, of.all(), exact, |unknowns| fitter.again(unknowns, of.observations));
        // What such a fit leaves undetermined the right one may well determine.
        wrong.inspect(|_| {
            findings.remarks.retain(|d| d.code != W1102);
            findings.warnings.retain(|w| w.code != Some(W1120));
        })
    });
    let mut again = |data: &Observations| fitter.again(of.unknowns, data);
    let differs = differs.or_else(|| drift::column(model, observed, of.observations, &mut again));
    let differs = differs.or_else(|| {
        let exact = |fit: &JointFit, data: &Observations| {
            fit.in_order() && residuals::left_over(model, observed, (data, &fit.x)).is_empty()
        };
        separate::remark((model, of.fit), (of.unknowns, observed), exact, &mut again)
    });
    differs.or_else(|| {
        let smooth = !result.process_noise && of.left_over(result).iter().all(|d| d.code == W1117);
        (!smooth).then(|| apart::remark(model, observed, of.observations, &mut again)).flatten()
    })
}

/// What the law leaves over of the samples, and what its noise is like where that is all.
fn what_is_left(of: &Reached, findings: &mut Findings) {
    let left_over = of.left_over(of.result);
    if left_over.is_empty() {
        let grows = uneven::noise(of.both(), of.observed, (of.observations, &of.result.x));
        let louder = louder::noise(of.both(), of.observed, (of.observations, of.result), &grows);
        findings.remarks.extend(grows.into_iter().chain(louder));
    }
    findings.remarks.extend(left_over);
    findings.remarks.extend(residuals::unstarted(of.model(), of.observed, of.result));
}
