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

use std::borrow::Cow;

use super::dataset::Dataset;
use super::error::DataError;
use super::look::{Groups, Looks, MOST_ROWS, Times, time_column};
use super::named::offered;
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
    let footer = Footer::read(bytes).map_err(|what| bad(file, what))?;
    let header: Vec<String> = footer.leaves.iter().map(|leaf| leaf.name.clone()).collect();
    let columns = Columns { file, bytes, footer, limit: spec.max_bytes };
    read(&columns, &header, spec).map_err(|error| look(error, &header, &columns, spec))
}

fn read(columns: &Columns<'_>, header: &[String], spec: &ReadSpec) -> Result<Dataset, DataError> {
    let file = columns.file;
    let plan = Plan::new(file, header, spec)?;
    let mut left = spec.max_bytes;
    let ids = plan.id.map(|at| columns.whole(at, true, &mut left)).transpose()?;
    let mut cells = Vec::with_capacity(plan.cells.len());
    for (role, at, name) in &plan.cells {
        cells.push((*role, name, columns.whole(*at, false, &mut left)?));
    }
    let place = |row: u64| format!("{file}: row {row}");
    let mut table = Table::default();
    for i in 0..usize::try_from(columns.footer.rows).unwrap_or(0) {
        let row = i as u64;
        let id = match ids.as_ref().and_then(|ids| ids.get(i)) {
            Some(Cell::Null) => {
                let column = plan.id.and_then(|at| header.get(at)).cloned().unwrap_or_default();
                return Err(DataError::MissingKnown { place: place(row), column });
            }
            Some(cell) => text(cell),
            None => Cow::Borrowed(""),
        };
        let Some(rows) = table.row(&id, row) else { continue };
        for (role, name, cells) in &cells {
            rows.push(*role, number(cells.get(i), *role, spec).map_err(|lost| lost.of(place(row), name))?);
        }
    }
    table.finish(file, spec, &place)
}

/// The columns of a file, of which each is decoded when it is asked for.
struct Columns<'a> {
    file: &'a str,
    bytes: &'a [u8],
    footer: Footer,
    /// The most bytes that may be unpacked.
    limit: u64,
}

impl Columns<'_> {
    /// The parts of a column, one after the other, of at most `left` bytes together.
    fn parts<'s>(
        &'s self,
        at: usize,
        texts: bool,
        left: &'s mut u64,
    ) -> Result<impl Iterator<Item = Result<Vec<Cell>, DataError>> + 's, DataError> {
        let (file, footer) = (self.file, &self.footer);
        let Some(leaf) = footer.leaves.get(at) else { return Err(bad(file, "it has fewer columns than it says")) };
        let text = (leaf.physical == Physical::Bytes && !texts).then_some("holds texts");
        if let Some(what) = leaf.refused.or(text) {
            return Err(DataError::NoNumbers { file: file.into(), column: leaf.name.clone(), what });
        }
        let fault = move |fault| match fault {
            TOO_LARGE => {
                DataError::TooLarge { file: file.into(), bytes: self.limit.saturating_add(1), limit: self.limit }
            }
            fault => bad(file, &format!("column `{}`: {fault}", leaf.name)),
        };
        let chunks = footer.groups.iter().filter_map(move |chunks| chunks.get(at));
        Ok(chunks.map(move |chunk| pages::read(self.bytes, chunk, leaf, left).map_err(fault)))
    }

    /// All cells of a column.
    fn whole(&self, at: usize, texts: bool, left: &mut u64) -> Result<Vec<Cell>, DataError> {
        let mut cells = Vec::new();
        for part in self.parts(at, texts, left)? {
            cells.extend(part?);
        }
        if i64::try_from(cells.len()).ok() == Some(self.footer.rows) {
            return Ok(cells);
        }
        let name = self.footer.leaves.get(at).map_or("", |leaf| &leaf.name);
        let (has, rows) = (cells.len(), self.footer.rows);
        Err(bad(self.file, &format!("column `{name}` has {has} values, and the file {rows} rows")))
    }

    /// The cells of a column, part by part, as far as they can be read.
    fn cells(&self, at: usize, mut each: impl FnMut(Cell) -> bool) {
        let mut left = self.limit;
        let Ok(parts) = self.parts(at, true, &mut left) else { return };
        for part in parts {
            let Ok(part) = part else { return };
            for cell in part {
                if !each(cell) {
                    return;
                }
            }
        }
    }
}

fn bad(file: &str, what: &str) -> DataError {
    DataError::BadParquet { file: file.into(), what: what.into() }
}

/// A cell as a text; nulls have none.
fn text(cell: &Cell) -> Cow<'_, str> {
    match cell {
        Cell::Text(text) => Cow::Borrowed(text),
        Cell::Number(number) => Cow::Owned(number.to_string()),
        Cell::Null => Cow::Borrowed(""),
    }
}

/// An error with what is seen of the columns, where that tells a way out: the times are read first, and the others one by one, only where the times
/// start again, and each only as far as it may still tell experiments apart.
fn look(error: DataError, header: &[String], columns: &Columns<'_>, spec: &ReadSpec) -> DataError {
    if !error.asks_for_a_look() {
        return error;
    }
    let texts = columns.footer.leaves.iter().filter(|leaf| leaf.physical == Physical::Bytes || leaf.refused.is_some());
    let texts = texts.map(|leaf| leaf.name.clone()).collect();
    let mut times: Vec<Option<f64>> = Vec::new();
    let mut again = false;
    let time = time_column(header, spec);
    if let Some(at) = time {
        let mut order = Times::default();
        columns.cells(at, |cell| {
            let time = if let Cell::Number(time) = cell { Some(time) } else { None };
            again |= time.is_some_and(|time| order.again(time));
            times.push(time);
            times.len() < MOST_ROWS
        });
    }
    let tells = |at: usize| {
        let (mut groups, mut keeps) = (Groups::new(), true);
        let mut times = times.iter();
        columns.cells(at, |cell| {
            let Some(time) = times.next() else { return false };
            keeps = groups.row(&text(&cell), *time, spec);
            keeps
        });
        // Nothing can be told by a column that cannot be read.
        keeps && times.next().is_none() && groups.tell()
    };
    let others = offered(header).into_iter().zip(header).enumerate();
    let others = others.filter(|(at, (offered, _))| again && *offered && Some(*at) != time);
    let experiments = others.filter(|(at, _)| tells(*at)).map(|(_, (_, name))| name.clone()).collect();
    error.looked(Looks { texts, experiments })
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
