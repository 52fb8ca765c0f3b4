//! Samples that no neighbour knows of: a typing error, a spike of the instrument.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::local::{SIDE, differences, impulse};
use super::{Drives, Series};
use crate::base::{IndexMap, IndexSet, least_and_most};
use crate::data::Trajectory;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1112;
use crate::report::short;

/// A sample stands out where it is this much further from its neighbours than any sample that does not,
const FURTHER: f64 = 4.0;
/// by at least this part of all that the column does without it,
const PART: f64 = 0.05;
/// and what is left around it without it is less than this part of what it does.
const LEFT: f64 = 0.2;
/// Beside samples that stand out others do by half as much.
const FURTHER_BEHIND: f64 = 0.5 * FURTHER;
const PART_BEHIND: f64 = 0.5 * PART;
/// More samples than this are no mistakes, but what the system does,
const MOST: usize = 3;
/// unless they are no more than one of so many.
const SELDOM: usize = 20;
/// Spikes that a system makes itself go one way, with sizes that differ by less than this factor.
const ALIKE: f64 = 4.0;
/// Two of them alone come to the same height, within this part of the smaller one;
const SAME: f64 = 0.1;
/// more of them begin where the system is about the same: within that, or within this part of all that it does without them,
const BEGIN: f64 = 0.1;
/// or, where they are at least so many, come so regularly that their distances are multiples of the least one, but for this part.
const RHYTHM: usize = 4;
const REGULAR: f64 = 0.1;
/// Where a system leaps, another column goes over this part of all that it does from the sample before to the one behind.
const LEAPS: f64 = 0.25;
/// Samples that a judgement needs.
const FEWEST: usize = 12;
/// So many are named.
const NAMED: usize = 6;

/// One place of a family of columns.
struct Place {
    series: usize,
    at: usize,
    size: f64,
}

/// By how much samples stand out.
struct Limits {
    further: f64,
    part: f64,
}

/// The finding on the columns of one state, or of the elements of one family: what one of them does is compared with what all do.
pub fn check(all: &[Series<'_>]) -> Option<Diagnostic> {
    let samples = all.iter().map(|s| s.values.len()).sum::<usize>();
    if samples < FEWEST {
        return None;
    }
    let most = MOST.max(samples / SELDOM);
    let mut places = standing(all, most, &Limits { further: FURTHER, part: PART });
    if spikes(all, &places) || leap(all, &places) {
        return None;
    }
    let others = behind(all, &places, most);
    places.extend(others);
    told(all, &places)
}

/// The samples that stand out, the one that differs most first.
fn standing(all: &[Series<'_>], most: usize, limits: &Limits) -> Vec<Place> {
    let found: Vec<Vec<f64>> = all.iter().map(|s| differences(&s.times, &s.values)).collect();
    let mut left: Vec<Vec<f64>> = found.clone();
    let mut places: Vec<Place> = Vec::new();
    let mut drives: IndexMap<usize, Drives> = IndexMap::new();
    let mut largest = Largest::new(&found);
    let mut next = 0.0;
    while let Some(place) = largest.next(&left) {
        next = place.size.abs();
        let series = &all[place.series];
        let Some(change) = impulse(&series.times, &found[place.series], place.at) else { break };
        let from = place.at.saturating_sub(2 * SIDE);
        let to = (place.at + 2 * SIDE).min(series.times.len().saturating_sub(1));
        let drives = drives.entry(place.series).or_insert_with(|| Drives::of(series.trajectory));
        let driven = drives.between([series.times[from], series.times[to]]);
        if places.len() == most || change.left > LEFT || driven {
            break;
        }
        left[place.series][from..=to].fill(0.0);
        places.push(place);
        next = 0.0;
    }
    let mut shorten = |places: &mut Vec<Place>, least: f64| {
        while places.last().is_some_and(|place| place.size.abs() < least.max(limits.further * next)) {
            next = places.pop().map_or(next, |place| place.size.abs());
        }
    };
    // The smallest of those that stand out is still far above what follows,
    shorten(&mut places, 0.0);
    // and of some size.
    let [least, most] = rest(all, &places);
    shorten(&mut places, limits.part * (most - least));
    places
}

/// Samples that stand out once those that were found are left out, by less: where a column holds mistakes others are likely. None is where another
/// column leaps.
fn behind(all: &[Series<'_>], places: &[Place], most: usize) -> Vec<Place> {
    if places.is_empty() {
        return Vec::new();
    }
    let are_places = of_all(places);
    let kept: Vec<Vec<usize>> = all
        .iter()
        .enumerate()
        .map(|(k, s)| (0..s.values.len()).filter(|i| !are_places.contains(&(k, *i))).collect())
        .collect();
    let reduced: Vec<Series<'_>> = all.iter().zip(&kept).map(|(series, kept)| series.only(kept)).collect();
    let limits = Limits { further: FURTHER_BEHIND, part: PART_BEHIND };
    let found = standing(&reduced, most.saturating_sub(places.len()), &limits);
    if spikes(&reduced, &found) {
        return Vec::new();
    }
    let back = |p: Place| Some(Place { at: *kept.get(p.series)?.get(p.at)?, ..p });
    let leaps = leaping(&reduced, &found);
    found.into_iter().zip(leaps).filter(|(_, leaps)| !leaps).filter_map(|(p, _)| back(p)).collect()
}

/// What is said of them.
fn told(all: &[Series<'_>], places: &[Place]) -> Option<Diagnostic> {
    let first = places.first()?;
    let series = &all[first.series];
    let file = series.files();
    let told = |place: &Place| {
        let series = &all[place.series];
        let value = series.values[place.at];
        let number = |value: f64| short(series.files().number(value));
        format!(
            "{} at {}, where its neighbours say {}",
            number(value),
            series.files().at(series.trajectory, series.times[place.at]),
            number(value - place.size)
        )
    };
    let stands = if places.len() == 1 { "a sample stands" } else { "samples stand" };
    let mut named: Vec<String> = places.iter().take(NAMED).map(told).collect();
    match places.len().saturating_sub(NAMED) {
        0 => {}
        1 => named.push("and one other".into()),
        others => named.push(format!("and {others} others")),
    }
    let message = format!("{stands} out in {}: {}", file.spelled(), named.join("; "));
    let help = "look at it in the file: put a typing error right, or declare it as missing, with \"NA\" in its cell and `missing \"NA\"` in \
                the block of the data";
    Some(Diagnostic::warning(W1112, message, series.data.place_of(series.name), "read from here").help(help))
}

/// The samples that differ, the one that differs most first; of equals the first one.
struct Largest(BinaryHeap<(u64, Reverse<(usize, usize)>)>);

impl Largest {
    fn new(differences: &[Vec<f64>]) -> Largest {
        let all = differences.iter().enumerate().flat_map(|(series, of)| {
            let differing = of.iter().enumerate().filter(|(_, size)| size.abs() > 0.0);
            // The bits of numbers above zero are ordered as they are.
            differing.map(move |(at, size)| (size.abs().to_bits(), Reverse((series, at))))
        });
        Largest(all.collect::<Vec<_>>().into())
    }

    /// The next one of which something is left.
    fn next(&mut self, left: &[Vec<f64>]) -> Option<Place> {
        while let Some((_, Reverse((series, at)))) = self.0.pop() {
            let size = *left.get(series)?.get(at)?;
            if size != 0.0 {
                return Some(Place { series, at, size });
            }
        }
        None
    }
}

/// Whether several samples go the same way by about as much: a system that spikes, sampled coarsely, does. Such a system is about where it was when
/// it spikes again, or does so regularly; mistakes come whatever it does. Two that go the same way may be two mistakes, unless they come to the same height.
fn spikes(all: &[Series<'_>], places: &[Place]) -> bool {
    let go = |sign: f64| places.iter().all(|p| p.size * sign > 0.0);
    let [least, most] = least_and_most(places.iter().map(|p| p.size.abs()));
    let heights = || places.iter().filter_map(|p| all.get(p.series)?.values.get(p.at)).copied();
    let alike = match places.len() {
        2 => {
            let [low, high] = least_and_most(heights());
            high - low < SAME * least
        }
        // Of many samples the one that happens to lie beside a spike is small.
        n => (n >= RHYTHM || most < ALIKE * least) && (begin_alike(all, places) || regular(all, places)),
    };
    places.len() > 1 && (go(1.0) || go(-1.0)) && alike
}

/// Whether the neighbours of all places say about the same.
fn begin_alike(all: &[Series<'_>], places: &[Place]) -> bool {
    let value = |p: &Place| all.get(p.series)?.values.get(p.at).map(|value| value - p.size);
    let [low, high] = least_and_most(places.iter().filter_map(value));
    let [least, most] = rest(all, places);
    let smallest = places.iter().map(|p| p.size.abs()).fold(f64::INFINITY, f64::min);
    high - low < (BEGIN * (most - least)).max(SAME * smallest)
}

/// The least and the largest number of all other samples.
fn rest(all: &[Series<'_>], places: &[Place]) -> [f64; 2] {
    let are_places = of_all(places);
    let numbered = all.iter().enumerate().flat_map(|(k, s)| s.values.iter().enumerate().map(move |(i, v)| (k, i, *v)));
    least_and_most(numbered.filter(|(k, i, _)| !are_places.contains(&(*k, *i))).map(|(.., v)| v))
}

/// Where they are: series and sample.
fn of_all(places: &[Place]) -> IndexSet<(usize, usize)> {
    places.iter().map(|p| (p.series, p.at)).collect()
}

/// Whether places come at regular times.
fn regular(all: &[Series<'_>], places: &[Place]) -> bool {
    let mut times: Vec<(usize, f64)> =
        places.iter().filter_map(|p| Some((p.series, *all.get(p.series)?.times.get(p.at)?))).collect();
    times.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let distances: Vec<f64> = times.windows(2).filter(|w| w[0].0 == w[1].0).map(|w| w[1].1 - w[0].1).collect();
    let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
    // Between two samples a spike may be missed.
    let is_multiple = |d: &f64| (d / least - (d / least).round()).abs() < REGULAR;
    places.len() >= RHYTHM && distances.iter().all(is_multiple)
}

/// Whether the system leaps at most of several places.
fn leap(all: &[Series<'_>], places: &[Place]) -> bool {
    let count = leaping(all, places).into_iter().filter(|leaps| *leaps).count();
    count > 1 && 2 * count >= places.len()
}

/// At which places the system leaps.
fn leaping(all: &[Series<'_>], places: &[Place]) -> Vec<bool> {
    // What every column does in all, once for a trajectory.
    let mut ranges: IndexMap<*const Trajectory, Vec<f64>> = IndexMap::new();
    let of = |p: &Place| {
        all.get(p.series).is_some_and(|series| {
            let known = std::ptr::from_ref(series.trajectory);
            leaps(series, p.at, ranges.entry(known).or_insert_with(|| ranges_of(series)))
        })
    };
    places.iter().map(of).collect()
}

/// The range of every column of the trajectory.
fn ranges_of(series: &Series<'_>) -> Vec<f64> {
    let trajectory = series.trajectory;
    let range = |c: usize| {
        let [least, most] = least_and_most((0..trajectory.len).filter_map(|i| trajectory.value(i, c)));
        most - least
    };
    (0..series.column[1]).map(range).collect()
}

/// Whether another column of the trajectory leaps around a sample: then the system does.
fn leaps(series: &Series<'_>, at: usize, ranges: &[f64]) -> bool {
    let trajectory = series.trajectory;
    let Some(ends) =
        at.checked_sub(1).and_then(|before| Some([*series.times.get(before)?, *series.times.get(at + 1)?]))
    else {
        return false;
    };
    let from = first_from(trajectory, ends[0]);
    ranges.iter().enumerate().filter(|(c, _)| *c != series.column[0]).any(|(c, range)| {
        let around = (from..trajectory.len).take_while(|&i| trajectory.time(i) <= ends[1]);
        let [low, high] = least_and_most(around.filter_map(|i| trajectory.value(i, c)));
        high - low > LEAPS * range
    })
}

/// The first sample of a trajectory that is not before a time.
fn first_from(trajectory: &Trajectory, time: f64) -> usize {
    let (mut from, mut to) = (0, trajectory.len);
    while from < to {
        let middle = from + (to - from) / 2;
        match trajectory.time(middle) < time {
            true => from = middle + 1,
            false => to = middle,
        }
    }
    from
}
