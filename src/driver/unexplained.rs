//! Fits that leave over all that the data do, or more.

use super::observed::{Component, Observed};
use crate::train::joint::JointFit;

/// One component of which so many times all that its data do is left over is enough: no chance does that, whatever the others say.
const FAR: f64 = 2.0;

/// The component of which most is left over, and how many times what its data do that is; none where something is explained. Of
/// a fit with one estimate for every unknown. Noise is
/// the sum of squares over the degrees of freedom that are left, so that it is above the deviation of the data by chance alone where a state
/// stays at rest; and what one state does not tell is no fault of numbers that others do.
pub fn all<'o>(observed: &'o Observed, fit: &JointFit) -> Option<(f64, &'o Component)> {
    let kept = fit.estimates.iter().enumerate().filter(|(_, e)| e.kept);
    // And where each trajectory begins.
    let used = kept.map(|(k, _)| fit.columns.of(k).len()).sum::<usize>() + observed.train.trajectories.len();
    let noise = fit.noise.iter().zip(&observed.components).filter(|(_, c)| c.deviation > 0.0);
    let shares = noise.map(|(noise, c)| (noise / c.deviation, c)).filter(|(share, _)| share.is_finite());
    let shares: Vec<(f64, f64, &Component)> = shares
        .map(|(share, c)| {
            let seen = observed.train.column(&c.state).map_or(0, |column| observed.train.stats(column).count);
            (share, by_freedom(seen, used), c)
        })
        .collect();
    let most = shares.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    is_all(shares.iter().map(|(share, by_freedom, _)| share / by_freedom)).then_some((most.0, most.2))
}

/// How many times the deviation of the data the noise may be where a constant is all that is found in them, with so many numbers `used`.
fn by_freedom(seen: usize, used: usize) -> f64 {
    let left = seen.saturating_sub(used);
    if left > 0 { (seen as f64 / left as f64).sqrt() } else { f64::INFINITY }
}

/// Whether nothing is explained: all shares are above one, or one is far above it.
fn is_all(shares: impl Iterator<Item = f64> + Clone) -> bool {
    let mut each = shares.clone();
    let mut any = shares;
    each.next().is_some_and(|first| first > 1.0) && each.all(|share| share > 1.0) || any.any(|share| share > FAR)
}

#[cfg(test)]
mod tests {
    use super::{by_freedom, is_all};

    #[test]
    fn all_components_are_unexplained_or_one_by_far() {
        for (shares, told) in [
            (&[1.1, 1.02][..], true),
            (&[0.04, 1.02], false),
            (&[1.02, 0.04], false),
            (&[0.04, 1.9], false),
            (&[0.04, 2.1], true),
            (&[1.01], true),
            (&[0.99], false),
            (&[], false),
        ] {
            assert_eq!(is_all(shares.iter().copied()), told, "{shares:?}");
        }
        // What eighty samples at rest have with five numbers is chance; with as many numbers as samples anything is.
        assert!((by_freedom(80, 5) - (80.0f64 / 75.0).sqrt()).abs() < 1e-15);
        assert!(by_freedom(5, 5).is_infinite() && by_freedom(3, 5).is_infinite());
    }
}
