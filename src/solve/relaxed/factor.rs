//! Block Cholesky factorisation of the normal matrices.

use rayon::prelude::*;

use super::assemble::{matrix_step, slack_diagonal};
use super::error::SolveError;
use super::plan::{Group, Plan};
use super::problem::{Problem, Scheme, Shape};
use super::stage::{Cut, Samples, Staged};
use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8};

/// The factored normal matrices of a batch, or the one factor that all its samples share.
#[derive(Debug, Clone)]
pub struct Factor {
    pub(crate) shape: Shape,
    pub(crate) scheme: Scheme,
    pub(crate) plan: Plan,
    pub(crate) storage: Storage,
    /// Whether the factor serves every sample.
    pub(crate) common: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Storage {
    /// Eight samples to a lane group.
    Wide(Vec<Pack8>),
    /// One sample.
    Narrow(Vec<f64>),
}

/// A pivot below this fraction of its diagonal entry has no correct digit left.
const SMALLEST_PIVOT: f64 = 64.0 * f64::EPSILON;

/// Factors the systems of a problem. Its right-hand sides and initial values are not read.
///
/// # Errors
/// Sizes and lengths that do not fit, a scheme that is not finite, a singular or non-finite system.
pub fn factor(problem: &Problem) -> Result<Factor, SolveError> {
    problem.check()?;
    let mut made = Factor {
        shape: problem.shape,
        scheme: problem.scheme,
        plan: Plan::new(problem),
        storage: Storage::Narrow(Vec::new()),
        common: problem.constant_matrix(),
    };
    made.fill(problem)?;
    Ok(made)
}

impl Factor {
    /// Factors another problem in the memory of this factor.
    ///
    /// # Errors
    /// As [`factor`]; after an error the factor must not be used before another success.
    pub fn refactor(&mut self, problem: &Problem) -> Result<(), SolveError> {
        problem.check()?;
        self.shape = problem.shape;
        self.scheme = problem.scheme;
        self.plan = Plan::new(problem);
        self.common = problem.constant_matrix();
        self.fill(problem)
    }

    /// Whether one factor serves any number of right-hand sides.
    pub fn is_constant(&self) -> bool {
        self.common
    }

    /// States that are solved together, each set ascending.
    pub fn state_groups(&self) -> Vec<Vec<usize>> {
        self.plan.groups.iter().map(|g| g.states.clone()).collect()
    }

    fn fill(&mut self, problem: &Problem) -> Result<(), SolveError> {
        let batch = if self.common { 1 } else { problem.shape.batch };
        let storage = std::mem::replace(&mut self.storage, Storage::Narrow(Vec::new()));
        if batch == 1 {
            let mut values = if let Storage::Narrow(values) = storage { values } else { Vec::new() };
            factor_batch::<f64>(problem, &self.plan, batch, &mut values)?;
            self.storage = Storage::Narrow(values);
        } else {
            let mut values = if let Storage::Wide(values) = storage { values } else { Vec::new() };
            factor_batch::<Pack8>(problem, &self.plan, batch, &mut values)?;
            self.storage = Storage::Wide(values);
        }
        Ok(())
    }

    /// The problem must be the factored one; only a common factor may see another batch size.
    pub(crate) fn check(&self, problem: &Problem) -> Result<(), SolveError> {
        problem.check()?;
        let mut shape = problem.shape;
        if self.common {
            shape.batch = self.shape.batch;
        }
        let differs = |what| Err(SolveError::Mismatch { what });
        if shape != self.shape {
            return differs("shape");
        }
        if problem.scheme != self.scheme {
            return differs("scheme");
        }
        if problem.constant_matrix() != self.common {
            return differs("sharing of coefficients and steps");
        }
        Ok(())
    }
}

fn factor_batch<P: Pack>(problem: &Problem, plan: &Plan, batch: usize, values: &mut Vec<P>) -> Result<(), SolveError> {
    let cut = Cut::new::<P>(batch);
    values.resize(plan.len * cut.lane_groups, P::ZERO);
    let failures: Vec<Option<SolveError>> = values
        .par_chunks_mut(plan.len * cut.groups)
        .enumerate()
        .map_init(
            || Scratch::<P>::new(&problem.shape, plan),
            |scratch, (chunk, out)| {
                P::dispatch(FactorChunk { problem, plan, batch, groups: cut.range(chunk), scratch, out }).err()
            },
        )
        .collect();
    failures.into_iter().flatten().next().map_or(Ok(()), Err)
}

struct Scratch<P> {
    staged: Staged<P>,
    panel: Vec<P>,
    scaled: Vec<P>,
}

impl<P: Pack> Scratch<P> {
    fn new(shape: &Shape, plan: &Plan) -> Self {
        let panel = plan.groups.iter().map(|g| g.n * g.width).max().unwrap_or(0);
        Scratch { staged: Staged::new(shape), panel: vec![P::ZERO; panel], scaled: vec![P::ZERO; shape.block()] }
    }
}

struct FactorChunk<'a, P> {
    problem: &'a Problem<'a>,
    plan: &'a Plan,
    batch: usize,
    groups: std::ops::Range<usize>,
    scratch: &'a mut Scratch<P>,
    out: &'a mut [P],
}

/// A lane's pivot that failed.
struct Failure {
    lane: usize,
    pivot: f64,
    /// Relative to the diagonal entry before elimination.
    relative: f64,
}

impl<P: Pack> Kernel<P> for FactorChunk<'_, P> {
    type Output = Result<(), SolveError>;

    #[inline(always)]
    fn run<V: Lanes<Pack = P>>(self) -> Self::Output {
        let FactorChunk { problem, plan, batch, groups, scratch, out } = self;
        for (index, out) in groups.zip(out.chunks_exact_mut(plan.len)) {
            let samples = Samples::of_group::<P>(index, batch);
            scratch.staged.load::<V>(problem, samples);
            let mut slack = V::splat(slack_diagonal(problem, plan));
            let whole = slack;
            for group in &plan.groups {
                let end = group.start + group.step_len * problem.shape.steps;
                let out = &mut out[group.start..end];
                let taken = match group.n {
                    3 => factor_group::<V, 3>(problem, plan, group, scratch, samples, out)?,
                    _ => factor_group::<V, 0>(problem, plan, group, scratch, samples, out)?,
                };
                slack = slack.sub(taken);
            }
            if plan.slack {
                if !slack.all_greater(whole.mul(V::splat(SMALLEST_PIVOT))) {
                    let found = find_failure(slack, whole);
                    return Err(SolveError::Slack { sample: sample_of(samples, found.lane), pivot: found.pivot });
                }
                V::splat(1.0).div(slack).store(&mut out[plan.len - 1]);
            }
        }
        Ok(())
    }
}

fn sample_of(samples: Samples, lane: usize) -> usize {
    samples.first + lane.min(samples.count - 1)
}

#[inline(always)]
fn find_failure<V: Lanes>(pivot: V, diagonal: V) -> Failure {
    let (mut p, mut d) = (V::Pack::ZERO, V::Pack::ZERO);
    pivot.store(&mut p);
    diagonal.store(&mut d);
    let bad = |lane: &usize| {
        let (p, d) = (p.lane(*lane), d.lane(*lane));
        !(p.is_finite() && d.is_finite() && p > SMALLEST_PIVOT * d)
    };
    let lane = (0..V::Pack::WIDTH).find(bad).unwrap_or(0);
    Failure { lane, pivot: p.lane(lane), relative: p.lane(lane) / d.lane(lane) }
}

/// Factors one group of states; gives what the elimination takes from the slack's pivot.
#[inline(always)]
fn factor_group<V: Lanes, const N: usize>(
    problem: &Problem,
    plan: &Plan,
    group: &Group,
    scratch: &mut Scratch<V::Pack>,
    samples: Samples,
    out: &mut [V::Pack],
) -> Result<V, SolveError> {
    let n = if N > 0 { N } else { group.n };
    let width = group.width;
    let orders = problem.shape.orders;
    let mut slack = V::splat(0.0);
    for t in 0..problem.shape.steps {
        let panel = &mut scratch.panel[..n * width];
        matrix_step::<V>(problem, plan, group, &scratch.staged, t, panel, &mut scratch.scaled[..n]);
        let (done, rest) = out.split_at_mut(t * group.step_len);
        let now = &mut rest[..group.step_len];
        for r in 0..n {
            let diagonal = V::load(&panel[r * width + r]);
            for c in r..width {
                let mut x = V::load(&panel[r * width + c]);
                for i in 0..r {
                    let row = group.base(i);
                    x = V::load(&now[row + r]).neg_mul_add(V::load(&now[row + c]), x);
                }
                if t > 0
                    && let Some(from) = one_step_back(group, n, orders, c)
                {
                    let before = &done[(t - 1) * group.step_len..];
                    for i in 0..n {
                        let row = group.base(i);
                        x = V::load(&before[row + n + r]).neg_mul_add(V::load(&before[row + from]), x);
                    }
                }
                if t > 1
                    && group.skip > 0
                    && r % orders == orders - 2
                    && let Some(from) = two_steps_back(group, n, orders, c)
                {
                    let before = &done[(t - 2) * group.step_len..];
                    for i in 0..n {
                        let row = group.base(i);
                        x = V::load(&before[row + 2 * n + r / orders]).neg_mul_add(V::load(&before[row + from]), x);
                    }
                }
                x.store(&mut panel[r * width + c]);
            }
            let pivot = V::load(&panel[r * width + r]);
            if !pivot.all_greater(diagonal.mul(V::splat(SMALLEST_PIVOT))) || !V::splat(f64::INFINITY).all_greater(pivot)
            {
                return Err(pivot_error(problem, group, samples, (t, r), find_failure(pivot, diagonal)));
            }
            let inverse = V::splat(1.0).div(pivot.sqrt());
            let row = group.base(r);
            inverse.store(&mut now[row + r]);
            for c in r + 1..width {
                V::load(&panel[r * width + c]).mul(inverse).store(&mut now[row + c]);
            }
            if plan.slack {
                let x = V::load(&now[row + group.slack_column()]);
                slack = x.mul_add(x, slack);
            }
        }
    }
    Ok(slack)
}

/// The column of the step before whose products with its coupling change column `c` of this step.
#[inline(always)]
fn one_step_back(group: &Group, n: usize, orders: usize, c: usize) -> Option<usize> {
    if c < n {
        Some(n + c)
    } else if c < 2 * n {
        (group.skip > 0 && (c - n) % orders == orders - 2).then(|| 2 * n + (c - n) / orders)
    } else {
        (c == group.slack_column()).then_some(c)
    }
}

/// The same for the step two before, through the skip columns.
#[inline(always)]
fn two_steps_back(group: &Group, n: usize, orders: usize, c: usize) -> Option<usize> {
    if c < n {
        (c % orders == orders - 2).then(|| 2 * n + c / orders)
    } else {
        (c == group.slack_column()).then_some(c)
    }
}

#[cold]
fn pivot_error(
    problem: &Problem,
    group: &Group,
    samples: Samples,
    (step, row): (usize, usize),
    failure: Failure,
) -> SolveError {
    let orders = problem.shape.orders;
    let (sample, state, order) = (sample_of(samples, failure.lane), group.states[row / orders], row % orders);
    if failure.pivot.is_finite() && failure.relative.is_finite() {
        SolveError::Singular { sample, step, state, order, pivot: failure.relative }
    } else if failure.pivot == 0.0 {
        // An empty row and column: nothing at all determines the unknown.
        SolveError::Singular { sample, step, state, order, pivot: 0.0 }
    } else {
        SolveError::NonFiniteMatrix { sample, step, state, order }
    }
}
