//! Why a relaxed solve has no answer.

/// What was wrong with a problem or with one of its systems.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SolveError {
    /// A size that has to be positive is zero, or one that is bounded by another exceeds it.
    #[error("{what} is {got}, allowed is {allowed}")]
    Size { what: &'static str, got: usize, allowed: &'static str },
    /// An option of the scheme takes a larger size.
    #[error("the solve has {option}, which takes at least {least} {what}, and there are {got}")]
    TooFew { option: Takes, what: &'static str, least: usize, got: usize },
    /// The product of the sizes does not fit in memory.
    #[error("the problem's sizes overflow")]
    TooLarge,
    /// A slice does not have the length that the shape asks for.
    #[error("{what} has {got} numbers, its shape asks for {expected}")]
    Length { what: &'static str, expected: usize, got: usize },
    /// A number of the scheme is not finite, or is a weight that is negative or whose square cannot be represented.
    #[error("{what} is {value:e}: {}", scheme_reason(*value))]
    Scheme { what: &'static str, value: f64 },
    /// The weight of a single row is negative or not finite, or its square cannot be represented; `index` is its place in the array of the
    /// weights of such rows.
    #[error(
        "the weight of {rows} row {index} is {value:e}: weights are finite, not negative, and have squares within the range of numbers"
    )]
    Weight { rows: &'static str, index: usize, value: f64 },
    /// The weight of a single row may be, and so may that of its kind, but not their product, whose square cannot be represented.
    #[error(
        "the weight of {rows} row {index} is {value:e}, times {of_kind:e} of its kind: products have squares within the range of numbers"
    )]
    WeightProduct { rows: &'static str, index: usize, value: f64, of_kind: f64 },
    /// Options of the scheme that exclude each other.
    #[error("{what} do not go together with Hermite rows, but with Taylor rows alone")]
    Combination { what: &'static str },
    /// The problem given is not the one that was factored.
    #[error("the problem's {what} differs from the factored one")]
    Mismatch { what: &'static str },
    /// Only coefficients and steps that are shared by all samples make a constant operator.
    #[error("{what} differ by sample: there is no constant operator")]
    NotConstant { what: &'static str },
    /// The rows leave an unknown undetermined (to working precision).
    #[error(
        "the system of sample {sample} is singular: derivative {order} of state {state} at step {step} is not determined by the rows (relative pivot {pivot:.1e})"
    )]
    Singular { sample: usize, step: usize, state: usize, order: usize, pivot: f64 },
    /// A coefficient, step or weight made the matrix infinite or not a number.
    #[error("the system of sample {sample} is not finite at step {step} (state {state}, derivative {order})")]
    NonFiniteMatrix { sample: usize, step: usize, state: usize, order: usize },
    /// An unknown of the border (the slack is the first, where there is one) is not determined by the rows, or is not finite.
    #[error("{} of sample {sample} is not determined by the rows (relative pivot {pivot:.1e})", border_name(*unknown, *slack))]
    Border { sample: usize, unknown: usize, slack: bool, pivot: f64 },
    /// Corrections come to no end: the precision leaves too few digits of the system.
    #[error("the corrections of sample {sample} do not settle: about {correction:.1e} of its {what} is still wrong")]
    Unsettled { what: &'static str, sample: usize, correction: f64 },
    /// A solution in single precision is not that of more digits, though its own corrections settled.
    #[error("about {share:.1e} of the solution of sample {sample} is wrong in single precision")]
    Inexact { sample: usize, share: f64 },
    /// A gradient is infinite or not a number, though solution and adjoint solution are numbers.
    #[error("the gradient of {what} is not finite{place}")]
    NonFiniteGradient { what: &'static str, place: String },
    /// The right-hand side, an initial value or an upstream gradient made the result infinite or not a number.
    #[error("the {what} of sample {sample} is not finite at step {step} (state {state}, derivative {order})")]
    NonFiniteResult { what: &'static str, sample: usize, step: usize, state: usize, order: usize },
}

/// Options of a scheme that take more than the least sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// [`Scheme::central`](super::Scheme::central)
    Central,
    /// [`RowSet::Hermite`](super::RowSet::Hermite)
    Hermite,
    /// [`Scheme::periodic`](super::Scheme::periodic)
    Periodic,
}

impl std::fmt::Display for Takes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Takes::Central => "central rows",
            Takes::Hermite => "Hermite rows",
            Takes::Periodic => "a periodic boundary",
        })
    }
}

/// Whether an array has the length that its shape asks for.
pub(crate) fn check_length(what: &'static str, expected: usize, got: usize) -> Result<(), SolveError> {
    if expected == got { Ok(()) } else { Err(SolveError::Length { what, expected, got }) }
}

/// The same of an array that may be left out.
pub(crate) fn check_optional_length(what: &'static str, expected: usize, got: usize) -> Result<(), SolveError> {
    if got == 0 { Ok(()) } else { check_length(what, expected, got) }
}

/// The first failure of a batch, in the order of its samples.
pub(crate) fn first_failure(failures: Vec<Option<SolveError>>) -> Result<(), SolveError> {
    failures.into_iter().flatten().next().map_or(Ok(()), Err)
}

impl SolveError {
    /// The sample whose system failed.
    pub fn sample(&self) -> Option<usize> {
        match self {
            SolveError::Singular { sample, .. }
            | SolveError::NonFiniteMatrix { sample, .. }
            | SolveError::Border { sample, .. }
            | SolveError::Unsettled { sample, .. }
            | SolveError::Inexact { sample, .. }
            | SolveError::NonFiniteResult { sample, .. } => Some(*sample),
            _ => None,
        }
    }
}

fn border_name(unknown: usize, slack: bool) -> String {
    if slack { "the slack".to_string() } else { format!("unknown {unknown} of the border") }
}

/// Why a number of the scheme cannot be.
fn scheme_reason(value: f64) -> &'static str {
    match value {
        _ if !value.is_finite() => "it has to be finite",
        _ if value < 0.0 => "it must not be negative",
        _ => "its square is beyond the range of numbers",
    }
}
