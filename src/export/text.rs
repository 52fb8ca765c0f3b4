//! Equations as statements of the language: what stands in a model, without the declarations of states and inputs.

use std::fmt::Write as _;

use super::System;
use crate::base::{Idx, IndexMap};
use crate::hir::{Bounds, UnknownKind, number, spell_bounds};

pub(super) fn write(system: &System<'_>) -> String {
    let model = system.model;
    let mut out = system.head("//");
    for right in &system.rights {
        let left = model.spell_state(right.state, right.derivative);
        let _ = writeln!(out, "{left} = {}", model.spell(&right.value));
    }
    let starts = initial(system);
    if !starts.is_empty() {
        let _ = writeln!(out, "initial {}", starts.join(", "));
    }
    parameters(system, &mut out);
    out
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
        let _ = writeln!(out, "param {declared} = {list}{}", range(bounds));
    }
    for parameter in rest.values() {
        let error = parameter.std_error.map_or_else(String::new, |e| format!("  // standard error {}", number(e)));
        let _ =
            writeln!(out, "param {} = {}{}{error}", parameter.name, number(parameter.value), range(parameter.bounds));
    }
}

/// ` in [0, 5]`, or nothing without bounds.
fn range(bounds: Bounds) -> String {
    spell_bounds(bounds)
}
