//! From a path to bytes to a data set.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use super::csv_file::read_csv;
use super::dataset::Dataset;
use super::error::DataError;
use super::grid::check_step;
use super::nearest::{is_like, nearest};
use super::npy::read_npy;
use super::npz::read_npz;
use super::parquet::read_parquet;
use super::spec::{ColumnMap, Conversion, ReadSpec};

/// The file formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text with a header line; other delimiters than the comma are a setting.
    Csv,
    /// One numpy array.
    Npy,
    /// An archive of numpy arrays.
    Npz,
    /// A table of columns.
    Parquet,
}

impl Format {
    /// The format that a file's extension stands for, without regard to case; `.tsv` and `.txt` count as csv.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "npy" => Some(Self::Npy),
            "npz" => Some(Self::Npz),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// Reads one or more files into one data set; the trajectories follow each other in the order of the paths.
///
/// # Errors
/// The first thing that is wrong, with the file, row and column it is at.
pub fn read_files<P: AsRef<Path>>(paths: &[P], format: Option<Format>, spec: &ReadSpec) -> Result<Dataset, DataError> {
    let mut all: Option<Dataset> = None;
    for path in paths {
        let path = path.as_ref();
        let name = path.display().to_string();
        let format = match format.or_else(|| Format::of(path)) {
            Some(format) => format,
            // A missing file is the better news than an odd extension.
            None => {
                load(path, spec.max_bytes)?;
                return Err(DataError::UnknownFormat { file: name });
            }
        };
        let mut one = read_bytes(&name, &load(path, spec.max_bytes)?, format, spec)?;
        if paths.len() > 1 {
            // A trajectory is known by its file, so that equal ids in two files stay apart.
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            for t in &mut one.trajectories {
                t.id = if t.id.is_empty() { stem.clone().into_owned() } else { format!("{stem}:{}", t.id) };
            }
        }
        all = Some(match all {
            None => one,
            Some(mut all) => {
                all.source.push_str(", ");
                all.source.push_str(&one.source);
                all.trajectories.extend(one.trajectories);
                all
            }
        });
    }
    all.ok_or_else(|| DataError::NotFound { path: "(no file given)".into(), nearest: None })
}

/// Reads a data set from memory; `file` is the name to use in messages.
///
/// # Errors
/// As [`read_files`], except for what only a file system can do wrong.
pub fn read_bytes(file: &str, bytes: &[u8], format: Format, spec: &ReadSpec) -> Result<Dataset, DataError> {
    let mut dataset = match format {
        Format::Csv => read_csv(file, bytes, spec),
        Format::Npy => read_npy(file, bytes, spec),
        // An archive gives arrays by name and does not know what they are for.
        Format::Npz => read_npz(file, bytes, spec).map_err(|error| match error {
            DataError::MissingColumn { file, kind, wanted, existing, nearest, .. } => {
                let asked = Box::new(spec.asked(&existing, true));
                DataError::MissingColumn { file, kind, wanted, existing, nearest, asked }
            }
            other => other,
        }),
        Format::Parquet => read_parquet(file, bytes, spec),
    }?;
    convert(file, &mut dataset, spec)?;
    Ok(dataset)
}

/// Brings columns and times to the units that are wanted.
fn convert(file: &str, dataset: &mut Dataset, spec: &ReadSpec) -> Result<(), DataError> {
    let of = |maps: &[ColumnMap]| -> Vec<Conversion> { maps.iter().map(|m| m.conversion).collect() };
    let (columns, inputs) = (of(&spec.columns), of(&spec.inputs));
    let apply = |values: &mut [f64], by: &[Conversion]| {
        if by.iter().any(|c| *c != Conversion::NONE) {
            for row in values.chunks_mut(by.len().max(1)) {
                row.iter_mut().zip(by).for_each(|(v, c)| *v = c.apply(*v));
            }
        }
    };
    for t in &mut dataset.trajectories {
        apply(&mut t.values, &columns);
        apply(&mut t.inputs, &inputs);
        // What is missing stays zero.
        t.values.iter_mut().zip(&t.valid).filter(|(_, ok)| !**ok).for_each(|(v, _)| *v = 0.0);
        if spec.time_factor != 1.0 {
            t.t0 *= spec.time_factor;
            t.dt *= spec.time_factor;
            t.times.iter_mut().for_each(|time| *time *= spec.time_factor);
            check_step(file, t.dt)?;
        }
        let lost = [(&t.values, &spec.columns), (&t.inputs, &spec.inputs)].into_iter().find_map(|(values, maps)| {
            let (at, value) = values.iter().enumerate().find(|(_, v)| !v.is_finite())?;
            Some((maps.get(at % maps.len().max(1))?.column.clone(), *value))
        });
        if let Some((column, value)) = lost {
            let value = format!("{value} in the unit of the model");
            return Err(DataError::NotFinite { place: file.into(), column, value });
        }
    }
    Ok(())
}

/// What is wrong where there is nothing at a path. Nothing is read.
pub fn absent(path: &Path) -> Option<DataError> {
    match std::fs::metadata(path).map_err(|e| e.kind()) {
        Err(ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Some(DataError::NotFound { path: path.into(), nearest: sibling(path) })
        }
        _ => None,
    }
}

/// The names of the columns of a table, or of the arrays of an archive; none where it cannot be read or is too large for a look at it.
///
/// Those that are known to be `read` tell whether a line that begins with `#` holds the names, and whether that is a part of the first one.
pub fn column_names(path: &Path, format: Option<Format>, read: &[&str]) -> Option<Vec<String>> {
    /// No file has a column of this name, and so one is told those that there are.
    const NOWHERE: &str = "\0";
    let format = format.or_else(|| Format::of(path))?;
    let bytes = beginning(path, format)?;
    let names = |missing: Vec<String>| {
        let spec = ReadSpec { columns: vec![NOWHERE.into()], dt: Some(1.0), missing, ..ReadSpec::default() };
        match read_bytes("", &bytes, format, &spec) {
            Err(DataError::MissingColumn { existing, .. }) => Some(existing),
            _ => None,
        }
    };
    let marked = |names: &[String]| {
        let first = names.first().map(|first| format!("#{first}"));
        first.filter(|first| read.contains(&first.as_str()))
    };
    let has_all = |names: &[String]| {
        let first = marked(names);
        read.iter().all(|&column| names.iter().chain(&first).any(|name| name == column))
    };
    let mut found = names(Vec::new())?;
    if format == Format::Csv && !has_all(&found) {
        // Of a row with texts nobody knows that it is none of names, unless its cells are such as stand in rows.
        found = names(found.clone()).filter(|names| has_all(names)).unwrap_or(found);
    }
    if let Some((marked, first)) = marked(&found).zip(found.first_mut()) {
        *first = marked;
    }
    Some(found)
}

/// As much of a file as names its columns, as a file of its own.
fn beginning(path: &Path, format: Format) -> Option<Vec<u8>> {
    /// Of a text the header stands in its first bytes.
    const START: u64 = 1 << 20;
    const MOST: u64 = 1 << 28;
    /// What a parquet file begins and ends with.
    const MARK: &[u8] = b"PAR1";
    let meta = std::fs::metadata(path).ok().filter(|meta| meta.is_file())?;
    let mut file = File::open(path).ok()?;
    let mut bytes = Vec::new();
    match format {
        Format::Csv => {
            file.take(START).read_to_end(&mut bytes).ok()?;
            if meta.len() > START {
                // The last line is only begun.
                bytes.truncate(bytes.iter().rposition(|b| *b == b'\n')?);
            }
        }
        Format::Parquet => {
            // The names stand at its end, with their length and the mark behind them.
            let mut length = [0; 4];
            file.seek(SeekFrom::End(-8)).ok()?;
            file.read_exact(&mut length).ok()?;
            let end = u64::from(u32::from_le_bytes(length)) + 8;
            file.seek(SeekFrom::Start(meta.len().checked_sub(end)?)).ok().filter(|_| end <= MOST)?;
            bytes.extend(MARK);
            file.take(end).read_to_end(&mut bytes).ok()?;
        }
        _ if meta.len() <= MOST => {
            file.take(MOST).read_to_end(&mut bytes).ok()?;
        }
        _ => return None,
    }
    Some(bytes)
}

/// The bytes of a regular file of at most `limit` bytes.
///
/// Pipes and devices are refused before they are opened: opening a pipe without a writer waits for ever.
pub(super) fn load(path: &Path, limit: u64) -> Result<Vec<u8>, DataError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            DataError::NotFound { path: path.into(), nearest: sibling(path) }
        }
        _ => DataError::Unreadable { path: path.into(), source },
    };
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    if meta.is_dir() {
        return Err(DataError::NotAFile { path: path.into(), what: "a directory" });
    }
    if !meta.is_file() {
        return Err(DataError::NotAFile { path: path.into(), what: "a pipe or a device" });
    }
    let too_large = |bytes| DataError::TooLarge { file: path.display().to_string(), bytes, limit };
    if meta.len() > limit {
        return Err(too_large(meta.len()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    // The length may have grown since it was asked for.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// The file beside a missing one that has the most similar name.
fn sibling(path: &Path) -> Option<String> {
    /// Enough for a folder of data; a "did you mean" is not worth reading a million names.
    const LOOKED_AT: usize = 1000;
    let wanted = path.file_name()?.to_str()?;
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .take(LOOKED_AT)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    // A model holds no data, and other files seldom do; csv files may have any extension.
    let holds_data = |name: &&str| {
        let found = Path::new(name);
        let alike = found.extension() == path.extension() && found.extension().is_none_or(|e| e != "mech");
        Format::of(found).is_some() || alike
    };
    // What is the same extension makes no name more like another.
    let is_near = |name: &&str| {
        let found = Path::new(name);
        let stems = [path, found].map(|path| path.file_stem().and_then(|stem| stem.to_str()));
        found.extension() != path.extension() || matches!(stems, [Some(wanted), Some(found)] if is_like(wanted, found))
    };
    nearest(wanted, names.iter().map(String::as_str).filter(holds_data).filter(is_near))
}
