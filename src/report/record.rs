//! What a run leaves behind, as plain data.

use serde::{Deserialize, Serialize};

use super::json::{number, numbers, optional};

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

/// `state^(derivative) = sum of terms`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Equation {
    /// Name of the state.
    pub state: String,
    /// Order of the derivative on the left.
    pub derivative: u32,
    /// The unit of both sides, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The terms that were kept.
    pub terms: Vec<Term>,
}

/// A coefficient times a term.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Term {
    /// The term with its factors in declaration order: `1`, `x`, `x^2`, `x*y`.
    pub term: String,
    /// Its coefficient.
    #[serde(with = "number")]
    pub coefficient: f64,
    /// Standard error of the coefficient, where the engine has one.
    #[serde(with = "optional")]
    pub std_error: Option<f64>,
    /// The unit of its coefficient, where the model has units and it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The estimated numbers in the term, in their order: of denominators and of holes inside functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<Inside>,
}

/// An estimated number inside a term.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Inside {
    /// The candidate term that it multiplies.
    pub of: String,
    /// Where its digits begin in the spelling of the term that it stands in: so many characters are before them.
    pub at: usize,
    /// How many characters they are.
    pub length: usize,
    /// The number. Its sign stands before the digits, or has gone into that of the whole term.
    #[serde(with = "number")]
    pub coefficient: f64,
    /// Its standard error, where the engine has one.
    #[serde(with = "optional")]
    pub std_error: Option<f64>,
    /// Its unit, where the model has units and it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// A sum of a ratio, as the candidate terms that were kept. Below, the 1 that is fixed is not among them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RatioSum {
    /// The ratio's name, or the derivative that its equation gives: `x'`.
    pub ratio: String,
    /// `numerator` or `denominator`.
    pub side: String,
    /// The terms with their coefficients.
    pub terms: Vec<Term>,
}

impl Term {
    /// The term with every estimated number in it as `written` has it, without its sign.
    pub fn with_numbers(&self, written: impl Fn(&Inside) -> String) -> String {
        let (mut out, mut rest) = (String::new(), self.term.chars());
        let mut at = 0;
        for number in &self.inside {
            out.extend(rest.by_ref().take(number.at.saturating_sub(at)));
            rest.by_ref().take(number.length).for_each(drop);
            at = number.at.saturating_add(number.length).max(at);
            out.push_str(&written(number));
        }
        out.extend(rest);
        out
    }

    /// Whether there is a standard error of its coefficient or of a number in it.
    pub fn has_errors(&self) -> bool {
        self.std_error.is_some() || self.inside.iter().any(|n| n.std_error.is_some())
    }

    /// Whether it is written without its coefficient, but for the sign: the number 1, known and without a unit.
    pub fn is_bare(&self) -> bool {
        let plain = self.unit.as_deref().is_none_or(|u| u == "1");
        self.coefficient.abs() == 1.0 && self.std_error.is_none() && plain && self.term != "1"
    }
}

/// A term that was left out although it may be there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PlausibleTerm {
    /// State whose equation it may belong to.
    pub state: String,
    /// The term.
    pub term: String,
    /// Which sum of a ratio it may belong to: `numerator` or `denominator`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// The coefficient it would have.
    #[serde(with = "number")]
    pub coefficient: f64,
    /// Standard error of that coefficient.
    #[serde(with = "optional")]
    pub std_error: Option<f64>,
    /// Whether it would be significant if it were added to the terms that are kept: then the choice between them is not settled.
    #[serde(default)]
    pub significant: bool,
    /// The unit of its coefficient, where the model has units and it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl PlausibleTerm {
    /// Where it would stand: ` in the denominator of a ratio`, or nothing.
    pub(crate) fn place(&self) -> String {
        self.side.as_ref().map_or_else(String::new, |side| format!(" in the {side} of a ratio"))
    }

    /// The same in few letters, as seen from the bar of the fraction.
    pub(crate) fn short_place(&self) -> &'static str {
        match self.side.as_deref() {
            None => "",
            Some("denominator") => " below",
            Some(_) => " above",
        }
    }
}

/// The heading of terms that were left out, by whether they are significant.
pub(crate) fn left_out(significant: bool) -> &'static str {
    match significant {
        true => "left out, though significant if added alone",
        false => "plausible, but not significant",
    }
}

/// An estimated parameter.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its estimate.
    #[serde(with = "number")]
    pub value: f64,
    /// Standard error of the estimate.
    #[serde(with = "optional")]
    pub std_error: Option<f64>,
    /// Its unit, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether the fit held it at this value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// Whether the data say next to nothing of it: the error is far above the estimate and the value it started from.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undetermined: bool,
    /// Why there is no standard error, where the engine gives others theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_error: Option<String>,
}

impl Parameter {
    /// What is said behind its value: that it was not estimated, that it could not be, or why it has no error.
    pub fn note(&self) -> String {
        match (self.held, self.undetermined, &self.without_error) {
            (true, ..) => " (held)".to_string(),
            (false, true, _) => " (not determined by these data)".to_string(),
            (false, false, Some(why)) => format!(" ({why})"),
            (false, false, None) => String::new(),
        }
    }
}

/// Measurement noise of a state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NoiseEstimate {
    /// Name of the state.
    pub state: String,
    /// The unit of the state, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Standard deviation in the unit of the state.
    #[serde(with = "number")]
    pub std: f64,
    /// The same as a fraction of the standard deviation of the data.
    #[serde(with = "optional")]
    pub relative: Option<f64>,
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
    /// How many of them were held out.
    pub held_out: usize,
    /// Trajectories.
    pub trajectories: usize,
    /// Names of the states that it observes.
    pub columns: Vec<String>,
    /// Names of its inputs.
    pub inputs: Vec<String>,
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

/// A figure of merit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Metric {
    /// What is measured, such as `RMSE of x`.
    pub name: String,
    /// On which part of the data: `train`, `held out`.
    pub part: String,
    /// The figure.
    #[serde(with = "number")]
    pub value: f64,
    /// Its unit, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Metric {
    /// A figure without a unit.
    pub fn new(name: impl Into<String>, part: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), part: part.into(), value, unit: None }
    }

    /// The same in a unit.
    pub fn in_unit(self, unit: Option<String>) -> Self {
        Self { unit, ..self }
    }
}

/// How well a part of the data is predicted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ScoreRecord {
    /// `held out`, or the name of a prediction.
    pub part: String,
    /// The data set; empty for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data: String,
    /// Root mean square errors: name of the state, and the error.
    pub rmse: Vec<StateError>,
    /// For how long the prediction follows the data: of the trajectory that it leaves first.
    #[serde(with = "number")]
    pub followed: f64,
    /// For how long there are data behind that trajectory's start of the prediction.
    #[serde(with = "number")]
    pub compared: f64,
    /// Whether every trajectory is followed to the end of its data.
    pub to_the_end: bool,
    /// The unit of these times, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_unit: Option<String>,
}

/// The error of a state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StateError {
    /// Name of the state.
    pub state: String,
    /// The error, in the unit of the state.
    #[serde(with = "number")]
    pub error: f64,
    /// That unit, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// How much of the variance of a state's data the solution explains.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StateShare {
    /// Name of the state.
    pub state: String,
    /// One minus the mean square error over the variance; below zero where the mean would do better.
    #[serde(with = "number")]
    pub share: f64,
}

impl StateShare {
    /// Whether what is left over is so large that other equations may explain the data as well: more than half of the solution's own
    /// deviation.
    pub fn is_small(&self) -> bool {
        self.share < 0.8
    }

    /// `N 61 %`
    pub(crate) fn spelled(&self) -> String {
        format!("{} {:.0} %", self.state, 100.0 * self.share)
    }
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
