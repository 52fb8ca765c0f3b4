//! The start of states that are never observed: the solution of their own equations along the smoothed observed ones, from the first
//! guess. It has the size that the equations give it, in whatever unit.

use super::collocation::Grid;
use super::problem::{Dynamics, JointError};

/// A state that becomes this much larger than its size runs away: it starts as a constant then.
const RUN_AWAY: f64 = 1e3;

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
}

impl Start<'_> {
    /// Fills the hidden components of `x`, `[component, time]`.
    pub fn fill(&self, model: &mut dyn Dynamics, x: &mut [f64], xi: &[f64]) -> Result<(), JointError> {
        let len = self.grid.samples;
        let hidden: Vec<usize> = (0..self.grid.n).filter(|&c| self.hidden.get(c) == Some(&true)).collect();
        if hidden.is_empty() {
            return Ok(());
        }
        let (typical, time) = self.observed(x);
        let constant = |value: &dyn Fn(usize) -> f64, x: &mut [f64]| {
            hidden.iter().for_each(|&c| x[c * len..(c + 1) * len].fill(value(c)));
        };
        // What a state that starts at zero gathers in the time in which the others change.
        constant(&|_| 0.0, x);
        let gathered = self.gathered(model, x, xi, time)?;
        let known = |v: &f64| v.is_finite() && *v != 0.0;
        let sizes: Vec<f64> = (0..self.grid.n)
            .map(|c| {
                let guess = self.guess.get(c).filter(|v| known(v)).map_or(0.0, |v| v.abs());
                let gathered = gathered.get(c).filter(|v| known(v)).copied().unwrap_or(0.0);
                if guess.max(gathered) > 0.0 { guess.max(gathered) } else { typical }
            })
            .collect();
        let first = |c: usize| self.guess.get(c).copied().filter(|v| v.is_finite()).unwrap_or(sizes[c]);
        constant(&first, x);
        let mut followed = x.to_vec();
        if self.follow(model, (&hidden, &sizes), &mut followed, xi)? {
            x.copy_from_slice(&followed);
        } else {
            // A constant of zero would say that it has no size.
            constant(&|c| if first(c) == 0.0 { sizes[c] } else { first(c) }, x);
        }
        Ok(())
    }

    /// The median size of the observed components, and of the times in which they change by their size.
    fn observed(&self, x: &[f64]) -> (f64, f64) {
        let len = self.grid.samples.max(1);
        let square = |v: &[f64]| (v.iter().filter(|v| v.is_finite()).map(|v| v * v).sum::<f64>() / len as f64).sqrt();
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

    /// The root mean square of every component's derivative, times `time`.
    fn gathered(&self, model: &mut dyn Dynamics, x: &[f64], xi: &[f64], time: f64) -> Result<Vec<f64>, JointError> {
        let (n, len) = (self.grid.n, self.grid.samples.max(1));
        let mut f = vec![0.0; n * len];
        self.grid.field_at_samples(model, x, xi, &mut f)?;
        Ok(f.chunks_exact(len).map(|f| time * (f.iter().map(|v| v * v).sum::<f64>() / len as f64).sqrt()).collect())
    }

    /// Solves the hidden components by the classical method of Runge and Kutta, the observed ones between samples by cubic
    /// interpolation. Whether the solution stays within bounds.
    fn follow(
        &self,
        model: &mut dyn Dynamics,
        (hidden, sizes): (&[usize], &[f64]),
        x: &mut [f64],
        xi: &[f64],
    ) -> Result<bool, JointError> {
        let (n, len) = (self.grid.n, self.grid.samples);
        let (mut point, mut f) = (vec![0.0; n], vec![0.0; n]);
        for t in (0..self.grid.links()).filter(|&t| self.grid.h[t] > 0.0) {
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
