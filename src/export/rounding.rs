//! Systems with their numbers rounded, for readers, and numbers that are no integers, for programs.

use super::System;
use crate::hir::{ExprKind, multiple_of_pi, number};

/// The system with every number rounded to so many significant digits.
pub(super) fn rounded<'m>(system: &System<'m>, digits: u8) -> System<'m> {
    let mut system = system.clone();
    let round = |v: f64| significant(v, digits);
    for right in &mut system.rights {
        right.value.rewrite(&mut |e| {
            if let ExprKind::Number(v) = &mut e.kind {
                // What is printed by its name needs no rounding.
                *v = if multiple_of_pi(*v).is_some() { *v } else { round(*v) };
            }
        });
    }
    for parameter in &mut system.parameters {
        parameter.value = round(parameter.value);
        // Of an error two digits say all.
        parameter.std_error = parameter.std_error.map(|v| significant(v, digits.min(2)));
        parameter.bounds.lower = round(parameter.bounds.lower);
        parameter.bounds.upper = round(parameter.bounds.upper);
    }
    for value in system.initial.iter_mut().flatten() {
        *value = value.map(round);
    }
    system
}

/// `v` with so many significant digits. Infinities stay.
pub(super) fn significant(v: f64, digits: u8) -> f64 {
    let decimals = usize::from(digits.max(1) - 1);
    format!("{v:.decimals$e}").parse().unwrap_or(v)
}

/// A number with a point or an exponent. In most languages one without is an integer, whose powers and products overflow.
pub(super) fn float(v: f64) -> String {
    let text = number(v);
    if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
}
