//! Elimination of a block tridiagonal chain with a border, and its substitutions.
//!
//! With the diagonal blocks `N_t` and the couplings `B_t` of step `t` with the next, `S_t = N_t - B_{t-1}^T S_{t-1}^{-1} B_{t-1}` is factored as
//! `L D L^T`. Of all this only the triangle is stored: the coupling is a constant matrix between the orders of one state, times powers of
//! the step, so making it again costs less than reading it, and the memory is a third.

use super::eliminate::{BadPivot, Panel, Source, finish_row, reduce, take_from_corner};
use super::plan::Group;
use super::substitute::{Chain, Stored};
use crate::solve::lanes::{Lanes, Pack};

/// Factors one group; `corner`, `(M, M)` row-major, loses what the elimination takes from the border. Says whether a pivot is suspect.
#[inline(always)]
pub(crate) fn eliminate_blocks<V: Lanes>(
    group: &Group,
    steps: usize,
    source: &mut impl Source<V::Pack>,
    panel: &mut Panel<V::Pack>,
    out: &mut [V::Pack],
    corner: &mut [V::Pack],
    border: usize,
) -> Result<bool, BadPivot> {
    let mut suspect = false;
    let (n, width, len) = (group.n, group.width, group.step_len);
    let orders = n / group.states.len().max(1);
    let Panel { rows, multipliers, coupling } = panel;
    let (rows, m, w) = (&mut rows[..n * width], &mut multipliers[..n], &mut coupling[..n * n]);
    for t in 0..steps {
        source.fill::<V>(t, rows);
        let (done, rest) = out.split_at_mut(t * len);
        let now = &mut rest[..len];
        let before = if t > 0 { &done[(t - 1) * len..] } else { &[] };
        if t > 0 {
            w.fill(V::Pack::ZERO);
            source.coupling::<V>(t - 1, w);
            eliminate_coupling::<V>(group, orders, before, w, m);
        }
        for r in 0..n {
            let row = &mut rows[r * width..][..width];
            let diagonal = V::load(&row[r]);
            if t > 0 {
                // Orders of the same or an earlier state are coupled only with rows from that state's own on.
                let first = r / orders * orders;
                for (i, m) in m.iter_mut().enumerate().skip(first) {
                    V::load(&w[i * n + r]).mul(V::load(&before[group.base(i) + i])).store(m);
                }
                let mut c = r;
                while c < n {
                    let start = c / orders * orders;
                    let end = start + orders;
                    reduce::<V>(&mut row[c..end], w, |i| (start + i) * n + c, &m[start..]);
                    c = end;
                }
                reduce::<V>(&mut row[n..], before, |i| group.base(first + i) + n, &m[first..]);
            }
            suspect |= finish_row::<V>(group, (t, r), row, diagonal, m, now)?;
        }
        take_from_corner::<V>(group, now, corner, border);
    }
    Ok(suspect)
}

/// `L^{-1} B` in place of the coupling `B`. A column of a state's orders stays zero above that state's rows.
#[inline(always)]
fn eliminate_coupling<V: Lanes>(
    group: &Group,
    orders: usize,
    before: &[V::Pack],
    w: &mut [V::Pack],
    m: &mut [V::Pack],
) {
    let n = group.n;
    for r in 1..n {
        for (i, m) in m.iter_mut().enumerate().take(r) {
            let base = group.base(i);
            V::load(&before[base + r]).mul(V::load(&before[base + i])).store(m);
        }
        let (above, row) = w.split_at_mut(r * n);
        let mut start = 0;
        while start < r {
            let columns = &mut row[start..(start + orders).min(n)];
            reduce::<V>(columns, above, |i| (start + i) * n + start, &m[start..r]);
            start += orders;
        }
    }
}

/// Weight and step ratio of the interval before step `t`.
#[inline(always)]
fn interval<V: Lanes>(chain: &Chain<V::Pack>, t: usize, d: usize) -> (V, V) {
    let at = t * chain.states + d;
    (V::load(&chain.smooth[at]), V::load(&chain.rho[at]))
}

/// `to -= B^T from` with the coupling `B` of one state in the interval before step `t`.
#[inline(always)]
fn couple_from<V: Lanes>(chain: &Chain<V::Pack>, (t, d): (usize, usize), from: &[V::Pack], to: &mut [V::Pack]) {
    let k = chain.orders;
    let (mut p, rho) = interval::<V>(chain, t, d);
    let matrix = &chain.plan.rows.at_next[..k * k];
    for (j, to) in to.iter_mut().enumerate().take(k) {
        let mut sum = V::splat(0.0);
        for (i, x) in from.iter().enumerate().take(k) {
            sum = V::splat(matrix[i * k + j]).mul_add(V::load(x), sum);
        }
        sum.neg_mul_add(p, V::load(to)).store(to);
        p = p.mul(rho);
    }
}

/// `to = B from` with the coupling `B` of one state in the interval after step `t`. `from` is scaled in place.
#[inline(always)]
fn couple_to<V: Lanes>(chain: &Chain<V::Pack>, (t, d): (usize, usize), from: &mut [V::Pack], to: &mut [V::Pack]) {
    let k = chain.orders;
    let (mut p, rho) = interval::<V>(chain, t + 1, d);
    let matrix = &chain.plan.rows.at_next[..k * k];
    for x in from.iter_mut().take(k) {
        p.mul(V::load(x)).store(x);
        p = p.mul(rho);
    }
    for (j, to) in to.iter_mut().enumerate().take(k) {
        let mut sum = V::splat(0.0);
        for (i, x) in from.iter().enumerate().take(k) {
            sum = V::splat(matrix[j * k + i]).mul_add(V::load(x), sum);
        }
        sum.store(to);
    }
}

/// Forward substitution of one group: `y` becomes `D^-1 L^-1 w` with `w_t = y_t - B_{t-1}^T S_{t-1}^{-1} w_{t-1}`, and the border
/// loses what follows from it.
#[inline(always)]
pub(crate) fn forward_blocks<V: Lanes, F: Stored<V::Pack>>(
    chain: Chain<V::Pack>,
    group: &Group,
    factor: F,
    y: &mut [V::Pack],
    border: &mut [V::Pack],
    room: &mut [V::Pack],
) {
    let (n, orders) = (group.n, chain.orders);
    let block = chain.states * chain.orders;
    // `S^{-1} w` of the step before.
    let s = &mut room[..n];
    for t in 0..chain.plan.chain {
        let base = group.start + t * group.step_len;
        let y = &mut y[t * block..][..block];
        if t > 0 {
            for (local, &d) in group.states.iter().enumerate() {
                let (from, to) = (&s[local * orders..][..orders], &mut y[d * orders..][..orders]);
                couple_from::<V>(&chain, (t, d), from, to);
            }
        }
        for r in 0..n {
            let mut x = V::load(&y[group.place[r]]);
            for i in 0..r {
                x = factor.get::<V>(base + group.base(i) + r).neg_mul_add(V::load(&s[i]), x);
            }
            let row = base + group.base(r);
            x = x.mul(factor.get(row + r));
            x.store(&mut s[r]);
            x.store(&mut y[group.place[r]]);
            for (q, &column) in group.border.iter().enumerate() {
                let to = &mut border[column];
                x.neg_mul_add(factor.get(row + n + q), V::load(to)).store(to);
            }
        }
        for r in (0..n).rev() {
            let row = base + group.base(r);
            let mut sum = V::splat(0.0);
            for c in r + 1..n {
                sum = factor.get::<V>(row + c).mul_add(V::load(&s[c]), sum);
            }
            factor.get::<V>(row + r).neg_mul_add(sum, V::load(&s[r])).store(&mut s[r]);
        }
    }
}

/// Backward substitution of one group with the border known: `x_t = L^-T (y_t - D^-1 L^-1 B_t x_{t+1})`.
#[inline(always)]
pub(crate) fn backward_blocks<V: Lanes, F: Stored<V::Pack>>(
    chain: Chain<V::Pack>,
    group: &Group,
    factor: F,
    border: &[V::Pack],
    y: &mut [V::Pack],
    room: &mut [V::Pack],
) {
    let (n, orders) = (group.n, chain.orders);
    let block = chain.states * chain.orders;
    let (next, g) = room.split_at_mut(room.len() / 2);
    let (next, g) = (&mut next[..n], &mut g[..n]);
    let last = chain.plan.chain - 1;
    for t in (0..=last).rev() {
        let base = group.start + t * group.step_len;
        let y = &mut y[t * block..][..block];
        g.fill(V::Pack::ZERO);
        if t < last {
            for (local, &d) in group.states.iter().enumerate() {
                let (from, to) = (&mut next[local * orders..][..orders], &mut g[local * orders..][..orders]);
                couple_to::<V>(&chain, (t, d), from, to);
            }
        }
        for r in 0..n {
            // `g` holds `D^-1 L^-1 B x` above row `r`.
            let mut x = V::load(&g[r]);
            for i in 0..r {
                x = factor.get::<V>(base + group.base(i) + r).neg_mul_add(V::load(&g[i]), x);
            }
            x.mul(factor.get(base + group.base(r) + r)).store(&mut g[r]);
        }
        for r in (0..n).rev() {
            let row = base + group.base(r);
            let mut sum = V::splat(0.0);
            for (q, &column) in group.border.iter().enumerate() {
                sum = factor.get::<V>(row + n + q).mul_add(V::load(&border[column]), sum);
            }
            for c in r + 1..n {
                sum = factor.get::<V>(row + c).mul_add(V::load(&next[c]), sum);
            }
            let x = V::load(&y[group.place[r]]).sub(V::load(&g[r]));
            let x = factor.get::<V>(row + r).neg_mul_add(sum, x);
            x.store(&mut next[r]);
            x.store(&mut y[group.place[r]]);
        }
    }
}
