//! `mechc run`.

use std::path::PathBuf;

use clap::Args;
use mechc::diagnostics::{Format, Severity, render};
use mechc::driver::{Failure, RunOptions, Session, Stage};
use mechc::report;
use mechc::runtime::cuda::{DeviceChoice, Products};

use super::watch::Watch;
use super::{ModelArgs, Stop, cores, print, remark, say};

#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub model: ModelArgs,
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
    pub emit: Option<Stage>,
}

pub fn run(args: &RunArgs, session: &mut Session, name: &str, (format, stop): (Format, &Stop)) -> Result<(), Failure> {
    let overrides = &args.model.set;
    let options = RunOptions {
        overrides: overrides.clone(),
        out: args.out.clone(),
        resume: args.resume.clone(),
        fit: args.fit.clone(),
        threads: args.threads.map(usize::from).unwrap_or_else(cores),
        device: args.device,
        products: if args.tf32 { Products::Tf32 } else { Products::Library },
    };
    // Said before anything can fail: a warning may name the reason.
    let known = session.check_without_tests(name, overrides)?.warnings;
    say(&render(&known, session.sources(), format));
    let mut observer = Watch::new(stop, format);
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
        say(&render(&outcome.remarks, session.sources(), format));
        let placed: Vec<String> = outcome.remarks.iter().map(mechc::driver::remark).collect();
        let before = |w: &String| known.iter().any(|k| k.message == *w) || observer.told.contains(w);
        let said = |w: &&String| before(w) || placed.contains(w);
        let new = outcome.record.warnings.iter().filter(|w| !said(w));
        new.for_each(|warning| remark("warning", warning, format));
        let page = outcome.directory.join("report.html");
        let done = format!("{:.2} s; see {}", outcome.record.wall_seconds, page.display());
        remark("note", &done, format);
        denied |= outcome.remarks.iter().any(|r| r.severity == Severity::Error);
    }
    // What is denied has been said.
    if denied { Err(Failure::Model(Vec::new())) } else { Ok(()) }
}
