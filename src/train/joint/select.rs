//! Which candidate terms stay: best-subset search on the reduced quadratic with a price per term.
//!
//! The criterion of a set A is `-c_A' S_AA^-1 c_A + price |A|`; with the default price it is the extended Bayesian information
//! criterion with gamma = 1 (Chen & Chen 2008). A term's gain is its squared t-statistic, whose variance also holds a
//! systematic part: a share of the discretisation error. No re-linearisation is needed, because dropped candidates
//! stay in the border.

use super::problem::{Plausible, Unknown};
use super::reduced::Reduced;
use crate::solve::Cholesky;

/// The share of the corrected discretisation error that is kept as uncertainty.
pub const DISCRETISATION_LEFT: f64 = 0.1;

/// Price of a term: ln(observations) + 2 ln(candidates).
pub fn default_price(observations: usize, candidates: usize) -> f64 {
    libm::log(observations.max(2) as f64) + 2.0 * libm::log(candidates.max(1) as f64)
}

/// The search over subsets, in scaled unknowns.
pub struct Search<'a> {
    p: usize,
    s: Vec<f64>,
    c: Vec<f64>,
    systematic: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    unknowns: &'a [Unknown],
    price: f64,
}

/// What dropping or adding each unknown would change in the criterion, without the price.
struct Gains {
    drop: Vec<f64>,
    add: Vec<f64>,
    /// The value an added unknown would take.
    value: Vec<f64>,
}

impl<'a> Search<'a> {
    /// Prepares a search.
    pub fn new(reduced: &Reduced, scale: &[f64], unknowns: &'a [Unknown], price: f64) -> Search<'a> {
        let p = reduced.p;
        let s = (0..p * p).map(|k| reduced.s[k] * scale[k / p] * scale[k % p]).collect();
        let scaled = |v: &[f64]| v.iter().zip(scale).map(|(a, b)| a * b).collect::<Vec<f64>>();
        Search {
            p,
            s,
            c: scaled(&reduced.c),
            systematic: scaled(&reduced.systematic).iter().map(|v| v * DISCRETISATION_LEFT).collect(),
            lower: unknowns.iter().zip(scale).map(|(u, s)| u.lower / s).collect(),
            upper: unknowns.iter().zip(scale).map(|(u, s)| u.upper / s).collect(),
            unknowns,
            price,
        }
    }

    fn inverse(&self, set: &[usize]) -> Option<Vec<f64>> {
        let m = set.len();
        let block: Vec<f64> = (0..m * m).map(|k| self.s[set[k / m] * self.p + set[k % m]]).collect();
        Cholesky::factor_with_ridge(m, &block).map(|f| f.inverse())
    }

    fn criterion(&self, active: &[bool]) -> f64 {
        let set = positions(active);
        let Some(v) = self.inverse(&set) else { return f64::INFINITY };
        let m = set.len();
        let explained: f64 =
            (0..m).map(|i| self.c[set[i]] * (0..m).map(|j| v[i * m + j] * self.c[set[j]]).sum::<f64>()).sum();
        -explained + self.price * set.iter().filter(|&&k| self.unknowns[k].droppable).count() as f64
    }

    fn gains(&self, active: &[bool]) -> Option<Gains> {
        let set = positions(active);
        let (m, p) = (set.len(), self.p);
        let v = self.inverse(&set)?;
        let times = |row: &dyn Fn(usize) -> f64, i: usize| (0..m).map(|j| v[i * m + j] * row(j)).sum::<f64>();
        let x: Vec<f64> = (0..m).map(|i| times(&|j| self.c[set[j]], i)).collect();
        let shift: Vec<f64> = (0..m).map(|i| times(&|j| self.systematic[set[j]], i)).collect();
        let mut gains = Gains { drop: vec![f64::INFINITY; p], add: vec![f64::NEG_INFINITY; p], value: vec![0.0; p] };
        for (i, &k) in set.iter().enumerate().filter(|&(_, &k)| self.unknowns[k].droppable) {
            let inside = self.lower[k] <= x[i] && x[i] <= self.upper[k];
            gains.drop[k] = if inside { x[i] * x[i] / (v[i * m + i] + shift[i] * shift[i]) } else { 0.0 };
        }
        for k in (0..p).filter(|&k| !active[k]) {
            let row = |j: usize| self.s[k * p + set[j]];
            let spread: Vec<f64> = (0..m).map(|i| times(&row, i)).collect();
            let explained: f64 = (0..m).map(|i| spread[i] * row(i)).sum();
            let own = self.s[k * p + k];
            let u = (own - explained).max(1e-12 * own).max(f64::MIN_POSITIVE);
            let score = self.c[k] - (0..m).map(|i| spread[i] * self.c[set[i]]).sum::<f64>();
            let bias = self.systematic[k] - (0..m).map(|i| spread[i] * self.systematic[set[i]]).sum::<f64>();
            let value = score / u;
            gains.value[k] = value;
            if self.lower[k] <= value && value <= self.upper[k] {
                gains.add[k] = value * value / (1.0 / u + (bias / u) * (bias / u));
            }
        }
        Some(gains)
    }

    /// Drops the least significant term or adds the most significant one until neither pays.
    fn polish(&self, mut active: Vec<bool>) -> Vec<bool> {
        let mut grown_from: Vec<Vec<bool>> = Vec::new();
        for _ in 0..4 * self.p {
            let Some(gains) = self.gains(&active) else { break };
            let least = least(&gains.drop);
            if let Some(k) = least.filter(|&k| gains.drop[k] < self.price) {
                active[k] = false;
                continue;
            }
            let Some(k) = greatest(&gains.add).filter(|&k| gains.add[k] > 1.1 * self.price) else { break };
            if grown_from.contains(&active) {
                break;
            }
            grown_from.push(active.clone());
            active[k] = true;
        }
        active
    }

    /// The best set found from the current one, from all candidates and from none, improved by swaps.
    pub fn run(&self, current: &[bool]) -> Vec<bool> {
        let all = vec![true; self.p];
        let none: Vec<bool> = self.unknowns.iter().map(|u| !u.droppable).collect();
        let mut best = self.polish(current.to_vec());
        let mut value = self.criterion(&best);
        for start in [all, none] {
            let other = self.polish(start);
            let v = self.criterion(&other);
            if v < value {
                (best, value) = (other, v);
            }
        }
        while let Some((other, v)) = self.swap(&best, value) {
            (best, value) = (other, v);
        }
        best
    }

    /// A better set with one term exchanged.
    fn swap(&self, active: &[bool], value: f64) -> Option<(Vec<bool>, f64)> {
        for k in positions(active).into_iter().filter(|&k| self.unknowns[k].droppable) {
            let mut other = active.to_vec();
            other[k] = false;
            let mut gains = self.gains(&other)?;
            gains.add[k] = f64::NEG_INFINITY;
            let Some(j) = greatest(&gains.add).filter(|&j| gains.add[j].is_finite()) else { continue };
            other[j] = true;
            let other = self.polish(other);
            let v = self.criterion(&other);
            if v < value - 1e-9 * value.abs() - 1e-6 {
                return Some((other, v));
            }
        }
        None
    }

    /// For every dropped term: the value it would have (scaled) and its t-statistic.
    pub fn dropped(&self, active: &[bool]) -> Vec<Plausible> {
        let Some(gains) = self.gains(active) else { return Vec::new() };
        (0..self.p)
            .filter(|&k| !active[k] && gains.add[k] > 0.0)
            .map(|k| Plausible { unknown: k, value: gains.value[k], t_statistic: gains.add[k].sqrt() })
            .collect()
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
    /// Systematic error left by the discretisation.
    pub shift: Vec<f64>,
}

/// Solves for the unknowns of a set within their bounds: one at a time, the worst offender is put on its bound.
pub fn solve(reduced: &Reduced, scale: &[f64], unknowns: &[Unknown], active: &[bool]) -> Option<Solution> {
    let p = reduced.p;
    let mut fixed: Vec<Option<f64>> = vec![None; p];
    loop {
        let free: Vec<usize> = (0..p).filter(|&k| active[k] && fixed[k].is_none()).collect();
        let m = free.len();
        let at = |a: &[f64], i: usize, j: usize| a[free[i] * p + free[j]] * scale[free[i]] * scale[free[j]];
        let block: Vec<f64> = (0..m * m).map(|k| at(&reduced.s, k / m, k % m)).collect();
        let v = Cholesky::factor_with_ridge(m, &block)?.inverse();
        let c: Vec<f64> = free
            .iter()
            .map(|&i| {
                let held: f64 = (0..p).filter_map(|j| fixed[j].map(|x| reduced.s[i * p + j] * x)).sum();
                (reduced.c[i] - held) * scale[i]
            })
            .collect();
        let apply = |b: &[f64], i: usize| (0..m).map(|j| v[i * m + j] * b[j]).sum::<f64>();
        let mut xi: Vec<f64> = fixed.iter().map(|f| f.unwrap_or(0.0)).collect();
        for (i, &k) in free.iter().enumerate() {
            xi[k] = apply(&c, i) * scale[k];
        }
        let excess = |k: usize| (unknowns[k].lower - xi[k]).max(xi[k] - unknowns[k].upper) / scale[k];
        let worst = free.iter().copied().max_by(|&a, &b| excess(a).total_cmp(&excess(b)));
        if let Some(k) = worst.filter(|&k| excess(k) > 0.0) {
            fixed[k] = Some(xi[k].max(unknowns[k].lower).min(unknowns[k].upper));
            continue;
        }
        let systematic: Vec<f64> = free.iter().map(|&k| reduced.systematic[k] * scale[k]).collect();
        let mut out = Solution { xi, exact: vec![f64::NAN; p], noisy: vec![f64::NAN; p], shift: vec![0.0; p] };
        for (i, &k) in free.iter().enumerate() {
            let mut variance = 0.0;
            for a in 0..m {
                let inner: f64 = (0..m).map(|b| at(&reduced.score, a, b) * v[i * m + b]).sum();
                variance += v[i * m + a] * inner;
            }
            out.exact[k] = variance.max(0.0).sqrt() * scale[k];
            out.noisy[k] = v[i * m + i].sqrt() * scale[k];
            out.shift[k] = DISCRETISATION_LEFT * apply(&systematic, i) * scale[k];
        }
        return Some(out);
    }
}

fn positions(active: &[bool]) -> Vec<usize> {
    active.iter().enumerate().filter_map(|(i, &a)| a.then_some(i)).collect()
}

fn least(values: &[f64]) -> Option<usize> {
    (0..values.len()).min_by(|&a, &b| values[a].total_cmp(&values[b]))
}

fn greatest(values: &[f64]) -> Option<usize> {
    (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]))
}
