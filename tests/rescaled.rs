//! The unit in which data are written does not matter: the same model with all states times a factor gives the same equations.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::Value;

/// States that are written in another unit.
const FACTORS: [f64; 3] = [1e-9, 10.0, 1e6];

/// Relative difference that counts as none.
const SAME: f64 = 1e-6;

/// A table of the solution of `x' = f(x)` with a little that looks like noise, times a factor; `shown` are the columns.
fn table<const N: usize>(
    f: fn([f64; N]) -> [f64; N],
    starts: &[[f64; N]],
    (samples, h, noise): (usize, f64, f64),
    (factor, shown): (f64, &[(usize, &str)]),
) -> String {
    let names: Vec<&str> = shown.iter().map(|(_, name)| *name).collect();
    let mut out = format!("k,t,{}\n", names.join(","));
    let along = |x: [f64; N], s: f64, d: [f64; N]| -> [f64; N] { std::array::from_fn(|c| x[c] + s * d[c]) };
    for (k, start) in starts.iter().enumerate() {
        let mut x = *start;
        for i in 0..samples {
            let _ = write!(out, "{k},{}", h * i as f64);
            for (c, _) in shown {
                let wave = (12.9898 * (i + 1 + samples * k) as f64 + 78.233 * (c + 1) as f64).sin() * 43758.5453;
                let _ = write!(out, ",{:e}", factor * (x[*c] + noise * (wave.rem_euclid(1.0) - 0.5)));
            }
            out.push('\n');
            for _ in 0..20 {
                let s = h / 20.0;
                let a = f(x);
                let b = f(along(x, 0.5 * s, a));
                let c = f(along(x, 0.5 * s, b));
                let d = f(along(x, s, c));
                x = std::array::from_fn(|j| x[j] + s / 6.0 * (a[j] + 2.0 * b[j] + 2.0 * c[j] + d[j]));
            }
        }
    }
    out
}

/// The record of a model fitted to a table.
fn fitted(data: &str, model: &str, columns: &str) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fit = format!("{model}\ndata d = csv(\"d.csv\") {{ time t; trajectory k; {columns} }}\nfit M to d\n");
    fs::write(folder.path().join("d.csv"), data).expect("a table");
    fs::write(folder.path().join("m.mech"), fit).expect("a model");
    let output = Command::new(env!("CARGO_BIN_EXE_mechc"))
        .args(["run", "m.mech", "--out", "out"])
        .current_dir(folder.path())
        .output()
        .expect("mechc starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(folder.path().join("out/record.json")).expect("a record");
    serde_json::from_str(&text).expect("JSON")
}

/// The numbers of a record that have an error, with it: parameters, and the terms of equation after equation with what is inside them.
fn numbers(record: &Value) -> Vec<[f64; 2]> {
    let pair = |of: &Value, what: &str| Some([of[what].as_f64()?, of["std_error"].as_f64()?]);
    let list = |of: &Value| of.as_array().cloned().unwrap_or_default();
    let mut out: Vec<[f64; 2]> = list(&record["parameters"]).iter().filter_map(|p| pair(p, "value")).collect();
    for term in list(&record["equations"]).iter().flat_map(|e| list(&e["terms"])) {
        out.extend(pair(&term, "coefficient"));
        out.extend(list(&term["inside"]).iter().filter_map(|i| pair(i, "coefficient")));
    }
    out
}

/// Whether numbers are those in the first unit, each times a power of the factor.
fn same(first: &[[f64; 2]], other: &[[f64; 2]], factor: f64, powers: &[i32]) {
    assert_eq!((first.len(), other.len()), (powers.len(), powers.len()), "{first:?} {other:?}");
    for ((a, b), &power) in first.iter().zip(other).zip(powers) {
        for (a, b) in a.iter().zip(b) {
            let b = b * factor.powi(-power);
            assert!((a - b).abs() <= SAME * a.abs(), "{factor}: {a} {b}");
        }
    }
}

#[test]
fn a_state_that_is_never_observed() {
    let f = |[s, e, i]: [f64; 3]| [-0.9 * s * i, 0.9 * s * i - 0.4 * e, 0.4 * e - 0.25 * i];
    let run = |factor: f64| {
        let data = table(f, &[[0.97, 0.02, 0.01]], (100, 0.4, 0.01), (factor, &[(0, "S"), (2, "I")]));
        let model = format!(
            "model M {{
  state S, E, I
  param b = {:e}, s = 0.4, g = 0.25
  S' = -b*S*I
  E' = b*S*I - s*E
  I' = s*E - g*I
  initial S = {:e}, E = {:e}, I = {:e}
}}",
            0.9 / factor,
            0.97 * factor,
            0.02 * factor,
            0.01 * factor
        );
        numbers(&fitted(&data, &model, "S = S; I = I")).into_iter().take(3).collect::<Vec<_>>()
    };
    let first = run(1.0);
    for ([value, error], truth) in first.iter().zip([0.9, 0.4, 0.25]) {
        assert!((value - truth).abs() < 4.0 * error && error / truth < 0.1, "{value} {error} {truth}");
    }
    for factor in FACTORS {
        same(&first, &run(factor), factor, &[-1, 0, 0]);
    }
}

#[test]
fn a_state_without_a_first_guess() {
    let f = |[x, y, z]: [f64; 3]| [10.0 * (y - x), 28.0 * x - y - x * z, x * y - 8.0 / 3.0 * z];
    let run = |factor: f64| {
        let data = table(f, &[[1.0, 1.0, 20.0]], (600, 0.01, 0.2), (factor, &[(0, "x"), (1, "y")]));
        let model = format!(
            "model M {{
  state x, y, z
  x' = 10*(y - x)
  y' = ?terms(x, y, x*z)
  z' = {:e}*x*y - 8/3*z
}}",
            1.0 / factor
        );
        numbers(&fitted(&data, &model, "x = x; y = y"))
    };
    let first = run(1.0);
    for factor in FACTORS {
        same(&first, &run(factor), factor, &[0, 0, -1]);
    }
}

#[test]
fn terms_of_a_denominator() {
    let f = |[s]: [f64; 1]| [-2.0 * s / (0.8 + s)];
    let run = |factor: f64| {
        let data = table(f, &[[5.0], [2.0]], (150, 0.03, 0.05), (factor, &[(0, "s")]));
        let model = "model M { state s; s' = -?ratio(terms(s), terms(s, s^2)) }";
        numbers(&fitted(&data, model, "s = s"))
    };
    let first = run(1.0);
    let truth = [-2.5, 1.25];
    assert!(first.iter().zip(truth).all(|([value, error], truth)| (value - truth).abs() < 4.0 * error), "{first:?}");
    for factor in FACTORS {
        same(&first, &run(factor), factor, &[0, -1]);
    }
}

#[test]
fn a_parameter_without_a_start() {
    let f = |[x, y]: [f64; 2]| {
        let r = 2.0 * x / (0.5 + x);
        [-r + 0.2 * y, r - 0.3 * y]
    };
    let starts = [[4.0, 0.5], [2.0, 0.0], [1.0, 0.9]];
    let run = |factor: f64| {
        let data = table(f, &starts, (120, 0.1, 0.05), (factor, &[(0, "x"), (1, "y")]));
        let model = "model M {
  state x, y
  param K
  hole r = ?terms(x/(K + x), x, x^2)
  x' = -r + ?terms(1, y)
  y' = r - ?terms(y, 1)
}";
        numbers(&fitted(&data, model, "x = x; y = y"))
    };
    let first = run(1.0);
    let [k, error] = first[0];
    assert!((k - 0.5).abs() < 4.0 * error && error < 0.1, "{k} {error}");
    for factor in FACTORS {
        same(&first, &run(factor), factor, &[1, 1, 0, 0]);
    }
}
