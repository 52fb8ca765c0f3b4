//! csv files: a header line, then one row per sample.

use super::dataset::Dataset;
use super::error::DataError;
use super::spec::ReadSpec;
use super::table::{Plan, Role, Table};

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

    let mut table = Table::default();
    while reader.read_record(&mut record).map_err(broken)? {
        let line = record.position().map_or(0, ::csv::Position::line);
        if record.len() != header.len() {
            return Err(DataError::Ragged { file: file.into(), line, found: record.len(), expected: header.len() });
        }
        let id = plan.id.and_then(|at| record.get(at)).unwrap_or_default();
        let Some(rows) = table.row(id, line) else { continue };
        for (role, at, name) in &plan.cells {
            let text = record.get(*at).unwrap_or_default();
            let missing = spec.is_missing(text);
            if missing && *role != Role::Value {
                return Err(DataError::MissingKnown { place: format!("{file}:{line}"), column: name.clone() });
            }
            let number = if missing { None } else { Some(number(file, line, name, text)?) };
            rows.push(*role, number);
        }
    }
    table.finish(file, spec, &|line| format!("{file}:{line}"))
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
