//! The command line of mechc.

#[path = "main/bench.rs"]
mod bench;
#[path = "main/build.rs"]
mod build;
#[path = "main/check.rs"]
mod check;
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
#[path = "main/run.rs"]
mod run;
#[path = "main/said.rs"]
mod said;
#[path = "main/simulate.rs"]
mod simulate;
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

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use check::CheckArgs;
use clap::{Args, Parser, Subcommand};
use mechc::diagnostics::Format;
use mechc::driver::{Failure, Problem, Session};
use run::RunArgs;
use said::{finding, human, print, remark, say};
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
    Run(RunArgs),
    /// Check a model file.
    Check(CheckArgs),
    /// Show how each model is lowered: its linear part, auxiliary variables, unknowns.
    Expand {
        #[command(flatten)]
        model: ModelArgs,
    },
    /// Solve a model with known numbers and save the samples as npz or csv.
    Simulate(simulate::SimulateArgs),
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
    let running = matches!(&cli.command, Command::Run(args) if args.emit.is_none());
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

fn dispatch(command: Command, format: Format, stop: &Stop) -> Result<(), u8> {
    match command {
        Command::Run(RunArgs { model, emit: Some(stage), .. })
        | Command::Check(CheckArgs { model, emit: Some(stage), .. }) => {
            with_session(&model, format, |session, name| print(&session.emit(name, &model.set, stage)?))
        }
        Command::Run(args) => {
            with_session(&args.model, format, |session, name| run::run(&args, session, name, (format, stop)))
        }
        Command::Check(args) => {
            with_session(&args.model, format, |session, name| check::run(&args, session, name, format))
        }
        Command::Expand { model } => {
            with_session(&model, format, |session, name| print(&session.expand(name, &model.set)?))
        }
        Command::Simulate(args) => {
            with_session(&args.model, format, |session, name| simulate::run(&args, session, name, format))
        }
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
