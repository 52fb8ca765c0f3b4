//! What a run gives back: the record of a run and its renderings, the run directory, checkpoints and progress.
//!
//! - [`RunRecord`] is plain data; [`EquationsFile`] (`equations.json`), [`equations_text`] (terminal) and [`report_html`]
//!   (one page with inline pictures, drawn by [`svg`]) are made from it.
//! - [`RunDir`] is a directory that is never overwritten and that one run uses at a time; [`save_atomic`] and
//!   [`Checkpoint`] write files that are whole or not there. An [`Archive`] is what a checkpoint holds.
//! - [`Progress`] turns the state of a run into text.
//!
//! # Invariants
//! - How a number is rounded for people is decided in one place, [`round()`].
//! - Every text from outside is escaped before it gets into a page.
//! - NaN and infinities are written to JSON as the strings `"NaN"`, `"Infinity"`, `"-Infinity"`; what does not exist is
//!   `null`.
//! - Nothing here prints. The only files written are those of a [`RunDir`].

mod archive;
mod atomic;
mod checkpoint;
mod error;
mod escape;
mod figures;
mod found;
mod html;
mod json;
mod progress;
mod record;
mod rounding;
mod rundir;
mod scores;
pub mod svg;
mod text;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_files;
#[cfg(test)]
mod tests_pictures;

pub use archive::Archive;
pub use atomic::{Disk, Storage, save_atomic};
pub use checkpoint::{Checkpoint, Loaded};
pub use error::OutputError;
pub use figures::{Metric, ScoreRecord, StateError, StateShare};
pub use found::{Equation, Inside, NoiseEstimate, Parameter, PlausibleTerm, RatioSum, Term};
pub use html::report_html;
pub use json::{EquationsFile, SCHEMA};
pub use progress::{Progress, ProgressSink, Reporter};
pub use record::{
    DataRecord, Engine, LossPoint, NormalisationRecord, PredictionRecord, RunRecord, StateRecord, TrajectoryRecord,
};
pub use rounding::{Rounded, by_noise, ran_away, round};
pub use rundir::RunDir;
pub use scores::PredictionFile;
pub(crate) use text::short;
pub use text::{
    FEW_NAMED, behind, equation_short, equations_short, equations_text, estimate, few, first_names, named, some,
};
