//! What `mechc check --data` and a run both say of the data of a fit.

use super::{driven, scales, unusual};
use crate::data::Dataset;
use crate::diagnostics::Diagnostic;
use crate::hir::{DataSet, Fit, Model};

/// Findings on the data sets of a fit.
pub fn check(model: &Model, fit: &Fit, sets: &[(&DataSet, Dataset)]) -> Vec<Diagnostic> {
    let mut found = unusual::check(sets);
    found.extend(scales::check(model, sets));
    found.extend(driven::check(fit, sets));
    found
}
