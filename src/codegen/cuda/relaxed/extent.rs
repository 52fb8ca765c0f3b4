//! What one thread or one group of lanes goes through: a whole system, a segment of its time, or the steps between segments.

use super::super::generate::{Draft, Generator, Parameter};
use super::super::prelude::BLOCK;
use super::super::text;
use super::Solve;
use crate::artifact::Size;
use crate::artifact::device::{Count, Factor};
use crate::base::Elem;

/// Numbers in the shared memory that every device has: 48 KiB, some of it left free.
const SHARED_NUMBERS: usize = 6000;
/// Threads of a block where each does a system: few, because they use many registers.
const SYSTEMS: u32 = 64;
/// The same where time is cut: there are few of them, which should not wait for each other.
const SEGMENTS: u32 = 32;
/// Registers of a multiprocessor.
const REGISTERS: u32 = 1 << 16;
/// Blocks that every multiprocessor can hold.
const MOST_BLOCKS: u32 = 16;
/// Widest block for which half the registers that a thread may have are enough, in any precision.
const NARROW: usize = 3;
/// Widest block for which they are enough where a solve of whole systems is in single precision alone.
const HALF: usize = 6;

/// What one thread, or all lanes of one block, go through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extent {
    /// All steps of a system, one after the other.
    Whole,
    /// The steps of a segment and the separator after it.
    Segment,
    /// The separators of a system.
    Separators,
    /// All steps of a segment that has a separator before it, for one of so many numbers.
    Number(usize),
}

/// Where the segments are.
pub(super) const PLACES: &str = r"// The first step of a segment. Segments are as long as each other but for one step, and there is one step, a separator, between two.
__device__ inline word segment_first(word segment, word segments, word steps) {
  return segment + segment * (steps + 1 - segments) / segments;
}

// The separator after a segment; after the last one there would be step `steps`.
__device__ inline word separator(word segment, word segments, word steps) {
  return segment_first(segment + 1, segments, steps) - 1;
}
";

/// The text of a loop over the steps of an extent, and conditions in it.
pub(super) struct Loops {
    /// From the first step on: defines `t`.
    pub forward: &'static str,
    /// From the last step on: defines `t`.
    pub backward: &'static str,
    /// Whether a step of the extent comes before.
    pub after_first: &'static str,
    /// Whether `t` is the first one.
    pub at_first: &'static str,
    /// The one before.
    pub earlier: &'static str,
    /// Whether there is a next one: of the extent, or a separator.
    pub before_last: &'static str,
}

impl<'s> Solve<'s> {
    /// The same for another extent.
    pub fn over(&self, extent: Extent) -> Solve<'s> {
        let lanes = if let Extent::Number(_) = extent { 1 } else { self.lanes };
        Solve { extent, lanes, ..*self }
    }

    /// The segments of a system's time.
    pub fn segments(&self) -> Count {
        Count { factors: vec![Factor::Segments(self.s.time.clone())] }
    }

    /// Threads that do so many systems.
    pub fn threads(&self, systems: Size) -> Count {
        let all = Count::of(systems).times(Size::constant(u64::from(self.lanes)), u64::MAX);
        let segments = Factor::Segments(self.s.time.clone());
        let all = match self.extent {
            Extent::Whole | Extent::Separators => all,
            Extent::Segment => all.by(segments),
            Extent::Number(n) => all.by(segments).times(Size::constant(n as u64), u64::MAX),
        };
        self.regimes.only(all, self.extent != Extent::Whole)
    }

    /// Threads of a block.
    pub fn threads_per_block(&self) -> u32 {
        match self.extent {
            _ if self.lanes > 1 => self.lanes,
            Extent::Whole => SYSTEMS,
            _ => SEGMENTS,
        }
    }

    /// Blocks whose registers a multiprocessor must hold, where that is not left to the compiler, which aims at fewer registers than these bodies need and spills, or at so many that narrow
    /// systems spill in the rest. Threads of narrow systems, and of wide ones in single precision, have 128; a slack beside central rows of steps that differ needs some more. So have
    /// lanes, and with central rows alone twice as many. Where time is cut there are few threads, which may have all there are.
    pub fn resident(&self) -> Option<u32> {
        let block = self.block();
        let registers = match (self.extent, self.high) {
            _ if self.unrolled && self.lanes == 1 && block <= NARROW => {
                if self.s.slack.is_some() && self.s.central && self.varied() { 168 } else { 128 }
            }
            (Extent::Whole, _) if !self.unrolled && self.s.central && self.s.slack.is_none() && !self.of_states() => {
                256
            }
            (Extent::Whole, _) if !self.unrolled => 128,
            (Extent::Whole, Elem::F64) => return None,
            (Extent::Whole, Elem::F32) if block <= HALF => 128,
            _ => 256,
        };
        Some((REGISTERS / registers / self.threads_per_block()).min(MOST_BLOCKS))
    }

    /// The same for gradients, a thread for each time step in blocks of so many: those of wide systems may have all registers there are.
    pub fn resident_gradients(&self, threads: u32) -> u32 {
        let registers = if self.block() <= NARROW { 128 } else { 256 };
        (REGISTERS / registers / threads).min(MOST_BLOCKS)
    }

    /// Writes a kernel that goes through so many systems: what its name begins with, and what it does.
    pub fn launch(
        &self,
        generator: &mut Generator<'_>,
        (suffix, note): (&str, &str),
        systems: Size,
        parameters: Vec<Parameter>,
        body: String,
    ) {
        generator.launch(Draft {
            suffix: format!("{suffix}{}", generator.origin),
            note: self.describe_extent(note),
            block: self.threads_per_block(),
            resident: self.resident(),
            barriers: self.lanes > 1,
            unrolled: self.unrolled,
            parameters,
            threads: self.threads(systems),
            body,
        });
    }

    /// Constants and the thread's place.
    pub fn head(&self) -> String {
        let place = format!("(word)blockIdx.x * {} + threadIdx.x", self.threads_per_block());
        let one = "  const int lane = 0;\n";
        let lane = "  const int lane = threadIdx.x;\n";
        let bounds = "  const word first = segment_first(segment, segments, steps), end = separator(segment, segments, steps);\n";
        let here = match (self.extent, self.lanes > 1) {
            (Extent::Whole | Extent::Separators, true) => {
                format!("  const word system = blockIdx.x;\n{lane}  if (system >= systems) return;\n")
            }
            (Extent::Whole | Extent::Separators, false) => {
                format!("  const word system = {place};\n{one}  if (system >= systems) return;\n")
            }
            (Extent::Segment, true) => format!(
                "  const word system = blockIdx.x / segments, segment = blockIdx.x % segments;\n{lane}  if (system >= systems) return;\n{bounds}"
            ),
            // Systems run fastest, as in memory.
            (Extent::Segment, false) => format!(
                "  const word place = {place}, system = place % systems, segment = place / systems;\n{one}  if (segment >= segments) return;\n{bounds}"
            ),
            (Extent::Number(n), _) => format!(
                "  const word place = {place}, rest = place / {n}, system = rest % systems, segment = rest / systems;\n{one}  const int number = place % {n};\n  if (segment == 0 || segment >= segments) return;\n{bounds}"
            ),
        };
        format!("{}{here}", self.constants())
    }

    /// The place of a thread that does one time step of a system.
    pub fn place(&self) -> String {
        format!(
            "  const word place = (word)blockIdx.x * {BLOCK} + threadIdx.x;\n  if (place >= systems * steps) return;\n"
        )
    }

    /// Its system and time step: systems run fastest where their numbers lie side by side.
    pub fn place_of(&self) -> String {
        let (system, t) =
            if self.unrolled { ("place % systems", "place / systems") } else { ("place / steps", "place % steps") };
        format!("  const word system = {system}, t = {t};\n")
    }

    /// Loops over the steps.
    pub fn loops(&self) -> Loops {
        match self.extent {
            Extent::Whole => Loops {
                forward: "for (word t = 0; t < steps; ++t) {",
                backward: "for (word left = steps; left > 0; --left) {\n      const word t = left - 1;",
                after_first: "t > 0",
                at_first: "t == 0",
                earlier: "t - 1",
                before_last: "t + 1 < steps",
            },
            Extent::Segment | Extent::Number(_) => Loops {
                forward: "for (word t = first; t <= end && t < steps; ++t) {",
                backward: "for (word left = end; left > first; --left) {\n      const word t = left - 1;",
                after_first: "t > first",
                at_first: "t == first",
                earlier: "t - 1",
                before_last: "t + 1 < steps",
            },
            Extent::Separators => Loops {
                forward: "for (word node = 0; node + 1 < segments; ++node) {\n      const word t = separator(node, segments, steps);",
                backward: "for (word left = segments - 1; left > 0; --left) {\n      const word node = left - 1, t = separator(node, segments, steps);",
                after_first: "node > 0",
                at_first: "node == 0",
                earlier: "separator(node - 1, segments, steps)",
                before_last: "node + 2 < segments",
            },
        }
    }

    /// Arrays that the lanes of a system share, with their types: registers of a single one, else shared memory, or memory of the device
    /// where that is too small. With it the double numbers of such memory that a block needs.
    pub fn arrays(&self, arrays: &[(&str, Elem, usize)]) -> (String, usize) {
        let room = |elem: Elem, length: usize| (length.max(1) * elem.bytes()).div_ceil(Elem::F64.bytes());
        let total: usize = arrays.iter().map(|&(_, elem, length)| room(elem, length)).sum();
        let outside = self.lanes > 1 && total > SHARED_NUMBERS;
        let (mut out, mut at) = (String::new(), 0);
        for &(name, elem, length) in arrays {
            let real = text::elem(elem);
            // An array without elements is no array.
            let length = length.max(1);
            out.push_str(&match (self.lanes > 1, outside) {
                (_, true) if elem == Elem::F32 => {
                    format!("  float* {name} = (float*)(work + (word)blockIdx.x * {total} + {at});\n")
                }
                (_, true) => format!("  {real}* {name} = work + (word)blockIdx.x * {total} + {at};\n"),
                (true, false) => format!("  __shared__ {real} {name}[{length}];\n"),
                (false, false) => format!("  {real} {name}[{length}];\n"),
            });
            at += room(elem, length);
        }
        (out, if outside { total } else { 0 })
    }

    /// The device memory of [`Solve::arrays`] as a parameter, where it is needed.
    pub fn work(&self, generator: &mut Generator<'_>, systems: Size, each: usize) -> Option<Parameter> {
        if each == 0 {
            return None;
        }
        let alone = Solve { lanes: 1, ..*self };
        let numbers = alone.threads(systems).times(Size::constant(each as u64), u64::MAX);
        let memory = generator.scratch(Elem::F64, numbers);
        Some(generator.memory(memory, "work", true))
    }
}
