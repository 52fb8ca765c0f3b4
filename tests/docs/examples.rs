//! Every example that runs in a moment finds what made its data, and the tables of measurements are what their files make.

use std::fs;
use std::path::PathBuf;

use mechc::diagnostics::{Format, Levels};
use mechc::driver::conformance::CONSTRUCTS;
use mechc::driver::{Outcome, RunOptions, Session, TestOptions, run_tests};
use mechc::train::Silent;

/// What an example must find.
struct Truth {
    file: &'static str,
    /// Terms of holes: state, term, coefficient.
    terms: &'static [(&'static str, &'static str, f64)],
    /// How many terms the equation of a state has, known ones included.
    sizes: &'static [(&'static str, usize)],
    /// Every estimated parameter.
    parameters: &'static [(&'static str, f64)],
    /// Largest relative error.
    tolerance: f64,
}

/// The truth stands in the header of each example. Tolerances are about three standard errors.
const TRUTHS: [Truth; 10] = [
    Truth {
        file: "lotka_volterra.mech",
        terms: &[],
        sizes: &[("u", 2), ("w", 2)],
        parameters: &[("alpha", 1.1), ("beta", 0.4), ("gamma", 0.4), ("delta", 0.1)],
        tolerance: 0.015,
    },
    Truth {
        file: "prey.mech",
        terms: &[("u", "u*w", -0.4), ("w", "u*w", 0.1)],
        sizes: &[("u", 2), ("w", 2)],
        parameters: &[("growth", 1.1), ("death", 0.4)],
        tolerance: 0.004,
    },
    Truth {
        file: "epidemic.mech",
        terms: &[("s", "s*i", -0.5), ("i", "s*i", 0.5)],
        sizes: &[("s", 1), ("i", 2)],
        parameters: &[("removal", 0.1)],
        tolerance: 0.003,
    },
    Truth {
        file: "pendulum.mech",
        terms: &[("theta", "theta'", -0.1), ("theta", "theta'*abs(theta')", -0.05)],
        sizes: &[("theta", 3)],
        parameters: &[],
        tolerance: 0.015,
    },
    Truth {
        file: "oscillator.mech",
        terms: &[("x", "x", -1.0), ("x", "x'", 1.0), ("x", "x^2*x'", -1.0)],
        sizes: &[("x", 3)],
        parameters: &[],
        tolerance: 0.006,
    },
    Truth {
        file: "michaelis_menten.mech",
        terms: &[],
        sizes: &[],
        parameters: &[("V", 1.2), ("K", 0.4)],
        tolerance: 0.07,
    },
    Truth { file: "room.mech", terms: &[], sizes: &[], parameters: &[("tau", 5.0), ("effect", 0.8)], tolerance: 0.02 },
    Truth {
        file: "two_body.mech",
        terms: &[],
        sizes: &[],
        parameters: &[("m[1]", 1.0), ("m[2]", 1.0)],
        tolerance: 0.004,
    },
    Truth {
        file: "lorenz96.mech",
        terms: &[
            ("x", "1", 8.0),
            ("x", "x", -1.0),
            ("x", "x[site-2]*x[site-1]", -1.0),
            ("x", "x[site-1]*x[site+1]", 1.0),
        ],
        sizes: &[("x", 4)],
        parameters: &[],
        tolerance: 0.001,
    },
    Truth {
        file: "hidden.mech",
        terms: &[("y", "x", 28.0), ("y", "y", -1.0), ("y", "x*z", -1.0)],
        sizes: &[("x", 2), ("y", 3), ("z", 2)],
        parameters: &[],
        tolerance: 0.004,
    },
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The outcome of the only fit of a file, with its run directory.
fn run(file: &str) -> (Outcome, tempfile::TempDir) {
    let out = tempfile::tempdir().expect("a folder");
    let (mut session, name) = Session::open(&folder().join(file)).unwrap_or_else(|_| panic!("{file}"));
    let options = RunOptions { out: Some(out.path().to_path_buf()), threads: 2, ..RunOptions::default() };
    match session.run(&name, &options, &mut Silent) {
        Ok(mut outcomes) => (outcomes.remove(0), out),
        Err(failure) => panic!("{file}: {}", failure.render(session.sources(), Format::Short)),
    }
}

/// What an example gets wrong.
fn judge(truth: &Truth, outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let record = &outcome.record;
    let mut compare = |what: String, found: Option<f64>, true_value: f64| match found {
        Some(v) if (v - true_value).abs() <= truth.tolerance * true_value.abs() => {}
        found => wrong.push(format!("{}: {what} is {found:?}, not {true_value}", truth.file)),
    };
    for (state, term, value) in truth.terms {
        let equation = record.equations.iter().find(|e| e.state == *state);
        let found = equation.and_then(|e| e.terms.iter().find(|t| t.term == *term)).map(|t| t.coefficient);
        compare(format!("{term} in the equation of {state}"), found, *value);
    }
    for (name, value) in truth.parameters {
        let found = record.parameters.iter().find(|p| p.name == *name).map(|p| p.value);
        compare(format!("the parameter {name}"), found, *value);
    }
    for (state, size) in truth.sizes {
        let equation = record.equations.iter().find(|e| e.state == *state);
        let terms: Vec<&str> = equation.iter().flat_map(|e| &e.terms).map(|t| t.term.as_str()).collect();
        if terms.len() != *size {
            wrong.push(format!("{}: the equation of {state} holds {}", truth.file, terms.join(", ")));
        }
    }
    wrong
}

#[test]
fn examples_find_what_made_their_data() {
    let mut wrong = Vec::new();
    for truth in &TRUTHS {
        let (outcome, out) = run(truth.file);
        wrong.extend(judge(truth, &outcome));
        let (mut session, name) =
            Session::open(&out.path().join("discovered.mech")).unwrap_or_else(|_| panic!("opened"));
        if let Err(failure) = session.check(&name, &[]) {
            let shown = failure.render(session.sources(), Format::Short);
            wrong.push(format!("{}: discovered.mech does not check: {shown}", truth.file));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Examples with tests of their own that take a moment.
const TESTED: [&str; 7] =
    ["burgers.mech", "bvp.mech", "damped_sine.mech", "formula.mech", "isomers.mech", "sine.mech", "three_body.mech"];

/// What the tests of these files say fails.
fn failed(paths: &[PathBuf]) -> Vec<String> {
    let options =
        TestOptions { filter: None, overrides: Vec::new(), update: false, levels: Levels::default(), threads: 2 };
    let mut failed = Vec::new();
    for file in run_tests(paths, &options) {
        assert!(file.declared > 0, "{} has tests", file.path.display());
        let Ok(outcomes) = &file.outcomes else { panic!("{} is not tested", file.path.display()) };
        let messages = outcomes.iter().flat_map(|o| &o.failures).map(|failure| &failure.message);
        failed.extend(messages.map(|message| format!("{}: {message}", file.path.display())));
    }
    failed
}

#[test]
fn tests_of_examples_pass() {
    let paths: Vec<PathBuf> = TESTED.iter().map(|name| folder().join(name)).collect();
    let failed = failed(&paths);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Small models with every construct of the language: fitted by each engine that takes them, solved and predicted, and what comes out is what made
/// their data.
#[test]
fn tests_of_constructs_pass() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/constructs");
    let paths: Vec<PathBuf> =
        CONSTRUCTS.iter().map(|(name, _)| folder.join(name.trim_start_matches("constructs/"))).collect();
    let failed = failed(&paths);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn tables_of_measurements_are_what_their_files_make() {
    for name in ["enzyme", "room", "lorenz"] {
        let path = folder().join("data").join(format!("{name}.mech"));
        let (mut session, file) = Session::open(&path).unwrap_or_else(|_| panic!("{name}"));
        let made = match session.simulate(&file, &[], None) {
            Ok(dataset) => dataset.to_csv(),
            Err(failure) => panic!("{name}: {}", failure.render(session.sources(), Format::Short)),
        };
        let shipped = fs::read_to_string(path.with_extension("csv")).expect("a table");
        assert_eq!(made.lines().count(), shipped.lines().count(), "{name}");
        for (made, shipped) in made.lines().zip(shipped.lines()) {
            // The last digits may depend on the machine, and chaos makes them grow.
            let same =
                made.split(',').zip(shipped.split(',')).all(|(a, b)| match (a.parse::<f64>(), b.parse::<f64>()) {
                    (Ok(a), Ok(b)) => (a - b).abs() <= 1e-6 * (1.0 + b.abs()),
                    _ => a == b,
                });
            assert!(same, "{name}: {made} is not {shipped}");
        }
    }
}
