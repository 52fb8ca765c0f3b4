//! Parameters that a fit holds at known values, `fit M(k = 1) to d`, or starts elsewhere, `start k = 2`, by both engines; and the
//! edit that a run offers where the data do not tell two of them apart.

mod common;

use std::fs;

use common::{mechc, run};
use serde_json::Value;

/// A library's model of which the data tell g/length alone.
const PENDULUM: &str = "use std.mechanics.Pendulum
data d = simulate Pendulum { steps 400; dt 0.05; noise 1%; seed 2 }
";

/// Value, error and whether it was held.
fn parameter(record: &Value, name: &str) -> (f64, Option<f64>, bool) {
    let all = record["parameters"].as_array().expect("parameters");
    let found = all.iter().find(|p| p["name"] == name).unwrap_or_else(|| panic!("no {name} in {all:?}"));
    (found["value"].as_f64().expect("a number"), found["std_error"].as_f64(), found["held"] == true)
}

fn warnings(record: &Value) -> String {
    record["warnings"].as_array().expect("warnings").iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// Held values, whether in units of their own, with where the gravity then is: it goes with the length.
#[test]
fn the_joint_engine_holds_what_is_known() {
    for (held, length, gravity) in [
        ("(length = 1)", 1.0, 9.80665),
        ("(length = 250 [cm])", 2.5, 2.5 * 9.80665),
        ("(length = 0.1, damping = 0)", 0.1, 0.980665),
    ] {
        let (folder, record) = run(&format!("{PENDULUM}fit Pendulum{held} to d {{ start g = 500 [cm/s^2] }}\n"));
        assert_eq!(parameter(&record, "length"), (length, None, true), "{held}");
        let (g, error, is_held) = parameter(&record, "g");
        let error = error.expect("an error");
        assert!((g - gravity).abs() < 4.0 * error && error < 0.01 * gravity && !is_held, "{held}: {g} ± {error}");
        assert_eq!(parameter(&record, "damping").2, held.contains("damping"), "{held}");
        assert!(!warnings(&record).contains("do not identify"), "{held}: {}", warnings(&record));
        // What was found is a model that checks and simulates.
        let out = folder.path().join("out");
        let simulated = mechc(&out, &["simulate", "discovered.mech", "--out", "again.csv"]);
        assert!(simulated.status.success(), "{held}: {}", simulated.stderr);
    }
}

/// The edit of W1102, in `run` and `check --data` alike, behind the name of the model or behind what is held already; made, the warning is gone.
#[test]
fn the_edit_of_an_unidentified_parameter_holds_it() {
    for (fit, meant) in [
        ("fit Pendulum to d\n", "fit Pendulum(length = 1) to d\n"),
        ("fit Pendulum () to d\n", "fit Pendulum (length = 1) to d\n"),
        ("fit Pendulum(damping = 0) to d as mine\n", "fit Pendulum(damping = 0, length = 1) to d as mine\n"),
    ] {
        for command in [&["run", "m.mech", "--out", "out"][..], &["check", "m.mech", "--data"]] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let text = format!("{PENDULUM}{fit}");
            fs::write(folder.path().join("m.mech"), &text).expect("a written file");
            let said = mechc(folder.path(), &[command, &["--message-format", "json"]].concat());
            let said = &said.stderr;
            let found = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let found =
                found.into_iter().find(|f| f["code"] == "W1102").unwrap_or_else(|| panic!("no W1102 in {said}"));
            let edit = &found["suggestion"];
            assert_eq!((edit["file"].as_str(), edit["line"].as_u64()), (Some("m.mech"), Some(3)), "{found}");
            let column = edit["column"].as_u64().and_then(|c| usize::try_from(c).ok()).expect("a column") - 1;
            assert_eq!(edit["column"], edit["end"]["column"], "an insertion: {found}");
            let edited = format!("{}{}{}", &fit[..column], edit["replacement"].as_str().expect("text"), &fit[column..]);
            assert_eq!(edited, meant);
            fs::write(folder.path().join("m.mech"), format!("{PENDULUM}{edited}")).expect("a written file");
            let again = mechc(folder.path(), &["check", "m.mech", "--data"]).ok();
            assert!(!again.stderr.contains("W1102"), "{meant}");
        }
    }
}

/// What a fit starts elsewhere it cannot hold as well: there the words alone tell what to do.
#[test]
fn a_started_parameter_has_no_edit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fit = "fit Pendulum to d { start length = 2 }\n";
    fs::write(folder.path().join("m.mech"), format!("{PENDULUM}{fit}")).expect("a written file");
    let said = mechc(folder.path(), &["check", "m.mech", "--data", "--message-format", "json"]);
    let said = &said.stderr;
    let mut found = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = found.find(|f| f["code"] == "W1102").unwrap_or_else(|| panic!("no W1102 in {said}"));
    assert!(found["message"].as_str().is_some_and(|m| m.contains("`length`")), "{found}");
    assert!(found["suggestion"].is_null(), "{found}");
}

/// Two numbers of which the gradient engine, too, can only tell the product: whatever one is held at, it is the same.
#[test]
fn the_gradient_engine_holds_what_is_known() {
    let model = "model M {
  state x
  param k = 0.5, s = 1
  x' = -k*s*x
  initial x = 2
}
data d = simulate M { steps 120; dt 0.05; seed 1 }
network reader { input x over window; mlp [16] tanh; output v over window }
";
    let products = [0.25, 0.5].map(|s| {
        let fit = "{ window 40; batch 16; auxiliary x = reader.v; steps 100; seed 1 }";
        let (_, record) = run(&format!("{model}fit M(s = {s}) to d {fit}\n"));
        assert_eq!(parameter(&record, "s"), (s, None, true));
        let (k, _, held) = parameter(&record, "k");
        assert!(!held);
        k * s
    });
    assert!((products[0] - products[1]).abs() < 1e-6 && products[0] > 0.1, "{products:?}");
}

/// What an equation identifies is known in the others: `a` by the prey, so that the predators identify `e`.
#[test]
fn a_product_with_what_another_equation_tells_is_identified() {
    let model = "model P {
  state u, w
  param r = 1, a = 1, e = 0.5, m = 0.5
  u' = r*u - a*u*w
  w' = e*a*u*w - m*w
}
model T {
  state u, w
  u' = 1.1*u - 0.4*u*w
  w' = 0.1*u*w - 0.4*w
  initial u = 10, w = 5
}
data d = simulate T { steps 300; dt 0.1; noise 1%; seed 1 }
fit P to d
";
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (text, told) in [(model.to_string(), false), (model.replace("u' = r*u - a*u*w", "u' = u - 0.4*u*w"), true)] {
        std::fs::write(folder.path().join("m.mech"), text).expect("a written file");
        for args in [&["check", "--data", "m.mech"][..], &["run", "m.mech"][..]] {
            let done = mechc(folder.path(), args);
            let said = &done.stderr;
            assert!(done.status.success() && said.contains("W1102") == told, "{said}");
        }
    }
}
