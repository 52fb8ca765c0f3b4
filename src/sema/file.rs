//! Data sets from files: formats, columns, and how the file tells times, trajectories and missing samples.

use super::data::{Several, holdout};
use super::rules::FILE;
use super::settings::{Context, Settings, elements};
use super::units::Conversions;
use super::{derived, suggest};
use crate::base::IndexMap;
use crate::diagnostics::codes::{E0503, E0505, E0511, E0512, E0518};
use crate::diagnostics::{Advice, Diagnostic};
use crate::hir::{ColumnMap, DataPlaces, DataSet, DataSource};
use crate::syntax::ast::{self, ExprKind, SettingValue};

/// A data set from a file. `names` are the states and inputs of the models fitted to it, `conversions` what is done to columns in
/// other units than theirs.
pub(super) fn from_file(
    data: &ast::Data,
    format: &ast::Ident,
    path: &ast::Expr,
    names: &[String],
    (conversions, around): (Conversions, &derived::Surroundings<'_>),
    cx: &mut Context<'_>,
) -> Option<DataSet> {
    const FORMATS: [&str; 4] = ["csv", "npz", "npy", "parquet"];
    let mut settings = Settings::new(FILE, &data.settings, data.name.span, &["column"], names, cx);
    if !FORMATS.contains(&format.name.as_str()) {
        let message = format!("there is no data source `{}`", format.name);
        let by_name = match &path.kind {
            ExprKind::Text(text) => FORMATS.into_iter().find(|f| text.to_lowercase().ends_with(&format!(".{f}"))),
            _ => None,
        };
        let help = match by_name {
            Some(source) => suggest::did_you_mean(source),
            None => suggest::help("sources", &format.name, FORMATS.into_iter().chain(["simulate", "formula"])),
        };
        cx.sink.push(Diagnostic::error(E0512, message, format.span, "unknown").help(help));
        settings.ok = false;
    }
    let path_place = path.span;
    let path = match &path.kind {
        ExprKind::Text(text) if !text.is_empty() => text.clone(),
        _ => {
            let message = format!("`{}` takes a path in quotes", format.name);
            let d = Diagnostic::error(E0503, message, path.span, "not a path");
            let text = cx.sources.text(path.span);
            let bare = text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '.' | '/'))
                && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '/' | '_' | '-'));
            cx.sink.push(match bare {
                true => {
                    d.help(format!("write `{}(\"{text}\")`", format.name)).replace(path.span, format!("\"{text}\""))
                }
                false => d.help(format!("write `{}(\"data.csv\")`", format.name)),
            });
            return None;
        }
    };
    let mut columns = ColumnMap {
        time: settings.text("time", cx),
        dt: settings.number("dt", cx),
        columns: IndexMap::new(),
        has_units: conversions.time.is_some() || !conversions.columns.is_empty(),
        conversions: conversions.columns,
        written: conversions.written,
        time_factor: conversions.time.unwrap_or(1.0),
        irregular: settings.word("spacing", cx) == Some("irregular"),
        derived: IndexMap::new(),
        missing: missing(&mut settings, cx),
        trajectory: settings.text("trajectory", cx),
    };
    let units = derived::units_of_columns(&mut settings, cx);
    for name in names {
        let Some(setting) = settings.get(name).filter(|_| !FILE.iter().any(|r| r.key == name)) else { continue };
        if let Some(formula) = derived::formula_of(setting) {
            if format.name == "npy" {
                let message = "the columns of an npy file have no names for formulas";
                cx.sink.push(Diagnostic::error(E0518, message, setting.span, "a formula").help("save the columns in an npz file, each under its name: `numpy.savez(\"d.npz\", x = x, y = y)`").label(format.span, "here"));
                settings.ok = false;
                continue;
            }
            let written = columns.conversions.contains_key(name);
            match derived::derived((name, setting, formula), &units, written, around, cx) {
                Some(mut found) => {
                    if let Some(own) = columns.conversions.shift_remove(name) {
                        found.conversion = own;
                    }
                    columns.derived.insert(name.clone(), found);
                }
                None => settings.ok = false,
            }
        } else if let Some(column) = settings.text_of(setting, cx) {
            columns.columns.insert(name.clone(), column);
        }
    }
    settings.ok &= each_column_once(&settings, &columns, cx);
    // Where a formula is wrong it is not known what it uses.
    let sound = settings.ok;
    for (column, unit) in units.iter().filter(|_| sound) {
        if !columns.derived.values().any(|d| d.columns.contains(column)) {
            let message = format!("no formula uses the column `{column}`");
            let d = Diagnostic::error(E0518, message, unit.span, "has no effect");
            cx.sink.push(d.help("a column that is read as it is has its unit behind its name: `x = position [km]`"));
            settings.ok = false;
        }
    }
    if let (Some(time), Some(dt)) = (settings.get("time"), settings.get("dt")) {
        let message = "the times come from a column and from `dt`: one of them is enough";
        cx.sink.push(
            Diagnostic::error(E0511, message, dt.span, "spacing")
                .help("leave `dt` out, or `time` where the times in the file are rounded")
                .label(time.span, "column"),
        );
        settings.ok = false;
    }
    if let Some(meant) =
        format_of(&path).filter(|meant| *meant != format.name && FORMATS.contains(&format.name.as_str()))
    {
        let message = format!("`{path}` is no {} file by its name", format.name);
        let d = Diagnostic::error(E0512, message, format.span, "another format").label(path_place, "this name");
        cx.sink.push(d.help(Advice::instead(format!("write `{meant}(\"{path}\")`, or rename the file"), meant)));
        settings.ok = false;
    }
    // The times of an npz file may stand in it.
    let untimed = columns.time.is_none() && columns.dt.is_none() && format.name != "npz";
    if untimed && settings.ok && settings.get("time").is_none() && settings.get("dt").is_none() {
        let message = match format.name.as_str() {
            "npy" => "an npy file does not tell the times of its samples",
            _ => "nothing tells the times of the samples",
        };
        let help = match format.name.as_str() {
            "npy" => "give their distance: `dt 0.01`",
            _ => "name the column with the times, `time t`, or give the distance of the samples, `dt 0.01`",
        };
        cx.sink.push(Diagnostic::error(E0505, message, data.name.span, "`time` or `dt` is missing").help(help));
        settings.ok = false;
    }
    if let (Some(spacing), Some(dt), true) = (settings.get("spacing"), settings.get("dt"), columns.irregular) {
        let message = "`dt` says that the spacing is the same everywhere";
        cx.sink.push(
            Diagnostic::error(E0511, message, spacing.span, "irregular")
                .help("leave one of them out; irregular times come from a column: `time t`")
                .label(dt.span, "the same everywhere"),
        );
        settings.ok = false;
    }
    if let Some(setting) = settings.get("trajectory").filter(|_| format.name == "npy") {
        let message = "the columns of an npy file have no names: its first axis tells trajectories apart";
        cx.sink.push(
            Diagnostic::error(E0511, message, setting.span, "has no effect")
                .help("leave `trajectory` out, or save the columns in an npz file, each under its name")
                .label(format.span, "this format"),
        );
        settings.ok = false;
    }
    // Arrays may hold several trajectories, which only the file tells.
    let several =
        Several { by_default: columns.trajectory.is_some(), possible: matches!(format.name.as_str(), "npz" | "npy") };
    let holdout = holdout(&mut settings, several, cx);
    let source = match format.name.as_str() {
        "csv" => DataSource::Csv { path, columns },
        "parquet" => DataSource::Parquet { path, columns },
        _ => DataSource::Numpy { path, columns },
    };
    settings.ok.then(|| DataSet {
        name: data.name.name.clone(),
        source,
        holdout,
        span: data.span,
        places: DataPlaces::default(),
    })
}

/// The format that the ending of a file's name stands for; none of an ending that could be anything.
fn format_of(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "csv" | "tsv" => "csv",
        "npz" => "npz",
        "npy" => "npy",
        "parquet" => "parquet",
        _ => return None,
    })
}

/// No two states or inputs are read from the same column.
fn each_column_once(settings: &Settings<'_>, columns: &ColumnMap, cx: &mut Context<'_>) -> bool {
    let listed: Vec<(&String, &String)> = columns.columns.iter().collect();
    for (at, (name, column)) in listed.iter().enumerate() {
        let Some((first, _)) = listed.iter().take(at).find(|(_, c)| c == column) else { continue };
        let places = settings.get(name).zip(settings.get(first));
        let Some((second, one)) = places else { continue };
        let message = format!("`{first}` and `{name}` are both read from the column `{column}`");
        let d = Diagnostic::error(E0511, message, second.span, "again here").label(one.span, "first here");
        cx.sink.push(d.help("give each its own column; a formula such as `1*hare` would read one twice on purpose"));
        return false;
    }
    true
}

/// The texts that stand for a missing sample.
fn missing(settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Vec<String> {
    let Some(setting) = settings.get("missing") else { return Vec::new() };
    let mut out = Vec::new();
    for e in setting.values.iter().flat_map(|v| elements(v).unwrap_or_default()) {
        let ExprKind::Text(text) = &e.kind else {
            let _: Option<()> = settings.wrong_form(setting, cx);
            return Vec::new();
        };
        out.push(text.clone());
    }
    if out.is_empty() || setting.values.iter().any(|v| matches!(v, SettingValue::Equals(_))) {
        let _: Option<()> = settings.wrong_form(setting, cx);
    }
    out
}
