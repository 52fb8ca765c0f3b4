//! Processes that are noisy themselves: what is estimated of them scatters as its standard errors say, and their roughness is not that of coarse samples.

mod common;

use std::f64::consts::TAU;
use std::fmt::Write as _;

use common::{estimate, folder, run_in};
use serde_json::Value;

/// Normal numbers (Box & Muller) from a generator that is good enough for that.
fn normal(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    move || (-2.0 * uniform().ln()).sqrt() * (TAU * uniform()).cos()
}

/// Samples of `x' = -k x` with white noise of strength one, from its stationary distribution, seen with `noise`.
fn random_motion(k: f64, (samples, dt): (u32, f64), noise: f64, seed: u64) -> String {
    let mut random = normal(seed);
    for _ in 0..20 {
        random();
    }
    let kept = (-k * dt).exp();
    let kick = ((1.0 - kept * kept) / (2.0 * k)).sqrt();
    let mut x = random() / (2.0 * k).sqrt();
    let mut rows = "t,x\n".to_string();
    for i in 0..samples {
        let _ = writeln!(rows, "{:.4},{:.6}", dt * f64::from(i), x + noise * random());
        x = kept * x + kick * random();
    }
    rows
}

/// The record of a fit of the rate.
fn fitted(rows: &str) -> Value {
    let model = "model M { state x; param k = 2; x' = -k*x }\ndata d = csv(\"d.csv\") { time t }\nfit M to d\n";
    let folder = folder(&[("d.csv", rows)]);
    run_in(&folder, model, &[]).ok().record()
}

/// Of a process of length T that is seen closely the rate has the variance 2 k/T. Least squares of its steps alone would find no rate at all.
#[test]
fn a_rate_scatters_as_its_error_says() {
    const SEEDS: u64 = 24;
    for noise in [0.0, 0.1] {
        let (mut values, mut errors, mut inside) = (Vec::new(), Vec::new(), 0);
        for seed in 0..SEEDS {
            let record = fitted(&random_motion(1.0, (400, 0.1), noise, seed));
            let said = record["warnings"].to_string();
            assert!(said.contains("standard errors allow for process noise"), "seed {seed}: {said}");
            assert!(!said.contains("too far apart"), "seed {seed}: {said}");
            let [value, error] = estimate(&record, "k");
            inside += u32::from((value - 1.0).abs() < 2.0 * error);
            values.push(value);
            errors.push(error);
        }
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let (value, error) = (mean(&values), mean(&errors));
        let squares: Vec<f64> = values.iter().map(|v| (v - value) * (v - value)).collect();
        let spread = (squares.iter().sum::<f64>() / (SEEDS - 1) as f64).sqrt();
        println!("noise {noise}: {value:.3}, spread {spread:.3}, error {error:.3}, {inside} of {SEEDS} within two");
        assert!((0.85..1.25).contains(&value), "{noise}: {value}");
        // The square root of 2/40 is 0.22.
        assert!((0.18..0.3).contains(&error) && spread < 1.5 * error, "{noise}: {spread} {error}");
        assert!(inside >= 19, "{noise}: {inside}");
    }
}
