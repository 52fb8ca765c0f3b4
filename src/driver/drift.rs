//! Sensors that drift: of one column a solution leaves over what goes steadily up or down, while all others follow the model. A fit that reads
//! nothing but the beginning of the column tells, since there the drift is still small.

use super::observed::Observed;
use super::residuals::neighbours_agree;
use super::smoothed::correlation;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1118;
use crate::hir::Model;
use crate::report::short;
use crate::train::joint::{JointError, JointFit, Observations};

/// The part of a column that is read, from its first sample on.
const READ: f64 = 0.2;
/// Columns that are tried, at most: a fit for each.
const MOST_COLUMNS: usize = 4;
/// Larger data are not fitted again.
const MOST_SAMPLES: usize = 20_000;
/// Samples of a column, at least.
const FEWEST: usize = 60;
/// What is left over changes, from the first sample to the last, by at least so many times the noise around a straight line,
const ABOVE_NOISE: f64 = 2.0;
/// and by at least so many of its standard errors.
const CERTAIN: f64 = 15.0;
/// Around the line neighbouring samples agree no more than this.
const WHITE: f64 = 0.3;

/// A straight line through what is left over.
struct Line {
    /// From the first time to the last.
    change: f64,
    /// The standard error of the change.
    error: f64,
    /// What is left around the line.
    rest: Vec<f64>,
    noise: f64,
}

/// The column of an observed state that drifts, where one does; `again` fits the same unknowns to other observations.
pub fn column(
    model: &Model,
    observed: &Observed,
    observations: &Observations,
    mut again: impl FnMut(&Observations) -> Result<JointFit, JointError>,
) -> Option<Diagnostic> {
    let len = observations.t.len();
    let of = |all: &[f64], c: usize| all.get(c * len..(c + 1) * len).unwrap_or_default().to_vec();
    let seen = |c: usize| of(&observations.y, c).iter().filter(|y| y.is_finite()).count() >= FEWEST;
    let columns: Vec<usize> = (0..observed.components.len())
        .filter(|c| observed.components.get(*c).is_some_and(|o| o.derivative == 0) && seen(*c))
        .collect();
    // Of a single column nothing tells its drift from the motion.
    if !observations.breaks.is_empty() || len > MOST_SAMPLES || !(2..=MOST_COLUMNS).contains(&columns.len()) {
        return None;
    }
    for &c in &columns {
        let mut tried = observations.clone();
        let from = (READ * len as f64) as usize;
        tried.y.get_mut(c * len + from..(c + 1) * len)?.fill(f64::NAN);
        let found = match again(&tried) {
            Ok(found) => found,
            Err(JointError::Interrupted(_)) => return None,
            Err(_) => continue,
        };
        let follow = columns.iter().filter(|other| **other != c).all(|&other| {
            neighbours_agree(&of(&observations.y, other), &of(&found.x, other), &observations.breaks).is_none()
        });
        let left: Vec<f64> = of(&observations.y, c).iter().zip(of(&found.x, c)).map(|(y, x)| y - x).collect();
        let Some(line) = line(&observations.t, &left).filter(|_| found.in_order() && follow) else { continue };
        let steady = line.change.abs() > ABOVE_NOISE * line.noise && line.change.abs() > CERTAIN * line.error;
        if !steady || correlation(&line.rest, &observations.breaks, 1) > WHITE {
            continue;
        }
        let name = &observed.components.get(c)?.state;
        let state = model.states.values().find(|s| s.name == *name)?;
        let way = if line.change > 0.0 { "up" } else { "down" };
        let message = format!(
            "what the solution leaves over of `{name}` goes steadily {way}, by {} from the first sample to the last, and all other columns \
             follow the model: it looks like a sensor that drifts",
            short(line.change.abs())
        );
        let help = format!(
            "take the drift out of the column; or let the model have it, with the column for another state: `state {name}_read`, `param \
             drift`, `{name}_read' = {name}' + drift`, and `{name}_read = ...` in the block of the data"
        );
        return Some(Diagnostic::warning(W1118, message, state.span, "in its data").help(help));
    }
    None
}

/// The straight line that is nearest to what is left over.
fn line(t: &[f64], left: &[f64]) -> Option<Line> {
    let known = || t.iter().zip(left).filter(|(_, l)| l.is_finite());
    let count = known().count() as f64;
    let [mean_t, mean] = [known().map(|(t, _)| t).sum::<f64>() / count, known().map(|(_, l)| l).sum::<f64>() / count];
    let square: f64 = known().map(|(t, _)| (t - mean_t).powi(2)).sum();
    let slope = known().map(|(t, l)| (t - mean_t) * (l - mean)).sum::<f64>() / square;
    let rest: Vec<f64> = t.iter().zip(left).map(|(t, l)| l - mean - slope * (t - mean_t)).collect();
    let noise = (rest.iter().filter(|r| r.is_finite()).map(|r| r * r).sum::<f64>() / (count - 2.0)).sqrt();
    let time = t.last()? - t.first()?;
    (slope.is_finite() && noise > 0.0).then(|| Line {
        change: slope * time,
        error: noise / square.sqrt() * time,
        rest,
        noise,
    })
}
