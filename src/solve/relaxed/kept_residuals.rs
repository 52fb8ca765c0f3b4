//! The residuals of a solution, more exactly than it tells them.
//!
//! Gradients are made of residuals times squared weights. Those of rows of large weight are smaller than a rounding unit of the solution that they belong
//! to, so that none in double precision tells them; they follow from those of the other rows, since all together they are orthogonal to the rows,
//! `A^T W^2 r = -gamma alpha e_eps`. So the residual of the given solution is taken with twice the digits, kept as numbers of its own and corrected until
//! they are.

use super::arithmetic::Arithmetic;
use super::convergence::{Series, is_done};
use super::lane_group::Unknowns;
use super::plan::Plan;
use super::problem::{Problem, Shape};
use super::rescue::SETTLED;
use super::residual::RowsOf;
use super::row_sums::{Compensated, KeptRows, Start};
use super::stage::Staged;
use super::substitute::{Chain, Stored};
use super::vectors::{bump, scale_by};
use crate::solve::lanes::{Kernel, Lanes, Pack};

/// Residuals are corrected so often at most, or as often as the solution if that is more.
const CORRECTIONS: usize = 10;

/// Leaves the residuals of the solution in the unknowns' `y` and `border` in their `residuals`, and in `unsettled` a lane whose corrections do not settle.
pub(crate) struct KeptResiduals<'a, A: Arithmetic, F> {
    pub problem: &'a Problem<'a>,
    pub plan: &'a Plan,
    pub staged: &'a Staged<A::High>,
    pub factor: F,
    pub unknowns: &'a mut Unknowns<A>,
}

impl<A: Arithmetic, F: Stored<A::Low>> Kernel<A::Low> for KeptResiduals<'_, A, F> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = A::Low>>(self) {
        let KeptResiduals { problem, plan, staged, factor, unknowns } = self;
        let Unknowns { y, border, correction, correction_border, residuals, room, refinements, unsettled, .. } =
            unknowns;
        let push = problem.scheme.slack.map_or(0.0, |s| s.gamma * s.alpha);
        let Shape { states, orders, .. } = problem.shape;
        let chain = Chain { plan, states, orders, smooth: &staged.smooth, rho: &staged.rho };
        let rows = RowsOf { problem, plan, staged };
        correction.copy_from_slice(y);
        correction_border.copy_from_slice(border);
        let mut kept = KeptRows::new(Start::Given, residuals);
        rows.residuals_as::<A::Lanes<V>, Compensated<_>>(&mut kept, (correction, correction_border), (y, border));
        let mut progress = Progress::<A::High>::new();
        // A single correction of the solution is followed by a single one of its residuals.
        let most = if *refinements == 1 { 1 } else { CORRECTIONS.max(*refinements) };
        for _ in 0..most {
            if plan.slack {
                bump(&mut border[0], A::Lanes::<V>::splat(push));
            }
            A::substitute::<V, F>(chain, factor, y, border, room, (false, &[]));
            scale_by::<A::Lanes<V>>(y, &staged.unscale);
            progress.leave_settled::<A::Lanes<V>>(y, border);
            correction.copy_from_slice(y);
            correction_border.copy_from_slice(border);
            let mut kept = KeptRows::new(Start::Kept, residuals);
            rows.residuals::<A::Lanes<V>>(&mut kept, (correction, correction_border), (y, border));
            if !progress.note::<A::Lanes<V>>(kept.changes, kept.sizes) {
                break;
            }
        }
        // It tells no rate.
        *unsettled = if most == 1 { None } else { progress.unsettled() };
    }
}

/// How far residuals times squared weights still change, lane by lane, so that no sample depends on its neighbours. All sizes are squared.
struct Progress<P> {
    /// 1 in lanes that are still corrected, 0 in the others.
    open: P,
    /// The largest size of a correction or of what it has led to.
    largest: P,
    /// The last correction,
    last: P,
    /// as a share of what it has led to,
    share: P,
    /// and of the one before it. A first one is taken to gain what it is smaller than the whole.
    rate: P,
}

impl<P: Pack> Progress<P> {
    fn new() -> Self {
        let mut open = P::ZERO;
        (0..P::WIDTH).for_each(|lane| open.set_lane(lane, 1.0));
        Progress { open, largest: P::ZERO, last: P::ZERO, share: P::ZERO, rate: P::ZERO }
    }

    /// Sets the corrections of lanes that need none to zero.
    #[inline(always)]
    fn leave_settled<V: Lanes<Pack = P>>(&self, y: &mut [P], border: &mut [P]) {
        let open = V::load(&self.open);
        for x in y.iter_mut().chain(border) {
            V::load(x).mul(open).store(x);
        }
    }

    /// Takes note of a correction; says whether any lane needs another, by the rule for solutions.
    #[inline(always)]
    fn note<V: Lanes<Pack = P>>(&mut self, changes: V, sizes: V) -> bool {
        let (mut change, mut size) = (P::ZERO, P::ZERO);
        changes.store(&mut change);
        sizes.store(&mut size);
        let mut any = false;
        for lane in 0..P::WIDTH {
            if self.open.lane(lane) == 0.0 {
                continue;
            }
            let (change, size, last) = (change.lane(lane), size.lane(lane), self.last.lane(lane));
            let share = change / size;
            let rate = if last > 0.0 { change / last } else { share };
            // A first one that is nearly all of what it leads to is not the last. What is no number is found elsewhere.
            let first = last == 0.0 && share > 0.5;
            if change == 0.0 || !share.is_finite() || !first && is_done(share, rate, P::EPSILON) {
                self.open.set_lane(lane, 0.0);
            }
            self.largest.set_lane(lane, self.largest.lane(lane).max(size).max(change));
            self.last.set_lane(lane, change);
            self.share.set_lane(lane, share);
            self.rate.set_lane(lane, rate);
            any |= self.open.lane(lane) != 0.0;
        }
        any
    }

    /// The lane of whose residuals most is still wrong, and how much as a share of them, where that is more than [`SETTLED`] allows. Residuals that
    /// vanish are never right as a share of themselves: there it is one of what they came from.
    fn unsettled(&self) -> Option<(usize, f64)> {
        let left = |lane: usize| {
            let [rate, share, last, largest] =
                [&self.rate, &self.share, &self.last, &self.largest].map(|of| of.lane(lane).sqrt());
            let of_largest = if largest > 0.0 { last / largest } else { 0.0 };
            Series { last: share.min(of_largest), rate }.left()
        };
        let worst = (0..P::WIDTH).map(|lane| (lane, left(lane))).max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(worst).filter(|(_, left)| *left > SETTLED && left.is_finite())
    }
}
