//! Found equations solved on: from which state that starts, and the solution.

use super::driven;
use super::failure::{Failure, Problem};
use super::findings::Findings;
use super::joint_trajectory::{self, Estimated};
use super::observed::Observed;
use super::pointwise::Compiled;
use crate::data::{self, OdeError, Rhs, Tolerance, Trajectory};
use crate::hir::Model;
use crate::runtime::Threads;
use crate::train::Observer;
use crate::train::joint::{Drive, FEWEST_PER_COMPONENT};

/// The share of a trajectory that its state is estimated from.
const HEAD: f64 = 0.2;

/// What it takes to go on from the data of a fit.
pub(super) struct Continuation<'a> {
    pub model: &'a Model,
    pub observed: &'a Observed,
    pub findings: &'a Findings,
    pub threads: &'a Threads,
    pub seed: u64,
    pub observer: &'a mut dyn Observer,
}

/// The first samples of a trajectory that took no part in a fit, under the equations that were found.
pub(super) struct Head {
    /// How many.
    pub count: usize,
    /// Their estimates, `[component, sample]`.
    pub estimated: Vec<f64>,
    /// The state at the last of them.
    pub state: Vec<f64>,
    /// The unknowns of the trajectory, and the errors of those that are its own.
    pub unknowns: Unknowns,
}

/// The unknowns of a trajectory and their errors, not a number for those that it shares with others.
pub(super) type Unknowns = [Vec<f64>; 2];

impl Continuation<'_> {
    /// The state at the last of the first `at` samples of `whole`, which is the fitted trajectory number `k` with what follows it; or why
    /// there is none. The solution of the fit has it, as far as the engine gives one with all derivatives; samples near there say it
    /// otherwise, under the equations that were found.
    pub fn state(&mut self, k: usize, at: usize, whole: &Trajectory) -> Result<Result<Vec<f64>, String>, Failure> {
        if let Some(state) = self.solved(k, at) {
            return Ok(Ok(state));
        }
        // Those before, or the first ones where that are too few.
        let fewest = self.fewest(whole);
        let (first, count) = match at >= fewest {
            true => (at - self.head(at, fewest), self.head(at, fewest)),
            false => (0, self.head(whole.len, fewest)),
        };
        if first + count > whole.len {
            return Ok(Err(too_few(fewest)));
        }
        let last = at.saturating_sub(first + 1);
        let xi = self.findings.unknowns_of(k);
        let estimated = self.estimated(&whole.slice(first, count), first == 0, (&xi, false))?;
        Ok(estimated.and_then(|e| self.column(&e.x, count, last)))
    }

    /// The first samples of a trajectory of its own, with the unknowns that every trajectory has for itself, of which at least one is left to be predicted; or why there are none.
    pub fn of_own(&mut self, whole: &Trajectory) -> Result<Result<Head, String>, Failure> {
        let fewest = self.fewest(whole);
        // Where samples are missing it takes more of them.
        let count = self.head(whole.len, fewest).max(self.enough(whole));
        if count + 2 > whole.len {
            return Ok(Err(too_few(fewest)));
        }
        let xi = self.findings.unknowns();
        let estimated = self.estimated(&whole.slice(0, count), true, (&xi, true))?;
        Ok(estimated.and_then(|e| {
            let state = self.column(&e.x, count, count - 1)?;
            Ok(Head { count, estimated: e.x, state, unknowns: [e.unknowns, e.errors] })
        }))
    }

    /// The solution at the samples of a trajectory from a state at the last sample `before` them, `[component, sample]`; or why there is none.
    pub fn solve(
        &self,
        compiled: &mut Compiled,
        xi: &[f64],
        start: &[f64],
        (before, tail): (&Trajectory, &Trajectory),
    ) -> Result<Result<Vec<f64>, String>, Failure> {
        let (first, inputs) = (before.len.saturating_sub(1), self.model.inputs.len());
        let solved = if inputs == 0 {
            let mut rhs = |t: f64, x: &[f64], dx: &mut [f64]| {
                // What is not finite ends the integration, which may be long.
                if self.observer.should_stop() || compiled.evaluate(t, x, xi, dx).is_err() {
                    dx.fill(f64::NAN);
                }
            };
            solve(&mut rhs, start, before.time(first), tail)
        } else {
            let drive = Drive::new(&self.observed.observations(self.model, &[before.followed_by(tail)]));
            let mut rhs = |t: f64, x: &[f64], input: &[f64], dx: &mut [f64]| {
                if self.observer.should_stop() || compiled.evaluate_driven(t, (x, input), xi, dx).is_err() {
                    dx.fill(f64::NAN);
                }
            };
            driven::solve(&mut rhs, start, (&drive, inputs), first..first + tail.len)
                .map(|rows| by_component(&rows, start.len()))
        };
        if self.observer.should_stop() {
            Err(Failure::Interrupted(Problem::interrupted()))
        } else {
            Ok(solved.map_err(|e| e.to_string()))
        }
    }

    /// What the solution of the fit says.
    fn solved(&self, k: usize, at: usize) -> Option<Vec<f64>> {
        let fitted = &self.observed.train.trajectories;
        fitted.get(k).filter(|t| at <= t.len)?;
        let total: usize = fitted.iter().map(|t| t.len).sum();
        let last = (fitted.iter().take(k).map(|t| t.len).sum::<usize>() + at).checked_sub(1).filter(|_| at > 0)?;
        self.column(&self.findings.solution, total, last).ok()
    }

    /// The state at a sample of estimates `[component, sample]`.
    fn column(&self, x: &[f64], samples: usize, at: usize) -> Result<Vec<f64>, String> {
        let components = 0..self.observed.components.len();
        let state: Option<Vec<f64>> =
            components.map(|c| x.get(c * samples + at).copied().filter(|v| v.is_finite())).collect();
        state.ok_or_else(|| "its state is not finite".to_string())
    }

    /// Estimates of all components at the samples of a trajectory, or of a part of one that `begins` where it does, with these unknowns;
    /// those of its own are estimated too where it says so.
    fn estimated(
        &mut self,
        part: &Trajectory,
        begins: bool,
        (xi, own): (&[f64], bool),
    ) -> Result<Result<Estimated, String>, Failure> {
        let mut observations = self.observed.observations(self.model, std::slice::from_ref(part));
        if !begins {
            observations.known.clear();
        }
        joint_trajectory::trajectory(
            (self.model, xi, own),
            &observations,
            self.threads,
            (self.seed, &mut *self.observer),
        )
    }

    /// The fewest samples that a state is estimated from: so many for every component and one for every unknown of its own, shared by the columns that are observed.
    fn fewest(&self, of: &Trajectory) -> usize {
        let seen = (0..of.width()).filter(|&c| (0..of.len).any(|i| of.value(i, c).is_some())).count();
        let own = self.model.unknowns.values().filter(|u| self.model.is_per_sample(u)).count();
        (FEWEST_PER_COMPONENT * self.observed.components.len() + own) / seen.max(1) + 2
    }

    /// How many of the first samples hold the values that a state is estimated from: so many for every component, one for every unknown of its own and one for
    /// the noise.
    fn enough(&self, of: &Trajectory) -> usize {
        let own = self.model.unknowns.values().filter(|u| self.model.is_per_sample(u)).count();
        let mut need = FEWEST_PER_COMPONENT * self.observed.components.len() + own + 1;
        for i in 0..of.len {
            need = need.saturating_sub((0..of.width()).filter(|&c| of.value(i, c).is_some()).count());
            if need == 0 {
                return i + 1;
            }
        }
        of.len
    }

    /// Of how many samples the state is estimated from where there are `len`.
    fn head(&self, len: usize, fewest: usize) -> usize {
        ((len as f64 * HEAD).ceil() as usize).max(fewest)
    }
}

fn too_few(fewest: usize) -> String {
    format!("its state cannot be estimated from fewer than {fewest} samples")
}

/// The solution at the samples of a trajectory, `[component, sample]`.
fn solve(rhs: &mut Rhs<'_>, start: &[f64], before: f64, tail: &Trajectory) -> Result<Vec<f64>, OdeError> {
    let n = start.len();
    let tolerance = Tolerance::default();
    let mut rows = Vec::new();
    if tail.is_irregular() {
        let (mut state, mut time) = (start.to_vec(), before);
        for i in 0..tail.len {
            let step = data::integrate(rhs, &state, time, tail.time(i) - time, 2, &tolerance)?;
            state = step.get(n..).unwrap_or_default().to_vec();
            time = tail.time(i);
            rows.extend_from_slice(&state);
        }
    } else {
        rows = data::integrate(rhs, start, tail.t0 - tail.dt, tail.dt, tail.len + 1, &tolerance)?.split_off(n);
    }
    Ok(by_component(&rows, n))
}

/// From `[sample, component]` to `[component, sample]`.
fn by_component(rows: &[f64], n: usize) -> Vec<f64> {
    (0..n).flat_map(|c| rows.iter().skip(c).step_by(n.max(1)).copied()).collect()
}
