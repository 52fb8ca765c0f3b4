//! Code generation: loop nests to code.
//!
//! Each target is a module of its own; they share nothing but what stands here. A target takes lowered
//! [`Program`](crate::kernel::Program)s and gives an [`Artifact`](crate::artifact::Artifact).

pub mod host;
