//! Julia for ModelingToolkit, version 10 and later.

use std::fmt::Write as _;

use super::components::components;
use super::names::{Rules, Table, ascii, derivative, numbered};
use super::notes::of_name;
use super::rounding::float;
use super::{ExportError, System, greek};
use crate::hir::{Bounds, Compare, Expr, ExprKind, Level, Notation, Piece, UnaryFn, fraction_of};

const RULES: Rules = Rules {
    legal,
    again: numbered,
    derivative: Some(derivative),
    model: true,
    time: "t",
    reserved: "baremodule begin break catch const continue do else elseif end export false finally for function global if \
        import in isa let local macro module public quote return struct true try using where while outer abstract \
        mutable primitive type nothing missing undef NaN Inf pi π im ans _ __ \
        t D System mtkcompile ModelingToolkit Base Core Main equations unknowns parameters abs sqrt exp log sin cos \
        tan asin acos atan sinh cosh tanh sign min max ifelse eqs vars pars system \
        Any Array Bool Char Complex Dict Differential Equation Expr Float64 Function Int Int64 Integer Matrix Nothing Num \
        Number Pair Real Set String Symbol Symbolics Tuple Type Vector identity isequal one zero",
};

/// Julia has the letters of most scripts; those it may fold together, and those outside of Latin and Greek, are spelled out.
fn legal(name: &str) -> String {
    let kept = |c: char| matches!(c, 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ſ') || (greek::name(c).is_some() && c != 'µ');
    let name: String = name.chars().map(|c| if kept(c) { c.to_string() } else { ascii(&c.to_string()) }).collect();
    // A name of nothing but underscores can be assigned, and not read.
    if name.bytes().all(|b| b == b'_') { format!("v{name}") } else { name }
}

pub(super) fn write(system: &System<'_>) -> Result<String, ExportError> {
    let table = Table::new(system.model, &RULES);
    let julia = Julia { table: &table };
    let components = components(system, &table);
    let mut out = system.head("#");
    out.push_str("using ModelingToolkit\nusing ModelingToolkit: t_nounits as t, D_nounits as D\n\n");
    if !system.parameters.is_empty() {
        out.push_str("pars = @parameters begin\n");
        for (parameter, name) in system.parameters.iter().zip(&table.unknowns) {
            let mut about = description(system, name, &parameter.name);
            if parameter.bounds != Bounds::FREE {
                let ends = (end(parameter.bounds.lower), end(parameter.bounds.upper));
                about.push(format!("bounds = ({}, {})", ends.0, ends.1));
            }
            let error = parameter.std_error.map_or_else(String::new, |e| format!("  # standard error {}", float(e)));
            let _ = writeln!(out, "    {name} = {}{}{error}", float(parameter.value), metadata(&about));
        }
        out.push_str("end\n");
    } else {
        out.push_str("pars = []\n");
    }
    out.push_str("vars = @variables begin\n");
    for component in &components {
        let start = component.initial.map_or_else(String::new, |v| format!(" = {}", float(v)));
        let about = description(system, &component.name, &component.spelled);
        let _ = writeln!(out, "    {}(t){start}{}", component.name, metadata(&about));
    }
    for (input, name) in system.model.inputs.values().zip(&table.inputs) {
        let mut about = description(system, name, &input.name);
        about.push("input = true".to_string());
        let _ = writeln!(out, "    {name}(t){}", metadata(&about));
    }
    out.push_str("end\neqs = [\n");
    for component in &components {
        let flow = component.flow.text(&julia)?;
        let _ = writeln!(out, "    D({}) ~ {flow}", component.name);
    }
    let _ = writeln!(out, "]\n@named {} = System(eqs, t, vars, pars)", table.model);
    match table.inputs.is_empty() {
        true => {
            let _ = writeln!(out, "system = mtkcompile({})", table.model);
        }
        false => {
            let _ = writeln!(out, "system = mtkcompile({}; inputs = [{}])", table.model, table.inputs.join(", "));
        }
    }
    Ok(out)
}

/// The name in the model where it is another one, and its unit. The independent variable has none in `t_nounits`, and unit metadata
/// would be checked against it, so the unit is a text.
fn description(system: &System<'_>, name: &str, spelled: &str) -> Vec<String> {
    let unit = of_name(system.model, spelled).map(|unit| format!("in {unit}"));
    let words: Vec<String> = (name != spelled).then(|| spelled.to_string()).into_iter().chain(unit).collect();
    if words.is_empty() { Vec::new() } else { vec![format!("description = \"{}\"", words.join(" "))] }
}

fn metadata(entries: &[String]) -> String {
    if entries.is_empty() { String::new() } else { format!(", [{}]", entries.join(", ")) }
}

fn end(v: f64) -> String {
    match v {
        f64::INFINITY => "Inf".to_string(),
        f64::NEG_INFINITY => "-Inf".to_string(),
        v => float(v),
    }
}

struct Julia<'a> {
    table: &'a Table,
}

impl Notation for Julia<'_> {
    type Error = ExportError;

    fn number(&self, value: f64) -> String {
        float(value)
    }

    /// Alone it is no floating-point number there.
    fn multiple_of_pi(&self, above: u32, below: u32) -> Option<Piece> {
        ((above, below) != (1, 1)).then(|| fraction_of("pi", above, below))
    }

    fn name(&self, leaf: &ExprKind) -> Result<Piece, ExportError> {
        Ok(self.table.leaf(leaf))
    }

    fn function(&self, f: UnaryFn, a: Piece) -> Result<Piece, ExportError> {
        let name = if f == UnaryFn::Ln { "log" } else { f.name() };
        Ok(Piece::atom(format!("{name}({})", a.text)))
    }

    fn select(&self, compare: Compare, pieces: [Piece; 4], _: &[Expr; 4]) -> Result<Piece, ExportError> {
        let [a, b, x, y] = pieces.map(|p| p.text);
        Ok(Piece::new(format!("ifelse({a} {} {b}, {x}, {y})", compare.name()), Level::Atom))
    }
}
