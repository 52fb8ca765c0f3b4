//! The result as source: the model with its holes filled, which checks and simulates by itself.

use std::fmt::Write as _;

use super::findings::Findings;
use super::inside::{self, marked};
use super::simulations::{InputTable, Simulation};
use super::statements::written as behind_name;
use super::terms::{filled, idle_parameters, terms};
use crate::base::{Between, Idx};
use crate::diagnostics::Sink;
use crate::diagnostics::codes::W0802;
use crate::hir::{Equation, Expr, Model, Unit, UnitNumbers, Units, UnknownId, UnknownKind, spell_bounds};
use crate::source::{MemoryWorld, Sources};
use crate::{sema, syntax};

/// The text of `discovered.mech`. Numbers are written in full, so that the file simulates exactly what was found.
///
/// Constants of the model are numbers in it, with the units that they must have. Where these cannot be told, the file goes
/// without units, and says so.
pub fn discovered(model: &Model, findings: &Findings, simulations: &[Simulation], about: &[String]) -> String {
    let text = written(model, findings, simulations, about);
    if model.units == Units::default() || checks(&text) {
        return text;
    }
    let mut about = about.to_vec();
    about.push("without units: those of numbers inside terms cannot be told".to_string());
    written(&Model { units: Units::default(), ..model.clone() }, findings, simulations, &about)
}

/// Whether a text is a program without errors, and no number of it has lost its unit.
pub(super) fn checks(text: &str) -> bool {
    let (mut sources, mut sink) = (Sources::default(), Sink::new());
    let file = sources.add("discovered.mech", text);
    let tree = syntax::parse(file, text, &mut sink);
    let checks = sema::analyze(&tree, &MemoryWorld::new(), &[], &mut sources, &mut sink).is_some();
    checks && sink.into_sorted().iter().all(|d| d.code != W0802)
}

/// The declarations of the units that are the user's own.
pub(super) fn unit_declarations(model: &Model) -> Vec<String> {
    let mut declared: Vec<String> =
        model.units.all().flat_map(|u| u.symbols().filter_map(|s| s.declaration())).collect();
    // Bases come before what is made of them.
    declared.sort_by_key(|d| (d.contains('='), d.clone()));
    declared.dedup();
    declared
}

fn written(model: &Model, findings: &Findings, simulations: &[Simulation], about: &[String]) -> String {
    let mut out = String::new();
    let initial = simulations.first().map_or(&[][..], |s| &s.initial);
    for line in about {
        let _ = writeln!(out, "//! {line}");
    }
    for line in unit_declarations(model) {
        let _ = writeln!(out, "\n{line}");
    }
    if let Some(statements) = &model.statements {
        out.push_str(&super::statements::discovered(model, statements, findings, initial));
        simulate(&mut out, model, simulations);
        return settled(out);
    }
    let _ = writeln!(out, "\nmodel {} {{", model.name);
    if let Some(time) = &model.units.time {
        let _ = writeln!(out, "  time [{time}]");
    }
    for (id, state) in model.states.iter() {
        let order = if state.order > 1 { format!(" order {}", state.order) } else { String::new() };
        let unit = behind_name(model.units.state(id));
        let _ = writeln!(out, "  state {}{unit}{order}", state.name);
    }
    let idle = idle_parameters(model, &|id| findings.estimates.get(id.index()).is_none_or(|e| e.kept));
    for (id, unknown) in model.unknowns.iter().filter(|(id, _)| !idle.contains(id)) {
        if let UnknownKind::Param(_) = unknown.kind {
            let estimate = &findings.estimates[id.index()];
            let error = match estimate.std_error {
                Some(e) => format!("  // standard error {e:.2e}"),
                None => String::new(),
            };
            let range = spell_bounds(unknown.bounds);
            let unit = behind_name(model.units.unknown(id));
            let _ = writeln!(out, "  param {}{unit} = {}{range}{error}", unknown.name, number(estimate.value));
        }
    }
    for between in Between::ALL {
        let of_kind = model.inputs.iter().filter(|(_, i)| i.field.is_none() && i.between == between);
        let names: Vec<String> = of_kind.map(|(id, i)| i.name.clone() + &behind_name(model.units.input(id))).collect();
        if !names.is_empty() {
            let _ = writeln!(out, "  input {}{}", names.join(", "), between.suffix());
        }
    }
    for (field, start) in model.inputs.values().filter_map(|i| Some((&i.name, i.field?))) {
        let _ = writeln!(out, "  field {field} over time init uniform({}, {})", number(start.low), number(start.high));
    }
    for equation in &model.equations {
        let _ = writeln!(out, "  {} = {}", left(model, equation), right(model, equation, findings));
    }
    let mut at = initial.iter();
    let mut starts = Vec::new();
    for state in model.states.values() {
        for k in 0..state.order {
            let value = at.next().copied().unwrap_or(0.0);
            starts.push(format!("{}{} = {}", state.name, "'".repeat(k.into()), number(value)));
        }
    }
    let _ = writeln!(out, "  initial {}", starts.join(", "));
    let _ = writeln!(out, "}}");
    simulate(&mut out, model, simulations);
    settled(out)
}

/// The blocks that simulate the model on the grids of the data. The first starts from the model's initial values.
fn simulate(out: &mut String, model: &Model, simulations: &[Simulation]) {
    if model.inputs.values().any(|input| input.field.is_some()) {
        return;
    }
    for (k, simulation) in simulations.iter().enumerate() {
        let values: Vec<String> = simulation.initial.iter().map(|&v| number(v)).collect();
        let from = match k {
            0 => String::new(),
            _ => format!("; from ({})", values.join(", ")),
        };
        let own: Vec<String> = simulation.own.iter().map(|(name, v)| format!("{name} = {}", number(*v))).collect();
        let with = if own.is_empty() { String::new() } else { format!("({})", own.join(", ")) };
        let (name, steps, dt) = (&simulation.name, simulation.steps, number(simulation.dt));
        let start =
            if simulation.start == 0.0 { String::new() } else { format!("; start {}", number(simulation.start)) };
        let about = if simulation.of.is_empty() {
            String::new()
        } else {
            format!("/// From the start of {}.\n", simulation.of)
        };
        let of = &model.name;
        let grid = match &simulation.inputs {
            None => format!("steps {steps}; dt {dt}{start}"),
            Some(InputTable { name, file, .. }) => {
                let _ = writeln!(out, "\ndata {name} = csv(\"{file}\") {{ time t; spacing irregular }}");
                format!("data {name}")
            }
        };
        let _ = writeln!(out, "\n{about}data {name} = simulate {of}{with} {{ {grid}{from}; noise 0 }}");
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
    let whole = top_unit(model, equation);
    let terms = equation.linear.iter().map(|term| {
        let state = model.spell_state(term.state, term.derivative);
        let unit = || Some(whole.as_ref()?.over(&model.units.derivative(term.state, term.derivative)?));
        let coefficient = match unit() {
            Some(unit) => model.spell_in(&term.coefficient, &unit),
            None => model.spell(&term.coefficient),
        };
        match coefficient.as_str() {
            "1" => state,
            coefficient => format!("({coefficient})*{state}"),
        }
    });
    terms.collect::<Vec<_>>().join(" + ")
}

/// Known terms and what was found, zero terms left out.
fn right(model: &Model, equation: &Equation, findings: &Findings) -> String {
    let values: Vec<f64> = findings.estimates.iter().map(|e| e.value).collect();
    let mut numbers = UnitNumbers::new(model, marked(model), number);
    // A number carries what the rest of its term lacks.
    let whole = top_unit(model, equation);
    let unit = |name: Option<UnknownId>, rest: Option<&Unit>| -> Option<Unit> {
        let own = match name {
            Some(id) => model.units.unknown(id)?.clone(),
            None => Unit::one(),
        };
        let rest = rest.cloned().unwrap_or_default();
        whole.as_ref().map(|w| w.over(&own).over(&rest).beside(&rest)).filter(|u| !u.is_one())
    };
    let mut out = String::new();
    let mut add = |coefficient: f64, id: Option<UnknownId>, rest: Option<&Expr>| {
        let of_rest = rest.and_then(|rest| numbers.unit_of(rest));
        let unit = if rest.is_some() && of_rest.is_none() { None } else { unit(id, of_rest.as_ref()) };
        let name = id.map(|id| model.unknowns[id].name.clone());
        let mut factors: Vec<String> = Vec::new();
        let size = coefficient.abs();
        if size != 1.0 || unit.is_some() || (name.is_none() && rest.is_none()) {
            factors.push(number(size) + &behind_name(unit.as_ref()));
        }
        factors.extend(name);
        if let Some(rest) = rest {
            let given = of_rest.filter(|_| whole.is_some()).map(|unit| numbers.give(rest, &unit));
            factors.push(numbers.names().spell_factor(given.as_ref().unwrap_or(rest)));
        }
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
        for part in terms(&filled(model, known, &values)) {
            add(part.coefficient, None, part.rest.as_ref());
        }
    }
    for term in &equation.unknowns {
        let estimate = &findings.estimates[term.unknown.index()];
        let unknown = &model.unknowns[term.unknown];
        for part in terms(&filled(model, &term.factor, &values)) {
            match unknown.kind {
                UnknownKind::Param(_) => add(part.coefficient, Some(term.unknown), part.rest.as_ref()),
                UnknownKind::Coefficient { .. } if !estimate.kept => {}
                UnknownKind::Coefficient { .. } => add(part.coefficient * estimate.value, None, part.rest.as_ref()),
            }
        }
    }
    if out.is_empty() { "0".to_string() } else { inside::written(model, findings, &out, number) }
}

/// The unit of an equation: that of its highest derivative, unless something without a known unit multiplies that.
fn top_unit(model: &Model, equation: &Equation) -> Option<Unit> {
    let order = model.states[equation.state].order;
    let top = equation.linear.iter().find(|t| (t.state, t.derivative) == (equation.state, order))?;
    let own = UnitNumbers::new(model, model.unknowns.clone(), number).unit_of(&top.coefficient)?;
    Some(model.units.derivative(equation.state, order)?.times(&own))
}

/// A number that reads back to the same bits.
pub(super) fn number(value: f64) -> String {
    let plain = format!("{value}");
    let scientific = format!("{value:e}");
    if plain.len() <= scientific.len() + 3 { plain } else { scientific }
}
