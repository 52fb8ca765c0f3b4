//! Rows to normal equations, in scaled unknowns, one step at a time.

use super::plan::{Group, Plan};
use super::problem::Problem;
use super::stage::Staged;
use crate::solve::lanes::{Lanes, Pack};

/// Coefficients of the central row around one step, for `v[t-1, K-2]`, `v[t, K-1]`, `v[t+1, K-2]`, smoothness weight included.
#[derive(Clone, Copy)]
struct Central<V> {
    before: V,
    at: V,
    after: V,
}

/// `x^e` for a small integer exponent.
#[inline(always)]
pub(crate) fn power<V: Lanes>(x: V, e: i32) -> V {
    let mut p = V::splat(1.0);
    for _ in 0..e.unsigned_abs() {
        p = p.mul(x);
    }
    if e < 0 { V::splat(1.0).div(p) } else { p }
}

/// `H = h[t-1] + h[t]` and `H^(n-2)`, the central row's scale, for `1 <= t < T-1`.
#[inline(always)]
pub(crate) fn central_step<V: Lanes>(problem: &Problem, staged: &Staged<V::Pack>, t: usize, d: usize) -> (V, V) {
    let states = problem.shape.states;
    let both = V::load(&staged.h[(t - 1) * states + d]).add(V::load(&staged.h[t * states + d]));
    (both, power(both, problem.shape.orders as i32 - 3))
}

#[inline(always)]
fn central_row<V: Lanes>(problem: &Problem, staged: &Staged<V::Pack>, t: usize, d: usize) -> Option<Central<V>> {
    let shape = &problem.shape;
    if !problem.scheme.central || t == 0 || t + 1 >= shape.steps {
        return None;
    }
    let k = shape.orders;
    let unscale = |t: usize, order: usize| V::load(&staged.unscale[(t * shape.states + d) * k + order]);
    let (both, scale) = central_step::<V>(problem, staged, t, d);
    let scale = scale.mul(V::splat(problem.scheme.weights.smooth));
    let zero = V::splat(0.0);
    Some(Central {
        before: zero.sub(scale.mul(unscale(t - 1, k - 2))),
        at: zero.sub(scale.mul(both).mul(unscale(t, k - 1))),
        after: scale.mul(unscale(t + 1, k - 2)),
    })
}

/// Adds to one number in memory.
#[inline(always)]
fn bump<V: Lanes>(to: &mut V::Pack, x: V) {
    V::load(to).add(x).store(to);
}

/// Writes the rows of step `t` of the normal matrix, `(n, width)`: diagonal block (upper triangle), coupling with `t + 1`,
/// coupling with `t + 2` (skip columns), slack. `scaled` is scratch of `n`.
#[inline(always)]
pub(crate) fn matrix_step<V: Lanes>(
    problem: &Problem,
    plan: &Plan,
    group: &Group,
    staged: &Staged<V::Pack>,
    t: usize,
    panel: &mut [V::Pack],
    scaled: &mut [V::Pack],
) {
    let shape = &problem.shape;
    let weights = &problem.scheme.weights;
    let (n, width, k) = (group.n, group.width, shape.orders);
    panel.fill(V::Pack::ZERO);
    for (local, &d) in group.states.iter().enumerate() {
        smooth_step::<V>(problem, plan, group, staged, t, (local, d), panel);
        if problem.scheme.central {
            central_rows::<V>(problem, plan, group, staged, t, (local, d), panel);
        }
        if t < shape.initial_steps {
            for j in 0..shape.initial_orders {
                let r = local * k + j;
                let a = V::load(&staged.unscale[(t * shape.states + d) * k + j]).mul(V::splat(weights.initial));
                bump(&mut panel[r * width + r], a.mul(a));
            }
        }
    }
    let weight = V::splat(weights.equation);
    let at = t * shape.block();
    for &e in &group.equations {
        let row = &staged.c[(e * shape.steps + t) * shape.block()..][..shape.block()];
        for (to, &place) in scaled.iter_mut().zip(&group.place) {
            V::load(&row[place]).mul(V::load(&staged.unscale[at + place])).mul(weight).store(to);
        }
        for r in 0..n {
            let a = V::load(&scaled[r]);
            for (to, b) in panel[r * width + r..r * width + n].iter_mut().zip(&scaled[r..n]) {
                a.mul_add(V::load(b), V::load(to)).store(to);
            }
        }
    }
}

/// Forward and backward rows of one state that touch step `t`.
#[inline(always)]
fn smooth_step<V: Lanes>(
    problem: &Problem,
    plan: &Plan,
    group: &Group,
    staged: &Staged<V::Pack>,
    t: usize,
    (local, d): (usize, usize),
    panel: &mut [V::Pack],
) {
    let shape = &problem.shape;
    let (n, width, k) = (group.n, group.width, shape.orders);
    let square = problem.scheme.weights.smooth * problem.scheme.weights.smooth;
    let r0 = local * k;
    if t + 1 < shape.steps {
        let at = &staged.at_power[(t * shape.states + d) * k..][..k];
        let next = &staged.next_power[(t * shape.states + d) * k..][..k];
        for j in 0..k {
            let row = &mut panel[(r0 + j) * width..][..width];
            let p = V::load(&at[j]).mul(V::splat(square));
            for i in j..k {
                bump(&mut row[r0 + i], p.mul(V::load(&at[i])).mul(V::splat(plan.rows.at_at[j * k + i])));
            }
            for i in 0..k {
                bump(&mut row[n + r0 + i], p.mul(V::load(&next[i])).mul(V::splat(plan.rows.at_next[j * k + i])));
            }
            if plan.slack {
                bump(&mut row[group.slack_column()], p.mul(V::splat(plan.rows.at_sum[j])));
            }
        }
    }
    if t > 0 {
        let next = &staged.next_power[((t - 1) * shape.states + d) * k..][..k];
        for j in 0..k {
            let row = &mut panel[(r0 + j) * width..][..width];
            let p = V::load(&next[j]).mul(V::splat(square));
            for i in j..k {
                bump(&mut row[r0 + i], p.mul(V::load(&next[i])).mul(V::splat(plan.rows.next_next[j * k + i])));
            }
            if plan.slack {
                bump(&mut row[group.slack_column()], p.mul(V::splat(plan.rows.next_sum[j])));
            }
        }
    }
}

/// Central rows of one state that touch step `t`, as their last, middle or first member.
#[inline(always)]
fn central_rows<V: Lanes>(
    problem: &Problem,
    plan: &Plan,
    group: &Group,
    staged: &Staged<V::Pack>,
    t: usize,
    (local, d): (usize, usize),
    panel: &mut [V::Pack],
) {
    let (n, width, k) = (group.n, group.width, problem.shape.orders);
    let (below, top) = (local * k + k - 2, local * k + k - 1);
    let weight = V::splat(problem.scheme.weights.smooth);
    let mut add = |r: usize, c: usize, x: V| bump(&mut panel[r * width + c], x);
    if t > 0
        && let Some(row) = central_row::<V>(problem, staged, t - 1, d)
    {
        add(below, below, row.after.mul(row.after));
        if plan.slack {
            add(below, group.slack_column(), row.after.mul(weight));
        }
    }
    if let Some(row) = central_row::<V>(problem, staged, t, d) {
        add(top, top, row.at.mul(row.at));
        add(top, n + below, row.at.mul(row.after));
        if plan.slack {
            add(top, group.slack_column(), row.at.mul(weight));
        }
    }
    if let Some(row) = central_row::<V>(problem, staged, t + 1, d) {
        add(below, below, row.before.mul(row.before));
        add(below, n + top, row.before.mul(row.at));
        add(below, 2 * n + local, row.before.mul(row.after));
        if plan.slack {
            add(below, group.slack_column(), row.before.mul(weight));
        }
    }
}

/// The slack's own entry of the normal matrix: the number of smoothness rows times their weight squared.
pub(crate) fn slack_diagonal(problem: &Problem, plan: &Plan) -> f64 {
    let shape = &problem.shape;
    let central = if problem.scheme.central { shape.steps.saturating_sub(2) } else { 0 };
    let count = shape.states * (shape.intervals() * plan.rows.rows.len() + central);
    count as f64 * problem.scheme.weights.smooth * problem.scheme.weights.smooth
}

/// Right-hand side of the normal equations in scaled unknowns, `(T, D, K)`, from `rhs` `(E, T)` and `iv` `(Ti, D, Ki)`.
#[inline(always)]
pub(crate) fn right_hand_side<V: Lanes>(
    problem: &Problem,
    staged: &Staged<V::Pack>,
    rhs: &[V::Pack],
    iv: &[V::Pack],
    y: &mut [V::Pack],
) {
    let shape = &problem.shape;
    let block = shape.block();
    let weights = &problem.scheme.weights;
    let equation = V::splat(weights.equation * weights.equation);
    let initial = V::splat(weights.initial * weights.initial);
    y.fill(V::Pack::ZERO);
    for e in 0..shape.equations {
        for t in 0..shape.steps {
            let b = V::load(&rhs[e * shape.steps + t]).mul(equation);
            let row = &staged.c[(e * shape.steps + t) * block..][..block];
            for (to, a) in y[t * block..][..block].iter_mut().zip(row) {
                V::load(a).mul_add(b, V::load(to)).store(to);
            }
        }
    }
    let ki = shape.initial_orders;
    for t in 0..shape.initial_steps {
        for d in 0..shape.states {
            for j in 0..ki {
                let to = &mut y[t * block + d * shape.orders + j];
                initial.mul_add(V::load(&iv[(t * shape.states + d) * ki + j]), V::load(to)).store(to);
            }
        }
    }
    scale_by::<V>(y, &staged.unscale);
}

/// `y *= by`, number by number: from gradients in `u` to gradients in scaled unknowns, and from scaled unknowns to `u`.
#[inline(always)]
pub(crate) fn scale_by<V: Lanes>(y: &mut [V::Pack], by: &[V::Pack]) {
    for (to, s) in y.iter_mut().zip(by) {
        V::load(to).mul(V::load(s)).store(to);
    }
}

/// `total += x`, number by number.
#[inline(always)]
pub(crate) fn add_to<V: Lanes>(total: &mut [V::Pack], x: &[V::Pack]) {
    for (to, x) in total.iter_mut().zip(x) {
        V::load(to).add(V::load(x)).store(to);
    }
}
