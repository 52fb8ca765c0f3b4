//! Elimination by tiles, with the assembly.

use crate::solve::lanes::{Lanes, Pack, load_all};
use crate::solve::relaxed::assemble::Assembly;
use crate::solve::relaxed::eliminate::{BadPivot, judge, sound};
use crate::solve::relaxed::plan::row_start;
use crate::solve::relaxed::small::coupling;
use crate::solve::relaxed::substitute::Chain;

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

/// See [`super::eliminate_tiled`].
#[inline(always)]
pub(super) fn eliminate_tiles<V: Lanes, const K: usize, const N: usize>(
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
    let chain = Chain { plan, states, orders: K, smooth: &staged.smooth, rho: &staged.rho };
    for s in 0..n / K {
        let column = s * K;
        for b in s..n / K {
            let row = b * K;
            let mut tile = [[V::splat(0.0); K]; K];
            if b == s {
                tile = coupling::<V, K>(&chain, t, group.states[s]);
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
