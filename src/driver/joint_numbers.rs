//! Unknowns of a model as the joint engine takes them, and what it returns in terms of the model again.

use super::checkpoint;
use super::findings::{Estimate, Findings, LeftOut};
use crate::hir::{self, Model, UnknownKind};
use crate::train::joint::{JointFit, Plausible, Unknown};

/// An unknown as the engine takes it.
pub fn unknown(model: &Model, u: &hir::Unknown) -> Unknown {
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
pub fn started(unknowns: &[Unknown], fit: &JointFit) -> Vec<Unknown> {
    let of = |(k, unknown): (usize, &Unknown)| {
        let found = fit.estimates.get(fit.columns.at(k, 0)).map(|e| e.value).filter(|value| value.is_finite());
        let start = if unknown.droppable || unknown.own { unknown.start } else { found.or(unknown.start) };
        Unknown { start, ..unknown.clone() }
    };
    unknowns.iter().enumerate().map(of).collect()
}

/// The result with one estimate for every unknown of the model, for remarks: of several numbers one that stands at a bound, where one
/// does.
pub fn told(result: &JointFit) -> JointFit {
    let of = |k: usize| result.estimates.get(result.columns.of(k)).unwrap_or_default();
    let one = |k: usize| of(k).iter().find(|e| e.at_bound).or(of(k).first()).copied();
    JointFit { estimates: (0..result.columns.unknowns()).filter_map(one).collect(), ..result.clone() }
}

/// What a fit found, without what is said of it.
pub fn findings(result: &JointFit) -> Findings {
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
