//! The joint engine on a compiled model.

use std::cell::Cell;

use super::apart;
use super::beginnings::{self, Settled};
use super::bound;
use super::cancelling;
use super::checkpoint::{self, Saver};
use super::collinear;
use super::conventions::Conventions;
use super::differing;
use super::drift;
use super::exchanges;
use super::failure::Failure;
use super::findings::Findings;
use super::finer;
use super::free_scale;
use super::hung;
use super::joint_failure::failure;
use super::joint_numbers::{self, started, unknown};
use super::law;
use super::lost;
use super::louder;
use super::memory;
use super::observed::Observed;
use super::pointwise::Compiled;
use super::restarts;
use super::rivals;
use super::separate;
use super::signs;
use super::target::Target;
use super::terms::unheld_parameters;
use super::twins;
use super::undetermined;
use super::uneven;
use super::unfelt::Unfelt;
use super::{frequencies, remarks, residuals};
use crate::base::Idx;
use crate::diagnostics::codes::{W1102, W1104, W1105, W1117, W1120, W1122};
use crate::hir::{Fit, Model, Program, StartSource};
use crate::train::joint::{self, Dynamics, JointError, JointFit, Observations, Settings, Unknown, samples};
use crate::train::{Observer, Unseen};

/// Fits `model` to the observations. An interrupted fit leaves its coefficients with the saver; a run that is taken up again starts
/// from the beginning, which takes seconds and gives the bits of a run that was not interrupted.
pub fn fit(
    program: &Program,
    fit: &Fit,
    observed: &mut Observed,
    target: &Target,
    saver: &mut Saver,
    observer: &mut dyn Observer,
) -> Result<Findings, Failure> {
    let model = &program.models[fit.model];
    let unfelt = Unfelt::of(model, observed);
    if let Some(unfelt) = unfelt.as_ref().filter(|unfelt| unfelt.has_hole()) {
        // Terms that change nothing would all be dropped, and what is left would be told as a law.
        return Err(unfelt.failure((model, fit)));
    }
    // With those around the instants in which inputs change.
    let samples = samples(&observed.observations(model, &observed.train.trajectories), 1) as u64;
    let trajectories = observed.train.trajectories.len() as u64;
    ensure_memory(model, (samples, trajectories))?;
    let mut compiled = Compiled::linearisation(model, target)?;
    let mut unknowns: Vec<Unknown> = model.unknowns.values().map(|u| unknown(model, u)).collect();
    for position in collinear::multiples(program, fit, observed)? {
        if let Some(multiple) = unknowns.get_mut(position) {
            (multiple.lower, multiple.upper) = (0.0, 0.0);
        }
    }
    let most_samples = memory::most_samples(model, trajectories);
    let settings = Settings {
        seed: fit.seed,
        significance: fit.significance,
        most_samples,
        finer: 1,
        terms: None,
        near: false,
        exact: false,
    };
    observed.known_starts = fit.start != StartSource::Free;
    observed.held_starts = fit.start == StartSource::Held;
    let observations = observed.observations(model, &observed.train.trajectories);
    let open = observed.known_in_any_case(&observations);
    let declared = observations.known != open;
    let by = Cell::new(1);
    // Where there is none, or none can be told, fits begin as they do.
    let decays = joint::decays(&mut compiled, &unknowns, &observations).unwrap_or_default();
    let mut once = |data: &Observations, other: Option<&JointFit>| {
        let mut from = other.map_or_else(|| unknowns.clone(), |other| started(&unknowns, other));
        let found = restarts::settled(&mut from, (&decays, data), &mut |unknowns| {
            finer::settled(model, &by, joint_numbers::told, |finer| {
                let settings = Settings { finer, ..settings.clone() };
                joint::fit(&mut compiled, unknowns, data, &settings, observer)
            })
        });
        // What begins from there from now on need not be lost first.
        unknowns.iter_mut().zip(from).filter(|(u, _)| u.droppable).for_each(|(u, from)| u.start = from.start);
        found
    };
    let Settled { result, observations, held, free: hung_on, against } =
        beginnings::settled(observations, (open, observed.held_starts), &mut once);
    let settings = Settings { finer: by.get(), ..settings };
    let mut with = |unknowns: &[Unknown], terms: Option<Vec<bool>>, (exact, finer): (bool, usize)| {
        let settings = Settings { terms, exact, finer: settings.finer.max(finer), ..settings.clone() };
        joint::fit(&mut compiled, unknowns, &observations, &settings, observer)
    };
    let result = result.and_then(|all| law::settled((model, &unknowns), all, (observed, &observations), &mut with));
    // What is fitted beside the law is fitted as it was, or would differ from it by that alone.
    let (mut settings, mut unknowns) = (settings, unknowns);
    let result = result.and_then(|law| {
        let (exact, finer) = law.held;
        (settings.exact, settings.finer, unknowns) = (exact, settings.finer.max(finer), law.unknowns);
        let mut with_terms = |compiled: &mut dyn Dynamics, terms: Vec<bool>| {
            let settings = Settings { terms: Some(terms), ..settings.clone() };
            joint::fit(compiled, &unknowns, &observations, &settings, observer)
        };
        let best = cancelling::plainest(law.best, (model, &unknowns), &observations, &mut compiled, &mut with_terms)?;
        Ok((best.law, law.all, best.others))
    });
    let (result, other, others) = match result {
        Ok((result, other, rivals)) => (Ok(result), other, rivals),
        Err(error) => (Err(error), None, Vec::new()),
    };
    observed.known_starts &= held;
    if let Some(fault) = compiled.take_fault() {
        return Err(fault.into());
    }
    if let Err(JointError::Interrupted(interim)) = &result {
        let interim = interim.as_deref().cloned().unwrap_or_default();
        saver.keep_archive(checkpoint::of_joint(&interim, &[]), interim.solves as u64);
    }
    let result = result.map_err(|e| {
        // A parameter of an equation that the data do not feel is why; whether it stands elsewhere too the fit knows.
        let unfelt = unfelt.filter(|_| matches!(e, JointError::Collinear | JointError::Singular { .. }));
        unfelt.map_or_else(|| failure(e, model, &observations), |unfelt| unfelt.failure((model, fit)))
    })?;
    // What comes behind the fit may be interrupted too.
    saver.keep_archive(checkpoint::of_joint(&result.interim(), &result.x), result.solves as u64);
    let mut findings = joint_numbers::findings(&result);
    for id in unheld_parameters(model) {
        if let Some(estimate) = findings.estimates.get_mut(id.index()) {
            (estimate.value, estimate.std_error) = (model.unknowns[id].start.unwrap_or(estimate.value), None);
        }
    }
    let told = joint_numbers::told(&result);
    // A remark that cannot be made is no reason to lose a finished fit.
    let free = joint::freedoms(&mut compiled, &unknowns, &observations, &result).unwrap_or_default();
    let conventions = Conventions::of(model, free);
    let left_over = |fit: &JointFit| residuals::left_over(model, observed, (&observations, &fit.x));
    let exact = |fit: &JointFit| !fit.process_noise && left_over(fit).is_empty();
    let in_doubt = !exact(&result);
    let turned = in_doubt.then(|| {
        let again =
            |unknowns: &[Unknown]| joint::fit(&mut compiled, unknowns, &observations, &settings, &mut Unseen(observer));
        signs::turned(model, (&unknowns, &result, &observations), again)
    });
    let turned = turned.flatten();
    let by_scale = free_scale::of_parameters(model, &observations);
    if let Some(said) = lost::said(model, observed, (&conventions, by_scale.is_some()), &told) {
        // Nothing else that could be said of it would be true.
        findings.lose(turned.map_or(said, signs::of_lost));
        bound::add_own(program, fit, &observed.train, &result, &mut findings);
        return Ok(findings);
    }
    findings.in_doubt = result.process_noise || !result.converged;
    findings.deviates = result.process_noise.then(|| remarks::deviates(model, &told, &observations));
    findings.warnings = remarks::general(model, &told);
    findings.remarks = remarks::placed((program, fit), &told);
    let by_scale = by_scale.filter(|_| findings.remarks.iter().all(|d| d.code != W1102));
    for &k in by_scale.iter().flat_map(|(_, parameters)| parameters) {
        // What a fit happened to come to has no error.
        findings.estimates.iter_mut().skip(k).take(1).for_each(|e| e.std_error = None);
        findings.without_error.push(k);
    }
    let undetermined = by_scale.and_then(|of| undetermined::by_scale((program, fit), of, &told));
    let undetermined = undetermined.or_else(|| undetermined::check((program, fit), (observed, declared), &told));
    let is_determined = undetermined.is_none();
    findings.remarks.splice(0..0, undetermined);
    let hung_on = hung_on.filter(|_| !observed.held_starts && findings.remarks.iter().all(|d| d.code != W1102));
    let hung = hung_on
        .and_then(|free| hung::remark((program, fit), observed, &told, &free.map(|free| joint_numbers::told(&free))));
    if conventions.open(&result) {
        // Numbers that are one choice of many have no errors, and need not settle.
        findings.remarks.retain(|d| d.code != W1105);
    }
    if !is_determined || hung.is_some() || conventions.open(&result) {
        // Of such a fit no one can say why it is not exact, nor that another beginning would not do, and why it did not settle has been said.
        findings.deviates = None;
        findings.warnings.retain(|w| w.code != Some(W1120));
    }
    let is_hung = hung.is_some();
    findings.remarks.extend(hung);
    findings.remarks.extend(conventions.remarks(model, &result));
    if declared && !held && is_determined {
        findings.remarks.extend(beginnings::released(model, observed, &observations, &result.x));
    }
    let other = other.map(|other| exchanges::other_law((model, fit), &findings, &joint_numbers::findings(&other)));
    findings.remarks.extend(other);
    let rivals: Vec<Findings> =
        others.iter().filter(|rival| !conventions.join(&result, rival)).map(joint_numbers::findings).collect();
    findings.remarks.extend(exchanges::rivals((model, fit), &findings, &rivals));
    findings.remarks.extend(exchanges::remarks(model, &result, &conventions));
    findings.remarks.extend(exchanges::beside(model, &result, &conventions));
    if is_determined && !is_hung && result.in_order() && !conventions.open(&result) {
        let rates = joint::rates(&mut compiled, &unknowns, &observations, &result).unwrap_or_default();
        // Of all pairs no more are looked at than it takes to find as many as are fitted.
        let is_plausible = |pair: &twins::Pair| {
            pair.is_of_logarithm()
                || joint::same_spectrum(&mut compiled, &unknowns, (&observations, &result), &pair.changed())
                    .unwrap_or_default()
        };
        let pairs = twins::pairs(&unknowns, &result, &rates.own).into_iter().filter(is_plausible);
        let pairs: Vec<twins::Pair> = pairs.take(twins::MOST_PAIRS).collect();
        let again = |unknowns: &[Unknown], terms: Vec<bool>| {
            let settings = Settings { terms: Some(terms), near: true, ..settings.clone() };
            joint::fit(&mut compiled, unknowns, &observations, &settings, &mut Unseen(observer))
        };
        let twin = twins::twin((&unknowns, &result, &observations), (&pairs, &rates), again);
        let said = twin
            .and_then(|twin| twins::remark(model, (&result, &twin), (&findings, &joint_numbers::findings(&twin.fit))));
        findings.remarks.extend(said);
    }
    if turned.is_some() {
        // That says why the law is empty or at the ends of its ranges, and why the fit did not settle.
        findings.remarks.retain(|d| ![W1102, W1104, W1105].contains(&d.code));
        findings.warnings.retain(|w| !matches!(w.code, Some(W1120 | W1122)));
        findings.turned = true;
    }
    let against = against.map(|free| beginnings::contradicted_held((model, observed), &observations, [&result, &free]));
    let differs = turned.or(against).or_else(|| {
        in_doubt
            .then(|| {
                let again = |unknowns: &[Unknown]| {
                    joint::fit(&mut compiled, unknowns, &observations, &settings, &mut Unseen(observer))
                };
                differing::parameter(model, (&unknowns, &result, &observations), exact, again)
            })
            .flatten()
    });
    let differs = differs.or_else(|| {
        let again =
            |unknowns: &[Unknown]| joint::fit(&mut compiled, unknowns, &observations, &settings, &mut Unseen(observer));
        let wrong = in_doubt.then(|| frequencies::start(model, (&unknowns, &result, &observations), exact, again));
        // What such a fit leaves undetermined the right one may well determine.
        wrong.flatten().inspect(|_| {
            findings.remarks.retain(|d| d.code != W1102);
            findings.warnings.retain(|w| w.code != Some(W1120));
        })
    });
    let differs = differs.or_else(|| {
        let again = |data: &Observations| joint::fit(&mut compiled, &unknowns, data, &settings, &mut Unseen(observer));
        in_doubt.then(|| drift::column(model, observed, &observations, again)).flatten()
    });
    let differs = differs.or_else(|| {
        let again = |data: &Observations| joint::fit(&mut compiled, &unknowns, data, &settings, &mut Unseen(observer));
        let exact = |fit: &JointFit, data: &Observations| {
            fit.in_order() && residuals::left_over(model, observed, (data, &fit.x)).is_empty()
        };
        in_doubt.then(|| separate::remark((model, fit), (&unknowns, observed), exact, again)).flatten()
    });
    let differs = differs.or_else(|| {
        let again = |data: &Observations| joint::fit(&mut compiled, &unknowns, data, &settings, &mut Unseen(observer));
        let smooth = !result.process_noise && left_over(&result).iter().all(|d| d.code == W1117);
        (in_doubt && !smooth).then(|| apart::remark(model, observed, &observations, again)).flatten()
    });
    // Where the process itself is noisy that has been said.
    match differs {
        Some(differs) => {
            findings.deviates = None;
            findings.remarks.push(differs);
        }
        None if !result.process_noise => {
            let left_over = left_over(&result);
            if left_over.is_empty() {
                let grows = uneven::noise((program, fit), observed, (&observations, &result.x));
                let louder = louder::noise((program, fit), observed, (&observations, &result), &grows);
                findings.remarks.extend(grows.into_iter().chain(louder));
            }
            findings.remarks.extend(left_over);
            findings.remarks.extend(residuals::unstarted(model, observed, &result));
        }
        None => {}
    }
    findings.warnings.extend(rivals::not_sought(model, &result));
    bound::add_own(program, fit, &observed.train, &result, &mut findings);
    Ok(findings)
}

/// Refuses more samples and unknowns than fit in memory, for so many samples in so many trajectories.
pub fn ensure_memory(model: &Model, (samples, trajectories): (u64, u64)) -> Result<(), Failure> {
    let numbers = memory::estimated(model, trajectories);
    let what = format!("a joint fit of {numbers} unknowns to {samples} samples");
    let bytes = memory::of_joint_fit(model, (samples, trajectories));
    memory::ensure(&what, bytes, "fit fewer samples, or fewer candidate terms")
}
