//! A world on disk, shut in one folder.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use super::world::MAX_SOURCE_BYTES;
use super::{SourceError, World};

/// The files below one folder, and below a folder that holds it where a path starts with the name of that one. Nothing else can be
/// read, also not through `..` or symbolic links.
#[derive(Clone, Debug)]
pub struct FsWorld {
    root: PathBuf,
    /// The folder as the user gave it, which findings put before paths.
    given: PathBuf,
}

impl FsWorld {
    /// The world of the folder `root`, which must exist.
    pub fn new(root: impl AsRef<Path>) -> Result<Self, SourceError> {
        let root = root.as_ref();
        let shown = root.display().to_string();
        let root = root.canonicalize().map_err(|e| io_error(&shown, &e))?;
        if !root.is_dir() {
            return Err(SourceError::NotFound(shown));
        }
        Ok(FsWorld { root, given: PathBuf::new() })
    }

    /// The same world, in which findings name files as they lie for whoever is where `folder` is a path to the root: `models/lib/rates.mech`
    /// for `lib/rates.mech` below `models`.
    pub fn seen_as(self, folder: impl Into<PathBuf>) -> Self {
        FsWorld { given: folder.into(), ..self }
    }

    /// The folder, with symbolic links resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl FsWorld {
    /// The file at `path` where the path starts with the name of a folder that holds the root, and that folder: `lib/units.mech` for the
    /// root `.../lib/deep`. So a library that is read by itself finds what it finds where it is imported.
    fn beside_a_holder(&self, path: &str) -> Option<(PathBuf, &Path)> {
        let first = Path::new(path).components().next()?.as_os_str();
        let holder = self.root.ancestors().find(|folder| folder.file_name() == Some(first))?;
        Some((holder.parent()?.join(path).canonicalize().ok()?, holder))
    }
}

impl World for FsWorld {
    fn read(&self, path: &str) -> Result<String, SourceError> {
        if leaves_root(Path::new(path)) {
            return Err(SourceError::OutsideRoot(path.to_string()));
        }
        let (full, within) = match self.root.join(path).canonicalize() {
            Ok(full) => (full, self.root.as_path()),
            Err(e) => self.beside_a_holder(path).ok_or_else(|| io_error(path, &e))?,
        };
        if !full.starts_with(within) {
            return Err(SourceError::OutsideRoot(path.to_string()));
        }
        // Asked before opening: opening a FIFO waits for a writer.
        let about = full.metadata().map_err(|e| io_error(path, &e))?;
        if !about.is_file() {
            return Err(SourceError::NotAFile(path.to_string()));
        }
        let too_large = |bytes: u64| SourceError::TooLarge { path: path.to_string(), bytes, limit: MAX_SOURCE_BYTES };
        if about.len() > MAX_SOURCE_BYTES {
            return Err(too_large(about.len()));
        }
        let mut bytes = Vec::new();
        let file = File::open(&full).map_err(|e| io_error(path, &e))?;
        // The size was only a promise: the file may grow while it is read.
        file.take(MAX_SOURCE_BYTES + 1).read_to_end(&mut bytes).map_err(|e| io_error(path, &e))?;
        if bytes.len() as u64 > MAX_SOURCE_BYTES {
            return Err(too_large(bytes.len() as u64));
        }
        decode(path, bytes)
    }

    fn shown(&self, path: &str) -> String {
        let mut folder = self.given.clone();
        if let (false, Some((_, holder))) = (self.root.join(path).exists(), self.beside_a_holder(path)) {
            // The path starts above the holder.
            for _ in self.root.ancestors().take_while(|f| *f != holder).chain([holder]) {
                if !(matches!(folder.components().next_back(), Some(Component::Normal(_))) && folder.pop()) {
                    folder.push("..");
                }
            }
        }
        folder.join(path).display().to_string()
    }
}

/// Text from the bytes of a source file: UTF-8, with a byte order mark removed.
pub fn decode(path: &str, bytes: Vec<u8>) -> Result<String, SourceError> {
    let hint = match bytes.as_slice() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "; it seems to be UTF-16: save it as UTF-8",
        [b'P', b'K', 3, 4, ..] | [0x1f, 0x8b, ..] => "; it seems to be a compressed archive",
        _ => "",
    };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_string(),
            None => text,
        }),
        Err(e) => Err(SourceError::NotUtf8 {
            path: path.to_string(),
            offset: e.utf8_error().valid_up_to(),
            hint: hint.to_string(),
        }),
    }
}

/// Whether a relative path climbs above its start, or is not relative at all.
fn leaves_root(path: &Path) -> bool {
    let mut depth = 0i64;
    for part in path.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => depth -= 1,
            Component::RootDir | Component::Prefix(_) => return true,
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

fn io_error(path: &str, error: &std::io::Error) -> SourceError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => SourceError::NotFound(path.to_string()),
        _ => SourceError::Io { path: path.to_string(), cause: error.to_string() },
    }
}
