//! What is held out is predicted and scored: the tails of trajectories, and trajectories of their own.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The run record of a model.
fn record(folder: &Path, model: &str, args: &[&str]) -> serde_json::Value {
    fs::write(folder.join("m.mech"), model).expect("a written file");
    let out = format!("out-{}", fs::read_dir(folder).expect("a folder").count());
    let all = [&["run", "m.mech", "--out", &out], args].concat();
    let run = Command::new(env!("CARGO_BIN_EXE_mechc")).args(all).current_dir(folder).output().expect("mechc starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = fs::read_to_string(folder.join(out).join("record.json")).expect("a record");
    serde_json::from_str(&text).expect("JSON")
}

/// The value of a metric of a part.
fn metric(record: &serde_json::Value, name: &str, part: &str) -> Option<f64> {
    let all = record["metrics"].as_array().expect("metrics");
    let found = all.iter().find(|m| m["name"].as_str().is_some_and(|n| n.starts_with(name)) && m["part"] == part)?;
    found["value"].as_f64()
}

fn numbers(of: &serde_json::Value) -> Vec<f64> {
    of.as_array().expect("an array").iter().map(|v| v.as_f64().expect("a number")).collect()
}

const PREY: &str = "use std.systems.LotkaVolterra
model Prey { state u, w; (u, w)' = ?poly(u, w; degree = 2) }
data d = simulate LotkaVolterra { steps 300; dt 0.1; trajectories 5; seed 3; noise 0; holdout 40% of trajectories }
fit Prey to d
";

#[test]
fn held_out_trajectories_are_predicted_from_their_first_fifth() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clean = record(folder.path(), PREY, &[]);
    for state in ["RMSE of u", "RMSE of w"] {
        let rmse = metric(&clean, state, "held out").expect("a score");
        assert!(rmse < 1e-4, "{state}: {rmse}");
    }
    // To the end of the shortest: 240 samples of 0.1.
    let followed = metric(&clean, "time the prediction", "held out").expect("a time");
    assert!((followed - 24.0).abs() < 1e-9, "{followed}");

    let noisy = record(folder.path(), PREY, &["--set", "d.noise=0.2 absolute"]);
    let trajectories = noisy["trajectories"].as_array().expect("trajectories");
    assert_eq!(trajectories.len(), 5);
    let held: Vec<_> = trajectories.iter().filter(|t| !t["held_out_from"].is_null()).collect();
    assert_eq!(held.len(), 2);
    // The score is that of the data less the prediction after the first fifth, in all held-out trajectories.
    for (s, name) in ["RMSE of u", "RMSE of w"].into_iter().enumerate() {
        let (mut sum, mut count) = (0.0, 0usize);
        for t in &held {
            assert_eq!(t["held_out_from"], 60);
            let (data, solution) = (numbers(&t["states"][s]["data"]), numbers(&t["states"][s]["solution"]));
            assert_eq!((data.len(), solution.len()), (300, 300));
            sum += data.iter().zip(&solution).skip(60).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            count += 240;
        }
        let rmse = metric(&noisy, name, "held out").expect("a score");
        assert!((rmse - (sum / count as f64).sqrt()).abs() < 1e-9, "{name}: {rmse}");
        // Noise of 0.2, and what the errors of state and coefficients add to it over four periods.
        assert!((0.18..0.8).contains(&rmse), "{name}: {rmse}");
    }
}

#[test]
fn equations_that_are_wrong_score_worse_on_held_out_trajectories() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let linear = PREY.replace("?poly(u, w; degree = 2)", "?linear(u, w)");
    let wrong = record(folder.path(), &linear, &[]);
    let rmse = metric(&wrong, "RMSE of u", "held out");
    assert!(rmse.is_none_or(|rmse| rmse > 0.5), "{rmse:?}");
    let warned = wrong["warnings"].as_array().expect("warnings").iter().any(|w| w.to_string().contains("held-out"));
    assert!(rmse.is_some() || warned, "neither a score nor a reason: {wrong}");
}

/// A trajectory too short for its state to be estimated is left out with a reason.
#[test]
fn a_held_out_trajectory_that_is_too_short_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut table = "k,t,u,w\n".to_string();
    for k in 0..4 {
        let samples = if k < 3 { 120 } else { 8 };
        for i in 0..samples {
            let t = 0.1 * f64::from(i);
            let size = f64::from(k + 1) * (-0.2 * t).exp();
            table += &format!("{k},{t},{},{}\n", size * t.cos(), size * t.sin());
        }
    }
    fs::write(folder.path().join("d.csv"), table).expect("a written file");
    let model = "model Decay { state u, w; (u, w)' = ?linear(u, w) }
data d = csv(\"d.csv\") { time t; trajectory k; holdout 25% of trajectories }
fit Decay to d
";
    let short = (0..20).map(|seed| format!("fit.seed={seed}")).find_map(|seed| {
        let record = record(folder.path(), model, &["--set", &seed]);
        let warnings = record["warnings"].as_array().expect("warnings").clone();
        let warned = warnings.iter().any(|w| w.to_string().contains("fewer than"));
        let scored = metric(&record, "RMSE of u", "held out");
        assert_ne!(warned, scored.is_some(), "{warnings:?}");
        assert!(scored.is_none_or(|rmse| rmse < 1e-4), "{scored:?}");
        warned.then_some(())
    });
    assert!(short.is_some(), "no seed holds out the short trajectory");
}

/// A trajectory on which the equations have no value is left out with their part that has none.
/// Where samples are missing it takes more of the first rows to say where a trajectory is.
#[test]
fn a_held_out_trajectory_with_missing_samples_is_scored() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut rows = "batch,t,u,w\n".to_string();
    for (batch, start) in [("a", 3.0), ("b", 2.0), ("c", 1.0)] {
        for i in 0..20 {
            let t = 0.25 * f64::from(i);
            let cell = |value: f64, missing: bool| if missing { String::new() } else { format!("{value}") };
            let (u, w) = (start * f64::exp(-0.5 * t), start * (1.0 - f64::exp(-0.5 * t)));
            rows += &format!("{batch},{t},{},{}\n", cell(u, i % 3 == 1), cell(w, i % 4 == 2));
        }
    }
    fs::write(folder.path().join("d.csv"), rows).expect("a table");
    let model = "model M { state u, w; param k = 1; u' = -k*u; w' = k*u }
data d = csv(\"d.csv\") { time t; trajectory batch; missing \"\"; holdout 20% }
fit M to d
";
    let record = record(folder.path(), model, &[]);
    for state in ["RMSE of u", "RMSE of w"] {
        assert!(metric(&record, state, "held out").expect("a score") < 1e-4, "{}", record["warnings"]);
    }
}

#[test]
fn a_held_out_trajectory_without_a_solution_is_said_with_its_cause() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut table = "k,t,x\n".to_string();
    for (k, start) in [1.0, 1.2, 6.0].into_iter().enumerate() {
        for i in 0..80 {
            let t = 0.05 * f64::from(i);
            table += &format!("{k},{t},{}\n", start * (-0.2 * t).exp());
        }
    }
    fs::write(folder.path().join("d.csv"), table).expect("a written file");
    // Seed 0 holds the third one out; the square root is too small to be seen in the others.
    let record = record(
        folder.path(),
        "model M { state x; param a; x' = -a*x + 1e-9*sqrt(2 - x) }
data d = csv(\"d.csv\") { time t; trajectory k; holdout 34% of trajectories }
fit M to d { seed 0 }
",
        &[],
    );
    let warnings = record["warnings"].to_string();
    for part in ["trajectory 2 fails", "not finite at t = 0: `sqrt(2 - x)` has no finite value where `x` is 6"] {
        assert!(warnings.contains(part), "{part} in {warnings}");
    }
}

/// A quarter is held out, and a window does not fit in.
const SHORT: &str = "model M { state u, w; (u, w)' = ?linear(u, w) }
data d = csv(\"d.csv\") { time t; holdout 25% }
network smoother { input u, w over window; mlp [4] tanh; output v[2] over window }
fit M to d { window 20; batch 8; auxiliary (u, w) = smoother.v; steps 6 }
";

/// What schedules go by is told where it is not what is held out; training that is to end by it does not begin.
#[test]
fn held_out_data_shorter_than_a_window() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let table = (0..60).fold("t,u,w\n".to_string(), |all, i| {
        let t = 0.1 * f64::from(i);
        all + &format!("{t},{},{}\n", t.cos(), -t.sin())
    });
    fs::write(folder.path().join("d.csv"), table).expect("a written file");
    for settings in ["fit.evaluate=2", "fit.optimizer=adam(decay = plateau)"] {
        let record = record(folder.path(), SHORT, &["--set", settings]);
        let warned = |w: &&serde_json::Value| w.to_string().contains("the held-out loss was not looked at");
        assert_eq!(record["warnings"].as_array().expect("warnings").iter().filter(warned).count(), 1, "{settings}");
        assert_eq!(metric(&record, "smallest loss", "held out"), None, "nothing was looked at");
        let phases = record["loss"].as_array().expect("losses").iter().map(|l| l["phase"].as_str().expect("a phase"));
        let phases: std::collections::BTreeSet<&str> = phases.collect();
        assert!(phases.contains("mean since the last look") && !phases.contains("held out"), "{phases:?}");
    }
    fs::write(folder.path().join("m.mech"), SHORT).expect("a written file");
    let args = ["run", "m.mech", "--out", "none", "--set", "fit.early_stopping=3"];
    let run = Command::new(env!("CARGO_BIN_EXE_mechc")).args(args).current_dir(folder.path()).output();
    let run = run.expect("mechc starts");
    // Long lines are broken.
    let said = String::from_utf8_lossy(&run.stderr).replace("\n  | ", " ");
    assert_eq!(run.status.code(), Some(5), "{said}");
    for part in ["N520", "has 15 samples", "in this fit", "reaches over 20", "hold out more"] {
        assert!(said.contains(part), "`{part}` in {said}");
    }
    assert!(!said.contains("after step"), "no step was taken: {said}");
}

/// Inputs are known where data were held out, and the joint engine takes them there as it does in the fit. The gradient engine takes them at
/// samples alone, so there is no prediction to compare: that is told.
#[test]
fn held_out_data_of_a_model_with_inputs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let table = (0..60).fold("t,u,w\n".to_string(), |all, i| {
        let t = 0.1 * f64::from(i);
        all + &format!("{t},{},{}\n", 0.5 * (t.cos() + t.sin() - (-t).exp()), t.cos())
    });
    fs::write(folder.path().join("d.csv"), table).expect("a written file");
    let model = "model M { state u; input w; u' = ?terms(u, w) }
data d = csv(\"d.csv\") { time t; holdout 20% of time }
fit M to d
";
    let scored = record(folder.path(), model, &[]);
    // A cubic through samples of a cosine, 0.1 apart.
    assert!(metric(&scored, "RMSE of u", "held out").expect("a score") < 1e-4);
    let network = "network n { input u over window; mlp [4] tanh; output v over window }
model M { state u; input w; u' = ?terms(u, w) }
data d = csv(\"d.csv\") { time t; holdout 20% of time }
fit M to d { window 10; auxiliary u from n.v; steps 3 }
";
    let trained = record(folder.path(), network, &[]);
    let told = |w: &&serde_json::Value| w.to_string().contains("no prediction is compared with what was held out");
    assert_eq!(trained["warnings"].as_array().expect("warnings").iter().filter(told).count(), 1, "{trained:#}");
}
