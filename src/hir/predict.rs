//! Predictions: where they start and how far they go.

use super::{FitId, Program, number};

/// A prediction counts as following the data while its error, relative to the standard deviation of the data and averaged over the
/// states, stays below this, where it says no other tolerance.
pub const FOLLOWS: f64 = 0.4;

/// `predict NAME = FIT { ... }`
#[derive(Clone, Debug, PartialEq)]
pub struct PredictSpec {
    /// The fit.
    pub fit: FitId,
    /// Samples that are predicted of every trajectory; as many as there are data to compare with where it does not say.
    pub steps: Option<usize>,
    /// Samples that every solve adds, where networks read what was predicted before; otherwise the equations that were found are
    /// solved on.
    pub by: Option<usize>,
    /// Where predictions start.
    pub from: Origin,
    /// A prediction counts as following the data while its error, in standard deviations of the states, stays below this.
    pub tolerance: f64,
}

/// Where a prediction starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Behind the first samples of the data.
    Start,
    /// Behind the last samples that were fitted.
    End,
    /// Behind the first samples that were held out.
    HeldOut,
}

impl Origin {
    /// Every origin.
    pub const ALL: [Origin; 3] = [Origin::Start, Origin::End, Origin::HeldOut];

    /// The word in `.mech` source.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Start => "start",
            Origin::End => "end",
            Origin::HeldOut => "held_out",
        }
    }
}

/// A prediction after its name.
pub(super) fn predict_lines(program: &Program, spec: &PredictSpec) -> Vec<String> {
    let steps = spec.steps.map_or("as many as there are data".to_string(), |n| n.to_string());
    let fit = &program.fits[spec.fit];
    vec![
        format!("steps     {steps} from {}", spec.from.name()),
        match spec.by {
            Some(by) => {
                format!("rolls     by {by}: networks read the last {} samples, their own output too", fit.window)
            }
            None => "solves    the equations that were found, from the state that was estimated".to_string(),
        },
        format!("follows   while the error is below {} standard deviations", number(spec.tolerance)),
    ]
}
