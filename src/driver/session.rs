//! A session: one world of sources and the commands on it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::bench_step::{self, StepBench, StepBenchTimes};
use super::collinear;
use super::data_places;
use super::emit::{self, Stage};
use super::experiment;
use super::failure::{Failure, Problem};
use super::files::{is_missing, missing};
use super::overview::{self, Overview};
use super::passes;
use super::plan::{self, Planned};
use super::pointwise::Compiled;
use super::run::{self, Outcome, RunOptions};
use super::simulable;
use super::target::Target;
use super::unlisted;
use crate::data::Dataset;
use crate::diagnostics::{self, Diagnostic, Levels, Severity};
use crate::hir::{self, Program};
use crate::runtime::Threads;
use crate::sema;
use crate::source::{FileId, FsWorld, Layered, MemoryWorld, SourceError, SourceFile, Sources, World};
use crate::train::Observer;

/// A checked program with what the compiler remarked on it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The program.
    pub program: Program,
    /// Warnings, by place.
    pub warnings: Vec<Diagnostic>,
}

/// What the data of a program's fits are, and what they say.
#[derive(Debug)]
pub struct CheckedData {
    /// Every data set that could be read, in the order of the fits that take it.
    pub overviews: Vec<Overview>,
    /// Findings, or what is wrong with the data: an error of them, or findings of which one is denied.
    pub found: Result<Vec<Diagnostic>, Failure>,
}

/// A pass from text to checked program.
type Check = fn(FileId, &dyn World, &[String], &mut Sources) -> Result<Checked, Failure>;

/// One world of sources and the commands on it.
pub struct Session {
    world: Box<dyn World>,
    sources: Sources,
    /// Data files are looked up relative to this folder.
    data_root: PathBuf,
    started: Instant,
    levels: Levels,
}

impl Session {
    /// A session on any world; the standard library lies under it. Data files are relative to the current folder.
    pub fn new(world: impl World + 'static) -> Session {
        let mut library = MemoryWorld::new();
        for (path, text) in sema::stdlib() {
            library = library.with(*path, *text);
        }
        Session {
            world: Box::new(Layered { upper: world, lower: library }),
            sources: Sources::default(),
            data_root: PathBuf::new(),
            started: Instant::now(),
            levels: Levels::default(),
        }
    }

    /// A session on the folder of a model file, and the file's name in it. Findings name it, and what it imports, by the path given.
    ///
    /// # Errors
    /// [`Failure::Usage`] where the path names no file, [`Failure::Environment`] where its folder cannot be read.
    pub fn open(path: &Path) -> Result<(Session, String), Failure> {
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder.as_path() };
        let name = path.file_name().and_then(|n| n.to_str()).map(str::to_string);
        let Some(name) = name else {
            let message = format!("`{}` is not the name of a model file", path.display());
            return Err(Failure::Usage(Problem::new("N001", message, "name a `.mech` file")));
        };
        if is_missing(path) {
            return Err(missing(path, "file"));
        }
        if path.is_dir() {
            let message = format!("`{}` is a folder, not a model file", path.display());
            return Err(Failure::Usage(Problem::new("N001", message, "name a `.mech` file in it")));
        }
        let world = FsWorld::new(here)
            .map(|world| world.seen_as(&folder))
            .map_err(|e| Failure::Environment(Problem::new("N010", e.to_string(), "check the folder's permissions")))?;
        Ok((Session { data_root: folder, ..Session::new(world) }, name))
    }

    /// The folder that paths of data files are relative to.
    pub fn data_root(&self) -> &Path {
        &self.data_root
    }

    /// Sets which warnings count as errors and which are not reported.
    pub fn set_levels(&mut self, levels: Levels) {
        self.levels = levels;
    }

    /// Every source read so far, for rendering diagnostics.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    pub(super) fn read(&mut self, path: &str) -> Result<FileId, Failure> {
        let shown = self.world.shown(path);
        let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        if matches!(extension.as_str(), "csv" | "tsv" | "npz" | "npy" | "parquet") {
            let help = "give the model file, which ends in .mech; it reads data itself: `data run = csv(\"run.csv\") { time t }`";
            return Err(Failure::Usage(Problem::new(
                "N060",
                format!("`{shown}` holds data: it is not a model file"),
                help,
            )));
        }
        match self.world.read(path) {
            Ok(text) => Ok(self.sources.add_shown(path, shown, text)),
            Err(error @ SourceError::Io { .. }) => Err(Failure::Environment(Problem::new(
                "N010",
                error.about(shown).to_string(),
                "check the file's permissions",
            ))),
            Err(error) => Err(Failure::Model(vec![diagnostics::unreadable(&error.about(shown), &mut self.sources)])),
        }
    }

    /// Parses and checks a model file, tests included, with settings replaced by `block.key=value` overrides.
    pub fn check(&mut self, path: &str, overrides: &[String]) -> Result<Checked, Failure> {
        self.checked(path, overrides, passes::check)
    }

    /// Like [`Session::check`], for what needs no tests: mistakes in them are warnings, and the program then has no tests.
    ///
    /// # Errors
    /// Those of [`Session::check`] outside tests.
    pub fn check_without_tests(&mut self, path: &str, overrides: &[String]) -> Result<Checked, Failure> {
        self.checked(path, overrides, passes::check_without_tests)
    }

    fn checked(&mut self, path: &str, overrides: &[String], pass: Check) -> Result<Checked, Failure> {
        let file = self.read(path)?;
        match pass(file, self.world.as_ref(), overrides, &mut self.sources) {
            Ok(checked) => {
                let warnings = self.levels.apply(checked.warnings);
                match warnings.iter().any(|w| w.severity == Severity::Error) {
                    true => Err(Failure::Model(warnings)),
                    false => Ok(Checked { warnings, ..checked }),
                }
            }
            Err(Failure::Model(found)) => Err(Failure::Model(self.levels.apply(found))),
            Err(other) => Err(other),
        }
    }

    /// Checks a model file and prints its lowering in the user's terms.
    pub fn expand(&mut self, path: &str, overrides: &[String]) -> Result<String, Failure> {
        Ok(hir::expand(&self.check_without_tests(path, overrides)?.program))
    }

    /// The text of one stage of compilation; the same bytes every time.
    pub fn emit(&mut self, path: &str, overrides: &[String], stage: Stage) -> Result<String, Failure> {
        if stage == Stage::Ast {
            let file = self.read(path)?;
            return passes::dump_ast(file, &self.sources);
        }
        let checked = self.check_without_tests(path, overrides)?;
        emit::emit(&checked.program, stage)
    }

    /// The relaxed solves of a model file's fits and models: sizes, algorithms, and how many fit in memory, which `bytes` gives in
    /// place of what the machine has. Reads no data.
    pub fn plan(&mut self, path: &str, overrides: &[String], bytes: Option<u64>) -> Result<Vec<Planned>, Failure> {
        plan::plan(&self.check_without_tests(path, overrides)?.program, bytes)
    }

    /// What the data of the fits of a file are, and what they say about their unknowns: candidate terms that are combinations of others, parameters without an
    /// effect of their own. Reads or simulates the data; levels of warnings apply.
    ///
    /// # Errors
    /// Those of [`Session::check`]; what is wrong with the data is in [`CheckedData::found`].
    pub fn check_data(&mut self, path: &str, overrides: &[String]) -> Result<CheckedData, Failure> {
        let program = self.check_without_tests(path, overrides)?.program;
        let mut overviews = Vec::new();
        let found = self.judge_data(&program, &mut overviews);
        Ok(CheckedData { overviews, found })
    }

    fn judge_data(&self, program: &Program, overviews: &mut Vec<Overview>) -> Result<Vec<Diagnostic>, Failure> {
        let mut found = unlisted::check(program, &self.data_root);
        for fit in program.fits.values() {
            let mut read = Vec::new();
            let judged = collinear::check(program, fit, &self.data_root, &mut read);
            overview::add(read, overviews);
            // Several fits may read the same data.
            let new = judged?.into_iter().filter(|d| !found.contains(d));
            found.extend(new.collect::<Vec<_>>());
        }
        self.judged(found)
    }

    /// Findings with levels of warnings applied.
    ///
    /// # Errors
    /// The findings, where one of them is denied.
    fn judged(&self, found: Vec<Diagnostic>) -> Result<Vec<Diagnostic>, Failure> {
        let found = self.levels.apply(found);
        match found.iter().any(|d| d.severity == Severity::Error) {
            true => Err(Failure::Model(found)),
            false => Ok(found),
        }
    }

    /// The data files of a program that are not there, and states that no column of those that are observes. Reads names of columns alone; levels of
    /// warnings apply.
    ///
    /// # Errors
    /// The findings, where one of them is denied.
    pub fn missing_files(&self, program: &Program) -> Result<Vec<Diagnostic>, Failure> {
        let mut found = data_places::absent(program, &self.data_root);
        found.extend(unlisted::check(program, &self.data_root));
        self.judged(found)
    }

    /// Compiles every model of a file, imported ones included, to callable code.
    pub fn compile(&mut self, path: &str, overrides: &[String]) -> Result<Vec<Compiled>, Failure> {
        let program = self.check_without_tests(path, overrides)?.program;
        program.models.values().map(|m| Compiled::linearisation(m, &Target::Host(Threads::single()))).collect()
    }

    /// Makes a data set of a model file that is simulated, solved or computed: the one named, or the only one.
    pub fn simulate(&mut self, path: &str, overrides: &[String], name: Option<&str>) -> Result<Dataset, Failure> {
        let program = self.check_without_tests(path, overrides)?.program;
        let simulated: Vec<&hir::DataSet> = program.data.values().filter(|d| d.source.is_made()).collect();
        let names: Vec<&str> = simulated.iter().map(|d| d.name.as_str()).collect();
        let usage = |message: String| {
            let help = match names.is_empty() {
                true => simulable::way_out(&program),
                false => format!("choose one of {} with --data", names.join(", ")),
            };
            Failure::Usage(Problem::new("N003", message, help))
        };
        let data = match (name, simulated.as_slice()) {
            (Some(name), _) => simulated
                .iter()
                .find(|d| d.name == name)
                .ok_or_else(|| usage(format!("`{path}` simulates no data called `{name}`")))?,
            (None, [only]) => only,
            (None, []) => return Err(usage(format!("`{path}` simulates no data"))),
            (None, _) => return Err(usage(format!("`{path}` simulates several data sets"))),
        };
        experiment::make(&program, data, &self.data_root).map_err(|f| f.of_data(data))
    }

    /// Measures training steps of a fit by gradient.
    ///
    /// # Errors
    /// Those of [`Session::check`], of the data and of the steps; [`Failure::Usage`] where there is no such fit.
    pub fn bench_step(
        &mut self,
        path: &str,
        overrides: &[String],
        bench: &StepBench,
    ) -> Result<StepBenchTimes, Failure> {
        let program = self.check_without_tests(path, overrides)?.program;
        bench_step::bench_step((path, &program, &self.data_root), bench)
    }

    /// Runs the fits of a model file: all of them, or the one named in the options.
    pub fn run(
        &mut self,
        path: &str,
        options: &RunOptions,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Outcome>, Failure> {
        let known = self.sources.iter().count();
        let checked = self.check_without_tests(path, &options.overrides)?;
        let sources: Vec<&SourceFile> = self.sources.iter().skip(known).map(|(_, file)| file).collect();
        let mut outcomes =
            run::run((path, &sources), (&checked, &self.levels), options, &self.data_root, self.started, observer)?;
        for outcome in &mut outcomes {
            let found = std::mem::take(&mut outcome.remarks);
            outcome.remarks = self.levels.apply(found.clone());
            // What is allowed is not said; the files hold it all the same.
            let kept: Vec<String> = outcome.remarks.iter().map(run::remark).collect();
            let dropped: Vec<String> = found.iter().map(run::remark).filter(|text| !kept.contains(text)).collect();
            outcome.record.warnings.retain(|text| !dropped.contains(text));
        }
        Ok(outcomes)
    }
}
