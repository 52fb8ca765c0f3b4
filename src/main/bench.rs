//! `mechc bench`.

use clap::{Args, Subcommand};
use mechc::diagnostics::Format;
use mechc::driver::{Failure, Session, SolveBench, StepBench, bench_solve};
use mechc::runtime::cuda::{DeviceChoice, Products};

use super::solve::SchemeArgs;
use super::values::whole;
use super::{ModelArgs, cores, print, remark};

#[derive(Subcommand)]
pub enum Bench {
    /// Relaxed solves and their gradients, on random systems.
    Solve(SolveBenchArgs),
    /// Training steps of a fit by gradient: loss, its gradient and the optimiser's update.
    Step(StepBenchArgs),
}

#[derive(Args)]
pub struct StepBenchArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// The fit, where the file has several by gradient.
    #[arg(long, value_name = "NAME")]
    fit: Option<String>,
    /// Where to compute: cpu, cuda, cuda:N, or auto, which takes the first CUDA device that can be used.
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceChoice,
    /// On a CUDA device, round the factors of single-precision products to TF32: faster, with three digits.
    #[arg(long)]
    tf32: bool,
    /// Threads to use [default: all cores].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole(1..=1024))]
    threads: Option<usize>,
    /// Repeats [default: at least 5, for two seconds].
    #[arg(long, value_name = "R", allow_negative_numbers = true, value_parser = whole(1..=u32::MAX))]
    repeat: Option<usize>,
    /// Write one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct SolveBenchArgs {
    /// Systems, B.
    #[arg(long, value_name = "B", default_value = "1536", allow_negative_numbers = true, value_parser = whole(1..=u32::MAX))]
    batch: usize,
    /// States of each system, D.
    #[arg(long, value_name = "D", default_value = "1", allow_negative_numbers = true, value_parser = whole(1..=u32::MAX))]
    states: usize,
    /// Highest derivative kept of each state, N. Arrays of `mechc solve` have K = N + 1 entries there, since K counts the state itself; a
    /// block has D (N + 1) unknowns.
    #[arg(long, value_name = "N", default_value = "2", allow_negative_numbers = true, value_parser = whole(1..=15))]
    orders: usize,
    /// Equations at each step, E [default: as many as states].
    #[arg(long, value_name = "E", allow_negative_numbers = true, value_parser = whole(1..=u32::MAX))]
    equations: Option<usize>,
    /// Time steps, T.
    #[arg(long, value_name = "T", default_value = "50", allow_negative_numbers = true, value_parser = whole(1..=u32::MAX))]
    steps: usize,
    /// All systems share coefficients and steps: the factor is made once and not measured.
    #[arg(long)]
    constant_matrix: bool,
    /// Backward has the gradients of the equation, initial and smooth weights too.
    #[arg(long)]
    weights_gradients: bool,
    #[command(flatten)]
    scheme: SchemeArgs,
    /// Where to compute: cpu, cuda, cuda:N, or auto, which takes the first CUDA device that can be used.
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceChoice,
    /// Threads to use [default: all cores].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole(1..=1024))]
    threads: Option<usize>,
    /// Repeats of forward and backward, R [default: at least 5, for half a second].
    #[arg(long, value_name = "R", allow_negative_numbers = true, value_parser = whole(1..=u32::MAX))]
    repeat: Option<usize>,
    /// Write one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

pub fn step(args: &StepBenchArgs, session: &mut Session, name: &str) -> Result<(), Failure> {
    let bench = StepBench {
        fit: args.fit.clone(),
        threads: args.threads.unwrap_or_else(cores),
        device: args.device,
        products: if args.tf32 { Products::Tf32 } else { Products::Library },
        repeat: args.repeat,
    };
    let times = session.bench_step(name, &args.model.set, &bench)?;
    print(&if args.json { format!("{}\n", times.json()) } else { times.to_string() })
}

pub fn solve(args: &SolveBenchArgs, format: Format) -> Result<(), Failure> {
    let bench = SolveBench {
        batch: args.batch,
        states: args.states,
        highest: args.orders,
        equations: args.equations.unwrap_or(args.states),
        steps: args.steps,
        scheme: args.scheme.scheme(0)?,
        constant_matrix: args.constant_matrix,
        weights: args.weights_gradients,
        threads: args.threads.unwrap_or_else(cores),
        repeat: args.repeat,
    };
    let times = bench_solve(&bench, args.device)?;
    if let Some(why) = &times.remark {
        remark("warning", why, format);
    }
    print(&if args.json { format!("{}\n", times.json()) } else { times.to_string() })
}
