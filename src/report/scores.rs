//! What was held out and what is predicted, one line each.

use serde::{Deserialize, Serialize};

use super::figures::ScoreRecord;
use super::found::NoiseEstimate;
use super::record::{PredictionRecord, RunRecord};
use super::text::{NAMED_IN_LINE, behind, short, some};

/// The part of the record with the data that were held out.
const HELD_OUT: &str = "held out";
/// What is followed with so many times the noise is followed loosely: a law that leaves out what is small where it was fitted does so.
const LOOSE: f64 = 5.0;
/// Noise that is a smaller part of the spread may be rounding.
const COUNTS: f64 = 1e-3;

/// A prediction in `equations.json`; its errors are among the scores, in the part with its name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PredictionFile {
    /// Its name.
    pub name: String,
    /// The table with its samples, in the run directory.
    pub file: String,
    /// Samples, over all trajectories.
    pub samples: usize,
    /// Trajectories.
    pub trajectories: usize,
}

impl PredictionFile {
    /// What a prediction left behind.
    pub fn of(prediction: &PredictionRecord) -> Self {
        Self {
            name: prediction.name.clone(),
            file: format!("{}.csv", prediction.name),
            samples: prediction.trajectories.iter().map(|t| t.time.len()).sum(),
            trajectories: prediction.trajectories.len(),
        }
    }
}

/// `held out: RMSE x 0.012, y 0.034; follows the data for 8, to the end`, with the names of trajectories that were held out as a whole, and a line for each prediction.
pub(super) fn lines(record: &RunRecord) -> String {
    let mut out = String::new();
    let mut held = figures(record, HELD_OUT);
    // What else was measured there.
    let scored = |name: &str| name.starts_with("RMSE of ") || name.starts_with("time the prediction ");
    let other = record.metrics.iter().filter(|m| m.part == HELD_OUT && (held.is_empty() || !scored(&m.name)));
    let other: Vec<String> = other.map(|m| format!("{} {}{}", m.name, short(m.value), behind(&m.unit))).collect();
    if !other.is_empty() {
        held.push(some(&other, NAMED_IN_LINE));
    }
    if !held.is_empty() {
        let whole: Vec<String> = record.data.iter().flat_map(|set| set.held_out_trajectories.clone()).collect();
        let which = match whole.as_slice() {
            [] => String::new(),
            [one] => format!(" (trajectory {one})"),
            several => format!(" (trajectories {})", some(several, NAMED_IN_LINE)),
        };
        out.push_str(&format!("\n{HELD_OUT}{which}: {}\n", held.join("; ")));
    }
    for (k, prediction) in record.predictions.iter().enumerate() {
        let PredictionFile { name, file, samples, trajectories } = PredictionFile::of(prediction);
        let several = if trajectories == 1 { String::new() } else { format!(" of {trajectories} trajectories") };
        let mut parts = vec![format!("{samples} samples{several} in {file}")];
        parts.extend(figures(record, &name));
        let gap = if k == 0 { "\n" } else { "" };
        out.push_str(&format!("{gap}predicted {name}: {}\n", parts.join("; ")));
    }
    out
}

/// Errors over all data, and for how long the data are followed; nothing where there are no data to compare with.
fn figures(record: &RunRecord, part: &str) -> Vec<String> {
    let of_part = || record.scores.iter().filter(|s| s.part == part);
    let Some(all) = of_part().find(|s| s.data.is_empty()) else { return Vec::new() };
    let errors: Vec<String> =
        all.rmse.iter().map(|e| format!("{} {}{}", e.state, short(e.error), behind(&e.unit))).collect();
    let mut out = vec![format!("RMSE {}", some(&errors, NAMED_IN_LINE))];
    let unit = behind(&all.time_unit);
    // In what has settled a constant is as close as the right law: following it is no merit, and no fault.
    let is_constant = all.explained.is_some_and(|share| share <= 0.0);
    out.push(if all.to_the_end {
        let so_does = if is_constant { ", as a constant does" } else { "" };
        format!("follows the data for {}{unit}, to the end{so_does}{}", short(all.compared), loosely(record, all))
    } else {
        let first = of_part().filter(|s| !s.data.is_empty()).min_by(|a, b| share(a).total_cmp(&share(b)));
        let whose = first.map_or(String::new(), |s| format!(" in {}", s.data));
        let no_closer = if is_constant { ", no closer to them than a constant" } else { "" };
        format!("follows the data for {} of {}{unit}{whose}{no_closer}", short(all.followed), short(all.compared))
    });
    out
}

/// With how many times the noise data are followed where these are many, of the state of which they are most.
fn loosely(record: &RunRecord, score: &ScoreRecord) -> String {
    let times = score.rmse.iter().filter_map(|error| {
        let counts = |n: &&NoiseEstimate| n.state == error.state && n.relative.is_some_and(|share| share > COUNTS);
        Some((error.error / record.noise.iter().find(counts)?.std, &error.state))
    });
    let most = times.filter(|(times, _)| *times > LOOSE).max_by(|(a, _), (b, _)| a.total_cmp(b));
    most.map_or_else(String::new, |(times, state)| format!(", with {times:.0} times the noise of {state}"))
}

/// The share of the time for which data are followed.
pub(super) fn share(score: &ScoreRecord) -> f64 {
    if score.compared > 0.0 { score.followed / score.compared } else { 1.0 }
}
