//! The result as source: the model with its holes filled, which checks and simulates by itself.

use std::fmt::Write as _;

use super::findings::Findings;
use super::terms::{filled, terms};
use crate::base::Idx;
use crate::diagnostics::Sink;
use crate::hir::{BinaryOp, Equation, Expr, ExprKind, Model, UnknownKind};
use crate::source::Sources;
use crate::syntax;

/// A start and a grid for the simulation block of the file.
pub struct Simulation {
    /// Value of every component at the first time, in the order of the first-order system.
    pub initial: Vec<f64>,
    /// Samples.
    pub steps: usize,
    /// Their spacing.
    pub dt: f64,
}

/// The text of `discovered.mech`. Numbers are written in full, so that the file simulates exactly what was found.
pub fn discovered(model: &Model, findings: &Findings, simulation: &Simulation, about: &[String]) -> String {
    let mut out = String::new();
    for line in about {
        let _ = writeln!(out, "//! {line}");
    }
    if let Some(statements) = &model.statements {
        out.push_str(&super::statements::discovered(model, statements, findings, simulation));
        simulate(&mut out, model, simulation);
        return settled(out);
    }
    let _ = writeln!(out, "\nmodel {} {{", model.name);
    for state in model.states.values() {
        let order = if state.order > 1 { format!(" order {}", state.order) } else { String::new() };
        let _ = writeln!(out, "  state {}{order}", state.name);
    }
    for (id, unknown) in model.unknowns.iter() {
        if let UnknownKind::Param(_) = unknown.kind {
            let estimate = &findings.estimates[id.index()];
            let error = match estimate.std_error {
                Some(e) => format!("  // standard error {e:.2e}"),
                None => String::new(),
            };
            let _ = writeln!(out, "  const {} = {}{error}", unknown.name, number(estimate.value));
        }
    }
    let inputs = model.inputs.values().filter(|i| i.field.is_none());
    let inputs: Vec<&str> = inputs.map(|i| i.name.as_str()).collect();
    if !inputs.is_empty() {
        let _ = writeln!(out, "  input {}", inputs.join(", "));
    }
    for (field, start) in model.inputs.values().filter_map(|i| Some((&i.name, i.field?))) {
        let _ = writeln!(out, "  field {field} over time init uniform({}, {})", number(start.low), number(start.high));
    }
    for equation in &model.equations {
        let _ = writeln!(out, "  {} = {}", left(model, equation), right(model, equation, findings));
    }
    let mut at = simulation.initial.iter();
    let mut starts = Vec::new();
    for state in model.states.values() {
        for k in 0..state.order {
            let value = at.next().copied().unwrap_or(0.0);
            starts.push(format!("{}{} = {}", state.name, "'".repeat(k.into()), number(value)));
        }
    }
    let _ = writeln!(out, "  initial {}", starts.join(", "));
    let _ = writeln!(out, "}}");
    simulate(&mut out, model, simulation);
    settled(out)
}

/// The block that simulates the model on the grid of the data.
fn simulate(out: &mut String, model: &Model, simulation: &Simulation) {
    if model.inputs.is_empty() {
        let _ = writeln!(
            out,
            "\ndata solution = simulate {} {{ steps {}; dt {}; noise 0 }}",
            model.name,
            simulation.steps,
            number(simulation.dt)
        );
    }
}

/// The text in the layout of `mechc fmt`.
fn settled(text: String) -> String {
    let mut sources = Sources::default();
    let file = sources.add("discovered.mech", "");
    syntax::format(file, &text, &mut Sink::new()).unwrap_or(text)
}

/// The linear part, `x'` in most models.
fn left(model: &Model, equation: &Equation) -> String {
    let terms = equation.linear.iter().map(|term| {
        let state = model.spell_state(term.state, term.derivative);
        match model.spell(&term.coefficient).as_str() {
            "1" => state,
            coefficient => format!("({coefficient})*{state}"),
        }
    });
    terms.collect::<Vec<_>>().join(" + ")
}

/// Known terms and what was found, zero terms left out.
fn right(model: &Model, equation: &Equation, findings: &Findings) -> String {
    let values: Vec<f64> = findings.estimates.iter().map(|e| e.value).collect();
    let exact = |v: f64| v;
    let mut out = String::new();
    let mut add = |coefficient: f64, name: Option<&str>, rest: Option<&Expr>| {
        let mut factors: Vec<String> = Vec::new();
        let size = coefficient.abs();
        if size != 1.0 || (name.is_none() && rest.is_none()) {
            factors.push(number(size));
        }
        factors.extend(name.map(str::to_string));
        factors.extend(rest.map(|rest| match &rest.kind {
            ExprKind::Binary(BinaryOp::Add | BinaryOp::Sub, ..) => format!("({})", model.spell(rest)),
            _ => model.spell(rest),
        }));
        let sign = match (coefficient < 0.0, out.is_empty()) {
            (true, true) => "-",
            (true, false) => " - ",
            (false, true) => "",
            (false, false) => " + ",
        };
        out.push_str(sign);
        out.push_str(&factors.join("*"));
    };
    if let Some(known) = &equation.known {
        for part in terms(&filled(model, known, &values, &exact)) {
            add(part.coefficient, None, part.rest.as_ref());
        }
    }
    for term in &equation.unknowns {
        let estimate = &findings.estimates[term.unknown.index()];
        let unknown = &model.unknowns[term.unknown];
        for part in terms(&filled(model, &term.factor, &values, &exact)) {
            match unknown.kind {
                UnknownKind::Param(_) => add(part.coefficient, Some(&unknown.name), part.rest.as_ref()),
                UnknownKind::Coefficient { .. } if !estimate.kept => {}
                UnknownKind::Coefficient { .. } => add(part.coefficient * estimate.value, None, part.rest.as_ref()),
            }
        }
    }
    if out.is_empty() { "0".to_string() } else { out }
}

/// A number that reads back to the same bits.
pub(super) fn number(value: f64) -> String {
    let plain = format!("{value}");
    let scientific = format!("{value:e}");
    if plain.len() <= scientific.len() + 3 { plain } else { scientific }
}
