//! `mechc bench`.

use clap::{Args, Subcommand};
use mechc::driver::{Failure, SolveBench, bench_solve};

use super::solve::SchemeArgs;
use super::{cores, print};

#[derive(Subcommand)]
pub enum Bench {
    /// Relaxed solves and their gradients, on random systems.
    Solve(SolveBenchArgs),
}

#[derive(Args)]
pub struct SolveBenchArgs {
    /// Systems.
    #[arg(long, value_name = "B", default_value = "1536", value_parser = size)]
    batch: usize,
    /// States of each.
    #[arg(long, value_name = "D", default_value = "1", value_parser = size)]
    states: usize,
    /// Highest derivative kept of each state.
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(u8).range(1..=15))]
    orders: u8,
    /// Equations at each step [default: as many as states].
    #[arg(long, value_name = "E", value_parser = size)]
    equations: Option<usize>,
    /// Time steps.
    #[arg(long, value_name = "T", default_value = "50", value_parser = size)]
    steps: usize,
    /// All systems share coefficients and steps: the factor is made once and not measured.
    #[arg(long)]
    constant_matrix: bool,
    #[command(flatten)]
    scheme: SchemeArgs,
    /// Threads to use [default: all cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Repeats [default: at least 5, for half a second].
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

pub fn run(bench: &Bench) -> Result<(), Failure> {
    let Bench::Solve(args) = bench;
    let bench = SolveBench {
        batch: args.batch,
        states: args.states,
        highest: usize::from(args.orders),
        equations: args.equations.unwrap_or(args.states),
        steps: args.steps,
        scheme: args.scheme.scheme(),
        constant_matrix: args.constant_matrix,
        threads: args.threads.map_or_else(cores, usize::from),
        repeat: args.repeat,
    };
    let times = bench_solve(&bench)?;
    print(&if args.json { format!("{}\n", times.json()) } else { times.to_string() })
}
