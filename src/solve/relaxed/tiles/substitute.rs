//! Substitution by tiles.

use crate::solve::lanes::{Lanes, load_all};
use crate::solve::relaxed::plan::{Group, row_start};
use crate::solve::relaxed::substitute::{Chain, Stored};

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

/// See [`super::forward_tiled`].
#[inline(always)]
pub(super) fn forward_tiles<V: Lanes, F: Stored<V::Pack>, const K: usize, const N: usize>(
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

/// See [`super::backward_tiled`].
#[inline(always)]
pub(super) fn backward_tiles<V: Lanes, F: Stored<V::Pack>, const K: usize, const N: usize>(
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
