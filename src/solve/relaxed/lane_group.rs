//! The solve of a lane group: right-hand side, substitution, corrections.

use super::arithmetic::{Arithmetic, Room};
use super::convergence::{Convergence, Next};
use super::plan::Plan;
use super::pool::{Lease, Pool};
use super::problem::{Problem, Shape};
use super::rescue::SETTLED;
use super::residual::RowsOf;
use super::right_hand_side::right_hand_side;
use super::row_order::RowOrder;
use super::row_sums::{Compensated, KeptRows, Start};
use super::scheme::Precision;
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
    pub correction: Vec<A::High>,
    pub correction_border: Vec<A::High>,
    /// Of an adjoint that is corrected twice or more, or [`keeps_rows`](super::Scheme::keeps_rows), the products `a z` of all rows, negative, in the order of [`RowOrder`]. Empty where they are not
    /// kept.
    pub products: Vec<A::High>,
    /// Room for the residuals `b - a u` of all rows, of the same length.
    pub residuals: Vec<A::High>,
    pub room: Room<A::Low, A::High>,
    pub refinements: usize,
    /// A lane of the last solve whose corrections did not settle, and what is still wrong as a share of its solution.
    pub unsettled: Option<(usize, f64)>,
}

impl<A: Arithmetic> Unknowns<A> {
    /// Memory of the pool, for solutions.
    pub fn take<'a>(problem: &Problem, plan: &Plan, pool: &'a Pool) -> Lease<'a, Self> {
        let refinements = problem.refinements();
        pool.take(|kept: &Self| kept.refinements == refinements, || Self::new(problem, plan))
    }

    /// Memory of the pool, for adjoint solutions too.
    pub fn take_for_adjoints<'a>(problem: &Problem, plan: &Plan, pool: &'a Pool) -> Lease<'a, Self> {
        let mut taken = Self::take(problem, plan, pool);
        let unknowns = &mut *taken;
        let (len, border) = (unknowns.total.len(), unknowns.total_border.len());
        for (vector, len) in [
            (&mut unknowns.given, len),
            (&mut unknowns.given_border, border),
            (&mut unknowns.correction, len),
            (&mut unknowns.correction_border, border),
            (&mut unknowns.products, rows_kept(problem, plan)),
            (&mut unknowns.residuals, rows_kept(problem, plan)),
        ] {
            vector.resize(len, A::High::ZERO);
        }
        taken
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
            given: Vec::new(),
            given_border: Vec::new(),
            correction: Vec::new(),
            correction_border: Vec::new(),
            products: Vec::new(),
            residuals: Vec::new(),
            room: Room::new(plan, n, (problem.shape.steps + 1) * problem.shape.states),
            refinements,
            unsettled: None,
        }
    }
}

/// How many rows there are whose residuals and products with an adjoint solution are kept. In single precision they are hardly told from rounding errors.
fn rows_kept(problem: &Problem, plan: &Plan) -> usize {
    let keeps = problem.refinements() > if problem.scheme.keeps_rows { 0 } else { 1 };
    if keeps && problem.scheme.precision != Precision::Single { RowOrder::new(problem, plan).len } else { 0 }
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
        let Unknowns { y, border, total, total_border, given, given_border, .. } = unknowns;
        let Unknowns { correction, correction_border, products, room, refinements, unsettled, .. } = unknowns;
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
        let products = if by_rows { &mut products[..] } else { &mut [] };
        let rows = RowsOf { problem, plan, staged };
        let mut convergence = Convergence::new();
        let (mut pass, mut more) = (0_usize, true);
        loop {
            if pass > 0 {
                let ends = !more;
                if ends && !by_rows {
                    break;
                }
                // Of products that are kept the last correction, else of the whole solution.
                let start = match task {
                    Task::Adjoint if by_rows && pass > 1 => Start::Kept,
                    Task::Adjoint => Start::Zero,
                    Task::Forward | Task::Forwarded => Start::Given,
                };
                let mut x = (&total[..], &total_border[..]);
                if by_rows {
                    correction.copy_from_slice(y);
                    correction_border.copy_from_slice(border);
                    x = (&correction[..], &correction_border[..]);
                }
                let mut kept = KeptRows::new(start, products);
                if by_rows && pass == 1 {
                    rows.residuals_as::<A::Lanes<V>, Compensated<_>>(&mut kept, x, (y, border));
                } else {
                    rows.residuals::<A::Lanes<V>>(&mut kept, x, (y, border));
                }
                if ends {
                    break;
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
                correction.copy_from_slice(y);
                correction_border.copy_from_slice(border);
            }
            let Shape { states, orders, .. } = problem.shape;
            let chain = Chain { plan, states, orders, smooth: &staged.smooth, rho: &staged.rho };
            let forwarded = pass == 0 && task == Task::Forwarded;
            let unscale = if by_itself { &staged.unscale[..] } else { &[] };
            let done = A::substitute::<V, F>(chain, factor, y, border, room, (forwarded, unscale));
            if by_itself {
                return done;
            }
            let given = by_rows.then_some((&correction[..], &correction_border[..]));
            match pass {
                0 if *refinements == 0 => (),
                0 => convergence.start::<A::Lanes<V>>((y, border), given, &staged.unscale),
                _ => {
                    let next = Next::after(pass, *refinements);
                    more = convergence.correct::<A::Lanes<V>>((y, border), given, &staged.unscale, next);
                }
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
            pass += 1;
        }
        // A single correction tells no rate.
        *unsettled = match *refinements {
            0 | 1 => None,
            _ => {
                let exact = A::Low::EPSILON <= f64::EPSILON;
                let solved_for: &[&[A::High]] = match task {
                    Task::Adjoint => &[given, given_border],
                    Task::Forward | Task::Forwarded => &[&staged.rhs, &staged.iv, &staged.data],
                };
                let vanished = if exact { None } else { convergence.vanished(solved_for) };
                let allowed = if exact { SETTLED } else { A::UNSETTLED };
                vanished.or_else(|| convergence.unsettled(allowed))
            }
        };
        std::mem::swap(y, total);
        std::mem::swap(border, total_border);
        all_finite::<A::Lanes<V>>(y)
    }
}
