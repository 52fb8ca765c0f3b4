//! Which part of a data set's text what is wrong with the data is about: its path, the column that is named, a setting.

use std::path::Path;

use super::failure::{DataPlace, Failure};
use crate::data::{self, DataError, written_column};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1106;
use crate::hir::{DataSet, Program};
use crate::source::{Sources, Span};

impl Failure {
    /// Gives a failure of the data, or of making them, the place in the model file that it is about.
    pub fn of_data(self, data: &DataSet) -> Failure {
        match self {
            Failure::Data(error) => {
                let (span, here) = place(&error, data);
                // One setting of several mends nothing.
                let one = || edit(&error, data).filter(|_| !lacks_much(&error)).map(|edit| vec![(span, edit)]);
                let edits = whole_edit(&error, data).or_else(one).unwrap_or_default();
                Failure::DataAt(Box::new(error), Box::new(DataPlace { span, here, edits }))
            }
            other => other.placed(data.span, "in this item"),
        }
    }
}

/// A warning for every data file of a program that is not there.
pub(super) fn absent(program: &Program, root: &Path) -> Vec<Diagnostic> {
    let finding = |data: &DataSet| {
        let path = root.join(data.source.file()?.0);
        let error = data::absent(&path)?;
        let (span, here) = place(&error, data);
        let message = format!("the data file `{}` is not there", path.display());
        let d = Diagnostic::warning(W1106, message, span, here).help(help(&error));
        Some(match edit(&error, data) {
            Some(edit) => d.replace(span, edit),
            None => d,
        })
    };
    program.data.values().filter_map(finding).collect()
}

/// The way out of an error of the data of a model file.
pub(super) fn help(error: &DataError) -> String {
    match error {
        DataError::OfSet { error, .. } => help(error),
        DataError::NotFound { .. } => format!("{} Paths are relative to the model file.", error.help()),
        _ => error.help(),
    }
}

/// The place of an error, and what stands beside it.
fn place(error: &DataError, data: &DataSet) -> (Span, &'static str) {
    let setting = |key: &str| data.places.setting(key).map(|span| (span, "asked for here"));
    let file = data.places.file.map(|span| (span, "this file"));
    let own = match error {
        DataError::OfSet { error, .. } => return place(error, data),
        DataError::MissingTime { .. } | DataError::TimeNotIncreasing { .. } | DataError::UnequalSteps { .. } => {
            setting("time")
        }
        DataError::MissingColumn { wanted: column, .. }
        | DataError::EmptyCell { column, .. }
        | DataError::NotANumber { column, .. }
        | DataError::NotFinite { column, .. }
        | DataError::NothingObserved { column, .. }
        | DataError::MissingKnown { column, .. } => keys(data, column).iter().find_map(|key| setting(key)),
        DataError::NoValue { column, .. } => setting(column),
        DataError::BadStep { .. } => setting("dt").or_else(|| setting("time")),
        DataError::TooFewRows { .. } => setting("trajectory"),
        DataError::BadHoldOut { .. } => setting("holdout"),
        DataError::BadSimulation { setting: key, .. } => setting(key),
        _ => None,
    };
    own.or(file).unwrap_or((data.span, "these data"))
}

/// What to write at the place of an error that names what was meant: another path, another column.
fn edit(error: &DataError, data: &DataSet) -> Option<String> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    match error {
        DataError::OfSet { error, .. } => edit(error, data),
        DataError::NotFound { nearest: Some(name), .. } => {
            let (path, _) = data.source.file().filter(|_| data.places.file.is_some())?;
            let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            Some(quoted(&format!("{folder}{name}")))
        }
        DataError::MissingTime { nearest: Some(name), .. } => {
            let (_, columns) = data.source.file()?;
            // A unit behind the column would be lost, unless it is that of the model.
            (data.places.setting("time").is_some() && columns.time_factor == 1.0)
                .then(|| format!("time {}", written_column(name)))
        }
        DataError::MissingColumn { wanted, nearest: Some(name), .. } => {
            let (_, columns) = data.source.file()?;
            let keys = keys(data, wanted);
            let named = |key: &&String| data.places.setting(key).is_some();
            let key = keys.iter().find(named)?;
            let has_unit = columns.conversions.contains_key(key) || columns.derived.contains_key(key);
            match key.as_str() {
                "time" | "trajectory" => Some(format!("{key} {}", written_column(name))),
                _ => (!has_unit).then(|| format!("{key} = {}", written_column(name))),
            }
        }
        _ => None,
    }
}

/// Whether a table lacks more than one setting can mend.
fn lacks_much(error: &DataError) -> bool {
    match error {
        DataError::OfSet { error, .. } => lacks_much(error),
        DataError::MissingColumn { asked, .. } | DataError::MissingTime { asked, .. } => asked.is_much(),
        _ => false,
    }
}

/// The settings that a table lacks, all of them, and where they are written: in place of those of them that are there, and behind the last setting of the
/// block.
fn whole_edit(error: &DataError, data: &DataSet) -> Option<Vec<(Span, String)>> {
    let settings = match error {
        DataError::OfSet { error, .. } => return whole_edit(error, data),
        DataError::MissingColumn { kind, existing, asked, .. } => asked.settings(kind, existing)?,
        DataError::MissingTime { existing, asked, .. } => asked.settings("column", existing)?,
        DataError::TimeNotIncreasing { experiments, .. } => {
            vec![format!("trajectory {}", written_column(experiments.first()?))]
        }
        _ => return None,
    };
    let (_, columns) = data.source.file()?;
    // A unit behind a column would be lost.
    let is_plain = |key: &str| match key {
        "trajectory" => true,
        "time" => columns.time_factor == 1.0,
        key => {
            !columns.conversions.contains_key(key)
                && !columns.written.contains_key(key)
                && !columns.derived.contains_key(key)
        }
    };
    let (mut edits, mut new): (Vec<(Span, String)>, Vec<String>) = Default::default();
    for setting in settings {
        let key = setting.split(' ').next().unwrap_or_default();
        match data.places.setting(key) {
            Some(span) if is_plain(key) => edits.push((span, setting)),
            Some(_) => return None,
            None => new.push(setting),
        }
    }
    if !new.is_empty() {
        let own = data.places.settings.iter().map(|(_, span)| *span).filter(|span| span.file == data.span.file);
        let last = own.max_by_key(|span| span.end)?;
        let new = format!("; {}", new.join("; "));
        match edits.iter_mut().find(|(span, _)| span.end == last.end) {
            Some((_, edit)) => edit.push_str(&new),
            None => edits.push((Span { start: last.end, ..last }, new)),
        }
    }
    edits.sort_by_key(|(span, _)| span.start);
    let in_order = edits.iter().zip(edits.iter().skip(1)).all(|((a, _), (b, _))| a.end <= b.start);
    (in_order && edits.iter().all(|(span, _)| span.file == data.span.file)).then_some(edits)
}

/// Several edits in the order of their file as one, with what stands between them.
pub(super) fn joined(edits: &[(Span, String)], sources: &Sources) -> Option<(Span, String)> {
    let ((first, _), (last, _)) = (edits.first()?, edits.last()?);
    // Without its sources there is no place.
    let (_, file) = sources.iter().find(|(file, _)| *file == first.file)?;
    let (mut at, mut text) = (first.start, String::new());
    for (span, edit) in edits {
        text.push_str(file.text.get(at as usize..span.start as usize)?);
        text.push_str(edit);
        at = span.end;
    }
    Some((Span { end: last.end, ..*first }, text))
}

/// The keys of the settings that may name a column.
fn keys(data: &DataSet, column: &str) -> Vec<String> {
    let Some((_, columns)) = data.source.file() else { return Vec::new() };
    let named = columns.columns.iter().filter(|(_, own)| *own == column).map(|(key, _)| key.clone());
    let derived = columns.derived.iter().filter(|(_, d)| d.columns.iter().any(|c| c == column));
    let mut out: Vec<String> = named.chain(derived.map(|(key, _)| key.clone())).collect();
    for (key, own) in [("time", &columns.time), ("trajectory", &columns.trajectory)] {
        if own.as_deref() == Some(column) {
            out.push(key.to_string());
        }
    }
    out
}
