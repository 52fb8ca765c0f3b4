//! Fits to several data sets, columns computed from columns, and files with trajectories of different lengths.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use common::{folder, mechc, run_in, value};
use serde_json::Value;

/// The record of a run of `m.mech` in a folder.
fn run(folder: &Path, out: &str) -> Value {
    mechc(folder, &["run", "m.mech", "--out", out]).ok().record()
}

fn metric(record: &Value, name: &str, part: &str) -> Option<f64> {
    let found = record["metrics"].as_array()?.iter().find(|m| m["name"] == name && m["part"] == part)?;
    found["value"].as_f64()
}

/// `y = b e^(-1.4 t)` and the solution of `x' = -0.7 x + y` that starts at `a`, as far as they are asked for.
fn decay(columns: &[&str], (samples, h): (usize, f64), (a, b): (f64, f64)) -> String {
    let mut out = format!("t,{}\n", columns.join(","));
    for i in 0..samples {
        let t = h * i as f64;
        let _ = write!(out, "{t}");
        let y = b * (-1.4 * t).exp();
        for column in columns {
            let _ = write!(out, ",{}", if *column == "x" { x_at(t, a, b) } else { y });
        }
        out.push('\n');
    }
    out
}

fn x_at(t: f64, a: f64, b: f64) -> f64 {
    (a + b / 0.7) * (-0.7 * t).exp() - b / 0.7 * (-1.4 * t).exp()
}

const DECAY: &str = "model M { state x, y; param k, c; x' = -k*x + y; y' = -c*y; initial x = 1, y = 1 }\n";

#[test]
fn sets_with_other_steps_and_columns_are_fitted_together() {
    let model = format!(
        "{DECAY}data slow = csv(\"slow.csv\") {{ time t; holdout 20% of time }}
data fast = csv(\"fast.csv\") {{ time t; x = x }}
fit M to (slow, fast)
"
    );
    let slow = decay(&["y", "x"], (60, 0.1), (1.0, 2.0));
    let fast = decay(&["x"], (80, 0.03), (5.0, 3.0));
    let folder = folder(&[("m.mech", &model), ("slow.csv", &slow), ("fast.csv", &fast)]);
    let record = run(folder.path(), "r");
    // In `fast` y is estimated from x. The method's order, not the data, limits these.
    assert!((value(&record, "k") - 0.7).abs() < 1e-6 && (value(&record, "c") - 1.4).abs() < 1e-6, "{record}");
    let data = record["data"].as_array().expect("data");
    let listed: Vec<(&str, u64, u64)> = data
        .iter()
        .map(|d| (d["name"].as_str().unwrap(), d["samples"].as_u64().unwrap(), d["held_out"].as_u64().unwrap()))
        .collect();
    assert_eq!(listed, [("slow", 60, 12), ("fast", 80, 0)]);
    assert_eq!(data[1]["columns"], serde_json::json!(["x"]));
    // What is held out is scored as a whole and for its set alone; the other set has nothing held out.
    let whole = metric(&record, "RMSE of x", "held out").expect("a score");
    assert_eq!(metric(&record, "RMSE of x in slow", "held out"), Some(whole));
    assert_eq!(metric(&record, "RMSE of x in fast", "held out"), None);
    assert!(metric(&record, "RMSE of x in fast", "fitted").is_some_and(|e| e < 1e-6));
    let names: Vec<&str> =
        record["trajectories"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["slow", "fast"]);
    // The law that was found comes with the grid of either set.
    let found = fs::read_to_string(folder.path().join("r/discovered.mech")).expect("the law");
    assert!(found.contains("data slow = simulate M") && found.contains("data fast = simulate M"), "{found}");
    assert!(
        found.contains("48 of 60 samples of x, y (slow.csv; 12 held out) and 80 samples of x (fast.csv), fitted"),
        "{found}"
    );
    // An export says whose initial values it has, and can have those of the other.
    for (data, whose, first) in
        [(None, "slow (with --data those of fast)", 1.0), (Some("fast"), "fast (with --data", 5.0)]
    {
        let mut args = vec!["export", "r", "--to", "json"];
        args.extend(data.iter().flat_map(|name| ["--data", name]));
        let made = mechc(folder.path(), &args);
        let exported = made.object();
        let about = exported["about"].as_array().expect("lines").iter().filter_map(Value::as_str).collect::<Vec<_>>();
        assert!(about.iter().any(|line| line.starts_with(&format!("initial values: those of {whose}"))), "{about:?}");
        let start = exported["states"][0]["initial"][0].as_f64().expect("a number");
        assert!((start - first).abs() < 1e-5, "{data:?}: {start}");
    }
    let none = mechc(folder.path(), &["export", "r", "--to", "json", "--data", "none"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(none.stderr.contains("N003") && none.stderr.contains("choose one of slow, fast"), "{}", none.stderr);
    mechc(folder.path(), &["simulate", "r/discovered.mech", "--data", "fast", "--out", "again.csv"]).ok();
    let again = fs::read_to_string(folder.path().join("again.csv")).expect("a table");
    let last: Vec<f64> = again.lines().last().unwrap().split(',').map(|c| c.parse().unwrap()).collect();
    assert!((last[0] - 0.03 * 79.0).abs() < 1e-9 && (last[1] - x_at(last[0], 5.0, 3.0)).abs() < 1e-6, "{last:?}");
}

#[test]
fn errors_name_the_set_and_changed_data_are_found() {
    let model = format!(
        "{DECAY}data slow = csv(\"slow.csv\") {{ time t }}
data fast = csv(\"fast.csv\") {{ time t; x = x }}
network net {{ input x, y over window; mlp [4]; output v[2] over window }}
fit M to (slow, fast)
"
    );
    let slow = decay(&["x", "y"], (60, 0.1), (1.0, 2.0));
    let fast = decay(&["x"], (80, 0.03), (5.0, 3.0)).replace("\n0.03,", "\nnoon,");
    let folder = folder(&[("m.mech", &model), ("slow.csv", &slow), ("fast.csv", &fast)]);
    let output = mechc(folder.path(), &["run", "m.mech", "--out", "r"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stderr.contains("data set `fast`: ") && output.stderr.contains("\"noon\""), "{}", output.stderr);
    // The gradient engine cannot mix steps, and says whose they are.
    fs::write(folder.path().join("fast.csv"), decay(&["x", "y"], (80, 0.03), (5.0, 1.0))).expect("a table");
    let text = fs::read_to_string(folder.path().join("m.mech")).expect("the model").replace("; x = x", "");
    let fit = "fit M to (slow, fast) { window 20; steps 10; auxiliary (x, y) = net.v }";
    let text = text.replace("fit M to (slow, fast)", fit);
    let output = run_in(&folder, &text, &[]);
    assert_eq!(output.status.code(), Some(5), "{}", output.stderr);
    let text = output.stderr;
    assert!(text.contains("N512") && text.contains("`slow` is 0.1") && text.contains("`fast` 0.03"), "{text}");
}

#[test]
fn either_experiment_leaves_open_what_both_tell() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checked = mechc(root, &["check", "--data", "examples/isomers.mech"]);
    assert!(checked.status.success() && checked.stderr.is_empty(), "{}", checked.stderr);
    let text = fs::read_to_string(root.join("examples/isomers.mech")).expect("the example");
    for one in ["dilute", "strong"] {
        let folder = folder(&[("m.mech", &text.replace("(dilute, strong)", one))]);
        let checked = mechc(folder.path(), &["check", "--data", "m.mech"]);
        assert!(checked.stderr.contains("W1101"), "{one}: {}", checked.stderr);
    }
}

#[test]
fn columns_are_computed_from_columns() {
    // The speed of a decay in two directions, in km/h; two samples are missing.
    let mut table = String::from("t,vx,v y\n");
    for i in 0..100 {
        let t = 0.05 * f64::from(i);
        let v = 36.0 * (-0.7 * t).exp();
        let (vx, vy) = (format!("{}", 0.6 * v), format!("{}", 0.8 * v));
        let (vx, vy) = match i {
            20 => ("NA".to_string(), vy),
            40 => (vx, "-".to_string()),
            _ => (vx, vy),
        };
        let _ = writeln!(table, "{t},{vx},{vy}");
    }
    let model = |block: &str| {
        format!(
            "fn speed(a, b) = sqrt(a^2 + b^2)
model M {{ time [s]; state v [m/s]; param k [1/s]; v' = -k*v }}
data run = csv(\"d.csv\") {{ time t; missing (\"NA\", \"-\"); {block} }}
fit M to run
test \"speed\" {{ expect first(run.v) ~= 10 within 1e-12; expect count(run.v) == 98; expect count(run.t) == 100 }}
"
        )
    };
    for block in [
        "column vx [km/h]; column \"v y\" [km/h]; v = speed(vx, \"v y\")",
        "v = speed(vx, \"v y\") [km/h]",
        "v = speed(vx, \"v y\")/3.6",
    ] {
        let folder = folder(&[("m.mech", &model(block)), ("d.csv", &table)]);
        let record = run(folder.path(), "r");
        assert!((value(&record, "k") - 0.7).abs() < 1e-6, "{block}: {record}");
        let data = record["trajectories"][0]["states"][0]["data"].as_array().expect("data");
        let missing: Vec<usize> = (0..data.len()).filter(|&i| !data[i].is_number()).collect();
        assert_eq!(missing, [20, 40], "{block}");
        mechc(folder.path(), &["test", "m.mech"]).ok();
    }
    let folder = folder(&[("m.mech", &model("v = ln(vx - vx)")), ("d.csv", &table)]);
    let output = mechc(folder.path(), &["run", "m.mech", "--out", "r"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stderr.contains("D011") && output.stderr.contains("(computed from vx = "), "{}", output.stderr);
}

/// With NaN as a missing sample, so is one at which a formula has no value.
#[test]
fn samples_without_a_value_may_be_missing() {
    let mut table = String::from("t,c\n");
    for i in 0..60 {
        let t = 0.1 * f64::from(i);
        let _ = writeln!(table, "{t},{}", if i % 20 == 7 { 0.0 } else { (-0.5 * t).exp() });
    }
    let model = |missing: &str| {
        format!(
            "model M {{ state u; param k; u' = -k }}\ndata d = csv(\"d.csv\") {{ time t; u = ln(c){missing} }}\nfit M to d\n"
        )
    };
    let folder = folder(&[("m.mech", &model("; missing \"nan\"")), ("odd.mech", &model("")), ("d.csv", &table)]);
    let record = run(folder.path(), "r");
    assert!((value(&record, "k") - 0.5).abs() < 1e-6, "{record}");
    let data = record["trajectories"][0]["states"][0]["data"].as_array().expect("data");
    let missing: Vec<usize> = (0..data.len()).filter(|&i| !data[i].is_number()).collect();
    assert_eq!(missing, [7, 27, 47]);
    let output = mechc(folder.path(), &["run", "odd.mech", "--out", "odd"]);
    let said = output.stderr;
    assert!(said.contains("sample 8 (t = 0.7): column `u` (computed from c = 0) is -inf"), "{said}");
    assert!(said.contains("missing \"nan\""), "{said}");
}

/// Networks that see standard scores, a range, or the numbers themselves, and windows that start at zero.
#[test]
fn normalisation_and_shifts_are_recorded_and_undone() {
    let mut table = String::from("t,u\n");
    for i in 0..200 {
        let t = 0.05 * f64::from(i);
        let _ = writeln!(table, "{t},{}", 1000.0 + 3.0 * t + t.sin());
    }
    let model = |settings: &str| {
        format!(
            "model M {{ state u; param a; u' = a + cos(t) }}
data d = csv(\"d.csv\") {{ time t }}
network net {{ input u over window; mlp [8] tanh; output v over window }}
fit M to d {{ window 20; batch 32; steps 600; optimizer adam(lr = 1e-2); auxiliary u = net.v; {settings} }}
"
        )
    };
    let numbers = |settings: &str| {
        let folder = folder(&[("m.mech", &model(settings)), ("d.csv", &table)]);
        let record = run(folder.path(), "r");
        assert!((value(&record, "a") - 3.0).abs() < 0.05, "{settings}: {}", record["parameters"]);
        // The solution is in the units of the data again, wherever windows started.
        let state = &record["trajectories"][0]["states"][0];
        let middle = (state["data"][100].as_f64().unwrap(), state["solution"][100].as_f64().unwrap());
        assert!((middle.0 - middle.1).abs() < 0.5, "{settings}: {middle:?}");
        let found = &record["normalisation"][0];
        (found["subtracted"].as_f64().unwrap(), found["divided_by"].as_f64().unwrap())
    };
    let last = 1000.0 + 3.0 * 9.95 + 9.95f64.sin();
    let near = |(a, b): (f64, f64), (c, d): (f64, f64)| {
        assert!((a - c).abs() < 1e-9 * c.abs().max(1.0) && (b - d).abs() < 1e-9 * d.abs().max(1.0), "{a} {b}, {c} {d}");
    };
    let values: Vec<f64> = (0..200).map(|i| 0.05 * f64::from(i)).map(|t| 1000.0 + 3.0 * t + t.sin()).collect();
    let mean = values.iter().sum::<f64>() / 200.0;
    let deviation = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 200.0).sqrt();
    near(numbers("normalise standard"), (mean, deviation));
    near(numbers("normalise range"), (0.5 * (1000.0 + last), 0.5 * (last - 1000.0)));
    near(numbers("normalise off; shift u by u at 0"), (0.0, 1.0));
    // In a window the state moves by about three in a second.
    let (subtracted, divided) = numbers("shift u by u at 0");
    assert!((subtracted - 1.425).abs() < 0.1 && divided > 0.5 && divided < 1.5, "{subtracted} {divided}");
}

/// A network that reads the product of two states finds a parameter that neither state tells alone.
#[test]
fn networks_read_what_is_computed_from_states() {
    let mut table = String::from("t,u,w\n");
    for i in 0..200 {
        let t = 0.05 * f64::from(i);
        let _ = writeln!(table, "{t},{},{}", 2.0 + t.sin(), 3.0 + (2.0 * t).cos());
    }
    let model = "model M { state u, w; param a; u' = a*cos(t); w' = -2*sin(2*t) }
data d = csv(\"d.csv\") { time t }
network net { input u, p = u*w, r = u/w over window; mlp [8] tanh; output v over window }
fit M to d { window 20; batch 32; steps 600; optimizer adam(lr = 1e-2); auxiliary u = net.v }
";
    let folder = folder(&[("m.mech", model), ("d.csv", &table)]);
    let record = run(folder.path(), "r");
    assert!((value(&record, "a") - 1.0).abs() < 0.05, "{}", record["parameters"]);
    let found: Vec<(&str, f64)> = record["normalisation"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|n| (n["state"].as_str().unwrap(), n["subtracted"].as_f64().unwrap()))
        .collect();
    let times: Vec<f64> = (0..200).map(|i| 0.05 * f64::from(i)).collect();
    let mean = |f: &dyn Fn(f64, f64) -> f64| {
        times.iter().map(|t| f(2.0 + t.sin(), 3.0 + (2.0 * t).cos())).sum::<f64>() / 200.0
    };
    let expected = [("net.p", mean(&|u, w| u * w)), ("net.r", mean(&|u, w| u / w))];
    for ((name, subtracted), (wanted, value)) in found.iter().skip(2).zip(expected) {
        assert!(*name == wanted && (subtracted - value).abs() < 1e-9, "{name} {subtracted}, {wanted} {value}");
    }
    assert_eq!(found.len(), 4);
}

/// Trajectories of different lengths lie one after the other in arrays.
#[test]
fn archives_hold_trajectories_of_different_lengths() {
    use mechc::data::{ColumnMap, Format, ReadSpec, arrays_to_npz, read_bytes};
    let lengths = [12usize, 30, 9];
    let site: Vec<f64> = lengths.iter().zip([7.0, 3.0, 5.0]).flat_map(|(&n, id)| vec![id; n]).collect();
    let t: Vec<f64> = lengths.iter().flat_map(|&n| (0..n).map(|i| 0.1 * i as f64)).collect();
    let x: Vec<f64> = (0..51).map(f64::from).collect();
    let archive = |x: &[f64]| {
        let arrays: [(&str, &[usize], &[f64]); 3] = [("site", &[51], &site), ("t", &[51], &t), ("x", &[x.len()], x)];
        arrays_to_npz(&arrays).expect("an archive")
    };
    let spec = ReadSpec { columns: vec![ColumnMap::from("x")], trajectory: Some("site".into()), ..ReadSpec::default() };
    let read = read_bytes("d.npz", &archive(&x), Format::Npz, &spec).expect("a data set");
    let found: Vec<(String, usize, Option<f64>)> =
        read.trajectories.iter().map(|t| (t.id.clone(), t.len, t.value(0, 0))).collect();
    let expected = [("7", 12, 0.0), ("3", 30, 12.0), ("5", 9, 42.0)];
    assert_eq!(found, expected.map(|(id, len, first)| (id.to_string(), len, Some(first))));
    assert!(read.trajectories.iter().all(|t| (t.dt - 0.1).abs() < 1e-12));
    let error = read_bytes("d.npz", &archive(&x[..50]), Format::Npz, &spec).expect_err("one sample too few");
    assert_eq!(error.code(), "D027");
    let short = ReadSpec { min_samples: 10, ..spec };
    let error = read_bytes("d.npz", &archive(&x), Format::Npz, &short).expect_err("a trajectory of nine");
    assert!(error.code() == "D018" && error.to_string().contains("`5`"), "{error}");
}

/// What a file simulates nothing of is told with the block for a model that can be simulated, or with what it needs before.
#[test]
fn what_could_be_simulated_is_told() {
    for (model, help) in [
        ("model M { state x; param k = 1; x' = -k*x }", "add `data run = simulate M { steps 1000; dt 0.01 }`"),
        (
            "model M { state x; input u; x' = u - x }",
            "in `M` `u` comes from data: declare them, `data measured = csv(\"...\") { time t }`, and name them in place of steps",
        ),
        ("model M { state x; param k; x' = -k*x }", "in `M` give `k` a value; then add `data run = simulate M {"),
        // What a fit holds is not what a simulation has.
        (
            "model M { state x; param k; x' = -k*x }\ndata d = csv(\"d.csv\") { time t }\nfit M(k = 2) to d",
            "in `M` give `k` a value; then add `data run = simulate M {",
        ),
        ("model M { state x; x' = ?poly(x) }", "or take the `discovered.mech` of a run"),
    ] {
        let folder = folder(&[("m.mech", model)]);
        let output = mechc(folder.path(), &["simulate", "m.mech", "--out", "d.csv"]);
        let told = output.said();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("N003") && told.contains(help), "{told}");
    }
}

/// Two experiments of which one has its times in another unit, or a column in another: neither is a law that both have.
#[test]
fn sets_that_follow_a_law_each_are_named_with_the_factor_of_their_times() {
    let model = "model Truth { state x, y; x' = 0.08*y - x + x^2*y; y' = 0.6 - 0.08*y - x^2*y }
data a = simulate Truth { steps 300; dt 0.1; from (0.2, 2); noise 2%; seed 1 }
data b = simulate Truth { steps 300; dt 0.1; from (1.5, 0.5); noise 2%; seed 2 }
";
    let folder = folder(&[("m.mech", model)]);
    let table = |name: &str, change: &dyn Fn([f64; 3]) -> [f64; 3]| {
        let file = format!("{name}.csv");
        mechc(folder.path(), &["simulate", "m.mech", "--data", name, "--out", &file, "--force"]).ok();
        let text = fs::read_to_string(folder.path().join(&file)).expect("a table");
        let mut out = "t,x,y\n".to_string();
        for row in text.lines().skip(1) {
            let cells: Vec<f64> = row.split(',').map(|cell| cell.parse().expect("a number")).collect();
            let [t, x, y] = change([cells[0], cells[1], cells[2]]);
            let _ = writeln!(out, "{t},{x},{y}");
        }
        out
    };
    let tables = [
        ("a", table("a", &|row| row)),
        ("minutes", table("b", &|[t, x, y]| [60.0 * t, x, y])),
        ("scaled", table("b", &|[t, x, y]| [t, 1.3 * x, y])),
    ];
    for (name, text) in &tables {
        fs::write(folder.path().join(format!("{name}.csv")), text).expect("a table");
    }
    let warnings = |other: &str| {
        let fit = format!(
            "model S {{ state x, y; (x, y)' = ?poly(x, y; degree = 3) }}
data a = csv(\"a.csv\") {{ time t }}
data b = csv(\"{other}.csv\") {{ time t }}
fit S to (a, b)
"
        );
        fs::write(folder.path().join("m.mech"), fit).expect("a model");
        let output = mechc(folder.path(), &["run", "m.mech", "--out", other]).ok();
        output.said()
    };
    let minutes = warnings("minutes");
    let told = "each of `a`, `b` follows a law of these terms by itself, and with the times of `b` multiplied by 0.0167 they follow one law together";
    assert!(minutes.contains(told), "{minutes}");
    let scaled = warnings("scaled");
    let told = "each of `a`, `b` follows a law of these terms by itself, and all data sets together follow none";
    assert!(scaled.contains(told), "{scaled}");
}
