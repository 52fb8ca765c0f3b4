//! The normal equations' residual from the rows themselves, for iterative refinement.
//!
//! Taking residuals by rows loses nothing to the squared condition number, so that a solve with the factor of the normal
//! matrix and a correction or two is nearly as accurate as an orthogonal factorisation of the rows (the corrected semi-normal
//! equations; A. Bjorck, Linear Algebra Appl. 88/89, 1987).

use super::assemble::{central_step, scale_by};
use super::plan::Plan;
use super::problem::Problem;
use super::stage::Staged;
use crate::solve::lanes::{Lanes, Pack};

/// `A^T (b - A z)` in scaled unknowns into `y` `(T, D, K)` and `at_slack`, with the residuals taken row by row.
#[inline(always)]
pub(crate) fn row_residuals<V: Lanes>(
    problem: &Problem,
    plan: &Plan,
    staged: &Staged<V::Pack>,
    (rhs, iv): (&[V::Pack], &[V::Pack]),
    (u, eps): (&[V::Pack], &V::Pack),
    y: &mut [V::Pack],
    at_slack: &mut V::Pack,
) {
    let shape = &problem.shape;
    let (block, k, weights) = (shape.block(), shape.orders, &problem.scheme.weights);
    y.fill(V::Pack::ZERO);
    let square = V::splat(weights.equation * weights.equation);
    for e in 0..shape.equations {
        for t in 0..shape.steps {
            let row = &staged.c[(e * shape.steps + t) * block..][..block];
            let mut r = V::load(&rhs[e * shape.steps + t]);
            for (a, x) in row.iter().zip(&u[t * block..]) {
                r = V::load(a).neg_mul_add(V::load(x), r);
            }
            r = r.mul(square);
            for (to, a) in y[t * block..].iter_mut().zip(row) {
                V::load(a).mul_add(r, V::load(to)).store(to);
            }
        }
    }
    let square = V::splat(weights.initial * weights.initial);
    let ki = shape.initial_orders;
    for (i, value) in iv.iter().enumerate() {
        let place = i / ki * k + i % ki;
        V::load(value).sub(V::load(&u[place])).mul_add(square, V::load(&y[place])).store(&mut y[place]);
    }
    let square = V::splat(weights.smooth * weights.smooth);
    let slack = if plan.slack { V::load(eps) } else { V::splat(0.0) };
    let mut taken = V::splat(0.0);
    for t in 0..shape.intervals() {
        for d in 0..shape.states {
            let (now, then) = (t * block + d * k, (t + 1) * block + d * k);
            let h = V::load(&staged.h[t * shape.states + d]);
            for row in &plan.rows.rows {
                let mut r = V::splat(0.0).sub(slack);
                let mut power = V::splat(1.0);
                for j in 0..k {
                    r = V::splat(row.at[j]).mul(power).neg_mul_add(V::load(&u[now + j]), r);
                    r = V::splat(row.next[j]).mul(power).neg_mul_add(V::load(&u[then + j]), r);
                    power = power.mul(h);
                }
                r = r.mul(square);
                taken = taken.add(r);
                let mut power = r;
                for j in 0..k {
                    V::splat(row.at[j]).mul_add(power, V::load(&y[now + j])).store(&mut y[now + j]);
                    V::splat(row.next[j]).mul_add(power, V::load(&y[then + j])).store(&mut y[then + j]);
                    power = power.mul(h);
                }
            }
        }
    }
    if problem.scheme.central {
        for t in 1..shape.steps.saturating_sub(1) {
            for d in 0..shape.states {
                let at = |t: usize, order: usize| t * block + d * k + order;
                let (both, scale) = central_step::<V>(problem, staged, t, d);
                let difference = V::load(&u[at(t + 1, k - 2)]).sub(V::load(&u[at(t - 1, k - 2)]));
                let inside = both.neg_mul_add(V::load(&u[at(t, k - 1)]), difference);
                let r = scale.neg_mul_add(inside, V::splat(0.0).sub(slack)).mul(square);
                taken = taken.add(r);
                let mut add = |i: usize, x: V| V::load(&y[i]).add(x).store(&mut y[i]);
                let r = r.mul(scale);
                add(at(t + 1, k - 2), r);
                add(at(t - 1, k - 2), V::splat(0.0).sub(r));
                add(at(t, k - 1), V::splat(0.0).sub(r.mul(both)));
            }
        }
    }
    scale_by::<V>(y, &staged.unscale);
    if plan.slack { taken } else { V::splat(0.0) }.store(at_slack);
}
