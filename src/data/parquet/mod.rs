//! Parquet files: columns by name, one row for each sample, as in csv files.
//!
//! Read by the description of the format (Apache Parquet, version 2.11, with the compact protocol of Thrift). Columns of whole or floating-point
//! numbers, decimals and truth values become numbers; texts may tell trajectories apart. Values may be plain, in a dictionary, differences
//! or split bytes; pages may be packed by snappy, gzip or zstd. A null is a missing sample.
//!
//! A reader of its own, since nobody vouches for the files: every number of theirs is checked before it is used, and every allocation counts
//! towards the limit of the data set. The general crate would also be the largest dependency of the build.

mod codec;
mod footer;
mod pages;
mod thrift;
mod values;
mod varint;

use super::dataset::Dataset;
use super::error::DataError;
use super::look::{Look, Looks};
use super::spec::ReadSpec;
use super::table::{CellRole, Plan, Table};
use footer::{Footer, Physical};
use pages::TOO_LARGE;
use values::Cell;

/// Reads a Parquet file from memory; `file` names it in messages.
///
/// # Errors
/// What is wrong with the file, with its column and row where there is one.
pub(crate) fn read_parquet(file: &str, bytes: &[u8], spec: &ReadSpec) -> Result<Dataset, DataError> {
    if bytes.is_empty() {
        return Err(DataError::Empty { file: file.into() });
    }
    let bad = |what: &str| DataError::BadParquet { file: file.into(), what: what.into() };
    let footer = Footer::read(bytes).map_err(bad)?;
    let header: Vec<String> = footer.leaves.iter().map(|leaf| leaf.name.clone()).collect();
    let plan = Plan::new(file, &header, spec);
    let mut left = spec.max_bytes;
    let mut column = |at: usize, texts: bool| -> Result<Vec<Cell>, DataError> {
        let Some(leaf) = footer.leaves.get(at) else { return Err(bad("it has fewer columns than it says")) };
        let text = (leaf.physical == Physical::Bytes && !texts).then_some("holds texts");
        if let Some(what) = leaf.refused.or(text) {
            return Err(DataError::NoNumbers { file: file.into(), column: leaf.name.clone(), what });
        }
        let mut cells = Vec::new();
        for chunk in footer.groups.iter().filter_map(|chunks| chunks.get(at)) {
            cells.extend(pages::read(bytes, chunk, leaf, &mut left).map_err(|fault| match fault {
                TOO_LARGE => DataError::TooLarge {
                    file: file.into(),
                    bytes: spec.max_bytes.saturating_add(1),
                    limit: spec.max_bytes,
                },
                fault => DataError::BadParquet { file: file.into(), what: format!("column `{}`: {fault}", leaf.name) },
            })?);
        }
        if i64::try_from(cells.len()).ok() == Some(footer.rows) {
            return Ok(cells);
        }
        Err(bad(&format!("column `{}` has {} values, and the file {} rows", leaf.name, cells.len(), footer.rows)))
    };
    let rows = usize::try_from(footer.rows).unwrap_or(0);
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return Err(look(error, (&header, &footer), spec, &mut column)),
    };
    let ids = plan.id.map(|at| column(at, true)).transpose()?;
    let mut columns = Vec::with_capacity(plan.cells.len());
    for (role, at, name) in &plan.cells {
        columns.push((*role, name, column(*at, false)?));
    }
    let place = |row: u64| format!("{file}: row {row}");
    let mut table = Table::default();
    for i in 0..rows {
        let row = i as u64;
        let id = match ids.as_ref().and_then(|ids| ids.get(i)) {
            Some(Cell::Text(text)) => text.clone(),
            Some(Cell::Number(number)) => number.to_string(),
            Some(Cell::Null) => {
                let column = plan.id.and_then(|at| header.get(at)).cloned().unwrap_or_default();
                return Err(DataError::MissingKnown { place: place(row), column });
            }
            None => String::new(),
        };
        let Some(rows) = table.row(&id, row) else { continue };
        for (role, name, cells) in &columns {
            rows.push(*role, number(cells.get(i), *role, spec).map_err(|lost| lost.of(place(row), name))?);
        }
    }
    table.finish(file, spec, &place).map_err(|error| look(error, (&header, &footer), spec, &mut column))
}

/// An error with what is seen of the columns, where that tells a way out: rows are read only where they say when times start again.
fn look(
    error: DataError,
    (header, footer): (&[String], &Footer),
    spec: &ReadSpec,
    column: &mut dyn FnMut(usize, bool) -> Result<Vec<Cell>, DataError>,
) -> DataError {
    if !error.asks_for_a_look() {
        return error;
    }
    let texts = || footer.leaves.iter().filter(|leaf| leaf.physical == Physical::Bytes || leaf.refused.is_some());
    let texts = texts().map(|leaf| leaf.name.clone()).collect();
    let mut look = Look::new(header, spec);
    if !look.has_times() {
        return error.looked(Looks { texts, ..Looks::default() });
    }
    let text = |cell: Cell| match cell {
        Cell::Text(text) => text,
        Cell::Number(number) => number.to_string(),
        Cell::Null => String::new(),
    };
    // Nothing can be read from a column that cannot be read.
    let read = |at: usize| column(at, true).map_or(Vec::new(), |cells| cells.into_iter().map(text).collect::<Vec<_>>());
    let columns: Vec<Vec<String>> = (0..header.len()).map(read).collect();
    for i in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
        look.row(columns.iter().map(|cells| cells.get(i).map_or("", String::as_str)));
    }
    error.looked(Looks { texts, ..look.end() })
}

/// Why a cell is no number.
enum Lost {
    Missing,
    NotFinite(f64),
}

impl Lost {
    fn of(self, place: String, column: &str) -> DataError {
        match self {
            Lost::Missing => DataError::MissingKnown { place, column: column.into() },
            Lost::NotFinite(value) => DataError::NotFinite { place, column: column.into(), value: value.to_string() },
        }
    }
}

/// The number of a cell, none where it is missing as observations may be.
fn number(cell: Option<&Cell>, role: CellRole, spec: &ReadSpec) -> Result<Option<f64>, Lost> {
    match cell {
        Some(Cell::Number(value)) if role == CellRole::Time && value.is_finite() => Ok(Some(*value)),
        Some(Cell::Number(value)) if !spec.is_missing_number(*value) => match value.is_finite() {
            true => Ok(Some(*value)),
            false => Err(Lost::NotFinite(*value)),
        },
        _ if role == CellRole::Value => Ok(None),
        _ => Err(Lost::Missing),
    }
}
