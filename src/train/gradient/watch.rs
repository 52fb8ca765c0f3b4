//! The loss that schedules and early stopping go by: looked at now and then, on what is held out where something is.

use super::arrays::Arrays;
use super::batches::{Tables, Windows};
use super::sums::Sums;
use super::{Decay, GradientError, Settings, State};
use crate::base::Tensor;
use crate::train::Observer;

/// Looks over the whole budget where the settings do not say when.
const LOOKS: usize = 100;
/// Mini-batches of what is held out that a look takes; of more, these many are spread evenly.
const BATCHES: usize = 16;

/// What has been seen of the loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// The step before which it was last looked at.
    pub looked: usize,
    /// The steps before which it was looked at.
    pub steps: Vec<f64>,
    /// What was seen then.
    pub losses: Vec<f64>,
    /// The smallest of these.
    pub least: f64,
    /// Looks since the smallest.
    pub waited: usize,
    /// Looks since the smallest, or since the rates fell.
    pub held: usize,
    /// What a plateau has multiplied the rates by.
    pub factor: f64,
}

impl Default for Watch {
    fn default() -> Self {
        Watch {
            looked: 0,
            steps: Vec::new(),
            losses: Vec::new(),
            least: f64::INFINITY,
            waited: 0,
            held: 0,
            factor: 1.0,
        }
    }
}

/// What a training with the smallest loss seen is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// The trained arrays, in the order of [`State::weights`].
    pub values: Vec<Tensor>,
    /// As in [`State`].
    pub kept: Vec<bool>,
    /// As in [`State`].
    pub mask: Vec<f64>,
    /// As in [`State`].
    pub held: Vec<f64>,
    /// As in [`State`].
    pub coefficients: Vec<f64>,
}

impl Best {
    fn of(state: &State, values: Vec<Tensor>) -> Self {
        Best {
            values,
            kept: state.kept.clone(),
            mask: state.mask.clone(),
            held: state.held.clone(),
            coefficients: state.coefficients.clone(),
        }
    }
}

impl Watch {
    /// Takes note of a loss; whether it is the smallest.
    fn see(&mut self, step: usize, loss: f64, decay: Decay) -> bool {
        self.looked = step;
        self.steps.push(step as f64);
        self.losses.push(loss);
        let smallest = loss < self.least;
        if smallest {
            (self.least, self.waited, self.held) = (loss, 0, 0);
        } else {
            self.waited += 1;
            self.held += 1;
        }
        if let Decay::Plateau { patience, factor } = decay
            && self.held >= patience
        {
            self.factor *= factor;
            self.held = 0;
        }
        smallest
    }
}

/// Whether anything goes by the loss that is looked at.
fn wanted(settings: &Settings) -> bool {
    settings.patience.is_some() || settings.evaluate.is_some() || matches!(settings.decay, Decay::Plateau { .. })
}

fn period(settings: &Settings, total: usize) -> usize {
    settings.evaluate.unwrap_or((total / LOOKS).max(1)).max(1)
}

/// Steps from this one to the next look.
pub(super) fn until_look(settings: &Settings, step: usize, total: usize) -> usize {
    if wanted(settings) { period(settings, total) - step % period(settings, total) } else { usize::MAX }
}

/// Looks at the loss where it is time to, once for every step; whether training is to end. Interrupted, it leaves the state as it was.
pub(super) fn watch<'a>(
    sums: &mut Sums<'a>,
    held: Option<&mut (Windows<'a>, Tables)>,
    state: &mut State,
    total: usize,
    observer: &dyn Observer,
) -> Result<bool, GradientError> {
    let settings = sums.settings;
    let every = period(settings, total);
    if state.step > 0 && wanted(settings) && state.watch.looked != state.step && state.step.is_multiple_of(every) {
        let loss = match held {
            Some(other) => sums.held_out(other, state, BATCHES, observer)?,
            None => {
                let new = state.losses.get(state.watch.looked..).unwrap_or_default();
                new.iter().sum::<f64>() / new.len().max(1) as f64
            }
        };
        if state.watch.see(state.step, loss, settings.decay) && settings.patience.is_some() {
            state.best = Some(Best::of(state, sums.arrays.trained.arrays(&sums.arrays.store, 0)?));
        }
    }
    Ok(settings.patience.is_some_and(|patience| state.watch.waited >= patience))
}

/// Puts the best state in the place of the last one.
pub(super) fn restore(arrays: &mut Arrays, state: &mut State) -> Result<(), GradientError> {
    let Some(best) = state.best.take() else { return Ok(()) };
    arrays.trained.set_values(&mut arrays.store, &best.values)?;
    (state.kept, state.mask, state.held) = (best.kept, best.mask, best.held);
    state.coefficients = best.coefficients;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Decay, Watch};

    #[test]
    fn rates_fall_when_the_loss_does_not() {
        let mut watch = Watch::default();
        let decay = Decay::Plateau { patience: 2, factor: 0.5 };
        let seen = [3.0, 2.0, 2.0, 2.5, 2.1, 2.2, 1.0, f64::NAN];
        let mut factors = Vec::new();
        for (i, loss) in seen.into_iter().enumerate() {
            watch.see(i + 1, loss, decay);
            factors.push(watch.factor);
        }
        assert_eq!(factors, [1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25]);
        assert_eq!((watch.least, watch.waited, watch.looked), (1.0, 1, 8));
    }
}
