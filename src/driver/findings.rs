//! What either engine found, in one form, and the record made from it.

use super::bound::Bound;
use super::observed::Observed;
use super::terms::{Term, filled, six_digits, terms};
use crate::base::{Idx, IndexMap};
use crate::hir::{self, Equation, Expr, Model, Unit, UnknownKind};
use crate::report;

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

/// What a fit found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// One per unknown of the model.
    pub estimates: Vec<Estimate>,
    /// Dropped terms that the data do not rule out: unknown, value and standard error.
    pub plausible: Vec<(usize, f64, f64)>,
    /// The estimated solution at the samples of the fitted part, `[component, sample]`, trajectories one after the other.
    pub solution: Vec<f64>,
    /// Measurement noise per component; `None` where unobserved.
    pub noise: Vec<Option<f64>>,
    /// Loss after each step: phase and value.
    pub losses: Vec<(&'static str, f64)>,
    /// Figures of merit: name, part, value.
    pub metrics: Vec<(String, String, f64)>,
    /// What the user should know before trusting the result.
    pub warnings: Vec<String>,
    /// Unknowns that differ from window to window.
    pub bound: Option<Bound>,
    /// The engine's state, for the checkpoint.
    pub state: report::Archive,
}

/// The equations that were found, every state's highest derivative on the left.
pub fn equations(model: &Model, findings: &Findings) -> Vec<report::Equation> {
    if let Some(statements) = &model.statements {
        return super::statements::equations(model, statements, findings);
    }
    model.equations.iter().map(|e| equation(model, e, findings)).collect()
}

fn equation(model: &Model, equation: &Equation, findings: &Findings) -> report::Equation {
    let state = &model.states[equation.state];
    let values: Vec<f64> = findings.estimates.iter().map(|e| e.value).collect();
    let mut sum = Sum::default();
    let spell = |expr: Option<&Expr>| expr.map_or_else(|| "1".to_string(), |e| model.spell(e));
    // What is printed is a number times a term, so its unit is that of the left side over that of the term.
    let left = model.units.derivative(equation.state, state.order);
    let unit = |rest: Option<&Expr>| match rest {
        None => left.clone(),
        Some(rest) => Some(left.as_ref()?.over(&model.unit_of(rest)?)),
    };
    let is_top = |t: &&hir::LinearTerm| (t.state, t.derivative) == (equation.state, state.order);
    let top = equation.linear.iter().find(is_top).and_then(|t| t.coefficient.as_number()).unwrap_or(1.0);
    for term in equation.linear.iter().filter(|t| !is_top(t)) {
        let spelled = model.spell_state(term.state, term.derivative);
        let over = |unit: Unit| Some(unit.over(&model.units.derivative(term.state, term.derivative)?));
        for part in terms(&term.coefficient) {
            let unit = unit(part.rest.as_ref()).and_then(over);
            let spelled = match &part.rest {
                None => spelled.clone(),
                Some(rest) => format!("({})*{spelled}", model.spell(rest)),
            };
            sum.add(spelled, -part.coefficient / top, None, unit);
        }
    }
    if let Some(known) = &equation.known {
        for part in terms(&filled(model, known, &values, &six_digits)) {
            sum.add(spell(part.rest.as_ref()), part.coefficient / top, None, unit(part.rest.as_ref()));
        }
    }
    for term in &equation.unknowns {
        let estimate = &findings.estimates[term.unknown.index()];
        if !estimate.kept {
            continue;
        }
        let factor = filled(model, &term.factor, &values, &six_digits);
        for part in terms(&factor) {
            let spelled = match model.unknowns[term.unknown].kind {
                UnknownKind::Coefficient { hole, term: at } => {
                    let candidate = &model.holes[hole].terms[at];
                    // As it was written, unless a number in it has gone into the coefficient.
                    let same = |t: &Term| t.coefficient == 1.0 && t.rest == part.rest;
                    if terms(&candidate.value).first().is_some_and(same) {
                        candidate.spelled.clone()
                    } else {
                        spell(part.rest.as_ref())
                    }
                }
                UnknownKind::Param(_) => spell(part.rest.as_ref()),
            };
            let by = part.coefficient / top;
            let unit = unit(part.rest.as_ref());
            sum.add(spelled, by * estimate.value, estimate.std_error.map(|e| e * by.abs()), unit);
        }
    }
    report::Equation {
        state: state.name.clone(),
        derivative: state.order.into(),
        unit: left.map(|u| u.to_string()),
        terms: sum.terms(),
    }
}

/// Terms with their coefficients, equal ones added up.
#[derive(Default)]
struct Sum {
    parts: IndexMap<String, (f64, Option<f64>, Option<Unit>)>,
}

impl Sum {
    fn add(&mut self, term: String, coefficient: f64, error: Option<f64>, unit: Option<Unit>) {
        let entry = self.parts.entry(term).or_insert((0.0, None, unit));
        entry.0 += coefficient;
        entry.1 = match (entry.1, error) {
            (Some(a), Some(b)) => Some(a.hypot(b)),
            (a, b) => a.or(b),
        };
    }

    fn terms(self) -> Vec<report::Term> {
        let term = |(term, (coefficient, std_error, unit)): (String, (f64, Option<f64>, Option<Unit>))| report::Term {
            term,
            coefficient,
            std_error,
            unit: unit.map(|u| u.to_string()),
        };
        self.parts.into_iter().map(term).collect()
    }
}

/// Fills the parts of a run record that come from the findings and the data.
pub fn record(model: &Model, findings: &Findings, observed: &Observed) -> report::RunRecord {
    let equations = equations(model, findings);
    let plausible = findings
        .plausible
        .iter()
        .filter_map(|&(unknown, coefficient, std_error)| {
            let (id, unknown) = model.unknowns.iter().nth(unknown)?;
            let UnknownKind::Coefficient { hole, term } = unknown.kind else { return None };
            let hole = &model.holes[hole];
            Some(report::PlausibleTerm {
                state: match &model.statements {
                    // All elements share the coefficient.
                    Some(_) => hir::family(&model.states[hole.state].name).to_string(),
                    None => model.states[hole.state].name.clone(),
                },
                term: hole.terms.get(term)?.spelled.clone(),
                coefficient,
                std_error: Some(std_error),
                unit: model.units.unknown(id).map(|u| u.to_string()),
            })
        })
        .collect();
    let parameters = model
        .unknowns
        .iter()
        .filter(|(_, u)| matches!(u.kind, UnknownKind::Param(_)))
        .map(|(id, u)| {
            let e = &findings.estimates[id.index()];
            let unit = model.units.unknown(id).map(|u| u.to_string());
            report::Parameter { name: u.name.clone(), value: e.value, std_error: e.std_error, unit }
        })
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
    report::RunRecord {
        model: model.name.clone(),
        equations,
        plausible,
        parameters,
        noise,
        loss: findings
            .losses
            .iter()
            .enumerate()
            .map(|(i, (phase, loss))| report::LossPoint {
                iteration: i as u64 + 1,
                loss: *loss,
                phase: phase.to_string(),
            })
            .collect(),
        metrics: findings
            .metrics
            .iter()
            .map(|(name, part, value)| report::Metric { name: name.clone(), part: part.clone(), value: *value })
            .collect(),
        trajectories: observed.records(&findings.solution),
        warnings: findings.warnings.clone(),
        ..report::RunRecord::default()
    }
}
