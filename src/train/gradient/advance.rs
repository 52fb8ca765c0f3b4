//! From one step of a training to the next: one by one on the host, several at a time on a device.

use std::time::Duration;

use super::fit::{LOOKS, Run};
use super::optimiser::scalars;
use super::state::Keeper;
use super::stepper::{MOST_STEPS, Planned};
use super::watch::until_look;
use super::way::between_looks;
use super::{GradientError, State};
use crate::artifact::training::{Elimination, names};
use crate::runtime::RuntimeError;

/// How often states are put by: this many times over the whole budget, but not more often than every [`STEPS_BETWEEN`] steps,
/// since a copy costs about a tenth of a step.
const COPIES: usize = 100;
/// Fewest steps between two states that are put by; on a device, whose states have a longer way, [`MOST_STEPS`].
const STEPS_BETWEEN: usize = 10;
/// Where a step takes longer than this, every state is put by. The clock decides what is kept, never what is computed.
const LONG_STEP: Duration = Duration::from_secs(1);
/// On a device, so many steps are taken as a whole that they last about this long.
const AT_ONCE: Duration = Duration::from_millis(300);

impl Run<'_> {
    /// How many steps to take as a whole: up to the next one at which something else happens. `None` for one whose parts are
    /// looked at, as always on the host, where nothing is gained by more.
    pub fn ahead(&self, state: &State, total: usize, lasted: Duration) -> Option<usize> {
        if !self.sums.arrays.store.is_on_device() || self.careful > 0 {
            return None;
        }
        let mut least = (total - state.step).min(MOST_STEPS);
        let mut until = |period: usize| least = least.min(period - state.step % period);
        until(self.between_copies(total));
        if !self.layout.coefficients.is_empty() {
            if self.layout.elimination != Elimination::Projected {
                until((total / self.settings.cycles.max(1)).max(1));
            } else if (state.step + MOST_STEPS) as f64 / total as f64 >= self.settings.prune_from {
                until((total / LOOKS).max(1));
            }
        }
        if self.layout.parameters.len() + self.layout.coefficients.len() > 0 {
            until(between_looks(total));
        }
        least = least.min(until_look(self.settings, state.step, total));
        // Signals are answered between steps.
        let in_time = AT_ONCE.as_secs_f64() / lasted.as_secs_f64();
        if in_time.is_finite() { Some(least.min(in_time as usize).max(1)) } else { Some(1) }
    }

    /// Says what the next steps are taken with.
    pub fn plan(&mut self, state: &State, steps: usize, total: usize) -> Result<(), GradientError> {
        let (per_epoch, size) = (self.sums.windows.per_epoch(), self.sums.windows.batch);
        let mut planned = Vec::with_capacity(steps);
        for ahead in 0..steps {
            let step = state.step + ahead;
            if self.order.0 != step / per_epoch {
                self.order = (step / per_epoch, self.sums.windows.order(step / per_epoch));
            }
            let from = step % per_epoch * size;
            let rows = self.sums.windows.rows(&self.order.1[from..from + size]);
            let (rates, corrections) = scalars(self.settings, state, total, ahead);
            planned.push(Planned { rows, rates, corrections });
        }
        self.sums.arrays.average_over(size, self.sums.windows.width())?;
        self.stepper.plan(&mut self.sums.arrays, &planned)
    }

    /// Takes steps that were just planned, wherever they lead; gives the last loss.
    pub fn steps_done(&mut self, steps: usize) -> Result<f64, GradientError> {
        if self.sums.arrays.store.is_on_device() {
            let losses = self.stepper.take(&mut self.sums.arrays, steps)?;
            return Ok(losses.last().copied().unwrap_or(f64::NAN));
        }
        let mut loss = f64::NAN;
        for _ in 0..steps {
            loss = self.stepper.compute(&mut self.sums.arrays)?;
            self.stepper.update(&mut self.sums.arrays)?;
        }
        Ok(loss)
    }

    /// Takes one step, and looks at the loss before the update.
    pub fn step(
        &mut self,
        state: &mut State,
        total: usize,
        lasted: Duration,
        keeper: &mut dyn Keeper,
    ) -> Result<(), GradientError> {
        self.careful = self.careful.saturating_sub(1);
        self.plan(state, 1, total)?;
        let loss = match self.stepper.compute(&mut self.sums.arrays) {
            Ok(loss) => loss,
            Err(error) => return Err(self.failed(state, error)),
        };
        if !loss.is_finite() {
            return Err(self.diverged(state));
        }
        if self.is_due(state, total, lasted) {
            let saved = self.saved(state)?;
            self.put_by(saved, lasted, keeper);
        }
        self.see_coefficients(state)?;
        self.stepper.update(&mut self.sums.arrays)?;
        state.losses.push(loss);
        state.step += 1;
        Ok(())
    }

    /// Takes several steps as a whole. Where one of them fails none is taken, and the next ones are taken one by one.
    pub fn steps(
        &mut self,
        state: &mut State,
        (steps, total): (usize, usize),
        lasted: Duration,
        keeper: &mut dyn Keeper,
    ) -> Result<(), GradientError> {
        let saved = if self.is_due(state, total, lasted) { Some(self.saved(state)?) } else { None };
        self.plan(state, steps, total)?;
        match self.stepper.take(&mut self.sums.arrays, steps) {
            Ok(losses) if losses.iter().all(|loss| loss.is_finite()) => {
                if let Some(saved) = saved {
                    self.put_by(saved, lasted, keeper);
                }
                self.see_coefficients(state)?;
                state.losses.extend(losses);
                state.step += steps;
                Ok(())
            }
            // A device that fails fails again.
            Err(error @ GradientError::Runtime(RuntimeError::Device(_))) => Err(error),
            _ => {
                self.careful = steps;
                self.sums.arrays.trained.go_back(&mut self.sums.arrays.store)
            }
        }
    }

    /// Takes over the coefficients of the last step.
    fn see_coefficients(&self, state: &mut State) -> Result<(), GradientError> {
        if !self.layout.coefficients.is_empty() {
            state.coefficients = self.stepper.numbers(&self.sums.arrays, names::COEFFICIENTS)?;
        }
        Ok(())
    }

    /// Steps between two states that are put by.
    fn between_copies(&self, total: usize) -> usize {
        let least = if self.sums.arrays.store.is_on_device() { MOST_STEPS } else { STEPS_BETWEEN };
        (total / COPIES).max(least)
    }

    /// Whether a state is to be put by before its next step.
    fn is_due(&self, state: &State, total: usize, lasted: Duration) -> bool {
        state.step.is_multiple_of(self.between_copies(total)) || lasted > LONG_STEP
    }

    /// Keeps a copy of a state whose loss was just found to be finite.
    fn put_by(&mut self, saved: State, lasted: Duration, keeper: &mut dyn Keeper) {
        if saved.first_bad().is_none() {
            keeper.offer(&saved, lasted);
            self.good = Some(saved);
        }
    }
}
