//! Gradients of a solve, in residual form.
//!
//! With the normal matrix `N = A^T A` and `z = N^-1 g` for an upstream gradient `g`, the gradient of a row's right-hand side is
//! `w^2 (a z)`, of its coefficients `w^2 (r z - (a z) u)` with `r = b - a u`, and of its weight `2 w r (a z)`: one substitution
//! with the stored factor and one pass over the rows.

use super::arithmetic::{Arithmetic, Mixed, Plain};
use super::differentiated::{Gradients, Upstream, Wanted};
use super::error::{SolveError, check_length, check_optional_length};
use super::factor::{Factor, Scratch as FactorScratch};
use super::gradients::{Outputs, RowGradients, Rows};
use super::kept_residuals::KeptResiduals;
use super::kept_sums::Kept;
use super::lane_group::{SolveGroup, Task, Unknowns};
use super::pieces::{Given, Piece, Sums, in_pieces};
use super::pool::Lease;
use super::problem::{Problem, Shape};
use super::row_order::RowOrder;
use super::scheme::Precision;
use super::segments::Cut;
use super::shared::{Shared, SharedVectors};
use super::solution::{Solution, find_non_finite, in_double, offset_sample, unsettled};
use super::storage::Storage;
use super::stretches;
use super::substitute::{Common, Own, Stored};
use super::windows::{Window, accumulate, gather, scatter, spread_factor};
use crate::solve::lanes::{Destination, Pack, Pack8, Pack16};

impl Factor {
    /// Gradients of a scalar `l` given `upstream = dl/du` `(B, T, D, K)` and, where `l` depends on the slack,
    /// `upstream_eps = dl/d eps` `(B)`. `solution` is that of `problem`.
    ///
    /// # Errors
    /// Lengths that do not fit, a problem that does not match the factor, an adjoint solution that is not finite or, where there are two
    /// corrections or more, does not settle. Gradients may overflow all the same: [`Gradients::check`].
    pub fn adjoint(
        &self,
        problem: &Problem,
        solution: &Solution,
        upstream: &[f64],
        upstream_eps: Option<&[f64]>,
        wanted: Wanted,
    ) -> Result<Gradients, SolveError> {
        let mut gradients = Gradients::default();
        let upstream = Upstream { u: upstream, eps: upstream_eps.unwrap_or_default(), theta: &[] };
        self.adjoint_into(problem, solution, upstream, wanted, &mut gradients)?;
        Ok(gradients)
    }

    /// [`Factor::adjoint`] into memory that is kept between calls.
    ///
    /// # Errors
    /// As [`Factor::adjoint`].
    pub fn adjoint_into(
        &self,
        problem: &Problem,
        solution: &Solution,
        upstream: Upstream<'_>,
        wanted: Wanted,
        gradients: &mut Gradients,
    ) -> Result<(), SolveError> {
        self.check(problem)?;
        let shape = &problem.shape;
        let plan = &self.plan;
        check_length("upstream", shape.batch * shape.unknowns(), upstream.u.len())?;
        check_optional_length("the slack's upstream gradient", shape.batch, upstream.eps.len())?;
        check_optional_length("the border's upstream gradient", shape.batch * plan.own, upstream.theta.len())?;
        check_length("the solution's u", shape.batch * shape.unknowns(), solution.u.len())?;
        check_length("the solution's eps", shape.batch, solution.eps.len())?;
        check_length("the solution's theta", shape.batch * plan.own, solution.theta.len())?;
        let problem = &self.as_factored(problem);
        let given = Given { problem, plan, pool: &self.pool, solution, upstream, wanted };
        let done = self.adjoint_by(given, gradients);
        self.rescued(problem, done, |factor, problem| factor.adjoint_by(factor.given(problem, given), gradients))
    }

    /// The same for another problem of these sizes with the plan and memory of this factor.
    fn given<'a>(&'a self, problem: &'a Problem<'a>, other: Given<'a>) -> Given<'a> {
        Given { problem, plan: &self.plan, pool: &self.pool, ..other }
    }

    /// The gradients with the factor that there is.
    fn adjoint_by(&self, given: Given, gradients: &mut Gradients) -> Result<(), SolveError> {
        let Given { problem, plan, wanted, .. } = given;
        let (shape, len) = (&problem.shape, plan.len);
        let mixed = problem.scheme.precision == Precision::Mixed;
        match &self.storage {
            Storage::Segments(x) => {
                adjoint_batch::<Plain<f64>, _>(given, |sample| Cut { segments: x, sample }, gradients)
            }
            Storage::Wide(x)
                if !wanted.row_weights
                    && stretches::fits(problem, plan)
                    && stretches::adjoint(given, x, gradients).is_some() =>
            {
                Ok(())
            }
            Storage::Wide(x) => adjoint_batch::<Plain<Pack8>, _>(given, |g| Own(&x[g * len..]), gradients),
            Storage::Single(x) if mixed => {
                let done = adjoint_batch::<Mixed, _>(given, |g| Own(&x[g * len..]), gradients);
                if let Err(SolveError::Unsettled { .. } | SolveError::NonFiniteResult { .. }) = done {
                    let double = in_double(problem);
                    let made = self.in_double(&double)?;
                    return made.adjoint_by(made.given(&double, given), gradients);
                }
                done
            }
            Storage::Single(x) => adjoint_batch::<Plain<Pack16>, _>(given, |g| Own(&x[g * len..]), gradients),
            Storage::Narrow(x) if problem.scheme.precision == Precision::Single => {
                let x = spread_factor(x);
                adjoint_batch::<Plain<Pack16>, _>(given, |_| Own(&x), gradients)
            }
            Storage::Narrow(x) if !self.common => adjoint_batch::<Plain<f64>, _>(given, |_| Own(x), gradients),
            Storage::Narrow(_)
                if !wanted.row_weights
                    && let Some(shared) = Shared::new(self, problem) =>
            {
                let scratch = || SharedVectors::take(shape, &self.pool);
                let of_piece = |vectors: &mut Lease<'_, SharedVectors>, groups, piece: &mut Piece<Pack8>| {
                    shared_piece(given, &shared, groups, vectors, piece);
                };
                in_pieces(given, scratch, of_piece, gradients)
            }
            Storage::Narrow(factor) => {
                let common = Common { factor, propagators: &self.propagators };
                adjoint_batch::<Plain<Pack8>, _>(given, |_| common, gradients)
            }
        }
    }
}

fn adjoint_batch<A: Arithmetic, F: Stored<A::Low>>(
    given: Given,
    factor: impl Fn(usize) -> F + Sync,
    gradients: &mut Gradients,
) -> Result<(), SolveError> {
    let of_piece = |scratch: &mut Scratch<'_, A>, groups, piece: &mut Piece<A::High>| {
        adjoint_piece(given, groups, &factor, scratch, piece);
    };
    in_pieces(given, || Scratch::<A>::take(&given), of_piece, gradients)
}

struct Scratch<'a, A: Arithmetic> {
    factor: Lease<'a, FactorScratch<A>>,
    unknowns: Lease<'a, Unknowns<A>>,
    vectors: Lease<'a, Vectors<A::High>>,
}

/// The solution in lanes, `(T, D, K)` and the border, and the gradients.
struct Vectors<P> {
    wanted: Wanted,
    u: Vec<P>,
    border: Vec<P>,
    outputs: Outputs<P>,
}

impl<'a, A: Arithmetic> Scratch<'a, A> {
    fn take(given: &Given<'a>) -> Self {
        let Given { problem, plan, wanted, pool, .. } = *given;
        let new = || Vectors {
            wanted,
            u: vec![A::High::ZERO; problem.shape.unknowns()],
            border: vec![A::High::ZERO; plan.border],
            outputs: Outputs::new(problem, wanted),
        };
        Scratch {
            factor: FactorScratch::take(problem, plan, pool),
            unknowns: Unknowns::take_for_adjoints(problem, plan, pool),
            vectors: pool.take(|kept: &Vectors<A::High>| kept.wanted == wanted, new),
        }
    }
}

/// The gradients of a piece.
fn adjoint_piece<A: Arithmetic, F: Stored<A::Low>>(
    given: Given,
    groups: std::ops::Range<usize>,
    factor: &impl Fn(usize) -> F,
    scratch: &mut Scratch<'_, A>,
    piece: &mut Piece<A::High>,
) {
    let Given { problem, plan, solution, upstream, wanted, .. } = given;
    let shape = &problem.shape;
    let first = groups.start * A::Low::WIDTH;
    let Scratch { factor: made, unknowns, vectors } = scratch;
    let (staged, unknowns) = (&mut made.staged, &mut **unknowns);
    let Vectors { u, border, outputs, .. } = &mut **vectors;
    let own = usize::from(plan.slack);
    let of_residuals = wanted.c || wanted.h || wanted.weights || wanted.row_weights || wanted.data || wanted.border;
    for group in groups {
        let window = Window::of_group::<A::Low>(group, shape);
        staged.load_matrix(problem, window);
        staged.load_values(problem, window);
        gather(u, &solution.u, shape.unknowns(), window);
        if plan.slack {
            gather(&mut border[..1], &solution.eps, 1, window);
        }
        if plan.own > 0 {
            gather(&mut border[own..own + plan.own], &solution.theta, plan.own, window);
        }
        let factor = factor(group);
        // What is made of residuals alone is better made of exact ones.
        let keeps = of_residuals && !unknowns.residuals.is_empty();
        if keeps {
            unknowns.y.copy_from_slice(u);
            unknowns.border.copy_from_slice(border);
            A::Low::dispatch(KeptResiduals::<A, F> { problem, plan, staged, factor, unknowns });
            if let Some(failure) = unsettled("residuals", unknowns, window) {
                piece.failure = Some(failure);
                return;
            }
        }
        gather(&mut unknowns.y, upstream.u, shape.unknowns(), window);
        unknowns.border.fill(A::High::ZERO);
        if plan.slack && !upstream.eps.is_empty() {
            gather(&mut unknowns.border[..1], upstream.eps, 1, window);
        }
        if plan.own > 0 && !upstream.theta.is_empty() {
            gather(&mut unknowns.border[own..own + plan.own], upstream.theta, plan.own, window);
        }
        let task = Task::Adjoint;
        let finite = A::Low::dispatch(SolveGroup::<A, F> { problem, plan, staged, factor, task, unknowns });
        if !finite && let Some(failure) = non_finite(shape, &unknowns.y, window) {
            piece.failure = Some(failure);
            return;
        }
        if let Some(failure) = unsettled("adjoint solution", unknowns, window) {
            piece.failure = Some(failure);
            return;
        }
        let rows = Rows {
            problem,
            plan,
            staged,
            wanted,
            u,
            border,
            z: &unknowns.y,
            z_border: &unknowns.border,
            kept: (!unknowns.products.is_empty()).then(|| Kept {
                residuals: if keeps { &unknowns.residuals } else { &[] },
                products: &unknowns.products,
                order: RowOrder::new(problem, plan),
            }),
        };
        A::High::dispatch(RowGradients { rows, out: outputs });
        piece.write(problem, plan, wanted, outputs, window, window.first - first);
        if plan.slack {
            accumulate(&unknowns.border[..1], &mut piece.sums.push, window.count);
        }
    }
}

/// The gradients of a piece where the samples share everything but right-hand sides and initial values.
fn shared_piece(
    given: Given,
    shared: &Shared,
    groups: std::ops::Range<usize>,
    vectors: &mut SharedVectors,
    piece: &mut Piece<Pack8>,
) {
    let Given { problem, solution, upstream, wanted, .. } = given;
    let shape = &problem.shape;
    let first = groups.start * Pack8::WIDTH;
    for group in groups {
        let window = Window::of_group::<Pack8>(group, shape);
        let Sums { c, h, weights, .. } = &mut piece.sums;
        let sums = (&mut c[..], &mut h[..], &mut weights[..]);
        let at = window.first - first;
        let to_rhs = Destination::new(piece.rhs, shape.right_hand_sides(), (at, window.count), shape.steps);
        if !vectors.adjoint(shared, window, (&solution.u, upstream.u), sums, to_rhs)
            && let Some(failure) = non_finite(shape, vectors.adjoint_solution(shared, window, upstream.u), window)
        {
            piece.failure = Some(failure);
            return;
        }
        if wanted.rhs {
            scatter(&mut vectors.of_rhs, piece.rhs, shape.right_hand_sides(), at, window.count);
        }
        if wanted.iv {
            scatter(&mut vectors.of_iv, piece.iv, shape.initial_values(), at, window.count);
        }
    }
}

/// The first number of `z` that is not finite.
#[cold]
fn non_finite<P: Pack>(shape: &Shape, z: &[P], window: Window) -> Option<SolveError> {
    (0..window.count).find_map(|lane| {
        let one: Vec<f64> = z.iter().map(|pack| pack.lane(lane)).collect();
        find_non_finite("adjoint solution", shape, &one).map(|error| offset_sample(error, window.lane(lane).0))
    })
}
