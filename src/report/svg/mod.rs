//! A small library of plots as SVG text: axes with round ticks, lines, points, error bars, legends, logarithmic axes.
//!
//! # Invariants
//! - Colours and fonts come from the page's style sheet through class names, so one picture serves light and dark.
//! - Every text from outside is escaped; every coordinate is finite, with one decimal.
//! - Size is bounded by the picture, not by the data: lines and points are thinned to what a pixel can show.

mod forest;
mod plot;
mod scale;
mod thin;

pub use forest::{Forest, ForestRow};
pub use plot::{Mark, Plot, Shape};
pub use scale::{Scale, Tick};
pub use thin::{thin_line, thin_points};

/// A coordinate with one decimal, without a needless `.0`.
pub(crate) fn coordinate(v: f64) -> String {
    let text = format!("{v:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".into(),
        Some(whole) => whole.into(),
        None => text,
    }
}
