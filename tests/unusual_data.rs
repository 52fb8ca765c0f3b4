//! What users' files hold by mistake is named by `check --data` and by runs, with the place and a way out; clean data are left alone.

mod common;
#[path = "common/noise.rs"]
mod noise;

use std::f64::consts::PI;
use std::fs;

use common::{folder, mechc, run_in};
use noise::noise;

/// Codes of findings on unusual samples.
const CODES: [&str; 4] = ["W1112", "W1113", "W1114", "W1116"];
/// The same, and samples that are too far apart.
const ALL: [&str; 5] = ["W1103", "W1112", "W1113", "W1114", "W1116"];

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

/// Two angles that go round, the one forth and the other back, within a turn around zero.
fn angles(t: f64, turn: f64) -> [f64; 3] {
    let within = |turns: f64| turn * (turns - turns.round());
    [within(0.25 * t - 0.1), within(0.2 - 0.17 * t + 0.03 * t.sin()), 0.0]
}

/// The findings of these codes on a fit to the table, in their short form without the place, and with help.
fn found(data: &str, model: &str, settings: &str, codes: &[&str]) -> (Vec<String>, String) {
    let model = format!("{model}\ndata d = csv(\"d.csv\") {{ {settings} }}\nfit M to d\n");
    let folder = folder(&[("d.csv", data), ("m.mech", &model)]);
    let checked = mechc(&folder, &["check", "--data", "m.mech", "--message-format", "short"]);
    let said = &checked.stderr;
    assert!(checked.status.success(), "{said}");
    let lines = said.lines().filter(|l| codes.iter().any(|code| l.contains(code)));
    let long = mechc(&folder, &["check", "--data", "m.mech"]).said();
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
    // Three experiments of different starts, one behind the other without a pause in the times.
    let third = |t: f64| (t / 9.95).floor().min(2.0);
    let cultures = |t: f64| [logistic(t - 9.95 * third(t) + [0.0, 1.0, -0.7][third(t) as usize]), 0.0, 0.0];
    let turned = |t: f64| wave(t + [0.0, 2.4, 1.1][third(t) as usize]);
    let blank = |from: usize, to: usize| {
        move |i: usize, row: &mut [String; 4]| {
            if (from..to).contains(&i) {
                (row[1], row[2]) = ("NA".to_string(), "NA".to_string());
            }
        }
    };
    let every = |nth: usize, text: &'static str| {
        move |i: usize, row: &mut [String; 4]| {
            if i % nth == 7 {
                row[1] = text.to_string();
            }
        }
    };
    let one = "model M { state x; x' = ?poly(x; degree = 2) }";
    let twice = |i: usize, row: &mut [String; 4]| {
        if [57, 140].contains(&i) {
            row[1] = "0".to_string();
        }
    };
    let cases: [(&str, String, &str, &str, &str, &str); 18] = [
        (
            "two zeros for missing samples",
            table(&even(200), wave, twice),
            TWO,
            "time t",
            "warning[W1112]: 0 stands in column `x` of `d.csv` 2 times, where its neighbours say something else, first at t = 5.7",
            "write \"NA\" in these cells and `missing \"NA\"` in the block of `d`",
        ),
        (
            "rows without values for two periods",
            table(&even(300), wave, blank(90, 190)),
            TWO,
            "time t; missing \"NA\"",
            "warning[W1113]: the rows without values between t = 8.9 and t = 19 take longer than the motion of `x`: a fit has to guess how often it turns there",
            "leave these rows out, and give the file a column that numbers the parts before and behind it, and say `trajectory`",
        ),
        (
            "rows without values before the first sample",
            table(&even(300), wave, blank(0, 120)),
            TWO,
            "time t; missing \"NA\"",
            "warning[W1113]: the rows without values before t = 12 take longer than the motion of `x`: nothing holds a solution there",
            "leave these rows out",
        ),
        (
            "three cultures",
            table(&even(299), cultures, whole),
            one,
            "time t",
            "warning[W1114]: `x` jumps 2 times, first between t = 9.9 and t = 10: no equation makes such a jump",
            "give the file a column that numbers the experiments, and say `trajectory`",
        ),
        (
            "three experiments",
            table(&even(299), turned, whole),
            TWO,
            "time t",
            "warning[W1114]: `x`, `y` jump 2 times, first between t = 9.9 and t = 10",
            "give the file a column that numbers the experiments, and say `trajectory`",
        ),
        (
            "experiments of one number",
            table(&even(299), turned, |_, row| row[3] = "1".to_string()),
            TWO,
            "time t; trajectory u",
            "warning[W1114]: `x`, `y` jump 2 times, first between t = 9.9 and t = 10 of `1`",
            "give the rows behind it another value in `u`, the column that numbers trajectories",
        ),
        (
            "angles within a turn",
            table(&even(299), |t| angles(t, 2.0 * PI), whole),
            TWO,
            "time t",
            "warning[W1114]: `x`, `y` are angles that were wrapped: 12 jumps of about 2*pi (6.28), the first before t = 2.4",
            "`df[\"x\"] = numpy.unwrap(df[\"x\"]); df[\"y\"] = numpy.unwrap(df[\"y\"])`",
        ),
        (
            "an angle in degrees, in trajectories",
            table(&even(299), |t| [angles(t, 360.0)[0], 0.0, 0.0], |i, row| row[3] = (i / 150).to_string()),
            "model M { state x; x' = ?terms(1, x) }",
            "time t; trajectory u",
            "warning[W1114]: `x` is an angle that was wrapped: 7 jumps of about 360 (360)",
            "df.groupby(\"u\")[\"x\"].transform(lambda a: numpy.unwrap(a, period=360))",
        ),
        (
            "zeros for missing samples",
            table(&even(200), wave, every(20, "0")),
            TWO,
            "time t",
            "warning[W1112]: 0 stands in column `x` of `d.csv` 10 times, where its neighbours say something else, first at t = 0.7",
            "write \"NA\" in these cells and `missing \"NA\"` in the block of `d`",
        ),
        (
            "a number within the range for missing samples",
            table(&even(200), wave, every(40, "2")),
            TWO,
            "time t",
            "warning[W1112]: 2 stands in column `x` of `d.csv` 5 times, in 4 of them where its neighbours say something else, first at t = 0.7",
            "write \"NA\" in these cells and `missing \"NA\"` in the block of `d`",
        ),
        (
            "a system that is now and then too fast for its samples",
            table(&even(299), |t| [(40.0 * (0.5 * t).sin()).tanh() + 0.1 * (0.5 * t).cos(), 0.3 * t, 0.0], whole),
            TWO,
            "time t",
            "warning[W1103]: the samples of `x` in `d` are too far apart for how fast it changes: ",
            "sample more often",
        ),
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
            "warning[W1113]: the gap between t = 9 and t = 21.1 is longer than the motion of `x` takes",
            "give the file a column that numbers the parts before and behind it, and say `trajectory`",
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
        let (short, long) = found(&data, model, settings, &ALL);
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
    let (short, _) = found(&table(&even(200), wave, missing), TWO, "time t; missing (\"NA\", \"-999\")", &ALL);
    assert_eq!(short, [] as [&str; 0]);
    let numbered = table(
        &even(200),
        |t| if t < 9.95 { wave(t) } else { wave(t + 1.0) },
        |i, row| {
            row[3] = if i < 100 { "1" } else { "2" }.to_string();
        },
    );
    let (short, _) = found(&numbered, TWO, "time t; trajectory u", &ALL);
    assert_eq!(short, [] as [&str; 0]);
    let zeros = |i: usize, row: &mut [String; 4]| {
        if i % 20 == 7 {
            row[1] = "NA".to_string();
        }
    };
    let (short, _) = found(&table(&even(200), wave, zeros), TWO, "time t; missing \"NA\"", &ALL);
    assert_eq!(short, [] as [&str; 0]);
}

/// Rows without values behind the last sample are as if they were not there.
#[test]
fn rows_behind_the_last_sample_change_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = |file: &str| {
        format!(
            "model M {{ state x, y; (x, y)' = ?poly(x, y; degree = 2) }}\ndata d = csv(\"{file}.csv\") {{ time t; missing \"NA\" }}\nfit M to d\n"
        )
    };
    let blank = |i: usize, row: &mut [String; 4]| {
        if i >= 180 {
            (row[1], row[2]) = ("NA".to_string(), "NA".to_string());
        }
    };
    let whole = |_: usize, _: &mut [String; 4]| {};
    let runs =
        [("short", table(&even(180), wave, whole)), ("long", table(&even(300), wave, blank))].map(|(file, data)| {
            fs::write(folder.path().join(format!("{file}.csv")), data).expect("a table");
            let ran = run_in(&folder, &model(file), &[]).ok();
            assert!(!CODES.iter().any(|code| ran.stderr.contains(code)), "{file}: {}", ran.stderr);
            ran
        });
    let [short, long] = runs.each_ref().map(|ran| ran.equations()["equations"].clone());
    assert_eq!(short, long);
    // How many they are is told, and a test compares what the fit looked at.
    let record = runs[1].record();
    let of_data = &record["data"][0];
    assert_eq!((of_data["samples"].as_u64(), of_data["unseen"].as_u64()), (Some(180), Some(120)), "{of_data}");
    let summary = record["summary"].as_str().expect("a summary");
    assert!(summary.contains("180 samples") && summary.contains("120 rows behind the last value"), "{summary}");
    let near = "test \"near\" { expect rmse(x) < 10; expect max(abs(fit.x - d.x)) < 1e6 }\n";
    fs::write(folder.path().join("m.mech"), model("long") + near).expect("a model");
    mechc(&folder, &["test", "m.mech"]).ok();
}

/// A fit to data with a gap of several periods, with and without what the finding advises: with it, the law is that of the data.
#[test]
fn parts_that_are_numbered_give_the_law() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a written file");
    write(
        "s.mech",
        "use std.systems.LotkaVolterra
data d = simulate LotkaVolterra { steps 600; dt 0.1; noise 2%; seed 3 }",
    );
    mechc(&folder, &["simulate", "s.mech", "--out", "s.csv", "--force"]).ok();
    let rows = fs::read_to_string(folder.path().join("s.csv")).expect("a table");
    let mut rows = rows.lines();
    let head = rows.next().expect("names");
    let rows: Vec<&str> = rows.collect();
    let gap = 120..420;
    let part = |i: usize| if i < gap.start { 1 } else { 2 };
    let numbered: Vec<String> =
        (0..rows.len()).filter(|i| !gap.contains(i)).map(|i| format!("{},{}", rows[i], part(i))).collect();
    let blank = |i: usize| rows[i].split(',').enumerate().map(|(k, cell)| if k == 0 { cell } else { "NA" });
    let filled: Vec<String> = (0..rows.len())
        .map(|i| if gap.contains(&i) { blank(i).collect::<Vec<_>>().join(",") } else { rows[i].to_string() })
        .collect();
    write("part.csv", &format!("{head},part\n{}\n", numbered.join("\n")));
    write("filled.csv", &format!("{head}\n{}\n", filled.join("\n")));
    let states: Vec<&str> = head.split(',').skip(1).collect();
    let (x, y) = (states[0], states[1]);
    let run = |file: &str, settings: &str| {
        let data = format!("data d = csv(\"{file}.csv\") {{ time t; {settings} }}");
        let model = format!("model M {{ state {x}, {y}; ({x}, {y})' = ?poly({x}, {y}; degree = 2) }}");
        run_in(&folder, &format!("{model}\n{data}\nfit M to d\n"), &[])
    };
    let said = run("filled", "missing \"NA\"").stderr;
    assert!(said.contains("W1113") && said.contains("`trajectory`"), "{said}");
    assert!(!said.contains("did not settle"), "{said}");
    let ran = run("part", "trajectory part");
    let (law, said) = (&ran.stdout, &ran.stderr);
    assert!(!CODES.iter().any(|code| said.contains(code)), "{said}");
    assert_eq!(ran.file("equations.json").matches("\"coefficient\"").count(), 4, "{law}");
    for term in [format!("*{x}*{y}"), format!("*{x} "), format!("*{y} ")] {
        assert!(law.contains(&term), "{law}");
    }
}

/// What spoils a fit comes first, and what is said of its result for that reason alone is left out.
#[test]
fn what_the_data_hold_comes_before_what_follows_from_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |data: &str, model: &str| {
        fs::write(folder.path().join("d.csv"), data).expect("a table");
        let model = format!("{model}\ndata d = csv(\"d.csv\") {{ time t }}\nfit M to d\n");
        run_in(&folder, &model, &[])
    };
    let grown = |t: f64| [0.1 + 3.0 / (1.0 + 20.0 * (-(t % 9.95)).exp()), 0.0, 0.0];
    let ran = run(&table(&even(299), grown, |_, _| {}), "model M { state x; x' = ?poly(x; degree = 3) }");
    let said = &ran.stderr;
    let codes = |said: &str| -> Vec<String> {
        said.lines().filter(|l| l.len() == 5 && l.starts_with('W')).map(str::to_string).collect()
    };
    assert_eq!(codes(said), ["W1114"], "{said}");
    assert!(said.contains("what the data hold may be the reason"), "{said}");
    let record = ran.file("record.json");
    let warnings = record.split("\"warnings\"").nth(1).expect("warnings");
    assert!(warnings.find("no equation makes such a jump") < warnings.find("what the data hold may be the reason"));
    // A jump of an input is the first thing to look at where a solution leaves over what is no noise.
    let mut x = 0.0;
    let mut rows = "t,x,y,u\n".to_string();
    let mut random = noise(7);
    for i in 0..400 {
        let u = if (i / 40) % 2 == 1 { 1.0 } else { 0.0 };
        rows += &format!("{:.1},{:.5},0,{u}\n", 0.1 * f64::from(i), x + 0.01 * random());
        let next = 2.0 * f64::from(u32::from(((i + 1) / 40) % 2 == 1));
        // Exact for an input that is held from one sample to the next.
        let rest = next / 0.5;
        x = rest + (x - rest) * f64::exp(-0.05);
    }
    let said = run(&rows, "model M { state x; input u; x' = ?poly(x, u; degree = 2) }").stderr;
    assert!(codes(&said).first().is_some_and(|first| first == "W1110"), "{said}");
    if said.contains("W1111") {
        assert!(said.contains("as W1110 says before looking") && !said.contains("more candidates"), "{said}");
    }
    // Neither is it a noise of the process.
    let ran = run(&rows, "model M { state x; input u; x' = ?poly(x, u; degree = 1) }");
    let (said, one_line) = (&ran.stderr, ran.said());
    assert_eq!(codes(said), ["W1110"], "{said}");
    assert!(one_line.contains("of the model exactly: the input that jumps is a reason"), "{said}");
    assert!(!one_line.contains("process itself is noisy"), "{said}");
}

/// Mistakes of one size hide each other neither where they go the same way nor where there are more than three.
#[test]
fn mistakes_of_one_size_are_told() {
    let many = vec![23, 57, 96, 131, 170];
    for (places, turns) in [
        (vec![41, 78], false),
        (many.clone(), true),
        (vec![30, 97, 151], false),
        (many, false),
        (vec![9, 30, 71, 97, 118, 152, 187, 211, 260, 280], false),
    ] {
        let spoiled = |i: usize, row: &mut [String; 4]| {
            if let Some(k) = places.iter().position(|&at| at == i) {
                let by = if turns && k % 2 == 1 { -3.0 } else { 3.0 };
                row[1] = row[1].parse::<f64>().map_or_else(|_| row[1].clone(), |x| format!("{:.4}", x + by));
            }
        };
        let (short, _) = found(&table(&even(300), wave, spoiled), TWO, "time t", &CODES);
        assert!(short.len() == 1 && short[0].contains("W1112"), "{short:?}");
        // Six are named, the others counted.
        let others = short[0].split("; and ").nth(1).and_then(|rest| rest.split(' ').next());
        let others = others.map_or(0, |number| if number == "one" { 1 } else { number.parse().expect("a number") });
        let named = short[0].matches("where its neighbours say").count();
        assert_eq!((named, named + others), (places.len().min(6), places.len()), "{short:?}");
    }
}

/// A state that follows a switch at once, a system that spikes within a step, a front: none is a mistake.
#[test]
fn what_systems_do_is_no_mistake() {
    let on = |t: f64| if (5.0..9.0).contains(&t) { 1.0 } else { 0.0 };
    let follows = |t: f64| [3.0 * on(t), 1.0 - on(t), on(t)];
    let spike = |t: f64| [if (t - 5.3).abs() < 0.04 || (t - 12.1).abs() < 0.04 { 4.0 } else { t.sin() }, t.cos(), 0.0];
    let front = |t: f64| [(20.0 * (t - 9.95)).tanh() + 0.03 * t, 0.0, 0.0];
    // Narrow as one sample, with what samples beside their middle see of them.
    let pulses = |width: f64, every: f64| {
        move |t: f64| {
            let from = (t + 0.5 * every).rem_euclid(every) - 0.5 * every;
            [t.sin() + 4.0 * (-(10.0 * from / width).powi(2)).exp(), t.cos(), 0.0]
        }
    };
    // As a relaxation oscillator does: one state leaps, its rate is seen at one sample.
    let leaps = |t: f64| {
        let side = (0.9 * t).rem_euclid(4.0);
        let [up, down] = [0.9, 2.3].map(|at| (-(40.0 * (side - at)).powi(2)).exp());
        [(40.0 * (side - 0.9)).tanh() - (40.0 * (side - 2.3)).tanh(), 30.0 * (up - down) + 0.3 * t.sin(), 0.0]
    };
    let one = "model M { state x; x' = ?poly(x; degree = 2) }";
    let rounded = |_: usize, row: &mut [String; 4]| {
        row[1] = row[1].parse::<f64>().map_or_else(|_| row[1].clone(), |x| format!("{x:.1}"));
    };
    for (what, data, model) in [
        ("spikes of rounded numbers", table(&even(200), spike, rounded), TWO),
        ("a switch", table(&even(200), follows, |_, _| {}), DRIVEN),
        ("spikes", table(&even(200), spike, |_, _| {}), TWO),
        ("spikes on the same motion", table(&even(260), pulses(0.4, 6.3), |_, _| {}), TWO),
        ("regular spikes on another motion", table(&even(260), pulses(0.4, 4.0), |_, _| {}), TWO),
        ("leaps of two states", table(&even(260), leaps, |_, _| {}), TWO),
        ("a front", table(&even(200), front, |_, _| {}), one),
    ] {
        let (short, _) = found(&data, model, "time t", &CODES);
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
        "Relaxation",
    ];
    let own = "model Relaxation { state x, y; x' = y; y' = 8*(1 - x^2)*y - x; initial x = 2, y = 0 }";
    let head = |system: &str| match system {
        "Relaxation" => own.to_string(),
        library => format!("use std.systems.{library}"),
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).expect("a written file");
    let mut read = 0;
    for (k, system) in systems.iter().enumerate() {
        for (dt, noise) in [("0.05", "0"), ("0.2", "3%"), ("0.4", "1%"), ("1", "3%"), ("1.5", "5%")] {
            let data = format!("data d = simulate {system} {{ steps 120; dt {dt}; noise {noise}; seed {k} }}\n");
            write("s.mech", format!("{}\n{data}", head(system)));
            let made = mechc(folder.path(), &["simulate", "s.mech", "--out", "s.csv", "--force"]);
            assert!(made.status.success(), "{system}: {}", made.stderr);
            write("c.mech", format!("{}\ndata d = csv(\"s.csv\") {{ time t }}\nfit {system} to d\n", head(system)));
            let checked = mechc(folder.path(), &["check", "--data", "c.mech", "--message-format", "short"]);
            let said = &checked.stderr;
            read += usize::from(checked.status.success());
            assert!(CODES.iter().all(|code| !said.contains(code)), "{system} at {dt} with {noise}: {said}");
        }
    }
    assert_eq!(read, 5 * systems.len());
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
    let run = |equation: &str| {
        let model = format!(
            "model M {{ state x, y; param a = 1; {equation} }}\ndata d = csv(\"d.csv\") {{ time t }}\nfit M to d\n"
        );
        run_in(&folder, &model, &[])
    };
    let ran = run("x' = a*y; y' = ?linear(x, y)");
    assert!(ran.stderr.contains("W1112"), "{}", ran.stderr);
    let record = ran.file("record.json");
    assert!(record.contains("29.1 at t = 5.7"), "{record}");
    let failed = run("x' = a*ln(3.1 - x); y' = ?linear(x, y)");
    let said = failed.said();
    assert_eq!(failed.status.code(), Some(5), "{said}");
    assert!(said.contains("N503"), "{said}");
    assert!(said.contains("29.1 at t = 5.7"), "{said}");
}

/// A sensor that reads no further, with noise and without, in both directions; what comes to rest, is rounded or is switched is no such thing.
#[test]
fn samples_that_are_cut_off_are_named() {
    let number = |row: &[String; 4]| row[1].parse::<f64>().expect("a number");
    let above = |limit: f64| {
        move |_: usize, row: &mut [String; 4]| {
            row[1] = format!("{:.4}", number(row).min(limit));
        }
    };
    let below = |_: usize, row: &mut [String; 4]| row[1] = format!("{:.4}", number(row).max(1.4));
    let rounded = |_: usize, row: &mut [String; 4]| row[1] = format!("{:.1}", number(row));
    let whole = |_: usize, _: &mut [String; 4]| {};
    let switched =
        |i: usize, row: &mut [String; 4]| row[1] = if (i / 20).is_multiple_of(2) { "0" } else { "1" }.to_string();
    let rest = |t: f64| [1.0 - (-t).exp(), 2.0 - t.cos(), 0.0];
    let to_rest = |_: usize, row: &mut [String; 4]| row[1] = format!("{:.2}", number(row));
    for (edit, which) in
        [(&above(2.7) as &dyn Fn(usize, &mut [String; 4]), "largest number, 2.7"), (&below, "least number, 1.4")]
    {
        let (found, help) = found(&table(&even(200), wave, edit), TWO, "time t", &ALL);
        let [only] = found.as_slice() else { panic!("{found:?}") };
        assert!(only.contains("W1116") && only.contains(which) && only.contains("column `x` of `d.csv`"), "{only}");
        assert!(help.contains("`missing \"NA\"` in the block of `d`"), "{help}");
    }
    for (of, edit) in [
        (&wave as &dyn Fn(f64) -> [f64; 3], &whole as &dyn Fn(usize, &mut [String; 4])),
        (&wave, &rounded),
        (&rest, &to_rest),
        (&wave, &switched),
    ] {
        let (found, _) = found(&table(&even(200), of, edit), TWO, "time t", &["W1116"]);
        assert!(found.is_empty(), "{found:?}");
    }
}

/// The same before a run's result, of which nothing is told that only follows from it.
#[test]
fn a_run_tells_first_that_samples_are_cut_off() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cut = |_: usize, row: &mut [String; 4]| {
        row[1] = format!("{:.4}", row[1].parse::<f64>().expect("a number").min(2.7));
    };
    fs::write(folder.path().join("d.csv"), table(&even(200), wave, cut)).expect("a table");
    let model =
        format!("{}\ndata d = csv(\"d.csv\") {{ time t }}\nfit M to d\n", TWO.replace("linear(x", "linear(1, x"));
    let run = run_in(&folder, &model, &["--message-format", "short"]);
    let said = &run.stderr;
    assert!(run.status.success() && said.contains("W1116") && !said.contains("W1111"), "{said}");
}

#[test]
fn numbers_that_stand_several_times_and_copies_are_named() {
    let whole = |_: usize, _: &mut [String; 4]| {};
    for times in [2, 5] {
        let raw = table(&even(200), wave, whole);
        let cells: Vec<Vec<&str>> = raw.lines().skip(1).map(|line| line.split(',').collect()).collect();
        let rows = cells.iter().enumerate().map(|(i, row)| {
            let first = &cells[i - i % times];
            format!("{},{},{},{}\n", row[0], first[1], first[2], row[3])
        });
        let held = format!("t,x,y,u\n{}", rows.collect::<String>());
        let (short, long) = found(&held, TWO, "time t", &["W11"]);
        assert!(!short.is_empty() && short.iter().all(|line| line.contains("W1127")), "{short:?}");
        assert!(short[0].contains(&format!("stands there {times} times")) && long.contains("keep the first of each"));
    }
    let (short, _) = found(&table(&even(200), wave, whole), TWO, "time t", &["W1127", "W1128"]);
    assert_eq!(short, [] as [&str; 0]);
    let twice = |copy: f64| {
        let rows = (0..2).flat_map(|k| {
            (0..40).map(move |i| {
                let [x, y, _] = wave(0.1 * f64::from(i));
                format!("{k},{},{x},{}\n", 0.1 * f64::from(i), y + copy * f64::from(k))
            })
        });
        format!("k,t,x,y\n{}", rows.collect::<String>())
    };
    let codes = ["W1128"];
    let (short, _) = found(&twice(0.0), TWO, "time t; trajectory k", &codes);
    assert!(short.len() == 1 && short[0].contains("trajectory `1` of `d` is a copy of `0`"), "{short:?}");
    assert_eq!(found(&twice(0.1), TWO, "time t; trajectory k", &codes).0, [] as [&str; 0]);
}

/// Of many short trajectories noise alone makes some that seem to jump.
#[test]
fn noise_of_short_trajectories_is_no_jump() {
    let mut random = noise(5);
    let mut rows = String::from("k,t,x,y\n");
    for k in 0..200 {
        for i in 0..12 {
            let [x, y, _] = wave(0.25 * f64::from(i) + 0.3 * f64::from(k));
            rows += &format!("{k},{},{},{}\n", 0.25 * f64::from(i), x + 0.1 * random(), y + 0.1 * random());
        }
    }
    let (short, _) = found(&rows, TWO, "time t; trajectory k", &["W1114"]);
    assert_eq!(short, [] as [&str; 0]);
}

/// Growth, with a sample that its noise made small beside one that is missing: the step behind it is no jump.
#[test]
fn a_small_sample_beside_a_gap_is_no_jump() {
    let rows = "t,x,y\n0,0.1261,\n0.63158,0.15534,5.4039\n1.2632,0.18816,5.4424\n1.8947,0.16725,\n2.5263,,5.2721\n3.1579,0.38558,4.9778
3.7895,0.44995,4.7883\n4.4211,0.55148,4.4417\n5.0526,0.71068,\n5.6842,0.91545,3.4078\n6.3158,1.1595,3.0506\n6.9474,1.3908,2.4475
7.5789,1.6849,1.5504\n8.2105,1.9572,\n8.8421,2.1455,0.24337\n9.4737,2.2325,0.10746\n10.105,2.2917,0.050507\n10.737,2.2854,0.091594
11.368,2.2968,0.076626\n12,2.3611,\n";
    let (said, long) = found(rows, TWO, "time t; missing \"\"", &ALL);
    assert!(said.is_empty(), "{long}");
    // A jump of the same size in a motion that is as fast elsewhere.
    let jump = table(&even(200), |t| [(0.3 * t).sin() + if t > 7.25 { 0.8 } else { 0.0 }, 0.3 * t, 0.0], |_, _| {});
    let (said, long) = found(&jump, TWO, "time t", &ALL);
    assert!(said.iter().any(|s| s.contains("`x` jumps once, between t = 7.2 and t = 7.3")), "{long}");
}
