//! Chains of small blocks, held in registers: one state, `N` orders, no border.
//!
//! The same arithmetic as in [`super::blocks`], with assembly, factorisation and forward substitution of a step in one go.

use super::plan::Group;
use super::small_kernel::has_code;
use super::substitute::{Chain, Stored};
use super::vectors::is_zero;
use crate::solve::lanes::{Destination, Lanes, load_all};
pub(crate) use eliminate::eliminate_small;
pub(crate) use propagators::{propagate, propagator_len, propagators};

#[expect(clippy::needless_range_loop, reason = "triangular loops read like their formulas")]
mod eliminate;
mod propagators;

/// Whether a group's chain is of `N` orders of one state, and nothing else.
pub(crate) fn is_small(group: &Group, n: usize) -> bool {
    group.n == n && group.states.len() == 1 && group.next == 0 && group.border.is_empty()
}

/// The same for any number of orders that there is code for.
pub(crate) fn has_small_code(group: &Group) -> bool {
    has_code(group.n) && is_small(group, group.n)
}

pub(crate) type Block<V, const N: usize> = [[V; N]; N];

/// `B`: the coupling of an interval, rows of the step before it, columns of the step after it.
#[inline(always)]
pub(crate) fn coupling<V: Lanes, const N: usize>(chain: &Chain<V::Pack>, interval: usize, d: usize) -> Block<V, N> {
    let at = interval * chain.states + d;
    let (mut p, rho) = (V::load(&chain.smooth[at]), V::load(&chain.rho[at]));
    let matrix = &chain.plan.rows.at_next[..N * N];
    let mut b = [[V::splat(0.0); N]; N];
    for k in 0..N {
        for (j, row) in b.iter_mut().enumerate() {
            row[k] = p.mul(V::splat(matrix[j * N + k]));
        }
        p = p.mul(rho);
    }
    b
}

/// A step's triangular factor.
struct Triangle<V, const N: usize> {
    /// `m[r][i] = L[r][i]` for `i < r`.
    m: Block<V, N>,
    inverse: [V; N],
}

impl<V: Lanes, const N: usize> Triangle<V, N> {
    #[inline(always)]
    fn load<F: Stored<V::Pack>>(factor: F, base: usize, group: &Group) -> Self {
        let mut it = Triangle { m: [[V::splat(0.0); N]; N], inverse: [V::splat(0.0); N] };
        for i in 0..N {
            let row = base + group.base(i);
            it.inverse[i] = factor.get(row + i);
            for r in i + 1..N {
                it.m[r][i] = factor.get::<V>(row + r).mul(it.inverse[i]);
            }
        }
        it
    }

    /// `L^-1 x`
    #[inline(always)]
    fn lower(&self, x: &mut [V; N]) {
        for r in 1..N {
            for i in 0..r {
                x[r] = self.m[r][i].neg_mul_add(x[i], x[r]);
            }
        }
    }

    /// `L^-T x`
    #[inline(always)]
    fn upper(&self, x: &mut [V; N]) {
        for r in (0..N).rev() {
            for i in 0..r {
                x[i] = self.m[r][i].neg_mul_add(x[r], x[i]);
            }
        }
    }
}

/// The step before a stretch that begins at step `first`: its triangle, or zeros where there is none.
#[inline(always)]
fn triangle_before<V: Lanes, F: Stored<V::Pack>, const N: usize>(
    factor: F,
    (start, first): (usize, usize),
    group: &Group,
) -> Triangle<V, N> {
    match first.checked_sub(1) {
        Some(t) => Triangle::load(factor, start + t * group.step_len, group),
        None => Triangle { m: [[V::splat(0.0); N]; N], inverse: [V::splat(0.0); N] },
    }
}

/// Numbers of a step times powers of its scale, of which the first is 1; as they are where there are no scales.
#[inline(always)]
pub(crate) fn scale<V: Lanes, const N: usize>(x: &mut [V; N], unscale: &[V::Pack], at: usize) {
    if let Some(by) = unscale.get(at..at + N) {
        for k in 1..N {
            x[k] = x[k].mul(V::load(&by[k]));
        }
    }
}

/// Stores the unknowns of a step, unscaled, and adds them to sums that are zero as long as they are finite.
#[inline(always)]
fn finish<V: Lanes, const N: usize>(
    mut x: [V; N],
    y: &mut [V::Pack],
    (unscale, at): (&[V::Pack], usize),
    sums: &mut [V; N],
) {
    scale(&mut x, unscale, at);
    for k in 0..N {
        x[k].store(&mut y[k]);
        sums[k] = x[k].mul_add(V::splat(0.0), sums[k]);
    }
}

/// [`is_zero`] for any number of sums.
#[inline(always)]
pub(crate) fn are_zero<V: Lanes, const N: usize>(sums: [V; N]) -> bool {
    let mut all = [V::splat(0.0); 4];
    for k in 0..N {
        all[k % 4] = all[k % 4].add(sums[k]);
    }
    is_zero(all)
}

/// [`super::blocks::forward_blocks`] for the `steps` from `first` on, whose scales and intervals the chain has, with the steps before done.
/// Right-hand sides are scaled on the way, where there are scales.
#[inline(always)]
pub(crate) fn forward_small<V: Lanes, F: Stored<V::Pack>, const N: usize>(
    chain: Chain<V::Pack>,
    group: &Group,
    factor: F,
    (first, steps): (usize, usize),
    y: &mut [V::Pack],
    unscale: &[V::Pack],
) {
    let (block, d) = (chain.states * N, group.states[0]);
    let mut s = [V::splat(0.0); N];
    if first > 0 {
        s = load_all(&y[(first - 1) * block + d * N..][..N]);
        triangle_before::<V, F, N>(factor, (group.start, first), group).upper(&mut s);
    }
    for t in 0..steps {
        let y = &mut y[(first + t) * block + d * N..][..N];
        let triangle = Triangle::<V, N>::load(factor, group.start + (first + t) * group.step_len, group);
        let mut x: [V; N] = load_all(y);
        scale(&mut x, unscale, t * block + d * N);
        if first + t > 0 {
            let b = coupling::<V, N>(&chain, t, d);
            for k in 0..N {
                for i in 0..N {
                    x[k] = b[i][k].neg_mul_add(s[i], x[k]);
                }
            }
        }
        triangle.lower(&mut x);
        for k in 0..N {
            s[k] = x[k].mul(triangle.inverse[k]);
            s[k].store(&mut y[k]);
        }
        triangle.upper(&mut s);
    }
}

/// One step of [`super::blocks::backward_blocks`]: the scaled solution at step `first + t` from that of the step after it, if there is one.
#[inline(always)]
pub(crate) fn backward_step<V: Lanes, F: Stored<V::Pack>, const N: usize>(
    chain: &Chain<V::Pack>,
    group: &Group,
    factor: F,
    (first, t): (usize, usize),
    y: &[V::Pack],
    next: &[V; N],
) -> [V; N] {
    let triangle = Triangle::<V, N>::load(factor, group.start + (first + t) * group.step_len, group);
    let mut x: [V; N] = load_all(y);
    if first + t + 1 < chain.plan.chain {
        let b = coupling::<V, N>(chain, t + 1, group.states[0]);
        let mut g = [V::splat(0.0); N];
        for i in 0..N {
            for k in 0..N {
                g[i] = b[i][k].mul_add(next[k], g[i]);
            }
        }
        triangle.lower(&mut g);
        for k in 0..N {
            x[k] = g[k].neg_mul_add(triangle.inverse[k], x[k]);
        }
    }
    triangle.upper(&mut x);
    x
}

/// [`super::blocks::backward_blocks`] for the `steps` from `first` on. `next` is the scaled solution of the step after them, and becomes that of
/// `first`. Solutions are unscaled where there are scales; where they
/// will go is asked for. Says whether they are finite.
#[inline(always)]
pub(crate) fn backward_small<V: Lanes, F: Stored<V::Pack>, const N: usize>(
    chain: Chain<V::Pack>,
    group: &Group,
    factor: F,
    (first, steps): (usize, usize),
    (y, next): (&mut [V::Pack], &mut [V; N]),
    (unscale, to): (&[V::Pack], Destination),
) -> bool {
    let (block, d) = (chain.states * N, group.states[0]);
    let mut sums = [V::splat(0.0); N];
    for t in (0..steps).rev() {
        to.ask(t);
        let y = &mut y[(first + t) * block + d * N..][..N];
        *next = backward_step(&chain, group, factor, (first, t), y, next);
        finish(*next, y, (unscale, t * block + d * N), &mut sums);
    }
    are_zero(sums)
}
