//! What is easily forgotten or turned round in a first model: columns, starts, signs, inputs. What is said of each, with the way out.

mod common;

use std::fmt::Write as _;

use common::{Ran, folder, mechc, run};
use serde_json::Value;

/// Tables of an enzyme that its substrate inhibits, for which the law without inhibition is the wrong one.
const INHIBITED: &str = include_str!("fixtures/inhibited.csv");
const INHIBITED_STRONGLY: &str = include_str!("fixtures/inhibited_strongly.csv");

/// Prey and predators with noise of 2 %.
const TRUTH: &str = "model Truth {
  state hare, lynx
  hare' = 0.8*hare - 0.04*hare*lynx
  lynx' = 0.02*hare*lynx - 0.4*lynx
  initial hare = 30, lynx = 10
}
data d = simulate Truth { steps 80; dt 0.4; noise 2%; seed 3 }
";

/// A command on `m.mech` beside `d.csv`, in a folder of its own.
fn called(model: &str, table: &str, args: &[&str]) -> Ran {
    mechc(folder(&[("m.mech", model), ("d.csv", table)]), args)
}

/// The findings of a command as objects.
fn findings(model: &str, table: &str, args: &[&str]) -> Vec<Value> {
    let ran = called(model, table, &[&["--message-format", "json"], args].concat());
    let lines = ran.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|found| found["code"].is_string()).collect()
}

fn text<'v>(found: &'v Value, key: &str) -> &'v str {
    found[key].as_str().unwrap_or_default()
}

/// `t,h,l` of prey and predators.
fn hares() -> String {
    let (mut x, mut y) = (30.0f64, 10.0f64);
    let mut out = "t,hare,lynx\n".to_string();
    for i in 0..60 {
        let _ = writeln!(out, "{},{x:.5},{y:.5}", 0.2 * f64::from(i));
        for _ in 0..200 {
            let (dx, dy) = (0.8 * x - 0.04 * x * y, 0.02 * x * y - 0.4 * y);
            (x, y) = (x + 0.001 * dx, y + 0.001 * dy);
        }
    }
    out
}

const RENAMED: &str = "model Hares {
  state prey, lynx
  prey' = ?terms(prey, prey*lynx)
  lynx' = ?terms(prey*lynx, lynx)
}
data d = csv(\"d.csv\") { time t; prey = hare }
fit Hares to d
";

#[test]
fn a_column_that_is_not_listed_is_told_by_the_check_and_before_all_that_a_fit_says() {
    let help = "the table has a column `lynx`, which is not read";
    for args in [["check", "m.mech"].as_slice(), &["check", "--data", "m.mech"]] {
        let found = findings(RENAMED, &hares(), args);
        let [one] = found.as_slice() else { panic!("{args:?}: {found:?}") };
        assert_eq!((text(one, "code"), text(one, "message")), ("W0706", "no column of `d` observes `lynx`"));
        assert!(text(one, "help").starts_with(help) && text(one, "help").contains("write `lynx = lynx`"), "{one}");
    }
    let done = called(RENAMED, &hares(), &["run", "m.mech", "--out", "out"]);
    let flat = done.said();
    assert_eq!(done.status.code(), Some(5), "{flat}");
    let at = flat.find("help: no column observes `lynx`: the table has a column `lynx`").expect(&flat);
    assert!(flat[at..].contains("; else what `lynx` is and does"), "{flat}");
    // Names may stand in a comment, above rows with texts that nobody reads.
    let table = hares().replace('\n', ",ok\n").replacen("t,hare,lynx,ok", "#t,hare,lynx,note", 1);
    let found = findings(RENAMED, &table, &["check", "m.mech"]);
    assert!(found.iter().any(|one| text(one, "help").starts_with(help)), "{found:?}");
    // The edit mends it.
    let shown = called(RENAMED, &hares(), &["check", "m.mech"]).stderr;
    let line = "data d = csv(\"d.csv\") { time t; prey = hare; lynx = lynx }";
    assert!(shown.contains(line), "{shown}");
    let mended = RENAMED.replace("prey = hare", "prey = hare; lynx = lynx");
    assert!(findings(&mended, &hares(), &["check", "m.mech"]).is_empty());
}

#[test]
fn states_without_a_column_are_told_by_the_check_and_several_columns_at_once() {
    let table = hares().replace("lynx", "fox");
    let found = findings(RENAMED, &table, &["check", "m.mech"]);
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(text(one, "code"), "W0706");
    assert!(text(one, "help").starts_with("measure it too"), "{one}");
    let town = "model Town {
  state S, I, R
  param b = 1 in [0, 5], g = 1 in [0, 5]
  S' = -b*S*I
  I' = b*S*I - g*I
  R' = g*I
}
data d = csv(\"d.csv\") { time t; I = I }
fit Town to d
";
    let found = findings(town, "t,S,I,R\n0,1,2,3\n1,2,3,4\n", &["check", "m.mech"]);
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(text(one, "message"), "no column of `d` observes `S`, `R`");
    assert!(text(one, "help").contains("write `S = S; R = R` beside the column of `I`"), "{one}");
    // What another table has is observed, and a file that is not there has no columns.
    let second = town.replace("fit Town to d", "data e = csv(\"d.csv\") { time t }\nfit Town to (d, e)");
    let found = findings(&second, "t,S,I,R\n0,1,2,3\n1,2,3,4\n", &["check", "m.mech"]);
    assert!(found.is_empty(), "{found:?}");
    let found = findings(&town.replace("d.csv", "none.csv"), "", &["check", "m.mech"]);
    assert!(found.iter().any(|f| text(f, "code") == "W1106"), "{found:?}");
}

const ENZYME: &str = "model Enzyme {
  state S, P
  param Vmax, Km
  S' = -Vmax*S/(Km + S)
  P' = Vmax*S/(Km + S)
}
data d = csv(\"d.csv\") { time min; trajectory exp; spacing irregular }
fit Enzyme to d
";

#[test]
fn parameters_without_starts_that_a_fit_does_not_find_are_to_be_given_starts_and_ranges() {
    let given = "give `Vmax`, `Km` starts and ranges of the size that is expected: `param Vmax = 1 in [0, 10], Km = 1 in [0, 10]`";
    let found = findings(ENZYME, INHIBITED, &["run", "m.mech", "--out", "out"]);
    let singular = found.iter().find(|f| text(f, "code") == "N505").unwrap_or_else(|| panic!("{found:?}"));
    assert!(text(singular, "message").starts_with("the parameters cannot be told apart"), "{singular}");
    assert!(text(singular, "help").starts_with(given) && !text(singular, "help").contains("candidate"), "{singular}");
    let found = findings(ENZYME, INHIBITED_STRONGLY, &["run", "m.mech", "--out", "out"]);
    let lost = found.iter().find(|f| text(f, "code") == "W1120").unwrap_or_else(|| panic!("{found:?}"));
    assert!(text(lost, "message").starts_with("the fit is lost: what it leaves over of `P` is "), "{lost}");
    assert!(text(lost, "message").contains("explain nothing; give `Vmax`, `Km` starts"), "{lost}");
    assert!(found.iter().all(|f| !["W1102", "W1107"].contains(&text(f, "code"))), "{found:?}");
}

#[test]
fn a_parameter_in_candidate_terms_alone_is_not_told_to_stand_beside_the_hole() {
    let model = "model Enzyme {
  state S, P
  param Km = 1 in [0.01, 20], Kp = 5 in [0.1, 100]
  hole rate = ?terms(S/(Km + S), S/(Km*(1 + P/Kp) + S); coefficients >= 0)
  S' = -rate
  P' = rate
}
data d = csv(\"d.csv\") { time min; trajectory exp; spacing irregular }
fit Enzyme to d
";
    let found = findings(model, INHIBITED, &["check", "--data", "m.mech"]);
    let same = found.iter().find(|f| text(f, "message").contains("is a combination of")).expect("W1101");
    let help = "`Kp` makes one of these candidate terms another: leave one of them out, or hold `Kp`";
    assert!(text(same, "help").starts_with(help) && !text(same, "help").contains("beside"), "{same}");
}

/// A run of a model of prey and predators with these equations: its findings.
fn with_equations(equations: &str) -> Vec<Value> {
    let params = "param growth = 1 in [0, 5], death = 1 in [0, 5]";
    let model = format!("{TRUTH}model H {{\n  state hare, lynx\n  {params}\n  {equations}\n}}\nfit H to d\n");
    findings(&model, "", &["run", "m.mech", "--out", "out"])
}

#[test]
fn a_sign_that_is_the_wrong_one_is_told_where_bounds_hold_the_law_at_zero() {
    let cases = [
        (
            "hare' = growth*hare - ?terms(hare*lynx; coefficients >= 0); lynx' = ?terms(hare*lynx; coefficients >= 0) + death*lynx",
            "`death` is -0.",
            "the sign before the term with `death` is the wrong one",
        ),
        (
            "hare' = growth*hare - ?terms(hare*lynx; coefficients <= 0); lynx' = ?terms(hare*lynx; coefficients >= 0) - death*lynx",
            "the coefficient of `hare*lynx` in the equation of `hare` is 0.0",
            "the sign before `?terms(hare*lynx; coefficients <= 0)`, or its bound, is the wrong one",
        ),
    ];
    for (equations, number, sign) in cases {
        let found = with_equations(equations);
        let told =
            |f: &&Value| text(f, "message").contains("bounds hold at 0 what the data ask for with the other sign");
        let one = found.iter().find(told).unwrap_or_else(|| panic!("{equations}: {found:?}"));
        let all = format!("{} {}", text(one, "message"), text(one, "help"));
        assert!(all.contains(number) && all.contains(sign), "{all}");
        // Nothing else is said of what follows from it.
        let others = ["W1102", "W1104", "W1105", "W1107", "W1111", "W1119", "W1120", "W1122"];
        let count = found.iter().filter(|f| others.contains(&text(f, "code"))).count();
        assert_eq!(count, 1, "{found:?}");
    }
    let right = "hare' = growth*hare - ?terms(hare*lynx; coefficients >= 0); lynx' = ?terms(hare*lynx; coefficients >= 0) - death*lynx";
    let found = with_equations(right);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_number_that_ends_at_zero_is_asked_for_its_sign() {
    let model = "model Truth {
  state s
  s' = 0.3*s
  initial s = 1
}
model Decay {
  state s
  param rate = 0.1 in [0, 0.5]
  s' = -rate*s + 0.2*s
}
data run = simulate Truth { steps 100; dt 0.05; noise 1% }
fit Decay to run
";
    let found = findings(model, "", &["run", "m.mech", "--out", "out"]);
    let asks = |f: &&Value| text(f, "code") == "W1104" && text(f, "help").contains("sign before the term with");
    assert!(found.iter().any(|f| asks(&f)), "{found:?}");
}

#[test]
fn a_state_that_is_switched_is_told_to_be_an_input() {
    let mut table = "t,h,pump\n".to_string();
    let mut h = 1.0f64;
    for i in 0..120 {
        let pump = f64::from(u8::from(i / 13 % 2 == 0));
        let _ = writeln!(table, "{i},{h:.6},{pump}");
        h = h * (-0.1f64).exp() + 3.0 * pump * (1.0 - (-0.1f64).exp());
    }
    let model = "model Tank {
  state h, pump
  (h, pump)' = ?poly(h, pump; degree = 1)
}
data d = csv(\"d.csv\") { time t }
fit Tank to d
";
    for args in [["check", "--data", "m.mech"].as_slice(), &["run", "m.mech", "--out", "out"]] {
        let found = findings(model, &table, args);
        let first = found.first().unwrap_or_else(|| panic!("{args:?}"));
        assert_eq!(text(first, "code"), "W1131", "{found:?}");
        assert!(text(first, "message").contains("`pump` takes only two numbers in `d`, 0, 1"), "{first}");
        assert!(text(first, "help").contains("`input pump held`"), "{first}");
        assert!(found.iter().all(|f| text(f, "code") != "W1103"), "{found:?}");
    }
    let mended = "model Tank { state h; input pump held; h' = ?terms(1, h, pump) }
data d = csv(\"d.csv\") { time t }
fit Tank to d
";
    assert!(findings(mended, &table, &["check", "--data", "m.mech"]).is_empty());
}

#[test]
fn trajectories_that_are_held_out_are_named_and_none_is_held_out_of_nothing() {
    let model = "model Decay { state s; param k = 1 in [0, 5]; s' = -k*s }
model Truth { state s; s' = -0.8*s; initial s = 1 }
data d = simulate Truth { steps 40; dt 0.1; noise 1%; trajectories 4; holdout 25% of trajectories }
fit Decay to d
";
    let (folder, record) = run(model);
    let done = mechc(folder.path(), &["run", "m.mech", "--out", "again"]);
    let printed = &done.stdout;
    let name = record["data"][0]["held_out_trajectories"][0].as_str().expect("a name");
    assert!(printed.contains(&format!("held out (trajectory {name}): RMSE s ")), "{printed}");
    let set = ["run", "m.mech", "--out", "out", "--set", "d.holdout=0"];
    let done = called(model, "", &set).ok();
    assert!(!done.stdout.contains("held out"), "{}{}", done.stdout, done.stderr);
}
