//! The numbers of Adam that change from step to step.

use super::{Decay, Settings, State};

/// The learning rates' factor at a step; `plateau` is that of a schedule that goes by the loss.
fn decay(settings: &Settings, plateau: f64, total: usize, step: usize) -> f64 {
    let progress = step as f64 / total.max(1) as f64;
    let schedule = match settings.decay {
        Decay::Constant => 1.0,
        Decay::Cosine => 0.5 * (1.0 + libm::cos(std::f64::consts::PI * progress)),
        Decay::Exponential(end) => libm::pow(end, progress),
        Decay::Plateau { .. } => plateau,
    };
    let risen = (step + 1) as f64 / settings.warmup.max(1) as f64;
    schedule * risen.min(1.0)
}

/// How far steps can take a number that is not a network's: Adam moves it by about the learning rate (Kingma and Ba, 2015, section 2.1).
pub(super) fn reach(settings: &Settings, steps: std::ops::Range<usize>, total: usize) -> f64 {
    let rate = settings.coefficient_rate.unwrap_or(settings.rate);
    steps.map(|step| rate * decay(settings, 1.0, total, step)).sum()
}

/// The learning rates of networks and of everything else, and the bias corrections of the step that comes `ahead` steps after the next.
pub(super) fn scalars(settings: &Settings, state: &State, total: usize, ahead: usize) -> ([f64; 2], [f64; 2]) {
    let factor = decay(settings, state.watch.factor, total, state.step + ahead);
    let t = (state.step + ahead + 1) as f64;
    let corrections = [1.0 - libm::pow(settings.beta1, t), 1.0 - libm::pow(settings.beta2, t)];
    ([settings.rate * factor, settings.coefficient_rate.unwrap_or(settings.rate) * factor], corrections)
}
