//! The typed intermediate representation: single-assignment functions over tensors with *named axes*.
//!
//! A [`Module`] owns the axes and the functions. A [`Function`] is one straight line of instructions; each defines one
//! or more values, each value has a [`Type`] (number type and ordered axes). An axis has a size known when the model is
//! compiled (states, terms) or one bound at the call (samples, time steps), so one compiled function serves data of any
//! length. There is no control flow: choices are `select`, loops are axes.
//!
//! Invariants (held by the builder, checked by the verifier): operands are defined before use; the operands of an
//! element-wise instruction have the same type, so broadcasting is always written out; no value has the same axis twice;
//! values are numbered in the order of definition (parameters, then results of instructions).
//!
//! A dynamic axis gets its size from the first parameter that has it; one that no parameter has gets it from the first
//! `reshape` that makes it, of whose result it must be the only axis of unknown size.

mod builder;
mod function;
mod op;
mod scalar;
#[doc(hidden)]
pub mod testing;
mod text;
mod types;
mod verify;

pub use builder::{BuildError, Builder};
pub use function::{Function, Inst, InstId, Module, ValueData, ValueDef, ValueId};
pub use op::{BinaryOp, CmpOp, Op, SolveScheme, UnaryOp};
pub use scalar::{powi_as, round_as};
pub use text::{TextError, parse, print, print_function};
pub use types::{Axis, AxisId, Type};
pub use verify::{Rule, VerifyError, verify, verify_function};
