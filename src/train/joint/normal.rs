//! The normal equations of a regression of derivatives on the model, and what all regressions have in common.

use super::grid::{Grid, read};
use super::poles::Divisors;
use super::problem::{Dynamics, JointError, Points, Unknown};

/// Relative ridge of linear regressions.
pub const RIDGE: f64 = 1e-3;

/// The normal equations of a regression.
pub struct Normal {
    /// `[p, p]`
    pub gram: Vec<f64>,
    /// `[p]`
    pub gradient: Vec<f64>,
    /// The sum of squares that is left.
    pub loss: f64,
    /// The divisors there.
    pub divisors: Divisors,
    /// The first sample at which f or a derivative of it is not finite, with the number that the derivative is by.
    pub undefined: Option<(Option<usize>, usize)>,
}

impl Normal {
    /// The size of a number: the change of it that changes the derivatives by about their own size; none where it has no influence.
    pub fn size(&self, k: usize, samples: usize) -> Option<f64> {
        let square = self.gram.get(k * self.gradient.len() + k).copied().unwrap_or(0.0) / samples as f64;
        (square > f64::MIN_POSITIVE).then(|| 1.0 / square.sqrt())
    }
}

/// The normal equations of the regression at given values, every component's derivatives relative to its `size`.
pub fn normal(
    grid: &Grid,
    model: &mut dyn Dynamics,
    x: &[f64],
    slopes: &[f64],
    size: &[f64],
    xi: &[f64],
) -> Result<Normal, JointError> {
    let (n, p, len) = (grid.n, grid.unknowns, grid.samples);
    let pattern = model.pattern().clone();
    let mut entries = vec![0.0; pattern.rows * len];
    grid.linearise(model, Points { x, t: &grid.t, input: &grid.input }, xi, &mut entries)?;
    let divisors = Divisors::of(&pattern, &entries, len);
    let mut out = Normal { gram: vec![0.0; p * p], gradient: vec![0.0; p], loss: 0.0, divisors, undefined: None };
    for c in 0..n {
        let list = &pattern.by_unknown[c];
        let mut row = vec![0.0; list.len()];
        for t in (0..len).filter(|&t| slopes[c * len + t].is_finite()) {
            let r = (slopes[c * len + t] - read(pattern.value[c], &entries, len, t)) / size[c];
            out.loss += r * r;
            for (v, &(_, e)) in row.iter_mut().zip(list) {
                *v = read(e, &entries, len, t) / size[c];
            }
            if out.undefined.is_none() {
                let by = row.iter().zip(list).find(|(v, _)| !v.is_finite()).map(|(_, &(k, _))| grid.column(k, t));
                out.undefined = (by.is_some() || !r.is_finite()).then_some((by, t));
            }
            for (a, &(i, _)) in list.iter().enumerate() {
                let i = grid.column(i, t);
                out.gradient[i] += row[a] * r;
                for (b, &(j, _)) in list.iter().enumerate().take(a + 1) {
                    let j = grid.column(j, t);
                    out.gram[i.max(j) * p + i.min(j)] += row[a] * row[b];
                }
            }
        }
    }
    for i in 0..p {
        for j in 0..i {
            out.gram[j * p + i] = out.gram[i * p + j];
        }
    }
    Ok(out)
}

/// Where an unknown starts. Terms start at zero, also those of a denominator: one of any other size has a unit.
pub fn first(unknown: &Unknown) -> f64 {
    unknown.start.unwrap_or(if unknown.linear || unknown.droppable { 0.0 } else { 1.0 })
}

/// How many samples have slopes, and the root mean square of every component's slopes.
pub fn measure(slopes: &[f64], n: usize, len: usize) -> (usize, Vec<f64>) {
    // Slopes are known for all observed components of a sample or for none.
    let known = |t: &usize| (0..n).any(|c| slopes.get(c * len + t).is_some_and(|s| s.is_finite()));
    let samples = (0..len).filter(known).count().max(1);
    let size = slopes.chunks_exact(len.max(1)).take(n).map(|slopes| {
        let s = (slopes.iter().filter(|v| v.is_finite()).map(|v| v * v).sum::<f64>() / samples as f64).sqrt();
        if s > 0.0 { s } else { 1.0 }
    });
    (samples, size.collect())
}

/// Moves every unknown into its bounds.
pub fn clamp(unknowns: &[Unknown], xi: &mut [f64]) {
    for (x, u) in xi.iter_mut().zip(unknowns) {
        *x = x.max(u.lower).min(u.upper);
    }
}
