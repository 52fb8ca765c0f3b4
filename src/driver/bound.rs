//! Unknowns that differ from window to window, because network outputs stand for them: their table and figures.

use std::fmt::Write as _;

use super::experiment;
use super::findings::Findings;
use crate::base::Idx;
use crate::data::Dataset;
use crate::hir::{DataSource, Fit, Model, Program, SimulateSpec, Vary};
use crate::train::gradient::Reconstruction;

/// The unknowns of every window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bound {
    /// Their names.
    pub names: Vec<String>,
    /// What the simulation drew for every trajectory.
    pub truth: Vec<Drawn>,
    /// One row for every window.
    pub rows: Vec<Row>,
}

/// An unknown that a simulation draws for every trajectory.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Its name in the simulated model.
    pub name: String,
    /// Its position among the simulated model's unknowns.
    pub at: usize,
    /// The position of the name among those of the estimates, where it is there.
    pub estimate: Option<usize>,
}

/// The unknowns of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Whether its trajectory was held out.
    pub held: bool,
    /// The trajectory's name.
    pub trajectory: String,
    /// The time of its first sample.
    pub time: f64,
    /// The unknowns.
    pub values: Vec<f64>,
    /// What the simulation used, for those that it drew.
    pub truth: Vec<f64>,
}

/// Adds the unknowns of every window, their means as estimates, and figures on what was held out.
pub(super) fn add(
    program: &Program,
    fit: &Fit,
    fitted: (&Dataset, &[Reconstruction]),
    held: Option<(&Dataset, &[Reconstruction])>,
    findings: &mut Findings,
) {
    let model = &program.models[fit.model];
    let names: Vec<String> = fit.parameters.iter().map(|p| model.unknowns[p.unknown].name.clone()).collect();
    let spec = match &program.data[fit.data].source {
        DataSource::Simulate(spec) => Some(spec),
        _ => None,
    };
    let truth = spec.map_or_else(Vec::new, |spec| {
        let unknowns: Vec<&str> = program.models[spec.model].unknowns.values().map(|u| u.name.as_str()).collect();
        let drawn = |(at, _): &(usize, Vary)| {
            let name = unknowns.get(*at)?.to_string();
            Some(Drawn { estimate: names.iter().position(|n| *n == name), name, at: *at })
        };
        spec.vary.iter().filter_map(drawn).collect()
    });
    let mut bound = Bound { names, truth, rows: Vec::new() };
    bound.extend(spec, fitted.0, fitted.1, false);
    for (position, binding) in fit.parameters.iter().enumerate() {
        let values: Vec<f64> = bound.rows.iter().filter_map(|r| r.values.get(position).copied()).collect();
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        if let Some(estimate) = findings.estimates.get_mut(binding.unknown.index()) {
            (estimate.value, estimate.std_error, estimate.kept) = (mean, None, true);
        }
    }
    if let Some((data, parts)) = held {
        bound.extend(spec, data, parts, true);
    }
    for at in 0..bound.truth.len() {
        for (part, held) in [("fitted", false), ("held out", true)] {
            if let Some(share) = bound.determination(at, held) {
                findings.metrics.push((format!("R^2 of {}", bound.truth[at].name), part.into(), share));
            }
        }
    }
    let all = bound.names.join(", ");
    findings.warnings.push(format!(
        "{all} differ from window to window: the equations show their means, and `parameters.csv` every value"
    ));
    findings.bound = Some(bound);
}

/// Adds the errors of the states over windows that were held out.
pub(super) fn judge(model: &Model, (data, parts): (&Dataset, &[Reconstruction]), findings: &mut Findings) {
    let states: Vec<String> = model.states.values().map(|s| s.name.clone()).collect();
    for (state, name) in states.iter().enumerate() {
        if let Some(error) = rmse(data, parts, (name, state), states.len()) {
            findings.metrics.push((format!("RMSE of {name}"), "held out".into(), error));
        }
    }
}

impl Bound {
    fn extend(&mut self, spec: Option<&SimulateSpec>, data: &Dataset, parts: &[Reconstruction], held: bool) {
        let width = self.names.len().max(1);
        for part in parts {
            let Some(trajectory) = data.trajectories.get(part.trajectory) else { continue };
            // A simulation counts its trajectories from 1; a single one has no name.
            let number = trajectory.id.parse::<usize>().map_or(0, |n| n.saturating_sub(1));
            let used = spec.map(|spec| experiment::values(spec, number)).unwrap_or_default();
            for (start, values) in part.starts.iter().zip(part.bound.chunks(width)) {
                self.rows.push(Row {
                    held,
                    trajectory: trajectory.id.clone(),
                    time: trajectory.time(*start),
                    values: values.to_vec(),
                    truth: self.truth.iter().filter_map(|d| used.get(d.at).copied()).collect(),
                });
            }
        }
    }

    /// The coefficient of determination of the estimates of a drawn unknown, `1 - sum (estimate - truth)^2 / sum (truth - mean)^2`;
    /// `None` for fewer than two windows.
    fn determination(&self, at: usize, held: bool) -> Option<f64> {
        let position = self.truth.get(at)?.estimate?;
        let rows = self.rows.iter().filter(|r| r.held == held);
        let pairs: Vec<(f64, f64)> = rows.filter_map(|r| Some((*r.values.get(position)?, *r.truth.get(at)?))).collect();
        if pairs.len() < 2 {
            return None;
        }
        let mean = pairs.iter().map(|(_, truth)| truth).sum::<f64>() / pairs.len() as f64;
        let left: f64 = pairs.iter().map(|(x, truth)| (x - truth) * (x - truth)).sum();
        let all: f64 = pairs.iter().map(|(_, truth)| (truth - mean) * (truth - mean)).sum();
        (all > 0.0).then(|| 1.0 - left / all)
    }

    /// The table as comma-separated values.
    pub fn to_csv(&self) -> String {
        let mut out = String::from("part,trajectory,t");
        for name in &self.names {
            let _ = write!(out, ",{name}");
        }
        for drawn in &self.truth {
            let _ = write!(out, ",true {}", drawn.name);
        }
        out.push('\n');
        for row in &self.rows {
            let part = if row.held { "held out" } else { "fitted" };
            let id = row.trajectory.replace('"', "\"\"");
            let _ = write!(out, "{part},\"{id}\",{}", row.time);
            for value in row.values.iter().chain(&row.truth) {
                let _ = write!(out, ",{value}");
            }
            out.push('\n');
        }
        out
    }
}

/// Root mean square of the solution less the data of a state.
fn rmse(data: &Dataset, parts: &[Reconstruction], (name, state): (&str, usize), states: usize) -> Option<f64> {
    let column = data.column(name)?;
    let (mut sum, mut count) = (0.0, 0usize);
    for part in parts {
        let trajectory = data.trajectories.get(part.trajectory)?;
        for i in 0..part.len {
            if let (Some(x), Some(u)) = (trajectory.value(i, column), part.solution.get(i * states + state)) {
                sum += (u - x) * (u - x);
                count += 1;
            }
        }
    }
    (count > 0).then(|| (sum / count as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::{Bound, Drawn, Row};

    #[test]
    fn table_and_determination() {
        let row = |held, value, truth| Row {
            held,
            trajectory: "a".into(),
            time: 0.5,
            values: vec![1.0, value],
            truth: vec![truth],
        };
        let rows = vec![row(false, 1.0, 1.0), row(false, 2.0, 3.0), row(true, 5.0, 5.0)];
        let truth = vec![Drawn { name: "r".into(), at: 0, estimate: Some(1) }];
        let bound = Bound { names: vec!["c".into(), "r".into()], truth, rows };
        assert_eq!(bound.determination(0, false), Some(0.5));
        assert_eq!(bound.determination(0, true), None);
        let csv = bound.to_csv();
        assert_eq!(csv.lines().next(), Some("part,trajectory,t,c,r,true r"));
        assert_eq!(csv.lines().nth(3), Some("held out,\"a\",0.5,1,5,5"));
    }
}
