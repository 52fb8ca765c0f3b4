//! Places where columns jump within one step: where another experiment begins, and where a motion is far faster than its samples.

use super::local::{Change, SIDE, differences, impulse, step};
use super::{Drives, Series};
use crate::base::least_and_most;
use crate::data::Trajectory;

/// A jump is this much larger than what else happens between samples in some column, the largest of them,
const LARGER: f64 = 4.0;
/// and all of them.
const ALL: f64 = 2.0;
/// What is left around it without it is less than this part of what it does.
const LEFT: f64 = 0.3;
/// Of a jump by one, the largest difference from the neighbours.
const SEEN: f64 = 0.5;
/// Samples of an experiment, at least.
const FEWEST: usize = 12;
/// Jumps that are looked for in a trajectory.
const MOST: usize = 30;
/// Samples on each side of a jump whose slope is looked at,
const BESIDE: usize = 8;
/// and fewest of them that have one.
const SLOPE: usize = 4;
/// A jump goes so many times as far as the slopes on either side do within its step.
const STEEPER: f64 = 2.0;
/// Differences away from jumps, at least: of a few the largest may be small by chance, and of many short trajectories some have such a few.
const AWAY: usize = 8;
/// Standard errors of a slope that is none by chance.
const BY_CHANCE: f64 = 2.0;
/// The share of differences that are what is usual.
const USUAL: f64 = 0.75;
/// Differences that are smaller than this part of a column's range are roundings.
const ROUNDINGS: f64 = 1e-9;

/// The jumps of a trajectory.
pub struct Jumps {
    /// Times before and behind, in the order of time.
    pub places: Vec<[f64; 2]>,
    /// The columns that jump at one of them at least.
    pub columns: Vec<usize>,
    /// Whether several columns jump at once at some of them: of a motion that is fast now and then it is one and the same.
    pub several: bool,
    /// Whether the motion begins anew behind most of them, as no motion does by itself.
    pub anew: bool,
}

/// What is looked at of one column.
struct Column<'s> {
    series: &'s Series<'s>,
    /// The difference of every sample from its neighbours; not a number where there is none.
    found: Vec<f64>,
    /// The usual size of these.
    usual: f64,
}

/// A place where a column jumps: the sample before it.
#[derive(Clone, Copy)]
struct Place {
    column: usize,
    at: usize,
}

/// The jumps of the columns of one trajectory, if there are any.
pub fn find(trajectory: &Trajectory, all: &[Series<'_>]) -> Option<Jumps> {
    let columns: Vec<Column<'_>> = all.iter().map(Column::of).collect();
    let sought = candidates(&columns);
    // As many as stand out from what remains.
    let (mut places, together) = (1..=sought.len()).rev().find_map(|count| {
        let some = sought.get(..count)?;
        judge(&columns, some).map(|together| (some.to_vec(), together))
    })?;
    let time = |place: &Place| columns.get(place.column).and_then(|c| c.ends(place.at)).unwrap_or_default();
    places.sort_by(|a, b| time(a)[0].total_cmp(&time(b)[0]));
    let times: Vec<[f64; 2]> = places.iter().map(time).collect();
    let drives = Drives::of(trajectory);
    if times.iter().any(|ends| drives.between(*ends)) {
        return None;
    }
    // An experiment has samples; what jumps there and back again is a pulse.
    let apart = |a: &Place, b: &Place| {
        let here = columns.get(a.column).and_then(|c| c.before(time(b)));
        here.is_some_and(|at| at.abs_diff(a.at) >= FEWEST)
    };
    let separate = places.iter().zip(places.iter().skip(1)).all(|(a, b)| apart(a, b));
    let begins = |k: usize| begins_anew(&columns, (&places, &times), k, together.all);
    let anew = separate && 2 * (0..places.len()).filter(|k| begins(*k)).count() >= places.len();
    // Noise of a sample beside a gap may look like a jump, of one column, where the motion on both sides goes as far without one.
    let steep = |(place, ends): &(&Place, &[f64; 2])| columns.get(place.column).is_some_and(|c| steep(c, **ends));
    if !anew && !together.several && 2 * places.iter().zip(&times).filter(steep).count() < places.len() {
        return None;
    }
    Some(Jumps { columns: together.columns, several: together.several, anew, places: times })
}

impl<'s> Column<'s> {
    fn of(series: &'s Series<'s>) -> Column<'s> {
        let found = differences(&series.times, &series.values);
        let mut sizes: Vec<f64> = found.iter().filter(|e| e.is_finite()).map(|e| e.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let usual = sizes.get((USUAL * sizes.len() as f64) as usize).copied().unwrap_or(0.0);
        let [least, most] = least_and_most(series.values.iter().copied());
        Column { usual: usual.max(ROUNDINGS * (most - least)), series, found }
    }

    /// The times of a sample and the one behind it.
    fn ends(&self, at: usize) -> Option<[f64; 2]> {
        Some([*self.series.times.get(at)?, *self.series.times.get(at + 1)?])
    }

    /// The sample before a place.
    fn before(&self, [before, behind]: [f64; 2]) -> Option<usize> {
        self.series.times.partition_point(|t| *t <= 0.5 * (before + behind)).checked_sub(1)
    }

    /// Samples whose differences a jump behind sample `at` has a part in.
    fn window(&self, at: usize) -> std::ops::Range<usize> {
        (at + 1).saturating_sub(2 * SIDE)..(at + 2 * SIDE + 1).min(self.found.len())
    }

    /// The jump behind a sample, if what is there is none of one sample alone.
    fn jump(&self, at: usize) -> Option<Change> {
        let times = &self.series.times;
        let change = step(times, &self.found, at).filter(|change| change.left < LEFT)?;
        let mut alone = [at, at + 1].into_iter().filter_map(|at| impulse(times, &self.found, at));
        alone.all(|alone| alone.left > change.left).then_some(change)
    }

    /// Whether the column is the same number everywhere.
    fn rests(&self) -> bool {
        self.usual <= 0.0
    }
}

/// Places in the order of how far they stand out.
fn candidates(columns: &[Column<'_>]) -> Vec<Place> {
    let size = |e: &f64| if e.is_finite() { e.abs() } else { 0.0 };
    let mut left: Vec<Vec<f64>> = columns.iter().map(|c| c.found.iter().map(size).collect()).collect();
    let longest = columns.iter().map(|c| c.found.len()).max().unwrap_or(0);
    let mut places: Vec<Place> = Vec::new();
    for _ in 0..(longest / FEWEST).min(MOST) {
        let largest =
            left.iter().zip(columns).enumerate().filter(|(_, (_, c))| !c.rests()).filter_map(|(k, (left, c))| {
                let (at, size) = left.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
                (size > 0.0).then_some((size / c.usual, Place { column: k, at }))
            });
        let Some((_, Place { column, at })) = largest.max_by(|a, b| a.0.total_cmp(&b.0)) else { break };
        let Some(own) = columns.get(column) else { break };
        // The two samples beside a jump differ alike.
        let jump = |i: usize| step(&own.series.times, &own.found, i).map_or(f64::INFINITY, |change| change.left);
        let at = at.checked_sub(1).filter(|&i| jump(i) < jump(at)).unwrap_or(at);
        let Some(ends) = own.ends(at) else { break };
        places.push(Place { column, at });
        for (left, c) in left.iter_mut().zip(columns) {
            let Some(at) = c.before(ends) else { continue };
            left.get_mut(c.window(at)).unwrap_or_default().fill(0.0);
        }
    }
    places
}

/// How columns jump together.
struct Together {
    /// Those that do.
    columns: Vec<usize>,
    /// All of them at all places, and there are several.
    all: bool,
    /// Several of them at some place.
    several: bool,
}

/// Whether columns jump at all these places and do nothing of the kind elsewhere, and then how.
fn judge(columns: &[Column<'_>], places: &[Place]) -> Option<Together> {
    let mut ends = Vec::new();
    for place in places {
        ends.push(columns.get(place.column)?.ends(place.at)?);
    }
    let mut largest = vec![0.0f64; places.len()];
    let mut count = vec![0usize; places.len()];
    let mut jumping = Vec::new();
    for (k, column) in columns.iter().enumerate().filter(|(_, c)| !c.rests()) {
        let before: usize = count.iter().sum();
        let at: Vec<usize> = ends.iter().filter_map(|ends| column.before(*ends)).collect();
        let mut rest: Vec<f64> = column.found.iter().map(|e| if e.is_finite() { e.abs() } else { 0.0 }).collect();
        at.iter().for_each(|&at| rest.get_mut(column.window(at)).unwrap_or_default().fill(0.0));
        let away = rest.iter().zip(&column.found).filter(|(rest, found)| **rest != 0.0 || **found == 0.0).count();
        let rest = rest.iter().copied().fold(ROUNDINGS * column.usual, f64::max);
        for ((&at, largest), count) in at.iter().zip(&mut largest).zip(&mut count) {
            let around = column.found.get(column.window(at)).unwrap_or_default();
            match column.jump(at) {
                Some(change) if away >= AWAY => {
                    let ratio = SEEN * change.size.abs() / rest;
                    *largest = largest.max(ratio);
                    *count += usize::from(ratio > ALL);
                }
                // What happens there is no jump.
                None if around.iter().any(|e| e.abs() > ALL * rest) => return None,
                _ => {}
            }
        }
        if count.iter().sum::<usize>() > before {
            jumping.push(k);
        }
    }
    let [least, most] = least_and_most(largest);
    let moving = columns.iter().filter(|c| !c.rests()).count();
    (least > ALL && most > LARGER).then(|| Together {
        columns: jumping,
        all: moving > 1 && count.iter().all(|n| *n == moving),
        several: count.iter().any(|n| *n > 1),
    })
}

/// Whether the motion begins anew behind a jump: the column does not move in its direction before it, and against it behind it, as one that
/// was put back does. Where a slow motion tips over within a step, it goes on in the direction in which it came, or settles. Of
/// several columns that all jump one need move against it.
fn begins_anew(columns: &[Column<'_>], (places, times): (&[Place], &[[f64; 2]]), k: usize, together: bool) -> bool {
    let Some((place, ends)) = places.get(k).zip(times.get(k)) else { return false };
    let from = k.checked_sub(1).and_then(|k| times.get(k)).map_or(f64::NEG_INFINITY, |ends| ends[0]);
    let to = times.get(k + 1).map_or(f64::INFINITY, |ends| ends[1]);
    let turns = |c: &Column<'_>| turns(c, *ends, [from, to]).unwrap_or_default();
    if together {
        return columns.iter().filter(|c| !c.rests()).any(|c| turns(c)[1]);
    }
    columns.get(place.column).is_some_and(|c| turns(c) == [true, true])
}

/// Whether a column does not move in the direction of a jump before it, and whether it moves against it behind it, judged between the
/// jumps before and behind.
fn turns(column: &Column<'_>, ends: [f64; 2], [from, to]: [f64; 2]) -> Option<[bool; 2]> {
    let series = column.series;
    let at = column.before(ends)?;
    let first = series.times.partition_point(|t| *t <= from).max((at + 1).saturating_sub(BESIDE));
    let last = series.times.partition_point(|t| *t < to).min(at + 1 + BESIDE);
    let beside = |range: std::ops::Range<usize>| {
        let (t, y) = (series.times.get(range.clone())?, series.values.get(range)?);
        (t.len() >= SLOPE).then(|| slope(t, y))
    };
    let (old, new) = (beside(first..at + 1)?, beside(at + 1..last)?);
    let jump = series.values.get(at + 1)? - series.values.get(at)?;
    Some([old.0 * jump.signum() / old.1 < BY_CHANCE, new.0 * jump.signum() / new.1 < -BY_CHANCE])
}

/// Whether a column goes further within a step than the slopes before and behind it do.
fn steep(column: &Column<'_>, ends: [f64; 2]) -> bool {
    let step = || {
        let (at, series) = (column.before(ends)?, column.series);
        let change = series.values.get(at + 1)? - series.values.get(at)?;
        let beside = |range: std::ops::Range<usize>| {
            let (t, y) = (series.times.get(range.clone())?, series.values.get(range)?);
            Some(slope(t, y).0 * change.signum() * (ends[1] - ends[0]))
        };
        let sides = [beside((at + 1).saturating_sub(SLOPE)..at + 1), beside(at + 1..at + 1 + SLOPE)];
        Some(sides.into_iter().flatten().all(|goes| change.abs() > STEEPER * goes))
    };
    step().unwrap_or(true)
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
