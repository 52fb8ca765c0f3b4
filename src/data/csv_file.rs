//! csv files: a header line, then one row per sample.

use super::dataset::{Dataset, Trajectory};
use super::error::DataError;
use super::grid::{check_step, grid};
use super::nearest::nearest;
use super::spec::ReadSpec;

/// What a csv cell is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Value,
    Input,
    Time,
}

/// The rows of one trajectory as they are read.
struct Rows {
    id: String,
    lines: Vec<u64>,
    times: Vec<f64>,
    values: Vec<f64>,
    valid: Vec<bool>,
    inputs: Vec<f64>,
}

/// Reads a csv file from memory; `file` names it in messages.
///
/// A byte-order mark, CRLF, quoted cells, blanks around cells and blank lines are accepted.
///
/// # Errors
/// The first fault in reading order, with line and column.
pub(crate) fn read_csv(file: &str, bytes: &[u8], spec: &ReadSpec) -> Result<Dataset, DataError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(DataError::Empty { file: file.into() });
    }
    utf8(file, bytes)?;
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(spec.delimiter)
        .trim(::csv::Trim::All)
        .from_reader(bytes);
    let mut record = ::csv::StringRecord::new();
    let broken = |e: ::csv::Error| DataError::BadHeader { file: file.into(), what: e.to_string() };

    if !reader.read_record(&mut record).map_err(broken)? {
        return Err(DataError::Empty { file: file.into() });
    }
    let header: Vec<String> = record.iter().map(str::to_owned).collect();
    if header.iter().all(|name| name.parse::<f64>().is_ok()) {
        return Err(DataError::NoHeader { file: file.into() });
    }
    let plan = Plan::new(file, &header, spec)?;

    let mut all: Vec<Rows> = Vec::new();
    let mut by_id = std::collections::HashMap::new();
    while reader.read_record(&mut record).map_err(broken)? {
        let line = record.position().map_or(0, ::csv::Position::line);
        if record.len() != header.len() {
            return Err(DataError::Ragged { file: file.into(), line, found: record.len(), expected: header.len() });
        }
        let id = plan.id.and_then(|at| record.get(at)).unwrap_or_default();
        let slot = match by_id.get(id) {
            Some(&slot) => slot,
            None => {
                by_id.insert(id.to_owned(), all.len());
                all.push(Rows::new(id));
                all.len() - 1
            }
        };
        let Some(rows) = all.get_mut(slot) else { continue };
        rows.lines.push(line);
        for (role, at, name) in &plan.cells {
            let text = record.get(*at).unwrap_or_default();
            let missing = spec.is_missing(text);
            if missing && *role != Role::Value {
                return Err(DataError::MissingKnown { place: format!("{file}:{line}"), column: name.clone() });
            }
            let number = if missing { 0.0 } else { number(file, line, name, text)? };
            match role {
                Role::Value => {
                    rows.values.push(number);
                    rows.valid.push(!missing);
                }
                Role::Input => rows.inputs.push(number),
                Role::Time => rows.times.push(number),
            }
        }
    }
    if all.is_empty() {
        return Err(DataError::HeaderOnly { file: file.into() });
    }
    let trajectories = all.into_iter().map(|rows| rows.finish(file, spec)).collect::<Result<_, _>>()?;
    let data = Dataset { source: file.into(), columns: spec.column_names(), inputs: spec.input_names(), trajectories };
    observed(file, &data)?;
    Ok(data)
}

/// Refuses a data set with a column that is missing throughout.
pub(crate) fn observed(file: &str, data: &Dataset) -> Result<(), DataError> {
    for (c, name) in data.columns.iter().enumerate() {
        if data.stats(c).count == 0 {
            return Err(DataError::NothingObserved { file: file.into(), column: name.clone() });
        }
    }
    Ok(())
}

/// Which cell of a row goes where.
struct Plan {
    cells: Vec<(Role, usize, String)>,
    id: Option<usize>,
}

impl Plan {
    fn new(file: &str, header: &[String], spec: &ReadSpec) -> Result<Self, DataError> {
        let find = |wanted: &str| -> Result<usize, DataError> {
            let mut hits = header.iter().enumerate().filter(|(_, name)| *name == wanted);
            match (hits.next(), hits.next()) {
                (Some((at, _)), None) => Ok(at),
                (Some(_), Some(_)) => {
                    Err(DataError::Duplicate { file: file.into(), kind: "column", name: wanted.into() })
                }
                (None, _) => Err(DataError::MissingColumn {
                    file: file.into(),
                    kind: "column",
                    wanted: wanted.into(),
                    existing: header.to_vec(),
                    nearest: nearest(wanted, header.iter().map(String::as_str)),
                }),
            }
        };
        let mut cells = Vec::new();
        match (&spec.time, spec.dt) {
            (Some(name), _) => {
                let found = find(name).map_err(|error| match error {
                    DataError::MissingColumn { file, wanted, existing, nearest, .. } => {
                        DataError::MissingTime { file, wanted, existing, nearest }
                    }
                    other => other,
                });
                cells.push((Role::Time, found?, name.clone()));
            }
            (None, Some(dt)) => check_step(file, dt)?,
            (None, None) => {
                let candidate = header.iter().find(|n| matches!(n.to_lowercase().as_str(), "t" | "time")).cloned();
                return Err(DataError::NoTime { file: file.into(), candidate });
            }
        }
        for (role, maps) in [(Role::Value, &spec.columns), (Role::Input, &spec.inputs)] {
            for map in maps {
                cells.push((role, find(&map.column)?, map.column.clone()));
            }
        }
        Ok(Self { cells, id: spec.trajectory.as_deref().map(find).transpose()? })
    }
}

impl Rows {
    fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            lines: Vec::new(),
            times: Vec::new(),
            values: Vec::new(),
            valid: Vec::new(),
            inputs: Vec::new(),
        }
    }

    fn finish(self, file: &str, spec: &ReadSpec) -> Result<Trajectory, DataError> {
        let len = self.lines.len();
        enough(file, &self.id, len, spec)?;
        let (t0, dt, times) = match spec.dt {
            Some(dt) if spec.time.is_none() => (0.0, dt, Vec::new()),
            _ => {
                let place = |i: usize| format!("{file}:{}", self.lines.get(i).copied().unwrap_or(0));
                grid(file, &self.times, spec, place)?
            }
        };
        let Self { id, values, valid, inputs, .. } = self;
        Ok(Trajectory { id, t0, dt, times, len, values, valid, inputs, ..Trajectory::default() })
    }
}

/// Refuses trajectories below the least length.
pub(crate) fn enough(file: &str, id: &str, found: usize, spec: &ReadSpec) -> Result<(), DataError> {
    // A step needs two samples, whatever the setting says.
    let needed = spec.min_samples.max(2);
    if found >= needed {
        return Ok(());
    }
    let trajectory = if id.is_empty() { "the trajectory".into() } else { format!("trajectory `{id}`") };
    Err(DataError::TooFewRows { file: file.into(), trajectory, found, needed })
}

/// The finite number in a cell.
fn number(file: &str, line: u64, column: &str, text: &str) -> Result<f64, DataError> {
    if text.is_empty() {
        return Err(DataError::EmptyCell { file: file.into(), line, column: column.into() });
    }
    match text.parse::<f64>() {
        Ok(v) if v.is_finite() => Ok(v),
        Ok(_) => {
            Err(DataError::NotFinite { place: format!("{file}:{line}"), column: column.into(), value: excerpt(text) })
        }
        Err(_) => Err(DataError::NotANumber { file: file.into(), line, column: column.into(), text: excerpt(text) }),
    }
}

/// The first characters of a cell: a quote that is never closed makes the rest of the file one cell.
fn excerpt(text: &str) -> String {
    const SHOWN: usize = 40;
    if text.chars().count() <= SHOWN {
        return text.into();
    }
    text.chars().take(SHOWN).chain("...".chars()).collect()
}

fn utf8(file: &str, bytes: &[u8]) -> Result<(), DataError> {
    std::str::from_utf8(bytes).map(|_| ()).map_err(|e| {
        let before = bytes.get(..e.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count() as u64;
        DataError::NotUtf8 { file: file.into(), line }
    })
}
