//! Predictions of a fit: where they start, what comes of them, and how well they follow the data.
//!
//! A fit whose solves reach beyond their windows is rolled out by its engine: networks read the last samples, their own output too.
//! What others found is solved on by itself. Either gives a [`Forecast`], which is judged and recorded here.

mod cut;
mod record;
mod rolled;
mod solved;

pub(super) use record::{dataset, records};

use cut::Cuts;

use super::continuation::Continuation;
use super::failure::Failure;
use super::findings::Findings;
use super::gradient::Trained;
use super::memory;
use super::observed::Observed;
use super::score::Score;
use crate::data::Trajectory;
use crate::hir::{Fit, Origin, PredictSpec, Program};
use crate::runtime::Threads;
use crate::train::Observer;

/// A prediction.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    /// Its name.
    pub name: String,
    /// How it was made.
    pub about: String,
    /// A prediction counts as following the data while its error, in standard deviations, stays below this.
    pub tolerance: f64,
    /// The trajectories that could be predicted.
    pub parts: Vec<Part>,
}

/// A trajectory that goes on.
#[derive(Clone, Debug)]
pub struct Part {
    /// The data behind the first sample that is predicted; without samples where there are none.
    pub truth: Trajectory,
    /// The times of what is predicted, without values.
    pub grid: Trajectory,
    /// `[component, sample]`, not a number for derivatives that the engine does not give.
    pub predicted: Vec<f64>,
}

impl Forecast {
    /// Says of which data sets and trajectories nothing is predicted.
    fn warn_without(&self, cuts: &Cuts, warnings: &mut Vec<String>) {
        let nothing = |set: &String| {
            let of = if set.is_empty() { String::new() } else { format!(" of `{set}`") };
            format!(
                "the prediction `{}` has nothing{of}: nothing is held out behind it; give `steps` and `from end`",
                self.name
            )
        };
        warnings.extend(cuts.without.iter().map(nothing));
        let fails = |(of, why): &(String, String)| format!("the prediction `{}`{of} fails: {why}", self.name);
        warnings.extend(cuts.failed.iter().map(fails));
    }
}

/// Makes the predictions of a fit: those of a training that reaches further than it reads are rolled out, others solved on.
pub(super) fn all(
    (program, fit): (&Program, &Fit),
    observed: &Observed,
    findings: &mut Findings,
    trained: Option<&Trained>,
    (threads, observer): (&Threads, &mut dyn Observer),
) -> Result<(), Failure> {
    let model = &program.models[fit.model];
    for (item, spec) in program.predictions(&fit.name) {
        match (spec.by, trained) {
            (Some(by), Some(trained)) => {
                rolled::roll((item, &spec, by), (model, observed), trained, findings, observer)?;
            }
            _ => {
                let (seed, observer) = (fit.seed, &mut *observer);
                let mut on = Continuation { model, observed, findings, threads, seed, observer };
                let (forecast, warnings) = solved::solve_on(&mut on, item, &spec)?;
                findings.fail(warnings);
                findings.predictions.push(forecast);
            }
        }
    }
    judge(observed, findings);
    Ok(())
}

/// Refuses predictions that do not fit in memory.
///
/// # Errors
/// [`Failure::Environment`], naming the prediction.
pub(super) fn ensure_memory(program: &Program, fit: &Fit, observed: &Observed) -> Result<(), Failure> {
    let held = observed.held.iter().flat_map(|h| &h.data.trajectories);
    let trajectories: Vec<&Trajectory> = observed.train.trajectories.iter().chain(held).collect();
    for (item, spec) in program.predictions(&fit.name) {
        let steps = |t: &&Trajectory| spec.steps.unwrap_or(t.len) as u64;
        let samples: u64 = trajectories.iter().map(steps).fold(0, u64::saturating_add);
        let what = format!("the prediction `{}` of {samples} samples", item.name);
        memory::ensure(&what, memory::of_prediction(&program.models[fit.model], samples), "take fewer `steps`")?;
    }
    Ok(())
}

/// A forecast of which nothing is predicted yet.
fn begun(name: &str, spec: &PredictSpec, read: usize) -> Forecast {
    let from = match spec.from {
        Origin::Start => "the first samples",
        Origin::End => "the end of the fitted samples",
        Origin::HeldOut => "the first samples held out",
    };
    let about = match spec.by {
        Some(by) => format!("From {from}: networks read the last {read} samples, each solve adds {by} of its own."),
        None => format!("From {from}: the equations that were found, solved on from the state that was estimated."),
    };
    Forecast { name: name.to_string(), about, tolerance: spec.tolerance, parts: Vec::new() }
}

/// Adds the errors of the predictions, and for how long each follows the data, to the figures.
fn judge(observed: &Observed, findings: &mut Findings) {
    let mut told = Vec::new();
    for forecast in &findings.predictions {
        let new = |set: String| Score::new(set, observed).within(forecast.tolerance);
        let mut scores = vec![new(String::new())];
        for part in forecast.parts.iter().filter(|p| p.truth.len > 0) {
            let (len, many) = (part.truth.len, part.grid.len);
            let along = part.predicted.chunks(many.max(1)).flat_map(|row| row.iter().take(len).copied());
            let mut own = new(part.truth.set.clone());
            own.compare(observed, &observed.train.columns, &part.truth, &along.collect::<Vec<f64>>());
            Score::collect(&mut scores, own);
        }
        told.push((forecast.name.clone(), scores));
    }
    for (name, scores) in &told {
        scores.iter().for_each(|score| score.tell(observed, name, findings));
    }
}
