//! `solve` items and formulas through the binary: solutions against closed forms, what a run leaves behind, what is said
//! about problems without a solution, and starts from data.

mod common;

use std::fs;
use std::path::Path;

use common::mechc;

/// A folder with `m.mech` in it.
fn folder(model: &str) -> tempfile::TempDir {
    common::folder(&[("m.mech", model)])
}

/// Columns of a csv file by name.
fn table(path: &Path) -> Vec<(String, Vec<f64>)> {
    let text = fs::read_to_string(path).expect("a table");
    let mut lines = text.lines();
    let names = lines.next().expect("a header").split(',').map(str::to_string);
    let mut out: Vec<(String, Vec<f64>)> = names.map(|name| (name, Vec::new())).collect();
    for line in lines {
        for ((_, column), cell) in out.iter_mut().zip(line.split(',')) {
            column.push(cell.parse().expect("a number"));
        }
    }
    out
}

fn column<'a>(table: &'a [(String, Vec<f64>)], name: &str) -> &'a [f64] {
    &table.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("a column {name}")).1
}

/// The data set `name` of a model as `mechc simulate` writes it.
fn data(model: &str, name: &str, sets: &[&str]) -> Vec<(String, Vec<f64>)> {
    let folder = folder(model);
    let sets = sets.iter().flat_map(|s| ["--set", s]);
    let args: Vec<&str> = ["simulate", "m.mech", "--out", "d.csv", "--data", name].into_iter().chain(sets).collect();
    mechc(folder.path(), &args).ok();
    table(&folder.path().join("d.csv"))
}

/// Largest difference between a column and a function of the time.
fn error(table: &[(String, Vec<f64>)], name: &str, expected: impl Fn(f64) -> f64) -> f64 {
    let times = column(table, "t");
    column(table, name).iter().zip(times).map(|(x, &t)| (x - expected(t)).abs()).fold(0.0, f64::max)
}

const OSCILLATOR: &str = "model Oscillator {
  state u order 2
  param k = 1
  u'' + k*u = 0
  initial u = 0, u' = 1
}
solve run = Oscillator { steps 500; dt 0.05 }
";

#[test]
fn a_run_writes_the_solution_with_its_derivatives() {
    let folder = folder(OSCILLATOR);
    let output = mechc(folder.path(), &["run", "m.mech", "--out", "r"]).ok();
    assert!(output.stdout.contains("u'' ="), "the equations are told");
    let solution = table(&folder.path().join("r/run.csv"));
    let names: Vec<&str> = solution.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["t", "u", "u'", "u''", "u'''", "u''''"]);
    assert!(error(&solution, "u", f64::sin) < 1e-6);
    assert!(error(&solution, "u'", f64::cos) < 1e-6);
    let record = output.record();
    assert_eq!(record["engine"], "solve");
    assert_eq!(record["trajectories"][0]["states"][0]["solution"].as_array().map(Vec::len), Some(500));
    let page = fs::read_to_string(folder.path().join("r/report.html")).expect("a page");
    assert!(page.contains("relaxed solve") && page.contains("<svg"), "the page has a figure");
}

#[test]
fn every_method_and_precision_gives_the_solution() {
    for (sets, bound) in [
        (vec!["run.method=qr"], 1e-6),
        (vec!["run.precision=mixed"], 1e-6),
        (vec!["run.precision=f32", "run.steps=100"], 1e-3),
        (vec!["run.orders=3"], 1e-6),
        (vec!["run.orders=5"], 1e-9),
        (vec!["run.rows=taylor", "run.orders=4"], 1e-4),
        (vec!["run.rows=taylor", "run.orders=4", "run.central=on"], 1e-4),
        (vec!["run.rows=taylor", "run.orders=4", "run.slack=on"], 1e-4),
        (vec!["run.refinements=0"], 1e-6),
        (vec!["run.weights=(3, 2, 5)"], 1e-6),
    ] {
        let solution = data(OSCILLATOR, "run", &sets);
        let largest = error(&solution, "u", f64::sin);
        assert!(largest < bound, "{sets:?}: {largest}");
    }
    // The scheme is really the one that was asked for: truncated Taylor rows are far less accurate.
    let coarse = error(&data(OSCILLATOR, "run", &["run.rows=taylor", "run.orders=2"]), "u", f64::sin);
    assert!(coarse > 1e-3, "{coarse}");
}

#[test]
fn coefficients_may_depend_on_time_and_vanish() {
    // Bessel's equation of order 0, whose highest coefficient is zero at the first time; J0(5) from Abramowitz and Stegun, table 9.1.
    let model = "model Bessel { state y order 2; t*y'' + y' + t*y = 0; initial y = 1, y' = 0 }
solve run = Bessel { steps 501; dt 0.01 }
";
    let solution = data(model, "run", &[]);
    let last = *column(&solution, "y").last().expect("samples");
    assert!((last - -0.177_596_771_314_338_3).abs() < 1e-8, "{last}");
}

#[test]
fn inputs_and_starts_come_from_data() {
    let model = "model Driven { state u; input force; u' = force; initial u = 0 }
data wave = formula { t = linspace(1, 3, 201); force = cos(t) }
solve run = Driven { data wave }
model Free { state v order 2; v'' + v = 0; initial v = data.w for 100 steps }
data noisy = formula { t = linspace(0, 10, 201); w = sin(t) + 0.1*normal(); seed 5 }
solve free = Free { data noisy }
solve cut = Free { data noisy; steps 150; dt 0.05 }
";
    let driven = data(model, "run", &[]);
    assert_eq!(column(&driven, "t")[0], 1.0);
    let largest = error(&driven, "u", |t| t.sin() - 1f64.sin());
    assert!(largest < 1e-7, "{largest}");
    // A start of 100 noisy values determines amplitude and phase about as well as a fit of two numbers to them.
    let free = error(&data(model, "free", &[]), "v", f64::sin);
    assert!(free < 0.015, "{free}");
    assert_eq!(column(&data(model, "cut", &[]), "v").len(), 150);

    let wrong = |set: &str, name: &str| {
        let folder = folder(model);
        let output = mechc(folder.path(), &["simulate", "m.mech", "--out", "d.csv", "--data", name, "--set", set]);
        (output.status.code(), output.stderr)
    };
    let (code, text) = wrong("cut.dt=0.1", "cut");
    assert!(code == Some(2) && text.contains("N022") && text.contains("`noisy` are 0.05"), "{text}");
    let (code, text) = wrong("cut.steps=300", "cut");
    assert!(code == Some(2) && text.contains("N022") && text.contains("201 samples"), "{text}");
    let (code, text) = wrong("free.data=wave", "free");
    assert!(code == Some(2) && text.contains("N022") && text.contains("no column `w`"), "{text}");
}

#[test]
fn equations_that_are_not_linear_are_solved_too() {
    // Logistic growth from 0.1: 1/(1 + 9 exp(-t)).
    let logistic = "model Logistic { state x; param r = 1; x' = r*x*(1 - x); initial x = 0.1 }
solve run = Logistic { steps 401; dt 0.025 }
";
    let largest = error(&data(logistic, "run", &[]), "x", |t| 1.0 / (1.0 + 9.0 * (-t).exp()));
    assert!(largest < 1e-9, "{largest}");
    let faster = error(&data(&logistic.replace("= Logistic {", "= Logistic(r = 2) {"), "run", &[]), "x", |t| {
        1.0 / (1.0 + 9.0 * (-2.0 * t).exp())
    });
    assert!(faster < 1e-8, "{faster}");
    // Troesch's problem with n = 1: y'(0) = 0.8452 (Roberts and Shipman, J. Comput. Phys. 10, 1972).
    let troesch = "model Troesch { state y order 2; y'' = sinh(y); initial y = 0; final y = 1 }
solve run = Troesch { steps 201; dt 0.005 }
";
    let solution = data(troesch, "run", &[]);
    assert!((column(&solution, "y'")[0] - 0.8452).abs() < 1e-4);
    assert!((column(&solution, "y").last().expect("samples") - 1.0).abs() < 1e-9);
}

/// A tank that runs almost empty: straight lines as a first guess lead below zero, where the root has no value.
#[test]
fn driven_models_start_from_their_simulation() {
    for root in ["sqrt(h)", "sqrt(max(h, 0))"] {
        let model = format!(
            "model Tank {{ state h; input pump; h' = 0.5*pump - 0.4*{root}; initial h = 0.5 }}
             data pumped = formula {{ t = linspace(0, 60, 61); pump = if t < 30 then 1.5 else 0.2 }}
             solve run = Tank {{ data pumped }}"
        );
        let run = data(&model, "run", &[]);
        let last = *column(&run, "h").last().expect("a sample");
        assert!((last - 0.0625).abs() < 1e-3, "{root}: {last}");
    }
}

#[test]
fn expressions_without_a_value_are_named() {
    let folder = folder(
        "model Edge { state u order 2; u'' = sqrt(u); initial u = 1; final u = -1 }
         solve run = Edge { steps 11; dt 0.1 }",
    );
    let output = mechc(folder.path(), &["run", "m.mech"]);
    assert_eq!(output.status.code(), Some(5));
    let told = output.said();
    assert!(told.contains("`sqrt(u)` has no finite value where `u` is -0.2, at t = 0.6"), "{told}");
    assert!(told.contains("`sqrt(max(x, 0))`") && !told.contains("divide by zero"), "{told}");
}

#[test]
fn problems_without_a_solution_are_told() {
    let solve = |model: &str| {
        let folder = folder(model);
        let output = mechc(folder.path(), &["run", "m.mech", "--out", "r"]);
        (output.status.code(), output.stderr)
    };
    // Without damping and at resonance nothing is periodic.
    let (code, text) = solve(
        "model R { state q order 2; q'' + q = cos(t); boundary periodic }
solve run = R { steps 201; dt 0.031415926535897934; orders 6 }
",
    );
    assert!(code == Some(5) && text.contains("N515") && text.contains("`R`"), "{code:?} {text}");
    let (code, text) = solve(
        "model B { state x; x' = 1/(t - 1); initial x = 0 }
solve run = B { steps 21; dt 0.1 }
",
    );
    assert!(code == Some(5) && text.contains("N515") && text.contains("`B`"), "{code:?} {text}");
    // It reaches infinity at t = 1.
    let (code, text) = solve(
        "model E { state x; x' = x^2; initial x = 1 }
solve run = E { steps 201; dt 0.01 }
",
    );
    assert!(code == Some(5) && text.contains("`E`"), "{code:?} {text}");
    let (code, text) = solve(
        "data run = formula { t = linspace(-1, 1, 5); y = ln(t) }\nsolve s = M { data run }\nmodel M { state x; input y; x' = y; initial x = 0 }\n",
    );
    assert!(code == Some(5) && text.contains("N517") && text.contains("t = -1"), "{code:?} {text}");
}

#[test]
fn solutions_are_data_for_fits_and_write_nothing_then() {
    let model = format!("{OSCILLATOR}model Unknown {{ state u order 2; param k; u'' = -k*u }}\nfit Unknown to run\n");
    let folder = folder(&model);
    let output = mechc(folder.path(), &["run", "m.mech", "--out", "r", "--set", "Oscillator.k=2"]).ok();
    let record = output.record();
    assert!(record["summary"].as_str().is_some_and(|s| s.starts_with("500 samples of u (")), "{}", record["summary"]);
    let k = record["parameters"][0]["value"].as_f64().expect("an estimate");
    assert!((k - 2.0).abs() < 1e-4, "{k}");
    assert!(!folder.path().join("r/run.csv").exists());
}

/// A fit takes the inputs that it needs, in its own order, from the solution; a model may have an input for what was a state, and the other way round.
#[test]
fn solutions_keep_their_inputs() {
    let model = "
model Driven {
  time [s]
  state u [m]
  input wind [m/s], drive [m/s]
  u' = -0.5 [1/s]*u + drive + 2*wind
  initial u = 0.3
}
model Found {
  time [s]
  state u [m]
  input drive [m/s], wind [m/s]
  u' = ?linear(1, u, drive, wind)
}
model Turned {
  state drive order 2
  input u
  drive'' = ?linear(1, drive, u)
}
data force = csv(\"force.csv\") { time t [s]; drive = drive [m/s]; wind = wind [m/s]; u = u [m] }
solve motion = Driven { data force }
fit Found to motion
fit Turned to motion as turned
test \"inputs\" {
  expect terms(fit.u') == {u, drive, wind}
  expect coef(fit.u', wind) ~= 2 within 0.1%
  expect coef(fit.u', u) ~= -0.5 [1/s] within 0.1%
  expect coef(fit.u', drive) ~= 1 within 0.1%
  expect coef(turned.drive'', drive) ~= -9 within 1%
  expect terms(turned.drive'') == {drive}
  expect max(abs(motion.drive - sin(3*motion.t))) < 1e-12
  expect max(motion.wind) < 1.1 [m/s]
}
";
    let folder = folder(model);
    let rows =
        (0..=400).map(|i| f64::from(i) * 0.02).map(|t| format!("{t},{},{},0\n", (3.0 * t).sin(), (5.0 * t).cos()));
    let text = "t,drive,wind,u\n".to_string() + &rows.collect::<String>();
    fs::write(folder.path().join("force.csv"), text).expect("a written file");
    mechc(folder.path(), &["test", "m.mech"]).ok();
    mechc(folder.path(), &["simulate", "m.mech", "--data", "motion", "--out", "motion.csv"]).ok();
    let table = table(&folder.path().join("motion.csv"));
    let worst = column(&table, "t").iter().zip(column(&table, "wind")).map(|(t, w)| (w - (5.0 * t).cos()).abs());
    assert!(worst.fold(0.0, f64::max) < 1e-12, "the table has the inputs");
}

#[test]
fn formulas_keep_their_random_numbers() {
    let model = "data d = formula {
  t = linspace(0, 1, 2001)
  a = normal()
  b = a
  c = normal(3, 0.5)
  e = uniform(2, 4)
  trajectories 2
}
solve none = M { steps 3; dt 1 }
model M { state x; x' = 0; initial x = 0 }
";
    let once = data(model, "d", &["d.seed=1"]);
    assert_eq!(once, data(model, "d", &["d.seed=1"]), "the same seed gives the same numbers");
    assert_ne!(column(&once, "a"), column(&data(model, "d", &["d.seed=2"]), "a"));
    assert_eq!(column(&once, "a"), column(&once, "b"), "a column keeps its numbers where it is used");
    let a = column(&once, "a");
    assert_eq!(a.len(), 4002);
    assert_ne!(a[..2001], a[2001..], "trajectories have numbers of their own");
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let deviation = |x: &[f64]| (x.iter().map(|v| (v - mean(x)).powi(2)).sum::<f64>() / x.len() as f64).sqrt();
    // Five standard errors of 4002 numbers: 0.08 for a mean, 0.06 for a deviation, in units of the deviation.
    assert!(mean(a).abs() < 0.08 && (deviation(a) - 1.0).abs() < 0.06);
    let c = column(&once, "c");
    assert!((mean(c) - 3.0).abs() < 0.04 && (deviation(c) - 0.5).abs() < 0.03);
    let correlation = a.iter().zip(c).map(|(a, c)| a * (c - 3.0) / 0.5).sum::<f64>() / a.len() as f64;
    assert!(correlation.abs() < 0.08, "{correlation}");
    let e = column(&once, "e");
    assert!(e.iter().all(|v| (2.0..=4.0).contains(v)) && (mean(e) - 3.0).abs() < 0.05);
}

#[test]
fn a_fit_by_the_gradient_engine_starts_from_data() {
    let model = "model Truth { state q; q' = -2*q + 1; initial q = 2 }
data run = simulate Truth { steps 200; dt 0.02; noise 1%; seed 1 }
model Decay { state q; q' = ?poly(q; degree = 1); initial q = data.q for 8 steps }
network reader { input q over window; mlp [16] tanh; output v[1] over window }
fit Decay to run { window 20; batch 32; steps 1000; threshold 0.02; auxiliary q = reader.v }
";
    let folder = folder(model);
    let output = mechc(folder.path(), &["check", "m.mech", "--plan"]);
    let plan = &output.stdout;
    assert!(plan.contains("8 initial"), "{plan}");
    let equations = mechc(folder.path(), &["run", "m.mech", "--out", "r"]).ok().equations();
    let terms = equations["equations"][0]["terms"].as_array().expect("terms").clone();
    let coefficient = |name: &str| {
        let term = terms.iter().find(|t| t["term"] == name);
        term.and_then(|t| t["coefficient"].as_f64()).unwrap_or(0.0)
    };
    // Without its data the start would be an auxiliary, which gives other numbers; both come near to the truth.
    assert!((coefficient("q") + 2.0).abs() < 0.2 && (coefficient("1") - 1.0).abs() < 0.15, "{equations}");
}

#[test]
fn examples_hold_what_they_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["sine", "bvp", "formula"] {
        let output = mechc(root, &["test", &format!("examples/{name}.mech")]);
        let text = &output.stdout;
        assert!(output.status.success() && text.contains(", 0 failed"), "{name}: {text}{}", output.stderr);
    }
}

#[test]
fn plans_and_facts_tell_of_solutions() {
    let folder = folder(&format!(
        "{OSCILLATOR}solve swing = Pendulum {{ steps 101; dt 0.1; rows taylor }}
model Pendulum {{ state a order 2; a'' = -sin(a); initial a = 1; final a = 0 }}
data noise = formula {{ t = linspace(0, 1, 11); y = normal() }}
"
    ));
    let output = mechc(folder.path(), &["info", "m.mech", "--json"]);
    let info = output.object();
    let data =
        |name: &str| info["data"].as_array().expect("a list").iter().find(|d| d["name"] == name).expect("it").clone();
    let run = data("run");
    assert_eq!((&run["source"], &run["linear"], &run["orders"]), (&"solve".into(), &true.into(), &4.into()));
    assert_eq!(
        run["columns"][1],
        serde_json::json!({"column": "u'", "name": "u'", "role": "derivative", "unit": null})
    );
    let swing = data("swing");
    assert_eq!((&swing["linear"], &swing["rows"]), (&false.into(), &"taylor".into()));
    assert_eq!(swing["final"], serde_json::json!([{"state": "a", "derivative": 0, "value": 0.0}]));
    assert_eq!((&data("noise")["source"], &data("noise")["random_numbers"]), (&"formula".into(), &1.into()));
    let plans = info["plans"].as_array().expect("plans");
    let purposes: Vec<&str> = plans.iter().filter_map(|p| p["purpose"].as_str()).collect();
    assert_eq!(purposes, ["item", "item"], "a model that is solved has no plan of its own");
    let text = mechc(folder.path(), &["check", "m.mech", "--plan"]).stdout;
    assert!(text.contains("solve run: 1 trajectory of 500 steps, solved once"), "{text}");
    assert!(text.contains("solved again and again until it stays") && text.contains("a (linearised)"), "{text}");
    let algorithms: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("algorithm")).map(str::trim).collect();
    assert_eq!(
        algorithms,
        [
            "time cut into segments with block factors side by side, substitution",
            "block factor for each solve, substitution"
        ]
    );
}

/// What docs/solve.md says of a solution that grows by many orders of magnitude: right over 5 units of time, and far too small over 20,
/// where the rows at the end weigh more than the initial value; 1 % of the numbers there for another processor's rounding.
#[test]
fn growth_over_many_orders_is_missed_as_the_page_says() {
    let last = |steps: usize, dt: f64| {
        let model = format!(
            "model Growth {{ state u; u' = u; initial u = 1 }}\nsolve run = Growth {{ steps {steps}; dt {dt} }}\n"
        );
        *column(&data(&model, "run", &[]), "u").last().expect("a sample")
    };
    let right = 5f64.exp();
    assert!((last(51, 0.1) / right - 1.0).abs() < 1e-5);
    assert!((last(201, 0.1) / 49.4 - 1.0).abs() < 0.01, "{}", last(201, 0.1));
    assert!((last(401, 0.05) / 3890.0 - 1.0).abs() < 0.01, "{}", last(401, 0.05));
}

/// What a run says about solutions that are a compromise of their rows.
#[test]
fn doubtful_solutions_are_told() {
    let cases = [
        ("x' = -x; initial x = 1", "steps 31; dt 0.1", None),
        ("x' = -x; initial x = 1; final x = 5", "steps 31; dt 0.1", Some("the solution ends with x = ")),
        ("x' = -50*x + cos(t); initial x = 1", "steps 31; dt 0.5", Some("the solution starts with x = ")),
        ("x' = 40*x*(1 - x); initial x = 0.9", "steps 21; dt 0.05", None),
    ];
    for (equations, steps, told) in cases {
        let folder = folder(&format!("model T {{ state x; {equations} }}\nsolve s = T {{ {steps} }}\n"));
        let output = mechc(folder.path(), &["run", "m.mech", "--out", "run"]);
        let said = &output.stderr;
        assert!(output.status.success(), "{equations}: {said}");
        assert_eq!(said.contains("W1124"), told.is_some(), "{equations}: {said}");
        assert!(said.contains(told.unwrap_or_default()), "{equations}: {said}");
        assert!(told.is_none_or(|told| said.matches(told).count() == 1), "{equations}: {said}");
        // Such a solution can be refused, and accepted as it is.
        let denied = mechc(folder.path(), &["run", "m.mech", "--out", "denied", "--deny", "W1124"]);
        assert_eq!(denied.status.code(), Some(i32::from(told.is_some())), "{equations}");
        let allowed = mechc(folder.path(), &["run", "m.mech", "--out", "allowed", "--allow", "W1124"]);
        assert!(allowed.status.success() && !allowed.stderr.contains("the solution"), "{equations}");
    }
}

/// Every solution that starts with zero ends with zero.
#[test]
fn a_boundary_problem_without_a_solution_is_refused() {
    let model = "model T { state x order 2; x'' = -x; initial x = 0; final x = 1 }";
    let folder = folder(&format!("{model}\nsolve s = T {{ steps 101; dt 0.031415926535897934 }}\n"));
    let output = mechc(folder.path(), &["run", "m.mech", "--out", "run"]);
    assert_eq!(output.status.code(), Some(5), "{}", output.stderr);
    assert!(output.stderr.contains("N515"), "{}", output.stderr);
}
