//! `equations.json`, and numbers that JSON cannot write.
//!
//! JSON has no NaN and no infinities. They are written as the strings `"NaN"`, `"Infinity"` and `"-Infinity"`, and read
//! back from them, so that a failed estimate can be told from one that does not exist, which is `null`.

use serde::{Deserialize, Serialize};

use super::figures::{Metric, ScoreRecord, StateShare};
use super::found::{Equation, NoiseEstimate, Parameter, PlausibleTerm, RatioSum};
use super::record::{Engine, RunRecord};
use super::scores::PredictionFile;

/// The version of `equations.json`.
pub const SCHEMA: u32 = 1;

/// The contents of `equations.json`, in the order of its fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EquationsFile {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Name of the model.
    pub model: String,
    /// The engine.
    pub engine: Engine,
    /// Seed of the fit.
    pub seed: u64,
    /// Time from start to result.
    #[serde(with = "number")]
    pub wall_seconds: f64,
    /// The equations.
    pub equations: Vec<Equation>,
    /// The sums of ratios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ratios: Vec<RatioSum>,
    /// Terms that may be there.
    #[serde(default)]
    pub plausible: Vec<PlausibleTerm>,
    /// Estimated parameters.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// Estimated measurement noise.
    #[serde(default)]
    pub noise: Vec<NoiseEstimate>,
    /// Figures of merit.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// How well what was held out is predicted, and predictions follow the data.
    #[serde(default)]
    pub scores: Vec<ScoreRecord>,
    /// How much of the variance of every observed state the solution explains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explained: Vec<StateShare>,
    /// The predictions.
    #[serde(default)]
    pub predictions: Vec<PredictionFile>,
    /// Warnings.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl EquationsFile {
    /// The part of a record that goes into the file.
    pub fn of(record: &RunRecord) -> Self {
        Self {
            schema: SCHEMA,
            model: record.model.clone(),
            engine: record.engine,
            seed: record.seed,
            wall_seconds: record.wall_seconds,
            equations: record.equations.clone(),
            ratios: record.ratios.clone(),
            plausible: record.plausible.clone(),
            parameters: record.parameters.clone(),
            noise: record.noise.clone(),
            metrics: record.metrics.clone(),
            scores: record.scores.clone(),
            explained: record.explained.clone(),
            predictions: record.predictions.iter().map(PredictionFile::of).collect(),
            warnings: record.warnings.clone(),
        }
    }

    /// The text of the file, indented, with a final newline.
    ///
    /// # Errors
    /// None in practice; serde's error is passed on rather than hidden.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// The same in one line, with a final newline.
    ///
    /// # Errors
    /// As [`EquationsFile::to_json`].
    pub fn to_json_line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self).map(|text| text + "\n")
    }

    /// Reads the text of a file. Numbers of more than 15 digits may differ from what was written in the last bit.
    ///
    /// # Errors
    /// Where the text is not JSON or lacks a field.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// A number or the name of one that JSON cannot write.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f64),
    Name(Special),
}

#[derive(Serialize, Deserialize)]
enum Special {
    #[serde(rename = "NaN")]
    Nan,
    #[serde(rename = "Infinity")]
    Infinity,
    #[serde(rename = "-Infinity")]
    MinusInfinity,
}

impl From<f64> for Written {
    fn from(v: f64) -> Self {
        match v {
            v if v.is_finite() => Self::Number(v),
            v if v.is_nan() => Self::Name(Special::Nan),
            v if v > 0.0 => Self::Name(Special::Infinity),
            _ => Self::Name(Special::MinusInfinity),
        }
    }
}

impl From<Written> for f64 {
    fn from(v: Written) -> Self {
        match v {
            Written::Number(v) => v,
            Written::Name(Special::Nan) => f64::NAN,
            Written::Name(Special::Infinity) => f64::INFINITY,
            Written::Name(Special::MinusInfinity) => f64::NEG_INFINITY,
        }
    }
}

/// A number.
pub(crate) mod number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(v: &f64, s: S) -> Result<S::Ok, S::Error> {
        super::Written::from(*v).serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
        super::Written::deserialize(d).map(f64::from)
    }
}

/// A number that may not exist.
pub(crate) mod optional {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(v: &Option<f64>, s: S) -> Result<S::Ok, S::Error> {
        v.map(super::Written::from).serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<super::Written>::deserialize(d)?.map(f64::from))
    }
}

/// A list of numbers.
pub(crate) mod numbers {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(v: &[f64], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(v.iter().map(|&v| super::Written::from(v)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<f64>, D::Error> {
        Ok(Vec::<super::Written>::deserialize(d)?.into_iter().map(f64::from).collect())
    }
}
