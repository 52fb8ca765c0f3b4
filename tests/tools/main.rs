//! The tools around models as a user meets them: tests, layout, explanations, new projects, facts for programs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

mod edits;
mod facts;
mod terms;
mod testing;
mod warnings;

fn mechc(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mechc")).args(args).current_dir(folder).output().expect("mechc starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    folder
}
