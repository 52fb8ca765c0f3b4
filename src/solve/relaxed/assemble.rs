//! Rows to normal equations, in scaled unknowns, one step at a time.

use super::plan::{Group, Plan};
use super::problem::Problem;
use super::stage::Staged;
use super::vectors::bump;
use crate::solve::lanes::{Kernel, Lanes, Pack};

/// Coefficients of the central row around one step, for `v[t-1, K-2]`, `v[t, K-1]`, `v[t+1, K-2]`, and its squared weight.
#[derive(Clone, Copy)]
struct Central<V> {
    before: V,
    at: V,
    after: V,
    weight: V,
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
    let both = V::load(&staged.h[t * states + d]).add(V::load(&staged.h[(t + 1) * states + d]));
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
    let zero = V::splat(0.0);
    Some(Central {
        before: zero.sub(scale.mul(unscale(t - 1, k - 2))),
        at: zero.sub(scale.mul(both).mul(unscale(t, k - 1))),
        after: scale.mul(unscale(t + 1, k - 2)),
        weight: V::load(&staged.smooth[(t + 1) * shape.states + d]),
    })
}

/// The entries of the central row around step `t` of a single sample, as [`Central`] orders them, times the row's weight.
pub(crate) struct CentralEntries<'a> {
    pub problem: &'a Problem<'a>,
    pub staged: &'a Staged<f64>,
    pub t: usize,
    pub d: usize,
}

impl Kernel<f64> for CentralEntries<'_> {
    /// `None` where there is no such row.
    type Output = Option<[f64; 3]>;

    #[inline(always)]
    fn run<V: Lanes<Pack = f64>>(self) -> Option<[f64; 3]> {
        let Central { before, at, after, weight } = central_row::<V>(self.problem, self.staged, self.t, self.d)?;
        let mut square = 0.0;
        weight.store(&mut square);
        let mut entries = [0.0; 3];
        for (to, x) in entries.iter_mut().zip([before, at, after]) {
            x.mul(V::splat(square.sqrt())).store(to);
        }
        Some(entries)
    }
}

/// What an assembly works on.
#[derive(Clone, Copy)]
pub(crate) struct Assembly<'a, P> {
    pub problem: &'a Problem<'a>,
    pub plan: &'a Plan,
    pub group: &'a Group,
    pub staged: &'a Staged<P>,
}

impl<P: Pack> Assembly<'_, P> {
    /// Writes the rows of step `t` of the normal matrix, `(n, width)`: diagonal block (upper triangle), coupling with `t + 1`,
    /// coupling with `t + 2` (skip columns), border. `scaled` is scratch of `n`. With `t` the length of the chain it is the step in
    /// the border.
    #[inline(always)]
    pub fn normal_rows<V: Lanes<Pack = P>>(&self, t: usize, panel: &mut [P], scaled: &mut [P]) {
        let Assembly { problem, plan, group, staged } = *self;
        let shape = &problem.shape;
        let (n, width, k) = (group.n, group.width, shape.orders);
        panel.fill(P::ZERO);
        for (local, &d) in group.states.iter().enumerate() {
            self.smooth_rows::<V>(t, (local, d), panel);
            if problem.scheme.central {
                self.central_rows::<V>(t, (local, d), panel);
            }
            if t < shape.initial_steps {
                let weight = V::load(&staged.initial[t * shape.states + d]);
                for j in 0..shape.initial_orders {
                    let r = local * k + j;
                    let a = V::load(&staged.unscale[(t * shape.states + d) * k + j]);
                    bump(&mut panel[r * width + r], a.mul(a).mul(weight));
                }
            }
            for row in plan.data_rows(t) {
                let (_, state, order) = problem.data.places[row];
                if state == d {
                    let r = local * k + order;
                    let a = V::load(&staged.unscale[(t * shape.states + d) * k + order]);
                    bump(&mut panel[r * width + r], a.mul(a).mul(V::splat(staged.observed[row])));
                }
            }
            if problem.scheme.periodic {
                self.periodic_rows::<V>(t, (local, d), panel);
            }
        }
        let at = t * shape.block();
        for &e in &group.equations {
            let row = e * staged.steps() + t;
            let c = &staged.c[row * shape.block()..][..shape.block()];
            for (to, &place) in scaled.iter_mut().zip(&group.place) {
                V::load(&c[place]).mul(V::load(&staged.unscale[at + place])).store(to);
            }
            let weight = V::load(&staged.equation[row]);
            let columns = &staged.columns[row * plan.own..][..plan.own];
            let first = group.border_column() + usize::from(plan.slack);
            for r in 0..n {
                let a = V::load(&scaled[r]).mul(weight);
                for (to, b) in panel[r * width + r..r * width + n].iter_mut().zip(&scaled[r..n]) {
                    a.mul_add(V::load(b), V::load(to)).store(to);
                }
                for (to, b) in panel[r * width + first..].iter_mut().zip(columns) {
                    a.mul_add(V::load(b), V::load(to)).store(to);
                }
            }
        }
    }

    /// First column of the coupling of step `t` with the step after it, where it is stored.
    #[inline(always)]
    fn next_column(&self, t: usize) -> Option<usize> {
        if t + 1 < self.plan.chain {
            (self.group.next > 0).then_some(self.group.n)
        } else if t + 1 == self.plan.chain {
            self.group.right
        } else {
            None
        }
    }

    /// Rows between neighbouring steps of one state that touch step `t`.
    #[inline(always)]
    fn smooth_rows<V: Lanes<Pack = P>>(&self, t: usize, (local, d): (usize, usize), panel: &mut [P]) {
        let Assembly { problem, plan, group, staged } = *self;
        let (width, k, states) = (group.width, problem.shape.orders, problem.shape.states);
        let r0 = local * k;
        let slack = group.border_column();
        let after = V::load(&staged.smooth[(t + 1) * states + d]);
        let next = self.next_column(t);
        let rho = V::load(&staged.rho[(t + 1) * states + d]);
        for j in 0..k {
            let row = &mut panel[(r0 + j) * width..][..width];
            for i in j..k {
                bump(&mut row[r0 + i], after.mul(V::splat(plan.rows.at_at[j * k + i])));
            }
            if let Some(next) = next {
                let mut p = after;
                for i in 0..k {
                    bump(&mut row[next + r0 + i], p.mul(V::splat(plan.rows.at_next[j * k + i])));
                    p = p.mul(rho);
                }
            }
            if plan.slack {
                bump(&mut row[slack], after.mul(V::splat(plan.rows.at_sum[j])));
            }
        }
        let before = V::load(&staged.smooth[t * states + d]);
        let rho = V::load(&staged.rho[t * states + d]);
        let mut of_row = before;
        for j in 0..k {
            let row = &mut panel[(r0 + j) * width..][..width];
            let mut p = of_row;
            for _ in 0..j {
                p = p.mul(rho);
            }
            for i in j..k {
                bump(&mut row[r0 + i], p.mul(V::splat(plan.rows.next_next[j * k + i])));
                p = p.mul(rho);
            }
            if plan.slack {
                bump(&mut row[slack], of_row.mul(V::splat(plan.rows.next_sum[j])));
            }
            if t == 0
                && let Some(left) = group.left
            {
                for i in 0..k {
                    bump(&mut row[left + r0 + i], of_row.mul(V::splat(plan.rows.at_next[i * k + j])));
                }
            }
            of_row = of_row.mul(rho);
        }
    }

    /// Central rows of one state that touch step `t`, as their last, middle or first member.
    #[inline(always)]
    fn central_rows<V: Lanes<Pack = P>>(&self, t: usize, (local, d): (usize, usize), panel: &mut [P]) {
        let Assembly { problem, plan, group, staged } = *self;
        let (n, width, k) = (group.n, group.width, problem.shape.orders);
        let (below, top) = (local * k + k - 2, local * k + k - 1);
        let mut add = |r: usize, c: usize, x: V| bump(&mut panel[r * width + c], x);
        let slack = group.border_column();
        if t > 0
            && let Some(row) = central_row::<V>(problem, staged, t - 1, d)
        {
            let after = row.after.mul(row.weight);
            add(below, below, after.mul(row.after));
            if plan.slack {
                add(below, slack, after);
            }
        }
        if let Some(row) = central_row::<V>(problem, staged, t, d) {
            let at = row.at.mul(row.weight);
            add(top, top, at.mul(row.at));
            if let Some(next) = self.next_column(t) {
                add(top, next + below, at.mul(row.after));
            }
            if plan.slack {
                add(top, slack, at);
            }
        }
        if let Some(row) = central_row::<V>(problem, staged, t + 1, d) {
            let before = row.before.mul(row.weight);
            add(below, below, before.mul(row.before));
            if let Some(next) = self.next_column(t) {
                add(below, next + top, before.mul(row.at));
            }
            if t + 2 < plan.chain {
                add(below, 2 * n + local, before.mul(row.after));
            } else if t + 2 == plan.chain
                && let Some(right) = group.right
            {
                add(below, right + below, before.mul(row.after));
            }
            if plan.slack {
                add(below, slack, before);
            }
        }
    }

    /// Rows of the periodic boundary of one state, at the first step and at the last.
    #[inline(always)]
    fn periodic_rows<V: Lanes<Pack = P>>(&self, t: usize, (local, d): (usize, usize), panel: &mut [P]) {
        let Assembly { problem, plan, group, staged } = *self;
        if t != 0 && t != plan.chain {
            return;
        }
        let (width, k, states) = (group.width, problem.shape.orders, problem.shape.states);
        let weight = problem.scheme.weights.initial;
        let weight = V::splat(weight * weight);
        let unscale = |t: usize, j: usize| V::load(&staged.unscale[(t * states + d) * k + j]);
        for j in 0..k - 1 {
            let r = local * k + j;
            let a = unscale(t, j).mul(weight);
            bump(&mut panel[r * width + r], a.mul(unscale(t, j)));
            if t == 0
                && let Some(right) = group.right
            {
                bump(&mut panel[r * width + right + r], V::splat(0.0).sub(a.mul(unscale(plan.chain, j))));
            }
        }
    }
}

/// Adds the entries of the normal matrix between the slack and the border's own unknowns, `(M, M)` row-major.
#[inline(always)]
pub(crate) fn border_rows<V: Lanes>(problem: &Problem, plan: &Plan, staged: &Staged<V::Pack>, corner: &mut [V::Pack]) {
    let (m, states) = (plan.border, problem.shape.states);
    let mut first = 0;
    if plan.slack {
        let mut sum = V::splat(0.0);
        let count = V::splat(plan.rows.rows.len() as f64);
        for (i, w) in staged.smooth.iter().enumerate() {
            let w = V::load(w);
            sum = count.mul_add(w, sum);
            let t = i / states;
            if problem.scheme.central && t >= 2 {
                // The central row around step `t - 1` has the weight of the interval after it, which is this one.
                sum = sum.add(w);
            }
        }
        bump(&mut corner[0], sum);
        first = 1;
    }
    if plan.own == 0 {
        return;
    }
    let ridge = V::splat(problem.border.ridge * problem.border.ridge);
    for p in first..first + plan.own {
        bump(&mut corner[p * m + p], ridge);
    }
    for (row, weight) in staged.columns.chunks_exact(plan.own).zip(&staged.equation) {
        let weight = V::load(weight);
        for (p, a) in row.iter().enumerate() {
            let a = V::load(a).mul(weight);
            for (q, b) in row.iter().enumerate().skip(p) {
                bump(&mut corner[(first + p) * m + first + q], a.mul(V::load(b)));
            }
        }
    }
}
