//! A set of unknowns in a quadratic, kept up to date while unknowns come and go: every change costs a number of operations that
//! grows with the square of the set, not with its cube.

use crate::solve::Cholesky;

/// Own shrinking of a diagonal entry of the inverse after which the inverse is computed afresh: a change leaves an error of
/// one rounding of the entry as it was before (the inverse is positive definite, so an entry is at most the root of the
/// product of its two diagonal entries).
const SHRINKING: f64 = 1e-6;
/// Least share of an unknown's own square that the others leave, for a set that is nearly collinear with it.
const LEAST_LEFT: f64 = 1e-12;

/// `xi' S xi - 2 c' xi`, with a systematic error of c.
pub struct Quadratic {
    /// Number of unknowns.
    pub p: usize,
    /// `[p, p]`, symmetric.
    pub s: Vec<f64>,
    /// `[p]`
    pub c: Vec<f64>,
    /// `[p]`
    pub systematic: Vec<f64>,
}

/// The minimiser over a set of unknowns.
#[derive(Clone)]
pub struct Subset<'a> {
    q: &'a Quadratic,
    /// The unknowns of the set, ascending.
    pub set: Vec<usize>,
    /// `S_AA^-1`, `[m, m]`.
    v: Vec<f64>,
    /// `S_AA^-1 c_A`
    pub x: Vec<f64>,
    /// `S_AA^-1` times the systematic error.
    pub shift: Vec<f64>,
    /// The largest each diagonal entry of `v` has been since `v` was computed afresh.
    peak: Vec<f64>,
    /// Whether there were changes since.
    stale: bool,
}

/// The unknowns outside a set: what the set leaves of them.
pub struct Outside {
    /// The unknowns, ascending.
    pub all: Vec<usize>,
    /// `S_AA^-1 S_Aj` for each of them, `[outside, m]`.
    spread: Vec<f64>,
    /// The Schur complement `S_jj - S_jA S_AA^-1 S_Aj` without its floor.
    left: Vec<f64>,
    /// `c_j - S_jA S_AA^-1 c_A`
    score: Vec<f64>,
    /// The same of the systematic error.
    bias: Vec<f64>,
}

/// An unknown as it would be in a set.
pub struct Entry {
    /// Its value.
    pub value: f64,
    /// The inverse of its variance.
    pub left: f64,
    /// The systematic part of its error.
    pub shift: f64,
}

impl<'a> Subset<'a> {
    /// The set of the unknowns for which `active` is true; `None` when its matrix cannot be inverted.
    pub fn new(q: &'a Quadratic, active: &[bool]) -> Option<Subset<'a>> {
        let set: Vec<usize> = (0..q.p).filter(|&k| active[k]).collect();
        let mut subset =
            Subset { q, set, v: Vec::new(), x: Vec::new(), shift: Vec::new(), peak: Vec::new(), stale: false };
        subset.invert().then_some(subset)
    }

    /// Which unknowns are in the set.
    pub fn active(&self) -> Vec<bool> {
        let mut active = vec![false; self.q.p];
        self.set.iter().for_each(|&k| active[k] = true);
        active
    }

    /// The variance of the unknown at a position of the set.
    pub fn variance(&self, i: usize) -> f64 {
        self.v[i * self.set.len() + i]
    }

    /// `-c_A' S_AA^-1 c_A`, the minimum.
    pub fn minimum(&self) -> f64 {
        -self.set.iter().zip(&self.x).map(|(&k, x)| self.q.c[k] * x).sum::<f64>()
    }

    /// Computes the inverse afresh if there were changes; whether there were.
    pub fn refresh(&mut self) -> bool {
        self.stale && self.invert()
    }

    /// Computes the inverse afresh. Where that fails, what there was stays.
    fn invert(&mut self) -> bool {
        let (q, set) = (self.q, &self.set);
        let m = set.len();
        let block: Vec<f64> = set.iter().flat_map(|&i| set.iter().map(move |&j| q.s[i * q.p + j])).collect();
        let Some(factor) = Cholesky::factor_with_ridge(m, &block) else { return false };
        self.v = factor.inverse();
        let pick = |from: &[f64]| set.iter().map(|&k| from[k]).collect::<Vec<f64>>();
        let (c, systematic) = (pick(&q.c), pick(&q.systematic));
        (self.x, self.shift) = (self.times(&c), self.times(&systematic));
        self.peak = (0..m).map(|i| self.variance(i)).collect();
        self.stale = false;
        true
    }

    /// `S_AA^-1 b`
    fn times(&self, b: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; b.len()];
        // The inverse is symmetric, so its rows are its columns; this order of the sums can use vector units.
        for (row, b) in self.v.chunks_exact(b.len().max(1)).zip(b) {
            axpy(*b, row, &mut out);
        }
        out
    }

    /// Takes out the unknown at a position.
    pub fn remove(&mut self, i: usize) {
        let m = self.set.len();
        let row = self.v[i * m..(i + 1) * m].to_vec();
        let (x, shift) = (self.x[i], self.shift[i]);
        let mut to = 0;
        for r in (0..m).filter(|&r| r != i) {
            let factor = row[r] / row[i];
            axpy(-factor, &row, &mut self.v[r * m..(r + 1) * m]);
            self.x[r] -= factor * x;
            self.shift[r] -= factor * shift;
            // The matrix closes up in place: what is written has been read.
            self.v.copy_within(r * m..r * m + i, to);
            self.v.copy_within(r * m + i + 1..(r + 1) * m, to + i);
            to += m - 1;
        }
        self.v.truncate(to);
        self.set.remove(i);
        self.x.remove(i);
        self.shift.remove(i);
        self.peak.remove(i);
        self.changed();
    }

    /// Takes in an unknown.
    pub fn insert(&mut self, k: usize) {
        let m = self.set.len();
        let (spread, left, score, bias) = self.against(k);
        let left = floor(left, self.q.s[k * self.q.p + k]);
        let at = self.set.partition_point(|&j| j < k);
        // The new row and column, the new unknown being -1 times itself.
        let mut g = spread;
        g.insert(at, -1.0);
        let mut v = Vec::with_capacity((m + 1) * (m + 1));
        for r in 0..=m {
            let old = if r == at { None } else { Some(r - usize::from(r > at)) };
            let from = old.map(|r| &self.v[r * m..(r + 1) * m]);
            v.extend((0..=m).map(|c| {
                let before = if c == at { 0.0 } else { from.map_or(0.0, |row| row[c - usize::from(c > at)]) };
                before + g[r] * g[c] / left
            }));
        }
        self.v = v;
        self.set.insert(at, k);
        self.x.insert(at, 0.0);
        self.shift.insert(at, 0.0);
        self.peak.insert(at, 0.0);
        axpy(-score / left, &g, &mut self.x);
        axpy(-bias / left, &g, &mut self.shift);
        self.changed();
    }

    /// Notes a change, and computes the inverse afresh where roundings have come to matter.
    fn changed(&mut self) {
        self.stale = true;
        let m = self.set.len();
        let mut lost = false;
        for i in 0..m {
            let now = self.v[i * m + i];
            self.peak[i] = self.peak[i].max(now);
            lost |= now.is_nan() || now <= SHRINKING * self.peak[i];
        }
        if lost {
            self.invert();
        }
    }

    /// For an unknown outside: its spread over the set, and what the set leaves of its square, its c and its systematic error.
    fn against(&self, k: usize) -> (Vec<f64>, f64, f64, f64) {
        let q = self.q;
        let row: Vec<f64> = self.set.iter().map(|&j| q.s[k * q.p + j]).collect();
        let spread = self.times(&row);
        let dot = |a: &[f64]| a.iter().zip(&row).map(|(a, b)| a * b).sum::<f64>();
        (spread.clone(), q.s[k * q.p + k] - dot(&spread), q.c[k] - dot(&self.x), q.systematic[k] - dot(&self.shift))
    }

    /// What the set leaves of the unknowns outside.
    pub fn outside(&self) -> Outside {
        let active = self.active();
        let all: Vec<usize> = (0..self.q.p).filter(|&k| !active[k]).collect();
        let mut out = Outside { all, spread: Vec::new(), left: Vec::new(), score: Vec::new(), bias: Vec::new() };
        for &k in &out.all {
            let (spread, left, score, bias) = self.against(k);
            out.spread.extend(spread);
            out.left.push(left);
            out.score.push(score);
            out.bias.push(bias);
        }
        out
    }

    /// The unknown at position `j` of `outside` as it would be in the set, with the one at position `without` taken out before.
    pub fn entering(&self, outside: &Outside, j: usize, without: Option<usize>) -> Entry {
        let k = outside.all[j];
        let (mut left, mut score, mut bias) = (outside.left[j], outside.score[j], outside.bias[j]);
        if let Some(i) = without {
            // What the one taken out explained comes back.
            let spread = outside.spread[j * self.set.len() + i];
            let factor = spread / self.variance(i);
            left += factor * spread;
            score += factor * self.x[i];
            bias += factor * self.shift[i];
        }
        let left = floor(left, self.q.s[k * self.q.p + k]);
        Entry { value: score / left, left, shift: bias / left }
    }
}

/// What is left of an unknown's own square, at least a tiny share.
fn floor(left: f64, own: f64) -> f64 {
    left.max(LEAST_LEFT * own).max(f64::MIN_POSITIVE)
}

fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

#[cfg(test)]
mod tests {
    use super::{Quadratic, Subset};
    use crate::data::{Purpose, normals, stream};

    /// A quadratic from random columns, the last two of them nearly collinear with the first ones.
    fn quadratic(p: usize, rows: usize) -> Quadratic {
        let mut rng = stream(5, Purpose::Noise, 0);
        let mut a = vec![0.0; rows * p];
        normals(&mut rng, &mut a);
        for row in a.chunks_exact_mut(p) {
            row[p - 2] = row[0] + row[1] + 1e-2 * row[p - 2];
            row[p - 1] = row[2] - row[3] + 3e-3 * row[p - 1];
        }
        let mut c = vec![0.0; p];
        let mut systematic = vec![0.0; p];
        normals(&mut rng, &mut c);
        normals(&mut rng, &mut systematic);
        let product = |i: usize, j: usize| a.chunks_exact(p).map(|row| row[i] * row[j]).sum::<f64>();
        Quadratic { p, s: (0..p * p).map(|k| product(k / p, k % p)).collect(), c, systematic }
    }

    fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
        let size = b.iter().fold(1e-300f64, |m, v| m.max(v.abs()));
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance * size)
    }

    #[test]
    fn changes_give_what_a_fresh_set_has() {
        let q = quadratic(14, 60);
        let mut subset = Subset::new(&q, &[true; 14]).unwrap();
        for (step, k) in [13, 4, 12, 0, 9].into_iter().enumerate() {
            let i = subset.set.iter().position(|&j| j == k).unwrap();
            subset.remove(i);
            if step == 3 {
                subset.insert(12);
                subset.insert(4);
            }
            let fresh = Subset::new(&q, &subset.active()).unwrap();
            assert_eq!(subset.set, fresh.set);
            assert!(close(&subset.v, &fresh.v, 1e-7), "step {step}");
            assert!(close(&subset.x, &fresh.x, 1e-7) && close(&subset.shift, &fresh.shift, 1e-7), "step {step}");
            assert!((subset.minimum() / fresh.minimum() - 1.0).abs() < 1e-7);
        }
    }

    #[test]
    fn an_entering_unknown_is_what_it_becomes() {
        let q = quadratic(10, 40);
        let active: Vec<bool> = (0..10).map(|k| k % 2 == 0).collect();
        let subset = Subset::new(&q, &active).unwrap();
        let outside = subset.outside();
        for (j, &k) in outside.all.iter().enumerate() {
            for without in [None, Some(0), Some(3)] {
                let entry = subset.entering(&outside, j, without);
                let mut other = active.clone();
                other[k] = true;
                if let Some(i) = without {
                    other[subset.set[i]] = false;
                }
                let set = Subset::new(&q, &other).unwrap();
                let i = set.set.iter().position(|&m| m == k).unwrap();
                for (mine, theirs) in
                    [(entry.value, set.x[i]), (1.0 / entry.left, set.variance(i)), (entry.shift, set.shift[i])]
                {
                    assert!((mine / theirs - 1.0).abs() < 1e-6, "{k} {without:?}: {mine} {theirs}");
                }
            }
        }
    }
}
