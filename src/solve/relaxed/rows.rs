//! The smoothness rows: the one place that knows their coefficients.
//!
//! A row between steps `t` and `t + 1` has the coefficient `at[j] h^j` on `u[t, d, j]` and `next[j] h^j` on `u[t+1, d, j]`. So all of
//! them, whatever the step size, are constant vectors times powers of `h`: their contributions to the normal matrix are the
//! constant blocks of [`SmoothRows`], scaled by such powers.

use super::scheme::{RowSet, Scheme};

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct SmoothRow {
    pub at: Vec<f64>,
    pub next: Vec<f64>,
}

/// All rows between two steps of one state, and the sums over them that the normal matrix and the gradients need.
#[derive(Debug, Clone)]
pub(crate) struct SmoothRows {
    pub rows: Vec<SmoothRow>,
    /// `sum at at^T`, `(K, K)`
    pub at_at: Vec<f64>,
    /// `sum next next^T`, `(K, K)`
    pub next_next: Vec<f64>,
    /// `sum at next^T`, `(K, K)`
    pub at_next: Vec<f64>,
    /// `sum at`, `(K)`
    pub at_sum: Vec<f64>,
    /// `sum next`, `(K)`
    pub next_sum: Vec<f64>,
}

impl SmoothRows {
    /// The rows for `orders` derivatives kept. With central rows the highest derivative has no rows of its own.
    pub fn new(orders: usize, scheme: &Scheme) -> Self {
        let rows = match scheme.rows {
            RowSet::Taylor => taylor(orders, if scheme.central { orders - 1 } else { orders }),
            RowSet::Hermite => hermite(orders),
        };
        let k = orders;
        let gram = |left: fn(&SmoothRow) -> &Vec<f64>, right: fn(&SmoothRow) -> &Vec<f64>| {
            let mut sum = vec![0.0; k * k];
            for row in &rows {
                for (i, a) in left(row).iter().enumerate() {
                    for (j, b) in right(row).iter().enumerate() {
                        sum[i * k + j] += a * b;
                    }
                }
            }
            sum
        };
        let total = |side: fn(&SmoothRow) -> &Vec<f64>| (0..k).map(|j| rows.iter().map(|r| side(r)[j]).sum()).collect();
        SmoothRows {
            at_at: gram(|r| &r.at, |r| &r.at),
            next_next: gram(|r| &r.next, |r| &r.next),
            at_next: gram(|r| &r.at, |r| &r.next),
            at_sum: total(|r| &r.at),
            next_sum: total(|r| &r.next),
            rows,
        }
    }

    /// The entries `at_at`, `at_next`, `next_at` and `next_next` of `k <= N` orders times the powers `i + j` of the step that they stand with.
    pub fn degrees<const N: usize>(&self, k: usize) -> [[[f64; 4]; N]; N] {
        let mut degrees = [[[0.0; 4]; N]; N];
        for (i, row) in degrees.iter_mut().enumerate().take(k) {
            for (j, to) in row.iter_mut().enumerate().take(k) {
                let (a, b) = (i * k + j, j * k + i);
                let entries = [self.at_at[a], self.at_next[a], self.at_next[b], self.next_next[a]];
                *to = entries.map(|entry| entry * (i + j) as f64);
            }
        }
        degrees
    }
}

/// Forward and backward Taylor series of the derivatives below `kinds` (arXiv 2402.13077, 2410.06074).
fn taylor(k: usize, kinds: usize) -> Vec<SmoothRow> {
    let mut rows = Vec::with_capacity(2 * kinds);
    for i in 0..kinds {
        let mut forward = SmoothRow { at: vec![0.0; k], next: vec![0.0; k] };
        let mut backward = SmoothRow { at: vec![0.0; k], next: vec![0.0; k] };
        let mut factorial = 1.0;
        for j in i..k {
            if j > i {
                factorial *= (j - i) as f64;
            }
            forward.at[j] = 1.0 / factorial;
            backward.next[j] = sign(j) / factorial;
        }
        forward.next[i] = -1.0;
        backward.at[i] = -sign(i);
        rows.push(forward);
        rows.push(backward);
    }
    rows
}

/// `u_i(1) - u_i(0) = sum_{j=1..m} b_j (u_{i+j}(0) - (-1)^j u_{i+j}(1))` in scaled derivatives with `m = K - 1 - i` and
/// `b_j = m! (2m - j)! / ((2m)! j! (m - j)!)`, the formula of degree `2 m` (N. Obreshkov, 1940; Hairer, Norsett and Wanner,
/// Solving Ordinary Differential Equations I, II.13).
fn hermite(k: usize) -> Vec<SmoothRow> {
    let mut rows = Vec::with_capacity(k);
    for i in 0..k - 1 {
        let m = k - 1 - i;
        let mut row = SmoothRow { at: vec![0.0; k], next: vec![0.0; k] };
        (row.at[i], row.next[i]) = (1.0, -1.0);
        let mut b = 1.0;
        for j in 1..=m {
            b *= (m - j + 1) as f64 / ((2 * m - j + 1) * j) as f64;
            row.at[i + j] = b;
            row.next[i + j] = -sign(j) * b;
        }
        rows.push(row);
    }
    let mut top = SmoothRow { at: vec![0.0; k], next: vec![0.0; k] };
    (top.at[k - 1], top.next[k - 1]) = (RowSet::TOP, -RowSet::TOP);
    rows.push(top);
    rows
}

/// `(-1)^j`
fn sign(j: usize) -> f64 {
    if j.is_multiple_of(2) { 1.0 } else { -1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `row` applied to the polynomial `x^degree` on the interval `[0, h]`.
    fn apply(row: &SmoothRow, degree: usize, h: f64) -> f64 {
        let derivative = |x: f64, j: usize| {
            let falling: f64 = (0..j).map(|i| degree as f64 - i as f64).product();
            if j > degree { 0.0 } else { falling * x.powi((degree - j) as i32) }
        };
        let side = |c: &[f64], x: f64| -> f64 {
            c.iter().enumerate().map(|(j, c)| c * h.powi(j as i32) * derivative(x, j)).sum()
        };
        side(&row.at, 0.3) + side(&row.next, 0.3 + h)
    }

    #[test]
    fn hermite_rows_are_exact_to_their_degree_and_no_further() {
        for k in 2..7 {
            for (i, row) in hermite(k).iter().take(k - 1).enumerate() {
                let exact = 2 * k - 2 - i;
                for degree in 0..=exact {
                    assert!(
                        apply(row, degree, 0.5).abs() < 1e-13 * 10f64.powi(i as i32),
                        "K {k}, row {i}, degree {degree}"
                    );
                }
                assert!(apply(row, exact + 1, 0.5).abs() > 1e-12, "K {k}, row {i}");
            }
        }
    }

    #[test]
    fn taylor_rows_are_exact_below_the_orders_kept() {
        for (row, degree) in taylor(4, 4).iter().flat_map(|row| (0..4).map(move |degree| (row, degree))) {
            assert!(apply(row, degree, 0.5).abs() < 1e-14);
        }
    }
}
