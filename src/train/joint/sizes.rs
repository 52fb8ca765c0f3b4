//! Starts of numbers that enter nonlinearly and have no start value: they are sought over all sizes that numbers have in any unit.
//!
//! At every size the coefficients that enter linearly are regressed, which is one small system; what leaves least of the derivatives is a
//! start for the whole regression. `K` in `x/(K + x)` is found at the size of `x` in this way, whatever that is.

use super::collocation::Grid;
use super::problem::{Dynamics, JointError, Unknown};
use super::regression::{self, Normal};
use crate::solve::Cholesky;

/// Sizes tried: half decades within these powers of ten.
const DECADES: i32 = 12;
/// Sizes that are regressed from wholly, for the last of the numbers.
const CHOSEN: usize = 3;
/// Relative ridge of the linear systems.
const RIDGE: f64 = 1e-3;

/// Whether a parameter's size has to be found.
pub fn open(unknown: &Unknown) -> bool {
    !unknown.linear && !unknown.droppable && unknown.start.is_none()
}

/// Whether it is the coefficient of a term in a denominator.
fn below(unknown: &Unknown) -> bool {
    !unknown.linear && unknown.droppable && unknown.start.is_none()
}

/// The regression that is looked at from many sides.
struct Sought<'a> {
    grid: &'a Grid,
    unknowns: &'a [Unknown],
    x: &'a [f64],
    slopes: &'a [f64],
    samples: usize,
    size: Vec<f64>,
}

impl Sought<'_> {
    fn normal(&self, model: &mut dyn Dynamics, xi: &[f64]) -> Result<Normal, JointError> {
        regression::normal(self.grid, model, self.x, self.slopes, &self.size, xi)
    }

    /// The linear numbers regressed with the others held; `None` where the model has no value there.
    fn linear(&self, model: &mut dyn Dynamics, xi: &[f64]) -> Result<Option<(Vec<f64>, Normal)>, JointError> {
        let (p, here) = (self.grid.unknowns, self.normal(model, xi)?);
        let free: Vec<usize> = (0..p).filter(|&k| self.unknowns.get(k).is_some_and(|u| u.linear)).collect();
        let scale = |k: usize| match here.gram[k * p + k] / self.samples as f64 {
            square if square > f64::MIN_POSITIVE => 1.0 / square.sqrt(),
            _ => 1.0,
        };
        let m = free.len();
        let weight = RIDGE * RIDGE * self.samples as f64;
        let mut a: Vec<f64> = free
            .iter()
            .flat_map(|&i| free.iter().map(move |&j| (i, j)))
            .map(|(i, j)| here.gram[i * p + j] * scale(i) * scale(j))
            .collect();
        a.iter_mut().step_by(m + 1).for_each(|v| *v += weight);
        let b: Vec<f64> = free.iter().map(|&i| here.gradient[i] * scale(i)).collect();
        if !here.loss.is_finite() || a.iter().chain(&b).any(|v| !v.is_finite()) {
            return Ok(None);
        }
        let Some(factor) = Cholesky::factor_with_ridge(m, &a) else { return Ok(None) };
        let mut next = xi.to_vec();
        for (&k, step) in free.iter().zip(factor.solve(&b)) {
            next[k] += step * scale(k);
        }
        regression::clamp(self.unknowns, &mut next);
        let there = self.normal(model, &next)?;
        Ok(there.loss.is_finite().then_some((next, there)))
    }

    /// The sizes of one number that leave less than their neighbours, the best ones first: all numbers as they are there.
    fn scanned(
        &self,
        model: &mut dyn Dynamics,
        (k, from): (usize, &[f64]),
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Vec<f64>>, JointError> {
        let (lower, upper) = self.unknowns.get(k).map_or((0.0, 0.0), |u| (u.lower, u.upper));
        let mut found: Vec<(f64, Vec<f64>)> = Vec::new();
        for half in -2 * DECADES..=2 * DECADES {
            if stop() {
                return Err(JointError::Interrupted(None));
            }
            let value = 10f64.powf(0.5 * f64::from(half));
            // Where only negative values are allowed, those are tried.
            let value = if upper <= 0.0 { -value } else { value };
            if !(lower..=upper).contains(&value) {
                continue;
            }
            let mut xi = from.to_vec();
            xi[k] = value;
            let left = self.linear(model, &xi)?;
            found.push(left.map_or((f64::INFINITY, xi), |(next, normal)| (normal.loss, next)));
        }
        let loss = |i: Option<usize>| i.and_then(|i| found.get(i)).map_or(f64::INFINITY, |(loss, _)| *loss);
        let mut least: Vec<usize> = (0..found.len())
            .filter(|&i| {
                let here = loss(Some(i));
                here.is_finite() && here <= loss(i.checked_sub(1)) && here < loss(Some(i + 1))
            })
            .collect();
        least.sort_by(|&a, &b| loss(Some(a)).total_cmp(&loss(Some(b))));
        least.truncate(CHOSEN);
        Ok(least.into_iter().filter_map(|i| found.get(i).map(|(_, xi)| xi.clone())).collect())
    }
}

/// Values to regress from beside `plain`; none where every number has a start or enters linearly.
pub fn starts(
    grid: &Grid,
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    ((x, slopes), plain): ((&[f64], &[f64]), &[f64]),
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Vec<f64>>, JointError> {
    let (samples, size) = regression::measure(slopes, grid.n, grid.samples);
    let sought = Sought { grid, unknowns, x, slopes, samples, size };
    let mut starts = vec![plain.to_vec()];
    for k in (0..unknowns.len()).filter(|&k| unknowns.get(k).is_some_and(open)) {
        // One number after the other, the others at the best sizes found.
        let Some(from) = starts.first().cloned() else { break };
        let found = sought.scanned(model, (k, &from), stop)?;
        if !found.is_empty() {
            starts = found;
        }
    }
    // Denominators of one: what a term in them has to be to count is known once there is a numerator.
    let denominators: Vec<usize> = (0..unknowns.len()).filter(|&k| unknowns.get(k).is_some_and(below)).collect();
    if denominators.is_empty() {
        starts.retain(|xi| xi != plain);
        return Ok(starts);
    }
    let mut all = Vec::new();
    for from in starts {
        let Some((fitted, normal)) = sought.linear(model, &from)? else { continue };
        let mut sized = fitted.clone();
        for &k in &denominators {
            let square = normal.gram[k * grid.unknowns + k] / samples as f64;
            if square > f64::MIN_POSITIVE {
                sized[k] = 1.0 / square.sqrt();
            }
        }
        regression::clamp(unknowns, &mut sized);
        all.extend([sized, fitted]);
    }
    Ok(all)
}
