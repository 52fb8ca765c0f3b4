//! Chains of blocks of several states with `K` orders each, without a border: tiles of `K` by `K` numbers in registers.
//!
//! The same arithmetic as in [`super::blocks`], with the assembly in the same go. A tile takes two loads for each `K` products of a
//! plain row by row elimination, which waits for memory.

use super::assemble::Assembly;
use super::eliminate::{BadPivot, bad_pivot, sound};
use super::plan::Group;
use super::substitute::{Chain, Stored};
use crate::solve::lanes::{Lanes, Pack};

/// Whether a group's chain is of several states with `K` orders each, and nothing else.
pub(crate) fn is_tiled(group: &Group, orders: usize) -> bool {
    group.n == orders * group.states.len() && group.next == 0 && group.border.is_empty()
}

/// Memory of an elimination by tiles.
pub(crate) struct Tiles<P> {
    /// `m[i][r] = L[r][i]`, `(n, n)`, of the step before and of this one.
    before: Vec<P>,
    now: Vec<P>,
    inverse: Vec<P>,
    /// `L^-1 B` of the step before, and `D^-1 L^-1 B`.
    w: Vec<P>,
    scaled_w: Vec<P>,
    /// Equation rows in scaled unknowns, `(E, n)`, and times minus their squared weight.
    rows: Vec<P>,
    weighted: Vec<P>,
}

impl<P: Pack> Tiles<P> {
    pub fn new(n: usize, equations: usize) -> Self {
        let zeros = |n: usize| vec![P::ZERO; n];
        Tiles {
            before: zeros(n * n),
            now: zeros(n * n),
            inverse: zeros(n),
            w: zeros(n * n),
            scaled_w: zeros(n * n),
            rows: zeros(equations * n),
            weighted: zeros(equations * n),
        }
    }
}

type Tile<V, const K: usize> = [[V; K]; K];

/// `tile[p][q] -= sum_i left[l(i) + p] right[r(i) + q]`
#[inline(always)]
fn update<V: Lanes, const K: usize>(
    tile: &mut Tile<V, K>,
    range: std::ops::Range<usize>,
    (left, l): (&[V::Pack], impl Fn(usize) -> usize),
    (right, r): (&[V::Pack], impl Fn(usize) -> usize),
) {
    for i in range {
        let (left, right) = (&left[l(i)..][..K], &right[r(i)..][..K]);
        let right: [V; K] = std::array::from_fn(|q| V::load(&right[q]));
        for (row, x) in tile.iter_mut().zip(left) {
            let x = V::load(x);
            for (to, y) in row.iter_mut().zip(right) {
                *to = x.neg_mul_add(y, *to);
            }
        }
    }
}

/// `L^-1 tile` with the unit triangle of the rows' own block, `m[i][r]`.
#[inline(always)]
fn lower<V: Lanes, const K: usize>(tile: &mut Tile<V, K>, m: &[V::Pack], n: usize, first: usize) {
    for r in 1..K {
        for i in 0..r {
            let x = V::load(&m[(first + i) * n + first + r]);
            for q in 0..K {
                tile[r][q] = x.neg_mul_add(tile[i][q], tile[r][q]);
            }
        }
    }
}

/// Factors the chain of a group into `out`.
#[inline(always)]
pub(crate) fn eliminate_tiles<V: Lanes, const K: usize>(
    assembly: &Assembly<V::Pack>,
    tiles: &mut Tiles<V::Pack>,
    out: &mut [V::Pack],
) -> Result<(), BadPivot> {
    let Assembly { problem, group, staged, .. } = *assembly;
    let (n, states, block, steps) = (group.n, problem.shape.states, problem.shape.block(), problem.shape.steps);
    for (t, out) in out.chunks_exact_mut(group.step_len).enumerate() {
        std::mem::swap(&mut tiles.before, &mut tiles.now);
        if t > 0 {
            eliminate_coupling::<V, K>(assembly, tiles, t);
        }
        for (index, &e) in group.equations.iter().enumerate() {
            let row = e * steps + t;
            let weight = V::splat(0.0).sub(V::load(&staged.equation[row]));
            let c = &staged.c[row * block..][..block];
            let unscale = &staged.unscale[t * block..][..block];
            let to = tiles.rows[index * n..][..n].iter_mut().zip(&mut tiles.weighted[index * n..][..n]);
            for ((a, w), &place) in to.zip(&group.place) {
                let x = V::load(&c[place]).mul(V::load(&unscale[place]));
                x.store(a);
                x.mul(weight).store(w);
            }
        }
        let Tiles { now, inverse, w, scaled_w, rows, weighted, .. } = &mut *tiles;
        let equations = 0..group.equations.len();
        for (b, &d) in group.states.iter().enumerate() {
            for c in b..group.states.len() {
                let (row, column) = (b * K, c * K);
                let mut tile = [[V::splat(0.0); K]; K];
                if b == c {
                    tile = own_tile::<V, K>(assembly, t, t * states + d);
                }
                update(&mut tile, equations.clone(), (weighted, |i| i * n + row), (rows, |i| i * n + column));
                let diagonal: [V; K] = std::array::from_fn(|r| tile[r][r]);
                if t > 0 {
                    update(&mut tile, column..n, (scaled_w, |i| i * n + row), (w, |i| i * n + column));
                }
                update(&mut tile, 0..row, (now, |i| i * n + row), (out, |i| group.base(i) + column));
                if b == c {
                    factor_tile(&mut tile, &diagonal, (t, row), n, now, inverse)?;
                } else {
                    lower(&mut tile, now, n, row);
                }
                for r in 0..K {
                    let base = group.base(row + r);
                    let x = V::load(&inverse[row + r]);
                    let first = if b == c { r + 1 } else { 0 };
                    if b == c {
                        out[base + row + r] = inverse[row + r];
                    }
                    for q in first..K {
                        tile[r][q].store(&mut out[base + column + q]);
                        tile[r][q].mul(x).store(&mut now[(row + r) * n + column + q]);
                    }
                }
            }
        }
    }
    Ok(())
}

/// The rows of the normal matrix that touch one state alone: smoothness and initial values.
#[inline(always)]
fn own_tile<V: Lanes, const K: usize>(assembly: &Assembly<V::Pack>, t: usize, at: usize) -> Tile<V, K> {
    let Assembly { problem, plan, staged, .. } = *assembly;
    let states = problem.shape.states;
    let (before, after) = (V::load(&staged.smooth[at]), V::load(&staged.smooth[at + states]));
    let rho = V::load(&staged.rho[at]);
    let (at_at, next_next) = (&plan.rows.at_at[..K * K], &plan.rows.next_next[..K * K]);
    let mut tile = [[V::splat(0.0); K]; K];
    let mut powers = [before; K];
    for j in 1..K {
        powers[j] = powers[j - 1].mul(rho);
    }
    let mut p = V::splat(1.0);
    for j in 0..K {
        for k in j..K {
            let x = p.mul(powers[k]).mul(V::splat(next_next[j * K + k]));
            tile[j][k] = after.mul_add(V::splat(at_at[j * K + k]), x);
        }
        p = p.mul(rho);
    }
    if t < problem.shape.initial_steps {
        let weight = V::load(&staged.initial[at]);
        for j in 0..problem.shape.initial_orders.min(K) {
            let x = V::load(&staged.unscale[at * K + j]);
            tile[j][j] = x.mul(x).mul_add(weight, tile[j][j]);
        }
    }
    tile
}

/// Factors a tile on the diagonal; its multipliers go to `m`.
#[inline(always)]
fn factor_tile<V: Lanes, const K: usize>(
    tile: &mut Tile<V, K>,
    diagonal: &[V; K],
    (t, row): (usize, usize),
    n: usize,
    m: &mut [V::Pack],
    inverse: &mut [V::Pack],
) -> Result<(), BadPivot> {
    for r in 0..K {
        if !sound(tile[r][r], diagonal[r]) {
            let (mut pivot, mut whole) = (V::Pack::ZERO, V::Pack::ZERO);
            tile[r][r].store(&mut pivot);
            diagonal[r].store(&mut whole);
            return Err(bad_pivot(&pivot, &whole, t, row + r));
        }
        let one_over = V::splat(1.0).div(tile[r][r]);
        one_over.store(&mut inverse[row + r]);
        for j in r + 1..K {
            let x = tile[r][j].mul(one_over);
            x.store(&mut m[(row + r) * n + row + j]);
            for k in j..K {
                tile[j][k] = x.neg_mul_add(tile[r][k], tile[j][k]);
            }
        }
    }
    Ok(())
}

/// `L^-1 B` and `D^-1 L^-1 B` for the coupling `B` with the step before. Columns of a state are zero above its rows.
#[inline(always)]
fn eliminate_coupling<V: Lanes, const K: usize>(assembly: &Assembly<V::Pack>, tiles: &mut Tiles<V::Pack>, t: usize) {
    let Assembly { problem, plan, group, staged } = *assembly;
    let Tiles { before, inverse, w, scaled_w, .. } = tiles;
    let (n, states) = (group.n, problem.shape.states);
    let matrix = &plan.rows.at_next[..K * K];
    for (s, &d) in group.states.iter().enumerate() {
        let (mut p, rho) = (V::load(&staged.smooth[t * states + d]), V::load(&staged.rho[t * states + d]));
        for b in s..group.states.len() {
            let (row, column) = (b * K, s * K);
            let mut tile = [[V::splat(0.0); K]; K];
            if b == s {
                for q in 0..K {
                    for (j, row) in tile.iter_mut().enumerate() {
                        row[q] = p.mul(V::splat(matrix[j * K + q]));
                    }
                    p = p.mul(rho);
                }
            }
            update(&mut tile, column..row, (before, |i| i * n + row), (w, |i| i * n + column));
            lower(&mut tile, before, n, row);
            for r in 0..K {
                let x = V::load(&inverse[row + r]);
                for q in 0..K {
                    tile[r][q].store(&mut w[(row + r) * n + column + q]);
                    tile[r][q].mul(x).store(&mut scaled_w[(row + r) * n + column + q]);
                }
            }
        }
    }
}

/// `x -= sum_i U[i][row..] p[i]` over the rows above a tile.
#[inline(always)]
fn take_above<V: Lanes, F: Stored<V::Pack>, const K: usize>(
    x: &mut [V; K],
    factor: F,
    (base, group): (usize, &Group),
    row: usize,
    p: &[V::Pack],
) {
    for (i, p) in p.iter().enumerate().take(row) {
        let p = V::load(p);
        let at = base + group.base(i) + row;
        for (q, x) in x.iter_mut().enumerate() {
            *x = factor.get::<V>(at + q).neg_mul_add(p, *x);
        }
    }
}

/// `D^-1 L^-1 x` of a step, tile by tile, where the tiles above are done.
#[inline(always)]
fn down<V: Lanes, F: Stored<V::Pack>, const K: usize>(
    x: &mut [V; K],
    factor: F,
    (base, group): (usize, &Group),
    row: usize,
) {
    for r in 0..K {
        let at = base + group.base(row + r) + row;
        let p = x[r].mul(factor.get(at + r));
        for q in r + 1..K {
            x[q] = factor.get::<V>(at + q).neg_mul_add(p, x[q]);
        }
        x[r] = p;
    }
}

/// `L^-T x` of a step in place, all tiles.
#[inline(always)]
fn up<V: Lanes, F: Stored<V::Pack>, const K: usize>(x: &mut [V::Pack], factor: F, (base, group): (usize, &Group)) {
    for r in (0..group.n).rev() {
        let at = base + group.base(r);
        let mut sums = [V::splat(0.0); 2];
        for (c, x) in x.iter().enumerate().skip(r + 1) {
            sums[c % 2] = factor.get::<V>(at + c).mul_add(V::load(x), sums[c % 2]);
        }
        factor.get::<V>(at + r).neg_mul_add(sums[0].add(sums[1]), V::load(&x[r])).store(&mut x[r]);
    }
}

/// [`super::blocks::forward_blocks`]
#[inline(always)]
pub(crate) fn forward_tiles<V: Lanes, F: Stored<V::Pack>, const K: usize>(
    chain: Chain<V::Pack>,
    group: &Group,
    factor: F,
    y: &mut [V::Pack],
    room: &mut [V::Pack],
) {
    let block = chain.states * K;
    let s = &mut room[..group.n];
    let matrix = &chain.plan.rows.at_next[..K * K];
    for t in 0..chain.plan.chain {
        let step = (group.start + t * group.step_len, group);
        let y = &mut y[t * block..][..block];
        for (b, &d) in group.states.iter().enumerate() {
            let row = b * K;
            let mut x: [V; K] = std::array::from_fn(|k| V::load(&y[d * K + k]));
            if t > 0 {
                let at = t * chain.states + d;
                let (mut p, rho) = (V::load(&chain.smooth[at]), V::load(&chain.rho[at]));
                let before: [V; K] = std::array::from_fn(|k| V::load(&s[row + k]));
                for (k, x) in x.iter_mut().enumerate() {
                    let mut sum = V::splat(0.0);
                    for (i, before) in before.iter().enumerate() {
                        sum = V::splat(matrix[i * K + k]).mul_add(*before, sum);
                    }
                    *x = sum.neg_mul_add(p, *x);
                    p = p.mul(rho);
                }
            }
            take_above::<V, F, K>(&mut x, factor, step, row, s);
            down::<V, F, K>(&mut x, factor, step, row);
            for k in 0..K {
                x[k].store(&mut s[row + k]);
                x[k].store(&mut y[d * K + k]);
            }
        }
        up::<V, F, K>(s, factor, step);
    }
}

/// [`super::blocks::backward_blocks`]
#[inline(always)]
pub(crate) fn backward_tiles<V: Lanes, F: Stored<V::Pack>, const K: usize>(
    chain: Chain<V::Pack>,
    group: &Group,
    factor: F,
    y: &mut [V::Pack],
    room: &mut [V::Pack],
) {
    let block = chain.states * K;
    let (x, g) = room.split_at_mut(room.len() / 2);
    let (x, g) = (&mut x[..group.n], &mut g[..group.n]);
    let matrix = &chain.plan.rows.at_next[..K * K];
    let last = chain.plan.chain - 1;
    for t in (0..=last).rev() {
        let step = (group.start + t * group.step_len, group);
        let y = &mut y[t * block..][..block];
        for (b, &d) in group.states.iter().enumerate() {
            let row = b * K;
            let mut to: [V; K] = std::array::from_fn(|k| V::load(&y[d * K + k]));
            if t < last {
                let at = (t + 1) * chain.states + d;
                let (mut p, rho) = (V::load(&chain.smooth[at]), V::load(&chain.rho[at]));
                let mut scaled = [V::splat(0.0); K];
                for k in 0..K {
                    scaled[k] = V::load(&x[row + k]).mul(p);
                    p = p.mul(rho);
                }
                let mut tile = [V::splat(0.0); K];
                for (j, to) in tile.iter_mut().enumerate() {
                    for k in 0..K {
                        *to = V::splat(matrix[j * K + k]).mul_add(scaled[k], *to);
                    }
                }
                take_above::<V, F, K>(&mut tile, factor, step, row, g);
                down::<V, F, K>(&mut tile, factor, step, row);
                for k in 0..K {
                    tile[k].store(&mut g[row + k]);
                    to[k] = to[k].sub(tile[k]);
                }
            }
            for k in 0..K {
                to[k].store(&mut x[row + k]);
            }
        }
        up::<V, F, K>(x, factor, step);
        for (&place, x) in group.place.iter().zip(x.iter()) {
            y[place] = *x;
        }
    }
}
