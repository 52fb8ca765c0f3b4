//! Forward and backward substitution with a stored factor.

use super::plan::{Group, Plan};
use crate::solve::lanes::{Lanes, Pack};

/// A stored factor, one for each lane or one for all.
pub(crate) trait Stored<P: Pack>: Copy {
    fn get<V: Lanes<Pack = P>>(&self, index: usize) -> V;
}

/// Each lane has its own factor.
#[derive(Clone, Copy)]
pub(crate) struct Own<'a, P>(pub &'a [P]);

/// All lanes have the same factor.
#[derive(Clone, Copy)]
pub(crate) struct Common<'a>(pub &'a [f64]);

impl<P: Pack> Stored<P> for Own<'_, P> {
    #[inline(always)]
    fn get<V: Lanes<Pack = P>>(&self, index: usize) -> V {
        V::load(&self.0[index])
    }
}

impl<P: Pack> Stored<P> for Common<'_> {
    #[inline(always)]
    fn get<V: Lanes<Pack = P>>(&self, index: usize) -> V {
        V::splat(self.0[index])
    }
}

/// Solves in place: `y` `(T, D, K)` and the slack, right-hand side in, solution out, both scaled. Without slack the slack's
/// number is left alone.
#[inline(always)]
pub(crate) fn substitute<V: Lanes, F: Stored<V::Pack>>(
    plan: &Plan,
    steps: usize,
    block: usize,
    factor: F,
    y: &mut [V::Pack],
    eps: &mut V::Pack,
) {
    for group in &plan.groups {
        let bent = match group.n {
            3 => forward::<V, F, 3>(plan, group, steps, block, factor, y),
            _ => forward::<V, F, 0>(plan, group, steps, block, factor, y),
        };
        if plan.slack {
            V::load(eps).sub(bent).store(eps);
        }
    }
    if plan.slack {
        V::load(eps).mul(factor.get(plan.len - 1)).store(eps);
    }
    let slack = V::load(eps);
    for group in &plan.groups {
        match group.n {
            3 => backward::<V, F, 3>(plan, group, steps, block, factor, slack, y),
            _ => backward::<V, F, 0>(plan, group, steps, block, factor, slack, y),
        }
    }
}

/// Forward substitution of one group; gives what it takes from the slack's right-hand side. `N` is the group's size, or 0 for
/// a size known only at run time.
#[inline(always)]
fn forward<V: Lanes, F: Stored<V::Pack>, const N: usize>(
    plan: &Plan,
    group: &Group,
    steps: usize,
    block: usize,
    factor: F,
    y: &mut [V::Pack],
) -> V {
    let n = if N > 0 { N } else { group.n };
    let orders = n / group.states.len();
    let mut slack = V::splat(0.0);
    for t in 0..steps {
        let base = group.start + t * group.step_len;
        for r in 0..n {
            let mut x = V::load(&y[t * block + group.place[r]]);
            if t > 0 {
                let before = base - group.step_len;
                for i in 0..n {
                    let f = factor.get::<V>(before + group.base(i) + n + r);
                    x = f.neg_mul_add(V::load(&y[(t - 1) * block + group.place[i]]), x);
                }
            }
            if group.skip > 0 && t > 1 && r % orders == orders - 2 {
                let before = base - 2 * group.step_len;
                for i in 0..n {
                    let f = factor.get::<V>(before + group.base(i) + 2 * n + r / orders);
                    x = f.neg_mul_add(V::load(&y[(t - 2) * block + group.place[i]]), x);
                }
            }
            for i in 0..r {
                let f = factor.get::<V>(base + group.base(i) + r);
                x = f.neg_mul_add(V::load(&y[t * block + group.place[i]]), x);
            }
            x = x.mul(factor.get(base + group.base(r) + r));
            x.store(&mut y[t * block + group.place[r]]);
            if plan.slack {
                slack = factor.get::<V>(base + group.base(r) + group.slack_column()).mul_add(x, slack);
            }
        }
    }
    slack
}

#[inline(always)]
fn backward<V: Lanes, F: Stored<V::Pack>, const N: usize>(
    plan: &Plan,
    group: &Group,
    steps: usize,
    block: usize,
    factor: F,
    slack: V,
    y: &mut [V::Pack],
) {
    let n = if N > 0 { N } else { group.n };
    let orders = n / group.states.len();
    for t in (0..steps).rev() {
        let base = group.start + t * group.step_len;
        for r in (0..n).rev() {
            let row = base + group.base(r);
            let mut x = V::load(&y[t * block + group.place[r]]);
            if plan.slack {
                x = factor.get::<V>(row + group.slack_column()).neg_mul_add(slack, x);
            }
            if t + 2 < steps {
                for s in 0..group.skip {
                    let z = V::load(&y[(t + 2) * block + group.place[s * orders + orders - 2]]);
                    x = factor.get::<V>(row + 2 * n + s).neg_mul_add(z, x);
                }
            }
            if t + 1 < steps {
                for i in 0..n {
                    x = factor.get::<V>(row + n + i).neg_mul_add(V::load(&y[(t + 1) * block + group.place[i]]), x);
                }
            }
            for i in r + 1..n {
                x = factor.get::<V>(row + i).neg_mul_add(V::load(&y[t * block + group.place[i]]), x);
            }
            x.mul(factor.get(row + r)).store(&mut y[t * block + group.place[r]]);
        }
    }
}
