//! Derivatives of an auxiliary over a window.

/// The matrix that takes the values on `n` equidistant steps to their first derivatives there, times the step size:
/// `derivative[t] = sum_s matrix[s * n + t] value[s] / h`. Five-point formulas (fewer points in a shorter window), centred
/// where the window allows, exact for polynomials up to degree four. None has more points than `most`, so that those at the first step read
/// no step beyond so many.
pub(super) fn difference_matrix(n: usize, most: usize) -> Vec<f64> {
    let points = n.min(5).min(most);
    let mut matrix = vec![0.0; n * n];
    for t in 0..n {
        let first = t.saturating_sub(points / 2).min(n - points);
        for (j, w) in first_derivative_weights(t - first, points).into_iter().enumerate() {
            matrix[(first + j) * n + t] = w;
        }
    }
    matrix
}

/// Derivatives at node `at` of the Lagrange polynomials of the nodes 0..points.
fn first_derivative_weights(at: usize, points: usize) -> Vec<f64> {
    let x = at as f64;
    (0..points)
        .map(|j| {
            // L_j' = sum over m of 1/(j-m) * product over the other nodes l of (x-l)/(j-l).
            (0..points)
                .filter(|&m| m != j)
                .map(|m| {
                    let others = (0..points).filter(|&l| l != j && l != m);
                    others.fold(1.0 / (j as f64 - m as f64), |p, l| p * (x - l as f64) / (j as f64 - l as f64))
                })
                .sum()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::difference_matrix;

    #[test]
    fn exact_for_quartics() {
        for n in 2..9 {
            let matrix = difference_matrix(n, n);
            let degree = (n.min(5) - 1) as i32;
            for t in 0..n {
                let got: f64 = (0..n).map(|s| matrix[s * n + t] * (s as f64).powi(degree)).sum();
                let want = f64::from(degree) * (t as f64).powi(degree - 1);
                assert!((got - want).abs() < 1e-9 * want.abs().max(1.0), "n {n}, t {t}: {got} against {want}");
            }
        }
    }
}
