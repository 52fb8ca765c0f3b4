//! `mechc bench step`: how long a training step of a fit by gradient takes.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::failure::{Failure, Problem};
use super::gradient;
use super::target::Target;
use super::words::counted;
use super::{run, sets};
use crate::hir::{Engine, Fit, Program};
use crate::runtime::cuda::{DeviceChoice, Products};
use crate::train::gradient::StepTimes;

/// Steps are taken for this long where nobody says how many.
const SHORTEST: Duration = Duration::from_secs(2);
/// The fewest times that a median is taken of then.
const FEWEST: usize = 5;

/// What to measure.
#[derive(Clone, Debug, PartialEq)]
pub struct StepBench {
    /// The fit, where the file has several by gradient.
    pub fit: Option<String>,
    /// Threads to use.
    pub threads: usize,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Who multiplies matrices on a device.
    pub products: Products,
    /// How many times to measure; without it for two seconds and at least five times.
    pub repeat: Option<usize>,
}

/// Measured times.
#[derive(Clone, Debug, PartialEq)]
pub struct StepBenchTimes {
    /// The fit.
    pub fit: String,
    /// Threads used.
    pub threads: usize,
    /// Where it was computed.
    pub device: String,
    /// Why it is the processor where a device was looked for.
    pub remark: Option<String>,
    /// Median time of a step.
    pub step_ms: f64,
    /// The shortest.
    pub least_ms: f64,
    /// Time to compile and to load everything and to take the first steps.
    pub ready_ms: f64,
    /// What was measured.
    pub times: StepTimes,
}

/// Measures training steps of a fit of a checked program, from its start.
///
/// # Errors
/// [`Failure::Usage`] where no fit by gradient is there or several are, and what a run would end with.
pub(super) fn bench_step(
    (path, program, data_root): (&str, &Program, &Path),
    bench: &StepBench,
) -> Result<StepBenchTimes, Failure> {
    let fit = chosen(path, program, bench.fit.as_deref())?;
    let threads = run::threads(bench.threads)?;
    let (target, remark) = Target::choose(bench.device, bench.products, &threads)?;
    let observed = sets::observe(&program.models[fit.model], sets::load_all(program, fit, data_root)?.sets, fit)?;
    let begun = Instant::now();
    let (mut ready, mut started) = (None, None);
    let mut enough = |times: &[Duration]| {
        if times.is_empty() {
            // The call before the first time is after the steps that made things ready.
            (ready, started) = (Some(begun.elapsed()), Some(Instant::now()));
        }
        match bench.repeat {
            Some(repeat) => times.len() >= repeat.max(1),
            None => times.len() >= FEWEST && started.is_some_and(|at: Instant| at.elapsed() >= SHORTEST),
        }
    };
    let mut times = threads.install(|| gradient::time_steps(program, fit, &observed, &target, &mut enough))?;
    times.steps.sort_unstable();
    let ms = |time: Option<&Duration>| time.map_or(0.0, |t| t.as_secs_f64() * 1e3);
    Ok(StepBenchTimes {
        fit: fit.name.clone(),
        threads: threads.count(),
        device: target.describe(),
        remark: remark.map(|w| w.message),
        step_ms: ms(times.steps.get(times.steps.len().saturating_sub(1) / 2)),
        least_ms: ms(times.steps.first()),
        ready_ms: ready.map_or(0.0, |t| t.as_secs_f64() * 1e3),
        times,
    })
}

fn chosen<'p>(path: &str, program: &'p Program, name: Option<&str>) -> Result<&'p Fit, Failure> {
    let fits: Vec<&Fit> = program.fits.values().filter(|f| f.engine == Engine::Gradient).collect();
    let names: Vec<&str> = fits.iter().map(|f| f.name.as_str()).collect();
    let usage = |message: String| {
        let help = match names.is_empty() {
            true => "a fit whose states stand for the outputs of a network is trained by gradient".to_string(),
            false => format!("choose one of {} with --fit", names.join(", ")),
        };
        Failure::Usage(Problem::new("N004", message, help))
    };
    match (name, fits.as_slice()) {
        (Some(name), _) => fits
            .iter()
            .find(|f| f.name == name)
            .copied()
            .ok_or_else(|| usage(format!("`{path}` has no fit by gradient called `{name}`"))),
        (None, [only]) => Ok(only),
        (None, []) => Err(usage(format!("`{path}` fits nothing by gradient"))),
        (None, _) => Err(usage(format!("`{path}` has several fits by gradient"))),
    }
}

impl StepBenchTimes {
    /// One JSON object with everything that was asked for and measured.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "bench": "step",
            "fit": self.fit,
            "device": self.device,
            "threads": self.threads,
            "batch": self.times.batch,
            "steps_at_once": self.times.at_once,
            "repeats": self.times.steps.len(),
            "step_ms": self.step_ms,
            "least_ms": self.least_ms,
            "ready_ms": self.ready_ms,
            "loss": if self.times.loss.is_finite() { Some(self.times.loss) } else { None },
            "remark": self.remark,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

impl fmt::Display for StepBenchTimes {
    /// A few lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(remark) = &self.remark {
            writeln!(f, "{remark}")?;
        }
        let batch = counted(self.times.batch, "window");
        writeln!(f, "{}: mini-batches of {batch}, {}, {}", self.fit, self.device, counted(self.threads, "thread"))?;
        writeln!(f, "step      {:>11.4} ms (shortest {:.4} ms)", self.step_ms, self.least_ms)?;
        writeln!(f, "ready     {:>11.1} ms", self.ready_ms)?;
        let each = match self.times.at_once {
            1 => String::new(),
            n => format!(", each of {n} steps"),
        };
        writeln!(f, "(median of {}{each})", counted(self.times.steps.len(), "repeat"))
    }
}
