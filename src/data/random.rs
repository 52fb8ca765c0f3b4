//! Random numbers with a documented stream for every purpose, identical on every machine.
//!
//! The generator is ChaCha with 8 rounds, its key made from the seed by `seed_from_u64`, its 64-bit stream number
//! `purpose << 56 | index`. So no two purposes, trajectories, columns or epochs ever share numbers, and drawing more in
//! one place changes nothing in another.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What random numbers are drawn for; the discriminant is the top byte of the stream number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Measurement noise; index = trajectory * 2^20 + column.
    Noise = 1,
    /// The order of mini-batches; index = epoch.
    Shuffle = 2,
    /// The choice of trajectories that are held out; index 0.
    HoldOut = 3,
    /// Initial values of simulated trajectories; index = trajectory.
    Simulation = 4,
    /// Initial weights of networks; index chosen by the caller.
    Weights = 5,
    /// Systems to measure the solver with; index = array.
    Benchmark = 6,
    /// Parameters of simulated trajectories; index = trajectory.
    Parameters = 7,
    /// Random numbers of formulas; index = trajectory * 2^20 + position of the number in its block.
    Formula = 8,
    /// Values of states where they were not seen, for what does not depend on them; index = component.
    Missing = 9,
    /// Points at which freedoms of hidden states are looked for; index = trajectory, or 2^40 where there is no fit.
    Freedom = 10,
}

/// The generator for one purpose and index (the lower 56 bits count).
pub fn stream(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((purpose as u64) << 56) | (index & ((1 << 56) - 1)));
    rng
}

/// Uniform on (0, 1]: the upper 53 bits of the next word plus one, times 2^-53.
pub fn uniform(rng: &mut impl Rng) -> f64 {
    ((rng.next_u64() >> 11) + 1) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Fills `out` with independent standard normal numbers: Box and Muller's transform (Ann. Math. Stat. 29, 1958) in pairs,
/// cosine first, with libm's functions so that every machine gives the same bits.
pub fn normals(rng: &mut impl Rng, out: &mut [f64]) {
    for pair in out.chunks_mut(2) {
        let radius = (-2.0 * libm::log(uniform(rng))).sqrt();
        let angle = core::f64::consts::TAU * uniform(rng);
        if let Some(first) = pair.first_mut() {
            *first = radius * libm::cos(angle);
        }
        if let Some(second) = pair.get_mut(1) {
            *second = radius * libm::sin(angle);
        }
    }
}

/// The numbers `0..n` in random order (Fisher and Yates; an index below `k` is the high word of a 64 x 64 bit product,
/// whose bias of at most k/2^64 is beyond notice).
pub fn permutation(rng: &mut impl Rng, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        let pick = ((u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64) as usize;
        order.swap(pick, last);
    }
    order
}
