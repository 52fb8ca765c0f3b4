//! Why a bordered system has no solution.

/// What was wrong with a bordered block tridiagonal system.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ArrowError {
    /// No steps or no unknowns, or so many that their product overflows.
    #[error("the sizes {steps} steps, {block} unknowns, {border} border columns cannot be solved")]
    Size { steps: usize, block: usize, border: usize },
    /// A slice does not have the length that the shape asks for.
    #[error("{what} has {got} numbers, its shape asks for {expected}")]
    Length { what: &'static str, expected: usize, got: usize },
    /// A border column that does not exist or is named twice.
    #[error("border column {column} does not exist or is named twice")]
    Column { column: usize },
    /// The factor holds no finished factorisation.
    #[error("the factor was not computed")]
    NotFactored,
    /// The rows leave an unknown undetermined (to working precision).
    #[error("the system is singular at step {step}, unknown {row} (relative pivot {pivot:e})")]
    Singular { step: usize, row: usize, pivot: f64 },
    /// The matrix is infinite or not a number.
    #[error("the matrix is not finite at step {step}, unknown {row}")]
    NonFiniteMatrix { step: usize, row: usize },
    /// Given the other columns, this border column is not determined.
    #[error("border column {column} is not determined (relative pivot {pivot:e})")]
    SingularBorder { column: usize, pivot: f64 },
    /// The right-hand side made the solution infinite or not a number.
    #[error("the solution is not finite at step {step}")]
    NonFiniteSolution { step: usize },
    /// The right-hand side made a border unknown infinite or not a number.
    #[error("border unknown {column} is not finite")]
    NonFiniteBorder { column: usize },
}
