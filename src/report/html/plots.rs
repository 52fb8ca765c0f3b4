//! The pictures of the page.

use super::super::found::{Equation, PlausibleTerm};
use super::super::record::{RunRecord, TrajectoryRecord};
use super::super::rounding::round;
use super::super::svg::{Forest, ForestRow, Mark, Plot, Shape};

/// Data against solution, one panel per state on a common time axis.
pub(crate) fn time_series(t: &TrajectoryRecord) -> Vec<String> {
    let count = t.states.len();
    let panel = |(i, s): (usize, &super::super::record::StateRecord)| {
        let curve = |v: &[f64]| t.time.iter().copied().zip(v.iter().copied()).collect::<Vec<_>>();
        let name = |text: &str| if i == 0 { text.to_owned() } else { String::new() };
        let last = i + 1 == count;
        let height = if last { 214.0 } else { 170.0 } + if i == 0 { 10.0 } else { 0.0 };
        Plot {
            title: format!("{} over time: data and solution", s.state),
            x_label: if last { "time".into() } else { String::new() },
            y_label: s.state.clone(),
            width: 1080.0,
            height,
            shaded_from: t.held_out_from.and_then(|i| t.time.get(i).copied()),
            hide_x_ticks: !last,
            marks: present([
                Mark { shape: Shape::Dots, name: name("data"), class: "data", points: curve(&s.data) },
                Mark { shape: Shape::Line, name: name("solution"), class: "fit", points: curve(&s.solution) },
            ]),
            ..Plot::default()
        }
        .render()
    };
    t.states.iter().enumerate().map(panel).collect()
}

/// Phase portraits of the pairs among the first three states.
pub(crate) fn portraits(t: &TrajectoryRecord) -> Vec<String> {
    let mut out = Vec::new();
    let shown = t.states.get(..t.states.len().min(3)).unwrap_or_default();
    for (i, a) in shown.iter().enumerate() {
        for b in shown.iter().skip(i + 1) {
            let curve = |x: &[f64], y: &[f64]| x.iter().copied().zip(y.iter().copied()).collect::<Vec<_>>();
            out.push(
                Plot {
                    title: format!("phase portrait of {} and {}", a.state, b.state),
                    x_label: a.state.clone(),
                    y_label: b.state.clone(),
                    width: 420.0,
                    height: 340.0,
                    marks: present([
                        Mark {
                            shape: Shape::Dots,
                            name: String::new(),
                            class: "data",
                            points: curve(&a.data, &b.data),
                        },
                        Mark {
                            shape: Shape::Line,
                            name: String::new(),
                            class: "fit fine",
                            points: curve(&a.solution, &b.solution),
                        },
                    ]),
                    ..Plot::default()
                }
                .render(),
            );
        }
    }
    out
}

/// The loss over the iterations, a line for each phase; none without points.
pub(crate) fn loss_curve(record: &RunRecord) -> Option<String> {
    const CLASSES: [&str; 4] = ["s1", "s2", "s3", "s4"];
    let mut marks: Vec<Mark> = Vec::new();
    let mut phases: Vec<&str> = Vec::new();
    let mut previous: Option<&super::super::record::LossPoint> = None;
    for p in &record.loss {
        let at = p.iteration as f64;
        let slot = phases.iter().position(|n| *n == p.phase).unwrap_or_else(|| {
            phases.push(&p.phase);
            marks.push(Mark {
                shape: Shape::Line,
                name: p.phase.clone(),
                class: CLASSES.get(marks.len() % CLASSES.len()).copied().unwrap_or("s1"),
                points: Vec::new(),
            });
            marks.len() - 1
        });
        if let Some(mark) = marks.get_mut(slot) {
            // Phases that take turns must not be joined across the others.
            if previous.is_some_and(|q| q.phase != p.phase) && !mark.points.is_empty() {
                mark.points.push((at, f64::NAN));
            }
            mark.points.push((at, p.loss));
        }
        previous = Some(p);
    }
    if phases.len() == 1
        && let Some(mark) = marks.first_mut()
    {
        mark.name.clear();
    }
    let positive = record.loss.iter().any(|p| p.loss > 0.0);
    positive.then(|| {
        Plot {
            title: "loss over the iterations".into(),
            x_label: "iteration".into(),
            y_label: "loss".into(),
            width: 1080.0,
            height: 260.0,
            y_log: true,
            marks,
            ..Plot::default()
        }
        .render()
    })
}

/// The coefficients of an equation with error bars of two standard errors, plausible terms below.
pub(crate) fn coefficients(equation: &Equation, plausible: &[PlausibleTerm]) -> String {
    let row = |term: &str, value: f64, error: Option<f64>, faint: bool| ForestRow {
        label: set(term),
        figures: round(value, error).full().replace('-', "−"),
        value,
        error: error.map(|e| 2.0 * e),
        faint,
    };
    let kept = equation.terms.iter().flat_map(|t| {
        let inside = t.inside.iter().map(|n| {
            let label = format!("{} in {}", n.of, t.with_numbers(|_| "…".into()));
            row(&label, n.coefficient, n.std_error, false)
        });
        std::iter::once(row(&t.with_numbers(|_| "…".into()), t.coefficient, t.std_error, false)).chain(inside)
    });
    let others = plausible
        .iter()
        .filter(|p| p.state == equation.state)
        .map(|p| row(&(p.term.clone() + p.short_place()), p.coefficient, p.std_error, true));
    Forest { title: format!("coefficients of the equation of {}", equation.state), rows: kept.chain(others).collect() }
        .render()
}

/// A term in plain characters: raised digits for powers, a raised dot for products.
fn set(term: &str) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let mut out = String::new();
    let mut power = false;
    for c in term.chars() {
        let raised = c.to_digit(10).filter(|_| power).and_then(|d| RAISED.get(d as usize));
        match (c, raised) {
            ('^', _) => power = true,
            (_, Some(&r)) => out.push(r),
            _ => {
                // A power that is no number keeps its sign.
                if power && out.chars().last().is_some_and(|l| !RAISED.contains(&l)) {
                    out.push('^');
                }
                power = false;
                out.push(if c == '*' { '·' } else { c });
            }
        }
    }
    out
}

/// Marks with at least one number to show.
fn present<const N: usize>(marks: [Mark; N]) -> Vec<Mark> {
    marks.into_iter().filter(|m| m.points.iter().any(|p| p.0.is_finite() && p.1.is_finite())).collect()
}
