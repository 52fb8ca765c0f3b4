//! One number that stands here and there in a column, far from what its neighbours say: zeros, or minus ones, that were written where no
//! sample was taken.

use super::local::differences;
use super::{Drives, Series};
use crate::base::{IndexMap, least_and_most};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1112;

/// Times that the number stands apart, at least,
const FEWEST: usize = 3;
/// or twice and nowhere else, this much further still, in a column of so many samples,
const RARE: usize = 2;
const RARELY_FURTHER: f64 = 2.0;
const RARELY_OF: usize = 30;
/// of whose other numbers at most this part stands there more than once: where numbers are rounded or the motion comes back to them, two that
/// are equal say nothing.
const REPEATED: f64 = 0.1;
/// of all times that it stands there at least this part,
const MOSTLY: f64 = 0.5;
/// and of all samples at most this part.
const SHARE: f64 = 0.2;
/// As many of them may stand one behind the other.
const IN_A_ROW: usize = 3;
/// It stands apart where it differs from its neighbours so many times as much as any other sample does,
const FURTHER: f64 = 4.0;
/// and by this part of all that the column does.
const PART: f64 = 0.1;
/// Numbers that are tried, at most: those that stand there most often.
const TRIED: usize = 20;

/// Finds such a number in the columns of one state and takes it out.
pub fn of_states(all: &mut [Series<'_>]) -> Option<Diagnostic> {
    let names: IndexMap<&str, ()> = all.iter().map(|series| (series.name, ())).collect();
    for name in names.keys() {
        let own: Vec<usize> = (0..all.len()).filter(|k| all.get(*k).is_some_and(|s| s.name == *name)).collect();
        let columns: Vec<&Series<'_>> = own.iter().filter_map(|k| all.get(*k)).collect();
        if columns.iter().any(|series| series.files().is_computed()) {
            continue;
        }
        let Some((value, found)) = often(&columns).into_iter().find_map(|v| Some((v, apart(&columns, v)?))) else {
            continue;
        };
        for series in all.iter_mut().filter(|s| s.name == *name) {
            (series.times, series.values) = without(series, value);
        }
        return Some(found);
    }
    None
}

/// Numbers that stand in the columns several times and not in most places.
fn often(columns: &[&Series<'_>]) -> Vec<f64> {
    let mut counts: IndexMap<u64, usize> = IndexMap::new();
    let all = || columns.iter().flat_map(|series| series.values.iter());
    // Zero has no sign.
    all().for_each(|v| *counts.entry((v + 0.0).to_bits()).or_insert(0) += 1);
    let most = SHARE * all().count() as f64;
    let mut found: Vec<(f64, usize)> = counts
        .into_iter()
        .filter(|(_, n)| *n >= RARE && *n as f64 <= most)
        .map(|(v, n)| (f64::from_bits(v), n))
        .collect();
    found.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    found.into_iter().take(TRIED).map(|(v, _)| v).collect()
}

/// The finding on a number that stands apart.
fn apart(columns: &[&Series<'_>], value: f64) -> Option<Diagnostic> {
    let drives: Vec<Drives> = columns.iter().map(|series| Drives::of(series.trajectory)).collect();
    let [least, most] = least_and_most(columns.iter().flat_map(|s| s.values.iter().copied()).filter(|v| *v != value));
    let (mut rest, mut sizes) = (PART * (most - least), Vec::new());
    for (series, drives) in columns.iter().zip(&drives) {
        let (times, values) = without(series, value);
        let found = differences(&times, &values);
        rest = found.iter().filter(|e| e.is_finite()).fold(rest, |rest, e| rest.max(FURTHER * e.abs()));
        let mut row = 0;
        for (t, v) in series.times.iter().zip(&series.values) {
            row = if *v == value { row + 1 } else { 0 };
            if row > IN_A_ROW {
                return None;
            }
            if row > 0 {
                let size = neighbours(&times, &values, *t).map_or(0.0, |says| (says - value).abs());
                sizes.push((size, series, *t, drives));
            }
        }
    }
    let count = sizes.len();
    let rarely = count < FEWEST;
    let least = if rarely { RARELY_FURTHER * rest } else { rest };
    let stands: Vec<_> = sizes.into_iter().filter(|(size, ..)| *size > least).collect();
    let fewest = if rarely { RARE } else { FEWEST };
    if stands.len() < fewest || (stands.len() as f64) < MOSTLY * count as f64 || rarely && comes_back(columns) {
        return None;
    }
    let (_, series, time, _) = *stands.first()?;
    if stands.iter().any(|(_, _, t, drives)| drives.between([*t, *t])) {
        return None;
    }
    let file = series.files();
    let apart = stands.len();
    let times = if apart == count { format!("{count} times,") } else { format!("{count} times, in {apart} of them") };
    let message = format!(
        "{} stands in {} {times} where its neighbours say something else, first at {}",
        file.number(value),
        file.spelled(),
        file.at(series.trajectory, time)
    );
    let help = format!(
        "if it stands for samples that were not taken, write \"NA\" in these cells and `missing \"NA\"` in the block of `{}`; else look at it in the file",
        series.data.name
    );
    Some(Diagnostic::warning(W1112, message, series.data.place_of(series.name), "read from here").help(help))
}

/// Whether numbers stand in the columns more than once as a matter of course, or too few are there to tell.
fn comes_back(columns: &[&Series<'_>]) -> bool {
    let mut all: Vec<u64> = columns.iter().flat_map(|s| s.values.iter().map(|v| (v + 0.0).to_bits())).collect();
    all.sort_unstable();
    let (count, equal) =
        (all.len(), all.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).map(<[u64]>::len).sum::<usize>());
    count < RARELY_OF || (equal as f64) > REPEATED * count as f64
}

/// The samples that are another number.
fn without(series: &Series<'_>, value: f64) -> (Vec<f64>, Vec<f64>) {
    series.times.iter().zip(&series.values).filter(|(_, v)| **v != value).map(|(t, v)| (*t, *v)).unzip()
}

/// What the samples before and behind a time say of it.
fn neighbours(times: &[f64], values: &[f64], time: f64) -> Option<f64> {
    let behind = times.partition_point(|t| *t < time);
    let before = behind.checked_sub(1)?;
    let (t0, t1) = (times.get(before)?, times.get(behind)?);
    let (y0, y1) = (values.get(before)?, values.get(behind)?);
    Some(y0 + (y1 - y0) * (time - t0) / (t1 - t0))
}
