//! The memory of one executable: temporaries and partial sums, laid out when sizes change.

use super::RuntimeError;
use super::place::{Tenant, place};
use crate::artifact::{BufferPlace, Entry, LoopStep, Step};

/// Every buffer starts at a multiple of a cache line.
const ALIGN: usize = 64;
/// Chunks of a loop nest at most: enough to balance a few threads.
const MAX_CHUNKS: u64 = 64;
/// Additions in a chunk at least: a chunk must be worth starting.
const CHUNK_WORK: u64 = 20_000;

/// Where everything is for one set of sizes.
#[derive(Default)]
pub(super) struct Layout {
    /// Bytes of each buffer.
    pub bytes: Vec<usize>,
    /// Offset of each buffer in the workspace; meaningless for the caller's.
    pub offsets: Vec<usize>,
    /// How each step that is a loop nest is cut.
    pub cuts: Vec<Cut>,
    /// Offset of the partial sums.
    pub partials: usize,
    /// Bytes of the workspace.
    pub total: usize,
}

/// How a loop nest is cut into chunks.
#[derive(Clone, Copy, Default)]
pub(super) struct Cut {
    /// Iterations of the outermost loop.
    pub outer: u64,
    /// Iterations in a chunk.
    pub length: u64,
    /// Chunks.
    pub chunks: u64,
}

/// Memory aligned to cache lines.
#[derive(Default)]
pub(super) struct Memory {
    lines: Vec<Line>,
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code, reason = "only the memory is used")] [u8; ALIGN]);

impl Memory {
    /// Makes room for `bytes`; what is there is forgotten.
    pub fn reserve(&mut self, bytes: usize) -> bool {
        let lines = bytes.div_ceil(ALIGN);
        if lines > self.lines.len() {
            self.lines.clear();
            if self.lines.try_reserve_exact(lines).is_err() {
                return false;
            }
            self.lines.resize(lines, Line([0; ALIGN]));
        }
        true
    }

    /// The first byte.
    pub fn start(&mut self) -> *mut u8 {
        self.lines.as_mut_ptr().cast()
    }
}

impl Layout {
    /// Lays out `entry` for `sizes`; results marked in `copied` live in the workspace until the call ends.
    pub fn new(entry: &Entry, sizes: &[u64], copied: &[bool]) -> Result<Layout, RuntimeError> {
        let overflow = || RuntimeError::Memory { entry: entry.name.clone(), bytes: usize::MAX };
        let mut layout = Layout::default();
        for buffer in &entry.buffers {
            let count = buffer.size.value(sizes).ok_or_else(overflow)?;
            let bytes = (count as usize).checked_mul(buffer.elem.bytes()).ok_or_else(overflow)?;
            layout.bytes.push(bytes.checked_next_multiple_of(ALIGN).ok_or_else(overflow)?);
        }
        layout.temporaries(entry, copied).ok_or_else(overflow)?;
        let mut partials = 0usize;
        for step in &entry.steps {
            let mut cut = Cut::default();
            if let Step::Loops(step) = step {
                let sum_bytes: usize = step.sums.iter().map(|s| layout.bytes[s.buffer]).sum();
                cut = Cut::new(step, sizes, sum_bytes).ok_or_else(overflow)?;
                partials = partials.max(sum_bytes.checked_mul(cut.chunks as usize).ok_or_else(overflow)?);
            }
            layout.cuts.push(cut);
        }
        layout.partials = layout.total;
        layout.total = layout.total.checked_add(partials).ok_or_else(overflow)?;
        Ok(layout)
    }

    /// Gives every temporary the first gap that is free from its first to its last step.
    fn temporaries(&mut self, entry: &Entry, copied: &[bool]) -> Option<()> {
        let mut first = vec![usize::MAX; entry.buffers.len()];
        let mut last = vec![0; entry.buffers.len()];
        for (i, step) in entry.steps.iter().enumerate() {
            for b in step.reads().into_iter().chain(step.writes()) {
                first[b] = first[b].min(i);
                last[b] = last[b].max(i);
            }
        }
        self.offsets = vec![0; entry.buffers.len()];
        let here = |b: usize| match entry.buffers[b].place {
            BufferPlace::Param(_) => false,
            BufferPlace::Result(r) => copied.get(r).copied().unwrap_or(false),
            BufferPlace::Temporary => first[b] != usize::MAX,
        };
        let buffers: Vec<usize> = (0..entry.buffers.len()).filter(|&b| here(b)).collect();
        let tenant = |&b: &usize| {
            // A result is copied out after the last step.
            let result = matches!(entry.buffers[b].place, BufferPlace::Result(_));
            Tenant { bytes: self.bytes[b], first: first[b], last: if result { entry.steps.len() } else { last[b] } }
        };
        let (offsets, total) = place(&buffers.iter().map(tenant).collect::<Vec<_>>())?;
        buffers.iter().zip(offsets).for_each(|(&b, offset)| self.offsets[b] = offset);
        self.total = total;
        Some(())
    }
}

impl Cut {
    /// Depends on sizes only, so that sums do not depend on the number of threads.
    fn new(step: &LoopStep, sizes: &[u64], sum_bytes: usize) -> Option<Cut> {
        let outer = step.outer.value(sizes)?;
        let inner = step.inner.value(sizes)?;
        let work = outer.saturating_mul(inner).saturating_mul(step.cost);
        // Adding up partial sums must stay cheap beside making them.
        let per_chunk = CHUNK_WORK.max(sum_bytes as u64);
        let chunks = (work / per_chunk).clamp(1, MAX_CHUNKS).min(outer.max(1));
        let length = outer.div_ceil(chunks).max(1);
        Some(Cut { outer, length, chunks: outer.div_ceil(length).max(1) })
    }
}
