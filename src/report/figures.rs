//! How good a result is: figures of merit, scores of predictions, shares of variance.

use serde::{Deserialize, Serialize};

use super::json::number;

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
    /// How much of the variance about the mean of these data, of every trajectory for itself, the prediction explains: below 0 where the mean
    /// is closer to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explained: Option<f64>,
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

    /// `N 61 %`, or of a prediction that goes astray `N below -1000 %`
    pub(crate) fn spelled(&self) -> String {
        if self.share < -10.0 {
            return format!("{} below -1000 %", self.state);
        }
        // Zero has no sign.
        format!("{} {:.0} %", self.state, (100.0 * self.share).round() + 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::StateShare;

    #[test]
    fn shares_of_nothing_have_no_sign() {
        let spelled = |share: f64| StateShare { state: "N".into(), share }.spelled();
        assert_eq!([-0.003, 0.614, -0.52].map(spelled), ["N 0 %", "N 61 %", "N -52 %"]);
    }
}
