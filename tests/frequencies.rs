//! Frequencies of forcings: over many periods a start that is off by a few per cent leads to a wrong minimum, and the run says where the right one is.

use std::fs;
use std::process::{Command, Output};

/// 25 periods of an oscillator that is forced with the frequency 1.3, and a fit that starts elsewhere.
fn model(start: &str) -> String {
    format!(
        "model Truth {{
  state x
  param w = 1.3
  x'' = -4*x - 0.3*x' + 2*sin(w*t)
  initial x = 1, x' = 0
}}
model Driven {{
  state x
  param k, c, a, w = {start} in [0.5, 3]
  x'' = -k*x - c*x' + a*sin(w*t)
}}
data d = simulate Truth {{ steps 601; dt 0.2; noise 2%; seed 1 }}
fit Driven to d
"
    )
}

fn run(folder: &std::path::Path, start: &str, out: &str) -> (Output, serde_json::Value) {
    fs::write(folder.join("m.mech"), model(start)).expect("a written file");
    let arguments = ["run", "m.mech", "--out", out];
    let output = Command::new(env!("CARGO_BIN_EXE_mechc")).args(arguments).current_dir(folder).output();
    let output = output.expect("the compiler runs");
    let text = fs::read_to_string(folder.join(out).join("equations.json")).expect("equations");
    (output, serde_json::from_str(&text).expect("JSON"))
}

fn frequency(found: &serde_json::Value) -> f64 {
    let parameters = found["parameters"].as_array().expect("parameters");
    let w = parameters.iter().find(|p| p["name"] == "w").expect("the frequency");
    w["value"].as_f64().expect("a number")
}

/// From starts that are off by a fifth on both sides: the help leads to the frequency when it is followed.
#[test]
fn a_frequency_in_a_wrong_minimum_is_told_with_the_right_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for start in ["1.04", "1.56"] {
        let (output, found) = run(folder.path(), start, &format!("run{start}"));
        let said = String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(output.status.success(), "{said}");
        assert!((frequency(&found) - 1.3).abs() > 0.05, "{start}: the start is good enough");
        assert!(said.contains("the frequency `w` is in a wrong minimum"), "{start}: {said}");
        assert!(!said.contains("W1102") && !said.contains("W1120"), "{start}: {said}");
        let help = said.split("start it there, `param w = ").nth(1).expect("a help");
        let value = help.split('`').next().expect("a value");
        let (again, found) = run(folder.path(), value, &format!("again{start}"));
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        assert!((frequency(&found) - 1.3).abs() < 1e-3 && !said.contains("W1111"), "{start}: {said}");
    }
}

/// Nothing is said of a frequency that was found.
#[test]
fn a_good_start_is_enough() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (output, found) = run(folder.path(), "1.32", "run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!((frequency(&found) - 1.3).abs() < 1e-3 && !said.contains("frequency"), "{said}");
}

/// The fits that are made for this are shared out, and a frequency that starts nowhere keeps no other from its own.
#[test]
fn each_frequency_is_looked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for others in ["v in [0.99, 1.01]", "v = 1 in [0.99, 1.01]", "v = 1"] {
        let model = format!(
            "model Truth {{ state x; x' = -0.4*x + sin(t) + sin(3*t); initial x = 1 }}
model Driven {{ state x; param a = 0.4, {others}, w = 3.4; x' = -a*x + sin(v*t) + sin(w*t) }}
data d = simulate Truth {{ steps 601; dt 0.1; noise 2%; seed 1 }}
fit Driven to d
"
        );
        fs::write(folder.path().join("m.mech"), model).expect("a written file");
        let output =
            Command::new(env!("CARGO_BIN_EXE_mechc")).args(["run", "m.mech"]).current_dir(folder.path()).output();
        let said = String::from_utf8_lossy(&output.expect("the compiler runs").stderr)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(said.contains("the frequency `w` is in a wrong minimum"), "{others}: {said}");
    }
}
