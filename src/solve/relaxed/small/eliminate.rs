//! Elimination of small blocks, with the assembly and the first substitution.

use super::{coupling, triangle_before};
use crate::solve::lanes::{Lanes, load_all};
use crate::solve::relaxed::assemble::Assembly;
use crate::solve::relaxed::eliminate::{BadPivot, judge, sound};
use crate::solve::relaxed::substitute::{Chain, Own};

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
