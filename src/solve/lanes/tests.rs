//! Turned samples against the plain code for any processor.

use super::blocks::{gather_blocks, scatter_blocks};
use super::*;

/// Gathers and scatters of `n` numbers from `count` samples that lie `stride` apart: the numbers, and that nothing else is written.
fn check<P: Pack + PartialEq + std::fmt::Debug>(n: usize, count: usize, stride: usize) {
    let samples: Vec<f64> = (0..P::WIDTH * stride + n).map(|i| i as f64 + 0.5).collect();
    let (mut got, mut expected) = (vec![P::ZERO; n], vec![P::ZERO; n]);
    P::gather(&mut got, &samples, stride, count);
    gather_blocks(&mut expected, &samples, stride, count);
    assert_eq!(got, expected, "gather of {n} numbers, {count} lanes {stride} apart");
    for (i, pack) in got.iter().enumerate() {
        for lane in 0..P::WIDTH {
            assert_eq!(pack.lane(lane), samples[lane.min(count - 1) * stride + i]);
        }
    }
    let mut to = vec![-1.0; (count - 1) * stride + n + 9];
    let mut plain = to.clone();
    P::scatter(&mut got, &mut to, stride, count);
    scatter_blocks(&mut expected, &mut plain, stride, count);
    assert_eq!(to, plain, "scatter of {n} numbers, {count} lanes {stride} apart");
    for (at, x) in to.iter().enumerate() {
        let written = (0..count).any(|lane| (lane * stride..lane * stride + n).contains(&at));
        assert_eq!(*x, if written { samples[at] } else { -1.0 }, "place {at}");
    }
}

#[test]
fn samples_are_turned_into_lanes_and_back() {
    for n in 1..=40 {
        for stride in n..n + 3 {
            (1..=8).for_each(|count| check::<Pack8>(n, count, stride));
            (1..=16).for_each(|count| check::<Pack16>(n, count, stride));
            (1..=16).for_each(|count| check::<Pair8>(n, count, stride));
        }
    }
}
