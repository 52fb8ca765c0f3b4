//! The result as source: the model with its holes filled, which checks and simulates by itself.

use std::fmt::Write as _;

use super::findings::Findings;
use crate::base::Idx;
use crate::hir::{Equation, Model, UnknownKind};

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
    let inputs: Vec<&str> = model.inputs.values().map(|i| i.name.as_str()).collect();
    if !inputs.is_empty() {
        let _ = writeln!(out, "  input {}", inputs.join(", "));
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
    if model.inputs.is_empty() {
        let _ = writeln!(
            out,
            "\ndata solution = simulate {} {{ steps {}; dt {}; noise 0 }}",
            model.name,
            simulation.steps,
            number(simulation.dt)
        );
    }
    out
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
    let mut parts: Vec<String> = Vec::new();
    if let Some(known) = &equation.known {
        parts.push(format!("({})", model.spell(known)));
    }
    for term in &equation.unknowns {
        let estimate = &findings.estimates[term.unknown.index()];
        let unknown = &model.unknowns[term.unknown];
        let factor = model.spell(&term.factor);
        match unknown.kind {
            UnknownKind::Param(_) => parts.push(format!("{}*({factor})", unknown.name)),
            UnknownKind::Coefficient { .. } if !estimate.kept => {}
            UnknownKind::Coefficient { .. } => match factor.as_str() {
                "1" => parts.push(number(estimate.value)),
                _ => parts.push(format!("{}*({factor})", number(estimate.value))),
            },
        }
    }
    if parts.is_empty() {
        return "0".to_string();
    }
    parts.join(" + ").replace("+ -", "- ")
}

/// A number that reads back to the same bits.
fn number(value: f64) -> String {
    let plain = format!("{value}");
    let scientific = format!("{value:e}");
    if plain.len() <= scientific.len() + 3 { plain } else { scientific }
}
