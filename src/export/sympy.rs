//! A Python module: symbols and equations for SymPy, a right side for NumPy.

use std::fmt::Write as _;

use super::components::components;
use super::names::{Rules, Table, ascii, derivative, numbered};
use super::numpy::Python;
use super::{ExportError, System};
use crate::hir::{Bounds, Expr, ExprKind, number, write as print};

const RULES: Rules = Rules {
    legal: |name| match ascii(name) {
        // Two underscores in front have meanings of their own in Python.
        name if name.starts_with("__") => format!("v{name}"),
        name => name,
    },
    again: numbered,
    derivative: Some(derivative),
    model: false,
    time: "t",
    reserved: "False None True and as assert async await break class continue def del elif else except finally for from \
        global if import in is lambda nonlocal not or pass raise return try while with yield match case type _ \
        abs all any bool complex dict dir divmod enumerate eval exec filter float format hash help hex id input int \
        iter len list map max min next object oct open ord pow print range repr reversed round set slice sorted str \
        sum super tuple vars zip \
        sp np sympy numpy t rhs states inputs parameters parameter_values bounds standard_errors equations \
        initial_values y0 t0 _f _flow",
};

pub(super) fn write(system: &System<'_>) -> Result<String, ExportError> {
    let table = Table::new(system.model, &RULES);
    let symbols = Python { table: &table, symbolic: true, time: "t" };
    let mut out = system.head("#");
    out.push_str("import numpy as np\nimport sympy as sp\n\nt = sp.Symbol(\"t\", real=True)\n");
    let model = system.model;
    for (state, names) in model.states.values().zip(&table.states) {
        if let Some(name) = names.first() {
            function(&mut out, name, &state.name);
        }
    }
    for (input, name) in model.inputs.values().zip(&table.inputs) {
        function(&mut out, name, &input.name);
    }
    for (parameter, name) in system.parameters.iter().zip(&table.unknowns) {
        let _ = writeln!(out, "{name} = sp.Symbol(\"{name}\", real=True){}", stands_for(name, &parameter.name));
    }
    let first: Vec<&str> = table.states.iter().filter_map(|names| names.first()).map(String::as_str).collect();
    out.push('\n');
    list(&mut out, "states", &first);
    list(&mut out, "inputs", &table.inputs);
    parameters(system, &table, &mut out);
    let _ = writeln!(out, "equations = [");
    for right in &system.rights {
        let left = print(&symbols, &Expr::new(ExprKind::State(right.state, right.derivative), right.value.span))?;
        let _ = writeln!(out, "    sp.Eq({}, {}, evaluate=False),", left.text, print(&symbols, &right.value)?.text);
    }
    out.push_str("]\n");
    initial(system, &table, &mut out);
    rhs(system, &table, &mut out)?;
    Ok(out)
}

fn function(out: &mut String, name: &str, spelled: &str) {
    let _ = writeln!(out, "{name} = sp.Function(\"{name}\", real=True)(t){}", stands_for(name, spelled));
}

/// A comment where the name is another one than in the model.
fn stands_for(name: &str, spelled: &str) -> String {
    if name == spelled { String::new() } else { format!("  # {spelled}") }
}

fn list<S: AsRef<str>>(out: &mut String, name: &str, items: &[S]) {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    let _ = writeln!(out, "{name} = [{}]", items.join(", "));
}

fn parameters(system: &System<'_>, table: &Table, out: &mut String) {
    let named = || system.parameters.iter().zip(&table.unknowns);
    list(out, "parameters", &table.unknowns);
    let values: Vec<String> = system.parameters.iter().map(|p| number(p.value)).collect();
    list(out, "parameter_values", &values);
    let bounds: Vec<String> = named()
        .filter(|(p, _)| p.bounds != Bounds::FREE)
        .map(|(p, name)| format!("{name}: ({}, {})", end(p.bounds.lower), end(p.bounds.upper)))
        .collect();
    let _ = writeln!(out, "bounds = {{{}}}", bounds.join(", "));
    let errors: Vec<String> =
        named().filter_map(|(p, name)| Some(format!("{name}: {}", number(p.std_error?)))).collect();
    let _ = writeln!(out, "standard_errors = {{{}}}", errors.join(", "));
}

fn end(v: f64) -> String {
    match v {
        f64::INFINITY => "np.inf".to_string(),
        f64::NEG_INFINITY => "-np.inf".to_string(),
        v => number(v),
    }
}

/// The initial values by symbol, and as the vector `y0` where all are known.
fn initial(system: &System<'_>, table: &Table, out: &mut String) {
    let (mut entries, mut vector) = (Vec::new(), Vec::new());
    for (names, values) in table.states.iter().zip(&system.initial) {
        let Some(name) = names.first() else { continue };
        for (k, value) in values.iter().enumerate() {
            vector.push(value.map(number));
            if let Some(value) = value {
                let symbol = if k == 0 { name.clone() } else { format!("{name}.diff(t, {k})") };
                entries.push(format!("{symbol}: {}", number(*value)));
            }
        }
    }
    let _ = writeln!(out, "initial_values = {{{}}}", entries.join(", "));
    if let Some(start) = system.start {
        let _ = writeln!(out, "t0 = {}", number(start));
    }
    if let Some(vector) = vector.into_iter().collect::<Option<Vec<String>>>() {
        let _ = writeln!(out, "y0 = np.array([{}], dtype=float)", vector.join(", "));
    }
}

fn rhs(system: &System<'_>, table: &Table, out: &mut String) -> Result<(), ExportError> {
    let numbers = Python { table, symbolic: false, time: "t" };
    let components = components(system, table);
    let spelled: Vec<&str> = components.iter().map(|c| c.spelled.as_str()).collect();
    // The arguments keep their names: a state may be called `y`. All names are bound in one statement, after the right sides.
    let mut arguments = vec!["t", "y", "p=parameter_values"];
    let (mut targets, mut values) = (Vec::new(), Vec::new());
    if !table.inputs.is_empty() {
        arguments = vec!["t", "y", "p", "u"];
    }
    let mut bind = |names: Vec<&str>, value: &str| {
        if !names.is_empty() {
            targets.push(format!("({},)", names.join(", ")));
            values.push(value.to_string());
        }
    };
    bind(components.iter().map(|c| c.name.as_str()).collect(), "np.asarray(y, dtype=float)");
    bind(table.unknowns.iter().map(String::as_str).collect(), "np.asarray(p, dtype=float)");
    bind(table.inputs.iter().map(String::as_str).collect(), "[np.asarray(_f(t), dtype=float) for _f in u]");
    if system.rights.iter().any(|r| r.value.any(&mut |e| e.kind == ExprKind::Time)) {
        // Callers write a time like 0 as an integer.
        targets.push("t".to_string());
        values.push("np.asarray(t, dtype=float)".to_string());
    }
    let _ = writeln!(out, "\n\ndef rhs({}):", arguments.join(", "));
    let _ = writeln!(
        out,
        "    \"\"\"Time derivatives of y = [{}], for one point or for columns of points.",
        spelled.join(", ")
    );
    let names: Vec<&str> = system.parameters.iter().map(|p| p.name.as_str()).collect();
    let _ = writeln!(out, "\n    p = [{}]", names.join(", "));
    if !table.inputs.is_empty() {
        let names: Vec<&str> = system.model.inputs.values().map(|i| i.name.as_str()).collect();
        let _ = writeln!(out, "    u: the functions of time [{}]", names.join(", "));
    }
    let _ = writeln!(out, "    \"\"\"");
    let _ = writeln!(out, "    {}, = {},", targets.join(", "), values.join(", "));
    let first = components.first().map_or("t", |c| c.name.as_str());
    let _ = writeln!(out, "    with np.errstate(all=\"ignore\"):\n        _flow = [");
    for component in &components {
        let flow = component.flow.text(&numbers)?;
        let _ = writeln!(out, "            {flow},");
    }
    let _ = writeln!(out, "        ]");
    let _ = writeln!(out, "    return np.array([np.broadcast_to(_f, np.shape({first})) for _f in _flow], dtype=float)");
    Ok(())
}
