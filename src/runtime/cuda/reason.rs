//! Why a system of a relaxed solve failed: it is solved again on the host, which names state and derivative.

use super::code::{Code, Placed};
use super::handles::fault;
use crate::artifact::device::Memory;
use crate::artifact::{BufferIndex, SolveStep, Step};
use crate::runtime::solve;
use cudarc::driver::result;

impl Code {
    /// The host's words on system `sample` of the solve that is step `step` of the entry; `None` where there is no such system, where it finds
    /// nothing wrong, or the device does not give the numbers out. Memory that later steps have written is computed anew.
    pub(super) fn reason(&self, placed: &Placed, step: usize, sample: usize) -> Option<String> {
        let Some(Step::Solve(solve)) = self.program.entry.steps.get(step) else { return None };
        let batch = usize::try_from(solve.batch.value(&placed.sizes)?).ok()?;
        if sample >= batch {
            return None;
        }
        self.device.bind().ok()?;
        self.put_until(placed, step, true).ok()?;
        self.device.synchronize().ok()?;
        let operand = |(buffer, own): (BufferIndex, bool)| self.numbers(placed, solve, buffer, own.then_some(sample));
        let [c, rhs, iv, h] = solve.operands;
        // Right-hand sides and initial values are always those of one system.
        let operands = [operand(c)?, operand((rhs.0, true))?, operand((iv.0, true))?, operand(h)?];
        let (error, by_rows) = solve::why(solve, &placed.sizes, operands.each_ref().map(Vec::as_slice), sample)?;
        let way_out = if by_rows { "; the CPU solves it by a factor of its rows, with `--device cpu`" } else { "" };
        Some(format!("{error}{way_out}"))
    }

    /// The numbers of a buffer, or those of one system in it.
    fn numbers(&self, placed: &Placed, s: &SolveStep, buffer: BufferIndex, of: Option<usize>) -> Option<Vec<f64>> {
        let all = usize::try_from(self.program.entry.buffers.get(buffer)?.size.value(&placed.sizes)?).ok()?;
        let batch = usize::try_from(s.batch.value(&placed.sizes)?).ok()?.max(1);
        let (first, count) = of.map_or((0, all), |sample| (sample * (all / batch), all / batch));
        let mut numbers = vec![0.0f64; count];
        if count > 0 {
            let from = placed.address(Memory::Buffer(buffer)) + 8 * first as u64;
            // SAFETY: the buffer holds `all` numbers in double precision, of which these are some, and the stream has been waited for.
            unsafe { result::memcpy_dtoh_async(&mut numbers, from, self.device.stream()) }
                .map_err(fault("gave numbers out"))
                .ok()?;
            self.device.synchronize().ok()?;
        }
        Some(numbers)
    }
}
