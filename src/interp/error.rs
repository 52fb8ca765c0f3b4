//! Why a function cannot be evaluated.

use crate::base::Elem;
use crate::ir::VerifyError;

/// Why a function cannot be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InterpError {
    /// The module has no function of this name.
    #[error("there is no function `{0}`")]
    NoFunction(String),
    /// The function breaks a rule of the representation.
    #[error("the function is not well-formed: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<VerifyError>),
    /// A wrong number of arguments.
    #[error("{found} arguments for {expected} parameters")]
    ArgumentCount {
        /// How many parameters there are.
        expected: usize,
        /// How many arguments were given.
        found: usize,
    },
    /// An argument of another number type than its parameter's.
    #[error("argument {argument} has numbers of type {found}, its parameter {expected}")]
    ArgumentElem {
        /// The position of the argument.
        argument: usize,
        /// The parameter's number type.
        expected: Elem,
        /// The argument's.
        found: Elem,
    },
    /// An argument with another number of axes than its parameter's.
    #[error("argument {argument} has {found} axes, its parameter {expected}")]
    ArgumentRank {
        /// The position of the argument.
        argument: usize,
        /// How many axes the parameter has.
        expected: usize,
        /// How many the argument has.
        found: usize,
    },
    /// An argument whose size along an axis is not the axis's size.
    #[error("argument {argument} has size {found} along `{axis}`, which has size {expected}")]
    AxisSize {
        /// The position of the argument.
        argument: usize,
        /// The name of the axis.
        axis: String,
        /// The axis's size, fixed or bound by an earlier argument.
        expected: usize,
        /// The argument's.
        found: usize,
    },
    /// A dynamic axis whose size nothing says.
    #[error("nothing says the size of axis `{0}`")]
    Unbound(String),
    /// A reshape between different numbers of elements.
    #[error("a reshape of {from} numbers into {to}")]
    Reshape {
        /// How many numbers there are.
        from: usize,
        /// How many the result's axes hold.
        to: usize,
    },
    /// A tensor of more numbers than memory has addresses for.
    #[error("a tensor is too large")]
    TooLarge,
    /// More initial steps than steps.
    #[error("{start} initial steps of a solve with {steps} steps")]
    StartTooLong {
        /// How many steps have initial values.
        start: usize,
        /// How many steps there are.
        steps: usize,
    },
    /// The rows of a relaxed solve do not determine its unknowns, or hold numbers that are not finite.
    #[error("the rows of a relaxed solve do not determine its unknowns")]
    SolveSingular,
    /// The matrix of a symmetric solve is not positive definite.
    #[error("the matrix of a symmetric solve is not positive definite")]
    NotPositiveDefinite,
}
