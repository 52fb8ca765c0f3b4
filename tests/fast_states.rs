//! States that follow an input that is held within a sample or less.

mod common;

use std::fs;
use std::path::Path;

use common::{estimate, mechc, run_in, terms};

/// An input that is switched every fourteen samples, 0.1 apart.
fn switched(folder: &Path) {
    let level = |i: usize| [0, 2, 1, 0, 2, 0, 1][(i / 14) % 7];
    let rows: String = (0..160).map(|i| format!("{:.1},{}\n", 0.1 * i as f64, level(i))).collect();
    fs::write(folder.join("u.csv"), format!("t,u\n{rows}")).expect("a file");
}

/// A fast state beside a slow one, and a model that is fitted to both.
fn fast(rate: u32, model: &str) -> String {
    format!(
        "model Fast {{ state x, y; input u held; x' = -{rate}*(x - u + y^2); y' = x - 2*y; initial x = 0, y = 0 }}
model M {{ state x, y; input u held; {model} }}
data along = csv(\"u.csv\") {{ time t }}
data d = simulate Fast {{ data along; noise 1%; seed 2 }}
fit M to d
"
    )
}

const HOLES: &str = "x' = ?terms(x, y^2, y, u); y' = ?terms(x, y, u, y^2)";

#[test]
fn rates_of_five_and_ten_in_a_sample_are_found() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    switched(folder.path());
    for rate in [50, 100] {
        let run = run_in(&folder, &fast(rate, HOLES), &[]).ok();
        let said = run.said();
        assert!(!said.contains("W11"), "{rate}: {said}");
        let terms = terms(&run.record());
        let truth = [("x", -1.0), ("y^2", -1.0), ("u", 1.0)].map(|(name, sign)| (name, sign * f64::from(rate)));
        let truth: Vec<(&str, f64)> = truth.into_iter().chain([("x", 1.0), ("y", -2.0)]).collect();
        assert_eq!(terms.len(), truth.len(), "{rate}: {terms:?}");
        for ((name, value, error), (of, truth)) in terms.iter().zip(truth) {
            assert!(
                name == of && (value - truth).abs() < 4.0 * error && *error < 0.07 * truth.abs(),
                "{rate}: {terms:?}"
            );
        }
    }
    let known = "param k = 20 in [1, 2000], c = 1 in [0, 10]; x' = -k*(x - u + y^2); y' = x - c*y";
    let run = run_in(&folder, &fast(100, known), &[]).ok();
    let said = run.said();
    assert!(!said.contains("W11"), "{said}");
    for (name, truth) in [("k", 100.0), ("c", 2.0)] {
        let [value, error] = estimate(&run.record(), name);
        assert!((value - truth).abs() < 4.0 * error && error < 0.05 * truth, "{value} +- {error} for {truth}");
    }
}

#[test]
fn rates_that_no_sample_sees_are_told_as_such() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    switched(folder.path());
    let run = run_in(&folder, &fast(500, HOLES), &[]).ok();
    let said = run.said();
    assert!(said.contains("W1103") && said.contains("`x` in `d` are too far apart for how fast it follows"), "{said}");
    assert!(
        said.contains("one sample behind each of")
            && said.contains("in a sample or larger")
            && said.contains("`let x = ...`"),
        "{said}"
    );
    // Where it comes to is found even so.
    let record = run.record();
    let terms = record["equations"][0]["terms"].as_array().expect("terms");
    let of = |name: &str| terms.iter().find(|t| t["term"] == name)?["coefficient"].as_f64();
    let [x, y, u] = ["x", "y^2", "u"].map(|name| of(name).expect("a term"));
    assert!((y / x - 1.0).abs() < 0.15 && (u / x + 1.0).abs() < 0.05, "{x} {y} {u}");
}

#[test]
fn what_is_left_one_sample_behind_jumps_is_seen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    switched(folder.path());
    // Of a rate of 2.5 in a sample a twelfth of the way is left.
    for (rate, is_told) in [(20, false), (25, false), (500, true)] {
        let model = fast(rate, HOLES);
        fs::write(folder.path().join("m.mech"), &model).expect("a file");
        let output = mechc(&folder, &["check", "m.mech", "--data"]);
        let said = &output.stderr;
        assert!(output.status.success() && said.contains("W1103") == is_told, "{rate}: {said}");
    }
}
