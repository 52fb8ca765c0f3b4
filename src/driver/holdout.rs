//! How well what was found predicts what was held out.

use super::failure::Failure;
use super::findings::Findings;
use super::joint;
use super::observed::{Held, Observed, Prediction};
use super::pointwise::Compiled;
use super::score::{self, Score};
use crate::data::{self, Tolerance, Trajectory};
use crate::hir::Model;
use crate::runtime::Threads;

/// The share of a held-out trajectory that its state is estimated from; the rest is predicted.
const HEAD: f64 = 0.2;

/// Solves the found equations over what was held out and adds the figures to the findings. A part that follows a fitted one
/// starts from its last estimated state. A trajectory of its own starts from the state that its first fifth gives under the
/// found equations, and the rest counts. Models with inputs are left out: nothing says what they do between samples.
pub fn predict(
    model: &Model,
    observed: &mut Observed,
    findings: &mut Findings,
    (threads, seed): (&Threads, u64),
) -> Result<(), Failure> {
    score::fitted(observed, findings);
    if findings.bound.is_some() || findings.varying.is_some() {
        // With unknowns that differ between windows or steps there is no single equation; the engine has judged what was held out.
        return Ok(());
    }
    let Some(mut held) = observed.held.take() else { return Ok(()) };
    if model.inputs.is_empty() {
        let judge = Judge { model, observed, threads, seed };
        judge.run(&mut held, findings)?;
    }
    observed.held = Some(held);
    Ok(())
}

/// What a prediction needs.
struct Judge<'a> {
    model: &'a Model,
    observed: &'a Observed,
    threads: &'a Threads,
    seed: u64,
}

/// Where a prediction starts.
struct Beginning {
    /// The state before the first sample that is predicted.
    state: Vec<f64>,
    /// That sample.
    start: usize,
    /// Estimates of the samples before it, `[component, sample]`.
    estimated: Vec<f64>,
}

impl Judge<'_> {
    fn run(&self, held: &mut Held, findings: &mut Findings) -> Result<(), Failure> {
        let mut compiled = Compiled::field(self.model)?;
        let xi: Vec<f64> = findings.estimates.iter().map(|e| e.value).collect();
        let mut scores: Vec<Score> = vec![Score::new(String::new(), self.observed)];
        for (k, trajectory) in held.data.trajectories.iter().enumerate() {
            let name = match trajectory.name() {
                name if name.is_empty() => name,
                name => format!(" of trajectory {name}"),
            };
            let follows = held.follows.get(k).copied().flatten();
            let outcome = match self.beginning(trajectory, follows, findings, &xi)? {
                Ok(Beginning { state, start, estimated }) => {
                    let tail = trajectory.slice(start, trajectory.len);
                    // The sample before the first one that is predicted.
                    let fitted = follows.and_then(|f| self.observed.train.trajectories.get(f));
                    let before = match (fitted, start.checked_sub(1)) {
                        (Some(fitted), _) => fitted.time(fitted.len.saturating_sub(1)),
                        (None, Some(last)) => trajectory.time(last),
                        (None, None) => tail.t0 - tail.dt,
                    };
                    let solved = solve(&mut compiled, &xi, &state, before, &tail);
                    solved.map(|predicted| (tail, Prediction { start, estimated, predicted }))
                }
                Err(why) => Err(why),
            };
            held.predictions.push(match outcome {
                Ok((tail, prediction)) => {
                    let mut own = Score::new(trajectory.set.clone(), self.observed);
                    own.compare(self.observed, &held.data.columns, &tail, &prediction.predicted);
                    Score::collect(&mut scores, own);
                    Some(prediction)
                }
                Err(why) => {
                    findings.warnings.push(format!("the prediction of the held-out part{name} fails: {why}"));
                    None
                }
            });
        }
        for score in &scores {
            score.tell(self.observed, "held out", findings);
        }
        Ok(())
    }

    /// Where the prediction of a held-out trajectory starts, or why there is none.
    fn beginning(
        &self,
        held: &Trajectory,
        follows: Option<usize>,
        findings: &Findings,
        xi: &[f64],
    ) -> Result<Result<Beginning, String>, Failure> {
        let n = self.observed.components.len();
        let last = |x: &[f64], len: usize| -> Option<Vec<f64>> {
            (0..n).map(|c| x.get((c + 1) * len - 1).copied().filter(|v| v.is_finite())).collect()
        };
        let fitted = &self.observed.train.trajectories;
        if let Some(before) = follows {
            let total: usize = fitted.iter().map(|t| t.len).sum();
            let end: usize = fitted.iter().take(before + 1).map(|t| t.len).sum();
            let state: Option<Vec<f64>> = (0..n)
                .map(|c| findings.solution.get(c * total + end.checked_sub(1)?).copied().filter(|v| v.is_finite()))
                .collect();
            if let Some(state) = state {
                return Ok(Ok(Beginning { state, start: 0, estimated: Vec::new() }));
            }
        }
        // The gradient engine gives states without their derivatives: those come from the end of what was fitted.
        let source = match follows {
            Some(before) => fitted.get(before),
            None => Some(held),
        };
        let Some(source) = source else { return Ok(Err("it has no beginning".to_string())) };
        let most = if follows.is_some() { source.len } else { source.len.saturating_sub(2) };
        let seen = (0..source.width()).filter(|&c| (0..source.len).any(|i| source.value(i, c).is_some())).count();
        let fewest = joint::FEWEST_PER_COMPONENT * n / seen.max(1) + 2;
        let count = ((source.len as f64 * HEAD).ceil() as usize).max(fewest);
        if count > most {
            return Ok(Err(format!("its state cannot be estimated from fewer than {fewest} samples")));
        }
        let head = source.slice(if follows.is_some() { source.len - count } else { 0 }, count);
        let observations = self.observed.observations(self.model, std::slice::from_ref(&head));
        let estimated = joint::trajectory(self.model, xi, &observations, self.threads, self.seed)?;
        Ok(estimated.and_then(|x| {
            let state = last(&x, count).ok_or("its state is not finite")?;
            let (start, estimated) = if follows.is_some() { (0, Vec::new()) } else { (count, x) };
            Ok(Beginning { state, start, estimated })
        }))
    }
}

/// The solution at the samples of a trajectory from a state at the time `before` them, `[component, sample]`.
pub(super) fn solve(
    compiled: &mut Compiled,
    xi: &[f64],
    start: &[f64],
    before: f64,
    tail: &Trajectory,
) -> Result<Vec<f64>, String> {
    let n = start.len();
    let mut rhs = |t: f64, x: &[f64], dx: &mut [f64]| {
        if compiled.evaluate(t, x, xi, dx).is_err() {
            dx.fill(f64::NAN);
        }
    };
    let tolerance = Tolerance::default();
    let rows = if tail.is_irregular() {
        let (mut rows, mut time) = (start.to_vec(), before);
        for i in 0..tail.len {
            let state = rows.get(rows.len() - n..).unwrap_or_default().to_vec();
            let step = data::integrate(&mut rhs, &state, time, tail.time(i) - time, 2, &tolerance);
            rows.extend(step.map_err(|e| e.to_string())?.into_iter().skip(n));
            time = tail.time(i);
        }
        rows
    } else {
        let rows = data::integrate(&mut rhs, start, tail.t0 - tail.dt, tail.dt, tail.len + 1, &tolerance);
        rows.map_err(|e| e.to_string())?
    };
    Ok((0..n).flat_map(|c| rows.iter().skip(n + c).step_by(n.max(1)).copied().collect::<Vec<_>>()).collect())
}
