//! Chains of blocks of several states with `K` orders each, without a border: tiles of `K` by `K` numbers in registers.
//!
//! The same arithmetic as in [`super::blocks`], with the assembly in the same go. A tile takes two loads for each `K` products of a
//! plain row by row elimination, which waits for memory. Blocks of the size `N` get code of their own, with every place in memory
//! known when compiled; `N = 0` is any size. Tiles stay in registers only where no index of theirs is known at run time only.

use super::assemble::Assembly;
use super::eliminate::BadPivot;
use super::plan::Group;
use super::substitute::{Chain, Stored};
use crate::solve::lanes::{Lanes, Pack};
pub(crate) use eliminate::Tiles;
use eliminate::eliminate_tiles;
use substitute::{backward_tiles, forward_tiles};

#[expect(clippy::needless_range_loop, reason = "triangular loops read like their formulas")]
mod eliminate;
#[expect(clippy::needless_range_loop, reason = "triangular loops read like their formulas")]
mod substitute;

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
