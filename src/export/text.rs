//! Equations as statements of the language: what stands in a model, without the declarations of states and inputs.

use std::fmt::Write as _;

use super::{Right, System};
use crate::base::{Idx, IndexMap};
use crate::hir::{Bounds, Model, UnknownId, UnknownKind, number, spell_bounds};

pub(super) fn write(system: &System<'_>) -> String {
    let model = system.model;
    let mut out = system.head("//");
    for right in &system.rights {
        let left = model.spell_state(right.state, right.derivative);
        let _ = writeln!(out, "{left} = {}", value(model, right));
    }
    let starts = initial(system);
    if !starts.is_empty() {
        let _ = writeln!(out, "initial {}", starts.join(", "));
    }
    parameters(system, &mut out);
    out
}

/// A right side with the units of its numbers.
pub(super) fn value(model: &Model, right: &Right) -> String {
    let unit = model.units.derivative(right.state, right.derivative);
    unit.map_or_else(|| model.spell(&right.value), |unit| model.spell_in(&right.value, &unit))
}

fn initial(system: &System<'_>) -> Vec<String> {
    let mut out = Vec::new();
    for (state, values) in system.model.states.ids().zip(&system.initial) {
        for (k, value) in (0u8..).zip(values) {
            if let Some(value) = value {
                out.push(format!("{} = {}", system.model.spell_state(state, k), number(*value)));
            }
        }
    }
    out
}

/// Parameters one by one, those of elements as the family that was declared.
fn parameters(system: &System<'_>, out: &mut String) {
    let mut rest: IndexMap<usize, &super::Parameter> = system.parameters.iter().map(|p| (p.id.index(), p)).collect();
    for (declared, ids) in system.model.statements.iter().flat_map(|s| &s.params) {
        let of_family = |p: &&super::Parameter| match system.model.unknowns.get(p.id).map(|u| u.kind) {
            Some(UnknownKind::Param(id)) => ids.contains(&id),
            _ => false,
        };
        let family: Vec<&super::Parameter> = system.parameters.iter().filter(of_family).collect();
        if family.is_empty() {
            continue;
        }
        family.iter().for_each(|p| {
            rest.shift_remove(&p.id.index());
        });
        let values: Vec<String> = family.iter().map(|p| number(p.value)).collect();
        let list = if values.len() == 1 { values.concat() } else { format!("({})", values.join(", ")) };
        let bounds = family.first().map_or(Bounds::FREE, |p| p.bounds);
        let unit = unit(system, family.first().map(|p| p.id));
        let _ = writeln!(out, "param {declared}{unit} = {list}{}", range(bounds));
    }
    for parameter in rest.values() {
        let error = parameter.std_error.map_or_else(String::new, |e| format!("  // standard error {}", number(e)));
        let (name, unit, value) = (&parameter.name, unit(system, Some(parameter.id)), number(parameter.value));
        let _ = writeln!(out, "param {name}{unit} = {value}{}{error}", range(parameter.bounds));
    }
}

/// ` [g/L]`, or nothing for plain numbers and where it is not known.
fn unit(system: &System<'_>, parameter: Option<UnknownId>) -> String {
    let unit = parameter.and_then(|id| system.model.units.unknown(id)).filter(|u| !u.is_one());
    unit.map_or_else(String::new, |unit| format!(" [{unit}]"))
}

/// ` in [0, 5]`, or nothing without bounds.
fn range(bounds: Bounds) -> String {
    spell_bounds(bounds)
}
