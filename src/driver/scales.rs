//! Data sets of one fit whose numbers are of different sizes, as they are where one of them was not converted, and columns that do not
//! vary.

use crate::base::{Between, IndexMap};
use crate::data::{Dataset, median};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{W1108, W1109};
use crate::hir::{DataSet, Equation, Holdout, LinearTerm, Model, family};

/// Sizes that differ by this factor are pointed out.
const FACTOR: f64 = 10.0;

/// What is compared of a data set: its size, where it has one.
type Size<'a> = &'a dyn Fn(&Dataset) -> Option<f64>;

/// Findings on the data sets of a fit: on those that are fitted, and on the sizes of all of them.
pub fn check(model: &Model, sets: &[(&DataSet, &Dataset)], all: &[(&DataSet, &Dataset)]) -> Vec<Diagnostic> {
    let mut found = sizes(all);
    found.extend(constant(model, sets));
    found.extend(constant_inputs(model, sets));
    found
}

/// States that are the same number at every sample of all sets, though their equations let them change. The elements of a family count
/// as one: a boundary that is held is no mistake.
fn constant(model: &Model, sets: &[(&DataSet, &Dataset)]) -> Vec<Diagnostic> {
    let mut families: IndexMap<&str, (f64, f64, usize)> = IndexMap::new();
    for (id, state) in model.states.iter() {
        let at_rest = |e: &Equation| {
            let top = |t: &LinearTerm| (t.state, t.derivative) == (id, state.order);
            e.state == id && e.known.is_none() && e.unknowns.is_empty() && e.linear.iter().all(top)
        };
        if model.equations.iter().any(at_rest) {
            continue;
        }
        let range = families.entry(family(&state.name)).or_insert((f64::INFINITY, f64::NEG_INFINITY, 0));
        for (read, column) in sets.iter().filter_map(|(_, read)| Some((read, read.column(&state.name)?))) {
            let stats = read.trajectories.iter().map(|t| t.stats(column)).filter(|s| s.count > 0);
            stats.for_each(|s| *range = (range.0.min(s.min), range.1.max(s.max), range.2 + s.count));
        }
    }
    let finding = |(name, (least, most, count)): (&str, (f64, f64, usize))| {
        let (data, _) = sets.first().filter(|_| count > 1 && least == most)?;
        let message = format!("the data of `{name}` do not vary: it is {} at every sample", crate::hir::number(least));
        let span = data.place_of(name);
        let d = Diagnostic::warning(W1109, message, span, "read from here");
        Some(d.help(format!("if it was measured, look whether another column is meant: `{name} = column`")))
    };
    families.into_iter().filter_map(finding).collect()
}

/// Inputs that are the same number at every sample that is fitted, in all sets.
fn constant_inputs(model: &Model, sets: &[(&DataSet, &Dataset)]) -> Vec<Diagnostic> {
    let Some((data, first)) = sets.first() else { return Vec::new() };
    let finding = |(k, name): (usize, &String)| {
        let of = |read: &Dataset| read.inputs.iter().position(|n| n == name);
        // What a last sample has of impulses comes behind it.
        let last = model.inputs.values().any(|i| i.name == *name && i.between == Between::Impulse);
        let values =
            sets.iter().filter_map(|(data, read)| Some((data, read, of(read)?))).flat_map(|(data, read, k)| {
                read.trajectories.iter().flat_map(move |t| {
                    let fitted = fitted(t.len, data.holdout).saturating_sub(usize::from(last));
                    t.inputs.iter().skip(k).step_by(t.input_width().max(1)).take(fitted)
                })
            });
        let value = first.trajectories.first()?.inputs.get(k)?;
        if !values.clone().all(|v| v == value) || values.count() < 2 {
            return None;
        }
        let value = crate::hir::number(*value);
        let part = if matches!(data.holdout, Some(Holdout::Time(_))) { " that is fitted" } else { "" };
        let message = format!("the input `{name}` does not vary: it is {value} at every sample{part}");
        let span = data.place_of(name);
        let help = format!(
            "what it does cannot be told from a constant: look whether another column is meant, or write `const {name} = {value}` in the model and take `{name}` out of its holes"
        );
        Some(Diagnostic::warning(W1109, message, span, "read from here").help(help))
    };
    first.inputs.iter().enumerate().filter_map(finding).collect()
}

/// How many of so many samples of a trajectory come before those that are held out.
fn fitted(samples: usize, holdout: Option<Holdout>) -> usize {
    match holdout {
        Some(Holdout::Time(share)) => samples.saturating_sub((samples as f64 * share).round() as usize),
        Some(Holdout::Trajectories(share)) if share >= 1.0 => 0,
        Some(Holdout::Trajectories(_)) | None => samples,
    }
}

/// Findings on the steps and on every column that several sets have, where at least one set is read from a file: what is made has the
/// sizes that its numbers in the program say.
fn sizes(sets: &[(&DataSet, &Dataset)]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    found.extend(compared("the steps of the time are", sets, &step));
    let mut names: Vec<&String> = Vec::new();
    for name in sets.iter().flat_map(|(_, read)| read.columns.iter().chain(&read.inputs)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        found.extend(compared(&format!("`{name}` is"), sets, &|read: &Dataset| magnitude(read, name)));
    }
    found
}

/// The finding on the set with the largest size and the one with the smallest.
fn compared(what: &str, sets: &[(&DataSet, &Dataset)], size: Size<'_>) -> Option<Diagnostic> {
    let sizes = || sets.iter().filter_map(|(data, read)| Some((*data, size(read).filter(|s| *s > 0.0)?)));
    let (large, most) = sizes().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let (small, least) = sizes().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let is_read = |data: &DataSet| !data.source.is_made();
    if most / least < FACTOR || !(is_read(large) || is_read(small)) {
        return None;
    }
    let times = crate::report::short(most / least);
    let message = format!("{what} {times} times as large in `{}` as in `{}`", large.name, small.name);
    let d = Diagnostic::warning(W1108, message, large.span, "larger here").label(small.span, "smaller here");
    let help =
        "if they are in different units, write those of the file behind its columns: `time t [h]`, `x = place [km]`";
    Some(d.help(help))
}

/// The median distance between samples.
fn step(read: &Dataset) -> Option<f64> {
    let steps: Vec<f64> =
        read.trajectories.iter().flat_map(|t| (1..t.len).map(|i| t.time(i) - t.time(i - 1))).collect();
    (!steps.is_empty()).then(|| median(&steps))
}

/// The root mean square of a column.
fn magnitude(read: &Dataset, name: &str) -> Option<f64> {
    let stats = match read.column(name) {
        Some(column) => read.stats(column),
        None => read.input_stats(read.inputs.iter().position(|n| n == name)?),
    };
    (stats.count > 0).then(|| stats.mean.hypot(stats.std))
}
