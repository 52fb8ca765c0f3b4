//! Terms that a training drops because their coefficients are small: `threshold` is a number in the units of the coefficients, and a true
//! one may lie below it.

use crate::base::IndexMap;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1115;
use crate::hir::{self, Fit, Hole, Model, UnknownId, UnknownKind};
use crate::lower::training::Lowered;
use crate::report::{self, round};
use crate::source::Span;
use crate::train::gradient::GradientFit;

/// The threshold that is advised, as a part of the smallest coefficient that it would keep.
const ADVISED: f64 = 0.5;

/// Remarks on the holes of a fit, one for each place.
pub fn remarks((model, fit): (&Model, &Fit), lowered: &Lowered, result: &GradientFit) -> Vec<Diagnostic> {
    let mut small: IndexMap<Span, (&Hole, Vec<String>, f64)> = IndexMap::new();
    for term in &result.below_threshold {
        let Some(c) = lowered.coefficients.get(term.coefficient) else { continue };
        let Some((hole, spelled)) = of_coefficient(model, c.unknown) else { continue };
        let number = round(term.value, Some(term.std_error)).full();
        let (_, named, least) = small.entry(hole.span).or_insert((hole, Vec::new(), f64::INFINITY));
        named.push(format!("`{spelled}` of `{}` ({number})", model.states[hole.state].name));
        *least = least.min(term.value.abs());
    }
    let mut found: Vec<Diagnostic> = small
        .values()
        .map(|(hole, named, least)| {
            let message = format!(
                "terms were dropped since their coefficients are below `threshold {}`, but are significant: {}",
                hir::number(fit.threshold),
                report::named(named)
            );
            let advised = two_digits(ADVISED * least);
            let help = format!("write `threshold {}` in the block of the fit to keep them", hir::number(advised));
            Diagnostic::warning(W1115, message, hole.span, "of this hole").help(help)
        })
        .collect();
    found.extend(empty((model, fit), lowered, result).filter(|d| !small.contains_key(&d.primary.span)));
    found
}

/// Remarks on holes of which no term is left.
fn empty<'a>(
    (model, fit): (&'a Model, &'a Fit),
    lowered: &'a Lowered,
    result: &'a GradientFit,
) -> impl Iterator<Item = Diagnostic> + 'a {
    let kept = |unknown: UnknownId| {
        let found = lowered.coefficients.iter().zip(&result.coefficients).find(|(c, _)| c.unknown == unknown);
        found.is_none_or(|(_, estimate)| estimate.kept)
    };
    let nothing = move |hole: &&Hole| !hole.terms.is_empty() && !hole.terms.iter().any(|t| kept(t.coefficient));
    model.holes.values().filter(nothing).map(move |hole| {
        let message = format!(
            "no term of `{}` in the equation of `{}` is left: each was below `threshold {}` or not significant",
            hole.spelled,
            model.states[hole.state].name,
            hir::number(fit.threshold)
        );
        let help = "if it should have terms, take a smaller `threshold` in the block of the fit, or more `steps`";
        Diagnostic::warning(W1115, message, hole.span, "this hole").help(help)
    })
}

/// The hole of a coefficient and its term as it is written.
fn of_coefficient(model: &Model, id: UnknownId) -> Option<(&Hole, &str)> {
    let UnknownKind::Coefficient { hole, term } = model.unknowns[id].kind else { return None };
    let hole = &model.holes[hole];
    Some((hole, &hole.terms.get(term)?.spelled))
}

/// A positive number, rounded down to two digits.
pub(super) fn two_digits(value: f64) -> f64 {
    let scale = 10f64.powf(value.log10().floor() - 1.0);
    format!("{:.1e}", (value / scale).floor() * scale).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_rounded_down_to_two_digits() {
        for (value, rounded) in [(0.04996, 0.049), (0.1, 0.1), (123.0, 120.0), (9.99e-7, 9.9e-7)] {
            assert_eq!(super::two_digits(value), rounded);
        }
    }
}
