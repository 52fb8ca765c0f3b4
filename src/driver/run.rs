//! A run: data, fit, judgement, and the files it leaves behind.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::checkpoint::Saver;
use super::failure::{Failure, Problem};
use super::findings::{self, Findings};
use super::kinds::Told;
use super::observed::Observed;
use super::resume::{Identity, Resumed};
use super::run_files::{save, settings, summary};
use super::session::Checked;
use super::target::Target;
use super::{collinear, data_remarks, gradient, holdout, joint, predict, remarks, run_solve, sets, unlisted};
use crate::data::Dataset;
use crate::diagnostics::codes::{W0706, W1102, W1105, W1107, W1111, W1119, W1120, W1122, W1123, W1125};
use crate::diagnostics::{Diagnostic, Levels};
use crate::hir::{Engine, Fit};
use crate::report::{self, RunDir, RunRecord};
use crate::runtime::Threads;
use crate::runtime::cuda::{DeviceChoice, Products};
use crate::source::{SourceFile, Span};
use crate::train::Observer;

/// Remarks on a result that cast doubt on all of it.
const DOUBTED: [&str; 3] = [W1105, W1107, W1111];

/// What a run is asked for.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// `block.key=value`
    pub overrides: Vec<String>,
    /// Where the files go; a new numbered folder under `runs` without it.
    pub out: Option<PathBuf>,
    /// The folder of an interrupted run to go on with; then `out` has no meaning.
    pub resume: Option<PathBuf>,
    /// The fit to run; all of them without it.
    pub fit: Option<String>,
    /// Threads to use; results are the same for any number.
    pub threads: usize,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Who multiplies matrices on a device.
    pub products: Products,
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions {
            overrides: Vec::new(),
            out: None,
            resume: None,
            fit: None,
            threads: 1,
            device: DeviceChoice::Cpu,
            products: Products::Library,
        }
    }
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Everything about it.
    pub record: RunRecord,
    /// Where its files are.
    pub directory: PathBuf,
    /// Warnings that have a place in the model file. The record holds their texts too, see [`remark`].
    pub remarks: Vec<Diagnostic>,
}

/// A finding as a line of the record.
pub fn remark(finding: &Diagnostic) -> String {
    match &finding.help {
        Some(help) => format!("{}; {help}", finding.message),
        None => finding.message.clone(),
    }
}

/// Runs the fits asked for.
pub fn run(
    (path, sources): (&str, &[&SourceFile]),
    (checked, levels): (&Checked, &Levels),
    options: &RunOptions,
    data_root: &Path,
    started: Instant,
    observer: &mut dyn Observer,
) -> Result<Vec<Outcome>, Failure> {
    let program = &checked.program;
    let names: Vec<&str> = program.fits.values().map(|f| f.name.as_str()).collect();
    let usage = |message: String, help: String| Failure::Usage(Problem::new("N004", message, help));
    // A chosen fit runs alone.
    let alone = options.fit.is_some() || options.resume.is_some();
    let solves = if alone { Vec::new() } else { run_solve::chosen(program) };
    if names.is_empty() && solves.is_empty() {
        let help = "add `fit Model to data { }` or `solve run = Model { }`, or simulate it with `mechc simulate`";
        return Err(usage(format!("`{path}` fits nothing and solves nothing"), help.to_string()));
    }
    let threads = self::threads(options.threads)?;
    let (target, fallback) = Target::choose(options.device, options.products, &threads)?;
    let warnings: Vec<Problem> = fallback.into_iter().chain(target.ignores(options.products)).collect();
    let mut resumed = options.resume.as_deref().map(Resumed::open).transpose()?;
    if let Some((_, resumed)) = &resumed {
        let fit = resumed.fit();
        resumed.ensure_program(&Identity::new(program, fit, sources, &target))?;
        if let Some(name) = options.fit.as_ref().filter(|name| *name != fit) {
            let help = format!("leave out --fit, or choose `{fit}`");
            return Err(usage(format!("the run to go on with fits `{fit}`, not `{name}`"), help));
        }
    }
    let wanted = resumed.as_ref().map(|(_, r)| r.fit()).or(options.fit.as_deref());
    let chosen: Vec<&Fit> = program.fits.values().filter(|f| wanted.is_none_or(|name| name == f.name)).collect();
    if chosen.is_empty() && solves.is_empty() {
        let name = options.fit.clone().unwrap_or_default();
        return Err(usage(format!("`{path}` has no fit called `{name}`"), format!("it has {}", names.join(", "))));
    }
    if let (Some(out), true) = (&options.out, chosen.len() + solves.len() > 1) {
        let count = match solves.len() {
            0 => format!("{} fits", chosen.len()),
            n => format!("{} fits and solves", chosen.len() + n),
        };
        let message = format!("`{path}` has {count}, but `{}` is one folder", out.display());
        let help = match names.is_empty() {
            true => "leave out --out: each solve gets a folder of its own".to_string(),
            false => format!("choose one of {} with --fit", names.join(", ")),
        };
        return Err(usage(message, help));
    }
    // Before what may take hours.
    warnings.iter().for_each(|w| observer.warning(w.code, &w.message, &w.help));
    let warnings = warnings.into_iter().map(|w| w.message).collect();
    let job = Job { path, sources, checked, levels, options, data_root, threads: threads.clone(), target, warnings };
    threads.install(|| {
        let mut started = Some(started);
        let mut begin = || started.take().unwrap_or_else(Instant::now);
        let mut outcomes = Vec::new();
        for item in solves {
            outcomes.push(job.solve(item, begin(), observer)?);
        }
        for fit in chosen {
            let fitted = job.run(fit, begin(), resumed.take(), observer);
            outcomes.push(fitted.map_err(|f| f.placed(fit.span, "in this fit"))?);
        }
        Ok(outcomes)
    })
}

/// What every fit of a run has in common.
pub(super) struct Job<'a> {
    path: &'a str,
    sources: &'a [&'a SourceFile],
    pub(super) checked: &'a Checked,
    /// Of a warning that is not told none stands aside.
    levels: &'a Levels,
    pub(super) options: &'a RunOptions,
    pub(super) data_root: &'a Path,
    threads: Threads,
    target: Target,
    /// What was said before: why it is the processor where a device was looked for.
    warnings: Vec<String>,
}

impl Job<'_> {
    fn run(
        &self,
        fit: &Fit,
        started: Instant,
        resumed: Option<(RunDir, Resumed)>,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, Failure> {
        let program = &self.checked.program;
        let model = &program.models[fit.model];
        if fit.engine == Engine::Joint {
            // Known before the simulation, which may take long.
            joint::ensure_memory(model, sets::known_samples(program, fit))?;
        }
        let (directory, mut resumed) = match (resumed, &self.options.out) {
            (Some((directory, resumed)), _) => (directory, Some(resumed)),
            (None, Some(out)) => (RunDir::at(out)?, None),
            (None, None) => (RunDir::numbered(Path::new("runs"), &model.name)?, None),
        };
        observer.directory(directory.path());
        let data = sets::load_all(program, fit, self.data_root)?;
        let read: Vec<&Dataset> = data.sets.iter().map(|(_, read)| read).collect();
        let identity = Identity::new(program, &fit.name, self.sources, &self.target).with_data(&read);
        if let Some(resumed) = &resumed {
            resumed.ensure_data(&identity, &read)?;
        }
        let mut records = sets::records(&data, model);
        let of_data = data_remarks::check(model, fit, &data.sets);
        let of_held = data_remarks::of_held(&data.sets);
        let mut observed = sets::observe(model, data.sets, fit)?;
        sets::count_held_out(&mut records, observed.held.as_ref());
        let summary = summary(&records, model, fit);
        let unlisted = unlisted::of(program, fit, self.data_root);
        let unobserved = remarks::unobserved((model, fit), &observed, &unlisted);
        let before = resumed.as_ref().map_or(0.0, |r| r.seconds);
        let mut saver = Saver::new(&directory, identity, fit.engine.name(), (started, before));
        predict::ensure_memory(program, fit, &observed)?;
        let fitted = match fit.engine {
            Engine::Joint => {
                joint::fit(program, fit, &mut observed, &self.target, &mut saver, observer).map(|found| (found, None))
            }
            Engine::Gradient => {
                let kept = resumed.as_mut().map(|r| std::mem::take(&mut r.archive));
                let fitted = gradient::fit(program, fit, &observed, &self.target, (kept, &mut saver), observer);
                fitted.map(|(found, trained)| (found, Some(trained)))
            }
        };
        let (mut findings, trained) = match fitted {
            Ok(fitted) => fitted,
            Err(failure) => return Err(saver.tell(failure.with_cause(&unobserved, &of_data.told(true)))),
        };
        // Where states begin is known now.
        let unobserved = remarks::unobserved((model, fit), &observed, &unlisted);
        // What the check could tell from the file alone has been said.
        let said = |d: &&Diagnostic| {
            let mut labels = self.checked.warnings.iter().filter(|w| w.code == d.code).flat_map(|w| &w.labels);
            labels.all(|l| l.span != d.primary.span)
        };
        // Of a state that begins elsewhere than declared, or on whose start estimates hang, it has been said that nothing observes it.
        let places = |d: &Diagnostic| match d.code {
            W0706 => vec![d.primary.span],
            W1102 if !self.levels.allows(W1102) => d.labels.iter().map(|l| l.span).collect(),
            _ => Vec::new(),
        };
        let elsewhere: Vec<Span> = findings.remarks.iter().flat_map(places).collect();
        let new = |d: &&Diagnostic| said(d) && !elsewhere.contains(&d.primary.span);
        findings.remarks.extend(unobserved.iter().map(|u| &u.said).filter(new).cloned());
        let judged = holdout::predict((program, fit), &mut observed, &mut findings, &self.threads, observer);
        judged.map_err(|failure| saver.tell(failure))?;
        if fit.engine == Engine::Joint && !findings.lost {
            // A remark that cannot be made is no reason to lose a finished fit.
            let dependent = collinear::of_kept(program, fit, &observed, &findings.estimates).unwrap_or_default();
            collinear::put(dependent, &mut findings.remarks);
        }
        let noisy = remarks::noisy(model, &findings);
        if !noisy.is_empty() {
            // Of a law that does not follow the data nobody asks what else says the same.
            findings.remarks.retain(|d| d.code != W1123 && d.code != W1125);
        }
        findings.remarks.extend(noisy.into_iter().filter(|_| !findings.told_why));
        let in_doubt = findings.in_doubt || findings.remarks.iter().any(|d| DOUBTED.contains(&d.code));
        let of_data = of_data.told(in_doubt);
        if of_data.iter().any(data_remarks::spoils) {
            // What the data hold is why, and has a code.
            findings.warnings.retain(|w| w.code != Some(W1120) || findings.lost);
            findings.warnings.iter_mut().filter(|w| w.code == Some(W1122)).for_each(|w| w.code = None);
        }
        if let Some(why) = &findings.deviates {
            findings.warnings.insert(
                0,
                match data_remarks::reason(&of_data) {
                    Some(reason) => Told::note(remarks::deviation(reason)),
                    None => Told::against(W1119, remarks::deviation(why)),
                },
            );
        }
        findings.remarks = data_remarks::before(of_data, findings.remarks);
        findings.remarks.extend(of_held);
        let own: Vec<String> = resumed.into_iter().filter_map(|r| r.warning).chain(saver.warning()).collect();
        let about = (summary, records);
        if !program.predictions(&fit.name).is_empty() && !findings.lost {
            // The fit is done: an interrupt of its predictions leaves all files but theirs.
            save(
                &directory,
                model,
                &findings,
                &observed,
                &self.record(fit, &findings, &observed, (&about, &own), &saver),
            )?;
            let by = (&self.threads, observer);
            let predicted = predict::all((program, fit), &observed, &mut findings, trained.as_ref(), by);
            predicted.map_err(|failure| saver.tell(failure))?;
        }
        let record = self.record(fit, &findings, &observed, (&about, &own), &saver);
        save(&directory, model, &findings, &observed, &record)?;
        saver.save(std::mem::take(&mut findings.state), findings.losses.len() as u64, true)?;
        let mut remarks = findings.remarks;
        remarks.extend(findings.warnings.iter().filter_map(|told| told.finding(fit.span)));
        Ok(Outcome { record, directory: directory.path().to_path_buf(), remarks })
    }

    /// The record of a fit; `own` are warnings of the run itself.
    fn record(
        &self,
        fit: &Fit,
        findings: &Findings,
        observed: &Observed,
        ((summary, data), own): (&(String, Vec<report::DataRecord>), &[String]),
        saver: &Saver,
    ) -> RunRecord {
        let mut record = findings::record(&self.checked.program.models[fit.model], findings, observed);
        record.summary.clone_from(summary);
        record.data.clone_from(data);
        record.engine = match fit.engine {
            Engine::Joint => report::Engine::Joint,
            Engine::Gradient => report::Engine::Gradient,
        };
        record.seed = fit.seed;
        self.describe(&mut record);
        let (first, then): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
            findings.remarks.iter().partition(|d| data_remarks::spoils(d));
        record.warnings.splice(0..0, first.into_iter().map(remark));
        record.warnings.extend(then.into_iter().map(remark));
        record.warnings.extend(own.iter().cloned());
        record.warnings.extend(self.warnings.iter().cloned());
        record.warnings.extend(self.target.warning());
        record.wall_seconds = saver.seconds();
        record
    }

    /// Adds what the record of any run of the program holds: settings, sources, versions, warnings of the check.
    pub(super) fn describe(&self, record: &mut RunRecord) {
        record.settings = settings(self.path, self.checked, self.options);
        // The standard library is that of the version, which the record names.
        let own = self.sources.iter().filter(|s| !s.path.starts_with("std/"));
        record.sources = own.map(|s| (s.path.clone(), s.text.clone())).collect();
        record.versions = versions(&self.threads, &self.target);
        record.warnings.extend(self.checked.warnings.iter().map(|w| w.message.clone()));
    }
}

/// The threads a command asks for.
///
/// # Errors
/// [`Failure::Environment`] where the system refuses them.
pub(super) fn threads(count: usize) -> Result<Threads, Failure> {
    Threads::new(count)
        .map_err(|e| Failure::Environment(Problem::new("N013", e.to_string(), "ask for fewer threads with --threads")))
}

fn versions(threads: &Threads, target: &Target) -> Vec<(String, String)> {
    vec![
        ("mechc".to_string(), env!("CARGO_PKG_VERSION").to_string()),
        ("system".to_string(), format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        ("threads".to_string(), threads.count().to_string()),
        ("device".to_string(), target.describe()),
    ]
}
