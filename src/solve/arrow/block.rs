//! Sizes and the numbers of one step, as the caller gives them.

use super::error::ArrowError;

/// Sizes of a bordered block tridiagonal system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrowShape {
    /// `T`
    pub steps: usize,
    /// Unknowns of a step, `n`.
    pub block: usize,
    /// Shared unknowns, `P`; may be 0.
    pub border: usize,
}

impl ArrowShape {
    pub(crate) fn check(&self) -> Result<(), ArrowError> {
        let ArrowShape { steps, block, border } = *self;
        let row = block.checked_mul(2).and_then(|x| x.checked_add(border)).and_then(|x| x.checked_add(64));
        let total = row.and_then(|row| steps.checked_mul(block)?.checked_mul(row)?.checked_mul(64));
        let square = border.checked_add(64).and_then(|x| x.checked_mul(x)?.checked_mul(64));
        match (total, square) {
            (Some(total), Some(square)) if total.max(square) < isize::MAX as usize && steps > 0 && block > 0 => Ok(()),
            _ => Err(ArrowError::Size { steps, block, border }),
        }
    }
}

/// The numbers of one step, all zero when the caller gets it. A caller adds to them what the rows of the programme contribute.
#[derive(Debug)]
pub struct StepBlock<'a> {
    /// `A[t]`, `(n, n)` row-major; only the upper triangle is read.
    pub diagonal: &'a mut [f64],
    /// `C[t]`, `(n, n)` row-major: row in step `t + 1`, column in step `t`. Not read at the last step.
    pub coupling: &'a mut [f64],
    /// `B[t]`, `(n, P)` row-major.
    pub border: &'a mut [f64],
    /// `g[t]`, `(n)`.
    pub rhs: &'a mut [f64],
}

/// Memory of a [`StepBlock`].
#[derive(Debug, Clone)]
pub(crate) struct StepBuffer {
    pub diagonal: Vec<f64>,
    pub coupling: Vec<f64>,
    pub border: Vec<f64>,
    pub rhs: Vec<f64>,
}

impl StepBuffer {
    pub fn new(shape: &ArrowShape) -> Self {
        let n = shape.block;
        StepBuffer {
            diagonal: vec![0.0; n * n],
            coupling: vec![0.0; n * n],
            border: vec![0.0; n * shape.border],
            rhs: vec![0.0; n],
        }
    }

    /// Lets the caller write step `t`.
    pub fn fill(&mut self, t: usize, fill: &impl Fn(usize, &mut StepBlock)) {
        let StepBuffer { diagonal, coupling, border, rhs } = self;
        for numbers in [&mut *diagonal, &mut *coupling, &mut *border, &mut *rhs] {
            numbers.fill(0.0);
        }
        fill(t, &mut StepBlock { diagonal, coupling, border, rhs });
    }
}
