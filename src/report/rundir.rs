//! The directory of a run: numbered or named, never overwritten, used by one run at a time.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::atomic::{Disk, save_atomic};
use super::error::OutputError;

/// The name of the lock file. The lock is the operating system's, so it ends with the process however that ends.
const LOCK: &str = ".lock";

/// An open, locked, writable run directory. The lock is held until this is dropped.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    /// Creates `root/NAME-1`, or the next number that is free.
    ///
    /// # Errors
    /// [`OutputError`] where the directory cannot be created or written.
    pub fn numbered(root: &Path, name: &str) -> Result<Self, OutputError> {
        std::fs::create_dir_all(root).map_err(|source| OutputError::Create { path: root.into(), source })?;
        let name = file_name(name);
        // Start behind the highest number there is, then let the creation itself decide between runs that race.
        let mut number = 1 + highest(root, &name);
        loop {
            let path = root.join(format!("{name}-{number}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return Self::lock(path),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(source) => return Err(OutputError::Create { path, source }),
            }
        }
    }

    /// Uses the given directory, which must be empty, but for a lock that nobody holds, or not exist.
    ///
    /// # Errors
    /// [`OutputError::NotEmpty`], [`OutputError::Locked`] and what else stops a directory from being used.
    pub fn at(path: &Path) -> Result<Self, OutputError> {
        match std::fs::metadata(path) {
            Ok(meta) if !meta.is_dir() => return Err(OutputError::NotADirectory { path: path.into() }),
            Ok(_) => {
                let mut entries =
                    std::fs::read_dir(path).map_err(|source| OutputError::Read { path: path.into(), source })?;
                // A run that was refused before it wrote anything leaves its lock.
                if entries.any(|entry| entry.map_or(true, |entry| entry.file_name() != LOCK)) {
                    // Say so when the reason is a run that is still going on.
                    let locked = File::open(path.join(LOCK))
                        .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)));
                    let path = path.into();
                    return Err(if locked { OutputError::Locked { path } } else { OutputError::NotEmpty { path } });
                }
            }
            Err(_) => {
                std::fs::create_dir_all(path).map_err(|source| OutputError::Create { path: path.into(), source })?;
            }
        }
        Self::lock(path.into())
    }

    /// Uses the directory of an earlier run.
    ///
    /// # Errors
    /// [`OutputError::Locked`] while that run is going on; [`OutputError::NotADirectory`].
    pub fn resume(path: &Path) -> Result<Self, OutputError> {
        if !path.is_dir() {
            return Err(OutputError::NotADirectory { path: path.into() });
        }
        Self::lock(path.into())
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Saves a file whole or not at all.
    ///
    /// # Errors
    /// [`OutputError::Write`].
    pub fn save(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, OutputError> {
        let path = self.file(name);
        save_atomic(&mut Disk, &path, bytes)?;
        Ok(path)
    }

    /// Takes the lock and tries whether files can be written, so that a run fails before it trains.
    fn lock(path: PathBuf) -> Result<Self, OutputError> {
        let lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path.join(LOCK))
            .map_err(|source| OutputError::NotWritable { path: path.clone(), source })?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OutputError::Locked { path }),
            Err(TryLockError::Error(source)) => return Err(OutputError::NotWritable { path, source }),
        }
        tempfile::Builder::new()
            .prefix(".try-")
            .tempfile_in(&path)
            .map_err(|source| OutputError::NotWritable { path: path.clone(), source })?;
        Ok(Self { path, _lock: lock })
    }
}

/// The highest number of a directory `NAME-n`, 0 for none.
fn highest(root: &Path, name: &str) -> u64 {
    let Ok(entries) = std::fs::read_dir(root) else { return 0 };
    entries
        .filter_map(|e| e.ok()?.file_name().to_str()?.strip_prefix(name)?.strip_prefix('-')?.parse::<u64>().ok())
        .filter(|&n| n < u64::MAX / 2)
        .max()
        .unwrap_or(0)
}

/// A model's name as part of a file name: letters, digits, `_` and `-` stay, everything else becomes `_`.
fn file_name(name: &str) -> String {
    const LONGEST: usize = 60;
    let text: String = name
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' })
        .collect();
    if text.is_empty() { "run".into() } else { text }
}
