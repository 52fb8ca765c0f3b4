//! Gaps between samples at irregular times that are longer than the motion takes: the joint engine carries a solution over a step by one
//! polynomial, and so it must be able to say what happens in one.

use super::local::differences;
use super::{Files, Series, all_of};
use crate::data::{Dataset, median};
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

/// The finding on a data set.
pub fn check(data: &DataSet, read: &Dataset) -> Option<Diagnostic> {
    let irregular = || all_of(data, read).filter(|series| series.trajectory.is_irregular());
    let gaps = irregular().flat_map(|series| {
        let found = gaps(&series);
        found.into_iter().map(move |gap| (series.trajectory, series.name, gap))
    });
    let (trajectory, name, [before, behind]) = gaps.max_by(|a, b| (a.2[1] - a.2[0]).total_cmp(&(b.2[1] - b.2[0])))?;
    let file = Files { data, name };
    let steps: Vec<f64> = (1..trajectory.len).map(|i| trajectory.time(i) - trajectory.time(i - 1)).collect();
    let message = format!(
        "the gap between t = {} and {} is longer than the motion of `{name}` takes: a fit goes over it in one step",
        file.time(before),
        file.at(trajectory, behind)
    );
    let help = format!(
        "put rows into the gap, as far apart as around it ({}), with missing values for the states, or give the column that tells \
         trajectories apart as `trajectory` where another one begins behind it",
        file.time(median(&steps))
    );
    Some(Diagnostic::warning(W1113, message, data.places.file.unwrap_or(data.span), "these data").help(help))
}

/// The gaps of one column over which it would be another one than a cubic. Rows with missing values fill a gap.
fn gaps(series: &Series<'_>) -> Vec<[f64; 2]> {
    let trajectory = series.trajectory;
    let times: Vec<f64> = (0..trajectory.len).map(|i| trajectory.time(i)).collect();
    let steps: Vec<f64> = times.iter().zip(times.iter().skip(1)).map(|(a, b)| b - a).collect();
    if steps.len() < FEWEST {
        return Vec::new();
    }
    let long = LONGER * median(&steps);
    let is_long = |(_, step): &(&f64, &f64)| **step > long;
    let mut ends: Vec<[f64; 2]> = times.iter().zip(&steps).filter(is_long).map(|(t, step)| [*t, t + step]).collect();
    if ends.is_empty() {
        return ends;
    }
    ends.sort_by(|a, b| (b[1] - b[0]).total_cmp(&(a[1] - a[0])));
    ends.truncate(MOST);
    let differs: Vec<f64> =
        differences(&series.times, &series.values).iter().filter(|e| e.is_finite()).map(|e| e.abs()).collect();
    // Of white noise, differences from four neighbours are 1.39 times as large, and their median is 0.67 of that.
    let noise = if differs.is_empty() { 0.0 } else { median(&differs) / (0.6745 * 1.39) };
    let least = MOVES * spread(&series.values);
    let bends = |from: f64, to: f64| {
        let inside = series.times.partition_point(|t| *t < from)..series.times.partition_point(|t| *t <= to);
        let (t, y) = (series.times.get(inside.clone()), series.values.get(inside));
        let (t, y) = (t.unwrap_or_default(), y.unwrap_or_default());
        let moves = spread(y);
        y.len() >= FEWEST && moves > least && left_by_cubic(t, y) > (NOISE * noise).max(PART * moves)
    };
    ends.into_iter().filter(|[a, b]| bends(a - (b - a), *a) || bends(*b, b + (b - a))).collect()
}

/// The standard deviation.
fn spread(values: &[f64]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt()
}

/// The root mean square of what the nearest cubic leaves of samples.
fn left_by_cubic(t: &[f64], y: &[f64]) -> f64 {
    let (from, to) = t.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), t| (a.min(*t), b.max(*t)));
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
