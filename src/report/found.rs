//! What a run found: equations with their terms, terms that were left out, parameters, noise.

use serde::{Deserialize, Serialize};

use super::json::{number, optional};
use super::rounding::{Rounded, apart, round_as};

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
    /// Whether its error is above any size that it could have, so that it is written `± ∞`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ran_away: bool,
    /// Why there is no standard error, where the engine gives others theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_error: Option<String>,
}

impl Parameter {
    /// Its digits: where the data do not determine it, those of the value do not hang on the error.
    pub fn rounded(&self) -> Rounded {
        let round = if self.undetermined { apart } else { round_as };
        round(self.value, self.std_error, self.ran_away)
    }

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
