//! The joint engine on a compiled model.

use super::apart;
use std::cell::Cell;

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
use super::findings::{Estimate, Findings, LeftOut};
use super::finer;
use super::hung;
use super::joint_failure::failure;
use super::lost;
use super::memory;
use super::observed::Observed;
use super::pointwise::Compiled;
use super::rivals;
use super::separate;
use super::simpler;
use super::target::Target;
use super::terms::unheld_parameters;
use super::undetermined;
use super::uneven;
use super::unfelt::Unfelt;
use super::{frequencies, remarks, residuals};
use crate::artifact::{Pattern, PatternEntry};
use crate::base::Idx;
use crate::diagnostics::codes::{W1102, W1105, W1117, W1120};
use crate::hir::{self, Fit, Model, Program, StartSource, UnknownKind};
use crate::runtime::Threads;
use crate::train::joint::{
    self, Dynamics, EvaluateError, JointError, JointFit, Observations, Plausible, Points, Settings, Spot, Unknown,
    samples,
};
use crate::train::{Observer, Progress};

/// Observations per component that a trajectory needs at least.
pub use crate::train::joint::FEWEST_PER_COMPONENT;

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
    let settings = Settings { seed: fit.seed, significance: fit.significance, most_samples, finer: 1, terms: None };
    observed.known_starts = fit.start != StartSource::Free;
    let observations = observed.observations(model, &observed.train.trajectories);
    let open = observed.known_in_any_case(&observations);
    let declared = observations.known != open;
    let by = Cell::new(1);
    let mut once = |data: &Observations, other: Option<&JointFit>| {
        let unknowns = other.map_or_else(|| unknowns.clone(), |other| started(&unknowns, other));
        finer::settled(model, &by, told, |finer| {
            let settings = Settings { finer, ..settings.clone() };
            joint::fit(&mut compiled, &unknowns, data, &settings, observer)
        })
    };
    let Settled { result, observations, held, free: hung_on } = beginnings::settled(observations, open, &mut once);
    let settings = Settings { finer: by.get(), ..settings };
    let mut with = |unknowns: &[Unknown], terms: Option<Vec<bool>>| {
        let settings = Settings { terms, ..settings.clone() };
        joint::fit(&mut compiled, unknowns, &observations, &settings, observer)
    };
    let result = result.and_then(|all| {
        let mut with_library = |unknowns: &[Unknown]| with(unknowns, None);
        let simplest = simpler::settled(model, &unknowns, all, &observations, &mut with_library)?;
        let mut with_terms = |terms: Vec<bool>| with(&simplest.unknowns, Some(terms));
        let best = rivals::settled(&simplest.unknowns, simplest.law, &observations, &mut with_terms)?;
        Ok((best, simplest.all))
    });
    let result = result.and_then(|(best, all)| {
        let mut with_terms = |compiled: &mut dyn Dynamics, terms: Vec<bool>| {
            let settings = Settings { terms: Some(terms), ..settings.clone() };
            joint::fit(compiled, &unknowns, &observations, &settings, observer)
        };
        let best = cancelling::plainest(best, (model, &unknowns), &observations, &mut compiled, &mut with_terms)?;
        Ok((best.law, all, best.others))
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
    let mut findings = findings(&result);
    for id in unheld_parameters(model) {
        if let Some(estimate) = findings.estimates.get_mut(id.index()) {
            (estimate.value, estimate.std_error) = (model.unknowns[id].start.unwrap_or(estimate.value), None);
        }
    }
    let told = told(&result);
    // A remark that cannot be made is no reason to lose a finished fit.
    let free = joint::freedoms(&mut compiled, &unknowns, &observations, &result).unwrap_or_default();
    let conventions = Conventions::of(model, free);
    if let Some(said) = lost::said(model, observed, &conventions, &told) {
        // Nothing else that could be said of it would be true.
        findings.lose(said);
        bound::add_own(program, fit, &observed.train, &result, &mut findings);
        return Ok(findings);
    }
    findings.in_doubt = result.process_noise || !result.converged;
    findings.deviates = result.process_noise.then(|| remarks::deviates(model, &told));
    findings.warnings = remarks::general(model, &told);
    findings.remarks = remarks::placed((program, fit), &told);
    let undetermined = undetermined::check((program, fit), (observed, declared), &told);
    let is_determined = undetermined.is_none();
    findings.remarks.splice(0..0, undetermined);
    let hung_on = hung_on.filter(|_| findings.remarks.iter().all(|d| d.code != W1102));
    let hung =
        hung_on.and_then(|free| hung::remark((program, fit), observed, &told, &free.map(|free| self::told(&free))));
    if conventions.open(&result) {
        // Numbers that are one choice of many have no errors, and need not settle.
        findings.remarks.retain(|d| d.code != W1105);
    }
    if !is_determined || hung.is_some() || conventions.open(&result) {
        // Of such a fit no one can say why it is not exact, nor that another beginning would not do, and why it did not settle has been said.
        findings.deviates = None;
        findings.warnings.retain(|w| w.code != Some(W1120));
    }
    findings.remarks.extend(hung);
    findings.remarks.extend(conventions.remarks(model, &result));
    if declared && !held && is_determined {
        findings.remarks.extend(beginnings::released(model, observed, &observations, &result.x));
    }
    let other = other.map(|other| exchanges::other_law((model, fit), &findings, &self::findings(&other)));
    findings.remarks.extend(other);
    let rivals: Vec<Findings> =
        others.iter().filter(|rival| !conventions.join(&result, rival)).map(self::findings).collect();
    findings.remarks.extend(exchanges::rivals((model, fit), &findings, &rivals));
    findings.remarks.extend(exchanges::remarks(model, &result, &conventions));
    findings.remarks.extend(exchanges::beside(model, &result, &conventions));
    let left_over = |fit: &JointFit| residuals::left_over(model, observed, (&observations, &fit.x));
    let exact = |fit: &JointFit| !fit.process_noise && left_over(fit).is_empty();
    let in_doubt = !exact(&result);
    let differs = in_doubt.then(|| {
        let again =
            |unknowns: &[Unknown]| joint::fit(&mut compiled, unknowns, &observations, &settings, &mut Unseen(observer));
        differing::parameter(model, (&unknowns, &result, &observations), exact, again)
    });
    let differs = differs.flatten().or_else(|| {
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
                findings.remarks.extend(uneven::noise((program, fit), observed, (&observations, &result.x)));
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

/// An unknown as the engine takes it.
fn unknown(model: &Model, u: &hir::Unknown) -> Unknown {
    Unknown {
        name: u.name.clone(),
        start: u.start,
        lower: u.bounds.lower,
        upper: u.bounds.upper,
        linear: u.linear,
        droppable: matches!(u.kind, UnknownKind::Coefficient { .. }),
        own: model.is_per_sample(u),
        left_out: false,
        trajectory: None,
    }
}

/// Unknowns whose parameters start where a fit came to.
fn started(unknowns: &[Unknown], fit: &JointFit) -> Vec<Unknown> {
    let of = |(k, unknown): (usize, &Unknown)| {
        let found = fit.estimates.get(fit.columns.at(k, 0)).map(|e| e.value).filter(|value| value.is_finite());
        let start = if unknown.droppable || unknown.own { unknown.start } else { found.or(unknown.start) };
        Unknown { start, ..unknown.clone() }
    };
    unknowns.iter().enumerate().map(of).collect()
}

/// The result with one estimate for every unknown of the model, for remarks: of several numbers one that stands at a bound, where one
/// does.
fn told(result: &JointFit) -> JointFit {
    let of = |k: usize| result.estimates.get(result.columns.of(k)).unwrap_or_default();
    let one = |k: usize| of(k).iter().find(|e| e.at_bound).or(of(k).first()).copied();
    JointFit { estimates: (0..result.columns.unknowns()).filter_map(one).collect(), ..result.clone() }
}

/// The trajectory that fits observations best under a model whose unknowns are known, or why there is none. Where `own` says so,
/// unknowns that every trajectory has of its own are estimated with it.
pub fn trajectory(
    (model, xi, own): (&Model, &[f64], bool),
    observations: &Observations,
    threads: &Threads,
    (seed, observer): (u64, &mut dyn Observer),
) -> Result<Result<Estimated, String>, Failure> {
    let free: Vec<(usize, Unknown)> = model
        .unknowns
        .values()
        .enumerate()
        .filter(|(_, u)| own && model.is_per_sample(u))
        .map(|(k, u)| (k, Unknown { own: false, start: xi.get(k).copied(), ..unknown(model, u) }))
        .collect();
    let (free, unknowns): (Vec<usize>, Vec<Unknown>) = free.into_iter().unzip();
    let mut known = Known::new(Compiled::linearisation(model, &Target::Host(threads.clone()))?, xi, free);
    let settings = Settings { seed, significance: None, most_samples: observations.t.len(), finer: 1, terms: None };
    match joint::fit(&mut known, &unknowns, observations, &settings, &mut Unseen(observer)) {
        Ok(fit) => {
            let values: Vec<f64> = fit.estimates.iter().map(|e| e.value).collect();
            let mut errors = vec![f64::NAN; xi.len()];
            for (&k, estimate) in known.free.iter().zip(&fit.estimates) {
                errors[k] = estimate.std_error;
            }
            Ok(Ok(Estimated { x: fit.x, unknowns: known.all(&values), errors }))
        }
        Err(error) => match failure(known.told(error), model, observations) {
            Failure::Numerical(problem) => Ok(Err(problem.message)),
            other => Err(other),
        },
    }
}

/// An observer that is asked whether to go on and not told how far it is.
struct Unseen<'a>(&'a mut dyn Observer);

impl Observer for Unseen<'_> {
    fn progress(&mut self, _: &Progress) {}

    fn should_stop(&self) -> bool {
        self.0.should_stop()
    }
}

/// A trajectory that was estimated by itself.
pub struct Estimated {
    /// `[component, sample]`
    pub x: Vec<f64>,
    /// The unknowns of the model.
    pub unknowns: Vec<f64>,
    /// Standard errors of those that were estimated with it; not a number for others.
    pub errors: Vec<f64>,
}

/// A model with the values of its unknowns but for some that are free.
struct Known {
    compiled: Compiled,
    pattern: Pattern,
    xi: Vec<f64>,
    /// Which are free.
    free: Vec<usize>,
}

impl Known {
    fn new(compiled: Compiled, xi: &[f64], free: Vec<usize>) -> Known {
        let pattern = compiled.pattern();
        let place = |k: usize| free.iter().position(|&f| f == k);
        let of = |list: &Vec<(usize, PatternEntry)>| list.iter().filter_map(|&(k, e)| Some((place(k)?, e))).collect();
        let by_unknown = pattern.by_unknown.iter().map(of).collect();
        Known { pattern: Pattern { by_unknown, ..pattern.clone() }, compiled, xi: xi.to_vec(), free }
    }

    /// An error with all unknowns where it tells of a place.
    fn told(&self, error: JointError) -> JointError {
        match error {
            JointError::NotFinite { what, at } => {
                JointError::NotFinite { what, at: Spot { unknowns: self.all(&at.unknowns), ..at } }
            }
            other => other,
        }
    }

    /// All unknowns, with the values of those that are free.
    fn all(&self, values: &[f64]) -> Vec<f64> {
        let mut all = self.xi.clone();
        for (&k, &value) in self.free.iter().zip(values) {
            if let Some(slot) = all.get_mut(k) {
                *slot = value;
            }
        }
        all
    }
}

impl Dynamics for Known {
    fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    fn field(&mut self, at: Points, values: &[f64], f: &mut [f64]) -> Result<(), EvaluateError> {
        self.compiled.field(at, &self.all(values), f)
    }

    fn linearise(&mut self, at: Points, values: &[f64], entries: &mut [f64]) -> Result<(), EvaluateError> {
        self.compiled.linearise(at, &self.all(values), entries)
    }
}

/// Refuses more samples and unknowns than fit in memory, for so many samples in so many trajectories.
pub fn ensure_memory(model: &Model, (samples, trajectories): (u64, u64)) -> Result<(), Failure> {
    let numbers = memory::estimated(model, trajectories);
    let what = format!("a joint fit of {numbers} unknowns to {samples} samples");
    let bytes = memory::of_joint_fit(model, (samples, trajectories));
    memory::ensure(&what, bytes, "fit fewer samples, or fewer candidate terms")
}

fn findings(result: &JointFit) -> Findings {
    let finite = |x: f64| x.is_finite().then_some(x);
    // Of an unknown with a number for every trajectory their mean, which has no error: it is no estimate of one number.
    let one = |k: usize| match result.estimates.get(result.columns.of(k)).unwrap_or_default() {
        [e] => Estimate { value: e.value, std_error: finite(e.std_error), kept: e.kept },
        own => {
            let mean = own.iter().map(|e| e.value).sum::<f64>() / own.len().max(1) as f64;
            Estimate { value: mean, std_error: None, kept: true }
        }
    };
    let estimates: Vec<Estimate> = (0..result.columns.unknowns()).map(one).collect();
    let plausible = |p: &Plausible| LeftOut {
        unknown: result.columns.unknown(p.unknown),
        value: p.value,
        std_error: (p.value / p.t_statistic).abs(),
        significant: p.significant,
    };
    Findings {
        plausible: result.plausible.iter().map(plausible).collect(),
        solution: result.x.clone(),
        noise: result.noise.iter().map(|&s| finite(s)).collect(),
        covariance: Some(result.covariance.clone().renamed(|number| {
            let unknown = result.columns.unknown(number);
            (!result.columns.is_own(unknown)).then_some(unknown)
        })),
        losses: result.losses.iter().map(|&l| ("joint", l)).collect(),
        state: checkpoint::of_joint(&result.interim(), &result.x),
        estimates,
        ..Findings::default()
    }
}
