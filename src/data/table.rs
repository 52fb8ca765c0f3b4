//! Tables with named columns and one row for each sample, whatever file they come from.

use std::collections::HashMap;

use super::dataset::{Dataset, Trajectory};
use super::error::DataError;
use super::grid::{check_step, grid};
use super::named::offered_names;
use super::nearest::nearest;
use super::spec::{ReadSpec, called_time};

/// What a cell is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CellRole {
    Value,
    Input,
    Time,
}

/// Which cell of a row goes where.
pub(super) struct Plan {
    /// What it is for, the column, and its name.
    pub cells: Vec<(CellRole, usize, String)>,
    /// The column that tells trajectories apart.
    pub id: Option<usize>,
}

impl Plan {
    /// The plan for a table with these columns.
    pub fn new(file: &str, header: &[String], spec: &ReadSpec) -> Result<Self, DataError> {
        let asked = || Box::new(spec.asked(header, false));
        let mut places: HashMap<&str, (usize, bool)> = HashMap::new();
        for (at, name) in header.iter().enumerate() {
            places.entry(name).and_modify(|(_, twice)| *twice = true).or_insert((at, false));
        }
        let find = |wanted: &str| -> Result<usize, DataError> {
            match places.get(wanted) {
                Some((at, false)) => Ok(*at),
                Some((_, true)) => Err(DataError::Duplicate { file: file.into(), kind: "column", name: wanted.into() }),
                None => Err(DataError::MissingColumn {
                    file: file.into(),
                    kind: "column",
                    wanted: wanted.into(),
                    existing: header.to_vec(),
                    nearest: nearest(wanted, offered_names(header).map(String::as_str)),
                    asked: asked(),
                }),
            }
        };
        let mut cells = Vec::new();
        match (&spec.time, spec.dt) {
            (Some(name), _) => {
                let found = find(name).map_err(|error| match error {
                    DataError::MissingColumn { file, wanted, existing, nearest, asked, .. } => {
                        DataError::MissingTime { file, wanted, existing, nearest, asked }
                    }
                    other => other,
                });
                cells.push((CellRole::Time, found?, name.clone()));
            }
            (None, Some(dt)) => check_step(file, dt)?,
            (None, None) => {
                let candidate = called_time(header);
                let existing = header.to_vec();
                return Err(DataError::NoTime { file: file.into(), candidate, existing, asked: asked() });
            }
        }
        for (role, maps) in [(CellRole::Value, &spec.columns), (CellRole::Input, &spec.inputs)] {
            for map in maps {
                cells.push((role, find(&map.column)?, map.column.clone()));
            }
        }
        Ok(Self { cells, id: spec.trajectory.as_deref().map(find).transpose()? })
    }
}

/// The rows of one trajectory as they are read.
pub(super) struct Rows {
    id: String,
    /// Where each stands in the file.
    places: Vec<u64>,
    times: Vec<f64>,
    values: Vec<f64>,
    valid: Vec<bool>,
    inputs: Vec<f64>,
}

impl Rows {
    /// Adds a cell; `None` is a missing sample.
    pub fn push(&mut self, role: CellRole, number: Option<f64>) {
        match role {
            CellRole::Value => {
                self.values.push(number.unwrap_or(0.0));
                self.valid.push(number.is_some());
            }
            CellRole::Input => self.inputs.push(number.unwrap_or(0.0)),
            CellRole::Time => self.times.push(number.unwrap_or(0.0)),
        }
    }
}

/// Rows that are sorted into trajectories, which stand in the order in which they first appear.
#[derive(Default)]
pub(super) struct Table {
    all: Vec<Rows>,
    by_id: HashMap<String, usize>,
}

impl Table {
    /// The rows of a trajectory, for one more that stands at a place of the file.
    pub fn row(&mut self, id: &str, place: u64) -> Option<&mut Rows> {
        let slot = match self.by_id.get(id) {
            Some(&slot) => slot,
            None => {
                self.by_id.insert(id.to_owned(), self.all.len());
                self.all.push(Rows {
                    id: id.into(),
                    places: Vec::new(),
                    times: Vec::new(),
                    values: Vec::new(),
                    valid: Vec::new(),
                    inputs: Vec::new(),
                });
                self.all.len() - 1
            }
        };
        let rows = self.all.get_mut(slot)?;
        rows.places.push(place);
        Some(rows)
    }

    /// The data set; `place` names a place of the file.
    ///
    /// # Errors
    /// Where there is no row, a trajectory is too short, times are wrong, or nothing of a column was seen.
    pub fn finish(self, file: &str, spec: &ReadSpec, place: &dyn Fn(u64) -> String) -> Result<Dataset, DataError> {
        if self.all.is_empty() {
            return Err(DataError::HeaderOnly { file: file.into() });
        }
        let trajectories = self.all.into_iter().map(|rows| trajectory(rows, file, spec, place));
        let trajectories = trajectories.collect::<Result<_, _>>()?;
        let data =
            Dataset { source: file.into(), columns: spec.column_names(), inputs: spec.input_names(), trajectories };
        observed(file, &data)?;
        Ok(data)
    }
}

fn trajectory(rows: Rows, file: &str, spec: &ReadSpec, place: &dyn Fn(u64) -> String) -> Result<Trajectory, DataError> {
    let Rows { id, places, times, values, valid, inputs } = rows;
    let len = places.len();
    enough(file, &id, len, spec)?;
    let (t0, dt, times) = match spec.dt {
        Some(dt) if spec.time.is_none() => (0.0, dt, Vec::new()),
        _ => grid(file, &times, spec, |i| place(places.get(i).copied().unwrap_or(0)))?,
    };
    Ok(Trajectory { id, t0, dt, times, len, values, valid, inputs, ..Trajectory::default() })
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
