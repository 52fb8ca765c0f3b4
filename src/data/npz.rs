//! npz archives: arrays by name.
//!
//! `t` (samples) or the scalar `dt` place the samples in time. Each column is an array of shape (samples) or
//! (trajectories, samples), or all columns are one array `data` of shape (samples, columns) or
//! (trajectories, samples, columns). With an array that tells trajectories apart every array has one number for each
//! sample, and trajectories have any lengths. Arrays that nobody asks for are not touched.

use std::collections::HashMap;
use std::io::Cursor;

use npyz::zip::ZipArchive;
use npyz::zip::result::ZipError;

use super::dataset::Dataset;
use super::error::DataError;
use super::grid::{check_step, grid};
use super::nearest::nearest;
use super::npy::{Array, Times, assemble, from_table, read_array, shape_text};
use super::spec::{ColumnMap, ReadSpec};

/// The name of the array that holds all columns where there is none for each.
const TABLE: &str = "data";

/// Reads an npz archive from memory; `file` names it in messages.
pub(crate) fn read_npz(file: &str, bytes: &[u8], spec: &ReadSpec) -> Result<Dataset, DataError> {
    let mut archive = Archive::open(file, bytes, spec.max_bytes)?;
    if let Some(name) = &spec.trajectory {
        return super::ragged::read(&mut archive, name, spec);
    }
    let times = times(&mut archive, spec)?;
    let maps: Vec<&ColumnMap> = spec.columns.iter().chain(&spec.inputs).collect();
    if archive.has(TABLE) && !maps.iter().any(|m| archive.has(&m.column) || archive.has(&family(&m.column))) {
        let table = archive.array(TABLE)?;
        return from_table(&format!("{file}: array `{TABLE}`"), table, &times, spec);
    }
    let mut parts: Vec<Array> = Vec::with_capacity(maps.len());
    let mut common: Option<(usize, usize)> = None;
    for (map, array) in maps.iter().zip(arrays(&mut archive, &maps)?) {
        let name = &map.column;
        let place = format!("{file}: array `{name}`");
        let (count, len) = match *array.shape.as_slice() {
            [len] => (1, len),
            [count, len] => (count, len),
            _ => {
                return Err(DataError::WrongShape {
                    file: place,
                    shape: shape_text(&array.shape),
                    expected: "(samples,) or (trajectories, samples)".into(),
                });
            }
        };
        times.fits(&place, &array.shape, len)?;
        if let Some((c, l)) = common
            && (c, l) != (count, len)
        {
            return Err(DataError::WrongShape {
                file: place,
                shape: shape_text(&array.shape),
                expected: format!("{c} trajectories of {l} samples, as in the arrays before it"),
            });
        }
        common = Some((count, len));
        parts.push(array);
    }
    assemble(file, &parts, common.unwrap_or((0, 0)), &times, spec)
}

/// The arrays of columns, each by itself or as an element of an array with all elements of a family.
pub(super) fn arrays(archive: &mut Archive<'_>, maps: &[&ColumnMap]) -> Result<Vec<Array>, DataError> {
    let mut whole: Option<(String, Array)> = None;
    let mut out = Vec::with_capacity(maps.len());
    for map in maps {
        let name = &map.column;
        out.push(match map.element {
            Some((at, count)) if !archive.has(name) => {
                let base = family(name);
                // All elements lie in one array, which is unpacked once.
                let known = whole.take().filter(|(known, _)| *known == base);
                let (_, array) = whole.insert(match known {
                    Some(known) => known,
                    None => (base.clone(), archive.array(&base)?),
                });
                element(&format!("{}: array `{base}`", archive.file), array, at, count)?
            }
            _ => archive.array(name)?,
        });
    }
    Ok(out)
}

/// The name of the array with all elements.
fn family(column: &str) -> String {
    column.split('[').next().unwrap_or_default().to_string()
}

/// One element of a family: element `at` of the `count` that lie behind every sample.
fn element(place: &str, array: &Array, at: usize, count: usize) -> Result<Array, DataError> {
    let lead = (1..=2).filter(|n| array.shape.len() > *n);
    let mut fitting =
        lead.filter(|&n| array.shape.get(n..).is_some_and(|rest| rest.iter().product::<usize>() == count));
    let Some(lead) = fitting.next() else {
        let behind = (1..array.shape.len()).any(|n| {
            let (first, rest) = array.shape.split_at(n);
            first.iter().product::<usize>() == count && rest.len() <= 2
        });
        if behind {
            return Err(DataError::Transposed {
                file: place.into(),
                shape: shape_text(&array.shape),
                expected: format!(
                    "(samples, ...) or (trajectories, samples, ...) with {count} elements behind every sample"
                ),
            });
        }
        return Err(DataError::WrongShape {
            file: place.into(),
            shape: shape_text(&array.shape),
            expected: format!(
                "(samples, ...) or (trajectories, samples, ...) with {count} elements behind every sample"
            ),
        });
    };
    let shape: Vec<usize> = array.shape.iter().copied().take(lead).collect();
    let data = array.data.iter().skip(at).step_by(count.max(1)).copied().collect();
    Ok(Array { shape, data })
}

fn times(archive: &mut Archive<'_>, spec: &ReadSpec) -> Result<Times, DataError> {
    let file = archive.file;
    let name = match (&spec.time, spec.dt) {
        (Some(name), _) => name.as_str(),
        (None, Some(dt)) => {
            check_step(file, dt)?;
            return Ok(Times::Step { t0: 0.0, dt });
        }
        (None, None) if archive.has("t") => "t",
        (None, None) if archive.has("dt") => {
            let array = archive.array("dt")?;
            return match *array.data.as_slice() {
                [dt] => check_step(file, dt).map(|()| Times::Step { t0: 0.0, dt }),
                _ => Err(DataError::WrongShape {
                    file: format!("{file}: array `dt`"),
                    shape: shape_text(&array.shape),
                    expected: "one number".into(),
                }),
            };
        }
        (None, None) => {
            let candidate = archive.names.contains_key("time").then(|| "time".to_owned());
            return Err(DataError::NoTime {
                file: file.into(),
                candidate,
                existing: archive.order.clone(),
                asked: Box::default(),
            });
        }
    };
    let array = archive.array(name)?;
    let place = format!("{file}: array `{name}`");
    if array.shape.len() != 1 {
        return Err(DataError::WrongShape {
            file: place,
            shape: shape_text(&array.shape),
            expected: "(samples,)".into(),
        });
    }
    if let Some(i) = array.data.iter().position(|t| !t.is_finite()) {
        let place = format!("{file}: row {i}");
        let value = array.data.get(i).copied().unwrap_or(f64::NAN);
        return Err(if value.is_nan() {
            DataError::MissingKnown { place, column: name.into() }
        } else {
            DataError::NotFinite { place, column: name.into(), value: value.to_string() }
        });
    }
    super::table::enough(&place, "", array.data.len(), spec)?;
    let (t0, dt, times) = grid(&place, &array.data, spec, |i| format!("{place}, row {i}"))?;
    Ok(Times::Grid { t0, dt, times, len: array.data.len() })
}

/// An open archive with its directory.
pub(super) struct Archive<'a> {
    pub(super) file: &'a str,
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Array name to place in the directory.
    names: HashMap<String, usize>,
    /// The array names in the order of the archive.
    pub(super) order: Vec<String>,
    /// Bytes that may still be unpacked.
    left: u64,
    limit: u64,
}

impl<'a> Archive<'a> {
    pub(super) fn open(file: &'a str, bytes: &'a [u8], limit: u64) -> Result<Self, DataError> {
        if bytes.is_empty() {
            return Err(DataError::Empty { file: file.into() });
        }
        let bad = |e: ZipError| DataError::BadArchive { file: file.into(), what: reason(&e) };
        if too_many_entries(bytes) {
            return Err(bad(ZipError::InvalidArchive("its directory is longer than the file")));
        }
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(bad)?;
        let mut names = HashMap::new();
        let mut order = Vec::new();
        // By position: a directory with two members of one name shows only the last of them by name.
        for at in 0..zip.len() {
            let member = zip.by_index_raw(at).map_err(bad)?;
            let Some(name) = npyz::npz::array_name_from_file_name(member.name()) else { continue };
            if names.insert(name.to_owned(), at).is_some() {
                return Err(DataError::Duplicate { file: file.into(), kind: "array", name: name.into() });
            }
            order.push(name.to_owned());
        }
        if zip.is_empty() {
            return Err(DataError::Empty { file: file.into() });
        }
        Ok(Self { file, zip, names, order, left: limit, limit })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    pub(super) fn array(&mut self, name: &str) -> Result<Array, DataError> {
        let Some(&at) = self.names.get(name) else {
            return Err(DataError::MissingColumn {
                file: self.file.into(),
                kind: "array",
                wanted: name.into(),
                existing: self.order.clone(),
                nearest: nearest(name, self.order.iter().map(String::as_str)),
                asked: Box::default(),
            });
        };
        let place = format!("{}: array `{name}`", self.file);
        let mut member =
            self.zip.by_index(at).map_err(|e| DataError::BadArchive { file: place.clone(), what: reason(&e) })?;
        let size = member.size();
        if size > self.left {
            let bytes = self.limit - self.left + size;
            return Err(DataError::TooLarge { file: self.file.into(), bytes, limit: self.limit });
        }
        self.left -= size;
        read_array(&place, &mut member, size, self.limit)
    }
}

fn reason(e: &ZipError) -> String {
    match e {
        ZipError::Io(e) => e.to_string(),
        ZipError::InvalidArchive(what) | ZipError::UnsupportedArchive(what) => (*what).into(),
        ZipError::FileNotFound => "a member is not where the directory says".into(),
    }
}

/// True when a zip64 end record (APPNOTE 4.3.14: signature `PK\x06\x06`, number of entries at 32) promises more entries
/// than there is room for. The zip reader would reserve memory for all of them.
fn too_many_entries(bytes: &[u8]) -> bool {
    /// A directory entry without its name (4.3.12).
    const ENTRY: u64 = 46;
    let Some(end) = bytes.windows(4).rposition(|w| w == b"PK\x06\x06") else { return false };
    let count = bytes.get(end + 32..end + 40).map_or(0, |n| n.iter().rev().fold(0u64, |v, &b| (v << 8) | u64::from(b)));
    count > bytes.len() as u64 / ENTRY
}
