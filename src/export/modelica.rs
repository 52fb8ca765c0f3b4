//! A Modelica model (language version 3.4 and later).

use std::fmt::Write as _;

use super::components::components;
use super::names::{Rules, Table, ascii, derivative, numbered};
use super::notes::{in_seconds, modelica as modelica_unit, of_name};
use super::rounding::float;
use super::{ExportError, System};
use crate::hir::{Compare, Expr, ExprKind, Level, Notation, Piece, UnaryFn, number};

const RULES: Rules = Rules {
    legal: ascii,
    again: numbered,
    derivative: Some(derivative),
    model: true,
    time: "time",
    reserved: "algorithm and annotation assert block break class connect connector constant constrainedby der discrete each \
        else elseif elsewhen encapsulated end enumeration equation expandable extends external false final flow for \
        function if import impure in initial inner input loop model not operator or outer output package parameter \
        partial protected public pure record redeclare replaceable return stream then true type when while within \
        Real Integer Boolean String Clock StateSelect ExternalObject AssertionLevel time abs sign sqrt div mod rem \
        ceil floor integer sin cos tan asin acos atan atan2 sinh cosh tanh exp log log10 min max sum product delay \
        cardinality homotopy semiLinear inStream actualStream spatialDistribution getInstanceName terminal noEvent \
        smooth sample pre edge change reinit terminate size ndims scalar vector matrix identity diagonal zeros ones \
        fill linspace transpose outerProduct symmetric cross skew cat promote Modelica Connections hold previous",
};

pub(super) fn write(system: &System<'_>) -> Result<String, ExportError> {
    let table = Table::new(system.model, &RULES);
    let modelica = Modelica { table: &table };
    let components = components(system, &table);
    let mut out = system.head("//");
    let _ = writeln!(out, "model {}", table.model);
    for (parameter, name) in system.parameters.iter().zip(&table.unknowns) {
        let mut range: Vec<String> = unit(system, &parameter.name).into_iter().collect();
        if parameter.bounds.lower.is_finite() {
            range.push(format!("min = {}", number(parameter.bounds.lower)));
        }
        if parameter.bounds.upper.is_finite() {
            range.push(format!("max = {}", number(parameter.bounds.upper)));
        }
        let range = if range.is_empty() { String::new() } else { format!("({})", range.join(", ")) };
        let error = parameter.std_error.map_or_else(String::new, |e| format!("  // standard error {}", number(e)));
        let about = comment(name, &parameter.name);
        let _ = writeln!(out, "  parameter Real {name}{range} = {}{about};{error}", number(parameter.value));
    }
    for (input, name) in system.model.inputs.values().zip(&table.inputs) {
        let unit = unit(system, &input.name).map_or_else(String::new, |unit| format!("({unit})"));
        let _ = writeln!(out, "  input Real {name}{unit}{};", comment(name, &input.name));
    }
    for component in &components {
        let start = component.initial.map(|v| format!("start = {}, fixed = true", number(v)));
        let attributes: Vec<String> = start.into_iter().chain(unit(system, &component.spelled)).collect();
        let start = if attributes.is_empty() { String::new() } else { format!("({})", attributes.join(", ")) };
        let _ = writeln!(out, "  Real {}{start}{};", component.name, comment(&component.name, &component.spelled));
    }
    out.push_str("equation\n");
    for component in &components {
        let flow = component.flow.text(&modelica)?;
        let _ = writeln!(out, "  der({}) = {flow};", component.name);
    }
    if let Some(start) = system.start_if_late() {
        let _ = writeln!(out, "  annotation(experiment(StartTime = {}));", number(start));
    }
    let _ = writeln!(out, "end {};", table.model);
    Ok(out)
}

/// The `unit` attribute of a name of the model. Modelica's time is in seconds: in a model with another unit of the time, rates and
/// units would contradict each other, and the units stand in the head alone.
fn unit(system: &System<'_>, name: &str) -> Option<String> {
    let unit = in_seconds(system.model).then(|| of_name(system.model, name)).flatten();
    Some(format!("unit = \"{}\"", unit.and_then(modelica_unit)?))
}

/// A description where the name is another one than in the model.
fn comment(name: &str, spelled: &str) -> String {
    if name == spelled { String::new() } else { format!(" \"{spelled}\"") }
}

struct Modelica<'a> {
    table: &'a Table,
}

impl Notation for Modelica<'_> {
    type Error = ExportError;

    fn number(&self, value: f64) -> String {
        float(value)
    }

    fn name(&self, leaf: &ExprKind) -> Result<Piece, ExportError> {
        Ok(self.table.leaf(leaf))
    }

    fn function(&self, f: UnaryFn, a: Piece) -> Result<Piece, ExportError> {
        Ok(Piece::atom(match f {
            UnaryFn::Ln => format!("log({})", a.text),
            // These make events of their own; in the language they are functions like any other.
            UnaryFn::Abs | UnaryFn::Sign => format!("noEvent({}({}))", f.name(), a.text),
            f => format!("{}({})", f.name(), a.text),
        }))
    }

    /// Conditionals are values, not events: `noEvent`. Reals cannot be compared with `==` in equations.
    fn select(&self, compare: Compare, pieces: [Piece; 4], _: &[Expr; 4]) -> Result<Piece, ExportError> {
        let [a, b, x, y] = pieces.map(|p| self.within(&p, Level::Sum));
        let condition = match compare {
            Compare::Equal => format!("{a} <= {b} and {a} >= {b}"),
            compare => format!("{a} {} {b}", compare.name()),
        };
        Ok(Piece::atom(format!("noEvent(if {condition} then {x} else {y})")))
    }
}
