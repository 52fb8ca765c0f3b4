//! How well what was found predicts what was held out.

use super::bound;
use super::continuation::{Continuation, Head, Unknowns};
use super::failure::Failure;
use super::findings::Findings;
use super::held_ends;
use super::observed::{Held, Observed, Prediction};
use super::pointwise::Compiled;
use super::powers;
use super::score::{self, Score};
use crate::data::Trajectory;
use crate::hir::{Engine, Fit, Program};
use crate::runtime::Threads;
use crate::train::Observer;

/// So many samples before a prediction say what inputs do there.
const BEFORE: usize = 3;

/// Solves the found equations over what was held out and adds the figures to the findings. A part that follows a fitted one
/// starts from its last estimated state. A trajectory of its own starts from the state that its first fifth gives under the
/// found equations, and the rest counts. Inputs are known there too, and are taken as the fit takes them. Fits by the gradient engine of models with
/// inputs are left out: it takes these at samples only.
pub fn predict(
    (program, fit): (&Program, &Fit),
    observed: &mut Observed,
    findings: &mut Findings,
    threads: &Threads,
    observer: &mut dyn Observer,
) -> Result<(), Failure> {
    if findings.lost {
        // That its solution goes through every sample is no merit, and what it does elsewhere says nothing.
        return Ok(());
    }
    score::fitted(observed, findings);
    let differs = findings.bound.is_some() && findings.own.is_empty();
    if differs || findings.varying.is_some() {
        // With unknowns that differ between windows or steps there is no single equation; the engine has judged what was held out.
        return Ok(());
    }
    let Some(mut held) = observed.held.take() else { return Ok(()) };
    let (model, seed) = (&program.models[fit.model], fit.seed);
    // The gradient engine takes inputs at samples only.
    if !model.inputs.is_empty() && fit.engine == Engine::Gradient {
        let why = "the model has inputs, and nothing says what they do between samples";
        findings.note(format!("no prediction is compared with what was held out: {why}"));
        observed.held = Some(held);
        return Ok(());
    }
    let mut on = Continuation { model, observed, findings, threads, seed, observer };
    let Judged { scores, warnings, heads } = judge(&mut on, &mut held)?;
    findings.fail(warnings);
    let trajectories =
        heads.into_iter().filter_map(|(k, [values, errors])| Some((held.data.trajectories.get(k)?, values, errors)));
    let trajectories: Vec<_> = trajectories.collect();
    findings.remarks.extend(held_ends::remarks(model, &trajectories));
    bound::add_held(program, fit, &trajectories, findings);
    scores.iter().for_each(|score| score.tell(observed, "held out", findings));
    observed.held = Some(held);
    Ok(())
}

/// What comes of the predictions.
struct Judged {
    scores: Vec<Score>,
    /// Why some failed.
    warnings: Vec<String>,
    /// The unknowns of trajectories of their own, and their errors.
    heads: Vec<(usize, Unknowns)>,
}

/// Adds the predictions to what was held out.
fn judge(on: &mut Continuation<'_>, held: &mut Held) -> Result<Judged, Failure> {
    let mut compiled = Compiled::field(&powers::continued(on.model))?;
    let (mut scores, mut warnings) = (vec![Score::new(String::new(), on.observed)], Vec::new());
    let mut heads = Vec::new();
    for (k, trajectory) in held.data.trajectories.iter().enumerate() {
        let follows = held.follows.get(k).copied().flatten();
        held.predictions.push(match prediction(on, &mut compiled, trajectory, follows)? {
            Ok((prediction, unknowns)) => {
                if follows.is_none() && !on.findings.own.is_empty() {
                    heads.push((k, unknowns));
                }
                let tail = trajectory.slice(prediction.start, trajectory.len);
                let mut own = Score::new(trajectory.set.clone(), on.observed);
                own.compare(on.observed, &held.data.columns, &tail, &prediction.predicted);
                Score::collect(&mut scores, own);
                Some(prediction)
            }
            Err(why) => {
                let name = match trajectory.name() {
                    name if name.is_empty() => name,
                    name => format!(" of trajectory {name}"),
                };
                warnings.push(format!("the prediction of the held-out part{name} fails: {why}"));
                None
            }
        });
    }
    Ok(Judged { scores, warnings, heads })
}

/// The prediction of a held-out trajectory, which follows a fitted one or is one of its own, with its unknowns and their errors; or why
/// there is none.
fn prediction(
    on: &mut Continuation<'_>,
    compiled: &mut Compiled,
    held: &Trajectory,
    follows: Option<usize>,
) -> Result<Result<(Prediction, Unknowns), String>, Failure> {
    let fitted = follows.and_then(|f| Some((f, on.observed.train.trajectories.get(f)?)));
    let head = match fitted {
        Some((k, fitted)) => {
            let unknowns = [on.findings.unknowns_of(k), Vec::new()];
            on.state(k, fitted.len, fitted)?.map(|state| Head { count: 0, estimated: Vec::new(), state, unknowns })
        }
        None => on.of_own(held)?,
    };
    let Head { count: start, estimated, state, unknowns } = match head {
        Ok(head) => head,
        Err(why) => return Ok(Err(why)),
    };
    let tail = held.slice(start, held.len);
    // The samples before the first one that is predicted: inputs have slopes there.
    let before = match fitted {
        Some((_, fitted)) => fitted.slice(fitted.len.saturating_sub(BEFORE), BEFORE),
        None => held.slice(start.saturating_sub(BEFORE), start.min(BEFORE)),
    };
    let solved = on.solve(compiled, &unknowns[0], &state, (&before, &tail))?;
    Ok(solved.map(|predicted| (Prediction { start, estimated, predicted }, unknowns)))
}
