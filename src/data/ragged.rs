//! npz archives with trajectories of different lengths: samples one after the other, and an array that says which trajectory each
//! belongs to.

use std::collections::HashMap;

use super::dataset::{Dataset, Trajectory};
use super::error::DataError;
use super::grid::{check_step, grid};
use super::npy::{Array, shape_text};
use super::npz::{Archive, arrays};
use super::spec::{ColumnMap, ReadSpec};
use super::table::{enough, observed};

/// Where the times come from.
enum Clock {
    /// The same step everywhere, from zero.
    Step(f64),
    /// The time of every sample, from an array of this name.
    Times(String, Vec<f64>),
}

/// Reads an archive whose array `name` has a number for every sample, equal within a trajectory. Trajectories stand in the order
/// in which they first appear.
pub(super) fn read(archive: &mut Archive<'_>, name: &str, spec: &ReadSpec) -> Result<Dataset, DataError> {
    let file = archive.file;
    let ids = flat(file, name, archive.array(name)?, None)?;
    let len = ids.len();
    let mut order: Vec<Vec<usize>> = Vec::new();
    let mut by_id: HashMap<u64, usize> = HashMap::new();
    for (i, id) in ids.iter().enumerate() {
        if !id.is_finite() {
            let place = format!("{file}: row {i}");
            return Err(DataError::NotFinite { place, column: name.into(), value: id.to_string() });
        }
        // Zero has two signs and is one number.
        let slot = *by_id.entry((id + 0.0).to_bits()).or_insert(order.len());
        match order.get_mut(slot) {
            Some(rows) => rows.push(i),
            None => order.push(vec![i]),
        }
    }
    let clock = clock(archive, len, spec)?;
    let maps: Vec<&ColumnMap> = spec.columns.iter().chain(&spec.inputs).collect();
    let mut parts = Vec::with_capacity(maps.len());
    for (map, array) in maps.iter().zip(arrays(archive, &maps)?) {
        parts.push(flat(file, &map.column, array, Some(len))?);
    }
    let (columns, inputs) = parts.split_at(spec.columns.len().min(parts.len()));
    let table = Table { file, columns, inputs, spec };
    let mut trajectories = Vec::with_capacity(order.len());
    for rows in &order {
        let id = rows.first().and_then(|&i| ids.get(i)).map_or(String::new(), f64::to_string);
        enough(file, &id, rows.len(), spec)?;
        let (t0, dt, times) = match &clock {
            Clock::Step(dt) => (0.0, *dt, Vec::new()),
            Clock::Times(array, all) => {
                let own: Vec<f64> = rows.iter().filter_map(|&i| all.get(i).copied()).collect();
                let place = |i: usize| format!("{file}: array `{array}`, row {}", rows.get(i).copied().unwrap_or(0));
                grid(file, &own, spec, place)?
            }
        };
        trajectories.push(table.trajectory(rows, Trajectory { id, t0, dt, times, ..Trajectory::default() })?);
    }
    let data = Dataset { source: file.into(), columns: spec.column_names(), inputs: spec.input_names(), trajectories };
    observed(file, &data)?;
    Ok(data)
}

/// The numbers of an array of shape (samples).
fn flat(file: &str, name: &str, array: Array, len: Option<usize>) -> Result<Vec<f64>, DataError> {
    match *array.shape.as_slice() {
        [n] if len.is_none_or(|len| n == len) => Ok(array.data),
        _ => Err(DataError::WrongShape {
            file: format!("{file}: array `{name}`"),
            shape: shape_text(&array.shape),
            expected: match len {
                Some(len) => format!("({len},), as many samples as the array that tells trajectories apart"),
                None => "(samples,)".into(),
            },
        }),
    }
}

fn clock(archive: &mut Archive<'_>, len: usize, spec: &ReadSpec) -> Result<Clock, DataError> {
    let file = archive.file;
    let name = match (&spec.time, spec.dt) {
        (Some(name), _) => name.clone(),
        (None, Some(dt)) => return check_step(file, dt).map(|()| Clock::Step(dt)),
        (None, None) if archive.has("t") => "t".to_string(),
        (None, None) if archive.has("dt") => {
            let array = archive.array("dt")?;
            let [dt] = *array.data.as_slice() else {
                return Err(DataError::WrongShape {
                    file: format!("{file}: array `dt`"),
                    shape: shape_text(&array.shape),
                    expected: "one number".into(),
                });
            };
            return check_step(file, dt).map(|()| Clock::Step(dt));
        }
        (None, None) => {
            let candidate = archive.has("time").then(|| "time".to_owned());
            return Err(DataError::NoTime {
                file: file.into(),
                candidate,
                existing: archive.order.clone(),
                asked: Box::default(),
            });
        }
    };
    let times = flat(file, &name, archive.array(&name)?, Some(len))?;
    if let Some(i) = times.iter().position(|t| !t.is_finite()) {
        return Err(DataError::MissingKnown { place: format!("{file}: row {i}"), column: name });
    }
    Ok(Clock::Times(name, times))
}

/// One array per column and input, each with a number for every sample.
struct Table<'a> {
    file: &'a str,
    columns: &'a [Vec<f64>],
    inputs: &'a [Vec<f64>],
    spec: &'a ReadSpec,
}

impl Table<'_> {
    /// A trajectory of these samples.
    fn trajectory(&self, rows: &[usize], mut t: Trajectory) -> Result<Trajectory, DataError> {
        let value = |part: &Vec<f64>, i: usize| part.get(i).copied().unwrap_or(f64::NAN);
        let bad = |map: &ColumnMap, i: usize, v: f64| DataError::NotFinite {
            place: format!("{}: row {i}", self.file),
            column: map.column.clone(),
            value: v.to_string(),
        };
        for &i in rows {
            for (part, map) in self.columns.iter().zip(&self.spec.columns) {
                let v = value(part, i);
                let missing = self.spec.is_missing_number(v);
                if !v.is_finite() && !missing {
                    return Err(bad(map, i, v));
                }
                t.values.push(if missing { 0.0 } else { v });
                t.valid.push(!missing);
            }
            for (part, map) in self.inputs.iter().zip(&self.spec.inputs) {
                let v = value(part, i);
                if !v.is_finite() {
                    return Err(bad(map, i, v));
                }
                if self.spec.is_missing_number(v) {
                    let place = format!("{}: row {i}", self.file);
                    return Err(DataError::MissingKnown { place, column: map.column.clone() });
                }
                t.inputs.push(v);
            }
        }
        t.len = rows.len();
        Ok(t)
    }
}
