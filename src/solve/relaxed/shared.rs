//! One state whose samples share coefficients and steps: a sweep down and a sweep up for a solution, and gradients on the way up.
//!
//! The same mathematics as everywhere, but what samples share is read as single numbers, a sixth of the memory of packs, so that a lane
//! group stays in the first-level cache; each pack is read and written once in a sweep, unscaled, and gradients of what is shared are summed
//! where they arise.

use super::factor::Factor;
use super::plan::Plan;
use super::pool::{Lease, Pool};
use super::problem::{Problem, Shape};
use super::row_products::{self, Interval, add_coefficients, residual, smooth_sum};
use super::small::{are_zero, is_small, propagator_len};
use super::small_kernel::{SmallKernel, dispatch, has_code};
use super::stage::row_weight;
use super::windows::{Window, gather, scatter};
use crate::solve::lanes::{Destination, Lanes, Pack, Pack8, load_all, store_all};

/// What the samples share.
pub(crate) struct Shared<'a> {
    problem: &'a Problem<'a>,
    plan: &'a Plan,
    propagators: &'a [f64],
    /// Squared weights of the equation rows, `(E, T)`, and of the initial rows, `(Ti)`.
    equation: Vec<f64>,
    initial: Vec<f64>,
    /// Squared weights of the rows of each interval over minus its length, `(T-1)`.
    smooth: Vec<f64>,
}

/// Whether the solves of a problem with one matrix for all samples go this way.
pub(crate) fn is_shared(problem: &Problem, plan: &Plan) -> bool {
    let orders = problem.shape.orders;
    problem.constant_matrix()
        && problem.shape.states == 1
        && problem.refinements() == 0
        && problem.data.places.is_empty()
        && plan.border == 0
        && has_code(orders)
        && plan.groups.iter().all(|group| is_small(group, orders))
}

impl<'a> Shared<'a> {
    /// What a factor and its problem share, if they go this way.
    pub fn new(factor: &'a Factor, problem: &'a Problem<'a>) -> Option<Self> {
        let (plan, shape, weights) = (&factor.plan, &problem.shape, &problem.scheme.weights);
        let propagators = &factor.unscaled[..];
        if !is_shared(problem, plan) || propagators.len() != propagator_len(shape.orders) * shape.steps {
            return None;
        }
        let square = |weight: f64, own: &[f64], i: usize| {
            let w = weight * row_weight(own, i);
            w * w
        };
        let own = &problem.row_weights;
        let of_interval = |i: usize| -square(weights.smooth, own.smooth, i) / problem.h.values[i];
        Some(Shared {
            problem,
            plan,
            propagators,
            equation: (0..shape.right_hand_sides()).map(|i| square(weights.equation, own.equation, i)).collect(),
            initial: (0..shape.initial_steps).map(|i| square(weights.initial, own.initial, i)).collect(),
            smooth: (0..shape.intervals()).map(of_interval).collect(),
        })
    }
}

/// Propagators for unknowns that are not scaled: with `u = D v` the products `D_t P_t D_t`, and `D_t Q_t` with the inverse scale of the step
/// that they are applied to.
pub(crate) fn unscale_propagators(propagators: &[f64], unscale: &[f64], orders: usize) -> Vec<f64> {
    let mut out = propagators.to_vec();
    let scales: Vec<&[f64]> = unscale.chunks_exact(orders).collect();
    for (t, matrices) in out.chunks_exact_mut(propagator_len(orders)).enumerate() {
        // The matrix of the step itself, of the one before and of the one after; those beyond the ends are zero.
        let sides = [Some(t), t.checked_sub(1), Some(t + 1).filter(|&t| t < scales.len())];
        for (which, (matrix, side)) in matrices.chunks_exact_mut(orders * orders).zip(sides).enumerate() {
            for (k, row) in matrix.chunks_exact_mut(orders).enumerate() {
                for (j, x) in row.iter_mut().enumerate() {
                    let other =
                        side.map_or(0.0, |side| if which == 0 { scales[side][j] } else { 1.0 / scales[side][j] });
                    *x *= scales[t][k] * other;
                }
            }
        }
    }
    out
}

/// The vectors of a lane group.
pub(crate) struct SharedVectors {
    /// `(E, T)` and `(Ti, Ki)`, and their gradients.
    rhs: Vec<Pack8>,
    iv: Vec<Pack8>,
    pub of_rhs: Vec<Pack8>,
    pub of_iv: Vec<Pack8>,
    /// The solution and, in an adjoint, the given one, `(T, K)`.
    y: Vec<Pack8>,
    u: Vec<Pack8>,
}

impl SharedVectors {
    /// Memory of the pool.
    pub fn take<'a>(shape: &Shape, pool: &'a Pool) -> Lease<'a, Self> {
        let zeros = |n: usize| vec![Pack8::ZERO; n];
        let new = || SharedVectors {
            rhs: zeros(shape.right_hand_sides()),
            iv: zeros(shape.initial_values()),
            of_rhs: zeros(shape.right_hand_sides()),
            of_iv: zeros(shape.initial_values()),
            y: zeros(shape.unknowns()),
            u: zeros(shape.unknowns()),
        };
        pool.take(|_| true, new)
    }

    /// Solves for a lane group into `to`, of which `at` is its first sample; says whether the solution is finite.
    pub fn solve(&mut self, shared: &Shared, window: Window, (to, at): (&mut [f64], usize)) -> bool {
        let SharedVectors { rhs, iv, y, .. } = self;
        let Problem { shape, .. } = shared.problem;
        gather(rhs, shared.problem.rhs, shape.right_hand_sides(), window);
        gather(iv, shared.problem.iv, shape.initial_values(), window);
        let solution = Destination::new(to, shape.unknowns(), (at, window.count), shape.steps);
        let finite = dispatch(shape.orders, Solve { shared, rhs, iv, y, solution });
        scatter(y, to, shape.unknowns(), at, window.count);
        finite
    }

    /// Adds the gradients of a lane group to those of coefficients `(E, T, K)` and steps `(T-1)`, of which one that is not wanted is
    /// empty, and of the three weights, and leaves its own ones here, those of right-hand sides for `to_rhs`. Says whether the adjoint solution
    /// is finite.
    pub fn adjoint(
        &mut self,
        shared: &Shared,
        window: Window,
        (u, upstream): (&[f64], &[f64]),
        (of_c, of_h, of_weights): (&mut [Pack8], &mut [Pack8], &mut [Pack8]),
        to_rhs: Destination,
    ) -> bool {
        let Shape { orders, .. } = shared.problem.shape;
        gather(&mut self.rhs, shared.problem.rhs, shared.problem.shape.right_hand_sides(), window);
        gather(&mut self.iv, shared.problem.iv, shared.problem.shape.initial_values(), window);
        gather(&mut self.u, u, shared.problem.shape.unknowns(), window);
        self.load_upstream(shared, window, upstream);
        let SharedVectors { rhs, iv, of_rhs, of_iv, y, u } = self;
        dispatch(orders, Adjoint { shared, rhs, iv, u, y, of_rhs, of_iv, of_c, of_h, of_weights, to_rhs })
    }

    fn load_upstream(&mut self, shared: &Shared, window: Window, upstream: &[f64]) {
        gather(&mut self.y, upstream, shared.problem.shape.unknowns(), window);
        // Lanes without a sample of their own add nothing to the sums: all gradients are linear in the adjoint solution.
        for lane in window.count..Pack8::WIDTH {
            self.y.iter_mut().for_each(|pack| pack.set_lane(lane, 0.0));
        }
    }

    /// The adjoint solution, of which gradients keep nothing, for an error to name what is not finite in it.
    #[cold]
    pub fn adjoint_solution(&mut self, shared: &Shared, window: Window, upstream: &[f64]) -> &[Pack8] {
        self.load_upstream(shared, window, upstream);
        dispatch(shared.problem.shape.orders, AdjointSolution { shared, y: &mut self.y });
        &self.y
    }
}

/// `m x` for a matrix of single numbers, taken from `to`; `add` says whether it is added.
#[inline(always)]
fn apply<V: Lanes, const N: usize>(to: &mut [V; N], m: &[f64], x: &[V; N], add: bool) {
    for k in 0..N {
        for j in 0..N {
            let a = V::splat(m[k * N + j]);
            to[k] = if add { a.mul_add(x[j], to[k]) } else { a.neg_mul_add(x[j], to[k]) };
        }
    }
}

/// The sweep down, in place: `s_t = P_t y_t - Q_t s_{t-1}` of every step. What will be written to `to` is asked for meanwhile.
#[inline(always)]
fn sweep_down<V: Lanes<Pack = Pack8>, const N: usize>(propagators: &[f64], y: &mut [[Pack8; N]], to: Destination) {
    let mut s = [V::splat(0.0); N];
    for (t, (m, y)) in propagators.chunks_exact(propagator_len(N)).zip(y).enumerate() {
        to.ask(t);
        let given = load_all(&*y);
        s = step_down(m, &given, &s);
        store_all(&s, y);
    }
}

#[inline(always)]
fn step_down<V: Lanes, const N: usize>(m: &[f64], given: &[V; N], before: &[V; N]) -> [V; N] {
    let mut x = [V::splat(0.0); N];
    apply(&mut x, &m[..N * N], given, true);
    apply(&mut x, &m[N * N..2 * N * N], before, false);
    x
}

/// A step of the sweep up.
#[inline(always)]
fn step_up<V: Lanes<Pack = Pack8>, const N: usize>(m: &[f64], y: &[Pack8; N], after: &[V; N]) -> [V; N] {
    let mut x = load_all(y);
    apply(&mut x, &m[2 * N * N..], after, false);
    x
}

/// Whether the unknowns of the first step are finite, and so those of all steps: a sweep up ends there, and each of its steps takes every unknown of
/// the one after it, so that one that is not finite leaves none before it finite.
#[inline(always)]
fn is_finite<V: Lanes, const N: usize>(first: &[V; N]) -> bool {
    let mut zeros = *first;
    for x in &mut zeros {
        *x = x.mul(V::splat(0.0));
    }
    are_zero(zeros)
}

struct Solve<'a> {
    shared: &'a Shared<'a>,
    rhs: &'a [Pack8],
    iv: &'a [Pack8],
    y: &'a mut [Pack8],
    solution: Destination<'a>,
}

impl SmallKernel for Solve<'_> {
    /// Whether the solution is finite.
    type Output = bool;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>, const N: usize>(self) -> bool {
        let Solve { shared: Shared { problem, propagators, equation, initial, .. }, rhs, iv, y, solution } = self;
        let Shape { equations, steps, initial_orders, .. } = problem.shape;
        let c = problem.c.values();
        let (y, _) = y.as_chunks_mut::<N>();
        let (c, _) = c.as_chunks::<N>();
        let matrices = propagators.chunks_exact(propagator_len(N));
        let zero = V::splat(0.0);
        let mut s = [zero; N];
        for (t, (m, y)) in matrices.clone().zip(&mut *y).enumerate() {
            solution.ask(t);
            let mut given = [zero; N];
            for e in 0..equations {
                let row = e * steps + t;
                let b = V::load(&rhs[row]).mul(V::splat(equation[row]));
                let c = &c[row];
                for k in 0..N {
                    given[k] = V::splat(c[k]).mul_add(b, given[k]);
                }
            }
            if let Some(&weight) = initial.get(t) {
                for j in 0..N {
                    if j < initial_orders {
                        given[j] = V::splat(weight).mul_add(V::load(&iv[t * initial_orders + j]), given[j]);
                    }
                }
            }
            s = step_down(m, &given, &s);
            store_all(&s, y);
        }
        let mut x = [zero; N];
        for (m, y) in matrices.zip(y).rev() {
            x = step_up(m, y, &x);
            store_all(&x, y);
        }
        is_finite(&x)
    }
}

/// The given vector becomes the solution.
struct AdjointSolution<'a> {
    shared: &'a Shared<'a>,
    y: &'a mut [Pack8],
}

impl SmallKernel for AdjointSolution<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>, const N: usize>(self) {
        let (y, _) = self.y.as_chunks_mut::<N>();
        sweep_down::<V, N>(self.shared.propagators, y, Destination::default());
        let mut z = [V::splat(0.0); N];
        for (m, y) in self.shared.propagators.chunks_exact(propagator_len(N)).zip(y).rev() {
            z = step_up(m, y, &z);
            store_all(&z, y);
        }
    }
}

struct Adjoint<'a> {
    shared: &'a Shared<'a>,
    rhs: &'a [Pack8],
    iv: &'a [Pack8],
    u: &'a [Pack8],
    y: &'a mut [Pack8],
    of_rhs: &'a mut [Pack8],
    of_iv: &'a mut [Pack8],
    of_c: &'a mut [Pack8],
    of_h: &'a mut [Pack8],
    of_weights: &'a mut [Pack8],
    to_rhs: Destination<'a>,
}

impl SmallKernel for Adjoint<'_> {
    /// Whether the solution is finite.
    type Output = bool;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>, const N: usize>(self) -> bool {
        let Adjoint { shared, rhs, iv, u, y, of_rhs, of_iv, of_c, of_h, of_weights, to_rhs } = self;
        let Shared { problem, plan, propagators, equation, initial, smooth } = shared;
        let Shape { equations, steps, initial_orders, .. } = problem.shape;
        let ((c, _), (u, _), (y, _)) =
            (problem.c.values().as_chunks::<N>(), u.as_chunks::<N>(), y.as_chunks_mut::<N>());
        let (of_c, _) = of_c.as_chunks_mut::<N>();
        let matrices = propagators.chunks_exact(propagator_len(N));
        let zero = V::splat(0.0);
        sweep_down::<V, N>(propagators, y, to_rhs);
        let degrees = plan.rows.degrees::<N>(N);
        let (mut z_then, mut u_then) = ([zero; N], [zero; N]);
        let (mut of_equation, mut of_initial) = (zero, zero);
        for (t, ((m, y), u)) in matrices.zip(y).zip(u).enumerate().rev() {
            let z = step_up(m, y, &z_then);
            let u: [V; N] = load_all(u);
            for e in 0..equations {
                let row = e * steps + t;
                let mut a = [zero; N];
                for (a, c) in a.iter_mut().zip(&c[row]) {
                    *a = V::splat(*c);
                }
                let (r, q) = residual(&a, V::load(&rhs[row]), &u, &z);
                let square = V::splat(equation[row]);
                of_equation = r.mul(square).mul_add(q, of_equation);
                let (r, q) = (r.mul(square), q.mul(square));
                q.store(&mut of_rhs[row]);
                if let Some(to) = of_c.get_mut(row) {
                    let mut sum: [V; N] = load_all(&*to);
                    add_coefficients((r, q), &u, &z, &mut sum);
                    store_all(&sum, to);
                }
            }
            if let Some(&weight) = initial.get(t) {
                for j in 0..N {
                    if j < initial_orders {
                        let (i, q) = (t * initial_orders + j, z[j].mul(V::splat(weight)));
                        of_initial = V::load(&iv[i]).sub(u[j]).mul_add(q, of_initial);
                        q.store(&mut of_iv[i]);
                    }
                }
            }
            if let Some(to) = of_h.get_mut(t) {
                let mut interval = Interval { ends: [u, u_then, z, z_then] };
                interval.scale(N, V::splat(problem.h.values[t]));
                V::splat(smooth[t]).mul_add(interval.slope(N, &degrees), V::load(to)).store(to);
            }
            (z_then, u_then) = (z, u);
        }
        let of_smooth = smooth_sum(of_equation, of_initial, V::splat(0.0));
        let of_kinds = row_products::of_weights(&problem.scheme.weights, [of_equation, of_initial, of_smooth]);
        for (to, x) in of_weights.iter_mut().zip(of_kinds) {
            V::load(to).add(x).store(to);
        }
        is_finite(&z_then)
    }
}
