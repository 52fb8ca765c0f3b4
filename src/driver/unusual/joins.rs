//! Experiments that stand under one another as if they were one: all states jump at once.

use super::local::{SIDE, differences, step};
use super::{Series, is_driven};
use crate::data::{Dataset, Trajectory};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1114;
use crate::hir::DataSet;

/// A jump is this much larger than what else happens between samples, in one column,
const LARGER: f64 = 4.0;
/// and so much larger in every other one.
const ELSEWHERE: f64 = 2.0;
/// What is left around it without it is less than this part of what it does.
const LEFT: f64 = 0.3;
/// Of a jump by one, the largest difference from the neighbours.
const SEEN: f64 = 0.5;
/// Samples of an experiment, at least.
const FEWEST: usize = 12;
/// Jumps that are looked for in a trajectory.
const MOST: usize = 30;
/// Samples on each side of a jump whose slope is looked at.
const BESIDE: usize = 8;

/// The finding on a data set.
pub fn check(data: &DataSet, read: &Dataset) -> Option<Diagnostic> {
    let found: Vec<(&Trajectory, f64, f64)> = read.trajectories.iter().flat_map(|t| jumps(data, read, t)).collect();
    let (trajectory, before, behind) = found.first()?;
    let file = super::Files { data, name: read.columns.first()? };
    let names: Vec<String> = read.columns.iter().map(|c| format!("`{c}`")).collect();
    let times = match found.len() {
        1 => "once".to_string(),
        n => format!("{n} times"),
    };
    let message = format!(
        "{} jump{} {times}, {}between t = {} and {}: no equation makes such a jump",
        crate::report::some(&names, 4),
        if names.len() == 1 { "s" } else { "" },
        if found.len() == 1 { "" } else { "first " },
        file.time(*before),
        file.at(trajectory, *behind)
    );
    let help = format!(
        "if another experiment begins there, give the file a column that numbers the experiments, and say `trajectory` with its name in the \
         block of `{}`",
        data.name
    );
    let span = data.places.file.unwrap_or(data.span);
    Some(Diagnostic::warning(W1114, message, span, "these data").help(help))
}

/// Times before and behind every jump of all columns of a trajectory.
fn jumps<'a>(data: &'a DataSet, read: &'a Dataset, trajectory: &'a Trajectory) -> Vec<(&'a Trajectory, f64, f64)> {
    let columns: Vec<Series<'_>> = super::of_trajectory(data, read, trajectory).collect();
    let Some(first) = columns.first() else { return Vec::new() };
    let found: Vec<Vec<f64>> = columns.iter().map(|s| differences(&s.times, &s.values)).collect();
    let Some(of_first) = found.first() else { return Vec::new() };
    let places = candidates(&first.times, of_first);
    let jumps: Vec<[f64; 2]> =
        places.iter().filter_map(|&i| Some([*first.times.get(i)?, *first.times.get(i + 1)?])).collect();
    let mut largest = 0.0f64;
    for (series, found) in columns.iter().zip(&found) {
        let Some(ratio) = least_ratio(series, found, &jumps) else { return Vec::new() };
        largest = largest.max(ratio);
    }
    let told = |jump: &[f64; 2]| {
        let turns: Vec<[bool; 2]> = columns.iter().filter_map(|series| turns(series, jump)).collect();
        let anew = match turns.as_slice() {
            [[not_before, behind]] => *not_before && *behind,
            several => several.iter().any(|[_, behind]| *behind),
        };
        anew && !is_driven(trajectory, *jump)
    };
    if largest < LARGER || !jumps.iter().all(told) {
        return Vec::new();
    }
    jumps.into_iter().map(|[before, behind]| (trajectory, before, behind)).collect()
}

/// The samples before the jumps of a column: the largest differences, down to where they fall off.
fn candidates(times: &[f64], found: &[f64]) -> Vec<usize> {
    let mut left: Vec<f64> = found.iter().map(|e| if e.is_finite() { e.abs() } else { 0.0 }).collect();
    let mut places: Vec<(usize, f64)> = Vec::new();
    for _ in 0..=(times.len() / FEWEST).min(MOST) {
        let Some((at, size)) = left.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        // The two samples beside a jump differ alike.
        let jump = |i: usize| step(times, found, i).map_or(f64::INFINITY, |change| change.left);
        let before = at.checked_sub(1).filter(|&i| jump(i) < jump(at)).unwrap_or(at);
        places.push((before, size));
        let window = at.saturating_sub(2 * SIDE)..(at + 2 * SIDE + 1).min(left.len());
        left.get_mut(window).unwrap_or_default().fill(0.0);
    }
    // Without the one behind the last that counts.
    let falls = |k: &usize| match (places.get(k - 1), places.get(*k)) {
        (Some((_, size)), Some((_, next))) => *size > ELSEWHERE * next,
        _ => false,
    };
    let count = (1..places.len()).rev().find(falls).unwrap_or(0);
    places.into_iter().take(count).map(|(at, _)| at).collect()
}

/// By how much the smallest of the jumps of a column is larger than what else it does; `None` where one of them is no jump there.
fn least_ratio(series: &Series<'_>, found: &[f64], jumps: &[[f64; 2]]) -> Option<f64> {
    let mut rest: Vec<f64> = found.to_vec();
    let mut least = f64::INFINITY;
    for [before, behind] in jumps {
        let at = series.times.iter().position(|t| t == before)?;
        series.times.get(at + 1).filter(|t| *t == behind)?;
        let change = step(&series.times, found, at).filter(|change| change.left < LEFT)?;
        least = least.min(SEEN * change.size.abs());
        let window = at.saturating_sub(2 * SIDE)..(at + 2 * SIDE + 2).min(rest.len());
        rest.get_mut(window).unwrap_or_default().fill(f64::NAN);
    }
    let most = rest.iter().filter(|e| e.is_finite()).fold(0.0f64, |m, e| m.max(e.abs()));
    (least.is_finite() && least > ELSEWHERE * most).then(|| least / most)
}

/// Whether a column does not move in the direction of a jump before it, and whether it moves against it behind it, as one that was put
/// back does. Where a slow motion tips over within a step, it goes on in the direction in which it came, or settles.
fn turns(series: &Series<'_>, [before, behind]: &[f64; 2]) -> Option<[bool; 2]> {
    let at = series.times.iter().position(|t| t == before)?;
    let beside = |range: std::ops::Range<usize>| {
        let (t, y) = (series.times.get(range.clone()), series.values.get(range));
        slope(t.unwrap_or_default(), y.unwrap_or_default())
    };
    let old = beside((at + 1).saturating_sub(BESIDE)..at + 1);
    let new = beside(at + 1..(at + 1 + BESIDE).min(series.times.len()));
    let jump = (series.values.get(at + 1)? - series.values.get(at)?) / (behind - before);
    Some([old.0 * jump.signum() / old.1 < 2.0, new.0 * jump.signum() / new.1 < -2.0])
}

/// The slope of a line through samples, and its standard error.
fn slope(t: &[f64], y: &[f64]) -> (f64, f64) {
    let n = t.len().min(y.len()) as f64;
    let (mt, my) = (t.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let stt: f64 = t.iter().map(|t| (t - mt) * (t - mt)).sum();
    let slope = t.iter().zip(y).map(|(t, y)| (t - mt) * (y - my)).sum::<f64>() / stt;
    let left: f64 = t.iter().zip(y).map(|(t, y)| (y - my - slope * (t - mt)).powi(2)).sum();
    (slope, (left / (n - 2.0) / stt).sqrt().max(f64::MIN_POSITIVE))
}
