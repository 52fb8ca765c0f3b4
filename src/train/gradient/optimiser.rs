//! The numbers of Adam that change from step to step.

use super::{Decay, Settings, State};

/// The learning rates' factor at the step that comes `ahead` steps after the next.
fn decay(settings: &Settings, state: &State, total: usize, ahead: usize) -> f64 {
    let step = state.step + ahead;
    let progress = step as f64 / total.max(1) as f64;
    let schedule = match settings.decay {
        Decay::Constant => 1.0,
        Decay::Cosine => 0.5 * (1.0 + libm::cos(std::f64::consts::PI * progress)),
        Decay::Exponential(end) => libm::pow(end, progress),
        Decay::Plateau { .. } => state.watch.factor,
    };
    let risen = (step + 1) as f64 / settings.warmup.max(1) as f64;
    schedule * risen.min(1.0)
}

/// The learning rates of networks and of everything else, and the bias corrections of the step that comes `ahead` steps after the next.
pub(super) fn scalars(settings: &Settings, state: &State, total: usize, ahead: usize) -> ([f64; 2], [f64; 2]) {
    let factor = decay(settings, state, total, ahead);
    let t = (state.step + ahead + 1) as f64;
    let corrections = [1.0 - libm::pow(settings.beta1, t), 1.0 - libm::pow(settings.beta2, t)];
    ([settings.rate * factor, settings.coefficient_rate.unwrap_or(settings.rate) * factor], corrections)
}
