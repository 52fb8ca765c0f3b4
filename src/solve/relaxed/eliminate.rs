//! Elimination of a chain of blocks with a border, coupled over one and two steps: `N = L D L^T`, row by row.
//!
//! A row of the stored factor is the row of `D L^T` with the reciprocal of its pivot in the pivot's place. No square roots are taken,
//! and each multiplier is a product of two stored numbers.

use super::plan::Group;
use crate::solve::lanes::{Lanes, Pack, load_all};

/// A pivot below this multiple of the rounding unit times its diagonal entry has no correct digit left.
const SMALLEST_PIVOT: f64 = 64.0;

/// A pivot that is not positive, in some lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BadPivot {
    pub step: usize,
    pub row: usize,
    pub lane: usize,
    pub pivot: f64,
    /// Relative to the diagonal entry before elimination.
    pub relative: f64,
}

/// Below this share of its diagonal entry a pivot is suspect: rounding of the steps before may have made all of it. In single precision
/// nearly all pivots would be; there only [`SMALLEST_PIVOT`] counts.
const SUSPECT_PIVOT: f64 = 1.0 / (1u64 << 26) as f64;

/// Whether all lanes' pivots are positive, finite and far from being lost to rounding.
#[inline(always)]
pub(crate) fn sound<V: Lanes>(pivot: V, diagonal: V) -> bool {
    let share = SUSPECT_PIVOT.max(SMALLEST_PIVOT * V::Pack::EPSILON);
    pivot.all_greater(diagonal.mul(V::splat(share)))
        && V::splat(f64::MAX).all_greater(pivot)
        && pivot.all_greater(V::splat(0.0))
}

/// Judges pivots that are not [`sound`]: the first bad lane is an error, without one they are suspect.
#[inline(always)]
pub(crate) fn judge<V: Lanes>(pivot: V, diagonal: V, step: usize, row: usize) -> Result<(), BadPivot> {
    // Lanes outside the vector are good.
    let (mut p, mut d) = (V::Pack::ZERO, V::Pack::ZERO);
    for lane in 0..V::Pack::WIDTH {
        p.set_lane(lane, 1.0);
        d.set_lane(lane, 1.0);
    }
    pivot.store(&mut p);
    diagonal.store(&mut d);
    judge_lanes(&p, &d, step, row)
}

#[cold]
#[inline(never)]
fn judge_lanes<P: Pack>(pivot: &P, diagonal: &P, step: usize, row: usize) -> Result<(), BadPivot> {
    let bad = |lane: &usize| {
        let (p, d) = (pivot.lane(*lane), diagonal.lane(*lane));
        !(p.is_finite() && d.is_finite() && p > SMALLEST_PIVOT * P::EPSILON * d)
    };
    match (0..P::WIDTH).find(bad) {
        Some(lane) => {
            let (p, d) = (pivot.lane(lane), diagonal.lane(lane));
            Err(BadPivot { step, row, lane, pivot: p, relative: p / d })
        }
        None => Ok(()),
    }
}

/// Memory of an elimination, kept between lane groups.
pub(crate) struct Panel<P> {
    /// `(n, width)`
    pub rows: Vec<P>,
    pub multipliers: Vec<P>,
    /// `(n, n)`: the coupling with the step before, eliminated.
    pub coupling: Vec<P>,
}

impl<P: Pack> Panel<P> {
    pub fn new(groups: &[Group]) -> Self {
        let size = |f: fn(&Group) -> usize| groups.iter().map(f).max().unwrap_or(0);
        Panel {
            rows: vec![P::ZERO; size(|g| g.n * g.width)],
            multipliers: vec![P::ZERO; size(|g| g.n)],
            coupling: vec![P::ZERO; size(|g| g.n * g.n)],
        }
    }
}

/// Where the rows of the matrix come from.
pub(crate) trait Source<P: Pack> {
    /// Writes the coupling of step `t` with the step after it, `(n, n)`; only entries between orders of the same state are not zero,
    /// and only these have to be written.
    fn coupling<V: Lanes<Pack = P>>(&self, t: usize, to: &mut [P]);

    /// Writes the rows of a step, `(n, width)`.
    fn fill<V: Lanes<Pack = P>>(&mut self, t: usize, rows: &mut [P]);
}

/// Factors one group; `corner`, `(M, M)` row-major, loses what the elimination takes from the border. Says whether a pivot is suspect.
#[inline(always)]
pub(crate) fn eliminate<V: Lanes>(
    group: &Group,
    steps: usize,
    source: &mut impl Source<V::Pack>,
    panel: &mut Panel<V::Pack>,
    out: &mut [V::Pack],
    corner: &mut [V::Pack],
    border: usize,
) -> Result<bool, BadPivot> {
    let mut suspect = false;
    let (n, width) = (group.n, group.width);
    let orders = if group.states.is_empty() { n } else { n / group.states.len() };
    let first = group.border_column();
    let len = group.step_len;
    for t in 0..steps {
        let rows = &mut panel.rows[..n * width];
        let m = &mut panel.multipliers[..n];
        source.fill::<V>(t, rows);
        let (done, rest) = out.split_at_mut(t * len);
        let now = &mut rest[..len];
        for r in 0..n {
            let row = &mut rows[r * width..][..width];
            let diagonal = V::load(&row[r]);
            if t > 0 {
                let before = &done[(t - 1) * len..];
                for (i, m) in m.iter_mut().enumerate() {
                    let base = group.base(i);
                    V::load(&before[base + n + r]).mul(V::load(&before[base + i])).store(m);
                }
                reduce::<V>(&mut row[r..n], before, |i| group.base(i) + n + r, m);
                for s in 0..group.skip {
                    let c = n + s * orders + orders - 2;
                    reduce::<V>(&mut row[c..c + 1], before, |i| group.base(i) + 2 * n + s, m);
                }
                reduce::<V>(&mut row[first..], before, |i| group.base(i) + first, m);
            }
            if t > 1 && group.skip > 0 && r % orders == orders - 2 {
                let before = &done[(t - 2) * len..];
                for (i, m) in m.iter_mut().enumerate() {
                    let base = group.base(i);
                    V::load(&before[base + 2 * n + r / orders]).mul(V::load(&before[base + i])).store(m);
                }
                for s in r / orders..group.skip {
                    let c = s * orders + orders - 2;
                    reduce::<V>(&mut row[c..c + 1], before, |i| group.base(i) + 2 * n + s, m);
                }
                reduce::<V>(&mut row[first..], before, |i| group.base(i) + first, m);
            }
            suspect |= finish_row::<V>(group, (t, r), row, diagonal, m, now)?;
        }
        take_from_corner::<V>(group, now, corner, border);
    }
    Ok(suspect)
}

/// Takes from a row what the rows above it in its own step eliminate, and stores it. Says whether its pivot is suspect.
#[inline(always)]
pub(crate) fn finish_row<V: Lanes>(
    group: &Group,
    (t, r): (usize, usize),
    row: &mut [V::Pack],
    diagonal: V,
    multipliers: &mut [V::Pack],
    now: &mut [V::Pack],
) -> Result<bool, BadPivot> {
    for (i, m) in multipliers.iter_mut().enumerate().take(r) {
        let base = group.base(i);
        V::load(&now[base + r]).mul(V::load(&now[base + i])).store(m);
    }
    reduce::<V>(&mut row[r..], now, |i| group.base(i) + r, &multipliers[..r]);
    let pivot = V::load(&row[r]);
    let suspect = !sound(pivot, diagonal);
    if suspect {
        judge(pivot, diagonal, t, r)?;
    }
    let base = group.base(r);
    now[base + r..base + group.width].copy_from_slice(&row[r..]);
    V::splat(1.0).div(pivot).store(&mut now[base + r]);
    Ok(suspect)
}

/// `to[c] -= sum_i m[i] from[start(i) + c]`
#[inline(always)]
pub(crate) fn reduce<V: Lanes>(to: &mut [V::Pack], from: &[V::Pack], start: impl Fn(usize) -> usize, m: &[V::Pack]) {
    let mut at = 0;
    while at + 4 <= to.len() {
        reduce_columns::<V, 4>(to, at, from, &start, m);
        at += 4;
    }
    match to.len() - at {
        3 => reduce_columns::<V, 3>(to, at, from, &start, m),
        2 => reduce_columns::<V, 2>(to, at, from, &start, m),
        1 => reduce_columns::<V, 1>(to, at, from, &start, m),
        _ => (),
    }
}

#[inline(always)]
fn reduce_columns<V: Lanes, const W: usize>(
    to: &mut [V::Pack],
    at: usize,
    from: &[V::Pack],
    start: &impl Fn(usize) -> usize,
    m: &[V::Pack],
) {
    let to = &mut to[at..at + W];
    let mut x: [V; W] = load_all(to);
    for (i, m) in m.iter().enumerate() {
        let m = V::load(m);
        let from = &from[start(i) + at..][..W];
        for (x, f) in x.iter_mut().zip(from) {
            *x = m.neg_mul_add(V::load(f), *x);
        }
    }
    for (to, x) in to.iter_mut().zip(x) {
        x.store(to);
    }
}

/// Takes what the rows of a step of the factor eliminate from the border's own block.
#[inline(always)]
pub(crate) fn take_from_corner<V: Lanes>(group: &Group, now: &[V::Pack], corner: &mut [V::Pack], border: usize) {
    if group.border.is_empty() {
        return;
    }
    let first = group.border_column();
    for r in 0..group.n {
        let base = group.base(r);
        let inverse = V::load(&now[base + r]);
        let row = &now[base + first..base + group.width];
        for (p, x) in row.iter().enumerate() {
            let x = V::load(x).mul(inverse);
            let to = &mut corner[group.border[p] * border..][..border];
            for (q, y) in row.iter().enumerate().skip(p) {
                let to = &mut to[group.border[q]];
                x.neg_mul_add(V::load(y), V::load(to)).store(to);
            }
        }
    }
}

/// Factors the border's block `(M, M)`, of which the upper triangle is read, into the packed triangle `out`. Says whether a pivot is
/// suspect.
#[inline(always)]
pub(crate) fn eliminate_corner<V: Lanes>(
    border: usize,
    diagonal: &[V::Pack],
    corner: &mut [V::Pack],
    out: &mut [V::Pack],
) -> Result<bool, BadPivot> {
    let mut suspect = false;
    for r in 0..border {
        let (above, row) = corner.split_at_mut(r * border);
        for i in 0..r {
            let m = V::load(&above[i * border + r]).mul(V::load(&out[super::plan::packed(border, i) + i]));
            for c in r..border {
                m.neg_mul_add(V::load(&above[i * border + c]), V::load(&row[c])).store(&mut row[c]);
            }
        }
        let pivot = V::load(&row[r]);
        if !sound(pivot, V::load(&diagonal[r])) {
            judge(pivot, V::load(&diagonal[r]), 0, r)?;
            suspect = true;
        }
        let base = super::plan::packed(border, r);
        out[base + r..base + border].copy_from_slice(&row[r..border]);
        V::splat(1.0).div(pivot).store(&mut out[base + r]);
    }
    Ok(suspect)
}
