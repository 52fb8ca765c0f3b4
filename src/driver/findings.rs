//! What either engine found, in one form, and the record made from it.

use super::bound::Bound;
use super::inside::{Speller, settled};
use super::kinds::Told;
use super::observed::Observed;
use super::predict::{self, Forecast};
use super::terms::{Term, coefficient, filled, idle_parameters, terms, unheld_parameters};
use super::varying::Varying;
use crate::base::{Idx, IndexMap};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1121;
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
    /// Where the data follow no trajectory of the model exactly, the reason as far as the fit alone tells it.
    pub deviates: Option<String>,
    /// What the user should know before trusting the result.
    pub warnings: Vec<Told>,
    /// The same, of what has a place in the model file.
    pub remarks: Vec<Diagnostic>,
    /// Unknowns that differ from window to window, or from trajectory to trajectory.
    pub bound: Option<Bound>,
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

    /// The unknowns of a fitted trajectory.
    pub fn unknowns_of(&self, trajectory: usize) -> Vec<f64> {
        self.own.get(trajectory).cloned().unwrap_or_else(|| self.unknowns())
    }

    /// The unknowns as the equations show them.
    pub fn unknowns(&self) -> Vec<f64> {
        self.estimates.iter().map(|e| e.value).collect()
    }
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
    let speller = Speller::new(model);
    let values: Vec<f64> = findings.estimates.iter().map(|e| e.value).collect();
    let mut sum = Sum::default();
    let is_top = |t: &&hir::LinearTerm| (t.state, t.derivative) == (equation.state, state.order);
    let leading = equation.linear.iter().find(is_top).map(|t| &t.coefficient);
    let top = leading.and_then(|c| c.as_number()).unwrap_or(1.0);
    // A coefficient that is no number divides every term by name.
    let below = leading.filter(|c| c.as_number().is_none()).map(|c| model.spell(c));
    // What is printed is a number times a term, so its unit is that of the left side over that of the term.
    let left = model.units.derivative(equation.state, state.order);
    let left = match leading.filter(|c| c.as_number().is_none()) {
        Some(below) => left.as_ref().zip(model.unit_of(below)).map(|(left, below)| left.times(&below)),
        None => left,
    };
    let unit = |rest: Option<&Expr>| match rest {
        None => left.clone(),
        Some(rest) => Some(left.as_ref()?.over(&model.unit_of(rest)?)),
    };
    let divided = |term: String| match &below {
        Some(below) if below.chars().all(|c| c.is_alphanumeric() || c == '_') => format!("{term}/{below}"),
        Some(below) => format!("{term}/({below})"),
        None => term,
    };
    let spell = |expr: Option<&Expr>| divided(expr.map_or_else(|| "1".to_string(), |e| speller.spell_factor(e)));
    for term in equation.linear.iter().filter(|t| !is_top(t)) {
        let spelled = model.spell_state(term.state, term.derivative);
        let over = |unit: Unit| Some(unit.over(&model.units.derivative(term.state, term.derivative)?));
        for part in terms(&term.coefficient) {
            let unit = unit(part.rest.as_ref()).and_then(over);
            match &part.rest {
                None => sum.add(divided(spelled.clone()), -part.coefficient / top, None, unit),
                Some(rest) => {
                    let name = matches!(rest.kind, hir::ExprKind::Input(_) | hir::ExprKind::Time);
                    let factor = if name { model.spell(rest) } else { format!("({})", model.spell(rest)) };
                    sum.add(divided(format!("{factor}*{spelled}")), -part.coefficient / top, None, unit);
                }
            }
        }
    }
    if let Some(known) = &equation.known {
        for part in terms(&filled(model, known, &values)) {
            // A coefficient that enters nonlinearly elsewhere may be a factor here.
            let found = part.rest.as_ref().and_then(|rest| coefficient(model, rest));
            let constant = found.is_none();
            let (size, error, rest) = match found {
                Some((id, rest)) => {
                    let estimate = &findings.estimates[id.index()];
                    (estimate.value.abs(), estimate.std_error, rest)
                }
                None => (1.0, None, part.rest),
            };
            let by = part.coefficient / top;
            let of_rest = rest.as_ref().and_then(|rest| model.unit_of(rest)).unwrap_or_default();
            let unit = unit(rest.as_ref()).map(|unit| if constant { unit.beside(&of_rest) } else { unit });
            sum.add(spell(rest.as_ref()), by * size, error.map(|e| e * by.abs()), unit);
        }
    }
    for term in &equation.unknowns {
        let estimate = &findings.estimates[term.unknown.index()];
        if !estimate.kept {
            continue;
        }
        let factor = filled(model, &term.factor, &values);
        for part in terms(&factor) {
            let spelled = match model.unknowns[term.unknown].kind {
                UnknownKind::Coefficient { hole, term: at } => {
                    let candidate = &model.holes[hole].terms[at];
                    // As it was written, unless a number in it has gone into the coefficient.
                    let same = |t: &Term| t.coefficient == 1.0 && t.rest == part.rest;
                    if terms(&candidate.value).first().is_some_and(same) {
                        divided(model.spell_candidate(candidate))
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
        terms: sum.terms(model, findings),
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

    fn terms(self, model: &Model, findings: &Findings) -> Vec<report::Term> {
        let term = |(marked, (coefficient, std_error, unit)): (String, (f64, Option<f64>, Option<Unit>))| {
            let (term, inside) = settled(model, findings, &marked);
            report::Term { term, coefficient, std_error, unit: unit.map(|u| u.to_string()), inside }
        };
        self.parts.into_iter().map(term).collect()
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

/// Why a parameter with this estimate has no standard error: whether no equation holds it, or every term with it was `dropped`.
fn without_error(
    (model, unknown): (&Model, &hir::Unknown),
    value: f64,
    (unheld, dropped): (bool, bool),
) -> &'static str {
    let at = |end: f64| end.is_finite() && (value - end).abs() <= 1e-9 * end.abs().max(1e-300);
    match () {
        () if unheld => "no equation holds it",
        () if dropped => "every term with it was dropped",
        () if model.is_per_sample(unknown) => "mean over the trajectories",
        () if at(unknown.bounds.lower) || at(unknown.bounds.upper) => "at the end of its range",
        () => "not determined by these data",
    }
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
            // A start at zero says nothing of the size that counts.
            let scale = u.start.filter(|start| *start != 0.0).map(|start| e.value.abs().max(start.abs()));
            let undetermined = e.std_error.zip(scale).is_some_and(|(error, scale)| error > UNDETERMINED * scale);
            report::Parameter {
                name: u.name.clone(),
                value: e.value,
                std_error: e.std_error,
                unit,
                held: false,
                undetermined,
                // By gradient no number has an error.
                without_error: (e.std_error.is_none() && !findings.noise.is_empty()).then(|| {
                    let dropped = idle.contains(&id);
                    without_error((model, u), e.value, (unheld.contains(&id), dropped)).to_string()
                }),
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
