//! Warnings that are denied, allowed, and said before a run can fail; files that are not replaced; what a record keeps.

use std::fs;

use serde_json::Value;

use super::{folder, mechc};

/// An unused constant (W0701) and nothing else to remark.
const UNUSED: &str =
    "model M { state x; const c = 1; x' = -x; initial x = 1 }\ndata d = simulate M { steps 10; dt 0.1 }\n";

#[test]
fn warnings_are_denied_and_allowed() {
    let here = folder(&[("m.mech", UNUSED)]);
    for (arguments, code, says, silent) in [
        (vec![], 0, "W0701", ""),
        (vec!["--deny", "warnings"], 1, "error[W0701]", ""),
        (vec!["--deny", "w0701"], 1, "error[W0701]", ""),
        (vec!["--deny", "W0706"], 0, "warning[W0701]", ""),
        (vec!["--allow", "W0701"], 0, "", "W0701"),
        (vec!["--deny", "warnings", "--allow", "W0701"], 0, "", "W0701"),
        (vec!["--deny", "W9999"], 2, "N068", ""),
        (vec!["--allow", "E0101"], 2, "N068", ""),
        (vec!["--deny", "W0701", "--allow", "W0701"], 2, "N068", ""),
    ] {
        for command in ["check", "test"] {
            let mut all = vec![command, "m.mech", "--message-format", "short"];
            all.extend(&arguments);
            let output = mechc(here.path(), &all);
            let said = &output.stderr;
            assert_eq!(output.status.code(), Some(code), "{all:?}: {said}");
            assert!(said.contains(says), "{all:?}: {said}");
            assert!(silent.is_empty() || !said.contains(silent), "{all:?}: {said}");
        }
    }
}

#[test]
fn a_simulation_replaces_no_file_unless_it_is_told_to() {
    let here = folder(&[("m.mech", UNUSED), ("out.csv", "mine")]);
    let refused = mechc(here.path(), &["simulate", "m.mech", "--out", "out.csv"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stderr.contains("N069"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(here.path().join("out.csv")).expect("kept"), "mine");
    let forced = mechc(here.path(), &["simulate", "m.mech", "--out", "out.csv", "--force"]);
    assert_eq!(forced.status.code(), Some(0), "{}", forced.stderr);
    assert!(fs::read_to_string(here.path().join("out.csv")).expect("written").starts_with("t,x\n"));
}

/// A state that no data observe, and so few samples that the fit fails.
#[test]
fn warnings_are_said_before_a_fit_fails() {
    let model = "model Truth { state x; x' = -x/9; initial x = 1 }\n\
                 model M { state x, y; x' = ?poly(x, y; degree = 3); y' = ?poly(x, y; degree = 3) }\n\
                 data d = simulate Truth { steps 10; dt 1 }\nfit M to d\n";
    let here = folder(&[("m.mech", model)]);
    let output = mechc(here.path(), &["run", "m.mech", "--message-format", "json"]);
    assert_eq!(output.status.code(), Some(5));
    let said = &output.stderr;
    let first: Value = serde_json::from_str(said.lines().next().unwrap_or_default()).expect("an object");
    assert_eq!(first["code"], "W0706", "{said}");
    for line in said.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn a_record_keeps_the_model_and_the_result_has_the_grid_of_the_data() {
    let library = "model Truth { state s; s' = -s/2; initial s = 1 }\n";
    let model = "use parts.Truth\nmodel M { state s; param k = 1, kappa = 1; s' = -k*s + kappa*s^2 }\n\
                 data d = simulate Truth { steps 100; dt 0.1; noise 1%; holdout 20% of time }\nfit M to d\n";
    let here = folder(&[("m.mech", model), ("parts.mech", library)]);
    let output = mechc(here.path(), &["run", "m.mech", "--out", "r"]);
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
    let record = fs::read_to_string(here.path().join("r/record.json")).expect("a record");
    let record: Value = serde_json::from_str(&record).expect("an object");
    assert_eq!(record["sources"], serde_json::json!([["m.mech", model], ["parts.mech", library]]));
    let discovered = fs::read_to_string(here.path().join("r/discovered.mech")).expect("the result");
    assert!(discovered.contains("steps 100;"), "{discovered}");
    let layout = mechc(here.path(), &["fmt", "--check", "r/discovered.mech"]);
    assert_eq!(layout.status.code(), Some(0), "{}", layout.stdout);
}

#[test]
fn a_missing_column_of_times_is_told_how_to_be_named() {
    let model = "model M { state x; x' = ?poly(x; degree = 1) }\ndata d = csv(\"d.csv\") { time when }\nfit M to d\n";
    for (header, help) in [("whem,x", "did you mean `time whem`?"), ("seconds,x", "with `time NAME`")] {
        let here = folder(&[("m.mech", model), ("d.csv", &format!("{header}\n0,1\n1,2\n"))]);
        let output = mechc(here.path(), &["run", "m.mech"]);
        assert_eq!(output.status.code(), Some(3));
        let said = &output.stderr;
        assert!(said.contains("D012") && said.contains(help), "{said}");
    }
}

/// The unit that was written stays in what is to be written instead.
#[test]
fn a_missing_column_keeps_its_unit() {
    let model = "model M { time [h]; state x [mg/L], y [mg/L]; x' = -1 [1/h]*x; y' = -1 [1/h]*y }\n\
                 data d = csv(\"d.csv\") { time t [h]; x = x [g/L]; y = z [UNIT] }\nfit M to d\n";
    for (unit, column) in [("g/L", "`y = COLUMN [g/L]`"), ("mg/L", "`y = COLUMN [mg/L]`")] {
        let here = folder(&[("m.mech", &model.replace("UNIT", unit)), ("d.csv", "t,x\n0,1\n1,2\n")]);
        let output = mechc(here.path(), &["run", "m.mech"]);
        let said = output.said();
        assert!(output.status.code() == Some(3) && said.contains(column), "{said}");
    }
}

/// A column of times is proposed for nothing else, and a parameter in a formula is no column that has another name.
#[test]
fn a_missing_column_is_looked_for_where_it_can_be() {
    for (settings, there, not) in [
        ("dt 0.1", "say `v = COLUMN`", "v = time"),
        ("time time; v = x/k", "no parameter can stand there", "`column k = COLUMN`"),
    ] {
        let model =
            "model M { state x, v; param k = 1; x' = v; v' = -k*x }\ndata d = csv(\"d.csv\") { SET }\nfit M to d\n";
        let here = folder(&[("m.mech", &model.replace("SET", settings)), ("d.csv", "time,x\n0,1\n1,2\n")]);
        let output = mechc(here.path(), &["check", "--data", "m.mech"]);
        let said = output.said();
        assert!(output.status.code() == Some(3) && said.contains(there) && !said.contains(not), "{said}");
    }
}

/// Terms that only many others together make up are left to the fit, and one hole in several equations is told of once.
#[test]
fn terms_that_a_fit_may_tell_apart_are_told_where_few_others_make_them_up() {
    let chain = "model Chain { state g, r, f; g' = g*(1.5 - 0.1*g - 0.5*r); r' = r*(-0.4 + 0.2*g - 0.3*f); f' = f*(-0.5 + 0.25*r); \
                 initial g = 4, r = 1.5, f = 1 }\n\
                 data run = simulate Chain { steps 500; dt 0.08; noise 3%; seed 2 }\n";
    let fit = "model M { state g, r, f; (g, r, f)' = ?poly(g, r, f; degree = 2) }\nfit M to run\n";
    assert_eq!(on_data(&format!("{chain}{fit}")), "");
    let circle = "model Circle { state x, y; x' = y; y' = -x; initial x = 1, y = 0 }\n\
                  data run = simulate Circle { steps 200; dt 0.05; noise 0.1%; seed 1 }\n\
                  model M { state x, y; (x, y)' = ?poly(x, y; degree = 2) }\nfit M to run\n";
    let said = on_data(circle);
    assert!(said.contains("W1101") && !said.contains("leave one of them out") && said.lines().count() == 1, "{said}");
}

/// What `check --data` says of a model.
fn on_data(model: &str) -> String {
    let here = folder(&[("m.mech", model)]);
    let output = mechc(here.path(), &["check", "m.mech", "--data", "--message-format", "short"]);
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
    let said = output.stderr;
    let denied = mechc(here.path(), &["check", "m.mech", "--data", "--deny", "warnings"]);
    assert_eq!(denied.status.code(), Some(if said.is_empty() { 0 } else { 1 }), "{}", denied.stderr);
    said
}

#[test]
fn data_that_cannot_tell_unknowns_apart_are_reported() {
    let circle = "model Circle { state x, y; x' = y; y' = -x; initial x = 1, y = 0 }\n\
                  data run = simulate Circle { steps 200; dt 0.05 }\n";
    let said =
        on_data(&format!("{circle}model M {{ state x, y; x' = ?terms(1, x^2, y^2); y' = ?terms(x) }}\nfit M to run\n"));
    assert!(said.contains("warning[W1101]") && said.contains("`x^2`") && said.lines().count() == 1, "{said}");
    let said =
        on_data(&format!("{circle}model M {{ state x, y; x' = ?linear(x, y); y' = ?linear(x, y) }}\nfit M to run\n"));
    assert_eq!(said, "");
    let slow = "model Slow { state s; s' = -s; initial s = 1e-3 }\ndata run = simulate Slow { steps 100; dt 0.05 }\n\
                model M { state s; param V = 2, K = 2; s' = -V*s/(K + s) }\nfit M to run\n";
    let said = on_data(slow);
    assert!(said.contains("warning[W1102]") && said.lines().count() == 1, "{said}");
    let fast = "model Fast { state u order 2; u'' = -100*u; initial u = 1, u' = 0 }\n\
                data run = simulate Fast { steps 200; dt 0.15 }\nmodel M { state u order 2; u'' = ?linear(u) }\nfit M to run\n";
    let said = on_data(fast);
    assert!(said.contains("warning[W1103]") && said.lines().count() == 1, "{said}");
    // More than that such samples do not tell.
    let said = on_data(&fast.replace("dt 0.15", "dt 0.25"));
    assert!(said.contains("4 or fewer in a period"), "{said}");
}

#[test]
fn a_check_names_data_files_that_are_not_there() {
    let model = "model M { state x; param k; x' = -k*x }\n\
                 data run = csv(\"lorentz.csv\") { time t }\n\
                 data made = npz(\"made.npz\") { time t }\n\
                 fit M to run\nfit M to made as other\n";
    let here = folder(&[("m.mech", model), ("lorenz.csv", "t,x\n0,1\n1,2\n"), ("made.npz", "")]);
    for (arguments, code) in [(vec![], 0), (vec!["--deny", "W1106"], 1), (vec!["--allow", "W1106"], 0)] {
        let mut all = vec!["check", "m.mech", "--message-format", "json"];
        all.extend(&arguments);
        let output = mechc(here.path(), &all);
        let said = &output.stderr;
        assert_eq!(output.status.code(), Some(code), "{said}");
        let found: Vec<Value> = said.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
        if arguments.first() == Some(&"--allow") {
            assert!(found.is_empty(), "{said}");
            continue;
        }
        // What is there is not read: that it is no archive comes out with `--data`.
        let [only] = found.as_slice() else { panic!("{said}") };
        assert_eq!((&only["code"], &only["line"], &only["column"]), (&"W1106".into(), &2.into(), &16.into()), "{said}");
        assert!(only["help"].as_str().is_some_and(|h| h.contains("`lorenz.csv`")), "{said}");
    }
    let output = mechc(here.path(), &["check", "m.mech", "--data"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(!output.stderr.contains("W1106"), "{}", output.stderr);
}

#[test]
fn what_is_wrong_with_data_stands_at_the_part_that_asks_for_it() {
    let rest: String = (2..12).map(|i| format!("{i},{},5\n", i + 1)).collect();
    let rows = |header: &str, second: &str| format!("{header}\n0,1,5\n{second}\n{rest}");
    let good = rows("t,x,u", "1,2,5");
    for (table, data, place) in [
        (None, "csv(\"d.csv\") { time t }", "\"d.csv\""),
        (Some(rows("t,x,u", "1,2")), "csv(\"d.csv\") { time t }", "\"d.csv\""),
        (Some(good.clone()), "csv(\"d.csv\") { time when }", "time when"),
        (Some(good.clone()), "csv(\"d.csv\") { time t; x = position }", "x = position"),
        (Some(good.clone()), "csv(\"d.csv\") { time t; x = 2*position }", "x = 2*position"),
        (Some(good.clone()), "csv(\"d.csv\") { time t; trajectory run }", "trajectory run"),
        (Some(rows("t,x,u", "1,two,5")), "csv(\"d.csv\") { time t; x = x }", "x = x"),
        // The table has the column, and the text does not name it.
        (Some(rows("t,x,u", "1,two,5")), "csv(\"d.csv\") { time t }", "\"d.csv\""),
        (Some(rows("t,x,u", "0,2,5")), "csv(\"d.csv\") { time t }", "time t"),
        (Some(good.clone()), "csv(\"d.csv\") { time t; holdout 99% }", "holdout 99%"),
    ] {
        let model = format!("model M {{ state x; param k; x' = -k*x }}\ndata run = {data}\nfit M to run\n");
        let mut files = vec![("m.mech", model.as_str())];
        files.extend(table.as_deref().map(|t| ("d.csv", t)));
        let here = folder(&files);
        let output = mechc(here.path(), &["run", "m.mech", "--message-format", "json"]);
        let said = &output.stderr;
        let found: Value = serde_json::from_str(said.lines().next().unwrap_or_default()).expect("JSON");
        let column = model.lines().nth(1).and_then(|l| l.find(place)).expect("the place") + 1;
        assert_eq!(
            (found["line"].as_u64(), found["column"].as_u64()),
            (Some(2), Some(column as u64)),
            "{data}: {said}"
        );
    }
}
