//! The command as a user calls it: in a folder, with what it says and the files it leaves.

#![allow(dead_code, reason = "each test binary takes what it needs")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use serde_json::Value;
use tempfile::TempDir;

/// What a call of the command ended with.
pub struct Ran {
    /// The arguments.
    call: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    /// What `--out` names, or else the folder of the call.
    pub out: PathBuf,
}

impl Ran {
    /// Calls a command to its end.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().expect("mechc starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let out = command.get_args().skip_while(|arg| *arg != "--out").nth(1).unwrap_or_default();
        let out = command.get_current_dir().unwrap_or(Path::new("")).join(out);
        let call = format!("{:?}", command.get_args().collect::<Vec<_>>());
        Ran { call, status: output.status, stdout: text(&output.stdout), stderr: text(&output.stderr), out }
    }

    /// The same where it succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.status.success(), "{}: {}", self.call, self.stderr);
        self
    }

    /// Standard error as one line, without the frame around sources.
    pub fn said(&self) -> String {
        self.stderr.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" ")
    }

    /// Standard output as an object.
    pub fn object(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", self.stdout, self.stderr))
    }

    /// The text of a file of the run.
    pub fn file(&self, name: &str) -> String {
        fs::read_to_string(self.out.join(name)).unwrap_or_else(|e| panic!("{name}: {e}: {}", self.stderr))
    }

    /// What is known of the run.
    pub fn record(&self) -> Value {
        json(self.out.join("record.json"))
    }

    /// What the run found.
    pub fn equations(&self) -> Value {
        json(self.out.join("equations.json"))
    }
}

/// The command with these arguments, to be called in a folder.
pub fn command(folder: impl AsRef<Path>, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mechc"));
    command.args(args).current_dir(folder);
    command
}

/// Calls the command in a folder.
pub fn mechc(folder: impl AsRef<Path>, args: &[&str]) -> Ran {
    Ran::of(&mut command(&folder, args))
}

/// Runs a model as `m.mech` in a folder, with further arguments; the files go to a folder that is not there yet.
pub fn run_in(folder: impl AsRef<Path>, model: &str, args: &[&str]) -> Ran {
    let folder = folder.as_ref();
    fs::write(folder.join("m.mech"), model).expect("a written file");
    let out = (1..).map(|k| format!("out-{k}")).find(|out| !folder.join(out).exists()).expect("a name");
    mechc(folder, &[&["run", "m.mech", "--out", &out], args].concat())
}

/// A run of `m.mech` in a folder of its own, whose files go to `out`, and its record.
pub fn run(model: &str) -> (TempDir, Value) {
    let folder = folder(&[("m.mech", model)]);
    let record = mechc(&folder, &["run", "m.mech", "--out", "out"]).ok().record();
    (folder, record)
}

/// A new folder with these files.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a written file");
    }
    folder
}

/// The object in a file.
pub fn json(path: impl AsRef<Path>) -> Value {
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()));
    serde_json::from_str(&text).expect("JSON")
}

/// The value of a parameter in a record or equations.
pub fn value(found: &Value, name: &str) -> f64 {
    of(found, name)["value"].as_f64().expect("a value")
}

/// The same with its standard error.
pub fn estimate(found: &Value, name: &str) -> [f64; 2] {
    [value(found, name), of(found, name)["std_error"].as_f64().expect("an error")]
}

fn of<'a>(found: &'a Value, name: &str) -> &'a Value {
    let all = found["parameters"].as_array().expect("parameters");
    all.iter().find(|p| p["name"] == name).unwrap_or_else(|| panic!("{name} in {all:?}"))
}

/// Terms of all equations with their coefficients and standard errors, as far as they have both.
pub fn terms(found: &Value) -> Vec<(String, f64, f64)> {
    let equations = found["equations"].as_array().expect("equations");
    equations
        .iter()
        .flat_map(|e| e["terms"].as_array().expect("terms"))
        .filter_map(|t| Some((t["term"].as_str()?.to_string(), t["coefficient"].as_f64()?, t["std_error"].as_f64()?)))
        .collect()
}
