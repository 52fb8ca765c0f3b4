//! Moving samples into lanes and back.

use super::problem::Shape;
use super::vectors::add_to;
use crate::solve::lanes::{Kernel, Lanes, Pack};

/// What the lanes of a group hold: chains of `steps` steps, each of a sample from some step on. Lanes beyond the last chain repeat it
/// and are never written back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// The first chain, and how many there are.
    pub first: usize,
    pub count: usize,
    /// Chains of a sample; chain `i` is of sample `i / segments`.
    pub segments: usize,
    /// Steps from the start of a chain to that of the next one of the sample.
    pub stride: usize,
    /// The first step of a sample's first chain.
    pub offset: usize,
    /// Steps loaded of each chain.
    pub steps: usize,
}

impl Window {
    /// The `group`-th lane group of a batch of whole samples.
    pub fn of_group<P: Pack>(group: usize, shape: &Shape) -> Self {
        let first = group * P::WIDTH;
        Window {
            first,
            count: P::WIDTH.min(shape.batch - first),
            segments: 1,
            stride: 0,
            offset: 0,
            steps: shape.steps,
        }
    }

    /// The same samples from step `offset` on.
    pub fn stretch(self, offset: usize, steps: usize) -> Self {
        Window { offset, steps, ..self }
    }

    /// The first step of all lanes, where it is the same in all of them.
    pub fn start(&self) -> Option<usize> {
        (self.segments == 1).then_some(self.offset)
    }

    /// Whether the chains are parts of the samples' time.
    pub fn is_cut(&self, shape: &Shape) -> bool {
        self.steps != shape.steps
    }

    /// Sample and first step of a lane.
    pub fn lane(&self, lane: usize) -> (usize, usize) {
        let chain = self.first + lane.min(self.count - 1);
        (chain / self.segments, self.offset + chain % self.segments * self.stride)
    }
}

/// Arrays with `rows` times all steps, of which a window's steps are taken.
pub(crate) struct Cut {
    pub rows: usize,
    pub steps: usize,
    pub window: Window,
}

impl Cut {
    /// `(rows, window steps, width)` packs from `(B or 1, rows, steps, width)` numbers.
    pub fn gather<P: Pack>(&self, to: &mut [P], from: &[f64], width: usize, per_sample: bool) {
        let Cut { rows, steps, window } = *self;
        let row = window.steps * width;
        if row == 0 {
            return;
        }
        if window.steps == steps {
            return match per_sample {
                true => gather(to, from, rows * row, window),
                false => spread(to, from),
            };
        }
        for (r, to) in to.chunks_exact_mut(row).take(rows).enumerate() {
            let at = |start: usize| (r * steps + start) * width;
            match (window.start(), per_sample) {
                (Some(start), true) => gather_part(to, from, (rows * steps * width, at(start)), window),
                (Some(start), false) => spread(to, &from[at(start)..]),
                (None, _) => {
                    for lane in 0..P::WIDTH {
                        let (sample, first) = window.lane(lane);
                        let start = if per_sample { sample * rows * steps * width } else { 0 } + at(first);
                        for (pack, &x) in to.iter_mut().zip(&from[start..start + row]) {
                            pack.set_lane(lane, x);
                        }
                    }
                }
            }
        }
    }

    /// The reverse, for lanes that start at the same step, into `(count, rows, steps, width)` numbers; `sample` counts the window's first
    /// sample from the start of `to`. `from` may be left turned.
    pub fn scatter<P: Pack>(&self, from: &mut [P], to: &mut [f64], width: usize, sample: usize) {
        let Cut { rows, steps, window } = *self;
        let (row, stride) = (window.steps * width, rows * steps * width);
        if row == 0 {
            return;
        }
        for (r, from) in from.chunks_exact_mut(row).take(rows).enumerate() {
            let at = sample * stride + (r * steps + window.offset) * width;
            P::scatter(from, &mut to[at..], stride, window.count);
        }
    }
}

/// `to[i]` lane `l` becomes number `i` of the lane's sample; a sample has `stride` numbers.
#[inline]
pub(crate) fn gather<P: Pack>(to: &mut [P], from: &[f64], stride: usize, window: Window) {
    gather_part(to, from, (stride, 0), window);
}

/// [`gather`] of the numbers from `at` on.
#[inline]
pub(crate) fn gather_part<P: Pack>(to: &mut [P], from: &[f64], (stride, at): (usize, usize), window: Window) {
    if to.is_empty() {
        return;
    }
    if window.segments == 1 {
        return P::gather(to, &from[window.first * stride + at..], stride, window.count);
    }
    for lane in 0..P::WIDTH {
        let row = &from[window.lane(lane).0 * stride + at..][..to.len()];
        for (pack, &x) in to.iter_mut().zip(row) {
            pack.set_lane(lane, x);
        }
    }
}

/// `to[i]` becomes number `i` in all lanes.
pub(crate) fn spread<P: Pack>(to: &mut [P], from: &[f64]) {
    for (pack, &x) in to.iter_mut().zip(from) {
        for lane in 0..P::WIDTH {
            pack.set_lane(lane, x);
        }
    }
}

/// A common factor in all lanes.
pub(crate) fn spread_factor<P: Pack>(from: &[f64]) -> Vec<P> {
    let mut to = vec![P::ZERO; from.len()];
    spread(&mut to, from);
    to
}

/// The reverse of [`gather`], into samples counted from the start of `to`. `from` may be left turned.
#[inline]
pub(crate) fn scatter<P: Pack>(from: &mut [P], to: &mut [f64], stride: usize, first: usize, count: usize) {
    if stride > 0 {
        P::scatter(&mut from[..stride], &mut to[first * stride..][..count * stride], stride, count);
    }
}

/// Adds the first `count` lanes of `from` to `to`.
pub(crate) fn accumulate<P: Pack>(from: &[P], to: &mut [P], count: usize) {
    if count == P::WIDTH {
        return P::dispatch(Sum { from, to });
    }
    for (pack, to) in from.iter().zip(to) {
        for lane in 0..count {
            to.set_lane(lane, to.lane(lane) + pack.lane(lane));
        }
    }
}

/// Adds `from` to `to` in all lanes.
struct Sum<'a, P> {
    from: &'a [P],
    to: &'a mut [P],
}

impl<P: Pack> Kernel<P> for Sum<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = P>>(self) {
        add_to::<V>(self.to, self.from);
    }
}

/// How a batch is cut into pieces of whole lane groups: by its size alone, so that sums over pieces do not depend on the number of
/// threads.
pub(crate) struct Pieces {
    pub lane_groups: usize,
    /// Lane groups in a piece.
    pub groups: usize,
    /// Chains in a piece.
    pub samples: usize,
    pub count: usize,
}

impl Pieces {
    pub fn new<P: Pack>(batch: usize) -> Self {
        let lane_groups = batch.div_ceil(P::WIDTH);
        let groups = lane_groups.div_ceil(16).clamp(1, 16);
        Pieces { lane_groups, groups, samples: groups * P::WIDTH, count: lane_groups.div_ceil(groups) }
    }

    /// The lane groups of a piece.
    pub fn range(&self, piece: usize) -> std::ops::Range<usize> {
        piece * self.groups..((piece + 1) * self.groups).min(self.lane_groups)
    }

    /// The pieces of an array with `stride` numbers for each sample; empty pieces for an array that is not wanted.
    pub fn split<'a, T>(&self, array: &'a mut [T], stride: usize) -> Vec<&'a mut [T]> {
        if array.is_empty() || stride == 0 {
            return (0..self.count).map(|_| Default::default()).collect();
        }
        array.chunks_mut(self.samples * stride).collect()
    }
}
