//! Explicit loops and memory: what an IR function becomes before code is generated.
//!
//! [`lower`] turns one verified function into a [`Program`]: an [`Entry`](crate::artifact::PatternEntry) (buffers and steps) and
//! the [`LoopNest`]s its steps run. Views (broadcast, transpose, index, stack, place, reshape) become addressing;
//! element-wise chains over the same axes share one loop body; sums are accumulators of that body; products of matrices become
//! strided products of merged indices, unless they are so small that loops are better.
//!
//! Invariants: a nest never reads a buffer it writes, except element by element through [`InPlace`](crate::artifact::InPlace);
//! every sum over an outermost loop is chunked by the runtime, so no float result depends on the number of threads.

mod axes;
mod collapse;
mod divide;
mod finish;
mod lower;
mod nest;
mod plan;
mod print;
mod product;
mod program;
mod solves;

pub use lower::{KernelError, lower};
pub use print::print;
pub use program::{Access, Accumulate, Loop, LoopNest, NestInst, NestValue, Program, ScalarOp, Store};
