//! How a sample differs from what the two samples before and the two behind it say, and what a mistake of one sample or a jump makes of
//! these differences.

use crate::base::least_and_most;

/// Samples on either side that a sample is compared with.
pub const SIDE: usize = 2;
/// Distances within one comparison that differ by more than this say little.
const UNEVEN: f64 = 4.0;

/// The part of each of the samples `at - 2, at - 1, at + 1, at + 2` in the cubic through them at `at`; `None` at the ends and where the
/// samples are at very different distances.
pub fn weights(times: &[f64], at: usize) -> Option<[f64; 4]> {
    let around = times.get(at.checked_sub(SIDE)?..=at + SIDE)?;
    let [a, b, t, c, d] = <[f64; 5]>::try_from(around).ok()?;
    let steps = [b - a, t - b, c - t, d - c];
    let [least, most] = least_and_most(steps);
    if least <= 0.0 || most > UNEVEN * least {
        return None;
    }
    let nodes = [a, b, c, d];
    let weight = |j: usize| {
        let others = (0..4).filter(|m| *m != j);
        others.map(|m| (t - nodes[m]) / (nodes[j] - nodes[m])).product::<f64>()
    };
    Some([weight(0), weight(1), weight(2), weight(3)])
}

/// The difference of every sample from its neighbours' cubic; not a number where there is none.
pub fn differences(times: &[f64], values: &[f64]) -> Vec<f64> {
    (0..values.len()).map(|i| difference(times, i, &|j| values.get(j).copied().unwrap_or(f64::NAN))).collect()
}

/// The difference of a sample of a function from its neighbours' cubic.
fn difference(times: &[f64], at: usize, value: &dyn Fn(usize) -> f64) -> f64 {
    let Some(weights) = weights(times, at) else { return f64::NAN };
    let neighbours = [at - 2, at - 1, at + 1, at + 2];
    value(at) - weights.iter().zip(neighbours).map(|(w, j)| w * value(j)).sum::<f64>()
}

/// A change of the samples of a certain shape, fitted to the differences around it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    /// By how much the samples change.
    pub size: f64,
    /// What of the differences is left, as a part of what the change makes of them.
    pub left: f64,
}

/// The change of sample `at` alone that is nearest to the differences.
pub fn impulse(times: &[f64], differences: &[f64], at: usize) -> Option<Change> {
    let window = at.saturating_sub(SIDE)..(at + SIDE + 1).min(times.len());
    fitted(times, differences, window, &[&|j| if j == at { 1.0 } else { 0.0 }])
}

/// The jump between samples `at` and `at + 1`, with other slopes on both sides, that is nearest to the differences.
pub fn step(times: &[f64], differences: &[f64], at: usize) -> Option<Change> {
    let window = (at + 1).saturating_sub(SIDE)..(at + SIDE + 1).min(times.len());
    let origin = 0.5 * (times.get(at)? + times.get(at + 1)?);
    let behind = |j: usize| if j > at { 1.0 } else { 0.0 };
    fitted(times, differences, window, &[&behind, &|j| behind(j) * (times.get(j).unwrap_or(&origin) - origin)])
}

/// One or two shapes of change; the first one's size. At least two more differences than shapes are needed.
fn fitted(
    times: &[f64],
    differences: &[f64],
    window: std::ops::Range<usize>,
    shapes: &[&dyn Fn(usize) -> f64],
) -> Option<Change> {
    let known = window.filter_map(|k| Some((k, *differences.get(k).filter(|e| e.is_finite())?)));
    let (at, found): (Vec<usize>, Vec<f64>) = known.unzip();
    if at.len() < shapes.len() + 2 {
        return None;
    }
    let effect_of = |s: usize| -> Vec<f64> {
        at.iter().map(|&k| shapes.get(s).map_or(0.0, |shape| difference(times, k, shape))).collect()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let minus =
        |a: &[f64], share: f64, b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - share * b).collect() };
    let (first, second) = (effect_of(0), effect_of(1));
    let other = dot(&second, &second);
    let share = |of: &[f64]| if other > 0.0 { dot(of, &second) / other } else { 0.0 };
    // What the second shape can do is taken out of the first one and out of what is found.
    let (own, rest) = (minus(&first, share(&first), &second), minus(&found, share(&found), &second));
    let effect = dot(&own, &own);
    let size = dot(&own, &rest) / effect;
    let left = minus(&rest, size, &own);
    size.is_finite().then(|| Change { size, left: (dot(&left, &left) / (size * size * effect)).sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cubic_has_no_differences_and_a_change_is_found_in_it() {
        let times: Vec<f64> = (0..20).map(|i| 0.3 * f64::from(i) + if i % 3 == 0 { 0.05 } else { 0.0 }).collect();
        let mut values: Vec<f64> = times.iter().map(|t| 1.0 + t * (2.0 - t * (0.3 + 0.1 * t))).collect();
        assert!(differences(&times, &values).iter().all(|e| e.is_nan() || e.abs() < 1e-12));
        values[8] += 5.0;
        let found = impulse(&times, &differences(&times, &values), 8).expect("a change");
        assert!((found.size - 5.0).abs() < 1e-9 && found.left < 1e-9, "{found:?}");
        let found = impulse(&times, &differences(&times, &values), 7).expect("a change");
        assert!(found.left > 0.5, "{found:?}");
        values[8] -= 5.0;
        values.iter_mut().zip(&times).skip(9).for_each(|(v, t)| *v += 2.0 - 0.7 * (t - times[8]));
        let found = step(&times, &differences(&times, &values), 8).expect("a jump");
        assert!((found.size - 1.9).abs() < 0.1 && found.left < 1e-9, "{found:?}");
    }
}
