//! Moving samples into lanes and back: arrays of one lane group, and the powers of its steps.

use super::problem::{Problem, Shape};
use crate::solve::lanes::{Lanes, Pack};

/// The samples that one lane group holds. Lanes beyond the last sample repeat it and are never written back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Samples {
    pub first: usize,
    pub count: usize,
}

impl Samples {
    /// The `group`-th lane group of a batch.
    pub fn of_group<P: Pack>(group: usize, batch: usize) -> Self {
        let first = group * P::WIDTH;
        Samples { first, count: P::WIDTH.min(batch - first) }
    }
}

/// The matrix part of a lane group: coefficients, steps, and powers of steps and scales.
///
/// The unknown `u[t, d, k]` is solved for as `v = sigma^k u` with `sigma[t, d] = |h[t, d]|` (the last step takes the last interval).
pub(crate) struct Staged<P> {
    /// `(E, T, D, K)`
    pub c: Vec<P>,
    /// `(T-1, D)`
    pub h: Vec<P>,
    /// `sigma[t, d]^-k`, `(T, D, K)`
    pub unscale: Vec<P>,
    /// `(h[t, d] / sigma[t, d])^k`, `(T-1, D, K)`
    pub at_power: Vec<P>,
    /// `(h[t, d] / sigma[t+1, d])^k`, `(T-1, D, K)`
    pub next_power: Vec<P>,
    loaded: bool,
}

impl<P: Pack> Staged<P> {
    pub fn new(shape: &Shape) -> Self {
        let intervals = shape.intervals() * shape.states;
        Staged {
            c: vec![P::ZERO; shape.coefficients()],
            h: vec![P::ZERO; intervals],
            unscale: vec![P::ZERO; shape.unknowns()],
            at_power: vec![P::ZERO; intervals * shape.orders],
            next_power: vec![P::ZERO; intervals * shape.orders],
            loaded: false,
        }
    }

    /// Loads the matrix of a lane group; what all samples share is loaded once.
    #[inline(always)]
    pub fn load<V: Lanes<Pack = P>>(&mut self, problem: &Problem, samples: Samples) {
        let shape = &problem.shape;
        if problem.c.per_sample() {
            gather(&mut self.c, problem.c.values(), shape.coefficients(), samples);
        } else if !self.loaded {
            spread(&mut self.c, problem.c.values());
        }
        if problem.h.per_sample || !self.loaded {
            self.load_steps(problem, samples);
            self.powers::<V>(shape);
        }
        self.loaded = true;
    }

    fn load_steps(&mut self, problem: &Problem, samples: Samples) {
        let Problem { shape, h, .. } = problem;
        let columns = if h.per_state { shape.states } else { 1 };
        let stride = if h.per_sample { shape.intervals() * columns } else { 0 };
        for (i, step) in self.h.chunks_exact_mut(shape.states).enumerate() {
            for (d, pack) in step.iter_mut().enumerate() {
                let at = i * columns + if h.per_state { d } else { 0 };
                for lane in 0..P::WIDTH {
                    let sample = samples.first + lane.min(samples.count - 1);
                    pack.set_lane(lane, h.values[sample * stride + at]);
                }
            }
        }
    }

    #[inline(always)]
    fn powers<V: Lanes<Pack = P>>(&mut self, shape: &Shape) {
        let (states, orders) = (shape.states, shape.orders);
        for t in 0..shape.steps {
            for d in 0..states {
                let sigma = self.scale(t, d, shape);
                let inverse = V::splat(1.0).div(V::load(&sigma));
                fill_powers(&mut self.unscale[(t * states + d) * orders..][..orders], inverse);
                if t + 1 < shape.steps {
                    let ratio = V::load(&self.h[t * states + d]).div(V::load(&sigma));
                    fill_powers(&mut self.at_power[(t * states + d) * orders..][..orders], ratio);
                }
                if t > 0 {
                    let ratio = V::load(&self.h[(t - 1) * states + d]).div(V::load(&sigma));
                    fill_powers(&mut self.next_power[((t - 1) * states + d) * orders..][..orders], ratio);
                }
            }
        }
    }

    #[inline(always)]
    fn scale(&self, t: usize, d: usize, shape: &Shape) -> P {
        let mut sigma = P::ZERO;
        for lane in 0..P::WIDTH {
            let h = match shape.intervals() {
                0 => 1.0,
                n => self.h[t.min(n - 1) * shape.states + d].lane(lane).abs(),
            };
            sigma.set_lane(lane, if h.is_normal() { h } else { 1.0 });
        }
        sigma
    }
}

#[inline(always)]
fn fill_powers<V: Lanes>(to: &mut [V::Pack], x: V) {
    let mut power = V::splat(1.0);
    for pack in to {
        power.store(pack);
        power = power.mul(x);
    }
}

/// Packs turned at once: they stay in the first-level cache while all lanes are written.
const TURN: usize = 64;

/// `to[i]` lane `l` becomes number `i` of sample `first + l`; a sample has `stride` numbers.
#[inline(always)]
pub(crate) fn gather<P: Pack>(to: &mut [P], from: &[f64], stride: usize, samples: Samples) {
    for (at, to) in to.chunks_mut(TURN).enumerate() {
        for lane in 0..P::WIDTH {
            let sample = samples.first + lane.min(samples.count - 1);
            let from = &from[sample * stride + at * TURN..][..to.len()];
            for (pack, &x) in to.iter_mut().zip(from) {
                pack.set_lane(lane, x);
            }
        }
    }
}

/// `to[i]` becomes number `i` in all lanes.
#[inline(always)]
pub(crate) fn spread<P: Pack>(to: &mut [P], from: &[f64]) {
    for (pack, &x) in to.iter_mut().zip(from) {
        for lane in 0..P::WIDTH {
            pack.set_lane(lane, x);
        }
    }
}

/// The reverse of [`gather`], into samples counted from the start of `to`.
#[inline(always)]
pub(crate) fn scatter<P: Pack>(from: &[P], to: &mut [f64], stride: usize, first: usize, count: usize) {
    for (at, from) in from[..stride].chunks(TURN).enumerate() {
        for lane in 0..count {
            let to = &mut to[(first + lane) * stride + at * TURN..][..from.len()];
            for (x, pack) in to.iter_mut().zip(from) {
                *x = pack.lane(lane);
            }
        }
    }
}

/// Adds the first `count` lanes, in order, to `to`.
#[inline(always)]
pub(crate) fn accumulate<P: Pack>(from: &[P], to: &mut [f64], count: usize) {
    for (x, pack) in to.iter_mut().zip(from) {
        *x += (0..count).map(|lane| pack.lane(lane)).sum::<f64>();
    }
}

/// How a batch is cut: `chunks` pieces of `groups` lane groups each (the last may be shorter). A function of the batch alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub lane_groups: usize,
    pub groups: usize,
    pub samples: usize,
    pub chunks: usize,
}

impl Cut {
    pub fn new<P: Pack>(batch: usize) -> Self {
        let lane_groups = batch.div_ceil(P::WIDTH);
        let groups = lane_groups.div_ceil(16).clamp(1, 16);
        Cut { lane_groups, groups, samples: groups * P::WIDTH, chunks: lane_groups.div_ceil(groups) }
    }

    /// The lane groups of a chunk.
    pub fn range(&self, chunk: usize) -> std::ops::Range<usize> {
        chunk * self.groups..((chunk + 1) * self.groups).min(self.lane_groups)
    }

    /// The pieces of an array with `stride` numbers for each sample; empty pieces for an array that is not wanted.
    pub fn split<'a>(&self, array: &'a mut [f64], stride: usize) -> Vec<&'a mut [f64]> {
        if array.is_empty() || stride == 0 {
            return (0..self.chunks).map(|_| Default::default()).collect();
        }
        array.chunks_mut(self.samples * stride).collect()
    }
}
