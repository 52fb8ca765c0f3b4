//! Networks, data sets and fits: everything around a model.

use super::{
    Bounds, DataId, EarlyStopping, Expr, FieldBinding, FitId, FormulaSpec, Loss, Model, ModelId, NetworkId, Optimizer,
    OutputRef, PredictSpec, SolveSpec, StartSource, StateId, StepSource, Test, UnknownId,
};
pub use crate::base::Normalise;
use crate::base::{Arena, IndexMap, IndexSet};
use crate::source::Span;

/// A whole checked program.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Program {
    /// Models, also imported ones.
    pub models: Arena<ModelId, Model>,
    /// Networks.
    pub networks: Arena<NetworkId, Network>,
    /// Data sets.
    pub data: Arena<DataId, DataSet>,
    /// Fits, in order.
    pub fits: Arena<FitId, Fit>,
    /// Tests, in order.
    pub tests: Vec<Test>,
}

impl Program {
    /// The predictions of a fit, in order.
    pub fn predictions(&self, fit: &str) -> Vec<(&DataSet, PredictSpec)> {
        let of = |data: &DataSet| match &data.source {
            DataSource::Predict(spec) if self.fits[spec.fit].name == fit => Some(spec.clone()),
            _ => None,
        };
        self.data.values().filter_map(|d| Some((d, of(d)?))).collect()
    }

    /// The model of the first solve item that takes inputs or starts from a data set.
    pub fn solved_with(&self, data: DataId) -> Option<&Model> {
        self.data.values().find_map(|d| match &d.source {
            DataSource::Solve(spec) if spec.data == Some(data) => Some(spec.model.as_ref()),
            _ => None,
        })
    }

    /// The data sets of a fit.
    pub fn data_of<'p>(&'p self, fit: &'p Fit) -> impl Iterator<Item = &'p DataSet> + Clone + 'p {
        fit.data.iter().map(|&id| &self.data[id])
    }

    /// The data sets of a fit as they stand in the file: `run`, `(slow, fast)`.
    pub fn spell_data(&self, fit: &Fit) -> String {
        let names: Vec<&str> = self.data_of(fit).map(|d| d.name.as_str()).collect();
        if let [one] = names.as_slice() { (*one).to_string() } else { format!("({})", names.join(", ")) }
    }
}

/// A neural network over a window of the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// What it reads.
    pub input: NetworkInput,
    /// What it reads beside states of the window: computed from them, behind them.
    pub features: Vec<Feature>,
    /// The index set that its layers go along, where that is not the time.
    pub along: Option<Along>,
    /// Layers that outputs share, each after those it reads.
    pub trunks: Vec<Trunk>,
    /// What it emits.
    pub outputs: Vec<NetworkOutput>,
    /// Where it is declared.
    pub span: Span,
}

/// An index set that the layers of a network go along: at each of its elements they read all samples of the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Along {
    /// The name of the index set.
    pub set: String,
    /// For each element what belongs to it, in the same order for all: positions among the states that the network reads and
    /// the features behind them.
    pub elements: Vec<Vec<usize>>,
}

impl Along {
    /// How many states and features each element has.
    pub fn columns(&self) -> usize {
        self.elements.first().map_or(0, Vec::len)
    }
}

/// A number that a network reads at every sample, computed from states.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// The formula, whose inputs are states.
    pub formula: Derived,
}

impl Network {
    /// Names of the observed states it reads as they are.
    pub fn reads(&self) -> &[String] {
        match &self.input {
            NetworkInput::Window(names) => names,
            NetworkInput::Learned(_) => &[],
        }
    }

    /// Names of all observed states that it needs.
    pub fn needs(&self) -> IndexSet<&String> {
        self.reads().iter().chain(self.features.iter().flat_map(|f| &f.formula.columns)).collect()
    }
}

/// What a network reads.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkInput {
    /// Observed states, by name, at every sample of a window.
    Window(Vec<String>),
    /// So many numbers that are trained like weights: what the network emits is the same for every window.
    Learned(usize),
}

/// Layers with a name, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Trunk {
    /// Its name; empty for the layers of an `mlp` setting.
    pub name: String,
    /// The trunk it reads, by position; the network's input without one.
    pub from: Option<usize>,
    /// The layers.
    pub layers: Vec<Layer>,
}

/// A layer of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layer {
    /// Every number from every number before, and a function of each.
    Dense {
        /// How many numbers.
        width: usize,
        /// The function, if any.
        activation: Option<Activation>,
    },
    /// A convolution over the steps of the window, or the elements of an index set, and a function of each number.
    Conv {
        /// Numbers per step.
        channels: usize,
        /// Steps it reads, an odd number: as many before as after.
        kernel: usize,
        /// What stands before the first step and after the last.
        padding: Padding,
        /// The function, if any.
        activation: Option<Activation>,
        /// Whether what it reads is added to what it gives.
        residual: bool,
    },
    /// A function of each number.
    Activate(Activation),
    /// The numbers of an output, each from every number before; for an output over an index set those of an element may come from its
    /// neighbours alone.
    Emit {
        /// A convolution along the index set: how many elements it reads, and what stands beyond the ends.
        conv: Option<(usize, Padding)>,
        /// How large the weights start, relative to their usual start.
        weight: f64,
        /// What the offsets start at; as usual without it.
        bias: Option<f64>,
    },
}

/// What a convolution reads beyond the ends of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Zeros.
    Zero,
    /// The other end of the window.
    Circular,
}

/// Element-wise function of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// max(0, a)
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// a for a > 0, e^a - 1 otherwise.
    Elu,
    /// a times the logistic function of a.
    Silu,
    /// a times the normal distribution function of a, in the form with tanh (Hendrycks and Gimpel, 2016).
    Gelu,
    /// The logistic function, between 0 and 1.
    Sigmoid,
}

impl Activation {
    /// Every activation.
    pub const ALL: [Activation; 6] =
        [Activation::Relu, Activation::Tanh, Activation::Elu, Activation::Silu, Activation::Gelu, Activation::Sigmoid];

    /// The name in `.mech` source.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Relu => "relu",
            Activation::Tanh => "tanh",
            Activation::Elu => "elu",
            Activation::Silu => "silu",
            Activation::Gelu => "gelu",
            Activation::Sigmoid => "sigmoid",
        }
    }
}

/// One named output.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkOutput {
    /// Its name.
    pub name: String,
    /// How many numbers (per step when over the window).
    pub size: usize,
    /// How often it has these numbers.
    pub over: Over,
    /// For an output over the network's index set the number of its elements: each has `size` numbers.
    pub elements: Option<usize>,
    /// The trunk it reads, by position; the network's input without one.
    pub from: Option<usize>,
    /// The layers after it; the last ones give as many numbers as the output has.
    pub layers: Vec<Layer>,
}

impl NetworkOutput {
    /// How many numbers it has for all elements together: the first one of each element, then the second ones.
    pub fn numbers(&self) -> usize {
        self.size * self.elements.unwrap_or(1)
    }

    /// How often a fit has its numbers.
    pub fn count(&self, fit: &Fit) -> usize {
        match self.over {
            Over::Once => 1,
            Over::Window => fit.window,
            Over::Horizon => fit.reach(),
        }
    }
}

/// How often an output has its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Once for a window.
    Once,
    /// For every sample of the window that is read.
    Window,
    /// For every step of the solve, which may reach beyond the window.
    Horizon,
}

impl Over {
    /// As it is written behind an output.
    pub fn spell(self) -> &'static str {
        match self {
            Over::Once => "",
            Over::Window => " over window",
            Over::Horizon => " over horizon",
        }
    }
}

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
            DataSource::Simulate(spec) => Some((spec.steps, spec.trajectories)),
            DataSource::Formula(spec) => Some((spec.steps, spec.trajectories)),
            DataSource::Solve(spec) => spec.steps.map(|steps| (steps, 1)),
            DataSource::Predict(_) | DataSource::Csv { .. } | DataSource::Numpy { .. } | DataSource::Parquet { .. } => {
                None
            }
        }
    }

    /// The spacing of the samples, as far as the program says.
    pub fn step(&self) -> Option<f64> {
        match self {
            DataSource::Simulate(spec) => Some(spec.dt),
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
    /// Initial values, one per state and derivative below its order: state by state.
    pub initial: Vec<f64>,
    /// Samples per trajectory.
    pub steps: usize,
    /// Spacing of the samples.
    pub dt: f64,
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
    /// The last fraction of the trajectories.
    Trajectories(f64),
}

impl Normalise {
    /// Every choice.
    pub const ALL: [Normalise; 3] = [Normalise::Standard, Normalise::Range, Normalise::Off];

    /// The word in `.mech` source.
    pub fn name(self) -> &'static str {
        match self {
            Normalise::Standard => "standard",
            Normalise::Range => "range",
            Normalise::Off => "off",
        }
    }
}

/// Which engine fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Joint Gauss-Newton over trajectory and unknowns.
    Joint,
    /// Gradient training with an encoder network.
    Gradient,
}

impl Engine {
    /// The name in `.mech` source.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Joint => "joint",
            Engine::Gradient => "gradient",
        }
    }
}

/// A fit of a model to data, every setting resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Its name: the block's name for `--set`.
    pub name: String,
    /// The model.
    pub model: ModelId,
    /// The data sets, at least one; their trajectories are fitted together.
    pub data: Vec<DataId>,
    /// The engine, chosen by the compiler when the file does not say.
    pub engine: Engine,
    /// Whether the file names the engine.
    pub engine_chosen: bool,
    /// Seed of everything random in the fit.
    pub seed: u64,
    /// Highest derivative kept in the relaxed solve; `None` for the engine's default.
    pub orders: Option<usize>,
    /// Joint engine: t-statistic below which a term is dropped; `None` for the engine's default.
    pub significance: Option<f64>,
    /// Gradient engine: samples per window.
    pub window: usize,
    /// Gradient engine: samples from the first one of the window to the end of its solve; those of the window without it.
    pub horizon: Option<usize>,
    /// Gradient engine: samples of the window before its solve begins.
    pub begin: usize,
    /// Gradient engine: distance between window starts.
    pub stride: usize,
    /// Gradient engine: windows per step.
    pub batch: usize,
    /// Gradient engine: optimiser steps in all; `None` when given as epochs.
    pub steps: Option<usize>,
    /// Gradient engine: passes over the windows per cycle.
    pub epochs: Option<usize>,
    /// Gradient engine: train-and-threshold cycles.
    pub cycles: usize,
    /// Gradient engine: a coefficient below this in magnitude is dropped.
    pub threshold: f64,
    /// Gradient engine: the share of the budget after which thresholding starts.
    pub prune_from: f64,
    /// Gradient engine: whether linear unknowns are eliminated by least squares (variable projection) or trained.
    pub projection: bool,
    /// Gradient engine: learning rate of trained unknowns when there is no projection.
    pub coefficient_rate: Option<f64>,
    /// Gradient engine: weight of the consistency losses.
    pub consistency: f64,
    /// Gradient engine: the optimiser of the network.
    pub optimizer: Optimizer,
    /// Gradient engine: which network output stands for which state in nonlinear terms.
    pub auxiliary: Vec<AuxiliaryBinding>,
    /// Gradient engine: which network output stands for which unknown, window by window.
    pub parameters: Vec<ParameterBinding>,
    /// Gradient engine: which network output stands for which field; the others are trained as they are.
    pub fields: Vec<FieldBinding>,
    /// Gradient engine: where the steps of the solves come from.
    pub step: StepSource,
    /// Gradient engine: where the solutions of windows start.
    pub start: StartSource,
    /// Gradient engine: how networks see the states.
    pub normalise: Normalise,
    /// Gradient engine: states that are moved in every window by the first sample of a state: which, and by which.
    pub shifts: Vec<(StateId, StateId)>,
    /// Gradient engine: what is made small.
    pub loss: Loss,
    /// Gradient engine: weight of the magnitudes of the coefficients of holes in the loss.
    pub l1: f64,
    /// Gradient engine: steps between two looks at the held-out loss; `None` for the engine's default.
    pub evaluate: Option<usize>,
    /// Gradient engine: when training ends before its budget.
    pub early_stopping: Option<EarlyStopping>,
    /// Allowed range of coefficients, already folded into the unknowns; kept for the record.
    pub bounds: Bounds,
    /// Where it is declared.
    pub span: Span,
}

impl Fit {
    /// Gradient engine: samples that a window and its solve take together.
    pub fn span(&self) -> usize {
        self.horizon.unwrap_or(self.window)
    }

    /// Gradient engine: samples that a solve reaches over.
    pub fn reach(&self) -> usize {
        self.span().saturating_sub(self.begin)
    }

    /// Every number of a network output that the fit uses, auxiliaries and parameters first.
    pub fn outputs(&self) -> Vec<OutputRef> {
        let auxiliary = self.auxiliary.iter().map(AuxiliaryBinding::source);
        let parameters = self.parameters.iter().map(ParameterBinding::source);
        let losses = self.loss.terms.iter().filter_map(|t| t.output);
        let fields = self.fields.iter().map(|f| f.source);
        let step = if let StepSource::Output(source) = self.step { Some(source) } else { None };
        let starts = match &self.start {
            StartSource::Values(list) => list.as_slice(),
            StartSource::Free => &[],
        };
        let starts = starts.iter().map(|s| s.source);
        let mut out: Vec<OutputRef> = Vec::new();
        for source in auxiliary.chain(parameters).chain(losses).chain(fields).chain(step).chain(starts) {
            if !out.contains(&source) {
                out.push(source);
            }
        }
        out
    }
}

/// A network output standing for a state.
#[derive(Clone, Debug, PartialEq)]
pub struct AuxiliaryBinding {
    /// The state.
    pub state: StateId,
    /// The network.
    pub network: NetworkId,
    /// Position in [`Network::outputs`].
    pub output: usize,
    /// Component of that output.
    pub component: usize,
}

impl AuxiliaryBinding {
    /// The number that stands for the state.
    pub fn source(&self) -> OutputRef {
        OutputRef { network: self.network, output: self.output, component: self.component }
    }
}

impl ParameterBinding {
    /// The number that stands for the unknown.
    pub fn source(&self) -> OutputRef {
        OutputRef { network: self.network, output: self.output, component: self.component }
    }
}

/// A network output standing for an unknown: it has one value for every window.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterBinding {
    /// The unknown.
    pub unknown: UnknownId,
    /// The network.
    pub network: NetworkId,
    /// Position in [`Network::outputs`].
    pub output: usize,
    /// Component of that output.
    pub component: usize,
}
