//! Dense factorisations: Householder QR of a tall matrix and Cholesky. Textbook forms (Golub and Van Loan, Matrix
//! Computations, 4th edition, algorithms 5.2.1 and 4.2.1), for clarity.

/// A matrix in row-major order.
pub(super) struct Matrix {
    pub rows: usize,
    pub columns: usize,
    pub data: Vec<f64>,
}

impl Matrix {
    pub fn zeros(rows: usize, columns: usize) -> Matrix {
        Matrix { rows, columns, data: vec![0.0; rows * columns] }
    }

    pub fn at(&mut self, row: usize, column: usize) -> &mut f64 {
        &mut self.data[row * self.columns + column]
    }

    /// A row from a column on.
    fn row(&mut self, row: usize, from: usize) -> &mut [f64] {
        &mut self.data[row * self.columns + from..(row + 1) * self.columns]
    }

    fn get(&self, row: usize, column: usize) -> f64 {
        self.data[row * self.columns + column]
    }
}

/// The triangle R of A = Q R, and Q' b.
pub(super) struct Qr {
    r: Matrix,
    qtb: Vec<f64>,
}

impl Qr {
    /// Factors `a` and applies Q' to `b`; `None` when the columns are not independent to working precision.
    pub fn new(mut a: Matrix, mut b: Vec<f64>) -> Option<Qr> {
        let n = a.columns;
        if a.rows < n || a.data.iter().chain(&b).any(|x| !x.is_finite()) {
            return None;
        }
        let scales: Vec<f64> = (0..n).map(|j| (0..a.rows).map(|i| a.get(i, j).powi(2)).sum::<f64>().sqrt()).collect();
        for j in 0..n {
            let norm = (j..a.rows).map(|i| a.get(i, j).powi(2)).sum::<f64>().sqrt();
            if norm <= 1e-14 * scales[j] {
                return None;
            }
            let alpha = if a.get(j, j) > 0.0 { -norm } else { norm };
            let mut v: Vec<f64> = (j..a.rows).map(|i| a.get(i, j)).collect();
            v[0] -= alpha;
            let vv: f64 = v.iter().map(|x| x * x).sum();
            // Row by row, which is how the numbers lie in memory.
            let mut dots = vec![0.0; n - j];
            for (i, x) in v.iter().enumerate() {
                for (dot, a) in dots.iter_mut().zip(a.row(j + i, j)) {
                    *dot += x * *a;
                }
            }
            for (i, x) in v.iter().enumerate() {
                for (dot, a) in dots.iter().zip(a.row(j + i, j)) {
                    *a -= 2.0 * dot / vv * x;
                }
            }
            let dot: f64 = v.iter().zip(&b[j..]).map(|(x, y)| x * y).sum();
            for (x, y) in v.iter().zip(&mut b[j..]) {
                *y -= 2.0 * dot / vv * x;
            }
        }
        Some(Qr { r: a, qtb: b })
    }

    /// The least-squares solution.
    pub fn solution(&self) -> Vec<f64> {
        self.back(self.qtb[..self.r.columns].to_vec())
    }

    /// `(A'A)^-1 g`
    pub fn normal_inverse(&self, g: &[f64]) -> Vec<f64> {
        let mut y = g.to_vec();
        for i in 0..self.r.columns {
            let sum: f64 = (0..i).map(|k| self.r.get(k, i) * y[k]).sum();
            y[i] = (y[i] - sum) / self.r.get(i, i);
        }
        self.back(y)
    }

    fn back(&self, mut y: Vec<f64>) -> Vec<f64> {
        for i in (0..self.r.columns).rev() {
            let sum: f64 = (i + 1..self.r.columns).map(|k| self.r.get(i, k) * y[k]).sum();
            y[i] = (y[i] - sum) / self.r.get(i, i);
        }
        y
    }
}

/// The lower triangle of `A = L L'`.
pub(super) struct Cholesky(Matrix);

impl Cholesky {
    /// Factors a square symmetric matrix; `None` when it is not positive definite.
    pub fn new(mut a: Matrix) -> Option<Cholesky> {
        for j in 0..a.columns {
            let d = a.get(j, j) - (0..j).map(|k| a.get(j, k).powi(2)).sum::<f64>();
            if d.is_nan() || d <= 0.0 || d.is_infinite() {
                return None;
            }
            *a.at(j, j) = d.sqrt();
            for i in j + 1..a.rows {
                let sum: f64 = (0..j).map(|k| a.get(i, k) * a.get(j, k)).sum();
                *a.at(i, j) = (a.get(i, j) - sum) / d.sqrt();
            }
        }
        Some(Cholesky(a))
    }

    /// `A^-1 b`
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let l = &self.0;
        let mut y = b.to_vec();
        for i in 0..l.columns {
            let sum: f64 = (0..i).map(|k| l.get(i, k) * y[k]).sum();
            y[i] = (y[i] - sum) / l.get(i, i);
        }
        for i in (0..l.columns).rev() {
            let sum: f64 = (i + 1..l.columns).map(|k| l.get(k, i) * y[k]).sum();
            y[i] = (y[i] - sum) / l.get(i, i);
        }
        y
    }
}
