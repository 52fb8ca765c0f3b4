//! `mechc build`: sources for another target.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mechc::driver::{Failure, Session};
use mechc::report::{self, OutputError};

use super::{ModelArgs, say};

#[derive(Args)]
pub struct BuildArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// What to build for.
    #[arg(long, value_enum)]
    target: Target,
    /// The folder for the files; it is created if need be, and files of the same names are replaced.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

/// What sources can be built for.
#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// CUDA C++ sources and a C header with their launches.
    Cuda,
}

/// Writes the files.
pub fn run(session: &mut Session, name: &str, args: &BuildArgs) -> Result<(), Failure> {
    let files = match args.target {
        Target::Cuda => session.device_sources(name, &args.model.set)?,
    };
    std::fs::create_dir_all(&args.out).map_err(|source| OutputError::Create { path: args.out.clone(), source })?;
    for file in &files {
        report::save_atomic(&mut report::Disk, &args.out.join(&file.name), file.text.as_bytes())?;
    }
    say(&format!("{} files in {}; no cubin: compile the sources with nvcc -cubin\n", files.len(), args.out.display()));
    Ok(())
}
