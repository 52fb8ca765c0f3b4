//! When a solve needs no further correction.

use super::rescue::SETTLED;
use crate::solve::lanes::{Convert, Lanes, Pack};

/// Solves are corrected so often more than asked for, where that helps: it costs a small part of what a factor of the rows does.
const FURTHER: usize = 20;
/// That is done until no more than this is wrong, so that they are no worse than what the rows make of them.
const LEFT: f64 = 1e-3 * SETTLED;
/// The slowest rate at which further corrections help. Corrections that are rounding errors are about as large as those before.
const GAINS: f64 = 0.5;

/// Sizes of the corrections of a lane group so far, lane by lane, so that no sample depends on its neighbours.
///
/// The size of `z` is its norm in unknowns times `h^k`, in which a factor has its rounding errors. In unknowns as they are high derivatives count for more: that
/// norm, in which results are read, says whether more has to be done as well, as long as corrections gain in it. What gradients need of an adjoint
/// solution `z` are the products `A z` with the rows, in which the part of `z` that is hardest to tell does not show: there `|A z|`, whose square is
/// `z g` for the right-hand side `g` of the normal equations, counts too, and the larger share decides.
pub(crate) struct Convergence<P: Pack> {
    /// Squared sizes of the uncorrected solution. Squares of single precision would be infinite or zero much earlier than its numbers.
    whole: P::Exact,
    whole_of_rows: P::Exact,
    /// Squared size of the last correction as a share of the solution's; before the first one 1.
    last: P::Exact,
    /// The same of the one before it.
    before: P::Exact,
    /// The three in unknowns as they are.
    own: [P::Exact; 3],
    /// 1 in lanes that are still corrected, 0 in the others.
    open: P,
    /// 1 in lanes whose corrections are taken, 0 in those where they grow.
    taken: P,
}

/// Whether a lane needs no correction after one of squared norm `now`, in units of the squared solution, where `ratio` is the gain on the
/// correction before. It needs none where the next one would be a tenth of a rounding unit if it gained as much, or where nothing is
/// gained any more: then corrections are rounding errors. A few digits from the rounding level that is so wherever a correction gains less
/// than a factor of two, since rounding errors are as often smaller as larger than those before.
pub(crate) fn is_done(now: f64, ratio: f64, epsilon: f64) -> bool {
    let Stops { settled, near, stalled_near, stalled } = Stops::of(epsilon);
    now * ratio <= settled || ratio > if now < near { stalled_near } else { stalled }
}

/// The numbers of the rule by which corrections end, of squared norms in units of the squared solution.
pub(crate) struct Stops {
    /// A next correction below this is nothing.
    pub settled: f64,
    /// Below this a correction is a few digits from the rounding level,
    pub near: f64,
    /// where this gain is none any more,
    pub stalled_near: f64,
    /// and elsewhere this one.
    pub stalled: f64,
}

impl Stops {
    /// For residuals with this rounding unit.
    pub const fn of(epsilon: f64) -> Stops {
        Stops { settled: 0.01 * epsilon * epsilon, near: 1e8 * epsilon * epsilon, stalled_near: 0.25, stalled: 0.8 }
    }
}

impl<P: Pack + Convert<P::Exact>> Convergence<P> {
    pub fn new() -> Self {
        let zero = <P::Exact as Pack>::ZERO;
        let own = [zero; 3];
        Convergence { whole: zero, whole_of_rows: zero, last: zero, before: zero, own, open: P::ZERO, taken: P::ZERO }
    }

    /// Takes note of the uncorrected solution, in scaled unknowns which `unscale` makes those that they are, and of what was solved for where its products with
    /// the rows count.
    #[inline(always)]
    pub fn start<V: Lanes<Pack = P>>(&mut self, (y, border): (&[P], &[P]), given: Option<(&[P], &[P])>, unscale: &[P]) {
        let [scaled, own] = squares::<V>(y, border, unscale);
        scaled.store(&mut self.whole);
        own.store(&mut self.own[0]);
        if let Some((of_y, of_border)) = given {
            dot::<V>((y, border), (of_y, of_border)).store(&mut self.whole_of_rows);
        }
        <V::Exact as Lanes>::splat(1.0).store(&mut self.last);
        <V::Exact as Lanes>::splat(1.0).store(&mut self.own[1]);
        V::splat(1.0).store(&mut self.open);
        V::splat(1.0).store(&mut self.taken);
    }

    /// Takes note of a correction, in scaled unknowns, and of what it was solved for as in [`Convergence::start`], and sets it to zero in lanes that
    /// need none or where it is larger than the one before. Says whether any needs another; with `beyond` it is so many beyond those asked for, and
    /// only lanes that gain go on.
    #[inline(always)]
    pub fn correct<V: Lanes<Pack = P>>(
        &mut self,
        (y, border): (&mut [P], &mut [P]),
        given: Option<(&[P], &[P])>,
        unscale: &[P],
        beyond: Option<usize>,
    ) -> bool {
        let (mut now, mut own) = (<P::Exact as Pack>::ZERO, <P::Exact as Pack>::ZERO);
        let [scaled, of_own] = squares::<V>(y, border, unscale);
        scaled.store(&mut now);
        of_own.store(&mut own);
        let mut of_rows = <P::Exact as Pack>::ZERO;
        if let Some((of_y, of_border)) = given {
            dot::<V>((y, border), (of_y, of_border)).store(&mut of_rows);
        }
        // Where both are zero there is nothing to correct.
        let share = |now: f64, whole: f64| if now == 0.0 { 0.0 } else { now / whole };
        let mut any = false;
        for lane in 0..P::WIDTH {
            let size = share(now.lane(lane), self.whole.lane(lane))
                .max(share(of_rows.lane(lane), self.whole_of_rows.lane(lane)).abs());
            let last = self.last.lane(lane);
            if self.open.lane(lane) == 0.0 {
                self.taken.set_lane(lane, 0.0);
                continue;
            }
            let done = size == 0.0 || is_done(size, size / last, P::EPSILON);
            if done {
                self.open.set_lane(lane, 0.0);
            }
            if size > last {
                self.taken.set_lane(lane, 0.0);
            }
            self.before.set_lane(lane, last);
            self.last.set_lane(lane, size);
            let [whole, of_last, of_before] = &mut self.own;
            of_before.set_lane(lane, of_last.lane(lane));
            // What is left of one that is done are rounding errors in scaled unknowns, whatever they are in others.
            of_last.set_lane(lane, if done { 0.0 } else { share(own.lane(lane), whole.lane(lane)) });
            if beyond.is_some_and(|more| more >= FURTHER || !self.goes_on(lane)) {
                self.open.set_lane(lane, 0.0);
            }
            any |= self.open.lane(lane) > 0.0;
        }
        let taken = V::load(&self.taken);
        for x in y.iter_mut().chain(border) {
            V::load(x).mul(taken).store(x);
        }
        any
    }

    /// Whether a lane gains that has been corrected as often as asked for, and more than [`LEFT`] of it is wrong.
    fn goes_on(&self, lane: usize) -> bool {
        let rate = (self.last.lane(lane) / self.before.lane(lane)).sqrt();
        let left = if rate < GAINS { self.left(lane, GAINS) } else { 0.0 };
        P::EPSILON <= f64::EPSILON && left.max(self.left_of_own(lane)) > LEFT
    }

    /// A lane whose right-hand side single precision has taken for zero, and all of its solution; or whose solution is so small or large that squares of
    /// its corrections say nothing.
    pub fn vanished<H: Pack>(&self, given: &[&[H]]) -> Option<(usize, f64)> {
        // Beyond single precision a solution is infinite, which is found elsewhere.
        let most = if H::EPSILON > f64::EPSILON { f64::INFINITY } else { 1e270 };
        let lost = |lane: &usize| {
            let solved_for = || given.iter().flat_map(|part| part.iter()).any(|x| x.lane(*lane) != 0.0);
            let whole = self.whole.lane(*lane);
            (whole < 1e-270 || whole > most) && solved_for()
        };
        (0..P::WIDTH).find(lost).map(|lane| (lane, 1.0))
    }

    /// What is left after the last correction of a lane, as a share of its solution. Corrections are taken to go on as a geometric series at the rate of the last
    /// one, at most the `slowest`: what is left is the sum of all that are not made.
    fn left(&self, lane: usize, slowest: f64) -> f64 {
        match self.last.lane(lane) {
            0.0 => 0.0,
            last => {
                let rate = (last / self.before.lane(lane)).sqrt().min(slowest);
                last.sqrt() * rate / (1.0 - rate)
            }
        }
    }

    /// The same in unknowns as they are, 0 where nothing is gained in them: high derivatives may have rounding errors that nothing takes away.
    fn left_of_own(&self, lane: usize) -> f64 {
        let [_, last, before] = self.own.each_ref().map(|own| own.lane(lane));
        let rate = (last / before).sqrt();
        if rate < GAINS && last.is_finite() { last.sqrt() * rate / (1.0 - rate) } else { 0.0 }
    }

    /// The lane of which most is still wrong, and how much that is as a share of its solution, where it is larger than `allowed`, or in unknowns as they are
    /// than [`SETTLED`].
    pub fn unsettled(&self, allowed: f64, slowest: f64) -> Option<(usize, f64)> {
        let exact = P::EPSILON <= f64::EPSILON;
        let share = |lane: usize| {
            let own = if exact { self.left_of_own(lane) } else { 0.0 };
            match self.left(lane, slowest) {
                left if left > allowed => left.max(own),
                _ if own > SETTLED => own,
                _ => 0.0,
            }
        };
        let worst = (0..P::WIDTH).map(|lane| (lane, share(lane))).max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(worst).filter(|(_, share)| *share > 0.0)
    }
}

/// The sums of squares in double precision, lane by lane, of scaled unknowns and of those that `unscale` makes of them.
#[inline(always)]
fn squares<V: Lanes>(y: &[V::Pack], border: &[V::Pack], unscale: &[V::Pack]) -> [V::Exact; 2]
where
    V::Pack: Convert<<V::Pack as Pack>::Exact>,
{
    let (mut scaled, mut own) = (square::<V>(&[], border), V::Exact::splat(0.0));
    own = own.add(scaled);
    for (x, by) in y.iter().zip(unscale) {
        let (x, by): (<V::Pack as Pack>::Exact, <V::Pack as Pack>::Exact) = (x.convert(), by.convert());
        let x = V::Exact::load(&x);
        scaled = x.mul_add(x, scaled);
        let x = x.mul(V::Exact::load(&by));
        own = x.mul_add(x, own);
    }
    [scaled, own]
}

/// The sum of squares in double precision, lane by lane.
#[inline(always)]
pub(crate) fn square<V: Lanes>(y: &[V::Pack], border: &[V::Pack]) -> V::Exact
where
    V::Pack: Convert<<V::Pack as Pack>::Exact>,
{
    let mut sum = V::Exact::splat(0.0);
    for x in y.iter().chain(border) {
        let exact: <V::Pack as Pack>::Exact = x.convert();
        let x = V::Exact::load(&exact);
        sum = x.mul_add(x, sum);
    }
    sum
}

/// The sum of products in double precision, lane by lane.
#[inline(always)]
fn dot<V: Lanes>((x, x_border): (&[V::Pack], &[V::Pack]), (y, y_border): (&[V::Pack], &[V::Pack])) -> V::Exact
where
    V::Pack: Convert<<V::Pack as Pack>::Exact>,
{
    let mut sum = V::Exact::splat(0.0);
    for (x, y) in x.iter().zip(y).chain(x_border.iter().zip(y_border)) {
        let (x, y): (<V::Pack as Pack>::Exact, <V::Pack as Pack>::Exact) = (x.convert(), y.convert());
        sum = V::Exact::load(&x).mul_add(V::Exact::load(&y), sum);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solve::lanes::{Kernel, Pack8};

    struct Corrections;

    impl Kernel<Pack8> for Corrections {
        type Output = (Vec<bool>, Vec<Pack8>);

        fn run<V: Lanes<Pack = Pack8>>(self) -> Self::Output {
            // Lane 0 gains eight digits with each correction, lane 1 one, lane 2 none after the first, the others are zero.
            let lanes = |x: [f64; 3]| Pack8([x[0], x[1], x[2], 0.0, 0.0, 0.0, 0.0, 0.0]);
            let mut it = Convergence::new();
            let unscale = [lanes([1.0; 3])];
            it.start::<V>((&[lanes([1.0, 1.0, 1.0])], &[]), None, &unscale);
            let (mut more, mut seen) = (Vec::new(), Vec::new());
            let all = [[1e-8, 0.1, 1e-3], [1e-16, 1e-2, 1e-3], [1e-17, 1e-3, 1e-3], [0.0, 2e-3, 0.0]];
            for x in all {
                let mut y = [lanes(x)];
                more.push(it.correct::<V>((&mut y, &mut []), None, &unscale, None));
                seen.push(y[0]);
            }
            (more, seen)
        }
    }

    /// Corrections of two unknowns, of which the second counts for 1e4 as it is.
    struct Beyond;

    impl Kernel<Pack8> for Beyond {
        type Output = (Vec<bool>, Vec<f64>, Option<(usize, f64)>);

        fn run<V: Lanes<Pack = Pack8>>(self) -> Self::Output {
            // Lane 0 gains a hundred times with each correction, in what is hardly seen in scaled unknowns; lane 1 does so no more after the second; lane 2 is
            // nearly right at once.
            let lanes = |x: [f64; 3]| Pack8([x[0], x[1], x[2], 0.0, 0.0, 0.0, 0.0, 0.0]);
            let unscale = [lanes([1.0; 3]), lanes([1e4; 3])];
            let mut it = Convergence::new();
            it.start::<V>((&[lanes([1.0; 3]), lanes([1e-4; 3])], &[]), None, &unscale);
            let (mut more, mut taken) = (Vec::new(), vec![0.0; 3]);
            let all = [[1e-7, 1e-7, 1e-13], [1e-9, 1e-9, 1e-15], [1e-11, 9e-10, 1e-15], [1e-13, 9e-10, 1e-15]];
            for (pass, x) in all.into_iter().enumerate() {
                let mut y = [lanes([0.0; 3]), lanes(x)];
                more.push(it.correct::<V>((&mut y, &mut []), None, &unscale, (pass + 1).checked_sub(2)));
                taken.iter_mut().enumerate().for_each(|(lane, n)| *n += f64::from(y[1].lane(lane) != 0.0));
            }
            (more, taken, it.unsettled(SETTLED, 0.98))
        }
    }

    #[test]
    fn lanes_are_corrected_further_while_they_gain() {
        let (more, taken, unsettled) = Pack8::dispatch(Beyond);
        assert_eq!(more, [true, true, true, false]);
        // The third of lane 1 is no gain, and the last that it has.
        assert_eq!(taken, [4.0, 3.0, 1.0]);
        assert_eq!(unsettled, None);
    }

    #[test]
    fn lanes_stop_one_by_one() {
        let (more, seen) = Pack8::dispatch(Corrections);
        // The fourth correction of lane 1 is larger than its third.
        assert_eq!(more, [true, true, true, false]);
        let of_lane = |lane: usize| seen.iter().map(|x| x.lane(lane)).collect::<Vec<_>>();
        assert_eq!(of_lane(0), [1e-8, 1e-16, 0.0, 0.0]);
        assert_eq!(of_lane(1), [0.1, 1e-2, 1e-3, 0.0]);
        assert_eq!(of_lane(2), [1e-3, 1e-3, 0.0, 0.0]);
    }
}
