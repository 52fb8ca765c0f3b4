//! A forest plot: one row per quantity with its estimate, its error bar and its figures.

use std::fmt::Write as _;

use super::super::escape::escape;
use super::coordinate as c;
use super::scale::Scale;

/// Estimates with error bars on one horizontal axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Forest {
    /// What it shows, for readers who cannot see it.
    pub title: String,
    /// The rows from top to bottom.
    pub rows: Vec<ForestRow>,
}

/// One estimate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ForestRow {
    /// Name on the left.
    pub label: String,
    /// Figures on the right.
    pub figures: String,
    /// The estimate.
    pub value: f64,
    /// Half the length of the error bar; none without one.
    pub error: Option<f64>,
    /// True for what was left out of the result: drawn hollow.
    pub faint: bool,
}

const WIDTH: f64 = 520.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 150.0;
const ROW: f64 = 28.0;
const TOP: f64 = 8.0;

impl Forest {
    /// The `<svg>` element. Zero is always on the axis.
    pub fn render(&self) -> String {
        let base = TOP + ROW * self.rows.len() as f64;
        let right = WIDTH - RIGHT;
        let ends = self.rows.iter().flat_map(|r| [r.value - r.error.unwrap_or(0.0), r.value + r.error.unwrap_or(0.0)]);
        let x = Scale::of(ends.chain([0.0]), false, 0.08, LEFT, right);
        let mut out = format!(
            "<svg class=\"plot\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
            c(WIDTH),
            c(base + 24.0),
            escape(&self.title)
        );
        let mut grid = String::new();
        for tick in x.ticks(5) {
            let Some(at) = x.map(tick.value) else { continue };
            let _ = write!(grid, "M{} {}V{}", c(at), c(TOP), c(base));
            let text = escape(&tick.label);
            let _ = write!(out, "<text class=\"x\" x=\"{}\" y=\"{}\">{text}</text>", c(at), c(base + 17.0));
        }
        let _ = write!(out, "<path class=\"grid\" d=\"{grid}\"/>");
        if let Some(zero) = x.map(0.0) {
            let _ = write!(out, "<path class=\"axis\" d=\"M{} {}V{}\"/>", c(zero), c(TOP), c(base));
        }
        for (i, row) in self.rows.iter().enumerate() {
            let y = TOP + ROW * (i as f64 + 0.5);
            row.render(&mut out, &x, y, right);
        }
        out.push_str("</svg>");
        out
    }
}

impl ForestRow {
    fn render(&self, out: &mut String, x: &Scale, y: f64, right: f64) {
        /// Half the height of the ends of an error bar.
        const END: f64 = 5.0;
        let (label, figures) = (escape(&self.label), escape(&self.figures));
        let _ = write!(out, "<text class=\"y name\" x=\"{}\" y=\"{}\">{label}</text>", c(LEFT - 12.0), c(y + 4.0));
        let _ = write!(out, "<text class=\"figures\" x=\"{}\" y=\"{}\">{figures}</text>", c(right + 14.0), c(y + 4.0));
        let Some(at) = x.map(self.value) else { return };
        let bar = self.error.and_then(|e| x.map(self.value - e).zip(x.map(self.value + e)));
        if let Some((low, high)) = bar {
            let (up, down) = (c(y - END), c(y + END));
            let _ = write!(
                out,
                "<path class=\"bar\" d=\"M{low} {up}V{down}M{high} {up}V{down}M{low} {y}H{high}\"/>",
                low = c(low),
                high = c(high),
                y = c(y)
            );
        }
        let class = if self.faint { "spot faint" } else { "spot" };
        let _ = write!(out, "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"4\"/>", c(at), c(y));
    }
}
