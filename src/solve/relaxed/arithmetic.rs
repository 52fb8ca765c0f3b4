//! Which precision does what: the factor and its substitutions in the low one, rows and residuals in the high one.

use std::marker::PhantomData;

use super::assemble::Assembly;
use super::convergence::square;
use super::eliminate::{BadPivot, Source};
use super::lane_group::Task;
use super::plan::Plan;
use super::small::{eliminate_small, is_small};
use super::stage::Staged;
use super::substitute::{Chain, Stored, in_registers, substitute};
use super::tiles::{Tiles, eliminate_tiled};
use crate::solve::lanes::{Convert, Lanes, Pack, Pack16, Pair8};

/// A choice of precisions with the same lanes.
pub(crate) trait Arithmetic: Send + 'static {
    type Low: Pack;
    type High: Pack + Convert<<Self::High as Pack>::Exact>;
    /// The share of a solution that may be wrong by what the last correction says; more says that corrections do not settle.
    const UNSETTLED: f64;

    /// The vectors of the high precision that go with those of the low one.
    type Lanes<V: Lanes<Pack = Self::Low>>: Lanes<Pack = Self::High>;

    /// Rows of the normal matrix in the low precision.
    fn fill<V: Lanes<Pack = Self::Low>>(
        assembly: &Assembly<Self::High>,
        t: usize,
        rows: &mut [Self::Low],
        room: &mut Room<Self::Low, Self::High>,
    );

    /// [`substitute`] on numbers of the high precision.
    fn substitute<V: Lanes<Pack = Self::Low>, F: Stored<Self::Low>>(
        chain: Chain<Self::High>,
        factor: F,
        y: &mut [Self::High],
        border: &mut [Self::High],
        room: &mut Room<Self::Low, Self::High>,
        given: (bool, &[Self::High]),
    ) -> bool;

    /// Whether [`substitute`](Self::substitute) takes scales.
    fn scales<V: Lanes<Pack = Self::Low>>(plan: &Plan) -> bool;

    /// [`eliminate_small`] or [`eliminate_tiled`] where there is code for the group's size, and whether a pivot is suspect. `lowered` is room for
    /// what is staged, which the first group fills.
    fn eliminate_unrolled<V: Lanes<Pack = Self::Low>>(
        assembly: &Assembly<Self::High>,
        lowered: &mut Option<Staged<Self::Low>>,
        tiles: &mut Tiles<Self::Low>,
        out: &mut [Self::Low],
        y: &mut [Self::High],
    ) -> Option<Result<(Task, bool), BadPivot>>;

    /// Copies to the low precision.
    fn lower(from: &[Self::High], to: &mut [Self::Low]);

    /// One pack in the low precision.
    fn lanes<V: Lanes<Pack = Self::Low>>(from: &Self::High) -> V;
}

/// Memory for conversions.
pub(crate) struct Room<L, H> {
    scaled: Vec<H>,
    panel: Vec<H>,
    y: Vec<L>,
    border: Vec<L>,
    smooth: Vec<L>,
    rho: Vec<L>,
    /// Two vectors of a step.
    step: Vec<L>,
}

impl<L: Pack, H: Pack> Room<L, H> {
    pub fn new(plan: &Plan, unknowns: usize, steps: usize) -> Self {
        let block = plan.groups.iter().map(|g| g.n).max().unwrap_or(0);
        let panel = plan.groups.iter().map(|g| g.n * g.width).max().unwrap_or(0);
        Room {
            scaled: vec![H::ZERO; block],
            panel: vec![H::ZERO; panel],
            y: vec![L::ZERO; unknowns],
            border: vec![L::ZERO; plan.border],
            smooth: vec![L::ZERO; steps],
            rho: vec![L::ZERO; steps],
            step: vec![L::ZERO; 2 * block],
        }
    }
}

/// One precision for everything.
pub(crate) struct Plain<P>(PhantomData<P>);

impl<P: Pack + Convert<P::Exact>> Arithmetic for Plain<P> {
    type Low = P;
    type High = P;
    // A solution has to have two digits. The largest error of a state is up to twice the estimate, which is of mean squares.
    const UNSETTLED: f64 = 5e-3;
    type Lanes<V: Lanes<Pack = P>> = V;

    #[inline(always)]
    fn fill<V: Lanes<Pack = P>>(assembly: &Assembly<P>, t: usize, rows: &mut [P], room: &mut Room<P, P>) {
        assembly.normal_rows::<V>(t, rows, &mut room.scaled[..assembly.group.n]);
    }

    #[inline(always)]
    fn substitute<V: Lanes<Pack = P>, F: Stored<P>>(
        chain: Chain<P>,
        factor: F,
        y: &mut [P],
        border: &mut [P],
        room: &mut Room<P, P>,
        given: (bool, &[P]),
    ) -> bool {
        substitute::<V, F>(chain, factor, y, border, &mut room.step, given)
    }

    #[inline(always)]
    fn scales<V: Lanes<Pack = P>>(plan: &Plan) -> bool {
        in_registers::<V>(plan)
    }

    #[inline(always)]
    fn eliminate_unrolled<V: Lanes<Pack = P>>(
        assembly: &Assembly<P>,
        _: &mut Option<Staged<P>>,
        tiles: &mut Tiles<P>,
        out: &mut [P],
        y: &mut [P],
    ) -> Option<Result<(Task, bool), BadPivot>> {
        eliminate_in_parts::<V>(assembly, tiles, out, y)
    }

    #[inline(always)]
    fn lower(from: &[P], to: &mut [P]) {
        to.copy_from_slice(from);
    }

    #[inline(always)]
    fn lanes<V: Lanes<Pack = P>>(from: &P) -> V {
        V::load(from)
    }
}

/// [`eliminate_in_registers`] of one part of the lanes after the other.
#[inline(always)]
fn eliminate_in_parts<V: Lanes>(
    assembly: &Assembly<V::Pack>,
    tiles: &mut Tiles<V::Pack>,
    out: &mut [V::Pack],
    y: &mut [V::Pack],
) -> Option<Result<(Task, bool), BadPivot>> {
    if !V::UNROLLED || !assembly.problem.data.places.is_empty() {
        return None;
    }
    let done = eliminate_in_registers::<V::First>(assembly, tiles, out, y)?;
    if V::IN_PARTS
        && let Ok((_, first)) = done
    {
        let second = eliminate_in_registers::<V::Second>(assembly, tiles, out, y)?;
        return Some(second.map(|(task, suspect)| (task, suspect || first)));
    }
    Some(done)
}

/// [`eliminate_small`] or [`eliminate_tiled`] of the lanes of `V`, where there is code for the group's size.
#[inline(always)]
fn eliminate_in_registers<V: Lanes>(
    assembly: &Assembly<V::Pack>,
    tiles: &mut Tiles<V::Pack>,
    out: &mut [V::Pack],
    y: &mut [V::Pack],
) -> Option<Result<(Task, bool), BadPivot>> {
    let group = assembly.group;
    let task = if y.is_empty() { Task::Forward } else { Task::Forwarded };
    match group.n {
        3 if is_small(group, 3) => Some(eliminate_small::<V, 3>(assembly, 0, out, y).map(|suspect| (task, suspect))),
        4 if is_small(group, 4) => Some(eliminate_small::<V, 4>(assembly, 0, out, y).map(|suspect| (task, suspect))),
        _ => eliminate_tiled::<V>(assembly, tiles, out).map(|done| done.map(|suspect| (Task::Forward, suspect))),
    }
}

/// Factor in `f32`, everything else in `f64`.
pub(crate) struct Mixed;

impl Arithmetic for Mixed {
    type Low = Pack16;
    type High = Pair8;
    // A factor in single precision converges where the condition number of the rows is below some thousands; corrections at the rounding level
    // of double precision are then far below this. What is slower is for a factor in double precision.
    const UNSETTLED: f64 = 1e-10;
    type Lanes<V: Lanes<Pack = Pack16>> = V::Exact;

    #[inline(always)]
    fn fill<V: Lanes<Pack = Pack16>>(
        assembly: &Assembly<Pair8>,
        t: usize,
        rows: &mut [Pack16],
        room: &mut Room<Pack16, Pair8>,
    ) {
        let panel = &mut room.panel[..rows.len()];
        assembly.normal_rows::<V::Exact>(t, panel, &mut room.scaled[..assembly.group.n]);
        Self::lower(panel, rows);
    }

    #[inline(always)]
    fn substitute<V: Lanes<Pack = Pack16>, F: Stored<Pack16>>(
        chain: Chain<Pair8>,
        factor: F,
        y: &mut [Pair8],
        border: &mut [Pair8],
        room: &mut Room<Pack16, Pair8>,
        _: (bool, &[Pair8]),
    ) -> bool {
        // Near 1, so that single precision holds the numbers whatever their unit.
        let (up, down) = powers(square::<V::Exact>(y, border));
        for (from, to) in [(&mut *y, &mut room.y), (&mut *border, &mut room.border)] {
            multiply::<V::Exact>(from, &down);
            Self::lower(from, to);
        }
        Self::lower(chain.smooth, &mut room.smooth);
        Self::lower(chain.rho, &mut room.rho);
        let chain = Chain {
            plan: chain.plan,
            states: chain.states,
            orders: chain.orders,
            smooth: &room.smooth,
            rho: &room.rho,
        };
        let finite = substitute::<V, F>(chain, factor, &mut room.y, &mut room.border, &mut room.step, (false, &[]));
        for (from, to) in [(&room.y, y), (&room.border, border)] {
            raise(from, to);
            multiply::<V::Exact>(to, &up);
        }
        finite
    }

    #[inline(always)]
    fn scales<V: Lanes<Pack = Pack16>>(_: &Plan) -> bool {
        false
    }

    #[inline(always)]
    fn eliminate_unrolled<V: Lanes<Pack = Pack16>>(
        assembly: &Assembly<Pair8>,
        lowered: &mut Option<Staged<Pack16>>,
        tiles: &mut Tiles<Pack16>,
        out: &mut [Pack16],
        _: &mut [Pair8],
    ) -> Option<Result<(Task, bool), BadPivot>> {
        let Assembly { problem, plan, group, staged } = *assembly;
        if !V::UNROLLED || plan.border > 0 || problem.scheme.central {
            return None;
        }
        // The rows are assembled in the low precision too: another rounding beside that of the factor, which corrections mend alike.
        let lowered = lowered.get_or_insert_with(|| Staged::new(problem, staged.steps()));
        if group.start == 0 {
            lowered.lower(staged, Self::lower);
        }
        let assembly = Assembly { problem, plan, group, staged: &*lowered };
        eliminate_in_parts::<V>(&assembly, tiles, out, &mut [])
    }

    #[inline(always)]
    fn lower(from: &[Pair8], to: &mut [Pack16]) {
        for (to, x) in to.iter_mut().zip(from) {
            *to = x.convert();
        }
    }

    #[inline(always)]
    fn lanes<V: Lanes<Pack = Pack16>>(from: &Pair8) -> V {
        V::load(&from.convert())
    }
}

/// A power of two of the size of the numbers with this sum of squares, lane by lane, and its inverse; 1 where there is none.
#[inline(always)]
fn powers<V: Lanes<Pack = Pair8>>(squares: V) -> (Pair8, Pair8) {
    let (mut up, mut down) = (Pair8::ZERO, Pair8::ZERO);
    squares.store(&mut up);
    for lane in 0..Pair8::WIDTH {
        let square = up.lane(lane);
        let power = if square.is_normal() { (0.5 * square.log2()).round().exp2() } else { 1.0 };
        up.set_lane(lane, power);
        down.set_lane(lane, 1.0 / power);
    }
    (up, down)
}

#[inline(always)]
fn multiply<V: Lanes>(numbers: &mut [V::Pack], by: &V::Pack) {
    let by = V::load(by);
    for x in numbers {
        V::load(x).mul(by).store(x);
    }
}

#[inline(always)]
fn raise(from: &[Pack16], to: &mut [Pair8]) {
    for (to, x) in to.iter_mut().zip(from) {
        *to = x.convert();
    }
}

/// The rows of an assembly in the low precision of `A`.
pub(crate) struct Filled<'a, A: Arithmetic> {
    pub assembly: Assembly<'a, A::High>,
    pub room: &'a mut Room<A::Low, A::High>,
}

impl<A: Arithmetic> Source<A::Low> for Filled<'_, A> {
    #[inline(always)]
    fn fill<V: Lanes<Pack = A::Low>>(&mut self, t: usize, rows: &mut [A::Low]) {
        A::fill::<V>(&self.assembly, t, rows, self.room);
    }

    #[inline(always)]
    fn coupling<V: Lanes<Pack = A::Low>>(&self, t: usize, to: &mut [A::Low]) {
        let Assembly { plan, group, staged, problem } = self.assembly;
        let (n, k, states) = (group.n, problem.shape.orders, problem.shape.states);
        for (local, &d) in group.states.iter().enumerate() {
            let mut p = A::lanes::<V>(&staged.smooth[(t + 1) * states + d]);
            let rho = A::lanes::<V>(&staged.rho[(t + 1) * states + d]);
            for i in 0..k {
                for j in 0..k {
                    let x = p.mul(V::splat(plan.rows.at_next[j * k + i]));
                    x.store(&mut to[(local * k + j) * n + local * k + i]);
                }
                p = p.mul(rho);
            }
        }
    }
}
