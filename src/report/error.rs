//! What can go wrong with a run's directory and files.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a run cannot write or read its files.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The directory asked for is not empty; runs never overwrite.
    #[error("{}: is not empty", path.display())]
    NotEmpty { path: PathBuf },
    /// The directory asked for is a file.
    #[error("{}: is not a directory", path.display())]
    NotADirectory { path: PathBuf },
    /// The directory cannot be created.
    #[error("{}: cannot be created: {source}", path.display())]
    Create { path: PathBuf, source: io::Error },
    /// Files cannot be created in the directory.
    #[error("{}: cannot be written to: {source}", path.display())]
    NotWritable { path: PathBuf, source: io::Error },
    /// Another run is using the directory.
    #[error("{}: is in use by another run", path.display())]
    Locked { path: PathBuf },
    /// A file cannot be saved.
    #[error("{}: cannot {operation} the file: {source}", path.display())]
    Write { path: PathBuf, operation: &'static str, source: io::Error },
    /// A file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// There is no checkpoint.
    #[error("{}: holds no checkpoint", path.display())]
    NoCheckpoint { path: PathBuf },
    /// No checkpoint is whole.
    #[error("{}: the checkpoint is damaged: {what}", path.display())]
    Damaged { path: PathBuf, what: &'static str },
}

impl OutputError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotEmpty { .. } => "R001",
            Self::NotADirectory { .. } => "R002",
            Self::Create { .. } => "R003",
            Self::NotWritable { .. } => "R004",
            Self::Locked { .. } => "R005",
            Self::Write { .. } => "R006",
            Self::Read { .. } => "R007",
            Self::NoCheckpoint { .. } => "R008",
            Self::Damaged { .. } => "R009",
        }
    }

    /// The exit code of a program that stops because of this error: always that of the environment.
    pub fn exit_code(&self) -> u8 {
        4
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NotEmpty { .. } => {
                "choose another directory with `--out`, or none to have one numbered; `--resume` goes on with an interrupted run."
            }
            Self::NotADirectory { .. } => "choose a directory with `--out`.",
            Self::Create { .. } | Self::NotWritable { .. } => {
                "check the permissions of the directory, or choose another one with `--out`."
            }
            Self::Locked { .. } => "wait for the other run, or choose another directory with `--out`.",
            Self::Write { .. } => "check the space on the disk and the permissions.",
            Self::Read { .. } => "check the permissions of the file.",
            Self::NoCheckpoint { .. } => "start a new run.",
            Self::Damaged { .. } => "start a new run; both the last checkpoint and the one before it cannot be used.",
        }
    }
}
