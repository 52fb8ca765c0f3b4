//! What either engine found, in one form, and the record made from it.

use super::bound::Bound;
use super::equations::equations;
use super::kinds::Told;
use super::observed::Observed;
use super::predict::{self, Forecast};
use super::terms::{idle_parameters, unheld_parameters};
use super::varying::Varying;
use crate::base::{Idx, IndexMap};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{W1120, W1121};
use crate::hir::{self, Model, UnknownId, UnknownKind};
use crate::report;
use crate::train::joint::Covariance;

/// The estimate of one unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Its value; zero when dropped.
    pub value: f64,
    /// Its standard error, where the engine has one.
    pub std_error: Option<f64>,
    /// Whether it is kept.
    pub kept: bool,
}

/// A dropped term that the data do not rule out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeftOut {
    /// Position of its coefficient among the unknowns.
    pub unknown: usize,
    /// What it would be.
    pub value: f64,
    /// Its standard error then.
    pub std_error: f64,
    /// Whether it would be significant beside what is kept.
    pub significant: bool,
}

/// What a fit found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// One per unknown of the model.
    pub estimates: Vec<Estimate>,
    /// How their errors hang together, where the engine knows it.
    pub covariance: Option<Covariance>,
    /// Dropped terms that the data do not rule out.
    pub plausible: Vec<LeftOut>,
    /// The estimated solution at the samples of the fitted part, `[component, sample]`, trajectories one after the other.
    pub solution: Vec<f64>,
    /// Measurement noise per component; `None` where unobserved.
    pub noise: Vec<Option<f64>>,
    /// Loss after each step: phase and value.
    pub losses: Vec<(&'static str, f64)>,
    /// The loss that schedules and early stopping went by: iteration and value.
    pub watched: Vec<(u64, f64)>,
    /// Whether that was the loss over what is held out.
    pub watched_held: bool,
    /// How networks saw the states.
    pub normalisation: Vec<report::NormalisationRecord>,
    /// Figures of merit.
    pub metrics: Vec<report::Metric>,
    /// How well what was held out is predicted, and predictions follow the data.
    pub scores: Vec<report::ScoreRecord>,
    /// How much of the variance of the fitted data the solution explains.
    pub explained: Vec<report::StateShare>,
    /// Whether the solution does not go through the data as a right one does.
    pub in_doubt: bool,
    /// Whether the fit is lost, so that its numbers say nothing.
    pub lost: bool,
    /// Whether it has been said why the law does not follow the data: bounds at zero, or starts that are held.
    pub told_why: bool,
    /// Where the data follow no trajectory of the model exactly, the reason as far as the fit alone tells it.
    pub deviates: Option<String>,
    /// What the user should know before trusting the result.
    pub warnings: Vec<Told>,
    /// The same, of what has a place in the model file.
    pub remarks: Vec<Diagnostic>,
    /// Unknowns that differ from window to window, or from trajectory to trajectory.
    pub bound: Option<Bound>,
    /// Positions of unknowns that have no error whatever a fit came to.
    pub without_error: Vec<usize>,
    /// All unknowns for every fitted trajectory, where some differ between them and are laws of it; else empty.
    pub own: Vec<Vec<f64>>,
    /// Fields and steps, which differ from step to step.
    pub varying: Option<Varying>,
    /// The engine's state, for the checkpoint.
    pub state: report::Archive,
    /// What goes on where the fit ends.
    pub predictions: Vec<Forecast>,
}

impl Findings {
    /// Adds how to read the result.
    pub fn note(&mut self, text: String) {
        self.warnings.push(Told::note(text));
    }

    /// Adds that predictions fail, and why.
    pub fn fail(&mut self, predictions: impl IntoIterator<Item = String>) {
        self.warnings.extend(predictions.into_iter().map(|text| Told::against(W1121, text)));
    }

    /// Makes this what is left of a fit that is lost: values that say nothing, without errors and noise.
    pub fn lose(&mut self, said: String) {
        self.estimates.iter_mut().for_each(|e| e.std_error = None);
        self.noise.iter_mut().for_each(|noise| *noise = None);
        self.plausible.clear();
        (self.lost, self.in_doubt) = (true, true);
        self.warnings.push(Told::against(W1120, said));
    }

    /// The unknowns of a fitted trajectory.
    pub fn unknowns_of(&self, trajectory: usize) -> Vec<f64> {
        self.own.get(trajectory).cloned().unwrap_or_else(|| self.unknowns())
    }

    /// The standard error of a sum of unknowns with these weights; `None` where none of them has one.
    pub fn error_of(&self, weights: &[(UnknownId, f64)]) -> Option<f64> {
        let error = |id: UnknownId| self.estimates.get(id.index())?.std_error;
        let mut merged: IndexMap<UnknownId, f64> = IndexMap::new();
        for (id, weight) in weights.iter().filter(|(id, _)| error(*id).is_some()) {
            *merged.entry(*id).or_insert(0.0) += weight;
        }
        let parts = || merged.iter().filter_map(|(id, weight)| Some(error(*id)? * weight.abs()));
        match (merged.len(), &self.covariance) {
            (2.., Some(covariance)) => {
                let gradient: Vec<(usize, f64)> = merged.iter().map(|(id, weight)| (id.index(), *weight)).collect();
                Some(covariance.error_of(&gradient))
            }
            _ => parts().reduce(f64::hypot),
        }
    }

    /// The unknowns as the equations show them.
    pub fn unknowns(&self) -> Vec<f64> {
        self.estimates.iter().map(|e| e.value).collect()
    }
}

/// The sums of the ratios that were found, in the order of the holes.
pub fn ratios(model: &Model, findings: &Findings) -> Vec<report::RatioSum> {
    let sums = model.holes.values().filter_map(|hole| Some((hole, hole.side?)));
    let kept = |hole: &hir::Hole| -> Vec<report::Term> {
        let term = |t: &hir::HoleTerm| {
            let estimate = findings.estimates.get(t.coefficient.index()).filter(|e| e.kept)?;
            Some(report::Term {
                term: t.spelled.clone(),
                coefficient: estimate.value,
                std_error: estimate.std_error,
                unit: model.units.unknown(t.coefficient).map(|u| u.to_string()),
                inside: Vec::new(),
            })
        };
        hole.terms.iter().filter_map(term).collect()
    };
    let sum = |(hole, side): (&hir::Hole, hir::Side)| report::RatioSum {
        ratio: hole.name.clone(),
        side: side.name().to_string(),
        terms: kept(hole),
    };
    sums.map(sum).collect()
}

/// A parameter whose error is so many times its value and the value it started from has not been determined.
const UNDETERMINED: f64 = 10.0;

/// Whether the data say next to nothing of a parameter.
pub fn is_undetermined(unknown: &hir::Unknown, value: f64, error: f64) -> bool {
    // A start at zero says nothing of the size that counts.
    let start = unknown.start.filter(|start| *start != 0.0);
    start.is_some_and(|start| error > UNDETERMINED * value.abs().max(start.abs()))
}

/// What stands beside parameters of a fit that is lost.
const LOST: &str = "the fit is lost";

/// Why a parameter with this estimate has no standard error: whether no equation holds it, or every term with it was `dropped`. Nothing of one that was
/// `trained` by gradient: no number has an error there.
fn without_error(
    (model, unknown): (&Model, &hir::Unknown),
    value: f64,
    (unheld, dropped, trained): (bool, bool, bool),
) -> Option<&'static str> {
    let at = |end: f64| end.is_finite() && (value - end).abs() <= 1e-9 * end.abs().max(1e-300);
    Some(match () {
        () if unheld => "no equation holds it",
        () if dropped => "every term with it was dropped",
        () if model.is_per_sample(unknown) => "mean over the trajectories",
        () if at(unknown.bounds.lower) || at(unknown.bounds.upper) => "at the end of its range",
        () if trained => return None,
        () => "not determined by these data",
    })
}

/// Fills the parts of a run record that come from the findings and the data.
pub fn record(model: &Model, findings: &Findings, observed: &Observed) -> report::RunRecord {
    let equations = equations(model, findings);
    let plausible = findings
        .plausible
        .iter()
        .filter_map(|left_out| {
            let (id, unknown) = model.unknowns.iter().nth(left_out.unknown)?;
            let UnknownKind::Coefficient { hole, term } = unknown.kind else { return None };
            let hole = &model.holes[hole];
            Some(report::PlausibleTerm {
                state: match &model.statements {
                    // All elements share the coefficient.
                    Some(_) => hir::family(&model.states[hole.state].name).to_string(),
                    None => model.states[hole.state].name.clone(),
                },
                term: hole.terms.get(term)?.spelled.clone(),
                side: hole.side.map(|side| side.name().to_string()),
                coefficient: left_out.value,
                std_error: Some(left_out.std_error),
                significant: left_out.significant,
                unit: model.units.unknown(id).map(|u| u.to_string()),
            })
        })
        .collect();
    let held = model.params.iter().filter(|(_, p)| p.held).filter_map(|(id, p)| {
        let unit = model.units.param(id).map(|u| u.to_string());
        Some(report::Parameter {
            name: p.name.clone(),
            value: p.value?,
            std_error: None,
            unit,
            held: true,
            undetermined: false,
            ran_away: false,
            without_error: None,
        })
    });
    let idle = idle_parameters(model, &|id| findings.estimates.get(id.index()).is_none_or(|e| e.kept));
    let unheld = unheld_parameters(model);
    let parameters = model
        .unknowns
        .iter()
        .filter(|(_, u)| matches!(u.kind, UnknownKind::Param(_)))
        .map(|(id, u)| {
            let e = &findings.estimates[id.index()];
            let unit = model.units.unknown(id).map(|u| u.to_string());
            let undetermined = e.std_error.is_some_and(|error| is_undetermined(u, e.value, error));
            report::Parameter {
                name: u.name.clone(),
                value: e.value,
                std_error: e.std_error,
                unit,
                held: false,
                undetermined,
                ran_away: e.std_error.is_some_and(|error| report::ran_away(e.value, error, u.start)),
                without_error: match findings.lost {
                    _ if e.std_error.is_some() => None,
                    true => Some(LOST.to_string()),
                    false => {
                        // Only the joint engine knows how errors hang together.
                        let of = (unheld.contains(&id), idle.contains(&id), findings.covariance.is_none());
                        without_error((model, u), e.value, of).map(str::to_string)
                    }
                },
            }
        })
        .chain(held)
        .collect();
    let noise = observed
        .components
        .iter()
        .zip(&findings.noise)
        .filter(|(c, _)| c.derivative == 0)
        .filter_map(|(c, s)| {
            s.map(|std| report::NoiseEstimate {
                state: c.state.clone(),
                unit: model
                    .states
                    .iter()
                    .find(|(_, s)| s.name == c.state)
                    .and_then(|(id, _)| model.units.state(id))
                    .map(|u| u.to_string()),
                std,
                relative: (c.deviation > 0.0).then(|| std / c.deviation),
            })
        })
        .collect();
    let point = |phase: &str, iteration, loss| report::LossPoint { iteration, loss, phase: phase.to_string() };
    let part = if findings.watched_held { "held out" } else { "mean since the last look" };
    // The training's come last: the last one is the loss at the end.
    let watched = findings.watched.iter().map(|&(iteration, loss)| point(part, iteration, loss));
    let trained = findings.losses.iter().enumerate().map(|(i, (phase, loss))| point(phase, i as u64 + 1, *loss));
    report::RunRecord {
        model: model.name.clone(),
        equations,
        ratios: ratios(model, findings),
        plausible,
        parameters,
        noise,
        loss: watched.chain(trained).collect(),
        scores: findings.scores.clone(),
        explained: findings.explained.clone(),
        metrics: findings.metrics.clone(),
        normalisation: findings.normalisation.clone(),
        trajectories: observed.records(&findings.solution),
        predictions: predict::records(observed, &findings.predictions),
        warnings: findings.warnings.iter().map(|w| w.text.clone()).collect(),
        ..report::RunRecord::default()
    }
}
