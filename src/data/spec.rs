//! What a reader is told: which columns belong to which names, and how time is known.

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

/// What was asked of a file that lacks one of the columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// What the column is read for; none where it tells trajectories apart.
    pub name: Option<String>,
    /// Whether that is an input.
    pub is_input: bool,
    /// Columns that are there, with their names in the model.
    pub measured: Vec<ColumnMap>,
    /// The unit that has to be written behind the column that is not there.
    pub unit: Option<String>,
    /// Whether it stands in a formula.
    pub in_formula: bool,
    /// Columns that are there and that nothing is read from, without what is called like the time.
    pub free: Vec<String>,
}

/// What a column of the file is called that formulas read; no state is called so.
pub(crate) fn named_in_formula(column: &str) -> String {
    format!("column {column}")
}

/// Whether a column is called `t` or `time`, with or without a unit behind it.
pub(super) fn is_called_time(column: &str) -> bool {
    let word = column.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    matches!(word.to_lowercase().as_str(), "t" | "time")
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

    /// What is asked of a file with the columns `existing` beside the column `wanted`, which it lacks.
    pub(crate) fn asked(&self, wanted: &str, existing: &[String]) -> Asked {
        let map_in = |maps: &[ColumnMap]| maps.iter().find(|m| m.column == wanted).cloned();
        let (of_state, of_input) = (map_in(&self.columns), map_in(&self.inputs));
        let read = |column: &String| {
            let maps = self.columns.iter().chain(&self.inputs);
            let keys = self.time.iter().chain(&self.trajectory);
            maps.map(|m| &m.column).chain(keys).any(|c| c == column)
        };
        let there = self.columns.iter().filter(|m| existing.contains(&m.column));
        let is_input = of_state.is_none() && of_input.is_some();
        let (name, unit) = of_state.or(of_input).map_or((None, None), |m| (Some(m.name), m.unit));
        Asked {
            is_input,
            unit,
            in_formula: name.as_deref() == Some(named_in_formula(wanted).as_str()),
            name,
            measured: there.cloned().collect(),
            free: existing.iter().filter(|column| !read(column) && !is_called_time(column)).cloned().collect(),
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
