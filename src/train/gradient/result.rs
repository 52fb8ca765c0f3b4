//! What a fit gives.

use super::State;

/// A finished fit.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientFit {
    /// Unknowns that enter linearly.
    pub coefficients: Vec<CoefficientEstimate>,
    /// Hole terms that the threshold alone keeps out: without it they would be significant. Where coefficients are projected.
    pub below_threshold: Vec<SmallTerm>,
    /// Unknowns that enter nonlinearly.
    pub parameters: Vec<f64>,
    /// Which of these, and of trained coefficients, were still on their way when the training ended.
    pub under_way: Vec<UnderWay>,
    /// The loss over all training windows with the final coefficients.
    pub loss: Loss,
    /// Root mean square of the solution against the data, per state; `NaN`-free, 0 where a state is not observed.
    pub residual: Vec<f64>,
    /// Solution and auxiliaries over each trajectory.
    pub reconstructions: Vec<Reconstruction>,
    /// What training ended with: weights, moments, loss curve.
    pub state: State,
}

/// A trained number that had not arrived when the training ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnderWay {
    /// Its position among the parameters, or else among the coefficients.
    pub at: Result<usize, usize>,
    /// Where it started and where it is.
    pub from_to: [f64; 2],
    /// Where as many steps more would take it, if it went on like that.
    pub further: f64,
}

/// An estimated coefficient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoefficientEstimate {
    /// Its value: zero when dropped.
    pub value: f64,
    /// Standard error where it was estimated by least squares and is not at a bound. It takes the residuals of one solution to be
    /// independent between samples, and counts a sample once however many windows it is in; the error of the auxiliaries
    /// is not in it.
    pub std_error: Option<f64>,
    /// Whether it was kept.
    pub kept: bool,
}

/// A hole term whose coefficient is small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmallTerm {
    /// Its position among the coefficients.
    pub coefficient: usize,
    /// Its value beside the terms that would be kept without the threshold.
    pub value: f64,
    /// The standard error of this value.
    pub std_error: f64,
}

/// A loss and its parts.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Loss {
    /// `fit + consistency * auxiliary`
    pub total: f64,
    /// Mean square of the solution against the data.
    pub fit: f64,
    /// Mean square of the auxiliaries against the data.
    pub auxiliary: f64,
}

/// One trajectory, solved window after window.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Reconstruction {
    /// Its index in the data set.
    pub trajectory: usize,
    /// Number of samples, from the first.
    pub len: usize,
    /// `[sample, state]`: the solution, each window from its own start; neighbouring windows do not join smoothly. Not a number where no
    /// window without a missing sample reaches.
    pub solution: Vec<f64>,
    /// `[sample, state]`: the auxiliaries.
    pub auxiliaries: Vec<f64>,
    /// First sample of every window.
    pub starts: Vec<usize>,
    /// `[window, bound]`: the unknowns that network outputs stand for.
    pub bound: Vec<f64>,
    /// `[window, sample, field]`: the fields.
    pub fields: Vec<f64>,
    /// `[window, sample]`: the steps, where they are learned.
    pub steps: Vec<f64>,
}
