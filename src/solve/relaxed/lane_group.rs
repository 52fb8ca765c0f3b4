//! The solve of a lane group: right-hand side, substitution, corrections.

use super::arithmetic::{Arithmetic, Room};
use super::convergence::Convergence;
use super::plan::Plan;
use super::pool::{Lease, Pool};
use super::problem::{Precision, Problem, Shape};
use super::rescue::SETTLED;
use super::residual::{negative_right_hand_sides, row_count, row_residuals};
use super::right_hand_side::right_hand_side;
use super::stage::Staged;
use super::substitute::{Chain, Stored};
use super::vectors::{add_to, all_finite, bump, scale_by, scale_checked};
use crate::solve::lanes::{Kernel, Lanes, Pack};

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
    /// The last correction of an adjoint, then what the next one is solved for.
    residual: Vec<A::High>,
    residual_border: Vec<A::High>,
    /// Of an adjoint that is corrected twice or more, the products `a z` of all rows, those of the equations first, `(E, T)`. Empty where they are
    /// not kept.
    pub products: Vec<A::High>,
    /// After [`Task::Residuals`] the residuals `b - a u` of all rows, negative. Empty where they are not kept.
    pub residuals: Vec<A::High>,
    room: Room<A::Low, A::High>,
    refinements: usize,
    /// A lane of the last solve whose corrections did not settle, and what is still wrong as a share of its solution.
    pub unsettled: Option<(usize, f64)>,
}

impl<A: Arithmetic> Unknowns<A> {
    /// Memory of the pool.
    pub fn take<'a>(problem: &Problem, plan: &Plan, pool: &'a Pool) -> Lease<'a, Self> {
        let refinements = problem.refinements();
        let rows = if keeps_products(problem) { row_count(problem, plan) } else { 0 };
        let fits = |kept: &Self| kept.refinements == refinements && kept.products.len() == rows;
        pool.take(fits, || Self::new(problem, plan))
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
            residual: zeros(kept),
            residual_border: zeros(kept_border),
            products: zeros(if keeps_products(problem) { row_count(problem, plan) } else { 0 }),
            residuals: zeros(if keeps_products(problem) { row_count(problem, plan) } else { 0 }),
            room: Room::new(plan, n, (problem.shape.steps + 1) * problem.shape.states),
            refinements,
            unsettled: None,
        }
    }
}

/// Whether the products of an adjoint solution with the rows are kept. In single precision they are hardly told from rounding errors.
fn keeps_products(problem: &Problem) -> bool {
    problem.refinements() > 1 && problem.scheme.precision != Precision::Single
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
    /// The residuals of the staged rows at the solution in `y` and `border`, more exactly than it tells them.
    Residuals,
}

/// Residuals are corrected so often at most, or as often as the solution if that is more.
const CORRECTIONS: usize = 10;

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
        if self.task == Task::Residuals {
            return self.residuals::<V>();
        }
        let SolveGroup { problem, plan, staged, factor, task, unknowns } = self;
        let Unknowns { y, border, total, total_border, given, given_border, .. } = unknowns;
        let Unknowns { residual, residual_border, products, room, refinements, unsettled, .. } = unknowns;
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
        let by_rows = task == Task::Adjoint && !products.is_empty();
        if by_rows {
            products.fill(A::High::ZERO);
        }
        let mut convergence = Convergence::new();
        for pass in 0..=*refinements {
            if pass > 0 {
                if by_rows {
                    residual.copy_from_slice(y);
                    residual_border.copy_from_slice(border);
                    let (last, so_far) = ((&residual[..], &residual_border[..]), (task, &mut products[..]));
                    row_residuals::<A::Lanes<V>>(problem, plan, staged, so_far, last, (y, border));
                } else {
                    let whole = (&total[..], &total_border[..]);
                    row_residuals::<A::Lanes<V>>(problem, plan, staged, (task, &mut []), whole, (y, border));
                }
                if task == Task::Adjoint {
                    add_to::<A::Lanes<V>>(y, given);
                    add_to::<A::Lanes<V>>(border, given_border);
                }
            }
            if plan.slack {
                bump(&mut border[0], A::Lanes::<V>::splat(push));
            }
            if by_rows {
                residual.copy_from_slice(y);
                residual_border.copy_from_slice(border);
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
            let given = by_rows.then_some((&residual[..], &residual_border[..]));
            match pass {
                0 if *refinements == 0 => (),
                0 => convergence.start::<A::Lanes<V>>((y, border), given),
                _ => more = convergence.correct::<A::Lanes<V>>((y, border), given),
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
        // A single correction tells no rate.
        *unsettled = match *refinements {
            0 | 1 => None,
            _ => {
                let exact = A::Low::EPSILON <= f64::EPSILON;
                let vanished = if exact { None } else { convergence.vanished(given, given_border) };
                let allowed = if exact { SETTLED } else { A::UNSETTLED };
                vanished.or_else(|| convergence.unsettled(allowed, A::SLOWEST))
            }
        };
        if by_rows {
            residual.copy_from_slice(y);
            residual_border.copy_from_slice(border);
            let (last, so_far) = ((&residual[..], &residual_border[..]), (task, &mut products[..]));
            row_residuals::<A::Lanes<V>>(problem, plan, staged, so_far, last, (y, border));
        }
        std::mem::swap(y, total);
        std::mem::swap(border, total_border);
        all_finite::<A::Lanes<V>>(y)
    }
}

impl<A: Arithmetic, F: Stored<A::Low>> SolveGroup<'_, A, F> {
    /// Keeps residuals as numbers of their own and corrects them until they are orthogonal to the rows, `A^T W^2 r = 0`: those of rows of large
    /// weight are smaller than rounding units of the solution that they belong to, and follow from those of the others. Says whether they are finite.
    #[inline(always)]
    fn residuals<V: Lanes<Pack = A::Low>>(self) -> bool {
        let SolveGroup { problem, plan, staged, factor, task, unknowns } = self;
        let Unknowns { y, border, residual, residual_border, residuals, room, refinements, .. } = unknowns;
        let push = problem.scheme.slack.map_or(0.0, |s| s.gamma * s.alpha);
        let Shape { states, orders, .. } = problem.shape;
        let chain = Chain { plan, states, orders, smooth: &staged.smooth, rho: &staged.rho };
        negative_right_hand_sides::<A::Lanes<V>>(staged, residuals);
        let corrections = CORRECTIONS.max(*refinements);
        let mut convergence = Convergence::new();
        let (mut finite, mut more) = (true, true);
        for pass in 0..=corrections {
            residual.copy_from_slice(y);
            residual_border.copy_from_slice(border);
            let (last, so_far) = ((&residual[..], &residual_border[..]), (task, &mut residuals[..]));
            row_residuals::<A::Lanes<V>>(problem, plan, staged, so_far, last, (y, border));
            if pass == corrections || !more {
                break;
            }
            if plan.slack {
                bump(&mut border[0], A::Lanes::<V>::splat(push));
            }
            residual.copy_from_slice(y);
            residual_border.copy_from_slice(border);
            A::substitute::<V, F>(chain, factor, y, border, room, (false, &[]));
            let given = (&residual[..], &residual_border[..]);
            match pass {
                0 => convergence.start_of_rows::<A::Lanes<V>>((y, border), given),
                _ => more = convergence.correct::<A::Lanes<V>>((y, border), Some(given)),
            }
            finite &= scale_checked::<A::Lanes<V>>(y, &staged.unscale);
        }
        finite
    }
}
