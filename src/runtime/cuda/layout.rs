//! Where the memory of a device program is, for one set of sizes.

use crate::artifact::BufferPlace;
use crate::artifact::device::DeviceProgram;
use crate::runtime::RuntimeError;
use crate::runtime::place::{Tenant, place};

/// Everything starts at a multiple of this.
pub(super) const ALIGN: usize = 256;

/// Offsets in one piece of device memory.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Of every buffer.
    pub buffers: Vec<u64>,
    /// Of every piece of scratch.
    pub scratch: Vec<u64>,
    /// Offset of the status words.
    pub status: u64,
    /// Bytes of everything but what is kept.
    pub total: u64,
    /// Bytes of scratch that is kept from call to call, whose offsets are counted from its own beginning.
    pub kept: u64,
}

/// Where parameters and results are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outer {
    /// In the same memory.
    Inside,
    /// Elsewhere: they get no room.
    Elsewhere,
}

impl Layout {
    /// Lays out a program: parameters and results keep their places from the first step to the last, the rest shares them. `used` says
    /// which operators are.
    pub fn new(
        program: &DeviceProgram,
        (sizes, used): (&[u64], &[bool]),
        outer: Outer,
    ) -> Result<Layout, RuntimeError> {
        let entry = &program.entry;
        let too_large = || RuntimeError::Memory { entry: entry.name.clone(), bytes: usize::MAX };
        let (mut first, mut last) = (vec![usize::MAX; entry.buffers.len()], vec![0; entry.buffers.len()]);
        for (i, step) in entry.steps.iter().enumerate() {
            for b in step.reads().into_iter().chain(step.writes()) {
                first[b] = first[b].min(i);
                last[b] = last[b].max(i);
            }
        }
        let bytes = |count: Option<u64>, each: usize| {
            let bytes = usize::try_from(count?).ok()?.checked_mul(each)?;
            bytes.max(1).checked_next_multiple_of(ALIGN)
        };
        let mut tenants = Vec::new();
        for (b, buffer) in entry.buffers.iter().enumerate() {
            let bytes = bytes(buffer.size.value(sizes), buffer.elem.bytes()).ok_or_else(too_large)?;
            tenants.push(match buffer.place {
                BufferPlace::Temporary if first[b] != usize::MAX => Tenant { bytes, first: first[b], last: last[b] },
                BufferPlace::Temporary => Tenant { bytes: 0, first: 0, last: 0 },
                _ if outer == Outer::Elsewhere => Tenant { bytes: 0, first: 0, last: 0 },
                _ => Tenant { bytes, first: 0, last: entry.steps.len() },
            });
        }
        let mut kept = 0u64;
        let mut places = Vec::with_capacity(program.scratch.len());
        for scratch in &program.scratch {
            let needed = scratch.when.needed(used, true);
            let bytes = bytes(scratch.numbers(sizes, used), scratch.elem.bytes()).ok_or_else(too_large)?;
            let own = needed && scratch.kept;
            places.push(own.then_some(kept));
            if own {
                kept = kept.checked_add(bytes as u64).ok_or_else(too_large)?;
            }
            let bytes = if needed && !own { bytes } else { 0 };
            tenants.push(Tenant { bytes, first: scratch.alive.0, last: scratch.alive.1 });
        }
        let (mut offsets, total) = place(&tenants).ok_or_else(too_large)?;
        let offset = |o: usize| o as u64;
        let shared = offsets.split_off(entry.buffers.len()).into_iter();
        let scratch = shared.zip(places).map(|(shared, own)| own.unwrap_or(offset(shared))).collect();
        let status = total as u64;
        let words = 8 * program.checks.len() as u64;
        let total = status.checked_add(words).ok_or_else(too_large)?;
        let total = total.checked_next_multiple_of(ALIGN as u64).ok_or_else(too_large)?;
        Ok(Layout { buffers: offsets.into_iter().map(offset).collect(), scratch, status, total, kept })
    }
}
