//! Reverse-mode differentiation on the representation.
//!
//! [`reverse`] appends to a function the instructions that compute adjoints of some of its values; [`gradient`] wraps it into a
//! function of its own. Every instruction has its rule here, and the derivatives of the element-wise functions stand in one
//! table (`derivatives`). Only what the values asked for depend on is emitted.
//!
//! Conventions where there is no derivative: `abs` has slope 0 at 0; of two equal operands `min` and `max` follow the first;
//! `sign` and the comparison of `select` have slope 0; `pow` has slope 0 in its exponent where the base is not positive, and
//! slope 0 in its base where the exponent is 0. The adjoint of `x` is named `x_adj`.

mod derivatives;
mod gradient;
mod reverse;
mod rules;
#[cfg(test)]
mod tests;

pub use gradient::gradient;
pub use reverse::reverse;

use crate::ir::BuildError;

/// Why there is no gradient.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AutodiffError {
    /// The instruction is an adjoint itself; second derivatives through a solve are not supported.
    #[error("`{0}` has no second derivative")]
    SecondDerivative(&'static str),
    /// The module has no function of this name.
    #[error("there is no function `{0}`")]
    NoFunction(String),
    /// The function has no result of this name.
    #[error("there is no result `{0}`")]
    NoResult(String),
    /// The function has no parameter of this name.
    #[error("there is no parameter `{0}`")]
    NoParameter(String),
    /// A gradient is that of a scalar.
    #[error("the result `{0}` is not a scalar")]
    NotScalar(String),
    /// An adjoint instruction that does not fit: a mistake of a rule.
    #[error(transparent)]
    Build(#[from] BuildError),
}
