//! Files that are whole or not there: written beside their place, flushed, then renamed.

use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::OutputError;

/// The operations on a file system that saving needs, one by one, so that a test can make the n-th of them fail.
pub trait Storage {
    /// Creates or truncates a file and writes all bytes.
    ///
    /// # Errors
    /// What the operating system reports.
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Waits until a file's bytes are on the disk.
    ///
    /// # Errors
    /// What the operating system reports.
    fn sync(&mut self, path: &Path) -> io::Result<()>;
    /// Renames a file, replacing another.
    ///
    /// # Errors
    /// What the operating system reports.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Waits until a directory's entries are on the disk.
    ///
    /// # Errors
    /// What the operating system reports.
    fn sync_directory(&mut self, path: &Path) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// What the operating system reports.
    fn remove(&mut self, path: &Path) -> io::Result<()>;
}

/// The file system of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Storage for Disk {
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        File::create(path)?.write_all(bytes)
    }

    fn sync(&mut self, path: &Path) -> io::Result<()> {
        File::options().write(true).open(path)?.sync_all()
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_directory(&mut self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}

/// Saves a file so that at every moment, whatever fails, its place holds the old bytes or the new ones.
///
/// # Errors
/// [`OutputError::Write`] with the operation that failed; the temporary file is then removed.
pub fn save_atomic(storage: &mut dyn Storage, path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let temporary = stage(storage, path, bytes)?;
    publish(storage, &temporary, path)
}

/// Writes and flushes the temporary file.
pub(crate) fn stage(storage: &mut dyn Storage, path: &Path, bytes: &[u8]) -> Result<PathBuf, OutputError> {
    let temporary = beside(path);
    let written = storage
        .write(&temporary, bytes)
        .map_err(|e| failed(path, "write", e))
        .and_then(|()| storage.sync(&temporary).map_err(|e| failed(path, "flush", e)));
    match written {
        Ok(()) => Ok(temporary),
        Err(error) => {
            // Half a file helps nobody; should its removal fail too, the first error is the one to tell.
            let _ = storage.remove(&temporary);
            Err(error)
        }
    }
}

/// Moves the temporary file to its place.
pub(crate) fn publish(storage: &mut dyn Storage, temporary: &Path, path: &Path) -> Result<(), OutputError> {
    if let Err(e) = storage.rename(temporary, path) {
        let _ = storage.remove(temporary);
        return Err(failed(path, "rename", e));
    }
    storage.sync_directory(folder(path)).map_err(|e| failed(path, "flush the directory of", e))
}

/// File systems allow names of 255 bytes: of longer ones than this there is a part in the temporary name, which has some more.
const LONGEST: usize = 200;

/// A name in the same directory, hence on the same file system.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let mut shown = name.to_string_lossy().into_owned();
    if shown.len() > LONGEST {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        shown.truncate(shown.floor_char_boundary(LONGEST));
        shown += &format!(".{:016x}", hasher.finish());
    }
    path.with_file_name(format!(".{shown}.{}.tmp", std::process::id()))
}

/// The directory of a file.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

pub(crate) fn failed(path: &Path, operation: &'static str, source: io::Error) -> OutputError {
    OutputError::Write { path: path.into(), operation, source }
}
