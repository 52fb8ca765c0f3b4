//! How the errors of the estimates hang together, for the error of what is made of several of them.

use crate::solve::Cholesky;

/// A variance this much smaller than its terms is not known: the score's covariance itself has been summed over all samples.
pub(super) const CANCELLED: f64 = 1e-10;

/// The covariance of the numbers that a fit estimated, as factors: along what the data hardly see its entries are large numbers whose
/// small differences count.
#[derive(Clone, Debug, PartialEq)]
pub struct Covariance {
    /// Which numbers these are, `[m]`; `None` where it is one of several of an unknown.
    of: Vec<Option<usize>>,
    /// Their units in what follows, `[m]`.
    scale: Vec<f64>,
    /// Of the inverse covariance where the process is noisy, `[m, m]`.
    factor: Cholesky,
    /// Covariance of the score for exact dynamics, `[m, m]`; `None` where the process is noisy.
    score: Option<Vec<f64>>,
    /// Systematic errors left by the discretisation, which add up with their signs, `[m]`.
    shift: Vec<f64>,
}

impl Covariance {
    /// That of the numbers `of`, in units of `scale`.
    pub(super) fn new(
        (of, scale): (&[usize], Vec<f64>),
        factor: Cholesky,
        score: Option<Vec<f64>>,
        shift: Vec<f64>,
    ) -> Covariance {
        Covariance { of: of.iter().map(|&k| Some(k)).collect(), scale, factor, score, shift }
    }

    /// The same under other positions.
    pub fn renamed(self, to: impl Fn(usize) -> Option<usize>) -> Covariance {
        Covariance { of: self.of.iter().map(|k| k.and_then(&to)).collect(), ..self }
    }

    /// The standard error of a sum of numbers with these weights, in first order that of a function with this gradient g: the root of
    /// g^T C g (JCGM 100:2008, 5.2.2). Numbers that were not estimated have no error.
    pub fn error_of(&self, gradient: &[(usize, f64)]) -> f64 {
        let mut weights = vec![0.0; self.of.len()];
        let mut shift = 0.0;
        for (i, of) in self.of.iter().enumerate() {
            let own = gradient.iter().filter(|(k, _)| Some(*k) == *of);
            let weight: f64 = own.map(|(_, weight)| weight).sum();
            weights[i] = weight * self.scale[i];
            shift += weight * self.shift[i];
        }
        // The variance of a noisy process.
        let moved = self.factor.solve(&weights);
        let noisy: f64 = weights.iter().zip(&moved).map(|(a, b)| a * b).sum();
        let variance = self.score.as_ref().map_or(noisy, |score| exact(score, &moved).unwrap_or(noisy));
        variance.max(0.0).sqrt().hypot(shift)
    }
}

/// The variance for exact dynamics; `None` where its terms cancel.
fn exact(score: &[f64], moved: &[f64]) -> Option<f64> {
    let m = moved.len();
    let (mut variance, mut size) = (0.0, 0.0);
    for (i, (a, row)) in moved.iter().zip(score.chunks_exact(m)).enumerate() {
        variance += a * row.iter().zip(moved).map(|(s, b)| s * b).sum::<f64>();
        size += a.abs() * row[i].max(0.0).sqrt();
    }
    (variance > CANCELLED * size * size).then_some(variance)
}

#[cfg(test)]
mod tests {
    use super::Covariance;
    use crate::solve::Cholesky;

    fn of(information: &[f64], score: Option<Vec<f64>>) -> Covariance {
        let factor = Cholesky::factor_with_ridge(2, information).expect("positive definite");
        Covariance::new((&[3, 1], vec![1.0, 10.0]), factor, score, vec![0.0, 0.0])
    }

    #[test]
    fn the_error_of_a_sum_knows_how_its_parts_hang_together() {
        // In units of one and ten, the covariance [[4, -30], [-30, 400]].
        let (a, b, ab) = (4.0, 4.0, -3.0);
        let det = a * b - ab * ab;
        let information = [b / det, -ab / det, -ab / det, a / det];
        let near = |found: f64, square: f64| assert!((found - f64::sqrt(square)).abs() < 1e-9, "{found} for {square}");
        for score in [None, Some(information.to_vec())] {
            let c = of(&information, score);
            near(c.error_of(&[(3, 1.0)]), 4.0);
            near(c.error_of(&[(1, 1.0)]), 400.0);
            near(c.error_of(&[(3, 1.0), (1, 1.0)]), 344.0);
            near(c.error_of(&[(3, 1.0), (1, -1.0), (7, 5.0)]), 464.0);
            let renamed = c.renamed(|k| (k == 1).then_some(0));
            near(renamed.error_of(&[(0, 0.5), (3, 1.0)]), 100.0);
        }
    }

    #[test]
    fn a_sum_that_the_data_see_alone_has_its_own_error() {
        let information = [400.0, 40.0, 40.0, 4.0].map(|v: f64| v * 0.25);
        for score in [None, Some(information.to_vec())] {
            let c = of(&information, score);
            // They see 10*a/10 + b/10 in units of a and b/10.
            let seen = c.error_of(&[(3, 10.0), (1, 0.1)]);
            let unseen = c.error_of(&[(3, 10.0), (1, -0.1)]);
            assert!((seen - 1.0).abs() < 1e-6 && unseen > 1e4, "{seen}, {unseen}");
        }
    }
}
