//! Code generation: programs to code.
//!
//! Each target is a module of its own; they share nothing but what stands here. Both take lowered
//! [`Program`](crate::kernel::Program)s: [`host`] gives an [`Artifact`](crate::artifact::Artifact), [`cuda`] a
//! [`DeviceProgram`](crate::artifact::device::DeviceProgram) for each.

pub mod cuda;
pub mod host;
