//! csv files: a header line, then one row per sample.

use super::dataset::Dataset;
use super::error::DataError;
use super::look::Look;
use super::named::excerpt;
use super::spec::ReadSpec;
use super::table::{CellRole, Plan, Table};

/// The first bytes of zip archives, which workbooks are, and of workbooks of before 2007.
const PACKED: [&[u8]; 2] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"];

/// Reads a csv file from memory; `file` names it in messages.
///
/// Cells are separated by commas, semicolons or tabs. A byte-order mark, CRLF, quoted cells, blanks around cells and blank lines are accepted,
/// and so are lines that start with `#` before all others: comments, of which the last names the columns where the next line has as many
/// cells, and numbers in those that are read.
///
/// # Errors
/// The first fault in reading order, with line and column.
pub(crate) fn read_csv(file: &str, bytes: &[u8], spec: &ReadSpec) -> Result<Dataset, DataError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(DataError::Empty { file: file.into() });
    }
    if PACKED.iter().any(|magic| bytes.starts_with(magic)) {
        return Err(DataError::Packed { file: file.into() });
    }
    utf8(file, bytes)?;
    let broken = |e: ::csv::Error| DataError::BadHeader { file: file.into(), what: e.to_string() };
    let Lead { lines, bytes, comment } = Lead::of(bytes);
    if bytes.is_empty() {
        return Err(DataError::Empty { file: file.into() });
    }
    let named = comment.and_then(|comment| header_in(file, comment, bytes, spec));
    let separator = match (&named, spec.delimiter) {
        (_, Some(given)) => given,
        (Some((_, separator)), None) => *separator,
        (None, None) => delimiter(bytes),
    };
    let mut reader = cells_of(bytes, separator);
    let mut record = ::csv::StringRecord::new();
    let is_first_row = named.is_none();
    let header: Vec<String> = match named {
        Some((header, _)) => header,
        None => {
            if !reader.read_record(&mut record).map_err(broken)? {
                return Err(DataError::Empty { file: file.into() });
            }
            let header: Vec<String> = record.iter().map(str::to_owned).collect();
            if header.iter().all(|name| name.parse::<f64>().is_ok()) {
                return Err(DataError::NoHeader { file: file.into(), line: lines + 1 });
            }
            header
        }
    };
    let skipped = usize::from(is_first_row);
    let looked = |error: DataError| look(error, &header, spec, (bytes, separator, skipped));
    let plan = if is_first_row { Plan::new(file, &header, spec) } else { planned(file, &header, spec) };
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return Err(looked(error)),
    };

    let mut table = Table::default();
    let mut first = true;
    while reader.read_record(&mut record).map_err(broken)? {
        let line = lines + record.position().map_or(0, ::csv::Position::line);
        if record.len() != header.len() {
            return Err(DataError::Ragged { file: file.into(), line, found: record.len(), expected: header.len() });
        }
        if std::mem::take(&mut first) && plan.cells.len() > 1 && no_numbers(&record, &plan, spec) {
            return Err(DataError::TextRow { file: file.into(), line, text: excerpt(&cells(&record)) });
        }
        let id = plan.id.and_then(|at| record.get(at)).unwrap_or_default();
        let Some(rows) = table.row(id, line) else { continue };
        for (role, at, name) in &plan.cells {
            let text = record.get(*at).unwrap_or_default();
            let mut value = None;
            if !spec.is_missing(text) {
                // A time that is equal to such a number is a time.
                let missing = |v: f64| *role != CellRole::Time && spec.is_missing_number(v);
                value = Some(number(file, line, name, text)?).filter(|v| !missing(*v));
            }
            if value.is_none() && *role != CellRole::Value {
                return Err(DataError::MissingKnown { place: format!("{file}:{line}"), column: name.clone() });
            }
            rows.push(*role, value);
        }
    }
    table.finish(file, spec, &|line| format!("{file}:{line}")).map_err(looked)
}

/// An error with what is seen of the rows, from the first one below the header on, where that tells a way out.
fn look(
    error: DataError,
    header: &[String],
    spec: &ReadSpec,
    (bytes, separator, skipped): (&[u8], u8, usize),
) -> DataError {
    if !error.asks_for_a_look() {
        return error;
    }
    let mut look = Look::new(header, spec);
    let mut record = ::csv::StringRecord::new();
    loop {
        let mut rows = cells_of(bytes, separator);
        let mut skip = skipped;
        while matches!(rows.read_record(&mut record), Ok(true)) {
            if skip > 0 {
                skip -= 1;
            } else if !look.row(|at| record.get(at).unwrap_or_default()) {
                break;
            }
        }
        if !look.goes_on() {
            break;
        }
    }
    error.looked(look.end())
}

/// A reader of the cells of a text.
fn cells_of(bytes: &[u8], separator: u8) -> ::csv::Reader<&[u8]> {
    ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .trim(::csv::Trim::All)
        .from_reader(bytes)
}

/// The comments at the start of a file.
struct Lead<'a> {
    /// How many lines they and the blank ones between them are.
    lines: u64,
    /// What stands behind them.
    bytes: &'a [u8],
    /// The last of them, without its `#`.
    comment: Option<&'a [u8]>,
}

impl<'a> Lead<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let mut lead = Lead { lines: 0, bytes, comment: None };
        let (mut rest, mut lines) = (bytes, 0);
        while !rest.is_empty() {
            let end = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |n| n + 1);
            let (line, behind) = rest.split_at(end);
            let line = line.trim_ascii();
            (rest, lines) = (behind, lines + 1);
            if let Some(comment) = line.strip_prefix(b"#") {
                lead = Lead { lines, bytes: rest, comment: Some(comment.trim_ascii()) };
            } else if !line.is_empty() {
                break;
            }
        }
        lead
    }
}

/// The plan for a table whose header stands behind a `#`, which may be a part of the first name.
fn planned(file: &str, header: &[String], spec: &ReadSpec) -> Result<Plan, DataError> {
    Plan::new(file, header, spec).or_else(|error| {
        let mut as_it_stands = header.to_vec();
        as_it_stands.first_mut().into_iter().for_each(|first| first.insert(0, '#'));
        Plan::new(file, &as_it_stands, spec).map_err(|_| error)
    })
}

/// The names of columns in a comment before the first row, and what separates them: the row has as many cells, and numbers, dates, or what is
/// declared as missing in those that are read. Where a column that is wanted is not among the names, all cells have to be such.
fn header_in(file: &str, comment: &[u8], rows: &[u8], spec: &ReadSpec) -> Option<(Vec<String>, u8)> {
    let separator = spec.delimiter.unwrap_or_else(|| delimiter(comment));
    let first = |bytes: &[u8]| {
        let mut record = ::csv::StringRecord::new();
        cells_of(bytes, separator).read_record(&mut record).ok().filter(|read| *read)?;
        Some(record.iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let (names, row) = (first(comment)?, first(rows)?);
    let are_names = names.iter().all(|name| !name.is_empty() && name.parse::<f64>().is_err());
    let read: Vec<&String> = match planned(file, &names, spec) {
        Ok(plan) => plan.cells.iter().filter_map(|(_, at, _)| row.get(*at)).collect(),
        Err(_) => row.iter().collect(),
    };
    let is_number = |text: &String| text.parse::<f64>().is_ok() || is_date(text);
    let are_numbers = read.iter().all(|t| is_number(t) || spec.is_missing(t)) && read.iter().any(|t| is_number(t));
    (names.len() == row.len() && are_names && are_numbers).then_some((names, separator))
}

/// What separates the cells: of comma, semicolon and tab the one that the header has most of outside quotes.
fn delimiter(bytes: &[u8]) -> u8 {
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    let lines = bytes.iter().skip_while(|b| b.is_ascii_whitespace());
    for &byte in lines.take_while(|&&b| b != b'\n' && b != b'\r') {
        quoted ^= byte == b'"';
        counts.iter_mut().filter(|(separator, _)| !quoted && *separator == byte).for_each(|(_, count)| *count += 1);
    }
    // Of equals the first: a file of one column has none.
    counts.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best }).map_or(b',', |(byte, _)| byte)
}

/// Whether a row holds texts that are neither numbers, nor dates, nor declared as missing, and empty cells beside them, as a line with
/// units does.
fn no_numbers(record: &::csv::StringRecord, plan: &Plan, spec: &ReadSpec) -> bool {
    let cells = || plan.cells.iter().map(|(_, at, _)| record.get(*at).unwrap_or_default());
    let is_text = |text: &str| {
        let numeric =
            text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) || text.parse::<f64>().is_ok();
        !numeric && !text.is_empty() && !spec.is_missing(text)
    };
    cells().all(|text| is_text(text) || text.is_empty()) && cells().any(is_text)
}

/// The cells of a row, for messages.
fn cells(record: &::csv::StringRecord) -> String {
    record.iter().collect::<Vec<_>>().join(", ")
}

/// Whether a text looks like a date or a time of day: digits with `-`, `/`, `.` or `:` between them at least twice, as in
/// `2021-03-01`, `1.3.2021` and `12:30:00`.
fn is_date(text: &str) -> bool {
    let separators = text.chars().filter(|c| matches!(c, '-' | '/' | '.' | ':')).count();
    let others =
        text.chars().any(|c| !(c.is_ascii_digit() || matches!(c, '-' | '/' | '.' | ':' | ' ' | 'T' | 'Z' | '+')));
    let day = text.starts_with(|c: char| c.is_ascii_digit()) && !others;
    day && (separators >= 2 || text.contains(':'))
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
        Err(_) if is_date(text) => {
            let place = format!("{file}:{line}");
            Err(DataError::Date { place, column: column.into(), text: excerpt(text) })
        }
        Err(_) => Err(DataError::NotANumber { file: file.into(), line, column: column.into(), text: excerpt(text) }),
    }
}

fn utf8(file: &str, bytes: &[u8]) -> Result<(), DataError> {
    std::str::from_utf8(bytes).map(|_| ()).map_err(|e| {
        let before = bytes.get(..e.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count() as u64;
        DataError::NotUtf8 { file: file.into(), line }
    })
}
