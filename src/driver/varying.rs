//! Fields and learned steps, which differ from step to step: their table.

use std::fmt::Write as _;

use super::findings::Findings;
use crate::base::IndexSet;
use crate::data::Dataset;
use crate::hir::{Fit, Model, StepSource, family};
use crate::train::gradient::Reconstruction;

/// Fields and steps of every window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Varying {
    /// The fields, and `step` where steps are learned.
    pub names: Vec<String>,
    /// One row for every sample of every window.
    pub rows: Vec<Row>,
}

/// What a sample of a window has.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Whether its trajectory was held out.
    pub held: bool,
    /// The trajectory's name.
    pub trajectory: String,
    /// The time of the window's first sample, and of this one.
    pub times: [f64; 2],
    /// Fields, then the step.
    pub values: Vec<f64>,
}

/// Whether a fit has fields or learned steps.
pub(super) fn has(model: &Model, fit: &Fit) -> bool {
    fit.step != StepSource::Data || model.inputs.values().any(|i| i.field.is_some())
}

/// Adds the table, for what was fitted and for what was held out.
pub(super) fn add(model: &Model, fit: &Fit, parts: &[(&Dataset, &[Reconstruction], bool)], findings: &mut Findings) {
    let mut names: Vec<String> = model.inputs.values().filter(|i| i.field.is_some()).map(|i| i.name.clone()).collect();
    let fields = names.len();
    if fit.step != StepSource::Data {
        names.push("step".to_string());
    }
    let mut varying = Varying { names, rows: Vec::new() };
    for (data, parts, held) in parts {
        for part in *parts {
            let Some(trajectory) = data.trajectories.get(part.trajectory) else { continue };
            for (w, &start) in part.starts.iter().enumerate() {
                for i in 0..fit.reach() {
                    let at = w * fit.reach() + i;
                    let mut values: Vec<f64> = part.fields.iter().skip(at * fields).take(fields).copied().collect();
                    values.extend(part.steps.get(at));
                    let times = [start, start + fit.begin + i].map(|i| trajectory.written_time(i));
                    varying.rows.push(Row { held: *held, trajectory: trajectory.name(), times, values });
                }
            }
        }
    }
    // A family is told by its name.
    let families: IndexSet<&str> = varying.names.iter().map(|name| family(name)).collect();
    let families: Vec<&str> = families.into_iter().collect();
    findings.note(format!(
        "{} differ from step to step: `fields.csv` has every value, and the equations alone do not say how the states go on",
        families.join(", ")
    ));
    findings.varying = Some(varying);
}

impl Varying {
    /// The table as comma-separated values.
    pub fn to_csv(&self) -> String {
        let mut out = String::from("part,trajectory,window,t");
        for name in &self.names {
            // Elements of families have commas in their names.
            let _ = if name.contains(',') { write!(out, ",\"{name}\"") } else { write!(out, ",{name}") };
        }
        out.push('\n');
        for row in &self.rows {
            let part = if row.held { "held out" } else { "fitted" };
            let id = row.trajectory.replace('"', "\"\"");
            let _ = write!(out, "{part},\"{id}\",{},{}", row.times[0], row.times[1]);
            for value in &row.values {
                let _ = write!(out, ",{value}");
            }
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, Varying};

    #[test]
    fn one_row_for_every_sample() {
        let row = |held, t| Row { held, trajectory: "a".into(), times: [0.5, t], values: vec![1.5, 0.1] };
        let varying =
            Varying { names: vec!["c[1, 2]".into(), "step".into()], rows: vec![row(false, 0.5), row(true, 0.75)] };
        let csv = varying.to_csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(
            lines,
            [
                "part,trajectory,window,t,\"c[1, 2]\",step",
                "fitted,\"a\",0.5,0.5,1.5,0.1",
                "held out,\"a\",0.5,0.75,1.5,0.1"
            ]
        );
    }
}
