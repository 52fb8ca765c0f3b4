//! The command, and runs of a model in a folder of their own.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Calls the command in a folder.
pub fn mechc(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mechc")).args(args).current_dir(folder).output().expect("mechc starts")
}

/// A run of `m.mech` in a folder of its own, whose files go to `out`, and its record.
pub fn run(model: &str) -> (tempfile::TempDir, Value) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("m.mech"), model).expect("a written file");
    let output = mechc(folder.path(), &["run", "m.mech", "--out", "out"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(folder.path().join("out/record.json")).expect("a record");
    let record = serde_json::from_str(&text).expect("JSON");
    (folder, record)
}
