//! The golden cases of `tests/fixtures/relaxed_solve`, with the tolerances of `tests/relaxed_solve.rs`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::common::{Ran, command};
use super::{array, error, fixtures};

/// The options of `mechc solve` that a case of `cases.json` asks for.
fn options(case: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let number = |key: &str| case[key].as_f64().expect("a number").to_string();
    if case["variant"] == "mnn" {
        out.extend(["--slack".to_string(), "--alpha".into(), number("alpha"), "--gamma".into(), number("gamma")]);
    } else {
        out.push("--shared-steps".into());
    }
    if case["central"] == true {
        out.push("--central".into());
    }
    let weights =
        ["equation", "initial", "smooth"].map(|key| case["weights"][key].as_f64().expect("a weight").to_string());
    out.extend(["--weights".to_string(), weights.join(",")]);
    out
}

fn cases() -> Vec<Value> {
    let text = fs::read_to_string(fixtures().join("cases.json")).expect("the list of cases");
    serde_json::from_str(&text).expect("valid JSON")
}

/// Largest errors of the arrays of a golden case solved with further options, by name; `None` where the case is singular in single
/// precision, which has to be said. Without `instructions` the widest are used.
fn golden(folder: &Path, case: &Value, more: &[&str], instructions: &str) -> Option<Vec<(&'static str, f64)>> {
    let name = case["name"].as_str().expect("a name");
    let input = fixtures().join(format!("{name}.npz"));
    let mut args = vec!["solve".to_string(), input.display().to_string(), "--out".into(), "result.npz".into()];
    args.extend(options(case));
    args.extend(more.iter().map(|a| a.to_string()));
    let output = Ran::of(command(folder, args).env("MECHC_INSTRUCTIONS", instructions));
    let said = &output.stderr;
    if more.contains(&"f32") && output.status.code() == Some(5) {
        assert!(said.contains("N515") && said.contains("singular") && said.contains("--dtype f64"), "{said}");
        return None;
    }
    assert!(output.status.success() && output.stdout.is_empty(), "{name}: {said}");
    let result = folder.join("result.npz");
    let (shape, of_weights) = array(&result, "grad_weights").expect("gradients of the weights");
    assert!(shape == [3] && of_weights.iter().all(|x| x.is_finite()));
    let mut errors = Vec::new();
    for key in ["u", "eps", "grad_c", "grad_rhs", "grad_iv", "grad_h"] {
        let (expected, got) = (array(&input, key), array(&result, key));
        let empty = expected.as_ref().is_none_or(|(_, data)| data.is_empty());
        if empty && got.is_none() {
            continue;
        }
        let ((shape, expected), (got_shape, got)) = (expected.expect(key), got.expect(key));
        assert_eq!(shape, got_shape, "{name}: {key}");
        errors.push((key, error(&got, &expected)));
    }
    Some(errors)
}

fn tolerance(case: &Value) -> f64 {
    match case["steps"].as_u64() {
        Some(2000..) => 2e-7,
        Some(500..) => 1e-7,
        _ => 1e-9,
    }
}

/// Solves all golden cases.
fn check_golden(more: &[&str], instructions: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for case in cases() {
        for (key, e) in golden(folder.path(), &case, more, instructions).expect("a solution in double precision") {
            compared += 1;
            if e > tolerance(&case) {
                wrong.push(format!("{}: {key}: {e:e}", case["name"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{more:?} {instructions}\n{}", wrong.join("\n"));
    assert_eq!(compared, 12 * 6 - 1, "one case has no initial values");
}

#[test]
fn golden_cases_come_out_of_the_binary() {
    for more in [&[] as &[&str], &["--method", "qr"], &["--dtype", "mixed"], &["--refinements", "1", "--threads", "1"]]
    {
        check_golden(more, "");
    }
}

#[test]
fn narrower_instructions_solve_golden_cases() {
    for instructions in ["avx2", "portable"] {
        check_golden(&[], instructions);
        check_golden(&["--dtype", "mixed"], instructions);
    }
}

#[test]
fn single_precision_has_its_accuracy_or_refuses() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut solved = 0;
    for case in cases().iter().filter(|case| case["steps"].as_u64() < Some(100)) {
        let Some(errors) = golden(folder.path(), case, &["--dtype", "f32"], "") else { continue };
        let largest = errors.iter().fold(0.0, |m: f64, (_, e)| m.max(*e));
        assert!(largest > 1e-9 && largest < 0.1, "{}: {errors:?}", case["name"]);
        solved += 1;
    }
    assert!(solved >= 6, "{solved}");
}
