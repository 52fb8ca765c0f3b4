//! Which candidate terms stay: best-subset search on the reduced quadratic with a price per term.
//!
//! The criterion of a set A is `-c_A' S_AA^-1 c_A + price |A|`; with the default price it is the extended Bayesian information
//! criterion with gamma = 1 (Chen & Chen 2008). A term's gain is its squared t-statistic, whose variance also holds a
//! systematic part: a share of the discretisation error. No re-linearisation is needed, because dropped candidates
//! stay in the border. With p candidates and m terms in a set, dropping costs m^2 operations, adding p m^2.

use super::covariance::{CANCELLED, Covariance};
use super::problem::{Exchange, Plausible, Unknown};
use super::reduced::Reduced;
use super::subset::{Entry, Outside, Quadratic, Subset};
use crate::solve::Cholesky;

/// The share of the corrected discretisation error that is kept as uncertainty.
pub const DISCRETISATION_LEFT: f64 = 0.1;

/// Price of a term: ln(observations) + 2 ln(candidates).
pub fn default_price(observations: usize, candidates: usize) -> f64 {
    libm::log(observations.max(2) as f64) + 2.0 * libm::log(candidates.max(1) as f64)
}

/// The search was ended from outside.
pub struct Stopped;

/// The search over subsets, in scaled unknowns.
pub struct Search<'a> {
    q: Quadratic,
    lower: Vec<f64>,
    upper: Vec<f64>,
    unknowns: &'a [Unknown],
    /// Unknowns that stand at a bound and take no part.
    held: Vec<bool>,
    price: f64,
    stop: &'a dyn Fn() -> bool,
}

impl<'a> Search<'a> {
    /// Prepares a search, which ends early once `stop` says so.
    pub fn new(
        reduced: &Reduced,
        scale: &[f64],
        unknowns: &'a [Unknown],
        price: f64,
        stop: &'a dyn Fn() -> bool,
    ) -> Search<'a> {
        let p = reduced.p;
        let scaled = |v: &[f64]| v.iter().zip(scale).map(|(a, b)| a * b).collect::<Vec<f64>>();
        let q = Quadratic {
            p,
            s: (0..p * p).map(|k| reduced.s[k] * scale[k / p] * scale[k % p]).collect(),
            c: scaled(&reduced.c),
            systematic: scaled(&reduced.systematic).iter().map(|v| v * DISCRETISATION_LEFT).collect(),
        };
        Search {
            q,
            lower: unknowns.iter().zip(scale).map(|(u, s)| u.lower / s).collect(),
            upper: unknowns.iter().zip(scale).map(|(u, s)| u.upper / s).collect(),
            unknowns,
            held: vec![false; p],
            price,
            stop,
        }
    }

    /// A search in a quadratic model as it is, of unknowns of the scale one.
    #[cfg(test)]
    pub fn of(q: Quadratic, unknowns: &'a [Unknown], price: f64) -> Search<'a> {
        let bounds = |of: fn(&Unknown) -> f64| unknowns.iter().map(of).collect();
        let (lower, upper) = (bounds(|u| u.lower), bounds(|u| u.upper));
        Search { held: vec![false; q.p], q, lower, upper, unknowns, price, stop: &|| false }
    }

    /// The same search with unknowns held at values, `(position, value)`: terms are judged beside a parameter at its bound, not
    /// beside the value outside that it would have.
    pub fn holding(mut self, values: &[(usize, f64)], scale: &[f64]) -> Search<'a> {
        let p = self.q.p;
        for &(k, value) in values {
            self.held[k] = true;
            for (i, c) in self.q.c.iter_mut().enumerate() {
                *c -= self.q.s[i * p + k] * value / scale[k];
            }
        }
        self
    }

    fn inside(&self, k: usize, x: f64) -> bool {
        self.lower[k] <= x && x <= self.upper[k]
    }

    /// The set, and what it costs: the minimum over it and the price of its terms.
    fn valued<'s>(&'s self, active: &[bool]) -> Option<(Subset<'s>, f64)> {
        let subset = Subset::new(&self.q, active)?;
        let terms = subset.set.iter().filter(|&&k| self.unknowns[k].droppable).count();
        let value = subset.minimum() + self.price * terms as f64;
        Some((subset, value))
    }

    /// The position in the set whose unknown is least significant, and its squared t-statistic.
    fn least(&self, subset: &Subset) -> Option<(usize, f64)> {
        let droppable = subset.set.iter().enumerate().filter(|&(_, &k)| self.unknowns[k].droppable);
        let gains = droppable.map(|(i, &k)| {
            let (x, shift) = (subset.x[i], subset.shift[i]);
            (i, if self.inside(k, x) { x * x / (subset.variance(i) + shift * shift) } else { 0.0 })
        });
        gains.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// What adding an unknown would gain: the squared t-statistic that it would have; `None` where its bounds forbid it.
    fn gain(&self, k: usize, entry: &Entry) -> Option<f64> {
        let Entry { value, left, shift } = entry;
        (!self.held[k] && self.inside(k, *value)).then(|| value * value / (1.0 / left + shift * shift))
    }

    /// Whether a gain is worth a term more.
    fn pays(&self, gain: f64) -> bool {
        gain > 1.1 * self.price
    }

    /// The most significant unknown outside the set, the one at position `without` taken out before, and its gain.
    fn greatest(&self, subset: &Subset, outside: &Outside, without: Option<usize>) -> Option<(usize, f64)> {
        let gains = outside.all.iter().enumerate();
        let gains = gains.filter_map(|(j, &k)| Some((k, self.gain(k, &subset.entering(outside, j, without))?)));
        gains.max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Drops the least significant term or adds the most significant one until neither pays.
    fn polish<'s>(&'s self, mut subset: Subset<'s>) -> Result<Subset<'s>, Stopped> {
        let mut grown_from: Vec<Vec<usize>> = Vec::new();
        for _ in 0..4 * self.q.p {
            if (self.stop)() {
                return Err(Stopped);
            }
            if let Some((i, _)) = self.least(&subset).filter(|(_, gain)| *gain < self.price) {
                subset.remove(i);
                continue;
            }
            // Nothing is decided finally by numbers that many changes have gone over.
            if subset.refresh() {
                continue;
            }
            let greatest = self.greatest(&subset, &subset.outside(), None);
            let Some((k, _)) = greatest.filter(|(_, gain)| self.pays(*gain)) else { break };
            if grown_from.contains(&subset.set) {
                break;
            }
            grown_from.push(subset.set.clone());
            subset.insert(k);
        }
        Ok(subset)
    }

    /// The set that a start leads to, and what it costs.
    fn settle(&self, active: &[bool]) -> Result<(Vec<bool>, f64), Stopped> {
        let Some(start) = Subset::new(&self.q, active) else { return Ok((active.to_vec(), f64::INFINITY)) };
        let found = self.polish(start)?.active();
        let value = self.valued(&found).map_or(f64::INFINITY, |(_, value)| value);
        Ok((found, value))
    }

    /// The best set found from the current one, from all candidates and from none, improved by swaps.
    pub fn run(&self, current: &[bool]) -> Result<Vec<bool>, Stopped> {
        let free = |active: &[bool]| active.iter().zip(&self.held).map(|(a, held)| *a && !held).collect::<Vec<bool>>();
        let all = free(&vec![true; self.q.p]);
        let none = free(&self.unknowns.iter().map(|u| !u.droppable).collect::<Vec<bool>>());
        let (mut best, mut value) = self.settle(&free(current))?;
        for start in [all, none] {
            let (other, v) = self.settle(&start)?;
            if v < value {
                (best, value) = (other, v);
            }
        }
        while let Some((other, v)) = self.swap(&best, value)? {
            (best, value) = (other, v);
        }
        Ok(best.iter().zip(&self.held).map(|(a, held)| *a || *held).collect())
    }

    /// A better set with one term exchanged.
    fn swap(&self, active: &[bool], value: f64) -> Result<Option<(Vec<bool>, f64)>, Stopped> {
        let Some(subset) = Subset::new(&self.q, active) else { return Ok(None) };
        let outside = subset.outside();
        for i in (0..subset.set.len()).filter(|&i| self.unknowns[subset.set[i]].droppable) {
            let Some((j, _)) = self.greatest(&subset, &outside, Some(i)) else { continue };
            let mut other = subset.clone();
            other.remove(i);
            other.insert(j);
            let other = self.polish(other)?.active();
            if let Some((_, v)) = self.valued(&other)
                && v < value - 1e-9 * value.abs() - 1e-6
            {
                return Ok(Some((other, v)));
            }
        }
        Ok(None)
    }

    /// For every dropped term: the value it would have (scaled) and its t-statistic.
    pub fn dropped(&self, active: &[bool]) -> Vec<Plausible> {
        let free: Vec<bool> = active.iter().zip(&self.held).map(|(a, held)| *a && !held).collect();
        let Some(subset) = Subset::new(&self.q, &free) else { return Vec::new() };
        let outside = subset.outside();
        let entries = outside.all.iter().enumerate().map(|(j, &k)| (k, subset.entering(&outside, j, None)));
        entries
            .filter_map(|(k, entry)| Some((k, entry.value, self.gain(k, &entry)?)))
            .filter(|(_, _, gain)| *gain > 0.0)
            .map(|(unknown, value, gain)| Plausible {
                unknown,
                value,
                t_statistic: gain.sqrt(),
                significant: self.pays(gain),
            })
            .collect()
    }

    /// The price of a term.
    pub fn price(&self) -> f64 {
        self.price
    }

    /// Whether a term may have a value, in its own scale.
    pub fn allows(&self, k: usize, x: f64) -> bool {
        !self.held[k] && self.inside(k, x)
    }

    /// The quadratic model of these unknowns alone, with the others of a set minimised out: its matrix and its linear part.
    pub fn beside(&self, active: &[bool], of: &[usize]) -> Option<(Vec<f64>, Vec<f64>)> {
        let p = self.q.p;
        let others: Vec<usize> = (0..p).filter(|k| active[*k] && !self.held[*k] && !of.contains(k)).collect();
        let block: Vec<f64> = others.iter().flat_map(|&i| others.iter().map(move |&j| self.q.s[i * p + j])).collect();
        let factor = Cholesky::factor_with_ridge(others.len(), &block)?;
        let row = |i: usize| others.iter().map(|&j| self.q.s[i * p + j]).collect::<Vec<f64>>();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let solved: Vec<Vec<f64>> = of.iter().map(|&i| factor.solve(&row(i))).collect();
        let s = of.iter().flat_map(|&i| {
            let row = row(i);
            of.iter()
                .zip(&solved)
                .map(move |(&j, solved)| self.q.s[i * p + j] - dot(&row, solved))
                .collect::<Vec<f64>>()
        });
        let rest: Vec<f64> = others.iter().map(|&j| self.q.c[j]).collect();
        let c = of.iter().zip(&solved).map(|(&i, solved)| self.q.c[i] - dot(solved, &rest));
        Some((s.collect(), c.collect()))
    }

    /// Dropped terms, each of which could stand in place of a kept one so that the objective rises by less than `most`; their values are
    /// scaled.
    pub fn exchanges(&self, active: &[bool], most: f64) -> Vec<Exchange> {
        let free: Vec<bool> = active.iter().zip(&self.held).map(|(a, held)| *a && !held).collect();
        let Some(subset) = Subset::new(&self.q, &free) else { return Vec::new() };
        let outside = subset.outside();
        let kept = subset.set.iter().enumerate().filter(|&(_, &k)| self.unknowns[k].droppable);
        let of = |(i, &kept): (usize, &usize)| {
            let loss = subset.x[i] * subset.x[i] / subset.variance(i);
            let others = outside.all.iter().enumerate().filter(|&(_, &j)| self.unknowns[j].droppable);
            let found = others.filter_map(|(at, &dropped)| {
                let entry = subset.entering(&outside, at, Some(i));
                if !self.unknowns[dropped].left_out {
                    self.gain(dropped, &entry)?;
                }
                let rise = loss - entry.value * entry.value * entry.left;
                (rise < most).then_some(Exchange { kept, dropped, value: entry.value, rise })
            });
            found.collect::<Vec<Exchange>>()
        };
        kept.flat_map(of).collect()
    }
}

/// The unknowns that a set estimates, with their covariance.
pub struct Solution {
    /// One value per unknown, zero when not in the set.
    pub xi: Vec<f64>,
    /// Standard errors when the dynamics is exact; NaN when not estimated or at a bound.
    pub exact: Vec<f64>,
    /// Standard errors when the process itself is noisy.
    pub noisy: Vec<f64>,
    /// Standard errors from what the data see of a change of an unknown along with the others: where the others make up for it the
    /// quadratic model is a small difference of large numbers, and the errors above hold its roundings.
    pub along: Vec<f64>,
    /// Systematic error left by the discretisation.
    pub shift: Vec<f64>,
    /// Unknowns that are no candidate terms and stand at a bound: position and value.
    pub held: Vec<(usize, f64)>,
    /// Those that are estimated within their bounds,
    free: Vec<usize>,
    /// and the factor of their part of the quadratic.
    factor: Cholesky,
}

impl Solution {
    /// How the errors hang together, when the process itself is noisy or not.
    pub fn covariance(&self, reduced: &Reduced, scale: &[f64], noisy: bool) -> Covariance {
        let of = |v: &[f64]| self.free.iter().filter_map(|&k| v.get(k).copied()).collect::<Vec<f64>>();
        let score = (!noisy).then(|| block(&reduced.score, reduced.p, &self.free, scale));
        Covariance::new((&self.free, of(scale)), self.factor.clone(), score, of(&self.shift))
    }
}

/// The rows and columns `free` of a `[p, p]` matrix, in scaled unknowns.
fn block(a: &[f64], p: usize, free: &[usize], scale: &[f64]) -> Vec<f64> {
    free.iter().flat_map(|&i| free.iter().map(move |&j| a[i * p + j] * scale[i] * scale[j])).collect()
}

/// Solves for the unknowns of a set within their bounds: one at a time, the worst offender is put on its bound. Where nothing determines a direction, parameters
/// stay as near to where they are, `at`, as they can, and terms as near to zero.
pub fn solve(reduced: &Reduced, scale: &[f64], unknowns: &[Unknown], active: &[bool], at: &[f64]) -> Option<Solution> {
    let p = reduced.p;
    // The ridge of the factor pulls what is solved for to zero: of parameters that is their change.
    let from = |k: usize| if unknowns[k].droppable { 0.0 } else { at[k] };
    let mut fixed: Vec<Option<f64>> = vec![None; p];
    loop {
        let free: Vec<usize> = (0..p).filter(|&k| active[k] && fixed[k].is_none()).collect();
        let m = free.len();
        let factor = Cholesky::factor_with_ridge(m, &block(&reduced.s, p, &free, scale))?;
        let v = factor.inverse();
        let c: Vec<f64> = free
            .iter()
            .map(|&i| {
                let known = |j: usize| fixed[j].or_else(|| active[j].then(|| from(j)));
                let held: f64 = (0..p).filter_map(|j| known(j).map(|x| reduced.s[i * p + j] * x)).sum();
                (reduced.c[i] - held) * scale[i]
            })
            .collect();
        let apply = |b: &[f64], i: usize| (0..m).map(|j| v[i * m + j] * b[j]).sum::<f64>();
        let mut xi: Vec<f64> = fixed.iter().map(|f| f.unwrap_or(0.0)).collect();
        for (i, &k) in free.iter().enumerate() {
            xi[k] = from(k) + apply(&c, i) * scale[k];
        }
        let excess = |k: usize| (unknowns[k].lower - xi[k]).max(xi[k] - unknowns[k].upper) / scale[k];
        let worst = free.iter().copied().max_by(|&a, &b| excess(a).total_cmp(&excess(b)));
        if let Some(k) = worst.filter(|&k| excess(k) > 0.0) {
            fixed[k] = Some(xi[k].max(unknowns[k].lower).min(unknowns[k].upper));
            continue;
        }
        let systematic: Vec<f64> = free.iter().map(|&k| reduced.systematic[k] * scale[k]).collect();
        let score = block(&reduced.score, p, &free, scale);
        let held = (0..p).filter(|&k| !unknowns[k].droppable).filter_map(|k| Some((k, fixed[k]?))).collect();
        let (exact, noisy, along, shift) = (vec![f64::NAN; p], vec![f64::NAN; p], vec![f64::NAN; p], vec![0.0; p]);
        let mut out = Solution { xi, exact, noisy, along, shift, held, free: free.clone(), factor };
        for (i, &k) in free.iter().enumerate() {
            // The score's covariance is symmetric: its rows are its columns.
            let row = &v[i * m..(i + 1) * m];
            let mut inner = vec![0.0; m];
            for (a, line) in row.iter().zip(score.chunks_exact(m)) {
                inner.iter_mut().zip(line).for_each(|(sum, s)| *sum += a * s);
            }
            let variance: f64 = row.iter().zip(&inner).map(|(a, b)| a * b).sum();
            let largest = row.iter().zip(&inner).map(|(a, b)| (a * b).abs()).fold(0.0, f64::max);
            let size: f64 = (0..m).map(|j| row[j].abs() * score[j * m + j].max(0.0).sqrt()).sum();
            // Along a valley the terms cancel, and what is left of them is rounding; the other variance is an upper bound without that.
            let cancelled = variance <= CANCELLED * largest.max(size * size);
            out.exact[k] = if cancelled { v[i * m + i] } else { variance }.max(0.0).sqrt() * scale[k];
            out.noisy[k] = v[i * m + i].sqrt() * scale[k];
            // Along this row of the inverse, which is its own entry in this unknown; what is seen is known up to the rounding of its terms.
            let seen = variance.max(f64::EPSILON * size * size);
            out.along[k] = v[i * m + i] / seen.sqrt() * scale[k];
            out.shift[k] = DISCRETISATION_LEFT * apply(&systematic, i) * scale[k];
        }
        return Some(out);
    }
}
