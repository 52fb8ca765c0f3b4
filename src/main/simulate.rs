//! `mechc simulate`.

use std::path::PathBuf;

use clap::Args;
use mechc::diagnostics::Format;
use mechc::driver::{Failure, Problem, Session};
use mechc::report;

use super::{ModelArgs, remark};

#[derive(Args)]
pub struct SimulateArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// The file to write; its ending says how: .npz or .csv.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace the file if it is there.
    #[arg(long)]
    force: bool,
    /// The data set to simulate, where the file has several.
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
}

pub fn run(args: &SimulateArgs, session: &mut Session, name: &str, format: Format) -> Result<(), Failure> {
    if args.out.exists() && !args.force {
        let message = format!("`{}` is already there", args.out.display());
        return Err(Failure::Usage(Problem::new("N069", message, "name another file, or replace it with --force")));
    }
    let dataset = session.simulate(name, &args.model.set, args.data.as_deref())?;
    let bytes = match args.out.extension().and_then(|e| e.to_str()) {
        Some("npz") => dataset.to_npz()?,
        Some("csv") => dataset.to_csv().into_bytes(),
        _ => {
            let message = format!("`{}` ends neither in .npz nor in .csv", args.out.display());
            return Err(Failure::Usage(Problem::new("N006", message, "name the file data.npz or data.csv")));
        }
    };
    report::save_atomic(&mut report::Disk, &args.out, &bytes)?;
    let names = report::first_names(&dataset.columns);
    let done = format!("{} samples of {names} in {}", dataset.samples(), args.out.display());
    remark("note", &done, format);
    Ok(())
}
