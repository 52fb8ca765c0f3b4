//! Small symmetric positive definite systems: the border's Schur complement.

/// Cholesky factor of a small symmetric positive definite matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Cholesky {
    n: usize,
    l: Vec<f64>,
}

impl Cholesky {
    /// Factors the row-major `n` x `n` matrix `a`, of which the lower triangle is read. `None` when it is not positive
    /// definite to working precision.
    pub fn factor(n: usize, mut a: Vec<f64>) -> Option<Cholesky> {
        for j in 0..n {
            let d = a[j * n + j] - (0..j).map(|k| a[j * n + k] * a[j * n + k]).sum::<f64>();
            if !(d > 0.0 && d.is_finite()) {
                return None;
            }
            let root = d.sqrt();
            a[j * n + j] = root;
            for i in j + 1..n {
                let s = a[i * n + j] - (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum::<f64>();
                a[i * n + j] = s / root;
            }
        }
        Some(Cholesky { n, l: a })
    }

    /// Factors `a` after adding the smallest of a ladder of ridges, relative to its diagonal, that makes it positive
    /// definite: collinear columns then share their weight instead of failing.
    pub fn factor_with_ridge(n: usize, a: &[f64]) -> Option<Cholesky> {
        let mut ridge = 1e-13;
        while ridge < 1e-3 {
            let mut b = a.to_vec();
            for i in 0..n {
                b[i * n + i] += ridge * a[i * n + i].abs() + f64::MIN_POSITIVE;
            }
            if let Some(factor) = Cholesky::factor(n, b) {
                return Some(factor);
            }
            ridge *= 10.0;
        }
        None
    }

    /// The solution of `a x = b`.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let (n, l) = (self.n, &self.l);
        let mut x = b.to_vec();
        for i in 0..n {
            let s = x[i] - (0..i).map(|j| l[i * n + j] * x[j]).sum::<f64>();
            x[i] = s / l[i * n + i];
        }
        for i in (0..n).rev() {
            let s = x[i] - (i + 1..n).map(|j| l[j * n + i] * x[j]).sum::<f64>();
            x[i] = s / l[i * n + i];
        }
        x
    }

    /// The inverse, row-major and exactly symmetric.
    pub fn inverse(&self) -> Vec<f64> {
        let (n, l) = (self.n, &self.l);
        // Inverse of the lower factor, then its transpose times itself.
        let mut m = vec![0.0; n * n];
        for j in 0..n {
            m[j * n + j] = 1.0 / l[j * n + j];
            for i in j + 1..n {
                let s: f64 = (j..i).map(|k| l[i * n + k] * m[k * n + j]).sum();
                m[i * n + j] = -s / l[i * n + i];
            }
        }
        let mut inverse = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let s: f64 = (i..n).map(|k| m[k * n + i] * m[k * n + j]).sum();
                inverse[i * n + j] = s;
                inverse[j * n + i] = s;
            }
        }
        inverse
    }
}

#[cfg(test)]
mod tests {
    use super::Cholesky;

    #[test]
    fn inverse_and_solution_agree_with_the_matrix() {
        let n = 3;
        let a = vec![4.0, 1.0, 0.5, 1.0, 3.0, -1.0, 0.5, -1.0, 5.0];
        let factor = Cholesky::factor(n, a.clone()).expect("positive definite");
        let inverse = factor.inverse();
        let x = factor.solve(&[1.0, 2.0, 3.0]);
        for i in 0..n {
            let row: f64 = (0..n).map(|j| a[i * n + j] * x[j]).sum();
            assert!((row - (i + 1) as f64).abs() < 1e-14);
            for j in 0..n {
                let p: f64 = (0..n).map(|k| a[i * n + k] * inverse[k * n + j]).sum();
                assert!((p - if i == j { 1.0 } else { 0.0 }).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn a_singular_matrix_needs_the_ridge() {
        let a = vec![1.0, 1.0, 1.0, 1.0];
        assert!(Cholesky::factor(2, a.clone()).is_none());
        assert!(Cholesky::factor_with_ridge(2, &a).is_some());
        assert!(Cholesky::factor_with_ridge(1, &[f64::NAN]).is_none());
    }
}
