//! Systems of first order, for targets that know no higher derivatives: one component for every derivative below the order.

use super::System;
use super::names::Table;
use crate::base::Idx;
use crate::hir::{Expr, Notation, StateId, write};

/// A component and its derivative.
pub(super) struct Component<'s> {
    /// Its name in the target.
    pub(super) name: String,
    /// Its name in the language: `x`, `x'`.
    pub(super) spelled: String,
    /// Its value at the first time, where it is known.
    pub(super) initial: Option<f64>,
    /// Its derivative.
    pub(super) flow: Flow<'s>,
}

/// The derivative of a component.
pub(super) enum Flow<'s> {
    /// The next component, by its name.
    Next(String),
    /// The right side of an equation.
    Right(&'s Expr),
}

impl Flow<'_> {
    /// As it stands in a target.
    pub(super) fn text<N: Notation>(&self, notation: &N) -> Result<String, N::Error> {
        match self {
            Flow::Next(name) => Ok(name.clone()),
            Flow::Right(expr) => Ok(write(notation, expr)?.text),
        }
    }
}

/// The components, in the order of [`crate::hir::Model::states`], derivatives behind their state.
pub(super) fn components<'s>(system: &'s System<'_>, table: &Table) -> Vec<Component<'s>> {
    let mut out = Vec::new();
    for ((state, names), initial) in system.model.states.ids().zip(&table.states).zip(&system.initial) {
        for (k, name) in names.iter().enumerate() {
            let flow = match (names.get(k + 1), right(system, state)) {
                (Some(next), _) => Flow::Next(next.clone()),
                (None, Some(right)) => Flow::Right(right),
                (None, None) => continue,
            };
            let spelled = system.model.spell_state(state, u8::try_from(k).unwrap_or(u8::MAX));
            out.push(Component { name: name.clone(), spelled, initial: initial.get(k).copied().flatten(), flow });
        }
    }
    out
}

fn right<'s>(system: &'s System<'_>, state: StateId) -> Option<&'s Expr> {
    // Equations stand in the order of the states.
    let at = system.rights.get(state.index()).filter(|r| r.state == state);
    at.or_else(|| system.rights.iter().find(|r| r.state == state)).map(|r| &r.value)
}
