//! Predictions as the record keeps them, and as data sets.

use super::{Forecast, Part};
use crate::data::{Dataset, Trajectory};
use crate::driver::observed::Observed;
use crate::report::{PredictionRecord, StateRecord, TrajectoryRecord};

/// Predictions as the record keeps them.
pub(in crate::driver) fn records(observed: &Observed, predictions: &[Forecast]) -> Vec<PredictionRecord> {
    let record = |forecast: &Forecast| PredictionRecord {
        name: forecast.name.clone(),
        about: forecast.about.clone(),
        trajectories: forecast.parts.iter().map(|part| trajectory(observed, part)).collect(),
    };
    predictions.iter().map(record).collect()
}

fn trajectory(observed: &Observed, part: &Part) -> TrajectoryRecord {
    let len = part.grid.len;
    let states = observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0);
    let states = states.map(|(c, component)| {
        let column = observed.train.column(&component.state);
        let value = |i: usize| column.and_then(|col| part.truth.value(i, col)).unwrap_or(f64::NAN);
        StateRecord {
            state: component.state.clone(),
            data: if part.truth.len > 0 { (0..len).map(value).collect() } else { Vec::new() },
            solution: part.predicted.get(c * len..(c + 1) * len).unwrap_or_default().to_vec(),
        }
    });
    TrajectoryRecord {
        name: part.grid.name(),
        time: (0..len).map(|i| part.grid.written_time(i)).collect(),
        states: states.collect(),
        held_out_from: None,
    }
}

/// A prediction as a data set.
pub(in crate::driver) fn dataset(record: &PredictionRecord) -> Dataset {
    let trajectories = record.trajectories.iter().map(|t| {
        let len = t.time.len();
        let at = |i: usize| t.states.iter().map(move |s| s.solution.get(i).copied().unwrap_or(f64::NAN));
        let values: Vec<f64> = (0..len).flat_map(at).collect();
        let (first, second) = (t.time.first().copied().unwrap_or(0.0), t.time.get(1).copied());
        Trajectory {
            id: t.name.clone(),
            t0: first,
            dt: second.map_or(1.0, |s| s - first),
            // As they are recorded: rounding does not add up.
            times: t.time.clone(),
            len,
            valid: values.iter().map(|v| v.is_finite()).collect(),
            values: values.into_iter().map(|v| if v.is_finite() { v } else { 0.0 }).collect(),
            ..Trajectory::default()
        }
    });
    let first = record.trajectories.first();
    Dataset {
        source: format!("the prediction {}", record.name),
        columns: first.iter().flat_map(|t| &t.states).map(|s| s.state.clone()).collect(),
        inputs: Vec::new(),
        trajectories: trajectories.collect(),
    }
}
