//! What `mechc check --data` prints of the data of fits.

mod common;

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use common::{Ran, folder, mechc};
use serde_json::Value;

/// A check of `m.mech` that ends well, or with this exit code.
fn check(folder: &Path, more: &[&str], code: i32) -> Ran {
    let output = mechc(folder, &[&["check", "m.mech", "--data"], more].concat());
    assert_eq!(output.status.code(), Some(code), "{}", output.stderr);
    output
}

/// A tank that cools towards the room, heated from outside: two records at irregular times, in other units than the model's, with
/// missing samples, a state that nobody measured, and a column that nobody asks for.
fn tank() -> tempfile::TempDir {
    let mut table = String::from("run,minute,temp,power,note\n");
    for (run, count, start) in [("first", 30, 40.0), ("second", 20, 60.0)] {
        for i in 0..count {
            let minute = if i % 5 == 3 { 3.0 * f64::from(i) + 1.5 } else { 3.0 * f64::from(i) };
            let temp = 20.0 + (start - 20.0) * (-0.02 * minute).exp();
            let temp = if i % 9 == 4 { "NA".to_string() } else { format!("{temp:.2}") };
            table += &format!("{run},{minute},{temp},{},ok\n", if i < 10 { 0 } else { 500 });
        }
    }
    let model = "model Tank {
  time [h]
  state inside [K], wall [K]
  input heat [W] held
  param loss = 1 [1/h], gain = 1 [1/h], power = 0.001 [K/(W*h)]
  inside' = gain*(wall - inside) + power*heat
  wall' = loss*(293.15 [K] - wall)
  initial wall = 300 [K]
}
data runs = csv(\"runs.csv\") {
  time minute [min]; trajectory run; spacing irregular; missing \"NA\"; holdout 20% of time
  inside = temp [degC]; heat = power [W]
}
fit Tank to runs
";
    folder(&[("m.mech", model), ("runs.csv", &table)])
}

#[test]
fn records_with_all_that_tables_have() {
    let folder = tank();
    let printed = check(folder.path(), &[], 0).stdout;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tools.md");
    assert!(fs::read_to_string(page).expect("the page").contains(&printed), "docs/tools.md shows other data");
    insta::assert_snapshot!("tank_text", printed);
    let printed = check(folder.path(), &["--message-format", "json"], 0).stdout;
    let object: Value = serde_json::from_str(&printed).expect("one object in a line");
    assert_eq!(object["trajectories"].as_array().map(Vec::len), Some(2));
    insta::assert_snapshot!("tank_json", printed.replace(",\"", ",\n\"").replace("},{", "},\n{"));
}

/// Two exponential decays, simulated; another model fits one of its states.
const MADE: &str = "model Truth {
  state x, y
  x' = -0.5*x
  y' = -0.2*y
  initial x = 2, y = 1
}
model Both { state x, y; x' = ?terms(x); y' = ?terms(y) }
model One { state x; x' = ?terms(x) }
data run = simulate Truth { steps 60; dt 0.1; trajectories 4; noise 1%; seed 1; holdout 25% of trajectories }
data whole = simulate Truth { steps 40; dt 0.2; start 1; noise 1%; seed 2; holdout 100% of trajectories }
network reader { input x over window; mlp [4] tanh; output v over window }
fit Both to (run, whole)
";

#[test]
fn data_that_are_made_and_held_out() {
    let folder = folder(&[("m.mech", MADE)]);
    insta::assert_snapshot!("made", check(folder.path(), &[], 0).stdout);
}

#[test]
fn a_fit_by_gradient_shows_its_data_too() {
    let model = MADE.replace(
        "fit Both to (run, whole)",
        "data own = simulate Truth { steps 60; dt 0.1 }\nfit One to own { window 20; batch 4; auxiliary x = reader.v; steps 2 }",
    );
    let folder = folder(&[("m.mech", &model)]);
    let printed = check(folder.path(), &[], 0).stdout;
    insta::assert_snapshot!(printed, @r"
    own: simulated from Truth
      1 trajectory, 60 samples
      time from 0 to 5.9, in steps of 0.1

      state    min   mean  max  std. dev.  missing
      x      0.105  0.649    2      0.526        0
    ");
}

#[test]
fn what_several_fits_take_in_the_same_way_is_shown_once() {
    let of = |fits: &str| {
        let model = MADE.replace("fit Both to (run, whole)\n", fits);
        let folder = folder(&[("m.mech", &model)]);
        let printed = check(folder.path(), &["--message-format", "json"], 0).stdout;
        let objects = printed.lines().map(|line| serde_json::from_str(line).expect("an object in a line"));
        let fits = |object: Value| format!("{} {}", object["data"], object["fits"]).replace('"', "");
        objects.map(fits).collect::<Vec<String>>()
    };
    let same = "fit Both to run as a { seed 1 }\nfit Both to run as b { seed 1; significance 0.01 }\n";
    assert_eq!(of(same), ["run [a,b]"]);
    // Another seed holds out another trajectory, and another model reads other columns.
    let other = "fit Both to run as a { seed 1 }\nfit Both to run as b { seed 2 }\nfit One to run as c { seed 1 }\n";
    assert_eq!(of(other), ["run [a]", "run [b]", "run [c]"]);
    let folder = folder(&[("m.mech", &MADE.replace("fit Both to (run, whole)\n", other))]);
    let printed = check(folder.path(), &[], 0).stdout;
    assert!(printed.contains("run for b: simulated"), "{printed}");
}

#[test]
fn what_could_be_read_is_shown_before_what_is_wrong() {
    let rows: String = (0..30).map(|i| format!("{},{},1\n", i, f64::exp(-0.1 * f64::from(i)))).collect();
    let table = format!("t,x,u\n{rows}");
    let model = "model M { state x; input u; x' = ?terms(x, u) }\ndata a = csv(\"a.csv\") { time t }\n\
                 data b = csv(\"b.csv\") { time t }\nfit M to FIT\n";
    // The second table cannot be read.
    let of =
        folder(&[("m.mech", &model.replace("FIT", "(a, b)")), ("a.csv", &table), ("b.csv", "t,x,u\n0,1,1\n1,no,1\n")]);
    let output = check(of.path(), &[], 3);
    assert!(output.stdout.starts_with("a: a.csv\n") && !output.stdout.contains("b.csv"));
    assert!(output.stderr.contains("D010"), "{}", output.stderr);
    // A hold-out that leaves nothing.
    let share = model.replace("time t }\ndata b", "time t; holdout 99% of time }\ndata b").replace("FIT", "a");
    let of = folder(&[("m.mech", &share), ("a.csv", &table)]);
    let output = check(of.path(), &[], 3);
    assert!(output.stdout.contains("1 trajectory, 30 samples"), "{}", output.stdout);
    assert!(output.stderr.contains("D041") && !output.stdout.contains("held out"));
    // A finding that is denied, and a test that is wrong.
    let wrong = format!("{}test \"t\" {{ expect nothing(x) == 1 }}\n", model.replace("FIT", "a"));
    for (text_of, more) in [(model.replace("FIT", "a"), &["--deny", "W1109"][..]), (wrong, &[])] {
        fs::write(of.path().join("m.mech"), text_of).expect("a written file");
        let output = check(of.path(), more, 1);
        assert!(output.stdout.starts_with("a: a.csv\n"), "{more:?}: {}", output.stderr);
    }
}

#[test]
fn long_lists_are_cut_and_large_families_have_one_line() {
    let mut table = String::from("site,t");
    (1..=10).for_each(|k| table += &format!(",u[{k}]"));
    for site in 0..14 {
        for i in 0..10 {
            table += &format!("\n{site},{}", 1.0e9 + f64::from(i));
            (0..10).for_each(|k| table += &format!(",{}", f64::from(k) * f64::exp(-0.1 * f64::from(i + site))));
        }
    }
    let model = "model M { index cell = 10; state u[cell]; param k = 1; u' = -k*u }\n\
                 data d = csv(\"d.csv\") { time t; trajectory site }\nfit M to d\n";
    let folder = folder(&[("m.mech", model), ("d.csv", &table)]);
    insta::assert_snapshot!("many", check(folder.path(), &[], 0).stdout);
}

#[test]
fn a_formula_stands_where_the_column_would() {
    let mut table = String::from("t,vx,vy,h\n");
    for i in 0..20 {
        let v = 36.0 * f64::exp(-0.05 * f64::from(i));
        table += &format!("{},{},{},{}\n", 0.1 * f64::from(i), 0.6 * v, 0.8 * v, if i > 16 { "" } else { "1" });
    }
    let model = "model M { state v, h; v' = ?terms(v); h' = ?terms(h) }
data d = csv(\"d.csv\") { time t; missing \"\"; v = sqrt(vx^2 + vy^2); h = h }\nfit M to d\n";
    let folder = folder(&[("m.mech", model), ("d.csv", &table)]);
    let printed = check(folder.path(), &[], 0).stdout;
    insta::assert_snapshot!("formula", printed);
    // What lies behind the last known value of all states is left out, and said so.
    let ends = table.lines().take(21).enumerate().map(|(i, line)| match i {
        18.. => format!("{},,,\n", line.split(',').next().unwrap_or_default()),
        _ => format!("{line}\n"),
    });
    fs::write(folder.path().join("d.csv"), ends.collect::<String>()).expect("a written file");
    let printed = check(folder.path(), &[], 0).stdout;
    assert!(printed.contains("left out: 3 more samples, behind the last known value"), "{printed}");
    assert_eq!(check(folder.path(), &["--message-format", "json"], 0).object()["unseen"], 3);
}

/// Ten samples at 0, 1, ... for every trajectory that is called so.
fn named(ids: &[&str], header: &str) -> String {
    let rows = |id: &&str| (0..10).map(|i| format!("{id},{i},{},1\n", i % 7)).collect::<String>();
    format!("{header}\n{}", ids.iter().map(rows).collect::<String>())
}

/// A model of one state, and a data block with these settings.
fn one(settings: &str) -> String {
    format!("model M {{ state x; x' = ?terms(x) }}\ndata d = csv(\"d.csv\") {{ {settings} }}\nfit M to d\n")
}

#[test]
fn names_of_files_do_nothing_to_the_terminal() {
    let table = named(&["\"a\r\nb\u{1b}[31m\"", "c\u{202e}d", "\"e\tf\""], "id,t,x,\"no\nte\"");
    let of = folder(&[("m.mech", &one("time t; trajectory id")), ("d.csv", &table)]);
    let printed = check(of.path(), &[], 0).stdout;
    insta::assert_snapshot!("names", printed);
    // Programs get them as they are.
    let object = check(of.path(), &["--message-format", "json"], 0).object();
    assert_eq!(object["unread"][0], "no\nte");
    assert_eq!(object["trajectories"][0]["name"], "a\r\nb\u{1b}[31m");
}

#[test]
fn a_trajectory_without_a_name_has_no_name_of_another() {
    let table = named(&["0", "1", "2", "", "4"], "id,t,x,");
    let model = one("time t; trajectory id; holdout 40% of trajectories");
    let of = folder(&[("m.mech", &model), ("d.csv", &table)]);
    let output = check(of.path(), &[], 0);
    insta::assert_snapshot!("no_name", output.stdout);
    assert!(output.said().contains("`2` of `0`, (no name) of `0`, `4` of `0`"), "{}", output.stderr);
    let object = check(of.path(), &["--message-format", "json"], 0).object();
    let names: Vec<&Value> = (0..5).map(|k| &object["trajectories"][k]["name"]).collect();
    assert_eq!(names, [&Value::from("0"), &"1".into(), &"2".into(), &Value::Null, &"4".into()]);
}

#[test]
fn columns_that_are_read_are_not_told_as_unread() {
    let unread = |settings: &str, header: &str, end: &str| {
        let rows: String = (0..12).map(|i| format!("{i},{},{end}\n", i % 7)).collect();
        let of = folder(&[("m.mech", &one(settings)), ("d.csv", &format!("{header}\n{rows}"))]);
        check(of.path(), &["--message-format", "json"], 0).object()["unread"].to_string()
    };
    // The mark of a comment may be a part of the name, and a row may have texts where nothing is read.
    for end in ["1", "ok"] {
        assert_eq!(unread("time \"#t\"", "#t,x,note", end), "[\"note\"]");
        assert_eq!(unread("time t", "#t,x,note", end), "[\"note\"]");
        assert_eq!(unread("time t", "# made by hand\nt,x,note", end), "[\"note\"]");
        assert_eq!(unread("dt 1", "#t,x,note", end), "[\"t\",\"note\"]");
        assert_eq!(unread("dt 1; x = \"#t\"", "#t,x,note", end), "[\"x\",\"note\"]");
    }
}

#[test]
fn columns_of_large_parquet_files_are_named() {
    let whole =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parquet/plain.parquet")).expect("a file");
    let (rest, length) =
        whole[..whole.len() - 4].split_last_chunk::<4>().expect("the length of what names the columns");
    let pages = rest.len() - u32::from_le_bytes(*length) as usize;
    let model = one("time t; x = count").replace("csv(\"d.csv\")", "parquet(\"d.parquet\")");
    let of = folder(&[("m.mech", &model)]);
    let mut file = fs::File::create(of.path().join("d.parquet")).expect("a file");
    // 300 MB of zeros stand between the pages and the names.
    file.write_all(&whole[..pages]).expect("the pages");
    file.seek(SeekFrom::Start(300 << 20)).expect("a place");
    file.write_all(&whole[pages..]).expect("the names");
    let printed = check(of.path(), &[], 0).stdout;
    assert!(printed.contains("columns that are not read: x, single, large"), "{printed}");
}

#[test]
fn numbers_of_any_size_have_a_deviation() {
    let rows: String = (0..20).map(|i| format!("{i},{},{}e-200\n", ["1e308", "-1e308"][i % 2], i)).collect();
    let model = "model M { state x, y; x' = ?terms(x); y' = ?terms(y) }\n\
                 data d = csv(\"d.csv\") { time t }\nfit M to d\n";
    let of = folder(&[("m.mech", model), ("d.csv", &format!("t,x,y\n{rows}"))]);
    let output = check(of.path(), &["--message-format", "json"], 0);
    assert!(!output.stderr.contains("W1108"), "as large as itself: {}", output.stderr);
    let object = output.object();
    let std = |k: usize| object["columns"][k]["std"].as_f64().expect("a number");
    assert!((std(0) / 1e308 - 1.0).abs() < 1e-12 && (std(1) / 5.766e-200 - 1.0).abs() < 1e-3, "{object}");
}
