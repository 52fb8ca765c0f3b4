//! Where the numbers of factors are.

use super::segments::Segments;
use crate::solve::lanes::{Pack, Pack8, Pack16};

/// Numbers of the factors of a batch.
#[derive(Debug, Clone)]
pub(crate) enum Storage {
    /// One sample, or all have the same matrix.
    Narrow(Vec<f64>),
    /// Eight samples to a lane group.
    Wide(Vec<Pack8>),
    /// Sixteen samples to a lane group.
    Single(Vec<Pack16>),
    /// Few samples, each cut in time.
    Segments(Box<Segments>),
}

/// Factors of single samples, each in its lane; lanes beyond the last sample repeat it.
pub(crate) fn pack<P: Pack>(len: usize, factors: &[Vec<f64>]) -> Vec<P> {
    let mut to = vec![P::ZERO; len * factors.len().div_ceil(P::WIDTH)];
    for (group, lanes) in to.chunks_exact_mut(len.max(1)).zip(factors.chunks(P::WIDTH)) {
        for (i, pack) in group.iter_mut().enumerate() {
            for lane in 0..P::WIDTH {
                pack.set_lane(lane, lanes[lane.min(lanes.len() - 1)][i]);
            }
        }
    }
    to
}

macro_rules! values_of {
    ($name:ident, $variant:ident, $pack:ty) => {
        /// The memory of a storage of this kind; that of another kind is given up.
        pub(crate) fn $name(storage: &mut Storage, len: usize) -> &mut [$pack] {
            if !matches!(storage, Storage::$variant(_)) {
                *storage = Storage::$variant(Vec::new());
            }
            match storage {
                Storage::$variant(values) => {
                    values.resize(len, <$pack as Pack>::ZERO);
                    values
                }
                _ => &mut [],
            }
        }
    };
}

values_of!(narrow, Narrow, f64);
values_of!(wide, Wide, Pack8);
values_of!(single, Single, Pack16);
