//! Cholesky factorisation of a symmetric positive definite block tridiagonal matrix, eliminated from both ends towards the
//! middle.
//!
//! The two halves are independent until they meet, so two threads can work at once; the order of the arithmetic is the
//! same for any number of threads. Cost: O(T n^3) for the factor, O(T n^2 R) for R right-hand sides.

use std::ops::Range;

/// The matrix is not positive definite.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the system is singular or not finite at step {step}, component {component}")]
pub struct PivotError {
    /// The block.
    pub step: usize,
    /// The row in the block.
    pub component: usize,
    /// What was left of it; not positive, or not finite.
    pub pivot: f64,
}

/// The factor. Blocks are n x n, row-major.
pub struct Chain {
    n: usize,
    steps: usize,
    /// Where the two eliminations meet.
    middle: usize,
    /// Lower triangular factors of the pivots; the reciprocal of the diagonal stands on it.
    pivots: Vec<f64>,
    /// `K_t`: the coupling of block t to the block eliminated after it, times the inverse transposed pivot factor.
    couplings: Vec<f64>,
    log_determinant: f64,
}

impl Chain {
    /// Factors the matrix with diagonal blocks `diagonal` (`[steps, n, n]`, lower triangles are read) and blocks below the
    /// diagonal `lower` (`[steps - 1, n, n]`, block t couples row t + 1 with column t).
    pub fn factor(n: usize, diagonal: Vec<f64>, lower: &[f64]) -> Result<Chain, PivotError> {
        let nn = n * n;
        let steps = diagonal.len() / nn.max(1);
        let middle = steps / 2;
        let mut pivots = diagonal;
        let mut couplings = vec![0.0; pivots.len()];
        let logs = {
            let (top, rest) = pivots.split_at_mut(middle * nn);
            let (mid, bottom) = rest.split_at_mut(nn.min(rest.len()));
            let (top_k, rest_k) = couplings.split_at_mut(middle * nn);
            let bottom_k = rest_k.get_mut(nn..).unwrap_or(&mut []);
            let mut mid_top = vec![0.0; nn];
            let mut mid_bottom = vec![0.0; nn];
            let (a, b) = rayon::join(
                || eliminate(n, top, top_k, 0, false, lower, &mut mid_top),
                || eliminate(n, bottom, bottom_k, middle + 1, true, lower, &mut mid_bottom),
            );
            let mut logs = a? + b?;
            for ((m, x), y) in mid.iter_mut().zip(&mid_top).zip(&mid_bottom) {
                *m -= x + y;
            }
            if !mid.is_empty() {
                logs += cholesky(n, mid).map_err(|(component, pivot)| PivotError { step: middle, component, pivot })?;
            }
            logs
        };
        Ok(Chain { n, steps, middle, pivots, couplings, log_determinant: 2.0 * logs })
    }

    /// The logarithm of the determinant.
    pub fn log_determinant(&self) -> f64 {
        self.log_determinant
    }

    /// The pivots of elimination, `[steps, n]`; their square roots' reciprocals are what is stored.
    pub(crate) fn pivots(&self) -> impl Iterator<Item = f64> {
        let n = self.n;
        self.pivots
            .chunks_exact((n * n).max(1))
            .flat_map(move |l| (0..n).map(move |r| 1.0 / (l[r * n + r] * l[r * n + r])))
    }

    /// Replaces the right-hand sides `x` (`[steps, n, columns]`) by the solutions.
    pub fn solve(&self, columns: usize, x: &mut [f64]) {
        let (n, m) = (self.n, self.middle);
        let row = n * columns;
        if self.steps == 0 || row == 0 {
            return;
        }
        let (top, rest) = x.split_at_mut(m * row);
        let (mid, bottom) = rest.split_at_mut(row);
        let mut mid_top = vec![0.0; row];
        let mut mid_bottom = vec![0.0; row];
        rayon::join(
            || self.forward(columns, top, 0..m, false, &mut mid_top),
            || self.forward(columns, bottom, m + 1..self.steps, true, &mut mid_bottom),
        );
        for ((v, a), b) in mid.iter_mut().zip(&mid_top).zip(&mid_bottom) {
            *v -= a + b;
        }
        lower_solve(n, self.pivot(m), columns, mid);
        upper_solve(n, self.pivot(m), columns, mid);
        let mid = &*mid;
        rayon::join(
            || self.backward(columns, top, 0..m, false, mid),
            || self.backward(columns, bottom, m + 1..self.steps, true, mid),
        );
    }

    fn pivot(&self, t: usize) -> &[f64] {
        &self.pivots[t * self.n * self.n..(t + 1) * self.n * self.n]
    }

    fn coupling(&self, t: usize) -> &[f64] {
        &self.couplings[t * self.n * self.n..(t + 1) * self.n * self.n]
    }

    /// `x` holds the blocks of `range`; `last` receives what the middle block has to subtract.
    fn forward(&self, columns: usize, x: &mut [f64], range: Range<usize>, from_end: bool, last: &mut [f64]) {
        let (n, row) = (self.n, self.n * columns);
        let len = range.len();
        for i in 0..len {
            let i = if from_end { len - 1 - i } else { i };
            let t = range.start + i;
            let next = if from_end { i.checked_sub(1) } else { Some(i + 1).filter(|&j| j < len) };
            match next {
                Some(j) => {
                    let (here, there) = two_blocks(x, row, i, j);
                    lower_solve(n, self.pivot(t), columns, here);
                    subtract_product(n, self.coupling(t), columns, here, there);
                }
                None => {
                    let here = &mut x[i * row..(i + 1) * row];
                    lower_solve(n, self.pivot(t), columns, here);
                    last.fill(0.0);
                    subtract_product(n, self.coupling(t), columns, here, last);
                    last.iter_mut().for_each(|v| *v = -*v);
                }
            }
        }
    }

    fn backward(&self, columns: usize, x: &mut [f64], range: Range<usize>, from_end: bool, mid: &[f64]) {
        let (n, row) = (self.n, self.n * columns);
        let len = range.len();
        for i in 0..len {
            let i = if from_end { i } else { len - 1 - i };
            let t = range.start + i;
            let next = if from_end { i.checked_sub(1) } else { Some(i + 1).filter(|&j| j < len) };
            match next {
                Some(j) => {
                    let (here, there) = two_blocks(x, row, i, j);
                    subtract_transposed(n, self.coupling(t), columns, there, here);
                    upper_solve(n, self.pivot(t), columns, here);
                }
                None => {
                    let here = &mut x[i * row..(i + 1) * row];
                    subtract_transposed(n, self.coupling(t), columns, mid, here);
                    upper_solve(n, self.pivot(t), columns, here);
                }
            }
        }
    }
}

fn two_blocks(x: &mut [f64], row: usize, i: usize, j: usize) -> (&mut [f64], &mut [f64]) {
    if i < j {
        let (a, b) = x.split_at_mut(j * row);
        (&mut a[i * row..(i + 1) * row], &mut b[..row])
    } else {
        let (a, b) = x.split_at_mut(i * row);
        (&mut b[..row], &mut a[j * row..(j + 1) * row])
    }
}

/// Eliminates the blocks of one half; `first` is the step of the first block in the slices. `last` receives what the
/// middle block has to subtract. Returns the sum of the logarithms of the pivots.
fn eliminate(
    n: usize,
    blocks: &mut [f64],
    couplings: &mut [f64],
    first: usize,
    from_end: bool,
    lower: &[f64],
    last: &mut [f64],
) -> Result<f64, PivotError> {
    let nn = n * n;
    let len = blocks.len() / nn.max(1);
    let mut logs = 0.0;
    let mut update = vec![0.0; nn];
    for i in 0..len {
        let i = if from_end { len - 1 - i } else { i };
        let t = first + i;
        let pivot = &mut blocks[i * nn..(i + 1) * nn];
        logs += cholesky(n, pivot).map_err(|(component, pivot)| PivotError { step: t, component, pivot })?;
        // K = M L^-T, row by row, with M the block that couples the next block (rows) with this one (columns).
        let k = &mut couplings[i * nn..(i + 1) * nn];
        for r in 0..n {
            for c in 0..n {
                let mut s = if from_end { lower[(t - 1) * nn + c * n + r] } else { lower[t * nn + r * n + c] };
                for j in 0..c {
                    s -= k[r * n + j] * pivot[c * n + j];
                }
                k[r * n + c] = s * pivot[c * n + c];
            }
        }
        for r in 0..n {
            for c in 0..=r {
                update[r * n + c] = (0..n).map(|j| k[r * n + j] * k[c * n + j]).sum();
            }
        }
        let next = if from_end { i.checked_sub(1) } else { Some(i + 1).filter(|&j| j < len) };
        match next {
            Some(j) => {
                for (a, u) in blocks[j * nn..(j + 1) * nn].iter_mut().zip(&update) {
                    *a -= u;
                }
            }
            None => last.copy_from_slice(&update),
        }
    }
    Ok(logs)
}

/// In-place Cholesky of the lower triangle, with reciprocals on the diagonal; the error is the bad pivot and its row.
fn cholesky(n: usize, a: &mut [f64]) -> Result<f64, (usize, f64)> {
    let mut logs = 0.0;
    for j in 0..n {
        let mut d = a[j * n + j];
        for k in 0..j {
            d -= a[j * n + k] * a[j * n + k];
        }
        if !(d > 0.0 && d.is_finite()) {
            return Err((j, d));
        }
        let root = d.sqrt();
        logs += libm::log(root);
        let inverse = 1.0 / root;
        a[j * n + j] = inverse;
        for i in j + 1..n {
            let mut s = a[i * n + j];
            for k in 0..j {
                s -= a[i * n + k] * a[j * n + k];
            }
            a[i * n + j] = s * inverse;
        }
    }
    Ok(logs)
}

/// x <- L^-1 x
fn lower_solve(n: usize, l: &[f64], columns: usize, x: &mut [f64]) {
    for i in 0..n {
        let (done, rest) = x.split_at_mut(i * columns);
        let here = &mut rest[..columns];
        for j in 0..i {
            axpy(-l[i * n + j], &done[j * columns..(j + 1) * columns], here);
        }
        let d = l[i * n + i];
        here.iter_mut().for_each(|v| *v *= d);
    }
}

/// x <- L^-T x
fn upper_solve(n: usize, l: &[f64], columns: usize, x: &mut [f64]) {
    for i in (0..n).rev() {
        let (rest, done) = x.split_at_mut((i + 1) * columns);
        let here = &mut rest[i * columns..];
        for j in i + 1..n {
            axpy(-l[j * n + i], &done[(j - i - 1) * columns..(j - i) * columns], here);
        }
        let d = l[i * n + i];
        here.iter_mut().for_each(|v| *v *= d);
    }
}

/// y <- y - K x
fn subtract_product(n: usize, k: &[f64], columns: usize, x: &[f64], y: &mut [f64]) {
    for (i, here) in y.chunks_exact_mut(columns).enumerate() {
        for j in 0..n {
            axpy(-k[i * n + j], &x[j * columns..(j + 1) * columns], here);
        }
    }
}

/// y <- y - K^T x
fn subtract_transposed(n: usize, k: &[f64], columns: usize, x: &[f64], y: &mut [f64]) {
    for (i, here) in y.chunks_exact_mut(columns).enumerate() {
        for j in 0..n {
            axpy(-k[j * n + i], &x[j * columns..(j + 1) * columns], here);
        }
    }
}

#[inline]
fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

#[cfg(test)]
mod tests {
    use super::Chain;

    /// A diagonally dominant chain of the size given, with entries from a small congruential sequence.
    fn case(n: usize, steps: usize) -> (Vec<f64>, Vec<f64>) {
        let mut state = 12345u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as f64 / (1u64 << 31) as f64 - 0.5
        };
        let mut diagonal = vec![0.0; steps * n * n];
        for t in 0..steps {
            for i in 0..n {
                for j in 0..=i {
                    let v = if i == j { 4.0 * n as f64 + next() } else { next() };
                    diagonal[t * n * n + i * n + j] = v;
                    diagonal[t * n * n + j * n + i] = v;
                }
            }
        }
        let lower = (0..steps.saturating_sub(1) * n * n).map(|_| next()).collect();
        (diagonal, lower)
    }

    fn product(n: usize, diagonal: &[f64], lower: &[f64], x: &[f64], columns: usize) -> Vec<f64> {
        let steps = diagonal.len() / (n * n);
        let mut y = vec![0.0; x.len()];
        let mut add = |t: usize, s: usize, block: &dyn Fn(usize, usize) -> f64| {
            for i in 0..n {
                for j in 0..n {
                    for c in 0..columns {
                        y[(t * n + i) * columns + c] += block(i, j) * x[(s * n + j) * columns + c];
                    }
                }
            }
        };
        for t in 0..steps {
            add(t, t, &|i, j| diagonal[t * n * n + i * n + j]);
            if t + 1 < steps {
                add(t + 1, t, &|i, j| lower[t * n * n + i * n + j]);
                add(t, t + 1, &|i, j| lower[t * n * n + j * n + i]);
            }
        }
        y
    }

    #[test]
    fn solves_what_it_factored() {
        for (n, steps, columns) in [(1, 1, 1), (1, 2, 3), (2, 3, 2), (3, 8, 5), (4, 33, 1), (7, 10, 4)] {
            let (diagonal, lower) = case(n, steps);
            let b: Vec<f64> = (0..steps * n * columns).map(|i| ((i * 7919) % 101) as f64 - 50.0).collect();
            let mut x = b.clone();
            let chain = Chain::factor(n, diagonal.clone(), &lower).expect("dominant");
            chain.solve(columns, &mut x);
            let back = product(n, &diagonal, &lower, &x, columns);
            for (a, b) in back.iter().zip(&b) {
                assert!((a - b).abs() < 1e-12 * 50.0, "n {n}, steps {steps}: {a} {b}");
            }
        }
    }

    #[test]
    fn knows_its_determinant() {
        let chain = Chain::factor(1, vec![2.0, 3.0, 4.0], &[1.0, 1.0]).expect("positive definite");
        assert!((chain.log_determinant() - 18f64.ln()).abs() < 1e-14);
    }

    #[test]
    fn gives_its_pivots() {
        // One block: the pivots of [[4, 2], [2, 5]] are 4 and 5 - 1.
        let chain = Chain::factor(2, vec![4.0, 2.0, 2.0, 5.0], &[]).unwrap();
        let pivots: Vec<f64> = chain.pivots().collect();
        assert!((pivots[0] - 4.0).abs() < 1e-14 && (pivots[1] - 4.0).abs() < 1e-14, "{pivots:?}");
    }

    #[test]
    fn names_the_step_of_a_bad_pivot() {
        let error = Chain::factor(1, vec![1.0, 1.0, 1.0, 0.0, 1.0], &[0.0; 4]).err().expect("singular");
        assert_eq!((error.step, error.component), (3, 0));
        assert!(Chain::factor(1, vec![f64::NAN], &[]).is_err());
    }
}
