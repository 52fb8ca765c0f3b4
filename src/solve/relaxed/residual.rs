//! The normal equations' residual from the rows themselves, for iterative refinement.
//!
//! Taking residuals by rows loses nothing to the squared condition number, so that a solve with the factor of the normal
//! matrix and a correction or two is nearly as accurate as an orthogonal factorisation of the rows (the corrected semi-normal
//! equations; A. Bjorck, Linear Algebra Appl. 88/89, 1987).

use super::assemble::central_step;
use super::plan::Plan;
use super::problem::{Problem, Shape};
use super::row_order::RowOrder;
use super::row_sums::{KeptRows, Rounded, RowSum};
use super::small_kernel::has_code;
use super::stage::Staged;
use super::vectors::{bump, scale_by};
use crate::solve::lanes::{Lanes, Pack, load_all};

/// The rows of a lane group.
#[derive(Clone, Copy)]
pub(crate) struct RowsOf<'a, P> {
    pub problem: &'a Problem<'a>,
    pub plan: &'a Plan,
    pub staged: &'a Staged<P>,
}

impl<P: Pack> RowsOf<'_, P> {
    /// `A^T W^2 r` in scaled unknowns into `y` `(T, D, K)` and the border's own unknowns `at_border`, with the residuals `r` taken row by row: what they
    /// start from less `A x` for the solution `x` of `u`, `border` (unscaled). Where they are kept `x` is, after the first pass, the last correction and
    /// no more.
    #[inline(always)]
    pub fn residuals<V: Lanes<Pack = P>>(self, kept: &mut KeptRows<V>, x: (&[P], &[P]), to: (&mut [P], &mut [P])) {
        if self.goes_through_registers() {
            return match self.problem.shape.orders {
                3 => self.in_registers::<V, 3>(kept, x.0, to.0),
                4 => self.in_registers::<V, 4>(kept, x.0, to.0),
                // proof: `goes_through_registers` asks `has_code`, which knows the same numbers as the arms above.
                orders => unreachable!("there is no code for {orders} orders"),
            };
        }
        self.residuals_as::<V, Rounded<V>>(kept, x, to);
    }

    /// [`residuals`](Self::residuals) summed up as `S` says.
    #[inline(always)]
    pub fn residuals_as<V: Lanes<Pack = P>, S: RowSum<V>>(
        self,
        kept: &mut KeptRows<V>,
        (u, border): (&[P], &[P]),
        (y, at_border): (&mut [P], &mut [P]),
    ) {
        let RowsOf { problem, plan, staged } = self;
        let order = RowOrder::new(problem, plan);
        let shape = &problem.shape;
        let (block, k) = (shape.block(), shape.orders);
        let zero = V::splat(0.0);
        y.fill(P::ZERO);
        at_border.fill(P::ZERO);
        let first = usize::from(plan.slack);
        for (row, weight) in staged.equation.iter().enumerate() {
            let t = row % shape.steps;
            let c = &staged.c[row * block..][..block];
            let columns = &staged.columns[row * plan.own..][..plan.own];
            let mut sum = S::new(kept.begin(row, V::load(&staged.rhs[row])));
            for (a, x) in c.iter().zip(&u[t * block..]).chain(columns.iter().zip(&border[first..])) {
                sum = sum.less(V::load(a), V::load(x));
            }
            let (r, weight) = (sum.value(), V::load(weight));
            kept.end(row, r, weight);
            let r = r.mul(weight);
            for (to, a) in y[t * block..].iter_mut().zip(c).chain(at_border[first..].iter_mut().zip(columns)) {
                V::load(a).mul_add(r, V::load(to)).store(to);
            }
        }
        let ki = shape.initial_orders;
        for (i, weight) in staged.initial.iter().enumerate() {
            let weight = V::load(weight);
            for j in 0..ki {
                let (place, at) = (i * k + j, i * ki + j);
                let r = kept.begin(order.initial + at, V::load(&staged.iv[at])).sub(V::load(&u[place]));
                kept.end(order.initial + at, r, weight);
                r.mul_add(weight, V::load(&y[place])).store(&mut y[place]);
            }
        }
        for (i, &(t, d, derivative)) in problem.data.places.iter().enumerate() {
            let place = t * block + d * k + derivative;
            let weight = V::splat(staged.observed[i]);
            let r = kept.begin(order.data + i, V::load(&staged.data[i])).sub(V::load(&u[place]));
            kept.end(order.data + i, r, weight);
            r.mul_add(weight, V::load(&y[place])).store(&mut y[place]);
        }
        let slack = if plan.slack { V::load(&border[0]) } else { zero };
        let one = V::splat(1.0);
        let mut taken = zero;
        let mut at = order.between;
        for t in 0..shape.intervals() {
            for d in 0..shape.states {
                let (now, then) = (t * block + d * k, (t + 1) * block + d * k);
                let h = V::load(&staged.h[(t + 1) * shape.states + d]);
                let square = V::load(&staged.smooth[(t + 1) * shape.states + d]);
                for row in &plan.rows.rows {
                    let mut sum = S::new(kept.begin(at, zero)).less(one, slack);
                    let mut power = S::one();
                    for j in 0..k {
                        sum = sum.less_power(V::splat(row.at[j]), power, V::load(&u[now + j]));
                        sum = sum.less_power(V::splat(row.next[j]), power, V::load(&u[then + j]));
                        power = S::next(power, h);
                    }
                    let r = sum.value();
                    kept.end(at, r, square);
                    at += 1;
                    let r = r.mul(square);
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
                    let place = |t: usize, order: usize| t * block + d * k + order;
                    let (after, before, top) = (place(t + 1, k - 2), place(t - 1, k - 2), place(t, k - 1));
                    let at = order.around + (t - 1) * shape.states + d;
                    let square = V::load(&staged.smooth[(t + 1) * shape.states + d]);
                    let [last, next] = [t, t + 1].map(|t| V::load(&staged.h[t * shape.states + d]));
                    let (both, scale) = central_step::<V>(problem, staged, t, d);
                    let inside = S::new(V::load(&u[after])).less(one, V::load(&u[before]));
                    let inside = inside.less_sum(last, next, V::load(&u[top]));
                    let r = S::new(kept.begin(at, zero)).less(one, slack).less_of(scale, inside).value();
                    kept.end(at, r, square);
                    let r = r.mul(square);
                    taken = taken.add(r);
                    let r = r.mul(scale);
                    bump(&mut y[after], r);
                    bump(&mut y[before], zero.sub(r));
                    bump(&mut y[top], zero.sub(r.mul(both)));
                }
            }
        }
        if problem.scheme.periodic {
            let weight = V::splat(problem.scheme.weights.initial * problem.scheme.weights.initial);
            let last = (shape.steps - 1) * block;
            for (at, i) in (0..block).filter(|i| i % k + 1 < k).enumerate() {
                let sum = S::new(kept.begin(order.closed + at, zero)).less(one, V::load(&u[i]));
                let r = sum.less(V::splat(-1.0), V::load(&u[last + i])).value();
                kept.end(order.closed + at, r, weight);
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
        for (p, (to, x)) in at_border[first..].iter_mut().zip(&border[first..]).take(plan.own).enumerate() {
            let r = kept.begin(order.ridge + p, zero).sub(V::load(x));
            kept.end(order.ridge + p, r, ridge);
            ridge.mul_add(r, V::load(to)).store(to);
        }
    }

    /// Whether the rows of a step are held in registers: those of one state whose orders [`has_code`], and nothing else.
    fn goes_through_registers(self) -> bool {
        let RowsOf { problem, plan, .. } = self;
        problem.shape.states == 1
            && has_code(problem.shape.orders)
            && !(problem.scheme.central || problem.scheme.periodic)
            && plan.border == 0
            && problem.data.places.is_empty()
    }

    /// [`residuals`](Self::residuals) of one state with `N` orders, a step at a time.
    #[inline(always)]
    fn in_registers<V: Lanes<Pack = P>, const N: usize>(self, kept: &mut KeptRows<V>, u: &[P], y: &mut [P]) {
        let RowsOf { problem, plan, staged } = self;
        let order = RowOrder::new(problem, plan);
        let Shape { equations, steps, initial_steps, initial_orders, .. } = problem.shape;
        // Slices of their own: a vector's place is read again after everything that is written.
        let (c, rhs, squares) = (&staged.c[..], &staged.rhs[..], &staged.equation[..]);
        let (h, smooth, unscale) = (&staged.h[..], &staged.smooth[..], &staged.unscale[..]);
        let zero = V::splat(0.0);
        let (mut now, mut from_before): ([V; N], [V; N]) = (load_all(&u[..N]), [zero; N]);
        let mut between = order.between;
        for t in 0..steps {
            let mut sum = from_before;
            for e in 0..equations {
                let row = e * steps + t;
                let c: [V; N] = load_all(&c[row * N..][..N]);
                let mut r = kept.begin(row, V::load(&rhs[row]));
                for k in 0..N {
                    r = c[k].neg_mul_add(now[k], r);
                }
                let weight = V::load(&squares[row]);
                kept.end(row, r, weight);
                r = r.mul(weight);
                for k in 0..N {
                    sum[k] = c[k].mul_add(r, sum[k]);
                }
            }
            if t < initial_steps {
                let weight = V::load(&staged.initial[t]);
                for k in 0..N {
                    if k < initial_orders {
                        let at = t * initial_orders + k;
                        let r = kept.begin(order.initial + at, V::load(&staged.iv[at])).sub(now[k]);
                        kept.end(order.initial + at, r, weight);
                        sum[k] = r.mul_add(weight, sum[k]);
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
                    let mut r = kept.begin(between, zero);
                    for k in 0..N {
                        r = V::splat(at[k]).neg_mul_add(a[k], r);
                        r = V::splat(next[k]).neg_mul_add(b[k], r);
                    }
                    kept.end(between, r, square);
                    between += 1;
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
}
