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
    /// The device to check [default: cuda].
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceChoice>,
    /// Check only what has this text in its name.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

pub fn run(args: &DoctorArgs) -> Result<(), Failure> {
    if !args.gpu_check {
        let given = [("--device", args.device.is_some()), ("--filter", args.filter.is_some())];
        if let Some((option, _)) = given.into_iter().find(|(_, given)| *given) {
            let message = format!("`{option}` is for `--gpu-check`, which is not given");
            let help = format!("write `mechc doctor --gpu-check {option} ...`, or leave `{option}` out");
            return Err(Failure::Usage(Problem::new("N018", message, help)));
        }
        let found = Doctor::look();
        return print(&if args.json { found.json() } else { found.text() });
    }
    let environment = |e: mechc::runtime::RuntimeError| Failure::Environment(Problem::new("N013", e.to_string(), ""));
    let threads = Threads::new(cores()).map_err(environment)?;
    // The processor does not stand in for the device that is to be compared with it.
    let device = match args.device {
        None | Some(DeviceChoice::Auto) => DeviceChoice::Cuda(0),
        Some(named) => named,
    };
    let (target, _) = Target::choose(device, Products::Library, &threads)
        .map_err(|error| Failure::of_device(error, DeviceUse::Check))?;
    if let Target::Host(_) = target {
        let message = "the processor cannot be checked against itself";
        return Err(Failure::Usage(Problem::new("N039", message, "name a CUDA device: `--device cuda`")));
    }
    if !args.json {
        print(&Conformance::heading(&target.describe()))?;
    }
    let mut lost = None;
    let found = conformance::check(&target, &threads, args.filter.as_deref().unwrap_or_default(), &mut |verdict| {
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
