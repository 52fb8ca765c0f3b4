//! Substitution of small blocks of which all samples have the same, as products with matrices made beforehand.

use super::{Triangle, are_zero, coupling, finish, scale};
use crate::solve::lanes::{Lanes, load_all};
use crate::solve::relaxed::plan::Group;
use crate::solve::relaxed::substitute::{Chain, Own};

/// Numbers of a step's propagators, three blocks.
pub(crate) const fn propagator_len(n: usize) -> usize {
    3 * n * n
}

/// The propagators of a chain whose factor all samples share: `S_t^-1`, `S_t^-1 B_{t-1}^T` and `S_t^-1 B_t` of every step. Forward
/// and backward substitution with them are one product each, `N` operations deep in a step instead of some `4 N`: with the factor
/// itself, short chains would wait for results rather than compute.
pub(crate) fn propagators<V: Lanes<Pack = f64>, const N: usize>(
    chain: Chain<f64>,
    group: &Group,
    factor: &[f64],
    out: &mut Vec<f64>,
) {
    let number = |x: V| {
        let mut to = 0.0;
        x.store(&mut to);
        to
    };
    for t in 0..chain.plan.chain {
        let base = group.start + t * group.step_len;
        let triangle = Triangle::<V, N>::load(Own(factor), base, group);
        // `S^-1` by columns, which by symmetry are its rows.
        let inverse: [[V; N]; N] = std::array::from_fn(|column| {
            let mut x: [V; N] = std::array::from_fn(|k| V::splat(f64::from(u8::from(k == column))));
            triangle.lower(&mut x);
            for k in 0..N {
                x[k] = x[k].mul(triangle.inverse[k]);
            }
            triangle.upper(&mut x);
            x
        });
        let (before, after) =
            (coupling::<V, N>(&chain, t, group.states[0]), coupling::<V, N>(&chain, t + 1, group.states[0]));
        out.extend(inverse.iter().flatten().map(|&x| number(x)));
        for transposed in [true, false] {
            for row in &inverse {
                for k in 0..N {
                    let mut sum = V::splat(0.0);
                    for (i, x) in row.iter().enumerate() {
                        sum = x.mul_add(if transposed { before[k][i] } else { after[i][k] }, sum);
                    }
                    out.push(number(sum));
                }
            }
        }
    }
}

/// Both substitutions of a group by propagators, scaled on the way where there are scales; says whether the solution is finite.
#[inline(always)]
pub(crate) fn propagate<V: Lanes, const N: usize>(
    chain: Chain<V::Pack>,
    group: &Group,
    propagators: &[f64],
    y: &mut [V::Pack],
    unscale: &[V::Pack],
) -> bool {
    let (block, d) = (chain.states * N, group.states[0]);
    let (len, last) = (propagator_len(N), chain.plan.chain - 1);
    let mut s = [V::splat(0.0); N];
    for (t, matrices) in propagators.chunks_exact(len).enumerate() {
        let at = t * block + d * N;
        let y = &mut y[at..][..N];
        let mut given: [V; N] = load_all(y);
        scale(&mut given, unscale, at);
        let mut x = [V::splat(0.0); N];
        for k in 0..N {
            for j in 0..N {
                x[k] = V::splat(matrices[k * N + j]).mul_add(given[j], x[k]);
            }
        }
        if t > 0 {
            for k in 0..N {
                for j in 0..N {
                    x[k] = V::splat(matrices[(N + k) * N + j]).neg_mul_add(s[j], x[k]);
                }
            }
        }
        s = x;
        for k in 0..N {
            s[k].store(&mut y[k]);
        }
    }
    let mut sums = [V::splat(0.0); N];
    for (t, matrices) in propagators.chunks_exact(len).enumerate().take(last + 1).rev() {
        let at = t * block + d * N;
        let y = &mut y[at..][..N];
        if t < last {
            let mut x: [V; N] = load_all(y);
            for k in 0..N {
                for j in 0..N {
                    x[k] = V::splat(matrices[(2 * N + k) * N + j]).neg_mul_add(s[j], x[k]);
                }
            }
            s = x;
        }
        finish(s, y, (unscale, at), &mut sums);
    }
    are_zero(sums)
}
