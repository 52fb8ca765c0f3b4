//! Data sets of one fit whose numbers are of different sizes, as they are where one of them was not converted.

use crate::data::Dataset;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1108;
use crate::hir::DataSet;

/// Sizes that differ by this factor are pointed out.
const FACTOR: f64 = 10.0;

/// What is compared of a data set: its size, where it has one.
type Size<'a> = &'a dyn Fn(&Dataset) -> Option<f64>;

/// Findings on the steps and on every column that several sets have, where at least one set is read from a file: what is made has the
/// sizes that its numbers in the program say.
pub fn check(sets: &[(&DataSet, Dataset)]) -> Vec<Diagnostic> {
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
fn compared(what: &str, sets: &[(&DataSet, Dataset)], size: Size<'_>) -> Option<Diagnostic> {
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
    let mut steps: Vec<f64> =
        read.trajectories.iter().flat_map(|t| (1..t.len).map(|i| t.time(i) - t.time(i - 1))).collect();
    let middle = steps.len() / 2;
    (!steps.is_empty()).then(|| *steps.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// The root mean square of a column.
fn magnitude(read: &Dataset, name: &str) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_usize);
    let mut add = |value: f64| {
        if value.is_finite() {
            sum += value * value;
            count += 1;
        }
    };
    if let Some(column) = read.column(name) {
        read.trajectories.iter().for_each(|t| (0..t.len).filter_map(|i| t.value(i, column)).for_each(&mut add));
    } else {
        let (at, width) = (read.inputs.iter().position(|n| n == name)?, read.inputs.len());
        read.trajectories.iter().for_each(|t| t.inputs.iter().skip(at).step_by(width).copied().for_each(&mut add));
    }
    (count > 0).then(|| (sum / count as f64).sqrt())
}
