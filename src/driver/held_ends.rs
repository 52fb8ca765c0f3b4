//! Parameters that a held-out trajectory has of its own and that come to an end of their range from its first samples: what is predicted of it
//! holds for that end alone.

use super::range_ends;
use crate::base::IndexMap;
use crate::data::Trajectory;
use crate::diagnostics::Diagnostic;
use crate::hir::{Bounds, Model, UnknownKind};
use crate::report::few;
use crate::source::Span;

/// A number counts as an end that it is as near to, relative to that.
const AT: f64 = 1e-9;

/// The findings on trajectories that were held out, each with the unknowns of the model there and their errors; one for every parameter.
pub fn remarks(model: &Model, held: &[(&Trajectory, Vec<f64>, Vec<f64>)]) -> Vec<Diagnostic> {
    let mut places: IndexMap<(Span, &str), (Bounds, Vec<String>)> = IndexMap::new();
    for (trajectory, values, errors) in held {
        let of = model.unknowns.values().enumerate().filter(|(_, u)| model.is_per_sample(u));
        for (k, unknown) in of {
            let UnknownKind::Param(param) = unknown.kind else { continue };
            let (Some(value), Some(error)) = (values.get(k), errors.get(k)) else { continue };
            let is_at = |end: f64| end.is_finite() && (value - end).abs() <= AT * end.abs().max(f64::MIN_POSITIVE);
            let bounds = unknown.bounds;
            // What has an error lies there by itself.
            if error.is_finite() || bounds.lower >= bounds.upper || !(is_at(bounds.lower) || is_at(bounds.upper)) {
                continue;
            }
            let name = match trajectory.name() {
                name if name.is_empty() => "the held-out trajectory".to_string(),
                name => format!("the held-out trajectory {name}"),
            };
            let told = format!("{}, in {name}", range_ends::spelled(bounds, is_at(bounds.lower)));
            let place = places.entry((model.params[param].span, &unknown.name)).or_insert((bounds, Vec::new()));
            place.1.push(told);
        }
    }
    let say = |((span, name), (bounds, told)): ((Span, &str), (Bounds, Vec<String>))| {
        let message = format!(
            "the first samples of what is held out take `{name}` to {}: what is predicted holds for that value only",
            few(&told)
        );
        let goes_on = format!(
            " where it is too narrow; or the first samples do not determine `{name}`: hold out trajectories with more of them"
        );
        range_ends::remark((span, bounds), message, &goes_on)
    };
    places.into_iter().map(say).collect()
}
