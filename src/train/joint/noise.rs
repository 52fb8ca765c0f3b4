//! The measurement noise from the residuals, with the degrees of freedom the smoothing used up.
//!
//! With the hat matrix A of the smoother, E |residual|^2 = sigma^2 (N - 2 tr A + tr A A'); both traces are estimated with random
//! sign vectors (Hutchinson 1990).

use super::grid::Grid;
use super::problem::FEWEST_PER_COMPONENT;
use super::reduced::Reduced;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Sign vectors used.
const PROBES: usize = 8;

/// A fitted trajectory and what it was fitted with.
pub struct Fitted<'a> {
    /// Observations, `[component, time]`, NaN where nothing was seen.
    pub y: &'a [f64],
    /// The trajectory, `[component, time]`.
    pub x: &'a [f64],
    /// Noise assumed so far, per component.
    pub sigma: &'a [f64],
    /// Smallest noise, per component.
    pub floor: &'a [f64],
    /// Unknowns kept.
    pub kept: usize,
}

/// Re-estimates the noise of every component from the residuals; components seen fewer than five times keep the value
/// they have.
pub fn estimate(grid: &Grid, reduced: &Reduced, fitted: &Fitted, seed: u64) -> Vec<f64> {
    let Fitted { y, x, sigma, floor, kept } = *fitted;
    let (n, samples) = (grid.n, grid.samples);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut signs = vec![0.0; samples * n * PROBES];
    for bits in signs.chunks_exact_mut(PROBES) {
        let word = rng.next_u32();
        for (k, s) in bits.iter_mut().enumerate() {
            *s = if word >> k & 1 == 1 { 1.0 } else { -1.0 };
        }
    }
    let seen = |t: usize, i: usize| y[i * samples + t].is_finite();
    let mut solved = signs.clone();
    for (row, v) in solved.chunks_exact_mut(PROBES).enumerate() {
        let (t, i) = (row / n, row % n);
        let w = if seen(t, i) { 1.0 / sigma[i] } else { 0.0 };
        v.iter_mut().for_each(|v| *v *= w);
    }
    reduced.chain.solve(PROBES, &mut solved);
    let mut out = sigma.to_vec();
    for i in 0..n {
        let mut count = 0usize;
        let (mut trace, mut square, mut residual) = (0.0, 0.0, 0.0);
        for t in (0..samples).filter(|&t| seen(t, i)) {
            count += 1;
            let r = y[i * samples + t] - x[i * samples + t];
            residual += r * r;
            for k in 0..PROBES {
                let at = (t * n + i) * PROBES + k;
                let s = solved[at] / sigma[i];
                trace += signs[at] * s;
                square += s * s;
            }
        }
        if count < FEWEST_PER_COMPONENT {
            continue;
        }
        let probes = PROBES as f64;
        let freedom = count as f64 - 2.0 * trace / probes + square / probes - kept as f64 / n as f64;
        out[i] = (residual / freedom.max(1.0)).sqrt().max(floor[i]);
    }
    out
}
