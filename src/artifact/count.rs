//! How many threads, numbers or segments: products that are known when a call has bound the axes.

use super::Size;
use crate::base::Elem;

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Count {
    /// What is multiplied.
    pub factors: Vec<Factor>,
}

/// One factor of a [`Count`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Factor {
    /// A size, which counts for so much at most.
    Size(Size, u64),
    /// A size rounded up to a multiple of this.
    Multiple(Size, u64),
    /// The [`segments`] of so many time steps.
    Segments(Size),
    /// 1 where systems [are cut in time](TimeCut::applies) or, if `cut` is false, where they are not; else 0.
    When {
        /// The systems.
        systems: TimeCut,
        /// Which of the two.
        cut: bool,
    },
}

/// Systems of a relaxed solve that a device does one by one, or cuts in time into segments that it does at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeCut {
    /// How many there are.
    pub systems: Size,
    /// Threads of each.
    pub lanes: u64,
    /// Time steps of each.
    pub steps: Size,
}

/// The most threads that systems which are cut would have otherwise. The largest devices have some five hundred schedulers of 32 threads:
/// a thousand threads leave nearly all of them without work, and 16 times as many, which cutting makes of them, still find room.
pub const MOST_THREADS_CUT: u64 = 1024;
/// The fewest steps that are cut: 16 segments of 7 steps, and the 15 steps between them.
pub const FEWEST_STEPS_CUT: u64 = 128;

/// Widest block of unknowns that one thread has in registers, in double and in single precision.
const WIDEST_OF_A_THREAD: [u64; 2] = [6, 8];
/// Threads of a system beyond that.
const LANES: u32 = 32;

/// Threads of a device that do a system of a relaxed solve together, by the width of its blocks and the type of its rows.
pub fn lanes(block: u64, elem: Elem) -> u32 {
    let [double, single] = WIDEST_OF_A_THREAD;
    let widest = if elem == Elem::F32 { single } else { double };
    if block > widest { LANES } else { 1 }
}

/// Segments of so many steps: the power of two nearest to the square root. A thread goes through one segment, and one through the steps
/// between segments; both ways together are shortest where they are alike.
pub fn segments(steps: u64) -> u64 {
    // The largest `2^k` with `2^(2k - 1) <= steps`.
    1 << (steps.max(1).ilog2().div_ceil(2))
}

/// The rule by which systems are cut in time: few of them, and long ones.
pub fn cuts_time(systems: u64, lanes: u64, steps: u64) -> bool {
    systems.saturating_mul(lanes) <= MOST_THREADS_CUT && steps >= FEWEST_STEPS_CUT
}

impl TimeCut {
    /// Whether the systems are cut, for the sizes of all axes; `None` beyond 63 bits.
    pub fn applies(&self, sizes: &[u64]) -> Option<bool> {
        Some(cuts_time(self.systems.value(sizes)?, self.lanes, self.steps.value(sizes)?))
    }
}

impl Count {
    /// A size as it is.
    pub fn of(size: Size) -> Count {
        Count { factors: vec![Factor::Size(size, u64::MAX)] }
    }

    /// The product with a size that counts for `most` at most.
    pub fn times(self, size: Size, most: u64) -> Count {
        self.by(Factor::Size(size, most))
    }

    /// The product with another factor.
    pub fn by(mut self, factor: Factor) -> Count {
        self.factors.push(factor);
        self
    }

    /// Whether it is 0 for whatever sizes.
    pub fn is_nothing(&self) -> bool {
        self.factors.iter().any(|factor| match factor {
            Factor::Size(size, most) => size.factor == 0 || *most == 0,
            Factor::Multiple(size, _) => size.factor == 0,
            Factor::Segments(_) | Factor::When { .. } => false,
        })
    }

    /// Its value for the sizes of all axes, or `None` beyond 63 bits.
    pub fn value(&self, sizes: &[u64]) -> Option<u64> {
        let factor = |factor: &Factor| match factor {
            Factor::Size(size, most) => Some(size.value(sizes)?.min(*most)),
            Factor::Multiple(size, of) => size.value(sizes)?.checked_next_multiple_of(*of),
            Factor::Segments(steps) => Some(segments(steps.value(sizes)?)),
            Factor::When { systems, cut } => Some(u64::from(systems.applies(sizes)? == *cut)),
        };
        let product = self.factors.iter().try_fold(1u64, |product, f| product.checked_mul(factor(f)?))?;
        (product <= i64::MAX as u64).then_some(product)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_cut_each_factor_off_and_refuse_overflow() {
        let count = Count::of(Size::axis(0)).times(Size::axis(1), 8);
        assert_eq!(count.value(&[3, 100]), Some(24));
        assert_eq!(count.value(&[3, 5]), Some(15));
        assert_eq!(count.value(&[u64::MAX / 4, 100]), None);
        assert!(!count.is_nothing() && count.times(Size::ZERO, u64::MAX).is_nothing());
    }

    #[test]
    fn multiples_are_rounded_up() {
        let count = Count::of(Size::axis(0)).by(Factor::Multiple(Size::axis(1), 32));
        for (size, expected) in [(0, 0), (1, 32), (32, 32), (33, 64)] {
            assert_eq!(count.value(&[3, size]), Some(3 * expected), "{size}");
        }
        assert_eq!(count.value(&[1, i64::MAX as u64]), None);
        assert_eq!(Count::of(Size::ONE).by(Factor::Multiple(Size::axis(0), 0)).value(&[1]), None, "of nothing");
    }

    #[test]
    fn segments_and_the_steps_between_them_are_alike_in_number() {
        for (steps, expected) in [(0, 1), (1, 1), (127, 8), (128, 16), (511, 16), (512, 32), (2000, 32), (2048, 64)] {
            assert_eq!(segments(steps), expected, "{steps}");
        }
        for steps in FEWEST_STEPS_CUT..5000 {
            let (cut, root) = (segments(steps) as f64, (steps as f64).sqrt());
            assert!(cut <= root * 2f64.sqrt() && cut >= root / 2f64.sqrt(), "{steps} steps, {cut} segments");
        }
        assert!(segments(u64::MAX) >= 1 << 31);
    }

    #[test]
    fn just_one_of_both_ways_counts() {
        let of = |cut| {
            let systems = TimeCut { systems: Size::axis(0), lanes: 32, steps: Size::axis(1) };
            Count::of(Size::axis(0)).by(Factor::Segments(Size::axis(1))).by(Factor::When { systems, cut })
        };
        // 32 systems of 32 threads are the most, 128 steps the fewest.
        for (sizes, cut) in [([32, 128], 32 * 16), ([33, 128], 0), ([32, 127], 0), ([1, 2000], 32)] {
            assert_eq!(of(true).value(&sizes), Some(cut), "{sizes:?}");
            let whole = if cut > 0 { 0 } else { sizes[0] * segments(sizes[1]) };
            assert_eq!(of(false).value(&sizes), Some(whole), "{sizes:?}");
        }
    }
}
