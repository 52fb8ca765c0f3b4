//! Data that were smoothed before they were fitted: what a solution leaves over agrees between a few neighbouring samples, and has nothing to do
//! with samples that are further away, while the motion takes far longer. Residuals of a model that leaves something out go with the motion.

/// So far, in samples, noise is looked at for being smoothed.
const FURTHEST: usize = 25;
/// Residuals that correlate by less than this have nothing to do with each other,
const NOTHING: f64 = 0.15;
/// and stay below this, or this many standard errors of what chance gives, at this many times that distance.
const STAYS: f64 = 0.15;
const BY_CHANCE: f64 = 3.0;
const WIDER: usize = 4;
/// (one of so many may be larger,
const SELDOM: usize = 8;
/// and none this large).
const NEVER: f64 = 0.4;
/// Chance may give this much, at most: else nothing is said.
const LARGEST_CHANCE: f64 = 0.3;
/// The motion itself agrees with itself by more than this
const MOTION: f64 = 0.5;
/// at this many times that distance.
const LONGER: usize = 2;

/// What smoothing is seen in residuals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothed {
    /// From so many samples apart on residuals have nothing to do with each other.
    pub samples: usize,
    /// By this factor standard errors are too small that take all samples for independent.
    pub factor: f64,
}

/// Whether the samples `y` of a column were smoothed, of which a solution leaves over `left`; `breaks` are the positions at which other
/// trajectories begin. Samples that are missing are not numbers.
pub fn smoothed(y: &[f64], left: &[f64], breaks: &[usize]) -> Option<Smoothed> {
    let correlations: Vec<f64> = (1..=FURTHEST).map(|lag| correlation(left, breaks, lag)).collect();
    let apart = 1 + correlations.iter().position(|r| *r < NOTHING)?;
    let known = left.iter().filter(|v| v.is_finite()).count() as f64;
    let near = correlations.get(..apart - 1)?;
    let chance = BY_CHANCE * ((1.0 + 2.0 * near.iter().map(|r| r * r).sum::<f64>()) / known).sqrt();
    if near.is_empty() || chance > LARGEST_CHANCE {
        return None;
    }
    let far: Vec<f64> =
        (apart..=WIDER * apart).map(|lag| correlation(left, breaks, lag).abs()).filter(|r| r.is_finite()).collect();
    let more = far.iter().filter(|r| **r > STAYS.max(chance)).count();
    if far.is_empty() || more * SELDOM > far.len() || far.iter().any(|r| *r > NEVER) {
        return None;
    }
    let mean = y.iter().filter(|v| v.is_finite()).sum::<f64>() / known.max(1.0);
    let motion: Vec<f64> = y.iter().map(|v| v - mean).collect();
    let factor = (1.0 + 2.0 * near.iter().sum::<f64>()).sqrt();
    (correlation(&motion, breaks, LONGER * apart) > MOTION).then_some(Smoothed { samples: apart, factor })
}

/// The correlation of numbers with those `lag` places behind them in the same trajectory; not a number where there are none.
pub fn correlation(of: &[f64], breaks: &[usize], lag: usize) -> f64 {
    let parted = |i: usize| breaks.iter().any(|b| (i + 1..=i + lag).contains(b));
    let (mut products, mut squares) = (0.0, 0.0);
    for (i, (a, b)) in of.iter().zip(of.iter().skip(lag)).enumerate() {
        if (*a * *b).is_finite() && !parted(i) {
            products += a * b;
            squares += 0.5 * (a * a + b * b);
        }
    }
    products / squares
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise of standard deviation one, near enough.
    fn white(seed: u64, len: usize) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
        let mut uniform = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..len).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
    }

    fn mean_of(noise: &[f64], width: usize) -> Vec<f64> {
        noise.windows(width).map(|w| w.iter().sum::<f64>() / width as f64).collect()
    }

    #[test]
    fn a_moving_mean_is_told_with_its_width_and_other_residuals_are_not() {
        let mut told = 0;
        for seed in 0..100 {
            let noise = white(seed, 520);
            let y: Vec<f64> = (0..500).map(|i| 10.0 * (0.02 * f64::from(i)).sin()).collect();
            let found = smoothed(&y, &mean_of(&noise, 5)[..500], &[250]);
            let right = |found: Smoothed| (4..=6).contains(&found.samples) && (1.7..2.8).contains(&found.factor);
            told += usize::from(found.is_some_and(right));
            // A motion that is no longer than the agreement may be what is left out.
            assert_eq!(smoothed(&mean_of(&noise, 5)[..500], &mean_of(&noise, 5)[..500], &[]), None);
            // So is what goes with the motion, with noise or without.
            let rest: Vec<f64> = y.iter().zip(&noise).map(|(y, e)| (0.3 * y).powi(3) + e).collect();
            assert_eq!(smoothed(&y, &rest, &[]), None);
            let fast: Vec<f64> =
                (0..500).map(|i| (0.3 * f64::from(i)).sin()).zip(&noise).map(|(s, e)| s + 0.1 * e).collect();
            assert_eq!(smoothed(&y, &fast, &[]), None);
            assert_eq!(smoothed(&y, &noise[..500], &[]), None);
        }
        assert!(told >= 80, "{told}");
    }
}
