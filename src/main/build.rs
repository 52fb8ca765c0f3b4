//! `mechc build`: sources, and machine code, for another target.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mechc::diagnostics::Format;
use mechc::driver::{Failure, Session, counted, device_code, device_sources, stale_code};
use mechc::report::{self, OutputError};
use mechc::runtime::cuda::{Cache, architectures, compiled_as, devices};

use super::{ModelArgs, remark};

/// The architecture of cubins where there is no device to ask and no other is named.
const USUAL: u32 = 90;

#[derive(Args)]
pub struct BuildArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// What to build for.
    #[arg(long, value_enum)]
    target: Target,
    /// The folder for the files; it is created if need be, files of the same names are replaced, and cubins of other
    /// sources of these names are removed.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Architectures to make cubins for, such as 80,90 [default: that of the first device, else 90, where NVRTC is there].
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = architecture)]
    arch: Vec<u32>,
}

/// What can be built for.
#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// CUDA C++ sources, a C header with their launches, and cubins.
    Cuda,
}

/// Writes the files.
pub fn run(session: &mut Session, name: &str, args: &BuildArgs, format: Format) -> Result<(), Failure> {
    let Target::Cuda = args.target;
    // Before minutes of compilation.
    if args.out.exists() && !args.out.is_dir() {
        return Err(OutputError::NotADirectory { path: args.out.clone() }.into());
    }
    let functions = session.device_functions(name, &args.model.set)?;
    let mut files = device_sources(name, &functions);
    let cache = Cache::of_user();
    let (wanted, missing) = match args.arch.as_slice() {
        [] => match architectures() {
            Ok(_) => {
                let here = devices().ok().and_then(|all| all.first().map(|d| d.architecture()));
                (vec![here.unwrap_or(USUAL)], String::new())
            }
            Err(error) => (Vec::new(), format!("; no cubin: {error}; nvcc -cubin makes one")),
        },
        named => (named.to_vec(), String::new()),
    };
    files.extend(device_code(&functions, &wanted, &cache)?);
    for asked in &wanted {
        // Machine code has the name of what it is for.
        if let Some(made) = compiled_as(*asked).ok().filter(|made| made != asked) {
            let message =
                format!("code for sm_{asked} is that for sm_{made}, which runs on it: NVRTC does not know sm_{asked}");
            remark("note", &message, format);
        }
    }
    if let Some(warning) = cache.take_warning() {
        remark("warning", &warning, format);
    }
    std::fs::create_dir_all(&args.out).map_err(|source| OutputError::Create { path: args.out.clone(), source })?;
    // Before the sources, so that code of others never lies beside them, whatever ends this.
    let stale = stale_code(&args.out, &functions);
    for path in &stale {
        std::fs::remove_file(path).map_err(|source| OutputError::Write {
            path: path.clone(),
            operation: "remove",
            source,
        })?;
    }
    for file in &files {
        report::save_atomic(&mut report::Disk, &args.out.join(&file.name), &file.bytes)?;
    }
    // Those that are replaced are not missed.
    let removed = stale.iter().filter(|path| !path.exists()).count();
    let removed = match removed {
        0 => String::new(),
        n => format!("; removed {} of other sources", counted(n, "cubin")),
    };
    let written = counted(files.len(), "file");
    remark("note", &format!("{written} in {}{missing}{removed}", args.out.display()), format);
    Ok(())
}

/// An architecture as a number, with or without `sm_`.
fn architecture(text: &str) -> Result<u32, String> {
    let digits = text.trim().trim_start_matches("sm_");
    digits
        .parse()
        .ok()
        .filter(|n| (10..1000).contains(n))
        .ok_or_else(|| "is no architecture such as 90 or sm_90".into())
}
