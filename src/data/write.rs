//! Data sets as npz archives that numpy and the reader of this module understand.

use std::io::{Cursor, Write};

use npyz::zip::write::{FileOptions, ZipWriter};
use npyz::zip::{CompressionMethod, DateTime};

use super::dataset::{Dataset, Trajectory};
use super::error::DataError;

impl Dataset {
    /// An npz archive: `t` (samples); one array per column and input, of shape (samples) for a single trajectory and
    /// (trajectories, samples) for several; and `NAME_true` with the noise-free values of simulated columns. Missing
    /// samples are NaN. The same data give the same bytes.
    ///
    /// # Errors
    /// [`DataError::NotRectangular`] for trajectories that differ in length, start or step.
    pub fn to_npz(&self) -> Result<Vec<u8>, DataError> {
        let first = self.trajectories.first().ok_or(DataError::NotRectangular)?;
        let grid = |t: &Trajectory| (t.len, t.t0, t.dt, t.times.clone());
        if self.trajectories.iter().any(|t| grid(t) != grid(first)) {
            return Err(DataError::NotRectangular);
        }
        let shape: Vec<usize> =
            if self.trajectories.len() == 1 { vec![first.len] } else { vec![self.trajectories.len(), first.len] };
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let times: Vec<f64> = (0..first.len).map(|i| first.time(i)).collect();
        put(&mut zip, "t", &[first.len], &times)?;
        for (c, name) in self.columns.iter().enumerate() {
            let cell = |t: &Trajectory, i: usize| t.value(i, c).unwrap_or(f64::NAN);
            put(&mut zip, name, &shape, &self.gather(cell))?;
        }
        for (m, name) in self.inputs.iter().enumerate() {
            let width = self.inputs.len();
            let cell = |t: &Trajectory, i: usize| t.inputs.get(i * width + m).copied().unwrap_or(f64::NAN);
            put(&mut zip, name, &shape, &self.gather(cell))?;
        }
        if self.trajectories.iter().all(|t| t.truth.is_some()) {
            let width = self.columns.len();
            for (c, name) in self.columns.iter().enumerate() {
                let cell = |t: &Trajectory, i: usize| {
                    t.truth.as_ref().and_then(|v| v.get(i * width + c)).copied().unwrap_or(f64::NAN)
                };
                put(&mut zip, &format!("{name}_true"), &shape, &self.gather(cell))?;
            }
        }
        Ok(zip.finish().map_err(failed)?.into_inner())
    }

    /// One number per sample, trajectory by trajectory.
    fn gather(&self, cell: impl Fn(&Trajectory, usize) -> f64) -> Vec<f64> {
        self.trajectories.iter().flat_map(|t| (0..t.len).map(|i| cell(t, i)).collect::<Vec<_>>()).collect()
    }
}

/// The archive that arrays are put into.
type Zip = ZipWriter<Cursor<Vec<u8>>>;

/// An npz archive of named arrays, each with its shape and its numbers in row-major order. The same arrays give the same bytes.
///
/// # Errors
/// [`DataError::Write`] where the archive cannot be put together.
pub fn arrays_to_npz(arrays: &[(&str, &[usize], &[f64])]) -> Result<Vec<u8>, DataError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, shape, data) in arrays {
        put(&mut zip, name, shape, data)?;
    }
    Ok(zip.finish().map_err(failed)?.into_inner())
}

fn put(zip: &mut Zip, name: &str, shape: &[usize], data: &[f64]) -> Result<(), DataError> {
    // A fixed date: the same data must give the same bytes.
    let options = FileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .large_file(size_of_val(data) as u64 > u64::from(u32::MAX) / 2);
    zip.start_file(npyz::npz::file_name_from_array_name(name), options).map_err(failed)?;
    zip.write_all(&npy(shape, data)).map_err(failed)
}

/// An npy array of version 1.0, little-endian f64; the header is padded so that the data start at a multiple of 64.
fn npy(shape: &[usize], data: &[f64]) -> Vec<u8> {
    const ALIGN: usize = 64;
    /// Magic, version and length.
    const PREFIX: usize = 10;
    let shape = super::npy::shape_text(shape);
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    let total = (PREFIX + header.len() + 1).next_multiple_of(ALIGN);
    while PREFIX + header.len() + 1 < total {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    for v in data {
        bytes.extend_from_slice(&v.to_le_bytes());
    }
    bytes
}

fn failed(e: impl std::fmt::Display) -> DataError {
    DataError::Write(e.to_string())
}
