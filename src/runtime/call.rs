//! Runs the steps of one call.

use std::sync::OnceLock;

use super::workspace::{Cut, Layout};
use super::{RuntimeError, Threads, product, solve, spd};
use crate::artifact::{Code, Entry, LoopStep, Step};
use crate::base::Elem;

pub(super) use super::solve::{SolvePlan, SolverState};

/// A call whose memory is laid out: every pointer is that of a checked tensor or of a place in the workspace that is big enough.
pub(super) struct Run<'r> {
    pub entry: &'r Entry,
    pub code: &'r Code,
    pub threads: &'r Threads,
    pub sizes: &'r [u64],
    pub layout: &'r Layout,
    pub pointers: &'r [*mut u8],
    pub partials: *mut u8,
    /// Where a solve by rows is told.
    pub by_rows: &'r OnceLock<String>,
}

// SAFETY: the threads of a step write disjoint elements (chunks of an outermost loop that indexes every store, blocks of a
// product, systems of a batch, partial sums of their own), and what they read is written by no one in that step.
unsafe impl Sync for Run<'_> {}
// SAFETY: as above; the tensors behind the pointers are borrowed for the whole call.
unsafe impl Send for Run<'_> {}

impl Run<'_> {
    /// Runs every step in order.
    pub fn steps(&self, plan: &SolvePlan, solvers: &mut [SolverState]) -> Result<(), RuntimeError> {
        solvers.iter_mut().for_each(SolverState::start_call);
        // One entry into the pool for the whole call, so that steps do not wait for a thread to wake up each.
        self.threads.install(|| {
            for (i, step) in self.entry.steps.iter().enumerate() {
                match step {
                    Step::Loops(step) => self.loops(step, self.layout.cuts[i]),
                    Step::Product(step) => product::run(self, step),
                    Step::Spd(step) => spd::run(self, i, step)?,
                    Step::Solve(step) => {
                        if let Some(state) = plan.states[i] {
                            solve::run(self, i, step, plan, &mut solvers[state])?;
                        }
                    }
                }
            }
            Ok(())
        })
    }

    /// The address of a buffer.
    pub fn pointer(&self, buffer: usize) -> *mut u8 {
        self.pointers[buffer]
    }

    /// How many numbers a buffer holds in this call.
    pub fn count(&self, buffer: usize) -> usize {
        self.entry.buffers[buffer].size.value(self.sizes).unwrap_or(0) as usize
    }

    /// Where a chunk adds up its part of each sum: of its own, unless it is the only chunk.
    fn accumulators(&self, step: &LoopStep, cut: Cut, sum_bytes: usize, chunk: usize) -> Vec<*mut u8> {
        if cut.chunks == 1 {
            return step.sums.iter().map(|s| self.pointer(s.buffer)).collect();
        }
        let mut next = self.partials.wrapping_add(chunk * sum_bytes);
        let mut take = |bytes: usize| {
            let own = next;
            next = next.wrapping_add(bytes);
            own
        };
        step.sums.iter().map(|s| take(self.layout.bytes[s.buffer])).collect()
    }

    fn loops(&self, step: &LoopStep, cut: Cut) {
        let Some(function) = self.code.function(step.nest) else { return };
        let sum_bytes: usize = step.sums.iter().map(|s| self.layout.bytes[s.buffer]).sum();
        self.threads.for_each(cut.chunks as usize, |chunk| {
            let sums = self.accumulators(step, cut, sum_bytes, chunk);
            let begin = chunk as u64 * cut.length;
            let end = (begin + cut.length).min(cut.outer);
            // SAFETY: the function was generated for this entry: it touches the entry's buffers within the sizes bound, all
            // of which the pointers have; see `Run` for why chunks do not collide.
            unsafe { function(self.pointers.as_ptr(), self.sizes.as_ptr(), sums.as_ptr(), begin, end) };
        });
        if cut.chunks > 1 {
            let mut offset = 0;
            for s in &step.sums {
                let buffer = &self.entry.buffers[s.buffer];
                let count = buffer.size.value(self.sizes).unwrap_or(0) as usize;
                let first = self.partials.wrapping_add(offset);
                // SAFETY: `chunks` accumulators of `count` numbers lie `sum_bytes` apart from `first` on, and the
                // result's buffer has room for `count` numbers; none of them overlap.
                unsafe {
                    match buffer.elem {
                        Elem::F32 => {
                            add_tree::<f32>(first, sum_bytes, cut.chunks as usize, count, self.pointer(s.buffer))
                        }
                        Elem::F64 => {
                            add_tree::<f64>(first, sum_bytes, cut.chunks as usize, count, self.pointer(s.buffer))
                        }
                    }
                }
                offset += self.layout.bytes[s.buffer];
            }
        }
    }
}

/// Adds accumulator 1 to 0, 3 to 2, ..., then 2 to 0, 6 to 4, ..., until all are in the first, which goes to `out`.
///
/// # Safety
/// `chunks` arrays of `count` numbers lie `bytes` apart from `first` on, aligned; `out` has room for `count` and overlaps none.
unsafe fn add_tree<T: std::ops::AddAssign + Copy>(
    first: *mut u8,
    bytes: usize,
    chunks: usize,
    count: usize,
    out: *mut u8,
) {
    let mut step = 1;
    while step < chunks {
        for left in (0..chunks - step).step_by(2 * step) {
            // SAFETY: the caller's contract; the two arrays are different ones.
            let (to, from) = unsafe {
                (
                    std::slice::from_raw_parts_mut(first.add(left * bytes).cast::<T>(), count),
                    std::slice::from_raw_parts(first.add((left + step) * bytes).cast::<T>(), count),
                )
            };
            to.iter_mut().zip(from).for_each(|(t, f)| *t += *f);
        }
        step *= 2;
    }
    // SAFETY: the caller's contract.
    unsafe { std::ptr::copy_nonoverlapping(first.cast::<T>().cast_const(), out.cast::<T>(), count) };
}
