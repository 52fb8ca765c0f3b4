//! The computations of a lane group.

use super::Shared;
use crate::solve::lanes::{Destination, Lanes, Pack8, load_all, store_all};
use crate::solve::relaxed::problem::Shape;
use crate::solve::relaxed::row_products::{
    Interval, add_coefficients, of_weights as of_kinds, remaining_sum, residual,
};
use crate::solve::relaxed::small::{are_zero, propagator_len};
use crate::solve::relaxed::small_kernel::SmallKernel;

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

pub(super) struct Solve<'a> {
    pub shared: &'a Shared<'a>,
    pub rhs: &'a [Pack8],
    pub iv: &'a [Pack8],
    pub y: &'a mut [Pack8],
    pub solution: Destination<'a>,
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
pub(super) struct AdjointSolution<'a> {
    pub shared: &'a Shared<'a>,
    pub y: &'a mut [Pack8],
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

pub(super) struct Adjoint<'a> {
    pub shared: &'a Shared<'a>,
    pub rhs: &'a [Pack8],
    pub iv: &'a [Pack8],
    pub u: &'a [Pack8],
    pub y: &'a mut [Pack8],
    pub of_rhs: &'a mut [Pack8],
    pub of_iv: &'a mut [Pack8],
    pub of_c: &'a mut [Pack8],
    pub of_h: &'a mut [Pack8],
    pub of_weights: &'a mut [Pack8],
    pub to_rhs: Destination<'a>,
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
        let of_smooth = remaining_sum(of_equation, of_initial, V::splat(0.0));
        let sums = [of_equation, of_initial, of_smooth];
        for (to, x) in of_weights.iter_mut().zip(of_kinds(&problem.scheme.weights, sums)) {
            V::load(to).add(x).store(to);
        }
        is_finite(&z_then)
    }
}
