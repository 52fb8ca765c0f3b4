//! One or several numbers sought over all sizes: at each the linear ones are regressed, and what is left of the derivatives is compared.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::grid::Grid;
use super::hidden;
use super::normal::{self, Normal, RIDGE};
use super::problem::{Dynamics, JointError, Unknown};
use super::thinned::Thinned;
use crate::base::least_and_most;
use crate::solve::Cholesky;

/// Samples at which sizes are sought at most beside states that are never observed, which are solved at every size.
pub const MOST_BESIDE_HIDDEN: usize = 256;
/// Samples at which they are sought at most where several numbers are sought together.
const MOST_OF_SEVERAL: usize = 256;
/// Sizes tried: half decades within these powers of ten, and whole ones for two numbers at once.
const DECADES: i32 = 12;
/// Sizes of one number are tried further out too, in whole decades up to this power.
const FAR: i32 = 30;
/// Sizes that are regressed from wholly, for the last of the numbers; of either sign.
const CHOSEN: usize = 3;
/// Negative sizes have to leave less than this part of what positive ones leave.
const CLEARLY: f64 = 0.9;
/// Pairs of numbers that are sought at once.
const PAIRS: usize = 6;
/// A number may be a place in the range of a component: so many are tried, evenly spaced, since where a motion is fast there are few samples.
const PLACES: i32 = 12;
/// Beside a place another number may be a width there: these parts of the range.
const WIDTHS: [f64; 5] = [0.6, 0.3, 0.15, 0.07, 0.03];
/// Components of which places are tried at most.
const PLACED: usize = 6;
/// Factors by which sizes are changed near the best whole decades of a pair,
const NEAR: [f64; 2] = [10.0, 3.1622776601683795];
/// each in so many rounds at most. Other steps may be taken as well.
const ROUNDS: usize = 8;
/// A round that leaves more than this part of what was left before is the last one.
const GAIN: f64 = 0.99;

/// Whether a parameter's size has to be found.
pub fn open(unknown: &Unknown) -> bool {
    !unknown.linear && !unknown.droppable && unknown.start.is_none()
}

/// Whether it is the coefficient of a term in a denominator.
pub fn below(unknown: &Unknown) -> bool {
    !unknown.linear && unknown.droppable && unknown.start.is_none()
}

/// Values of all numbers, and the squares that they leave; infinite where the model has no value.
pub type Left = (f64, Vec<f64>);

/// The regression that is looked at from many sides.
pub struct Sought<'a> {
    pub grid: &'a Grid,
    pub unknowns: &'a [Unknown],
    pub x: &'a [f64],
    pub slopes: &'a [f64],
    /// Which numbers are sought.
    pub open: Vec<usize>,
    /// Which components are hidden, and their first guesses, where some are: these are solved anew for all values.
    pub hidden: Option<(&'a [bool], &'a [f64])>,
    pub stop: &'a dyn Fn() -> bool,
    pub samples: usize,
    pub size: Vec<f64>,
}

impl<'a> Sought<'a> {
    pub fn new(
        grid: &'a Grid,
        unknowns: &'a [Unknown],
        [x, slopes]: [&'a [f64]; 2],
        hidden: Option<(&'a [bool], &'a [f64])>,
        stop: &'a dyn Fn() -> bool,
    ) -> Sought<'a> {
        let (samples, size) = normal::measure(slopes, grid.n, grid.samples);
        let open = (0..unknowns.len()).filter(|&k| unknowns.get(k).is_some_and(open)).collect();
        Sought { grid, unknowns, x, slopes, open, hidden, stop, samples, size }
    }

    fn normal(&self, model: &mut dyn Dynamics, xi: &[f64]) -> Result<Normal, JointError> {
        let mut x = Cow::Borrowed(self.x);
        if let Some((hidden, guess)) = self.hidden {
            let start = hidden::Start { grid: self.grid, hidden, slopes: self.slopes, guess, anywhere: false };
            start.fill(model, x.to_mut(), xi, self.stop)?;
        }
        normal::normal(self.grid, model, &x, self.slopes, &self.size, xi)
    }

    /// The linear numbers regressed with the others held; `None` where the model has no value there.
    pub fn linear(&self, model: &mut dyn Dynamics, xi: &[f64]) -> Result<Option<(Vec<f64>, Normal)>, JointError> {
        let p = self.grid.unknowns;
        let free = |k: &usize| self.unknowns.get(*k).is_some_and(|u| u.linear) && !self.open.contains(k);
        let free: Vec<usize> = (0..p).filter(free).collect();
        // Not from where the last values of the others have led: beside those they may be so large that nothing else is left of a sum.
        let fresh: Vec<(usize, f64)> =
            free.iter().filter_map(|&k| Some((k, normal::first(self.unknowns.get(k)?)))).collect();
        let mut xi = with(xi, &fresh);
        normal::clamp(self.unknowns, &mut xi);
        let here = self.normal(model, &xi)?;
        if free.is_empty() {
            return Ok(here.loss.is_finite().then_some((xi, here)));
        }
        let scale = |k: usize| here.size(k, self.samples).unwrap_or(1.0);
        let m = free.len();
        let weight = RIDGE * RIDGE * self.samples as f64;
        let mut a: Vec<f64> = free
            .iter()
            .flat_map(|&i| free.iter().map(move |&j| (i, j)))
            .map(|(i, j)| here.gram[i * p + j] * scale(i) * scale(j))
            .collect();
        a.iter_mut().step_by(m + 1).for_each(|v| *v += weight);
        let b: Vec<f64> = free.iter().map(|&i| here.gradient[i] * scale(i)).collect();
        if !here.loss.is_finite() || a.iter().chain(&b).any(|v| !v.is_finite()) {
            return Ok(None);
        }
        let Some(factor) = Cholesky::factor_with_ridge(m, &a) else { return Ok(None) };
        let mut next = xi;
        for (&k, step) in free.iter().zip(factor.solve(&b)) {
            next[k] += step * scale(k);
        }
        normal::clamp(self.unknowns, &mut next);
        let there = self.normal(model, &next)?;
        Ok(there.loss.is_finite().then_some((next, there)))
    }

    /// What values leave with the linear numbers regressed, and all numbers then.
    fn left(&self, model: &mut dyn Dynamics, xi: Vec<f64>) -> Result<Left, JointError> {
        if (self.stop)() {
            return Err(JointError::Interrupted(None));
        }
        let left = self.linear(model, &xi)?;
        Ok(left.map_or((f64::INFINITY, xi), |(next, normal)| (normal.loss, next)))
    }

    /// Powers of ten that a number may be, rising in size, from 1e-12 in steps of so many parts of a decade.
    fn values(&self, k: usize, sign: f64, parts: i32) -> Vec<f64> {
        let all = (-parts * DECADES..=parts * DECADES).map(|i| sign * 10f64.powf(f64::from(i) / f64::from(parts)));
        all.filter(|&value| self.allows(k, value)).collect()
    }

    /// The same for a number by itself: half decades, and whole ones beyond.
    fn values_of_one(&self, k: usize, sign: f64) -> Vec<f64> {
        let far = |powers: std::ops::RangeInclusive<i32>| powers.map(move |i| sign * 10f64.powi(i));
        let beyond = |value: &f64| self.allows(k, *value);
        let mut all: Vec<f64> = far(-FAR..=-DECADES - 1).filter(beyond).collect();
        all.extend(self.values(k, sign, 2));
        all.extend(far(DECADES + 1..=FAR).filter(beyond));
        all
    }

    /// The sizes of one number that leave less than their neighbours, the best ones first: all numbers as they are there.
    fn scanned(&self, model: &mut dyn Dynamics, (k, from): (usize, &[f64])) -> Result<Vec<Left>, JointError> {
        let mut least: Vec<Left> = Vec::new();
        for sign in [1.0, -1.0] {
            let found =
                self.values_of_one(k, sign).into_iter().map(|value| self.left(model, with(from, &[(k, value)])));
            let found = found.collect::<Result<Vec<Left>, JointError>>()?;
            let limit = CLEARLY * least.first().map_or(f64::INFINITY, |(left, _)| *left);
            let mut of_sign = minima(found, 1);
            of_sign.retain(|(left, _)| *left < limit);
            of_sign.truncate(CHOSEN);
            least.extend(of_sign);
        }
        sort(&mut least);
        Ok(least)
    }

    /// The whole decades of two numbers that leave less than their neighbours, the best ones first. Each has the sign that its range allows,
    /// a positive one where it allows both.
    fn paired(&self, model: &mut dyn Dynamics, pair: [usize; 2], from: &[f64]) -> Result<Vec<Left>, JointError> {
        let [first, second] = pair.map(|k| match self.values(k, 1.0, 1) {
            none if none.is_empty() => self.values(k, -1.0, 1),
            some => some,
        });
        let points = first.iter().flat_map(|&a| second.iter().map(move |&b| [a, b]));
        let found = points.map(|[a, b]| self.left(model, with(from, &[(pair[0], a), (pair[1], b)])));
        let mut least = minima(found.collect::<Result<Vec<Left>, JointError>>()?, second.len());
        least.truncate(CHOSEN);
        Ok(least)
    }

    /// The best values of two numbers of which one is a place in the range of a component and the other a part of that range: whole
    /// decades cannot meet a place with a width of a fifth of it.
    fn placed(&self, model: &mut dyn Dynamics, [a, b]: [usize; 2], from: &[f64]) -> Result<Vec<Left>, JointError> {
        let hidden = |c: usize| self.hidden.is_some_and(|(hidden, _)| hidden.get(c) == Some(&true));
        let rows = self.x.chunks_exact(self.grid.samples.max(1)).enumerate().filter(|(c, _)| !hidden(*c)).take(PLACED);
        let mut found = Vec::new();
        for (_, row) in rows {
            let known = || row.iter().copied().filter(|v| v.is_finite());
            let [low, high] = least_and_most(known());
            let range = high - low;
            if !(range.is_finite() && range > 0.0) {
                continue;
            }
            for (place, width) in [(a, b), (b, a)] {
                let places = (0..PLACES).map(|i| low + (f64::from(i) + 0.5) / f64::from(PLACES) * range);
                let signed = |w: f64| if self.allows(width, w * range) { w * range } else { -w * range };
                for (at, wide) in places.flat_map(|at| WIDTHS.map(|w| (at, signed(w)))) {
                    if self.allows(place, at) && self.allows(width, wide) {
                        found.push(self.left(model, with(from, &[(place, at), (width, wide)]))?);
                    }
                }
            }
        }
        sort(&mut found);
        found.retain(|(left, _)| left.is_finite());
        found.truncate(CHOSEN);
        Ok(found)
    }

    /// Whether a number may have a value.
    fn allows(&self, k: usize, value: f64) -> bool {
        self.unknowns.get(k).is_some_and(|u| (u.lower..=u.upper).contains(&value))
    }

    /// Numbers that are changed by a factor: each alone, and pairs, the second one by that factor or its inverse.
    fn directions(&self) -> Vec<(usize, Option<(usize, i32)>)> {
        let alone = self.open.iter().map(|&k| (k, None));
        let pairs = self.pairs().into_iter().flat_map(|[a, b]| [1, -1].map(|with| (a, Some((b, with)))));
        alone.chain(pairs).collect()
    }

    /// The first pairs of the numbers that are sought.
    fn pairs(&self) -> Vec<[usize; 2]> {
        let open = &self.open;
        let all = open.iter().enumerate().flat_map(|(i, &a)| open.iter().skip(i + 1).map(move |&b| [a, b]));
        all.take(PAIRS).collect()
    }

    /// Several numbers larger or smaller by ever smaller factors, alone and by two, as long as that leaves less.
    pub fn refined(&self, model: &mut dyn Dynamics, steps: &[f64], from: Vec<f64>) -> Result<Left, JointError> {
        let mut best = self.left(model, from)?;
        for step in steps {
            for _ in 0..ROUNDS {
                let before = best.0;
                for (a, b) in self.directions() {
                    for step in [*step, 1.0 / step] {
                        let moved = |k: usize, by: f64| (k, by * best.1.get(k).copied().unwrap_or_default());
                        let next = [Some(moved(a, step)), b.map(|(b, with)| moved(b, step.powi(with)))];
                        let next: Vec<(usize, f64)> = next.into_iter().flatten().collect();
                        if !next.iter().all(|&(k, value)| self.allows(k, value)) {
                            continue;
                        }
                        let found = self.left(model, with(&best.1, &next))?;
                        if found.0 < best.0 {
                            best = found;
                        }
                    }
                }
                // Not a number either.
                if !matches!(best.0.partial_cmp(&(GAIN * before)), Some(Ordering::Less)) {
                    break;
                }
            }
        }
        Ok(best)
    }

    /// Each of several numbers sought after the other, the others at the best sizes found: the sizes of the last one, the best ones first.
    fn one_by_one(&self, model: &mut dyn Dynamics, from: &[f64]) -> Result<Vec<Left>, JointError> {
        let mut starts = vec![(f64::INFINITY, from.to_vec())];
        for &k in &self.open {
            let Some(from) = starts.first().map(|(_, xi)| xi.clone()) else { break };
            let found = self.scanned(model, (k, &from))?;
            if !found.is_empty() {
                starts = found;
            }
        }
        Ok(starts)
    }

    /// Sizes of several numbers, sought by two at once and then once more one by one, the best ones first.
    fn together(&self, model: &mut dyn Dynamics, from: &[f64]) -> Result<Vec<Left>, JointError> {
        let mut found = self.one_by_one(model, from)?;
        found.truncate(1);
        let mut placed = Vec::new();
        for pair in self.pairs() {
            let from = found.first().map_or(from, |(_, xi)| xi).to_vec();
            for (_, xi) in self.paired(model, pair, &from)? {
                found.push(self.refined(model, &NEAR, xi)?);
            }
            placed.extend(self.placed(model, pair, &from)?);
            sort(&mut found);
        }
        found.dedup_by(|a, b| a.1 == b.1);
        found.truncate(CHOSEN);
        // These are rougher, and leave more before they are regressed from.
        sort(&mut placed);
        found.extend(placed.into_iter().take(CHOSEN));
        Ok(found)
    }

    /// The best values of the numbers that are open: by seeking one after the other, and where there are several also by seeking them together,
    /// at fewer samples.
    pub fn best(&self, model: &mut dyn Dynamics, plain: &[f64]) -> Result<Vec<Left>, JointError> {
        let mut starts = self.one_by_one(model, plain)?;
        let Some((_, from)) = starts.first().filter(|_| self.open.len() > 1) else { return Ok(starts) };
        let most = if self.hidden.is_some() { MOST_BESIDE_HIDDEN / 2 } else { MOST_OF_SEVERAL };
        let more = match Thinned::new(self.grid, most, self.slopes) {
            None => self.together(model, from)?,
            Some(some) => {
                let rows = [self.x, self.slopes].map(|all| some.rows(all, self.grid.samples));
                let along = rows.each_ref().map(Vec::as_slice);
                let open = self.open.clone();
                Sought { open, ..Sought::new(&some.grid, self.unknowns, along, self.hidden, self.stop) }
                    .together(model, from)?
            }
        };
        // What is left at fewer samples says nothing beside what is left at all.
        for (_, xi) in more {
            starts.push(self.left(model, xi)?);
        }
        Ok(starts)
    }
}

/// Values with some of them replaced.
fn with(from: &[f64], new: &[(usize, f64)]) -> Vec<f64> {
    let mut xi = from.to_vec();
    for &(k, value) in new {
        if let Some(slot) = xi.get_mut(k) {
            *slot = value;
        }
    }
    xi
}

pub fn sort(found: &mut [Left]) {
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
}

/// What leaves less than its neighbours, the best first, of a row (`width` one) or of rows of so many.
fn minima(found: Vec<Left>, width: usize) -> Vec<Left> {
    let width = width.max(1);
    let left = |i: Option<usize>| i.and_then(|i| found.get(i)).map_or(f64::INFINITY, |(left, _)| *left);
    let inside = |i: usize, step: usize| step == width || i / width == (i + step) / width;
    let least = |i: usize, step: usize| {
        let before = i.checked_sub(step).filter(|&before| inside(before, step));
        let behind = Some(i + step).filter(|_| inside(i, step));
        left(Some(i)) <= left(before) && left(Some(i)) < left(behind)
    };
    let here = |&i: &usize| left(Some(i)).is_finite() && least(i, width) && (width == 1 || least(i, 1));
    let mut out: Vec<Left> = (0..found.len()).filter(here).filter_map(|i| found.get(i).cloned()).collect();
    sort(&mut out);
    out
}
