//! The gradient engine's functions: an encoder network reads a window of the data, its outputs stand for the states in
//! nonlinear terms (*auxiliaries*), one relaxed solve per group of coupled equations turns them into trajectories `u`, and the
//! loss compares `u` and the auxiliaries with the data.
//!
//! [`lower`] makes one [`Module`] with these functions; parameters and results are bound by name ([`names`]).
//!
//! | function | what it gives |
//! |---|---|
//! | `step` | the loss, its two parts, the coefficients, and the adjoint `<name>_adj` of every trained parameter |
//! | `normal` | normal matrix and right-hand side of the coefficients, to be summed over mini-batches |
//! | `evaluate` | loss, squares per state, solution `u` and auxiliaries `v` for coefficients that are given |
//! | `adam_f32`, `adam_f64` | one bias-corrected Adam update |
//!
//! [`outlines`] says what these solves look like, without making any function.
//!
//! Notation: x are the data, v the auxiliaries, `theta_i(v)` the factors of the unknowns that enter linearly, S the solve. With the
//! matrix of the solve free of unknowns, `u = S(known(v), start = v_0) + sum_i xi_i S(theta_i(v), start = 0)` is affine in xi, so
//! the coefficients that minimise `|u - x|^2` over the batch solve a small linear system (variable projection; Golub and
//! Pereyra, 1973), and reverse differentiation goes through it.
//!
//! Invariants: equations whose solves have the same matrix share it, and equal factors are solved once; every array that is
//! summed over samples and steps has these axes last, so that the sums are matrix products over contiguous memory.

mod encoder;
mod features;
mod forward;
mod functions;
mod network;
mod objective;
mod outline;
mod plan;
mod scope;
mod starts;
mod stencil;
mod systems;
#[cfg(test)]
mod tests;
mod varying;

use super::LowerError;
use crate::artifact::training::{Elimination, WeightSpec};
use crate::base::{Arena, Tensor};
use crate::hir::{Fit, Model, Network, NetworkId, StateId, UnknownId};
use crate::ir::Module;

pub use features::statistics_of;
pub use functions::lower;
pub use outline::{LINEARISED, outlines, whole};

/// Where the unknowns that enter linearly come from during training.
#[derive(Clone, Debug, PartialEq)]
pub enum Coefficients {
    /// Eliminated by least squares over the mini-batch.
    Projected,
    /// Trained as plain numbers.
    Trained,
    /// Emitted by a network from a learned constant input of `code` numbers, as published.
    Emitted {
        /// Size of the learned input.
        code: usize,
        /// Widths of the hidden layers, each followed by max(0, a).
        hidden: Vec<usize>,
    },
}

impl Coefficients {
    /// The same in the words of the engine.
    pub fn elimination(&self) -> Elimination {
        match self {
            Coefficients::Projected => Elimination::Projected,
            Coefficients::Trained => Elimination::Trained,
            Coefficients::Emitted { .. } => Elimination::Emitted,
        }
    }
}

/// What is lowered.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The model.
    pub model: &'a Model,
    /// The networks that [`Fit::auxiliary`] refers to.
    pub networks: &'a Arena<NetworkId, Network>,
    /// The settings: window, orders kept, auxiliaries.
    pub fit: &'a Fit,
    /// The states with data, in the order of the data's columns.
    pub observed: &'a [StateId],
    /// Where the coefficients come from.
    pub coefficients: &'a Coefficients,
}

impl Request<'_> {
    /// The position among the observed states of the one whose first sample is subtracted from a state in every window.
    fn shift(&self, state: StateId) -> Option<usize> {
        let (_, by) = self.fit.shifts.iter().find(|(moved, _)| *moved == state)?;
        self.observed.iter().position(|s| s == by)
    }
}

/// The gradient engine's functions and what the training loop needs to know of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Lowered {
    /// The functions.
    pub module: Module,
    /// Single-precision parameters that are trained, in order.
    pub weights: Vec<WeightSpec>,
    /// Unknowns that enter linearly, in the order of the coefficient axis.
    pub coefficients: Vec<Coefficient>,
    /// Unknowns that enter nonlinearly, in the order of the parameter axis.
    pub parameters: Vec<UnknownId>,
    /// Parameters that are the same in every call.
    pub constants: Vec<(String, Tensor)>,
    /// Whether the time of every step is a parameter.
    pub uses_time: bool,
    /// Whether the inputs are a parameter.
    pub uses_inputs: bool,
}

/// A coefficient.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficient {
    /// The unknown.
    pub unknown: UnknownId,
    /// The states whose solution depends on it, by index.
    pub states: Vec<usize>,
}

/// A model that the gradient engine cannot fit, or a mistake of the compiler.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainingError {
    /// A mistake of the compiler.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// A state has neither data nor an auxiliary, so nothing says where it starts.
    #[error("`{state}` has neither data nor an auxiliary")]
    NoAuxiliary {
        /// The state.
        state: String,
    },
    /// An equation's nonlinear part uses a derivative of at least the state's own order.
    #[error(
        "a nonlinear term uses derivative {derivative} of `{state}`, but an auxiliary has only those below its order"
    )]
    HighDerivative {
        /// The state.
        state: String,
        /// The derivative.
        derivative: u8,
    },
    /// An auxiliary is bound to an output that has not one number per step.
    #[error("output `{output}` of network `{network}` has no number for every step, so it cannot stand for a state")]
    NotOverWindow {
        /// The network.
        network: String,
        /// The output.
        output: String,
    },
    /// A network reads a state without data.
    #[error("network `{network}` reads `{input}`, which is not observed")]
    NotObserved {
        /// The network.
        network: String,
        /// The input.
        input: String,
    },
    /// A window too short to solve anything.
    #[error("a window of {window} steps is too short: at least 2 are needed")]
    Window {
        /// Steps of a window.
        window: usize,
    },
}

impl From<crate::ir::BuildError> for TrainingError {
    fn from(e: crate::ir::BuildError) -> Self {
        TrainingError::Lower(e.into())
    }
}
