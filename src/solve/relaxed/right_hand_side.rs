//! Right-hand sides of the normal equations, in unknowns that are not scaled.

use super::plan::Plan;
use super::problem::Problem;
use super::stage::Staged;
use crate::solve::lanes::{Lanes, Pack};

/// Right-hand side of the normal equations, `(T, D, K)`, and of the border's own unknowns; not yet scaled.
#[inline(always)]
pub(crate) fn right_hand_side<V: Lanes>(
    problem: &Problem,
    plan: &Plan,
    staged: &Staged<V::Pack>,
    y: &mut [V::Pack],
    border: &mut [V::Pack],
) {
    let shape = &problem.shape;
    let block = shape.block();
    match block {
        3 if V::UNROLLED => equations_side::<V, 3>(problem, plan, staged, y, border),
        6 if V::UNROLLED => equations_side::<V, 6>(problem, plan, staged, y, border),
        12 if V::UNROLLED => equations_side::<V, 12>(problem, plan, staged, y, border),
        _ => equations_side::<V, 0>(problem, plan, staged, y, border),
    }
    let ki = shape.initial_orders;
    for (i, weight) in staged.initial.iter().enumerate() {
        for j in 0..ki {
            let to = &mut y[i * shape.orders + j];
            V::load(weight).mul_add(V::load(&staged.iv[i * ki + j]), V::load(to)).store(to);
        }
    }
    for (i, &(t, d, k)) in problem.data.places.iter().enumerate() {
        let to = &mut y[t * block + d * shape.orders + k];
        V::splat(staged.observed[i]).mul_add(V::load(&staged.data[i]), V::load(to)).store(to);
    }
}

/// The equations' share of it. `N` is the number of unknowns of a step, or 0 for one known only at run time.
#[inline(always)]
fn equations_side<V: Lanes, const N: usize>(
    problem: &Problem,
    plan: &Plan,
    staged: &Staged<V::Pack>,
    y: &mut [V::Pack],
    border: &mut [V::Pack],
) {
    let (equations, own) = (problem.shape.equations, plan.own);
    let block = if N > 0 { N } else { problem.shape.block() };
    let steps = staged.steps();
    // Slices of their own: a vector's place is read again after everything that is written.
    let (c, columns, rhs, squares) = (&staged.c[..], &staged.columns[..], &staged.rhs[..], &staged.equation[..]);
    if equations == 0 {
        y.fill(V::Pack::ZERO);
    }
    let first = usize::from(plan.slack);
    // Step by step, so that `y` goes through the cache once.
    for (t, y) in y.chunks_exact_mut(block).enumerate().take(steps) {
        for e in 0..equations {
            let row = e * steps + t;
            let b = V::load(&rhs[row]).mul(V::load(&squares[row]));
            let c = &c[row * block..][..block];
            for j in 0..block {
                let sum = if e == 0 { V::splat(0.0) } else { V::load(&y[j]) };
                V::load(&c[j]).mul_add(b, sum).store(&mut y[j]);
            }
            for p in 0..own {
                let to = &mut border[first + p];
                V::load(&columns[row * own + p]).mul_add(b, V::load(to)).store(to);
            }
        }
    }
}
