//! The plain contract between the compiler and the runtime: what a compiled program looks like from outside.
//!
//! An [`Artifact`] has entry points; an [`Entry`] has parameters and results over named axes, a table of buffers and a
//! list of steps. Generated code appears only as function addresses behind [`Code`], so nothing here depends on the code
//! generator, and the runtime needs no compiler.
//!
//! Invariants: every index in a step is in range of the entry's tables; a step reads only buffers written by earlier steps or
//! parameters; sizes are products of axis sizes ([`Size`]), so all of them are known once a call has bound the axes.

mod code;
mod count;
pub mod device;
mod entry;
pub mod operator;
mod outline;
mod pointwise;
mod size;
pub mod training;

pub use code::{Code, CodeMemory, NestFn};
pub use entry::{
    Artifact, Axis, AxisIndex, Buffer, BufferIndex, BufferPlace, Entry, InPlace, LoopStep, Operand, Port, Product,
    Runs, SizeEquation, SolveStep, SpdStep, Step, StepSizes, SumBuffer,
};
pub use outline::{OutlineEntry, OutlineValue, SolveOutline};
pub use pointwise::{Pattern, PatternEntry};
pub use size::Size;
