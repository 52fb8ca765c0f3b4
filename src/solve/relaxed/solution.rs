//! Solving with a factor.

use rayon::prelude::*;

use super::arithmetic::{Arithmetic, Mixed, Plain};
use super::error::{SolveError, first_failure};
use super::factor::{Factor, FactorGroup, Scratch as FactorScratch, factor_of_normal_matrix};
use super::lane_group::{SolveGroup, Task, Unknowns};
use super::plan::Plan;
use super::pool::Pool;
use super::problem::{Problem, Shape};
use super::rescue::may_be_rescued;
use super::scheme::{Method, Precision, Scheme};
use super::segments::Cut;
use super::shared::{Shared, SharedVectors};
use super::storage::{Storage, single, wide};
use super::stretches;
use super::substitute::{Common, Own, Stored};
use super::windows::{Pieces, Window, scatter, spread_factor};
use crate::solve::lanes::{Pack, Pack8, Pack16};

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
    /// Solves for the problem's right-hand sides, initial values and data. Coefficients, steps and the border's columns have to be the factored ones, which
    /// is not checked; with a constant matrix the batch may have any size.
    ///
    /// # Errors
    /// A problem that does not match the factor, a result that is not finite or, where there are two corrections or more, does not settle, nor by the rows.
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
        let Scheme { method, precision, .. } = problem.scheme;
        // A factor in mixed precision may turn out to need double precision.
        let in_turn = method == Method::Qr || precision == Precision::Mixed;
        if in_turn || problem.constant_matrix() || problem.shape.batch < Pack8::WIDTH {
            self.refactor(problem)?;
            return self.solve_into(problem, solution);
        }
        self.renew(problem);
        match self.factor_and_solve(problem, solution) {
            Err(failure) if may_be_rescued(problem, &failure) => {
                self.rescue(problem, failure)?;
                self.solve_into(problem, solution)
            }
            done => done,
        }
    }

    /// Factors a batch whose samples have matrices of their own by the normal matrix, and solves.
    fn factor_and_solve(&mut self, problem: &Problem, solution: &mut Solution) -> Result<(), SolveError> {
        solution.resize(problem, &self.plan);
        let plan = &self.plan;
        match problem.scheme.precision {
            Precision::Double => {
                let values = wide(&mut self.storage, plan.len * problem.shape.batch.div_ceil(Pack8::WIDTH));
                if stretches::fits(problem, plan)
                    && stretches::factor_and_solve(problem, (plan, &self.pool), values, &mut solution.u).is_some()
                {
                    return Ok(());
                }
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
        let problem = &self.as_factored(problem);
        solution.resize(problem, &self.plan);
        let done = self.solve_by(problem, solution);
        self.rescued(problem, done, |factor, problem| factor.solve_into(problem, solution))
    }

    /// Solves with the factor that there is.
    fn solve_by(&self, problem: &Problem, solution: &mut Solution) -> Result<(), SolveError> {
        let (plan, len) = (&self.plan, self.plan.len);
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
                let done = solve_batch::<Mixed, _>(problem, (plan, &self.pool), |g| Own(&x[g * len..]), solution);
                if let Err(SolveError::Unsettled { .. } | SolveError::NonFiniteResult { .. }) = done {
                    let double = in_double(problem);
                    return self.in_double(&double)?.solve_by(&double, solution);
                }
                done
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

impl Factor {
    /// The factor of a problem in double precision whose mixed one did not settle, kept for the next time.
    ///
    /// # Errors
    /// As of any normal matrix.
    pub(crate) fn in_double(&self, double: &Problem) -> Result<&Factor, SolveError> {
        match self.double.get() {
            Some(kept) => Ok(kept),
            None => {
                let made = factor_of_normal_matrix(double)?;
                Ok(self.double.get_or_init(|| Box::new(made)))
            }
        }
    }
}

/// The problem in double precision, with corrections that tell whether they settle: for batches in mixed precision that do not.
#[cold]
pub(crate) fn in_double<'a>(problem: &Problem<'a>) -> Problem<'a> {
    let refinements = problem.scheme.refinements.max(2);
    Problem { scheme: Scheme { precision: Precision::Double, refinements, ..problem.scheme }, ..*problem }
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
                    if let Some(error) = unsettled("solution", unknowns, window) {
                        return Some(error);
                    }
                    write(problem, plan, unknowns, &mut piece, window.first - first, window.count);
                }
                if finite { None } else { piece.find_non_finite(shape, first) }
            },
        )
        .collect();
    first_failure(failures)
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
                    if let Some(error) = unsettled("solution", unknowns, window) {
                        return Some(error);
                    }
                    write(problem, plan, unknowns, &mut piece, window.first - first, window.count);
                }
                if finite { None } else { piece.find_non_finite(shape, first) }
            },
        )
        .collect();
    first_failure(failures)
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
                    finite &= vectors.solve(shared, window, (&mut *piece.u, window.first - first));
                }
                if finite { None } else { piece.find_non_finite(shape, first) }
            },
        )
        .collect();
    first_failure(failures)
}

/// Names a sample of the last solve whose corrections did not settle.
pub(crate) fn unsettled<A: Arithmetic>(
    what: &'static str,
    unknowns: &mut Unknowns<A>,
    window: Window,
) -> Option<SolveError> {
    let (lane, correction) = unknowns.unsettled.take()?;
    Some(SolveError::Unsettled { what, sample: window.lane(lane).0, correction })
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
struct Piece<'a> {
    u: &'a mut [f64],
    eps: &'a mut [f64],
    theta: &'a mut [f64],
}

impl Piece<'_> {
    /// The first number that is not finite, of a piece that begins with sample `first`.
    #[cold]
    fn find_non_finite(&self, shape: &Shape, first: usize) -> Option<SolveError> {
        find_non_finite("solution", shape, self.u).map(|error| offset_sample(error, first))
    }
}
