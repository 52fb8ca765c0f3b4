//! Data sets and fits of one file, each had once, when a test first asks for it.

use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use super::super::equations;
use super::super::experiment;
use super::super::failure::Failure;
use super::super::findings::{self, Estimate, Findings};
use super::super::predict;
use super::super::run::{self, RunOptions};
use super::super::session::Checked;
use super::super::sets;
use super::unjudged::Unjudged;
use crate::base::Idx;
use crate::data::Dataset;
use crate::diagnostics::Levels;
use crate::hir::{DataId, DataSource, FitId, Model, ModelId, Unknown, UnknownKind};
use crate::report::{Equation, RatioSum, RunRecord};
use crate::source::{SourceFile, Sources};
use crate::train::Silent;

/// Something that was tried: it, or why it could not be had.
type Tried<T> = OnceLock<Result<T, Unjudged>>;

/// What has terms: the equations and the sums of ratios.
pub(super) struct Found {
    pub equations: Vec<Equation>,
    pub ratios: Vec<RatioSum>,
}

/// The data sets and fits of a file.
pub(super) struct Laboratory<'a> {
    path: &'a str,
    pub checked: &'a Checked,
    sources: &'a Sources,
    overrides: &'a [String],
    data_root: &'a Path,
    threads: usize,
    data: Vec<Tried<Dataset>>,
    fits: Vec<Tried<RunRecord>>,
}

impl<'a> Laboratory<'a> {
    /// A laboratory in which nothing has been done yet. Every fit may use `threads` threads.
    pub fn new(
        path: &'a str,
        (checked, sources): (&'a Checked, &'a Sources),
        overrides: &'a [String],
        data_root: &'a Path,
        threads: usize,
    ) -> Self {
        let data = checked.program.data.values().map(|_| OnceLock::new()).collect();
        let fits = checked.program.fits.values().map(|_| OnceLock::new()).collect();
        Laboratory { path, checked, sources, overrides, data_root, threads, data, fits }
    }

    /// A data set; the error is the failure in one line.
    pub fn data(&self, id: DataId) -> Result<&Dataset, Unjudged> {
        let Some(slot) = self.data.get(id.index()) else { return Err("there is no such data set".into()) };
        slot.get_or_init(|| self.load(id)).as_ref().map_err(Clone::clone)
    }

    /// The record of a fit; the error is the failure in one line.
    pub fn fit(&self, id: FitId) -> Result<&RunRecord, Unjudged> {
        let Some(slot) = self.fits.get(id.index()) else { return Err("there is no such fit".into()) };
        slot.get_or_init(|| self.run(id).map_err(Unjudged::from)).as_ref().map_err(Clone::clone)
    }

    /// The equations of a model with its declared numbers, holes left out.
    pub fn declared(&self, id: ModelId) -> Found {
        let model = &self.checked.program.models[id];
        let estimate = |kind: UnknownKind| match kind {
            UnknownKind::Param(param) => {
                let value = model.params[param].value;
                Estimate { value: value.unwrap_or(0.0), std_error: None, kept: value.is_some() }
            }
            UnknownKind::Coefficient { .. } => Estimate { value: 0.0, std_error: None, kept: false },
        };
        let estimates = model.unknowns.values().map(|u| estimate(u.kind)).collect();
        Found::of(model, estimates)
    }

    /// The equations of a model with every candidate term kept: the terms that a fit could find.
    pub fn possible(&self, id: ModelId) -> Found {
        let model = &self.checked.program.models[id];
        let estimate = |(i, unknown): (usize, &Unknown)| {
            let value = match unknown.kind {
                UnknownKind::Param(param) => model.params[param].value,
                UnknownKind::Coefficient { .. } => None,
            };
            // Different values, so that equal terms do not cancel.
            Estimate { value: value.unwrap_or(1.0 + 0.01 * i as f64), std_error: None, kept: true }
        };
        let estimates = model.unknowns.values().enumerate().map(estimate).collect();
        Found::of(model, estimates)
    }

    fn load(&self, id: DataId) -> Result<Dataset, Unjudged> {
        let data = &self.checked.program.data[id];
        let DataSource::Predict(spec) = &data.source else {
            return Ok(self.made_or_read(id).map_err(|failure| failure.of_data(data))?);
        };
        let found = self.fit(spec.fit)?.predictions.iter().find(|p| p.name == data.name);
        found.map(predict::dataset).ok_or_else(|| format!("the fit did not make the prediction `{}`", data.name).into())
    }

    fn made_or_read(&self, id: DataId) -> Result<Dataset, Failure> {
        let program = &self.checked.program;
        let data = &program.data[id];
        if data.source.is_made() {
            return experiment::make(program, data, self.data_root);
        }
        let (fit, solved) = (program.fits.values().find(|f| f.data.contains(&id)), program.solved_with(id));
        let Some(model) = fit.map(|f| &program.models[f.model]).or(solved) else {
            return Err(Failure::Internal("a data set that no fit uses".into()));
        };
        experiment::load(program, data, model, self.data_root)
    }

    /// A data set as the first fit to it looks at it: its solution has no samples behind the last one that is known.
    pub fn fitted_data(&self, id: DataId) -> Result<Cow<'_, Dataset>, Unjudged> {
        let data = self.data(id)?;
        let Some(fit) = self.checked.program.fits.values().find(|f| f.data.contains(&id)) else {
            return Ok(Cow::Borrowed(data));
        };
        let mut cut = data.clone();
        sets::cut(&mut cut, fit);
        Ok(Cow::Owned(cut))
    }

    fn run(&self, id: FitId) -> Result<RunRecord, Failure> {
        let folder = tempfile::tempdir().map_err(|e| {
            let message = format!("a temporary folder cannot be created: {e}");
            Failure::Environment(super::super::Problem::new("N062", message, "check the disk, or set TMPDIR"))
        })?;
        let options = RunOptions {
            overrides: self.overrides.to_vec(),
            out: Some(folder.path().join("run")),
            fit: Some(self.checked.program.fits[id].name.clone()),
            threads: self.threads,
            ..RunOptions::default()
        };
        let sources: Vec<&SourceFile> = self.sources.iter().map(|(_, file)| file).collect();
        let started = Instant::now();
        let by = (self.checked, &Levels::default());
        let outcomes = run::run((self.path, &sources), by, &options, self.data_root, started, &mut Silent)?;
        outcomes.into_iter().next().map(|o| o.record).ok_or_else(|| Failure::Internal("a run without a fit".into()))
    }
}

impl Found {
    fn of(model: &Model, estimates: Vec<Estimate>) -> Found {
        let findings = Findings { estimates, ..Findings::default() };
        Found { equations: equations::equations(model, &findings), ratios: findings::ratios(model, &findings) }
    }
}
