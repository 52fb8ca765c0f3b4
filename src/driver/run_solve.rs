//! The run of a solve item: its solution as a table, a record and a page.

use super::equations;
use super::experiment;
use super::failure::Failure;
use super::findings::Findings;
use super::run::{Job, Outcome};
use super::solved;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1124;
use crate::hir::{DataSet, DataSource, Program, SolveSpec};
use crate::report::{self, RunDir, RunRecord, StateRecord, TrajectoryRecord};
use crate::train::Observer;

/// The solve items that a run makes by themselves: those that no fit takes as its data.
pub(super) fn chosen(program: &Program) -> Vec<(&DataSet, &SolveSpec)> {
    let fitted = |data: &DataSet| program.fits.values().any(|f| program.data_of(f).any(|d| d.name == data.name));
    program
        .data
        .values()
        .filter(|d| !fitted(d))
        .filter_map(|d| if let DataSource::Solve(spec) = &d.source { Some((d, spec)) } else { None })
        .collect()
}

impl Job<'_> {
    /// Solves an item and writes what it found.
    ///
    /// # Errors
    /// Those of the solve, of its data, and of the run directory.
    pub(super) fn solve(
        &self,
        (data, spec): (&DataSet, &SolveSpec),
        started: std::time::Instant,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, Failure> {
        let model = spec.model.as_ref();
        let directory = match &self.options.out {
            Some(out) => RunDir::at(out)?,
            None => RunDir::numbered(std::path::Path::new("runs"), &model.name)?,
        };
        observer.directory(directory.path());
        let dataset = experiment::make(&self.checked.program, data, self.data_root).map_err(|f| f.of_data(data))?;
        let states: Vec<&str> = model.states.values().map(|s| s.name.as_str()).collect();
        let mut record = RunRecord {
            model: model.name.clone(),
            engine: report::Engine::Solve,
            summary: format!("{} samples of {}: {}", dataset.samples(), report::first_names(&states), dataset.source),
            equations: equations::equations(model, &Findings::default()),
            ..RunRecord::default()
        };
        record.trajectories = dataset
            .trajectories
            .iter()
            .map(|t| {
                let column = |c: usize| (0..t.len).map(|i| t.value(i, c).unwrap_or(f64::NAN)).collect();
                let state = |(c, name): (usize, &&str)| StateRecord {
                    state: name.to_string(),
                    data: Vec::new(),
                    solution: column(c),
                };
                TrajectoryRecord {
                    name: t.id.clone(),
                    time: (0..t.len).map(|i| t.written_time(i)).collect(),
                    states: states.iter().enumerate().map(state).collect(),
                    held_out_from: None,
                }
            })
            .collect();
        let doubts = solved::doubts(spec, &dataset);
        let place = |doubt: &String| Diagnostic::warning(W1124, doubt.clone(), data.span, "this solution");
        let remarks = doubts.iter().map(place).collect();
        record.warnings.extend(doubts);
        self.describe(&mut record);
        record.wall_seconds = started.elapsed().as_secs_f64();
        let json = |e: serde_json::Error| Failure::Internal(format!("a record cannot be written as JSON: {e}"));
        directory.save(&format!("{}.csv", data.name), dataset.to_csv().as_bytes())?;
        directory.save("report.html", report::report_html(&record).as_bytes())?;
        directory.save("record.json", serde_json::to_string_pretty(&record).map_err(json)?.as_bytes())?;
        Ok(Outcome { record, directory: directory.path().to_path_buf(), remarks })
    }
}
