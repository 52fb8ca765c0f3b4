//! The normal equations of the coefficients, summed over mini-batches and solved with bounds.

/// `n xi = r` over all coefficients.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Normal {
    count: usize,
    matrix: Vec<f64>,
    rhs: Vec<f64>,
}

/// A minimiser within bounds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Minimum {
    /// The coefficients; zero where not kept.
    pub values: Vec<f64>,
    /// Diagonal of the inverse of the matrix over the free coefficients; `None` for the others.
    pub variance: Vec<Option<f64>>,
}

impl Normal {
    /// Zero for `count` coefficients.
    pub fn new(count: usize) -> Self {
        Normal { count, matrix: vec![0.0; count * count], rhs: vec![0.0; count] }
    }

    /// Adds a mini-batch's.
    pub fn add(&mut self, matrix: &[f64], rhs: &[f64]) {
        self.matrix.iter_mut().zip(matrix).for_each(|(a, b)| *a += b);
        self.rhs.iter_mut().zip(rhs).for_each(|(a, b)| *a += b);
    }

    /// Minimises `xi' n xi / 2 - r' xi` over the coefficients in `kept` within `[lower, upper]`, the others zero, by an
    /// active-set method: coefficients outside their bounds go to them, the worst first; one at a bound is freed when the slope
    /// there points inwards. `None` when a matrix on the way is singular.
    pub fn minimise(&self, kept: &[bool], bounds: &[(f64, f64)]) -> Option<Minimum> {
        let mut free: Vec<bool> = (0..self.count).map(|k| kept[k] && self.at(k, k) > 0.0).collect();
        let mut held = vec![0.0; self.count];
        // Each round moves one coefficient; the limit only guards against cycling between equal minima.
        for _ in 0..=4 * self.count {
            let minimum = self.solve(&free, &held)?;
            let outside = |k: usize| {
                let (lower, upper) = bounds[k];
                let x = minimum.values[k];
                (lower - x).max(x - upper)
            };
            let worst = (0..self.count).filter(|&k| free[k] && outside(k) > 0.0);
            let worst = worst.max_by(|&a, &b| outside(a).total_cmp(&outside(b)));
            if let Some(k) = worst {
                free[k] = false;
                held[k] = minimum.values[k].clamp(bounds[k].0, bounds[k].1);
                continue;
            }
            let inwards = |k: usize| {
                let slope: f64 = (0..self.count).map(|j| self.at(k, j) * minimum.values[j]).sum::<f64>() - self.rhs[k];
                let (lower, upper) = bounds[k];
                let tolerance = 1e-9 * (self.at(k, k) * held[k].abs() + self.rhs[k].abs());
                (held[k] <= lower && slope < -tolerance) || (held[k] >= upper && slope > tolerance)
            };
            let bound = |k: usize| kept[k] && !free[k] && self.at(k, k) > 0.0 && bounds[k].0 < bounds[k].1;
            match (0..self.count).find(|&k| bound(k) && inwards(k)) {
                Some(k) => {
                    free[k] = true;
                    held[k] = 0.0;
                }
                None => return Some(minimum),
            }
        }
        self.solve(&free, &held)
    }

    /// Solves for the free coefficients with the others held, on the matrix scaled to a unit diagonal.
    fn solve(&self, free: &[bool], held: &[f64]) -> Option<Minimum> {
        let index: Vec<usize> = (0..self.count).filter(|&k| free[k]).collect();
        let scale: Vec<f64> = index.iter().map(|&k| 1.0 / self.at(k, k).sqrt()).collect();
        let m = index.len();
        let mut factor = vec![0.0; m * m];
        for i in 0..m {
            for j in 0..=i {
                factor[i * m + j] = self.at(index[i], index[j]) * scale[i] * scale[j];
            }
        }
        cholesky(&mut factor, m)?;
        let mut x: Vec<f64> = index
            .iter()
            .zip(&scale)
            .map(|(&k, s)| {
                let taken: f64 = (0..self.count).map(|j| self.at(k, j) * held[j]).sum();
                (self.rhs[k] - taken) * s
            })
            .collect();
        substitute(&factor, m, &mut x);
        let mut minimum = Minimum { values: held.to_vec(), variance: vec![None; self.count] };
        let mut unit = vec![0.0; m];
        for i in 0..m {
            minimum.values[index[i]] = x[i] * scale[i];
            unit.fill(0.0);
            unit[i] = 1.0;
            substitute(&factor, m, &mut unit);
            minimum.variance[index[i]] = Some(unit[i] * scale[i] * scale[i]);
        }
        Some(minimum)
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.matrix[row * self.count + column]
    }
}

/// Replaces the lower triangle by its Cholesky factor; `None` when a pivot is not clearly positive.
fn cholesky(a: &mut [f64], n: usize) -> Option<()> {
    for j in 0..n {
        let pivot = a[j * n + j] - (0..j).map(|k| a[j * n + k] * a[j * n + k]).sum::<f64>();
        // The diagonal was one, so this is relative; below it the coefficient is a combination of others.
        if pivot.is_nan() || pivot <= 1e-14 {
            return None;
        }
        let root = pivot.sqrt();
        a[j * n + j] = root;
        for i in j + 1..n {
            let dot: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            a[i * n + j] = (a[i * n + j] - dot) / root;
        }
    }
    Some(())
}

fn substitute(l: &[f64], n: usize, x: &mut [f64]) {
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| l[i * n + k] * x[k]).sum();
        x[i] = (x[i] - dot) / l[i * n + i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| l[k * n + i] * x[k]).sum();
        x[i] = (x[i] - dot) / l[i * n + i];
    }
}

#[cfg(test)]
mod tests {
    use super::Normal;

    const FREE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

    fn example() -> Normal {
        let mut normal = Normal::new(3);
        normal.add(&[4.0, 1.0, 0.0, 1.0, 3.0, 0.5, 0.0, 0.5, 2.0], &[5.0, 4.5, 2.5]);
        normal
    }

    #[test]
    fn without_bounds_it_solves_the_equations() {
        let minimum = example().minimise(&[true; 3], &[FREE; 3]).unwrap();
        minimum.values.iter().for_each(|x| assert!((x - 1.0).abs() < 1e-12, "{x}"));
        // Entry (0, 0) of the inverse by cofactors: (3*2 - 0.5^2) / det, det = 4*5.75 - 1*2.
        assert!((minimum.variance[0].unwrap() - 5.75 / 21.0).abs() < 1e-12);
    }

    #[test]
    fn dropped_and_bounded_coefficients() {
        let minimum = example().minimise(&[true, true, false], &[FREE; 3]).unwrap();
        assert_eq!(minimum.values[2], 0.0);
        assert!((4.0 * minimum.values[0] + minimum.values[1] - 5.0).abs() < 1e-12);
        let minimum = example().minimise(&[true; 3], &[FREE, (0.0, 0.5), FREE]).unwrap();
        assert_eq!(minimum.values[1], 0.5);
        assert!((minimum.values[0] - 1.125).abs() < 1e-12);
        assert_eq!(minimum.variance[1], None);
    }

    #[test]
    fn collinear_terms_are_refused() {
        let mut normal = Normal::new(2);
        normal.add(&[1.0, 2.0, 2.0, 4.0], &[1.0, 2.0]);
        assert_eq!(normal.minimise(&[true; 2], &[FREE; 2]), None);
    }
}
