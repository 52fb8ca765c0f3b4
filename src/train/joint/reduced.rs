//! Elimination of the trajectory: the quadratic model of the objective in the unknowns alone.
//!
//! With H the block tridiagonal normal matrix of the trajectory and B its coupling to the border, the reduced objective is
//! `xi' S xi - 2 c' xi` with `S = sum P'P - B' H^-1 B`. All candidates stay in the border, also dropped ones, so that a
//! subset can be chosen without another elimination.

use super::collocation::Rows;
use super::grid::Grid;
use super::problem::Unknown;
use crate::solve::{Chain, PivotError};

/// Weights and observations of one linearisation.
pub struct Weights<'a> {
    /// `[component, time]`, NaN where nothing was seen.
    pub y: &'a [f64],
    /// Measurement noise, per component.
    pub sigma: &'a [f64],
    /// Standard deviation of the collocation rows, per component.
    pub q: &'a [f64],
    /// Tiny weight that pulls increments to zero, per component.
    pub prior: &'a [f64],
    /// Samples and components that stay where they are, with a weight that keeps them there.
    pub pinned: &'a [(usize, usize, f64)],
    /// Deferred correction, `[link, n]`.
    pub correction: &'a [f64],
}

/// The reduced quadratic and what is needed to step back to the trajectory.
pub struct Reduced {
    /// Number of unknowns.
    pub p: usize,
    /// Schur complement, `[p, p]`.
    pub s: Vec<f64>,
    /// Linear part: the minimiser over a set A is `S_AA^-1 c_A`.
    pub c: Vec<f64>,
    /// Covariance of the score for exact dynamics, `[p, p]`.
    pub score: Vec<f64>,
    /// How the linear part changes with the deferred correction.
    pub systematic: Vec<f64>,
    /// Twice the negative log likelihood's determinant part.
    pub log_determinant: f64,
    /// The objective at the point of linearisation.
    pub objective: f64,
    /// Unknowns without any influence there, which are held where they are.
    pub idle: Vec<bool>,
    /// `H^-1 [B, g, g_correction]`, `[time, n, p + 2]`.
    solved: Vec<f64>,
    /// The factor, for probes.
    pub chain: Chain,
    n: usize,
}

/// The weight of an observation: 1/sigma^2, or zero where nothing was seen.
fn weight(y: f64, sigma: f64) -> f64 {
    if y.is_finite() { 1.0 / (sigma * sigma) } else { 0.0 }
}

/// Eliminates the trajectory at the linearisation `rows` of the point (x, xi). The rows' weights are applied in place.
pub fn reduce(grid: &Grid, mut rows: Rows, x: &[f64], xi: &[f64], w: &Weights) -> Result<Reduced, PivotError> {
    let (n, p, samples, links) = (grid.n, grid.unknowns, grid.samples, grid.links());
    let columns = p + 2;
    // Columns of the border: the unknowns, the (corrected) defect, the correction alone.
    let mut border = vec![0.0; links * n * columns];
    let mut objective = 0.0;
    for t in 0..links {
        for i in 0..n {
            let inverse = grid.row_weight[t] / w.q[i];
            for v in &mut rows.before[(t * n + i) * n..(t * n + i + 1) * n] {
                *v *= inverse;
            }
            for v in &mut rows.after[(t * n + i) * n..(t * n + i + 1) * n] {
                *v *= inverse;
            }
            let out = &mut border[(t * n + i) * columns..(t * n + i + 1) * columns];
            for (o, v) in out.iter_mut().zip(&rows.border[(t * n + i) * p..(t * n + i + 1) * p]) {
                *o = v * inverse;
            }
            let defect = (rows.defect[t * n + i] + w.correction[t * n + i]) * inverse;
            out[p] = defect;
            out[p + 1] = w.correction[t * n + i] * inverse;
            objective += defect * defect;
        }
    }
    let mut diagonal = vec![0.0; samples * n * n];
    let mut lower = vec![0.0; links * n * n];
    let mut rhs = vec![0.0; samples * n * columns];
    for t in 0..links {
        let before = &rows.before[t * n * n..(t + 1) * n * n];
        let after = &rows.after[t * n * n..(t + 1) * n * n];
        let here = &border[t * n * columns..(t + 1) * n * columns];
        for r in 0..n {
            for i in 0..n {
                let (bi, ai) = (before[r * n + i], after[r * n + i]);
                for j in 0..n {
                    diagonal[(t * n + i) * n + j] += bi * before[r * n + j];
                    diagonal[((t + 1) * n + i) * n + j] += ai * after[r * n + j];
                    lower[(t * n + i) * n + j] += ai * before[r * n + j];
                }
                let row = &here[r * columns..(r + 1) * columns];
                axpy(bi, row, &mut rhs[(t * n + i) * columns..(t * n + i + 1) * columns]);
                axpy(ai, row, &mut rhs[((t + 1) * n + i) * columns..((t + 1) * n + i + 1) * columns]);
            }
        }
    }
    for t in 0..samples {
        for i in 0..n {
            let y = w.y[i * samples + t];
            let weight = weight(y, w.sigma[i]);
            let e = if y.is_finite() { y - x[i * samples + t] } else { 0.0 };
            objective += weight * e * e;
            diagonal[(t * n + i) * n + i] += weight + w.prior[i];
            let row = &mut rhs[(t * n + i) * columns..(t * n + i + 1) * columns];
            row[p] = weight * e - row[p];
            row[p + 1] = -row[p + 1];
        }
    }
    for &(t, i, weight) in w.pinned {
        diagonal[(t * n + i) * n + i] += weight;
    }
    let chain = Chain::factor(n, diagonal, &lower)?;
    let mut solved = rhs.clone();
    chain.solve(columns, &mut solved);

    let own = cross(&border, &border, links * n, columns);
    let eliminated = cross(&rhs, &solved, samples * n, columns);
    let mut s = vec![0.0; p * p];
    let mut b = vec![0.0; p];
    let mut systematic = vec![0.0; p];
    for i in 0..p {
        for j in 0..p {
            let a = own[i * columns + j] - eliminated[i * columns + j];
            let transposed = own[j * columns + i] - eliminated[j * columns + i];
            s[i * p + j] = 0.5 * (a + transposed);
        }
        b[i] = -own[i * columns + p] - eliminated[i * columns + p];
        systematic[i] = -own[i * columns + p + 1] - eliminated[i * columns + p + 1];
    }
    let c = (0..p).map(|i| b[i] + (0..p).map(|j| s[i * p + j] * xi[j]).sum::<f64>()).collect();

    let mut weighted = solved.clone();
    for (row, out) in weighted.chunks_exact_mut(columns).enumerate() {
        let (t, i) = (row / n, row % n);
        let weight = weight(w.y[i * samples + t], w.sigma[i]);
        out.iter_mut().for_each(|v| *v *= weight);
    }
    let full = cross(&weighted, &solved, samples * n, columns);
    let score = (0..p * p).map(|k| full[(k / p) * columns + k % p]).collect();

    let real = grid.real_links() as f64;
    let mut log_determinant = chain.log_determinant();
    for i in 0..n {
        let seen = w.y[i * samples..(i + 1) * samples].iter().filter(|y| y.is_finite()).count() as f64;
        log_determinant += 2.0 * real * libm::log(w.q[i]) + 2.0 * seen * libm::log(w.sigma[i]);
    }
    Ok(Reduced { p, s, c, score, systematic, log_determinant, objective, idle: vec![false; p], solved, chain, n })
}

impl Reduced {
    /// Holds unknowns that may not be dropped where they are as long as nothing depends on them: parameters inside terms that
    /// are all dropped. `scale` makes the entry that holds them as large as any other.
    pub fn hold_idle(&mut self, unknowns: &[Unknown], xi: &[f64], scale: &[f64]) {
        for (k, unknown) in unknowns.iter().enumerate() {
            let own = k * self.p + k;
            if unknown.droppable || unknown.linear || self.s[own] != 0.0 {
                continue;
            }
            self.idle[k] = true;
            self.s[own] = 1.0 / (scale[k] * scale[k]);
            self.c[k] = xi[k] * self.s[own];
        }
    }

    /// The change of the trajectory that goes with a change of the unknowns, `[component, time]`.
    pub fn trajectory_step(&self, change: &[f64]) -> Vec<f64> {
        let columns = self.p + 2;
        let samples = self.solved.len() / (columns * self.n).max(1);
        let mut step = vec![0.0; samples * self.n];
        for (row, solved) in self.solved.chunks_exact(columns).enumerate() {
            let (t, i) = (row / self.n, row % self.n);
            let from_border: f64 = solved.iter().zip(change).map(|(a, b)| a * b).sum();
            step[i * samples + t] = solved[self.p] - from_border;
        }
        step
    }
}

fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// `a' b` for row-major `[rows, columns]` matrices. One thread: the result must not depend on how many there are.
fn cross(a: &[f64], b: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let mut out = vec![0.0; columns * columns];
    let stride = columns as isize;
    // SAFETY: `a` and `b` hold rows * columns numbers each and `out` columns^2, all row-major; the strides given describe
    // exactly these arrays (`a` transposed), and `out` does not overlap them.
    unsafe {
        gemm::gemm(
            columns,
            columns,
            rows,
            out.as_mut_ptr(),
            1,
            stride,
            false,
            a.as_ptr(),
            stride,
            1,
            b.as_ptr(),
            1,
            stride,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
    out
}
