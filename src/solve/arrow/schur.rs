//! The small dense system of the border.

use super::error::ArrowError;
use super::panel::SMALLEST_PIVOT;

/// Cholesky factor of the Schur complement of chosen border columns.
#[derive(Debug, Clone, PartialEq)]
pub struct SchurFactor {
    columns: Vec<usize>,
    /// Lower triangle, `(m, m)` row-major.
    lower: Vec<f64>,
}

impl SchurFactor {
    /// Factors the rows and columns `columns` of a symmetric `(P, P)` matrix.
    pub(crate) fn new(schur: &[f64], p: usize, columns: &[usize]) -> Result<Self, ArrowError> {
        let mut seen = vec![false; p];
        for &column in columns {
            match seen.get_mut(column) {
                Some(seen) if !*seen => *seen = true,
                _ => return Err(ArrowError::Column { column }),
            }
        }
        let m = columns.len();
        let mut lower = vec![0.0; m * m];
        for i in 0..m {
            for j in 0..=i {
                let mut x = schur[columns[i] * p + columns[j]];
                let diagonal = x;
                for k in 0..j {
                    x -= lower[i * m + k] * lower[j * m + k];
                }
                if j < i {
                    lower[i * m + j] = x / lower[j * m + j];
                } else if x > SMALLEST_PIVOT * diagonal && x.is_finite() {
                    lower[i * m + i] = x.sqrt();
                } else {
                    return Err(ArrowError::SingularBorder { column: columns[i], pivot: x / diagonal });
                }
            }
        }
        Ok(SchurFactor { columns: columns.to_vec(), lower })
    }

    /// The border columns, in the order of the factor's rows.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Solves for one right-hand side in the order of [`SchurFactor::columns`].
    ///
    /// # Errors
    /// A length that does not fit.
    pub fn solve(&self, rhs: &[f64]) -> Result<Vec<f64>, ArrowError> {
        let m = self.columns.len();
        if rhs.len() != m {
            return Err(ArrowError::Length { what: "the border's right-hand side", expected: m, got: rhs.len() });
        }
        let mut x = rhs.to_vec();
        for i in 0..m {
            let row = &self.lower[i * m..];
            let known: f64 = row[..i].iter().zip(&x).map(|(l, x)| l * x).sum();
            x[i] = (x[i] - known) / row[i];
        }
        for i in (0..m).rev() {
            let known: f64 = (i + 1..m).map(|k| self.lower[k * m + i] * x[k]).sum();
            x[i] = (x[i] - known) / self.lower[i * m + i];
        }
        Ok(x)
    }

    /// Inverse of the chosen part of the Schur complement, `(m, m)`, symmetric: times the noise variance, the covariance of the
    /// border's unknowns.
    pub fn inverse(&self) -> Vec<f64> {
        let m = self.columns.len();
        // Rows of the inverse of the lower triangle, then their products.
        let mut rows = vec![0.0; m * m];
        for i in 0..m {
            rows[i * m + i] = 1.0;
            for k in 0..i {
                let l = self.lower[i * m + k];
                for j in 0..=k {
                    rows[i * m + j] -= l * rows[k * m + j];
                }
            }
            let pivot = self.lower[i * m + i];
            rows[i * m..i * m + i + 1].iter_mut().for_each(|x| *x /= pivot);
        }
        let mut inverse = vec![0.0; m * m];
        for k in 0..m {
            let row = &rows[k * m..k * m + k + 1];
            for (i, a) in row.iter().enumerate() {
                for (j, b) in row.iter().enumerate() {
                    inverse[i * m + j] += a * b;
                }
            }
        }
        inverse
    }

    /// Logarithm of the determinant.
    pub fn log_determinant(&self) -> f64 {
        let m = self.columns.len();
        (0..m).map(|i| 2.0 * libm::log(self.lower[i * m + i])).sum()
    }
}
