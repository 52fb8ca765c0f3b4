//! Trainings by gradient on a device.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{TRAINING, logged, mechc, training, with_libraries};

#[test]
fn steps_follow_one_another_without_the_host() {
    let (folder, model) = training();
    // By substitution, and with an explicit solution matrix, which the first step makes.
    for (batch, operator) in [("fit.batch=8", false), ("fit.batch=16", true)] {
        let (_, plan, _) = mechc(&[], &["check", &model, "--plan", "--set", batch]);
        assert_eq!(plan.contains("explicit solution matrix, kept there"), operator, "{plan}");
        let log = folder.path().join(batch).display().to_string();
        let args = ["bench", "step", &model, "--device", "cuda", "--repeat", "2", "--set", batch];
        let (code, _, said) = mechc(&[("FAKE_CUDA_LOG", &log)], &args);
        assert_eq!(code, Some(0), "{said}");
        let log = logged(&log);
        let mut runs: Vec<usize> = log.split(|(what, _)| what != "graph").map(<[_]>::len).filter(|n| *n > 0).collect();
        // The first of all steps is launched by parts.
        runs.sort_unstable();
        assert_eq!(runs, [63, 64, 64]);
    }
}

#[test]
fn a_training_step_is_one_graph_without_transfers() {
    let (folder, model) = training();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let log = path("log");
    let run = |device: &str, name: &str, more: &[&str]| {
        let out = path(name);
        let args = ["run", &model, "--device", device, "--out", &out];
        let (code, _, said) = mechc(&[("FAKE_CUDA_LOG", &log)], &[&args[..], more].concat());
        assert_eq!(code, Some(0), "{said}");
        let record = fs::read_to_string(folder.path().join(name).join("record.json")).expect("a record");
        let record: serde_json::Value = serde_json::from_str(&record).expect("an object");
        let losses = record["loss"].as_array().expect("losses").iter().map(|p| p["loss"].as_f64().expect("a loss"));
        losses.collect::<Vec<f64>>()
    };
    let on_device = run("cuda", "device", &[]);
    let log = logged(&path("log"));
    // The steps are the graph that is run most often. The first step is launched by parts, so that the rest can be recorded.
    let graphs = log.iter().filter(|(what, _)| what == "graph").map(|(_, nodes)| *nodes);
    let mut often = std::collections::BTreeMap::new();
    graphs.for_each(|nodes| *often.entry(nodes).or_insert(0) += 1);
    let (&nodes, &count) = often.iter().max_by_key(|(_, count)| **count).expect("graphs");
    assert_eq!(count, 199, "{often:?}");
    let is_step = |(what, n): &(String, usize)| what == "graph" && *n == nodes;
    let first = log.iter().position(is_step).expect("a step");
    let last = log.iter().rposition(is_step).expect("a step");
    let during = &log[first..=last];
    // What goes up: 16 first rows and 4 numbers for each step, and what the looks at the terms take. The state has 60,000 bytes.
    let bytes = |what: &str| during.iter().filter(|(w, _)| w == what).map(|(_, n)| n).sum::<usize>();
    let downs = during.iter().filter(|(w, n)| w == "down" && *n > 10_000).count();
    assert!(bytes("up") < 199 * 400, "{} bytes up", bytes("up"));
    // Values and two moments every 64 steps, more often where a step takes seconds.
    assert!(downs < 60, "{downs} parts of the state were fetched");
    // The same numbers as on the processor, until rounding errors have grown.
    let on_host = run("cpu", "host", &["--set", "fit.steps=200"]);
    assert_eq!(on_host.len(), on_device.len());
    for (a, b) in on_host.iter().zip(&on_device).take(5) {
        assert!((a - b).abs() <= 1e-4 * a.abs(), "{on_host:?} {on_device:?}");
    }
    assert!(on_device.last() < on_device.first());
    assert_eq!(run("cuda", "again", &[]), on_device);
}

#[test]
fn a_training_that_diverges_says_where_on_a_device_too() {
    let (folder, model) = training();
    // Auxiliaries that jump leave the range of the exponential.
    let wild = TRAINING.replace("?poly(u, w; degree = 2)", "?terms(u, w, u*w, exp(u))").replace("3e-3", "100");
    fs::write(&model, wild).expect("a model");
    let run = |device: &str| {
        let out = folder.path().join(device).display().to_string();
        let (code, _, said) = mechc(&[], &["run", &model, "--device", device, "--out", &out]);
        let line = said.lines().find(|line| line.contains("diverged at step")).and_then(|line| line.split(';').next());
        (code, line.unwrap_or(&said).to_string())
    };
    let (on_host, on_device) = (run("cpu"), run("cuda"));
    assert_eq!(on_host, on_device);
    assert!(on_host.0 == Some(5) && on_host.1.contains("candidate term"), "{on_host:?}");
}

/// Runs until standard error has a line with `mark`, interrupts, and gives the exit code and standard error.
#[cfg(unix)]
fn interrupt(args: &[&str], mark: &str) -> (Option<i32>, String) {
    let mut command = with_libraries(env!("CARGO_BIN_EXE_mechc"), &[]);
    command.args(args).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("mechc starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("standard error"));
    let mut text = String::new();
    while !text.lines().last().is_some_and(|line| line.contains(mark)) {
        assert!(stderr.read_line(&mut text).expect("text") > 0, "`{mark}` never came: {text}");
    }
    let sent = Command::new("kill").args(["-INT", child.id().to_string().as_str()]).status();
    assert!(sent.expect("kill starts").success());
    stderr.read_to_string(&mut text).expect("text");
    (child.wait().expect("an end").code(), text)
}

#[cfg(unix)]
#[test]
fn an_interrupted_training_on_a_device_ends_as_if_it_had_not_been() {
    let (folder, model) = training();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let [whole, parts] = [path("whole"), path("parts")];
    // Small enough for the stand-in.
    let sizes = ["--set", "fit.batch=2", "--set", "fit.window=8", "--set", "smoother.mlp=[8] relu"];
    let device = [&["--device", "cuda"], &sizes[..]].concat();
    let (code, printed, said) = mechc(&[], &[&["run", &model, "--out", &whole], &device[..]].concat());
    assert_eq!(code, Some(0), "{said}");

    let (code, text) = interrupt(&[&["run", &model, "--out", &parts], &device[..]].concat(), "/200");
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("interrupted") && text.contains("checkpoint"), "{text}");
    // Numbers of the processor have other last digits: it does not go on.
    let (code, _, said) = mechc(&[], &[&["run", &model, "--resume", &parts], &sizes[..]].concat());
    assert!(code == Some(2) && said.contains("cuda"), "{said}");
    let (code, again, said) = mechc(&[], &[&["run", &model, "--resume", &parts], &device[..]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(again, printed);
    let losses = |out: &str| {
        let record = fs::read_to_string(Path::new(out).join("record.json")).expect("a record");
        let record: serde_json::Value = serde_json::from_str(&record).expect("an object");
        record["loss"].to_string()
    };
    assert_eq!(losses(&whole), losses(&parts));
}
