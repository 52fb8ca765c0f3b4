//! Chains of small blocks, held in registers: one state, `N` orders, no border.
//!
//! The same arithmetic as in [`super::blocks`], with assembly, factorisation and forward substitution of a step in one go.

use super::assemble::{Assembly, is_zero};
use super::eliminate::{BadPivot, judge, sound};
use super::plan::Group;
use super::small_kernel::has_code;
use super::substitute::{Chain, Own, Stored};
use crate::solve::lanes::{Lanes, load_all};

/// Whether a group's chain is of `N` orders of one state, and nothing else.
pub(crate) fn is_small(group: &Group, n: usize) -> bool {
    group.n == n && group.states.len() == 1 && group.next == 0 && group.border.is_empty()
}

/// The same for any number of orders that there is code for.
pub(crate) fn has_small_code(group: &Group) -> bool {
    has_code(group.n) && is_small(group, group.n)
}

type Block<V, const N: usize> = [[V; N]; N];

/// `B`: the coupling of an interval, rows of the step before it, columns of the step after it.
#[inline(always)]
fn coupling<V: Lanes, const N: usize>(chain: &Chain<V::Pack>, interval: usize, d: usize) -> Block<V, N> {
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

/// Factors the steps that are staged, the first of them `first`, of a group's chain into their places of the chain's factor `out`, with those
/// before done. Where `y` `(T, D, K)` is not empty, `D^-1 L^-1 w` of [`super::blocks::forward_blocks`] for the staged right-hand sides
/// is made on the way. Says whether a pivot is suspect.
#[inline(always)]
pub(crate) fn eliminate_small<V: Lanes, const N: usize>(
    assembly: &Assembly<V::Pack>,
    first: usize,
    out: &mut [V::Pack],
    y: &mut [V::Pack],
) -> Result<bool, BadPivot> {
    let mut suspect = false;
    let Assembly { problem, plan, group, staged } = *assembly;
    let shape = &problem.shape;
    let (states, block, d) = (shape.states, shape.block(), group.states[0]);
    let steps = staged.steps();
    let ki = shape.initial_orders;
    let rows = &plan.rows;
    let (at_at, next_next) = (&rows.at_at[..N * N], &rows.next_next[..N * N]);
    let zero = V::splat(0.0);
    let chain = Chain { plan, states, orders: N, smooth: &staged.smooth, rho: &staged.rho };
    let mut before = triangle_before::<V, _, N>(Own(&*out), (0, first), group);
    let mut q = [zero; N];
    if first > 0 && !y.is_empty() {
        q = load_all(&y[(first - 1) * block + d * N..][..N]);
    }
    for (t, now) in out[first * group.step_len..].chunks_exact_mut(group.step_len).take(steps).enumerate() {
        let mut a = [[zero; N]; N];
        let mut w = [zero; N];
        let unscale: [V; N] = load_all(&staged.unscale[t * block + d * N..][..N]);
        let (after, before_weight) =
            (V::load(&staged.smooth[(t + 1) * states + d]), V::load(&staged.smooth[t * states + d]));
        let rho = V::load(&staged.rho[t * states + d]);
        let mut of_row = before_weight;
        for j in 0..N {
            let mut p = of_row;
            for _ in 0..j {
                p = p.mul(rho);
            }
            for k in j..N {
                a[j][k] = p.mul_add(V::splat(next_next[j * N + k]), after.mul(V::splat(at_at[j * N + k])));
                p = p.mul(rho);
            }
            of_row = of_row.mul(rho);
        }
        for &e in &group.equations {
            let row = e * steps + t;
            let weight = V::load(&staged.equation[row]);
            let c = &staged.c[row * block + d * N..][..N];
            let mut c: [V; N] = load_all(c);
            if !y.is_empty() {
                let b = V::load(&staged.rhs[row]).mul(weight);
                for k in 0..N {
                    w[k] = c[k].mul_add(b, w[k]);
                }
            }
            for k in 1..N {
                c[k] = c[k].mul(unscale[k]);
            }
            for j in 0..N {
                let x = c[j].mul(weight);
                for k in j..N {
                    a[j][k] = x.mul_add(c[k], a[j][k]);
                }
            }
        }
        if first + t < shape.initial_steps {
            let weight = V::load(&staged.initial[t * states + d]);
            // A loop over all orders, so that no index is known at run time only: that would keep the array out of registers.
            for j in 0..N {
                if j < ki {
                    a[j][j] = unscale[j].mul(unscale[j]).mul_add(weight, a[j][j]);
                    if !y.is_empty() {
                        w[j] = weight.mul_add(V::load(&staged.iv[(t * states + d) * ki + j]), w[j]);
                    }
                }
            }
        }
        let mut diagonal = [zero; N];
        for r in 0..N {
            diagonal[r] = a[r][r];
        }
        for k in 1..N {
            w[k] = w[k].mul(unscale[k]);
        }
        if first + t > 0 {
            let b = coupling::<V, N>(&chain, t, d);
            // Columns of `L^-1 B`.
            let mut columns = [[zero; N]; N];
            for k in 0..N {
                for j in 0..N {
                    columns[k][j] = b[j][k];
                }
                before.lower(&mut columns[k]);
            }
            for j in 0..N {
                for i in 0..N {
                    let x = columns[j][i].mul(before.inverse[i]);
                    for k in j..N {
                        a[j][k] = x.neg_mul_add(columns[k][i], a[j][k]);
                    }
                    w[j] = columns[j][i].neg_mul_add(q[i], w[j]);
                }
            }
        }
        for r in 0..N {
            if !sound(a[r][r], diagonal[r]) {
                judge(a[r][r], diagonal[r], first + t, r)?;
                suspect = true;
            }
            let base = group.base(r);
            let inverse = V::splat(1.0).div(a[r][r]);
            before.inverse[r] = inverse;
            inverse.store(&mut now[base + r]);
            for k in r + 1..N {
                a[r][k].store(&mut now[base + k]);
                before.m[k][r] = a[r][k].mul(inverse);
            }
            for j in r + 1..N {
                for k in j..N {
                    a[j][k] = before.m[j][r].neg_mul_add(a[r][k], a[j][k]);
                }
                w[j] = before.m[j][r].neg_mul_add(w[r], w[j]);
            }
            q[r] = w[r].mul(inverse);
        }
        if !y.is_empty() {
            for k in 0..N {
                q[k].store(&mut y[(first + t) * block + d * N + k]);
            }
        }
    }
    Ok(suspect)
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
/// `first`. Solutions are unscaled where there are scales; says whether they are finite.
#[inline(always)]
pub(crate) fn backward_small<V: Lanes, F: Stored<V::Pack>, const N: usize>(
    chain: Chain<V::Pack>,
    group: &Group,
    factor: F,
    (first, steps): (usize, usize),
    (y, next): (&mut [V::Pack], &mut [V; N]),
    unscale: &[V::Pack],
) -> bool {
    let (block, d) = (chain.states * N, group.states[0]);
    let mut sums = [V::splat(0.0); N];
    for t in (0..steps).rev() {
        let y = &mut y[(first + t) * block + d * N..][..N];
        *next = backward_step(&chain, group, factor, (first, t), y, next);
        finish(*next, y, (unscale, t * block + d * N), &mut sums);
    }
    are_zero(sums)
}

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
