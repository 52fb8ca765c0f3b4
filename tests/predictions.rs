//! Predictions of fits: laws that are solved on and networks that read their own output, against closed forms.

mod common;

use std::fs;

use common::{json, mechc, run};
use serde_json::Value;

/// The rows of a table in the run directory.
fn table(folder: &tempfile::TempDir, name: &str) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(folder.path().join("out").join(name)).expect("a table");
    let row = |line: &str| line.split(',').map(|cell| cell.parse().expect("a number")).collect();
    text.lines().skip(1).map(row).collect()
}

fn metric(record: &Value, name: &str, part: &str) -> Option<f64> {
    let all = record["metrics"].as_array().expect("metrics");
    let found = all.iter().find(|m| m["name"].as_str().is_some_and(|n| n.starts_with(name)) && m["part"] == part)?;
    found["value"].as_f64()
}

/// `u'' = -u`, known, with starts from data: no network is needed to roll it out, and nothing but the truth can come out. Three samples of
/// overlap or one, from either end: every one of the 40 new samples is where it belongs.
#[test]
fn a_known_system_is_rolled_out_exactly() {
    let model = "use std.systems.HarmonicOscillator
model Known { state u order 2; u'' + u = 0; initial u = data.u for 10 steps }
data run = simulate HarmonicOscillator { steps 200; dt 0.05; holdout 20% }
fit Known to run { engine gradient; window 10; horizon 30; steps 3; batch 4 }
predict tail = fit { by 7 }
predict most = fit { steps 40 }
predict early = fit { by 3; from start; steps 40 }
predict late = fit { by 1; from held_out }
";
    let (folder, record) = run(model);
    // Samples are 0.05 apart: 160 were fitted, ten are read.
    for (name, first, count) in [("tail", 160, 40), ("most", 160, 40), ("early", 10, 40), ("late", 170, 30)] {
        let rows = table(&folder, &format!("{name}.csv"));
        assert_eq!(rows.len(), count, "{name}");
        for (i, row) in rows.iter().enumerate() {
            let t = (first + i) as f64 * 0.05;
            assert!((row[0] - t).abs() < 1e-9, "{name}: time {} for {t}", row[0]);
            assert!((row[1] - t.cos()).abs() < 1e-3, "{name} at {t}: {} for {}", row[1], t.cos());
        }
        let rmse = metric(&record, "RMSE of u", name).expect("an error");
        assert!(rmse < 1e-3, "{name}: {rmse}");
        let followed = metric(&record, "time the prediction", name).expect("a time");
        assert!((followed - count as f64 * 0.05).abs() < 1e-9, "{name}: {followed}");
    }
}

/// The example of waves on a coarser ring, trained for a moment: ten samples behind those held out that are read come out far better than the
/// last of these, repeated.
#[test]
fn waves_go_on_better_than_they_stand_still() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/wave.mech");
    fs::copy(example, folder.path().join("m.mech")).expect("a copy");
    let mut args = vec!["run", "m.mech", "--out", "out"];
    let smaller = ["KdV.cells=12", "Wave.cells=12", "fit.batch=12", "fit.steps=150", "wave_tail.steps=10"];
    let faster = "fit.optimizer=adam(lr = 4e-3, warmup = 30)";
    args.extend(smaller.iter().chain(&[faster]).flat_map(|set| ["--set", set]));
    mechc(folder.path(), &args).ok();
    let record = json(folder.path().join("out/record.json"));

    let numbers = |v: &Value| -> Vec<f64> {
        v.as_array().expect("numbers").iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
    };
    let (mut predicted, mut still, mut all) = (0.0, 0.0, 0.0);
    for part in record["predictions"][0]["trajectories"].as_array().expect("trajectories") {
        let fitted = record["trajectories"].as_array().expect("trajectories");
        let whole = fitted.iter().find(|t| t["name"] == part["name"]).expect("the same trajectory");
        let start = numbers(&part["time"])[0];
        let last = numbers(&whole["time"]).iter().take_while(|t| **t < start - 1e-6).count() - 1;
        for (state, whole) in
            part["states"].as_array().expect("states").iter().zip(whole["states"].as_array().expect("states"))
        {
            let (data, solution) = (numbers(&state["data"]), numbers(&state["solution"]));
            let before = numbers(&whole["data"])[last];
            assert_eq!(data.len(), 10);
            for (x, y) in data.iter().zip(&solution) {
                predicted += (x - y) * (x - y);
                still += (x - before) * (x - before);
                all += x * x;
            }
        }
    }
    assert!(predicted < 0.25 * all && predicted < 0.2 * still, "{predicted} and {still} of {all}");
    let fields = fs::read_to_string(folder.path().join("out/fields.csv")).expect("a table");
    let rows = fields.lines().count() - 1;
    assert!(rows > 0 && rows.is_multiple_of(11), "{rows} rows: eleven samples of every solve");
    let discovered = fs::read_to_string(folder.path().join("out/discovered.mech")).expect("the model");
    assert!(!discovered.contains("NaN") && discovered.contains("initial u'' = ("), "{discovered}");
}

/// The joint engine's law, from the end, from the start and behind what was held out, for trajectories that were held out too.
#[test]
fn a_law_is_solved_on() {
    let model = "use std.systems.HarmonicOscillator
model Spring { state u order 2; param k = 1; u'' + k*u = 0 }
data run = simulate HarmonicOscillator { steps 200; dt 0.05; noise 1%; seed 2; holdout 20% }
fit Spring to run
predict tail = fit { steps 100; tolerance 1% }
predict early = Spring { from start; steps 50 }
predict late = Spring { from held_out }
test \"goes on\" {
  expect count(tail.u) == 100
  expect max(abs(tail.u - cos(tail.t))) < 0.03
  expect metric(\"RMSE of u\", \"late\") < 0.02
}
";
    let (folder, record) = run(model);
    for (name, first, count) in [("tail", 160, 100), ("early", 1, 50), ("late", 160, 40)] {
        let rows = table(&folder, &format!("{name}.csv"));
        assert_eq!(rows.len(), count, "{name}");
        for (i, row) in rows.iter().enumerate() {
            let t = (first + i) as f64 * 0.05;
            assert!((row[0] - t).abs() < 1e-9, "{name}: time {} for {t}", row[0]);
            assert!((row[1] - t.cos()).abs() < 0.03, "{name} at {t}: {}", row[1]);
        }
    }
    // Noise of 1 % is larger than the tolerance of 1 % now and then, and smaller than 40 % always.
    assert!(metric(&record, "time the prediction", "tail").expect("a time") < 2.0);
    assert_eq!(metric(&record, "time the prediction", "late"), Some(2.0));
    let page = fs::read_to_string(folder.path().join("out/report.html")).expect("a page");
    assert!(page.contains("Prediction tail") && page.contains("Prediction late"));
    let tested = mechc(folder.path(), &["test", "m.mech"]);
    assert!(tested.status.success(), "{}", tested.stdout);

    let (folder, _) = run(&model
        .replace("holdout 20%", "trajectories 4; holdout 50% of trajectories")
        .replace("predict tail = fit { steps 100; tolerance 1% }", "predict tail = fit { tolerance 1% }"));
    let text = fs::read_to_string(folder.path().join("out/tail.csv")).expect("a table");
    // Of two trajectories the first fifth gives the state: 160 samples of each remain.
    assert_eq!(text.lines().count(), 1 + 2 * 160, "{}", text.lines().next().unwrap_or_default());
}

/// What a run prints about its predictions: one line each, with what they are compared with.
#[test]
fn predictions_are_told_in_a_line_each() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "model Truth { state u order 2; u'' = -u + 0.3*u^3; initial u = 0.5, u' = 0 }
model Spring { state u order 2; param k = 1; u'' + k*u = 0 }
data run = simulate Truth { steps 200; dt 0.05; trajectories 3; seed 2; holdout 20% of time }
fit Spring to run
predict tail = Spring { tolerance 5% }
predict far = Spring { steps 100; tolerance 1000 }
";
    fs::write(folder.path().join("m.mech"), model).expect("a written file");
    let output = mechc(folder.path(), &["run", "m.mech", "--out", "out"]);
    let printed = &output.stdout;
    let line = |name: &str| {
        let start = format!("predicted {name}: ");
        let found = printed.lines().find_map(|l| l.strip_prefix(&start)).unwrap_or_else(|| panic!("{printed}"));
        found.to_string()
    };
    // 40 samples were held out of each trajectory, at 0.05. A spring that is not linear leaves one that is.
    assert!(line("tail").starts_with("120 samples of 3 trajectories in tail.csv; RMSE u "), "{printed}");
    assert!(line("tail").contains("; follows the data for ") && line("tail").ends_with(" of 2"), "{printed}");
    assert!(line("far").starts_with("300 samples of 3 trajectories in far.csv; RMSE u "), "{printed}");
    assert!(line("far").ends_with("; follows the data for 2, to the end"), "{printed}");
    let json = mechc(folder.path(), &["run", "m.mech", "--out", "again", "--message-format", "json"]);
    let object = json.object();
    let tail = serde_json::json!({"name": "tail", "file": "tail.csv", "samples": 120, "trajectories": 3});
    assert_eq!(object["predictions"][0], tail);
    let score = object["scores"].as_array().expect("scores").iter().find(|s| s["part"] == "tail").expect("a score");
    assert_eq!(score["to_the_end"], false);
    // Every trajectory that was fitted can be simulated again.
    let found = fs::read_to_string(folder.path().join("out/discovered.mech")).expect("the law");
    assert_eq!(found.matches("steps 200; dt 0.05").count(), 3, "{found}");
    mechc(folder.path(), &["simulate", "out/discovered.mech", "--data", "solution_3", "--out", "third.csv"]).ok();
}

/// A prediction is made by a run: other commands say so.
#[test]
fn only_runs_predict() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "use std.systems.Logistic
model M { state n; n' = ?poly(n; degree = 2) }
data run = simulate Logistic { steps 100; dt 0.1 }
fit M to run
predict tail = fit { steps 10 }
";
    fs::write(folder.path().join("m.mech"), model).expect("a written file");
    let output = mechc(folder.path(), &["simulate", "m.mech", "--data", "tail", "--out", "d.csv"]);
    let said = &output.stderr;
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("N003"), "{said}");
    mechc(folder.path(), &["run", "m.mech", "--out", "out", "--set", "tail.steps=5"]).ok();
    let text = fs::read_to_string(folder.path().join("out/tail.csv")).expect("a table");
    assert_eq!(text.lines().count(), 6);
}

/// `x' = -x`, whose coefficient has no value behind the time 104.05. One of two trajectories gets there, and the other goes on alone,
/// though both are solved in one batch.
#[test]
fn only_the_window_that_runs_away_ends() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut rows = "run,t,x\n".to_string();
    for (run, first) in [("early", 0.0), ("late", 100.0)] {
        for i in 0..81 {
            let t = 0.05 * f64::from(i);
            rows.push_str(&format!("{run},{},{}\n", first + t, (-t).exp()));
        }
    }
    fs::write(folder.path().join("d.csv"), rows).expect("a written file");
    let model = "model Known {
  state x
  x' = -x*(if t < 104.05 then 1 else ln(104.05 - t))
  initial x = data.x for 3 steps
}
data runs = csv(\"d.csv\") { time t; trajectory run }
fit Known to runs { engine gradient; window 5; horizon 15; steps 2; batch 4 }
predict tail = fit { steps 60; by 5 }
";
    fs::write(folder.path().join("m.mech"), model).expect("a written file");
    let output = mechc(folder.path(), &["run", "m.mech", "--out", "out"]);
    let said = &output.stderr;
    assert!(output.status.success(), "{said}");
    assert!(said.contains("of trajectory late is not finite from"), "{said}");
    let text = fs::read_to_string(folder.path().join("out/tail.csv")).expect("a table");
    let of = |name: &str| text.lines().filter(|l| l.starts_with(name)).map(str::to_string).collect::<Vec<_>>();
    assert_eq!(of("early").len(), 60, "{text}");
    assert!(of("late").len() < 5, "{text}");
    for line in of("early") {
        let cells: Vec<f64> = line.split(',').skip(1).map(|c| c.parse().expect("a number")).collect();
        assert!((cells[1] - (-cells[0]).exp()).abs() < 1e-3, "{line}");
    }
}

/// Of two data sets one holds something out: what cannot be predicted of the other is told.
#[test]
fn a_data_set_of_which_nothing_is_predicted_is_told() {
    let model = "use std.systems.HarmonicOscillator
model Spring { state u order 2; param k = 1; u'' + k*u = 0 }
data a = simulate HarmonicOscillator { steps 100; dt 0.05; holdout 20% }
data b = simulate HarmonicOscillator { steps 100; dt 0.05; from (2, 0) }
fit Spring to (a, b)
predict tail = fit
predict late = fit { from held_out; steps 10 }
predict both = fit { steps 5 }
";
    let (folder, record) = run(model);
    let warnings = record["warnings"].as_array().expect("warnings");
    for name in ["tail", "late"] {
        let said = format!("the prediction `{name}` has nothing of `b`");
        assert!(warnings.iter().any(|w| w.to_string().contains(&said)), "{warnings:?}");
    }
    assert!(!warnings.iter().any(|w| w.to_string().contains("`both`")), "{warnings:?}");
    assert_eq!(table(&folder, "tail.csv").len(), 20);
    let both = fs::read_to_string(folder.path().join("out/both.csv")).expect("a table");
    assert_eq!(both.lines().count(), 1 + 2 * 5, "{both}");
}

/// Networks read ten samples before the first that is predicted: where five were held out, or ten and nothing says how far to go, nothing is
/// predicted, and why is told of each trajectory.
#[test]
fn too_few_samples_to_read_are_told() {
    let run_with = |holdout: &str| {
        run(&format!(
            "use std.systems.HarmonicOscillator
model Known {{ state u order 2; u'' + u = 0; initial u = data.u for 10 steps }}
data run = simulate HarmonicOscillator {{ steps 100; dt 0.05; trajectories 2; holdout {holdout} of time }}
fit Known to run {{ engine gradient; window 10; horizon 30; steps 3; batch 4 }}
predict late = fit {{ by 1; from held_out }}
predict late5 = fit {{ by 1; from held_out; steps 5 }}
predict behind = fit {{ by 1; from end; steps 5 }}
"
        ))
    };
    let warnings = |record: &Value| -> Vec<String> {
        let all = record["warnings"].as_array().expect("warnings");
        all.iter().map(|w| w.as_str().expect("a text").to_string()).filter(|w| w.contains("the prediction")).collect()
    };
    let rows = |folder: &tempfile::TempDir, name: &str| {
        let text = fs::read_to_string(folder.path().join("out").join(name)).expect("a table");
        text.lines().count() - 1
    };

    let (folder, record) = run_with("5%");
    let told = warnings(&record);
    assert_eq!(told.len(), 4, "{told:?}");
    for (name, k) in [("late", 1), ("late", 2), ("late5", 1), ("late5", 2)] {
        let said = format!(
            "the prediction `{name}` of trajectory {k} fails: 5 samples are held out, and 10 samples are read before the first that is predicted"
        );
        assert!(told.contains(&said), "{said}: {told:?}");
    }
    assert_eq!([rows(&folder, "late.csv"), rows(&folder, "late5.csv"), rows(&folder, "behind.csv")], [0, 0, 10]);

    let (folder, record) = run_with("10%");
    let told = warnings(&record);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter().all(|w| w.contains("`late` of trajectory") && w.contains("10 samples are held out")),
        "{told:?}"
    );
    assert_eq!([rows(&folder, "late.csv"), rows(&folder, "late5.csv")], [0, 10]);
}

#[test]
fn predictions_that_no_memory_holds_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "use std.systems.HarmonicOscillator
model Spring { state u order 2; param k = 1; u'' + k*u = 0 }
data run = simulate HarmonicOscillator { steps 50; dt 0.05; trajectories 400 }
fit Spring to run
predict tail = fit { steps 10000000 }
";
    fs::write(folder.path().join("m.mech"), model).expect("a written file");
    let output = mechc(folder.path(), &["run", "m.mech", "--out", "out"]);
    let said = &output.stderr;
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("N014") && said.contains("the prediction `tail` of 4000000000 samples"), "{said}");
}
