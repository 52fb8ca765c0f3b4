//! The schedule: annealing of the process noise, Gauss-Newton solves, selection, noise estimation, and what comes out.
//!
//! The parts, in the order of their use: [`start`] (first trajectory, coefficients and noise), [`anneal`] (the stages), [`stage`] (solves
//! at one process noise) until its [`rounds`] end, [`step`] (how far each of them goes), [`outcome`] (the fit of the best stage).

mod anneal;
mod outcome;
mod rounds;
mod stage;
mod start;
mod step;

pub use outcome::PLAUSIBLE;

use super::collocation::Grid;
use super::columns::Columns;
use super::poles::Poles;
use super::problem::{Dynamics, Interim, JointError, JointFit, Observations, Settings, Unknown};
use super::refine::{refine, thin};
use super::select;
use crate::train::Observer;

/// Largest refinement of the samples.
const MAX_REFINEMENT: usize = 8;
/// Observations per component needed at least: its smoother's three numbers, and two more to see any noise.
pub const FEWEST_PER_COMPONENT: usize = 5;

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
    let mut attempt = |refined: &Observations, poles: &Poles| -> Outcome {
        let mut engine = Engine::new(model, (declared, unknowns, &columns), refined, settings, (observer, poles));
        let outcome = engine.run();
        solves += engine.solves;
        let (fit, coarse) = outcome?;
        Ok((JointFit { solves, ..fit }, coarse))
    };
    let mut round = |by: usize| -> Outcome {
        let refined = refine(observations, by);
        let poles = Poles::closed();
        let mut found = attempt(&refined, &poles);
        // What is wrong may be the side of the pole that the fit is held on.
        if poles.held_back() && !found.as_ref().is_ok_and(in_order) && !matches!(found, Err(JointError::Interrupted(_)))
        {
            found = match (attempt(&refined, &Poles::open()), found) {
                (Ok(other), Err(_)) => Ok(other),
                (Ok(other), _) if in_order(&other) => Ok(other),
                (Err(interrupted @ JointError::Interrupted(_)), Err(_)) => Err(interrupted),
                (Err(JointError::Interrupted(_)), Ok((fit, _))) => {
                    Err(JointError::Interrupted(Some(Box::new(fit.interim()))))
                }
                (_, found) => found,
            };
        }
        let (fit, coarse) = found?;
        let x = thin(&fit.x, &refined, observations, by);
        Ok((JointFit { x, ..fit }, coarse))
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

/// A fit, and whether its samples are too coarse for the model.
type Outcome = Result<(JointFit, bool), JointError>;

/// Whether a fit settled on an exact trajectory.
fn in_order((fit, _): &(JointFit, bool)) -> bool {
    fit.converged && !fit.process_noise
}

/// Whether finer samples may give what these did not.
fn too_coarse(found: &Outcome) -> bool {
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
    poles: &'a Poles,
    grid: Grid,
    scale: Vec<f64>,
    prior: Vec<f64>,
    /// Samples and components whose values are known, with the weight that keeps them.
    pinned: Vec<(usize, usize, f64)>,
    floor: Vec<f64>,
    /// The noise that the smoother saw, per component; not a number for others.
    scatter: Vec<f64>,
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
        (observer, poles): (&'a mut dyn Observer, &'a Poles),
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
            poles,
            grid,
            scale: Vec::new(),
            prior: Vec::new(),
            pinned: Vec::new(),
            floor: Vec::new(),
            scatter: Vec::new(),
            price,
            losses: Vec::new(),
            solves: 0,
            expected_solves: 2 * anneal::LADDER.len() + 4,
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
}
