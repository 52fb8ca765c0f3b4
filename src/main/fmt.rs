//! `mechc fmt`.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use mechc::diagnostics::{self, Format};
use mechc::driver::{Failure, Formatted, Problem, Session, model_files};
use mechc::report;
use mechc::source::{MAX_SOURCE_BYTES, MemoryWorld, Sources, decode};

use super::{print, say};

#[derive(Args)]
pub struct FmtArgs {
    /// Files and folders; `-` reads standard input and writes the layout to standard output.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing: print what would change, and end with exit code 1 if anything would.
    #[arg(long)]
    check: bool,
}

/// The name of standard input in messages.
const STDIN: &str = "standard input";

pub fn run(args: &FmtArgs, format: Format) -> Result<(), u8> {
    let tell = |failure: &Failure, sources: &Sources| {
        say(&failure.render(sources, format));
        failure.exit_code()
    };
    if args.paths == [Path::new("-")] {
        let text = read_stdin().map_err(|failure| tell(&failure, &Sources::default()))?;
        let mut session = Session::new(MemoryWorld::new().with(STDIN, text));
        return one(args, &mut session, STDIN, None, format);
    }
    let files = model_files(&args.paths).map_err(|failure| tell(&failure, &Sources::default()))?;
    // Every file is worth a look; the gravest code is that of the command.
    let mut worst = 0;
    for path in &files {
        let done = match Session::open(path) {
            Ok((mut session, name)) => one(args, &mut session, &name, Some(path), format),
            Err(failure) => Err(tell(&failure, &Sources::default())),
        };
        worst = worst.max(done.err().unwrap_or(0));
    }
    if worst == 0 { Ok(()) } else { Err(worst) }
}

fn one(args: &FmtArgs, session: &mut Session, name: &str, path: Option<&Path>, format: Format) -> Result<(), u8> {
    let result = match args.check {
        true => session.check_format(name).map(|found| found.map(|(formatted, finding)| (formatted, Some(finding)))),
        false => session.format(name).map(|formatted| Some((formatted, None))),
    };
    let written = result.and_then(|changed| match (changed, path) {
        (None, _) => Ok(true),
        (Some((formatted, Some(finding))), _) => {
            let shown = path.map_or(name.to_string(), |p| p.display().to_string());
            print(&formatted.diff(&shown))?;
            say(&diagnostics::render(&[finding], session.sources(), format));
            Ok(false)
        }
        (Some((formatted, None)), Some(path)) => write(path, &formatted).map(|()| true),
        (Some((formatted, None)), None) => print(&formatted.after).map(|()| true),
    });
    match written {
        Ok(true) => Ok(()),
        Ok(false) => Err(1),
        Err(failure) => {
            say(&failure.render(session.sources(), format));
            Err(failure.exit_code())
        }
    }
}

/// Replaces a file by its layout, whole or not at all.
fn write(path: &Path, formatted: &Formatted) -> Result<(), Failure> {
    if formatted.is_settled() {
        return Ok(());
    }
    // A link stays a link: what it leads to is replaced.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    report::save_atomic(&mut report::Disk, &target, formatted.after.as_bytes())?;
    say(&format!("formatted {}\n", path.display()));
    Ok(())
}

fn read_stdin() -> Result<String, Failure> {
    let environment =
        |message: String| Failure::Environment(Problem::new("N010", message, "give the model another way"));
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MAX_SOURCE_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|e| environment(format!("cannot read {STDIN}: {e}")))?;
    decode(STDIN, bytes).map_err(|e| environment(e.to_string()))
}
