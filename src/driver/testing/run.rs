//! Files, their tests, and the threads that run them.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::super::failure::Failure;
use super::super::session::{Checked, Session};
use super::judge::Judge;
use super::laboratory::Laboratory;
use super::snapshots::Snapshots;
use crate::diagnostics::{Diagnostic, Levels};
use crate::hir::Test;

/// How tests are run.
#[derive(Clone, Debug, Default)]
pub struct TestOptions {
    /// Only tests whose name contains this.
    pub filter: Option<String>,
    /// `block.key=value`, for every file.
    pub overrides: Vec<String>,
    /// Keep new snapshots instead of comparing them.
    pub update: bool,
    /// Which warnings count as errors and which are not reported.
    pub levels: Levels,
    /// Threads to use in all; results are the same for any number.
    pub threads: usize,
}

/// A test that was run.
#[derive(Clone, Debug)]
pub struct TestOutcome {
    /// Its name.
    pub name: String,
    /// What does not hold or could not be judged; empty for a test that passes.
    pub failures: Vec<Diagnostic>,
    /// Time it took, with the data and fits that it was the first to ask for.
    pub seconds: f64,
}

/// A file and its tests.
pub struct FileTests {
    /// The file.
    pub path: PathBuf,
    /// Where findings point; `None` where the file could not be opened.
    pub session: Option<Session>,
    /// How many tests the file has, chosen or not.
    pub declared: usize,
    /// Warnings of the file's check.
    pub warnings: Vec<Diagnostic>,
    /// The tests that were chosen, in order; a failure where there is nothing to test.
    pub outcomes: Result<Vec<TestOutcome>, Failure>,
    /// Snapshots that no test of the file compares.
    pub orphans: Vec<String>,
    /// Whether the file's snapshots were written anew.
    pub updated: bool,
}

/// A file whose tests can run.
struct Ready {
    path: PathBuf,
    name: String,
    session: Session,
    checked: Checked,
    snapshots: Snapshots,
}

/// A test to run, and what it needs.
struct Job<'a, 'b> {
    file: usize,
    laboratory: &'b Laboratory<'a>,
    snapshots: &'a Snapshots,
    test: &'a Test,
}

impl Job<'_, '_> {
    fn run(&self, update: bool) -> TestOutcome {
        let started = Instant::now();
        let judge = Judge {
            laboratory: self.laboratory,
            test: &self.test.name,
            snapshots: self.snapshots,
            update,
            beside_solution: std::cell::Cell::default(),
        };
        let failures = self.test.expectations.iter().filter_map(|e| judge.judge(e).err()).map(|d| *d).collect();
        TestOutcome { name: self.test.name.clone(), failures, seconds: started.elapsed().as_secs_f64() }
    }
}

/// Runs the tests of `files`, several at a time.
pub fn run_tests(files: &[PathBuf], options: &TestOptions) -> Vec<FileTests> {
    let prepared: Vec<Result<Ready, Box<FileTests>>> = files.iter().map(|path| prepare(path, options)).collect();
    let chosen = |test: &Test| options.filter.as_ref().is_none_or(|part| test.name.contains(part.as_str()));
    let threads = options.threads.max(1);
    let count: usize =
        prepared.iter().flatten().map(|r| r.checked.program.tests.iter().filter(|t| chosen(t)).count()).sum();
    // What is left over by few tests helps their fits.
    let workers = threads.min(count.max(1));
    let each = (threads / workers).max(1);
    let laboratories: Vec<Option<Laboratory>> = prepared
        .iter()
        .map(|ready| {
            let ready = ready.as_ref().ok()?;
            let about = (&ready.checked, ready.session.sources());
            Some(Laboratory::new(&ready.name, about, &options.overrides, ready.session.data_root(), each))
        })
        .collect();
    let mut jobs: Vec<Job> = Vec::with_capacity(count);
    for (file, (ready, laboratory)) in prepared.iter().zip(&laboratories).enumerate() {
        let (Ok(ready), Some(laboratory)) = (ready, laboratory) else { continue };
        let tests = ready.checked.program.tests.iter().filter(|t| chosen(t));
        jobs.extend(tests.map(|test| Job { file, laboratory, snapshots: &ready.snapshots, test }));
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, TestOutcome)>> = Mutex::new(Vec::new());
    let work = || {
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(position) else { break };
            let outcome = job.run(options.update);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((position, outcome));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(position, _)| *position);
    let mut results: Vec<Vec<TestOutcome>> = prepared.iter().map(|_| Vec::new()).collect();
    for (position, outcome) in done {
        if let Some(list) = jobs.get(position).and_then(|job| results.get_mut(job.file)) {
            list.push(outcome);
        }
    }
    drop(jobs);
    drop(laboratories);
    prepared.into_iter().zip(results).map(|(ready, outcomes)| finish(ready, outcomes, options)).collect()
}

/// Opens and checks a file.
fn prepare(path: &Path, options: &TestOptions) -> Result<Ready, Box<FileTests>> {
    let failed = |session, failure| {
        Box::new(FileTests {
            path: path.to_path_buf(),
            session,
            declared: 0,
            warnings: Vec::new(),
            outcomes: Err(failure),
            orphans: Vec::new(),
            updated: false,
        })
    };
    let (mut session, name) = Session::open(path).map_err(|failure| failed(None, failure))?;
    session.set_levels(options.levels.clone());
    let checked = match session.check(&name, &options.overrides) {
        Ok(checked) => checked,
        Err(failure) => return Err(failed(Some(session), failure)),
    };
    match Snapshots::read(path) {
        Ok(snapshots) => Ok(Ready { path: path.to_path_buf(), name, session, checked, snapshots }),
        Err(failure) => Err(failed(Some(session), failure)),
    }
}

fn finish(ready: Result<Ready, Box<FileTests>>, outcomes: Vec<TestOutcome>, options: &TestOptions) -> FileTests {
    let ready = match ready {
        Ok(ready) => ready,
        Err(failed) => return *failed,
    };
    let all = options.filter.is_none();
    let (mut orphans, mut written) = (Vec::new(), Ok(false));
    if options.update {
        written = ready.snapshots.write(&ready.name, all);
    } else if all {
        orphans = ready.snapshots.orphans();
    }
    let (outcomes, updated) = match written {
        Ok(updated) => (Ok(outcomes), updated),
        Err(failure) => (Err(failure), false),
    };
    FileTests {
        path: ready.path,
        declared: ready.checked.program.tests.len(),
        warnings: ready.checked.warnings,
        session: Some(ready.session),
        outcomes,
        orphans,
        updated,
    }
}
