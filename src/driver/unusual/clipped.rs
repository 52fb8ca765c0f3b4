//! Samples that stand at the same largest or least number, run by run, where the motion goes on beyond it: a sensor that can read no
//! further, or a program that cuts off. A motion that comes to rest at its end gets slower before it; one that is cut off does not.

use super::Series;
use super::local::{SIDE, differences};
use crate::base::{IndexMap, least_and_most};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1116;
use crate::report::short;

/// Samples that stand one behind the other at an end, at least: numbers that are rounded do so twice by chance.
const RUN: usize = 3;
/// Samples in such runs, at least,
const FEWEST: usize = 5;
/// and at most this part of a column: what stands still for longer has no motion to speak of.
const MOSTLY: f64 = 0.5;
/// So far from a run, as a part of its length, its approach is looked at, in samples at most,
const REACH: f64 = 0.25;
const FURTHEST: usize = 10;
/// and there the column is so many times further from the end than the finest difference of numbers near to it,
const ABOVE_ROUNDING: f64 = 10.0;
/// and at this part, at most, of all that it does: what jumps to its end is switched, not cut off.
const JUMP: f64 = 0.6;
/// Twice as far from the run it is at most so many times as far from the end: a rest that is approached exponentially or as a square is
/// left faster.
const STRAIGHT: f64 = 3.5;
/// Numbers next to the end whose finest difference counts.
const NEAREST: usize = 30;
/// A column is noisy where what neighbours say of a sample is wrong by turns, with this correlation from one sample to the next at most (of
/// white noise it is -0.8, of what a smooth motion leaves nearly 1),
const BY_TURNS: f64 = -0.4;
/// and by so many times the finest difference of its numbers: then no three samples in a row are equal by chance.
const ABOVE_FINEST: f64 = 5.0;
/// Other numbers of a column, at least: what has a few states only is not cut off.
const DISTINCT: usize = 10;

/// Findings on one family, at most.
const MOST_TOLD: usize = 2;

/// An end of a column: the largest or the least number.
#[derive(Clone, Copy)]
struct End {
    value: f64,
    /// 1 for the largest, -1 for the least.
    sign: f64,
}

/// How finely numbers of a column are told apart.
#[derive(Clone, Copy)]
struct Finest {
    /// The finest difference between numbers next to an end.
    gap: f64,
    /// The digits they are written with: larger numbers are coarser.
    digits: usize,
}

impl Finest {
    /// What the number `written` in the file, which became `value`, may be rounded by.
    fn at(self, written: f64, value: f64) -> f64 {
        if written == 0.0 {
            return self.gap;
        }
        let rounded = 10f64.powi(written.abs().log10().floor() as i32 + 1 - self.digits as i32);
        self.gap.max(rounded * (value / written).abs())
    }
}

/// Samples at an end in one trajectory.
struct Run {
    series: usize,
    first: usize,
    last: usize,
}

/// Findings on the columns of one family, one for each end of a state.
pub fn of_states(all: &[Series<'_>]) -> Vec<Diagnostic> {
    let names: IndexMap<&str, ()> = all.iter().map(|series| (series.name, ())).collect();
    let mut found = Vec::new();
    for name in names.keys() {
        let own: Vec<&Series<'_>> = all.iter().filter(|s| s.name == *name).collect();
        if own.iter().any(|series| series.files().is_computed()) {
            continue;
        }
        let [least, most] = least_and_most(own.iter().flat_map(|s| s.values.iter().copied()));
        found.extend(
            [End { value: most, sign: 1.0 }, End { value: least, sign: -1.0 }]
                .into_iter()
                .filter_map(|end| finding(&own, end, most - least)),
        );
    }
    // Elements of a family are cut off by sensors of one kind.
    found.truncate(MOST_TOLD);
    found
}

/// The finding on an end at which columns of a state are cut off.
fn finding(own: &[&Series<'_>], end: End, range: f64) -> Option<Diagnostic> {
    let total: usize = own.iter().map(|s| s.values.len()).sum();
    let finest = finest(own, end).filter(|_| range > 0.0)?;
    let all: Vec<Run> = own.iter().enumerate().flat_map(|(k, series)| runs(k, &series.values, end)).collect();
    let at_end: usize = all.iter().map(|run| run.last + 1 - run.first).sum();
    let noisy: Vec<bool> = own.iter().map(|series| is_noisy(series, end, finest)).collect();
    let sharp = |run: &&Run| {
        let values = own.get(run.series).map_or(&[][..], |s| &s.values);
        let length = run.last + 1 - run.first;
        // What is at rest at zero need have no noise there.
        let at_rest = end.value == 0.0 && (run.first == 0 || run.last + 1 == values.len());
        let in_noise = noisy.get(run.series) == Some(&true) && !at_rest;
        let step = finest.at(own.get(run.series).map_or(end.value, |s| s.files().number(end.value)), end.value);
        length >= RUN && (in_noise || is_sharp(values, run, end, (step, range)))
    };
    let cut: Vec<&Run> = all.iter().filter(sharp).collect();
    let samples: usize = cut.iter().map(|run| run.last + 1 - run.first).sum();
    let enough = samples >= FEWEST && 3 * samples >= at_end && (at_end as f64) <= MOSTLY * total as f64;
    let first = cut.first().filter(|_| enough)?;
    let series = own.get(first.series)?;
    let file = series.files();
    let number = short(file.number(end.value));
    let which = if end.sign > 0.0 { "largest" } else { "least" };
    let place = file.at(series.trajectory, *series.times.get(first.first)?);
    let message = format!(
        "{at_end} samples of {} stand at its {which} number, {number}, first from {place} on, as if it were cut off there",
        file.spelled()
    );
    let beyond = if end.sign > 0.0 { "at least" } else { "at most" };
    let help = format!(
        "if the sensor reads no further, these samples say no more than {beyond} {number}, and bias a fit: declare them as missing, with \"NA\" in \
         their cells and `missing \"NA\"` in the block of `{}`",
        series.data.name
    );
    Some(Diagnostic::warning(W1116, message, series.data.place_of(series.name), "read from here").help(help))
}

/// Runs of samples at an end.
fn runs(series: usize, values: &[f64], end: End) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    for (i, _) in values.iter().enumerate().filter(|(_, v)| **v == end.value) {
        match found.last_mut() {
            Some(run) if run.last + 1 == i => run.last = i,
            _ => found.push(Run { series, first: i, last: i }),
        }
    }
    found
}

/// Whether a run is entered, and left if it is, at about the speed of the motion around it. What begins a trajectory may be its rest.
fn is_sharp(values: &[f64], run: &Run, end: End, (finest, range): (f64, f64)) -> bool {
    let length = run.last + 1 - run.first;
    if run.first == 0 {
        return false;
    }
    let reach = ((REACH * length as f64) as usize).clamp(1, FURTHEST);
    let from_end = |at: Option<usize>| at.and_then(|at| values.get(at)).map(|v| end.sign * (end.value - v));
    let side = |near: Option<f64>, far: Option<f64>| match near.zip(far) {
        Some((near, far)) => {
            near >= ABOVE_ROUNDING * finest && near <= JUMP * range && far > near && far <= STRAIGHT * near
        }
        None => false,
    };
    let entered = side(from_end(run.first.checked_sub(reach)), from_end(run.first.checked_sub(2 * reach)));
    let is_last = run.last + 1 == values.len();
    // A column that stays at zero to its end has come to rest there.
    if is_last {
        return entered && end.value != 0.0;
    }
    entered && side(from_end(Some(run.last + reach)), from_end(Some(run.last + 2 * reach)))
}

/// Whether a column has noise that is far above the finest difference of its numbers, judged by the samples that are not at the end.
fn is_noisy(series: &Series<'_>, end: End, finest: Finest) -> bool {
    let values = &series.values;
    let mut left = differences(&series.times, values);
    for (i, _) in values.iter().enumerate().filter(|(_, v)| **v == end.value) {
        let to = (i + SIDE + 1).min(left.len());
        left.get_mut(i.saturating_sub(SIDE)..to).unwrap_or_default().fill(f64::NAN);
    }
    let pairs = left.iter().zip(left.iter().skip(1)).filter(|(a, b)| (*a * *b).is_finite());
    let (mut products, mut squares, mut count) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        products += a * b;
        squares += 0.5 * (a * a + b * b);
    }
    let (mut sizes, at_end) = (0.0, finest.at(series.files().number(end.value), end.value));
    for (e, v) in left.iter().zip(values).filter(|(e, _)| e.is_finite()) {
        sizes += (e / finest.at(series.files().number(*v), *v).max(at_end)).powi(2);
        count += 1.0;
    }
    products < BY_TURNS * squares && count >= DISTINCT as f64 && (sizes / count).sqrt() > ABOVE_FINEST
}

/// The finest difference between the numbers next to an end, or what they are rounded to, where that is more.
fn finest(own: &[&Series<'_>], end: End) -> Option<Finest> {
    let files = own.first()?.files();
    let mut below: Vec<f64> = own.iter().flat_map(|s| s.values.iter()).map(|v| end.sign * (end.value - v)).collect();
    below.sort_unstable_by(f64::total_cmp);
    below.dedup();
    let nearest = below.get(..below.len().min(NEAREST)).unwrap_or_default();
    let gaps = nearest.iter().zip(nearest.iter().skip(1)).map(|(a, b)| b - a);
    let gap = gaps.fold(f64::INFINITY, f64::min);
    // Numbers may be rounded to so many digits, of which larger ones have coarser ones.
    let near = own.iter().flat_map(|s| s.values.iter()).filter(|v| nearest.contains(&(end.sign * (end.value - **v))));
    let digits = near.map(|v| digits(files.number(*v))).max()?;
    let finest = Finest { gap, digits };
    (below.len() > DISTINCT && gap > 0.0).then_some(finest)
}

/// How many digits a number is written with, those that say how large it is left out.
fn digits(number: f64) -> usize {
    let written = format!("{number:e}");
    written.split('e').next().map_or(0, |digits| digits.bytes().filter(u8::is_ascii_digit).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_that_are_written() {
        for (number, count) in [(1.08, 3), (-0.00691, 3), (105.0, 3), (2.5e-7, 2), (0.0, 1), (1.0 / 3.0, 16)] {
            assert_eq!(digits(number), count, "{number}");
        }
    }
}
