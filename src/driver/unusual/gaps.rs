//! Gaps between samples that are longer than the motion takes. The joint engine carries a solution over a step by one polynomial; and where
//! rows without values stand in a gap, any number of turns in it is a minimum of its own.

use super::local::differences;
use super::{Files, Found, Series, of_trajectory};
use crate::base::least_and_most;
use crate::data::{Dataset, Trajectory, median};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1113;
use crate::hir::DataSet;

/// A gap is this much longer than the median step.
const LONGER: f64 = 4.0;
/// The longest gaps of a trajectory are looked at.
const MOST: usize = 50;
/// Samples beside a gap, within its length, that a judgement needs.
const FEWEST: usize = 8;
/// Powers of time up to the third.
const POWERS: usize = 4;
/// What a cubic leaves of what happens beside the gap is this many times the noise, and such a part of it.
const NOISE: f64 = 4.0;
const PART: f64 = 0.2;
/// What happens there is at least this part of all that the column does.
const MOVES: f64 = 0.1;

/// A gap between samples at which some column is known, or before or behind all of them.
#[derive(Clone, Copy)]
struct Gap<'a> {
    trajectory: &'a Trajectory,
    /// The column whose motion is faster.
    name: &'a str,
    /// Times before and behind.
    ends: [f64; 2],
    /// Whether there is a known sample at these.
    known: [bool; 2],
    /// Whether rows without values stand in it.
    filled: bool,
}

/// Findings on a data set. A fit goes over a gap without rows in one step. Rows without values it can go over as long as what lies on both
/// sides says how often the motion turns between them, so that these are told of a fit in doubt.
pub fn check(data: &DataSet, read: &Dataset) -> Found {
    let gaps: Vec<Gap> = read.trajectories.iter().flat_map(|trajectory| gaps(data, read, trajectory)).collect();
    let longest = |filled: bool| {
        let of = gaps.iter().filter(|gap| gap.filled == filled);
        of.max_by(|a, b| (a.ends[1] - a.ends[0]).total_cmp(&(b.ends[1] - b.ends[0])))
    };
    let say = |gap: &Gap| {
        let file = Files { data, name: gap.name };
        let [before, behind] = gap.ends;
        let place = match gap.known {
            [true, true] => format!("between t = {} and {}", file.time(before), file.at(gap.trajectory, behind)),
            [true, false] => format!("behind {}", file.at(gap.trajectory, before)),
            _ => format!("before {}", file.at(gap.trajectory, behind)),
        };
        let longer = format!("longer than the motion of `{}`", gap.name);
        let apart = file.apart("the parts before and behind it");
        let (message, help) = match (gap.filled, gap.known) {
            (false, _) => (format!("the gap {place} is {longer} takes: a fit goes over it in one step"), apart),
            (true, [true, true]) => (
                format!("the rows without values {place} take {longer}: a fit has to guess how often it turns there"),
                format!("leave these rows out, and {apart}"),
            ),
            (true, _) => (
                format!("the rows without values {place} take {longer}: nothing holds a solution there"),
                "leave these rows out".to_string(),
            ),
        };
        Diagnostic::warning(W1113, message, data.places.file.unwrap_or(data.span), "these data").help(help)
    };
    Found {
        sure: longest(false).map(say).into_iter().collect(),
        doubtful: longest(true).map(say).into_iter().collect(),
    }
}

/// The gaps of a trajectory over which one of its columns would be another one than a cubic.
fn gaps<'a>(data: &'a DataSet, read: &'a Dataset, trajectory: &'a Trajectory) -> Vec<Gap<'a>> {
    if !trajectory.is_irregular() && trajectory.valid.iter().all(|known| *known) {
        return Vec::new();
    }
    let columns: Vec<Series<'a>> = of_trajectory(data, read, trajectory).collect();
    let mut times: Vec<f64> = columns.iter().flat_map(|series| series.times.iter().copied()).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let steps: Vec<f64> = times.iter().zip(times.iter().skip(1)).map(|(a, b)| b - a).collect();
    if steps.len() < FEWEST {
        return Vec::new();
    }
    let long = LONGER * median(&steps);
    let rows: Vec<f64> = (0..trajectory.len).map(|i| trajectory.time(i)).collect();
    let outside = |a: Option<&f64>, b: Option<&f64>| a.zip(b).map(|(a, b)| [*a, *b]).filter(|[a, b]| b - a > long);
    let pairs = times.iter().zip(times.iter().skip(1)).map(|(a, b)| [*a, *b]);
    let mut ends: Vec<[f64; 2]> = pairs.filter(|[a, b]| b - a > long).collect();
    ends.extend(outside(rows.first(), times.first()));
    ends.extend(outside(times.last(), rows.last()));
    ends.sort_by(|a, b| (b[1] - b[0]).total_cmp(&(a[1] - a[0])));
    ends.truncate(MOST);
    if ends.is_empty() {
        return Vec::new();
    }
    let moves: Vec<Moves> = columns.iter().map(Moves::of).collect();
    let of = |ends: [f64; 2]| {
        let known = ends.map(|end| times.first() <= Some(&end) && Some(&end) <= times.last());
        let filled = known != [true, true] || rows.iter().any(|t| ends[0] < *t && *t < ends[1]);
        // What is known of inputs there may say where the states go.
        if filled && trajectory.input_width() > 0 {
            return None;
        }
        let found = columns.iter().zip(&moves).find(|(series, moves)| moves.faster(series, ends))?.0;
        Some(Gap { trajectory, name: found.name, ends, known, filled })
    };
    ends.into_iter().filter_map(of).collect()
}

/// What a column does in all.
struct Moves {
    noise: f64,
    /// What counts as a motion.
    least: f64,
}

impl Moves {
    fn of(series: &Series<'_>) -> Moves {
        let differs: Vec<f64> =
            differences(&series.times, &series.values).iter().filter(|e| e.is_finite()).map(|e| e.abs()).collect();
        // Of white noise, differences from four neighbours are 1.39 times as large, and their median is 0.67 of that.
        let noise = if differs.is_empty() { 0.0 } else { median(&differs) / (0.6745 * 1.39) };
        Moves { noise, least: MOVES * spread(&series.values) }
    }

    /// Whether the column is another one than a cubic within the length of a gap beside it.
    fn faster(&self, series: &Series<'_>, [a, b]: [f64; 2]) -> bool {
        let bends = |from: f64, to: f64| {
            let inside = series.times.partition_point(|t| *t < from)..series.times.partition_point(|t| *t <= to);
            let (t, y) = (series.times.get(inside.clone()), series.values.get(inside));
            let (t, y) = (t.unwrap_or_default(), y.unwrap_or_default());
            let moves = spread(y);
            y.len() >= FEWEST && moves > self.least && left_by_cubic(t, y) > (NOISE * self.noise).max(PART * moves)
        };
        bends(a - (b - a), a) || bends(b, b + (b - a))
    }
}

/// The standard deviation.
fn spread(values: &[f64]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt()
}

/// The root mean square of what the nearest cubic leaves of samples.
fn left_by_cubic(t: &[f64], y: &[f64]) -> f64 {
    let [from, to] = least_and_most(t.iter().copied());
    let mut left = y.to_vec();
    let mut taken: Vec<Vec<f64>> = Vec::new();
    for power in 0..POWERS as i32 {
        let mut own: Vec<f64> = t.iter().map(|t| ((2.0 * t - from - to) / (to - from)).powi(power)).collect();
        let against = |other: &[f64], list: &mut [f64]| {
            let square: f64 = other.iter().map(|o| o * o).sum();
            let share = if square > 0.0 {
                other.iter().zip(list.iter()).map(|(a, b)| a * b).sum::<f64>() / square
            } else {
                0.0
            };
            list.iter_mut().zip(other).for_each(|(l, o)| *l -= share * o);
        };
        taken.iter().for_each(|other| against(other, &mut own));
        against(&own, &mut left);
        taken.push(own);
    }
    (left.iter().map(|l| l * l).sum::<f64>() / left.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cubic_leaves_nothing_of_a_cubic_and_most_of_two_periods() {
        let t: Vec<f64> = (0..40).map(|i| 3.0 + 0.1 * f64::from(i)).collect();
        let cubic: Vec<f64> = t.iter().map(|t| 1.0 - t * (2.0 - t * (0.4 - 0.02 * t))).collect();
        assert!(left_by_cubic(&t, &cubic) < 1e-12);
        let wave: Vec<f64> = t.iter().map(|t| (std::f64::consts::TAU * (t - 3.0) / 2.0).sin()).collect();
        assert!(left_by_cubic(&t, &wave) > 0.5 * spread(&wave));
    }
}
