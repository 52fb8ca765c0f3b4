//! What to do about data that are wrong.

use super::error::{CHANGES_NOTHING, DataError};
use super::named::{in_line, list, written_column};
use super::spec::{called_time, is_time};

/// What to do about a workbook.
const SHEET: &str = "save the sheet with the data as CSV (in Excel: Save As, \"CSV UTF-8\"), and read that file; an archive of another kind has to be unpacked.";

impl DataError {
    /// What to do about it, in one or two sentences.
    pub fn help(&self) -> String {
        match self {
            Self::NotFound { nearest: Some(name), .. } => {
                format!("did you mean `{name}`?")
            }
            Self::NotFound { .. } => "check the path.".into(),
            Self::Unreadable { .. } => "check the permissions of the file and of the folders above it.".into(),
            Self::NotAFile { .. } => "give the path of a regular .csv, .npy, .npz or .parquet file.".into(),
            Self::Empty { file } if file.ends_with(".npz") => "save the arrays with `numpy.savez`, each under its name.".into(),
            Self::Empty { file } if file.ends_with(".npy") || file.ends_with(".parquet") => {
                "write the file again: nothing has been saved in it.".into()
            }
            Self::Empty { .. } => "write a header line with the column names and one row per sample.".into(),
            Self::HeaderOnly { .. } => "add one row per sample below the header.".into(),
            Self::NoHeader { .. } => "add a first line with the column names, such as `t,x,y,z`.".into(),
            Self::NotUtf8 { .. } => "save the file as UTF-8 text.".into(),
            Self::Packed { .. } => SHEET.into(),
            Self::Ragged { found, expected, .. } if found > expected => {
                "write decimals with a point, and put text that contains the delimiter in quotes: every row has as many cells as the \
                 header."
                    .into()
            }
            Self::Ragged { .. } => {
                "give every row as many cells as the header; quote text that contains the delimiter.".into()
            }
            Self::EmptyCell { .. } => "fill the cell, or declare empty cells as missing with `missing \"\"`.".into(),
            Self::NotANumber { text, .. } => {
                if text.contains('\n') {
                    "a quotation mark is opened in this cell and never closed.".into()
                } else if text.starts_with('#') {
                    "leave the line out: comments stand before all other lines.".into()
                } else if text.contains(',') {
                    let number = text.replacen(',', ".", 1);
                    match number.parse::<f64>() {
                        Ok(_) => format!("write decimals with a point: `{number}`."),
                        Err(_) => "write decimals with a point, and thousands without a comma.".into(),
                    }
                } else {
                    format!("correct the cell, or declare the text as missing with `missing {text:?}`.")
                }
            }
            Self::Date { column, text, .. } => {
                let order = order_of(text);
                let (option, remark) = match order {
                    DayOrder::DayFirst => (", dayfirst=True", ""),
                    DayOrder::Open => ("", " (and `dayfirst=True` in it where days stand before months)"),
                    DayOrder::YearFirst => ("", ""),
                };
                format!(
                    "write times as numbers, such as days since the first sample; with pandas: `d = pd.to_datetime(df[\"{column}\"]{option}); \
                     df[\"{column}\"] = (d - d.iloc[0]).dt.total_seconds()/86400`{remark}."
                )
            }
            Self::TextRow { .. } => {
                "leave the line out. Units stand in the data block, behind the columns: `time t [s]; x = position [km]`.".into()
            }
            Self::NotFinite { value, .. } => {
                if value.eq_ignore_ascii_case("nan") {
                    "correct the value, or declare it as missing with `missing \"nan\"`.".into()
                } else {
                    "correct the value; only finite numbers can be fitted.".into()
                }
            }
            Self::NoValue { .. } => "change the formula where it has no value, or the numbers that it reads; with `missing \"nan\"` such samples count as \
                                     missing."
                .into(),
            Self::MissingColumn { existing, .. } | Self::MissingTime { existing, .. } if one_cell(existing).is_some() => {
                one_cell(existing).unwrap_or_default()
            }
            Self::MissingColumn { kind, existing, asked, .. } if asked.is_much() => asked.whole(kind, existing),
            Self::MissingTime { existing, asked, .. } | Self::NoTime { existing, asked, .. } if asked.is_much() => {
                asked.whole("column", existing)
            }
            Self::MissingColumn { kind, wanted, existing, nearest, asked, .. } => {
                let listed = list(existing);
                match nearest {
                    Some(name) => format!("did you mean `{name}`? The {kind}s are {listed}."),
                    None => format!("the {kind}s are {listed}; {}.", asked.way_out(kind, wanted)),
                }
            }
            Self::MissingTime { existing, nearest, .. } => {
                let listed = list(existing);
                match nearest {
                    Some(name) => format!("did you mean `time {name}`? The columns are {listed}."),
                    None => format!(
                        "the columns are {listed}; name the one with the times with `time NAME`{}, or give `dt`.",
                        called_time(existing).map_or(String::new(), |name| format!(", such as `time {}`", written_column(&name)))
                    ),
                }
            }
            Self::Duplicate { kind, .. } => format!("give each {kind} its own name."),
            Self::NoTime { candidate: Some(name), .. } if is_time(name) => {
                format!("the file has `{name}`: write `time {name}`, or give the step with `dt`.")
            }
            Self::NoTime { candidate: Some(name), .. } => {
                let written = written_column(name);
                format!("if `{name}` holds the times, write `time {written}`; else give the step with `dt`.")
            }
            Self::NoTime { .. } => "name the time column with `time NAME`, or give the step with `dt`.".into(),
            Self::BadStep { .. } => "give the time between two samples, such as `dt 0.01`.".into(),
            Self::TimeNotIncreasing { experiments, .. } if !experiments.is_empty() => {
                let written = experiments.first().map(|column| written_column(column)).unwrap_or_default();
                let others = experiments.get(1..).filter(|rest| !rest.is_empty());
                let others = others.map_or(String::new(), |rest| format!(" (or {}, which may do that too)", list(rest)));
                format!(
                    "if the file holds several experiments and `{}` tells them apart{others}, write `trajectory {written}` in the data block; else sort \
                     the rows by time.",
                    experiments.first().map(String::as_str).unwrap_or_default()
                )
            }
            // The times start again.
            Self::TimeNotIncreasing { time, previous, first, .. } if time <= first && time < previous => {
                "if another experiment begins there, give the file a column that numbers the experiments, and say `trajectory` with its name \
                 in the data block; otherwise sort the rows by time."
                    .into()
            }
            Self::TimeNotIncreasing { time, previous, .. } if time == previous => {
                "leave one of the two rows out; if they are of two experiments, name the column that tells these apart, `trajectory NAME`: \
                 where there is none, give the file one that numbers the experiments."
                    .into()
            }
            Self::TimeNotIncreasing { .. } => {
                "sort the rows by time; if the file holds several experiments, name the column that tells them apart, `trajectory NAME`: where \
                 there is none, give the file one that numbers the experiments."
                    .into()
            }
            // Steps of one size as far as their digits go.
            Self::UnequalSteps { found, expected, mean, .. } if (found - expected).abs() < 0.02*expected => {
                format!(
                    "if the samples were taken at equal steps and only the printed times are rounded, write `dt {}`, the mean of all steps, in place of \
                     `time`; if they were taken at times of their own, write `spacing irregular`, which the joint engine takes.",
                    crate::base::shortened(*mean, 1e-6 * mean)
                )
            }
            Self::UnequalSteps { found, expected, .. } => {
                let rows = (found/expected).round() - 1.0;
                let whole = rows >= 1.0 && (found/expected - rows - 1.0).abs() < 0.01;
                let absent = match whole {
                    true if rows == 1.0 => "if a row is absent there".to_string(),
                    true => format!("if {rows:.0} rows are absent there"),
                    false => "if rows are absent".to_string(),
                };
                format!(
                    "{absent}, put them back in with missing values; if samples were taken at times of their own, write `spacing irregular`, \
                     which the joint engine takes; if only the printed times are rounded, give `dt` instead of `time`."
                )
            }
            Self::TooFewRows { .. } => "give more samples, or leave this trajectory out.".into(),
            Self::NothingObserved { .. } => "leave the column out: a state without data is estimated.".into(),
            Self::TooLarge { .. } => "split the file, or keep every second sample.".into(),
            Self::UnknownFormat { file } if is_workbook(file) => SHEET.into(),
            Self::UnknownFormat { .. } => "rename the file after its format.".into(),
            Self::BadHeader { .. } => "write the file again with `numpy.save` or `numpy.savez`.".into(),
            Self::ObjectArray { .. } => "convert it with `array.astype(float)` before saving.".into(),
            Self::BadDtype { .. } => "convert it with `array.astype(float)` before saving.".into(),
            Self::ShapeOverflow { .. } | Self::WrongLength { .. } => {
                "the file is damaged or was cut off; copy or write it again.".into()
            }
            Self::Transposed { .. } => "save it with the axes in that order, as `array.T` or `numpy.moveaxis` give it.".into(),
            Self::WrongShape { .. } => {
                "arrays are (samples) or (trajectories, samples) for one state, (samples, states) or (trajectories, \
                 samples, states) for all."
                    .into()
            }
            Self::BadArchive { .. } => "write the file again with `numpy.savez`.".into(),
            Self::BadParquet { .. } => {
                "write the file again, with columns that are plain or have a dictionary, packed by snappy, gzip, zstd or not at all.".into()
            }
            Self::NoNumbers { what, .. } if what.contains("dates") => {
                "write times as numbers, such as seconds from the first sample.".into()
            }
            Self::NoNumbers { .. } => "give a column of numbers; only the column that tells trajectories apart may hold texts.".into(),
            Self::MissingArray { existing, nearest, .. } => match nearest {
                Some(name) => format!("did you mean `{name}`? The arrays are {}.", list(existing)),
                None => format!("the arrays are {}.", list(existing)),
            },
            Self::ArrayShape { .. } => "B is the batch, E the equations, T the steps, D the states, K the derivatives kept, the state \
                                        itself included; docs/solve.md lists every array."
                .into(),
            Self::NotFiniteItem { .. } => "correct the value.".into(),
            Self::WeightWithoutInitial { .. } => "add `iv`, or leave the array out.".into(),
            Self::BadWeight { value, .. } if *value < 0.0 => "a weight is 0 or more; 0 leaves its row out.".into(),
            Self::BadWeight { .. } => "a weight is 0, which leaves its row out, or between 1e-161 and 1e154.".into(),
            Self::BadWeightProduct { .. } => {
                "choose the two so that their product is between 1e-161 and 1e154, or 0 for one of them, which leaves the row out.".into()
            }
            Self::StepNotPositive { .. } => {
                "give the time from each sample to the next; to solve backwards, reverse the arrays in time.".into()
            }
            Self::MissingKnown { .. } => "fill in the value, or leave out rows whose time is not known.".into(),
            Self::BadWindow { .. } => "choose a window no longer than the trajectories and a stride of at least 1.".into(),
            Self::BadHoldOut { .. } => "choose a share between 0% and 100% that leaves samples on both sides.".into(),
            Self::BadBatch => "choose a batch size of at least 1.".into(),
            Self::BadSimulation { setting: "dt", why, .. } if *why == CHANGES_NOTHING => {
                "give a longer step; to start at rest is only possible where every rate is exactly zero there, so move the initial \
                 values a little, or write them so that the rates cancel."
                    .into()
            }
            Self::BadSimulation { .. } => "change the setting in the data block or with `--set`.".into(),
            Self::Simulation(error) => error.help().into(),
            Self::SimulationOf { error, help, .. } => help.unwrap_or(error.help()).into(),
            Self::NotRectangular => "write a csv file instead.".into(),
            Self::Changed { .. } => "bring back the data as they were, or start a new run without `--resume`.".into(),
            Self::OfSet { error, .. } => error.help(),
            Self::OfCase(error) => match **error {
                Self::NotAFile { .. } => "give the path of a regular .npz file.".into(),
                Self::TooLarge { .. } => "solve the systems in several files, each with a part of the batch.".into(),
                _ => error.help(),
            },
            Self::Write(_) => "check the disk and the permissions.".into(),
        }
    }
}

/// What comes first in a date.
enum DayOrder {
    DayFirst,
    /// A day or a month.
    Open,
    /// A year, or no date at all.
    YearFirst,
}

/// What comes first in the text of a date. Between points days stand first unless years do; pandas takes the first number for the month where it
/// can be one.
fn order_of(text: &str) -> DayOrder {
    let digits = text.trim().chars().take_while(char::is_ascii_digit).count();
    let separator = text.trim().chars().nth(digits);
    match separator {
        _ if digits > 2 => DayOrder::YearFirst,
        Some('.') => DayOrder::DayFirst,
        Some('/' | '-') => DayOrder::Open,
        _ => DayOrder::YearFirst,
    }
}

/// Whether a name is that of a workbook.
fn is_workbook(file: &str) -> bool {
    let ending = file.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    ["xlsx", "xlsm", "xlsb", "xls", "ods"].contains(&ending.as_str())
}

/// Why a header that is a single cell may be one: a comment, or cells that something else separates than csv files do here.
fn one_cell(existing: &[String]) -> Option<String> {
    let [header] = existing else { return None };
    let shown = in_line(header);
    let separators = [("|", "bars"), (" ", "blanks"), (":", "colons")];
    let (_, name) = separators.iter().find(|(c, _)| header.contains(c))?;
    Some(format!(
        "the header is one cell, `{shown}`; if {name} separate the columns, write commas, semicolons or tabs instead: nothing else does."
    ))
}

#[cfg(test)]
mod tests {
    use super::DataError;

    #[test]
    fn dates_are_read_in_the_order_in_which_they_are_written() {
        let help = |text: &str| {
            DataError::Date { place: "d.csv, line 2".into(), column: "day".into(), text: text.into() }.help()
        };
        for text in ["01.02.2024", "1.2.24 12:30"] {
            assert!(help(text).contains("pd.to_datetime(df[\"day\"], dayfirst=True); df"), "{}", help(text));
        }
        for text in ["2024-02-01", "2024.02.01", "12:30:00"] {
            assert!(!help(text).contains("dayfirst"), "{}", help(text));
        }
        for text in ["01/02/2024", "1-2-2024"] {
            assert!(help(text).contains("pd.to_datetime(df[\"day\"]); df"), "{}", help(text));
            assert!(help(text).contains("`dayfirst=True` in it where days stand before months"), "{}", help(text));
        }
    }
}
