//! Interrupting a run and taking it up again, as a user does it: signals, exit codes, files, and the same bits in the end.
#![cfg(unix)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use common::{command, folder, json, mechc};
use mechc::base::{Tensor, TensorData};
use mechc::report::{Archive, Checkpoint, Disk, Loaded};

/// A small training of seconds that drops terms on the way.
const TRAINING: &str = "model Prey { state u, w; (u, w)' = ?poly(u, w; degree = 2) }
data d = csv(\"d.csv\") { time t }
network smoother { input u, w over window; mlp [64] relu; output v[2] over window }
fit Prey to d {
  window 20; batch 64; auxiliary (u, w) = smoother.v
  steps 8000; threshold 0.03; prune_from 0.5; optimizer adam(lr = 3e-3)
}
";

/// What makes its data.
const SOURCE: &str = "use std.systems.LotkaVolterra
data d = simulate LotkaVolterra { steps 600; dt 0.05 }
";

/// A joint fit of a second or more.
const JOINT: &str = "use std.systems.Lorenz63
model Big { state x, y, z; (x, y, z)' = ?poly(x, y, z; degree = 4) }
data run = simulate Lorenz63 { steps 6000; dt 0.01; noise 1% }
fit Big to run
";

/// Runs until a line of standard error holds `mark`, sends the signals, and gives the exit code and all of standard error.
fn interrupt(folder: &Path, args: &[&str], mark: &str, signals: &[&str]) -> (Option<i32>, String) {
    let mut child = command(folder, args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("mechc starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("standard error"));
    let mut text = String::new();
    while !text.lines().last().is_some_and(|line| line.contains(mark)) {
        assert!(stderr.read_line(&mut text).expect("text") > 0, "`{mark}` never came: {text}");
    }
    for signal in signals {
        let sent = Command::new("kill").args([signal, child.id().to_string().as_str()]).status();
        assert!(sent.expect("kill starts").success());
    }
    stderr.read_to_string(&mut text).expect("text");
    (child.wait().expect("an end").code(), text)
}

/// A folder with a model and its data.
fn prepared() -> tempfile::TempDir {
    let folder = folder(&[("m.mech", TRAINING), ("source.mech", SOURCE)]);
    mechc(&folder, &["simulate", "source.mech", "--out", "d.csv"]).ok();
    folder
}

/// A result without the time it took and without warnings.
fn result(folder: &Path, out: &str) -> String {
    let read = |name: &str| fs::read_to_string(folder.join(out).join(name)).expect(name);
    let mut json: serde_json::Value = serde_json::from_str(&read("equations.json")).expect("JSON");
    let fields = json.as_object_mut().expect("an object");
    fields.remove("wall_seconds");
    fields.remove("warnings");
    let record: serde_json::Value = serde_json::from_str(&read("record.json")).expect("JSON");
    format!("{json}\n{}\n{}\n{}", read("discovered.mech"), record["loss"], record["trajectories"])
}

#[test]
fn an_interrupted_training_ends_as_if_it_had_not_been() {
    let folder = prepared();
    let at = folder.path();
    let whole = mechc(at, &["run", "m.mech", "--out", "whole"]).ok();

    let (code, text) = interrupt(at, &["run", "m.mech", "--out", "parts", "--threads", "1"], "/8000", &["-INT"]);
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("interrupted") && text.contains("parts/checkpoint.bin"), "{text}");
    // While terms are dropped, and with the other signal.
    let (code, text) = interrupt(at, &["run", "m.mech", "--resume", "parts"], "pruning", &["-TERM"]);
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("--resume parts"), "{text}");
    let left: Vec<_> =
        fs::read_dir(at.join("parts")).expect("a folder").map(|e| e.expect("entry").file_name()).collect();
    assert_eq!(left.len(), 3, "the lock and two checkpoints: {left:?}");

    let end = mechc(at, &["run", "m.mech", "--resume", "parts", "--threads", "2"]).ok();
    assert_eq!(end.stdout, whole.stdout);
    assert_eq!(result(at, "whole"), result(at, "parts"));

    let again = mechc(at, &["run", "m.mech", "--resume", "parts"]);
    assert_eq!(again.status.code(), Some(2), "{}", again.stderr);
    assert!(again.stderr.contains("finished"), "{}", again.stderr);
}

/// A run that started over would give the same numbers, so the checkpoint is given a mark that only going on from it shows.
#[test]
fn a_training_goes_on_from_its_checkpoint() {
    let folder = prepared();
    let at = folder.path();
    let (code, text) = interrupt(at, &["run", "m.mech", "--out", "r"], "/8000", &["-INT"]);
    assert_eq!(code, Some(130), "{text}");
    let Ok(Loaded::Last(checkpoint)) = Checkpoint::load(&at.join("r")) else { panic!("no checkpoint: {text}") };
    assert!(text.contains(&format!("after step {}", checkpoint.step)), "{text}");
    let mut archive = Archive::decode(&checkpoint.payload).expect("an archive");
    let Some(TensorData::F64(losses)) = archive.arrays.get_mut("losses").map(Tensor::data_mut) else {
        panic!("{text}")
    };
    assert_eq!(losses.len() as u64, checkpoint.step);
    losses[0] = 123.0;
    let marked = Checkpoint { payload: archive.encode(), ..checkpoint };
    marked.save(&mut Disk, &at.join("r")).expect("a saved checkpoint");
    mechc(at, &["run", "m.mech", "--resume", "r"]).ok();
    let record = json(at.join("r/record.json"));
    let losses = record["loss"].as_array().expect("losses");
    assert_eq!(losses.len(), 8000);
    assert_eq!(losses[0]["loss"], 123.0);
}

#[test]
fn what_has_changed_since_is_refused() {
    let folder = prepared();
    let at = folder.path();
    let (code, text) = interrupt(at, &["run", "m.mech", "--out", "r"], "/8000", &["-INT"]);
    assert_eq!(code, Some(130), "{text}");
    let resume = |args: &[&str], code: i32, says: &[&str]| {
        let output = mechc(at, &[&["run", "m.mech", "--resume", "r"], args].concat());
        let text = output.stderr;
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(output.stdout.is_empty());
        says.iter().for_each(|what| assert!(text.contains(what), "`{what}` is not said in {text}"));
    };
    resume(&["--set", "fit.seed=3"], 2, &["`seed 0` has become `seed 3`"]);
    resume(&["--set", "fit.steps=9000"], 2, &["steps 8000", "steps 9000"]);
    resume(&["--set", "smoother.mlp=[32] relu"], 2, &["network smoother"]);
    resume(&["--fit", "other"], 2, &["other"]);
    resume(&["--out", "elsewhere"], 2, &["--out"]);
    let with_model = |from: &str, to: &str, says: &[&str]| {
        fs::write(at.join("m.mech"), TRAINING.replace(from, to)).expect("a written file");
        resume(&[], 2, says);
        fs::write(at.join("m.mech"), TRAINING).expect("a written file");
    };
    with_model("degree = 2", "degree = 3", &["?poly(u, w; degree = 3)"]);
    // Nothing but the text is different.
    with_model("model Prey", "// rabbits\nmodel Prey", &["text of `m.mech`"]);
    let data = fs::read_to_string(at.join("d.csv")).expect("a file");
    let mut lines: Vec<&str> = data.lines().collect();
    lines[300] = "14.95,1,1";
    fs::write(at.join("d.csv"), lines.join("\n")).expect("a written file");
    resume(&[], 3, &["d.csv", "changed"]);
    fs::write(at.join("d.csv"), data).expect("a written file");

    // None of this has harmed the run; a last checkpoint that is damaged is passed over, two of them end it.
    let (code, text) = interrupt(at, &["run", "m.mech", "--resume", "r"], "/8000", &["-INT"]);
    assert_eq!(code, Some(130), "{text}");
    let (last, previous) = (at.join("r/checkpoint.bin"), at.join("r/checkpoint.previous.bin"));
    let bytes = fs::read(&last).expect("a checkpoint");
    fs::write(&last, &bytes[..bytes.len() / 2]).expect("a written file");
    mechc(at, &["run", "m.mech", "--out", "whole"]).ok();
    let end = mechc(at, &["run", "m.mech", "--resume", "r"]);
    assert!(end.status.success() && end.stderr.contains("damaged"), "{}", end.stderr);
    assert_eq!(result(at, "whole"), result(at, "r"));
    for file in [&last, &previous] {
        fs::write(file, &bytes[..20]).expect("a written file");
    }
    resume(&[], 4, &["damaged"]);
    fs::remove_file(last).and_then(|()| fs::remove_file(previous)).expect("removed files");
    resume(&[], 2, &["no checkpoint"]);
    fs::remove_dir_all(at.join("r")).expect("a removed folder");
    resume(&[], 2, &["directory"]);
}

#[test]
fn an_interrupted_joint_fit_ends_as_if_it_had_not_been() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    fs::write(at.join("m.mech"), JOINT).expect("a written file");
    let (code, text) = interrupt(at, &["run", "m.mech", "--out", "parts"], "joint", &["-INT"]);
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("parts/checkpoint.bin"), "{text}");
    for out in [["--resume", "parts"], ["--out", "whole"]] {
        mechc(at, &[&["run", "m.mech"], out.as_slice()].concat()).ok();
    }
    assert_eq!(result(at, "whole"), result(at, "parts"));
}

#[test]
fn two_interrupts_end_a_run() {
    let folder = prepared();
    let (code, text) = interrupt(folder.path(), &["run", "m.mech", "--out", "r"], "/8000", &["-INT", "-INT"]);
    assert_eq!(code, Some(130), "{text}");
}

#[test]
fn a_divergence_names_step_and_quantity_and_keeps_the_last_finite_state() {
    let folder = prepared();
    let at = folder.path();
    let model = TRAINING.replace("?poly(u, w; degree = 2)", "?terms(u, w, u*w, exp(u))").replace("3e-3", "1");
    fs::write(at.join("m.mech"), model).expect("a written file");
    let output = mechc(at, &["run", "m.mech", "--out", "r"]);
    let text = output.stderr;
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains("diverged at step") && text.contains("candidate term"), "{text}");
    assert!(text.contains("r/checkpoint.bin"), "{text}");
    // What was kept is whole: the run can be taken up again, and diverges again.
    let again = mechc(at, &["run", "m.mech", "--resume", "r"]);
    assert_eq!(again.status.code(), Some(5), "{}", again.stderr);
}

/// An interrupt while a prediction is made leaves the files of the fit, and going on gives the prediction too.
#[test]
fn a_prediction_is_interrupted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let model = "use std.systems.HarmonicOscillator
model Spring { state u order 2; param k = 1; u'' + k*u = 0 }
data run = simulate HarmonicOscillator { steps 100; dt 0.05; noise 1%; seed 1 }
fit Spring to run
predict tail = fit { steps 300000 }
";
    fs::write(at.join("m.mech"), model).expect("a written file");
    let args = ["run", "m.mech", "--out", "r", "--threads", "1"];
    let mut child = command(at, args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("mechc starts");
    while !at.join("r/record.json").exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before its predictions");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill starts");
    let ended = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("--resume r"), "{said}");
    let exists = |name: &str| at.join("r").join(name).exists();
    assert!(exists("discovered.mech") && exists("report.html") && !exists("tail.csv"));
    mechc(at, &["run", "m.mech", "--resume", "r"]).ok();
    assert_eq!(fs::read_to_string(at.join("r/tail.csv")).expect("a table").lines().count(), 300_001);
}
