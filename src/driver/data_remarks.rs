//! What `mechc check --data` and a run both say of the data of a fit.

use super::unusual::{self, Found};
use super::{following, jumping, sampling, scales, switched};
use crate::base::Between;
use crate::data::Dataset;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{
    W1101, W1103, W1105, W1107, W1110, W1111, W1112, W1113, W1114, W1116, W1126, W1127, W1131,
};
use crate::hir::{DataSet, Engine, Fit, Model};

/// Findings that say why a fit is spoiled,
const SPOILS: [&str; 7] = [W1103, W1112, W1113, W1114, W1116, W1127, W1131];
/// and what is said of its result for no other reason.
const FOLLOWS: [&str; 5] = [W1101, W1105, W1107, W1111, W1126];

/// Findings on the data sets that a fit takes anything of.
pub fn check(model: &Model, fit: &Fit, all: &[(&DataSet, Dataset)]) -> Found {
    let sets = &some(all, true);
    let mut found = unusual::check(sets);
    if model.inputs.values().any(|i| i.between == Between::Impulse) {
        // An impulse makes states jump, and says what happened in the time that samples are apart.
        found.sure.retain(|d| ![W1113, W1114].contains(&d.code));
        found.doubtful.retain(|d| ![W1113, W1114].contains(&d.code));
    }
    let switched = switched::check(model, sets);
    for (columns, finding) in switched {
        // Of what is switched nothing else is to be said: it jumps, and stands at its largest number.
        let of_others = |d: &Diagnostic| !columns.iter().any(|column| d.message.contains(&format!("`{column}`")));
        found.sure.retain(of_others);
        found.doubtful.retain(of_others);
        found.sure.insert(0, finding);
    }
    // What else is wrong with samples is none of their distance.
    let right = !found.all().any(spoils);
    for (data, read) in sets.iter().filter(|_| right) {
        // Training ties neighbouring samples by differences; a joint fit puts samples of its own between them.
        match fit.engine {
            Engine::Gradient => found.sure.extend(sampling::check(data, read)),
            Engine::Joint => {
                let follow = following::check(model, (data, read));
                // One reason is told of a set.
                let too_far = if follow.is_empty() { sampling::check(data, read) } else { follow };
                found.doubtful.extend(too_far);
            }
        }
    }
    let every: Vec<(&DataSet, &Dataset)> = all.iter().map(|(data, read)| (*data, read)).collect();
    found.sure.extend(scales::check(model, sets, &every));
    found.sure.extend(jumping::check(model, fit, sets));
    found
}

/// What is a mistake in all likelihood in data sets that are held out as a whole: why they may not be predicted, and nothing about what is fitted.
pub fn of_held(all: &[(&DataSet, Dataset)]) -> Vec<Diagnostic> {
    unusual::check(&some(all, false)).sure
}

/// The data sets that are fitted, or those that are not.
fn some<'a>(all: &'a [(&'a DataSet, Dataset)], fitted: bool) -> Vec<(&'a DataSet, &'a Dataset)> {
    all.iter().filter(|(data, _)| data.is_fitted() == fitted).map(|(data, read)| (*data, read)).collect()
}

/// What a run says: of its data first, and then of its result what does not follow from that.
pub fn before(of_data: Vec<Diagnostic>, of_result: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let spoiled = of_data.iter().any(spoils);
    let jumps = jumps(&of_data);
    let rest = of_result.into_iter().filter(|d| !spoiled || !FOLLOWS.contains(&d.code)).map(|d| {
        match d.code == W1111 && jumps {
            true => d.help(
                "the input that jumps is a reason: give it as W1110 says before looking for terms that are missing",
            ),
            false => d,
        }
    });
    let (first, then): (Vec<Diagnostic>, Vec<Diagnostic>) = of_data.into_iter().partition(spoils);
    first.into_iter().chain(then).chain(rest).collect()
}

/// What in the data is the first reason why they follow no trajectory of a model exactly.
pub fn reason(of_data: &[Diagnostic]) -> Option<&'static str> {
    match (of_data.iter().any(spoils), jumps(of_data)) {
        (true, _) => Some("what the data hold may be the reason"),
        (false, true) => Some("the input that jumps is a reason, to be given as W1110 says before others are sought"),
        (false, false) => None,
    }
}

/// Whether an input jumps.
fn jumps(of_data: &[Diagnostic]) -> bool {
    of_data.iter().any(|d| d.code == W1110)
}

/// Whether a finding says why a fit is spoiled.
pub fn spoils(finding: &Diagnostic) -> bool {
    SPOILS.contains(&finding.code)
}
