//! Checkpoints: a container that knows whether it is whole, and a store that keeps the last two.
//!
//! Layout: the magic `MECHCKP1`, the step (u64), the length of the payload (u64), the payload, and the FNV-1a checksum
//! of all that (u64); all little-endian.

use std::path::{Path, PathBuf};

use super::atomic::{Storage, failed, publish, stage};
use super::error::OutputError;
use crate::base::Fnv;

const MAGIC: &[u8; 8] = b"MECHCKP1";
/// Magic, step and length.
const HEAD: usize = 24;
const CHECKSUM: usize = 8;
const LAST: &str = "checkpoint.bin";
const PREVIOUS: &str = "checkpoint.previous.bin";

/// A state of training that can be taken up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Steps done.
    pub step: u64,
    /// What is kept: the bytes of an [`Archive`](super::Archive).
    pub payload: Vec<u8>,
}

/// Which checkpoint was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// The last one.
    Last(Checkpoint),
    /// The one before it: the last one is damaged or was never finished.
    Previous(Checkpoint),
}

impl Checkpoint {
    /// The bytes of the container.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.payload.len() + CHECKSUM);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.step.to_le_bytes());
        bytes.extend_from_slice(&(self.payload.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes.extend_from_slice(&Fnv::of(&bytes).to_le_bytes());
        bytes
    }

    /// Opens a container.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let word = |at: usize| -> Option<u64> { Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?)) };
        if bytes.get(..MAGIC.len()) != Some(MAGIC.as_slice()) {
            return Err("it does not start like a checkpoint");
        }
        let (step, length) = word(8).zip(word(16)).ok_or("it is cut off")?;
        let end = usize::try_from(length).ok().and_then(|n| n.checked_add(HEAD)).ok_or("its length is wrong")?;
        if end.checked_add(CHECKSUM) != Some(bytes.len()) {
            return Err("it is cut off");
        }
        let body = bytes.get(..end).ok_or("it is cut off")?;
        if word(end) != Some(Fnv::of(body)) {
            return Err("its checksum is wrong");
        }
        Ok(Self { step, payload: body.get(HEAD..).unwrap_or_default().to_vec() })
    }

    /// Saves this as the last checkpoint of a directory; what was the last becomes the previous one. Whatever fails,
    /// and wherever the process is killed, [`Checkpoint::load`] finds one of the two.
    ///
    /// # Errors
    /// [`OutputError::Write`].
    pub fn save(&self, storage: &mut dyn Storage, directory: &Path) -> Result<(), OutputError> {
        let (last, previous) = (directory.join(LAST), directory.join(PREVIOUS));
        let temporary = stage(storage, &last, &self.encode())?;
        // A damaged last checkpoint must not push out a previous one that is whole.
        if read(&last).is_ok()
            && let Err(e) = storage.rename(&last, &previous)
        {
            let _ = storage.remove(&temporary);
            return Err(failed(&last, "keep", e));
        }
        publish(storage, &temporary, &last)
    }

    /// Loads the last checkpoint of a directory that is whole.
    ///
    /// # Errors
    /// [`OutputError::NoCheckpoint`] where there is none, [`OutputError::Damaged`] where none is whole.
    pub fn load(directory: &Path) -> Result<Loaded, OutputError> {
        let last = read(&directory.join(LAST));
        let error = match last {
            Ok(checkpoint) => return Ok(Loaded::Last(checkpoint)),
            Err(error) => error,
        };
        match read(&directory.join(PREVIOUS)) {
            Ok(checkpoint) => Ok(Loaded::Previous(checkpoint)),
            Err(OutputError::NoCheckpoint { .. }) => Err(match error {
                OutputError::NoCheckpoint { .. } => OutputError::NoCheckpoint { path: directory.into() },
                other => other,
            }),
            Err(other) => Err(other),
        }
    }

    /// The names of the files that checkpoints use.
    pub fn file_names() -> [&'static str; 2] {
        [LAST, PREVIOUS]
    }
}

fn read(path: &PathBuf) -> Result<Checkpoint, OutputError> {
    let bytes = std::fs::read(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => OutputError::NoCheckpoint { path: path.clone() },
        _ => OutputError::Read { path: path.clone(), source },
    })?;
    Checkpoint::decode(&bytes).map_err(|what| OutputError::Damaged { path: path.clone(), what })
}
