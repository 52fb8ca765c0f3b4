//! The solve of a constant matrix as an explicit matrix.

use std::collections::BTreeSet;

use gemm::{Parallelism, gemm};
use rayon::prelude::*;

use super::error::{SolveError, check_length};
use super::factor::Factor;
use super::problem::{DataRows, Problem, Shape};

/// `u = G [rhs; iv] + offset` for coefficients and steps that no sample has for itself; only the wanted derivatives are kept.
///
/// The memory is `T * D * orders` by `E * T + Ti * D * Ki` numbers: for short windows only. Application and transpose are matrix
/// products over fixed pieces of the batch, so the result does not depend on the number of threads.
#[derive(Debug, Clone)]
pub struct DenseOperator {
    shape: Shape,
    orders: Vec<usize>,
    /// `(E*T, outputs)`
    of_rhs: Vec<f64>,
    /// `(Ti*D*Ki, outputs)`
    of_iv: Vec<f64>,
    /// What the slack's push alone gives, `(outputs)`.
    offset: Vec<f64>,
}

/// Right-hand sides in one matrix product.
const PIECE: usize = 256;

impl DenseOperator {
    /// Builds the matrix from the factor of `problem`; its `rhs` and `iv` are not read, and the values of data rows count as zero. `orders` names the derivatives to keep, in
    /// the order of the output.
    ///
    /// # Errors
    /// Coefficients or steps that depend on the sample, derivatives that the problem does not have.
    pub fn new(factor: &Factor, problem: &Problem, orders: &[usize]) -> Result<Self, SolveError> {
        factor.check(problem)?;
        if !factor.is_constant() {
            return Err(SolveError::NotConstant { what: "coefficients or steps" });
        }
        let distinct: BTreeSet<_> = orders.iter().collect();
        if let Some(&&worst) = distinct.last().filter(|&&&k| k >= problem.shape.orders) {
            return Err(SolveError::Size { what: "a wanted derivative", got: worst, allowed: "below the orders kept" });
        }
        let shape = Shape { batch: 1, ..problem.shape };
        let (e, i) = (shape.right_hand_sides(), shape.initial_values());
        let count = e + i + 1;
        let square = count.checked_mul(e.max(i)).and_then(|x| x.checked_mul(8)).is_some();
        let output = count.checked_mul(shape.unknowns()).and_then(|x| x.checked_mul(8)).is_some();
        if !(square && output) {
            return Err(SolveError::TooLarge);
        }
        // Unit right-hand sides, the last of all zeros: the affine part.
        let (mut rhs, mut iv) = (vec![0.0; count * e], vec![0.0; count * i]);
        (0..e).for_each(|j| rhs[j * e + j] = 1.0);
        (0..i).for_each(|j| iv[(e + j) * i + j] = 1.0);
        let values = vec![0.0; count.saturating_mul(problem.data.places.len())];
        let data = DataRows { values: &values, ..problem.data };
        let units = Problem { shape: Shape { batch: count, ..shape }, rhs: &rhs, iv: &iv, data, ..*problem };
        let solution = factor.solve(&units)?;
        let keep = |u: &[f64]| -> Vec<f64> {
            u.chunks_exact(shape.orders).flat_map(|x| orders.iter().map(|&k| x[k])).collect()
        };
        let offset = keep(&solution.u[(count - 1) * shape.unknowns()..]);
        let linear = |range: std::ops::Range<usize>| -> Vec<f64> {
            let rows = &solution.u[range.start * shape.unknowns()..range.end * shape.unknowns()];
            rows.chunks_exact(shape.unknowns())
                .flat_map(|row| keep(row).into_iter().zip(&offset).map(|(x, o)| x - o).collect::<Vec<_>>())
                .collect()
        };
        let (of_rhs, of_iv) = (linear(0..e), linear(e..e + i));
        Ok(DenseOperator { shape, orders: orders.to_vec(), of_rhs, of_iv, offset })
    }

    /// Numbers of one output, `T * D * orders kept`.
    pub fn outputs(&self) -> usize {
        self.shape.steps * self.shape.states * self.orders.len()
    }

    /// `u` `(R, T, D, orders kept)` from `rhs` `(R, E, T)` and `iv` `(R, Ti, D, Ki)`.
    ///
    /// # Errors
    /// Lengths that do not fit; a result that is not finite is the caller's to find.
    pub fn apply(&self, rhs: &[f64], iv: &[f64], u: &mut [f64]) -> Result<(), SolveError> {
        let (e, i, o) = self.check(rhs.len(), iv.len(), u.len())?;
        u.par_chunks_mut(PIECE * o.max(1)).enumerate().for_each(|(piece, u)| {
            for row in u.chunks_exact_mut(o) {
                row.copy_from_slice(&self.offset);
            }
            let rows = u.len() / o;
            product(rows, o, e, &rhs[piece * PIECE * e..], (e, 1), &self.of_rhs, (o, 1), u);
            product(rows, o, i, &iv[piece * PIECE * i..], (i, 1), &self.of_iv, (o, 1), u);
        });
        Ok(())
    }

    /// The transpose: gradients of `rhs` and `iv` from the gradient `u_adj` `(R, T, D, orders kept)`. Both are overwritten.
    ///
    /// # Errors
    /// Lengths that do not fit.
    pub fn apply_transposed(&self, u_adj: &[f64], rhs_adj: &mut [f64], iv_adj: &mut [f64]) -> Result<(), SolveError> {
        let (e, i, o) = self.check(rhs_adj.len(), iv_adj.len(), u_adj.len())?;
        for (matrix, width, to) in [(&self.of_rhs, e, rhs_adj), (&self.of_iv, i, iv_adj)] {
            to.par_chunks_mut(PIECE * width.max(1)).enumerate().for_each(|(piece, to)| {
                to.fill(0.0);
                let rows = to.len() / width;
                product(rows, width, o, &u_adj[piece * PIECE * o..], (o, 1), matrix, (1, o), to);
            });
        }
        Ok(())
    }

    fn check(&self, rhs: usize, iv: usize, u: usize) -> Result<(usize, usize, usize), SolveError> {
        let (e, i, o) = (self.shape.right_hand_sides(), self.shape.initial_values(), self.outputs());
        let batch = u.checked_div(o).unwrap_or(0);
        check_length("u", batch * o, u)?;
        check_length("rhs", batch * e, rhs)?;
        check_length("iv", batch * i, iv)?;
        Ok((e, i, o))
    }
}

/// `to += left right`: `left` `(rows, inner)`, `right` `(inner, columns)`, both with `(row, column)` strides; `to` row-major.
#[allow(clippy::too_many_arguments)]
fn product(
    rows: usize,
    columns: usize,
    inner: usize,
    left: &[f64],
    left_strides: (usize, usize),
    right: &[f64],
    right_strides: (usize, usize),
    to: &mut [f64],
) {
    if rows == 0 || columns == 0 || inner == 0 {
        return;
    }
    let last = |(r, c): (usize, usize), rows: usize, columns: usize| (rows - 1) * r + (columns - 1) * c;
    assert!(last(left_strides, rows, inner) < left.len(), "left operand too short");
    assert!(last(right_strides, inner, columns) < right.len(), "right operand too short");
    assert!(rows * columns <= to.len(), "result too short");
    // SAFETY: the assertions above keep every index that the strides reach inside the three slices, and `to` is borrowed mutably, so
    // it overlaps neither operand.
    unsafe {
        gemm(
            rows,
            columns,
            inner,
            to.as_mut_ptr(),
            1,
            columns as isize,
            true,
            left.as_ptr(),
            left_strides.1 as isize,
            left_strides.0 as isize,
            right.as_ptr(),
            right_strides.1 as isize,
            right_strides.0 as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
