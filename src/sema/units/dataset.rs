//! Units of models as data sets and fits need them.

use super::data::{Needed, Wanted};
use super::report::{mismatch, shown};
use crate::diagnostics::Sink;
use crate::hir::{Model, Unit, family};
use crate::source::Span;

/// The units that `models` need of a data set; the first model that knows one decides.
pub(in super::super) fn wanted<'m>(models: impl IntoIterator<Item = &'m Model>) -> Needed {
    let mut needed = Needed::default();
    for model in models {
        let units = &model.units;
        if needed.time.as_ref().is_none_or(|w| w.unit.is_none()) {
            let span = units.time_span.unwrap_or(model.span);
            needed.time = Some(Wanted { unit: units.time.clone(), span, name: "the time".to_string() });
        }
        let states = model.states.iter().map(|(id, s)| (s.name.as_str(), units.state(id).cloned(), s.span));
        let inputs = model.inputs.iter().map(|(id, i)| (i.name.as_str(), model.column_unit(id), i.span));
        for (name, unit, span) in states.chain(inputs) {
            let entry = Wanted { unit, span, name: name.to_string() };
            let known = needed.columns.get(family(name)).is_some_and(|w| w.unit.is_some());
            if !known {
                needed.columns.insert(family(name).to_string(), entry);
            }
        }
        needed.inputs.extend(model.inputs.values().filter(|i| i.field.is_none()).map(|i| family(&i.name).to_string()));
        for (id, param) in model.params.iter() {
            let entry = Wanted { unit: units.param(id).cloned(), span: param.span, name: param.name.clone() };
            needed.params.entry(family(&param.name).to_string()).or_insert(entry);
        }
        if needed.initial.is_empty() {
            for (id, state) in model.states.iter() {
                for k in 0..state.order {
                    let name = format!("{}{}", state.name, "'".repeat(k.into()));
                    needed.initial.push(Wanted { unit: units.derivative(id, k), span: state.span, name });
                }
            }
        }
    }
    needed
}

/// Reports where the units of a data set are not those of the model that is fitted to it at `span`. `time` and `columns` are
/// those of the data.
pub(in super::super) fn compare(
    model: &Model,
    time: Option<&Unit>,
    columns: &[(String, Unit)],
    span: Span,
    sink: &mut Sink,
) {
    let mut say = |name: &str, own: &Unit, found: &Unit, place: Span| {
        if !own.equals(found) {
            let d = mismatch(own, found, span, format!("its `{name}` is {}", super::report::what(found)));
            sink.push(d.label(place, format!("in {} here", shown(own))));
        }
    };
    let states = model.states.iter().map(|(id, s)| (s.name.as_str(), model.units.state(id).cloned(), s.span));
    let inputs = model.inputs.iter().map(|(id, i)| (i.name.as_str(), model.column_unit(id), i.span));
    let mut seen: Vec<&str> = Vec::new();
    for (name, unit, place) in states.chain(inputs) {
        let name = family(name);
        let found = columns.iter().find(|(c, _)| c == name);
        if let (Some(own), Some((_, found)), false) = (unit, found, seen.contains(&name)) {
            seen.push(name);
            say(name, &own, found, place);
        }
    }
    if let (Some(own), Some(found)) = (&model.units.time, time) {
        say("t", own, found, model.units.time_span.unwrap_or(model.span));
    }
}

/// Units of the states and inputs of a model whose simulation or solution is a data set.
pub(in super::super) fn simulated(model: &Model) -> Vec<(String, Unit)> {
    let mut out: Vec<(String, Unit)> = Vec::new();
    let states = model.states.iter().map(|(id, s)| (s.name.as_str(), model.units.state(id).cloned()));
    let inputs = model.inputs.iter().map(|(id, i)| (i.name.as_str(), model.column_unit(id)));
    for (name, unit) in states.chain(inputs) {
        let name = family(name);
        if let (Some(unit), false) = (unit, out.iter().any(|(n, _)| n == name)) {
            out.push((name.to_string(), unit));
        }
    }
    out
}
