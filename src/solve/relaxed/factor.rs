//! Factors of the normal matrices of a batch.

use rayon::prelude::*;

use super::arithmetic::{Arithmetic, Filled, Mixed, Plain, Room};
use super::assemble::{Assembly, border_rows};
use super::blocks::eliminate_blocks;
use super::eliminate::{BadPivot, Panel, eliminate, eliminate_corner};
use super::error::SolveError;
use super::lane_group::{Task, Unknowns};
use super::plan::{Group, Plan};
use super::pool::{Lease, Pool};
use super::probe::probe;
use super::problem::{Method, Precision, Problem, Scheme, Shape};
use super::qr::factor_sample;
use super::segments::{Segments, worth_cutting};
use super::shared::{is_shared, unscale_propagators};
use super::small::{is_small, propagators};
use super::stage::{Pieces, Staged, Window};
use super::substitute::{Chain, in_registers};
use super::tiles::Tiles;
use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8, Pack16};

/// The factored normal matrices of a batch, or the one factor that all its samples share.
#[derive(Debug, Clone)]
pub struct Factor {
    pub(crate) shape: Shape,
    pub(crate) scheme: Scheme,
    pub(crate) plan: Plan,
    pub(crate) storage: Storage,
    /// Whether the factor serves every sample.
    pub(crate) common: bool,
    /// Of a common factor, for each group of small blocks.
    pub(crate) propagators: Vec<Vec<f64>>,
    /// The same for unknowns that are not scaled, where solves go the way of [`super::shared`].
    pub(crate) unscaled: Vec<f64>,
    /// Working memory of this plan.
    pub(crate) pool: Pool,
}

#[derive(Debug, Clone)]
pub(crate) enum Storage {
    /// One sample, or all have the same matrix.
    Narrow(Vec<f64>),
    /// Eight samples to a lane group.
    Wide(Vec<Pack8>),
    /// Sixteen samples to a lane group.
    Single(Vec<Pack16>),
    /// Few samples, each cut in time.
    Segments(Box<Segments>),
}

/// Factors the systems of a problem. Its right-hand sides, initial values and data are not read.
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
        propagators: Vec::new(),
        unscaled: Vec::new(),
        pool: Pool::default(),
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
        self.renew(problem);
        self.fill(problem)
    }

    /// Makes the plan of a problem.
    pub(crate) fn renew(&mut self, problem: &Problem) {
        let plan = Plan::new(problem);
        if self.shape != problem.shape
            || self.scheme != problem.scheme
            || self.plan.groups != plan.groups
            || self.plan.data_start != plan.data_start
        {
            self.pool.clear();
        }
        self.shape = problem.shape;
        self.scheme = problem.scheme;
        self.plan = plan;
        self.common = problem.constant_matrix();
        self.propagators = Vec::new();
        self.unscaled = Vec::new();
    }

    /// Whether one factor serves any number of right-hand sides.
    pub fn is_constant(&self) -> bool {
        self.common
    }

    /// States that are solved together, each set ascending.
    pub fn state_groups(&self) -> Vec<Vec<usize>> {
        self.plan.groups.iter().map(|g| g.states.clone()).collect()
    }

    pub(crate) fn fill(&mut self, problem: &Problem) -> Result<(), SolveError> {
        let batch = if self.common { 1 } else { problem.shape.batch };
        let len = |width: usize| self.plan.len * batch.div_ceil(width);
        if problem.scheme.method == Method::Qr {
            return self.fill_by_rows(problem, batch);
        }
        if worth_cutting(problem, &self.plan) {
            self.storage = Storage::Segments(Box::new(Segments::factor(problem)?));
            return Ok(());
        }
        match problem.scheme.precision {
            Precision::Double if !self.common && batch > 1 => {
                let len = len(Pack8::WIDTH);
                factor_batch::<Plain<Pack8>>(problem, (&self.plan, &self.pool), batch, wide(&mut self.storage, len))?;
            }
            Precision::Single if !self.common => {
                let len = len(Pack16::WIDTH);
                factor_batch::<Plain<Pack16>>(
                    problem,
                    (&self.plan, &self.pool),
                    batch,
                    single(&mut self.storage, len),
                )?;
            }
            Precision::Mixed if !self.common => {
                let (low, high) = (len(Pack16::WIDTH), len(Pack8::WIDTH));
                let made =
                    factor_batch::<Mixed>(problem, (&self.plan, &self.pool), batch, single(&mut self.storage, low));
                if made.is_err() {
                    // What is singular or not finite in `f32` need not be so.
                    factor_batch::<Plain<Pack8>>(
                        problem,
                        (&self.plan, &self.pool),
                        batch,
                        wide(&mut self.storage, high),
                    )?;
                }
            }
            // One sample, or a matrix that all samples share, which costs nothing to factor in double precision.
            _ => {
                let len = len(1);
                factor_batch::<Plain<f64>>(problem, (&self.plan, &self.pool), batch, narrow(&mut self.storage, len))?;
                if self.common {
                    self.propagate(problem);
                }
            }
        }
        Ok(())
    }

    /// Factors the rows of each sample, one after the other, and rounds the factors to the precision asked for.
    fn fill_by_rows(&mut self, problem: &Problem, batch: usize) -> Result<(), SolveError> {
        let plan = &self.plan;
        let one = Problem { shape: Shape { batch, ..problem.shape }, ..*problem };
        let factors: Vec<Result<Vec<f64>, SolveError>> = (0..batch)
            .into_par_iter()
            .map_init(
                || Staged::<f64>::new(&one, one.shape.steps),
                |staged, sample| {
                    let window = Window::of_group::<f64>(sample, &one.shape);
                    staged.load_matrix(&one, window);
                    factor_sample(&one, plan, staged, window)
                },
            )
            .collect();
        let factors = factors.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.storage = match problem.scheme.precision {
            Precision::Double if !self.common => Storage::Wide(pack(plan.len, &factors)),
            Precision::Single | Precision::Mixed if !self.common => Storage::Single(pack(plan.len, &factors)),
            _ => Storage::Narrow(factors.concat()),
        };
        if self.common {
            self.propagate(problem);
        }
        Ok(())
    }

    /// Makes the propagators of a common factor.
    fn propagate(&mut self, problem: &Problem) {
        let Storage::Narrow(factor) = &self.storage else { return };
        let mut staged = Staged::<f64>::new(problem, problem.shape.steps);
        let one = Problem { shape: Shape { batch: 1, ..problem.shape }, ..*problem };
        staged.load_matrix(&one, Window::of_group::<f64>(0, &one.shape));
        let Shape { states, orders, .. } = problem.shape;
        let chain = Chain { plan: &self.plan, states, orders, smooth: &staged.smooth, rho: &staged.rho };
        let of_group = |group: &Group| f64::dispatch(Propagators { chain, group, factor });
        self.propagators = self.plan.groups.iter().map(of_group).collect();
        if let [propagators] = &self.propagators[..]
            && is_shared(problem, &self.plan)
        {
            self.unscaled = unscale_propagators(propagators, &staged.unscale, orders);
        }
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
        if problem.border.width != self.plan.own {
            return differs("border");
        }
        Ok(())
    }
}

/// Factors of single samples, each in its lane; lanes beyond the last sample repeat it.
fn pack<P: Pack>(len: usize, factors: &[Vec<f64>]) -> Vec<P> {
    let mut to = vec![P::ZERO; len * factors.len().div_ceil(P::WIDTH)];
    for (group, lanes) in to.chunks_exact_mut(len.max(1)).zip(factors.chunks(P::WIDTH)) {
        for (i, pack) in group.iter_mut().enumerate() {
            for lane in 0..P::WIDTH {
                pack.set_lane(lane, lanes[lane.min(lanes.len() - 1)][i]);
            }
        }
    }
    to
}

macro_rules! values_of {
    ($name:ident, $variant:ident, $pack:ty) => {
        /// The memory of a storage of this kind; that of another kind is given up.
        pub(crate) fn $name(storage: &mut Storage, len: usize) -> &mut [$pack] {
            if !matches!(storage, Storage::$variant(_)) {
                *storage = Storage::$variant(Vec::new());
            }
            match storage {
                Storage::$variant(values) => {
                    values.resize(len, <$pack as Pack>::ZERO);
                    values
                }
                _ => &mut [],
            }
        }
    };
}

values_of!(narrow, Narrow, f64);
values_of!(wide, Wide, Pack8);
values_of!(single, Single, Pack16);

/// The propagators of a group, as a kernel so that products are fused as in the solve.
struct Propagators<'a> {
    chain: Chain<'a, f64>,
    group: &'a Group,
    factor: &'a [f64],
}

impl Kernel<f64> for Propagators<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<V: Lanes<Pack = f64>>(self) -> Vec<f64> {
        let Propagators { chain, group, factor } = self;
        let mut out = Vec::new();
        match group.n {
            3 if is_small(group, 3) => propagators::<V, 3>(chain, group, factor, &mut out),
            4 if is_small(group, 4) => propagators::<V, 4>(chain, group, factor, &mut out),
            _ => (),
        }
        out
    }
}

fn factor_batch<A: Arithmetic>(
    problem: &Problem,
    (plan, pool): (&Plan, &Pool),
    batch: usize,
    values: &mut [A::Low],
) -> Result<(), SolveError> {
    let cut = Pieces::new::<A::Low>(batch);
    let one = Problem { shape: Shape { batch, ..problem.shape }, ..*problem };
    let failures: Vec<Option<SolveError>> = values
        .par_chunks_mut(plan.len * cut.groups)
        .enumerate()
        .map_init(
            || Scratch::<A>::take(problem, plan, pool),
            |scratch, (piece, out)| {
                cut.range(piece).zip(out.chunks_exact_mut(plan.len)).find_map(|(index, out)| {
                    let window = Window::of_group::<A::Low>(index, &one.shape);
                    scratch.staged.load_matrix(&one, window);
                    let made =
                        A::Low::dispatch(FactorGroup { problem: &one, plan, window, scratch, out, unknowns: None });
                    made.err()
                })
            },
        )
        .collect();
    failures.into_iter().flatten().next().map_or(Ok(()), Err)
}

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
                && plan.ends == super::plan::Ends::Periodic
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
