//! Which unknowns make up for a change of another one, so that the data hardly see it.

use crate::solve::Cholesky;

/// A direction is flat only where less than this share of what an unknown does to the data is its own,
const BLURRED: f64 = 1e-4;
/// and where that share says no more of it than this part of its value: precise data know of a small share, too.
const KNOWN: f64 = 0.1;
/// A share below this is rounding, which knows nothing.
const ROUNDING: f64 = 1e-9;
/// An unknown takes part where it changes by more than this, relative to itself, for a relative change of one.
const TAKES_PART: f64 = 0.3;

/// Twice the log likelihood that may be lost or gained for two fits to count as equal: less than that twenty to one.
pub const AS_WELL: f64 = 6.0;

/// The unknowns that can move, with one inverse for all questions: with p of them it takes p^3 operations, and every question p^2.
pub struct Valley<'r> {
    /// The quadratic model `xi' S xi - 2 c' xi` of all unknowns: `[p, p]` and `[p]`.
    quadratic: (&'r [f64], &'r [f64]),
    /// Values of all unknowns, `[p]`.
    xi: &'r [f64],
    /// Those that can move and do something to the data.
    free: Vec<usize>,
    /// The inverse of their matrix, each of them in units of its own effect, `[free, free]`.
    inverse: Vec<f64>,
}

/// How the others answer to a change of an unknown.
struct Answer {
    /// The share of its effect that is left beside them.
    left: f64,
    /// The changes of the free unknowns, in units of their own effects; of the unknown itself nothing.
    changes: Vec<f64>,
}

impl<'r> Valley<'r> {
    /// The unknowns `free` at the values `xi` of all, `[p]`, of the quadratic model with `S`, `[p, p]`, and `c`, `[p]`; none where their matrix
    /// cannot be inverted.
    pub fn new(quadratic: (&'r [f64], &'r [f64]), xi: &'r [f64], free: &[usize]) -> Option<Valley<'r>> {
        let mut valley = Valley { quadratic, xi, free: Vec::new(), inverse: Vec::new() };
        valley.free = free.iter().copied().filter(|&i| valley.size(i) > 0.0).collect();
        let all = &valley.free;
        let block: Vec<f64> =
            all.iter().flat_map(|&i| all.iter().map(move |&j| (i, j))).map(|(i, j)| valley.scaled(i, j)).collect();
        valley.inverse = Cholesky::factor_with_ridge(all.len(), &block)?.inverse();
        Some(valley)
    }

    /// The free unknowns that make up for a change of the unknown `of`, which may be free or not; none where its effect on the data is its own,
    /// where it has none, or where the data ask for another value of it all the same. They are those that change as much as it does; where there
    /// are many ways to make up for it that may be none, and of one that is `unseen` it is the one that changes most.
    pub fn makes_up(&self, of: usize, unseen: bool) -> Option<Vec<usize>> {
        let Answer { left, changes } = self.answer(of)?;
        let asked = self.asked(of)?;
        // What is left of the effect is the inverse of the variance that the unknown has beside the others.
        let error = 1.0 / (self.size(of) * left.max(0.0).sqrt());
        let value = self.xi.get(of)?.abs();
        if left > BLURRED || left > ROUNDING && error < KNOWN * value || asked * asked > AS_WELL * left.max(ROUNDING) {
            return None;
        }
        let relative = |i: usize, change: f64| (change / (self.size(i) * self.xi.get(i).copied().unwrap_or(0.0))).abs();
        let others =
            || self.free.iter().zip(&changes).map(|(&i, &change)| (i, relative(i, change))).filter(|(i, _)| *i != of);
        let largest = others().max_by(|a, b| a.1.total_cmp(&b.1));
        let most = largest.filter(|_| unseen).map(|(i, _)| i);
        // How large one is that is held at an end of its range is the range's doing: a small end of it takes next to nothing to make up for.
        let held = !self.free.contains(&of);
        let own = largest.filter(|_| held).map_or(relative(of, 1.0), |(_, change)| change.min(relative(of, 1.0)));
        let by: Vec<usize> = others().filter(|(_, change)| *change > TAKES_PART * own).map(|(i, _)| i).collect();
        if by.is_empty() { most.map(|i| vec![i]) } else { Some(by) }
    }

    /// Whether the data see next to nothing of an unknown that does not move, whatever the others do: it may be anywhere within a range of this width, and they do
    /// not ask for another value.
    pub fn is_idle(&self, of: usize, width: f64) -> bool {
        let found = self.answer(of).zip(self.asked(of)).filter(|_| !self.free.contains(&of));
        found.is_some_and(|(Answer { left, .. }, asked)| {
            let error = 1.0 / (self.size(of) * left.max(0.0).sqrt());
            error > width && asked * asked <= AS_WELL * left.max(ROUNDING)
        })
    }

    /// What is asked of an unknown along with the others: what these ask for by themselves is not asked of it.
    fn asked(&self, of: usize) -> Option<f64> {
        let changes = self.answer(of)?.changes;
        let others = self.free.iter().zip(&changes).filter_map(|(&i, a)| Some(a * self.asks(i)?));
        Some(self.asks(of)? + others.sum::<f64>())
    }

    fn answer(&self, of: usize) -> Option<Answer> {
        if self.size(of).is_nan() || self.size(of) <= 0.0 {
            return None;
        }
        let count = self.free.len().max(1);
        // The inverse is symmetric: its rows are its columns.
        let mut rows = self.inverse.chunks_exact(count);
        match self.free.iter().position(|&i| i == of) {
            // By the inverse of a matrix in blocks, what is left is the inverse of its diagonal entry, and the answer stands beside it.
            Some(at) => {
                let row = rows.nth(at)?;
                let own = *row.get(at)?;
                let mut changes: Vec<f64> = row.iter().map(|v| -v / own).collect();
                *changes.get_mut(at)? = 0.0;
                Some(Answer { left: 1.0 / own, changes })
            }
            None => {
                let coupling: Vec<f64> = self.free.iter().map(|&i| self.scaled(i, of)).collect();
                let times = |row: &[f64]| row.iter().zip(&coupling).map(|(v, c)| v * c).sum::<f64>();
                let solved: Vec<f64> = rows.map(times).collect();
                let left = 1.0 - times(&solved);
                Some(Answer { left, changes: solved.iter().map(|a| -a).collect() })
            }
        }
    }

    /// Half the slope of the objective by an unknown, in units of its effect; another value is asked for where that is not zero.
    fn asks(&self, of: usize) -> Option<f64> {
        let (s, c) = self.quadratic;
        let row = s.chunks_exact(c.len().max(1)).nth(of)?;
        Some((c.get(of)? - row.iter().zip(self.xi).map(|(s, x)| s * x).sum::<f64>()) / self.size(of))
    }

    fn entry(&self, i: usize, j: usize) -> f64 {
        let (s, c) = self.quadratic;
        s.get(i * c.len() + j).copied().unwrap_or(0.0)
    }

    /// What an unknown does to the data.
    fn size(&self, i: usize) -> f64 {
        self.entry(i, i).sqrt()
    }

    fn scaled(&self, i: usize, j: usize) -> f64 {
        self.entry(i, j) / (self.size(i) * self.size(j))
    }
}

#[cfg(test)]
mod tests {
    use super::Valley;

    /// `S = sum v v'`, and `c = S xi`: nothing is asked for.
    fn quadratic(effects: &[[f64; 4]], xi: &[f64; 4]) -> (Vec<f64>, Vec<f64>) {
        let s: Vec<f64> = (0..16).map(|k| effects.iter().map(|v| v[k / 4] * v[k % 4]).sum()).collect();
        let c = s.chunks_exact(4).map(|row| row.iter().zip(xi).map(|(s, x)| s * x).sum()).collect();
        (s, c)
    }

    /// The second and the third do nearly the same, one as free as the other or held; the last one nothing.
    #[test]
    fn unknowns_that_do_the_same_make_up_for_each_other() {
        let xi = [1.0, 2.0, -3.0, 1.0];
        for (apart, flat) in [(0.0, true), (1e-4, true), (0.1, false)] {
            let effects =
                [[5.0, 1.0, 2.0, 0.0], [1.0, 3.0, 6.0, 0.0], [2.0, -1.0, -2.0, 0.0], [0.0, apart, -apart, 0.0]];
            let (s, c) = quadratic(&effects, &xi);
            let expected = |by: usize| flat.then(|| vec![by]);
            for free in [vec![0, 1, 2, 3], vec![0, 1, 2]] {
                let valley = Valley::new((&s, &c), &xi, &free).expect("an inverse");
                let found: Vec<_> = (0..4).map(|k| valley.makes_up(k, false)).collect();
                assert_eq!(found, [None, expected(2), expected(1), None], "{apart}, {free:?}");
            }
            let held = Valley::new((&s, &c), &xi, &[0, 1]).expect("an inverse");
            assert_eq!((held.makes_up(2, false), held.makes_up(1, false)), (expected(1), None), "{apart}");
        }
    }

    /// Of a pair that does nearly the same another value is asked for, or the data are precise enough to tell one from the other.
    #[test]
    fn what_the_data_know_is_not_made_up() {
        let xi = [1.0, 2.0, -3.0, 1.0];
        for (precision, asked, flat) in [(1.0, 0.0, true), (1.0, 0.01, false), (1e6, 0.0, false)] {
            let effects = [[5.0, 1.0, 2.0], [1.0, 3.0, 6.0], [2.0, -1.0, -2.0], [0.0, 1e-3, -1e-3]];
            let effects = effects.map(|[a, b, c]| [precision * a, precision * b, precision * c, 0.0]);
            let (s, mut c) = quadratic(&effects, &xi);
            c[1] += asked;
            let valley = Valley::new((&s, &c), &xi, &[0, 1, 2, 3]).expect("an inverse");
            assert_eq!(valley.makes_up(1, false).is_some(), flat, "{precision} {asked}");
        }
    }

    /// One for which many others could stand, each in part.
    #[test]
    fn many_ways_to_make_up_for_one_are_told_by_the_first_where_it_is_unseen() {
        let xi = [1.0, 20.0, 30.0, 30.0];
        let (s, c) = quadratic(&[[1.0, 1.0, 1.0, 1.0], [0.0, 1.0, -1.0, 0.0], [0.0, 0.0, 1.0, -1.0]], &xi);
        let valley = Valley::new((&s, &c), &xi, &[0, 1, 2, 3]).expect("an inverse");
        assert_eq!((valley.makes_up(0, false), valley.makes_up(0, true)), (None, Some(vec![1])));
    }
}
