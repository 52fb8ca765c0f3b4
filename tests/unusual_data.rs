//! What users' files hold by mistake is named by `check --data` and by runs, with the place and a way out; clean data are left alone.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Codes of findings on unusual samples.
const CODES: [&str; 3] = ["W1112", "W1113", "W1114"];

fn mechc(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mechc")).args(args).current_dir(folder).output().expect("mechc starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Noise of standard deviation one, near enough: the sum of twelve numbers of a generator that is good enough for that.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    move || (0..12).map(|_| uniform()).sum::<f64>() - 6.0
}

/// A table with the columns t, x, y and u from a function of the time, with noise of 0.01 in x and y.
fn table(times: &[f64], of: impl Fn(f64) -> [f64; 3], edit: impl Fn(usize, &mut [String; 4])) -> String {
    let mut random = noise(5);
    let mut out = "t,x,y,u\n".to_string();
    for (i, t) in times.iter().enumerate() {
        let [x, y, u] = of(*t);
        let number = |v: f64| format!("{v:.4}");
        let mut row = [number(*t), number(x + 0.01 * random()), number(y + 0.01 * random()), number(u)];
        edit(i, &mut row);
        out += &(row.join(",") + "\n");
    }
    out
}

fn even(n: usize) -> Vec<f64> {
    (0..n).map(|i| 0.1 * i as f64).collect()
}

fn wave(t: f64) -> [f64; 3] {
    [2.0 + t.sin(), 2.0 + t.cos(), (0.7 * t).sin()]
}

/// The findings on unusual samples of a fit to the table, in their short form without the place, and with help.
fn found(data: &str, model: &str, settings: &str) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("d.csv"), data).expect("a table");
    let model = format!("{model}\ndata d = csv(\"d.csv\") {{ {settings} }}\nfit M to d\n");
    fs::write(folder.path().join("m.mech"), model).expect("a model");
    let checked = mechc(folder.path(), &["check", "--data", "m.mech", "--message-format", "short"]);
    let said = text(&checked.stderr);
    assert!(checked.status.success(), "{said}");
    let lines = said.lines().filter(|l| CODES.iter().any(|code| l.contains(code)));
    let long = text(&mechc(folder.path(), &["check", "--data", "m.mech"]).stderr);
    let long = long.split_whitespace().collect::<Vec<_>>().join(" ");
    (lines.filter_map(|l| Some(l.split_once(": ")?.1.to_string())).collect(), long)
}

const TWO: &str = "model M { state x, y; (x, y)' = ?linear(x, y) }";
const DRIVEN: &str = "model M { state x, y; input u; (x, y)' = ?linear(x, y, u) }";

#[test]
fn what_is_unusual_is_named_with_its_place() {
    let spoiled = |i: usize, row: &mut [String; 4]| {
        if i == 57 {
            row[1] = "29.1".to_string();
        }
    };
    let unknown = |column: usize| {
        move |i: usize, row: &mut [String; 4]| {
            if [0, 30, 31, 199].contains(&i) {
                row[column] = "-999".to_string();
            }
        }
    };
    let whole = |_: usize, _: &mut [String; 4]| {};
    let gap: Vec<f64> = even(200).into_iter().map(|t| if t > 9.05 { t + 12.0 } else { t }).collect();
    let restart = |t: f64| if t < 9.95 { wave(t) } else { wave(t + 1.0) };
    let logistic = |t: f64| 1.0 / (1.0 + 20.0 * (-t).exp());
    let regrown = |t: f64| [logistic(if t < 9.95 { t } else { t - 9.95 }), 0.0, 0.0];
    let cases: [(&str, String, &str, &str, &str, &str); 7] = [
        (
            "a typing error",
            table(&even(200), wave, spoiled),
            TWO,
            "time t",
            "warning[W1112]: a sample stands out in column `x` of `d.csv`: 29.1 at t = 5.7, where its neighbours say 1.4",
            "put a typing error right, or declare it as missing",
        ),
        (
            "a number for missing samples",
            table(&even(200), wave, unknown(2)),
            TWO,
            "time t",
            "warning[W1112]: -999 stands in column `y` of `d.csv` 4 times, first at t = 0, far from all its other numbers",
            "say `missing \"-999\"` in the block of `d`",
        ),
        (
            "the same in another unit",
            table(&even(200), wave, unknown(2)),
            "model M { time [s]; state x [m], y [m]; (x, y)' = ?linear(x, y) }",
            "time t [h]; x = x [mm]; y = y [cm]",
            "warning[W1112]: -999 stands in column `y` of `d.csv` 4 times, first at t = 0, far from all its other numbers",
            "say `missing \"-999\"` in the block of `d`",
        ),
        (
            "the same in an input",
            table(&even(200), wave, unknown(3)),
            DRIVEN,
            "time t",
            "warning[W1112]: -999 stands in column `u` of `d.csv` 4 times, first at t = 0, far from all its other numbers",
            "of an input every sample must be known",
        ),
        (
            "a gap of two periods",
            table(&gap, wave, whole),
            TWO,
            "time t; spacing irregular",
            "warning[W1113]: the gap between t = 9 and t = 21.1 is longer than the motion of `y` takes",
            "put rows into the gap, as far apart as around it (0.1), with missing values for the states",
        ),
        (
            "two experiments",
            table(&even(200), restart, whole),
            TWO,
            "time t",
            "warning[W1114]: `x`, `y` jump once, between t = 9.9 and t = 10",
            "give the file a column that numbers the experiments, and say `trajectory`",
        ),
        (
            "two cultures",
            table(&even(200), regrown, whole),
            "model M { state x; x' = ?poly(x; degree = 2) }",
            "time t",
            "warning[W1114]: `x` jumps once, between t = 9.9 and t = 10",
            "give the file a column that numbers the experiments, and say `trajectory`",
        ),
    ];
    for (what, data, model, settings, said, help) in cases {
        let (short, long) = found(&data, model, settings);
        assert!(short.len() == 1 && short[0].starts_with(said), "{what}: {short:?}");
        assert!(long.contains(help), "{what}: {long}");
    }
}

/// What the findings advise takes them away.
#[test]
fn the_ways_out_lead_out() {
    let missing = |i: usize, row: &mut [String; 4]| {
        if i == 57 {
            row[1] = "NA".to_string();
        }
        if i == 80 {
            row[1] = "-999".to_string();
        }
    };
    let (short, _) = found(&table(&even(200), wave, missing), TWO, "time t; missing (\"NA\", \"-999\")");
    assert_eq!(short, [] as [&str; 0]);
    let filled = |i: usize, row: &mut [String; 4]| {
        if (90..190).contains(&i) {
            (row[1], row[2]) = ("NA".to_string(), "NA".to_string());
        }
    };
    let (short, _) = found(&table(&even(300), wave, filled), TWO, "time t; missing \"NA\"; spacing irregular");
    assert_eq!(short, [] as [&str; 0]);
    let numbered = table(
        &even(200),
        |t| if t < 9.95 { wave(t) } else { wave(t + 1.0) },
        |i, row| {
            row[3] = if i < 100 { "1" } else { "2" }.to_string();
        },
    );
    let (short, _) = found(&numbered, TWO, "time t; trajectory u");
    assert_eq!(short, [] as [&str; 0]);
}

/// A state that follows a switch at once, a system that spikes within a step, a front: none is a mistake.
#[test]
fn what_systems_do_is_no_mistake() {
    let on = |t: f64| if (5.0..9.0).contains(&t) { 1.0 } else { 0.0 };
    let follows = |t: f64| [3.0 * on(t), 1.0 - on(t), on(t)];
    let spike = |t: f64| [if (t - 5.3).abs() < 0.04 || (t - 12.1).abs() < 0.04 { 4.0 } else { t.sin() }, t.cos(), 0.0];
    let front = |t: f64| [(20.0 * (t - 9.95)).tanh() + 0.03 * t, 0.0, 0.0];
    let one = "model M { state x; x' = ?poly(x; degree = 2) }";
    for (what, data, model) in [
        ("a switch", table(&even(200), follows, |_, _| {}), DRIVEN),
        ("spikes", table(&even(200), spike, |_, _| {}), TWO),
        ("a front", table(&even(200), front, |_, _| {}), one),
    ] {
        let (short, _) = found(&data, model, "time t");
        assert_eq!(short, [] as [&str; 0], "{what}");
    }
}

/// Clean files of systems that turn, spike, tip over and decay, sampled finely and coarsely, whole and of one state.
#[test]
fn clean_data_of_many_systems_give_no_finding() {
    let systems = [
        "FitzHughNagumo",
        "HodgkinHuxley",
        "HindmarshRose",
        "VanDerPol",
        "Lorenz63",
        "LotkaVolterra",
        "SIR",
        "Brusselator",
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).expect("a written file");
    let mut read = 0;
    for (k, system) in systems.iter().enumerate() {
        for (dt, noise) in [("0.05", "0"), ("0.4", "1%"), ("1.5", "5%")] {
            let data = format!("data d = simulate {system} {{ steps 120; dt {dt}; noise {noise}; seed {k} }}\n");
            write("s.mech", format!("use std.systems.{system}\n{data}"));
            let made = mechc(folder.path(), &["simulate", "s.mech", "--out", "s.csv", "--force"]);
            assert!(made.status.success(), "{system}: {}", text(&made.stderr));
            write(
                "c.mech",
                format!("use std.systems.{system}\ndata d = csv(\"s.csv\") {{ time t }}\nfit {system} to d\n"),
            );
            let checked = mechc(folder.path(), &["check", "--data", "c.mech", "--message-format", "short"]);
            let said = text(&checked.stderr);
            read += usize::from(checked.status.success());
            assert!(CODES.iter().all(|code| !said.contains(code)), "{system} at {dt} with {noise}: {said}");
        }
    }
    assert_eq!(read, 3 * systems.len());
}

/// A run tells it with the equations, and a fit that fails tells it as what may be the cause.
#[test]
fn runs_tell_it_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = table(&even(200), wave, |i, row| {
        if i == 57 {
            row[1] = "29.1".to_string();
        }
    });
    fs::write(folder.path().join("d.csv"), data).expect("a table");
    let model = |equation: &str| {
        let model = format!(
            "model M {{ state x, y; param a = 1; {equation} }}\ndata d = csv(\"d.csv\") {{ time t }}\nfit M to d\n"
        );
        fs::write(folder.path().join("m.mech"), model).expect("a model");
    };
    model("x' = a*y; y' = ?linear(x, y)");
    let ran = text(&mechc(folder.path(), &["run", "m.mech", "--out", "r"]).stderr);
    assert!(ran.contains("W1112"), "{ran}");
    let record = fs::read_to_string(folder.path().join("r/record.json")).expect("a record");
    assert!(record.contains("29.1 at t = 5.7"), "{record}");
    model("x' = a*ln(3.1 - x); y' = ?linear(x, y)");
    let failed = mechc(folder.path(), &["run", "m.mech", "--out", "f"]);
    let said = text(&failed.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(failed.status.code(), Some(5), "{said}");
    assert!(said.contains("N503"), "{said}");
    assert!(said.contains("29.1 at t = 5.7"), "{said}");
}
