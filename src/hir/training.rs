//! What the gradient engine makes small, and how.

use super::{InputId, NetworkId, StateId};
pub use crate::base::Decay;

/// One number of a network's output, for every step where that is over the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutputRef {
    /// The network.
    pub network: NetworkId,
    /// Position in [`Network::outputs`](super::Network::outputs).
    pub output: usize,
    /// Component of that output.
    pub component: usize,
}

/// What training makes small.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// How misfits count of which the terms say nothing.
    pub measure: Measure,
    /// The terms; without any, all states count, and all auxiliaries of observed states. Where no term is about an output, the
    /// auxiliaries count as well.
    pub terms: Vec<LossTerm>,
}

impl Loss {
    /// All states and auxiliaries, by one measure.
    pub const fn plain(measure: Measure) -> Self {
        Loss { measure, terms: Vec::new() }
    }

    /// What the solution of a state counts by one measure, relative to the mean over all `states` or, for sums, to the sum; zero
    /// where it does not count.
    pub fn of_solution(&self, state: StateId, measure: Measure, states: usize) -> f64 {
        if self.terms.is_empty() {
            return if measure == self.measure { 1.0 } else { 0.0 };
        }
        let mine = self.terms.iter().filter(|t| t.state == state && t.measure == measure && t.output.is_none());
        mine.map(|t| t.relative(states)).sum()
    }

    /// Whether the terms say how network outputs count.
    pub fn names_outputs(&self) -> bool {
        self.terms.iter().any(|t| t.output.is_some())
    }
}

/// A misfit to the data of a state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossTerm {
    /// How it counts.
    pub measure: Measure,
    /// What it is multiplied by.
    pub weight: f64,
    /// The state.
    pub state: StateId,
    /// The output that is compared with the state's data; the state's solution without one.
    pub output: Option<OutputRef>,
}

impl LossTerm {
    /// Its weight relative to the mean over all `states` or, for sums, to the sum.
    pub fn relative(&self, states: usize) -> f64 {
        if self.measure == Measure::Sse { self.weight } else { self.weight * states as f64 }
    }
}

/// How a misfit counts, in standard deviations of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The mean of its squares.
    Mse,
    /// The mean of its magnitudes.
    Mae,
    /// The sum of its squares.
    Sse,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Measure; 3] = [Measure::Mse, Measure::Mae, Measure::Sse];

    /// The name in `.mech` source.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Mse => "mse",
            Measure::Mae => "mae",
            Measure::Sse => "sse",
        }
    }

    /// In words.
    pub fn about(self) -> &'static str {
        match self {
            Measure::Mse => "mean squared",
            Measure::Mae => "mean absolute",
            Measure::Sse => "sum of squared",
        }
    }
}

/// Adam (Kingma and Ba, 2015).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimizer {
    /// Learning rate.
    pub rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// How the rate changes over the run.
    pub decay: Decay,
    /// Steps over which the rate rises from zero.
    pub warmup: usize,
}

impl Decay {
    /// As it would be written among the options of `adam`.
    pub fn spell(self) -> String {
        match self {
            Decay::Constant => "constant".to_string(),
            Decay::Cosine => "cosine".to_string(),
            Decay::Exponential(end) => format!("exponential, factor = {}", super::number(end)),
            Decay::Plateau { patience, factor } => {
                format!("plateau, patience = {patience}, factor = {}", super::number(factor))
            }
        }
    }
}

/// Training ends when the held-out loss has not fallen for a while; the state with the smallest is what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlyStopping {
    /// Evaluations without a smaller loss.
    pub patience: usize,
}

/// Where the steps of the solves come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepSource {
    /// The data.
    Data,
    /// Trained numbers, one for every interval of a window, that start at this (at the data's step without it).
    Trained(Option<f64>),
    /// A network output: one for the window or, where it is over the window, for every interval.
    Output(OutputRef),
}

/// Where the solutions of windows start.
#[derive(Clone, Debug, PartialEq)]
pub enum StartSource {
    /// At what stands for the states at the first sample, but for these.
    Values(Vec<StartBinding>),
    /// Anywhere: the solve chooses.
    Free,
    /// At the `initial` values of the model, those of states that columns observe too.
    Held,
}

/// A network output that stands for an initial value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartBinding {
    /// The state.
    pub state: StateId,
    /// Which derivative of it.
    pub derivative: u8,
    /// The number, one for the window.
    pub source: OutputRef,
}

/// A network output that stands for a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldBinding {
    /// The field.
    pub input: InputId,
    /// The number, one for every step.
    pub source: OutputRef,
}
