//! Memory that results will be written to.

/// Numbers that the results of a computation over steps will be copied to. Their cache lines are asked for while it computes: the copy
/// would wait for them, since it writes faster than memory answers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Destination<'a> {
    numbers: &'a [f64],
    lines: usize,
}

/// Numbers in a cache line.
const LINE: usize = 8;

impl<'a> Destination<'a> {
    /// The rows of `count` samples from sample `first` on, of `stride` numbers each; nothing where the array is not wanted and therefore empty.
    pub fn new(array: &'a [f64], stride: usize, (first, count): (usize, usize), steps: usize) -> Self {
        let numbers = array.get(first * stride..(first + count) * stride).unwrap_or_default();
        Destination { numbers, lines: numbers.len().div_ceil(LINE * steps.max(1)) }
    }

    /// Asks for a step's share of the lines; a share for each step are all of them.
    #[inline(always)]
    pub fn ask(&self, step: usize) {
        for line in step * self.lines..(step + 1) * self.lines {
            if let Some(number) = self.numbers.get(line * LINE) {
                ask_to_write(number);
            }
        }
    }
}

#[inline(always)]
fn ask_to_write(number: &f64) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        // SAFETY: part of every x86-64 processor; one without the hint takes it for no instruction. Nothing is read or written.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(std::ptr::from_ref(number).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = number;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_belongs_to_a_step() {
        let array = vec![0.0; 100];
        for (stride, count, steps) in [(3, 7, 5), (25, 4, 1), (12, 8, 3), (1, 9, 50)] {
            let it = Destination::new(&array, stride, (0, count), steps);
            assert_eq!(it.numbers.len(), stride * count);
            assert!(it.lines * steps * LINE >= stride * count, "{stride} {count} {steps}");
            (0..=steps).for_each(|step| it.ask(step));
        }
        assert!(Destination::new(&[], 3, (2, 8), 5).numbers.is_empty(), "what is not wanted has no lines");
    }
}
