//! Samples that lie too far apart for how fast the states change, all the time or now and then.
//!
//! The mean square of x(t + k h) - x(t) over all samples, S(k), is 2 s² for the noise and proportional to 1 - cos(k w h) for an oscillation
//! of frequency w (the structure function of Kolmogorov; for a wave, Monin and Yaglom, Statistical Fluid Mechanics, vol. 2 (1975), section
//! 13). Differences of S are free of noise, and (S(3) - S(2)) / (S(2) - S(1)) falls from 5/3 for closely spaced samples to 1/2 for six in
//! a period: it tells w h. What decays without oscillating counts as the wave that gives the same number; a random motion has no such number.

use super::unusual;
use crate::base::least_and_most;
use crate::data::{Dataset, Trajectory};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1103;
use crate::hir::DataSet;

/// Fewer samples than this in a period are too few: central differences are wrong by a tenth at eight.
const FEWEST: f64 = 8.0;
/// Standard errors that a difference of S must reach to be more than noise.
const SIGNIFICANT: f64 = 3.0;

/// So few samples in a period, or fewer, look alike.
const ALIASED: f64 = 4.0;
/// A leap goes over more than this part of all that a column does, from one sample to the next,
const LEAP: f64 = 0.5;
/// several times as far as steps usually go,
pub const LEAPS_OVER: f64 = 4.0;
/// which is as far as this share of them,
const USUAL: f64 = 0.75;
/// and so often.
const LEAPS: usize = 2;

/// Findings on the observed columns of a data set.
pub fn check(data: &DataSet, read: &Dataset) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let drives: Vec<unusual::Drives> = read.trajectories.iter().map(unusual::Drives::of).collect();
    for (c, name) in read.columns.iter().enumerate() {
        let rows: Vec<Vec<f64>> =
            read.trajectories.iter().zip(&drives).flat_map(|(t, drives)| undriven((t, drives), c)).collect();
        let (what, help) = match per_period(&rows).filter(|n| *n < FEWEST) {
            Some(samples) => (
                match samples > ALIASED {
                    true => format!("about {samples:.1} in a period"),
                    false => format!("{ALIASED} or fewer in a period"),
                },
                format!(
                    "sample at least {FEWEST} times in a period of the fastest change, or simulate with a smaller `dt`"
                ),
            ),
            None => match leaps((data, read, &drives), c) {
                Some(leaps) => {
                    (leaps, "sample more often where it changes fast, or simulate with a smaller `dt`".to_string())
                }
                None => continue,
            },
        };
        let message =
            format!("the samples of `{name}` in `{}` are too far apart for how fast it changes: {what}", data.name);
        found.push(Diagnostic::warning(W1103, message, data.span, "these data").help(help));
    }
    found
}

/// A column in pieces between the jumps of inputs: what these do to a state is not how fast it changes.
fn undriven((t, drives): (&Trajectory, &unusual::Drives), c: usize) -> Vec<Vec<f64>> {
    let mut pieces = vec![Vec::new()];
    for i in 0..t.len {
        if let Some(piece) = pieces.last_mut() {
            piece.push(t.value(i, c).unwrap_or(f64::NAN));
        }
        if drives.between([t.time(i), t.time(i + 1)]) {
            pieces.push(Vec::new());
        }
    }
    pieces
}

/// How often a column goes over more than half of all that it does in one step, if steps are else small and no input jumps there.
fn leaps((data, read, drives): (&DataSet, &Dataset, &[unusual::Drives]), c: usize) -> Option<String> {
    let all = || read.trajectories.iter().flat_map(|t| (0..t.len).filter_map(move |i| t.value(i, c)));
    let [least, most] = least_and_most(all());
    let wide = LEAP * (most - least);
    let steps = |t: &'_ Trajectory| -> Vec<(f64, [f64; 2])> {
        let step = |i: usize| Some(((t.value(i + 1, c)? - t.value(i, c)?).abs(), [t.time(i), t.time(i + 1)]));
        (0..t.len.saturating_sub(1)).filter_map(step).collect()
    };
    let mut places: Vec<(&Trajectory, &unusual::Drives, [f64; 2])> = Vec::new();
    for (t, drives) in read.trajectories.iter().zip(drives) {
        places.extend(steps(t).into_iter().filter(|(size, _)| *size > wide).map(|(_, ends)| (t, drives, ends)));
    }
    let usual = usual_step(read, c)?;
    let (trajectory, _, [before, behind]) = *places.first()?;
    if places.len() < LEAPS || LEAPS_OVER * usual > wide {
        return None;
    }
    if places.iter().any(|(_, drives, ends)| drives.between(*ends)) {
        return None;
    }
    let file = unusual::Files { data, name: read.columns.get(c)? };
    Some(format!(
        "{} times it goes over more than half of all that it does in one step, first between t = {} and {}",
        places.len(),
        file.time(before),
        file.at(trajectory, behind)
    ))
}

/// How far a column usually goes from one sample to the next; none where it has no two samples behind each other.
pub fn usual_step(read: &Dataset, c: usize) -> Option<f64> {
    let step = |t: &Trajectory, i: usize| Some((t.value(i + 1, c)? - t.value(i, c)?).abs());
    let of = |t: &'_ Trajectory| (0..t.len.saturating_sub(1)).filter_map(|i| step(t, i)).collect::<Vec<f64>>();
    let mut all: Vec<f64> = read.trajectories.iter().flat_map(of).collect();
    all.sort_unstable_by(f64::total_cmp);
    all.get((USUAL * all.len() as f64) as usize).copied()
}

/// Samples in a period of the fastest change that is seen; `None` where noise hides all change from sample to sample, or is what moves.
fn per_period(rows: &[Vec<f64>]) -> Option<f64> {
    let [(s1, n), (s2, _), (s3, _), (s4, _)] = [1, 2, 3, 4].map(|k| structure(rows, k));
    let (first, second) = (s2 - s1, s3 - s2);
    let error = s1.max(s2).max(s3) * (3.0 / n).sqrt();
    if !(n >= 10.0 && first.abs().max(second.abs()) > SIGNIFICANT * error) {
        return None;
    }
    let ratio = second / first;
    // From pi/2 on S(2) lies below S(1), or the ratio is below its smallest value.
    let of = |angle: f64| ((2.0 * angle).cos() - (3.0 * angle).cos()) / (angle.cos() - (2.0 * angle).cos());
    let (mut low, mut high) = (1e-6, std::f64::consts::FRAC_PI_2);
    if first <= 0.0 || ratio <= of(high) {
        return Some(ALIASED);
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if of(middle) > ratio { low = middle } else { high = middle }
    }
    // Differences of S of a random motion that is drawn back fall by one and the same factor, and its steps do not go on in one direction: a process
    // that is noisy itself, which is as rough however often it is sampled.
    let next = ((3.0 * high).cos() - (4.0 * high).cos()) / ((2.0 * high).cos() - (3.0 * high).cos());
    let found = (s4 - s3) / second;
    let is_alike = ratio > 0.0 && (found - ratio).abs() < (found - next).abs();
    let is_random = is_alike && s2 < 2.0 * s1 * (1.0 + 2.0 / n.sqrt());
    (!is_random).then_some(std::f64::consts::TAU / high)
}

/// The mean square of differences over `k` samples, and how many there are.
fn structure(rows: &[Vec<f64>], k: usize) -> (f64, f64) {
    let squares = rows.iter().flat_map(|row| row.iter().zip(row.iter().skip(k)).map(|(a, b)| (b - a) * (b - a)));
    let (sum, n) = squares.filter(|x| x.is_finite()).fold((0.0, 0.0), |(s, n), x| (s + x, n + 1.0));
    (if n > 0.0 { sum / n } else { 0.0 }, n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Purpose, normals, stream};

    fn wave(samples: usize, per_period: f64, noise: f64) -> Vec<Vec<f64>> {
        let mut z = vec![0.0; samples];
        normals(&mut stream(1, Purpose::Simulation, 0), &mut z);
        let angle = |i: usize| std::f64::consts::TAU * i as f64 / per_period;
        vec![(0..samples).map(|i| angle(i).sin() + noise * z[i]).collect()]
    }

    #[test]
    fn samples_in_a_period_are_counted_through_noise() {
        for n in [4.5, 6.0, 10.0, 20.0] {
            let found = per_period(&wave(2000, n, 0.0)).expect("a period");
            assert!((found / n - 1.0).abs() < 0.02, "{n}: {found}");
            let found = per_period(&wave(20_000, n, 0.2)).expect("a period");
            assert!((found / n - 1.0).abs() < 0.15, "{n} with noise: {found}");
        }
        assert!(per_period(&wave(2000, 3.0, 0.0)).is_some_and(|n| n < FEWEST));
        assert!(per_period(&wave(2000, 400.0, 0.0)).is_none_or(|n| n > 100.0));
        // Waves of any number of samples in a period, few of them as well.
        for angle in 1..15 {
            let samples = std::f64::consts::TAU / (0.1 * f64::from(angle));
            let found = per_period(&wave(200, samples, 0.02));
            assert_eq!(found.is_some_and(|n| n < FEWEST), samples < FEWEST, "{samples}: {found:?}");
        }
        // A random motion that is drawn back, at any distance of samples.
        for kept in [0.95, 0.9, 0.7] {
            let mut z = vec![0.0; 4000];
            normals(&mut stream(2, Purpose::Simulation, 0), &mut z);
            let mut at = 0.0;
            let walk = |z: &f64| {
                at = kept * at + z;
                at
            };
            assert_eq!(per_period(&[z.iter().map(walk).collect()]), None, "{kept}");
        }
        // Nothing but noise, and nothing at all.
        assert_eq!(per_period(&wave(2000, 1e9, 1.0)), None);
        assert_eq!(per_period(&[vec![0.0; 50]]), None);
    }
}
