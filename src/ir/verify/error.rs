//! What can be wrong with a module.

use super::super::{InstId, ValueId};

/// A violation and where it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}{}{rule}", .function.as_ref().map(|f| format!("in `{f}`: ")).unwrap_or_default(), .inst.map(|i| format!("{i:?}: ")).unwrap_or_default())]
pub struct VerifyError {
    /// The function, or `None` where the module itself is wrong.
    pub function: Option<String>,
    /// The instruction, or `None` where the function itself is wrong.
    pub inst: Option<InstId>,
    /// The rule that is broken.
    pub rule: Rule,
}

impl VerifyError {
    pub(super) fn in_module(rule: Rule) -> Self {
        VerifyError { function: None, inst: None, rule }
    }
}

/// The rules, each named by its violation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rule {
    /// Two axes share a name.
    #[error("there are two axes `{0}`")]
    AxisNameTaken(String),
    /// Two functions share a name.
    #[error("there are two functions `{0}`")]
    FunctionNameTaken(String),
    /// Two results of a function share a name.
    #[error("there are two results `{0}`")]
    ResultNameTaken(String),
    /// A value that the function does not have.
    #[error("there is no value {0:?}")]
    NoSuchValue(ValueId),
    /// An axis that the module does not have.
    #[error("there is no axis number {0}")]
    NoSuchAxis(usize),
    /// A value is not numbered in the order of definition, or says another place of definition than where it is defined.
    #[error("{0:?} is not where its number and its definition say")]
    Definition(ValueId),
    /// An operand that is not defined before the instruction.
    #[error("{0:?} is used before its definition")]
    UseBeforeDefinition(ValueId),
    /// A type with the same axis twice.
    #[error("{0:?} has an axis twice")]
    RepeatedAxis(ValueId),
    /// A wrong number of operands.
    #[error("{found} operands where {expected} belong")]
    OperandCount {
        /// How many belong there.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A wrong number of results.
    #[error("{found} results where {expected} belong")]
    ResultCount {
        /// How many belong there.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Operands or results that must have the same type.
    #[error("types that must be the same differ")]
    TypesDiffer,
    /// Operands and results that must have the same number type.
    #[error("number types that must be the same differ")]
    ElemsDiffer,
    /// A constant with axes.
    #[error("a constant must be a scalar")]
    ConstNotScalar,
    /// Axes of a conversion's result are not its operand's.
    #[error("a conversion keeps the axes")]
    ConvertAxes,
    /// A broadcast from axes that are not a subsequence of the result's.
    #[error("the operand's axes are no subsequence of the result's")]
    NotSubsequence,
    /// A transpose to other axes.
    #[error("the result's axes are no reordering of the operand's")]
    NotPermutation,
    /// A reshape between known sizes that differ.
    #[error("a reshape of {from} numbers into {to}")]
    ReshapeSize {
        /// Product of the operand's sizes that are known and not shared.
        from: usize,
        /// The same of the result.
        to: usize,
    },
    /// An axis in a list twice.
    #[error("an axis is listed twice")]
    ListedTwice,
    /// A sum or product over an axis that an operand lacks.
    #[error("an axis that is summed over is not in every operand")]
    SummedAxisMissing,
    /// The result's axes are not what the instruction leaves.
    #[error("the result's axes are not those that the instruction leaves")]
    ResultAxes,
    /// A position on an axis without a fixed size.
    #[error("an axis that is indexed must have a fixed size")]
    AxisNotFixed,
    /// A position beyond an axis.
    #[error("position {at} of an axis of size {size}")]
    OutOfRange {
        /// The position.
        at: usize,
        /// The size.
        size: usize,
    },
    /// An axis that an instruction takes away is not there.
    #[error("the axis is not in the operand")]
    AxisMissing,
    /// A contraction whose result has an axis of neither operand.
    #[error("an axis of the result is in no operand")]
    ContractExtraAxis,
    /// A contraction that loses an axis without summing over it.
    #[error("an axis of an operand is neither summed over nor in the result")]
    ContractLostAxis,
    /// An axis of a solve must have a fixed size.
    #[error("the {0} axis of a solve must have a fixed size")]
    SolveAxisNotFixed(&'static str),
    /// More derivatives given than kept.
    #[error("{given} derivatives are given, {kept} are kept")]
    SolveGiven {
        /// How many initial derivatives are given.
        given: usize,
        /// How many are kept.
        kept: usize,
    },
    /// A weight of a solve is negative or not finite.
    #[error("a weight of a solve must be finite and not negative")]
    SolveWeight,
    /// What pushes the slack of a solve is not finite.
    #[error("what pushes the slack of a solve must be finite")]
    SolveSlack,
    /// A solve is in double precision.
    #[error("a solve takes and gives double precision")]
    SolveElem,
    /// The inner axes of an operand of a solve.
    #[error("the inner axes of operand {0} are not the scheme's")]
    SolveAxes(usize),
    /// Batch axes of an operand that are no subsequence of the result's, or one of the result's that no operand has.
    #[error("the batch axes of the operands and of the result do not fit")]
    SolveBatch,
    /// The step size is a scalar or has batch axes; axes of its own after them are that of the intervals between the steps, and the states'.
    #[error(
        "the step size must be a scalar, over batch axes and after them one for the intervals and the states' at most"
    )]
    SolveStep,
    /// The matrix of a symmetric solve is square: its last two axes have the same size.
    #[error("the matrix must be square over the right-hand side's last axis")]
    SpdMatrix,
    /// The mask of a symmetric solve has the right-hand side's axes or its last alone.
    #[error("the mask must have the right-hand side's axes or only its last")]
    SpdMask,
    /// The right-hand side of a symmetric solve is at least a vector.
    #[error("a symmetric solve needs an axis of unknowns")]
    SpdScalar,
}
