//! The start of states that are never observed: the solution of their own equations along the smoothed observed ones, from the first
//! guess. It has the size that the equations give it, in whatever unit.

use super::grid::Grid;
use super::problem::{Dynamics, JointError, Points};
use crate::artifact::{Pattern, PatternEntry};

/// A state that becomes this much larger than its size runs away: it starts as a constant then.
const RUN_AWAY: f64 = 1e3;

/// Parts of the sizes from which hidden components start where the equations have no value along the first start, such as the logarithm of
/// a state that starts at zero.
const OTHERS: [f64; 8] = [1.0, 10.0, 0.1, 100.0, -1.0, -10.0, -0.1, -100.0];
/// Solving along so many links takes milliseconds.
const LINKS_BETWEEN_QUESTIONS: usize = 1024;

/// A first trajectory with states that are not observed.
pub struct Start<'a> {
    /// The samples.
    pub grid: &'a Grid,
    /// Which components are hidden.
    pub hidden: &'a [bool],
    /// Derivatives of the observed components by time, `[component, time]`.
    pub slopes: &'a [f64],
    /// First values of hidden components; NaN where none is given.
    pub guess: &'a [f64],
    /// Whether the equations having a value is worth to try other starts.
    pub anywhere: bool,
}

impl Start<'_> {
    /// Fills the hidden components of `x`, `[component, time]`, and gives their sizes, `[component]`, which are zero for observed ones.
    pub fn fill(
        &self,
        model: &mut dyn Dynamics,
        x: &mut [f64],
        xi: &[f64],
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<f64>, JointError> {
        let hidden: Vec<usize> = (0..self.grid.n).filter(|&c| self.hidden.get(c) == Some(&true)).collect();
        if hidden.is_empty() {
            return Ok(vec![0.0; self.grid.n]);
        }
        let sizes = self.sizes(model, (x, xi), &hidden)?;
        let first: Vec<f64> =
            sizes.iter().zip(self.guess).map(|(size, guess)| if guess.is_finite() { *guess } else { *size }).collect();
        // A constant of zero would say that it has no size.
        let level = |(first, size): (&f64, &f64)| if *first == 0.0 { *size } else { *first };
        let level: Vec<f64> = first.iter().zip(&sizes).map(level).collect();
        let mut kept: Option<Vec<f64>> = None;
        let others = if self.anywhere { &OTHERS[..] } else { &[] };
        let others = others.iter().map(|by| sizes.iter().map(|size| by * size).collect::<Vec<f64>>());
        let starts = std::iter::once((first, level)).chain(others.map(|start| (start.clone(), start)));
        for (first, level) in starts {
            for (start, moves) in [(&first, true), (&level, false)] {
                self.constant(&hidden, start, x);
                if moves && !self.follow(model, (&hidden, &sizes), x, xi, stop)? {
                    continue;
                }
                if self.defined(model, x, xi)? {
                    return Ok(sizes);
                }
                kept.get_or_insert_with(|| x.to_vec());
            }
        }
        // Nowhere have the equations a value: the first start has what is said about the place.
        if let Some(kept) = kept {
            x.copy_from_slice(&kept);
        }
        Ok(sizes)
    }

    /// Hidden components of `x` the same number at every sample.
    fn constant(&self, hidden: &[usize], value: &[f64], x: &mut [f64]) {
        let rows = x.chunks_exact_mut(self.grid.samples.max(1)).enumerate();
        for (c, row) in rows.filter(|(c, _)| hidden.contains(c)) {
            row.fill(value.get(c).copied().unwrap_or(0.0));
        }
    }

    /// The sizes of the hidden components: those of first guesses, what their equations gather in the time in which the others change, what
    /// the observed equations need of them, or that of the observed components, whichever comes first.
    fn sizes(
        &self,
        model: &mut dyn Dynamics,
        (x, xi): (&mut [f64], &[f64]),
        hidden: &[usize],
    ) -> Result<Vec<f64>, JointError> {
        let (typical, time) = self.observed(x);
        let mut sizes = vec![0.0; self.grid.n];
        self.constant(hidden, &sizes, x);
        let gathered = self.gathered(model, x, xi, time)?;
        for &c in hidden {
            let guess = self.guess.get(c).filter(|v| v.is_finite()).map_or(0.0, |v| v.abs());
            sizes[c] = guess.max(gathered[c]);
        }
        // One after the other gathers from those that have a size already; where none does, from what the observed equations need.
        while hidden.iter().any(|&c| sizes[c] == 0.0) {
            self.constant(hidden, &sizes, x);
            let gathered = self.gathered(model, x, xi, time)?;
            let open: Vec<usize> = hidden.iter().copied().filter(|&c| sizes[c] == 0.0).collect();
            let gathers = open.iter().any(|&c| gathered[c] > 0.0);
            let found = if gathers { gathered } else { self.needed(model, x, xi)? };
            open.iter().for_each(|&c| sizes[c] = found[c]);
            if open.iter().all(|&c| sizes[c] == 0.0) {
                open.iter().for_each(|&c| sizes[c] = typical);
            }
        }
        Ok(sizes)
    }

    /// What every component has to be for the derivative of an observed one to come from it; zero where none depends on it.
    fn needed(&self, model: &mut dyn Dynamics, x: &[f64], xi: &[f64]) -> Result<Vec<f64>, JointError> {
        let len = self.grid.samples;
        let (pattern, entries) = self.linearised(model, x, xi)?;
        let mut needed = vec![0.0f64; self.grid.n];
        for (observed, list) in
            pattern.by_component.iter().enumerate().filter(|(c, _)| self.hidden.get(*c) == Some(&false))
        {
            let slope = mean_square(&self.slopes[observed * len..(observed + 1) * len]);
            for &(c, entry) in list {
                let by = match entry {
                    PatternEntry::Constant(by) => by * by,
                    PatternEntry::Row(r) => mean_square(&entries[r * len..(r + 1) * len]),
                };
                let size = (slope / by).sqrt();
                if size.is_finite() && size > 0.0 && (needed[c] == 0.0 || size < needed[c]) {
                    needed[c] = size;
                }
            }
        }
        Ok(needed)
    }

    /// The model with its derivatives at all samples, `[entry, time]`.
    fn linearised(&self, model: &mut dyn Dynamics, x: &[f64], xi: &[f64]) -> Result<(Pattern, Vec<f64>), JointError> {
        let pattern = model.pattern().clone();
        let mut entries = vec![0.0; pattern.rows * self.grid.samples];
        self.grid.linearise(model, Points { x, t: &self.grid.t, input: &self.grid.input }, xi, &mut entries)?;
        Ok((pattern, entries))
    }

    /// Whether the model and its derivatives are numbers at all samples.
    fn defined(&self, model: &mut dyn Dynamics, x: &[f64], xi: &[f64]) -> Result<bool, JointError> {
        Ok(self.linearised(model, x, xi)?.1.iter().all(|v| v.is_finite()))
    }

    /// The median size of the observed components, and of the times in which they change by their size.
    fn observed(&self, x: &[f64]) -> (f64, f64) {
        let len = self.grid.samples.max(1);
        let square = |v: &[f64]| mean_square(v).sqrt();
        let rows = x.chunks_exact(len).zip(self.slopes.chunks_exact(len)).zip(self.hidden);
        let seen: Vec<(f64, f64)> =
            rows.filter(|(_, hidden)| !**hidden).map(|((x, slope), _)| (square(x), square(slope))).collect();
        let median = |mut v: Vec<f64>| {
            v.retain(|v| v.is_finite() && *v > 0.0);
            v.sort_by(f64::total_cmp);
            v.get(v.len() / 2).copied()
        };
        let typical = median(seen.iter().map(|(x, _)| *x).collect()).unwrap_or(1.0);
        let time = median(seen.iter().map(|(x, slope)| x / slope).collect()).unwrap_or(self.grid.median_h);
        (typical, time)
    }

    /// The root mean square of every component's derivative, times `time`; zero where it is no number.
    fn gathered(&self, model: &mut dyn Dynamics, x: &[f64], xi: &[f64], time: f64) -> Result<Vec<f64>, JointError> {
        let (n, len) = (self.grid.n, self.grid.samples.max(1));
        let mut f = vec![0.0; n * len];
        self.grid.field_on_average(model, x, xi, &mut f)?;
        let size = |f: &[f64]| time * (f.iter().map(|v| v * v).sum::<f64>() / len as f64).sqrt();
        Ok(f.chunks_exact(len).map(size).map(|size| if size.is_finite() { size } else { 0.0 }).collect())
    }

    /// Solves the hidden components by the classical method of Runge and Kutta, the observed ones between samples by cubic
    /// interpolation. Whether the solution stays within bounds.
    fn follow(
        &self,
        model: &mut dyn Dynamics,
        (hidden, sizes): (&[usize], &[f64]),
        x: &mut [f64],
        xi: &[f64],
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, JointError> {
        let (n, len) = (self.grid.n, self.grid.samples);
        let (mut point, mut f) = (vec![0.0; n], vec![0.0; n]);
        for t in (0..self.grid.links()).filter(|&t| self.grid.h[t] > 0.0) {
            if t % LINKS_BETWEEN_QUESTIONS == 0 && stop() {
                return Err(JointError::Interrupted(None));
            }
            let h = self.grid.h[t];
            let mut total = vec![0.0; n];
            // Share of the step, and weight, of each of the four evaluations.
            for (share, weight) in [(0.0, 1.0), (0.5, 2.0), (0.5, 2.0), (1.0, 1.0)] {
                for c in 0..n {
                    let at = c * len + t;
                    point[c] = if self.hidden[c] {
                        x[at] + share * h * f[c]
                    } else if share == 0.5 {
                        let slope = |at: usize| if self.slopes[at].is_finite() { self.slopes[at] } else { 0.0 };
                        0.5 * (x[at] + x[at + 1]) + h / 8.0 * (slope(at) - slope(at + 1))
                    } else {
                        x[at + usize::from(share > 0.0)]
                    };
                }
                self.grid.field_at(model, (t, share), &point, xi, &mut f)?;
                total.iter_mut().zip(&f).for_each(|(sum, f)| *sum += weight / 6.0 * f);
            }
            for &c in hidden {
                let next = x[c * len + t] + h * total[c];
                if !next.is_finite() || next.abs() > RUN_AWAY * sizes[c] {
                    return Ok(false);
                }
                x[c * len + t + 1] = next;
            }
        }
        Ok(true)
    }
}

/// The mean square of the numbers, what is not one counting as zero.
fn mean_square(v: &[f64]) -> f64 {
    v.iter().filter(|v| v.is_finite()).map(|v| v * v).sum::<f64>() / v.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::columns::Columns;
    use super::super::problem::{EvaluateError, Observations};
    use super::*;

    /// `x' = z`, `z' = -z`, with `x` observed.
    struct Decay(Pattern);

    impl Dynamics for Decay {
        fn pattern(&self) -> &Pattern {
            &self.0
        }

        fn field(&mut self, at: Points, _: &[f64], f: &mut [f64]) -> Result<(), EvaluateError> {
            let (_, z) = at.x.split_at(at.t.len());
            let (fx, fz) = f.split_at_mut(at.t.len());
            fx.copy_from_slice(z);
            fz.iter_mut().zip(z).for_each(|(f, z)| *f = -z);
            Ok(())
        }

        fn linearise(&mut self, at: Points, xi: &[f64], entries: &mut [f64]) -> Result<(), EvaluateError> {
            self.field(at, xi, entries)
        }
    }

    #[test]
    fn the_size_of_what_nothing_feeds_is_what_the_observed_needs_and_following_it_can_be_stopped() {
        let len = 5000;
        let one = PatternEntry::Constant(1.0);
        let mut model = Decay(Pattern {
            rows: 2,
            divisors: Vec::new(),
            value: vec![PatternEntry::Row(0), PatternEntry::Row(1)],
            by_component: vec![vec![(1, one)], vec![(1, PatternEntry::Constant(-1.0))]],
            by_unknown: vec![Vec::new(); 2],
        });
        let observations = Observations {
            t: (0..len).map(|i| 1e-3 * i as f64).collect(),
            names: vec!["x".into(), "z".into()],
            ..Observations::default()
        };
        let grid = Grid::new(2, &Columns::new(&[], &observations), &observations);
        let mut slopes = vec![f64::NAN; 2 * len];
        slopes[..len].fill(3e7);
        let guess = [f64::NAN, f64::NAN];
        let start = Start { grid: &grid, hidden: &[false, true], slopes: &slopes, guess: &guess, anywhere: true };
        let mut x = vec![f64::NAN; 2 * len];
        x[..len].fill(1e7);
        let asked = Cell::new(0);
        let going_on = || {
            asked.set(asked.get() + 1);
            false
        };
        let sizes = start.fill(&mut model, &mut x, &[], &going_on).expect("a start");
        assert_eq!(sizes, [0.0, 3e7]);
        assert_eq!(x[len], 3e7);
        let last = x[2 * len - 1] / (3e7 * (-1e-3 * (len - 1) as f64).exp());
        assert!((last - 1.0).abs() < 1e-9, "{last}");
        assert!(asked.get() >= 4, "{}", asked.get());
        let stopped = start.fill(&mut model, &mut x, &[], &|| true);
        assert_eq!(stopped, Err(JointError::Interrupted(None)));
    }
}
