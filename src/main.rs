//! The command line of mechc.

#[path = "main/bench.rs"]
mod bench;
#[path = "main/build.rs"]
mod build;
#[path = "main/completions.rs"]
mod completions;
#[path = "main/doctor.rs"]
mod doctor;
#[path = "main/explain.rs"]
mod explain;
#[path = "main/export.rs"]
mod export;
#[path = "main/fmt.rs"]
mod fmt;
#[path = "main/info.rs"]
mod info;
#[path = "main/levels.rs"]
mod levels;
#[path = "main/new.rs"]
mod new;
#[path = "main/refused.rs"]
mod refused;
#[path = "main/solve.rs"]
mod solve;
#[path = "main/stop.rs"]
mod stop;
#[path = "main/test.rs"]
mod test;
#[path = "main/values.rs"]
mod values;
#[path = "main/watch.rs"]
mod watch;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use mechc::diagnostics::Format;
use mechc::driver::{Failure, Problem, RunOptions, Session, Stage};
use mechc::report;
use mechc::runtime::cuda::{DeviceChoice, Products};
use stop::{Stop, signals};

/// Find the equations behind time series: a language and compiler for mechanistic models.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How findings are written: human, short or json (one object per line).
    #[arg(long, global = true, default_value = "human", value_parser = ["human", "short", "json"])]
    message_format: String,
}

#[derive(Subcommand)]
enum Command {
    /// Fit the models of a file to their data and print the equations.
    Run {
        #[command(flatten)]
        model: ModelArgs,
        /// Folder for the results; it must be empty or not exist [default: runs/MODEL-N].
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Go on with the interrupted run in this folder: same model, data and settings.
        #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "emit"])]
        resume: Option<PathBuf>,
        /// The fit to run, where the file has several [default: all].
        #[arg(long, value_name = "NAME")]
        fit: Option<String>,
        /// Threads to use; the results are the same for any number [default: all cores].
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
        threads: Option<u16>,
        /// Where to compute: cpu, cuda, cuda:N, or auto, which takes the first CUDA device that can be used.
        #[arg(long, value_name = "DEVICE", default_value = "cpu")]
        device: DeviceChoice,
        /// On a CUDA device, round the factors of single-precision products to TF32: faster, with three digits.
        #[arg(long)]
        tf32: bool,
        /// Print a stage of compilation instead of running: ast, hir, ir, adjoint, kernel, clif or cuda.
        #[arg(long, value_name = "STAGE")]
        emit: Option<Stage>,
    },
    /// Check a model file.
    Check {
        #[command(flatten)]
        model: ModelArgs,
        /// Print a stage of compilation: ast, hir, ir, adjoint, kernel, clif or cuda.
        #[arg(long, value_name = "STAGE", conflicts_with = "plan")]
        emit: Option<Stage>,
        /// Print the relaxed solves of fits and models: sizes, algorithm, and how many fit in memory.
        #[arg(long)]
        plan: bool,
        /// Read the data of every fit too, and say which unknowns they cannot tell apart.
        #[arg(long, conflicts_with_all = ["emit", "plan"])]
        data: bool,
        /// Bytes of memory to plan for, such as 8G [default: what this machine has].
        #[arg(long, value_name = "BYTES", value_parser = bytes, requires = "plan")]
        memory: Option<u64>,
    },
    /// Show how each model is lowered: its linear part, auxiliary variables, unknowns.
    Expand {
        #[command(flatten)]
        model: ModelArgs,
    },
    /// Solve a model with known numbers and save the samples as npz or csv.
    Simulate {
        #[command(flatten)]
        model: ModelArgs,
        /// The file to write; its ending says how: .npz or .csv.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Replace the file if it is there.
        #[arg(long)]
        force: bool,
        /// The data set to simulate, where the file has several.
        #[arg(long, value_name = "NAME")]
        data: Option<String>,
    },
    /// Run the tests of model files.
    Test(test::TestArgs),
    /// Say what a code means: cause, example, way out.
    Explain(explain::ExplainArgs),
    /// Create a project that runs: a model, its data, a readme.
    New(new::NewArgs),
    /// Say what a model file declares: models, data, fits, plans; with --json for other programs.
    Info(info::InfoArgs),
    /// Print a script that completes commands and options in a shell.
    Completions(completions::CompletionsArgs),
    /// Write equations in the notation of another tool: LaTeX, SymPy, Modelica and others.
    Export(export::ExportArgs),
    /// Write the sources of a model's functions for another target.
    Build(build::BuildArgs),
    /// Bring model files into the settled layout.
    Fmt(fmt::FmtArgs),
    /// Solve a batch of linear systems given as arrays, with gradients where they are asked for.
    Solve(solve::SolveArgs),
    /// Show what this machine has that mechc can use, and what is missing and why.
    Doctor(doctor::DoctorArgs),
    /// Measure how long a part of mechc takes on this machine.
    Bench {
        #[command(subcommand)]
        what: bench::Bench,
    },
}

#[derive(Args)]
struct ModelArgs {
    /// The model file.
    file: PathBuf,
    /// Replace a setting of a named block, such as run.noise=0.1 or fit.seed=3.
    #[arg(long = "set", value_name = "BLOCK.KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    levels: levels::LevelArgs,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(refused::tell(&error, &std::env::args_os().collect::<Vec<_>>())),
    };
    let format = match cli.message_format.as_str() {
        "short" => Format::Short,
        "json" => Format::Json,
        _ => human(),
    };
    if let Some(failure) = unknown_instructions() {
        say(&failure.render(&mechc::source::Sources::default(), format));
        return ExitCode::from(2);
    }
    let stop = Stop::default();
    let running = matches!(cli.command, Command::Run { emit: None, .. });
    if let Err(error) = signals(&stop, running, format) {
        say(&format!("error: cannot handle signals: {error}\n"));
        return ExitCode::from(4);
    }
    match dispatch(cli.command, format, &stop) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => ExitCode::from(code),
    }
}

/// A value of `MECHC_INSTRUCTIONS` that names nothing: whoever set it meant to limit something.
fn unknown_instructions() -> Option<Failure> {
    let given = mechc::solve::unknown_instructions()?;
    let allowed = mechc::solve::INSTRUCTIONS.map(|name| format!("`{name}`")).join(" or ");
    let message = format!("the environment variable MECHC_INSTRUCTIONS is `{given}`");
    let help = format!("set it to {allowed}, or unset it for the widest instructions of the processor");
    Some(Failure::Usage(Problem::new("N017", message, help)))
}

/// Colour and box characters where a terminal can show them.
fn human() -> Format {
    let terminal = std::io::stderr().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    Format::Human { color: colour, unicode: terminal }
}

fn dispatch(command: Command, format: Format, stop: &Stop) -> Result<(), u8> {
    match command {
        Command::Run { model, out, resume, fit, threads, device, tf32, emit: None } => {
            let threads = threads.map(usize::from).unwrap_or_else(cores);
            with_session(&model, format, |session, name| {
                let products = if tf32 { Products::Tf32 } else { Products::Library };
                let options = RunOptions { overrides: model.set.clone(), out, resume, fit, threads, device, products };
                // Said before anything can fail: a warning may name the reason.
                let known = session.check_without_tests(name, &model.set)?.warnings;
                say(&mechc::diagnostics::render(&known, session.sources(), format));
                let mut observer = watch::Watch::new(stop, format);
                let outcomes = session.run(name, &options, &mut observer)?;
                observer.done();
                let mut denied = false;
                for outcome in outcomes {
                    print(&match format {
                        Format::Json => report::EquationsFile::of(&outcome.record)
                            .to_json_line()
                            .map_err(|e| Failure::Internal(e.to_string()))?,
                        _ => report::equations_text(&outcome.record),
                    })?;
                    say(&mechc::diagnostics::render(&outcome.remarks, session.sources(), format));
                    let placed: Vec<String> = outcome.remarks.iter().map(mechc::driver::remark).collect();
                    let before = |w: &String| known.iter().any(|k| k.message == *w) || observer.told.contains(w);
                    let said = |w: &&String| before(w) || placed.contains(w);
                    let new = outcome.record.warnings.iter().filter(|w| !said(w));
                    new.for_each(|warning| remark("warning", warning, format));
                    let page = outcome.directory.join("report.html");
                    let done = format!("{:.2} s; see {}", outcome.record.wall_seconds, page.display());
                    remark("note", &done, format);
                    denied |= outcome.remarks.iter().any(|r| r.severity == mechc::diagnostics::Severity::Error);
                }
                // What is denied has been said.
                if denied { Err(Failure::Model(Vec::new())) } else { Ok(()) }
            })
        }
        Command::Run { model, emit: Some(stage), .. } | Command::Check { model, emit: Some(stage), .. } => {
            with_session(&model, format, |session, name| print(&session.emit(name, &model.set, stage)?))
        }
        Command::Check { model, emit: None, plan: true, memory, .. } => {
            with_session(&model, format, |session, name| {
                for planned in session.plan(name, &model.set, memory)? {
                    let json = format == Format::Json;
                    print(&if json { format!("{}\n", planned.json()) } else { planned.text() })?;
                }
                Ok(())
            })
        }
        Command::Check { model, emit: None, data, .. } => with_session(&model, format, |session, name| {
            let checked = match session.check(name, &model.set) {
                // The data are judged also where only tests are wrong.
                Err(failure @ Failure::Model(_)) if data && session.check_without_tests(name, &model.set).is_ok() => {
                    say(&failure.render(session.sources(), format));
                    let found = session.check_data(name, &model.set)?;
                    say(&mechc::diagnostics::render(&found, session.sources(), format));
                    return Err(Failure::Model(Vec::new()));
                }
                other => other?,
            };
            say(&mechc::diagnostics::render(&checked.warnings, session.sources(), format));
            let found = match data {
                true => session.check_data(name, &model.set)?,
                false => session.missing_files(&checked.program)?,
            };
            say(&mechc::diagnostics::render(&found, session.sources(), format));
            Ok(())
        }),
        Command::Expand { model } => {
            with_session(&model, format, |session, name| print(&session.expand(name, &model.set)?))
        }
        Command::Simulate { model, out, force, data } => with_session(&model, format, |session, name| {
            if out.exists() && !force {
                let message = format!("`{}` is already there", out.display());
                return Err(Failure::Usage(Problem::new(
                    "N069",
                    message,
                    "name another file, or replace it with --force",
                )));
            }
            let dataset = session.simulate(name, &model.set, data.as_deref())?;
            let bytes = match out.extension().and_then(|e| e.to_str()) {
                Some("npz") => dataset.to_npz()?,
                Some("csv") => dataset.to_csv().into_bytes(),
                _ => {
                    let message = format!("`{}` ends neither in .npz nor in .csv", out.display());
                    return Err(Failure::Usage(Problem::new("N006", message, "name the file data.npz or data.csv")));
                }
            };
            report::save_atomic(&mut report::Disk, &out, &bytes)?;
            let names = report::first_names(&dataset.columns);
            let done = format!("{} samples of {names} in {}", dataset.samples(), out.display());
            remark("note", &done, format);
            Ok(())
        }),
        Command::Test(args) => test::run(&args, format),
        Command::Explain(args) => without_model(explain::run(&args, format), format),
        Command::New(args) => without_model(new::run(&args, format), format),
        Command::Info(args) => {
            with_session(&args.model, format, |session, name| info::run(&args, session, name, format))
        }
        Command::Completions(args) => without_model(completions::run(&args), format),
        Command::Build(args) => {
            with_session(&args.model, format, |session, name| build::run(session, name, &args, format))
        }
        Command::Export(args) => export::run(&args, format),
        Command::Fmt(args) => fmt::run(&args, format),
        Command::Solve(args) => without_model(solve::run(&args, format), format),
        Command::Doctor(args) => without_model(doctor::run(&args), format),
        Command::Bench { what: bench::Bench::Solve(args) } => without_model(bench::solve(&args, format), format),
        Command::Bench { what: bench::Bench::Step(args) } => {
            with_session(&args.model, format, |session, name| bench::step(&args, session, name))
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Reports what went wrong in a command that reads no model.
fn without_model<T>(result: Result<T, Failure>, format: Format) -> Result<T, u8> {
    result.map_err(|failure| {
        say(&failure.render(&mechc::source::Sources::default(), format));
        failure.exit_code()
    })
}

/// A number of bytes with a decimal unit: `8G`, `500M`, `100k`, `123`.
fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(char, u64); 4] = [('k', 1_000), ('M', 1_000_000), ('G', 1_000_000_000), ('T', 1_000_000_000_000)];
    let unit = UNITS.iter().find(|(name, _)| text.ends_with(*name));
    let (digits, unit) = unit.map_or((text, 1), |(name, unit)| (text.trim_end_matches(*name), *unit));
    let number: u64 = digits.parse().map_err(|_| "is not a whole number with or without k, M, G or T".to_string())?;
    number.checked_mul(unit).ok_or_else(|| "is too large".into())
}

/// Opens the model's folder, runs the command, and reports what went wrong.
fn with_session(
    model: &ModelArgs,
    format: Format,
    command: impl FnOnce(&mut Session, &str) -> Result<(), Failure>,
) -> Result<(), u8> {
    let mut opened = Session::open(Path::new(&model.file));
    let result = match &mut opened {
        Ok((session, name)) => {
            let name = name.clone();
            model.levels.levels().and_then(|levels| {
                session.set_levels(levels);
                command(session, &name)
            })
        }
        Err(_) => Ok(()),
    };
    let none = mechc::source::Sources::default();
    let (failure, sources) = match (&opened, &result) {
        (Err(failure), _) => (failure, &none),
        (Ok((session, _)), Err(failure)) => (failure, session.sources()),
        (Ok(_), Ok(())) => return Ok(()),
    };
    say(&failure.render(sources, format));
    Err(failure.exit_code())
}

/// Writes to standard error; when even that fails there is nobody left to tell.
fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Says something that has no code and no place: a line, or an object where findings are objects.
fn remark(severity: &str, message: &str, format: Format) {
    finding(severity, (None, message, None), format);
}

/// Says something that has no place, with its code and a way out where it has them.
fn finding(severity: &str, (code, message, help): (Option<&str>, &str, Option<&str>), format: Format) {
    let head = code.map_or_else(|| severity.to_string(), |code| format!("{severity}[{code}]"));
    match (format, help.filter(|help| !help.is_empty())) {
        (Format::Json, help) => {
            let object = serde_json::json!({"severity": severity, "code": code, "message": message, "help": help});
            say(&format!("{object}\n"));
        }
        _ if severity == "note" => say(&format!("{message}\n")),
        (Format::Human { .. }, Some(help)) => say(&format!("{head}: {message}\n  help: {help}\n")),
        _ => say(&format!("{head}: {message}\n")),
    }
}

/// Writes to standard output; a reader that has gone is no mistake.
fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            let message = format!("cannot write to standard output: {e}");
            Err(Failure::Environment(Problem::new("N012", message, "check the disk or the pipe")))
        }
        _ => Ok(()),
    }
}
