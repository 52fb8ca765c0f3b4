//! Loops over vectors of lane groups.

use crate::solve::lanes::{Lanes, Pack};

/// Adds to one number in memory.
#[inline(always)]
pub(crate) fn bump<V: Lanes>(to: &mut V::Pack, x: V) {
    V::load(to).add(x).store(to);
}

/// `y *= by`, number by number: from gradients in `u` to gradients in scaled unknowns, and from scaled unknowns to `u`.
#[inline(always)]
pub(crate) fn scale_by<V: Lanes>(y: &mut [V::Pack], by: &[V::Pack]) {
    for (to, s) in y.iter_mut().zip(by) {
        V::load(to).mul(V::load(s)).store(to);
    }
}

/// [`scale_by`]; says whether all results are finite.
#[inline(always)]
pub(crate) fn scale_checked<V: Lanes>(y: &mut [V::Pack], by: &[V::Pack]) -> bool {
    let zero = V::splat(0.0);
    let mut sums = [zero; 4];
    let (blocks, rest) = y.as_chunks_mut::<4>();
    let (scales, rest_scales) = by.as_chunks::<4>();
    for (y, by) in blocks.iter_mut().zip(scales) {
        for i in 0..4 {
            let x = V::load(&y[i]).mul(V::load(&by[i]));
            x.store(&mut y[i]);
            sums[i] = x.mul_add(zero, sums[i]);
        }
    }
    for (y, by) in rest.iter_mut().zip(rest_scales) {
        let x = V::load(y).mul(V::load(by));
        x.store(y);
        sums[0] = x.mul_add(zero, sums[0]);
    }
    is_zero(sums)
}

/// Whether sums of products with zero are: a product with zero is zero unless something is not finite. Four of them, so that none waits
/// for the one before it.
#[inline(always)]
pub(crate) fn is_zero<V: Lanes>(sums: [V; 4]) -> bool {
    let mut sum = V::Pack::ZERO;
    sums[0].add(sums[1]).add(sums[2].add(sums[3])).store(&mut sum);
    (0..V::Pack::WIDTH).all(|lane| sum.lane(lane) == 0.0)
}

/// Whether no number is infinite or none at all.
#[inline(always)]
pub(crate) fn all_finite<V: Lanes>(y: &[V::Pack]) -> bool {
    let zero = V::splat(0.0);
    let mut sums = [zero; 4];
    let (blocks, rest) = y.as_chunks::<4>();
    for block in blocks {
        for i in 0..4 {
            sums[i] = V::load(&block[i]).mul_add(zero, sums[i]);
        }
    }
    for x in rest {
        sums[0] = V::load(x).mul_add(zero, sums[0]);
    }
    is_zero(sums)
}

/// `total += x`, number by number.
#[inline(always)]
pub(crate) fn add_to<V: Lanes>(total: &mut [V::Pack], x: &[V::Pack]) {
    for (to, x) in total.iter_mut().zip(x) {
        V::load(to).add(V::load(x)).store(to);
    }
}
