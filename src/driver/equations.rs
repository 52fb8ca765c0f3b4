//! The equations that were found, term by term.

use super::findings::Findings;
use super::inside::{Speller, settled};
use super::terms::{Term, coefficient, filled, terms};
use crate::base::{Idx, IndexMap};
use crate::hir::{self, Equation, Expr, Model, Unit, UnknownId, UnknownKind};
use crate::report;

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
        Some(rest) => {
            let of_rest = model.unit_of(rest).or_else(|| speller.unit_by_names(rest))?;
            Some(left.as_ref()?.over(&of_rest))
        }
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
            let by = part.coefficient / top;
            // Its sign is before it.
            let (size, of, rest) = match found {
                Some((id, rest)) => {
                    let value = findings.estimates[id.index()].value;
                    (value.abs(), Some((id, by * value.signum())), rest)
                }
                None => (1.0, None, part.rest),
            };
            let of_rest = rest.as_ref().and_then(|rest| model.unit_of(rest)).unwrap_or_default();
            let unit = unit(rest.as_ref()).map(|unit| if constant { unit.beside(&of_rest) } else { unit });
            sum.add(spell(rest.as_ref()), by * size, of, unit);
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
            sum.add(spelled, by * estimate.value, Some((term.unknown, by)), unit);
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
    parts: IndexMap<String, Coefficient>,
}

/// A coefficient of an equation.
#[derive(Default)]
struct Coefficient {
    value: f64,
    /// The unknowns in it and how much of each.
    of: Vec<(UnknownId, f64)>,
    unit: Option<Unit>,
}

impl Sum {
    fn add(&mut self, term: String, value: f64, of: Option<(UnknownId, f64)>, unit: Option<Unit>) {
        let entry = self.parts.entry(term).or_insert_with(|| Coefficient { unit, ..Coefficient::default() });
        entry.value += value;
        entry.of.extend(of);
    }

    fn terms(self, model: &Model, findings: &Findings) -> Vec<report::Term> {
        let term = |(marked, coefficient): (String, Coefficient)| {
            let (term, inside) = settled(model, findings, &marked);
            let (std_error, unit) = (findings.error_of(&coefficient.of), coefficient.unit.map(|u| u.to_string()));
            report::Term { term, coefficient: coefficient.value, std_error, unit, inside }
        };
        self.parts.into_iter().map(term).collect()
    }
}
