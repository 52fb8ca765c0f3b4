//! What can go wrong when compiled code is called.

use super::cuda::DeviceError;
use crate::base::Elem;

/// A call that cannot be made, or a solve that failed in it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RuntimeError {
    /// The artifact has no entry point of this name.
    #[error("there is no entry point `{name}`")]
    NoEntry {
        /// The name asked for.
        name: String,
    },
    /// The number of arguments or results is not the entry's.
    #[error("`{entry}` has {expected} {what}, not {given}")]
    Count {
        /// The entry point.
        entry: String,
        /// `arguments` or `results`.
        what: &'static str,
        /// How many it has.
        expected: usize,
        /// How many were given.
        given: usize,
    },
    /// A tensor has numbers of another type.
    #[error("`{port}` holds {expected} numbers, not {given}")]
    Elem {
        /// The parameter or result.
        port: String,
        /// Its type.
        expected: Elem,
        /// The type given.
        given: Elem,
    },
    /// A tensor has another number of axes.
    #[error("`{port}` has {expected} axes, not {given}")]
    Rank {
        /// The parameter or result.
        port: String,
        /// Its number of axes.
        expected: usize,
        /// The number given.
        given: usize,
    },
    /// An axis has another size than the program or an earlier argument says.
    #[error("axis `{axis}` of `{port}` has size {given}, but {expected} is needed")]
    Size {
        /// The parameter or result.
        port: String,
        /// The axis.
        axis: String,
        /// The size it must have.
        expected: u64,
        /// The size given.
        given: u64,
    },
    /// A tensor's slice does not hold as many numbers as its shape says.
    #[error("`{port}` holds {given} numbers, but its shape needs {expected}")]
    Length {
        /// The parameter or result.
        port: String,
        /// The product of its shape.
        expected: usize,
        /// The length of the slice.
        given: usize,
    },
    /// Axes that are joined or split have sizes that do not fit, or no size follows for an axis.
    #[error("in `{entry}`: {left} numbers cannot be viewed as {right}")]
    Reshape {
        /// The entry point.
        entry: String,
        /// Numbers there are.
        left: String,
        /// Numbers the other view has.
        right: String,
    },
    /// The sizes multiply to more than memory can address, or the workspace cannot be allocated.
    #[error("`{entry}` needs more memory than there is ({bytes} bytes of workspace)")]
    Memory {
        /// The entry point.
        entry: String,
        /// The bytes needed, or the largest number on overflow.
        bytes: usize,
    },
    /// A result is to be written over an argument that is not of its type or is named twice.
    #[error("result `{result}` cannot be written over argument `{param}`")]
    InPlace {
        /// The result.
        result: String,
        /// The parameter.
        param: String,
    },
    /// Resident arrays do not fit together: a mistake of whoever made them.
    #[error("numbers cannot be moved: {reason}")]
    Move {
        /// What does not fit.
        reason: String,
    },
    /// A matrix of a symmetric solve is not positive definite, or holds numbers that are not finite.
    #[error("in `{entry}`, step {step}: the matrix of sample {sample} is not positive definite")]
    NotPositiveDefinite {
        /// The entry point.
        entry: String,
        /// The number of the step.
        step: usize,
        /// The number of the system.
        sample: usize,
    },
    /// A relaxed solve failed.
    #[error("in `{entry}`, step {step}: {reason}")]
    Solve {
        /// The entry point.
        entry: String,
        /// The number of the step.
        step: usize,
        /// The solver's words.
        reason: String,
    },
    /// A CUDA device cannot be used, or failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The threads could not be started.
    #[error("cannot start {count} threads: {reason}")]
    Threads {
        /// How many.
        count: usize,
        /// The operating system's words.
        reason: String,
    },
}
