//! Noise that grows with what is measured, or is larger in some experiments than in others, is told, and the way out that is told works.

mod common;
#[path = "common/noise.rs"]
mod noise;

use std::fs;
use std::path::Path;

use common::{estimate, run_in};
use noise::noise;

/// A table of c' = c*(1 - c/10), from 0.3 on, with what `noisy` makes of a value and a random number.
fn table(seed: u64, noisy: impl Fn(f64, f64) -> f64) -> String {
    let mut random = noise(seed);
    let rows = (0..101).map(|i| {
        let t = 0.1 * f64::from(i);
        let c = 10.0 / (1.0 + (10.0 / 0.3 - 1.0) * (-t).exp());
        format!("{t:.1},{:.8}\n", noisy(c, random()))
    });
    format!("t,conc\n{}", rows.collect::<String>())
}

/// What a run says on standard error, and the estimate of r with its error.
fn run(folder: &Path, data: &str, model: &str, column: &str) -> (String, [f64; 2]) {
    fs::write(folder.join("d.csv"), data).expect("a table");
    let model = format!(
        "model M {{ param r, k in [0, 5]; {model} }}\ndata d = csv(\"d.csv\") {{ time t; {column} }}\nfit M to d\n"
    );
    let ran = run_in(folder, &model, &[]).ok();
    (ran.said(), estimate(&ran.record(), "r"))
}

const PLAIN: &str = "state c; c' = r*c - 0.1*k*c^2";
const LOGARITHM: &str = "state lc; let c = exp(lc); lc' = (r*c - 0.1*k*c^2)/c";

#[test]
fn noise_that_grows_is_told_with_a_way_out_that_works() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut before, mut behind, mut told) = (0.0, 0.0, 0);
    for seed in 0..16 {
        let data = table(seed, |c, e| c * (1.0 + 0.05 * e));
        let (said, [r, error]) = run(folder.path(), &data, PLAIN, "c = conc");
        if said.contains("W1126") {
            told += 1;
            for part in ["the noise of `c` grows with its size", "`state lc; let c = exp(lc)`", "`lc = ln(conc)`"] {
                assert!(said.contains(part), "{part}: {said}");
            }
        }
        before += ((r - 1.0) / error).powi(2) / 16.0;
        let (said, [r, error]) = run(folder.path(), &data, LOGARITHM, "lc = ln(conc)");
        assert!(!said.contains("W1126"), "{said}");
        behind += ((r - 1.0) / error).powi(2) / 16.0;
    }
    assert!(told >= 14, "{told}");
    // Squares of errors in units of what is told of them: one where that is right.
    assert!((0.4..1.9).contains(&behind), "{before} {behind}");
}

#[test]
fn even_noise_and_wrong_laws_are_not_taken_for_noise_that_grows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for seed in 0..16 {
        let (said, _) = run(folder.path(), &table(seed, |c, e| c + 0.2 * e), PLAIN, "c = conc");
        assert!(!said.contains("W1126"), "{said}");
    }
    let (said, _) = run(folder.path(), &table(1, |c, e| c * (1.0 + 0.05 * e)), "state c; c' = r - 0.1*k*c", "c = conc");
    assert!(!said.contains("W1126"), "{said}");
}

/// Two experiments of c' = c*(1 - c/10), the second one of which is as noisy as the first, or a tenth so.
fn two_experiments(seed: u64, quiet: f64) -> String {
    let mut random = noise(seed);
    let mut rows = "exp,t,conc,size\n".to_string();
    for (name, from, size) in [("a", 0.3, 1.0), ("b", 0.6, quiet)] {
        for i in 0..50 {
            let t = 0.2 * f64::from(i);
            let c = 10.0 / (1.0 + (10.0 / from - 1.0) * (-t).exp());
            rows += &format!("{name},{t:.1},{:.8},{size}\n", c + 0.4 * size * random());
        }
    }
    rows
}

#[test]
fn noise_of_experiments_that_differs_is_told_with_a_way_out_that_works() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut before, mut behind, mut told) = (0.0, 0.0, 0);
    let scaled = "input size held; state c_s; let c = size*c_s; c_s' = (r*c - 0.1*k*c^2)/size";
    for seed in 0..16 {
        let data = two_experiments(seed, 0.3);
        let (said, [r, error]) = run(folder.path(), &data, PLAIN, "trajectory exp; c = conc");
        before += ((r - 1.0) / error).powi(2) / 16.0;
        let parts = [
            "W1126",
            "the noise of `c` is not the same in all trajectories: 0.",
            " in `b`, 0.",
            " in `a`; it was taken for the same",
            "`input size held`",
            "`state c_s; let c = size*c_s`",
            "`c_s = conc/size`",
        ];
        told += usize::from(parts.iter().all(|part| said.contains(part)));
        let (said, [r, error]) = run(folder.path(), &data, scaled, "trajectory exp; c_s = conc/size");
        assert!(!said.contains("W1126"), "{said}");
        behind += ((r - 1.0) / error).powi(2) / 16.0;
        let (said, _) = run(folder.path(), &two_experiments(seed, 1.0), PLAIN, "trajectory exp; c = conc");
        assert!(!said.contains("W1126"), "{said}");
    }
    assert!(told >= 15, "{told}");
    assert!((0.4..1.9).contains(&behind), "{before} {behind}");
}
