//! Models that inputs drive: inputs that are held or come in impulses, simulations along data, and scores of what was held out.

mod common;

use std::fs;
use std::path::Path;

use common::{estimate, folder, mechc, run_in, value};

/// The record of a run, and what it said.
fn run(folder: &Path, model: &str) -> (serde_json::Value, String) {
    let ran = run_in(folder, model, &[]).ok();
    (ran.record(), ran.said())
}

fn metric(record: &serde_json::Value, name: &str, part: &str) -> Option<f64> {
    let all = record["metrics"].as_array().expect("metrics");
    all.iter().find(|m| m["name"].as_str().is_some_and(|n| n.starts_with(name)) && m["part"] == part)?["value"].as_f64()
}

/// x' = -x/2 + u for an input that is held, by its exact solution, with noise of a given size.
fn steps(noise: f64) -> String {
    let (mut x, mut rows) = (1.0, "t,x,u\n".to_string());
    let mut random = 1u64;
    for i in 0..240 {
        let u = f64::from([0, 2, 1, 3][(i / 7) % 4]);
        // Uniform numbers of a congruential generator, with the variance of 1.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let scatter = 12f64.sqrt() * ((random >> 11) as f64 / (1u64 << 53) as f64 - 0.5);
        rows += &format!("{:.1},{},{u}\n", 0.2 * i as f64, x + noise * scatter);
        x = 2.0 * u + (x - 2.0 * u) * f64::exp(-0.1);
    }
    rows
}

const STEPPED: &str = "model M { state x; input u held; param k = 1, b = 1; x' = -k*x + b*u; initial x = 1 }
data d = csv(\"d.csv\") { time t; holdout 25% of time }
fit M to d
";

#[test]
fn inputs_that_are_held_have_no_ramps() {
    let folder = folder(&[("d.csv", &steps(0.0))]);
    // Exact but for the instants, a hundred-thousandth of a step each.
    let (record, said) = run(folder.path(), STEPPED);
    let [k, b] = ["k", "b"].map(|name| value(&record, name));
    assert!((k - 0.5).abs() < 1e-5 && (b - 1.0).abs() < 1e-5, "{k} {b}");
    assert!(!said.contains("W1110"), "{said}");
    // What drives it is known where it was held out, too.
    assert!(metric(&record, "RMSE of x", "held out").expect("a score") < 1e-5);
    // The samples of the record are those of the data.
    let samples = record["trajectories"][0]["time"].as_array().expect("times").len();
    assert_eq!(samples, 240);

    // As a smooth input it has ramps, and a finding says what to write.
    let (smooth, said) = run(folder.path(), &STEPPED.replace(" held", ""));
    assert!((value(&smooth, "b") - 1.0).abs() > 0.01);
    assert!(said.contains("W1110") && said.contains("say `input u held`"), "{said}");

    // With noise the errors are those of the estimates.
    fs::write(folder.path().join("d.csv"), steps(0.1)).expect("a file");
    let (noisy, _) = run(folder.path(), STEPPED);
    for (name, truth) in [("k", 0.5), ("b", 1.0)] {
        let [value, error] = estimate(&noisy, name);
        assert!((value - truth).abs() < 3.0 * error && error < 0.02, "{name}: {value} +- {error}");
    }
    let rmse = metric(&noisy, "RMSE of x", "held out").expect("a score");
    assert!((0.07..0.13).contains(&rmse), "{rmse}");
}

/// A dose goes through a gut that nobody sees. Rows of the table are irregular, and there are two patients.
const DOSED: &str = "model Oral {
  time [h]
  state gut [mg], blood [mg/L]
  input dose [mg/h] impulse
  param uptake = 1 in [0, 10], loss = 0.1 in [0, 10], volume [L] = 10 in [1, 1000]
  gut' = dose - uptake*gut
  blood' = uptake*gut/volume - loss*blood
  initial gut = 0, blood = 0
}
data doses = csv(\"doses.csv\") { time t [h]; spacing irregular; trajectory patient; dose = dose [g] }
data seen = simulate Oral(uptake = 0.9, loss = 0.2, volume = 20) { data doses; noise 1%; seed 2 }
fit Oral to seen
";

#[test]
fn impulses_are_amounts_and_simulations_go_along_data() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut rows = "patient,t,dose\n".to_string();
    for (patient, factor) in [("a", 1.0), ("b", 2.0)] {
        let mut t = 0.0;
        for i in 0..80 {
            let dose = if i == 0 || i == 40 { 0.1 * factor } else { 0.0 };
            rows += &format!("{patient},{t},{dose}\n");
            t += if i % 3 == 0 { 0.2 } else { 0.35 };
        }
    }
    fs::write(folder.path().join("doses.csv"), rows).expect("a file");
    let (record, text) = run(folder.path(), DOSED);
    for (name, truth) in [("uptake", 0.9), ("loss", 0.2), ("volume", 20.0)] {
        let [value, error] = estimate(&record, name);
        assert!((value - truth).abs() < 4.0 * error && error < 0.02 * truth, "{name}: {value} +- {error}");
    }
    assert!(!text.contains("W1110"), "{text}");
    // The simulation has the trajectories of its data, and its inputs as columns.
    mechc(folder.path(), &["simulate", "m.mech", "--data", "seen", "--out", "seen.csv", "--set", "seen.noise=0"]).ok();
    let table = fs::read_to_string(folder.path().join("seen.csv")).expect("a table");
    let lines: Vec<Vec<&str>> = table.lines().map(|l| l.split(',').collect()).collect();
    assert_eq!((lines[0].as_slice(), lines.len()), (&["trajectory", "t", "gut", "blood", "dose"][..], 161));
    let number = |row: usize, column: usize| lines[row][column].parse::<f64>().expect("a number");
    // A row holds what is there before its dose, which is in milligrams here; behind it all of it decays.
    assert_eq!((number(1, 2), number(1, 4), number(81, 4)), (0.0, 100.0, 200.0));
    let left = number(2, 2) / 100.0;
    // The amount enters evenly in a hundredth of the step.
    assert!((left / f64::exp(-0.9 * 0.2) - 1.0).abs() < 1e-3, "{left}");
    // So does what was found: every patient has a table of doses beside it.
    let folder_of_run =
        fs::read_dir(folder.path()).expect("a folder").filter_map(Result::ok).find(|e| e.path().is_dir());
    let found = folder_of_run.expect("a run directory").path();
    for (data, trajectory) in [("solution_a", 0), ("solution_b", 1)] {
        let out = format!("{data}.out.csv");
        mechc(&found, &["simulate", "discovered.mech", "--data", data, "--out", &out]).ok();
        let table = fs::read_to_string(found.join(out)).expect("a table");
        let blood: Vec<f64> = table.lines().skip(1).filter_map(|l| l.split(',').nth(2)?.parse().ok()).collect();
        let fitted = record["trajectories"][trajectory]["states"][1]["solution"].as_array().expect("a solution");
        assert_eq!((blood.len(), fitted.len()), (80, 80));
        for (simulated, fitted) in blood.iter().zip(fitted) {
            let fitted = fitted.as_f64().expect("a number");
            assert!((simulated - fitted).abs() < 1e-3, "{simulated} for {fitted}");
        }
    }
    // Without a word of impulses a fit takes it for triangles.
    let plain = "model M { state gut; input dose; param k = 1; gut' = dose - k*gut }
data d = csv(\"seen.csv\") { time t; spacing irregular; trajectory trajectory; gut = gut }
fit M to d
";
    let (_, text) = run(folder.path(), plain);
    assert!(text.contains("W1110") && text.contains("say `input dose impulse`"), "{text}");
}

#[test]
fn what_cannot_be_driven_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "model M { state x; input u held; x' = u - x; initial x = 0 }\n";
    let data = "data d = formula { t = linspace(0, 10, 101); u = if t < 5 then 1 else 0; x = 1 }\n";
    for (rest, code, words) in [
        ("solve s = M { data d }", "E0513", "simulate in its place"),
        ("fit M to d { engine gradient }", "E0513", "choose `engine joint`"),
        ("data s = simulate M { steps 10; dt 1 }", "E0506", "name the data that have it"),
        ("data s = simulate M { data d; steps 10 }", "E0511", "leave out `steps`"),
        ("data s = simulate M { data d; trajectories 2 }", "E0511", "leave out `trajectories`"),
        ("data s = simulate M { data e }", "E0201", "data sets: d"),
    ] {
        fs::write(folder.path().join("m.mech"), format!("{model}{data}{rest}\n")).expect("a file");
        let output = mechc(folder.path(), &["check", "m.mech"]);
        let said = output.said();
        assert!(said.contains(code) && said.contains(words) && output.status.code() == Some(1), "{rest}: {said}");
    }
    // A column that is not there is known when data are read.
    let rest = "data e = csv(\"e.csv\") { time t }\ndata s = simulate M { data e }\n";
    fs::write(folder.path().join("e.csv"), "t,v\n0,1\n1,1\n2,1\n").expect("a file");
    fs::write(folder.path().join("m.mech"), format!("{model}{rest}")).expect("a file");
    let output = mechc(folder.path(), &["simulate", "m.mech", "--data", "s", "--out", "s.csv", "--force"]);
    assert_eq!(output.status.code(), Some(3), "{}", output.said());
    assert!(output.said().contains("`u`"), "{}", output.said());
}

/// Two records of x' = -x/2 + u from different starts.
fn two_records(folder: &Path) {
    let record = |start: f64, of: &dyn Fn(usize) -> f64| {
        let (mut x, mut rows) = (start, "t,x,u\n".to_string());
        for i in 0..120 {
            rows += &format!("{:.1},{x},{}\n", 0.2 * i as f64, of(i));
            x = 2.0 * of(i) + (x - 2.0 * of(i)) * f64::exp(-0.1);
        }
        rows
    };
    fs::write(folder.join("d.csv"), record(1.0, &|i| f64::from([0, 2, 1, 3][(i / 7) % 4]))).expect("a file");
    fs::write(folder.join("e.csv"), record(-3.0, &|i| f64::from([2, 0, 5][(i / 11) % 3]))).expect("a file");
}

const LAW: &str = "model M { state x; input u held; x' = ?terms(1, x, u) }
data d = csv(\"d.csv\") { time t }
data e = csv(\"e.csv\") { time t; holdout 100% of trajectories }
";

#[test]
fn a_whole_table_is_held_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    two_records(folder.path());
    let (record, warned) = run(folder.path(), &format!("{LAW}fit M to (d, e)"));
    assert!(!warned.contains("W07") && !warned.contains("W11"), "{warned}");
    // Nothing of it is fitted, and its first fifth tells where it begins.
    assert!(metric(&record, "RMSE of x in e", "fitted").is_none(), "{record}");
    assert!(metric(&record, "RMSE of x in e", "held out").expect("a score") < 1e-5, "{record}");
    // What does not vary where it is fitted is told, whatever it does in the table that is held out.
    let rows: String =
        (0..60).map(|i| format!("{:.1},{},2\n", 0.2 * i as f64, 4.0 - f64::exp(-0.1 * i as f64))).collect();
    fs::write(folder.path().join("c.csv"), format!("t,x,u\n{rows}")).expect("a file");
    fs::write(folder.path().join("m.mech"), format!("{}fit M to (e, d)", LAW.replace("d.csv", "c.csv")))
        .expect("a file");
    let checked = mechc(folder.path(), &["check", "m.mech", "--data"]);
    assert!(checked.said().contains("the input `u` does not vary: it is 2"), "{}", checked.said());
    assert!(checked.said().contains("on the data of `d` the term `u` is a combination of `1`"), "{}", checked.said());
    // The same law, known, with only the start to estimate.
    let known = LAW.replace("?terms(1, x, u)", "-0.5*x + u").replace("100% of trajectories", "80%");
    let (record, warned) = run(folder.path(), &format!("{known}fit M to e"));
    assert!(!warned.contains("W0707"), "{warned}");
    assert!(metric(&record, "RMSE of x", "held out").expect("a score") < 1e-5, "{record}");
}

/// What is held out as a whole says nothing of what is fitted; a mistake in it is told all the same.
#[test]
fn remarks_on_fitted_data_look_at_no_table_that_is_held_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    two_records(folder.path());
    let e = fs::read_to_string(folder.path().join("e.csv")).expect("a file");
    let check = |d: String, e: String, model: &str| {
        fs::write(folder.path().join("d.csv"), d).expect("a file");
        fs::write(folder.path().join("e.csv"), e).expect("a file");
        fs::write(folder.path().join("m.mech"), format!("{model}fit M to (d, e)")).expect("a file");
        [&["check", "m.mech", "--data"][..], &["run", "m.mech"]].map(|args| mechc(&folder, args).said())
    };
    // A state that rests where it is fitted.
    let rests: String = (0..60).map(|i| format!("{:.1},2,{}\n", 0.2 * f64::from(i), i % 3)).collect();
    let [checked, _] = check(format!("t,x,u\n{rests}"), e.clone(), LAW);
    assert!(checked.contains("the data of `x` do not vary: it is 2"), "{checked}");
    // A number for missing samples.
    let mut rows: Vec<String> = e.lines().map(String::from).collect();
    for at in [20, 31, 44] {
        let cells: Vec<&str> = rows[at].split(',').collect();
        rows[at] = format!("{},-999,{}", cells[0], cells[2]);
    }
    two_records(folder.path());
    let d = fs::read_to_string(folder.path().join("d.csv")).expect("a file");
    for told in check(d, rows.join("\n"), LAW) {
        assert!(told.contains("W1112") && told.contains("-999"), "{told}");
    }
}

#[test]
fn a_simulation_begins_where_its_data_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    two_records(folder.path());
    let model = "model M { state x, z; input u held; x' = -0.5*x + u; z' = x - z; initial z = 2 }
data e = csv(\"e.csv\") { time t; x = x }
data s = simulate M { data e; from e }
test \"the second record\" { expect max(abs(s.x - e.x)) < 1e-4 }
";
    fs::write(folder.path().join("m.mech"), model).expect("a file");
    mechc(folder.path(), &["test", "m.mech"]).ok();
    // No number of the model says where that is.
    for form in ["text", "sympy", "modelica"] {
        let output = mechc(folder.path(), &["export", "m.mech", "--data", "s", "--to", form]);
        let text = &output.stdout;
        assert!(output.status.success() && !text.to_lowercase().contains("nan"), "{text} {}", output.said());
        assert!(text.contains("the first samples of e"), "{text}");
    }
    // What the first row has no sample of begins at its initial value, or is not known.
    for (initial, known) in [("; initial x = -3", true), ("", false)] {
        // Three rows are enough to be simulated along.
        let table = "t,x,u\n0.0,,2\n0.2,1,2\n0.4,1,0\n";
        fs::write(folder.path().join("f.csv"), table).expect("a file");
        let model = format!(
            "model M {{ state x; input u held; x' = -0.5*x + u{initial} }}
data f = csv(\"f.csv\") {{ time t; missing \"\" }}
data s = simulate M {{ data f; from f }}"
        );
        fs::write(folder.path().join("m.mech"), model).expect("a file");
        let output = mechc(folder.path(), &["simulate", "m.mech", "--data", "s", "--out", "s.csv", "--force"]);
        assert_eq!(output.status.success(), known, "{}", output.said());
        assert_eq!(output.said().contains("N022") && output.said().contains("`initial x = ...`"), !known);
    }
}
