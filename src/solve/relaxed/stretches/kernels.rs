//! The computations of a stretch.

use super::{After, Sweep};
use crate::solve::lanes::{Destination, Kernel, Lanes, Pack8, load_all, store_all};
use crate::solve::relaxed::assemble::Assembly;
use crate::solve::relaxed::plan::Plan;
use crate::solve::relaxed::problem::{Problem, Shape};
use crate::solve::relaxed::row_products::{Interval, add_coefficients, of_weights, remaining_sum, residual};
use crate::solve::relaxed::small::{are_zero, backward_small, backward_step, eliminate_small, forward_small, scale};
use crate::solve::relaxed::small_kernel::SmallKernel;
use crate::solve::relaxed::stage::Staged;
use crate::solve::relaxed::substitute::{Chain, Own};

/// The chain of a stretch.
fn chain_of<'a, P>(plan: &'a Plan, orders: usize, staged: &'a Staged<P>) -> Chain<'a, P> {
    Chain { plan, states: 1, orders, smooth: &staged.smooth, rho: &staged.rho }
}

/// Elimination and the first substitution of a stretch.
pub(super) struct Eliminate<'a> {
    pub problem: &'a Problem<'a>,
    pub plan: &'a Plan,
    pub staged: &'a Staged<Pack8>,
    pub first: usize,
    pub out: &'a mut [Pack8],
    pub y: &'a mut [Pack8],
}

impl SmallKernel for Eliminate<'_> {
    /// Whether all pivots are beyond doubt.
    type Output = bool;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>, const N: usize>(mut self) -> bool {
        self.part::<V::First, N>() && (!V::IN_PARTS || self.part::<V::Second, N>())
    }
}

impl Eliminate<'_> {
    #[inline(always)]
    fn part<V: Lanes<Pack = Pack8>, const N: usize>(&mut self) -> bool {
        let Eliminate { problem, plan, staged, first, out, y } = self;
        let assembly = Assembly { problem, plan, group: &plan.groups[0], staged };
        matches!(eliminate_small::<V, N>(&assembly, *first, out, y), Ok(false))
    }
}

/// The second substitution of a stretch.
pub(super) struct Solve<'a> {
    pub plan: &'a Plan,
    pub staged: &'a Staged<Pack8>,
    pub first: usize,
    pub factor: &'a [Pack8],
    pub y: &'a mut [Pack8],
    pub after: &'a mut After,
    pub solution: Destination<'a>,
}

impl SmallKernel for Solve<'_> {
    /// Whether the solution is finite.
    type Output = bool;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>, const N: usize>(self) -> bool {
        let Solve { plan, staged, first, factor, y, after, solution } = self;
        let span = (first, staged.steps());
        let mut next: [V; N] = load_all(&after.scaled);
        let chain = chain_of(plan, N, staged);
        let factor = Own(factor);
        let finite = backward_small(chain, &plan.groups[0], factor, span, (y, &mut next), (&staged.unscale, solution));
        store_all(&next, &mut after.scaled);
        finite
    }
}

/// The first substitution of a stretch of an adjoint.
pub(super) struct Forward<'a> {
    pub plan: &'a Plan,
    pub staged: &'a Staged<Pack8>,
    pub first: usize,
    pub factor: &'a [Pack8],
    pub y: &'a mut [Pack8],
}

impl SmallKernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>, const N: usize>(self) {
        let Forward { plan, staged, first, factor, y } = self;
        let span = (first, staged.steps());
        let chain = chain_of(plan, N, staged);
        forward_small::<V, _, N>(chain, &plan.groups[0], Own(factor), span, y, &staged.unscale);
    }
}

/// The second substitution of a stretch of an adjoint, and its gradients.
pub(super) struct Backward<'a> {
    pub problem: &'a Problem<'a>,
    pub plan: &'a Plan,
    pub first: usize,
    pub factor: &'a [Pack8],
    pub sweep: &'a mut Sweep,
    /// Where the gradients of coefficients, right-hand sides and steps will go.
    pub to: [Destination<'a>; 3],
}

impl SmallKernel for Backward<'_> {
    /// Whether the solution is finite.
    type Output = bool;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>, const N: usize>(self) -> bool {
        let Backward { problem, plan, first, factor, sweep, to } = self;
        let Sweep { staged, y, after, u, of_c, of_rhs, of_iv, of_h, products } = sweep;
        // Slices of their own: a vector's place is read again after everything that is written.
        let (c, rhs, squares, smooth) = (&staged.c[..], &staged.rhs[..], &staged.equation[..], &staged.smooth[..]);
        let iv = &staged.iv[..];
        let (h, unscale, u, y) = (&staged.h[..], &staged.unscale[..], &u[..], &y[..]);
        let (of_c, of_rhs, of_h) = (&mut of_c[..], &mut of_rhs[..], &mut of_h[..]);
        let Shape { equations, initial_steps, initial_orders, .. } = problem.shape;
        let (steps, group, chain) = (staged.steps(), &plan.groups[0], chain_of(plan, N, staged));
        let degrees = plan.rows.degrees::<N>(N);
        let zero = V::splat(0.0);
        let mut next: [V; N] = load_all(&after.scaled);
        let (mut u_then, mut z_then): ([V; N], [V; N]) = (load_all(&after.u), load_all(&after.z));
        let mut sums = [zero; N];
        let [mut of_equation, mut of_initial]: [V; 2] = load_all(products);
        for t in (0..steps).rev() {
            to.iter().for_each(|to| to.ask(t));
            next = backward_step(&chain, group, Own(factor), (first, t), &y[(first + t) * N..][..N], &next);
            let mut z = next;
            scale(&mut z, unscale, t * N);
            let u: [V; N] = load_all(&u[t * N..][..N]);
            for k in 0..N {
                sums[k] = z[k].mul_add(zero, sums[k]);
            }
            for e in 0..equations {
                let row = e * steps + t;
                let c: [V; N] = load_all(&c[row * N..][..N]);
                let (r, q) = residual(&c, V::load(&rhs[row]), &u, &z);
                let square = V::load(&squares[row]);
                of_equation = r.mul(square).mul_add(q, of_equation);
                let (r, q) = (r.mul(square), q.mul(square));
                q.store(&mut of_rhs[row]);
                let mut of_row = [zero; N];
                add_coefficients((r, q), &u, &z, &mut of_row);
                store_all(&of_row, &mut of_c[row * N..][..N]);
            }
            if first + t < initial_steps {
                let weight = V::load(&staged.initial[t]);
                for k in 0..N {
                    if k < initial_orders {
                        let (i, q) = (t * initial_orders + k, z[k].mul(weight));
                        of_initial = V::load(&iv[i]).sub(u[k]).mul_add(q, of_initial);
                        q.store(&mut of_iv[i]);
                    }
                }
            }
            // After the last step there is no interval; its place is not read.
            let mut interval = Interval { ends: [u, u_then, z, z_then] };
            interval.scale(N, V::load(&h[t + 1]));
            let slope = interval.slope(N, &degrees);
            // `1 / h` is the scale of the first derivative.
            let inverse = V::load(&unscale[t * N + 1]);
            zero.sub(slope.mul(V::load(&smooth[t + 1]))).mul(inverse).store(&mut of_h[t]);
            (u_then, z_then) = (u, z);
        }
        store_all(&next, &mut after.scaled);
        store_all(&u_then, &mut after.u);
        store_all(&z_then, &mut after.z);
        store_all(&[of_equation, of_initial], products);
        are_zero(sums)
    }
}

/// Gradients of the three weights of a lane group.
pub(super) struct WeightGradients<'a> {
    pub problem: &'a Problem<'a>,
    pub products: &'a [Pack8; 2],
    pub out: &'a mut [Pack8; 3],
}

impl Kernel<Pack8> for WeightGradients<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) {
        let [equation, initial]: [V; 2] = load_all(self.products);
        let smooth = remaining_sum(equation, initial, V::splat(0.0));
        store_all(&of_weights(&self.problem.scheme.weights, [equation, initial, smooth]), self.out);
    }
}
