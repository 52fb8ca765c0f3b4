//! "Did you mean": the nearest of the names that would have been right.

use crate::diagnostics::closest;

/// "did you mean `x`?" when something is near, else the list of what there is.
pub(super) fn help<'a>(what: &str, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    /// How many names a list shows.
    const SHOWN: usize = 24;
    let all: Vec<&str> = candidates.into_iter().collect();
    if let Some(near) = closest(name, all.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    match all.len() {
        0 => format!("there are no {what}"),
        n if n <= SHOWN => format!("{what}: {}", all.join(", ")),
        n => format!("{what}: {}, and {} more", all[..SHOWN].join(", "), n - SHOWN),
    }
}
