//! Source text: files, spans and the [`World`] through which all outside text enters the compiler.
//!
//! The compiler core never touches the file system: an embedder supplies sources from memory by implementing
//! [`World`], and every diagnostic points into a [`Sources`] table.

mod span;
mod world;

pub use span::{FileId, Span};
pub use world::{MemoryWorld, SourceError, SourceFile, Sources, World};
