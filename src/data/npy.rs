//! npy arrays: a strict reader for arrays of real numbers.
//!
//! The format is that of numpy's `NEP 1`: the magic `\x93NUMPY`, a version, the length of the header, a Python
//! dictionary with `descr`, `fortran_order` and `shape`, then the items. Everything in the header is checked before
//! memory is asked for; shape times item size must be exactly the number of bytes that follow.

use std::io::Read;

use super::dataset::{Dataset, Trajectory};
use super::error::DataError;
use super::grid::check_step;
use super::npy_header::{Header, Item};
use super::spec::ReadSpec;
use super::table::{enough, observed};

/// A decoded array in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Extent of each axis; empty for a single number.
    pub shape: Vec<usize>,
    /// As many numbers as the product of the extents.
    pub data: Vec<f64>,
}

/// Reads an array from a stream of `total` bytes that may hold at most `limit` bytes as f64; `file` names it in messages.
pub(crate) fn read_array(file: &str, stream: &mut dyn Read, total: u64, limit: u64) -> Result<Array, DataError> {
    let (header, header_bytes) = Header::read(file, stream)?;
    let count = header.count(file)?;
    let size = header.item.size();
    let expected = (count as u64)
        .checked_mul(size as u64)
        .ok_or_else(|| DataError::ShapeOverflow { file: file.into(), shape: shape_text(&header.shape) })?;
    let wrong = |found| DataError::WrongLength { file: file.into(), expected, found };
    let promised = total.saturating_sub(header_bytes);
    if promised != expected {
        return Err(wrong(promised));
    }
    // Small items grow: a byte becomes eight.
    let bytes = (count as u64).saturating_mul(8);
    if bytes > limit {
        return Err(DataError::TooLarge { file: file.into(), bytes, limit });
    }
    let data = decode(stream, count, header.item, header.big_endian, |e| match e {
        Fault::Ended(found) => wrong(found),
        Fault::Broken(what) => DataError::BadArchive { file: file.into(), what },
    })?;
    let data = if header.fortran_order { row_major(&data, &header.shape) } else { data };
    Ok(Array { shape: header.shape, data })
}

/// Reads an npy file with all columns: shape (samples, columns) or (trajectories, samples, columns), by position.
pub(crate) fn read_npy(file: &str, bytes: &[u8], spec: &ReadSpec) -> Result<Dataset, DataError> {
    if bytes.is_empty() {
        return Err(DataError::Empty { file: file.into() });
    }
    let dt = spec.dt.ok_or_else(|| DataError::NoTime {
        file: file.into(),
        candidate: None,
        existing: Vec::new(),
        asked: Box::default(),
    })?;
    check_step(file, dt)?;
    let array = read_array(file, &mut &*bytes, bytes.len() as u64, spec.max_bytes)?;
    let times = Times::Step { t0: 0.0, dt };
    from_table(file, array, &times, spec)
}

/// How the samples of arrays are placed in time: one grid for all trajectories.
pub(crate) enum Times {
    /// Samples at `t0 + i*dt`, any number of them.
    Step { t0: f64, dt: f64 },
    /// The same, checked against an array of this many times; all of them where they are irregular.
    Grid { t0: f64, dt: f64, times: Vec<f64>, len: usize },
}

impl Times {
    pub(crate) fn step(&self) -> (f64, f64) {
        match *self {
            Self::Step { t0, dt } | Self::Grid { t0, dt, .. } => (t0, dt),
        }
    }

    /// All times, where they are irregular.
    pub(crate) fn irregular(&self) -> &[f64] {
        match self {
            Self::Grid { times, .. } => times,
            Self::Step { .. } => &[],
        }
    }

    /// Refuses a number of samples that is not the number of times.
    pub(crate) fn fits(&self, file: &str, shape: &[usize], samples: usize) -> Result<(), DataError> {
        match *self {
            Self::Grid { len, .. } if len != samples && shape.first() == Some(&len) && shape.len() == 2 => {
                Err(DataError::Transposed {
                    file: file.into(),
                    shape: shape_text(shape),
                    expected: "(trajectories, samples)".into(),
                })
            }
            Self::Grid { len, .. } if len != samples => Err(DataError::WrongShape {
                file: file.into(),
                shape: shape_text(shape),
                expected: format!("{len} samples, as many as there are times"),
            }),
            _ => Ok(()),
        }
    }
}

/// Splits a table with one column per name (columns, then inputs) into trajectories.
pub(crate) fn from_table(file: &str, array: Array, times: &Times, spec: &ReadSpec) -> Result<Dataset, DataError> {
    let width = spec.columns.len() + spec.inputs.len();
    let (count, len) = match *array.shape.as_slice() {
        [len, w] if w == width => (1, len),
        [count, len, w] if w == width => (count, len),
        [w, _] | [_, w, _] if w == width => {
            return Err(DataError::Transposed {
                file: file.into(),
                shape: shape_text(&array.shape),
                expected: format!("(samples, {width}) or (trajectories, samples, {width})"),
            });
        }
        _ => {
            return Err(DataError::WrongShape {
                file: file.into(),
                shape: shape_text(&array.shape),
                expected: format!("(samples, {width}) or (trajectories, samples, {width})"),
            });
        }
    };
    times.fits(file, &array.shape, len)?;
    let mut parts = Vec::with_capacity(width);
    for c in 0..width {
        let data = array.data.iter().skip(c).step_by(width.max(1)).copied().collect();
        parts.push(Array { shape: vec![count, len], data });
    }
    assemble(file, &parts, (count, len), times, spec)
}

/// Puts one array per name (columns, then inputs), each of shape (trajectories, samples), together.
///
/// NaN is missing where `spec.missing` lists `nan`, and only in columns.
pub(crate) fn assemble(
    file: &str,
    parts: &[Array],
    (count, len): (usize, usize),
    times: &Times,
    spec: &ReadSpec,
) -> Result<Dataset, DataError> {
    enough(file, "", if count == 0 { 0 } else { len }, spec)?;
    let (t0, dt) = times.step();
    let (columns, inputs) = parts.split_at(spec.columns.len().min(parts.len()));
    let mut trajectories = Vec::with_capacity(count);
    for k in 0..count {
        let id = if count > 1 { k.to_string() } else { String::new() };
        let mut t = Trajectory { id, t0, dt, times: times.irregular().to_vec(), len, ..Trajectory::default() };
        for i in 0..len {
            let place =
                || if count > 1 { format!("{file}: trajectory {k}, row {i}") } else { format!("{file}: row {i}") };
            for (part, map) in columns.iter().zip(&spec.columns) {
                let v = part.data.get(k * len + i).copied().unwrap_or(f64::NAN);
                let missing = spec.is_missing_number(v);
                if !v.is_finite() && !missing {
                    return Err(not_finite(place(), &map.column, v));
                }
                t.values.push(if missing { 0.0 } else { v });
                t.valid.push(!missing);
            }
            for (part, map) in inputs.iter().zip(&spec.inputs) {
                let v = part.data.get(k * len + i).copied().unwrap_or(f64::NAN);
                if !v.is_finite() {
                    return Err(not_finite(place(), &map.column, v));
                }
                if spec.is_missing_number(v) {
                    return Err(DataError::MissingKnown { place: place(), column: map.column.clone() });
                }
                t.inputs.push(v);
            }
        }
        trajectories.push(t);
    }
    let data = Dataset { source: file.into(), columns: spec.column_names(), inputs: spec.input_names(), trajectories };
    observed(file, &data)?;
    Ok(data)
}

/// A shape as Python prints it.
pub(crate) fn shape_text(shape: &[usize]) -> String {
    match shape {
        [n] => format!("({n},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn not_finite(place: String, column: &str, value: f64) -> DataError {
    DataError::NotFinite { place, column: column.into(), value: value.to_string() }
}

/// Why a stream of items stopped short.
enum Fault {
    Ended(u64),
    Broken(String),
}

/// Reads `count` items piece by piece, so that memory grows only with what is really there.
fn decode(
    stream: &mut dyn Read,
    count: usize,
    item: Item,
    big_endian: bool,
    fail: impl Fn(Fault) -> DataError,
) -> Result<Vec<f64>, DataError> {
    const ITEMS_PER_PIECE: usize = 8192;
    let size = item.size();
    let mut data = Vec::new();
    let mut piece = Vec::new();
    let mut got = 0u64;
    while data.len() < count {
        let bytes = size * ITEMS_PER_PIECE.min(count - data.len());
        piece.clear();
        let n = (&mut *stream)
            .take(bytes as u64)
            .read_to_end(&mut piece)
            .map_err(|e| fail(Fault::Broken(e.to_string())))?;
        got += n as u64;
        if n < bytes {
            return Err(fail(Fault::Ended(got)));
        }
        data.extend(piece.chunks_exact(size).map(|b| item.value(b, big_endian)));
    }
    // One byte more than promised: the archive's directory understated the length. Reading to the end is also what
    // makes a zip reader compare the checksum.
    let mut rest = [0u8; 1];
    match stream.read(&mut rest) {
        Ok(0) => Ok(data),
        Ok(n) => Err(fail(Fault::Ended(got + n as u64))),
        Err(e) => Err(fail(Fault::Broken(e.to_string()))),
    }
}

/// Column-major items in row-major order.
fn row_major(data: &[f64], shape: &[usize]) -> Vec<f64> {
    // In column-major order the first axis varies fastest: stride of axis k is the product of the axes before it.
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for &n in shape {
        strides.push(stride);
        stride *= n;
    }
    let mut index = vec![0usize; shape.len()];
    let mut out = Vec::with_capacity(data.len());
    for _ in 0..data.len() {
        let at: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
        out.push(data.get(at).copied().unwrap_or(f64::NAN));
        for (i, &n) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < n {
                break;
            }
            *i = 0;
        }
    }
    out
}
