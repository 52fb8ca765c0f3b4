//! Solve items and formulas: what they ask for, and in the user's terms, line by line, for `--emit hir` and `mechc expand`.

use super::{Bounds, DataId, Expr, InitialValue, Input, Model, ModelId, Names, ParamId, Unknown, UnknownKind, number};
use crate::base::{Arena, Between, Idx, SolvePrecision};

/// `solve run = Model { ... }`
#[derive(Clone, Debug, PartialEq)]
pub struct SolveSpec {
    /// The model as it is declared.
    pub of: ModelId,
    /// The same with a number for every parameter, so that all that is linear is in the linear parts.
    pub model: Box<Model>,
    /// Samples of the solution; with data as many as these have where it does not say.
    pub steps: Option<usize>,
    /// Their spacing; that of the data where it does not say.
    pub dt: Option<f64>,
    /// Values at the first time. With a periodic boundary they are a first guess only.
    pub initial: Vec<InitialValue>,
    /// The data that starts and inputs come from.
    pub data: Option<DataId>,
    /// How it is solved.
    pub scheme: SolveOptions,
}

/// How a relaxed solve is done.
#[derive(Clone, Debug, PartialEq)]
pub struct SolveOptions {
    /// Highest derivative that is kept.
    pub orders: usize,
    /// Truncated Taylor rows between neighbouring steps in place of Hermite's.
    pub taylor: bool,
    /// Central rows too.
    pub central: bool,
    /// A slack in the rows between steps.
    pub slack: bool,
    /// Whether the rows themselves are factored in place of their normal matrix.
    pub qr: bool,
    /// The arithmetic.
    pub precision: SolvePrecision,
    /// Corrections of a solve, of which there may be fewer or more.
    pub refinements: usize,
    /// Factors on equation, initial and smoothness rows.
    pub weights: [f64; 3],
}

/// `data run = formula { ... }`
#[derive(Clone, Debug, PartialEq)]
pub struct FormulaSpec {
    /// Time of the first sample.
    pub t0: f64,
    /// Spacing of the samples.
    pub dt: f64,
    /// Samples per trajectory.
    pub steps: usize,
    /// Columns: name and formula, whose unknowns are the draws.
    pub columns: Vec<(String, Expr)>,
    /// What random numbers are drawn anew for every sample.
    pub draws: Vec<Draw>,
    /// Their seed.
    pub seed: u64,
    /// How many trajectories.
    pub trajectories: usize,
}

/// A distribution of random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// Normal with mean 0 and standard deviation 1.
    Normal,
    /// Uniform between 0 and 1.
    Uniform,
}

/// What holds at the ends of a model's time beside initial values.
pub(super) fn boundary_lines(model: &Model) -> Vec<String> {
    let boundary = &model.boundary;
    let mut out = Vec::new();
    for start in &boundary.starts {
        let state = model.spell_state(start.state, start.derivative);
        let which = if start.last { "at last".to_string() } else { format!("for {} steps", start.steps) };
        out.push(format!("initial   {state} = data.{} {which}", start.column));
    }
    for value in &boundary.finals {
        out.push(format!("final     {}", spelled(model, value)));
    }
    if boundary.periodic.is_some() {
        out.push("boundary  periodic".to_string());
    }
    out
}

/// Steps that the model says are learned, and parameters with a number for each window.
pub(super) fn step_line(model: &Model) -> Vec<String> {
    let mut out = Vec::new();
    let names: Vec<&str> = model.params.values().filter(|p| p.per_sample).map(|p| p.name.as_str()).collect();
    if !names.is_empty() {
        out.push(format!("sample    {} per sample", names.join(", ")));
    }
    if let Some(step) = model.step {
        let init = step.init.map_or(String::new(), |init| format!(", first {}", number(init)));
        out.push(format!("step      {}{init}", if step.over_time { "over time" } else { "per sample" }));
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
    out.push(format!("method    {method}, {}, at most {} corrections", options.precision.name(), options.refinements));
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
    let names = Names { states: &states, inputs: &inputs, unknowns: &unknowns, units: None };
    let mut out = vec![format!("times     {} from {} by {}", spec.steps, number(spec.t0), number(spec.dt))];
    out.extend(spec.columns.iter().map(|(name, formula)| format!("column    {name} = {}", names.spell(formula))));
    out.push(format!("seed      {}, trajectories {}", spec.seed, spec.trajectories));
    out
}

/// A formula of columns of a file as it is written; names that are none stand in quotes.
pub(super) fn spell_columns(formula: &Expr, columns: &[String]) -> String {
    let mut inputs = Arena::new();
    for column in columns {
        let plain = column.chars().all(|c| c.is_alphanumeric() || c == '_');
        let name = if plain { column.clone() } else { format!("{column:?}") };
        inputs.push(Input { name, field: None, between: Between::Smooth, span: formula.span });
    }
    let (states, unknowns) = (Arena::new(), Arena::new());
    Names { states: &states, inputs: &inputs, unknowns: &unknowns, units: None }.spell(formula)
}
