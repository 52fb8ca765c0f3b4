//! The one door for outside text.

use super::{FileId, Span};
use crate::base::{Arena, IndexMap};

/// A source file has at most this many bytes.
pub const MAX_SOURCE_BYTES: u64 = 16 << 20;

/// Supplies the text of source files. The compiler asks for paths as they are written in `use` declarations
/// (`std/systems.mech`, `models/prey.mech`), always relative to the root the world stands for.
pub trait World {
    /// The text of the file at `path`.
    fn read(&self, path: &str) -> Result<String, SourceError>;

    /// How findings name the file at `path`, whether it exists or not: for a world of files by where it lies for whoever reads them.
    fn shown(&self, path: &str) -> String {
        path.to_string()
    }
}

/// Why a source file cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// There is no such file.
    #[error("there is no file `{0}`")]
    NotFound(String),
    /// The path leads out of the root.
    #[error("`{0}` leads out of the project's folder")]
    OutsideRoot(String),
    /// The path names something that is not a regular file.
    #[error("`{0}` is not a regular file")]
    NotAFile(String),
    /// The file is larger than any model can be.
    #[error("`{path}` has {bytes} bytes; a source file has at most {limit}")]
    TooLarge {
        /// The path as asked for.
        path: String,
        /// Its size.
        bytes: u64,
        /// The largest size accepted.
        limit: u64,
    },
    /// The file's bytes are not UTF-8.
    #[error("`{path}` is not UTF-8 text (first bad byte at offset {offset}){hint}")]
    NotUtf8 {
        /// The path as asked for.
        path: String,
        /// Offset of the first byte that is not UTF-8.
        offset: usize,
        /// What the file seems to be instead, or nothing.
        hint: String,
    },
    /// The operating system refused.
    #[error("cannot read `{path}`: {cause}")]
    Io {
        /// The path as asked for.
        path: String,
        /// The system's reason.
        cause: String,
    },
}

impl SourceError {
    /// The same about the file as findings name it.
    pub fn about(self, shown: String) -> SourceError {
        match self {
            SourceError::NotFound(_) => SourceError::NotFound(shown),
            SourceError::OutsideRoot(_) => SourceError::OutsideRoot(shown),
            SourceError::NotAFile(_) => SourceError::NotAFile(shown),
            SourceError::TooLarge { bytes, limit, .. } => SourceError::TooLarge { path: shown, bytes, limit },
            SourceError::NotUtf8 { offset, hint, .. } => SourceError::NotUtf8 { path: shown, offset, hint },
            SourceError::Io { cause, .. } => SourceError::Io { path: shown, cause },
        }
    }
}

/// A file that has been read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path it was asked for by.
    pub path: String,
    /// How findings name it.
    pub shown: String,
    /// Its text; a byte order mark is removed and line ends are kept.
    pub text: String,
    /// The first byte of every line.
    line_starts: Vec<u32>,
}

impl SourceFile {
    fn new(path: String, shown: String, text: String) -> Self {
        let bytes = text.as_bytes();
        let ends = |i: usize, b: u8| b == b'\n' || b == b'\r' && bytes.get(i + 1) != Some(&b'\n');
        let ends = bytes.iter().enumerate().filter(|&(i, &b)| ends(i, b));
        let line_starts = std::iter::once(0).chain(ends.map(|(i, _)| u32::try_from(i + 1).unwrap_or(u32::MAX)));
        SourceFile { line_starts: line_starts.collect(), path, shown, text }
    }

    /// The first byte of every line. A line ends with a newline, with a carriage return, or with both in this order.
    pub fn line_starts(&self) -> impl Iterator<Item = usize> {
        self.line_starts.iter().map(|&start| start as usize)
    }

    /// Line and column of a byte offset, both from 1; columns count characters. Offsets beyond the end mean the end.
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let line = self.line_starts.partition_point(|&start| start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0) as usize;
        let end = (offset as usize).min(self.text.len()).max(start);
        let before = self.text.as_bytes().get(start..end).unwrap_or_default();
        // Every character has exactly one byte that is not a continuation byte.
        let column = before.iter().filter(|&&b| (b & 0xc0) != 0x80).count();
        (line, column + 1)
    }

    /// The number of bytes of the longest among the line that holds `offset` and its two neighbours, ends included.
    pub fn longest_line_near(&self, offset: u32) -> usize {
        let line = self.line_starts.partition_point(|&start| start <= offset).max(1);
        let length = |i: usize| {
            let start = self.line_starts.get(i).map_or(self.text.len(), |&start| start as usize);
            let end = self.line_starts.get(i + 1).map_or(self.text.len(), |&next| next as usize);
            end.saturating_sub(start)
        };
        (line.saturating_sub(2)..=line).map(length).max().unwrap_or(0)
    }
}

/// Every file a session has read, in the order of reading.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Arena<FileId, SourceFile>,
}

impl Sources {
    /// Adds a file, which findings name by its path, and returns its id.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> FileId {
        let path = path.into();
        self.add_shown(path.clone(), path, text)
    }

    /// Adds a file and how findings name it, and returns its id.
    pub fn add_shown(&mut self, path: impl Into<String>, shown: impl Into<String>, text: impl Into<String>) -> FileId {
        let text: String = text.into();
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_string(),
            None => text,
        };
        self.files.push(SourceFile::new(path.into(), shown.into(), text))
    }

    /// The file with this id; ids come from [`Sources::add`] of the same table.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id]
    }

    /// The text at a place; empty where there is none.
    pub fn text(&self, span: Span) -> &str {
        let text = self.files.get(span.file).map_or("", |f| f.text.as_str());
        text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// All files.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter()
    }
}

/// A world held in memory: paths to texts.
#[derive(Clone, Debug, Default)]
pub struct MemoryWorld {
    files: IndexMap<String, String>,
}

impl MemoryWorld {
    /// A world without files.
    pub fn new() -> Self {
        MemoryWorld::default()
    }

    /// Adds or replaces a file.
    pub fn with(mut self, path: impl Into<String>, text: impl Into<String>) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }
}

impl World for MemoryWorld {
    fn read(&self, path: &str) -> Result<String, SourceError> {
        self.files.get(path).cloned().ok_or_else(|| SourceError::NotFound(path.to_string()))
    }
}

/// Two worlds, one over the other: what the upper one does not have is looked for in the lower one.
#[derive(Clone, Debug, Default)]
pub struct Layered<A, B> {
    /// Asked first.
    pub upper: A,
    /// Asked for what the upper one has not.
    pub lower: B,
}

impl<A: World, B: World> World for Layered<A, B> {
    fn read(&self, path: &str) -> Result<String, SourceError> {
        match self.upper.read(path) {
            Err(SourceError::NotFound(_)) => self.lower.read(path),
            found => found,
        }
    }

    fn shown(&self, path: &str) -> String {
        match self.upper.read(path) {
            Err(SourceError::NotFound(_)) if self.lower.read(path).is_ok() => self.lower.shown(path),
            _ => self.upper.shown(path),
        }
    }
}

impl<W: World + ?Sized> World for &W {
    fn read(&self, path: &str) -> Result<String, SourceError> {
        (**self).read(path)
    }

    fn shown(&self, path: &str) -> String {
        (**self).shown(path)
    }
}
