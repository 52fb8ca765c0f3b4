//! The normal equations' residual from the rows themselves, for iterative refinement.
//!
//! Taking residuals by rows loses nothing to the squared condition number, so that a solve with the factor of the normal
//! matrix and a correction or two is nearly as accurate as an orthogonal factorisation of the rows (the corrected semi-normal
//! equations; A. Bjorck, Linear Algebra Appl. 88/89, 1987).

use super::assemble::central_step;
use super::lane_group::Task;
use super::plan::Plan;
use super::problem::{Problem, Shape};
use super::small_kernel::has_code;
use super::stage::Staged;
use super::vectors::{bump, scale_by};
use crate::solve::lanes::{Lanes, Pack, load_all};

/// Rows of a system.
pub(crate) fn row_count(problem: &Problem, plan: &Plan) -> usize {
    let shape = &problem.shape;
    let between = shape.intervals() * shape.states * plan.rows.rows.len();
    let around = if problem.scheme.central { shape.steps.saturating_sub(2) * shape.states } else { 0 };
    let closed = if problem.scheme.periodic { shape.states * (shape.orders - 1) } else { 0 };
    let given = shape.initial_values() + problem.data.places.len();
    shape.right_hand_sides() + given + between + around + closed + plan.own
}

/// `-b` of all rows, in the order of [`row_residuals`].
#[inline(always)]
pub(crate) fn negative_right_hand_sides<V: Lanes>(staged: &Staged<V::Pack>, to: &mut [V::Pack]) {
    let zero = V::splat(0.0);
    to.fill(V::Pack::ZERO);
    for (to, b) in to.iter_mut().zip(staged.rhs.iter().chain(&staged.iv).chain(&staged.data)) {
        zero.sub(V::load(b)).store(to);
    }
}

/// The products `a z` of the rows with an adjoint solution that comes as a sum of corrections, row by row in the order of [`row_residuals`]; nothing
/// where they are not kept.
struct Products<'a, P> {
    kept: &'a mut [P],
    next: usize,
}

impl<P: Pack> Products<'_, P> {
    /// `b`, or what the products of the next row have come to, negative.
    #[inline(always)]
    fn begin<V: Lanes<Pack = P>>(&self, b: V) -> V {
        match self.kept.get(self.next) {
            Some(kept) => V::splat(0.0).sub(V::load(kept)),
            None => b,
        }
    }

    /// Keeps the residual of this row.
    #[inline(always)]
    fn end<V: Lanes<Pack = P>>(&mut self, r: V) {
        if let Some(kept) = self.kept.get_mut(self.next) {
            V::splat(0.0).sub(r).store(kept);
            self.next += 1;
        }
    }
}

/// `A^T (b - A z)` in scaled unknowns into `y` `(T, D, K)` and the border's own unknowns `at_border`, with the residuals taken row by
/// row at the solution `u`, `border` (unscaled). In the equations that define an adjoint all right-hand sides `b` are zero.
///
/// Where products `A z` are `kept`, or residuals `A u - b`, `u` is the last correction and no more. Their sum loses nothing to `z`, which may be larger by the condition
/// number: a rounding unit of it changes small products by more than their size.
#[inline(always)]
pub(crate) fn row_residuals<V: Lanes>(
    problem: &Problem,
    plan: &Plan,
    staged: &Staged<V::Pack>,
    (task, kept): (Task, &mut [V::Pack]),
    (u, border): (&[V::Pack], &[V::Pack]),
    (y, at_border): (&mut [V::Pack], &mut [V::Pack]),
) {
    let shape = &problem.shape;
    let (block, k) = (shape.block(), shape.orders);
    if kept.is_empty() && goes_through_registers(problem, plan) {
        return match k {
            3 => in_registers::<V, 3>(problem, plan, staged, task, u, y),
            4 => in_registers::<V, 4>(problem, plan, staged, task, u, y),
            // proof: `goes_through_registers` asks `has_code`, which knows the same numbers as the arms above.
            orders => unreachable!("there is no code for {orders} orders"),
        };
    }
    let mut products = Products { kept, next: 0 };
    let zero = V::splat(0.0);
    y.fill(V::Pack::ZERO);
    at_border.fill(V::Pack::ZERO);
    let first = usize::from(plan.slack);
    for (row, weight) in staged.equation.iter().enumerate() {
        let t = row % shape.steps;
        let c = &staged.c[row * block..][..block];
        let columns = &staged.columns[row * plan.own..][..plan.own];
        let mut r = products.begin(if task != Task::Adjoint { V::load(&staged.rhs[row]) } else { zero });
        for (a, x) in c.iter().zip(&u[t * block..]).chain(columns.iter().zip(&border[first..])) {
            r = V::load(a).neg_mul_add(V::load(x), r);
        }
        products.end(r);
        r = r.mul(V::load(weight));
        for (to, a) in y[t * block..].iter_mut().zip(c).chain(at_border[first..].iter_mut().zip(columns)) {
            V::load(a).mul_add(r, V::load(to)).store(to);
        }
    }
    let ki = shape.initial_orders;
    for (i, weight) in staged.initial.iter().enumerate() {
        for j in 0..ki {
            let place = i * k + j;
            let value = if task != Task::Adjoint { V::load(&staged.iv[i * ki + j]) } else { zero };
            let r = products.begin(value).sub(V::load(&u[place]));
            products.end(r);
            r.mul_add(V::load(weight), V::load(&y[place])).store(&mut y[place]);
        }
    }
    for (i, &(t, d, order)) in problem.data.places.iter().enumerate() {
        let place = t * block + d * k + order;
        let value = if task != Task::Adjoint { V::load(&staged.data[i]) } else { zero };
        let r = products.begin(value).sub(V::load(&u[place]));
        products.end(r);
        r.mul_add(V::splat(staged.observed[i]), V::load(&y[place])).store(&mut y[place]);
    }
    let slack = if plan.slack { V::load(&border[0]) } else { zero };
    let mut taken = zero;
    for t in 0..shape.intervals() {
        for d in 0..shape.states {
            let (now, then) = (t * block + d * k, (t + 1) * block + d * k);
            let h = V::load(&staged.h[(t + 1) * shape.states + d]);
            let square = V::load(&staged.smooth[(t + 1) * shape.states + d]);
            for row in &plan.rows.rows {
                let mut r = products.begin(zero).sub(slack);
                let mut power = V::splat(1.0);
                for j in 0..k {
                    r = V::splat(row.at[j]).mul(power).neg_mul_add(V::load(&u[now + j]), r);
                    r = V::splat(row.next[j]).mul(power).neg_mul_add(V::load(&u[then + j]), r);
                    power = power.mul(h);
                }
                products.end(r);
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
                let square = V::load(&staged.smooth[(t + 1) * shape.states + d]);
                let (both, scale) = central_step::<V>(problem, staged, t, d);
                let difference = V::load(&u[at(t + 1, k - 2)]).sub(V::load(&u[at(t - 1, k - 2)]));
                let inside = both.neg_mul_add(V::load(&u[at(t, k - 1)]), difference);
                let r = scale.neg_mul_add(inside, products.begin(zero).sub(slack));
                products.end(r);
                let r = r.mul(square);
                taken = taken.add(r);
                let r = r.mul(scale);
                bump(&mut y[at(t + 1, k - 2)], r);
                bump(&mut y[at(t - 1, k - 2)], zero.sub(r));
                bump(&mut y[at(t, k - 1)], zero.sub(r.mul(both)));
            }
        }
    }
    if problem.scheme.periodic {
        let weight = V::splat(problem.scheme.weights.initial * problem.scheme.weights.initial);
        let last = (shape.steps - 1) * block;
        for i in (0..block).filter(|i| i % k + 1 < k) {
            let r = products.begin(zero).add(V::load(&u[last + i]).sub(V::load(&u[i])));
            products.end(r);
            let r = r.mul(weight);
            bump(&mut y[i], r);
            bump(&mut y[last + i], zero.sub(r));
        }
    }
    scale_by::<V>(y, &staged.unscale);
    if plan.slack {
        taken.store(&mut at_border[0]);
    }
    let ridge = V::splat(problem.border.ridge * problem.border.ridge);
    for (to, x) in at_border[first..].iter_mut().zip(&border[first..]).take(plan.own) {
        let r = products.begin(zero).sub(V::load(x));
        products.end(r);
        ridge.mul_add(r, V::load(to)).store(to);
    }
}

/// Whether the rows of a step are held in registers: those of one state whose orders [`has_code`], and nothing else.
fn goes_through_registers(problem: &Problem, plan: &Plan) -> bool {
    problem.shape.states == 1
        && has_code(problem.shape.orders)
        && !(problem.scheme.central || problem.scheme.periodic)
        && plan.border == 0
        && problem.data.places.is_empty()
}

/// [`row_residuals`] of one state with `N` orders, a step at a time.
#[inline(always)]
fn in_registers<V: Lanes, const N: usize>(
    problem: &Problem,
    plan: &Plan,
    staged: &Staged<V::Pack>,
    task: Task,
    u: &[V::Pack],
    y: &mut [V::Pack],
) {
    let Shape { equations, steps, initial_steps, initial_orders, .. } = problem.shape;
    // Slices of their own: a vector's place is read again after everything that is written.
    let (c, rhs, squares) = (&staged.c[..], &staged.rhs[..], &staged.equation[..]);
    let (h, smooth, unscale) = (&staged.h[..], &staged.smooth[..], &staged.unscale[..]);
    let zero = V::splat(0.0);
    let (mut now, mut from_before): ([V; N], [V; N]) = (load_all(&u[..N]), [zero; N]);
    for t in 0..steps {
        let mut sum = from_before;
        for e in 0..equations {
            let row = e * steps + t;
            let c: [V; N] = load_all(&c[row * N..][..N]);
            let mut r = if task != Task::Adjoint { V::load(&rhs[row]) } else { zero };
            for k in 0..N {
                r = c[k].neg_mul_add(now[k], r);
            }
            r = r.mul(V::load(&squares[row]));
            for k in 0..N {
                sum[k] = c[k].mul_add(r, sum[k]);
            }
        }
        if t < initial_steps {
            let weight = V::load(&staged.initial[t]);
            for k in 0..N {
                if k < initial_orders {
                    let value = if task != Task::Adjoint { V::load(&staged.iv[t * initial_orders + k]) } else { zero };
                    sum[k] = value.sub(now[k]).mul_add(weight, sum[k]);
                }
            }
        }
        if t + 1 < steps {
            let then: [V; N] = load_all(&u[(t + 1) * N..][..N]);
            let (h, square) = (V::load(&h[t + 1]), V::load(&smooth[t + 1]));
            let (mut a, mut b) = (now, then);
            let mut power = h;
            for k in 1..N {
                a[k] = power.mul(a[k]);
                b[k] = power.mul(b[k]);
                power = power.mul(h);
            }
            let (mut of_now, mut of_then) = ([zero; N], [zero; N]);
            for row in &plan.rows.rows {
                let (at, next) = (&row.at[..N], &row.next[..N]);
                let mut r = zero;
                for k in 0..N {
                    r = V::splat(at[k]).neg_mul_add(a[k], r);
                    r = V::splat(next[k]).neg_mul_add(b[k], r);
                }
                r = r.mul(square);
                for k in 0..N {
                    of_now[k] = V::splat(at[k]).mul_add(r, of_now[k]);
                    of_then[k] = V::splat(next[k]).mul_add(r, of_then[k]);
                }
            }
            let mut power = V::splat(1.0);
            for k in 0..N {
                sum[k] = power.mul_add(of_now[k], sum[k]);
                from_before[k] = power.mul(of_then[k]);
                power = power.mul(h);
            }
            now = then;
        }
        for k in 0..N {
            sum[k].mul(V::load(&unscale[t * N + k])).store(&mut y[t * N + k]);
        }
    }
}
