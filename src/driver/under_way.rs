//! Trained numbers that a training ended with before they had arrived.

use super::small_terms::two_digits;
use crate::base::IndexMap;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1120;
use crate::hir::{self, Fit, Model, UnknownKind};
use crate::lower::training::Lowered;
use crate::report::{named, short};
use crate::source::Span;
use crate::train::gradient::GradientFit;

/// The rate that is advised, as so many times the present one.
const ADVISED: f64 = 10.0;

/// Remarks on them, one for each declaration or hole.
pub fn remarks((model, fit): (&Model, &Fit), lowered: &Lowered, result: &GradientFit) -> Vec<Diagnostic> {
    let mut of_places: IndexMap<Span, Vec<String>> = IndexMap::new();
    for found in &result.under_way {
        let id = match found.at {
            Ok(parameter) => lowered.parameters.get(parameter).copied(),
            Err(coefficient) => lowered.coefficients.get(coefficient).map(|c| c.unknown),
        };
        let Some(unknown) = id.and_then(|id| model.unknowns.get(id)) else { continue };
        let span = match unknown.kind {
            UnknownKind::Param(param) => model.params[param].span,
            UnknownKind::Coefficient { hole, .. } => model.holes[hole].span,
        };
        let [from, to] = found.from_to.map(short);
        let further = short(two_digits(found.further.abs()).copysign(found.further));
        of_places.entry(span).or_default().push(format!(
            "`{}` went from {from} to {to}, and would be about {further} after as many steps more",
            unknown.name
        ));
    }
    let say = |(span, names): (Span, Vec<String>)| {
        let message = format!("the training ended on the way: {}", named(&names));
        let rate = fit.coefficient_rate.unwrap_or(fit.optimizer.rate);
        let help = format!(
            "`coefficient_rate {}` in the block of the fit, ten times what it is, takes parameters and coefficients further; or more `steps`",
            hir::number(two_digits(ADVISED * rate))
        );
        Diagnostic::warning(W1120, message, span, "trained here").help(help)
    };
    of_places.into_iter().map(say).collect()
}
