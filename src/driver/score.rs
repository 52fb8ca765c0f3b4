//! Errors of solutions and predictions: over all data, and over each data set where a fit has several.

use super::findings::Findings;
use super::observed::{Component, Observed};
use crate::data::Trajectory;
use crate::hir::FOLLOWS;
use crate::report::{Metric, ScoreRecord, StateError, StateShare};

/// Squared errors of a part of the data.
#[derive(Clone, Debug)]
pub(super) struct Score {
    /// The data set; empty for all.
    set: String,
    /// Sum of squares and number of samples, per component.
    squares: Vec<(f64, usize)>,
    /// Sum of squares about the mean of what is predicted, of every trajectory for itself, per component.
    spread: Vec<f64>,
    /// For how long predictions follow the data, and how long there are data: of the trajectory that is left first.
    followed: f64,
    compared: f64,
    /// The shortest of these times over all trajectories, those that are followed to an early end included.
    shortest: f64,
    /// Whether every trajectory is followed to its end.
    to_the_end: bool,
    /// The error, in standard deviations, below which data are followed.
    follows: f64,
}

impl Score {
    pub(super) fn new(set: String, observed: &Observed) -> Score {
        let squares = vec![(0.0, 0); observed.components.len()];
        let spread = vec![0.0; observed.components.len()];
        let never = f64::INFINITY;
        Score {
            set,
            squares,
            spread,
            followed: never,
            compared: never,
            shortest: never,
            to_the_end: true,
            follows: FOLLOWS,
        }
    }

    /// The same with another limit of what follows the data.
    pub(super) fn within(self, follows: f64) -> Score {
        Score { follows, ..self }
    }

    /// Adds a score to the first one, which is that of all data, and to that of its data set.
    pub(super) fn collect(scores: &mut Vec<Score>, part: Score) {
        let named = !part.set.is_empty();
        if let Some(all) = scores.first_mut() {
            all.add(&part);
        }
        match scores.iter_mut().skip(1).find(|s| s.set == part.set) {
            Some(own) => own.add(&part),
            None if named => scores.push(part),
            None => {}
        }
    }

    fn add(&mut self, part: &Score) {
        for (mine, new) in self.squares.iter_mut().zip(&part.squares) {
            mine.0 += new.0;
            mine.1 += new.1;
        }
        self.spread.iter_mut().zip(&part.spread).for_each(|(mine, new)| *mine += new);
        // What is left counts before what is followed to an early end.
        if (part.to_the_end, part.followed) < (self.to_the_end, self.followed) {
            (self.followed, self.compared) = (part.followed, part.compared);
        }
        self.to_the_end &= part.to_the_end;
        self.shortest = self.shortest.min(part.shortest);
    }

    /// Adds the errors of a prediction, `[component, sample]`, and for how long it follows the data.
    pub(super) fn compare(&mut self, observed: &Observed, columns: &[String], held: &Trajectory, prediction: &[f64]) {
        let column = |component: &Component| columns.iter().position(|name| *name == component.state);
        for (component, spread) in observed.components.iter().zip(&mut self.spread).filter(|(c, _)| c.derivative == 0) {
            let Some(col) = column(component) else { continue };
            let values = || (0..held.len).filter_map(|i| held.value(i, col));
            let mean = values().sum::<f64>() / values().count().max(1) as f64;
            *spread += values().map(|v| (v - mean).powi(2)).sum::<f64>();
        }
        let mut followed = held.len;
        for i in (0..held.len).rev() {
            let (mut error, mut count) = (0.0, 0usize);
            for (c, component) in observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0) {
                let Some(value) = column(component).and_then(|col| held.value(i, col)) else { continue };
                let Some(e) = prediction.get(c * held.len + i).map(|p| p - value) else { continue };
                if let Some(sum) = self.squares.get_mut(c) {
                    sum.0 += e * e;
                    sum.1 += 1;
                }
                if component.deviation > 0.0 {
                    error += (e / component.deviation).powi(2);
                    count += 1;
                }
            }
            if count > 0 && (error / count as f64).sqrt() > self.follows {
                followed = i;
            }
        }
        let after = |samples: usize| match held.is_irregular() {
            true => held.time(samples.min(held.len.saturating_sub(1))) - held.time(0),
            false => samples as f64 * held.dt,
        };
        (self.followed, self.compared) = (after(followed), after(held.len));
        (self.shortest, self.to_the_end) = (self.followed, followed == held.len);
    }

    /// The share of the variance of every observed state that is explained.
    fn explained(&self, observed: &Observed) -> impl Iterator<Item = StateShare> {
        let scored = observed.components.iter().zip(&self.squares);
        scored.filter(|(c, (_, count))| *count > 0 && c.deviation > 0.0).map(|(c, (sum, count))| StateShare {
            state: c.state.clone(),
            share: 1.0 - sum / (*count as f64 * c.deviation * c.deviation),
        })
    }

    /// How much of the variance about the means of what is predicted a prediction explains, over all states in units of their deviations: at
    /// most 0 where the means themselves, which are constants, are as close.
    fn against_constants(&self, observed: &Observed) -> Option<f64> {
        let (mut errors, mut spread) = (0.0, 0.0);
        for ((c, (sum, _)), own) in observed.components.iter().zip(&self.squares).zip(&self.spread) {
            if c.deviation > 0.0 {
                errors += sum / (c.deviation * c.deviation);
                spread += own / (c.deviation * c.deviation);
            }
        }
        (spread > 0.0 && errors.is_finite()).then(|| 1.0 - errors / spread)
    }

    /// The figures of merit: root mean squares, and for predictions how long they follow.
    pub(super) fn tell(&self, observed: &Observed, part: &str, findings: &mut Findings) {
        let rmse = |(sum, count): &(f64, usize)| (sum / *count as f64).sqrt();
        if self.followed.is_finite() {
            let scored = observed.components.iter().zip(&self.squares).filter(|(_, (_, count))| *count > 0);
            let state_error = |(c, s): (&Component, &(f64, usize))| StateError {
                state: c.state.clone(),
                error: rmse(s),
                unit: c.unit.clone(),
            };
            findings.scores.push(ScoreRecord {
                part: part.to_string(),
                data: self.set.clone(),
                rmse: scored.map(state_error).collect(),
                followed: self.followed,
                compared: self.compared,
                to_the_end: self.to_the_end,
                explained: self.against_constants(observed),
                time_unit: observed.time_unit.clone(),
            });
        }
        let behind = if self.set.is_empty() { String::new() } else { format!(" in {}", self.set) };
        for (c, squares) in observed.components.iter().zip(&self.squares) {
            if squares.1 > 0 {
                let metric = Metric::new(format!("RMSE of {}{behind}", c.state), part, rmse(squares));
                findings.metrics.push(metric.in_unit(c.unit.clone()));
            }
        }
        if self.followed.is_finite() {
            let name = format!(
                "time the prediction follows the data{behind} (error below {} standard deviations)",
                self.follows
            );
            findings.metrics.push(Metric::new(name, part, self.shortest).in_unit(observed.time_unit.clone()));
        }
    }
}

/// Root mean squares of data minus solution on the fitted part, and how much of the data's variance the solution explains.
pub(super) fn fitted(observed: &Observed, findings: &mut Findings) {
    let total: usize = observed.train.trajectories.iter().map(|t| t.len).sum();
    let mut scores = vec![Score::new(String::new(), observed)];
    let mut offset = 0;
    for t in &observed.train.trajectories {
        let mut own = Score::new(t.set.clone(), observed);
        for (c, component) in observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0) {
            let Some(column) = observed.train.column(&component.state) else { continue };
            let solved = findings.solution.get(c * total + offset..c * total + offset + t.len).unwrap_or_default();
            for (i, x) in solved.iter().enumerate() {
                // The gradient engine has no solution where samples are missing and before its first solve begins.
                let seen = t.value(i, column).filter(|_| x.is_finite());
                if let (Some(y), Some(sum)) = (seen, own.squares.get_mut(c)) {
                    sum.0 += (y - x) * (y - x);
                    sum.1 += 1;
                }
            }
        }
        Score::collect(&mut scores, own);
        offset += t.len;
    }
    for score in &scores {
        score.tell(observed, "fitted", findings);
    }
    if let Some(all) = scores.first() {
        findings.explained = all.explained(observed).collect();
    }
}
