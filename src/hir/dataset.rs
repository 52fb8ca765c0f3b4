//! Data sets: where observations come from, and what is kept out of fits.

use super::{DataId, Expr, FormulaSpec, ModelId, PredictSpec, SolveSpec, family};
use crate::base::IndexMap;
use crate::source::Span;

/// Observations.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSet {
    /// Its name: the block's name for `--set`.
    pub name: String,
    /// Where they come from.
    pub source: DataSource,
    /// The part held out from fitting.
    pub holdout: Option<Holdout>,
    /// Where it is declared.
    pub span: Span,
    /// Where its parts are written.
    pub places: DataPlaces,
}

impl DataSet {
    /// Where it is written what the column of a state or an input is; else its file, else the whole declaration.
    pub fn place_of(&self, name: &str) -> Span {
        self.places.setting(name).or(self.places.file).unwrap_or(self.span)
    }
}

/// Where the parts of a data set are written, for what is wrong with the data themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataPlaces {
    /// The path of its file.
    pub file: Option<Span>,
    /// Its settings, by key.
    pub settings: Vec<(String, Span)>,
}

impl DataPlaces {
    /// The first setting with this key.
    pub fn setting(&self, key: &str) -> Option<Span> {
        self.settings.iter().find(|(own, _)| own == key).map(|(_, span)| *span)
    }
}

/// Where observations come from.
#[derive(Clone, Debug, PartialEq)]
pub enum DataSource {
    /// A text table.
    Csv {
        /// Path as written, relative to the model file.
        path: String,
        /// How its columns are used.
        columns: ColumnMap,
    },
    /// A numpy archive or array.
    Numpy {
        /// Path as written, relative to the model file.
        path: String,
        /// How its arrays are used.
        columns: ColumnMap,
    },
    /// A table in a parquet file.
    Parquet {
        /// Path as written, relative to the model file.
        path: String,
        /// How its columns are used.
        columns: ColumnMap,
    },
    /// Simulated from a model with known numbers.
    Simulate(SimulateSpec),
    /// Solved from a model with known numbers, as one least-squares problem.
    Solve(SolveSpec),
    /// Computed from formulas.
    Formula(FormulaSpec),
    /// Predicted by a fit.
    Predict(PredictSpec),
}

impl DataSource {
    /// Samples per trajectory and trajectories of what is made here and not read, as far as the program says.
    pub fn extent(&self) -> Option<(usize, usize)> {
        match self {
            DataSource::Simulate(spec) if spec.data.is_some() => None,
            DataSource::Simulate(spec) => Some((spec.steps, spec.trajectories)),
            DataSource::Formula(spec) => Some((spec.steps, spec.trajectories)),
            DataSource::Solve(spec) => spec.steps.map(|steps| (steps, 1)),
            DataSource::Predict(_) | DataSource::Csv { .. } | DataSource::Numpy { .. } | DataSource::Parquet { .. } => {
                None
            }
        }
    }

    /// The path of the file that is read, as written, and how its columns are used; `None` for data that are made here.
    pub fn file(&self) -> Option<(&str, &ColumnMap)> {
        match self {
            DataSource::Csv { path, columns }
            | DataSource::Numpy { path, columns }
            | DataSource::Parquet { path, columns } => Some((path, columns)),
            _ => None,
        }
    }

    /// The spacing of the samples, as far as the program says.
    pub fn step(&self) -> Option<f64> {
        match self {
            DataSource::Simulate(spec) => Some(spec.dt).filter(|_| spec.data.is_none()),
            DataSource::Formula(spec) => Some(spec.dt),
            DataSource::Solve(spec) => spec.dt,
            DataSource::Csv { columns, .. }
            | DataSource::Numpy { columns, .. }
            | DataSource::Parquet { columns, .. } => columns.dt,
            DataSource::Predict(_) => None,
        }
    }

    /// Whether the samples may be at any distance from each other.
    pub fn is_irregular(&self) -> bool {
        match self {
            DataSource::Csv { columns, .. }
            | DataSource::Numpy { columns, .. }
            | DataSource::Parquet { columns, .. } => columns.irregular,
            DataSource::Simulate(spec) => spec.data.is_some_and(|by| by.irregular),
            _ => false,
        }
    }

    /// Whether the data are made here and neither read from a file nor left by a fit.
    pub fn is_made(&self) -> bool {
        !matches!(
            self,
            DataSource::Csv { .. } | DataSource::Numpy { .. } | DataSource::Parquet { .. } | DataSource::Predict(_)
        )
    }
}

/// Which column holds what.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ColumnMap {
    /// The column with the times.
    pub time: Option<String>,
    /// The spacing of the samples when there is no time column.
    pub dt: Option<f64>,
    /// State or input name to column name, where they differ.
    pub columns: IndexMap<String, String>,
    /// What is done to the numbers of columns in other units than the model's, by state or input name.
    pub conversions: IndexMap<String, Conversion>,
    /// The units of such columns as they are written in the block.
    pub written: IndexMap<String, String>,
    /// Whether the block gives the unit of any column: then it has to give those of all.
    pub has_units: bool,
    /// How many of the model's unit of time one of the file's is.
    pub time_factor: f64,
    /// Whether the times may be at any distance from each other.
    pub irregular: bool,
    /// Columns that are computed from others, by state or input name.
    pub derived: IndexMap<String, Derived>,
    /// The texts that stand for a missing sample.
    pub missing: Vec<String>,
    /// The column that tells trajectories apart.
    pub trajectory: Option<String>,
}

impl ColumnMap {
    /// Whether a state or input is given a column, by itself or with its family.
    pub fn lists(&self, name: &str) -> bool {
        let given = |name: &str| self.columns.contains_key(name) || self.derived.contains_key(name);
        given(name) || given(family(name))
    }

    /// The column that a state or input is read from: an element that has none of its own has that of its family, with its subscripts.
    pub fn column(&self, name: &str) -> String {
        let subscripts = name.get(family(name).len()..).unwrap_or_default();
        match (self.columns.get(name), self.columns.get(family(name))) {
            (Some(column), _) => column.clone(),
            (None, Some(column)) => format!("{column}{subscripts}"),
            (None, None) => name.to_string(),
        }
    }

    /// What is done to its numbers, if anything.
    pub fn conversion(&self, name: &str) -> Option<Conversion> {
        self.conversions.get(name).or_else(|| self.conversions.get(family(name))).copied()
    }
}

/// A column that is computed from others of the file, sample by sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// The columns of the file that it is computed from.
    pub columns: Vec<String>,
    /// The formula, whose inputs are these columns.
    pub formula: Expr,
    /// From the unit of the formula to that of the model.
    pub conversion: Conversion,
}

impl Derived {
    /// The formula as it is written.
    pub fn spell(&self) -> String {
        self.spell_part(&self.formula)
    }

    /// A part of the formula as it is written.
    pub fn spell_part(&self, part: &Expr) -> String {
        super::made::spell_columns(part, &self.columns)
    }
}

/// What a number in a file becomes in the unit of the model: `factor*number + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conversion {
    /// How many of the model's unit one of the file's is.
    pub factor: f64,
    /// Where the file's zero lies in the model's unit.
    pub offset: f64,
}

/// How data is simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulateSpec {
    /// The model.
    pub model: ModelId,
    /// One value per unknown parameter of that model, in its order (declared value or argument).
    pub values: Vec<f64>,
    /// Initial values, one per state and derivative below its order: state by state. NaN where only the data may say one.
    pub initial: Vec<f64>,
    /// The data whose inputs drive the model, at whose times it is sampled, once for each of their trajectories.
    pub data: Option<DrivenBy>,
    /// Samples per trajectory, without such data.
    pub steps: usize,
    /// Spacing of the samples, without such data.
    pub dt: f64,
    /// Time of the first one, without such data.
    pub start: f64,
    /// Measurement noise.
    pub noise: Noise,
    /// Seed of the noise.
    pub seed: u64,
    /// How many trajectories; those after the first start from randomly shifted initial values.
    pub trajectories: usize,
    /// Standard deviation of that shift, relative to each initial value's magnitude (at least 1).
    pub spread: f64,
    /// Unknowns that differ from trajectory to trajectory: position in `values`, and where they come from.
    pub vary: Vec<(usize, Vary)>,
}

/// Where the inputs of a simulation come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrivenBy {
    /// The data set.
    pub data: DataId,
    /// Whether its times are at any distance from each other.
    pub irregular: bool,
    /// Whether every trajectory starts from the first sample of its data, where they observe a state.
    pub starts: bool,
}

/// A number for every trajectory.
#[derive(Clone, Debug, PartialEq)]
pub enum Vary {
    /// Drawn from a normal distribution with this mean and standard deviation.
    Normal(f64, f64),
    /// In order.
    List(Vec<f64>),
}

/// White Gaussian measurement noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// A fraction of each state's standard deviation.
    Relative(f64),
    /// In the states' own units.
    Absolute(f64),
}

/// What is kept out of a fit to judge it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Holdout {
    /// The last fraction of every trajectory's time.
    Time(f64),
    /// A fraction of the trajectories; 1 for a data set that is only predicted.
    Trajectories(f64),
}

impl DataSet {
    /// Whether a fit takes any of it: a data set may be held out as a whole, to be predicted.
    pub fn is_fitted(&self) -> bool {
        !matches!(self.holdout, Some(Holdout::Trajectories(share)) if share >= 1.0)
    }
}
