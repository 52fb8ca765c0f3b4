//! Solve items and formulas in the user's terms, line by line: for `--emit hir` and `mechc expand`.

use super::{Draw, FormulaSpec, InitialValue, Model, Names, SolveSpec, Unknown, UnknownKind, number};
use super::{Bounds, ParamId};
use crate::base::{Arena, Idx};

/// What holds at the ends of a model's time beside initial values.
pub(super) fn boundary_lines(model: &Model) -> Vec<String> {
    let boundary = &model.boundary;
    let mut out = Vec::new();
    for start in &boundary.starts {
        let state = model.spell_state(start.state, start.derivative);
        out.push(format!("initial   {state} = data.{} for {} steps", start.column, start.steps));
    }
    for value in &boundary.finals {
        out.push(format!("final     {}", spelled(model, value)));
    }
    if boundary.periodic.is_some() {
        out.push("boundary  periodic".to_string());
    }
    out
}

fn spelled(model: &Model, value: &InitialValue) -> String {
    format!("{} = {}", model.spell_state(value.state, value.derivative), number(value.value))
}

/// A solve item after its name; `data` is the name of the data that inputs and starts come from.
pub(super) fn solve_lines(spec: &SolveSpec, data: Option<&str>) -> Vec<String> {
    let (model, options) = (spec.model.as_ref(), &spec.scheme);
    let mut out = Vec::new();
    let steps = spec.steps.map_or("as many as the data".to_string(), |n| n.to_string());
    let dt = spec.dt.map_or("that of the data".to_string(), number);
    out.push(format!("steps     {steps}, dt {dt}"));
    out.push(match model.is_linear() {
        true => "linear    in its states: one least-squares problem, solved once".to_string(),
        false => "linear    no: solved again around the last solution until it stays".to_string(),
    });
    for param in model.params.values() {
        out.push(format!("given     {} = {}", param.name, param.value.map_or("?".to_string(), number)));
    }
    let guess = if model.boundary.periodic.is_some() { "guess    " } else { "initial  " };
    out.extend(spec.initial.iter().map(|v| format!("{guess} {}", spelled(model, v))));
    out.extend(boundary_lines(model));
    if let Some(data) = data {
        out.push(format!("data      {data}"));
    }
    let rows = if options.taylor { "taylor" } else { "hermite" };
    let on = |name: &str, on: bool| if on { format!(", {name}") } else { String::new() };
    out.push(format!(
        "rows      {rows}{}{}, derivatives up to {}",
        on("central", options.central),
        on("slack", options.slack),
        options.orders
    ));
    let method = if options.qr { "qr" } else { "normal" };
    out.push(format!(
        "method    {method}, {}, at most {} corrections",
        options.precision.name(),
        options.refinements
    ));
    if options.weights != [1.0; 3] {
        out.push(format!("weights   ({})", options.weights.map(number).join(", ")));
    }
    out
}

/// A formula data set after its name.
pub(super) fn formula_lines(spec: &FormulaSpec) -> Vec<String> {
    let mut unknowns = Arena::new();
    for draw in &spec.draws {
        let name = match draw {
            Draw::Normal => "normal()",
            Draw::Uniform => "uniform()",
        };
        let kind = UnknownKind::Param(ParamId::new(unknowns.len()));
        unknowns.push(Unknown { kind, name: name.to_string(), start: None, bounds: Bounds::FREE, linear: false });
    }
    let (states, inputs) = (Arena::new(), Arena::new());
    let names = Names { states: &states, inputs: &inputs, unknowns: &unknowns };
    let mut out = vec![format!("times     {} from {} by {}", spec.steps, number(spec.t0), number(spec.dt))];
    out.extend(spec.columns.iter().map(|(name, formula)| format!("column    {name} = {}", names.spell(formula))));
    out.push(format!("seed      {}, trajectories {}", spec.seed, spec.trajectories));
    out
}
