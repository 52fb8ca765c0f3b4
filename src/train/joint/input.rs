//! Inputs between the samples at which they are known: cubic Hermite polynomials with the slopes of parabolas through three samples, or with
//! slopes of zero where an input does not change but in instants.

use crate::base::{Between, least_and_most};

/// Slopes at the samples; `h` are the lengths of the links after them, zero where a trajectory ends.
///
/// Where a slope would carry the longer link beside it further than the values reach, a short one beside it is a jump: then the slope is that of the
/// longer link, which jumps do not concern.
pub fn slopes(values: &[f64], h: &[f64], between: Between) -> Vec<f64> {
    if between != Between::Smooth {
        return vec![0.0; values.len()];
    }
    let slope_of = |t: usize| match (values.get(t), values.get(t + 1), h.get(t)) {
        (Some(a), Some(b), Some(&h)) if h > 0.0 => Some((b - a) / h),
        _ => None,
    };
    let [least, most] = least_and_most(values.iter().copied());
    let at = |t: usize| match (t.checked_sub(1).and_then(slope_of), slope_of(t)) {
        (Some(before), Some(after)) => {
            let (short, long) = (h[t - 1].min(h[t]), h[t - 1].max(h[t]));
            let share = h[t] / (h[t - 1] + h[t]);
            let slope = share * before + (1.0 - share) * after;
            match short < long && slope.abs() * long > most - least {
                true if h[t] > h[t - 1] => after,
                true => before,
                false => slope,
            }
        }
        (before, after) => before.or(after).unwrap_or(0.0),
    };
    (0..values.len()).map(at).collect()
}

/// The value at a share of the link after a sample, which is not the last one.
pub fn between(values: &[f64], slopes: &[f64], h: &[f64], (t, share): (usize, f64)) -> f64 {
    let (s, rest) = (share, 1.0 - share);
    // Exact where both values are the same.
    let ends = values[t] + s * s * (1.0 + 2.0 * rest) * (values[t + 1] - values[t]);
    ends + h[t] * s * rest * (rest * slopes[t] - s * slopes[t + 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parabolas_are_met_inside_and_links_of_other_trajectories_do_not_count() {
        let t = [0.0, 1.0, 2.0, 3.0, 0.0, 1.0];
        let values: Vec<f64> = t.iter().map(|t| 1.0 + t - 0.5 * t * t).collect();
        let h = [1.0, 1.0, 1.0, 0.0, 1.0];
        let slopes = slopes(&values, &h, Between::Smooth);
        assert_eq!(slopes, [0.5, 0.0, -1.0, -1.5, 0.5, 0.5]);
        for share in [0.0, 0.25, 0.5, 1.0] {
            let t = 1.0 + share;
            let expected = 1.0 + t - 0.5 * t * t;
            assert!((between(&values, &slopes, &h, (1, share)) - expected).abs() < 1e-15, "{share}");
        }
    }

    #[test]
    fn parabolas_are_met_in_links_of_any_length_and_jumps_stay_in_theirs() {
        let t: [f64; 5] = [0.0, 0.3, 1.4, 1.5, 2.9];
        let h: Vec<f64> = (0..5).map(|i| t.get(i + 1).map_or(0.0, |next| next - t[i])).collect();
        let values: Vec<f64> = t.iter().map(|t| 1.0 + t - 0.5 * t * t).collect();
        for (slope, t) in slopes(&values, &h, Between::Smooth).iter().zip(t).skip(1).take(3) {
            assert!((slope - (1.0 - t)).abs() < 1e-13, "{t}: {slope}");
        }
        let h = [1.0, 1.0, 0.001, 1.0, 1.0, 0.0];
        assert_eq!(slopes(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0], &h, Between::Smooth), [0.0; 6]);
    }
}
