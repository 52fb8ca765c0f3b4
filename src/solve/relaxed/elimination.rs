//! The elimination of a lane group: its chains, then the border, with a bad pivot named.

use super::arithmetic::{Arithmetic, Filled, Room};
use super::assemble::{Assembly, border_rows};
use super::blocks::eliminate_blocks;
use super::eliminate::{BadPivot, Panel, eliminate, eliminate_corner};
use super::error::SolveError;
use super::lane_group::{Task, Unknowns};
use super::plan::{Ends, Group, Plan};
use super::pool::{Lease, Pool};
use super::probe::probe;
use super::problem::Problem;
use super::stage::Staged;
use super::substitute::in_registers;
use super::tiles::Tiles;
use super::windows::Window;
use crate::solve::lanes::{Kernel, Lanes, Pack};

/// Memory of a lane group's factorisation: its staged rows and the elimination's own.
pub(crate) struct Scratch<A: Arithmetic> {
    pub staged: Staged<A::High>,
    pub work: Elimination<A>,
}

impl<A: Arithmetic> Scratch<A> {
    /// Memory of the pool.
    pub fn take<'a>(problem: &Problem, plan: &Plan, pool: &'a Pool) -> Lease<'a, Self> {
        let mut scratch = pool.take(|_| true, || Self::new(problem, plan));
        scratch.staged.reset(problem);
        scratch
    }

    pub fn new(problem: &Problem, plan: &Plan) -> Self {
        Scratch { staged: Staged::new(problem, problem.shape.steps), work: Elimination::new(plan) }
    }
}

/// Memory of a factorisation.
pub(crate) struct Elimination<A: Arithmetic> {
    panel: Panel<A::Low>,
    tiles: Tiles<A::Low>,
    lowered: Option<Staged<A::Low>>,
    room: Room<A::Low, A::High>,
    /// `(M, M)` in both precisions, and its diagonal before elimination.
    corner: Vec<A::Low>,
    assembled: Vec<A::High>,
    diagonal: Vec<A::Low>,
    /// `(n, width)`
    step: Vec<A::Low>,
    /// Whether a pivot of the chains may be rounding error.
    suspect: bool,
}

impl<A: Arithmetic> Elimination<A> {
    pub fn new(plan: &Plan) -> Self {
        let m = plan.border;
        let step = plan.groups.iter().map(|g| g.n * g.width).max().unwrap_or(0);
        let block = plan.groups.iter().map(|g| g.n).max().unwrap_or(0);
        Elimination {
            panel: Panel::new(&plan.groups),
            tiles: Tiles::new(block, plan.groups.iter().map(|g| g.equations.len()).max().unwrap_or(0)),
            lowered: None,
            room: Room::new(plan, 0, 0),
            corner: vec![A::Low::ZERO; m * m],
            assembled: vec![A::High::ZERO; m * m],
            diagonal: vec![A::Low::ZERO; m],
            step: vec![A::Low::ZERO; if m > 0 { step } else { 0 }],
            suspect: false,
        }
    }

    /// Whether a pivot of the chains may be rounding error.
    pub fn is_suspect(&self) -> bool {
        self.suspect
    }

    /// What the elimination of the chains leaves of the border's block.
    pub fn into_corner(self) -> Vec<A::Low> {
        self.corner
    }

    /// Factors the chains of a lane group into `out`; the border's block stays unfactored in `corner`.
    #[inline(always)]
    pub fn chains<V: Lanes<Pack = A::Low>>(
        &mut self,
        problem: &Problem,
        plan: &Plan,
        staged: &Staged<A::High>,
        out: &mut [A::Low],
        y: &mut [A::High],
    ) -> Result<Task, (BadPivot, Option<usize>)> {
        let m = plan.border;
        self.suspect = false;
        if m > 0 {
            self.assembled.fill(A::High::ZERO);
            border_rows::<A::Lanes<V>>(problem, plan, staged, &mut self.assembled);
            A::lower(&self.assembled, &mut self.corner);
        }
        for group in &plan.groups {
            if let Some(right) = group.right
                && plan.ends == Ends::Periodic
            {
                self.last_step::<V>(problem, plan, group, staged, right);
            }
        }
        for (to, i) in self.diagonal.iter_mut().zip(0..m) {
            *to = self.corner[i * m + i];
        }
        let mut task = if y.is_empty() { Task::Forward } else { Task::Forwarded };
        for (index, group) in plan.groups.iter().enumerate() {
            let out = &mut out[group.start..group.start + group.step_len * plan.chain];
            let assembly = Assembly { problem, plan, group, staged };
            if let Some(done) = A::eliminate_unrolled::<V>(&assembly, &mut self.lowered, &mut self.tiles, out, y) {
                let (done, suspect) = done.map_err(|pivot| (pivot, Some(index)))?;
                self.suspect |= suspect;
                if done == Task::Forward {
                    task = Task::Forward;
                }
                continue;
            }
            task = Task::Forward;
            let mut source = Filled::<A> { assembly, room: &mut self.room };
            let done = match group.next {
                0 => eliminate_blocks::<V>(group, plan.chain, &mut source, &mut self.panel, out, &mut self.corner, m),
                _ => eliminate::<V>(group, plan.chain, &mut source, &mut self.panel, out, &mut self.corner, m),
            };
            self.suspect |= done.map_err(|pivot| (pivot, Some(index)))?;
        }
        Ok(task)
    }

    /// Adds the rows of the step that a periodic boundary puts into the border.
    #[inline(always)]
    fn last_step<V: Lanes<Pack = A::Low>>(
        &mut self,
        problem: &Problem,
        plan: &Plan,
        group: &Group,
        staged: &Staged<A::High>,
        right: usize,
    ) {
        let (n, width, m) = (group.n, group.width, plan.border);
        let rows = &mut self.step[..n * width];
        A::fill::<V>(&Assembly { problem, plan, group, staged }, plan.chain, rows, &mut self.room);
        let first = group.border_column();
        let mut add = |r: usize, c: usize, x: &A::Low| {
            let to = &mut self.corner[r.min(c) * m + r.max(c)];
            V::load(to).add(V::load(x)).store(to);
        };
        for r in 0..n {
            let place = group.border[right - first + r];
            for c in r..n {
                add(place, group.border[right - first + c], &rows[r * width + c]);
            }
            for (q, x) in rows[r * width + first..r * width + right].iter().enumerate() {
                add(place, group.border[q], x);
            }
        }
    }

    /// Factors a lane group into `out`.
    #[inline(always)]
    pub fn run<V: Lanes<Pack = A::Low>>(
        &mut self,
        problem: &Problem,
        plan: &Plan,
        staged: &Staged<A::High>,
        window: Window,
        out: &mut [A::Low],
        y: &mut [A::High],
    ) -> Result<Task, SolveError> {
        let name = |(pivot, group)| pivot_error(problem, plan, group, window, pivot);
        let task = self.chains::<V>(problem, plan, staged, out, y).map_err(name)?;
        let corner = &mut out[plan.corner()..];
        let suspect = eliminate_corner::<V>(plan.border, &self.diagonal, &mut self.corner, corner)
            .map_err(|pivot| name((pivot, None)))?;
        if self.suspect || suspect || !problem.starts_fully() {
            probe(problem, plan, window, out, &self.diagonal)?;
        }
        Ok(task)
    }
}

/// The factorisation of a lane group; gives what is left to do for a solve.
pub(crate) struct FactorGroup<'a, A: Arithmetic> {
    pub problem: &'a Problem<'a>,
    pub plan: &'a Plan,
    pub window: Window,
    pub scratch: &'a mut Scratch<A>,
    pub out: &'a mut [A::Low],
    /// Where to substitute the staged right-hand sides forward on the way.
    pub unknowns: Option<&'a mut Unknowns<A>>,
}

impl<A: Arithmetic> Kernel<A::Low> for FactorGroup<'_, A> {
    type Output = Result<Task, SolveError>;

    #[inline(always)]
    fn run<V: Lanes<Pack = A::Low>>(self) -> Self::Output {
        let FactorGroup { problem, plan, window, scratch, out, unknowns } = self;
        let Scratch { staged, work } = scratch;
        let y = match unknowns {
            // Only small blocks are substituted forward while they are eliminated.
            Some(unknowns) if in_registers::<V>(plan) => &mut unknowns.y[..],
            _ => &mut [],
        };
        work.run::<V>(problem, plan, staged, window, out, y)
    }
}

/// Names the unknown behind a bad pivot of a group of states, or of the border.
#[cold]
pub(crate) fn pivot_error(
    problem: &Problem,
    plan: &Plan,
    group: Option<usize>,
    window: Window,
    bad: BadPivot,
) -> SolveError {
    let orders = problem.shape.orders;
    let (sample, first) = window.lane(bad.lane);
    let unknown = match group {
        Some(group) => Some((&plan.groups[group], first + bad.step, bad.row)),
        None if bad.row < problem.borders() => None,
        None => plan.groups.iter().find_map(|g| {
            let column = g.border.iter().position(|&c| c == bad.row)?;
            Some((g, plan.chain, column + g.border_column() - g.right?))
        }),
    };
    let Some((group, step, row)) = unknown else {
        return SolveError::Border { sample, unknown: bad.row, slack: plan.slack && bad.row == 0, pivot: bad.relative };
    };
    let (state, order) = (group.states[row / orders], row % orders);
    if bad.pivot.is_finite() && bad.relative.is_finite() {
        SolveError::Singular { sample, step, state, order, pivot: bad.relative }
    } else if bad.pivot == 0.0 {
        // An empty row and column: nothing at all determines the unknown.
        SolveError::Singular { sample, step, state, order, pivot: 0.0 }
    } else {
        SolveError::NonFiniteMatrix { sample, step, state, order }
    }
}
