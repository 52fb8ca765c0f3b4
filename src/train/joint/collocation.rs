//! The collocation rows between neighbouring samples, and their derivatives.
//!
//! Hermite-Simpson: with f0, f1 at the samples, `xm = (x0 + x1)/2 + h/8 (f0 - f1)` and fm there, the defect is
//! `x1 - x0 - h/6 (f0 + 4 fm + f1)`, of fourth order (Hargraves & Paris 1987; Betts 2010, section 4.6). A deferred correction,
//! held fixed while linearising, raises it to sixth order: the difference to the two-point quintic Hermite rule with
//! midpoint, which also needs the total time derivative g of f along itself.

use super::grid::{Grid, read};
use super::poles::Divisors;
use super::problem::{Chain, Dynamics, EvaluateError, JointError, Points, Spot};
use crate::artifact::Pattern;
use crate::runtime::Formula;

/// Defects with their derivatives by both samples and by the unknowns.
pub struct Rows {
    /// `[link, n]`
    pub defect: Vec<f64>,
    /// Derivative by the sample before, `[link, n, n]`.
    pub before: Vec<f64>,
    /// Derivative by the sample after, `[link, n, n]`.
    pub after: Vec<f64>,
    /// Derivative by the unknowns, `[link, n, unknown]`.
    pub border: Vec<f64>,
    /// At the samples.
    pub divisors: Divisors,
}

impl Rows {
    /// See [`log_volume`].
    pub fn log_volume(&self, grid: &Grid) -> f64 {
        let blocks = self.after.chunks_exact((grid.n * grid.n).max(1)).zip(&grid.h).filter(|(_, h)| **h > 0.0);
        let sum: f64 = blocks.map(|(block, _)| log_determinant(grid.n, block.to_vec())).sum();
        if sum.is_finite() { sum } else { 0.0 }
    }
}

/// `ln |det a|` of a row-major `[n, n]` matrix, by elimination with pivots from its columns.
fn log_determinant(n: usize, mut a: Vec<f64>) -> f64 {
    let mut sum = 0.0;
    for k in 0..n {
        let size = |row: &usize| a[row * n + k].abs();
        let pivot = (k..n).max_by(|i, j| size(i).total_cmp(&size(j))).unwrap_or(k);
        for j in k..n {
            a.swap(k * n + j, pivot * n + j);
        }
        sum += libm::log(a[k * n + k].abs());
        for i in k + 1..n {
            let factor = a[i * n + k] / a[k * n + k];
            for j in k + 1..n {
                a[i * n + j] -= factor * a[k * n + j];
            }
        }
    }
    sum
}

/// f at every time from the rows of a linearisation, `[component, time]`.
fn values(pattern: &Pattern, entries: &[f64], len: usize, f: &mut [f64]) {
    for (out, &entry) in f.chunks_exact_mut(len.max(1)).zip(&pattern.value) {
        for (t, out) in out.iter_mut().enumerate() {
            *out = read(entry, entries, len, t);
        }
    }
}

/// A formula of collocation, into as many numbers.
fn formula(what: Formula, from: &[&[f64]], len: usize) -> Result<Vec<f64>, JointError> {
    let mut out = vec![0.0; len];
    what.apply(from, &mut out).map_err(|e| EvaluateError(e.to_string()))?;
    Ok(out)
}

/// What a chain of the model gives, which is `N` arrays.
fn chained<const N: usize>(
    model: &mut dyn Dynamics,
    what: Chain,
    (x, xi): (&[f64], &[f64]),
) -> Result<[Vec<f64>; N], JointError> {
    let found = model.chain(what, x, xi)?;
    let wrong = |found: Vec<Vec<f64>>| EvaluateError(format!("{} arrays for {what:?}", found.len()));
    Ok(found.try_into().map_err(wrong)?)
}

/// The defects alone.
pub fn defects(grid: &Grid, model: &mut dyn Dynamics, x: &[f64], xi: &[f64]) -> Result<Vec<f64>, JointError> {
    if grid.is_held() {
        let [defects] = chained(model, Chain::Defects, (x, xi))?;
        return Ok(defects);
    }
    let (samples, links) = (grid.n * grid.samples, grid.n * grid.links());
    let mut f = vec![0.0; samples];
    grid.field(model, grid.at_samples(x), xi, &mut f)?;
    let xm = formula(Formula::Middle, &[x, &f, &grid.h], links)?;
    let mut fm = vec![0.0; links];
    grid.field(model, grid.at_midpoints(&xm), xi, &mut fm)?;
    formula(Formula::Defect, &[x, &f, &fm, &grid.h], links)
}

/// The defects and their derivatives.
pub fn rows(grid: &Grid, model: &mut dyn Dynamics, x: &[f64], xi: &[f64]) -> Result<Rows, JointError> {
    rows_by(grid, model, (x, xi), true)
}

/// By how much the map from a sample to the defect behind it stretches volumes: `ln |det|` of the derivative, summed over all links. The density of a
/// trajectory of a noisy process is that of its defects times this; zero where it is no number.
pub fn log_volume(grid: &Grid, model: &mut dyn Dynamics, x: &[f64], xi: &[f64]) -> Result<f64, JointError> {
    Ok(rows_by(grid, model, (x, xi), false)?.log_volume(grid))
}

/// The same, with derivatives by the unknowns or without.
fn rows_by(
    grid: &Grid,
    model: &mut dyn Dynamics,
    (x, xi): (&[f64], &[f64]),
    by_unknown: bool,
) -> Result<Rows, JointError> {
    let (n, samples, links) = (grid.n, grid.samples, grid.links());
    let p = if by_unknown { grid.unknowns } else { 0 };
    let pattern = model.pattern().clone();
    let (at, am) = if grid.is_held() {
        let [at, am] = chained(model, Chain::Rows, (x, xi))?;
        (at, am)
    } else {
        let mut at = vec![0.0; pattern.rows * samples];
        grid.linearise(model, grid.at_samples(x), xi, &mut at)?;
        let mut f = vec![0.0; n * samples];
        values(&pattern, &at, samples, &mut f);
        let xm = formula(Formula::Middle, &[x, &f, &grid.h], n * links)?;
        let mut am = vec![0.0; pattern.rows * links];
        grid.linearise(model, grid.at_midpoints(&xm), xi, &mut am)?;
        (at, am)
    };
    let (mut f, mut fm) = (vec![0.0; n * samples], vec![0.0; n * links]);
    values(&pattern, &at, samples, &mut f);
    values(&pattern, &am, links, &mut fm);

    let mut rows = Rows {
        defect: formula(Formula::Defect, &[x, &f, &fm, &grid.h], n * links)?,
        before: vec![0.0; links * n * n],
        after: vec![0.0; links * n * n],
        border: vec![0.0; links * n * p],
        divisors: Divisors::of(&pattern, &at, samples),
    };
    let mut jm = vec![0.0; n * n];
    let mut spread = vec![0.0; n * p];
    for t in (0..links).filter(|&t| grid.h[t] > 0.0) {
        let h = grid.h[t];
        jm.fill(0.0);
        for (i, list) in pattern.by_component.iter().enumerate() {
            for &(j, e) in list {
                jm[i * n + j] = read(e, &am, links, t);
            }
        }
        // d xm / d x0 = I/2 + h/8 J0 and d xm / d x1 = I/2 - h/8 J1, through fm; then f0 and f1 themselves.
        for (side, sign) in [(t, 1.0), (t + 1, -1.0)] {
            let block = if sign > 0.0 { &mut rows.before } else { &mut rows.after };
            let block = &mut block[t * n * n..(t + 1) * n * n];
            for i in 0..n {
                for j in 0..n {
                    block[i * n + j] = -h / 3.0 * jm[i * n + j];
                }
                block[i * n + i] -= sign;
            }
            for (k, list) in pattern.by_component.iter().enumerate() {
                for &(j, e) in list {
                    let v = read(e, &at, samples, side);
                    block[k * n + j] -= h / 6.0 * v;
                    for i in 0..n {
                        block[i * n + j] -= sign * h * h / 12.0 * jm[i * n + k] * v;
                    }
                }
            }
        }
        let border = &mut rows.border[t * n * p..(t + 1) * n * p];
        spread.fill(0.0);
        for (i, list) in pattern.by_unknown.iter().enumerate().filter(|_| by_unknown) {
            for &(k, e) in list {
                let (v0, v1) = (read(e, &at, samples, t), read(e, &at, samples, t + 1));
                let k = grid.column(k, t);
                border[i * p + k] = -h / 6.0 * (v0 + v1 + 4.0 * read(e, &am, links, t));
                spread[i * p + k] = -h * h / 12.0 * (v0 - v1);
            }
        }
        for i in 0..n {
            for k in 0..n {
                let a = jm[i * n + k];
                if a != 0.0 {
                    for (b, s) in border[i * p..(i + 1) * p].iter_mut().zip(&spread[k * p..(k + 1) * p]) {
                        *b += a * s;
                    }
                }
            }
        }
    }
    Ok(rows)
}

/// The first point at which f is not finite, where defects are not: a sample, or the middle of a link.
pub fn undefined(
    grid: &Grid,
    model: &mut dyn Dynamics,
    defects: &[f64],
    (x, xi): (&[f64], &[f64]),
) -> Result<Option<Spot>, JointError> {
    let Some(first) = defects.iter().position(|d| !d.is_finite()).map(|i| i / grid.n.max(1)) else { return Ok(None) };
    let (samples, links) = (grid.n * grid.samples, grid.n * grid.links());
    let mut f = vec![0.0; samples];
    grid.field(model, grid.at_samples(x), xi, &mut f)?;
    let wrong = |f: &[f64], at: usize, len: usize| f.iter().skip(at).step_by(len.max(1)).any(|v| !v.is_finite());
    if let Some(sample) = [first, first + 1].into_iter().find(|&t| wrong(&f, t, grid.samples)) {
        return Ok(Some(grid.spot(sample, x, xi)));
    }
    let xm = formula(Formula::Middle, &[x, &f, &grid.h], links)?;
    Ok(Some(Spot {
        time: grid.t_mid.get(first).copied().unwrap_or_default(),
        x: xm.iter().skip(first).step_by(grid.links().max(1)).copied().collect(),
        inputs: grid.input_mid.iter().skip(first).step_by(grid.links().max(1)).copied().collect(),
        ..grid.spot(first, x, xi)
    }))
}

/// The deferred correction, `[link, n]`: Hermite-Simpson minus sixth-order quintic Hermite quadrature of f. None is needed in links that are
/// sudden, and along an impulse the time derivative of f says nothing.
pub fn correction(grid: &Grid, model: &mut dyn Dynamics, x: &[f64], xi: &[f64]) -> Result<Vec<f64>, JointError> {
    let mut delta = smooth_correction(grid, model, x, xi)?;
    for &link in grid.sudden() {
        if let Some(delta) = delta.get_mut(link * grid.n..(link + 1) * grid.n) {
            delta.fill(0.0);
        }
    }
    Ok(delta)
}

/// The same as if every link were smooth.
fn smooth_correction(grid: &Grid, model: &mut dyn Dynamics, x: &[f64], xi: &[f64]) -> Result<Vec<f64>, JointError> {
    if grid.is_held() {
        let [delta] = chained(model, Chain::Correction, (x, xi))?;
        return Ok(delta);
    }
    let (samples, links) = (grid.n * grid.samples, grid.n * grid.links());
    let mut f = vec![0.0; samples];
    grid.field(model, grid.at_samples(x), xi, &mut f)?;
    // Total time derivative of f along itself by a central difference.
    let eps = grid.eps();
    let mut sides = [vec![0.0; samples], vec![0.0; samples]];
    for (out, by) in sides.iter_mut().zip([eps, -eps]) {
        let shifted = formula(Formula::Shift { share: by }, &[x, &f], samples)?;
        let (t, input) = grid.shifted(by);
        grid.field(model, Points { x: &shifted, t: &t, input: &input }, xi, out)?;
    }
    let g = formula(Formula::Slope { eps }, &[&sides[0], &sides[1]], samples)?;
    let low = formula(Formula::Middle, &[x, &f, &grid.h], links)?;
    let high = formula(Formula::QuinticMiddle, &[x, &f, &g, &grid.h], links)?;
    let (mut f_low, mut f_high) = (vec![0.0; links], vec![0.0; links]);
    grid.field(model, grid.at_midpoints(&low), xi, &mut f_low)?;
    grid.field(model, grid.at_midpoints(&high), xi, &mut f_high)?;
    formula(Formula::Correction, &[&f, &g, &f_low, &f_high, &grid.h], links)
}
