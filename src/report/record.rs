//! What a run leaves behind, as plain data.

use serde::{Deserialize, Serialize};

use super::figures::{Metric, ScoreRecord, StateShare};
use super::found::{Equation, NoiseEstimate, Parameter, PlausibleTerm, RatioSum};
use super::json::{number, numbers};

/// Everything about a finished run that its renderings need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Name of the model.
    pub model: String,
    /// One line on what was done, such as `4000 samples of x, y, z, 5 % noise`; may be empty.
    pub summary: String,
    /// The engine that fitted it.
    pub engine: Engine,
    /// Seed of the fit.
    pub seed: u64,
    /// Time from start to result.
    #[serde(with = "number")]
    pub wall_seconds: f64,
    /// The equations that were found, in the order of the states.
    pub equations: Vec<Equation>,
    /// The sums of ratios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ratios: Vec<RatioSum>,
    /// Terms that the data neither demand nor exclude.
    pub plausible: Vec<PlausibleTerm>,
    /// Parameters and their estimates.
    pub parameters: Vec<Parameter>,
    /// Estimated measurement noise, per observed state.
    pub noise: Vec<NoiseEstimate>,
    /// The data sets.
    #[serde(default)]
    pub data: Vec<DataRecord>,
    /// How networks saw the states, where the fit has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub normalisation: Vec<NormalisationRecord>,
    /// The loss over the iterations.
    pub loss: Vec<LossPoint>,
    /// Figures of merit, held-out ones among them.
    pub metrics: Vec<Metric>,
    /// How well what was held out is predicted, and predictions follow the data: over all data, then over each data set of several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<ScoreRecord>,
    /// How much of the variance of every observed state the solution explains, over what was fitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explained: Vec<StateShare>,
    /// Data and solution.
    pub trajectories: Vec<TrajectoryRecord>,
    /// What predictions of the fit gave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predictions: Vec<PredictionRecord>,
    /// The resolved settings in the order of the model file: key and value as text.
    pub settings: Vec<(String, String)>,
    /// The model file and the files it imports as they were compiled: path and text.
    #[serde(default)]
    pub sources: Vec<(String, String)>,
    /// Versions of the program, the compiler, the machine: name and value.
    pub versions: Vec<(String, String)>,
    /// What the user should know before trusting the result.
    pub warnings: Vec<String>,
}

/// How a model was fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Joint Gauss-Newton for coefficients and trajectory.
    #[default]
    Joint,
    /// Gradient training.
    Gradient,
    /// Nothing is fitted: a model with known numbers is solved.
    Solve,
}

/// How networks see a state: `(x - subtracted)/divided_by`, after the window was moved.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NormalisationRecord {
    /// Name of the state.
    pub state: String,
    /// What is subtracted.
    #[serde(with = "number")]
    pub subtracted: f64,
    /// What the difference is divided by.
    #[serde(with = "number")]
    pub divided_by: f64,
}

/// A data set that was fitted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DataRecord {
    /// Its name in the model file.
    pub name: String,
    /// Where it comes from.
    pub source: String,
    /// Samples, over all its trajectories.
    pub samples: usize,
    /// How many more the data set has behind the last one at which a state is known: a joint fit leaves them out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unseen: usize,
    /// How many of them were held out.
    pub held_out: usize,
    /// The trajectories that were held out as a whole, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out_trajectories: Vec<String>,
    /// Trajectories.
    pub trajectories: usize,
    /// Names of the states that it observes.
    pub columns: Vec<String>,
    /// Names of its inputs.
    pub inputs: Vec<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The loss at an iteration.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LossPoint {
    /// Counted over the whole run.
    pub iteration: u64,
    /// The loss.
    #[serde(with = "number")]
    pub loss: f64,
    /// Name of the phase, such as `fit` or `prune`.
    pub phase: String,
}

/// Data and solution of a trajectory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TrajectoryRecord {
    /// Its name; may be empty.
    pub name: String,
    /// Times of the samples.
    #[serde(with = "numbers")]
    pub time: Vec<f64>,
    /// One entry per state.
    pub states: Vec<StateRecord>,
    /// Index of the first sample that was held out.
    pub held_out_from: Option<usize>,
}

/// A prediction: its trajectories with the data that they are compared with, where there are any.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PredictionRecord {
    /// Its name.
    pub name: String,
    /// How it was made.
    pub about: String,
    /// The samples that were predicted.
    pub trajectories: Vec<TrajectoryRecord>,
}

/// Data and solution of a state; both as long as the times, or empty where there is none. NaN where a sample is missing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StateRecord {
    /// Name of the state.
    pub state: String,
    /// Observations.
    #[serde(with = "numbers")]
    pub data: Vec<f64>,
    /// The fitted solution.
    #[serde(with = "numbers")]
    pub solution: Vec<f64>,
}

impl Default for RunRecord {
    fn default() -> Self {
        Self {
            model: String::new(),
            summary: String::new(),
            engine: Engine::Joint,
            seed: 0,
            wall_seconds: 0.0,
            equations: Vec::new(),
            ratios: Vec::new(),
            plausible: Vec::new(),
            parameters: Vec::new(),
            noise: Vec::new(),
            data: Vec::new(),
            normalisation: Vec::new(),
            loss: Vec::new(),
            metrics: Vec::new(),
            scores: Vec::new(),
            explained: Vec::new(),
            trajectories: Vec::new(),
            predictions: Vec::new(),
            settings: Vec::new(),
            sources: Vec::new(),
            versions: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl RunRecord {
    /// The warnings that tell of numbers which the equations do not hold, but a table in the run directory: those that differ between
    /// trajectories, windows and steps.
    pub fn beyond_equations(&self) -> impl Iterator<Item = &str> {
        let tables = ["`parameters.csv`", "`fields.csv`"];
        self.warnings.iter().map(String::as_str).filter(move |w| tables.iter().any(|table| w.contains(table)))
    }
}

impl Engine {
    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Joint => "joint",
            Self::Gradient => "gradient",
            Self::Solve => "solve",
        }
    }
}
