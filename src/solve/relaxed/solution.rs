//! Solving with a factor.

use rayon::prelude::*;

use super::assemble::{add_to, right_hand_side, scale_by};
use super::error::SolveError;
use super::factor::{Factor, Storage};
use super::plan::Plan;
use super::problem::{Problem, Shape};
use super::residual::row_residuals;
use super::stage::{Cut, Samples, Staged, gather, scatter};
use super::substitute::{Common, Own, Stored, substitute};
use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8};

/// The unknowns of every sample.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Solution {
    /// `(B, T, D, K)`
    pub u: Vec<f64>,
    /// The slack, `(B)`; 0 without slack.
    pub eps: Vec<f64>,
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

    /// [`Factor::solve`] into memory that is kept between calls.
    ///
    /// # Errors
    /// As [`Factor::solve`].
    pub fn solve_into(&self, problem: &Problem, solution: &mut Solution) -> Result<(), SolveError> {
        self.check(problem)?;
        let batch = problem.shape.batch;
        solution.u.resize(batch * problem.shape.unknowns(), 0.0);
        solution.eps.resize(batch, 0.0);
        match &self.storage {
            Storage::Wide(values) => {
                solve_batch::<Pack8, _>(problem, &self.plan, |g| Own(&values[g * self.plan.len..]), solution)
            }
            Storage::Narrow(values) if batch == 1 => {
                solve_batch::<f64, _>(problem, &self.plan, |_| Own(values), solution)
            }
            Storage::Narrow(values) => solve_batch::<Pack8, _>(problem, &self.plan, |_| Common(values), solution),
        }
    }
}

/// Finds the first number that is not finite.
pub(crate) fn check_finite(what: &'static str, shape: &Shape, u: &[f64]) -> Result<(), SolveError> {
    // A sum is finite unless a term is not or it overflows, so the exact search runs only when something may be wrong.
    if u.iter().map(|x| x * 0.0).sum::<f64>() == 0.0 {
        return Ok(());
    }
    let Some(at) = u.iter().position(|x| !x.is_finite()) else {
        return Ok(());
    };
    let (sample, rest) = (at / shape.unknowns(), at % shape.unknowns());
    let (step, rest) = (rest / shape.block(), rest % shape.block());
    Err(SolveError::NonFiniteResult { what, sample, step, state: rest / shape.orders, order: rest % shape.orders })
}

fn solve_batch<'a, P: Pack, F: Stored<P>>(
    problem: &Problem,
    plan: &Plan,
    factor: impl Fn(usize) -> F + Sync + 'a,
    solution: &mut Solution,
) -> Result<(), SolveError> {
    let shape = &problem.shape;
    let cut = Cut::new::<P>(shape.batch);
    let pieces: Vec<_> =
        cut.split(&mut solution.u, shape.unknowns()).into_iter().zip(cut.split(&mut solution.eps, 1)).collect();
    let failures: Vec<Option<SolveError>> = pieces
        .into_par_iter()
        .enumerate()
        .map_init(
            || Scratch::<P>::new(shape),
            |scratch, (chunk, (u, eps))| {
                let range = cut.range(chunk);
                let first = range.start * P::WIDTH;
                P::dispatch(SolveChunk { problem, plan, groups: range, factor: &factor, scratch, u, eps });
                check_finite("solution", shape, u).err().map(|error| offset_sample(error, first))
            },
        )
        .collect();
    failures.into_iter().flatten().next().map_or(Ok(()), Err)
}

/// Counts a chunk's sample from the start of the batch.
pub(crate) fn offset_sample(error: SolveError, first: usize) -> SolveError {
    match error {
        SolveError::NonFiniteResult { what, sample, step, state, order } => {
            SolveError::NonFiniteResult { what, sample: first + sample, step, state, order }
        }
        other => other,
    }
}

struct Scratch<P> {
    staged: Staged<P>,
    rhs: Vec<P>,
    iv: Vec<P>,
    y: Vec<P>,
    u: Vec<P>,
}

impl<P: Pack> Scratch<P> {
    fn new(shape: &Shape) -> Self {
        Scratch {
            staged: Staged::new(shape),
            rhs: vec![P::ZERO; shape.right_hand_sides()],
            iv: vec![P::ZERO; shape.initial_values()],
            y: vec![P::ZERO; shape.unknowns()],
            u: vec![P::ZERO; shape.unknowns()],
        }
    }
}

struct SolveChunk<'a, P, G> {
    problem: &'a Problem<'a>,
    plan: &'a Plan,
    groups: std::ops::Range<usize>,
    factor: &'a G,
    scratch: &'a mut Scratch<P>,
    u: &'a mut [f64],
    eps: &'a mut [f64],
}

impl<P: Pack, F: Stored<P>, G: Fn(usize) -> F> Kernel<P> for SolveChunk<'_, P, G> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = P>>(self) {
        let SolveChunk { problem, plan, groups, factor, scratch, u, eps } = self;
        let shape = &problem.shape;
        let push = problem.scheme.slack.map_or(0.0, |s| s.gamma * s.alpha);
        for (local, index) in groups.enumerate() {
            let samples = Samples::of_group::<P>(index, shape.batch);
            let Scratch { staged, rhs, iv, y, u: total } = &mut *scratch;
            staged.load::<V>(problem, samples);
            gather(rhs, problem.rhs, shape.right_hand_sides(), samples);
            gather(iv, problem.iv, shape.initial_values(), samples);
            total.fill(P::ZERO);
            let (mut eps_total, mut change) = (P::ZERO, P::ZERO);
            for pass in 0..=problem.scheme.refinements {
                if pass == 0 {
                    right_hand_side::<V>(problem, staged, rhs, iv, y);
                } else {
                    row_residuals::<V>(problem, plan, staged, (rhs, iv), (total, &eps_total), y, &mut change);
                }
                V::load(&change).add(V::splat(push)).store(&mut change);
                substitute::<V, F>(plan, shape.steps, shape.block(), factor(index), y, &mut change);
                scale_by::<V>(y, &staged.unscale);
                add_to::<V>(total, y);
                V::load(&eps_total).add(V::load(&change)).store(&mut eps_total);
            }
            scatter(total, u, shape.unknowns(), local * P::WIDTH, samples.count);
            scatter(&[eps_total], eps, 1, local * P::WIDTH, samples.count);
        }
    }
}
