//! The smoothness rows: the one place that knows their coefficients.
//!
//! A forward or backward row between steps `t` and `t + 1` has the coefficient `at[j] h^j` on `u[t, d, j]` and
//! `next[j] h^j` on `u[t+1, d, j]`. So all of them, whatever the step size, are constant vectors times powers of `h`: their
//! contributions to the normal matrix are the constant blocks of [`SmoothRows`], scaled by such powers.

/// One forward or backward row.
#[derive(Debug, Clone)]
pub(crate) struct SmoothRow {
    pub at: Vec<f64>,
    pub next: Vec<f64>,
}

/// All rows between two steps of one state, and the sums over them that the normal matrix needs.
#[derive(Debug, Clone)]
pub(crate) struct SmoothRows {
    pub rows: Vec<SmoothRow>,
    /// `sum at at^T`, `(K, K)`
    pub at_at: Vec<f64>,
    /// `sum next next^T`, `(K, K)`
    pub next_next: Vec<f64>,
    /// `sum at next^T`, `(K, K)`
    pub at_next: Vec<f64>,
    /// `sum at`, `(K)`
    pub at_sum: Vec<f64>,
    /// `sum next`, `(K)`
    pub next_sum: Vec<f64>,
}

impl SmoothRows {
    /// The rows for `orders` derivatives kept. With central rows the highest derivative has no rows of its own.
    pub fn new(orders: usize, central: bool) -> Self {
        let k = orders;
        let kinds = if central { k - 1 } else { k };
        let mut rows = Vec::with_capacity(2 * kinds);
        for i in 0..kinds {
            let mut forward = SmoothRow { at: vec![0.0; k], next: vec![0.0; k] };
            let mut backward = SmoothRow { at: vec![0.0; k], next: vec![0.0; k] };
            let mut factorial = 1.0;
            for j in i..k {
                if j > i {
                    factorial *= (j - i) as f64;
                }
                forward.at[j] = 1.0 / factorial;
                backward.next[j] = sign(j) / factorial;
            }
            forward.next[i] = -1.0;
            backward.at[i] = -sign(i);
            rows.push(forward);
            rows.push(backward);
        }
        let gram = |left: fn(&SmoothRow) -> &Vec<f64>, right: fn(&SmoothRow) -> &Vec<f64>| {
            let mut sum = vec![0.0; k * k];
            for row in &rows {
                for (i, a) in left(row).iter().enumerate() {
                    for (j, b) in right(row).iter().enumerate() {
                        sum[i * k + j] += a * b;
                    }
                }
            }
            sum
        };
        let total = |side: fn(&SmoothRow) -> &Vec<f64>| (0..k).map(|j| rows.iter().map(|r| side(r)[j]).sum()).collect();
        SmoothRows {
            at_at: gram(|r| &r.at, |r| &r.at),
            next_next: gram(|r| &r.next, |r| &r.next),
            at_next: gram(|r| &r.at, |r| &r.next),
            at_sum: total(|r| &r.at),
            next_sum: total(|r| &r.next),
            rows,
        }
    }
}

/// `(-1)^j`
fn sign(j: usize) -> f64 {
    if j.is_multiple_of(2) { 1.0 } else { -1.0 }
}
