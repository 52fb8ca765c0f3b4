//! When a solve needs no further correction.

use super::rescue::SETTLED;
use crate::solve::lanes::{Convert, Lanes, Pack};

/// Solves are corrected so often more than asked for, where that helps: it costs a small part of what a factor of the rows does.
const FURTHER: usize = 20;
/// That is done until no more than this is wrong, so that they are no worse than what the rows make of them.
const LEFT: f64 = 1e-3 * SETTLED;
/// The slowest rate at which further corrections help. Corrections that are rounding errors are about as large as those before.
const GAINS: f64 = 0.5;

/// The slowest rate of corrections from which to tell what is left after the last one. Corrections that are rounding errors have rates of about
/// one and would leave any amount otherwise.
pub(crate) const SLOWEST: f64 = 0.98;

/// The last correction of a lane, taken for one of a geometric series: each is the `rate` times the one before.
#[derive(Clone, Copy)]
pub(crate) struct Series {
    /// Its size as a share of what is corrected.
    pub last: f64,
    pub rate: f64,
}

impl Series {
    /// From the squared sizes of the last correction and of the one before it, in units of what is corrected.
    pub fn of_squares(last: f64, before: f64) -> Self {
        Series { last: last.sqrt(), rate: (last / before).sqrt() }
    }

    /// Whether further corrections help.
    fn gains(self) -> bool {
        self.rate < GAINS
    }

    /// What is left: the sum of all corrections that are not made.
    pub fn left(self) -> f64 {
        if self.last == 0.0 {
            return 0.0;
        }
        let rate = self.rate.min(SLOWEST);
        self.last * rate / (1.0 - rate)
    }
}

/// What comes after a correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another one that was asked for.
    Asked,
    /// Another one beyond those asked for, of which so many are made, in lanes that gain and need it.
    Further(usize),
    /// None: a single correction tells no rate.
    Nothing,
}

impl Next {
    /// After the correction `made`, counted from 1, of `asked` ones.
    pub fn after(made: usize, asked: usize) -> Self {
        match made.checked_sub(asked) {
            None => Next::Asked,
            Some(_) if asked == 1 => Next::Nothing,
            Some(further) => Next::Further(further),
        }
    }
}

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
    /// need none or where it is larger than the one before. Says whether any needs the `next` one.
    #[inline(always)]
    pub fn correct<V: Lanes<Pack = P>>(
        &mut self,
        (y, border): (&mut [P], &mut [P]),
        given: Option<(&[P], &[P])>,
        unscale: &[P],
        next: Next,
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
            let goes_on = match next {
                Next::Asked => true,
                Next::Further(made) => made < FURTHER && self.goes_on(lane),
                Next::Nothing => false,
            };
            if !goes_on {
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
        let left = Some(self.scaled(lane)).filter(|it| it.gains()).map_or(0.0, Series::left);
        P::EPSILON <= f64::EPSILON && left.max(self.left_of_own(lane)) > LEFT
    }

    /// The corrections of a lane.
    fn scaled(&self, lane: usize) -> Series {
        Series::of_squares(self.last.lane(lane), self.before.lane(lane))
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

    /// What is left of a lane in unknowns as they are, 0 where nothing is gained in them: high derivatives may have rounding errors that nothing takes away.
    fn left_of_own(&self, lane: usize) -> f64 {
        let [_, last, before] = self.own.each_ref().map(|own| own.lane(lane));
        Some(Series::of_squares(last, before)).filter(|it| it.gains()).map_or(0.0, Series::left)
    }

    /// The lane of which most is still wrong, and how much that is as a share of its solution, where it is larger than `allowed`, or in unknowns as they are
    /// than [`SETTLED`].
    pub fn unsettled(&self, allowed: f64) -> Option<(usize, f64)> {
        let exact = P::EPSILON <= f64::EPSILON;
        let share = |lane: usize| {
            let own = if exact { self.left_of_own(lane) } else { 0.0 };
            match self.scaled(lane).left() {
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
                more.push(it.correct::<V>((&mut y, &mut []), None, &unscale, Next::Asked));
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
                more.push(it.correct::<V>((&mut y, &mut []), None, &unscale, Next::after(pass + 1, 2)));
                taken.iter_mut().enumerate().for_each(|(lane, n)| *n += f64::from(y[1].lane(lane) != 0.0));
            }
            (more, taken, it.unsettled(SETTLED))
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
    fn what_is_left_is_the_sum_of_a_series() {
        let halves = Series::of_squares(0.25 * 0.25, 0.5 * 0.5);
        assert_eq!((halves.last, halves.rate, halves.gains()), (0.25, 0.5, false));
        // 1/8 + 1/16 + ...
        assert_eq!(halves.left(), 0.25);
        assert!(Series { last: 1e-3, rate: 0.1 }.gains());
        // Neither corrections that grow nor those without a rate leave more than the slowest that are told.
        for rate in [SLOWEST, 1.0, 7.0, f64::INFINITY, f64::NAN] {
            let left = Series { last: 1e-3, rate }.left();
            assert!((left - 0.049).abs() < 1e-12, "{rate}: {left}");
        }
        assert_eq!(Series::of_squares(0.0, 0.0).left(), 0.0);
    }

    #[test]
    fn corrections_are_counted_from_those_asked_for() {
        let after = |asked: usize| [1, 2, 3].map(|made| Next::after(made, asked));
        assert_eq!(after(1), [Next::Nothing; 3]);
        assert_eq!(after(2), [Next::Asked, Next::Further(0), Next::Further(1)]);
        assert_eq!(after(3), [Next::Asked, Next::Asked, Next::Further(0)]);
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
