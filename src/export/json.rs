//! Expression trees as JSON. docs/export.md describes the form.

use serde_json::{Value, json};

use super::System;
use crate::hir::{BinaryOp, Compare, Expr, ExprKind, Model};

/// The version of the form: it changes when a key is removed or changes its meaning, not when one is added.
pub const SCHEMA: u32 = 1;

pub(super) fn write(system: &System<'_>) -> String {
    let model = system.model;
    let end = |v: f64| v.is_finite().then_some(v);
    let parameter = |p: &super::Parameter| {
        json!({
            "name": p.name, "value": p.value, "lower": end(p.bounds.lower), "upper": end(p.bounds.upper),
            "std_error": p.std_error,
        })
    };
    let state = |(state, values): (&crate::hir::State, &Vec<Option<f64>>)| {
        let (name, order) = (&state.name, state.order);
        json!({"name": name, "order": order, "initial": values})
    };
    let term = |t: &super::RightTerm| {
        json!({
            "coefficient": t.coefficient, "std_error": t.std_error,
            "factor": t.rest.as_ref().map(|e| tree(model, e)),
            "text": t.rest.as_ref().map_or_else(|| "1".to_string(), |e| model.spell(e)),
        })
    };
    let equation = |r: &super::Right| {
        json!({
            "state": model.states[r.state].name, "derivative": r.derivative, "text": super::text::value(model, r),
            "right": tree(model, &r.value), "terms": r.terms.iter().map(term).collect::<Vec<_>>(),
        })
    };
    let found = |f: &super::Found| {
        let inside = |(digits, std_error): &(String, Option<f64>)| json!({"digits": digits, "std_error": std_error});
        let terms = f.terms.iter().map(|t| {
            let mut term = json!({"term": t.term, "coefficient": t.coefficient, "std_error": t.std_error});
            if !t.inside.is_empty() {
                term["inside"] = t.inside.iter().map(inside).collect();
            }
            term
        });
        json!({"state": f.state, "derivative": f.derivative, "terms": terms.collect::<Vec<_>>()})
    };
    let object = json!({
        "schema": SCHEMA,
        "mechc": env!("CARGO_PKG_VERSION"),
        "model": model.name,
        "about": system.origin.about,
        "start": system.start,
        "states": model.states.values().zip(&system.initial).map(state).collect::<Vec<_>>(),
        "inputs": model.inputs.values().map(|i| &i.name).collect::<Vec<_>>(),
        "parameters": system.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "equations": system.rights.iter().map(equation).collect::<Vec<_>>(),
        "found": system.origin.found.iter().map(found).collect::<Vec<_>>(),
    });
    format!("{object:#}\n")
}

fn tree(model: &Model, expr: &Expr) -> Value {
    let call =
        |op: &str, args: &[&Expr]| json!({"op": op, "args": args.iter().map(|e| tree(model, e)).collect::<Vec<_>>()});
    match &expr.kind {
        ExprKind::Number(v) => json!(v),
        ExprKind::Time => json!({"op": "time"}),
        ExprKind::State(s, k) => json!({"op": "state", "name": model.states[*s].name, "derivative": k}),
        ExprKind::Input(i) => json!({"op": "input", "name": model.inputs[*i].name}),
        ExprKind::Unknown(u) => json!({"op": "parameter", "name": model.unknowns[*u].name}),
        ExprKind::Unary(f, a) => call(f.name(), &[a]),
        ExprKind::Powi(a, n) => {
            let mut object = call("powi", &[a]);
            object["exponent"] = json!(n);
            object
        }
        ExprKind::Binary(op @ (BinaryOp::Add | BinaryOp::Mul), ..) => call(name(*op), &spine(*op, expr)),
        ExprKind::Binary(op, a, b) => call(name(*op), &[a, b]),
        ExprKind::Select(compare, parts) => {
            let args: Vec<&Expr> = parts.iter().collect();
            let mut object = call("if", &args);
            object["compare"] = json!(match compare {
                Compare::Less => "<",
                Compare::AtMost => "<=",
                Compare::Equal => "==",
            });
            object
        }
    }
}

/// The operands of a chain of one operator in which the left operand is the rest of the chain: added or multiplied from left to
/// right they give the same bits, and long sums do not make deep trees.
fn spine(op: BinaryOp, expr: &Expr) -> Vec<&Expr> {
    let mut at = expr;
    let mut out = Vec::new();
    while let ExprKind::Binary(here, a, b) = &at.kind
        && *here == op
    {
        out.push(b.as_ref());
        at = a;
    }
    out.push(at);
    out.reverse();
    out
}

fn name(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "add",
        BinaryOp::Sub => "sub",
        BinaryOp::Mul => "mul",
        BinaryOp::Div => "div",
        BinaryOp::Pow => "pow",
        BinaryOp::Min => "min",
        BinaryOp::Max => "max",
    }
}
