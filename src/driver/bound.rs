//! Unknowns that differ from window to window, because network outputs stand for them, or from trajectory to trajectory: their table and
//! figures.

use std::fmt::Write as _;

use super::experiment;
use super::findings::Findings;
use crate::base::{Idx, IndexSet};
use crate::data::{Dataset, Trajectory};
use crate::hir::{DataSet, DataSource, Fit, Model, Program, SimulateSpec, Unit};
use crate::report::Metric;
use crate::train::gradient::Reconstruction;
use crate::train::joint::{Estimate, JointFit};

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
    /// Their standard errors, where the engine has them; not a number where it has none.
    pub errors: Vec<f64>,
    /// What the simulation used, for those that one drew; not a number where the data set does not say.
    pub truth: Vec<f64>,
}

/// A data set of a fit that is simulated.
struct Simulated<'p> {
    /// Its name; empty where the fit has no other.
    set: &'p str,
    spec: &'p SimulateSpec,
    /// Names of the simulated model's unknowns.
    unknowns: Vec<&'p str>,
}

impl<'p> Simulated<'p> {
    fn of(program: &'p Program, fit: &'p Fit) -> Vec<Simulated<'p>> {
        let several = fit.data.len() > 1;
        let one = |data: &'p DataSet| {
            let DataSource::Simulate(spec) = &data.source else { return None };
            let unknowns = program.models[spec.model].unknowns.values().map(|u| u.name.as_str()).collect();
            Some(Simulated { set: if several { &data.name } else { "" }, spec, unknowns })
        };
        program.data_of(fit).filter_map(one).collect()
    }

    /// Names of the unknowns that it draws for every trajectory.
    fn drawn(&self) -> impl Iterator<Item = &'p str> + '_ {
        self.spec.vary.iter().filter_map(|(at, ..)| self.unknowns.get(*at).copied())
    }

    /// What a trajectory was simulated with.
    fn value(&self, name: &str, values: &[f64]) -> Option<f64> {
        values.get(self.unknowns.iter().position(|u| *u == name)?).copied()
    }
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
    let simulated = Simulated::of(program, fit);
    let mut bound = Bound::new(names, &simulated);
    bound.extend(&simulated, fitted.0, fitted.1, false);
    for (position, binding) in fit.parameters.iter().enumerate() {
        let values: Vec<f64> = bound.rows.iter().filter_map(|r| r.values.get(position).copied()).collect();
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        if let Some(estimate) = findings.estimates.get_mut(binding.unknown.index()) {
            (estimate.value, estimate.std_error, estimate.kept) = (mean, None, true);
        }
    }
    if let Some((data, parts)) = held {
        bound.extend(&simulated, data, parts, true);
    }
    findings.metrics.extend(bound.determinations(&[("fitted", false), ("held out", true)]));
    let all = bound.names.join(", ");
    let (verb, shown) = if bound.names.len() == 1 { ("differs", "its mean") } else { ("differ", "their means") };
    findings.note(format!(
        "{all} {verb} from window to window: the equations show {shown}, and `parameters.csv` every value"
    ));
    findings.bound = Some(bound);
}

/// Adds the unknowns of every trajectory that the joint engine estimated, where some differ.
pub(super) fn add_own(program: &Program, fit: &Fit, fitted: &Dataset, result: &JointFit, findings: &mut Findings) {
    let model = &program.models[fit.model];
    let own = positions(model);
    if own.is_empty() {
        return;
    }
    let simulated = Simulated::of(program, fit);
    let mut bound = Bound::new(own.iter().map(|(_, name)| name.clone()).collect(), &simulated);
    for (j, trajectory) in fitted.trajectories.iter().enumerate() {
        let of = |number: &dyn Fn(&Estimate) -> f64| -> Vec<f64> {
            let at = |k: usize| result.estimates.get(result.columns.at(k, j)).map_or(f64::NAN, number);
            (0..model.unknowns.len()).map(at).collect()
        };
        let values = of(&|e| e.value);
        let errors = told((findings.lost, &findings.without_error), of(&|e| e.std_error));
        bound.push_own(&simulated, trajectory, (&own, &values, &errors), false);
        findings.own.push(values);
    }
    findings.metrics.extend(bound.determinations(&[("fitted", false)]));
    if fitted.trajectories.len() > 1 {
        let (verb, shown) = if own.len() == 1 { ("differs", "its mean") } else { ("differ", "their means") };
        let has_none = |(k, _): &(usize, String)| findings.lost || findings.without_error.contains(k);
        let with = if own.iter().all(has_none) { "" } else { " with its error" };
        findings.note(format!(
            "{} {verb} from trajectory to trajectory: the equations show {shown}, and `parameters.csv` every value{with}",
            bound.names.join(", ")
        ));
    }
    findings.bound = Some(bound);
}

/// Adds the unknowns of trajectories that were held out, each estimated from its first samples.
pub(super) fn add_held(
    program: &Program,
    fit: &Fit,
    held: &[(&Trajectory, Vec<f64>, Vec<f64>)],
    findings: &mut Findings,
) {
    let without = (findings.lost, &findings.without_error[..]);
    let Some(bound) = &mut findings.bound else { return };
    let (own, simulated) = (positions(&program.models[fit.model]), Simulated::of(program, fit));
    for (trajectory, values, errors) in held {
        let errors = told(without, errors.clone());
        bound.push_own(&simulated, trajectory, (&own, values, &errors), true);
    }
    findings.metrics.extend(bound.determinations(&[("held out", true)]));
}

/// Errors without those of a fit that is lost, or of unknowns that have none.
fn told((lost, without): (bool, &[usize]), errors: Vec<f64>) -> Vec<f64> {
    let one = |(k, error): (usize, f64)| if lost || without.contains(&k) { f64::NAN } else { error };
    errors.into_iter().enumerate().map(one).collect()
}

/// The unknowns that every trajectory has of its own, with their positions among all.
fn positions(model: &Model) -> Vec<(usize, String)> {
    let own = model.unknowns.values().enumerate().filter(|(_, u)| model.is_per_sample(u));
    own.map(|(k, u)| (k, u.name.clone())).collect()
}

/// Adds the errors of the states over windows that were held out.
pub(super) fn judge(model: &Model, (data, parts): (&Dataset, &[Reconstruction]), findings: &mut Findings) {
    for (state, (id, declared)) in model.states.iter().enumerate() {
        let name = &declared.name;
        let sets: IndexSet<&str> = data.trajectories.iter().map(|t| t.set.as_str()).filter(|s| !s.is_empty()).collect();
        for set in std::iter::once("").chain(sets) {
            if let Some(error) = rmse((data, set), parts, (name, state), model.states.len()) {
                let behind = if set.is_empty() { String::new() } else { format!(" in {set}") };
                let metric = Metric::new(format!("RMSE of {name}{behind}"), "held out", error);
                findings.metrics.push(metric.in_unit(model.units.state(id).map(Unit::to_string)));
            }
        }
    }
}

impl Bound {
    /// A table without rows.
    fn new(names: Vec<String>, simulated: &[Simulated<'_>]) -> Bound {
        let mut truth: Vec<Drawn> = Vec::new();
        for name in simulated.iter().flat_map(Simulated::drawn) {
            if !truth.iter().any(|d| d.name == name) {
                truth.push(Drawn { estimate: names.iter().position(|n| n == name), name: name.to_string() });
            }
        }
        Bound { names, truth, rows: Vec::new() }
    }

    /// What a trajectory was simulated with, for the unknowns that one drew.
    fn truth(&self, simulated: &[Simulated<'_>], trajectory: &Trajectory) -> Vec<f64> {
        // A simulation counts its trajectories from 1; a single one has no name.
        let number = trajectory.id.parse::<usize>().map_or(0, |n| n.saturating_sub(1));
        let set = simulated.iter().find(|s| s.set == trajectory.set);
        let used = set.map(|s| experiment::values(s.spec, number)).unwrap_or_default();
        self.truth.iter().map(|d| set.and_then(|s| s.value(&d.name, &used)).unwrap_or(f64::NAN)).collect()
    }

    /// Adds the row of a trajectory, from all unknowns and their errors.
    fn push_own(
        &mut self,
        simulated: &[Simulated<'_>],
        trajectory: &Trajectory,
        (own, values, errors): (&[(usize, String)], &[f64], &[f64]),
        held: bool,
    ) {
        let pick = |all: &[f64]| own.iter().map(|(k, _)| all.get(*k).copied().unwrap_or(f64::NAN)).collect();
        self.rows.push(Row {
            held,
            trajectory: trajectory.name(),
            time: trajectory.written_time(0),
            values: pick(values),
            errors: pick(errors),
            truth: self.truth(simulated, trajectory),
        });
    }

    /// The coefficients of determination of the drawn unknowns, over parts of the table.
    fn determinations(&self, parts: &[(&str, bool)]) -> Vec<Metric> {
        let all = self.truth.iter().enumerate().flat_map(|(at, d)| parts.iter().map(move |part| (at, d, part)));
        let figure = |(at, d, &(part, held)): (usize, &Drawn, &(&str, bool))| {
            Some(Metric::new(format!("R^2 of {}", d.name), part, self.determination(at, held)?))
        };
        all.filter_map(figure).collect()
    }

    fn extend(&mut self, simulated: &[Simulated<'_>], data: &Dataset, parts: &[Reconstruction], held: bool) {
        let width = self.names.len().max(1);
        for part in parts {
            let Some(trajectory) = data.trajectories.get(part.trajectory) else { continue };
            let truth = self.truth(simulated, trajectory);
            for (start, values) in part.starts.iter().zip(part.bound.chunks(width)) {
                self.rows.push(Row {
                    held,
                    trajectory: trajectory.name(),
                    time: trajectory.written_time(*start),
                    values: values.to_vec(),
                    errors: Vec::new(),
                    truth: truth.clone(),
                });
            }
        }
    }

    /// The coefficient of determination of the estimates of a drawn unknown, `1 - sum (estimate - truth)^2 / sum (truth - mean)^2`;
    /// `None` for fewer than two windows.
    fn determination(&self, at: usize, held: bool) -> Option<f64> {
        let position = self.truth.get(at)?.estimate?;
        let rows = self.rows.iter().filter(|r| r.held == held);
        let pairs: Vec<(f64, f64)> = rows
            .filter_map(|r| Some((*r.values.get(position)?, *r.truth.get(at)?)))
            .filter(|(_, truth)| truth.is_finite())
            .collect();
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
        if self.rows.iter().any(|r| !r.errors.is_empty()) {
            self.names.iter().for_each(|name| out.push_str(&format!(",std_error {name}")));
        }
        for drawn in &self.truth {
            let _ = write!(out, ",true {}", drawn.name);
        }
        out.push('\n');
        for row in &self.rows {
            let part = if row.held { "held out" } else { "fitted" };
            let id = row.trajectory.replace('"', "\"\"");
            let _ = write!(out, "{part},\"{id}\",{}", row.time);
            for value in row.values.iter().chain(&row.errors).chain(&row.truth) {
                let _ = if value.is_finite() { write!(out, ",{value}") } else { write!(out, ",") };
            }
            out.push('\n');
        }
        out
    }
}

/// Root mean square of the solution less the data of a state, over the trajectories of a data set or, without a name, of all.
fn rmse(
    (data, set): (&Dataset, &str),
    parts: &[Reconstruction],
    (name, state): (&str, usize),
    states: usize,
) -> Option<f64> {
    let column = data.column(name)?;
    let (mut sum, mut count) = (0.0, 0usize);
    for part in parts {
        let trajectory = data.trajectories.get(part.trajectory)?;
        if !set.is_empty() && trajectory.set != set {
            continue;
        }
        for i in 0..part.len {
            // Nothing is solved before the first solve begins, nor where a roll-out ran away.
            let solved = part.solution.get(i * states + state).filter(|u| u.is_finite());
            if let (Some(x), Some(u)) = (trajectory.value(i, column), solved) {
                sum += (u - x) * (u - x);
                count += 1;
            }
        }
    }
    (count > 0).then(|| (sum / count as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::{Bound, Drawn, Row, told};

    #[test]
    fn table_and_determination() {
        let row = |held, value, truth| Row {
            held,
            trajectory: "a".into(),
            time: 0.5,
            values: vec![1.0, value],
            errors: Vec::new(),
            truth: vec![truth],
        };
        let rows = vec![row(false, 1.0, 1.0), row(false, 2.0, 3.0), row(true, 5.0, 5.0)];
        let truth = vec![Drawn { name: "r".into(), estimate: Some(1) }];
        let bound = Bound { names: vec!["c".into(), "r".into()], truth, rows };
        assert_eq!(bound.determination(0, false), Some(0.5));
        assert_eq!(bound.determination(0, true), None);
        let csv = bound.to_csv();
        assert_eq!(csv.lines().next(), Some("part,trajectory,t,c,r,true r"));
        assert_eq!(csv.lines().nth(3), Some("held out,\"a\",0.5,1,5,5"));
    }

    #[test]
    fn what_is_lost_or_open_has_no_errors() {
        let shown = |lost: bool, without: &[usize]| {
            told((lost, without), vec![0.1, 0.2]).iter().map(|e| e.is_nan()).collect::<Vec<_>>()
        };
        assert_eq!(shown(false, &[]), [false, false]);
        assert_eq!(shown(false, &[1]), [false, true]);
        assert_eq!(shown(true, &[]), [true, true]);
    }
}
