//! What a run says about its own result: estimates at the ends of ranges, terms that are not significant, states that nothing
//! observes, scores of what was held out. The terminal, `record.json` and `report.html` say the same.

mod common;

use std::fs;
use std::path::Path;

use common::{Ran, folder, mechc, run_in};

/// A predator whose saturation is 0.6, and a model whose range for it ends below.
const NARROW: &str = "model Truth {
  state u, v
  param r = 1, k = 4, c = 1, h = 0.6, m = 0.4
  u' = r*u*(1 - u/k) - c*u*v/(1 + h*u)
  v' = 0.5*u*v/(1 + h*u) - m*v
  initial u = 1, v = 1
}
model Fitted {
  state u, v
  param h = 0.1 in [0, 0.2]
  u' = ?poly(u, v; degree = 2) - ?linear(u*v/(1 + h*u))
  v' = ?linear(u*v/(1 + h*u)) + ?poly(u, v; degree = 2)
}
data obs = simulate Truth { steps 400; dt 0.1; noise 2%; seed 3 }
fit Fitted to obs
";

/// The run, its record, and its page.
fn run(folder: &Path, model: &str, args: &[&str]) -> (Ran, serde_json::Value, String) {
    let ran = run_in(folder, model, args);
    let (record, page) = (ran.record(), ran.file("report.html"));
    (ran, record, page)
}

fn warnings(record: &serde_json::Value) -> Vec<String> {
    let all = record["warnings"].as_array().expect("warnings");
    all.iter().map(|w| w.as_str().expect("a text").to_string()).collect()
}

#[test]
fn an_estimate_at_the_end_of_its_range_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (done, record, page) = run(folder.path(), NARROW, &["--message-format", "short"]);
    assert!(done.status.success());
    let said = "the estimate of `h` lies at the upper end of its range, 0.2";
    assert!(done.stderr.contains(&format!("m.mech:10:9: warning[W1104]: {said}")), "{}", done.stderr);
    assert!(warnings(&record).iter().any(|w| w.starts_with(said) && w.contains("widen the range")), "{record}");
    assert!(page.contains("lies at the upper end of its range"));
    assert_eq!(record["parameters"][0]["value"], 0.2);
    // It has no error there, and that is said beside it.
    assert!(done.stdout.contains("h = 0.2 (at the end of its range)"), "{}", done.stdout);
    assert_eq!(record["parameters"][0]["without_error"], "at the end of its range");
    // Terms that are kept beside the bound are significant there.
    for term in
        record["equations"].as_array().expect("equations").iter().flat_map(|e| e["terms"].as_array().expect("terms"))
    {
        let (value, error) = (term["coefficient"].as_f64().expect("a number"), term["std_error"].as_f64());
        assert!(error.is_none_or(|error| value.abs() > 2.0 * error), "{term}");
    }
    // It can be denied and allowed like any other warning; what was found is there all the same.
    let (denied, _, _) = run(folder.path(), NARROW, &["--deny", "W1104"]);
    assert_eq!(denied.status.code(), Some(1));
    assert!(!denied.stdout.is_empty());
    let (allowed, _, _) = run(folder.path(), NARROW, &["--allow", "W1104"]);
    assert!(!allowed.stderr.contains("its range"), "{}", allowed.stderr);
}

#[test]
fn what_speaks_against_a_whole_fit_can_be_denied_and_allowed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A process with noise of its own: kicks from sample to sample, beside noise of the measurement.
    let mut state = 7u64;
    let mut noise = |size: f64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        12.0f64.sqrt() * size * ((state >> 11) as f64 / (1u64 << 53) as f64 - 0.5)
    };
    let mut rows = "t,x,v\n".to_string();
    let (mut x, mut v) = (2.0f64, 0.0f64);
    for i in 0..150 {
        rows += &format!("{:.2},{:.5},{:.5}\n", 0.08 * f64::from(i), x + noise(0.02), v + noise(0.04));
        let (sin, cos) = 0.16f64.sin_cos();
        (x, v) = (cos * x + 0.5 * sin * v + noise(0.05), cos * v - 2.0 * sin * x + noise(0.1));
    }
    fs::write(folder.path().join("d.csv"), rows).expect("a table");
    let model = "model M { state x, v; param k = 3, c = 0; x' = v; v' = -k*x - c*v }\ndata d = csv(\"d.csv\") { time t }\nfit M to d\n";
    let said = "the data do not follow any trajectory of the model exactly";
    let (done, record, _) = run(folder.path(), model, &["--message-format", "short"]);
    assert!(done.status.success());
    let shown = &done.stderr;
    assert!(shown.contains(&format!("m.mech:3:1: warning[W1119]: {said}")), "{shown}");
    assert_eq!(shown.matches(said).count(), 1, "{shown}");
    assert_eq!(warnings(&record).iter().filter(|w| w.starts_with(said)).count(), 1, "{record}");
    for denied in ["warnings", "W1119"] {
        let (done, _, _) = run(folder.path(), model, &["--deny", denied]);
        assert_eq!(done.status.code(), Some(1), "{}", done.stderr);
        assert!(!done.stdout.is_empty());
    }
    let (allowed, _, _) = run(folder.path(), model, &["--allow", "W1119"]);
    assert!(allowed.status.success() && !allowed.stderr.contains(said), "{}", allowed.stderr);
}

#[test]
fn a_range_that_holds_the_value_gives_no_remark() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "model Truth { state u; u' = -0.5*u; initial u = 1 }
model Fitted { state u; param k = 1 in [0, 2]; u' = -k*u }
data obs = simulate Truth { steps 100; dt 0.1; noise 1%; seed 1 }
fit Fitted to obs
";
    let (done, record, _) = run(folder.path(), model, &[]);
    assert!(done.status.success());
    assert!(warnings(&record).is_empty(), "{record}");
    assert!(!done.stderr.contains("warning"), "{}", done.stderr);
}

#[test]
fn an_unobserved_state_is_named_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "model Truth { state u, v; u' = v; v' = -u; initial u = 1, v = 0 }
model F { state u, w; param k = 1; u' = k*w; w' = -u }
data obs = simulate Truth { steps 100; dt 0.1 }
fit F to obs
";
    let (_, record, _) = run(folder.path(), model, &[]);
    let about: Vec<String> = warnings(&record).into_iter().filter(|w| w.contains("`w`")).collect();
    assert_eq!(about, ["no column of `obs` observes `w`"]);
    // A fit that fails names the state, that nothing observes it, and what to say of it: where it is one of two that the data see the sum of, and
    // where it is in no equation of others.
    for (equations, says, begins) in [
        ("u' = w + z - k*u; w' = -0.3*w", "not finite in `z`", "`initial z = ...`"),
        ("u' = k*w; w' = -0.3*w", "cannot be told apart", "say where `w` begins, `initial w = ...`"),
        ("u' = -k*u; w' = u/w", "`u/w` has no finite value", "`initial w = 1`"),
    ] {
        let states = if equations.contains(" z ") { "state u, w, z; z' = -0.3*z" } else { "state u, w" };
        let free =
            model.replace("state u, w; param k = 1; u' = k*w; w' = -u", &format!("{states}; param k = 1; {equations}"));
        fs::write(folder.path().join("free.mech"), free).expect("a written file");
        let failed = mechc(folder.path(), &["run", "free.mech", "--out", "failed"]);
        let said = failed.said();
        assert_eq!(failed.status.code(), Some(5), "{equations}: {said}");
        assert!(
            [says, "help: ", "no column observes `w`", begins].iter().all(|part| said.contains(part)),
            "{equations}: {said}"
        );
    }
}

#[test]
fn what_is_followed_with_many_times_the_noise_is_told_as_that() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let line = |hole: &str| {
        let model = format!(
            "model Truth {{ state x; x' = 0.03 - x; initial x = 1 }}
model Decay {{ state x; x' = ?linear({hole}) }}
data d = simulate Truth {{ steps 120; dt 0.05; noise 0.5%; seed 1; holdout 60% }}
fit Decay to d
"
        );
        let (done, ..) = run(folder.path(), &model, &[]);
        done.stdout.lines().find(|l| l.starts_with("held out: ")).expect("a score").to_string()
    };
    // What decays to nothing goes on below the end of what decays to 0.03, as near to it as the spread of the data asks.
    let lacking = line("x");
    assert!(lacking.contains(", to the end, with ") && lacking.ends_with(" times the noise of x"), "{lacking}");
    assert!(line("1, x").ends_with(", to the end"), "the whole law is that near");
}

#[test]
fn the_score_of_what_was_held_out_is_printed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "model Truth { state u; u' = -0.5*u; initial u = 1 }
model Fitted { state u; param k = 1 in [0, 2]; u' = -k*u }
data obs = simulate Truth { steps 100; dt 0.1; noise 1%; seed 1; holdout 20% }
fit Fitted to obs
";
    let (done, record, page) = run(folder.path(), model, &[]);
    let metrics = record["metrics"].as_array().expect("metrics");
    let held: Vec<&serde_json::Value> = metrics.iter().filter(|m| m["part"] == "held out").collect();
    assert!(held.iter().any(|m| m["name"] == "RMSE of u"), "{record}");
    let printed = &done.stdout;
    let line = printed.lines().find(|l| l.starts_with("held out: ")).unwrap_or_else(|| panic!("{printed}"));
    let error = held.iter().find(|m| m["name"] == "RMSE of u").and_then(|m| m["value"].as_f64()).expect("a number");
    // All of the twenty samples that were held out, at 0.1.
    let (before, after) = ("held out: RMSE u ", "; follows the data for 2, to the end");
    let number = line.strip_prefix(before).and_then(|l| l.strip_suffix(after)).unwrap_or_else(|| panic!("{line}"));
    let shown: f64 = number.parse().expect("a number");
    assert!((shown / error - 1.0).abs() < 5e-3, "{shown} for {error}");
    assert!(held.iter().all(|m| page.contains(m["name"].as_str().expect("a name"))));
    let (json, _, _) = run(folder.path(), model, &["--message-format", "json"]);
    let object = json.object();
    assert_eq!(object["metrics"], record["metrics"]);
    let score = &object["scores"][0];
    assert_eq!(
        (&score["part"], &score["to_the_end"], &score["compared"]),
        (&"held out".into(), &true.into(), &2.0.into())
    );
    assert_eq!(object["scores"].as_array().map(Vec::len), Some(1));
}

#[test]
fn noise_of_the_size_of_the_signal_is_named_with_the_equations() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = |noise: &str| {
        format!(
            "model Wave {{ time [s]; state u [m], v [m/s]; param k [1/s^2] = 1; u' = v; v' = -k*u; initial u = 1, v = 0 }}
model Fitted {{ time [s]; state u [m], v [m/s]; param k = 0.5 in [0.1, 2]; u' = v; v' = -k*u }}
data obs = simulate Wave {{ steps 400; dt 0.1; noise {noise}; seed 3 }}
fit Fitted to obs
"
        )
    };
    let (done, record, _) = run(folder.path(), &model("80%"), &["--message-format", "short"]);
    assert!(done.status.success(), "{}", done.stderr);
    // Noise of 0.8 deviations of the signal leaves 1/(1 + 0.64) of the variance of the data to be explained.
    let explained = record["explained"].as_array().expect("shares");
    let names: Vec<&str> = explained.iter().map(|e| e["state"].as_str().expect("a name")).collect();
    assert_eq!(names, ["u", "v"]);
    for of in explained {
        let share = of["share"].as_f64().expect("a number");
        assert!((share - 1.0 / 1.64).abs() < 0.06, "{record}");
    }
    let share = explained[0]["share"].as_f64().expect("a number");
    let told = format!("u {:.0} %", 100.0 * share);
    assert!(done.stdout.contains(&format!("explained variance: {told}, v ")), "{}", done.stdout);
    let said = "m.mech:2:32: warning[W1107]: what the solution leaves over is of the size of the signal: of the variance it explains";
    let said = format!("{said} {told}");
    assert!(done.stderr.contains(&said), "{}", done.stderr);
    assert!(warnings(&record).iter().any(|w| w.contains(&told)), "{record}");
    // Errors are in the units of their states.
    let error =
        record["metrics"].as_array().expect("metrics").iter().find(|m| m["name"] == "RMSE of v").expect("an error");
    assert_eq!(error["unit"], "m/s");
    let (done, record, _) = run(folder.path(), &model("30%"), &[]);
    assert!(!done.stdout.contains("explained variance"), "{}", done.stdout);
    assert!(record["explained"][0]["share"].as_f64().is_some_and(|share| share > 0.85), "{record}");
}

#[test]
fn what_was_held_out_is_told_in_units() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "model Truth { time [d]; state u [kg]; param k [1/d] = 0.5; u' = -k*u; initial u = 1 }
model Fitted { time [d]; state u [kg]; param k = 1 in [0, 2]; u' = -k*u }
data obs = simulate Truth { steps 100; dt 0.1; noise 1%; seed 1; holdout 20% }
fit Fitted to obs
";
    let (done, record, page) = run(folder.path(), model, &[]);
    let printed = &done.stdout;
    let line = printed.lines().find(|l| l.starts_with("held out: RMSE u ")).unwrap_or_else(|| panic!("{printed}"));
    assert!(line.ends_with(" [kg]; follows the data for 2 [d], to the end"), "{line}");
    let score = &record["scores"][0];
    assert_eq!((&score["time_unit"], &score["rmse"][0]["unit"]), (&"d".into(), &"kg".into()));
    assert!(page.contains(" [kg]"));
}

#[test]
fn data_sets_that_were_not_converted_alike_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rows = |scale: (f64, f64)| {
        let row = |i: i32| format!("{},{}\n", scale.0 * 0.1 * f64::from(i), scale.1 * (-0.05 * f64::from(i)).exp());
        format!("t,u\n{}", (0..60).map(row).collect::<String>())
    };
    let model = "model Decay { state u; param k; u' = -k*u }
data near = csv(\"near.csv\") { time t }
data far = csv(\"far.csv\") { time t }
fit Decay to (near, far)
";
    for (scale, found) in [
        ((1.0, 1000.0), vec!["warning[W1108]: `u` is 1000 times as large in `far` as in `near`"]),
        ((1.0 / 60.0, 1.0), vec!["warning[W1108]: the steps of the time are 60 times as large in `near` as in `far`"]),
        ((3.0, 0.2), vec![]),
    ] {
        fs::write(folder.path().join("near.csv"), rows((1.0, 1.0))).expect("a written file");
        fs::write(folder.path().join("far.csv"), rows(scale)).expect("a written file");
        let (done, record, _) = run(folder.path(), model, &["--message-format", "short"]);
        let checked = mechc(folder.path(), &["check", "m.mech", "--data", "--message-format", "short"]);
        for said in [done.stderr, checked.stderr] {
            let about: Vec<&str> = said.lines().filter(|l| l.contains("W1108")).collect();
            assert_eq!(about.len(), found.len(), "{said}");
            assert!(found.iter().all(|f| said.contains(f)), "{said}");
        }
        assert_eq!(warnings(&record).iter().filter(|w| w.contains("times as large")).count(), found.len());
    }
}

/// A model without damping is fitted to an oscillation that dies out (`x'' = -4 x - 0.2 x'` with 1 % of noise): the misfit is told as noise, and as no noise.
#[test]
fn what_is_left_over_and_is_no_noise_is_named() {
    for (model, said) in [("param k; x'' = -k*x", true), ("param k, c; x'' = -k*x - c*x'", false)] {
        let folder = folder(&[("d.csv", include_str!("fixtures/dies_out.csv"))]);
        let model =
            format!("model M {{ state x order 2; {model} }}\ndata d = csv(\"d.csv\") {{ time t }}\nfit M to d\n");
        let (output, record, _) = run(folder.path(), &model, &[]);
        let all = output.stderr + &warnings(&record).join(" ");
        assert_eq!(all.contains("W1111"), said, "{all}");
        assert_eq!(all.contains("neighbouring samples agree: their correlation is `x` 0.9"), said, "{all}");
    }
}

/// Parameters that only occur in one ratio stay near where they start, and are named.
#[test]
fn parameters_of_which_one_can_do_what_the_other_does_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "model T { param g = 9.81, L = 2; state x, v; x' = v; v' = -g/L*sin(x); initial x = 1, v = 0 }
model M { param g = 8, L = 2; state x, v; x' = v; v' = -g/L*sin(x) }
data d = simulate T { steps 300; dt 0.05; noise 1%; seed 1 }
fit M to d
";
    let (output, record, _) = run(folder.path(), model, &[]);
    let values: Vec<f64> = ["g", "L"]
        .iter()
        .enumerate()
        .map(|(k, name)| {
            let found = &record["parameters"][k];
            assert_eq!(found["name"], *name);
            assert!(found["std_error"].as_f64().expect("an error") > 10.0, "{found}");
            found["value"].as_f64().expect("a value")
        })
        .collect();
    let shown = &output.stdout;
    assert_eq!(shown.matches("(not determined by these data)").count(), 2, "{shown}");
    assert!((values[0] / values[1] - 4.905).abs() < 0.03 && (1.0..4.0).contains(&values[1]), "{values:?}");
    assert!(output.stderr.contains("do not identify `L`: `g` can do the same"), "{}", output.stderr);
}

/// Fits that fail name their line, and what they fail by.
#[test]
fn failed_fits_have_a_place_and_a_cause() {
    let few = "t,x,y\n0,1,2\n1,-2,3\n2,3,-40\n3,-4,5.5\n4,50.1,-6\n5,6,7\n6,-700,8\n7,8,900\n";
    let below: String = (0..60).map(|i| format!("{},{}\n", 0.1 * f64::from(i), (0.1 * f64::from(i)).cos())).collect();
    let falls: String = (0..40)
        .map(|i| format!("{},{},{}\n", 0.1 * f64::from(i), (-0.1 * f64::from(i)).exp(), if i < 2 { 5.0 } else { 0.01 }))
        .collect();
    for (model, table, said) in [
        (
            "model M { state x; param a = 1; x' = a*x^2.5 }\ndata d = csv(\"d.csv\") { time t }\nfit M to d\n",
            format!("t,x\n{below}"),
            ["m.mech:3:1: error[N504]", "`x^2.5` has no finite value where `x` is -0."].as_slice(),
        ),
        (
            "model M { state x; param a; x' = a*x + sqrt(0.3 - x) }\ndata d = csv(\"d.csv\") { time t }\nfit M to d\n",
            format!("t,x\n{below}"),
            &["m.mech:3:1: error[N504]", "not finite at t = 0: `sqrt(0.3 - x)` has no finite value where `x` is 1"],
        ),
        (
            "model M { state x; param a, K in [-2, 0.5]; x' = a*sqrt(K - x) }\ndata d = csv(\"d.csv\") { time t }\nfit M to d\n",
            format!("t,x\n{below}"),
            &["m.mech:3:1: error[N504]", "`sqrt(K - x)` has no finite value where `K` is ", "give `K` a start value, or"],
        ),
        // The curve through an input that falls goes below zero between two samples.
        (
            "model M { state x; input u; param k = 1, b = 1; x' = -k*x + b*ln(u) }\ndata d = csv(\"d.csv\") { time t }\nfit M to d\n",
            format!("t,x,u\n{falls}"),
            &["m.mech:3:1: error[N504]: the right-hand side is not finite at t = 0.25"],
        ),
        (
            "model M { state x, y; (x, y)' = ?poly(x, y; degree = 3) }\ndata d = csv(\"d.csv\") { time t }\nfit M to d {\n  seed 1\n}\n",
            few.to_string(),
            &["m.mech:3:1: error[N503]", " at t = "],
        ),
        (
            "network n { input x over window; mlp [4] tanh; output v over window }\nmodel M { state x; x' = ?linear(x) }
data d = csv(\"d.csv\") { time t }\nfit M to d { window 500; auxiliary x = n.v }\n",
            format!("t,x\n{below}"),
            &["m.mech:4:1: error[D040]", "windows of 500 samples"],
        ),
    ] {
        let folder = folder(&[("d.csv", &table), ("m.mech", model)]);
        let failed = mechc(folder.path(), &["run", "m.mech", "--message-format", "short"]);
        let output = &failed.stderr;
        let told = mechc(&folder, &["run", "m.mech"]).stderr;
        assert!(!failed.status.success(), "{told}");
        assert!(said.iter().all(|part| output.contains(part) || told.contains(part)), "{said:?} in {output}{told}");
        assert!(told.contains("in this fit"), "{told}");
        if output.contains("N503") {
            let told = told.replace("\n        ", " ");
            assert!(told.contains("the data hold 16 numbers, fewer than the 20 coefficients and parameters"), "{told}");
        }
    }
}

#[test]
fn data_that_do_not_vary_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let row = |i: i32| format!("{},{},7\n", 0.1 * f64::from(i), (-0.05 * f64::from(i)).exp());
    fs::write(folder.path().join("d.csv"), format!("t,a,b\n{}", (0..60).map(row).collect::<String>())).expect("a file");
    for (equation, said) in [
        ("w' = m*u*w", Some("m.mech:2:40: warning[W1109]: the data of `w` do not vary: it is 7 at every sample")),
        ("w' = 0", None),
    ] {
        let model = format!(
            "model M {{ state u, w; param k, m; u' = -k*u; {equation} }}
data d = csv(\"d.csv\") {{ time t; u = a; w = b }}
fit M to d
"
        );
        let (done, ..) = run(folder.path(), &model, &["--message-format", "short", "--allow", "W0705"]);
        let checked = mechc(folder.path(), &["check", "m.mech", "--data", "--message-format", "short"]);
        for output in [done.stderr, checked.stderr] {
            let found = output.lines().find(|l| l.contains("W1109"));
            assert_eq!(found.map(|l| l.split("; ").next().unwrap_or(l)), said, "{output}");
        }
    }
}

/// A run that keeps a term of which another one says the same.
#[test]
fn a_run_tells_terms_that_others_equal_on_its_data() {
    let proportional = "model C { state x, y; x' = ?terms(x, y); y' = ?terms(x, y) }
model T { state x, y; x' = -0.5*x; y' = -0.5*y; initial x = 1, y = 2 }
data d = simulate T { steps 300; dt 0.02; noise 1%; seed 1 }
fit C to d
"
    .to_string();
    // In proportion for all times; and with a second law that is told apart.
    let apart = proportional.replace("y' = -0.5*y", "y' = -2*y");
    for (text, told) in [(&proportional, true), (&apart, false)] {
        let folder = folder(&[("m.mech", text)]);
        let output = mechc(folder.path(), &["run", "m.mech", "--out", "r"]);
        let said = &output.stderr;
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains("W1101"), told, "{said}");
    }
}

#[test]
fn inputs_that_jump_or_do_not_vary_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let row = |i: i32| {
        let (t, jump) = (0.1 * f64::from(i), if i > 20 && i <= 40 { 3 } else { 1 });
        format!("{t},{},{},{jump},7\n", (-0.05 * f64::from(i)).exp(), (0.9 * t).sin())
    };
    fs::write(folder.path().join("d.csv"), format!("t,u,s,j,c\n{}", (0..60).map(row).collect::<String>()))
        .expect("a file");
    for (column, said) in [
        ("s", None),
        (
            "j",
            Some(
                "m.mech:2:40: warning[W1110]: the input `q` of `d` jumps 2 times, between t = 2 and 2.1 first: a fit takes it for a ramp over that step",
            ),
        ),
        ("c", Some("m.mech:2:40: warning[W1109]: the input `q` does not vary: it is 7 at every sample")),
    ] {
        let model = format!(
            "model M {{ state u; input q; param k, m; u' = -k*u + m*q }}
data d = csv(\"d.csv\") {{ time t; u = u; q = {column} }}
fit M to d
"
        );
        fs::write(folder.path().join("m.mech"), model).expect("a file");
        let checked = mechc(folder.path(), &["check", "m.mech", "--data", "--message-format", "short"]);
        let output = &checked.stderr;
        let found = output.lines().find(|l| l.contains("W1109") || l.contains("W1110"));
        assert_eq!(found.map(|l| l.split("; ").next().unwrap_or(l)), said, "{output}");
    }
}

/// A training drops a true term for its size: it is named, and the advised threshold keeps it.
#[test]
fn terms_that_the_threshold_drops_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = |k: &str| {
        format!(
            "model T {{ state x, y; x' = y; y' = -{k}*x; initial x = 1, y = 0 }}
network s {{ input (x, y) over window; mlp [8] tanh; output v[2] over window }}
model M {{ state x, y; (x, y)' = ?linear(x, y) }}
data d = simulate T {{ steps 300; dt 0.1; noise 0.1%; seed 1 }}
fit M to d {{ auxiliary (x, y) = s.v; steps 300; window 20; optimizer adam(lr = 1e-2); seed 1 }}
"
        )
    };
    let (small, record, _) = run(folder.path(), &model("0.08"), &["--message-format", "short"]);
    let said = &small.stderr;
    let named = "m.mech:3:33: warning[W1115]: terms were dropped since their coefficients are below `threshold 0.1`, but are significant: `x` of `y` (-0.0";
    assert!(said.contains(named), "{said}");
    let advised = warnings(&record)
        .iter()
        .find_map(|w| Some(w.split_once("; write `threshold ")?.1.split_once('`')?.0.to_string()));
    let set = format!("fit.threshold={}", advised.expect("a threshold"));
    let (mended, record, _) = run(folder.path(), &model("0.08"), &["--set", &set]);
    assert!(mended.stdout.contains("y' = -0.0"), "{}", mended.stdout);
    assert!(warnings(&record).iter().all(|w| !w.contains("threshold")), "{record}");
    // A term that is large enough is none of this.
    let (large, record, _) = run(folder.path(), &model("0.8"), &[]);
    assert!(large.stdout.contains("y' = -0.8"), "{}", large.stdout);
    assert!(warnings(&record).iter().all(|w| !w.contains("threshold")), "{record}");
}

#[test]
fn a_prediction_that_a_constant_beats_is_no_merit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The swing has nearly died out where the tail begins, so the limit of what follows the data, in their deviations, says nothing there.
    let model = |law: &str| {
        format!(
            "model Truth {{ state x order 2; x'' = -4*x - 0.5*x'; initial x = 1, x' = 0 }}
model Fitted {{ state x order 2; {law} }}
data obs = simulate Truth {{ steps 150; dt 0.08; noise 0.2%; seed 1; holdout 30% }}
fit Fitted to obs
"
        )
    };
    for (law, merit) in [("x'' = ?terms(x, x')", true), ("param k = 0.01 in [0, 0.01]; x'' = -k*x", false)] {
        let (done, record, _) = run(folder.path(), &model(law), &[]);
        let printed = &done.stdout;
        let line = printed.lines().find(|l| l.starts_with("held out: ")).unwrap_or_else(|| panic!("{printed}"));
        assert_eq!(line.ends_with(" a constant") || line.ends_with(", as a constant does"), !merit, "{line}");
        let explained = record["scores"][0]["explained"].as_f64().expect("a share");
        assert_eq!(explained > 0.9, merit, "{explained}");
    }
}

/// Growth that saturates, by a polynomial: what the law leaves over is taken for noise of the process, of which next to nothing of the noise in the data is left.
#[test]
fn a_law_that_leaves_no_noise_is_doubted_before_the_process() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/growth.csv"), folder.path().join("growth.csv"))
        .expect("a table");
    let model =
        "model Growth { state biomass, substrate; (biomass, substrate)' = ?poly(biomass, substrate; degree = 2) }
data growth = csv(\"growth.csv\") { time hours; trajectory batch; missing \"\"; holdout 20% }
fit Growth to growth
";
    let (done, _, _) = run(folder.path(), model, &["--message-format", "short"]);
    let said = &done.stderr;
    for part in [
        "exactly: the candidate terms may not express the law (a saturating or other term is missing), the process",
        "; samples of `biomass` scatter by about 4.6e-2, far more than the noise that is told, ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
