//! Causes and their consequences: of the errors that one slip leads to, the one to mend is said.
//!
//! A name that is not there is a cause: as long as it is unknown, sizes, units and what is missing cannot be judged, and everything
//! else that uses the name meets the same gap. So errors of those kinds wait until the names are known, and a missing name is
//! reported once, with its further places.

use super::{Diagnostic, Label, Severity, closest, codes};
use crate::source::Span;

/// Errors about sizes and about what is missing, which an unknown name in the same item may be the cause of.
const IN_THE_ITEM: [&str; 14] = [
    codes::E0211,
    codes::E0304,
    codes::E0505,
    codes::E0506,
    codes::E0507,
    codes::E0508,
    codes::E0510,
    codes::E0511,
    codes::E0513,
    codes::E0804,
    codes::E0901,
    codes::E0903,
    codes::E0905,
    codes::E1007,
];
/// Errors that an unknown name anywhere may be the cause of.
const ANYWHERE: [&str; 1] = [codes::E0404];
/// Errors about words that would have introduced a name.
const INTRODUCING: [&str; 3] = [codes::E0206, codes::E0207, codes::E0501];
/// How many further places of a missing name are shown.
const PLACES: usize = 3;

/// `findings`, ordered by place, without those that follow from others among them; `items` are where items stand.
pub fn causes(findings: Vec<Diagnostic>, items: &[Span]) -> Vec<Diagnostic> {
    let missing: Vec<Span> = findings.iter().filter(|d| d.missing.is_some()).map(|d| d.primary.span).collect();
    if missing.is_empty() {
        return findings;
    }
    let item_of = |place: Span| items.iter().find(|item| item.covers(place));
    let follows = |d: &Diagnostic| {
        let near = || missing.iter().any(|m| m.file == d.primary.span.file && item_of(*m) == item_of(d.primary.span));
        d.severity == Severity::Error && (ANYWHERE.contains(&d.code) || IN_THE_ITEM.contains(&d.code) && near())
    };
    // What a misspelled import or setting would have introduced is missing elsewhere.
    let introduces = |d: &Diagnostic| INTRODUCING.contains(&d.code);
    let introduced: Vec<String> = findings.iter().filter(|d| introduces(d)).filter_map(|d| d.missing.clone()).collect();
    let meant = |name: &str| closest(name, introduced.iter().map(String::as_str)).is_some_and(|near| near != name);
    let mut kept: Vec<Diagnostic> = Vec::with_capacity(findings.len());
    for finding in findings {
        let Some(name) = finding.missing.as_ref().filter(|_| finding.severity == Severity::Error) else {
            if !follows(&finding) {
                kept.push(finding);
            }
            continue;
        };
        let place = finding.primary.span;
        match kept.iter_mut().find(|d| d.missing.as_ref() == Some(name)) {
            Some(first) if first.labels.len() < PLACES && first.primary.span.file == place.file => {
                first.labels.push(Label { span: place, text: "needed here too".to_string() });
            }
            Some(_) => {}
            None if !introduces(&finding) && meant(name) => {}
            None => kept.push(finding),
        }
    }
    kept
}
