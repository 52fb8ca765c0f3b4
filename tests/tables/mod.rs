//! Tables of solutions, and what a model that is fitted to one gives.

use std::fmt::Write as _;

use serde_json::Value;

#[path = "../common/mod.rs"]
pub mod common;

/// A table of the solution of `x' = f(x)` with a little that looks like noise, times a factor; `shown` are the columns.
pub fn table<const N: usize>(
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
pub fn fitted(data: &str, model: &str, columns: &str) -> Value {
    fitted_as(data, model, (columns, ""))
}

/// The same with settings of the fit.
pub fn fitted_as(data: &str, model: &str, (columns, settings): (&str, &str)) -> Value {
    imported(data, model, columns, &format!("fit M to d {{ {settings} }}"))
}

/// The same with any fit to `d`, such as of a model that is imported.
pub fn imported(data: &str, model: &str, columns: &str, fit: &str) -> Value {
    let fit = format!("{model}\ndata d = csv(\"d.csv\") {{ time t; trajectory k; {columns} }}\n{fit}\n");
    let folder = common::folder(&[("d.csv", data)]);
    common::run_in(&folder, &fit, &[]).ok().record()
}

/// The numbers of a record that have an error, with it: parameters, and the terms of equation after equation with what is inside them.
pub fn numbers(record: &Value) -> Vec<[f64; 2]> {
    let pair = |of: &Value, what: &str| Some([of[what].as_f64()?, of["std_error"].as_f64()?]);
    let list = |of: &Value| of.as_array().cloned().unwrap_or_default();
    let mut out: Vec<[f64; 2]> = list(&record["parameters"]).iter().filter_map(|p| pair(p, "value")).collect();
    for term in list(&record["equations"]).iter().flat_map(|e| list(&e["terms"])) {
        out.extend(pair(&term, "coefficient"));
        out.extend(list(&term["inside"]).iter().filter_map(|i| pair(i, "coefficient")));
    }
    out
}
