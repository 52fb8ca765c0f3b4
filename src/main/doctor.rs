//! `mechc doctor`.

use clap::Args;
use mechc::driver::conformance::{self, Conformance};
use mechc::driver::{Doctor, Failure, Problem, Target};
use mechc::runtime::Threads;
use mechc::runtime::cuda::{DeviceChoice, DeviceUse, Products};

use super::{cores, print};

#[derive(Args)]
pub struct DoctorArgs {
    /// Write one JSON object instead of lines.
    #[arg(long)]
    json: bool,
    /// Check a CUDA device against the processor: relaxed solves, every function of every example, fits of both engines.
    #[arg(long)]
    gpu_check: bool,
    /// The device to check.
    #[arg(long, value_name = "DEVICE", default_value = "cuda", requires = "gpu_check")]
    device: DeviceChoice,
    /// Check only what has this text in its name.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, requires = "gpu_check")]
    filter: String,
}

pub fn run(args: &DoctorArgs) -> Result<(), Failure> {
    if !args.gpu_check {
        let found = Doctor::look();
        return print(&if args.json { found.json() } else { found.text() });
    }
    let environment = |e: mechc::runtime::RuntimeError| Failure::Environment(Problem::new("N013", e.to_string(), ""));
    let threads = Threads::new(cores()).map_err(environment)?;
    let (target, remark) = Target::choose(args.device, Products::Library, &threads)
        .map_err(|error| Failure::of_device(error, DeviceUse::Check))?;
    if let Target::Host(_) = target {
        let message = remark.unwrap_or_else(|| "the processor cannot be checked against itself".to_string());
        return Err(Failure::Usage(Problem::new("N039", message, "name a CUDA device: `--device cuda`")));
    }
    if !args.json {
        print(&Conformance::heading(&target.describe()))?;
    }
    let mut lost = None;
    let found = conformance::check(&target, &threads, &args.filter, &mut |verdict| {
        if !args.json && lost.is_none() {
            lost = print(&verdict.line()).err();
        }
    })?;
    if let Some(failure) = lost {
        return Err(failure);
    }
    print(&if args.json { found.json() } else { found.summary() })?;
    match found.failed() {
        0 => Ok(()),
        n => {
            let message = format!("{n} of {} checks failed on {}", found.verdicts.len(), found.device);
            let help =
                "report this with the table; until then run models on the processor: `mechc run FILE --device cpu`";
            Err(Failure::Numerical(Problem::new("N050", message, help)))
        }
    }
}
