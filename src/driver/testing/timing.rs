//! Numbers from a series and its times.

use crate::hir::{self, Timing};

/// How far a sample may lie from the time that is asked for, in steps.
const OFF: f64 = 1e-6;

/// The number; an error where the series does not have it. `times` is as long as `values` and starts anew with every
/// trajectory.
pub(super) fn apply(how: Timing, values: &[f64], times: &[f64]) -> Result<f64, String> {
    match how {
        Timing::At(time) => at(time, values, times),
        Timing::Period => period(values, times),
        Timing::Peaks => Ok(peaks(values, times) as f64),
    }
}

/// The value at a time of the first trajectory.
fn at(time: f64, values: &[f64], times: &[f64]) -> Result<f64, String> {
    let first = times.windows(2).take_while(|w| w[0] < w[1]).count() + 1;
    let near = (0..first.min(times.len())).min_by(|&i, &j| (times[i] - time).abs().total_cmp(&(times[j] - time).abs()));
    let Some(i) = near else { return Err("there are no samples".to_string()) };
    let step = match times.get(1) {
        Some(next) if first > 1 => next - times[0],
        _ => 1.0,
    };
    if (times[i] - time).abs() > OFF * step {
        let (time, near) = (hir::number(time), hir::number(times[i]));
        return Err(format!("there is no sample at the time {time}; the nearest is at {near}"));
    }
    Ok(values[i])
}

/// The middle between the smallest and the largest value.
fn middle(values: &[f64]) -> f64 {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    0.5 * (low + high)
}

/// The mean time between rises through the middle, each found between its two samples along a straight line.
fn period(values: &[f64], times: &[f64]) -> Result<f64, String> {
    let level = middle(values);
    let (mut sum, mut count) = (0.0, 0_usize);
    let mut last: Option<f64> = None;
    for (v, t) in values.windows(2).zip(times.windows(2)) {
        if t[1] <= t[0] {
            // Another trajectory begins.
            last = None;
        } else if v[0] < level && v[1] >= level {
            let now = t[0] + (t[1] - t[0]) * (level - v[0]) / (v[1] - v[0]);
            if let Some(before) = last {
                sum += now - before;
                count += 1;
            }
            last = Some(now);
        }
    }
    match count {
        0 => Err("it does not rise through the middle of its range twice".to_string()),
        _ => Ok(sum / count as f64),
    }
}

/// Samples above the middle that are larger than the one before and not smaller than the one after.
fn peaks(values: &[f64], times: &[f64]) -> usize {
    let level = middle(values);
    let inside = |t: &[f64]| t[0] < t[1] && t[1] < t[2];
    let top = |v: &[f64]| v[1] > level && v[1] > v[0] && v[1] >= v[2];
    values.windows(3).zip(times.windows(3)).filter(|(v, t)| inside(t) && top(v)).count()
}

#[cfg(test)]
mod tests {
    use super::{at, peaks, period};

    /// Two trajectories of a sine of period 2, shifted, with 200 samples of 0.05 each.
    fn waves() -> (Vec<f64>, Vec<f64>) {
        let times: Vec<f64> = (0..400).map(|i| f64::from(i % 200) * 0.05).collect();
        let values = (0..400).map(|i| (std::f64::consts::PI * times[i] + if i < 200 { 0.3 } else { 1.7 }).sin());
        (values.collect(), times)
    }

    #[test]
    fn a_sine_has_its_period_and_its_peaks() {
        let (values, times) = waves();
        assert!((period(&values, &times).unwrap() - 2.0).abs() < 1e-3);
        // Five tops of the first, four of the second: its last one lies behind the end.
        assert_eq!(peaks(&values, &times), 9);
        assert!(period(&values[..20], &times[..20]).is_err(), "it rises once at most");
    }

    #[test]
    fn values_are_those_of_the_first_trajectory_at_samples_only() {
        let (values, times) = waves();
        assert_eq!(at(0.5, &values, &times), Ok(values[10]));
        assert_eq!(at(9.95, &values, &times), Ok(values[199]));
        assert!(at(0.51, &values, &times).unwrap_err().contains("the nearest is at 0.5"));
        assert!(at(10.0, &values, &times).is_err());
        assert!(at(0.0, &[], &[]).is_err());
    }
}
