//! Gradient training with an encoder network and, by default, variable projection: the coefficients that enter linearly
//! are eliminated by least squares at every step, the network's weights are trained by Adam.
//!
//! [`fit`] runs compiled [`Functions`] on a data set; what they are functions of is told by a [`Layout`], plain data that the
//! driver makes from the lowered model. Terms are dropped *by progress*, never by the clock: from
//! [`Settings::prune_from`] of the budget on, the normal equations over the training windows are summed at regular intervals,
//! and hole terms below [`Settings::threshold`], later also those that are not significant, are held at zero.
//!
//! [`go_on`] starts from any [`State`]: a [`Keeper`] is given states while training goes on and the one it is interrupted in.
//!
//! Invariants: the same seed gives the same numbers for any number of threads, and however often a training is interrupted and
//! taken up again; every mini-batch of a run has the same
//! size; a number that is not finite ends the run with an error that names the step and the quantity.

mod advance;
mod arrays;
mod batches;
mod bench;
mod fit;
mod functions;
mod layout;
mod normal;
mod normalise;
mod optimiser;
mod prune;
mod result;
mod rollout;
mod state;
mod stepper;
mod sums;
mod trained;
mod watch;
mod way;

pub use bench::{StepTimes, time_steps};
pub use fit::{apply, ensure_windows, fit, go_on};
pub use functions::Functions;
pub use layout::{CoefficientSpec, Layout, ParameterSpec, Settings};
pub use normalise::Normalisation;
pub use result::{CoefficientEstimate, GradientFit, Loss, Reconstruction, SmallTerm, UnderWay};
pub use rollout::{Seed, roll_out};
pub use state::{Forgetful, Keeper, State, Weights};
pub use watch::{Best, Watch};

pub use crate::base::{Decay, Normalise};
use crate::data::DataError;
use crate::runtime::RuntimeError;

/// Why a fit ends without a result.
#[derive(Debug, thiserror::Error)]
pub enum GradientError {
    /// A compiled function could not be called, or a solve in it failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The data cannot be cut into windows.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Every window has a missing sample.
    #[error("every window of {window} samples has a missing one")]
    Missing {
        /// Samples of a window.
        window: usize,
    },
    /// The trajectories are sampled at different steps.
    #[error("the trajectories are sampled at different steps; gradient training needs one step for all")]
    Steps,
    /// The functions and the layout do not belong together: a mistake of the compiler.
    #[error("`{function}` has no `{name}`")]
    Unknown {
        /// The function.
        function: String,
        /// The parameter or result.
        name: String,
    },
    /// Solves that reach no further than networks read predict nothing.
    #[error("the solves reach no further than the networks read")]
    Horizon,
    /// A number is not finite.
    #[error("training diverged at step {step}: {quantity} is not finite")]
    Diverged {
        /// The step, from 0.
        step: usize,
        /// What is not finite.
        quantity: String,
    },
    /// A step could not be computed although its numbers are finite.
    #[error("training failed at step {step}: {source}")]
    Step {
        /// The step, from 0.
        step: usize,
        /// What failed.
        source: RuntimeError,
    },
    /// The observer ended it.
    #[error("interrupted after step {step}")]
    Interrupted {
        /// Steps done.
        step: usize,
    },
    /// The normal equations of the coefficients have no solution.
    #[error("the data do not determine the coefficients: their normal matrix is singular")]
    Singular,
}
