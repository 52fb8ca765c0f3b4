//! Blocks of samples turned into packs and back, number by number: for any pack and processor.

use super::Pack;

/// See [`Pack::turn`].
pub(super) fn turn_lanes<P: Pack>(block: &mut [P]) {
    for i in 0..P::WIDTH {
        for l in i + 1..P::WIDTH {
            let (a, b) = (block[i].lane(l), block[l].lane(i));
            block[i].set_lane(l, b);
            block[l].set_lane(i, a);
        }
    }
}

/// See [`Pack::gather`].
pub(super) fn gather_blocks<P: Pack>(to: &mut [P], from: &[f64], stride: usize, count: usize) {
    let n = to.len();
    let rows = || (0..P::WIDTH).map(|lane| &from[lane.min(count - 1) * stride..][..n]);
    let whole = to.len() / P::WIDTH * P::WIDTH;
    let (blocks, rest) = to.split_at_mut(whole);
    for (index, block) in blocks.chunks_exact_mut(P::WIDTH).enumerate() {
        for (pack, row) in block.iter_mut().zip(rows()) {
            for (i, &x) in row[index * P::WIDTH..][..P::WIDTH].iter().enumerate() {
                pack.set_lane(i, x);
            }
        }
        P::turn(block);
    }
    for (lane, row) in rows().enumerate() {
        for (pack, &x) in rest.iter_mut().zip(&row[whole..]) {
            pack.set_lane(lane, x);
        }
    }
}

/// See [`Pack::scatter`].
pub(super) fn scatter_blocks<P: Pack>(from: &mut [P], to: &mut [f64], stride: usize, count: usize) {
    let whole = from.len() / P::WIDTH * P::WIDTH;
    let (blocks, rest) = from.split_at_mut(whole);
    for (index, block) in blocks.chunks_exact_mut(P::WIDTH).enumerate() {
        P::turn(block);
        for (lane, pack) in block.iter().enumerate().take(count) {
            for (i, x) in to[lane * stride + index * P::WIDTH..][..P::WIDTH].iter_mut().enumerate() {
                *x = pack.lane(i);
            }
        }
    }
    for lane in 0..count.min(P::WIDTH) {
        for (pack, x) in rest.iter().zip(&mut to[lane * stride + whole..]) {
            *x = pack.lane(lane);
        }
    }
}
