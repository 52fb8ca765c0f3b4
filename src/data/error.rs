//! What can be wrong with data: one variant for each cause, with a stable code, the place and a way out.

use std::path::PathBuf;

use thiserror::Error;

use super::ode::OdeError;
use super::spec::Asked;
use crate::base::{number, shortened};

/// Why a simulation whose samples are all the same is refused.
pub(super) const CHANGES_NOTHING: &str =
    "changes no state in double precision: it is too short, or the initial values are a state of rest up to rounding";

/// Everything that stops data from being read, split or simulated.
///
/// `Display` is one line that names the file and, where there is one, the row (`FILE:LINE`, lines counted from 1 as
/// editors do) and the column; [`DataError::help`] says what to do about it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The path leads nowhere.
    #[error("{}: no such file", path.display())]
    NotFound { path: PathBuf, nearest: Option<String> },
    /// The file exists, but the operating system refuses to open or read it.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    /// The path is a directory, a pipe or a device.
    #[error("{}: is {what}, not a file", path.display())]
    NotAFile { path: PathBuf, what: &'static str },
    /// The file has no bytes, nothing but white space, or no arrays.
    #[error("{file}: is empty")]
    Empty { file: String },
    /// A csv file with its header line and nothing below it.
    #[error("{file}: has a header but no rows")]
    HeaderOnly { file: String },
    /// The first line of a csv file holds numbers where the column names should be.
    #[error("{file}:{line}: the first line holds numbers, not column names")]
    NoHeader { file: String, line: u64 },
    /// A line that is not UTF-8 text.
    #[error("{file}:{line}: is not UTF-8 text")]
    NotUtf8 { file: String, line: u64 },
    /// A workbook or another archive where a csv file should be.
    #[error("{file}: is an archive, such as an Excel workbook, not UTF-8 text")]
    Packed { file: String },
    /// A row with more or fewer cells than the header.
    #[error("{file}:{line}: has {found} cells, the header has {expected}")]
    Ragged { file: String, line: u64, found: usize, expected: usize },
    /// A cell without text, and no missing-value token that allows it.
    #[error("{file}:{line}: column `{column}` is empty")]
    EmptyCell { file: String, line: u64, column: String },
    /// A cell that cannot be read as a number.
    #[error("{file}:{line}: column `{column}` holds {text:?}, which is not a number")]
    NotANumber { file: String, line: u64, column: String, text: String },
    /// A cell with a date or a time of day.
    #[error("{place}: column `{column}` holds the date or time of day {text:?}, not a number")]
    Date { place: String, column: String, text: String },
    /// A first row of texts, such as units.
    #[error("{file}:{line}: the line below the header holds no numbers, but {text:?}")]
    TextRow { file: String, line: u64, text: String },
    /// NaN, an infinity or a number beyond the range of f64.
    #[error("{place}: column `{column}` is {value}, which is not finite")]
    NotFinite { place: String, column: String, value: String },
    /// A column that is computed, where its formula has no finite value; `of` are the numbers that it read.
    #[error("{place}: column `{column}` (computed from {of}) is {value}, which is not finite")]
    NoValue { place: String, column: String, of: String, value: String },
    /// A column (csv) or array (npz) that the model asks for and the file has not.
    #[error("{file}: has no {}", asked.lacks(kind, wanted))]
    MissingColumn {
        file: String,
        kind: &'static str,
        wanted: String,
        existing: Vec<String>,
        nearest: Option<String>,
        /// What was asked of the file; nothing is known of it where one array alone was looked for.
        asked: Box<Asked>,
    },
    /// A column with the times that is not there.
    #[error("{file}: has no column `{wanted}` for the times{}", asked.beside_times(", and none called "))]
    MissingTime {
        file: String,
        wanted: String,
        existing: Vec<String>,
        nearest: Option<String>,
        /// What was asked of the file.
        asked: Box<Asked>,
    },
    /// Two columns or archive members with the same name.
    #[error("{file}: has two {kind}s named `{name}`")]
    Duplicate { file: String, kind: &'static str, name: String },
    /// Neither a time column nor a step is known.
    #[error("{file}: the times of the samples are not known{}", asked.beside_times(", and it has no column "))]
    NoTime {
        file: String,
        candidate: Option<String>,
        existing: Vec<String>,
        /// What was asked of the file, where it is a table.
        asked: Box<Asked>,
    },
    /// A step that is zero, negative or not finite.
    #[error("{file}: the step dt = {dt} is not a positive number")]
    BadStep { file: String, dt: f64 },
    /// Times that do not increase.
    #[error("{place}: time {time} does not come after {previous}")]
    TimeNotIncreasing {
        place: String,
        time: f64,
        previous: f64,
        first: f64,
        /// Columns that may tell the experiments apart whose times these are.
        experiments: Vec<String>,
    },
    /// Times that are not equally spaced (compared with the median step); `mean` is the step of all times together.
    #[error(
        "{place}: the step to time {time} is {}, but the usual step is {} (tolerance {tolerance:e} of it)",
        step(*.found, *.expected, *.time), step(*.expected, *.found, *.time)
    )]
    UnequalSteps { place: String, time: f64, found: f64, expected: f64, mean: f64, tolerance: f64 },
    /// A trajectory that is too short to say anything.
    #[error("{file}: {trajectory} has {found} samples, at least {needed} are needed")]
    TooFewRows { file: String, trajectory: String, found: usize, needed: usize },
    /// Every sample of a column is missing.
    #[error("{file}: column `{column}` has no sample that is not missing")]
    NothingObserved { file: String, column: String },
    /// More bytes than the reader accepts.
    #[error("{file}: holds {bytes} bytes, more than the limit of {limit}")]
    TooLarge { file: String, bytes: u64, limit: u64 },
    /// The name does not say what the file is.
    #[error("{file}: is neither .csv, .npy, .npz nor .parquet")]
    UnknownFormat { file: String },
    /// The header of an npy array is not what the format prescribes.
    #[error("{file}: is not a valid npy array: {what}")]
    BadHeader { file: String, what: String },
    /// An array of Python objects; reading it would mean running a pickle.
    #[error("{file}: is an array of Python objects")]
    ObjectArray { file: String },
    /// A dtype that holds no real numbers.
    #[error("{file}: has the dtype `{dtype}`, which is not read")]
    BadDtype { file: String, dtype: String },
    /// Shape times item size is more than any file holds.
    #[error("{file}: the shape {shape} is too large for any file")]
    ShapeOverflow { file: String, shape: String },
    /// The data are shorter or longer than the header says.
    #[error("{file}: the header promises {expected} bytes of data, the file has {found}")]
    WrongLength { file: String, expected: u64, found: u64 },
    /// An array with the wrong number of axes, or whose axes do not fit the others.
    #[error("{file}: has the shape {shape}, expected {expected}")]
    WrongShape { file: String, shape: String, expected: String },
    /// An array whose axes stand in another order.
    #[error("{file}: has the shape {shape}, expected {expected}: its axes are swapped")]
    Transposed { file: String, shape: String, expected: String },
    /// An npz file that is not a readable zip archive.
    #[error("{file}: is not a readable npz archive: {what}")]
    BadArchive { file: String, what: String },
    /// A parquet file whose metadata or pages cannot be read.
    #[error("{file}: is not a readable parquet file: {what}")]
    BadParquet { file: String, what: String },
    /// A column of a parquet file without numbers.
    #[error("{file}: column `{column}` {what}, not numbers")]
    NoNumbers { file: String, column: String, what: &'static str },
    /// A time or an input that is missing: only observations may be.
    #[error("{place}: column `{column}` is missing; times and inputs must be known")]
    MissingKnown { place: String, column: String },
    /// An array that a command needs and the archive has not.
    #[error("{file}: has no array `{wanted}`")]
    MissingArray { file: String, wanted: String, existing: Vec<String>, nearest: Option<String> },
    /// An array whose shape does not fit the others.
    #[error("{file}: array `{array}` has the shape {shape}, expected {expected}")]
    ArrayShape { file: String, array: String, shape: String, expected: String },
    /// An item of an array that is NaN or infinite; without an index where the array is a single number.
    #[error("{file}: {}array `{array}` is {value}, which is not finite", index.as_ref().map(|at| format!("item {at} of ")).unwrap_or_default())]
    NotFiniteItem { file: String, array: String, index: Option<String>, value: String },
    /// Factors on initial rows where there are none.
    #[error("{file}: array `weight_initial` has the shape {shape}, expected (0, {states}), since there is no `iv`")]
    WeightWithoutInitial { file: String, shape: String, states: usize },
    /// Something is wrong with the file of a case of arrays.
    #[error("{0}")]
    OfCase(Box<DataError>),
    /// An item of an array of steps that is zero or negative.
    #[error("{file}: the step of {index} in array `h` is {}, which is not positive", number(*.value))]
    StepNotPositive { file: String, index: String, value: f64 },
    /// An item of an array of weights that is negative, or whose square cannot be represented.
    #[error(
        "{file}: the weight of {index} in array `{array}` is {}: weights are 0 or more, with squares within the range of numbers",
        number(*.value)
    )]
    BadWeight { file: String, array: String, index: String, value: f64 },
    /// An item of an array of weights whose product with the weight of all such rows, `of_kind`, has a square that cannot be represented.
    #[error(
        "{file}: the weight of {index} in array `{array}` is {}, and {} in `--weights`: their product has no square within the range of numbers",
        number(*.value), number(*.of_kind)
    )]
    BadWeightProduct { file: String, array: String, index: String, value: f64, of_kind: f64 },
    /// A window that is longer than every trajectory, or of length or stride zero.
    #[error("windows of {length} samples with stride {stride} do not fit: {what}")]
    BadWindow { length: usize, stride: usize, what: String },
    /// A hold-out that leaves nothing to train or to test on.
    #[error("holding out {} of {what}: {why}", percent(*.fraction))]
    BadHoldOut { fraction: f64, what: &'static str, why: String },
    /// A batch size of zero.
    #[error("a mini-batch needs at least one window")]
    BadBatch,
    /// A setting of a simulation that makes no sense.
    #[error("simulation: {setting} = {value} {why}")]
    BadSimulation { setting: &'static str, value: String, why: &'static str },
    /// The numerical solution of the model failed.
    #[error("simulation: {0}")]
    Simulation(#[from] OdeError),
    /// The same with what the caller knows: which trajectory, and what in the model it fails by.
    #[error("simulation{of}: {error}{}", why.as_ref().map(|why| format!("; {why}")).unwrap_or_default())]
    SimulationOf { of: String, error: OdeError, why: Option<String>, help: Option<&'static str> },
    /// Trajectories of different lengths cannot be put in one rectangular array.
    #[error("trajectories of different lengths or steps cannot be written as one npz file")]
    NotRectangular,
    /// Data that are not those of the run that is taken up again.
    #[error("{file}: is not what the run in `{run}` was fitted to: the data have changed")]
    Changed { file: String, run: String },
    /// Something is wrong with one of several data sets that are fitted together.
    #[error("data set `{set}`: {error}")]
    OfSet { set: String, error: Box<DataError> },
    /// The archive could not be put together.
    #[error("cannot write the data: {0}")]
    Write(String),
}

impl DataError {
    /// The stable code, `D001` to `D099`. Codes are never reused.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "D001",
            Self::Unreadable { .. } => "D002",
            Self::NotAFile { .. } => "D003",
            Self::Empty { .. } => "D004",
            Self::HeaderOnly { .. } => "D005",
            Self::NoHeader { .. } => "D006",
            Self::NotUtf8 { .. } | Self::Packed { .. } => "D007",
            Self::Ragged { .. } => "D008",
            Self::EmptyCell { .. } => "D009",
            Self::NotANumber { .. } => "D010",
            Self::TextRow { .. } => "D033",
            Self::BadWeight { .. } | Self::BadWeightProduct { .. } => "D034",
            Self::NotFinite { .. } | Self::NoValue { .. } | Self::NotFiniteItem { .. } => "D011",
            Self::MissingColumn { .. } | Self::MissingTime { .. } | Self::MissingArray { .. } => "D012",
            Self::Duplicate { .. } => "D013",
            Self::NoTime { .. } => "D014",
            Self::BadStep { .. } | Self::StepNotPositive { .. } => "D015",
            Self::TimeNotIncreasing { .. } => "D016",
            Self::UnequalSteps { .. } => "D017",
            Self::TooFewRows { .. } => "D018",
            Self::NothingObserved { .. } => "D019",
            Self::TooLarge { .. } => "D020",
            Self::UnknownFormat { .. } => "D021",
            Self::BadHeader { .. } => "D022",
            Self::ObjectArray { .. } => "D023",
            Self::BadDtype { .. } => "D024",
            Self::ShapeOverflow { .. } => "D025",
            Self::WrongLength { .. } => "D026",
            Self::WrongShape { .. }
            | Self::Transposed { .. }
            | Self::ArrayShape { .. }
            | Self::WeightWithoutInitial { .. } => "D027",
            Self::BadArchive { .. } => "D028",
            Self::MissingKnown { .. } => "D029",
            Self::BadParquet { .. } => "D031",
            Self::NoNumbers { .. } | Self::Date { .. } => "D032",
            Self::BadWindow { .. } => "D040",
            Self::BadHoldOut { .. } => "D041",
            Self::BadBatch => "D042",
            Self::BadSimulation { .. } => "D050",
            Self::Simulation(_) | Self::SimulationOf { .. } => "D051",
            Self::NotRectangular => "D060",
            Self::Write(_) => "D061",
            Self::Changed { .. } => "D070",
            Self::OfSet { error, .. } | Self::OfCase(error) => error.code(),
        }
    }

    /// The exit code of a program that stops because of this error: 3 for wrong data, 4 where the environment is at
    /// fault (permission, disk), 5 for a numerical failure.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unreadable { .. } | Self::Write(_) => 4,
            Self::Simulation(_) | Self::SimulationOf { .. } => 5,
            Self::OfSet { error, .. } | Self::OfCase(error) => error.exit_code(),
            _ => 3,
        }
    }

    /// True where the environment, not the data, is at fault.
    pub fn is_environment(&self) -> bool {
        self.exit_code() == 4
    }
}

/// A share as it is written in a model, to six decimals of a percent: rounding has left its marks on the fraction itself.
fn percent(fraction: f64) -> String {
    format!("{}%", (fraction * 1e8).round() / 1e6)
}

/// A step as it is shown: without the digits that the subtraction of two times left, and with those that tell it from another.
fn step(value: f64, other: f64, time: f64) -> f64 {
    let rounding = 4.0 * f64::EPSILON * time.abs().max(value.abs());
    let difference = (value - other).abs().min(1e-3 * value.abs());
    shortened(value, rounding.max(1e-3 * difference))
}
