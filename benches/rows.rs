//! The rows of the performance table: forward and backward with the gradients of coefficients, right-hand sides, initial values and steps.
//!
//! `cargo bench --bench rows -- [--threads N] [--seconds S]` (two threads, ten seconds a row) prints one JSON object for each row: medians of all repeats, and of
//! those before and after which the cores ran at their full speed. On a machine whose cores other machines share the second are the code's, the first the hour's.

mod common;

use std::process::ExitCode;

use common::{Repeat, median, published, repeats};
use mechc::driver::SolveBench;

/// The share of the fastest speed from which on the cores are taken to be this machine's own.
const OWN: f64 = 0.9;

/// Options: threads and seconds for a row.
fn asked(mut arguments: impl Iterator<Item = String>) -> Result<(usize, f64), String> {
    let (mut threads, mut seconds) = (2, 10.0);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("`{name}` has no value"));
        match name.as_str() {
            // `cargo bench` adds it.
            "--bench" => {}
            "--threads" => threads = value()?.parse().map_err(|e| format!("`--threads`: {e}"))?,
            "--seconds" => seconds = value()?.parse().map_err(|e| format!("`--seconds`: {e}"))?,
            _ => return Err(format!("there is no option `{name}`: give `--threads N` or `--seconds S`")),
        }
    }
    match threads > 0 && seconds > 0.0 {
        true => Ok((threads, seconds)),
        false => Err("`--threads` and `--seconds` are above zero".into()),
    }
}

fn main() -> ExitCode {
    let (threads, seconds) = match asked(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(wrong) => {
            eprintln!("error: {wrong}");
            return ExitCode::from(2);
        }
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
    // Each with the milliseconds aimed at.
    let rows = [
        (published(1536, 1, 50, true, threads), 0.6),
        (published(1536, 1, 50, false, threads), 2.5),
        (published(512, 2, 100, false, threads), 5.0),
        (published(64, 4, 1000, false, threads), 60.0),
        (published(1, 4, 1000, false, threads), 6.0),
        (published(1, 1, 100_000, false, threads), 40.0),
    ];
    let measured: Vec<_> =
        rows.iter().map(|(row, aim)| (row, *aim, pool.install(|| repeats(row, seconds, 1)))).collect();
    // The same for all rows: a row in which the cores were never free would else take what they had for full speed.
    let fastest = measured.iter().flat_map(|(.., all)| all.iter().flatten()).map(|r| r.speed).fold(0.0, f64::max);
    let mut fine = true;
    for (row, aim, all) in measured {
        match all {
            Ok(all) => tell(row, aim, &all, OWN * fastest),
            Err(error) => {
                eprintln!("{error}");
                fine = false;
            }
        }
    }
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One JSON object: medians of everything, and of the repeats at a speed of the cores of `own` or more.
fn tell(row: &SolveBench, aim: f64, all: &[Repeat], own: f64) {
    let of = |least: f64| {
        let those: Vec<&Repeat> = all.iter().filter(|r| r.speed >= least).collect();
        let of = |number: fn(&Repeat) -> f64| median(those.iter().map(|r| number(r)).collect());
        serde_json::json!({
            "repeats": those.len(),
            "ms": of(Repeat::sum),
            "forward_ms": of(|r| r.forward),
            "backward_ms": of(|r| r.backward),
        })
    };
    let row = serde_json::json!({
        "batch": row.batch,
        "states": row.states,
        "steps": row.steps,
        "constant_matrix": row.constant_matrix,
        "threads": row.threads,
        "aim_ms": aim,
        "all": of(0.0),
        "own_cores": of(own),
    });
    println!("{row}");
}
