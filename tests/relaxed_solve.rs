//! Golden cases of the relaxed solve: outputs and gradients of both published implementations, see
//! `tests/fixtures/relaxed_solve/README.md`. Tolerance: the largest error of an array relative to its largest number, 1e-9; 1e-7 with
//! 500 steps; 2e-7 with 2,000 steps, where the golden solution itself is 1.0e-7 away from the exact one.

use std::path::PathBuf;

use mechc::solve::relaxed::{
    Border, Coefficients, DataRows, Method, Precision, Problem, RowWeights, Scheme, Shape, Slack, SolveError, Steps,
    Wanted, Weights, factor,
};
use npyz::npz::NpzArchive;
use serde_json::Value;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/relaxed_solve")
}

/// The named array, empty where the case has none.
fn array(case: &str, name: &str) -> Vec<f64> {
    let mut archive = NpzArchive::open(fixtures().join(format!("{case}.npz"))).expect("a fixture");
    match archive.by_name(name).expect("a readable array") {
        Some(array) => array.into_vec::<f64>().expect("f64"),
        None => Vec::new(),
    }
}

/// Largest error relative to the largest expected number; infinite where something is not a number.
fn error(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let scale = expected.iter().fold(1e-300, |m: f64, x| m.max(x.abs()));
    got.iter().zip(expected).map(|(a, b)| (a - b).abs() / scale).fold(0.0, |m, e| {
        if e <= m {
            m
        } else if e.is_nan() {
            f64::INFINITY
        } else {
            e
        }
    })
}

/// A problem and the arrays that it borrows.
struct Case {
    name: String,
    shape: Shape,
    scheme: Scheme,
    c: Vec<f64>,
    rhs: Vec<f64>,
    iv: Vec<f64>,
    h: Vec<f64>,
    per_state: bool,
}

impl Case {
    fn problem(&self) -> Problem<'_> {
        Problem {
            shape: self.shape,
            scheme: self.scheme,
            c: Coefficients::PerSample(&self.c),
            rhs: &self.rhs,
            iv: &self.iv,
            h: Steps { values: &self.h, per_sample: true, per_state: self.per_state },
            row_weights: RowWeights::default(),
            data: DataRows::default(),
            border: Border::default(),
        }
    }
}

fn read(case: &Value) -> Case {
    let size = |key: &str| case[key].as_u64().expect("a size") as usize;
    let number = |key: &str| case[key].as_f64().expect("a number");
    let name = case["name"].as_str().expect("a name");
    let mnn = case["variant"] == "mnn";
    let shape = Shape {
        batch: size("batch"),
        equations: size("equations"),
        steps: size("steps"),
        states: size("dims"),
        orders: size("order") + 1,
        initial_steps: size("iv_steps"),
        initial_orders: size("iv_orders"),
    };
    let weight = |key: &str| case["weights"][key].as_f64().expect("a weight");
    let scheme = Scheme {
        slack: mnn.then(|| Slack { alpha: number("alpha"), gamma: number("gamma") }),
        central: case["central"] == true,
        weights: Weights { equation: weight("equation"), initial: weight("initial"), smooth: weight("smooth") },
        ..Scheme::published()
    };
    let [c, rhs, iv, h] = ["c", "rhs", "iv", "h"].map(|key| array(name, key));
    // Where the states share the step the array repeats it, and its gradient is expected for the shared one.
    let expected_h = array(name, "grad_h");
    let per_state = expected_h.len() == h.len();
    let h = if per_state { h } else { h.chunks_exact(shape.states).map(|x| x[0]).collect() };
    Case { name: name.to_owned(), shape, scheme, c, rhs, iv, h, per_state }
}

/// What is out of tolerance.
fn check(case: &Case) -> Vec<(String, f64)> {
    let tolerance = match case.shape.steps {
        2000.. => 2e-7,
        500.. => 1e-7,
        _ => 1e-9,
    };
    errors(case).into_iter().filter(|(_, e)| *e > tolerance).collect()
}

/// The largest relative error of each array.
fn errors(case: &Case) -> Vec<(String, f64)> {
    let problem = case.problem();
    let upstream = array(&case.name, "upstream");
    let factor = factor(&problem).expect("a regular system");
    let solution = factor.solve(&problem).expect("a finite solution");
    let gradients = factor.adjoint(&problem, &solution, &upstream, None, Wanted::ALL).expect("finite gradients");
    let arrays = [
        ("u", &solution.u),
        ("eps", &solution.eps),
        ("grad_c", &gradients.c),
        ("grad_rhs", &gradients.rhs),
        ("grad_iv", &gradients.iv),
        ("grad_h", &gradients.h),
    ];
    arrays
        .into_iter()
        .map(|(key, got)| (format!("{}: {key}", case.name), error(got, &array(&case.name, key))))
        .collect()
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(fixtures().join("cases.json")).expect("the list of cases");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("valid JSON");
    cases.iter().map(read).collect()
}

#[test]
fn golden_cases() {
    let cases = cases();
    assert_eq!(cases.len(), 12);
    let wrong: Vec<_> = cases.iter().flat_map(check).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn golden_cases_by_rows_and_in_mixed_precision() {
    for (method, precision) in [(Method::Qr, Precision::Double), (Method::Normal, Precision::Mixed)] {
        let mut cases = cases();
        cases.iter_mut().for_each(|case| (case.scheme.method, case.scheme.precision) = (method, precision));
        let wrong: Vec<_> = cases.iter().flat_map(check).collect();
        assert!(wrong.is_empty(), "{method:?}, {precision:?}: {wrong:#?}");
    }
}

#[test]
fn golden_cases_in_single_precision() {
    // The cases of more than 100 steps are singular in single precision.
    for mut case in cases().into_iter().filter(|case| case.shape.steps <= 100) {
        case.scheme.precision = Precision::Single;
        if let Err(error) = factor(&case.problem()) {
            let known = ["mnn_coupled_three_order3", "smnn_weighted_coupled"].contains(&case.name.as_str());
            assert!(matches!(error, SolveError::Singular { .. }) && known, "{}: {error}", case.name);
            continue;
        }
        for (name, e) in errors(&case) {
            println!("{name}: {e:.1e}");
            assert!(e < 2e-3, "{name}: {e:e}");
        }
    }
}

#[test]
fn refinement_reaches_full_accuracy() {
    let mut cases = cases();
    let case = cases.iter_mut().find(|case| case.name == "smnn_long_2000").expect("the case");
    let file = std::fs::read(fixtures().join("smnn_long_2000_exact_u.npy")).expect("the exact solution");
    let exact = npyz::NpyFile::new(&file[..]).expect("npy").into_vec::<f64>().expect("f64");
    let mut solve = |refinements| {
        case.scheme.refinements = refinements;
        let problem = case.problem();
        factor(&problem).and_then(|factor| factor.solve(&problem)).expect("a solution").u
    };
    // The normal equations square a condition number of about 1e5.
    assert!(error(&solve(0), &exact) > 1e-10);
    assert!(error(&solve(1), &exact) < 1e-12);
}

#[test]
fn one_correction_of_kept_residuals_is_enough_for_gradients() {
    let mut cases = cases();
    let case = cases.iter_mut().find(|case| case.name == "smnn_long_2000").expect("the case");
    let upstream = array(&case.name, "upstream");
    let mut gradients = |refinements, keeps_rows| {
        case.scheme = Scheme { refinements, keeps_rows, ..case.scheme };
        let problem = case.problem();
        let factor = factor(&problem).expect("a regular system");
        let solution = factor.solve(&problem).expect("a finite solution");
        let made = factor.adjoint(&problem, &solution, &upstream, None, Wanted::ALL).expect("finite gradients");
        [made.c, made.rhs, made.iv, made.h]
    };
    let settled = gradients(2, false);
    let errors = |found: [Vec<f64>; 4]| [0, 1, 2, 3].map(|i| error(&found[i], &settled[i]));
    // Of what residuals are differences of, eight of sixteen digits are lost.
    let [c, rhs, ..] = errors(gradients(1, false));
    assert!(c > 1e-9 && rhs > 1e-9, "{c:e}, {rhs:e}");
    let kept = errors(gradients(1, true));
    assert!(kept.iter().all(|e| *e < 1e-12), "{kept:?}");
}
