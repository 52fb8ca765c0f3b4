//! Data that were smoothed are told from data that a model does not describe.

mod common;
#[path = "common/noise.rs"]
mod noise;

use common::{folder, run_in};
use noise::noise;

/// A table of a damped oscillation with noise, of which means over `width` samples were taken.
fn table(width: usize) -> String {
    table_of(width, |t| {
        let decay = (-0.1 * t).exp();
        [decay * t.cos(), -decay * (t.sin() + 0.1 * t.cos())]
    })
}

/// The same of another motion.
fn table_of(width: usize, motion: impl Fn(f64) -> [f64; 2]) -> String {
    let mut random = noise(3);
    let raw: Vec<[f64; 2]> = (0..420).map(|i| motion(0.05 * f64::from(i)).map(|x| x + 0.05 * random())).collect();
    let mut out = "t,x,v\n".to_string();
    for (i, part) in raw.windows(width).take(400).enumerate() {
        let [x, v] = [0, 1].map(|c| part.iter().map(|row| row[c]).sum::<f64>() / width as f64);
        out += &format!("{:.4},{x:.6},{v:.6}\n", 0.05 * (i as f64 + 0.5 * (width - 1) as f64));
    }
    out
}

/// What a run of a fit to the table says on standard error.
fn said(data: &str, equations: &str) -> String {
    let model = format!("model M {{ state x, v; {equations} }}\ndata d = csv(\"d.csv\") {{ time t }}\nfit M to d\n");
    run_in(folder(&[("d.csv", data)]), &model, &[]).ok().said()
}

#[test]
fn smoothed_data_are_told() {
    let right = "x' = v; v' = ?terms(x, v)";
    let smooth = said(&table(5), right);
    for part in ["W1117", "noise of `x`", "these data were smoothed", "as they were measured"] {
        assert!(smooth.contains(part), "{part}: {smooth}");
    }
    assert!(!smooth.contains("W1111"), "{smooth}");
    let raw = said(&table(1), right);
    assert!(!raw.contains("W1117") && !raw.contains("W1111"), "{raw}");
    // A term is missing: the residuals go with the motion.
    let missing = said(&table(1), "x' = v; v' = ?terms(x)");
    assert!(!missing.contains("W1117"), "{missing}");
}

/// Where a fit takes what smoothing leaves for noise of the process, one to samples that lie further apart tells.
#[test]
fn smoothed_data_are_told_from_noise_of_the_process() {
    let all = "(x, v)' = ?poly(x, v; degree = 2)";
    let smooth = said(
        &table_of(5, |t| [3.0 * (-0.2 * t).exp(), 2.0 / (1.0 + 9.0 * (-0.5 * t).exp())]),
        "x' = ?poly(x; degree = 2); v' = ?poly(v; degree = 2)",
    );
    for part in ["W1117", "every 8th sample follows a trajectory", "were smoothed, or noise of the process dies away"] {
        assert!(smooth.contains(part), "{part}: {smooth}");
    }
    assert!(!smooth.contains("W1119"), "{smooth}");
    let kicked = said(&kicked(), all);
    assert!(kicked.contains("W1119") && !kicked.contains("W1117"), "{kicked}");
}

/// The same oscillation, kicked at every sample.
fn kicked() -> String {
    let (mut random, mut out) = (noise(5), "t,x,v\n".to_string());
    let [mut x, mut v] = [1.0, 0.0];
    for i in 0..400 {
        out += &format!("{:.4},{:.6},{:.6}\n", 0.05 * f64::from(i), x + 0.01 * random(), v + 0.01 * random());
        for _ in 0..50 {
            (x, v) = (x + 0.001 * v, v - 0.001 * (x + 0.2 * v));
        }
        (x, v) = (x + 0.02 * random(), v + 0.02 * random());
    }
    out
}
