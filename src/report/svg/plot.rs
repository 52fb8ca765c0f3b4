//! A plot with two axes.

use std::fmt::Write as _;

use super::super::escape::escape;
use super::coordinate as c;
use super::scale::Scale;
use super::thin::{thin_line, thin_points};

/// A plot with two axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// What it shows, for readers who cannot see it.
    pub title: String,
    /// Label of the horizontal axis; may be empty.
    pub x_label: String,
    /// Label of the vertical axis; may be empty.
    pub y_label: String,
    /// Width in pixels.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
    /// True for a logarithmic vertical axis.
    pub y_log: bool,
    /// From here on, the background says that the data were held out.
    pub shaded_from: Option<f64>,
    /// Labels of the horizontal axis are left out where another plot below has them.
    pub hide_x_ticks: bool,
    /// What is drawn, the first thing lowest.
    pub marks: Vec<Mark>,
}

/// Points with a look.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// How they are drawn.
    pub shape: Shape,
    /// Name in the legend; none without one.
    pub name: String,
    /// Class in the style sheet, such as `data` or `fit`.
    pub class: &'static str,
    /// The points; where one of the numbers is not finite, a line is interrupted.
    pub points: Vec<(f64, f64)>,
}

/// How points are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Joined by a line.
    Line,
    /// Each a dot.
    Dots,
}

impl Default for Plot {
    fn default() -> Self {
        Self {
            title: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            width: 640.0,
            height: 240.0,
            y_log: false,
            shaded_from: None,
            hide_x_ticks: false,
            marks: Vec::new(),
        }
    }
}

/// Space for the labels of the vertical axis.
const LEFT: f64 = 62.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
/// Pixels per tick, which leaves room for labels.
const X_TICK: f64 = 90.0;
const Y_TICK: f64 = 38.0;

impl Plot {
    /// The `<svg>` element.
    pub fn render(&self) -> String {
        let named = self.marks.iter().any(|m| !m.name.is_empty());
        let top = if named { TOP + 20.0 } else { TOP };
        let bottom = match (self.hide_x_ticks, self.x_label.is_empty()) {
            (true, _) => 10.0,
            (false, true) => 26.0,
            (false, false) => 44.0,
        };
        let (right, base) = (self.width - RIGHT, self.height - bottom);
        let all = || self.marks.iter().flat_map(|m| &m.points);
        let x = Scale::of(all().filter(|p| p.1.is_finite()).map(|p| p.0), false, self.x_margin(), LEFT, right);
        let y = Scale::of(all().filter(|p| p.0.is_finite()).map(|p| p.1), self.y_log, 0.06, base, top);

        let mut out = format!(
            "<svg class=\"plot\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
            c(self.width),
            c(self.height),
            escape(&self.title)
        );
        if let Some(from) = self.shaded_from.and_then(|v| x.map(v)) {
            let from = from.clamp(LEFT, right);
            let _ = write!(
                out,
                "<rect class=\"held\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                c(from),
                c(top),
                c(right - from),
                c(base - top)
            );
        }
        self.axes(&mut out, (&x, &y), (top, right, base));
        for mark in &self.marks {
            draw(&mut out, mark, &x, &y);
        }
        if named {
            self.legend(&mut out);
        }
        out.push_str("</svg>");
        out
    }

    /// Time series fill the width; clouds of points want some air.
    fn x_margin(&self) -> f64 {
        let increasing = |m: &Mark| m.points.windows(2).all(|w| matches!(w, [a, b] if b.0 >= a.0));
        if self.marks.iter().all(increasing) { 0.0 } else { 0.05 }
    }

    fn axes(&self, out: &mut String, (x, y): (&Scale, &Scale), (top, right, base): (f64, f64, f64)) {
        let mut grid = String::new();
        let mut labels = String::new();
        for tick in y.ticks(((base - top) / Y_TICK) as usize) {
            let Some(at) = y.map(tick.value) else { continue };
            let _ = write!(grid, "M{} {}H{}", c(LEFT), c(at), c(right));
            let text = escape(&tick.label);
            let _ = write!(labels, "<text class=\"y\" x=\"{}\" y=\"{}\">{text}</text>", c(LEFT - 8.0), c(at + 4.0));
        }
        for tick in x.ticks(((right - LEFT) / X_TICK) as usize) {
            let Some(at) = x.map(tick.value) else { continue };
            let _ = write!(grid, "M{} {}V{}", c(at), c(top), c(base));
            if !self.hide_x_ticks {
                let text = escape(&tick.label);
                let _ = write!(labels, "<text class=\"x\" x=\"{}\" y=\"{}\">{text}</text>", c(at), c(base + 17.0));
            }
        }
        let _ = write!(out, "<path class=\"grid\" d=\"{grid}\"/>");
        let _ = write!(out, "<path class=\"axis\" d=\"M{} {}V{}H{}\"/>", c(LEFT), c(top), c(base), c(right));
        out.push_str(&labels);
        if !self.x_label.is_empty() && !self.hide_x_ticks {
            let (at, text) = (0.5 * (LEFT + right), escape(&self.x_label));
            let _ = write!(out, "<text class=\"x name\" x=\"{}\" y=\"{}\">{text}</text>", c(at), c(base + 36.0));
        }
        if !self.y_label.is_empty() {
            let (at, text) = (0.5 * (top + base), escape(&self.y_label));
            let turn = format!("rotate(-90 14 {})", c(at));
            let _ = write!(out, "<text class=\"x name\" x=\"14\" y=\"{}\" transform=\"{turn}\">{text}</text>", c(at));
        }
    }

    fn legend(&self, out: &mut String) {
        let mut at = LEFT + 2.0;
        for mark in self.marks.iter().filter(|m| !m.name.is_empty()) {
            let path = match mark.shape {
                Shape::Line => format!("M{} 14h18", c(at)),
                Shape::Dots => format!("M{} 14h0m6 0h0m6 0h0", c(at + 3.0)),
            };
            let _ = write!(out, "<path class=\"{} {}\" d=\"{path}\"/>", kind(mark.shape), mark.class);
            let name = escape(&mark.name);
            let _ = write!(out, "<text class=\"key\" x=\"{}\" y=\"18\">{name}</text>", c(at + 24.0));
            at += 44.0 + 7.0 * mark.name.chars().count() as f64;
        }
    }
}

/// The class that says how a path is stroked.
fn kind(shape: Shape) -> &'static str {
    match shape {
        Shape::Line => "line",
        Shape::Dots => "dots",
    }
}

fn draw(out: &mut String, mark: &Mark, x: &Scale, y: &Scale) {
    let pixels: Vec<Option<(f64, f64)>> = mark.points.iter().map(|p| x.map(p.0).zip(y.map(p.1))).collect();
    let mut path = String::new();
    match mark.shape {
        Shape::Line => {
            for piece in pixels.split(Option::is_none) {
                let piece: Vec<(f64, f64)> = piece.iter().flatten().copied().collect();
                let mut last = String::new();
                for (i, (px, py)) in thin_line(&piece).into_iter().enumerate() {
                    let step = format!("{} {}", c(px), c(py));
                    if i == 0 || step != last {
                        let _ = write!(path, "{}{step}", if i == 0 { 'M' } else { 'L' });
                    }
                    last = step;
                }
            }
        }
        Shape::Dots => {
            // A dot is a line of no length with round ends: a few bytes each.
            let all: Vec<(f64, f64)> = pixels.into_iter().flatten().collect();
            for (px, py) in thin_points(&all, 1.0) {
                let _ = write!(path, "M{} {}h0", c(px), c(py));
            }
        }
    }
    let _ = write!(out, "<path class=\"{} {}\" d=\"{path}\"/>", kind(mark.shape), mark.class);
}
