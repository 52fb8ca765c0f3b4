//! A fit that is lost: it came to numbers at which the model does anything, so that it goes through every sample.

use crate::hir::{self, Model, UnknownKind};
use crate::report::{named, round};
use crate::train::joint::JointFit;

/// Noise below this share of what neighbouring samples scatter by is none that they can have.
const TOO_LITTLE: f64 = 1e-3;
/// An error so many times its number, and what that started from, says nothing of it. Exact data, which may have as little noise, and parameters
/// that make up for each other do not lead as far.
const TOO_FAR: f64 = 1e4;

/// What is said of a fit that is lost.
pub fn said(model: &Model, fit: &JointFit) -> Option<String> {
    let mut noise = fit.noise.iter().zip(&fit.scatter);
    if !noise.any(|(noise, scatter)| *noise < TOO_LITTLE * scatter) {
        return None;
    }
    let parameters = model.unknowns.values().zip(&fit.estimates);
    let parameters = parameters.filter(|(u, e)| matches!(u.kind, UnknownKind::Param(_)) && e.kept);
    let far: Vec<(&hir::Unknown, String)> = parameters
        .filter(|(u, e)| e.std_error > TOO_FAR * e.value.abs().max(u.start.unwrap_or(0.0).abs()))
        .map(|(u, e)| (u, format!("`{} = {}`", u.name, round(e.value, None).full())))
        .collect();
    let (first, _) = far.first()?;
    let values: Vec<String> = far.iter().map(|(_, value)| value.clone()).collect();
    let name = hir::family(&first.name);
    Some(format!(
        "the fit is lost: with {} its solution goes through every sample, which no law with noise in the data does, and says nothing of the model or the \
         data; start parameters near the size that is expected, in a range of such sizes (`param {name} = ... in [..., ...]`), or leave out the start \
         value of `{name}`: then it is sought",
        named(&values),
    ))
}
