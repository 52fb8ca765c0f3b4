//! What schedules and early stopping of a training go by.

use super::failure::{Failure, Problem};
use super::observed::Observed;
use crate::data::{DataError, Dataset};
use crate::hir::{Decay, Fit};
use crate::train::gradient::GradientError;

/// The data whose loss is looked at: those held out, where something goes by it and `ensure` finds a window in them. Where there is none,
/// looks are at the training's own loss, as without held-out data, and that is told; but training cannot be made to end by it.
///
/// # Errors
/// Numerical, where training ends early by data without a window.
pub(super) fn held<'o>(
    fit: &Fit,
    observed: &'o Observed,
    ensure: impl Fn(&Dataset) -> Result<(), GradientError>,
) -> Result<(Option<&'o Dataset>, Option<String>), Failure> {
    let plateau = matches!(fit.optimizer.decay, Decay::Plateau { .. });
    let wanted = fit.early_stopping.is_some() || fit.evaluate.is_some() || plateau;
    let Some(held) = observed.held.as_ref().map(|held| &held.data).filter(|_| wanted) else { return Ok((None, None)) };
    let reach = fit.reach();
    let why = match ensure(held) {
        Ok(()) => return Ok((Some(held), None)),
        Err(GradientError::Data(DataError::BadWindow { .. })) => {
            let longest = held.trajectories.iter().map(|t| t.len).max().unwrap_or(0);
            format!("the longest part has {longest} samples, and a window reaches over {reach}")
        }
        Err(GradientError::Missing { .. }) => format!("every window of {reach} samples has a missing one"),
        Err(error) => error.to_string(),
    };
    let what = "what is held out has no window";
    if fit.early_stopping.is_some() {
        let message = format!("training cannot end by the held-out loss: {what}; {why}");
        let help = "hold out more, take a shorter `window` or `horizon`, or leave `early_stopping` out";
        return Err(Failure::Numerical(Problem::new("N520", message, help)));
    }
    Ok((None, Some(format!("the held-out loss was not looked at, the training loss was: {what}; {why}"))))
}
