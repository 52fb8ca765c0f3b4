//! `mechc test`.

use std::path::PathBuf;

use clap::Args;
use mechc::diagnostics::{self, Format, visible};
use mechc::driver::{Failure, FileTests, TestOptions, model_files, run_tests};
use mechc::source::Sources;
use serde_json::json;

use super::levels::LevelArgs;
use super::{cores, print, say};

#[derive(Args)]
pub struct TestArgs {
    /// Model files, and folders with model files.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Run only the tests whose name contains this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Keep what snapshots are now.
    #[arg(long)]
    update: bool,
    /// Threads to use; the results are the same for any number [default: all cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Replace a setting of a named block, such as run.noise=0.1 or fit.seed=3.
    #[arg(long = "set", value_name = "BLOCK.KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    levels: LevelArgs,
}

/// How many tests came out how.
#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    /// Files that could not be tested.
    broken: usize,
    worst: u8,
}

pub fn run(args: &TestArgs, format: Format) -> Result<(), u8> {
    let tell = |failure: Failure| {
        say(&failure.render(&Sources::default(), format));
        failure.exit_code()
    };
    let files = model_files(&args.paths).map_err(tell)?;
    let options = TestOptions {
        filter: args.filter.clone(),
        overrides: args.set.clone(),
        update: args.update,
        levels: args.levels.levels().map_err(tell)?,
        threads: args.threads.map_or_else(cores, usize::from),
    };
    let mut count = Count::default();
    let mut out = String::new();
    for file in run_tests(&files, &options) {
        report(&file, format, &mut out, &mut count);
    }
    out.push_str(&match format {
        Format::Json => {
            format!("{}\n", json!({"passed": count.passed, "failed": count.failed, "files_not_tested": count.broken}))
        }
        _ => format!("{} passed, {} failed\n", count.passed, count.failed),
    });
    if let Err(failure) = print(&out) {
        say(&failure.render(&Sources::default(), format));
        return Err(failure.exit_code());
    }
    if count.failed > 0 {
        count.worst = count.worst.max(1);
    }
    if count.worst == 0 { Ok(()) } else { Err(count.worst) }
}

/// One line for each test, and the findings on those that failed.
fn report(file: &FileTests, format: Format, out: &mut String, count: &mut Count) {
    let none = Sources::default();
    let sources = file.session.as_ref().map_or(&none, |s| s.sources());
    say(&diagnostics::render(&file.warnings, sources, format));
    let path = file.path.display().to_string();
    let outcomes = match &file.outcomes {
        Ok(outcomes) => outcomes,
        Err(failure) => {
            say(&failure.render(sources, format));
            count.broken += 1;
            count.worst = count.worst.max(failure.exit_code());
            if format != Format::Json {
                out.push_str(&format!("not tested  {}\n", visible(&path)));
            }
            return;
        }
    };
    for outcome in outcomes {
        let passed = outcome.failures.is_empty();
        *(if passed { &mut count.passed } else { &mut count.failed }) += 1;
        let word = if passed { "passed" } else { "failed" };
        out.push_str(&match format {
            Format::Json => {
                let line = json!({
                    "file": path, "test": outcome.name, "status": word, "seconds": outcome.seconds,
                    "failures": outcome.failures.len(),
                });
                format!("{line}\n")
            }
            _ => format!("{word}  {}: {}\n", visible(&path), visible(&outcome.name)),
        });
        say(&diagnostics::render(&outcome.failures, sources, format));
    }
    let note = |text: String| match format {
        Format::Json => say(&format!("{}\n", json!({"severity": "note", "file": path, "message": text}))),
        _ => say(&format!("{}: {}\n", visible(&path), visible(&text))),
    };
    match (file.declared, outcomes.len()) {
        (0, _) => note("no tests".into()),
        (n, 0) => note(format!("none of {n} tests has such a name")),
        _ => {}
    }
    if file.updated {
        note("snapshots updated".into());
    }
    for orphan in &file.orphans {
        note(format!("no test compares the snapshot `{orphan}`; `--update` drops it"));
    }
}
