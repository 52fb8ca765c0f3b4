//! First trajectory, coefficients and noise.

use super::{Engine, FEWEST_PER_COMPONENT, State};
use crate::train::joint::columns::Columns;
use crate::train::joint::grid::Grid;
use crate::train::joint::problem::{JointError, Unknown};
use crate::train::joint::smoother::{self, SmoothError};
use crate::train::joint::{hidden, normal, regression, sizes};

/// Smallest measurement noise, relative to each component's standard deviation.
const NOISE_FLOOR: f64 = 1e-6;
/// Weight that keeps a known value, relative to each component's variance: far above that of the rows that hold it.
const PINNED: f64 = 1e20;
/// Weight of the prior on trajectory increments, relative to each component's variance; regularity only.
const PRIOR: f64 = 1e-12;

impl Engine<'_> {
    /// First trajectory, coefficients and noise.
    pub(super) fn start(&mut self) -> Result<State, JointError> {
        let (n, len) = (self.grid.n, self.grid.samples);
        let mut x = vec![f64::NAN; n * len];
        let mut slopes = vec![f64::NAN; n * len];
        let mut sigma = vec![f64::NAN; n];
        let unit = (!self.grid.sudden().is_empty()).then(|| self.between_seen()).flatten();
        for (c, sigma) in sigma.iter_mut().enumerate() {
            let y = &self.obs.y[c * len..(c + 1) * len];
            if y.iter().filter(|y| y.is_finite()).count() < FEWEST_PER_COMPONENT {
                continue;
            }
            let smooth = smoother::smooth((&self.grid.h, unit), y, &|| self.observer.should_stop());
            let smooth = smooth.map_err(|error| match error {
                SmoothError::Interrupted => JointError::Interrupted(None),
                SmoothError::Singular(at) => self.singular(c, at.step, (&x, &[])),
            })?;
            *sigma = smooth.sigma;
            // The derivatives serve the components that are time derivatives of this one.
            let mut at = Some(c);
            for k in 0..3 {
                let Some(component) = at else { break };
                if k == 0 || x[component * len].is_nan() {
                    x[component * len..(component + 1) * len].copy_from_slice(&smooth.derivatives[k]);
                    if let Some(next) = smooth.derivatives.get(k + 1) {
                        slopes[component * len..(component + 1) * len].copy_from_slice(next);
                    }
                }
                at = self.obs.derivative_of.iter().position(|&d| d == Some(component));
            }
        }
        self.scatter.clone_from(&sigma);
        let hidden: Vec<bool> = (0..n).map(|c| x[c * len].is_nan()).collect();
        let mut first: Vec<f64> = self.unknowns.iter().map(normal::first).collect();
        normal::clamp(self.unknowns, &mut first);
        let observer = &*self.observer;
        let stop = || observer.should_stop();
        let shared = Grid::new(n, &Columns::shared(self.declared, self.obs), self.obs);
        if hidden.contains(&true) {
            let plain: Vec<f64> = self.declared.iter().map(normal::first).collect();
            let along: ([&[f64]; 2], &[f64]) = ([&x, &slopes], &plain);
            let beside = ((&hidden[..], &self.obs.guess[..]), &stop as &dyn Fn() -> bool);
            first = self.grid.spread(&sizes::beside_hidden(&shared, self.model, self.declared, along, beside)?);
            normal::clamp(self.unknowns, &mut first);
        }
        let guess = &self.obs.guess;
        let unobserved = hidden::Start { grid: &self.grid, hidden: &hidden, slopes: &slopes, guess, anywhere: true };
        let sizes = unobserved.fill(self.model, &mut x, &first, &stop)?;
        self.obs.pinned().for_each(|(t, c, value)| x[c * len + t] = value);
        slopes.iter_mut().filter(|s| s.is_nan()).for_each(|s| *s = 0.0);
        // What a smoother makes of a jump is no slope along an impulse.
        for t in self.obs.impulses.iter().flat_map(|&t| [t, t + 1]).filter(|t| *t < len) {
            (0..n).for_each(|c| slopes[c * len + t] = f64::NAN);
        }
        let unseen = self.unseen();
        let all_hidden = unseen.len() == len;
        if !all_hidden {
            (0..n).for_each(|c| unseen.iter().for_each(|&t| slopes[c * len + t] = f64::NAN));
        }

        let spread: Vec<f64> = (0..n)
            .map(|c| {
                let v = &x[c * len..(c + 1) * len];
                let mean = v.iter().sum::<f64>() / len as f64;
                let deviation = (v.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / len as f64).sqrt();
                let largest = v.iter().fold(0.0f64, |m, v| m.max(v.abs()));
                // The mean of equal numbers is theirs up to rounding only.
                if deviation > 1e-9 * largest {
                    deviation
                } else if largest > 0.0 {
                    largest
                } else if sizes[c] > 0.0 {
                    sizes[c]
                } else {
                    1.0
                }
            })
            .collect();
        let mut relative: Vec<f64> =
            sigma.iter().zip(&spread).filter(|(s, _)| s.is_finite()).map(|(s, d)| s / d).collect();
        relative.sort_by(f64::total_cmp);
        let typical = relative.get(relative.len() / 2).copied().unwrap_or(0.01);
        self.floor = spread.iter().map(|d| NOISE_FLOOR * d).collect();
        self.prior = spread.iter().map(|d| PRIOR / (d * d)).collect();
        self.pinned = self.obs.pinned().map(|(t, c, _)| (t, c, PINNED / (spread[c] * spread[c]))).collect();
        for ((s, spread), floor) in sigma.iter_mut().zip(&spread).zip(&self.floor) {
            let known = if s.is_finite() { *s } else { typical * spread };
            *s = known.max(*floor);
        }
        // An unobserved component has no slopes to regress; then only the scales are of use.
        let declared = self.allowed_terms();
        let smeared = self.obs.smeared();
        let of_slopes =
            [self.columns.clone(), Columns::shared(self.declared, self.obs)].map(|c| Grid::new(n, &c, &smeared));
        let [grid, shared] = &of_slopes;
        let start = regression::start((grid, shared), self.model, &declared, [&x, &slopes], (self.poles, &stop))?;
        let mut xi = start.xi;
        if all_hidden || hidden.iter().any(|&h| h) {
            xi = first;
        }
        self.scale = start.scale;
        let active: Vec<bool> = (0..self.unknowns.len()).map(|k| self.may_be_kept(self.columns.unknown(k))).collect();
        xi.iter_mut().zip(&active).filter(|(_, active)| !**active).for_each(|(xi, _)| *xi = 0.0);
        Ok(State { x, xi, active, sigma })
    }

    /// The median distance of samples at which something was seen.
    fn between_seen(&self) -> Option<f64> {
        let len = self.grid.samples.max(1);
        let (mut steps, mut since) = (Vec::new(), None);
        for (t, h) in self.grid.h.iter().chain([&0.0]).enumerate() {
            if self.obs.y.chunks_exact(len).any(|y| y.get(t).is_some_and(|y| y.is_finite())) {
                steps.extend(since);
                since = Some(0.0);
            }
            since = since.filter(|_| *h > 0.0).map(|since| since + h);
        }
        steps.sort_by(f64::total_cmp);
        steps.get(steps.len() / 2).copied()
    }

    /// Whether an unknown is none of the terms that are left out, where they are not to be chosen.
    fn may_be_kept(&self, unknown: usize) -> bool {
        let is_parameter = self.declared.get(unknown).is_some_and(|u| !u.droppable);
        let kept = self.settings.terms.as_ref().is_none_or(|terms| terms.get(unknown).is_none_or(|kept| *kept));
        is_parameter || kept
    }

    /// The unknowns of the model, terms that are left out held at zero.
    fn allowed_terms(&self) -> Vec<Unknown> {
        let of = |(k, unknown): (usize, &Unknown)| match self.may_be_kept(k) {
            true => unknown.clone(),
            false => Unknown { lower: 0.0, upper: 0.0, ..unknown.clone() },
        };
        self.declared.iter().enumerate().map(of).collect()
    }

    /// Samples of trajectories in which a component that is observed in others is not: nothing but its mean is known there, so
    /// slopes along it say nothing about the unknowns.
    fn unseen(&self) -> Vec<usize> {
        let len = self.grid.samples;
        let rows: Vec<&[f64]> =
            self.obs.y.chunks_exact(len.max(1)).filter(|y| y.iter().any(|v| v.is_finite())).collect();
        let blank = |part: &std::ops::Range<usize>| {
            rows.iter().any(|y| y.get(part.clone()).is_some_and(|y| y.iter().all(|v| !v.is_finite())))
        };
        self.grid.trajectories().into_iter().filter(blank).flatten().collect()
    }
}
