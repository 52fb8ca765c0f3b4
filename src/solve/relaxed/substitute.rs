//! Forward and backward substitution with a stored factor.

use super::blocks::{backward_blocks, forward_blocks};
use super::plan::{Group, Plan, packed};
use super::small::{backward_small, forward_small, has_small_code, is_small, propagate};
use super::tiles::{backward_tiled, forward_tiled};
use crate::solve::lanes::{Destination, Lanes, Pack};

/// A stored factor, one for each lane or one for all.
pub(crate) trait Stored<P: Pack>: Copy {
    /// Whether [`Stored::substitute`] does everything, so that nothing else has to be compiled.
    const WHOLE: bool = false;
    /// Whether groups of small blocks have propagators.
    const PROPAGATES: bool = false;

    fn get<V: Lanes<Pack = P>>(&self, index: usize) -> V;

    /// The propagators of a group of small blocks, by the group's index.
    fn propagators(&self, _group: usize) -> &[f64] {
        &[]
    }

    /// The whole substitution of a factor that has a way of its own.
    fn substitute(&self, _y: &mut [P]) {}
}

/// Each lane has its own factor.
#[derive(Clone, Copy)]
pub(crate) struct Own<'a, P>(pub &'a [P]);

/// All lanes have the same factor, and each group its propagators, which may be empty.
#[derive(Clone, Copy)]
pub(crate) struct Common<'a> {
    pub factor: &'a [f64],
    pub propagators: &'a [Vec<f64>],
}

impl<P: Pack> Stored<P> for Own<'_, P> {
    #[inline(always)]
    fn get<V: Lanes<Pack = P>>(&self, index: usize) -> V {
        V::load(&self.0[index])
    }
}

impl<P: Pack> Stored<P> for Common<'_> {
    const PROPAGATES: bool = true;

    #[inline(always)]
    fn get<V: Lanes<Pack = P>>(&self, index: usize) -> V {
        V::splat(self.factor[index])
    }

    #[inline(always)]
    fn propagators(&self, group: usize) -> &[f64] {
        self.propagators.get(group).map_or(&[], Vec::as_slice)
    }
}

/// The chain of a lane group: what substitutions need beside the factor.
#[derive(Clone, Copy)]
pub(crate) struct Chain<'a, P> {
    pub plan: &'a Plan,
    pub states: usize,
    pub orders: usize,
    /// As in [`super::stage::Staged`].
    pub smooth: &'a [P],
    pub rho: &'a [P],
}

/// Whether all groups of a chain of `V` are substituted in registers, by [`super::small`].
#[inline(always)]
pub(crate) fn in_registers<V: Lanes>(plan: &Plan) -> bool {
    V::UNROLLED && plan.groups.iter().all(has_small_code)
}

/// Solves in place: `y` `(T, D, K)` and the border, right-hand side in, solution out, both scaled. The last `T - chain` steps of `y`
/// and the border's places for them are one and the same. `room` is scratch for two steps. With
/// `forwarded` all groups are small and their forward substitution is done. Where all groups are [`in_registers`], `unscale` may hold
/// the scales: right-hand side and solution are then not scaled. Says whether the solution is finite as far as it went through
/// registers.
#[inline(always)]
pub(crate) fn substitute<V: Lanes, F: Stored<V::Pack>>(
    chain: Chain<V::Pack>,
    factor: F,
    y: &mut [V::Pack],
    border: &mut [V::Pack],
    room: &mut [V::Pack],
    (forwarded, unscale): (bool, &[V::Pack]),
) -> bool {
    let Chain { plan, states, orders, .. } = chain;
    if F::WHOLE {
        factor.substitute(y);
        return true;
    }
    let block = states * orders;
    let whole = (0, plan.chain);
    let mut finite = true;
    for (index, group) in plan.groups.iter().enumerate() {
        if let Some(right) = group.right {
            let columns = &group.border[right - group.border_column()..];
            for (&place, &column) in group.place.iter().zip(columns) {
                border[column] = y[plan.chain * block + place];
            }
        }
        match group.n {
            _ if group.next > 0 => forward::<V, F>(plan, group, block, factor, y, border),
            3 if F::PROPAGATES && is_small(group, 3) => {
                finite &= propagate::<V, 3>(chain, group, factor.propagators(index), y, unscale);
            }
            3 if V::UNROLLED && is_small(group, 3) => {
                if !forwarded {
                    forward_small::<V, F, 3>(chain, group, factor, whole, y, unscale);
                }
            }
            4 if F::PROPAGATES && is_small(group, 4) => {
                finite &= propagate::<V, 4>(chain, group, factor.propagators(index), y, unscale);
            }
            4 if V::UNROLLED && is_small(group, 4) => {
                if !forwarded {
                    forward_small::<V, F, 4>(chain, group, factor, whole, y, unscale);
                }
            }
            _ => {
                if forward_tiled::<V, F>(chain, group, factor, y, room).is_none() {
                    forward_blocks::<V, F>(chain, group, factor, y, border, room);
                }
            }
        }
    }
    forward_corner::<V, F>(plan, factor, border);
    backward_corner::<V, F>(plan, factor, border);
    // The unknowns are not done before they are corrected.
    let nowhere = Destination::default();
    for group in &plan.groups {
        match group.n {
            _ if group.next > 0 => backward::<V, F>(plan, group, block, factor, border, y),
            3 if F::PROPAGATES && is_small(group, 3) => (),
            3 if V::UNROLLED && is_small(group, 3) => {
                let mut next = [V::splat(0.0); 3];
                finite &= backward_small::<V, F, 3>(chain, group, factor, whole, (y, &mut next), (unscale, nowhere));
            }
            4 if F::PROPAGATES && is_small(group, 4) => (),
            4 if V::UNROLLED && is_small(group, 4) => {
                let mut next = [V::splat(0.0); 4];
                finite &= backward_small::<V, F, 4>(chain, group, factor, whole, (y, &mut next), (unscale, nowhere));
            }
            _ => {
                if backward_tiled::<V, F>(chain, group, factor, y, room).is_none() {
                    backward_blocks::<V, F>(chain, group, factor, border, y, room);
                }
            }
        }
        if let Some(right) = group.right {
            let columns = &group.border[right - group.border_column()..];
            for (&place, &column) in group.place.iter().zip(columns) {
                y[plan.chain * block + place] = border[column];
            }
        }
    }
    finite
}

/// The first of the border's own triangular systems, as in [`forward`].
#[inline(always)]
pub(crate) fn forward_corner<V: Lanes, F: Stored<V::Pack>>(plan: &Plan, factor: F, border: &mut [V::Pack]) {
    let (m, start) = (plan.border, plan.corner());
    for r in 0..m {
        let base = start + packed(m, r);
        let x = V::load(&border[r]).mul(factor.get(base + r));
        x.store(&mut border[r]);
        for c in r + 1..m {
            x.neg_mul_add(factor.get(base + c), V::load(&border[c])).store(&mut border[c]);
        }
    }
}

/// The second of them.
#[inline(always)]
fn backward_corner<V: Lanes, F: Stored<V::Pack>>(plan: &Plan, factor: F, border: &mut [V::Pack]) {
    let (m, start) = (plan.border, plan.corner());
    for r in (0..m).rev() {
        let base = start + packed(m, r);
        let mut sum = V::splat(0.0);
        for c in r + 1..m {
            sum = factor.get::<V>(base + c).mul_add(V::load(&border[c]), sum);
        }
        factor.get::<V>(base + r).neg_mul_add(sum, V::load(&border[r])).store(&mut border[r]);
    }
}

/// Forward substitution of one group whose couplings are stored: `y` becomes `D^-1 L^-1 y`, and the border loses what follows from it.
#[inline(always)]
pub(crate) fn forward<V: Lanes, F: Stored<V::Pack>>(
    plan: &Plan,
    group: &Group,
    block: usize,
    factor: F,
    y: &mut [V::Pack],
    border: &mut [V::Pack],
) {
    let n = group.n;
    let orders = n / group.states.len().max(1);
    let first = group.border_column();
    for t in 0..plan.chain {
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
            let row = base + group.base(r);
            x = x.mul(factor.get(row + r));
            x.store(&mut y[t * block + group.place[r]]);
            for (q, &column) in group.border.iter().enumerate() {
                let to = &mut border[column];
                x.neg_mul_add(factor.get(row + first + q), V::load(to)).store(to);
            }
        }
    }
}

/// Backward substitution of one such group with the border known.
#[inline(always)]
fn backward<V: Lanes, F: Stored<V::Pack>>(
    plan: &Plan,
    group: &Group,
    block: usize,
    factor: F,
    border: &[V::Pack],
    y: &mut [V::Pack],
) {
    let n = group.n;
    let orders = n / group.states.len().max(1);
    let first = group.border_column();
    for t in (0..plan.chain).rev() {
        let base = group.start + t * group.step_len;
        for r in (0..n).rev() {
            let row = base + group.base(r);
            let mut sum = V::splat(0.0);
            for (q, &column) in group.border.iter().enumerate() {
                sum = factor.get::<V>(row + first + q).mul_add(V::load(&border[column]), sum);
            }
            if t + 2 < plan.chain {
                for s in 0..group.skip {
                    let z = V::load(&y[(t + 2) * block + group.place[s * orders + orders - 2]]);
                    sum = factor.get::<V>(row + 2 * n + s).mul_add(z, sum);
                }
            }
            if t + 1 < plan.chain {
                for i in 0..n {
                    sum = factor.get::<V>(row + n + i).mul_add(V::load(&y[(t + 1) * block + group.place[i]]), sum);
                }
            }
            for i in r + 1..n {
                sum = factor.get::<V>(row + i).mul_add(V::load(&y[t * block + group.place[i]]), sum);
            }
            let y = &mut y[t * block + group.place[r]];
            factor.get::<V>(row + r).neg_mul_add(sum, V::load(y)).store(y);
        }
    }
}
