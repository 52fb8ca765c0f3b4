//! What gradients need of single rows, from the solution `u` and the adjoint solution `z`: the formulas of all sweeps.

use super::rows::SmoothRows;
use super::scheme::Weights;
use crate::solve::lanes::Lanes;

/// Residual `b - a u` of a row, and `a z`.
#[inline(always)]
pub(crate) fn residual<V: Lanes, const N: usize>(a: &[V; N], b: V, u: &[V; N], z: &[V; N]) -> (V, V) {
    let (mut r, mut q) = (b, V::splat(0.0));
    for k in 0..N {
        r = a[k].neg_mul_add(u[k], r);
        q = a[k].mul_add(z[k], q);
    }
    (r, q)
}

/// Adds the gradient `r z - q u` of a row's coefficients, with residual and `a z` times the squared weight, to `to`.
#[inline(always)]
pub(crate) fn add_coefficients<V: Lanes, const N: usize>((r, q): (V, V), u: &[V; N], z: &[V; N], to: &mut [V; N]) {
    for k in 0..N {
        to[k] = q.neg_mul_add(u[k], r.mul_add(z[k], to[k]));
    }
}

/// Solutions `u_now`, `u_then` and adjoint solutions `z_now`, `z_then` at both ends of an interval, `K <= N` orders each.
#[derive(Clone, Copy)]
pub(crate) struct Interval<V, const N: usize> {
    pub ends: [[V; N]; 4],
}

impl<V: Lanes, const N: usize> Interval<V, N> {
    /// Multiplies the order `j` by `h^j`, as the rows of an interval of length `h` do.
    #[inline(always)]
    pub fn scale(&mut self, orders: usize, h: V) {
        let mut p = h;
        for j in 1..orders {
            for end in &mut self.ends {
                end[j] = p.mul(end[j]);
            }
            p = p.mul(h);
        }
    }

    /// `h d/dh` of the sum of `(a u)(a z)` over the rows `a`, of scaled ends: with `U_j = h^j u_j` and `Z` alike the sum is `U G Z` with the
    /// constant matrix `G` of [`SmoothRows`], and the derivative multiplies the entry of orders `i`, `j` by `i + j`, which makes it
    /// one of [`SmoothRows::degrees`].
    #[inline(always)]
    pub fn slope(&self, orders: usize, degrees: &[[[f64; 4]; N]; N]) -> V {
        let [u_now, u_then, z_now, z_then] = &self.ends;
        let mut slope = V::splat(0.0);
        for i in 0..orders {
            let (mut at, mut next) = (V::splat(0.0), V::splat(0.0));
            for j in 0..orders {
                // Values without derivatives do not depend on the step.
                if i + j > 0 {
                    let [aa, an, na, nn] = degrees[i][j];
                    at = V::splat(aa).mul_add(z_now[j], V::splat(an).mul_add(z_then[j], at));
                    next = V::splat(na).mul_add(z_now[j], V::splat(nn).mul_add(z_then[j], next));
                }
            }
            slope = at.mul_add(u_now[i], next.mul_add(u_then[i], slope));
        }
        slope
    }

    /// [`Interval::slope`] with that of a slack, from the residuals `-a u - eps` and, negative, the products `a z + z_eps` of all rows.
    #[inline(always)]
    pub fn slope_of_rows(
        &self,
        orders: usize,
        rows: &SmoothRows,
        (residuals, products): (&[V::Pack], &[V::Pack]),
    ) -> V {
        let [u_now, u_then, z_now, z_then] = &self.ends;
        let mut slope = V::splat(0.0);
        for (row, (r, q)) in rows.rows.iter().zip(residuals.iter().zip(products)) {
            let (mut of_u, mut of_z) = (V::splat(0.0), V::splat(0.0));
            for j in 1..orders {
                let (at, next) = (V::splat(j as f64 * row.at[j]), V::splat(j as f64 * row.next[j]));
                of_u = at.mul_add(u_now[j], next.mul_add(u_then[j], of_u));
                of_z = at.mul_add(z_now[j], next.mul_add(z_then[j], of_z));
            }
            slope = V::load(r).neg_mul_add(of_z, V::load(q).neg_mul_add(of_u, slope));
        }
        slope
    }

    /// What a slack `eps` in every row, and its adjoint solution, add to [`Interval::slope`].
    #[inline(always)]
    pub fn slope_of_slack(&self, orders: usize, rows: &SmoothRows, [eps, z_eps]: [V; 2]) -> V {
        let [u_now, u_then, z_now, z_then] = &self.ends;
        let mut slope = V::splat(0.0);
        for j in 1..orders {
            let (a, b) = (V::splat(j as f64 * rows.at_sum[j]), V::splat(j as f64 * rows.next_sum[j]));
            slope = eps.mul_add(a.mul_add(z_now[j], b.mul(z_then[j])), slope);
            slope = z_eps.mul_add(a.mul_add(u_now[j], b.mul(u_then[j])), slope);
        }
        slope
    }

    /// The sum of `(a u + eps)(a z + z_eps)` over the rows, of scaled ends.
    #[inline(always)]
    pub fn product(&self, orders: usize, rows: &SmoothRows, [eps, z_eps]: [V; 2]) -> V {
        let [u_now, u_then, z_now, z_then] = &self.ends;
        let mut product = V::splat(0.0);
        for row in &rows.rows {
            let (mut a, mut q) = (eps, z_eps);
            for j in 0..orders {
                let (at, next) = (V::splat(row.at[j]), V::splat(row.next[j]));
                a = at.mul_add(u_now[j], next.mul_add(u_then[j], a));
                q = at.mul_add(z_now[j], next.mul_add(z_then[j], q));
            }
            product = a.mul_add(q, product);
        }
        product
    }
}

/// What `w^2 r (a z)` of a row is multiplied by for the gradient `2 w r (a z)` of its weight.
pub(crate) fn per_weight(weight: f64) -> f64 {
    if weight == 0.0 { 0.0 } else { 2.0 / weight }
}

/// Gradients of the equation, initial and smooth weights from the sums of `w^2 r (a z)` over their rows.
#[inline(always)]
pub(crate) fn of_weights<V: Lanes>(weights: &Weights, [equation, initial, smooth]: [V; 3]) -> [V; 3] {
    [
        equation.mul(V::splat(per_weight(weights.equation))),
        initial.mul(V::splat(per_weight(weights.initial))),
        smooth.mul(V::splat(per_weight(weights.smooth))),
    ]
}

/// The sum over the rows of one kind from those over two other kinds and over all that is left: data rows, a ridge, and what pushes the slack,
/// `gamma alpha z_eps`. The normal equations `A^T W^2 (b - A u) = -gamma alpha e_eps`, multiplied by `z`, say what the sum over all rows is. So the
/// residuals of smooth rows, which are most and differences of nearly equal numbers, are not needed.
#[inline(always)]
pub(crate) fn remaining_sum<V: Lanes>(first: V, second: V, others: V) -> V {
    V::splat(0.0).sub(first.add(second)).sub(others)
}
