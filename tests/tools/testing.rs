//! `mechc test` as a user meets it: what passes, what fails and why, snapshots, exit codes, and machine-readable output.

use std::fs;

use super::{folder, mechc};

/// A file whose tests pass, one of which runs a fit.
const GOOD: &str = r#"use std.systems.HarmonicOscillator

model Decay {
  state s
  param k = 1 in [0, 5]
  s' = -k*s + ?terms(s^2, 1)
}

model Truth {
  state s
  param k = 2
  s' = -k*s
  initial s = 1
}

data run = simulate Truth { steps 200; dt 0.02; noise 1%; seed 3; holdout 20% of time }
data wave = simulate HarmonicOscillator { steps 500; dt 0.05; trajectories 2 }

fit Decay to run

test "fit" {
  expect terms(s') == {s}
  expect k ~= 2 within 2%
  expect fit.k == k
  expect std_error(k) > 0; expect std_error(k) < 0.1
  expect coef(s', s) ~= -2 within 0.05
  expect coef(s', s^2) == 0
  expect rmse(s) < 0.02
  expect held_out_rmse(s) < 0.02
  expect metric("RMSE of s", "fitted") == rmse(s)
  expect noise(s) ~= 0.0025 within 20%
  expect loss() >= 0
  expect max(abs(fit.s - exp(-2*fit.t))) < 0.02
  expect snapshot equations
}

test "model" {
  expect terms(Truth.s') == {s}
  expect coef(Truth.s', s) == -Truth.k
  expect terms(HarmonicOscillator.u'') != {u, 1}
  expect snapshot lowering of Truth
}

test "whole" { expect snapshot lowering }

test "data" {
  expect count(wave.u) == 1000
  expect first(wave.u) == 1
  expect abs(wave.u) < 3
  expect rms(wave.u) ~= sqrt(mean(wave.u^2)) within 1e-12
  expect min(wave.t) == 0
}
"#;

#[test]
fn good_tests_pass_and_snapshots_are_kept() {
    let folder = folder(&[("good.mech", GOOD)]);
    let snapshots = folder.path().join("good.mech.snap");
    let first = mechc(folder.path(), &["test", "good.mech"]);
    assert_eq!(first.status.code(), Some(1), "without snapshots there is nothing to compare");
    assert!(first.stdout.ends_with("\n1 passed, 3 failed\n"), "{}", first.stdout);
    assert!(first.stderr.contains("E1104"));
    assert!(!snapshots.exists(), "nothing is written without --update");

    let update = mechc(folder.path(), &["test", "good.mech", "--update"]);
    assert_eq!(update.status.code(), Some(0), "{}", update.stderr);
    let kept = fs::read_to_string(&snapshots).expect("snapshots");
    assert!(kept.contains("=== fit: equations\ns' = -2") && kept.contains("=== model: lowering of Truth"), "{kept}");
    let whole =
        kept.split("\n=== ").find(|text| text.starts_with("whole: lowering\n")).expect("the lowering of the file");
    assert!(whole.contains("model Truth") && !whole.contains("model HarmonicOscillator"), "imported in {whole}");
    for threads in ["1", "2"] {
        let again = mechc(folder.path(), &["test", ".", "--threads", threads]);
        assert_eq!(again.status.code(), Some(0), "{}", again.stderr);
        assert!(again.stdout.ends_with("\n4 passed, 0 failed\n"), "{}", again.stdout);
    }
    assert_eq!(fs::read_to_string(&snapshots).expect("snapshots"), kept, "comparing changes nothing");
    assert!(!folder.path().join("runs").exists(), "fits of tests leave nothing behind");

    fs::write(&snapshots, kept.replace("=== fit: equations\ns' = -2", "=== fit: equations\ns' = -3")).expect("written");
    let changed = mechc(folder.path(), &["test", "good.mech"]);
    let said = &changed.stderr;
    assert_eq!(changed.status.code(), Some(1));
    assert!(said.contains("E1104") && said.contains("-s' = -3") && said.contains("+s' = -2"), "{said}");
}

#[test]
fn an_update_drops_snapshots_without_a_test() {
    let model = "model M { state x; x' = -x }\ntest \"a\" { expect snapshot lowering }\n";
    let folder = folder(&[("m.mech", model), ("m.mech.snap", "=== gone: lowering\nold\n")]);
    let snapshots = folder.path().join("m.mech.snap");
    let compared = mechc(folder.path(), &["test", "m.mech"]);
    assert!(compared.stderr.contains("no test compares the snapshot `gone: lowering`"));
    mechc(folder.path(), &["test", "m.mech", "--update", "--filter", "nothing of the kind"]);
    assert!(fs::read_to_string(&snapshots).expect("kept").contains("gone"), "a filter keeps the others");
    mechc(folder.path(), &["test", "m.mech", "--update"]);
    assert!(!fs::read_to_string(&snapshots).expect("kept").contains("gone"));
    fs::write(folder.path().join("m.mech"), "model M { state x; x' = -x }\n").expect("written");
    mechc(folder.path(), &["test", "m.mech", "--update"]);
    assert!(!snapshots.exists(), "no snapshot, no file");
}

#[test]
fn samples_that_are_missing_are_left_out_of_numbers_from_all_samples() {
    let file = r#"model Room { state T; param k = 1 in [0, 5]; T' = -k*T }
data room = csv("room.csv") { time t; missing "NA" }
fit Room to room
test "measured" {
  expect max(room.T) == 4; expect min(2*room.T) == 2; expect mean(room.T) ~= 2.4 within 1e-12
  expect count(room.T) == 5; expect count(room.t) == 8; expect last(room.T + room.t) == 8
}
test "computed" { expect max(sqrt(room.T - 2)) > 0 }
test "missing" { expect room.T < 10 }
test "infinite" { expect 1/0 == 1/0 }
"#;
    let data = "t,T\n0,1\n1,NA\n2,4\n3,NA\n4,2\n5,3\n6,2\n7,NA\n";
    let folder = folder(&[("m.mech", file), ("room.csv", data)]);
    let said = mechc(folder.path(), &["test", "m.mech"]);
    let (out, err) = (said.stdout, said.stderr);
    // What cannot be computed is no missing sample, and a comparison is of every sample.
    assert!(out.ends_with("\n1 passed, 3 failed\n"), "{out}{err}");
    assert!(err.contains("found NaN") && err.contains("expected inf, found inf"), "{err}");
}

/// Every expectation here fails, each for the reason beside it.
#[test]
fn what_does_not_hold_fails_with_both_sides() {
    let cases = [
        ("Truth.k == 3", "E1101", "expected 3, found 2"),
        ("Truth.k != 2", "E1101", "expected anything but 2"),
        ("Truth.k ~= 2.1 within 1%", "E1101", "off by 4.762 %"),
        ("Truth.k ~= 2.1 within 0.05", "E1101", "2.1 within 0.05"),
        ("Truth.k < 2", "E1101", "less than 2"),
        ("Truth.k >= 2.5", "E1101", "at least 2.5"),
        ("wave.u < 0.5", "E1101", "at sample 1"),
        ("sqrt(wave.u - 5) != 0", "E1101", "NaN"),
        ("terms(Truth.s') == {1}", "E1101", "missing: 1; not expected: s"),
        ("terms(Truth.s') != {s}", "E1101", "expected others"),
        ("wave.u ~= run.s within 10", "E1105", "a series of 1000 samples cannot meet one of 200"),
        (
            "coef(s', s^3) == 0",
            "E1105",
            "`s^3` is neither a term nor a candidate in the equation of `s`: these are s, s^2, 1",
        ),
        ("metric(\"speed\", \"fitted\") > 1", "E1105", "\"RMSE of s\" of \"fitted\""),
    ];
    let head = GOOD.split("test \"fit\"").next().expect("the part before the tests");
    for (claim, code, says) in cases {
        let folder = folder(&[("m.mech", &format!("{head}test \"t\" {{\n  expect {claim}\n}}\n"))]);
        let output = mechc(folder.path(), &["test", "m.mech", "--message-format", "json"]);
        let said = &output.stderr;
        assert_eq!(output.status.code(), Some(1), "{claim}: {said}");
        let finding = said.lines().find(|l| l.contains(code)).unwrap_or_else(|| panic!("{claim}: {said}"));
        let finding: serde_json::Value = serde_json::from_str(finding).expect("an object");
        assert!(finding.to_string().replace("\\\"", "\"").contains(says), "{claim}: {finding}");
        assert_eq!(finding["line"], head.lines().count() + 2, "{claim}");
        let help = finding["help"].as_str().unwrap_or_default();
        assert_eq!(help.contains("`~= 3 within 1%`"), claim == "Truth.k == 3", "{claim}: {help}");
        assert!(!help.is_empty(), "{claim}");
    }
}

#[test]
fn data_and_fits_that_fail_fail_their_tests() {
    let model = "model M { state x; param k; x' = -k*x }\ndata d = csv(\"nowhere.csv\") { time t }\nfit M to d\n\
                 test \"a\" { expect k > 0 }\ntest \"b\" { expect d.x > 0 }\n";
    let folder = folder(&[("m.mech", model)]);
    let output = mechc(folder.path(), &["test", "m.mech", "--message-format", "short"]);
    assert_eq!(output.status.code(), Some(1));
    let said = &output.stderr;
    assert_eq!(said.matches("E1105").count(), 2, "{said}");
    assert!(said.contains("D001") && said.contains("nowhere.csv"), "{said}");
    // The way out is that of what failed.
    let said = mechc(folder.path(), &["test", "m.mech"]).stderr;
    assert_eq!(said.matches("Paths are relative to the model file").count(), 2, "{said}");
    assert!(output.stdout.ends_with("0 passed, 2 failed\n"));
}

#[test]
fn files_without_tests_and_files_that_do_not_compile_are_named() {
    let plain = "model M { state x; x' = -x }\n";
    let tested = "model M { state x; param k = 1; x' = -k*x }\ntest \"k\" { expect M.k == 1 }\n";
    let files = [
        ("a/plain.mech", plain),
        ("a/.hidden/bad.mech", "model"),
        ("b.mech", tested),
        ("runs/r/record.json", "{}"),
        ("runs/r/discovered.mech", "model"),
    ];
    let folder = folder(&files);
    let output = mechc(folder.path(), &["test", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("plain.mech: no tests"), "{}", output.stderr);
    assert_eq!(output.stdout, "passed  ./b.mech: k\n1 passed, 0 failed\n");
    let none = mechc(folder.path(), &["test", ".", "--filter", "zzz"]);
    assert!(none.stderr.contains("none of 1 tests"), "{}", none.stderr);

    fs::write(folder.path().join("a/bad.mech"), "model M { state x }\n").expect("written");
    let output = mechc(folder.path(), &["test", "."]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, "not tested  ./a/bad.mech\npassed  ./b.mech: k\n1 passed, 0 failed\n");
    assert!(output.stderr.contains("E0301") && output.stderr.contains("./a/bad.mech:1"));

    for bad in [vec!["test", "nowhere"], vec!["test", "runs"]] {
        let output = mechc(folder.path(), &bad);
        assert_eq!(output.status.code(), Some(2), "{bad:?}");
        assert!(output.stderr.contains("N060"));
    }
    assert_eq!(mechc(folder.path(), &["test"]).status.code(), Some(2));
}

#[test]
fn json_has_an_object_for_each_test_and_one_with_the_sums() {
    let tested =
        "model M { state x; param k = 1; x' = -k*x }\ntest \"k\" { expect M.k == 1 }\ntest \"l\" { expect M.k == 2 }\n";
    let folder = folder(&[("m.mech", tested)]);
    let output = mechc(folder.path(), &["test", "m.mech", "--message-format", "json", "--set", "M.k=2"]);
    let lines: Vec<serde_json::Value> =
        output.stdout.lines().map(|l| serde_json::from_str(l).expect("an object")).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["status"], &lines[1]["status"]), (&"failed".into(), &"passed".into()));
    assert_eq!((&lines[2]["passed"], &lines[2]["failed"]), (&1.into(), &1.into()));
}

/// `mechc fmt` as a user meets it.
#[test]
fn files_are_formatted_and_checked() {
    let folder = folder(&[
        ("a.mech", "model A{state x;x'=-x}"),
        ("b/b.mech", "model B { state x; x' = -x }\n"),
        ("c.mech", "model C {"),
    ]);
    let check = mechc(folder.path(), &["fmt", "--check", "a.mech", "b"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(check.stdout.contains("-model A{state x;x'=-x}\n") && !check.stdout.contains("model B"));
    assert!(check.stderr.contains("E1201"));
    assert_eq!(fs::read_to_string(folder.path().join("a.mech")).expect("a"), "model A{state x;x'=-x}", "only checked");
    let wrong = mechc(folder.path(), &["fmt", "."]);
    assert_eq!(wrong.status.code(), Some(1), "one file has no layout, the others get theirs");
    assert!(wrong.stderr.contains("E0103") && wrong.stderr.contains("formatted ./a.mech"));
    assert_eq!(fs::read_to_string(folder.path().join("a.mech")).expect("a"), "model A { state x; x' = -x }\n");
    assert_eq!(fs::read_to_string(folder.path().join("c.mech")).expect("c"), "model C {");
    let check = mechc(folder.path(), &["fmt", "--check", "a.mech", "b"]);
    assert_eq!((check.status.code(), check.stdout), (Some(0), String::new()));
}

#[test]
fn names_that_equations_do_not_keep_stand_for_what_is_left_of_them() {
    let model = r#"model M {
  state x, y
  const two = 2
  param k = 3 fixed
  param r = 0.5
  let energy = x^2 + two*y^2
  let saturated = x/(k + x)
  x' = 4*saturated + energy - two*y
  y' = r*saturated*y
}
test "same" {
  expect terms(M.x') == {saturated, x^2, y^2, two*y}
  expect terms(M.x') == {x/(3 + x), x*x, y^2, y}
  expect coef(M.x', saturated) == 4
  expect coef(M.x', x/(k + x)) == 4
  expect coef(M.x', two*y) == -2
  expect terms(M.y') == {r*y*saturated}
}
test "other" { expect terms(M.x') == {saturated, x^2, y^2} }
test "energy" { expect coef(M.y', energy) == 1 }
"#;
    let folder = folder(&[("m.mech", model)]);
    let out = mechc(folder.path(), &["test", "m.mech"]);
    let said = &out.stdout;
    assert!(said.starts_with("passed  m.mech: same\nfailed  m.mech: other\nfailed  m.mech: energy\n"), "{said}");
}

#[test]
fn what_is_wrong_in_a_test_alone_does_not_keep_others_from_their_work() {
    // Tests may be about the start, which the fit estimates.
    let model = |test: &str| {
        let rest = "model M { state x; param k; x' = -k*x; initial x = 1 }\ndata run = csv(\"run.csv\") { time t }\nfit M to run\n";
        format!("{rest}{test}\n")
    };
    let rows: String = (0..60).map(|i| format!("{},{}\n", 0.1 * f64::from(i), (-0.05 * f64::from(i)).exp())).collect();
    let good = model("test \"a\" { expect q > 1 }");
    let folder = folder(&[
        ("name.mech", &good),
        ("text.mech", &model("test \"a\" { expect k > }")),
        ("open.mech", &model("test \"a\" { expect k > 1")),
        ("model.mech", &good.replace("-k*x", "-z*x")),
        ("data.mech", &good.replace("run.csv", "none.csv")),
        ("run.csv", &format!("t,x\n{rows}")),
    ]);
    for (file, code) in [("name.mech", "E1102"), ("text.mech", "E0101")] {
        let run = mechc(folder.path(), &["run", file]);
        assert_eq!(run.status.code(), Some(0), "{file}: {}", run.stderr);
        assert!(run.stdout.contains("k = 0.5"), "{file}: {}", run.stdout);
        assert!(run.stderr.starts_with(code) && !run.stderr.contains("W0709"), "{file}: {}", run.stderr);
        let denied = mechc(folder.path(), &["run", file, "--deny", "warnings"]);
        assert_eq!(denied.status.code(), Some(1), "{file}: {}", denied.stderr);
        for judged in [vec!["check", file], vec!["test", file], vec!["check", file, "--data"]] {
            let out = mechc(folder.path(), &judged);
            assert_eq!(out.status.code(), Some(1), "{judged:?}: {}", out.stderr);
            assert_eq!(out.stderr.matches(code).count(), 1, "{judged:?}: {}", out.stderr);
        }
    }
    // Elsewhere an error stays one, and so does a test of which nobody knows where it ends.
    for file in ["open.mech", "model.mech"] {
        assert_eq!(mechc(folder.path(), &["run", file]).status.code(), Some(1), "{file}");
    }
    for command in [vec!["run", "data.mech"], vec!["check", "data.mech", "--data"]] {
        let out = mechc(folder.path(), &command);
        let said = &out.stderr;
        assert!(said.contains("E1102") && said.contains("none.csv"), "{command:?}: {said}");
        assert_ne!(out.status.code(), Some(0), "{command:?}");
    }
}

/// A stone that falls from 100 m against a drag of 0.1/s.
const FALL: &str = "model Fall {
  time [s]
  state x [m] order 2
  param g [m/s^2] = 9.81, k
  x'' = -g - k*x'
  initial x = 100, x' = 0
}
data run = simulate Fall(k = 0.1) { steps 100; dt 0.1 }
fit Fall to run
";

#[test]
fn units_of_expectations_are_converted() {
    let claims = [
        "max(run.x) ~= 0.1 [km] within 1 [cm]",
        "0.1 [km] >= run.x",
        "at(run.x, 0.01 [min]) == at(run.x, 0.6)",
        "g ~= 127137.6 [km/h^2] within 1%",
        "k ~= 6 [1/min] within 0.01 [1/min]",
        "coef(x'', x') ~= -6 [1/min] within 1%",
        "coef(x'', 1) ~= -981 [cm/s^2] within 1%",
        "rmse(x) < 1 [mm]",
        "last(run.t) == 0.165 [min]",
        "sqrt(2*(max(run.x) - 0.05 [km])/9.81 [m/s^2]) ~= 3.19 [s] within 1%",
        "(first(run.x), 2 [km]) == (100 [m], 2000 [m])",
    ];
    let expected: String = claims.iter().map(|claim| format!("test \"{claim}\" {{ expect {claim} }}\n")).collect();
    let folder_of = |tests: &str| folder(&[("m.mech", &format!("{FALL}{tests}"))]);
    let good = folder_of(&expected);
    let output = mechc(good.path(), &["test", "m.mech"]);
    let said = &output.stdout;
    assert!(said.ends_with(&format!("{} passed, 0 failed\n", claims.len())), "{said}{}", output.stderr);
    // What fails is told in the unit of the left side.
    for (claim, says) in [
        ("max(run.x) < 0.05 [km]", "expected less than 50 [m], found 100 [m]"),
        ("max(run.x) ~= 0.09 [km] within 1 [m]", "expected 90 [m] within 1 [m], found 100 [m]"),
    ] {
        let bad = folder_of(&format!("test \"t\" {{ expect {claim} }}\n"));
        let output = mechc(bad.path(), &["test", "m.mech", "--message-format", "short"]);
        assert_eq!(output.status.code(), Some(1), "{claim}");
        assert!(output.stderr.contains(says), "{claim}: {}", output.stderr);
    }
}

/// A library that imports another one is found right where it is imported and where it is tested by itself.
#[test]
fn libraries_that_import_libraries_are_tested_by_themselves() {
    let main = "use lib.deep.laws.Growth\ntest \"main\" { expect Growth.k == 1 }\n";
    let laws = "use lib.units.cell\nmodel Growth { time [s]; state n [cell]; param k [1/s] = 1; n' = k*n }\n\
                test \"own\" { expect Growth.k == 1 }\n";
    let folder = folder(&[("m.mech", main), ("lib/deep/laws.mech", laws), ("lib/units.mech", "unit cell\n")]);
    let said = mechc(folder.path(), &["test", "."]);
    let (out, err) = (said.stdout, said.stderr);
    assert!(out.ends_with("\n2 passed, 0 failed\n"), "{out}{err}");
    assert_eq!(mechc(folder.path(), &["check", "lib/deep/laws.mech"]).status.code(), Some(0));
}
