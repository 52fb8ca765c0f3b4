//! Gradients row by row, from the solution `u` and the adjoint solution `z` of a lane group.

use super::assemble::{central_step, power};
use super::differentiated::Wanted;
use super::kept_sums::Kept;
use super::plan::Plan;
use super::problem::{MAX_ORDERS, Problem};
use super::row_products::{Interval, of_weights, per_weight, remaining_sum};
use super::stage::{Staged, row_weight};
use super::vectors::bump;
use crate::solve::lanes::{Kernel, Lanes, Pack};

/// Gradients of a lane group in lanes; those that are not wanted may be anything.
pub(crate) struct Outputs<P> {
    pub c: Vec<P>,
    pub rhs: Vec<P>,
    pub iv: Vec<P>,
    /// `(T-1, D)`
    pub h: Vec<P>,
    pub data: Vec<P>,
    pub data_weights: Vec<P>,
    pub border: Vec<P>,
    /// Of the equation, initial and smooth weights.
    pub weights: [P; 3],
    pub row_weights: [Vec<P>; 3],
}

impl<P: Pack> Outputs<P> {
    pub fn new(problem: &Problem, wanted: Wanted) -> Self {
        let shape = &problem.shape;
        let zeros = |n: usize| vec![P::ZERO; n];
        let rows = |n: usize| zeros(if wanted.row_weights { n } else { 0 });
        Outputs {
            c: zeros(if wanted.c { shape.coefficients() } else { 0 }),
            rhs: zeros(shape.right_hand_sides()),
            iv: zeros(shape.initial_values()),
            h: zeros(shape.intervals() * shape.states),
            data: zeros(problem.data.places.len()),
            data_weights: zeros(problem.data.places.len()),
            border: zeros(if wanted.border { shape.right_hand_sides() * problem.border.width } else { 0 }),
            weights: [P::ZERO; 3],
            row_weights: [
                rows(shape.right_hand_sides()),
                rows(shape.initial_steps * shape.states),
                rows(shape.intervals() * shape.states),
            ],
        }
    }

    /// Gradients of the steps, `(T-1, D or 1)`: where all states share the step they are summed.
    pub fn steps(&mut self, problem: &Problem) -> &mut [P] {
        let states = problem.shape.states;
        if problem.h.per_state || states == 1 {
            return &mut self.h;
        }
        for t in 0..problem.shape.intervals() {
            for lane in 0..P::WIDTH {
                let sum = self.h[t * states..(t + 1) * states].iter().map(|pack| pack.lane(lane)).sum();
                self.h[t].set_lane(lane, sum);
            }
        }
        &mut self.h[..problem.shape.intervals()]
    }
}

/// What the gradients are made of.
pub(crate) struct Rows<'a, P> {
    pub problem: &'a Problem<'a>,
    pub plan: &'a Plan,
    pub staged: &'a Staged<P>,
    pub wanted: Wanted,
    /// The solution, `(T, D, K)` and the border.
    pub u: &'a [P],
    pub border: &'a [P],
    /// The adjoint solution.
    pub z: &'a [P],
    pub z_border: &'a [P],
    /// What is known of the rows beforehand.
    pub kept: Option<Kept<'a, P>>,
}

/// The gradients of a lane group.
pub(crate) struct RowGradients<'a, P> {
    pub rows: Rows<'a, P>,
    pub out: &'a mut Outputs<P>,
}

impl<P: Pack> Kernel<P> for RowGradients<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = P>>(self) {
        self.rows.run::<V>(self.out);
    }
}

impl<P: Pack> Rows<'_, P> {
    #[inline(always)]
    fn run<V: Lanes<Pack = P>>(&self, out: &mut Outputs<P>) {
        let equation = match self.problem.shape.block() {
            3 if V::UNROLLED => self.equation_rows::<V, 3>(out),
            6 if V::UNROLLED => self.equation_rows::<V, 6>(out),
            12 if V::UNROLLED => self.equation_rows::<V, 12>(out),
            _ => self.equation_rows::<V, 0>(out),
        };
        let initial = self.initial_rows::<V>(out);
        let others = self.data_rows::<V>(out).add(self.border_rows::<V>());
        let wanted = self.wanted;
        if wanted.h || wanted.row_weights {
            match self.problem.shape.orders {
                3 if V::UNROLLED => self.smooth_in_registers::<V, 3>(out),
                4 if V::UNROLLED => self.smooth_in_registers::<V, 4>(out),
                _ => self.smooth_rows::<V, 0, MAX_ORDERS>(out),
            }
            if self.problem.scheme.central {
                self.central_rows::<V>(out);
            }
        }
        let sums = match &self.kept {
            Some(kept) if wanted.weights => kept.sums_of_kinds::<V>(self.problem, self.plan, self.staged),
            _ => [equation, initial, remaining_sum(equation, initial, others)],
        };
        let of_kinds = of_weights(&self.problem.scheme.weights, sums);
        for (to, x) in out.weights.iter_mut().zip(of_kinds) {
            x.store(to);
        }
        if wanted.row_weights {
            let multipliers = &self.problem.row_weights;
            let own = [multipliers.equation, multipliers.initial, multipliers.smooth];
            for (to, own) in out.row_weights.iter_mut().zip(own) {
                for (i, to) in to.iter_mut().enumerate() {
                    let m = row_weight(own, i);
                    V::load(to).mul(V::splat(per_weight(m))).store(to);
                }
            }
        }
    }

    /// Gradients of equation coefficients, right-hand sides and border columns; gives `sum w^2 r (a z)`. `N` is the number of unknowns of
    /// a step, or 0 for one known only at run time.
    #[inline(always)]
    fn equation_rows<V: Lanes<Pack = P>, const N: usize>(&self, out: &mut Outputs<P>) -> V {
        let Rows { problem, plan, staged, wanted, u, z, kept, .. } = *self;
        let (steps, equations) = (problem.shape.steps, problem.shape.equations);
        let block = if N > 0 { N } else { problem.shape.block() };
        let first = usize::from(plan.slack);
        let theta = &self.border[first..first + plan.own];
        let z_theta = &self.z_border[first..first + plan.own];
        // Slices of their own: a vector's place is read again after everything that is written.
        let (c, columns, rhs, squares) = (&staged.c[..], &staged.columns[..], &staged.rhs[..], &staged.equation[..]);
        let Outputs { c: of_c, rhs: of_rhs, border: of_border, row_weights: [of_rows, ..], .. } = out;
        let (of_c, of_rhs, of_border, of_rows) = (&mut of_c[..], &mut of_rhs[..], &mut of_border[..], &mut of_rows[..]);
        let mut sum = V::splat(0.0);
        // Step by step, so that solutions go through the cache once.
        for (t, (u, z)) in u.chunks_exact(block).zip(z.chunks_exact(block)).enumerate() {
            for e in 0..equations {
                let row = e * steps + t;
                let c = &c[row * block..][..block];
                let (mut r, mut q) = (V::load(&rhs[row]), V::splat(0.0));
                match &kept {
                    Some(kept) => (r, q) = kept.row(row),
                    None => {
                        for j in 0..block {
                            let a = V::load(&c[j]);
                            r = a.neg_mul_add(V::load(&u[j]), r);
                            q = a.mul_add(V::load(&z[j]), q);
                        }
                        for p in 0..plan.own {
                            let a = V::load(&columns[row * plan.own + p]);
                            r = a.neg_mul_add(V::load(&theta[p]), r);
                            q = a.mul_add(V::load(&z_theta[p]), q);
                        }
                    }
                }
                let square = V::load(&squares[row]);
                let product = r.mul(q).mul(square);
                sum = sum.add(product);
                if wanted.row_weights {
                    product.store(&mut of_rows[row]);
                }
                let (r, q) = (r.mul(square), q.mul(square));
                q.store(&mut of_rhs[row]);
                if wanted.c {
                    let to = &mut of_c[row * block..][..block];
                    for j in 0..block {
                        q.neg_mul_add(V::load(&u[j]), r.mul(V::load(&z[j]))).store(&mut to[j]);
                    }
                }
                if wanted.border {
                    for p in 0..plan.own {
                        let x = q.neg_mul_add(V::load(&theta[p]), r.mul(V::load(&z_theta[p])));
                        x.store(&mut of_border[row * plan.own + p]);
                    }
                }
            }
        }
        sum
    }

    /// Gradients of initial values; gives `sum w^2 r (a z)` with that of the periodic boundary.
    #[inline(always)]
    fn initial_rows<V: Lanes<Pack = P>>(&self, out: &mut Outputs<P>) -> V {
        let Rows { problem, staged, u, z, kept, .. } = *self;
        let shape = &problem.shape;
        let ki = shape.initial_orders;
        let mut sum = V::splat(0.0);
        for (i, square) in staged.initial.iter().enumerate() {
            let square = V::load(square);
            let mut products = V::splat(0.0);
            for j in 0..ki {
                let (place, at) = (i * shape.orders + j, i * ki + j);
                let (r, q) = match &kept {
                    Some(kept) => kept.row(kept.order.initial + at),
                    None => (V::load(&staged.iv[at]).sub(V::load(&u[place])), V::load(&z[place])),
                };
                let q = q.mul(square);
                products = r.mul_add(q, products);
                q.store(&mut out.iv[at]);
            }
            sum = sum.add(products);
            if self.wanted.row_weights {
                products.store(&mut out.row_weights[1][i]);
            }
        }
        if problem.scheme.periodic {
            let weight = problem.scheme.weights.initial;
            let last = (shape.steps - 1) * shape.block();
            let rows = (0..shape.block()).filter(|i| i % shape.orders + 1 < shape.orders);
            for (at, i) in rows.enumerate() {
                let (r, q) = match &kept {
                    Some(kept) => kept.row(kept.order.closed + at),
                    None => {
                        let r = V::load(&u[last + i]).sub(V::load(&u[i]));
                        (r, V::load(&z[i]).sub(V::load(&z[last + i])))
                    }
                };
                sum = r.mul(q).mul_add(V::splat(weight * weight), sum);
            }
        }
        sum
    }

    /// `sum w^2 r (a z)` of the rows of the border's ridge, and the push of the slack times its adjoint solution.
    #[inline(always)]
    fn border_rows<V: Lanes<Pack = P>>(&self) -> V {
        let (first, push) = match self.problem.scheme.slack {
            Some(slack) => (1, V::splat(slack.gamma * slack.alpha).mul(V::load(&self.z_border[0]))),
            None => (0, V::splat(0.0)),
        };
        let ridge = V::splat(-self.problem.border.ridge * self.problem.border.ridge);
        let own = first..first + self.plan.own;
        self.border[own.clone()]
            .iter()
            .zip(&self.z_border[own])
            .fold(push, |sum, (theta, z)| V::load(theta).mul(V::load(z)).mul_add(ridge, sum))
    }

    /// Gradients of the data rows' values and weights; gives `sum w^2 r (a z)`.
    #[inline(always)]
    fn data_rows<V: Lanes<Pack = P>>(&self, out: &mut Outputs<P>) -> V {
        let Rows { problem, staged, u, z, kept, .. } = *self;
        let shape = &problem.shape;
        let mut sum = V::splat(0.0);
        for (i, &(t, d, k)) in problem.data.places.iter().enumerate() {
            let place = t * shape.block() + d * shape.orders + k;
            let (r, q) = match &kept {
                Some(kept) => kept.row(kept.order.data + i),
                None => (V::load(&staged.data[i]).sub(V::load(&u[place])), V::load(&z[place])),
            };
            sum = r.mul(q).mul_add(V::splat(staged.observed[i]), sum);
            q.mul(V::splat(staged.observed[i])).store(&mut out.data[i]);
            r.mul(q).mul(V::splat(2.0 * problem.data.weights[i])).store(&mut out.data_weights[i]);
        }
        sum
    }

    /// [`smooth_rows`](Self::smooth_rows) for a number of orders known when compiled.
    #[inline(always)]
    fn smooth_in_registers<V: Lanes<Pack = P>, const K: usize>(&self, out: &mut Outputs<P>) {
        self.smooth_rows::<V::First, K, K>(out);
        if V::IN_PARTS {
            self.smooth_rows::<V::Second, K, K>(out);
        }
    }

    /// Gradients of the steps and, where they are wanted, of the smooth rows' own weights, both `(T-1, D)`. `K` is the number of orders, or 0 for one known only at run
    /// time, and `M` at least as large.
    #[inline(always)]
    fn smooth_rows<V: Lanes<Pack = P>, const K: usize, const M: usize>(&self, out: &mut Outputs<P>) {
        let Rows { problem, plan, staged, wanted, u, z, .. } = *self;
        let shape = &problem.shape;
        let k = if K > 0 { K } else { shape.orders };
        let (block, states) = (shape.block(), shape.states);
        let zero = V::splat(0.0);
        let (eps, z_eps) = match plan.slack {
            true => (V::load(&self.border[0]), V::load(&self.z_border[0])),
            false => (zero, zero),
        };
        let rows = &plan.rows;
        // Which no interval changes.
        let degrees = rows.degrees::<M>(k);
        let mut interval = Interval { ends: [[zero; M]; 4] };
        let (steps, squares, scales) = (&staged.h[..], &staged.smooth[..], &staged.unscale[..]);
        let Outputs { h: of_h, row_weights: [.., of_rows], .. } = out;
        let (of_h, of_rows) = (&mut of_h[..], &mut of_rows[..]);
        for t in 0..shape.intervals() {
            for d in 0..states {
                let (now, then) = (t * block + d * k, (t + 1) * block + d * k);
                let ends = [&u[now..][..k], &u[then..][..k], &z[now..][..k], &z[then..][..k]];
                for (to, from) in interval.ends.iter_mut().zip(ends) {
                    for j in 0..k {
                        to[j] = V::load(&from[j]);
                    }
                }
                interval.scale(k, V::load(&steps[(t + 1) * states + d]));
                let square = V::load(&squares[(t + 1) * states + d]);
                let of_interval = self.kept.map(|kept| {
                    let at = kept.order.between + (t * states + d) * rows.rows.len();
                    (kept, at..at + rows.rows.len())
                });
                let slope = match &of_interval {
                    Some((Kept { residuals, products, .. }, at)) => {
                        interval.slope_of_rows(k, rows, (&residuals[at.clone()], &products[at.clone()]))
                    }
                    None if plan.slack => {
                        interval.slope(k, &degrees).add(interval.slope_of_slack(k, rows, [eps, z_eps]))
                    }
                    None => interval.slope(k, &degrees),
                };
                // `1 / h` is the scale of the first derivative; without one nothing depends on the step.
                let inverse = if k > 1 { V::load(&scales[now + 1]) } else { zero };
                zero.sub(slope.mul(square)).mul(inverse).store(&mut of_h[t * states + d]);
                if wanted.row_weights {
                    let product = match of_interval {
                        Some((kept, at)) => kept.sum(at, square),
                        None => zero.sub(interval.product(k, rows, [eps, z_eps]).mul(square)),
                    };
                    product.store(&mut of_rows[t * states + d]);
                }
            }
        }
    }

    /// Adds the central rows' share to the gradients of the steps and of their own weights.
    #[inline(always)]
    fn central_rows<V: Lanes<Pack = P>>(&self, out: &mut Outputs<P>) {
        let states = self.problem.shape.states;
        for t in 1..self.problem.shape.steps.saturating_sub(1) {
            for d in 0..states {
                let square = V::load(&self.staged.smooth[(t + 1) * states + d]);
                let (product, gradient) = self.central_row::<V>(t, d);
                if self.wanted.row_weights {
                    bump(&mut out.row_weights[2][t * states + d], product.mul(square));
                }
                for interval in [t - 1, t] {
                    bump(&mut out.h[interval * states + d], gradient.mul(square));
                }
            }
        }
    }

    /// Residual times `a z`, and the derivative in `H`, of the central row around step `t`.
    #[inline(always)]
    fn central_row<V: Lanes<Pack = P>>(&self, t: usize, d: usize) -> (V, V) {
        let shape = &self.problem.shape;
        let k = shape.orders;
        let at = |t: usize, order: usize| t * shape.block() + d * k + order;
        let (both, scale) = central_step::<V>(self.problem, self.staged, t, d);
        let zero = V::splat(0.0);
        let (eps, z_eps) = match self.plan.slack {
            true => (V::load(&self.border[0]), V::load(&self.z_border[0])),
            false => (zero, zero),
        };
        let (after, before, top) = (at(t + 1, k - 2), at(t - 1, k - 2), at(t, k - 1));
        let u_slope = V::load(&self.u[after]).sub(V::load(&self.u[before]));
        let z_slope = V::load(&self.z[after]).sub(V::load(&self.z[before]));
        let (u_top, z_top) = (V::load(&self.u[top]), V::load(&self.z[top]));
        let (r, q) = match &self.kept {
            Some(kept) => kept.row(kept.order.around + (t - 1) * shape.states + d),
            None => (
                scale.neg_mul_add(both.neg_mul_add(u_top, u_slope), zero.sub(eps)),
                scale.mul_add(both.neg_mul_add(z_top, z_slope), z_eps),
            ),
        };
        // d/dH of H^(n-2) slope - H^(n-1) top, n = k - 1.
        let n = k as i32 - 1;
        let of_slope = power(both, n - 3).mul(V::splat(f64::from(n - 2)));
        let of_top = scale.mul(V::splat(f64::from(n - 1)));
        let du = of_top.neg_mul_add(u_top, of_slope.mul(u_slope));
        let dz = of_top.neg_mul_add(z_top, of_slope.mul(z_slope));
        (r.mul(q), q.neg_mul_add(du, r.mul(dz)))
    }
}
