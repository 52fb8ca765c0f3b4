//! Snapshots: texts kept beside a model file, in `NAME.mech.snap`.
//!
//! ```text
//! // Snapshots of lorenz.mech, kept by `mechc test --update`.
//!
//! === classic Lorenz: equations
//! x' = -10*x + 10*y
//! ```

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::failure::{Failure, Problem};
use crate::base::{IndexMap, IndexSet};
use crate::report;

/// What starts a snapshot's line with its name.
const MARK: &str = "=== ";

/// The snapshots of one model file. Tests that run at the same time share them.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    path: PathBuf,
    kept: IndexMap<String, String>,
    new: Mutex<IndexMap<String, String>>,
    visited: Mutex<IndexSet<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Snapshots {
    /// The snapshots kept beside `model`; none where there is no such file.
    pub fn read(model: &Path) -> Result<Snapshots, Failure> {
        let mut name = model.as_os_str().to_os_string();
        name.push(".snap");
        let path = PathBuf::from(name);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => {
                let message = format!("cannot read the snapshots in `{}`: {e}", path.display());
                return Err(Failure::Environment(Problem::new("N063", message, "check the file, or remove it")));
            }
        };
        Ok(Snapshots { path, kept: parse(&text), ..Snapshots::default() })
    }

    /// The text kept under a name.
    pub fn kept(&self, key: &str) -> Option<String> {
        self.kept.get(key).cloned()
    }

    /// Notes that a test compares the snapshot of this name.
    pub fn visit(&self, key: &str) {
        lock(&self.visited).insert(key.to_string());
    }

    /// A text to keep under a name.
    pub fn set(&self, key: String, text: String) {
        lock(&self.new).insert(key, text);
    }

    /// Names of kept snapshots that no test compared, where all tests have run.
    pub fn orphans(&self) -> Vec<String> {
        let visited = lock(&self.visited);
        self.kept.keys().filter(|key| !visited.contains(*key)).cloned().collect()
    }

    /// Writes the new texts. With `all`, every test has run: snapshots without a test are dropped, and a file without
    /// snapshots is removed. Whether anything changed.
    pub fn write(&self, model: &str, all: bool) -> Result<bool, Failure> {
        let new = lock(&self.new);
        let mut texts = if all { IndexMap::new() } else { self.kept.clone() };
        texts.extend(new.iter().map(|(key, text)| (key.clone(), text.clone())));
        texts.sort_keys();
        let mut kept = self.kept.clone();
        kept.sort_keys();
        if texts == kept {
            return Ok(false);
        }
        if texts.is_empty() {
            std::fs::remove_file(&self.path).map_err(|e| {
                let message = format!("cannot remove `{}`: {e}", self.path.display());
                Failure::Environment(Problem::new("N063", message, "check its permissions"))
            })?;
            return Ok(true);
        }
        report::save_atomic(&mut report::Disk, &self.path, print(model, &texts).as_bytes())?;
        Ok(true)
    }
}

fn parse(text: &str) -> IndexMap<String, String> {
    let mut out: IndexMap<String, String> = IndexMap::new();
    let mut current = None;
    for line in text.lines() {
        if let Some(key) = line.strip_prefix(MARK) {
            current = Some(out.entry(key.to_string()).or_default());
        } else if let Some(text) = current.as_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    for text in out.values_mut() {
        // The empty line before the next one belongs to the file, not to the text.
        if text.ends_with("\n\n") {
            text.pop();
        }
    }
    out
}

fn print(model: &str, texts: &IndexMap<String, String>) -> String {
    let mut out = format!("// Snapshots of {model}, kept by `mechc test --update`.\n");
    for (key, text) in texts {
        out.push_str(&format!("\n{MARK}{key}\n{}\n", text.trim_end_matches('\n')));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{parse, print};
    use crate::base::IndexMap;

    #[test]
    fn what_is_written_is_read() {
        let texts: IndexMap<String, String> = [
            ("a: equations".to_string(), "x' = -x\ny' = 0\n".to_string()),
            ("b: lowering".to_string(), "model A\n\n  states x\n".to_string()),
        ]
        .into_iter()
        .collect();
        assert_eq!(parse(&print("m.mech", &texts)), texts);
        assert!(parse("").is_empty());
    }
}
