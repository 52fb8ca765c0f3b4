//! Register tiles: products of stored rows, four rows by up to four packs at a time.
//!
//! All are of the form `to[r][c] -= sum_i from[i][r] * from[i][c]`: sources are whole rows of steps, and both factors of a product
//! come from the same row, so it is read once.

use super::panel::Layout;
use crate::solve::lanes::{Lanes, Pack8};

/// Rows that contribute to a tile.
#[derive(Clone, Copy)]
struct Source<'a> {
    rows: &'a [Pack8],
    /// How many of them.
    count: usize,
    /// Pack that holds the factors for the tile's rows.
    factors: usize,
    /// First pack of the tile's columns.
    columns: usize,
}

/// Subtracts the sources from a tile of `R` rows and `C` packs. `lane` is the first row's place in the pack of factors.
#[inline(always)]
fn tile<V: Lanes<Pack = Pack8>, const R: usize, const C: usize>(
    sources: &[Option<Source>],
    ld: usize,
    lane: usize,
    to: &mut [Pack8],
    to_ld: usize,
) {
    let mut sum = [[V::splat(0.0); C]; R];
    for (a, sum) in sum.iter_mut().enumerate() {
        for (c, sum) in sum.iter_mut().enumerate() {
            *sum = V::load(&to[a * to_ld + c]);
        }
    }
    for source in sources.iter().flatten() {
        for row in source.rows.chunks_exact(ld).take(source.count) {
            let factors = &row[source.factors].0;
            let columns = &row[source.columns..source.columns + C];
            let values: [V; C] = std::array::from_fn(|c| V::load(&columns[c]));
            for (a, sum) in sum.iter_mut().enumerate() {
                let factor = V::splat(factors[(lane + a) % 8]);
                for (sum, value) in sum.iter_mut().zip(values) {
                    *sum = factor.neg_mul_add(value, *sum);
                }
            }
        }
    }
    for (a, sum) in sum.iter().enumerate() {
        for (c, sum) in sum.iter().enumerate() {
            sum.store(&mut to[a * to_ld + c]);
        }
    }
}

/// A tile whose size is known at run time only.
#[inline(always)]
fn any_tile<V: Lanes<Pack = Pack8>>(
    (height, width): (usize, usize),
    sources: &[Option<Source>],
    ld: usize,
    lane: usize,
    to: &mut [Pack8],
    to_ld: usize,
) {
    macro_rules! dispatch {
        ($($r:literal $c:literal),*) => {
            match (height, width) {
                $(($r, $c) => tile::<V, $r, $c>(sources, ld, lane, to, to_ld),)*
                // Strips are one to four rows high and one to four packs wide.
                _ => {}
            }
        };
    }
    dispatch!(1 1, 1 2, 1 3, 1 4, 2 1, 2 2, 2 3, 2 4, 3 1, 3 2, 3 3, 3 4, 4 1, 4 2, 4 3, 4 4);
}

/// Brings rows `r0..r0 + height` of a step up to date with the steps before it and with its own rows above.
#[inline(always)]
pub(crate) fn update_rows<V: Lanes<Pack = Pack8>>(
    layout: &Layout,
    before: [Option<&[Pack8]>; 2],
    rows: &mut [Pack8],
    r0: usize,
    height: usize,
) {
    let Layout { n, np, ld, .. } = *layout;
    let (above, strip) = rows.split_at_mut(r0 * ld);
    let mut c = r0 / 8;
    while c < ld {
        // Parts of the row: the steps before contribute to the diagonal (from their coupling) and the border.
        let (end, from) = if c < np {
            (np, Some(np + c))
        } else if c < 2 * np {
            (2 * np, None)
        } else {
            (ld, Some(c))
        };
        let width = (end - c).min(4);
        let earlier = |rows: Option<&'_ [Pack8]>| match (rows, from) {
            (Some(_), Some(columns)) => Some((np + r0 / 8, columns)),
            _ => None,
        };
        let source = |rows| {
            let (factors, columns) = earlier(rows)?;
            Some(Source { rows: rows?, count: n, factors, columns })
        };
        let own = (r0 > 0).then_some(Source { rows: above, count: r0, factors: r0 / 8, columns: c });
        any_tile::<V>((height, width), &[source(before[0]), source(before[1]), own], ld, r0 % 8, &mut strip[c..], ld);
        c += width;
    }
}

/// Subtracts from the border's square matrix `(8 qp, qp packs)` what eliminated rows contribute; upper triangle only.
#[inline(always)]
pub(crate) fn update_border<V: Lanes<Pack = Pack8>>(layout: &Layout, rows: &[Pack8], to: &mut [Pack8]) {
    let Layout { p, qp, ld, .. } = *layout;
    let count = rows.len() / ld;
    let mut r0 = 0;
    while r0 < p + 1 {
        let mut c = r0 / 8;
        while c < qp {
            let width = (qp - c).min(4);
            let source = Source { rows, count, factors: layout.border() + r0 / 8, columns: layout.border() + c };
            any_tile::<V>((4, width), &[Some(source)], ld, r0 % 8, &mut to[r0 * qp + c..], qp);
            c += width;
        }
        r0 += 4;
    }
}
