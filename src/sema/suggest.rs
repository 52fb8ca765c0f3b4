//! "Did you mean": the nearest of the names that would have been right.

use crate::base::IndexSet;
use crate::diagnostics::{Advice, MAX_COMPARED, Sink, nearest};
use crate::hir::family;

/// "did you mean `x`?" when something is near, else the list of what there is.
pub(super) fn help<'a>(what: &str, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Advice {
    let all: Vec<&str> = candidates.into_iter().collect();
    match nearest(name, all.iter().copied()) {
        Some((near, true)) => return did_you_mean(near),
        // Of `x1` and `x2` either may be meant.
        Some((near, false)) => return format!("did you mean `{near}`?").into(),
        None => {}
    }
    match all.len() {
        0 => format!("there are no {what}"),
        _ => format!("{what}: {}", listed(all)),
    }
    .into()
}

/// The same for names of which a program can lack thousands: what the first ones of `sink` were meant to be is enough.
pub(super) fn help_of_many<'a>(
    sink: &Sink,
    what: &str,
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Advice {
    match sink.many_missing() {
        true => format!("only the first {MAX_COMPARED} of so many missing names are compared with the {what}").into(),
        false => help(what, name, candidates),
    }
}

/// "did you mean `x`?", which stands in place of what the finding is about.
pub(super) fn did_you_mean(near: &str) -> Advice {
    Advice::instead(format!("did you mean `{near}`?"), near)
}

/// The first comma between two digits of a text that is meant as a decimal point, and the number: neither numbers of other forms nor lists
/// of three and more stand around it.
pub(super) fn decimal_comma(text: &str) -> Option<(usize, String)> {
    let digits = |part: &str| part.bytes().take_while(u8::is_ascii_digit).count();
    text.match_indices(',').find_map(|(at, _)| {
        let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
        let whole = before.bytes().rev().take_while(u8::is_ascii_digit).count();
        let part = digits(after);
        let first = before.get(..at - whole)?;
        let rest = after.get(part..)?;
        let other = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | ',');
        let ends = first.ends_with(other) || rest.starts_with(other);
        (whole > 0 && part > 0 && !ends).then(|| {
            (at, format!("{}.{}", before.get(at - whole..).unwrap_or_default(), after.get(..part).unwrap_or_default()))
        })
    })
}

/// A text with a blank before its first bracket, where a unit was meant: `0.3 [mol]` for `0.3[mol]`.
pub(super) fn with_blank(text: &str) -> Option<String> {
    // The first bracket without a blank is the one that is meant.
    let at = text.match_indices('[').map(|(at, _)| at).find(|&at| !text.get(..at).is_some_and(ends_blank))?;
    let (before, unit) = (text.get(..at)?, text.get(at + 1..)?);
    // The subscript of an element is no unit.
    let place = |c: char| c.is_ascii_digit() || c == ',' || c.is_whitespace();
    (!unit.split(']').next()?.chars().all(place)).then(|| format!("{before} [{unit}"))
}

/// Whether a text ends with a blank.
fn ends_blank(text: &str) -> bool {
    text.ends_with(char::is_whitespace)
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
