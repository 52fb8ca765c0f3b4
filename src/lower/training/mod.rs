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
//! Notation: x are the data, v the auxiliaries, `theta_i(v)` the factors of the unknowns that enter linearly, S the solve. With the
//! matrix of the solve free of unknowns, `u = S(known(v), start = v_0) + sum_i xi_i S(theta_i(v), start = 0)` is affine in xi, so
//! the coefficients that minimise `|u - x|^2` over the batch solve a small linear system (variable projection; Golub and
//! Pereyra, 1973), and reverse differentiation goes through it.
//!
//! Invariants: equations whose solves have the same matrix share it, and equal factors are solved once; every array that is
//! summed over samples and steps has these axes last, so that the sums are matrix products over contiguous memory.

mod encoder;
mod forward;
mod functions;
mod objective;
mod plan;
mod scope;
mod stencil;
#[cfg(test)]
mod tests;

use super::LowerError;
use crate::base::{Arena, Tensor};
use crate::hir::{Fit, Model, Network, NetworkId, StateId, UnknownId};
use crate::ir::Module;

pub use functions::lower;

/// Names of functions, parameters and results.
pub mod names {
    /// Loss and gradient.
    pub const STEP: &str = "step";
    /// Normal equations of the coefficients.
    pub const NORMAL: &str = "normal";
    /// Loss and trajectories for given coefficients.
    pub const EVALUATE: &str = "evaluate";
    /// Optimiser update of single-precision parameters.
    pub const ADAM_F32: &str = "adam_f32";
    /// Optimiser update of double-precision parameters.
    pub const ADAM_F64: &str = "adam_f64";

    /// `f64[sample, time, observed]`: the windows of the mini-batch, in data units.
    pub const WINDOW: &str = "window";
    /// `f64[sample, time]`: the time of every step, where the model uses it.
    pub const TIME: &str = "t";
    /// `f64[sample, time, input]`: the inputs, where the model has any.
    pub const INPUT: &str = "input";
    /// `f64[state]`: what is subtracted from a state for the network (0 for unobserved ones).
    pub const MEAN: &str = "mean";
    /// `f64[state]`: what a state is divided by for the network (1 for unobserved ones).
    pub const SCALE: &str = "scale";
    /// `f64[state]`: weight of a state's squares in the loss.
    pub const WEIGHT: &str = "weight";
    /// Scalar: step size of the solve.
    pub const STEP_SIZE: &str = "h";
    /// Scalar: one over the number of samples times steps times states.
    pub const AVERAGE: &str = "average";
    /// Scalar: weight of the consistency loss.
    pub const CONSISTENCY: &str = "consistency";
    /// Scalar: ridge of the normal matrix relative to its diagonal.
    pub const RIDGE: &str = "ridge";
    /// `f64[coefficient]`: one where a coefficient is estimated, zero where it is held.
    pub const MASK: &str = "mask";
    /// `f64[coefficient]`: what a held coefficient is held at (0 where it is estimated).
    pub const HELD: &str = "held";
    /// `f64[coefficient]`: the coefficients where they are trained or given.
    pub const COEFFICIENTS: &str = "xi";
    /// `f64[parameter]`: the unknowns that enter nonlinearly.
    pub const PARAMETERS: &str = "phi";
    /// Suffix of the adjoint of a trained parameter.
    pub const ADJOINT: &str = "_adj";

    /// Scalar result: the loss.
    pub const LOSS: &str = "loss";
    /// Scalar result: mean square of u against the data.
    pub const FIT_LOSS: &str = "fit";
    /// Scalar result: mean square of the auxiliaries against the data, without its weight.
    pub const CONSISTENCY_LOSS: &str = "auxiliary";
    /// `f64[coefficient, coefficient2]` result: the normal matrix.
    pub const MATRIX: &str = "n";
    /// `f64[coefficient]` result: the right-hand side of the normal equations.
    pub const RHS: &str = "r";
    /// `f64[state]` result: sum of squares of u against the data, unweighted.
    pub const SQUARES: &str = "squares";
    /// `f64[sample, time, state]` result: the solution.
    pub const SOLUTION: &str = "u";
    /// `f64[sample, time, state]` result: the auxiliaries.
    pub const AUXILIARIES: &str = "v";
}

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

/// The gradient engine's functions and what the training loop needs to know of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Lowered {
    /// The functions.
    pub module: Module,
    /// Single-precision parameters that are trained, in order.
    pub weights: Vec<Weight>,
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

/// A trained array of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// The parameter's name.
    pub name: String,
    /// Its shape: `[in, out]` of a layer's matrix, `[out]` of its offset.
    pub shape: Vec<usize>,
    /// How it starts.
    pub start: Start,
    /// Whether it belongs to the network that emits the coefficients.
    pub coefficients: bool,
}

/// How an array starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// Uniform between minus and plus this: one over the root of the layer's inputs.
    Uniform(f64),
    /// Standard normal.
    Normal,
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
