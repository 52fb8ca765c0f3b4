//! What a reader is told: which columns belong to which names, and how time is known.

use std::collections::HashSet;

use super::look::Looks;
use super::named::offered_names;
use crate::base::IndexSet;

/// How to read a data file.
#[derive(Debug, Clone)]
pub struct ReadSpec {
    /// The observed columns, in the order that the data set will have.
    pub columns: Vec<ColumnMap>,
    /// Inputs (forcings) to read alongside.
    pub inputs: Vec<ColumnMap>,
    /// The column (or npz array) with the time of each sample. For npz files `None` means `t` where there is one.
    pub time: Option<String>,
    /// The step, where no column holds the times; the first sample is then at time 0. For npz files `None` means the
    /// scalar `dt` where there is one.
    pub dt: Option<f64>,
    /// How many of the unit of time that is wanted one of the file's is: applied to the times that the file holds, not to `dt`.
    pub time_factor: f64,
    /// The csv column that tells trajectories apart. Their order is that of first appearance.
    pub trajectory: Option<String>,
    /// Cell texts that mean "not measured", compared after trimming and without regard to case; `""` declares empty
    /// cells. Texts that are numbers declare these numbers, in every format and however they are written there.
    pub missing: Vec<String>,
    /// What separates the cells of a csv file; `None` leaves it to the header to tell.
    pub delimiter: Option<u8>,
    /// How far a step may be from the median step of its trajectory, as a fraction of the latter.
    pub step_tolerance: f64,
    /// Whether times may be at any distance from each other.
    pub irregular: bool,
    /// The least number of samples in a trajectory.
    pub min_samples: usize,
    /// The most bytes that a file may hold, that the arrays read from an archive may hold together once unpacked, and
    /// that an array may hold as f64.
    pub max_bytes: u64,
}

/// A name of the model and the column it is read from.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnMap {
    /// The name in the model, such as a state.
    pub name: String,
    /// The name in the file.
    pub column: String,
    /// For an element of a family its position and how many there are: in npz files all of them are one array with further
    /// axes behind the samples, unless each has its own.
    pub element: Option<(usize, usize)>,
    /// From the unit of the file to that of the model.
    pub conversion: Conversion,
    /// The unit that has to be written behind the column, for messages; none where none has.
    pub unit: Option<String>,
}

/// What a number in a file becomes: `factor*number + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conversion {
    /// How many of the unit that is wanted one of the file's is.
    pub factor: f64,
    /// Where the file's zero lies in the unit that is wanted.
    pub offset: f64,
}

impl Conversion {
    /// Numbers stay as they are.
    pub const NONE: Conversion = Conversion { factor: 1.0, offset: 0.0 };

    /// The number in the unit that is wanted.
    pub fn apply(self, value: f64) -> f64 {
        // Numbers that need no conversion keep their bits, minus zero included.
        if self == Self::NONE { value } else { self.factor * value + self.offset }
    }
}

impl ColumnMap {
    /// A column that has another name in the file than in the model.
    pub fn new(name: impl Into<String>, column: impl Into<String>) -> Self {
        Self { name: name.into(), column: column.into(), element: None, conversion: Conversion::NONE, unit: None }
    }
}

impl From<&str> for ColumnMap {
    /// The same name in the model and in the file.
    fn from(name: &str) -> Self {
        Self::new(name, name)
    }
}

/// What was asked of a file that lacks some of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// What the file lacks, in the order in which it was asked for.
    pub lacking: Vec<Lacking>,
    /// Columns that are there, with their names in the model.
    pub measured: Vec<ColumnMap>,
    /// Columns that are there and that nothing is read from, without what is called like the time and without names that a data block would not write.
    pub free: Vec<String>,
    /// What the columns look like, as far as that was looked at.
    pub looks: Looks,
}

/// Something that was asked of a file and that it has no column for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lacking {
    /// What the column is read for.
    pub role: ReadFor,
    /// What it would be called; empty for times of which nothing says where they are.
    pub column: String,
    /// The unit that has to be written behind it.
    pub unit: Option<String>,
}

/// What a column is read for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReadFor {
    /// The times.
    Time,
    /// A state of this name.
    State(String),
    /// An input of this name.
    Input(String),
    /// A formula of the data block reads it.
    Formula,
    /// It tells trajectories apart.
    Trajectory,
}

/// What a column of the file is called that formulas read; no state is called so.
pub(crate) fn named_in_formula(column: &str) -> String {
    format!("column {column}")
}

/// Whether a column is called `t` or `time`.
pub(super) fn is_time(column: &str) -> bool {
    ["t", "time"].iter().any(|name| column.eq_ignore_ascii_case(name))
}

/// The same with or without a unit behind it.
pub(super) fn is_called_time(column: &str) -> bool {
    column.split(|c: char| !c.is_alphanumeric()).next().is_some_and(is_time)
}

/// The column that is called like the time, or else like a unit of time, where one alone is.
pub(super) fn called_time(columns: &[String]) -> Option<String> {
    const UNITS: [&str; 15] = [
        "sec", "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks", "month",
        "months", "year", "years",
    ];
    let is_unit = |column: &str| {
        let word = column.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
        UNITS.contains(&word.as_str())
    };
    // A name with a separator in it is two of them.
    let offered: Vec<&String> =
        offered_names(columns).filter(|column| !column.contains([',', ';', '|', '\t'])).collect();
    let only = |is: &dyn Fn(&str) -> bool| {
        let mut all = offered.iter().filter(|column| is(column));
        all.next().filter(|_| all.next().is_none()).map(|column| (*column).clone())
    };
    only(&is_time).or_else(|| only(&is_called_time)).or_else(|| only(&is_unit))
}

impl Default for ReadSpec {
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            inputs: Vec::new(),
            time: None,
            dt: None,
            time_factor: 1.0,
            trajectory: None,
            missing: Vec::new(),
            delimiter: None,
            step_tolerance: 1e-3,
            irregular: false,
            min_samples: 8,
            max_bytes: 1 << 30,
        }
    }
}

impl ReadSpec {
    /// The columns of the given names, everything else by default.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { columns: names.into_iter().map(ColumnMap::from).collect(), ..Self::default() }
    }

    /// What is asked of a file with the columns `existing`, which lacks some of it. With `whole` the elements of a family may be one array.
    pub(crate) fn asked(&self, existing: &[String], whole: bool) -> Asked {
        let together = |map: &ColumnMap| whole && map.element.is_some();
        let name = |map: &ColumnMap, name: &str| match together(map) {
            true => name.split('[').next().unwrap_or_default().to_string(),
            false => name.to_string(),
        };
        let there: HashSet<&String> = existing.iter().collect();
        let is_there =
            |map: &ColumnMap| there.contains(&map.column) || together(map) && there.contains(&name(map, &map.column));
        let mut lacking: IndexSet<Lacking> = IndexSet::new();
        let mut lacks = |role: ReadFor, column: String, unit: Option<String>| {
            lacking.insert(Lacking { role, column, unit });
        };
        match &self.time {
            Some(time) if !there.contains(time) => lacks(ReadFor::Time, time.clone(), None),
            None if self.dt.is_none() && !whole => lacks(ReadFor::Time, String::new(), None),
            _ => {}
        }
        for (maps, is_state) in [(&self.columns, true), (&self.inputs, false)] {
            for map in maps.iter().filter(|map| !is_there(map)) {
                let role = match is_state {
                    _ if map.name == named_in_formula(&map.column) => ReadFor::Formula,
                    true => ReadFor::State(name(map, &map.name)),
                    false => ReadFor::Input(name(map, &map.name)),
                };
                lacks(role, name(map, &map.column), map.unit.clone());
            }
        }
        if let Some(trajectory) = self.trajectory.as_ref().filter(|own| !there.contains(own)) {
            lacks(ReadFor::Trajectory, trajectory.clone(), None);
        }
        let maps = || self.columns.iter().chain(&self.inputs);
        let families = maps().filter(|map| together(map)).map(|map| name(map, &map.column));
        let keys = self.time.iter().chain(&self.trajectory);
        let read: HashSet<String> = maps().map(|map| &map.column).chain(keys).cloned().chain(families).collect();
        let is_free = |column: &&String| !read.contains(*column) && !is_called_time(column);
        let is_state = |m: &&ColumnMap| m.name != named_in_formula(&m.column);
        Asked {
            lacking: lacking.into_iter().collect(),
            measured: self.columns.iter().filter(|m| is_there(m)).filter(is_state).cloned().collect(),
            free: offered_names(existing).filter(is_free).cloned().collect(),
            looks: Looks::default(),
        }
    }

    /// True for a cell text that is declared as missing.
    pub(crate) fn is_missing(&self, text: &str) -> bool {
        self.missing.iter().any(|m| m.eq_ignore_ascii_case(text))
    }

    /// True for a number that is declared as missing, however it is written: -999.0 where `-999` is, NaN where `nan` is. Files of single
    /// precision hold the nearest number that they have.
    pub(crate) fn is_missing_number(&self, value: f64) -> bool {
        let same = |m: f64| m == value || f64::from(m as f32) == value || m.is_nan() && value.is_nan();
        self.missing.iter().filter_map(|m| m.parse().ok()).any(same)
    }

    /// Names of the observed columns.
    pub(crate) fn column_names(&self) -> Vec<String> {
        self.columns.iter().map(|c| c.name.clone()).collect()
    }

    /// Names of the inputs.
    pub(crate) fn input_names(&self) -> Vec<String> {
        self.inputs.iter().map(|c| c.name.clone()).collect()
    }
}
