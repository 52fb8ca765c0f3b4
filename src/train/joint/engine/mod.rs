//! The schedule: annealing of the process noise, Gauss-Newton solves, selection, noise estimation, and what comes out.
//!
//! The parts, in the order of their use: [`attempts`] (finer samples, and both sides of poles), [`start`] (first trajectory, coefficients
//! and noise), [`anneal`] (the stages), [`noisy`] (those where the process itself is noisy), [`stage`] (solves at one process noise) until its [`rounds`] end, [`step`] (how far each of them
//! goes), [`outcome`] (the fit of the best stage).

mod anneal;
mod attempts;
mod noisy;
mod outcome;
mod rounds;
mod stage;
mod start;
mod step;

pub use attempts::fit;
pub use outcome::PLAUSIBLE;

use super::columns::Columns;
use super::grid::Grid;
use super::poles::Poles;
use super::problem::{Dynamics, FEWEST_PER_COMPONENT, Interim, JointError, Observations, Settings, Unknown};
use super::select;
use crate::train::Observer;

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
    /// How the log density of a noisy process grows with the numbers beside what defects say; zeros for an exact one.
    stretch: Vec<f64>,
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
        // What can be nothing but zero is no candidate.
        let candidates = unknowns.iter().filter(|u| u.droppable && u.lower < u.upper).count();
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
            stretch: Vec::new(),
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
