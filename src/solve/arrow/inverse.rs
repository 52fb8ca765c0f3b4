//! Selected inversion: the diagonal blocks of the inverse of the bordered matrix.
//!
//! With `U` the triangular factor of a step, `W` its rows to the right (next step towards the middle and border) and `Z` the
//! inverse restricted to those, the step's block of the inverse is `U^-1 U^-T + G Z G^T` with `G = U^-1 W`, and its rows
//! against the rest are `-G Z` (Takahashi's equations; K. Takahashi, J. Fagan, M. Chin, 1973).

use super::error::ArrowError;
use super::factor::ArrowFactor;
use super::panel::{Layout, at};
use super::schur::SchurFactor;
use super::solve::total;
use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8};

impl ArrowFactor {
    /// Diagonal blocks of the inverse of the whole matrix with the border columns of `schur` kept, `(T, n, n)`: times the noise
    /// variance, the posterior covariance of each step's unknowns.
    ///
    /// # Errors
    /// A factor that was not computed, a Schur factor of other columns than this one has.
    pub fn inverse_blocks(&self, schur: &SchurFactor) -> Result<Vec<f64>, ArrowError> {
        self.check_ready()?;
        let (shape, layout) = (self.shape(), self.layout);
        if let Some(&column) = schur.columns().iter().find(|&&column| column >= shape.border) {
            return Err(ArrowError::Column { column });
        }
        let (n, len, middle) = (layout.n, layout.step(), self.middle());
        let mut blocks = vec![0.0; shape.steps * n * n];
        let mut state = State::new(layout);
        let (m, inverse) = (schur.columns().len(), schur.inverse());
        for (i, &row) in schur.columns().iter().enumerate() {
            for (j, &column) in schur.columns().iter().enumerate() {
                let j_place = 8 * layout.np + column;
                state.z[(8 * layout.np + row) * state.width + j_place / 8].0[j_place % 8] = inverse[i * m + j];
            }
        }
        let (low, rest) = blocks.split_at_mut(middle * n * n);
        let (centre, high) = rest.split_at_mut(n * n);
        let centre = Walk { rows: &self.rows[middle * len..][..len], blocks: centre, state, descending: true };
        let state = Pack8::dispatch(centre);
        let below = Walk { rows: &self.rows[..middle * len], blocks: low, state: state.clone(), descending: true };
        let above = Walk { rows: &self.rows[(middle + 1) * len..], blocks: high, state, descending: false };
        rayon::join(|| Pack8::dispatch(below), || Pack8::dispatch(above));
        Ok(blocks)
    }
}

/// The inverse restricted to the last step walked over and the border, rows and columns padded as in [`Layout`].
#[derive(Clone)]
struct State {
    layout: Layout,
    /// Packs of a row, `np + qp`.
    width: usize,
    /// `(8 width, width)`
    z: Vec<Pack8>,
}

impl State {
    fn new(layout: Layout) -> Self {
        let width = layout.np + layout.qp;
        State { layout, width, z: vec![Pack8::ZERO; 8 * width * width] }
    }
}

/// Walks over consecutive steps, away from the middle.
struct Walk<'a> {
    rows: &'a [Pack8],
    blocks: &'a mut [f64],
    state: State,
    descending: bool,
}

impl Kernel<Pack8> for Walk<'_> {
    type Output = State;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) -> State {
        let Walk { rows, blocks, mut state, descending } = self;
        let Layout { n, p, np, ld, .. } = state.layout;
        let (len, width) = (state.layout.step(), state.width);
        // Rows `[U^-1 | G]`, and `G Z`.
        let wide = np + width;
        let mut g = vec![Pack8::ZERO; n * wide];
        let mut gz = vec![Pack8::ZERO; n * width];
        let count = blocks.len() / (n * n);
        for k in 0..count {
            let t = if descending { count - 1 - k } else { k };
            let step = &rows[t * len..][..len];
            for i in (0..n).rev() {
                let row = &step[i * ld..][..ld];
                let (head, below) = g.split_at_mut((i + 1) * wide);
                let to = &mut head[i * wide..];
                to[..np].fill(Pack8::ZERO);
                to[i / 8].0[i % 8] = 1.0;
                to[np..].copy_from_slice(&row[np..]);
                // The right-hand side is no column of the matrix.
                to[2 * np + p / 8].0[p % 8] = 0.0;
                for (c, to) in to.iter_mut().enumerate() {
                    let mut x = V::load(to);
                    for j in i + 1..n {
                        x = V::splat(at(row, j)).neg_mul_add(V::load(&below[(j - i - 1) * wide + c]), x);
                    }
                    x.mul(V::splat(at(row, i))).store(to);
                }
            }
            gz.fill(Pack8::ZERO);
            for i in 0..n {
                let (from, to) = (&g[i * wide + np..], &mut gz[i * width..][..width]);
                for j in (0..n).chain(8 * np..8 * np + p) {
                    let a = V::splat(at(from, j));
                    for (to, z) in to.iter_mut().zip(&state.z[j * width..]) {
                        a.mul_add(V::load(z), V::load(to)).store(to);
                    }
                }
            }
            let block = &mut blocks[t * n * n..][..n * n];
            for i in 0..n {
                for j in 0..=i {
                    let mut sum = V::splat(0.0);
                    let (left, right) = (&g[i * wide..], &g[j * wide..][..wide]);
                    for (a, b) in left[..np].iter().zip(&right[..np]) {
                        sum = V::load(a).mul_add(V::load(b), sum);
                    }
                    for (a, b) in gz[i * width..].iter().zip(&right[np..]) {
                        sum = V::load(a).mul_add(V::load(b), sum);
                    }
                    let x = total(sum);
                    block[i * n + j] = x;
                    block[j * n + i] = x;
                }
            }
            state.replace_step(block, &gz);
        }
        state
    }
}

impl State {
    /// Puts another step in the place of the last one: its block of the inverse, and the negative of its rows `G Z`.
    #[inline(always)]
    fn replace_step(&mut self, block: &[f64], gz: &[Pack8]) {
        let Layout { n, p, np, .. } = self.layout;
        let width = self.width;
        for i in 0..n {
            for j in 0..n {
                self.z[i * width + j / 8].0[j % 8] = block[i * n + j];
            }
            for j in 8 * np..8 * np + p {
                let x = -at(&gz[i * width..], j);
                self.z[i * width + j / 8].0[j % 8] = x;
                self.z[j * width + i / 8].0[i % 8] = x;
            }
        }
    }
}
