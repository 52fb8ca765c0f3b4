//! Solving for the border and substituting back.

use super::error::ArrowError;
use super::factor::ArrowFactor;
use super::panel::{Layout, at};
use super::schur::SchurFactor;
use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8};

/// A solution of the bordered system.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArrowSolution {
    /// `(T, n)`
    pub v: Vec<f64>,
    /// `(P)`; zero for columns that were not kept.
    pub p: Vec<f64>,
    /// `rhs^T x` over all unknowns: of a least-squares programme with `|b|^2` on its right, the sum of squared residuals is
    /// `|b|^2` less this.
    pub explained: f64,
}

impl ArrowFactor {
    /// Solves with all border columns.
    ///
    /// # Errors
    /// A border column that the others make redundant, a right-hand side that is not finite.
    pub fn solve(&self) -> Result<ArrowSolution, ArrowError> {
        let all: Vec<usize> = (0..self.shape().border).collect();
        self.solve_kept(&self.factor_schur(&all)?)
    }

    /// Solves with the border columns of `schur`, a factor made by [`ArrowFactor::factor_schur`] of this factor; the others are held at zero.
    ///
    /// # Errors
    /// A right-hand side that is not finite.
    pub fn solve_kept(&self, schur: &SchurFactor) -> Result<ArrowSolution, ArrowError> {
        let mut solution = ArrowSolution::default();
        self.solve_into(schur, &mut solution)?;
        Ok(solution)
    }

    /// [`ArrowFactor::solve_kept`] into memory that is kept between calls.
    ///
    /// # Errors
    /// As [`ArrowFactor::solve_kept`].
    pub fn solve_into(&self, schur: &SchurFactor, solution: &mut ArrowSolution) -> Result<(), ArrowError> {
        self.check_ready()?;
        let (shape, layout) = (self.shape(), self.layout);
        let ArrowSolution { v, p, explained } = solution;
        p.clear();
        p.resize(shape.border, 0.0);
        v.resize(shape.steps * shape.block, 0.0);
        if let Some(&column) = schur.columns().iter().find(|&&column| column >= shape.border) {
            return Err(ArrowError::Column { column });
        }
        let rhs: Vec<f64> = schur.columns().iter().map(|&column| self.schur_rhs()[column]).collect();
        let kept = schur.solve(&rhs)?;
        for (&column, &x) in schur.columns().iter().zip(&kept) {
            if !x.is_finite() {
                return Err(ArrowError::NonFiniteBorder { column });
            }
            p[column] = x;
        }
        *explained = self.energy + kept.iter().zip(&rhs).map(|(x, r)| x * r).sum::<f64>();
        // With the right-hand side's column times -1 a row's product with this is what the row still lacks.
        let mut border = vec![Pack8::ZERO; layout.qp];
        for (i, &x) in p.iter().enumerate() {
            border[i / 8].0[i % 8] = x;
        }
        border[layout.p / 8].0[layout.p % 8] = -1.0;
        let border = &border[..];
        let (middle, n, len) = (self.middle(), layout.n, layout.step());
        let (low, rest) = v.split_at_mut(middle * n);
        let (centre, high) = rest.split_at_mut(n);
        Pack8::dispatch(Back {
            layout,
            rows: &self.rows[middle * len..][..len],
            border,
            start: &[],
            v: centre,
            descending: true,
        });
        let start: &[f64] = centre;
        let below = Back { layout, rows: &self.rows[..middle * len], border, start, v: low, descending: true };
        let above = Back { layout, rows: &self.rows[(middle + 1) * len..], border, start, v: high, descending: false };
        rayon::join(|| Pack8::dispatch(below), || Pack8::dispatch(above));
        match v.iter().position(|x| !x.is_finite()) {
            Some(i) => Err(ArrowError::NonFiniteSolution { step: i / n }),
            None => Ok(()),
        }
    }
}

/// Back-substitution over consecutive steps, away from the middle; `start` is the solution of the step before the first.
struct Back<'a> {
    layout: Layout,
    rows: &'a [Pack8],
    border: &'a [Pack8],
    start: &'a [f64],
    v: &'a mut [f64],
    descending: bool,
}

impl Kernel<Pack8> for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) {
        let Back { layout, rows, border, start, v, descending } = self;
        let Layout { n, np, ld, .. } = layout;
        let mut next = vec![Pack8::ZERO; np];
        for (i, &x) in start.iter().enumerate() {
            next[i / 8].0[i % 8] = x;
        }
        let mut lacking = vec![0.0; n];
        let count = v.len() / n;
        for k in 0..count {
            let t = if descending { count - 1 - k } else { k };
            let step = &rows[t * layout.step()..][..layout.step()];
            for (row, lacking) in step.chunks_exact(ld).zip(&mut lacking) {
                let mut sum = V::splat(0.0);
                for (a, x) in row[np..2 * np].iter().zip(&next) {
                    sum = V::load(a).mul_add(V::load(x), sum);
                }
                for (a, x) in row[2 * np..].iter().zip(border) {
                    sum = V::load(a).mul_add(V::load(x), sum);
                }
                *lacking = total(sum);
            }
            for i in (0..n).rev() {
                let x = -lacking[i] * at(&step[i * ld..], i);
                v[t * n + i] = x;
                next[i / 8].0[i % 8] = x;
                for (row, lacking) in step.chunks_exact(ld).zip(&mut lacking[..i]) {
                    *lacking += row[i / 8].0[i % 8] * x;
                }
            }
        }
    }
}

/// Sum over the lanes, pairwise.
#[inline(always)]
pub(crate) fn total<V: Lanes<Pack = Pack8>>(x: V) -> f64 {
    let mut pack = Pack8::ZERO;
    x.store(&mut pack);
    let [a, b, c, d, e, f, g, h] = pack.0;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}
