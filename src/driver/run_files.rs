//! What a run leaves behind: what its record says of data and settings, and the files of its directory.

use super::discovered::discovered;
use super::failure::Failure;
use super::findings::Findings;
use super::observed::Observed;
use super::predict;
use super::run::RunOptions;
use super::session::Checked;
use super::simulations::simulations;
use crate::hir::{Engine, Fit, Model};
use crate::report::{self, DataRecord, EquationsFile, RunDir, RunRecord};

/// One line on what is fitted to what.
pub(super) fn summary(sets: &[DataRecord], model: &Model, fit: &Fit) -> String {
    let engine = match fit.engine {
        Engine::Joint => "joint Gauss-Newton",
        Engine::Gradient => "gradient training",
    };
    let part = |set: &DataRecord| {
        let trajectories = match set.trajectories {
            1 => String::new(),
            n => format!(" in {n} trajectories"),
        };
        let (samples, held) = match set.held_out {
            0 => (set.samples.to_string(), String::new()),
            held => (format!("{} of {}", set.samples.saturating_sub(held), set.samples), format!("; {held} held out")),
        };
        // Who wants to know what comes then asks for a prediction.
        let unseen = match set.unseen {
            0 => String::new(),
            1 => "; one row behind the last value is left out, `predict` goes on there".to_string(),
            n => format!("; {n} rows behind the last value are left out, `predict` goes on there"),
        };
        let columns = report::first_names(&set.columns);
        format!("{samples} samples of {columns}{trajectories} ({}{unseen}{held})", set.source)
    };
    let parts: Vec<String> = sets.iter().map(part).collect();
    let own: Vec<&str> = model.unknowns.values().filter(|u| model.is_per_sample(u)).map(|u| u.name.as_str()).collect();
    let means = match own.is_empty() || fit.engine == Engine::Gradient {
        true => String::new(),
        false => format!("; means over the trajectories stand for {}, which each has for itself", own.join(", ")),
    };
    format!("{}, fitted to {} by {engine}{means}", parts.join(" and "), model.name)
}

/// The resolved settings: the checked program, line by line, and what was given on the command line.
pub(super) fn settings(path: &str, checked: &Checked, options: &RunOptions) -> Vec<(String, String)> {
    let mut out = vec![("model file".to_string(), path.to_string())];
    out.extend(options.overrides.iter().map(|o| ("--set".to_string(), o.clone())));
    let text = crate::hir::dump(&checked.program);
    for line in text.lines() {
        if !line.starts_with(' ') {
            let of_run = ["data", "fit", "network"].iter().any(|kind| line.starts_with(kind));
            out.push((if of_run { line.to_string() } else { String::new() }, String::new()));
        } else if let Some((_, value)) = out.last_mut().filter(|(block, _)| !block.is_empty()) {
            value.push_str(if value.is_empty() { "" } else { "; " });
            value.push_str(line.trim());
        }
    }
    out.retain(|(block, _)| !block.is_empty());
    out
}

/// Writes the files of a finished run into its directory.
pub(super) fn save(
    directory: &RunDir,
    model: &Model,
    findings: &Findings,
    observed: &Observed,
    record: &RunRecord,
) -> Result<(), Failure> {
    let json = |e: serde_json::Error| Failure::Internal(format!("a record cannot be written as JSON: {e}"));
    directory.save("equations.json", EquationsFile::of(record).to_json().map_err(json)?.as_bytes())?;
    let mut about =
        vec![format!("{} as mechc {} found it.", model.name, env!("CARGO_PKG_VERSION")), record.summary.clone()];
    if findings.lost {
        about.push("The fit is lost: these numbers describe neither the data nor the system.".to_string());
    }
    about.extend(record.beyond_equations().map(str::to_string));
    let simulations = simulations(model, observed, findings);
    let left_out = observed.train.trajectories.len() - simulations.len();
    if left_out > 0 && model.inputs.values().all(|input| input.field.is_none()) {
        about
            .push(format!("data blocks for the first {} trajectories, {left_out} more were fitted", simulations.len()));
    }
    directory.save("discovered.mech", discovered(model, findings, &simulations, &about).as_bytes())?;
    for table in simulations.iter().filter_map(|s| s.inputs.as_ref()) {
        directory.save(&table.file, table.text.as_bytes())?;
    }
    if let Some(bound) = &findings.bound {
        directory.save("parameters.csv", bound.to_csv().as_bytes())?;
    }
    if let Some(varying) = &findings.varying {
        directory.save("fields.csv", varying.to_csv().as_bytes())?;
    }
    for prediction in &record.predictions {
        directory.save(&format!("{}.csv", prediction.name), predict::dataset(prediction).to_csv().as_bytes())?;
    }
    directory.save("report.html", report::report_html(record).as_bytes())?;
    let text = serde_json::to_string_pretty(record).map_err(json)?;
    directory.save("record.json", text.as_bytes())?;
    Ok(())
}
