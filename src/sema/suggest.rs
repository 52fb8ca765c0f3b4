//! "Did you mean": the nearest of the names that would have been right.

use crate::base::IndexSet;
use crate::diagnostics::closest;
use crate::hir::family;

/// "did you mean `x`?" when something is near, else the list of what there is.
pub(super) fn help<'a>(what: &str, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<&str> = candidates.into_iter().collect();
    if let Some(near) = closest(name, all.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    match all.len() {
        0 => format!("there are no {what}"),
        _ => format!("{what}: {}", listed(all)),
    }
}

/// A text with a blank before its first bracket, where a unit was meant: `0.3 [mol]` for `0.3[mol]`.
pub(super) fn with_blank(text: &str) -> Option<String> {
    let (before, unit) = text.split_once('[')?;
    // The subscript of an element is no unit.
    let place = |c: char| c.is_ascii_digit() || c == ',' || c.is_whitespace();
    (!unit.split(']').next()?.chars().all(place)).then(|| format!("{} [{unit}", before.trim_end()))
}

/// Names one after the other, each once; of a family its name alone, and of many names the first.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    /// How many names a list shows.
    const SHOWN: usize = 24;
    let names: IndexSet<&str> = names.into_iter().map(family).collect();
    let shown: Vec<&str> = names.iter().copied().take(SHOWN).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}
