//! Data blocks in which several things are missing: one message names all of them, and what it offers to write makes the block right.

mod common;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use common::{folder, mechc};

use serde_json::Value;

/// A drug of which the gut is never measured, with a dose that is.
const DOSED: &str =
    "model M { state gut, conc; input dose; param ka, ke in [0, 5]; gut' = dose - ka*gut; conc' = ka*gut - ke*conc }\n";
const TWO: &str = "model M { state x, y; (x, y)' = ?linear(x, y) }\n";
const ONE: &str = "model M { state x; x' = ?linear(x) }\n";
const FAMILY: &str = "model M { index i = 3; state u[i]; param k = 1 in [0, 9]; u' = -k*u }\n";
const UNITS: &str =
    "model M { time [h]; state conc [mg/L]; input dose [mg/L/h]; param k [1/h] in [0, 9]; conc' = dose - k*conc }\n";

/// A table: the header, how many experiments of ten samples, and a row of experiment `k` at time `t`.
fn table(header: &str, experiments: usize, row: impl Fn(usize, f64) -> String) -> String {
    let mut out = format!("{header}\n");
    for k in 0..experiments {
        for i in 0..10 {
            writeln!(out, "{}", row(k, 0.5 * f64::from(i))).expect("a string");
        }
    }
    out
}

/// What `check --data` says of a model and a table with these settings of the data block, one object in a line.
fn said(model: &str, table: &str, settings: &str) -> (Option<i32>, String) {
    checked(&program(model, settings), table)
}

fn program(model: &str, settings: &str) -> String {
    format!("{model}data d = csv(\"d.csv\") {{ {settings} }}\nfit M to d\n")
}

fn checked(program: &str, table: &str) -> (Option<i32>, String) {
    let here = folder(&[("m.mech", program), ("d.csv", table)]);
    let ran = mechc(here, &["check", "--data", "m.mech", "--message-format", "json"]);
    (ran.status.code(), ran.stderr)
}

/// The program with the edit of a finding, within one line.
fn edited(program: &str, edit: &Value) -> String {
    let number = |of: &Value| of.as_u64().expect("a number") as usize;
    let (line, from, to) = (number(&edit["line"]), number(&edit["column"]), number(&edit["end"]["column"]));
    let change = |(n, text): (usize, &str)| match n + 1 == line {
        true => format!("{}{}{}", &text[..from - 1], edit["replacement"].as_str().expect("a text"), &text[to - 1..]),
        false => text.to_string(),
    };
    program.lines().enumerate().map(change).collect::<Vec<_>>().join("\n") + "\n"
}

fn wave(k: usize, t: f64) -> (f64, f64) {
    let phase = t + k as f64;
    (phase.cos(), phase.sin())
}

/// What is offered, written beside what is there, is accepted.
#[test]
fn one_edit_names_all_that_is_missing() {
    let patients = |k: usize, t: f64| format!("{},{t},{},{}", k + 1, 1 + k % 2, wave(k, t).0);
    let named = |k: usize, t: f64| format!("exp{},{t},{},{}", k + 1, wave(k, t).0, wave(k, t).1);
    let cases = [
        (
            "everything but the times",
            DOSED,
            table("patient,hour,dose_mg,concentration", 3, patients),
            "time hour",
            "has no columns `gut`, `conc`, `dose`",
            "if `patient` tells the experiments apart, `conc` is `concentration`, `dose` is `dose_mg` and `gut` was not measured, write \
             `trajectory patient; conc = concentration; dose = dose_mg`.",
        ),
        (
            "everything",
            DOSED,
            table("patient,hour,dose_mg,concentration", 3, patients),
            "time t",
            "has no column `t` for the times, and none called `gut`, `conc`, `dose`",
            "if `hour` holds the times, `patient` tells the experiments apart, `conc` is `concentration`, `dose` is `dose_mg` and `gut` was not measured, \
             write `time hour; trajectory patient; conc = concentration; dose = dose_mg`.",
        ),
        (
            "times that are called otherwise",
            TWO,
            table("experiment,seconds,x,y", 3, named),
            "time t",
            "has no column `t` for the times",
            "write `time seconds; trajectory experiment`.",
        ),
        (
            "one state of two, and the experiments",
            TWO,
            table("experiment,t,x,speed", 3, named),
            "time t",
            "has no column `y`",
            "if `experiment` tells the experiments apart and `y` was not measured, write `trajectory experiment; x = x`; what else was measured is \
             listed too, such as `y = speed`.",
        ),
        (
            "the experiments alone, with the wrong name",
            TWO,
            table("experiment,t,x,y", 3, named),
            "time t; trajectory run",
            "has no column `run`",
            "if `experiment` tells the experiments apart, write `trajectory experiment`.",
        ),
        (
            "the experiments alone",
            TWO,
            table("experiment,t,x,y", 3, named),
            "time t",
            "does not come after",
            "if the file holds several experiments and `experiment` tells them apart, write `trajectory experiment` in the data block;",
        ),
        (
            "names in other letters",
            TWO,
            table("t,X (m),Y_pos", 1, |k, t| format!("{t},{},{}", wave(k, t).0, wave(k, t).1)),
            "time t",
            "has no columns `x`, `y`",
            "if `x` is `X (m)` and `y` is `Y_pos`, write `x = \"X (m)\"; y = Y_pos`.",
        ),
        (
            "elements of a family",
            FAMILY,
            table("t,u1,u2,u3", 1, |_, t| {
                let x = (-t).exp();
                format!("{t},{x},{},{}", 2.0 * x, 3.0 * x)
            }),
            "time t",
            "has no columns `u[1]`, `u[2]`, `u[3]`",
            "write `u[1] = u1; u[2] = u2; u[3] = u3`.",
        ),
        (
            "units",
            UNITS,
            table("t,concentration,dosage,subject", 2, |k, t| format!("{t},{},1,s{k}", 1.0 + (-t).exp())),
            "time t [h]; conc = concentration_mgl [mg/L]",
            "has no columns `concentration_mgl`, `dose`",
            "write `trajectory subject; conc = concentration [mg/L]; dose = dosage [mg/(L*h)]`.",
        ),
    ];
    for (what, model, table, settings, message, help) in cases {
        let (code, found) = said(model, &table, settings);
        assert!(code == Some(3) && found.contains(message), "{what}: {found}");
        let found: Value = found.lines().filter_map(|line| serde_json::from_str(line).ok()).next_back().expect("JSON");
        let told = found["help"].as_str().expect("a help");
        assert!(told.contains(help), "{what}: {told}");
        let edit = told.split("write `").nth(1).and_then(|rest| rest.split('`').next()).expect("an edit");
        // What has a wrong name there is replaced.
        let keys: Vec<&str> = edit.split("; ").filter_map(|own| own.split(' ').next()).collect();
        let kept = settings.split("; ").filter(|own| own.split(' ').next().is_none_or(|key| !keys.contains(&key)));
        let whole: Vec<&str> = kept.chain([edit]).filter(|own| !own.is_empty()).collect();
        let (code, after) = said(model, &table, &whole.join("; "));
        assert!(code == Some(0), "{what}: {whole:?}: {after}");
        // No edit is made where a unit would be lost, or where a column is left that may be the state which is offered as not measured.
        let edit = &found["suggestion"];
        let none = ["units", "one state of two, and the experiments"];
        assert_eq!(edit.is_null(), none.contains(&what), "{what}: {found}");
        if !edit.is_null() {
            let program = edited(&program(model, settings), edit);
            let (code, after) = checked(&program, &table);
            assert!(code == Some(0), "{what}: {program}: {after}");
        }
    }
}

/// What no name tells is left open, with the columns that are free, and no column of texts is offered for a state.
#[test]
fn what_is_not_known_is_left_open() {
    let (_, found) =
        said(TWO, &table("t,hare,lynx", 1, |k, t| format!("{t},{},{}", wave(k, t).0, wave(k, t).1)), "time t");
    let help = "write `x = COLUMN; y = COLUMN`, with the name of a column in place of COLUMN (nothing reads `hare`, `lynx`); leave out the states that \
                were not measured.";
    assert!(found.contains(help), "{found}");
    // Texts in one experiment tell nothing apart, and are nothing that a state is read from.
    let (_, found) = said(ONE, &table("experiment,t", 1, |_, t| format!("exp1,{t}")), "time t");
    assert!(found.contains("`x = COLUMN`") && !found.contains("x = experiment"), "{found}");
    let (_, found) = said(TWO, &table("experiment,t,x", 1, |k, t| format!("exp1,{t},{}", wave(k, t).0)), "time t");
    assert!(found.contains("say `y = COLUMN`") && found.contains("`x = x`"), "{found}");
    // An input has to be named.
    let dosed = table("t,conc,given,other", 1, |k, t| format!("{t},{},1,2", wave(k, t).0));
    let (_, found) = said(DOSED, &dosed, "time t");
    let help = "if `gut` was not measured, write `dose = COLUMN; conc = conc`, with the name of a column in place of COLUMN (nothing reads `given`, `other`).";
    assert!(found.contains(help), "{found}");
    // Numbers that repeat are no experiments, nor is what differs in every row.
    let (_, found) =
        said(TWO, &table("t,x,n", 2, |k, t| format!("{t},{},{}", wave(k, t).0, (t * 2.0) as i32 % 3)), "time t");
    assert!(!found.contains("trajectory n"), "{found}");
}

/// Formulas read columns; what they lack is named beside the rest.
#[test]
fn formulas_are_told_beside_the_rest() {
    let data = table("t,vx,rise", 1, |k, t| format!("{t},{},{}", wave(k, t).0, wave(k, t).1));
    let model = "model M { state v; input slope; param k in [0, 9]; v' = -k*v - slope }\n";
    let (_, found) = said(model, &data, "time t; v = sqrt(vx^2 + vy^2)");
    assert!(found.contains("has no columns `vy`, `slope`"), "{found}");
    assert!(found.contains("a formula of the data reads `vy`") && found.contains("write `slope = COLUMN`"), "{found}");
}

/// The last finding of a check of the data.
fn finding(model: &str, table: &str, settings: &str) -> Value {
    let (_, found) = said(model, table, settings);
    found.lines().filter_map(|line| serde_json::from_str(line).ok()).next_back().unwrap_or_else(|| panic!("{found}"))
}

/// The edit writes all that the help says, in place of what is there and beside it.
#[test]
fn an_edit_is_all_of_the_help() {
    let row = |k: usize, t: f64| format!("p{k},{t},{},{}", wave(k, t).0, wave(k, t).1);
    let cases = [
        (
            "a state with a wrong name",
            ONE,
            table("id,t,x,y_val", 2, row),
            "time t; x = xx",
            "time t; x = x; trajectory id",
        ),
        (
            "the times and the experiments with wrong names",
            TWO,
            table("id,t,x,y", 2, row),
            "time tt; trajectory idd",
            "time t; trajectory id",
        ),
        (
            "others between them",
            TWO,
            table("id,t,x,y", 2, row),
            "trajectory idd; missing \"NA\"; time tt; x = xx; spacing irregular",
            "trajectory id; missing \"NA\"; time t; x = x; spacing irregular",
        ),
        (
            "others before what is new",
            ONE,
            table("id,t,x,y_val", 2, row),
            "time t; x = xx; spacing irregular",
            "time t; x = x; spacing irregular; trajectory id",
        ),
    ];
    for (what, model, table, settings, wanted) in cases {
        let found = finding(model, &table, settings);
        let after = edited(&program(model, settings), &found["suggestion"]);
        assert!(after.contains(&format!("{{ {wanted} }}")), "{what}: {after}: {found}");
        let (code, after) = checked(&after, &table);
        assert_eq!(code, Some(0), "{what}: {after}");
    }
    // What a formula lacks no setting mends, and so the rest of it is no edit.
    let model = "model M { state v; input slope; param k in [0, 9]; v' = -k*v - slope }\n";
    let data = table("t,vx,slopes", 1, |k, t| format!("{t},{},{}", wave(k, t).0, wave(k, t).1));
    let found = finding(model, &data, "time t; v = sqrt(vx^2 + vy^2); slope = sloped");
    assert!(found["suggestion"].is_null(), "{found}");
}

/// What is offered can be written: no column that stands twice, has no name, or a name that a data block does not take as it is.
#[test]
fn odd_names_are_quoted_or_not_offered() {
    let pair = |k: usize, t: f64| format!("{},{}", wave(k, t).0, wave(k, t).1);
    // Twice, empty and a line break, and what tells the experiments apart beside them.
    for (header, id) in [("a,a,b\u{b2}", true), (",a\u{202e},b\u{b2}", true), ("\"no\nte\",,a\u{1b}", false)] {
        let data = table(&format!("{header},t,x,y"), 2, |k, t| format!("e{k},e{k},e{k},{t},{}", pair(k, t)));
        let found = finding(TWO, &data, "time t");
        match id {
            true => {
                let help = found["help"].as_str().expect("a help");
                assert!(
                    help.contains("`b\u{b2}` tells them apart, write `trajectory \"b\u{b2}\"`"),
                    "{header}: {help}"
                );
                let (code, after) = checked(&edited(&program(TWO, "time t"), &found["suggestion"]), &data);
                assert_eq!(code, Some(0), "{header}: {after}");
            }
            false => assert!(found["suggestion"].is_null(), "{header}: {found}"),
        }
        // Nor where something else is lacking.
        let data = table(&format!("{header},t,x,y_val"), 2, |k, t| format!("e{k},e{k},e{k},{t},{}", pair(k, t)));
        let found = finding(TWO, &data, "time t");
        assert_eq!(found["help"].as_str().expect("a help").contains("trajectory \"b"), id, "{header}: {found}");
    }
    // A word of the language.
    let data = table("t,X if,if", 1, |k, t| format!("{t},{}", pair(k, t)));
    let found = finding("model M { state x, if_; (x, if_)' = ?linear(x, if_) }\n", &data, "time t");
    assert!(found["help"].as_str().is_some_and(|help| help.contains("if_ = \"if\"")), "{found}");
    // A name without an end is shortened.
    let long = "a".repeat(30_000);
    let found = finding(TWO, &table(&format!("t,x,{long}"), 1, |k, t| format!("{t},{}", pair(k, t))), "time t");
    let help = found["help"].as_str().expect("a help");
    assert!(help.len() < 400 && help.contains("`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...`"), "{help}");
}

/// A unit is no name: `s` is not `speed (m/s)`.
#[test]
fn units_of_columns_are_no_names() {
    let model = "model M { state s, g; (s, g)' = ?linear(s, g) }\n";
    for header in ["t,speed (m/s),mass [g]", "t,speed_m_s,mass_g"] {
        let data = table(header, 1, |k, t| format!("{t},{},{}", wave(k, t).0, wave(k, t).1));
        let found = finding(model, &data, "time t");
        assert!(found["suggestion"].is_null(), "{header}: {found}");
        assert!(found["help"].as_str().is_some_and(|help| help.contains("`s = COLUMN; g = COLUMN`")), "{found}");
    }
}

/// Large tables are looked at no longer than it takes to read them.
#[test]
fn large_tables_take_no_time() {
    let n = 1000;
    let model = format!("model M {{ index i = {n}; state u[i]; param k = 1 in [0, 9]; u' = -k*u }}\n");
    let names: Vec<String> = (0..n).map(|k| format!("c{}_{k}", 7919 * k % 100_003)).collect();
    let cells = vec!["1.5"; n].join(",");
    let data = table(&format!("t,{}", names.join(",")), 1, |_, t| format!("{t},{cells}"));
    let begun = Instant::now();
    let found = finding(&model, &data, "time t");
    let help = found["help"].as_str().expect("a help");
    assert!(help.contains("u[12] = COLUMN; ...`") && help.len() < 2000, "{help}");
    // What is called alike is found all the same; the edit has all of it, and the help its beginning.
    let names: Vec<String> = (1..=n).map(|k| format!("U_{k}")).collect();
    let data = table(&format!("t,{}", names.join(",")), 1, |_, t| format!("{t},{cells}"));
    let found = finding(&model, &data, "time t");
    let help = found["help"].as_str().expect("a help");
    assert!(help.contains("`u[12]` is `U_12` and so on, write `u[1] = U_1;") && help.len() < 2000, "{help}");
    let (code, after) = checked(&edited(&program(&model, "time t"), &found["suggestion"]), &data);
    assert_eq!(code, Some(0), "{after}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
