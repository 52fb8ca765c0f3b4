//! One stage: Gauss-Newton solves at one process noise until the unknowns settle.

use super::rounds::{Round, Rounds};
use super::step::Point;
use super::{Engine, FEWEST_PER_COMPONENT, State};
use crate::train::Progress;
use crate::train::joint::collocation;
use crate::train::joint::noise::{self, Fitted};
use crate::train::joint::problem::{Interim, JointError};
use crate::train::joint::reduced::{self, Reduced, Weights};
use crate::train::joint::select::{self, DISCRETISATION_LEFT, Search, Solution, Stopped};

/// No deferred correction above: its error estimate needs a smooth trajectory.
const CORRECT_FROM: f64 = 0.3;

/// The end of a stage.
pub(super) struct Stage {
    pub state: State,
    pub kappa: f64,
    pub reduced: Reduced,
    pub solution: Solution,
    /// Twice the negative log marginal likelihood plus the price of the terms.
    pub criterion: f64,
    /// Twice the negative log marginal likelihood at the best common size of all noise.
    pub evidence: f64,
    /// The price of the terms.
    pub price: f64,
    /// Root mean square of the deferred correction, per component.
    pub correction: Vec<f64>,
    /// The log volume by which its rows stretch.
    pub volume: f64,
    /// The factor that all noise of a component had to have, that of the process with that of its observations, per component.
    pub size: Vec<f64>,
    /// Whether the noise stands at its floor everywhere.
    pub clean: bool,
    /// Whether the annealing was ended by the likelihood.
    pub process_noise: bool,
    /// Whether it was, and went on with the terms held.
    pub went_astray: bool,
    /// Whether the last step was small, whole, and to the terms of the one before.
    pub converged: bool,
}

/// What a stage does with candidate terms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Terms {
    /// All of them stay: the smoother is too local to say which matter.
    All,
    /// They are dropped and taken back.
    Chosen,
    /// Those that are in stay, and as many rounds are made as with a choice.
    Fixed,
}

impl Engine<'_> {
    /// Gauss-Newton solves at one kappa until the unknowns settle.
    pub(super) fn stage(&mut self, kappa: f64, state: State, terms: Terms) -> Result<Stage, JointError> {
        let State { mut x, mut xi, mut active, sigma } = state;
        let (n, links) = (self.grid.n, self.grid.links());
        let selecting = terms == Terms::Chosen && self.unknowns.iter().any(|u| u.droppable);
        let mut rounds = Rounds::new(terms != Terms::All);
        loop {
            self.allowed()?;
            self.finite(&x, "the trajectory")?;
            let mut rows = collocation::rows(&self.grid, self.model, &x, &xi)?;
            if let Some(at) = collocation::undefined(&self.grid, self.model, &rows.defect, (&x, &xi))? {
                return Err(JointError::NotFinite { what: "the right-hand side".to_string(), at });
            }
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
            let weights = Weights {
                y: &self.obs.y,
                sigma: &sigma,
                q: &q,
                prior: &self.prior,
                pinned: &self.pinned,
                correction: &delta,
            };
            let divisors = std::mem::take(&mut rows.divisors);
            let volume = rows.log_volume(&self.grid);
            let mut reduced = reduced::reduce(&self.grid, rows, &x, &xi, &weights)
                .map_err(|at| self.singular(at.component, at.step, (&x, &xi)))?;
            // What the density of a noisy process has of its volume asks for coefficients too.
            reduced.c.iter_mut().zip(&self.stretch).for_each(|(c, stretch)| *c += stretch);
            reduced.hold_idle(self.unknowns, &xi, &self.scale);
            self.solves += 1;
            let chosen = if selecting { self.choose(&reduced, &active, &xi)? } else { active.clone() };
            let point =
                Point { x: &x, xi: &xi, active: &active, sigma: &sigma, q: &q, delta: &delta, divisors: &divisors };
            let step = match self.step(&point, &reduced, &chosen)? {
                Some(step) => step,
                None => self.step(&point, &reduced, &active)?.ok_or(JointError::Collinear)?,
            };
            let moved = (0..xi.len())
                .filter(|&k| step.active[k] && step.solution.exact[k] > 0.0)
                .map(|k| (step.solution.xi[k] - xi[k]).abs() / step.solution.exact[k])
                .fold(0.0, f64::max);
            let round = Round { moved, share: step.share, same_terms: step.active == active };
            let solution = step.solution;
            (x, xi, active) = (step.x, step.xi, step.active);
            if terms != Terms::All && step.share == 1.0 {
                self.drop_nothing(&xi, &mut active);
            }
            self.interim =
                Some(Interim { solves: self.solves, unknowns: xi.clone(), kept: active.clone(), noise: sigma.clone() });
            self.losses.push(reduced.objective);
            self.observer.progress(&Progress {
                step: self.solves,
                total: self.expected_solves.max(self.solves),
                loss: reduced.objective,
                phase: "joint",
            });
            let Some(converged) = rounds.ended(&round) else { continue };
            self.finite(&x, "the trajectory")?;
            let kept = active.iter().filter(|&&a| a).count();
            let fitted = Fitted { y: &self.obs.y, x: &x, sigma: &sigma, floor: &self.floor, kept };
            let new_sigma = noise::estimate(&self.grid, &reduced, &fitted, self.settings.seed);
            let terms = (0..xi.len()).filter(|&k| active[k] && self.unknowns[k].droppable).count();
            let objectives = self.objectives((&x, &xi), (&sigma, &q), &delta)?;
            let objective: f64 = objectives.iter().sum();
            let likelihood = objective + reduced.log_determinant;
            let clean = new_sigma.iter().zip(&self.floor).all(|(s, f)| *s <= 2.0 * f);
            let seen = self.obs.y.iter().filter(|y| y.is_finite()).count() as f64;
            // The noise that the stage was made with is an estimate of the one before it. With all noise larger by a factor s, that of the
            // process with it, the likelihood is `objective / s^2 + 2 seen ln s` beside what does not change.
            let off = if clean { 1.0 } else { objective / seen };
            let size = self.sizes(&objectives, off);
            let evidence = likelihood + seen * (1.0 + libm::log(off) - off);
            let price = self.price * terms as f64;
            return Ok(Stage {
                state: State { x, xi, active, sigma: new_sigma },
                kappa,
                reduced,
                solution,
                criterion: likelihood + price,
                evidence,
                price,
                correction,
                volume,
                size,
                clean,
                process_noise: false,
                went_astray: false,
                converged,
            });
        }
    }

    /// Takes terms out that stand at an end of their range and are zero there: they are in a set that could not be left for a better one, and the
    /// solution is the same without them.
    fn drop_nothing(&self, xi: &[f64], active: &mut [bool]) {
        for (active, (unknown, value)) in active.iter_mut().zip(self.unknowns.iter().zip(xi)) {
            let at_an_end = *value == unknown.lower || *value == unknown.upper;
            *active &= !(unknown.droppable && *value == 0.0 && at_an_end);
        }
    }

    /// The factors of the noise from the objective of every component; of one that is hardly observed that of all together.
    fn sizes(&self, objectives: &[f64], off: f64) -> Vec<f64> {
        let rows = self.obs.y.chunks_exact(self.grid.samples.max(1));
        let seen = rows.map(|y| y.iter().filter(|y| y.is_finite()).count());
        let of =
            |(objective, seen): (&f64, usize)| if seen < FEWEST_PER_COMPONENT { off } else { objective / seen as f64 };
        objectives.iter().zip(seen).map(of).map(f64::sqrt).collect()
    }

    /// The best set of terms; where a parameter comes to stand at a bound with it, the best one beside that.
    fn choose(&self, reduced: &Reduced, active: &[bool], xi: &[f64]) -> Result<Vec<bool>, JointError> {
        let stop = || self.observer.should_stop();
        let search = || Search::new(reduced, &self.scale, self.unknowns, self.price, &stop);
        let chosen = search().run(active).map_err(|Stopped| self.interrupted())?;
        match select::solve(reduced, &self.scale, self.unknowns, &chosen, xi) {
            Some(solution) if !solution.held.is_empty() => {
                let search = search().holding(&solution.held, &self.scale);
                search.run(&chosen).map_err(|Stopped| self.interrupted())
            }
            _ => Ok(chosen),
        }
    }
}
