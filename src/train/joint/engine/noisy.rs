//! Stages of a process that is noisy itself: how large its noise is beside that of the observations, and what coefficients are with it.
//!
//! The rows of a link are implicit in the sample behind it, so that the density of a trajectory is that of its defects times the volume by which
//! this map stretches (the Jacobian that turns noise of the defects into noise of the states: Onsager & Machlup 1953 for the limit of short steps). Without
//! that, least squares of the defects of a random motion find no force at all: the sum of `(x1 - x0) (x0 + x1)/2` is a difference of squares at the ends. For an exact
//! trajectory the determinant of what is left of it has the same factor, and the two cancel.

use super::stage::Stage;
use super::{Engine, State};
use crate::train::joint::collocation;
use crate::train::joint::problem::{JointError, JointFit};

/// From stage to stage the noise of the process grows by this factor, beside that of the observations, as long as the likelihood does,
const GROWS: f64 = 3.1622776601683795;
/// up to where nothing is left of that of the observations.
const LARGEST: f64 = 300.0;
/// It is made smaller by this factor once.
const SMALLER: f64 = 0.5623413251903491;
/// Noise is known when it changes by less than this share.
const KNOWN: f64 = 0.01;
/// Stages at one ratio of both noises, at most.
const MOST_STAGES: usize = 6;
/// Steps of numbers for differences, in their own scale.
const STEP: f64 = 1e-4;
/// Of more numbers than this the stretch is not known.
const MOST_NUMBERS: usize = 400;

impl Engine<'_> {
    /// The fit of a process that is noisy: the best stage again with kappa sought around its own, at the size of all noise, selecting there.
    pub(super) fn noisier(&mut self, first: Stage) -> Result<Stage, JointError> {
        // How far a component moves by itself that no sample shows, its equation alone would have to say.
        if self.scatter.iter().any(|scatter| !scatter.is_finite()) {
            return Ok(first);
        }
        let centre = first.kappa;
        let Some(mut best) = self.settled(centre, (centre, first.state.clone()))? else {
            // As it was without the volume: steps that lead nowhere are no reason to have no fit.
            self.stretch.clear();
            return Ok(first);
        };
        let mut grew = false;
        while best.kappa * GROWS <= LARGEST {
            let from = (best.kappa, best.state.clone());
            let Some(noisier) = self.settled(best.kappa * GROWS, from)?.filter(|other| better(other, &best)) else {
                break;
            };
            (best, grew) = (noisier, true);
        }
        if !grew
            && let Some(less) = self.settled(centre * SMALLER, (centre, best.state.clone()))?
            && better(&less, &best)
        {
            best = less;
        }
        self.stretch.clear();
        best.process_noise = true;
        Ok(best)
    }

    /// The same, or nothing where it fails.
    fn settled(&mut self, kappa: f64, from: (f64, State)) -> Result<Option<Stage>, JointError> {
        match self.noisy(kappa, from) {
            Ok(stage) => Ok(Some(stage)),
            Err(interrupted @ JointError::Interrupted(_)) => Err(interrupted),
            Err(_) => Ok(None),
        }
    }

    /// The end of stages at one kappa, by which the size of all noise is known, from one at another `kappa`.
    fn noisy(&mut self, kappa: f64, from: (f64, State)) -> Result<Stage, JointError> {
        let (before, mut state) = from;
        // The scatter of the steps between samples stays what it is: it holds the noise of the process once and that of observations twice.
        let scatter = |kappa: f64| (kappa * kappa + 2.0).sqrt();
        state.sigma.iter_mut().for_each(|sigma| *sigma *= scatter(before) / scatter(kappa));
        let mut left = MOST_STAGES;
        loop {
            // It depends little on where the numbers are: the second time they are nearly there.
            if left + 2 > MOST_STAGES {
                self.stretch = self.stretch_at(&state)?;
            }
            let sigma = state.sigma.clone();
            // Whatever kappa is: this is the last chance to drop terms.
            let mut stage = self.stage(kappa, state, self.choice())?;
            let of = |((sigma, size), floor): ((&f64, &f64), &f64)| (sigma * size).max(*floor);
            stage.state.sigma = sigma.iter().zip(&stage.size).zip(&self.floor).map(of).collect();
            left -= 1;
            if left == 0 || stage.size.iter().all(|size| (size - 1.0).abs() < KNOWN) {
                return Ok(stage);
            }
            state = stage.state;
        }
    }

    /// The derivative of the log volume by every number.
    fn stretch_at(&mut self, state: &State) -> Result<Vec<f64>, JointError> {
        let mut out = vec![0.0; state.xi.len()];
        if out.len() > MOST_NUMBERS {
            return Ok(out);
        }
        for (k, out) in out.iter_mut().enumerate() {
            self.allowed()?;
            let by = STEP * self.scale[k];
            let mut at = |by: f64| {
                let mut xi = state.xi.clone();
                xi[k] += by;
                collocation::log_volume(&self.grid, self.model, &state.x, &xi)
            };
            let slope = (at(by)? - at(-by)?) / (2.0 * by);
            *out = if slope.is_finite() { slope } else { 0.0 };
        }
        Ok(out)
    }
}

/// Whether the likelihood of a stage, with the price of its terms, is the larger one.
fn better(other: &Stage, than: &Stage) -> bool {
    let criterion = |stage: &Stage| with_volume(stage.evidence + stage.price, stage.volume);
    criterion(other) < criterion(than)
}

/// Twice the negative log likelihood and the price of the terms, with the log volume by which the rows of a law stretch.
fn with_volume(criterion: f64, volume: f64) -> f64 {
    criterion - 2.0 * volume
}

impl JointFit {
    /// Twice the negative log likelihood and the price of the terms, where laws are compared of which one has noise of the process.
    pub fn with_volume(&self) -> f64 {
        with_volume(self.criterion, self.volume)
    }
}
