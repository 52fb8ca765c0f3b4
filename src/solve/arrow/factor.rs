//! Elimination from both ends towards the middle.

use super::block::{ArrowShape, StepBlock, StepBuffer};
use super::error::ArrowError;
use super::panel::{Coupling, Layout, PivotFailure, at, eliminate, load_step};
use super::schur::SchurFactor;
use super::tile::update_border;
use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8};

/// A factored bordered block tridiagonal matrix with its right-hand side, and the memory for the next one of the same shape.
#[derive(Debug, Clone)]
pub struct ArrowFactor {
    shape: ArrowShape,
    pub(crate) layout: Layout,
    /// Rows of all steps.
    pub(crate) rows: Vec<Pack8>,
    /// `(P, P)`
    schur: Vec<f64>,
    /// `(P)`
    schur_rhs: Vec<f64>,
    /// `sum g^T N^-1 g` over the steps, `N` the matrix without border.
    pub(crate) energy: f64,
    ready: bool,
}

impl ArrowFactor {
    /// Memory for systems of one shape.
    ///
    /// # Errors
    /// Sizes of zero or beyond memory.
    pub fn new(shape: ArrowShape) -> Result<Self, ArrowError> {
        shape.check()?;
        let layout = Layout::new(&shape);
        Ok(ArrowFactor {
            shape,
            layout,
            rows: vec![Pack8::ZERO; shape.steps * layout.step()],
            schur: vec![0.0; shape.border * shape.border],
            schur_rhs: vec![0.0; shape.border],
            energy: 0.0,
            ready: false,
        })
    }

    /// Factors a system. `fill(t, block)` adds the numbers of step `t` to a block of zeros; it is called once for each step, from two
    /// threads, in no fixed order. `border` is `Q` `(P, P)` (symmetric, read whole) and `border_rhs` is `q` `(P)`.
    ///
    /// # Errors
    /// Lengths that do not fit, a singular or non-finite matrix. The border's own pivots are found when it is solved.
    pub fn factor(
        &mut self,
        border: &[f64],
        border_rhs: &[f64],
        fill: impl Fn(usize, &mut StepBlock) + Sync,
    ) -> Result<(), ArrowError> {
        self.ready = false;
        let p = self.shape.border;
        let length = |what, expected, got| {
            if expected == got { Ok(()) } else { Err(ArrowError::Length { what, expected, got }) }
        };
        length("the border's matrix", p * p, border.len())?;
        length("the border's right-hand side", p, border_rhs.len())?;
        let layout = self.layout;
        let middle = self.middle();
        let mut centre = StepBuffer::new(&self.shape);
        centre.fill(middle, &fill);
        let (low, rest) = self.rows.split_at_mut(middle * layout.step());
        let (mid, high) = rest.split_at_mut(layout.step());
        let (steps, shape) = (self.shape.steps, self.shape);
        let upwards = || Pack8::dispatch(Upwards { shape, layout, rows: &mut *low, fill: &fill });
        let downwards =
            || Pack8::dispatch(Downwards { shape, layout, rows: &mut *high, middle, centre: &centre, fill: &fill });
        // The halves share nothing, so one thread after the other gives the same bits as both at once.
        let (first, second) = rayon::join(upwards, downwards);
        let (first, second) = (first?, second?);
        let ends = [
            (middle > 0).then(|| &low[(middle - 1) * layout.step()..]),
            (middle + 1 < steps).then(|| &high[..layout.step()]),
        ];
        let centre = Pack8::dispatch(Middle { layout, before: ends, rows: mid, centre: &centre })
            .map_err(|failure| pivot_error(middle, failure))?;
        let sum = |i: usize, j: usize| {
            let at = |m: &[Pack8]| at(&m[i * layout.qp..], j);
            (at(&first) + at(&second)) + at(&centre)
        };
        for i in 0..p {
            for j in i..p {
                self.schur[i * p + j] = border[i * p + j] + sum(i, j);
                self.schur[j * p + i] = self.schur[i * p + j];
            }
            self.schur_rhs[i] = border_rhs[i] + sum(i, p);
        }
        self.energy = -sum(p, p);
        self.ready = true;
        Ok(())
    }

    /// Sizes.
    pub fn shape(&self) -> ArrowShape {
        self.shape
    }

    /// Schur complement of the border, `Q - sum B^T N^-1 B`, `(P, P)`, symmetric.
    pub fn schur(&self) -> &[f64] {
        &self.schur
    }

    /// Right-hand side of the border's system, `q - sum B^T N^-1 g`, `(P)`.
    pub fn schur_rhs(&self) -> &[f64] {
        &self.schur_rhs
    }

    /// Factors the Schur complement of the columns to keep (any order, no repetition).
    ///
    /// # Errors
    /// A column that does not exist or is named twice, a column that the others make redundant.
    pub fn factor_schur(&self, columns: &[usize]) -> Result<SchurFactor, ArrowError> {
        self.check_ready()?;
        SchurFactor::new(&self.schur, self.shape.border, columns)
    }

    /// Logarithm of the determinant of the block tridiagonal part; add [`SchurFactor::log_determinant`] for the whole matrix.
    pub fn log_determinant(&self) -> f64 {
        let Layout { n, ld, .. } = self.layout;
        let pivots = self.rows.chunks_exact(ld).enumerate().map(|(i, row)| at(row, i % n));
        pivots.map(|inverse| -2.0 * libm::log(inverse)).sum()
    }

    pub(crate) fn middle(&self) -> usize {
        self.shape.steps / 2
    }

    pub(crate) fn check_ready(&self) -> Result<(), ArrowError> {
        if self.ready { Ok(()) } else { Err(ArrowError::NotFactored) }
    }
}

#[cold]
fn pivot_error(step: usize, failure: PivotFailure) -> ArrowError {
    let PivotFailure { row, pivot, diagonal } = failure;
    if pivot.is_finite() && diagonal.is_finite() {
        let pivot = if diagonal == 0.0 { 0.0 } else { pivot / diagonal };
        ArrowError::Singular { step, row, pivot }
    } else {
        ArrowError::NonFiniteMatrix { step, row }
    }
}

/// How many steps to eliminate before the border's matrix is updated: enough rows to pay for reading and writing it.
fn steps_at_once(layout: &Layout) -> usize {
    (32 / layout.n).max(1)
}

fn border_matrix(layout: &Layout) -> Vec<Pack8> {
    vec![Pack8::ZERO; 8 * layout.qp * layout.qp]
}

/// Eliminates the steps below the middle, ascending.
struct Upwards<'a, F> {
    shape: ArrowShape,
    layout: Layout,
    rows: &'a mut [Pack8],
    fill: &'a F,
}

/// Eliminates the steps above the middle, descending.
struct Downwards<'a, F> {
    shape: ArrowShape,
    layout: Layout,
    rows: &'a mut [Pack8],
    middle: usize,
    centre: &'a StepBuffer,
    fill: &'a F,
}

/// Eliminates the middle after both halves.
struct Middle<'a> {
    layout: Layout,
    before: [Option<&'a [Pack8]>; 2],
    rows: &'a mut [Pack8],
    centre: &'a StepBuffer,
}

impl<F: Fn(usize, &mut StepBlock)> Kernel<Pack8> for Upwards<'_, F> {
    type Output = Result<Vec<Pack8>, ArrowError>;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) -> Self::Output {
        let Upwards { shape, layout, rows, fill } = self;
        let len = layout.step();
        let mut border = border_matrix(&layout);
        let mut buffer = StepBuffer::new(&shape);
        let (count, at_once) = (rows.len() / len, steps_at_once(&layout));
        let mut from = 0;
        for t in 0..count {
            buffer.fill(t, fill);
            let (done, rest) = rows.split_at_mut(t * len);
            let now = &mut rest[..len];
            load_step(&layout, &buffer, Coupling::Above(&buffer.coupling), now);
            let before = (t > 0).then(|| &done[(t - 1) * len..]);
            eliminate::<V>(&layout, [before, None], now).map_err(|failure| pivot_error(t, failure))?;
            if t + 1 - from == at_once || t + 1 == count {
                update_border::<V>(&layout, &rows[from * len..(t + 1) * len], &mut border);
                from = t + 1;
            }
        }
        Ok(border)
    }
}

impl<F: Fn(usize, &mut StepBlock)> Kernel<Pack8> for Downwards<'_, F> {
    type Output = Result<Vec<Pack8>, ArrowError>;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) -> Self::Output {
        let Downwards { shape, layout, rows, middle, centre, fill } = self;
        let len = layout.step();
        let mut border = border_matrix(&layout);
        let (count, at_once) = (rows.len() / len, steps_at_once(&layout));
        // A step needs the coupling that belongs to the step below it, so that one is filled ahead.
        let (mut now, mut below) = (StepBuffer::new(&shape), StepBuffer::new(&shape));
        if count > 0 {
            now.fill(middle + count, fill);
        }
        let mut end = count;
        for i in (0..count).rev() {
            let t = middle + 1 + i;
            let coupling = if i == 0 {
                &centre.coupling
            } else {
                below.fill(t - 1, fill);
                &below.coupling
            };
            let (head, done) = rows.split_at_mut((i + 1) * len);
            let step = &mut head[i * len..];
            load_step(&layout, &now, Coupling::Below(coupling), step);
            let before = (i + 1 < count).then(|| &done[..len]);
            eliminate::<V>(&layout, [before, None], step).map_err(|failure| pivot_error(t, failure))?;
            if end - i == at_once || i == 0 {
                update_border::<V>(&layout, &rows[i * len..end * len], &mut border);
                end = i;
            }
            std::mem::swap(&mut now, &mut below);
        }
        Ok(border)
    }
}

impl Kernel<Pack8> for Middle<'_> {
    type Output = Result<Vec<Pack8>, PivotFailure>;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) -> Self::Output {
        let Middle { layout, before, rows, centre } = self;
        let mut border = border_matrix(&layout);
        load_step(&layout, centre, Coupling::None, rows);
        eliminate::<V>(&layout, before, rows)?;
        update_border::<V>(&layout, rows, &mut border);
        Ok(border)
    }
}
