//! `mechc export`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Args, Command};
use mechc::diagnostics::Format as Findings;
use mechc::driver::{ExportRequest, Failure, Problem, missing};
use mechc::export::{Format, Options};
use mechc::report;

use super::{ModelArgs, levels, print, say, with_session, without_model};

#[derive(Args)]
pub struct ExportArgs {
    /// The folder of a finished run, or a model file in which every number is known.
    #[arg(value_name = "RUN|FILE")]
    path: PathBuf,
    /// The notation.
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    to: Format,
    /// The file to write [default: standard output, also called -].
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it is there.
    #[arg(long)]
    force: bool,
    /// The model, where the file has several.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The simulated data set whose initial values are written, where the file has several [default: the model's own].
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
    /// Round numbers to so many significant digits, in latex and text [default: 6 in latex, all in text].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=17))]
    digits: Option<u8>,
    /// Replace a setting of a named block, such as Lorenz63.rho=20.
    #[arg(long = "set", value_name = "BLOCK.KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    levels: levels::LevelArgs,
}

fn formats() -> impl TypedValueParser<Value = Format> {
    Formats(PossibleValuesParser::new(Format::ALL.map(Format::name)))
}

/// The names of formats; for those of languages and tools it says which one goes with them.
#[derive(Clone)]
struct Formats(PossibleValuesParser);

impl TypedValueParser for Formats {
    type Value = Format;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Format, clap::Error> {
        let name = value.to_str().unwrap_or_default();
        match self.0.parse_ref(cmd, arg, value) {
            Ok(_) => Ok(Format::ALL.into_iter().find(|f| f.name() == name).unwrap_or(Format::Text)),
            Err(mut error) => {
                if let Some(format) = Format::meant(name) {
                    error.insert(ContextKind::SuggestedValue, ContextValue::String(format.name().to_string()));
                }
                Err(error)
            }
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

/// Writes the equations.
pub fn run(args: &ExportArgs, findings: Findings) -> Result<(), u8> {
    let out = args.out.as_deref().filter(|out| *out != Path::new("-"));
    // Before any work is done.
    let record = without_model(vacant(out, args.force).and_then(|()| record(&args.path)), findings)?;
    let file = if record.is_some() { args.path.join("discovered.mech") } else { args.path.clone() };
    let model = ModelArgs { file, set: args.set.clone(), levels: args.levels.clone() };
    with_session(&model, findings, |session, name| {
        let request = ExportRequest {
            format: args.to,
            options: Options { digits: args.digits },
            model: args.model.as_deref(),
            data: args.data.as_deref(),
            record: record.as_deref(),
        };
        let text = session.export(name, &args.set, &request)?;
        match out {
            None => print(&text),
            Some(out) => {
                report::save_atomic(&mut report::Disk, out, text.as_bytes())?;
                say(&format!("{} in {}\n", args.to.name(), out.display()));
                Ok(())
            }
        }
    })
}

fn vacant(out: Option<&Path>, force: bool) -> Result<(), Failure> {
    match out {
        Some(out) if out.exists() && !force => {
            let message = format!("`{}` is already there", out.display());
            Err(Failure::Usage(Problem::new("N085", message, "name another file, or replace it with --force")))
        }
        _ => Ok(()),
    }
}

/// The record of a run, if the path is a folder.
fn record(path: &Path) -> Result<Option<String>, Failure> {
    if !path.exists() {
        return Err(missing(path, "run or model file"));
    }
    if !path.is_dir() {
        return Ok(None);
    }
    let (found, record) = (path.join("discovered.mech"), path.join("record.json"));
    if !found.is_file() || !record.is_file() {
        let message = format!("`{}` is not the folder of a finished run", path.display());
        let help = "name a folder with `discovered.mech` and `record.json`, such as runs/Lorenz-1; an interrupted run goes on \
                    with `mechc run FILE --resume DIR`";
        return Err(Failure::Usage(Problem::new("N080", message, help)));
    }
    match std::fs::read_to_string(&record) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", record.display());
            Err(Failure::Environment(Problem::new("N086", message, "check the file's permissions")))
        }
    }
}
