//! The schedule: annealing of the process noise, Gauss-Newton solves, selection, noise estimation, and what comes out.

use super::collocation::{self, Grid};
use super::columns::Columns;
use super::noise::{self, Fitted};
use super::problem::{Dynamics, Estimate, Interim, JointError, JointFit, Observations, Plausible, Settings, Unknown};
use super::reduced::{self, Reduced, Weights};
use super::refine::{refine, thin};
use super::select::{self, DISCRETISATION_LEFT, Search, Solution, Stopped};
use super::smoother::SmoothError;
use super::{hidden, regression, smoother};
use crate::train::{Observer, Progress};

/// Process noise per step in units of each component's measurement noise, stage by stage. The memory of the smoother is about
/// 1/kappa samples: 0.3 is a local smoother, insensitive to its start; 0.001 goes beyond 400 samples.
const LADDER: [f64; 6] = [0.3, 0.1, 0.03, 0.01, 0.003, 0.001];
/// Terms are dropped from this stage on; before, the smoother is too local for their significance to mean anything.
const SELECT_FROM: f64 = 0.1;
/// No deferred correction above: its error estimate needs a smooth trajectory.
const CORRECT_FROM: f64 = 0.3;
/// Solves per stage at most, with and without selection.
const SOLVES: [usize; 2] = [3, 8];
/// Solves per stage at most while steps have to be damped.
const DAMPED_SOLVES: usize = 16;
/// The rise of the objective that a step may cause, per observation.
const SLACK: f64 = 0.05;
/// Damping ends here, whatever the objective says,
const SMALLEST_SHARE: f64 = 1.0 / 32.0;
/// but for places where the model has no value: steps end before them.
const LEAST_SHARE: f64 = 1.0 / 16384.0;
/// A stage ends when no unknown moves by more than this many standard errors.
const SETTLED: f64 = 0.3;
/// The rise of twice the negative log marginal likelihood (with the price of terms) that ends the annealing.
const LIKELIHOOD_RISE: f64 = 10.0;
/// Smallest measurement noise, relative to each component's standard deviation.
const NOISE_FLOOR: f64 = 1e-6;
/// Weight of the prior on trajectory increments, relative to each component's variance; regularity only.
const PRIOR: f64 = 1e-12;
/// Samples are doubled while the discretisation error exceeds this share of the noise, up to [`MAX_REFINEMENT`] times as many.
const TOLERATED_DISCRETISATION: f64 = 0.3;
/// Largest refinement of the samples.
const MAX_REFINEMENT: usize = 8;
/// Observations per component needed at least: its smoother's three numbers, and two more to see any noise.
pub const FEWEST_PER_COMPONENT: usize = 5;
/// Relative distance from a bound that counts as none.
const AT_BOUND: f64 = 1e-6;
/// Dropped terms above this t-statistic are reported.
pub const PLAUSIBLE: f64 = 2.0;

/// Fits the unknowns of a model to observations.
pub fn fit(
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    observations: &Observations,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<JointFit, JointError> {
    let columns = Columns::new(unknowns, observations);
    let (declared, unknowns) = (unknowns, &columns.expanded(unknowns));
    enough(unknowns, observations)?;
    let mut solves = 0;
    let mut round = |by: usize| -> Result<(JointFit, bool), JointError> {
        let refined = refine(observations, by);
        let mut engine = Engine::new(model, (declared, unknowns, &columns), &refined, settings, observer);
        let outcome = engine.run();
        solves += engine.solves;
        let (fit, coarse) = outcome?;
        let x = thin(&fit.x, &refined, observations, by);
        Ok((JointFit { x, solves, ..fit }, coarse))
    };
    // The last fit there was; as long as there is none, the first failure: what fails at the samples that were observed says more than
    // what finer ones fail by later.
    let mut found = round(1);
    let mut unfinished = too_coarse(&found);
    let mut by = 2;
    while unfinished && by <= MAX_REFINEMENT && observations.t.len().saturating_mul(by) <= settings.most_samples {
        let finer = round(by);
        unfinished = too_coarse(&finer);
        found = match (finer, found) {
            (Ok(finer), _) => Ok(finer),
            (Err(JointError::Interrupted(None)), Ok((coarser, _))) => {
                Err(JointError::Interrupted(Some(Box::new(coarser.interim()))))
            }
            (Err(interrupted @ JointError::Interrupted(_)), _) => Err(interrupted),
            (Err(_), found) => found,
        };
        by *= 2;
    }
    let (fit, _) = found?;
    Ok(JointFit { solves, ..fit })
}

/// Whether finer samples may give what these did not.
fn too_coarse(found: &Result<(JointFit, bool), JointError>) -> bool {
    match found {
        Ok((_, coarse)) => *coarse,
        Err(error) => matches!(error, JointError::NotFinite { .. } | JointError::Singular { .. }),
    }
}

/// Refuses data that cannot determine the unknowns and the noise.
fn enough(unknowns: &[Unknown], observations: &Observations) -> Result<(), JointError> {
    let have = observations.y.iter().filter(|y| y.is_finite()).count();
    if have == 0 {
        let name = observations.names.first().cloned().unwrap_or_default();
        return Err(JointError::NothingObserved(name));
    }
    let need = FEWEST_PER_COMPONENT * observations.names.len() + unknowns.iter().filter(|u| !u.droppable).count() + 1;
    if have < need { Err(JointError::TooFewObservations { have, need, unknowns: unknowns.len() }) } else { Ok(()) }
}

/// Where the fit stands.
#[derive(Clone)]
struct State {
    x: Vec<f64>,
    xi: Vec<f64>,
    active: Vec<bool>,
    sigma: Vec<f64>,
}

/// The end of a stage.
struct Stage {
    state: State,
    kappa: f64,
    reduced: Reduced,
    solution: Solution,
    /// Twice the negative log marginal likelihood plus the price of the terms.
    criterion: f64,
    /// Root mean square of the deferred correction, per component.
    correction: Vec<f64>,
    /// Whether the noise stands at its floor everywhere.
    clean: bool,
    /// Whether the annealing was ended by the likelihood.
    process_noise: bool,
    /// Whether the last step was small.
    converged: bool,
}

/// The point a step starts from.
struct Point<'a> {
    x: &'a [f64],
    xi: &'a [f64],
    active: &'a [bool],
    sigma: &'a [f64],
    q: &'a [f64],
    delta: &'a [f64],
}

/// A step that was taken.
struct Step {
    x: Vec<f64>,
    xi: Vec<f64>,
    active: Vec<bool>,
    solution: Solution,
    share: f64,
}

struct Engine<'a> {
    model: &'a mut dyn Dynamics,
    /// The unknowns of the model.
    declared: &'a [Unknown],
    /// Every number that is estimated.
    unknowns: &'a [Unknown],
    columns: &'a Columns,
    obs: &'a Observations,
    settings: &'a Settings,
    observer: &'a mut dyn Observer,
    grid: Grid,
    scale: Vec<f64>,
    prior: Vec<f64>,
    floor: Vec<f64>,
    price: f64,
    losses: Vec<f64>,
    solves: usize,
    expected_solves: usize,
    /// Where the last solve led.
    interim: Option<Interim>,
}

impl<'a> Engine<'a> {
    fn new(
        model: &'a mut dyn Dynamics,
        (declared, unknowns, columns): (&'a [Unknown], &'a [Unknown], &'a Columns),
        obs: &'a Observations,
        settings: &'a Settings,
        observer: &'a mut dyn Observer,
    ) -> Self {
        let n = obs.names.len();
        let grid = Grid::new(n, columns, obs);
        let seen = obs.y.iter().filter(|y| y.is_finite()).count();
        let candidates = unknowns.iter().filter(|u| u.droppable).count();
        let price = match settings.significance {
            Some(t) => t * t,
            None => select::default_price(seen, candidates),
        };
        Engine {
            model,
            declared,
            unknowns,
            columns,
            obs,
            settings,
            observer,
            grid,
            scale: Vec::new(),
            prior: Vec::new(),
            floor: Vec::new(),
            price,
            losses: Vec::new(),
            solves: 0,
            expected_solves: 2 * LADDER.len() + 4,
            interim: None,
        }
    }

    /// Whether the observer lets the fit go on.
    fn allowed(&self) -> Result<(), JointError> {
        if self.observer.should_stop() { Err(self.interrupted()) } else { Ok(()) }
    }

    /// The end at the observer's wish.
    fn interrupted(&self) -> JointError {
        JointError::Interrupted(self.interim.clone().map(Box::new))
    }

    /// The fit, and whether its samples are too coarse for the model.
    fn run(&mut self) -> Result<(JointFit, bool), JointError> {
        self.grid.hold(self.model)?;
        let mut state = self.start()?;
        let mut best: Option<Stage> = None;
        for (inflation, kappa) in self.schedule(&state)? {
            let sigma = state.sigma.clone();
            let begin = State { sigma: sigma.iter().map(|s| s * inflation).collect(), ..state.clone() };
            let stage = self.stage(kappa, begin, kappa <= SELECT_FROM)?;
            if inflation > 1.0 {
                state = State { sigma, ..stage.state };
                continue;
            }
            state = stage.state.clone();
            let selecting = kappa <= SELECT_FROM;
            match &best {
                Some(b) if selecting && stage.criterion > b.criterion + LIKELIHOOD_RISE && !stage.clean => {
                    best = self.with_process_noise(best.take())?;
                    break;
                }
                Some(b) if stage.criterion > b.criterion + LIKELIHOOD_RISE => {}
                _ => best = Some(stage),
            }
        }
        let best = best.ok_or(JointError::Collinear)?;
        let ratio = |(c, s): (&f64, &f64)| c / s;
        let coarse = best.correction.iter().zip(&best.state.sigma).map(ratio).any(|r| r > TOLERATED_DISCRETISATION);
        Ok((self.finish(&best), coarse))
    }

    /// First trajectory, coefficients and noise.
    fn start(&mut self) -> Result<State, JointError> {
        let (n, len) = (self.grid.n, self.grid.samples);
        let mut x = vec![f64::NAN; n * len];
        let mut slopes = vec![f64::NAN; n * len];
        let mut sigma = vec![f64::NAN; n];
        for (c, sigma) in sigma.iter_mut().enumerate() {
            let y = &self.obs.y[c * len..(c + 1) * len];
            if y.iter().filter(|y| y.is_finite()).count() < 5 {
                continue;
            }
            let smooth = smoother::smooth(&self.grid.h, y, &|| self.observer.should_stop());
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
        let hidden: Vec<bool> = (0..n).map(|c| x[c * len].is_nan()).collect();
        let mut first: Vec<f64> = self.unknowns.iter().map(regression::first).collect();
        regression::clamp(self.unknowns, &mut first);
        let unobserved = hidden::Start { grid: &self.grid, hidden: &hidden, slopes: &slopes, guess: &self.obs.guess };
        unobserved.fill(self.model, &mut x, &first)?;
        slopes.iter_mut().filter(|s| s.is_nan()).for_each(|s| *s = 0.0);
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
        for ((s, spread), floor) in sigma.iter_mut().zip(&spread).zip(&self.floor) {
            let known = if s.is_finite() { *s } else { typical * spread };
            *s = known.max(*floor);
        }
        // An unobserved component has no slopes to regress; then only the scales are of use.
        let observer = &*self.observer;
        let stop = || observer.should_stop();
        let shared = Grid::new(n, &Columns::shared(self.declared, self.obs), self.obs);
        let start = regression::start((&self.grid, &shared), self.model, self.declared, (&x, &slopes), &stop)?;
        let mut xi = start.xi;
        if all_hidden || hidden.iter().any(|&h| h) {
            xi = first;
        }
        self.scale = start.scale;
        Ok(State { x, xi, active: vec![true; self.unknowns.len()], sigma })
    }

    /// Samples of trajectories in which a component that is observed in others is not: nothing but its mean is known there, so
    /// slopes along it say nothing about the unknowns.
    fn unseen(&self) -> Vec<usize> {
        let len = self.grid.samples;
        let ends: Vec<usize> = self.obs.breaks.iter().copied().chain([len]).collect();
        let starts = std::iter::once(0).chain(self.obs.breaks.iter().copied());
        let rows: Vec<&[f64]> =
            self.obs.y.chunks_exact(len.max(1)).filter(|y| y.iter().any(|v| v.is_finite())).collect();
        let blank = |part: &std::ops::Range<usize>| {
            rows.iter().any(|y| y.get(part.clone()).is_some_and(|y| y.iter().all(|v| !v.is_finite())))
        };
        starts.zip(ends).map(|(start, end)| start..end).filter(blank).flatten().collect()
    }

    /// Pairs of noise inflation and kappa. A start far worse than the noise anneals the weight of the data too.
    fn schedule(&mut self, state: &State) -> Result<Vec<(f64, f64)>, JointError> {
        let defects = collocation::defects(&self.grid, self.model, &state.x, &state.xi)?;
        let (n, links) = (self.grid.n, self.grid.links().max(1) as f64);
        let worst = (0..n)
            .map(|c| {
                let rows = defects.iter().skip(c).step_by(n).zip(&self.grid.row_weight);
                (rows.map(|(d, w)| d * w * d * w).sum::<f64>() / links).sqrt() / state.sigma[c]
            })
            .fold(0.0, f64::max);
        let plain = LADDER.iter().map(|&k| (1.0, k));
        if worst <= 10.0 * LADDER[0] || !worst.is_finite() {
            return Ok(plain.collect());
        }
        let mut inflation = worst / LADDER[0];
        let mut pairs: Vec<(f64, f64)> = LADDER[..4].iter().map(|&k| (inflation, k)).collect();
        while inflation > 10.0 {
            inflation /= 10.0;
            pairs.push((inflation, LADDER[3]));
        }
        pairs.extend(plain.skip(2));
        self.expected_solves += 2 * pairs.len();
        Ok(pairs)
    }

    /// The data want process noise: the best stage again with kappa refined around its own, selecting there.
    fn with_process_noise(&mut self, best: Option<Stage>) -> Result<Option<Stage>, JointError> {
        let Some(mut best) = best else { return Ok(None) };
        let begin = best.state.clone();
        let centre = best.kappa;
        for factor in [10f64.sqrt(), 1.0, 10f64.powf(-0.25)] {
            // Whatever kappa is: this is the last chance to drop terms.
            let stage = self.stage(centre * factor, begin.clone(), true)?;
            if stage.criterion < best.criterion || factor == 1.0 {
                best = stage;
            }
        }
        best.process_noise = true;
        Ok(Some(best))
    }

    /// Gauss-Newton solves at one kappa until the unknowns settle; with `select`, candidate terms are dropped and taken back.
    fn stage(&mut self, kappa: f64, state: State, select: bool) -> Result<Stage, JointError> {
        let State { mut x, mut xi, mut active, sigma } = state;
        let (n, links) = (self.grid.n, self.grid.links());
        let selecting = select && self.unknowns.iter().any(|u| u.droppable);
        let mut round = 0;
        loop {
            self.allowed()?;
            let delta = if kappa <= CORRECT_FROM {
                collocation::correction(&self.grid, self.model, &x, &xi)?
            } else {
                vec![0.0; links * n]
            };
            if let Some(i) = delta.iter().position(|d| !d.is_finite()) {
                return Err(self.singular(i % n.max(1), i / n.max(1), (&x, &xi)));
            }
            let correction: Vec<f64> = (0..n)
                .map(|c| {
                    let sum: f64 = delta.iter().skip(c).step_by(n).map(|d| d * d).sum();
                    (sum / links.max(1) as f64).sqrt()
                })
                .collect();
            let q: Vec<f64> = (0..n).map(|c| (kappa * sigma[c]).hypot(DISCRETISATION_LEFT * correction[c])).collect();
            self.finite(&x, "the trajectory")?;
            let rows = collocation::rows(&self.grid, self.model, &x, &xi)?;
            let weights = Weights { y: &self.obs.y, sigma: &sigma, q: &q, prior: &self.prior, correction: &delta };
            if let Some(at) = collocation::undefined(&self.grid, self.model, &rows.defect, (&x, &xi))? {
                return Err(JointError::NotFinite { what: "the right-hand side".to_string(), at });
            }
            let mut reduced = reduced::reduce(&self.grid, rows, &x, &xi, &weights)
                .map_err(|at| self.singular(at.component, at.step, (&x, &xi)))?;
            reduced.hold_idle(self.unknowns, &xi, &self.scale);
            self.solves += 1;
            let chosen = if selecting { self.choose(&reduced, &active)? } else { active.clone() };
            let point = Point { x: &x, xi: &xi, active: &active, sigma: &sigma, q: &q, delta: &delta };
            let step = match self.step(&point, &reduced, &chosen)? {
                Some(step) => step,
                None => self.step(&point, &reduced, &active)?.ok_or(JointError::Collinear)?,
            };
            let moved = (0..xi.len())
                .filter(|&k| step.active[k] && step.solution.exact[k] > 0.0)
                .map(|k| (step.solution.xi[k] - xi[k]).abs() / step.solution.exact[k])
                .fold(0.0, f64::max);
            let settled = moved < SETTLED && step.active == active && step.share == 1.0;
            let solution = step.solution;
            (x, xi, active) = (step.x, step.xi, step.active);
            round += 1;
            self.interim =
                Some(Interim { solves: self.solves, unknowns: xi.clone(), kept: active.clone(), noise: sigma.clone() });
            self.losses.push(reduced.objective);
            self.observer.progress(&Progress {
                step: self.solves,
                total: self.expected_solves.max(self.solves),
                loss: reduced.objective,
                phase: "joint",
            });
            let limit = if step.share < 1.0 { DAMPED_SOLVES } else { SOLVES[usize::from(select)] };
            if round < limit && !settled {
                continue;
            }
            self.finite(&x, "the trajectory")?;
            let kept = active.iter().filter(|&&a| a).count();
            let fitted = Fitted { y: &self.obs.y, x: &x, sigma: &sigma, floor: &self.floor, kept };
            let new_sigma = noise::estimate(&self.grid, &reduced, &fitted, self.settings.seed);
            let terms = (0..xi.len()).filter(|&k| active[k] && self.unknowns[k].droppable).count();
            let likelihood = self.objective(&x, &xi, &sigma, &q, &delta)? + reduced.log_determinant;
            let clean = new_sigma.iter().zip(&self.floor).all(|(s, f)| *s <= 2.0 * f);
            return Ok(Stage {
                state: State { x, xi, active, sigma: new_sigma },
                kappa,
                reduced,
                solution,
                criterion: likelihood + self.price * terms as f64,
                correction,
                clean,
                process_noise: false,
                converged: moved < SETTLED,
            });
        }
    }

    /// The best set of terms; where a parameter comes to stand at a bound with it, the best one beside that.
    fn choose(&self, reduced: &Reduced, active: &[bool]) -> Result<Vec<bool>, JointError> {
        let stop = || self.observer.should_stop();
        let search = || Search::new(reduced, &self.scale, self.unknowns, self.price, &stop);
        let chosen = search().run(active).map_err(|Stopped| self.interrupted())?;
        match select::solve(reduced, &self.scale, self.unknowns, &chosen) {
            Some(solution) if !solution.held.is_empty() => {
                let search = search().holding(&solution.held, &self.scale);
                search.run(&chosen).map_err(|Stopped| self.interrupted())
            }
            _ => Ok(chosen),
        }
    }

    /// The step to the minimiser over the set `active`, full or damped so that the objective does not rise. On the way to another set, terms
    /// that come in or leave grow or shrink: both are in the set until it is reached. `None` when the shortest step towards another
    /// set would raise the objective: then the old set has to settle first.
    fn step(&mut self, from: &Point, reduced: &Reduced, active: &[bool]) -> Result<Option<Step>, JointError> {
        let solution = select::solve(reduced, &self.scale, self.unknowns, active).ok_or(JointError::Collinear)?;
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
            let smallest = share <= if after.is_finite() || changed { SMALLEST_SHARE } else { LEAST_SHARE };
            if after <= limit || (!changed && smallest) {
                if !changed || share == 1.0 {
                    return Ok(Some(Step { x, xi, active: active.to_vec(), solution, share }));
                }
                let both: Vec<bool> = from.active.iter().zip(active).map(|(old, new)| *old || *new).collect();
                let solution = select::solve(reduced, &self.scale, self.unknowns, &both).unwrap_or(solution);
                return Ok(Some(Step { x, xi, active: both, solution, share }));
            }
            if smallest {
                return Ok(None);
            }
            share *= 0.5;
        }
    }

    /// Weighted squares of defects and residuals; infinite where the model cannot be evaluated.
    fn objective(&mut self, x: &[f64], xi: &[f64], sigma: &[f64], q: &[f64], delta: &[f64]) -> Result<f64, JointError> {
        let (n, len) = (self.grid.n, self.grid.samples);
        let defects = collocation::defects(&self.grid, self.model, x, xi)?;
        let mut sum = 0.0;
        for (i, (d, e)) in defects.iter().zip(delta).enumerate() {
            let r = (d + e) * self.grid.row_weight[i / n] / q[i % n];
            sum += r * r;
        }
        for c in 0..n {
            for (y, x) in self.obs.y[c * len..(c + 1) * len].iter().zip(&x[c * len..]).filter(|(y, _)| y.is_finite()) {
                let r = (y - x) / sigma[c];
                sum += r * r;
            }
        }
        Ok(if sum.is_finite() { sum } else { f64::INFINITY })
    }

    fn finite(&self, x: &[f64], what: &str) -> Result<(), JointError> {
        match x.iter().position(|v| !v.is_finite()) {
            None => Ok(()),
            Some(i) => {
                let at = self.grid.spot(i % self.grid.samples.max(1), x, &[]);
                Err(JointError::NotFinite { what: what.to_string(), at })
            }
        }
    }

    /// The system has no solution in a component at a sample.
    fn singular(&self, component: usize, sample: usize, (x, numbers): (&[f64], &[f64])) -> JointError {
        let component = self.obs.names.get(component).cloned().unwrap_or_default();
        JointError::Singular { component, at: self.grid.spot(sample, x, numbers) }
    }

    fn finish(&self, best: &Stage) -> JointFit {
        let error = if best.process_noise { &best.solution.noisy } else { &best.solution.exact };
        let estimates = (0..self.unknowns.len())
            .map(|k| {
                let kept = best.state.active[k];
                let estimated = kept && !best.reduced.idle[k];
                let std_error = if estimated { error[k].hypot(best.solution.shift[k]) } else { f64::NAN };
                // Damped steps may not have arrived there.
                let arrived =
                    |bound: f64| (best.state.xi[k] - bound).abs() <= AT_BOUND * bound.abs().max(f64::MIN_POSITIVE);
                let at_bound = best.solution.held.iter().any(|&(held, bound)| held == k && arrived(bound));
                Estimate { value: best.state.xi[k], std_error, kept, at_bound }
            })
            .collect();
        let search = Search::new(&best.reduced, &self.scale, self.unknowns, self.price, &|| false)
            .holding(&best.solution.held, &self.scale);
        let mut plausible: Vec<Plausible> = search
            .dropped(&best.state.active)
            .into_iter()
            .filter(|d| d.t_statistic > PLAUSIBLE)
            .map(|d| Plausible { value: d.value * self.scale[d.unknown], ..d })
            .collect();
        plausible.sort_by(|a, b| b.t_statistic.total_cmp(&a.t_statistic));
        let len = self.grid.samples;
        let noise = (0..self.grid.n)
            .map(|c| {
                let seen = self.obs.y[c * len..(c + 1) * len].iter().filter(|y| y.is_finite()).count();
                if seen < 5 { f64::NAN } else { best.state.sigma[c] }
            })
            .collect();
        JointFit {
            estimates,
            columns: self.columns.clone(),
            plausible,
            x: best.state.x.clone(),
            noise,
            losses: self.losses.clone(),
            solves: self.solves,
            process_noise: best.process_noise,
            converged: best.converged,
        }
    }
}
