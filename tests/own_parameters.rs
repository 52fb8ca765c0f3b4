//! Parameters that every trajectory has of its own, by the joint engine.

mod common;

use std::fs;
use std::path::Path;

use common::{folder, mechc, run};
use serde_json::Value;

const LOGISTIC: &str = "model Truth { state x; param r = 3, k = 3; x' = r*x*(1 - x/k); initial x = 0.2 }
model Logistic {
  state x
  param r in [0, 10] per sample
  param k in [0.1, 10] per sample
  x' = r*x*(1 - x/k)
}
data runs = simulate Truth {
  steps 60; dt 0.05; trajectories 12; spread 0.04; noise 1%; seed 1
  vary r = normal(3, 0.3); vary k = normal(3, 0.3)
}
fit Logistic to runs
";

/// The rows of `parameters.csv`: whether held out, and the numbers behind the time.
fn rows(folder: &Path) -> (String, Vec<(bool, Vec<f64>)>) {
    let text = fs::read_to_string(folder.join("out/parameters.csv")).expect("a table");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        (cells[0] == "held out", cells[3..].iter().map(|c| c.parse().expect("a number")).collect())
    };
    let header = text.lines().next().expect("a header").to_string();
    (header, text.lines().skip(1).map(row).collect())
}

fn metric(record: &Value, name: &str, part: &str) -> f64 {
    let all = record["metrics"].as_array().expect("metrics");
    let found = all.iter().find(|m| m["name"] == name && m["part"] == part);
    found.unwrap_or_else(|| panic!("{name}, {part}: {all:?}"))["value"].as_f64().expect("a number")
}

/// Every trajectory gets its own r and k, within their errors: of 24 numbers at most two lie beyond two and a half standard errors, and
/// none beyond four; the errors are not blown up either, as the mean square of what they measure shows.
#[test]
fn a_logistic_family_is_recovered() {
    let (folder, record) = run(LOGISTIC);
    let (header, rows) = rows(folder.path());
    assert_eq!(header, "part,trajectory,t,r,k,std_error r,std_error k,true r,true k");
    assert_eq!(rows.len(), 12);
    let mut off = Vec::new();
    for (held, numbers) in &rows {
        let [r, k, dr, dk, tr, tk] = numbers[..] else { panic!("{numbers:?}") };
        assert!(!held && dr > 0.0 && dk > 0.0 && dr < 0.3 && dk < 0.1, "{numbers:?}");
        off.extend([(r - tr) / dr, (k - tk) / dk]);
    }
    assert!(off.iter().all(|z| z.abs() < 4.0), "{off:?}");
    assert!(off.iter().filter(|z| z.abs() > 2.5).count() <= 2, "{off:?}");
    let square = off.iter().map(|z| z * z).sum::<f64>() / off.len() as f64;
    assert!((0.3..2.5).contains(&square), "{square}");
    assert!(metric(&record, "R^2 of r", "fitted") > 0.95 && metric(&record, "R^2 of k", "fitted") > 0.95);
    // The equations show the means, which are estimates of no number and have no error.
    let mean = rows.iter().map(|(_, n)| n[0]).sum::<f64>() / 12.0;
    let r = record["parameters"].as_array().expect("parameters").iter().find(|p| p["name"] == "r").expect("r");
    assert!((r["value"].as_f64().expect("a number") - mean).abs() < 1e-12 && r["std_error"].is_null(), "{r}");
    // The file simulates the first trajectory with what is its own.
    let text = fs::read_to_string(folder.path().join("out/discovered.mech")).expect("a model");
    let own = format!("simulate Logistic(r = {}, k = {})", rows[0].1[0], rows[0].1[1]);
    assert!(text.contains(&own), "{own} in {text}");
    mechc(folder.path().join("out"), &["simulate", "discovered.mech", "--data", "solution_1", "--out", "s.csv"]).ok();
}

/// What all trajectories share is estimated from all of them, beside what is their own.
#[test]
fn shared_and_own_parameters_are_estimated_together() {
    let shared = LOGISTIC.replace("param k in [0.1, 10] per sample", "param k in [0.1, 10]");
    let (folder, record) = run(&shared.replace("; vary k = normal(3, 0.3)", ""));
    let (header, rows) = rows(folder.path());
    assert_eq!(header, "part,trajectory,t,r,std_error r,true r");
    assert!(rows.iter().all(|(_, n)| (n[0] - n[2]).abs() < 4.0 * n[1]), "{rows:?}");
    let parameters = record["parameters"].as_array().expect("parameters");
    let k = parameters.iter().find(|p| p["name"] == "k").expect("k");
    let (value, error) = (k["value"].as_f64().expect("a number"), k["std_error"].as_f64().expect("an error"));
    assert!((value - 3.0).abs() < 4.0 * error && error < 0.01, "{value} {error}");
}

/// A trajectory that took no part gets its own numbers from its first part and is predicted with them; a fitted one is predicted with
/// those it has.
#[test]
fn predictions_use_the_numbers_of_the_trajectory() {
    let held = LOGISTIC.replace("steps 60; dt 0.05", "steps 200; dt 0.05").replace("noise 1%", "noise 0");
    let held =
        held.replace("seed 1", "seed 1; holdout 25% of trajectories") + "predict tail = fit { from end; steps 40 }\n";
    let (folder, record) = run(&held);
    let (_, rows) = rows(folder.path());
    assert_eq!(rows.iter().filter(|(held, _)| *held).count(), 3);
    for (held, n) in &rows {
        assert!((n[0] - n[4]).abs() < 1e-4 && (n[1] - n[5]).abs() < 1e-4, "{held} {n:?}");
    }
    assert!(metric(&record, "RMSE of x", "held out") < 1e-4);
    assert!(metric(&record, "R^2 of r", "held out") > 0.999);
    // At the end every trajectory stands at its own capacity, and stays there.
    let text = fs::read_to_string(folder.path().join("out/tail.csv")).expect("a table");
    let last: Vec<f64> = text
        .lines()
        .skip(1)
        .collect::<Vec<_>>()
        .chunks(40)
        .map(|c| c[39].rsplit(',').next().expect("a cell").parse().expect("a number"))
        .collect();
    let capacities: Vec<f64> = rows.iter().filter(|(held, _)| !held).map(|(_, n)| n[5]).collect();
    assert_eq!((last.len(), capacities.len()), (9, 9));
    assert!(last.iter().zip(&capacities).all(|(x, k)| (x - k).abs() < 1e-4), "{last:?} {capacities:?}");
}

/// Parameters without start values, one of which begins far from where it belongs: from there the growth rate comes to stand at the end of
/// its range, and another size of the capacity is found.
#[test]
fn another_start_is_found_where_the_first_leads_nowhere() {
    let one = LOGISTIC.replace(" per sample", "").replace("vary r = normal(3, 0.3); vary k = normal(3, 0.3)", "");
    for capacity in [3.0, 50.0] {
        let model = one.replace("k = 3;", &format!("k = {capacity};")).replace("in [0.1, 10]", "in [0.1, 1000]");
        let (_, record) = run(&model);
        for (name, truth) in [("r", 3.0), ("k", capacity)] {
            let parameters = record["parameters"].as_array().expect("parameters");
            let value = parameters.iter().find(|p| p["name"] == name).expect(name)["value"].as_f64().expect("a number");
            assert!((value / truth - 1.0).abs() < 0.02, "{name} = {value}, not {truth}");
        }
    }
}

/// A table of logistic growth to 3 from 0.2, in trajectories that run at different paces and were sampled at steps of their own; with
/// `jitter` the samples lie up to so many steps beside their places.
fn paced(paces: &[(f64, f64)], jitter: f64) -> String {
    let mut out = "run,t,x\n".to_string();
    for (run, (pace, step)) in paces.iter().enumerate() {
        for i in 0..50 {
            let t = step * (f64::from(i) + jitter * (7.3 * f64::from(i)).sin());
            let x = 3.0 / (1.0 + 14.0 * (-pace * t).exp());
            out += &format!("{},{t},{x}\n", run + 1);
        }
    }
    out
}

/// What a step of each sample would be in the joint engine is a factor of each trajectory, found here with steps that differ from
/// trajectory to trajectory, and from sample to sample.
#[test]
fn paces_are_found_whatever_the_steps_are() {
    let paces = [(2.0, 0.05), (3.0, 0.04), (1.0, 0.1), (4.5, 0.025)];
    for (jitter, spacing) in [(0.0, ""), (0.4, "; spacing irregular")] {
        let folder = folder(&[("runs.csv", &paced(&paces, jitter))]);
        let model = format!(
            "model Paced {{
  state x
  param pace in [0, 10] per sample
  param k in [0.1, 10]
  x' = pace*x*(1 - x/k)
}}
data runs = csv(\"runs.csv\") {{ time t; trajectory run{spacing} }}
fit Paced to runs
"
        );
        fs::write(folder.path().join("m.mech"), model).expect("a model");
        mechc(folder.path(), &["run", "m.mech", "--out", "out"]).ok();
        let (header, rows) = rows(folder.path());
        assert_eq!(header, "part,trajectory,t,pace,std_error pace");
        for ((_, numbers), (pace, _)) in rows.iter().zip(paces) {
            assert!((numbers[0] - pace).abs() < 1e-4 * pace, "{spacing}: {} for {pace}", numbers[0]);
        }
        assert_eq!(rows.len(), paces.len());
    }
}

/// A held-out trajectory whose own parameter lies beyond the range is told, with its name, and none that lies within.
#[test]
fn a_held_out_trajectory_at_the_end_of_a_range_is_told() {
    // The fitted six decay as the range says, and the held-out ones too, or faster: which are held out the seed of the fit draws.
    let record = |fast: f64| {
        let mut rows = "k,t,x\n".to_string();
        for k in 0..8 {
            for i in 0..60 {
                let t = 0.05 * f64::from(i);
                let rate = if k % 2 == 0 { 1.0 } else { fast };
                let noise = 0.01 * (12.9898 * f64::from(i + 60 * k) + 1.0).sin();
                rows += &format!("{k},{t:.2},{:.5}\n", 2.0 * (-rate * t).exp() + noise);
            }
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let model = "model M { state x; param rate in [0.1, 3] per sample; x' = -rate*x }\n\
                     data d = csv(\"d.csv\") { time t; trajectory k; holdout 50% of trajectories }\nfit M to d\n";
        fs::write(folder.path().join("d.csv"), rows).expect("a table");
        fs::write(folder.path().join("m.mech"), model).expect("a model");
        mechc(folder.path(), &["run", "m.mech", "--out", "out"]).ok().record()["warnings"].to_string()
    };
    let said = record(6.0);
    assert!(
        said.contains("what is held out take `rate` to the upper end of its range, 3, in the held-out trajectory"),
        "{said}"
    );
    assert!(said.contains("what is predicted holds for that value only"), "{said}");
    let said = record(1.5);
    assert!(!said.contains("end of its range"), "{said}");
}
