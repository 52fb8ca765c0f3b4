//! One state whose samples share coefficients and steps: a sweep down and a sweep up for a solution, and gradients on the way up.
//!
//! The same mathematics as everywhere, but what samples share is read as single numbers, a sixth of the memory of packs, so that a lane
//! group stays in the first-level cache; each pack is read and written once in a sweep, unscaled, and gradients of what is shared are summed
//! where they arise.

use super::factor::Factor;
use super::plan::Plan;
use super::pool::{Lease, Pool};
use super::problem::{Problem, Shape};
use super::small::{is_small, propagator_len};
use super::small_kernel::{dispatch, has_code};
use super::stage::row_weight;
use super::windows::{Window, gather, scatter};
use crate::solve::lanes::{Destination, Pack, Pack8};
use kernels::{Adjoint, AdjointSolution, Solve};

mod kernels;

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
