//! Samples at irregular times, fitted by the joint engine.

mod common;

use std::fmt::Write as _;

use common::{folder, mechc};
use serde_json::Value;

/// A table of a damped oscillation, `exp(-t/10) sin(2 t)`, at the times `i h` moved by up to `jitter` steps.
fn table(samples: usize, h: f64, jitter: f64) -> String {
    let mut out = String::from("t,q\n");
    for i in 0..samples {
        let t = h * (i as f64 + jitter * (7.3 * i as f64).sin());
        let _ = writeln!(out, "{t},{}", (-t / 10.0).exp() * (2.0 * t).sin());
    }
    out
}

/// The record of `m.mech` fitted to the table `d.csv`.
fn record(data: &str, model: &str) -> Value {
    let folder = folder(&[("d.csv", data), ("m.mech", model)]);
    mechc(&folder, &["run", "m.mech", "--out", "r"]).ok().record()
}

/// The value of a parameter of a record.
fn value(record: &Value, i: usize) -> f64 {
    record["parameters"][i]["value"].as_f64().expect("a value")
}

/// The largest error of the stiffness and damping that a fit finds, and its record.
fn fitted(samples: usize, h: f64, jitter: f64, settings: &str) -> (f64, Value) {
    let model = format!(
        "model M {{ state q order 2; param stiffness, damping; q'' = -stiffness*q - damping*q' }}
data d = csv(\"d.csv\") {{ time t; spacing irregular; {settings} }}
fit M to d
"
    );
    let record = record(&table(samples, h, jitter), &model);
    ((value(&record, 0) - 4.01).abs().max((value(&record, 1) - 0.2).abs()), record)
}

#[test]
fn predictions_have_the_times_of_the_data_and_then_their_usual_step() {
    let model = "model M { state q order 2; param stiffness, damping; q'' = -stiffness*q - damping*q' }
data d = csv(\"d.csv\") { time t; spacing irregular; holdout 20% of time }
fit M to d
predict later = M { steps 100 }
";
    let data = table(300, 0.05, 0.4);
    let folder = folder(&[("d.csv", data.as_str()), ("m.mech", model)]);
    let ran = mechc(&folder, &["run", "m.mech", "--out", "r"]).ok();
    let rows = |text: &str| -> Vec<[f64; 2]> {
        let row = |line: &str| {
            let (t, q) = line.split_once(',').expect("two cells");
            [t, q].map(|cell| cell.parse().expect("a number"))
        };
        text.lines().skip(1).map(row).collect()
    };
    let (there, later) = (rows(&data), rows(&ran.file("later.csv")));
    assert_eq!(later.len(), 100);
    let mut steps: Vec<f64> = there.windows(2).map(|w| w[1][0] - w[0][0]).collect();
    steps.sort_by(f64::total_cmp);
    for (i, [t, q]) in later.iter().enumerate() {
        // The last sixty are held out.
        let expected = there.get(240 + i).map_or_else(|| later[i - 1][0] + steps[149], |row| row[0]);
        assert!((t - expected).abs() < 1e-6, "sample {i} is at {t}, not at {expected}");
        assert!((q - (-t / 10.0).exp() * (2.0 * t).sin()).abs() < 1e-5, "{q} at {t}");
    }
}

#[test]
fn irregular_samples_give_what_equal_ones_give() {
    // Up to 0.8 of a step nearer to or farther from each other; the order of the links is that of equal steps.
    let (equal, _) = fitted(300, 0.05, 0.0, "");
    let (irregular, record) = fitted(300, 0.05, 0.4, "");
    assert!(irregular < 1e-5 && irregular < 100.0 * equal.max(1e-9), "{irregular} against {equal}");
    let times: Vec<f64> = record["trajectories"][0]["time"]
        .as_array()
        .expect("times")
        .iter()
        .map(|v| v.as_f64().expect("a number"))
        .collect();
    let steps: Vec<f64> = times.windows(2).map(|w| w[1] - w[0]).collect();
    let longest = steps.iter().copied().fold(0.0, f64::max);
    let shortest = steps.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(longest > 2.0 * shortest, "the record has the times of the file: {shortest} to {longest}");
    // Half the steps: a method of sixth order would gain a factor of 64; that of rounding and regularisation is less.
    let (coarse, _) = fitted(100, 0.15, 0.4, "");
    assert!(irregular < 0.2 * coarse || irregular < 1e-8, "{irregular} after {coarse}");
}

#[test]
fn held_out_samples_are_predicted_at_their_times() {
    let (_, record) = fitted(300, 0.05, 0.4, "holdout 20%");
    let metrics = record["metrics"].as_array().expect("metrics");
    let held = metrics.iter().find(|m| m["part"] == "held out" && m["name"] == "RMSE of q").expect("a score");
    assert!(held["value"].as_f64().expect("a number") < 1e-5, "{held}");
    let followed = metrics.iter().find(|m| m["name"].as_str().is_some_and(|n| n.starts_with("time the prediction")));
    let followed = followed.and_then(|m| m["value"].as_f64()).expect("a time");
    assert!((followed - 60.0 * 0.05).abs() < 0.15, "{followed}");
}

#[test]
fn without_the_setting_unequal_steps_are_refused() {
    let model = "model M { state q; param k; q' = -k*q }\ndata d = csv(\"d.csv\") { time t }\nfit M to d\n";
    let folder = folder(&[("d.csv", &table(50, 0.05, 0.4)), ("m.mech", model)]);
    let output = mechc(&folder, &["run", "m.mech", "--out", "r"]);
    let said = &output.stderr;
    assert!(output.status.code() == Some(3) && said.contains("D017") && said.contains("spacing irregular"), "{said}");
}

/// Times in another unit than the model's, at equal steps and at others.
#[test]
fn times_are_converted_whatever_their_steps() {
    for (jitter, settings) in [(0.0, ""), (0.0, "; spacing irregular"), (0.4, "; spacing irregular")] {
        let model = format!(
            "model M {{ time [h]; state q order 2; param stiffness [1/h^2], damping [1/h]; q'' = -stiffness*q - damping*q' }}
data d = csv(\"d.csv\") {{ time t [min]{settings} }}
fit M to d
"
        );
        let record = record(&table(300, 0.05, jitter), &model);
        let errors = (value(&record, 0) / (4.01 * 3600.0) - 1.0, value(&record, 1) / (0.2 * 60.0) - 1.0);
        assert!(errors.0.abs() < 1e-4 && errors.1.abs() < 1e-3, "{settings}, jitter {jitter}: {errors:?}");
        let last = record["trajectories"][0]["time"].as_array().and_then(|t| t.last()?.as_f64()).expect("a time");
        assert!((last - 299.0 * 0.05 / 60.0).abs() < 0.03 / 60.0, "{last}");
    }
}

/// Two samples so near to each other that squared weights of the step between them would hide all other samples in rounding errors.
#[test]
fn samples_may_lie_close_together() {
    for gap in [1e-3, 1e-5, 1e-9] {
        let mut data = String::from("t,x\n");
        for i in 0..100 {
            let time = |i: usize| 15.0 * (i as f64 + 0.3 * (7.3 * i as f64).sin());
            let t = if i == 40 { time(39) + gap } else { time(i) };
            let noise = 0.02 * (977.0 * (i * i) as f64).sin();
            let _ = writeln!(data, "{t},{}", 295.0 + 20.0 * (-t / 500.0).exp() + noise);
        }
        let model = "model M { state x; param h in [0, 9], x0 = 300; x' = -h*(x - x0) }
data d = csv(\"d.csv\") { time t; spacing irregular }
fit M to d
";
        let h = value(&record(&data, model), 0);
        assert!((h - 0.002).abs() < 2e-5, "{gap:e}: {h}");
    }
}
