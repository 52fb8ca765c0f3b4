//! Typed model to intermediate representation. Total: nothing here blames the user, because `sema` has refused every
//! model that cannot be lowered; what is left to fail is a mistake of the compiler ([`LowerError`]).
//!
//! - [`pointwise`] makes the functions of the joint engine and of simulation: the model as an explicit first-order
//!   system, and its derivatives at every step.

mod expr;
pub mod pointwise;
pub mod training;

pub use expr::{Leaves, lower_expr};

use crate::autodiff::AutodiffError;
use crate::ir::BuildError;

/// A model that could not be lowered: a mistake of the compiler.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LowerError {
    /// An instruction's operands do not fit.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A function could not be differentiated.
    #[error(transparent)]
    Autodiff(#[from] AutodiffError),
    /// A leaf of an expression has no value where it is used.
    #[error("no value for {0} where an expression uses it")]
    Leaf(String),
    /// An equation cannot be solved for its highest derivative, so the model cannot be simulated.
    #[error("the equation of `{state}` cannot be solved for its highest derivative")]
    Implicit {
        /// The state.
        state: String,
    },
}

#[cfg(test)]
mod tests;
