//! Chains of blocks of several states with `K` orders each, without a border: tiles of `K` by `K` numbers in registers.
//!
//! The same arithmetic as in [`super::blocks`], with the assembly in the same go. A tile takes two loads for each `K` products of a
//! plain row by row elimination, which waits for memory. Blocks of the size `N` get code of their own, with every place in memory
//! known when compiled; `N = 0` is any size. Tiles stay in registers only where no index of theirs is known at run time only.

use super::assemble::Assembly;
use super::eliminate::{BadPivot, judge, sound};
use super::plan::{Group, row_start};
use super::substitute::{Chain, Stored};
use crate::solve::lanes::{Lanes, Pack, load_all};

/// Whether a group's chain is of several states with `K` orders each, and nothing else.
fn is_tiled(group: &Group, orders: usize) -> bool {
    group.n == orders * group.states.len() && group.next == 0 && group.border.is_empty()
}

/// Chooses the code of [`is_tiled`] groups: `sized!(V, group, orders, function, <types>, (arguments))` calls `function::<types, K, N>`, and gives
/// `None` where there is none.
macro_rules! sized {
    ($v:ident, $group:expr, $orders:expr, $function:ident, <$($t:ty),*>, $arguments:tt) => {{
        let (group, orders): (&Group, usize) = ($group, $orders);
        // Single samples are rare or short, and single precision is not the fastest: they do not pay for more code.
        let wide = <$v as Lanes>::Pack::WIDTH > 1 && <$v as Lanes>::Pack::EPSILON == f64::EPSILON;
        match (orders, group.n) {
            _ if !$v::UNROLLED => None,
            (3, 6) if wide && is_tiled(group, 3) => Some($function::<$($t,)* 3, 6> $arguments),
            (4, 8) if wide && is_tiled(group, 4) => Some($function::<$($t,)* 4, 8> $arguments),
            (3, _) if is_tiled(group, 3) => Some($function::<$($t,)* 3, 0> $arguments),
            (4, _) if is_tiled(group, 4) => Some($function::<$($t,)* 4, 0> $arguments),
            _ => None,
        }
    }};
}

/// Factors the chain of a group into `out` where there is code for its size. Says whether a pivot is suspect.
#[inline(always)]
pub(crate) fn eliminate_tiled<V: Lanes>(
    assembly: &Assembly<V::Pack>,
    tiles: &mut Tiles<V::Pack>,
    out: &mut [V::Pack],
) -> Option<Result<bool, BadPivot>> {
    let (group, orders) = (assembly.group, assembly.problem.shape.orders);
    sized!(V, group, orders, eliminate_tiles, <V>, (assembly, tiles, out))
}

/// [`super::blocks::forward_blocks`] where there is code for the group's size.
#[inline(always)]
pub(crate) fn forward_tiled<V: Lanes, F: Stored<V::Pack>>(
    chain: Chain<V::Pack>,
    group: &Group,
    factor: F,
    y: &mut [V::Pack],
    room: &mut [V::Pack],
) -> Option<()> {
    sized!(V, group, chain.orders, forward_tiles, <V, F>, (chain, group, factor, y, room))
}

/// [`super::blocks::backward_blocks`] where there is code for the group's size.
#[inline(always)]
pub(crate) fn backward_tiled<V: Lanes, F: Stored<V::Pack>>(
    chain: Chain<V::Pack>,
    group: &Group,
    factor: F,
    y: &mut [V::Pack],
    room: &mut [V::Pack],
) -> Option<()> {
    sized!(V, group, chain.orders, backward_tiles, <V, F>, (chain, group, factor, y, room))
}

/// Memory of an elimination by tiles.
pub(crate) struct Tiles<P> {
    /// `m[i][r] = L[r][i]`, `(n, n)`, of the step before and of this one.
    before: Vec<P>,
    now: Vec<P>,
    inverse: Vec<P>,
    /// Rows of `D L^T` of this step right of the tiles on the diagonal, `(n, n)`.
    upper: Vec<P>,
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
            upper: zeros(n * n),
            w: zeros(n * n),
            scaled_w: zeros(n * n),
            rows: zeros(equations * n),
            weighted: zeros(equations * n),
        }
    }
}

type Tile<V, const K: usize> = [[V; K]; K];

/// `tile[p][q] -= sum_i left[i][row + p] right[i][column + q]` over the rows of `n` numbers of both sides.
#[inline(always)]
fn update<V: Lanes, const K: usize>(
    tile: &mut Tile<V, K>,
    n: usize,
    (left, row): (&[V::Pack], usize),
    (right, column): (&[V::Pack], usize),
) {
    // By index: chunks of a length known at run time only are functions of their own, compiled without the wide instructions.
    for i in 0..left.len() / n {
        let left: [V; K] = load_all(&left[i * n + row..][..K]);
        let right: [V; K] = load_all(&right[i * n + column..][..K]);
        for p in 0..K {
            for q in 0..K {
                tile[p][q] = left[p].neg_mul_add(right[q], tile[p][q]);
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

/// See [`eliminate_tiled`].
#[inline(always)]
fn eliminate_tiles<V: Lanes, const K: usize, const N: usize>(
    assembly: &Assembly<V::Pack>,
    tiles: &mut Tiles<V::Pack>,
    out: &mut [V::Pack],
) -> Result<bool, BadPivot> {
    let mut suspect = false;
    let Assembly { problem, group, staged, .. } = *assembly;
    let n = if N > 0 { N } else { group.n };
    let (states, block, steps) = (problem.shape.states, problem.shape.block(), problem.shape.steps);
    let count = group.equations.len() * n;
    for (t, out) in out.chunks_exact_mut(group.step_len).enumerate() {
        let out = &mut out[..n * (n + 1) / 2];
        std::mem::swap(&mut tiles.before, &mut tiles.now);
        if t > 0 {
            eliminate_coupling::<V, K, N>(assembly, tiles, t);
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
        let Tiles { now, upper, inverse, w, scaled_w, rows, weighted, .. } = &mut *tiles;
        let (now, upper, inverse) = (&mut now[..n * n], &mut upper[..n * n], &mut inverse[..n]);
        let (w, scaled_w) = (&w[..n * n], &scaled_w[..n * n]);
        let (rows, weighted) = (&rows[..count], &weighted[..count]);
        for b in 0..n / K {
            let row = b * K;
            let mut tile = own_tile::<V, K>(assembly, t, t * states + group.states[b]);
            update(&mut tile, n, (weighted, row), (rows, row));
            let mut diagonal = [V::splat(0.0); K];
            for r in 0..K {
                diagonal[r] = tile[r][r];
            }
            if t > 0 {
                update(&mut tile, n, (&scaled_w[row * n..], row), (&w[row * n..], row));
            }
            update(&mut tile, n, (&now[..row * n], row), (&upper[..row * n], row));
            let own = factor_tile(&mut tile, &diagonal, (t, row), n, now, &mut suspect)?;
            for r in 0..K {
                let base = row_start(n, row + r) + row;
                own[r].store(&mut inverse[row + r]);
                own[r].store(&mut out[base + r]);
                for q in r + 1..K {
                    tile[r][q].store(&mut out[base + q]);
                }
            }
            for c in b + 1..n / K {
                let column = c * K;
                let mut tile = [[V::splat(0.0); K]; K];
                update(&mut tile, n, (weighted, row), (rows, column));
                if t > 0 {
                    update(&mut tile, n, (&scaled_w[column * n..], row), (&w[column * n..], column));
                }
                update(&mut tile, n, (&now[..row * n], row), (&upper[..row * n], column));
                lower(&mut tile, now, n, row);
                for r in 0..K {
                    let base = row_start(n, row + r) + column;
                    let dense = (row + r) * n + column;
                    for q in 0..K {
                        tile[r][q].store(&mut out[base + q]);
                        tile[r][q].store(&mut upper[dense + q]);
                        tile[r][q].mul(own[r]).store(&mut now[dense + q]);
                    }
                }
            }
        }
    }
    Ok(suspect)
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
        for j in 0..K {
            if j < problem.shape.initial_orders {
                let x = V::load(&staged.unscale[at * K + j]);
                tile[j][j] = x.mul(x).mul_add(weight, tile[j][j]);
            }
        }
    }
    tile
}

/// Factors a tile on the diagonal; its multipliers go to `m`. Gives the reciprocals of its pivots, and says whether one is
/// suspect.
#[inline(always)]
fn factor_tile<V: Lanes, const K: usize>(
    tile: &mut Tile<V, K>,
    diagonal: &[V; K],
    (t, row): (usize, usize),
    n: usize,
    m: &mut [V::Pack],
    suspect: &mut bool,
) -> Result<[V; K], BadPivot> {
    let mut inverse = [V::splat(0.0); K];
    for r in 0..K {
        if !sound(tile[r][r], diagonal[r]) {
            judge(tile[r][r], diagonal[r], t, row + r)?;
            *suspect = true;
        }
        let one_over = V::splat(1.0).div(tile[r][r]);
        inverse[r] = one_over;
        for j in r + 1..K {
            let x = tile[r][j].mul(one_over);
            x.store(&mut m[(row + r) * n + row + j]);
            for k in j..K {
                tile[j][k] = x.neg_mul_add(tile[r][k], tile[j][k]);
            }
        }
    }
    Ok(inverse)
}

/// `L^-1 B` and `D^-1 L^-1 B` for the coupling `B` with the step before. Columns of a state are zero above its rows.
#[inline(always)]
fn eliminate_coupling<V: Lanes, const K: usize, const N: usize>(
    assembly: &Assembly<V::Pack>,
    tiles: &mut Tiles<V::Pack>,
    t: usize,
) {
    let Assembly { problem, plan, group, staged } = *assembly;
    let n = if N > 0 { N } else { group.n };
    let Tiles { before, inverse, w, scaled_w, .. } = tiles;
    let (before, inverse, w, scaled_w) = (&before[..n * n], &inverse[..n], &mut w[..n * n], &mut scaled_w[..n * n]);
    let states = problem.shape.states;
    let matrix = &plan.rows.at_next[..K * K];
    for s in 0..n / K {
        let column = s * K;
        for b in s..n / K {
            let row = b * K;
            let mut tile = [[V::splat(0.0); K]; K];
            if b == s {
                let at = t * states + group.states[s];
                let (mut p, rho) = (V::load(&staged.smooth[at]), V::load(&staged.rho[at]));
                for q in 0..K {
                    for j in 0..K {
                        tile[j][q] = p.mul(V::splat(matrix[j * K + q]));
                    }
                    p = p.mul(rho);
                }
            }
            update(&mut tile, n, (&before[column * n..row * n], row), (&w[column * n..row * n], column));
            lower(&mut tile, before, n, row);
            for r in 0..K {
                let x = V::load(&inverse[row + r]);
                let at = (row + r) * n + column;
                for q in 0..K {
                    tile[r][q].store(&mut w[at + q]);
                    tile[r][q].mul(x).store(&mut scaled_w[at + q]);
                }
            }
        }
    }
}

/// A step of a stored factor of blocks of `n`.
#[derive(Clone, Copy)]
struct Step<F> {
    factor: F,
    /// Where it begins.
    base: usize,
    n: usize,
}

impl<F> Step<F> {
    /// Number `(r, c)` of its triangle, `c >= r`.
    #[inline(always)]
    fn get<V: Lanes>(&self, r: usize, c: usize) -> V
    where
        F: Stored<V::Pack>,
    {
        self.factor.get(self.base + row_start(self.n, r) + c)
    }

    /// `x -= sum_i U[i][row..] p[i]` over the rows above a tile.
    #[inline(always)]
    fn take_above<V: Lanes, const K: usize>(&self, x: &mut [V; K], row: usize, p: &[V::Pack])
    where
        F: Stored<V::Pack>,
    {
        for (i, p) in p.iter().enumerate().take(row) {
            let p = V::load(p);
            for q in 0..K {
                x[q] = self.get::<V>(i, row + q).neg_mul_add(p, x[q]);
            }
        }
    }

    /// `D^-1 L^-1 x`, tile by tile, where the tiles above are done.
    #[inline(always)]
    fn down<V: Lanes, const K: usize>(&self, x: &mut [V; K], row: usize)
    where
        F: Stored<V::Pack>,
    {
        for r in 0..K {
            let p = x[r].mul(self.get(row + r, row + r));
            for q in r + 1..K {
                x[q] = self.get::<V>(row + r, row + q).neg_mul_add(p, x[q]);
            }
            x[r] = p;
        }
    }

    /// `L^-T x` in place, all tiles. The rows of a tile wait for one another only inside the tile.
    #[inline(always)]
    fn up<V: Lanes, const K: usize>(&self, x: &mut [V::Pack])
    where
        F: Stored<V::Pack>,
    {
        for b in (0..self.n / K).rev() {
            let row = b * K;
            let mut sums = [V::splat(0.0); K];
            for c in row + K..self.n {
                let x = V::load(&x[c]);
                for r in 0..K {
                    sums[r] = self.get::<V>(row + r, c).mul_add(x, sums[r]);
                }
            }
            let mut tile: [V; K] = load_all(&x[row..row + K]);
            for r in (0..K).rev() {
                for q in r + 1..K {
                    sums[r] = self.get::<V>(row + r, row + q).mul_add(tile[q], sums[r]);
                }
                tile[r] = self.get::<V>(row + r, row + r).neg_mul_add(sums[r], tile[r]);
                tile[r].store(&mut x[row + r]);
            }
        }
    }
}

/// See [`forward_tiled`].
#[inline(always)]
fn forward_tiles<V: Lanes, F: Stored<V::Pack>, const K: usize, const N: usize>(
    chain: Chain<V::Pack>,
    group: &Group,
    factor: F,
    y: &mut [V::Pack],
    room: &mut [V::Pack],
) {
    let n = if N > 0 { N } else { group.n };
    let block = chain.states * K;
    let s = &mut room[..n];
    let matrix = &chain.plan.rows.at_next[..K * K];
    for t in 0..chain.plan.chain {
        let step = Step { factor, base: group.start + t * group.step_len, n };
        let y = &mut y[t * block..][..block];
        for b in 0..n / K {
            let (row, d) = (b * K, group.states[b]);
            let mut x: [V; K] = load_all(&y[d * K..]);
            if t > 0 {
                let at = t * chain.states + d;
                let (mut p, rho) = (V::load(&chain.smooth[at]), V::load(&chain.rho[at]));
                let before: [V; K] = load_all(&s[row..row + K]);
                for k in 0..K {
                    let mut sum = V::splat(0.0);
                    for i in 0..K {
                        sum = V::splat(matrix[i * K + k]).mul_add(before[i], sum);
                    }
                    x[k] = sum.neg_mul_add(p, x[k]);
                    p = p.mul(rho);
                }
            }
            step.take_above(&mut x, row, s);
            step.down(&mut x, row);
            for k in 0..K {
                x[k].store(&mut s[row + k]);
                x[k].store(&mut y[d * K + k]);
            }
        }
        step.up::<V, K>(s);
    }
}

/// See [`backward_tiled`].
#[inline(always)]
fn backward_tiles<V: Lanes, F: Stored<V::Pack>, const K: usize, const N: usize>(
    chain: Chain<V::Pack>,
    group: &Group,
    factor: F,
    y: &mut [V::Pack],
    room: &mut [V::Pack],
) {
    let n = if N > 0 { N } else { group.n };
    let block = chain.states * K;
    let (x, g) = room.split_at_mut(room.len() / 2);
    let (x, g) = (&mut x[..n], &mut g[..n]);
    let matrix = &chain.plan.rows.at_next[..K * K];
    let last = chain.plan.chain - 1;
    for t in (0..=last).rev() {
        let step = Step { factor, base: group.start + t * group.step_len, n };
        let y = &mut y[t * block..][..block];
        for b in 0..n / K {
            let (row, d) = (b * K, group.states[b]);
            let mut to: [V; K] = load_all(&y[d * K..]);
            if t < last {
                let at = (t + 1) * chain.states + d;
                let (mut p, rho) = (V::load(&chain.smooth[at]), V::load(&chain.rho[at]));
                let mut scaled = [V::splat(0.0); K];
                for k in 0..K {
                    scaled[k] = V::load(&x[row + k]).mul(p);
                    p = p.mul(rho);
                }
                let mut tile = [V::splat(0.0); K];
                for j in 0..K {
                    for k in 0..K {
                        tile[j] = V::splat(matrix[j * K + k]).mul_add(scaled[k], tile[j]);
                    }
                }
                step.take_above(&mut tile, row, g);
                step.down(&mut tile, row);
                for k in 0..K {
                    tile[k].store(&mut g[row + k]);
                    to[k] = to[k].sub(tile[k]);
                }
            }
            for k in 0..K {
                to[k].store(&mut x[row + k]);
            }
        }
        step.up::<V, K>(x);
        for (&place, x) in group.place[..n].iter().zip(x.iter()) {
            y[place] = *x;
        }
    }
}
