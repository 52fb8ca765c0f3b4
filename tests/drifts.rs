//! A sensor that drifts is told from an equation that lacks a term, with its column and a way out that works.

mod common;

use std::fs;
use std::path::Path;

use common::{mechc, run_in};

/// A table of prey and predators with noise; `drift` is added to the prey from the first sample to the last.
fn table(folder: &Path, drift: f64) {
    let model =
        "use std.systems.LotkaVolterra\ndata d = simulate LotkaVolterra { steps 400; dt 0.1; noise 5%; seed 3 }\n";
    fs::write(folder.join("s.mech"), model).expect("a model");
    mechc(folder, &["simulate", "s.mech", "--out", "s.csv"]).ok();
    let clean = fs::read_to_string(folder.join("s.csv")).expect("a table");
    let mut out = "t,u,w\n".to_string();
    for line in clean.lines().skip(1) {
        let row: Vec<f64> = line.split(',').map(|cell| cell.parse().expect("a number")).collect();
        let [t, u, w] = row[..] else { panic!("{line}") };
        out += &format!("{t:.1},{:.5},{w:.5}\n", u + drift * t / 39.9);
    }
    fs::write(folder.join("d.csv"), out).expect("a table");
}

/// What a run of this model and data block says: results, and the rest as one line.
fn run(folder: &Path, model: &str, settings: &str) -> (String, String) {
    let text = format!("model Prey {{\n{model}\n}}\ndata d = csv(\"d.csv\") {{ {settings} }}\nfit Prey to d\n");
    let run = run_in(folder, &text, &[]).ok();
    (run.stdout.clone(), run.said())
}

const PARAMS: &str = "param a = 1 in [0, 3], b = 0.5 in [0, 3], c = 0.1 in [0, 3], d = 0.5 in [0, 3]";
const LAWS: &str = "u' = a*u - b*u*w; w' = c*u*w - d*w";

#[test]
fn a_sensor_that_drifts_is_told_with_a_way_out_that_works() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    table(folder, 2.0);
    let model = format!("state u, w; {PARAMS}; {LAWS}");
    let (_, said) = run(folder, &model, "time t");
    for part in ["W1118", "leaves over of `u` goes steadily up", "`u_read' = u' + drift`"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("W1111") && !said.contains("any trajectory of the model"), "{said}");
    let mended = format!("state u, w, u_read; {PARAMS}, drift; {LAWS}; u_read' = u' + drift");
    let (found, said) = run(folder, &mended, "time t; u_read = u; w = w");
    assert!(!said.contains("W1118") && !said.contains("any trajectory of the model"), "{said}");
    // A change by 2 in 39.9.
    let drift = found.lines().find_map(|line| line.trim().strip_prefix("drift")).expect("an estimate");
    let value: f64 =
        drift.trim_start_matches([' ', '=']).split(' ').next().and_then(|v| v.parse().ok()).expect("a number");
    assert!((value - 0.0501).abs() < 0.01, "{drift}");
}

#[test]
fn clean_data_and_missing_terms_are_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    table(folder, 0.0);
    for model in [format!("state u, w; {PARAMS}; {LAWS}"), "state u, w; (u, w)' = ?linear(1, u, w)".to_string()] {
        let (_, said) = run(folder, &model, "time t");
        assert!(!said.contains("W1118"), "{said}");
    }
}
