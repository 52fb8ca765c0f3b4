//! How long steps of a training take.

use std::time::{Duration, Instant};

use super::fit::Run;
use super::stepper::MOST_STEPS;
use super::{Functions, GradientError, Layout, Settings, State};
use crate::data::Dataset;

/// Times of steps.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTimes {
    /// Time of each step; of steps that are taken as a whole, their mean, once.
    pub steps: Vec<Duration>,
    /// How many steps are taken as a whole.
    pub at_once: usize,
    /// Windows of a mini-batch.
    pub batch: usize,
    /// The loss of the last step.
    pub loss: f64,
}

/// Takes steps from the start of a training until `enough` says so of the times measured so far. The first steps, which make things
/// ready, are not among them.
///
/// # Errors
/// Those of a step.
pub fn time_steps(
    functions: &Functions,
    layout: &Layout,
    data: &Dataset,
    settings: &Settings,
    enough: &mut dyn FnMut(&[Duration]) -> bool,
) -> Result<StepTimes, GradientError> {
    let mut state = State::start(layout, settings.seed);
    let mut run = Run::new(functions, layout, (data, None), settings, &mut state)?;
    let at_once = if run.sums.arrays.store.is_on_device() { MOST_STEPS } else { 1 };
    let total = run.total().max(1);
    let (mut times, mut loss) = (Vec::new(), f64::NAN);
    let mut warm = false;
    while !enough(&times) {
        let begun = Instant::now();
        // Beyond the budget the schedule stays at its end.
        let planned = State { step: state.step.min(total - 1), ..state.clone() };
        run.plan(&planned, at_once, total)?;
        loss = run.steps_done(at_once)?;
        state.step += at_once;
        if warm {
            times.push(begun.elapsed() / u32::try_from(at_once).unwrap_or(1));
        }
        warm = true;
    }
    Ok(StepTimes { steps: times, at_once, batch: run.sums.windows.batch, loss })
}
