//! Source text: files, spans and the [`World`] through which all outside text enters the compiler.
//!
//! The compiler core never touches the file system: an embedder supplies sources from memory by implementing
//! [`World`], and every diagnostic points into a [`Sources`] table. [`FsWorld`] is the world of a folder, for embedders
//! that want one; [`Layered`] puts one world over another (the standard library over a folder).

mod fs;
mod span;
mod world;

#[cfg(test)]
mod tests;

pub use fs::{FsWorld, decode};
pub use span::{FileId, Span};
pub use world::{Layered, MAX_SOURCE_BYTES, MemoryWorld, SourceError, SourceFile, Sources, World};
