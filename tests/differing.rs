//! A parameter that differs between trajectories is named where one number for all of them does not fit, with the words to write.

mod common;

use common::{folder, run_in};

/// What a run of a model with these declarations says on standard error, as one line; the data are six trajectories of another model.
fn said(fitted: &str, data: &str) -> String {
    let truth = "model Truth {\n  state x\n  param k = 1, b = 0.5\n  x' = 1 - k*x - b*x^2\n  initial x = 3\n}\n";
    let source = format!("data run = simulate Truth({data} noise 2%; trajectories 6; seed 1 }}");
    let model = format!("model Decay {{\n  state x\n  {fitted}\n}}\n{truth}{source}\nfit Decay to run\n");
    run_in(folder(&[]), &model, &[]).ok().said()
}

const SHARED: &str = "param k = 1 in [0, 5]\n  x' = 1 - k*x";
const OWN: &str = "param k = 1 in [0, 5] per sample\n  x' = 1 - k*x";
const VARIED: &str = "b = 0) { steps 100; dt 0.05; vary k = normal(1, 0.3);";

#[test]
fn a_parameter_that_differs_is_named() {
    let named = said(SHARED, VARIED);
    for part in ["W1111", "no single `k` fits all 6 trajectories", "from 0.6", "`param k per sample`"] {
        assert!(named.contains(part), "{part}: {named}");
    }
    // It is why, so that nothing else is said of the process.
    assert!(!named.contains("any trajectory of the model"), "{named}");
}

#[test]
fn what_is_declared_or_does_not_differ_is_not() {
    for (fitted, data) in [(OWN, VARIED), (SHARED, "b = 0) { steps 100; dt 0.05;")] {
        let clean = said(fitted, data);
        assert!(!clean.contains("W1111") && !clean.contains("any trajectory of the model"), "{clean}");
    }
    // A term is missing, which no number for each trajectory makes up for.
    let missing = said(SHARED, "b = 0.5) { steps 100; dt 0.05;");
    assert!(!missing.contains("no single"), "{missing}");
    assert!(missing.contains("any trajectory of the model") || missing.contains("W1111"), "{missing}");
}
