//! Index sets that the layers of a network go along: `over window, cell`, `over horizon, cell`, `over cell`.

use super::families::{Families, subscripts_of};
use super::settings::{Context, as_word};
use super::suggest;
use crate::base::IndexMap;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0201, E1016};
use crate::hir::{Along, Over, family};
use crate::source::Span;
use crate::syntax::ast::SettingValue;

/// What stands behind `over`.
pub(super) struct Extent<'s> {
    /// How often in time.
    pub(super) over: Over,
    /// The index set, with its place.
    pub(super) set: Option<(&'s str, Span)>,
}

/// Takes `over window`, `over horizon, cell` or `over cell` off the end.
pub(super) fn extent<'s>(values: &'s [SettingValue]) -> (&'s [SettingValue], Extent<'s>) {
    let nothing = Extent { over: Over::Once, set: None };
    let Some(at) = values.iter().rposition(|v| as_word(v) == Some("over")) else { return (values, nothing) };
    let time = |word: &str| match word {
        "window" => Some(Over::Window),
        "horizon" => Some(Over::Horizon),
        _ => None,
    };
    let word = |v: &'s SettingValue| match v {
        SettingValue::Expr(e) => as_word(v).map(|word| (word, e.span)),
        _ => None,
    };
    let (before, behind) = (&values[..at], &values[at + 1..]);
    let words: Option<Vec<(&str, Span)>> = behind.iter().map(word).collect();
    match words.as_deref() {
        Some(&[(word, span)]) => match time(word) {
            Some(over) => (before, Extent { over, set: None }),
            None => (before, Extent { over: Over::Once, set: Some((word, span)) }),
        },
        Some(&[(first, _), set]) if time(first).is_some() && time(set.0).is_none() => {
            (before, Extent { over: time(first).unwrap_or(Over::Once), set: Some(set) })
        }
        _ => (values, nothing),
    }
}

/// What belongs to each element of an index set among what a network reads: the names of its columns, and the index sets of
/// families that are no states.
pub(super) fn along(
    (set, span): (&str, Span),
    columns: &[String],
    own: &IndexMap<String, Vec<String>>,
    families: &Families<'_>,
    cx: &mut Context<'_>,
) -> Option<Along> {
    let mut elements: IndexMap<&str, Vec<usize>> = IndexMap::new();
    for (k, column) in columns.iter().enumerate() {
        let sets = own.get(family(column)).map_or_else(|| families.sets(family(column)), Vec::as_slice);
        let at = sets.iter().position(|s| s == set).and_then(|p| subscripts_of(column).get(p).copied());
        let Some(at) = at else {
            if families.is_empty() {
                // No fit uses the network, so nothing is known of its states.
                return Some(Along { set: set.to_string(), elements: vec![(0..columns.len()).collect()] });
            }
            if !families.all_sets().any(|s| s == set) {
                let known = ["window", "horizon"].into_iter().chain(families.all_sets());
                let message = format!("no state has an index set `{set}`");
                let help = suggest::help("index sets and times", set, known);
                cx.sink.push(Diagnostic::error(E0201, message, span, "unknown").help(help).missing(set));
                return None;
            }
            let message = format!("`{}` has no index set `{set}`", family(column));
            let d = Diagnostic::error(E1016, message, span, "along this index set");
            cx.sink.push(d.help("everything that a network along an index set reads has that index set"));
            return None;
        };
        elements.entry(at).or_default().push(k);
    }
    let elements: Vec<Vec<usize>> = elements.into_values().collect();
    let count = elements.first().map_or(0, Vec::len);
    if elements.iter().any(|e| e.len() != count) {
        let message = format!("what is read differs between the elements of `{set}`");
        let d = Diagnostic::error(E1016, message, span, "along this index set");
        cx.sink.push(d.help("name whole families"));
        return None;
    }
    Some(Along { set: set.to_string(), elements })
}
