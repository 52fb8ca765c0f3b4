//! How far a solve goes: steps that raise the objective are damped.

use super::Engine;
use crate::train::joint::collocation;
use crate::train::joint::poles::Divisors;
use crate::train::joint::problem::JointError;
use crate::train::joint::reduced::Reduced;
use crate::train::joint::select::{self, Solution};

/// The rise of the objective that a step may cause, per observation.
const SLACK: f64 = 0.05;
/// Damping ends here, whatever the objective says,
const SMALLEST_SHARE: f64 = 1.0 / 32.0;
/// but for poles and places where the model has no value: steps end before them, or there is none.
const LEAST_SHARE: f64 = 1.0 / 16384.0;

/// The point a step starts from.
pub(super) struct Point<'a> {
    pub x: &'a [f64],
    pub xi: &'a [f64],
    pub active: &'a [bool],
    pub sigma: &'a [f64],
    pub q: &'a [f64],
    pub delta: &'a [f64],
    pub divisors: &'a Divisors,
}

/// A step that was taken.
pub(super) struct Step {
    pub x: Vec<f64>,
    pub xi: Vec<f64>,
    pub active: Vec<bool>,
    pub solution: Solution,
    pub share: f64,
}

impl Engine<'_> {
    /// The step to the minimiser over the set `active`, full or damped so that the objective does not rise. On the way to another set, terms
    /// that come in or leave grow or shrink: both are in the set until it is reached. `None` when the shortest step towards another
    /// set would raise the objective: then the old set has to settle first.
    pub(super) fn step(
        &mut self,
        from: &Point,
        reduced: &Reduced,
        active: &[bool],
    ) -> Result<Option<Step>, JointError> {
        let solution =
            select::solve(reduced, &self.scale, self.unknowns, active, from.xi).ok_or(JointError::Collinear)?;
        let change: Vec<f64> = solution.xi.iter().zip(from.xi).map(|(a, b)| a - b).collect();
        let direction = reduced.trajectory_step(&change);
        let changed = active != from.active;
        let dropped = from.active.iter().zip(active).filter(|&(old, new)| *old && !new).count();
        let seen = self.obs.y.iter().filter(|y| y.is_finite()).count() as f64;
        // Dropping a term raises the objective by at most about its price.
        let limit = reduced.objective + SLACK * seen + 2.0 * self.price * dropped as f64;
        let mut share = 1.0;
        loop {
            let x: Vec<f64> = from.x.iter().zip(&direction).map(|(x, s)| x + share * s).collect();
            let xi: Vec<f64> = from.xi.iter().zip(&change).map(|(x, c)| x + share * c).collect();
            let after = self.objective(&x, &xi, from.sigma, from.q, from.delta)?;
            let smallest = share <= SMALLEST_SHARE;
            let far_enough = after <= limit || (!changed && smallest && after.is_finite());
            if share == 0.0 || (far_enough && !self.through_a_pole(from, &x, &xi)?) {
                if !changed || share == 1.0 {
                    return Ok(Some(Step { x, xi, active: active.to_vec(), solution, share }));
                }
                let both: Vec<bool> = from.active.iter().zip(active).map(|(old, new)| *old || *new).collect();
                let solution = select::solve(reduced, &self.scale, self.unknowns, &both, from.xi).unwrap_or(solution);
                return Ok(Some(Step { x, xi, active: both, solution, share }));
            }
            if changed && smallest {
                return Ok(None);
            }
            share = if share <= LEAST_SHARE { 0.0 } else { 0.5 * share };
        }
    }

    /// Whether a divisor does not keep its sign on the way: beyond a pole the objective is that of another solution.
    fn through_a_pole(&mut self, from: &Point, x: &[f64], xi: &[f64]) -> Result<bool, JointError> {
        if self.poles.are_open() {
            return Ok(false);
        }
        let there = Divisors::at(&self.grid, self.model, x, xi)?;
        Ok(self.poles.hold_back(from.divisors, &there, &self.grid))
    }

    /// Weighted squares of defects and residuals; infinite where the model cannot be evaluated.
    pub(super) fn objective(
        &mut self,
        x: &[f64],
        xi: &[f64],
        sigma: &[f64],
        q: &[f64],
        delta: &[f64],
    ) -> Result<f64, JointError> {
        let sum: f64 = self.objectives((x, xi), (sigma, q), delta)?.iter().sum();
        Ok(if sum.is_finite() { sum } else { f64::INFINITY })
    }

    /// The same of every component.
    pub(super) fn objectives(
        &mut self,
        (x, xi): (&[f64], &[f64]),
        (sigma, q): (&[f64], &[f64]),
        delta: &[f64],
    ) -> Result<Vec<f64>, JointError> {
        let (n, len) = (self.grid.n, self.grid.samples);
        let defects = collocation::defects(&self.grid, self.model, x, xi)?;
        let mut sums = vec![0.0; n];
        for (i, (d, e)) in defects.iter().zip(delta).enumerate() {
            let r = (d + e) * self.grid.row_weight[i / n] / q[i % n];
            sums[i % n] += r * r;
        }
        for (c, sum) in sums.iter_mut().enumerate() {
            for (y, x) in self.obs.y[c * len..(c + 1) * len].iter().zip(&x[c * len..]).filter(|(y, _)| y.is_finite()) {
                let r = (y - x) / sigma[c];
                *sum += r * r;
            }
        }
        Ok(sums)
    }
}
