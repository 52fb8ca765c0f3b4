//! Samples that say nothing new: a column whose every number stands several times, as a slow sensor or a table that was filled up leaves it, and
//! a trajectory that stands in a file twice. Noise and standard errors take all of them for samples of their own.

use super::Series;
use crate::base::{IndexMap, IndexSet};
use crate::data::Dataset;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{W1127, W1128};
use crate::hir::DataSet;
use crate::report::{named, short};

/// Runs of equal numbers in a column, at least, the first and the last one not counted,
const FEWEST: usize = 10;
/// of which so many have the same length: those of a motion that is slow beside its digits differ.
const ALIKE: f64 = 0.95;
/// So many numbers are different ones, at least: what is switched to and fro in time does not say how fast it is sampled.
const DISTINCT: usize = 10;
/// Samples of a trajectory, at least, for another one to be its copy.
const FEWEST_OF_COPY: usize = 5;

/// Takes all but the first of equal numbers out of columns in which every number stands equally often, and tells that; one finding for each data set.
pub fn held(all: &mut [Series<'_>]) -> Vec<Diagnostic> {
    let mut found: IndexMap<String, (usize, Vec<usize>)> = IndexMap::new();
    for (k, series) in all.iter().enumerate().filter(|(_, s)| !s.files().is_computed()) {
        if let Some(times) = run_length(&series.values) {
            found.entry(series.data.name.clone()).or_insert((times, Vec::new())).1.push(k);
        }
    }
    let mut said = Vec::new();
    for (times, series) in found.into_values() {
        let of: Vec<&Series<'_>> = series.iter().filter_map(|k| all.get(*k)).collect();
        let Some(first) = of.first() else { continue };
        let columns: IndexSet<String> = of.iter().map(|s| s.files().spelled()).collect();
        let columns: Vec<String> = columns.into_iter().collect();
        let message = format!(
            "every number of {} stands there {times} times, one behind the other: only every {} row is new",
            named(&columns),
            nth(times)
        );
        let help = format!(
            "keep the first of each, \"NA\" in the cells behind it with `missing \"NA\"` in the block of `{}`: as it is a motion is taken for steps, and standard \
             errors are too small, by about {}",
            first.data.name,
            short((100.0 * (times as f64).sqrt()).round() / 100.0)
        );
        said.push(Diagnostic::warning(W1127, message, first.data.place_of(first.name), "read from here").help(help));
        for k in series {
            if let Some(series) = all.get_mut(k) {
                thin(series);
            }
        }
    }
    said
}

/// `2nd`, `3rd`, `5th`.
fn nth(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// How often every number of a column stands there one behind the other, where that is more than once and for nearly all the same.
fn run_length(values: &[f64]) -> Option<usize> {
    let runs: Vec<(f64, usize)> =
        values.chunk_by(|a, b| a == b).filter_map(|run| Some((*run.first()?, run.len()))).collect();
    let inner = runs.get(1..runs.len().saturating_sub(1))?;
    let mut lengths: Vec<usize> = inner.iter().map(|(_, len)| *len).collect();
    lengths.sort_unstable();
    let usual = *lengths.get(lengths.len() / 2)?;
    let alike = lengths.iter().filter(|len| **len == usual).count() as f64;
    let distinct: IndexSet<u64> = inner.iter().map(|(value, _)| value.to_bits()).collect();
    (usual > 1 && inner.len() >= FEWEST && alike >= ALIKE * inner.len() as f64 && distinct.len() >= DISTINCT)
        .then_some(usual)
}

/// Leaves the first of equal numbers.
fn thin(series: &mut Series<'_>) {
    let mut last = None;
    let pairs = series.times.iter().zip(&series.values);
    let kept = pairs.filter(|(_, v)| last.replace(**v) != Some(**v)).map(|(t, v)| (*t, *v));
    (series.times, series.values) = kept.unzip();
}

/// Trajectories of a data set that are copies of others, number by number.
pub fn trajectories(data: &DataSet, read: &Dataset) -> Option<Diagnostic> {
    let mut first: IndexMap<Vec<u64>, usize> = IndexMap::new();
    let mut copies: Vec<String> = Vec::new();
    let has_names = read.has_names();
    let name = |k: usize| match read.trajectories.get(k).map_or("", |t| t.id.as_str()) {
        "" if has_names => "(no name)".to_string(),
        "" => (k + 1).to_string(),
        id => format!("`{id}`"),
    };
    for (k, trajectory) in read.trajectories.iter().enumerate().filter(|(_, t)| t.len >= FEWEST_OF_COPY) {
        let numbers = (0..trajectory.len).flat_map(|i| {
            let states = (0..read.columns.len()).map(move |c| trajectory.value(i, c).unwrap_or(f64::NAN));
            std::iter::once(trajectory.time(i)).chain(states)
        });
        let key: Vec<u64> = numbers.chain(trajectory.inputs.iter().copied()).map(f64::to_bits).collect();
        match first.get(&key) {
            Some(&other) => copies.push(format!("{} of {}", name(k), name(other))),
            None => {
                first.insert(key, k);
            }
        }
    }
    if copies.is_empty() {
        return None;
    }
    let message = match copies.as_slice() {
        [one] => {
            let (copy, other) = one.split_once(" of ")?;
            format!("trajectory {copy} of `{}` is a copy of {other}, number by number", data.name)
        }
        all => format!(
            "{} trajectories of `{}` are copies of others, number by number: {}",
            all.len(),
            data.name,
            named(all)
        ),
    };
    let help = "leave the copies out: they are no measurements of their own, and make standard errors too small";
    Some(Diagnostic::warning(W1128, message, data.places.file.unwrap_or(data.span), "these data").help(help))
}

#[cfg(test)]
mod tests {
    use super::run_length;

    #[test]
    fn numbers_that_stand_equally_often_are_told_from_slow_motions() {
        let wave = |len: usize, times: usize, digits: f64| -> Vec<f64> {
            (0..len).map(|i| ((0.1 * (i / times) as f64).sin() * digits).round() / digits).collect()
        };
        assert_eq!(run_length(&wave(100, 2, 1e6)), Some(2));
        assert_eq!(run_length(&wave(100, 5, 1e6)), Some(5));
        assert_eq!(run_length(&wave(100, 1, 1e6)), None);
        // Few digits, and switched to and fro.
        assert_eq!(run_length(&wave(200, 1, 20.0)), None);
        let switched: Vec<f64> = (0..200).map(|i| f64::from((i / 5) % 2)).collect();
        assert_eq!(run_length(&switched), None);
        assert_eq!(run_length(&[]), None);
    }
}
