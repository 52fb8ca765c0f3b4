//! Which terms are kept.

use super::normal::{Minimum, Normal};
use super::{Layout, Settings, SmallTerm};

/// What decides on a term besides its size.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Noise {
    /// Per state: the mean square of the weighted residuals.
    pub variance: Vec<f64>,
    /// In how many windows a sample is: its residual counts once.
    pub overlap: f64,
}

impl Noise {
    /// The standard error of a coefficient with this diagonal entry of the inverse normal matrix.
    pub fn standard_error(&self, states: &[usize], inverse: f64) -> f64 {
        let variance: f64 = states.iter().filter_map(|&s| self.variance.get(s)).sum();
        (variance / states.len().max(1) as f64 * self.overlap * inverse).sqrt()
    }
}

/// Drops terms from `kept`: those below the threshold, the weakest first, then, where the noise is given, the least significant one by one. Gives
/// the minimum over the kept; `None` when the normal matrix is singular.
pub(super) fn prune(
    normal: &Normal,
    kept: &mut [bool],
    layout: &Layout,
    settings: &Settings,
    noise: Option<&Noise>,
) -> Option<Minimum> {
    let bounds: Vec<(f64, f64)> = layout.coefficients.iter().map(|c| (c.lower, c.upper)).collect();
    loop {
        let minimum = normal.minimise(kept, &bounds)?;
        let terms = layout.coefficients.iter().enumerate().filter(|(_, c)| c.prunable);
        // The weakest first and only some at a time: in the presence of near-collinear candidates a true term can be small, and grows
        // once they are gone. Strength is the t-statistic up to the noise, which orders terms of one equation.
        let strength = |k: usize| minimum.values[k].abs() / minimum.variance[k].map_or(f64::INFINITY, f64::sqrt);
        let mut small: Vec<usize> = terms
            .clone()
            .filter(|(k, _)| kept[*k] && minimum.values[*k].abs() < settings.threshold)
            .map(|(k, _)| k)
            .collect();
        if !small.is_empty() {
            small.sort_by(|&a, &b| strength(a).total_cmp(&strength(b)));
            let some = small.len().div_ceil(8);
            small.into_iter().take(some).for_each(|k| kept[k] = false);
            continue;
        }
        let Some(noise) = noise else { return Some(minimum) };
        let least = terms
            .filter(|(k, _)| kept[*k])
            .filter_map(|(k, c)| {
                let error = noise.standard_error(&c.states, minimum.variance[k]?);
                Some((k, minimum.values[k].abs() / error))
            })
            .min_by(|a, b| a.1.total_cmp(&b.1));
        match least {
            Some((k, t)) if t < settings.significance => kept[k] = false,
            _ => return Some(minimum),
        }
    }
}

/// Terms that are not kept and would be if there were no threshold, with this noise.
pub(super) fn below(
    normal: &Normal,
    kept: &[bool],
    layout: &Layout,
    settings: &Settings,
    noise: &Noise,
) -> Vec<SmallTerm> {
    let mut without: Vec<bool> = vec![true; kept.len()];
    let any = Settings { threshold: 0.0, ..settings.clone() };
    // Too many candidates at once say nothing, and that is no failure of the fit.
    let Some(minimum) = prune(normal, &mut without, layout, &any, Some(noise)) else { return Vec::new() };
    let dropped = layout.coefficients.iter().enumerate().filter(|(k, c)| c.prunable && without[*k] && !kept[*k]);
    let small = dropped.filter_map(|(k, c)| {
        let (value, std_error) = (minimum.values[k], noise.standard_error(&c.states, minimum.variance[k]?));
        (value.abs() < settings.threshold).then_some(SmallTerm { coefficient: k, value, std_error })
    });
    small.collect()
}
