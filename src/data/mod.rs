//! Data: reading, writing, splitting and simulating trajectories.
//!
//! A [`Dataset`] holds named columns over one or more trajectories, each sampled at equal steps. It comes from csv, npy, npz
//! and parquet files ([`read_files`]; [`read_bytes`] from memory) or from a model that is solved numerically
//! ([`simulate()`], [`Dataset::add_noise`]). [`Dataset::hold_out`], [`Dataset::windows`] and [`Batches`] cut it up for
//! fitting. [`read_arrays`] and [`arrays_to_npz`] read and write archives of arrays that are no trajectories.
//!
//! # Invariants
//! - Values are finite everywhere; a missing sample has `valid` false and the value 0. NaN, infinities, unequal steps,
//!   and anything else that is wrong with a file never get past the readers: they are [`DataError`]s that name the file,
//!   the row and the column, each with a stable code, help, and the exit code it stands for.
//! - No file, however hostile, makes a reader panic, hang, recurse without bound or reserve memory that the file does
//!   not pay for.
//! - Every random choice is drawn from a documented stream ([`Purpose`]), so equal seeds give equal bits everywhere.
//! - Nothing here prints or writes files; writers return bytes.

mod arrays;
mod csv_file;
mod dataset;
mod dop853;
mod error;
mod files;
mod grid;
mod guesses;
mod look;
mod named;
mod nearest;
mod npy;
mod npy_header;
mod npz;
mod ode;
mod offers;
mod parquet;
mod pool;
mod ragged;
mod random;
mod simulate;
mod spec;
mod split;
mod table;
mod ways_out;
mod write;

pub use arrays::{Arrays, arrays_of, read_arrays};
pub use dataset::{ColumnStats, Dataset, Trajectory};
pub use error::DataError;
pub use files::{Format, absent, column_names, read_bytes, read_files};
pub use look::Looks;
pub use named::written_column;
pub use npy::Array;
pub use ode::{OdeError, Rhs, Tolerance, integrate};
pub use random::{Purpose, normals, permutation, stream, uniform};
pub use simulate::{Noise, Sampling, simulate};
pub(crate) use spec::named_in_formula;
pub use spec::{Asked, ColumnMap, Conversion, Lacking, ReadFor, ReadSpec};
pub use split::{Batches, HoldOut, Split, Window};
pub use write::arrays_to_npz;

pub(crate) use grid::median;
pub(crate) use nearest::nearest;
pub(crate) use npy::shape_text;
