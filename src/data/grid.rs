//! Time grids: one check for times from every format.

use super::error::DataError;
use super::spec::ReadSpec;

/// The first time, the step and, where they are irregular and may be, all times; otherwise the steps must be equal.
pub(crate) fn grid(
    file: &str,
    times: &[f64],
    spec: &ReadSpec,
    place: impl Fn(usize) -> String,
) -> Result<(f64, f64, Vec<f64>), DataError> {
    match uniform(file, times, spec.step_tolerance, &place) {
        Ok((t0, dt)) => Ok((t0, dt, Vec::new())),
        Err(DataError::UnequalSteps { .. }) if spec.irregular => {
            let steps: Vec<f64> = times.iter().zip(times.iter().skip(1)).map(|(a, b)| b - a).collect();
            let dt = median(&steps);
            check_step(file, dt)?;
            Ok((times.first().copied().unwrap_or(0.0), dt, times.to_vec()))
        }
        Err(error) => Err(error),
    }
}

/// Checks that times increase in equal steps and gives back the first time and the step.
///
/// The step is the average one, (last - first)/(n - 1). Each single step may differ from the median step by `tolerance`
/// times it (times are often printed with few digits), and each time may be twice that far from its place on the grid,
/// so that small differences of one sign cannot add up. `place` names sample `i` for a message.
fn uniform(
    file: &str,
    times: &[f64],
    tolerance: f64,
    place: impl Fn(usize) -> String,
) -> Result<(f64, f64), DataError> {
    let first = times.first().copied().unwrap_or(0.0);
    let last = times.last().copied().unwrap_or(0.0);
    let mut steps: Vec<f64> = Vec::with_capacity(times.len());
    for (i, (&previous, &time)) in times.iter().zip(times.iter().skip(1)).enumerate() {
        if time <= previous {
            let place = place(i + 1);
            return Err(DataError::TimeNotIncreasing { place, time, previous, first, experiments: Vec::new() });
        }
        steps.push(time - previous);
    }
    let dt = (last - first) / steps.len().max(1) as f64;
    check_step(file, dt)?;
    // The median tells which step is the odd one: a single gap shifts the average that all others are compared with.
    let usual = median(&steps);
    let at = |i: usize, expected: f64| {
        let (found, time) = (steps.get(i).copied().unwrap_or(0.0), times.get(i + 1).copied().unwrap_or(0.0));
        DataError::UnequalSteps { place: place(i + 1), time, found, expected, mean: dt, tolerance }
    };
    if let Some(i) = steps.iter().position(|step| (step - usual).abs() > tolerance * usual) {
        return Err(at(i, usual));
    }
    let grid = |i: usize| first + (i + 1) as f64 * dt;
    let drift = |(i, time): (usize, &f64)| (time - grid(i)).abs() > 2.0 * tolerance * dt;
    if let Some(i) = times.iter().skip(1).enumerate().position(drift) {
        return Err(at(i, dt));
    }
    Ok((first, dt))
}

/// Refuses steps that are not positive numbers.
pub(crate) fn check_step(file: &str, dt: f64) -> Result<(), DataError> {
    if dt.is_finite() && dt > 0.0 { Ok(()) } else { Err(DataError::BadStep { file: file.into(), dt }) }
}

/// The middle of the values, the upper one of two; zero without any.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
