//! The facts of a model.

use serde_json::{Value, json};

use super::place;
use crate::hir::{self, Bounds, Equation, Model, UnknownKind};
use crate::source::Sources;

/// A bound as a number; JSON has no infinity, so an open end is null.
fn bounds(bounds: Bounds) -> (Option<f64>, Option<f64>) {
    let finite = |v: f64| v.is_finite().then_some(v);
    (finite(bounds.lower), finite(bounds.upper))
}

pub(super) fn model(model: &Model, sources: &Sources) -> Value {
    let spelled = |unit: Option<&hir::Unit>| unit.map(|u| u.to_string());
    let units = &model.units;
    let parameter = |(id, p): (hir::ParamId, &hir::Param)| {
        let unit = spelled(units.param(id));
        let (lower, upper) = bounds(p.bounds);
        json!({
            "name": p.name, "value": p.value, "lower": lower, "upper": upper, "fixed": p.fixed, "per_sample": p.per_sample,
            "unit": unit,
        })
    };
    let unknown = |(id, u): (hir::UnknownId, &hir::Unknown)| {
        let unit = spelled(units.unknown(id));
        let (lower, upper) = bounds(u.bounds);
        let kind = match u.kind {
            UnknownKind::Param(_) => "parameter",
            UnknownKind::Coefficient { .. } => "coefficient",
        };
        json!({
            "name": u.name, "kind": kind, "start": u.start, "lower": lower, "upper": upper, "linear": u.linear,
            "per_sample": model.is_per_sample(u), "unit": unit,
        })
    };
    let hole = |h: &hir::Hole| {
        let terms: Vec<Value> = h
            .terms
            .iter()
            .map(|t| json!({"term": t.spelled, "coefficient": model.unknowns[t.coefficient].name}))
            .collect();
        let side = h.side.map(hir::Side::name);
        json!({"text": h.spelled, "name": h.name, "side": side, "state": model.states[h.state].name, "terms": terms, "place": place(h.span, sources)})
    };
    json!({
        "name": model.name,
        "doc": model.doc,
        "time_unit": spelled(units.time.as_ref()),
        "states": model.states.iter().map(|(id, s)| json!({
            "name": s.name, "order": s.order, "unit": spelled(units.state(id)),
        })).collect::<Vec<_>>(),
        "parameters": model.params.iter().map(parameter).collect::<Vec<_>>(),
        "inputs": model.inputs.values().filter(|i| i.field.is_none()).map(|i| &i.name).collect::<Vec<_>>(),
        "input_units": model.inputs.iter().filter(|(_, i)| i.field.is_none()).map(|(id, _)| spelled(units.input(id))).collect::<Vec<_>>(),
        "input_between": model.inputs.values().filter(|i| i.field.is_none()).map(|i| i.between.name()).collect::<Vec<_>>(),
        "fields": model.inputs.values().filter(|i| i.field.is_some()).map(|i| &i.name).collect::<Vec<_>>(),
        "field_starts": model.inputs.values().filter_map(|i| i.field).map(|f| [f.low, f.high]).collect::<Vec<_>>(),
        "step": model.step.map(|s| json!({"over_time": s.over_time, "init": s.init})),
        "unknowns": model.unknowns.iter().map(unknown).collect::<Vec<_>>(),
        "holes": model.holes.values().map(hole).collect::<Vec<_>>(),
        "equations": model.equations.iter().map(|e| equation(model, e, sources)).collect::<Vec<_>>(),
        "initial": model.initial.iter().map(|i| json!({
            "state": model.states[i.state].name, "derivative": i.derivative, "value": i.value,
        })).collect::<Vec<_>>(),
        "final": model.boundary.finals.iter().map(|i| json!({
            "state": model.states[i.state].name, "derivative": i.derivative, "value": i.value,
        })).collect::<Vec<_>>(),
        "periodic": model.boundary.periodic.is_some(),
        "starts": model.boundary.starts.iter().map(|s| json!({
            "state": model.states[s.state].name, "derivative": s.derivative, "column": s.column, "steps": s.steps, "last": s.last,
        })).collect::<Vec<_>>(),
        "place": place(model.span, sources),
    })
}

/// `sum(linear) = known + sum(unknowns)`
fn equation(model: &Model, equation: &Equation, sources: &Sources) -> Value {
    let linear = |t: &hir::LinearTerm| {
        json!({
            "state": model.states[t.state].name, "derivative": t.derivative, "coefficient": model.spell(&t.coefficient),
        })
    };
    let unknown =
        |t: &hir::UnknownTerm| json!({"unknown": model.unknowns[t.unknown].name, "factor": model.spell(&t.factor)});
    json!({
        "state": model.states[equation.state].name,
        "derivative": model.states[equation.state].order,
        "linear": equation.linear.iter().map(linear).collect::<Vec<_>>(),
        "known": equation.known.as_ref().map(|e| model.spell(e)),
        "unknowns": equation.unknowns.iter().map(unknown).collect::<Vec<_>>(),
        "place": place(equation.span, sources),
    })
}
