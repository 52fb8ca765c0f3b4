//! What cannot be exported.

use thiserror::Error;

/// Why a system cannot be written in a format.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExportError {
    /// The model has holes.
    #[error("model `{model}` has a hole that is not filled: {hole}")]
    Hole {
        /// The model.
        model: String,
        /// What was written.
        hole: String,
    },
    /// A parameter without a value.
    #[error("parameter `{name}` of model `{model}` has no value")]
    NoValue {
        /// The model.
        model: String,
        /// The parameter.
        name: String,
    },
    /// A function the target does not have.
    #[error("{format} has no function `{name}`")]
    Function {
        /// The target.
        format: &'static str,
        /// The function.
        name: &'static str,
    },
    /// A conditional the target cannot express.
    #[error(
        "{format} has no conditional, and a branch such as `{branch}` may have no value where the other one counts"
    )]
    Conditional {
        /// The target.
        format: &'static str,
        /// A branch that is not finite everywhere.
        branch: String,
    },
    /// An input in a target without inputs.
    #[error("{format} has no functions of time that are given from outside, such as the input `{name}`")]
    Input {
        /// The target.
        format: &'static str,
        /// The input.
        name: String,
    },
    /// A target that needs initial values.
    #[error("{format} needs an initial value of `{name}`")]
    NoInitial {
        /// The target.
        format: &'static str,
        /// The state, with its primes.
        name: String,
    },
    /// A function whose argument would be written twice, of a long argument.
    #[error("{format} has no odd power and no tangent of so long an expression")]
    TooLong {
        /// The target.
        format: &'static str,
    },
    /// Rounding for a format that programs read.
    #[error("numbers in {format} are not rounded: programs read them")]
    Digits {
        /// The target.
        format: &'static str,
    },
}

impl ExportError {
    /// The way out.
    pub fn help(&self) -> String {
        match self {
            ExportError::Hole { .. } => {
                "fit it first, with `mechc run FILE`, and export the folder of the run".to_string()
            }
            ExportError::NoValue { name, .. } => {
                format!("give it one, `param {name} = 1`, or fit it first and export the folder of the run")
            }
            ExportError::Input { name, .. } => {
                format!("write `{name}` as an expression of `t`, or choose another format")
            }
            ExportError::NoInitial { name, .. } => format!("add `initial {name} = 0` to the model"),
            ExportError::Digits { .. } => "leave --digits out, or choose latex or text".to_string(),
            ExportError::Function { .. } | ExportError::Conditional { .. } | ExportError::TooLong { .. } => {
                "choose another format, such as sympy or modelica".to_string()
            }
        }
    }
}
