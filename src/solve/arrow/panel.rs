//! The stored rows of one step.
//!
//! A row is `[diagonal | coupling | border and right-hand side]`, each part padded with zeros to whole packs of eight. Before
//! elimination they are the step's rows of the normal equations; after it the rows of the triangular factor, with the inverse pivot
//! in the pivot's place, the coupling with the next step towards the middle, and the eliminated border and right-hand side.
//! Numbers below the diagonal are meaningless (but finite) after elimination.

use super::block::{ArrowShape, StepBuffer};
use super::tile::update_rows;
use crate::solve::lanes::{Lanes, Pack, Pack8};

/// A pivot below this fraction of its diagonal entry has no correct digit left.
pub(crate) const SMALLEST_PIVOT: f64 = 64.0 * f64::EPSILON;

/// Where the parts of a row lie, in packs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layout {
    pub n: usize,
    /// Border columns; the right-hand side is the column after the last.
    pub p: usize,
    /// Packs of the diagonal part, and of the coupling.
    pub np: usize,
    /// Packs of the border part.
    pub qp: usize,
    /// Packs of a row.
    pub ld: usize,
}

impl Layout {
    pub fn new(shape: &ArrowShape) -> Self {
        let np = shape.block.div_ceil(8);
        let qp = (shape.border + 1).div_ceil(8);
        Layout { n: shape.block, p: shape.border, np, qp, ld: 2 * np + qp }
    }

    /// Packs of a step.
    #[inline(always)]
    pub fn step(&self) -> usize {
        self.n * self.ld
    }

    /// First pack of the border part.
    #[inline(always)]
    pub fn border(&self) -> usize {
        2 * self.np
    }
}

/// Which pivot failed, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PivotFailure {
    pub row: usize,
    pub pivot: f64,
    /// The diagonal entry before elimination.
    pub diagonal: f64,
}

/// Number `i` of a row of packs.
#[inline(always)]
pub(crate) fn at(row: &[Pack8], i: usize) -> f64 {
    row[i / 8].0[i % 8]
}

/// Copies numbers into packs, padding with zeros.
#[inline(always)]
fn pack(to: &mut [Pack8], from: &[f64]) {
    for (to, from) in to.iter_mut().zip(from.chunks(8)) {
        match <&[f64; 8]>::try_from(from) {
            Ok(whole) => to.0 = *whole,
            Err(_) => {
                *to = Pack8::ZERO;
                to.0[..from.len()].copy_from_slice(from);
            }
        }
    }
}

/// The coupling with the next step towards the middle.
pub(crate) enum Coupling<'a> {
    /// The middle itself has none.
    None,
    /// `C[t]`, its rows in the next step: read transposed.
    Above(&'a [f64]),
    /// `C[t-1]`, its columns in the next step.
    Below(&'a [f64]),
}

/// Lays out the rows of a step.
#[inline(always)]
pub(crate) fn load_step(layout: &Layout, from: &StepBuffer, coupling: Coupling, rows: &mut [Pack8]) {
    let Layout { n, p, np, ld, .. } = *layout;
    for (i, row) in rows.chunks_exact_mut(ld).enumerate() {
        pack(&mut row[..np], &from.diagonal[i * n..(i + 1) * n]);
        match coupling {
            Coupling::None => row[np..2 * np].fill(Pack8::ZERO),
            Coupling::Below(c) => pack(&mut row[np..2 * np], &c[i * n..(i + 1) * n]),
            Coupling::Above(c) => {
                row[np..2 * np].fill(Pack8::ZERO);
                for j in 0..n {
                    row[np + j / 8].0[j % 8] = c[j * n + i];
                }
            }
        }
        let border = &mut row[2 * np..];
        border.fill(Pack8::ZERO);
        pack(border, &from.border[i * p..(i + 1) * p]);
        border[p / 8].0[p % 8] = from.rhs[i];
    }
}

/// Eliminates a step: takes out what the steps before it (`before`, none to two of them) contribute, then factors its
/// diagonal block and applies the factor to the rest of the rows.
#[inline(always)]
pub(crate) fn eliminate<V: Lanes<Pack = Pack8>>(
    layout: &Layout,
    before: [Option<&[Pack8]>; 2],
    rows: &mut [Pack8],
) -> Result<(), PivotFailure> {
    let Layout { n, ld, .. } = *layout;
    let mut r0 = 0;
    while r0 < n {
        let height = (n - r0).min(4);
        let mut diagonal = [0.0; 4];
        for (a, d) in diagonal.iter_mut().enumerate().take(height) {
            *d = at(&rows[(r0 + a) * ld..], r0 + a);
        }
        update_rows::<V>(layout, before, rows, r0, height);
        // The rows of this strip among themselves.
        for (a, &diagonal) in diagonal.iter().enumerate().take(height) {
            let r = r0 + a;
            let (done, row) = rows.split_at_mut(r * ld);
            let (strip, row) = (&done[r0 * ld..], &mut row[..ld]);
            let mut pivot = at(row, r);
            let mut factors = [0.0; 4];
            for (b, factor) in factors.iter_mut().enumerate().take(a) {
                *factor = at(&strip[b * ld..], r);
                pivot -= *factor * *factor;
            }
            if !(pivot > SMALLEST_PIVOT * diagonal && pivot.is_finite()) {
                return Err(PivotFailure { row: r, pivot, diagonal });
            }
            let inverse = 1.0 / pivot.sqrt();
            for c in r0 / 8..ld {
                let mut x = V::load(&row[c]);
                for (b, &factor) in factors.iter().enumerate().take(a) {
                    x = V::splat(factor).neg_mul_add(V::load(&strip[b * ld + c]), x);
                }
                x.mul(V::splat(inverse)).store(&mut row[c]);
            }
            row[r / 8].0[r % 8] = inverse;
        }
        r0 += height;
    }
    Ok(())
}
