//! The masked symmetric positive definite solve, sample by sample. Single precision is computed in double and rounded.
//!
//! Only the symmetric part of the matrix counts, and so the adjoint of the matrix is symmetric:
//! with z the solution for the upstream gradient, `n_adj = -(z x' + x z') / 2` and `r_adj = z`, both zero where masked.

use super::InterpError;
use super::array::Array;
use super::dense::{Cholesky, Matrix};
use crate::ir::round_as;

pub(super) fn solve(n: &Array, r: &Array, mask: &Array) -> Result<Array, InterpError> {
    let mut x = r.clone();
    let k = r.shape.last().copied().unwrap_or(0);
    for sample in samples(r) {
        let m = masks(mask, sample, k);
        let factor = factor(n, &m, sample, k)?;
        let rhs: Vec<f64> = (0..k).map(|i| m[i] * r.data[sample * k + i]).collect();
        for (i, value) in factor.solve(&rhs).into_iter().enumerate() {
            x.data[sample * k + i] = round_as(x.ty.elem, value);
        }
    }
    Ok(x)
}

pub(super) fn solve_adjoint(n: &Array, mask: &Array, x: &Array, x_adj: &Array) -> Result<Vec<Array>, InterpError> {
    let (mut n_adj, mut r_adj) = (n.clone(), x.clone());
    let k = x.shape.last().copied().unwrap_or(0);
    for sample in samples(x) {
        let m = masks(mask, sample, k);
        let factor = factor(n, &m, sample, k)?;
        let g: Vec<f64> = (0..k).map(|i| m[i] * x_adj.data[sample * k + i]).collect();
        let z = factor.solve(&g);
        let x = &x.data[sample * k..(sample + 1) * k];
        for i in 0..k {
            r_adj.data[sample * k + i] = round_as(r_adj.ty.elem, z[i]);
            for j in 0..k {
                let both = m[i] * m[j] * (z[i] * x[j] + x[i] * z[j]);
                n_adj.data[(sample * k + i) * k + j] = round_as(n_adj.ty.elem, -0.5 * both);
            }
        }
    }
    Ok(vec![n_adj, r_adj])
}

fn samples(r: &Array) -> std::ops::Range<usize> {
    let batch = r.shape.split_last().map_or(0, |(_, batch)| batch.iter().product());
    0..batch
}

fn masks(mask: &Array, sample: usize, k: usize) -> Vec<f64> {
    let start = if mask.shape.len() > 1 { sample * k } else { 0 };
    mask.data[start..start + k].to_vec()
}

/// The factor of `M n M + I - M`.
fn factor(n: &Array, m: &[f64], sample: usize, k: usize) -> Result<Cholesky, InterpError> {
    let at = |i: usize, j: usize| n.data[(sample * k + i) * k + j];
    let mut a = Matrix::zeros(k, k);
    for i in 0..k {
        for j in 0..k {
            let identity = if i == j { 1.0 - m[i] } else { 0.0 };
            *a.at(i, j) = m[i] * m[j] * 0.5 * (at(i, j) + at(j, i)) + identity;
        }
    }
    Cholesky::new(a).ok_or(InterpError::NotPositiveDefinite)
}
