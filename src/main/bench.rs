//! `mechc bench`.

use clap::{Args, Subcommand};
use mechc::driver::{Failure, Session, SolveBench, StepBench, bench_solve};
use mechc::runtime::cuda::{DeviceChoice, Products};

use super::solve::SchemeArgs;
use super::{ModelArgs, cores, print};

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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Repeats [default: at least 5, for two seconds].
    #[arg(long, value_name = "R", value_parser = size)]
    repeat: Option<usize>,
    /// Write one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct SolveBenchArgs {
    /// Systems, B.
    #[arg(long, value_name = "B", default_value = "1536", value_parser = size)]
    batch: usize,
    /// States of each system, D.
    #[arg(long, value_name = "D", default_value = "1", value_parser = size)]
    states: usize,
    /// Highest derivative kept of each state, N. Arrays of `mechc solve` have K = N + 1 entries there, since K counts the state itself; a
    /// block has D (N + 1) unknowns.
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(u8).range(1..=15))]
    orders: u8,
    /// Equations at each step, E [default: as many as states].
    #[arg(long, value_name = "E", value_parser = size)]
    equations: Option<usize>,
    /// Time steps, T.
    #[arg(long, value_name = "T", default_value = "50", value_parser = size)]
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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Repeats of forward and backward, R [default: at least 5, for half a second].
    #[arg(long, value_name = "R", value_parser = size)]
    repeat: Option<usize>,
    /// Write one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// A positive number of things; what does not fit in memory is found out later.
fn size(text: &str) -> Result<usize, String> {
    match text.trim().parse::<u32>() {
        Ok(0) => Err("has to be at least 1".into()),
        Ok(n) => Ok(n as usize),
        Err(e) => Err(e.to_string()),
    }
}

pub fn step(args: &StepBenchArgs, session: &mut Session, name: &str) -> Result<(), Failure> {
    let bench = StepBench {
        fit: args.fit.clone(),
        threads: args.threads.map_or_else(cores, usize::from),
        device: args.device,
        products: if args.tf32 { Products::Tf32 } else { Products::Library },
        repeat: args.repeat,
    };
    let times = session.bench_step(name, &args.model.set, &bench)?;
    print(&if args.json { format!("{}\n", times.json()) } else { times.to_string() })
}

pub fn solve(args: &SolveBenchArgs) -> Result<(), Failure> {
    let bench = SolveBench {
        batch: args.batch,
        states: args.states,
        highest: usize::from(args.orders),
        equations: args.equations.unwrap_or(args.states),
        steps: args.steps,
        scheme: args.scheme.scheme(0)?,
        constant_matrix: args.constant_matrix,
        weights: args.weights_gradients,
        threads: args.threads.map_or_else(cores, usize::from),
        repeat: args.repeat,
    };
    let times = bench_solve(&bench, args.device)?;
    print(&if args.json { format!("{}\n", times.json()) } else { times.to_string() })
}
