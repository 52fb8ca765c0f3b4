//! Solving with a factor.

use rayon::prelude::*;

use super::arithmetic::{Arithmetic, Mixed, Plain, Room};
use super::assemble::{add_to, all_finite, bump, right_hand_side, scale_by, scale_checked};
use super::convergence::Convergence;
use super::error::SolveError;
use super::factor::{Factor, FactorGroup, Scratch as FactorScratch, Storage, single, wide};
use super::plan::Plan;
use super::pool::{Lease, Pool};
use super::problem::{Method, Precision, Problem, Shape};
use super::residual::row_residuals;
use super::segments::Cut;
use super::shared::{Shared, SharedVectors};
use super::stage::{Pieces, Staged, Window, scatter, spread_factor};
use super::substitute::{Chain, Common, Own, Stored};
use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8, Pack16};

/// The unknowns of every sample.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Solution {
    /// `(B, T, D, K)`
    pub u: Vec<f64>,
    /// The slack, `(B)`; 0 without slack.
    pub eps: Vec<f64>,
    /// The border's unknowns, `(B, P)`.
    pub theta: Vec<f64>,
}

impl Solution {
    fn resize(&mut self, problem: &Problem, plan: &Plan) {
        let batch = problem.shape.batch;
        self.u.resize(batch * problem.shape.unknowns(), 0.0);
        self.eps.resize(batch, 0.0);
        self.theta.resize(batch * plan.own, 0.0);
    }
}

impl Factor {
    /// Solves for the problem's right-hand sides and initial values. The coefficients and steps have to be the factored ones;
    /// with a constant matrix the batch may have any size.
    ///
    /// # Errors
    /// A problem that does not match the factor, or a result that is not finite.
    pub fn solve(&self, problem: &Problem) -> Result<Solution, SolveError> {
        let mut solution = Solution::default();
        self.solve_into(problem, &mut solution)?;
        Ok(solution)
    }

    /// [`Factor::refactor`] and [`Factor::solve_into`] in one pass over the batch.
    ///
    /// # Errors
    /// As theirs; after an error the factor must not be used before another success.
    pub fn refactor_and_solve_into(&mut self, problem: &Problem, solution: &mut Solution) -> Result<(), SolveError> {
        problem.check()?;
        if problem.constant_matrix() || problem.scheme.method == Method::Qr || problem.shape.batch < Pack8::WIDTH {
            self.refactor(problem)?;
            return self.solve_into(problem, solution);
        }
        self.renew(problem);
        if problem.scheme.precision == Precision::Mixed {
            // Its factor may turn out to need double precision.
            self.fill(problem)?;
            return self.solve_into(problem, solution);
        }
        solution.resize(problem, &self.plan);
        let plan = &self.plan;
        match problem.scheme.precision {
            Precision::Double => {
                let values = wide(&mut self.storage, plan.len * problem.shape.batch.div_ceil(Pack8::WIDTH));
                factor_and_solve::<Plain<Pack8>>(problem, (plan, &self.pool), values, solution)
            }
            _ => {
                let values = single(&mut self.storage, plan.len * problem.shape.batch.div_ceil(Pack16::WIDTH));
                factor_and_solve::<Plain<Pack16>>(problem, (plan, &self.pool), values, solution)
            }
        }
    }

    /// [`Factor::solve`] into memory that is kept between calls.
    ///
    /// # Errors
    /// As [`Factor::solve`].
    pub fn solve_into(&self, problem: &Problem, solution: &mut Solution) -> Result<(), SolveError> {
        self.check(problem)?;
        let (plan, len) = (&self.plan, self.plan.len);
        solution.resize(problem, plan);
        let mixed = problem.scheme.precision == Precision::Mixed;
        match &self.storage {
            Storage::Segments(x) => solve_batch::<Plain<f64>, _>(
                problem,
                (plan, &self.pool),
                |sample| Cut { segments: x, sample },
                solution,
            ),
            Storage::Wide(x) => {
                solve_batch::<Plain<Pack8>, _>(problem, (plan, &self.pool), |g| Own(&x[g * len..]), solution)
            }
            Storage::Single(x) if mixed => {
                solve_batch::<Mixed, _>(problem, (plan, &self.pool), |g| Own(&x[g * len..]), solution)
            }
            Storage::Single(x) => {
                solve_batch::<Plain<Pack16>, _>(problem, (plan, &self.pool), |g| Own(&x[g * len..]), solution)
            }
            Storage::Narrow(x) if problem.scheme.precision == Precision::Single => {
                let x = spread_factor(x);
                solve_batch::<Plain<Pack16>, _>(problem, (plan, &self.pool), |_| Own(&x), solution)
            }
            Storage::Narrow(x) if !self.common => {
                solve_batch::<Plain<f64>, _>(problem, (plan, &self.pool), |_| Own(x), solution)
            }
            Storage::Narrow(_) if let Some(shared) = Shared::new(self, problem) => {
                solve_shared(&shared, problem, (plan, &self.pool), solution)
            }
            Storage::Narrow(factor) => {
                let common = Common { factor, propagators: &self.propagators };
                solve_batch::<Plain<Pack8>, _>(problem, (plan, &self.pool), |_| common, solution)
            }
        }
    }
}

/// Takes the unknowns of a lane group out of its lanes.
fn write<A: Arithmetic>(
    problem: &Problem,
    plan: &Plan,
    unknowns: &mut Unknowns<A>,
    piece: &mut Piece,
    at: usize,
    count: usize,
) {
    let own = usize::from(plan.slack);
    scatter(&mut unknowns.y, piece.u, problem.shape.unknowns(), at, count);
    if plan.slack {
        scatter(&mut unknowns.border[..1], piece.eps, 1, at, count);
    }
    scatter(&mut unknowns.border[own..own + plan.own], piece.theta, plan.own, at, count);
}

/// The first number that is not finite.
#[cold]
pub(crate) fn find_non_finite(what: &'static str, shape: &Shape, u: &[f64]) -> Option<SolveError> {
    let at = u.iter().position(|x| !x.is_finite())?;
    let (sample, rest) = (at / shape.unknowns(), at % shape.unknowns());
    let (step, rest) = (rest / shape.block(), rest % shape.block());
    Some(SolveError::NonFiniteResult { what, sample, step, state: rest / shape.orders, order: rest % shape.orders })
}

/// The pieces of a solution.
fn split<'a, A: Arithmetic>(problem: &Problem, plan: &Plan, solution: &'a mut Solution) -> Vec<Piece<'a>> {
    let cut = Pieces::new::<A::Low>(problem.shape.batch);
    cut.split(&mut solution.u, problem.shape.unknowns())
        .into_iter()
        .zip(cut.split(&mut solution.eps, 1))
        .zip(cut.split(&mut solution.theta, plan.own))
        .map(|((u, eps), theta)| Piece { u, eps, theta })
        .collect()
}

/// Factors and solves lane group by lane group, so that each factor is used while it is in the cache.
fn factor_and_solve<A: Arithmetic>(
    problem: &Problem,
    (plan, pool): (&Plan, &Pool),
    values: &mut [A::Low],
    solution: &mut Solution,
) -> Result<(), SolveError> {
    let shape = &problem.shape;
    let cut = Pieces::new::<A::Low>(shape.batch);
    let failures: Vec<Option<SolveError>> = split::<A>(problem, plan, solution)
        .into_par_iter()
        .zip(values.par_chunks_mut(plan.len * cut.groups))
        .enumerate()
        .map_init(
            || (FactorScratch::<A>::take(problem, plan, pool), Unknowns::<A>::take(problem, plan, pool)),
            |(scratch, unknowns), (index, (mut piece, values))| {
                let groups = cut.range(index);
                let first = groups.start * A::Low::WIDTH;
                let mut finite = true;
                for (group, out) in groups.zip(values.chunks_exact_mut(plan.len)) {
                    let window = Window::of_group::<A::Low>(group, shape);
                    scratch.staged.load_matrix(problem, window);
                    scratch.staged.load_values(problem, window);
                    let made =
                        A::Low::dispatch(FactorGroup { problem, plan, window, scratch, out, unknowns: Some(unknowns) });
                    let task = match made {
                        Ok(task) => task,
                        Err(error) => return Some(error),
                    };
                    let (staged, factor) = (&scratch.staged, Own(&*out));
                    finite &= A::Low::dispatch(SolveGroup::<A, _> { problem, plan, staged, factor, task, unknowns });
                    write(problem, plan, unknowns, &mut piece, window.first - first, window.count);
                }
                if finite {
                    return None;
                }
                find_non_finite("solution", shape, piece.u).map(|error| offset_sample(error, first))
            },
        )
        .collect();
    failures.into_iter().flatten().next().map_or(Ok(()), Err)
}

fn solve_batch<A: Arithmetic, F: Stored<A::Low>>(
    problem: &Problem,
    (plan, pool): (&Plan, &Pool),
    factor: impl Fn(usize) -> F + Sync,
    solution: &mut Solution,
) -> Result<(), SolveError> {
    let shape = &problem.shape;
    let cut = Pieces::new::<A::Low>(shape.batch);
    let failures: Vec<Option<SolveError>> = split::<A>(problem, plan, solution)
        .into_par_iter()
        .enumerate()
        .map_init(
            || (FactorScratch::<A>::take(problem, plan, pool), Unknowns::<A>::take(problem, plan, pool)),
            |(scratch, unknowns), (index, mut piece)| {
                let groups = cut.range(index);
                let first = groups.start * A::Low::WIDTH;
                let mut finite = true;
                let staged = &mut scratch.staged;
                for group in groups {
                    let window = Window::of_group::<A::Low>(group, shape);
                    staged.load_matrix(problem, window);
                    staged.load_values(problem, window);
                    let factor = factor(group);
                    let task = Task::Forward;
                    finite &= A::Low::dispatch(SolveGroup::<A, F> { problem, plan, staged, factor, task, unknowns });
                    write(problem, plan, unknowns, &mut piece, window.first - first, window.count);
                }
                if finite {
                    return None;
                }
                find_non_finite("solution", shape, piece.u).map(|error| offset_sample(error, first))
            },
        )
        .collect();
    failures.into_iter().flatten().next().map_or(Ok(()), Err)
}

/// Solves with what all samples share.
fn solve_shared(
    shared: &Shared,
    problem: &Problem,
    (plan, pool): (&Plan, &Pool),
    solution: &mut Solution,
) -> Result<(), SolveError> {
    let shape = &problem.shape;
    let cut = Pieces::new::<Pack8>(shape.batch);
    let failures: Vec<Option<SolveError>> = split::<Plain<Pack8>>(problem, plan, solution)
        .into_par_iter()
        .enumerate()
        .map_init(
            || SharedVectors::take(shape, pool),
            |vectors, (index, piece)| {
                let groups = cut.range(index);
                let first = groups.start * Pack8::WIDTH;
                let mut finite = true;
                for group in groups {
                    let window = Window::of_group::<Pack8>(group, shape);
                    finite &= vectors.solve(shared, window);
                    scatter(&mut vectors.y, piece.u, shape.unknowns(), window.first - first, window.count);
                }
                if finite {
                    return None;
                }
                find_non_finite("solution", shape, piece.u).map(|error| offset_sample(error, first))
            },
        )
        .collect();
    failures.into_iter().flatten().next().map_or(Ok(()), Err)
}

/// Counts a piece's sample from the start of the batch.
pub(crate) fn offset_sample(error: SolveError, first: usize) -> SolveError {
    match error {
        SolveError::NonFiniteResult { what, sample, step, state, order } => {
            SolveError::NonFiniteResult { what, sample: first + sample, step, state, order }
        }
        other => other,
    }
}

/// One piece's share of the solution.
pub(crate) struct Piece<'a> {
    u: &'a mut [f64],
    eps: &'a mut [f64],
    theta: &'a mut [f64],
}

/// The vectors of a solve of a lane group.
pub(crate) struct Unknowns<A: Arithmetic> {
    /// Right-hand side, then correction, `(T, D, K)` and `(M)`.
    pub y: Vec<A::High>,
    pub border: Vec<A::High>,
    /// The solution so far, where it is corrected.
    total: Vec<A::High>,
    total_border: Vec<A::High>,
    /// The right-hand side of an adjoint, where it is corrected.
    given: Vec<A::High>,
    given_border: Vec<A::High>,
    room: Room<A::Low, A::High>,
    refinements: usize,
}

impl<A: Arithmetic> Unknowns<A> {
    /// Memory of the pool.
    pub fn take<'a>(problem: &Problem, plan: &Plan, pool: &'a Pool) -> Lease<'a, Self> {
        pool.take(|_| true, || Self::new(problem, plan))
    }

    fn new(problem: &Problem, plan: &Plan) -> Self {
        let zeros = |n: usize| vec![A::High::ZERO; n];
        let n = problem.shape.unknowns();
        let refinements = problem.refinements();
        let (kept, kept_border) = if refinements > 0 { (n, plan.border) } else { (0, 0) };
        Unknowns {
            y: zeros(n),
            border: zeros(plan.border),
            total: zeros(kept),
            total_border: zeros(kept_border),
            given: zeros(kept),
            given_border: zeros(kept_border),
            room: Room::new(plan, n, (problem.shape.steps + 1) * problem.shape.states),
            refinements,
        }
    }
}

/// What a solve of a lane group solves for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Task {
    /// The staged right-hand sides.
    Forward,
    /// `N z = g` for the upstream gradient `g` in `y` and `border`.
    Adjoint,
    /// The staged right-hand sides, of which the first forward substitution is done and its result in `y`.
    Forwarded,
}

/// The solve of a lane group; the solution is left in the unknowns' `y` and `border`.
pub(crate) struct SolveGroup<'a, A: Arithmetic, F> {
    pub problem: &'a Problem<'a>,
    pub plan: &'a Plan,
    pub staged: &'a Staged<A::High>,
    pub factor: F,
    pub task: Task,
    pub unknowns: &'a mut Unknowns<A>,
}

impl<A: Arithmetic, F: Stored<A::Low>> Kernel<A::Low> for SolveGroup<'_, A, F> {
    /// Whether the solution is finite.
    type Output = bool;

    #[inline(always)]
    fn run<V: Lanes<Pack = A::Low>>(self) -> bool {
        let SolveGroup { problem, plan, staged, factor, task, unknowns } = self;
        let Unknowns { y, border, total, total_border, given, given_border, room, refinements } = unknowns;
        let mut push = 0.0;
        // Scaled in registers, or in passes of their own.
        let by_itself = *refinements == 0 && A::scales::<V>(plan);
        if task != Task::Adjoint {
            if task == Task::Forward {
                border.fill(A::High::ZERO);
                right_hand_side::<A::Lanes<V>>(problem, plan, staged, y, border);
                if !by_itself {
                    scale_by::<A::Lanes<V>>(y, &staged.unscale);
                }
            }
            push = problem.scheme.slack.map_or(0.0, |s| s.gamma * s.alpha);
        } else {
            if !by_itself {
                scale_by::<A::Lanes<V>>(y, &staged.unscale);
            }
            if *refinements > 0 {
                given.copy_from_slice(y);
                given_border.copy_from_slice(border);
            }
        }
        let mut convergence = Convergence::new();
        for pass in 0..=*refinements {
            if pass > 0 {
                row_residuals::<A::Lanes<V>>(problem, plan, staged, task, (total, total_border), (y, border));
                if task == Task::Adjoint {
                    add_to::<A::Lanes<V>>(y, given);
                    add_to::<A::Lanes<V>>(border, given_border);
                }
            }
            if plan.slack {
                bump(&mut border[0], A::Lanes::<V>::splat(push));
            }
            let Shape { states, orders, .. } = problem.shape;
            let chain = Chain { plan, states, orders, smooth: &staged.smooth, rho: &staged.rho };
            let forwarded = pass == 0 && task == Task::Forwarded;
            let unscale = if by_itself { &staged.unscale[..] } else { &[] };
            let done = A::substitute::<V, F>(chain, factor, y, border, room, (forwarded, unscale));
            if by_itself {
                return done;
            }
            let mut more = true;
            match pass {
                0 if *refinements == 0 => (),
                0 => convergence.start::<A::Lanes<V>>(y, border),
                _ => more = convergence.correct::<A::Lanes<V>>(y, border),
            }
            let finite = scale_checked::<A::Lanes<V>>(y, &staged.unscale);
            if *refinements == 0 {
                return finite;
            }
            if pass == 0 {
                total.copy_from_slice(y);
                total_border.copy_from_slice(border);
            } else {
                add_to::<A::Lanes<V>>(total, y);
                add_to::<A::Lanes<V>>(total_border, border);
            }
            if !more {
                break;
            }
        }
        std::mem::swap(y, total);
        std::mem::swap(border, total_border);
        all_finite::<A::Lanes<V>>(y)
    }
}
