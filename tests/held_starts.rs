//! `initial held`: the starts that a model states hold for states that columns observe, too.

mod tables;

use serde_json::Value;
use tables::common::{folder, run, run_in};
use tables::{fitted, fitted_as, numbers, table};

/// A substrate and what an enzyme makes of it; nothing of the latter is there at first.
const MODEL: &str = "model M {
  state s, p
  param vmax = 1 in [0, 9], km = 1 in [0.01, 20]
  s' = -vmax*s/(km + s)
  p' = vmax*s/(km + s)
  initial s = 5, p = 0
}
";
const VMAX: f64 = 1.0;
const KM: f64 = 2.0;

/// The record of a fit to 20 samples with noise of 5 %, of `trajectories` that begin at these values or scatter around them.
fn simulated(start: &str, seed: usize, data: &str) -> Value {
    let truth = MODEL.replace("model M", "model Truth").replace("km = 1", "km = 2");
    let text = format!(
        "{truth}{MODEL}data d = simulate Truth {{ steps 20; dt 0.5; noise 5%; seed {seed}; {data} }}\nfit M to d {{ {start} }}\n"
    );
    run(&text).1
}

/// The numbers of a record with their errors.
fn estimates(record: &Value) -> [[f64; 2]; 2] {
    [0, 1].map(|k| {
        let parameter = &record["parameters"][k];
        ["value", "std_error"].map(|key| parameter[key].as_f64().expect("a number"))
    })
}

fn says(record: &Value, text: &str) -> bool {
    record["warnings"].as_array().expect("warnings").iter().filter_map(Value::as_str).any(|w| w.contains(text))
}

/// The first value of a state's solution.
fn begins(record: &Value, trajectory: usize, state: &str) -> f64 {
    let states = record["trajectories"][trajectory]["states"].as_array().expect("states").clone();
    let found = states.iter().find(|s| s["state"] == state).expect("the state");
    found["solution"][0].as_f64().expect("a number")
}

/// Of 24 tables: errors shrink as the numbers come nearer, and still hold.
#[test]
fn rates_are_better_known_where_starts_are() {
    let [mut squares, mut errors] = [[0.0; 2]; 2];
    let mut off: Vec<f64> = Vec::new();
    for seed in 1..=24 {
        for (k, start) in ["initial free", "initial held"].into_iter().enumerate() {
            let record = simulated(start, seed, "");
            assert!(record["warnings"].as_array().is_some_and(Vec::is_empty), "{seed}: {}", record["warnings"]);
            for ([value, error], truth) in estimates(&record).into_iter().zip([VMAX, KM]) {
                squares[k] += ((value - truth) / truth).powi(2);
                errors[k] += error / truth;
                off.extend((k == 1).then_some((value - truth) / error));
            }
            let settings = record["settings"].to_string();
            assert!(settings.contains(start), "{settings}");
            let held = (begins(&record, 0, "s") - 5.0).abs() < 1e-6 && begins(&record, 0, "p").abs() < 1e-6;
            assert_eq!(held, k == 1, "{seed}");
        }
    }
    assert!(squares[1] < 0.7 * squares[0] && errors[1] < 0.85 * errors[0], "{squares:?}, {errors:?}");
    let within = off.iter().filter(|off| off.abs() < 2.0).count();
    assert!(10 * within >= 9 * off.len(), "{within} of {}", off.len());
}

/// Trajectories that begin elsewhere: that is told, and they are held all the same.
#[test]
fn starts_that_the_data_contradict_are_held_and_told() {
    let scattered = "trajectories 4; spread 0.2";
    let record = simulated("initial held", 1, scattered);
    let told = "the data contradict the starts that the fit holds, `s = 5` (found: ";
    assert!(says(&record, told) && says(&record, "leave `initial held` out"), "{}", record["warnings"]);
    assert!((begins(&record, 2, "s") - 5.0).abs() < 1e-6);
    assert!(says(&record, "with estimated starts the data follow the model exactly"), "{}", record["warnings"]);
    says_one_thing(&record);
    for (start, data) in [("", scattered), ("initial held", "trajectories 4; spread 0")] {
        let record = simulated(start, 1, data);
        assert!(!says(&record, "contradict"), "{}", record["warnings"]);
    }
}

/// Of one thing one warning.
#[track_caller]
fn says_one_thing(record: &Value) {
    assert!(record["warnings"].as_array().is_some_and(|all| all.len() == 1), "{}", record["warnings"]);
}

/// Starts that no solution near the data has, whose fit ends at its range, in the middle of nowhere, or not at all.
#[test]
fn starts_far_from_the_data_are_the_reason_that_is_told() {
    let decay = table(|[x]: [f64; 1]| [-0.5 * x], &[[1.0]], (50, 0.2, 0.05), (1.0, &[(0, "x")]));
    for (start, range) in
        [("5", "k in [0, 5]"), ("5", "k = 0.1 in [0, 1]"), ("0.2", "k in [0, 5]"), ("0", "k in [0, 5]")]
    {
        let model = format!("model M {{ state x; param {range}; x' = -k*x; initial x = {start} }}");
        let record = fitted_as(&decay, &model, ("x = x", "initial held"));
        // The noise is of some hundredths.
        let told = format!("the data contradict the starts that the fit holds, `x = {start}` (found: 1)");
        assert!(says(&record, &told) && says(&record, "noise is smaller, by a factor of "), "{}", record["warnings"]);
        says_one_thing(&record);
    }
    let swing = |[x, y]: [f64; 2]| [2.0 * y - 0.1 * x, -2.0 * x - 0.1 * y];
    for ([x, y], noise, lost) in
        [([-3, 5], 0.0, false), ([-3, 5], 0.1, true), ([3, 5], 0.05, false), ([-2, 0], 0.02, false)]
    {
        let data = table(swing, &[[1.0, 0.0]], (100, 0.1, noise), (1.0, &[(0, "x"), (1, "y")]));
        let model = format!("model M {{ state x, y; x' = ?terms(x, y); y' = ?terms(x, y); initial x = {x}, y = {y} }}");
        let record = fitted_as(&data, &model, ("x = x; y = y", "initial held"));
        let told = format!("the data contradict the starts that the fit holds, `x = {x}` (found: ");
        assert!(says(&record, &told) && says(&record, "the fit is lost: ") == lost, "{}", record["warnings"]);
        says_one_thing(&record);
    }
}

/// A term is missing and the starts are right: other starts make up for a part of it.
#[test]
fn what_else_is_wrong_stays_told() {
    let spring = |[x, y]: [f64; 2]| [2.0 * y, -2.0 * x - 3.0 * x * x * x - 0.2 * y];
    let data = table(spring, &[[1.0, 0.0]], (100, 0.1, 0.03), (1.0, &[(0, "x"), (1, "y")]));
    let model = "model M { state x, y; param a in [0, 5], b in [0, 2], c in [0, 5]; x' = a*y; y' = -b*x - c*y; initial x = 1, y = 0 }";
    let record = fitted_as(&data, model, ("x = x; y = y", "initial held"));
    assert!(says(&record, "is no noise either: something else of the model is wrong"), "{}", record["warnings"]);
    for told in ["`b` lies at the upper end", "of the size of the signal"] {
        assert!(says(&record, told), "{}", record["warnings"]);
    }
}

/// A hidden state whose scale is free: with starts that are estimated the fit follows the data and does not settle.
#[test]
fn starts_are_doubted_by_fits_that_do_not_settle_where_the_other_explains_little() {
    let three = |[x, y, z]: [f64; 3]| [y - 0.2 * x, z - x - 0.2 * y, -0.5 * y];
    let data = table(three, &[[1.0, 0.0, 2.0]], (100, 0.1, 0.03), (1.0, &[(0, "x"), (1, "y")]));
    let model = "model M { state x, y, z; x' = ?linear(x, y, z); y' = ?linear(x, y, z); z' = ?linear(x, y, z); initial x = -3, y = 5, z = 3 }";
    let record = fitted_as(&data, model, ("x = x; y = y", "initial held"));
    assert!(
        says(&record, "the data contradict the starts that the fit holds, `x = -3` (found: 1.003)"),
        "{}",
        record["warnings"]
    );
}

/// A start at which the equation has no value.
#[test]
fn a_failure_tells_the_starts_that_are_held() {
    let data = table(|[x]: [f64; 1]| [0.5 * x.ln()], &[[2.0]], (40, 0.1, 0.02), (1.0, &[(0, "x")]));
    let text = |settings: &str, start: &str| {
        let model = format!("model M {{ state x; param a in [0, 5]; x' = a*log(x); initial x = {start} }}");
        format!("{model}\ndata d = csv(\"d.csv\") {{ time t; trajectory k }}\nfit M to d {{ {settings} }}\n")
    };
    let folder = folder(&[("d.csv", &data)]);
    for settings in ["", "initial held"] {
        let fits = run_in(&folder, &text(settings, "2"), &[]);
        assert!(fits.status.success() && !fits.stderr.contains("holds"), "{}", fits.stderr);
    }
    let failed = run_in(&folder, &text("initial held", "-1"), &[]);
    let said = failed.said();
    assert_eq!(failed.status.code(), Some(5), "{said}");
    let help = "help: `initial held` holds `x = -1`, and with starts that are estimated the fit comes to an end: leave `initial held` out";
    assert!(said.contains("N504") && said.contains(help) && said.contains("if it does, write `ln(max("), "{said}");
}

/// Derivatives, hidden states and trajectories that are held out begin there too; a state of which the model says nothing does not.
#[test]
fn every_start_that_is_stated_is_held() {
    let swing = |[u, v, q]: [f64; 3]| [v, -4.0 * u - 0.2 * v, 0.5 * u - q];
    let starts = [[1.0, 0.0, 0.3], [1.0, 0.0, -0.2], [1.0, 0.0, 0.1], [1.0, 0.0, 0.0], [1.0, 0.0, 0.2]];
    let data = table(swing, &starts, (60, 0.1, 0.1), (1.0, &[(0, "u"), (2, "q")]));
    let model = "model M { state u order 2, q; param k in [0, 100], c in [0, 5], a in [0, 5]; u'' = -k*u - c*u'; q' = a*u - q; initial u = 1, u' = 0 }";
    let record = fitted_as(&data, model, ("u = u; q = q; holdout 20% of trajectories", "initial held"));
    for k in 0..5 {
        assert!((begins(&record, k, "u") - 1.0).abs() < 1e-6, "{k}: {}", begins(&record, k, "u"));
    }
    let beginnings: Vec<f64> = (0..5).map(|k| begins(&record, k, "q")).collect();
    assert!(beginnings.iter().any(|q| (q - beginnings[0]).abs() > 0.1), "{beginnings:?}");
    // A drug in the blood, which is measured, and in a tissue, which is not.
    let kinetics = |[c, p]: [f64; 2]| [-0.8 * c + 0.15 * p, 0.3 * c - 0.15 * p];
    let data = table(kinetics, &[[10.0, 0.0]], (60, 0.4, 0.3), (1.0, &[(0, "c")]));
    let model = "model M { state c, p; param ke, k12, k21 in [0, 5]; c' = -(ke + k12)*c + k21*p; p' = k12*c - k21*p; initial c = 10, p = 0 }";
    let held = fitted_as(&data, model, ("c = c", "initial held"));
    let begins_at = "it begins with `p = 0`, its `initial` value, which the fit holds";
    assert!(says(&held, begins_at), "{}", held["warnings"]);
    assert!((begins(&held, 0, "c") - 10.0).abs() < 1e-6 && begins(&held, 0, "p").abs() < 1e-6);
    let other = fitted(&data, model, "c = c");
    assert!(!says(&other, begins_at) && (begins(&other, 0, "c") - 10.0).abs() > 1e-6);
    for (([value, error], [_, wider]), rate) in numbers(&held).into_iter().zip(numbers(&other)).zip([0.5, 0.3, 0.15]) {
        assert!((value - rate).abs() < 3.0 * error && error < 1.02 * wider, "{value} ± {error}, {wider} for {rate}");
    }
}
