//! Parameters that come to an end of their range: what is said of them and what to do about it.

use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1104;
use crate::hir::{self, Bounds};
use crate::source::Span;

/// The end of a range and where it lies.
pub fn spelled(bounds: Bounds, lower: bool) -> String {
    let (end, bound) = if lower { ("lower", bounds.lower) } else { ("upper", bounds.upper) };
    format!("the {end} end of its range, {}", hir::number(bound))
}

/// The finding `message` on parameters that are declared at `span` with these bounds; what speaks for or against widening them goes on.
pub fn remark((span, bounds): (Span, Bounds), message: String, goes_on: &str) -> Diagnostic {
    let help = format!("widen the range `in [{}, {}]`{goes_on}", hir::number(bounds.lower), hir::number(bounds.upper));
    Diagnostic::warning(W1104, message, span, "with this range").help(help)
}
