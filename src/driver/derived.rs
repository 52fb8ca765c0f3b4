//! Columns of files that are computed from others, sample by sample.

use crate::data::{ColumnMap, DataError, Dataset, Trajectory, named_in_formula as raw};
use crate::hir::{self, Derived, Point};

/// Where a column of the data comes from.
pub(super) enum Origin<'a> {
    /// It is read.
    Read(ColumnMap),
    /// It is computed from columns that are read.
    Computed(&'a str, &'a Derived),
}

/// The columns that have to be read for these, each once; those that only formulas need come last. No state is called as they are.
pub(super) fn to_read(wanted: &[Origin<'_>]) -> Vec<ColumnMap> {
    let mut out: Vec<ColumnMap> = Vec::new();
    for origin in wanted {
        if let Origin::Read(map) = origin {
            out.push(map.clone());
        }
    }
    for column in wanted.iter().filter_map(|o| if let Origin::Computed(_, d) = o { Some(&d.columns) } else { None }) {
        for name in column {
            let raw = raw(name);
            if !out.iter().any(|m| m.name == raw) {
                out.push(ColumnMap::new(raw, name.clone()));
            }
        }
    }
    out
}

/// The data set with the columns and inputs that are wanted, from one with those that were read. With `nan_is_missing` a sample at
/// which a formula has no finite value is missing.
///
/// # Errors
/// Where a formula has no value, or an input has none.
pub(super) fn compute(
    read: Dataset,
    states: &[Origin<'_>],
    inputs: &[Origin<'_>],
    nan_is_missing: bool,
) -> Result<Dataset, DataError> {
    if !states.iter().chain(inputs).any(|o| matches!(o, Origin::Computed(..))) {
        return Ok(read);
    }
    let names = |origins: &[Origin<'_>]| -> Vec<String> {
        let name = |o: &Origin<'_>| match o {
            Origin::Read(map) => map.name.clone(),
            Origin::Computed(name, _) => (*name).to_string(),
        };
        origins.iter().map(name).collect()
    };
    let mut trajectories = Vec::with_capacity(read.trajectories.len());
    for t in &read.trajectories {
        let mut out = Trajectory { values: Vec::new(), valid: Vec::new(), inputs: Vec::new(), ..t.clone() };
        for i in 0..t.len {
            let at = Sample { read: &read, t, i, nan_is_missing };
            for origin in states {
                let value = at.value(origin)?;
                out.valid.push(value.is_some());
                out.values.push(value.unwrap_or(0.0));
            }
            for origin in inputs {
                let value = match origin {
                    Origin::Read(map) => at.input(&map.name),
                    Origin::Computed(..) => at.value(origin)?,
                };
                let missing = || DataError::MissingKnown { place: at.place(), column: names(inputs).join(", ") };
                out.inputs.push(value.ok_or_else(missing)?);
            }
        }
        trajectories.push(out);
    }
    Ok(Dataset { source: read.source.clone(), columns: names(states), inputs: names(inputs), trajectories })
}

/// A sample of the data that were read.
struct Sample<'a> {
    read: &'a Dataset,
    t: &'a Trajectory,
    i: usize,
    nan_is_missing: bool,
}

impl Sample<'_> {
    fn place(&self) -> String {
        let of = if self.t.id.is_empty() { String::new() } else { format!(" of trajectory {}", self.t.id) };
        format!("{}: sample {}{of} (t = {})", self.read.source, self.i + 1, self.t.written_time(self.i))
    }

    /// The value of a column that is read or computed; `None` where a sample that it needs is missing.
    fn value(&self, origin: &Origin<'_>) -> Result<Option<f64>, DataError> {
        let seen = |name: &str| self.read.column(name).and_then(|c| self.t.value(self.i, c));
        let (name, derived) = match origin {
            Origin::Read(map) => return Ok(seen(&map.name)),
            Origin::Computed(name, derived) => (name, derived),
        };
        let inputs: Option<Vec<f64>> = derived.columns.iter().map(|c| seen(&raw(c))).collect();
        let Some(inputs) = inputs else { return Ok(None) };
        let point = Point { time: self.t.time(self.i), inputs, ..Point::default() };
        let value = derived.formula.eval(&point);
        let hir::Conversion { factor, offset } = derived.conversion;
        let value = factor * value + offset;
        if value.is_finite() {
            return Ok(Some(value));
        }
        if self.nan_is_missing {
            return Ok(None);
        }
        let of: Vec<String> = derived.columns.iter().zip(&point.inputs).map(|(c, v)| format!("{c} = {v}")).collect();
        let (column, of) = ((*name).to_string(), of.join(", "));
        Err(DataError::NoValue { place: self.place(), column, of, value: value.to_string() })
    }

    fn input(&self, name: &str) -> Option<f64> {
        let at = self.read.inputs.iter().position(|i| i == name)?;
        self.t.inputs.get(self.i * self.read.inputs.len() + at).copied()
    }
}
