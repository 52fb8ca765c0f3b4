//! Taking up an interrupted run: it goes on only with the same program, settings and data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::{Failure, Problem};
use super::target::Target;
use crate::base::Fnv;
use crate::data::{DataError, Dataset};
use crate::hir::{self, Program};

use crate::report::{Archive, Checkpoint, Loaded, OutputError, RunDir};
use crate::runtime::cuda::DeviceChoice;
use crate::source::SourceFile;

/// What a run is a run of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Version of the program.
    version: String,
    /// The fit.
    fit: String,
    /// Where it computes: the last digits differ from place to place.
    #[serde(default = "processor")]
    device: String,
    /// The checked program with every setting resolved.
    program: String,
    /// Hash of every source text, by path.
    sources: BTreeMap<String, String>,
    /// Hashes of the data sets; empty before they are read.
    data: String,
}

impl Identity {
    /// The identity of a run whose data are not read yet.
    pub fn new(program: &Program, fit: &str, sources: &[&SourceFile], target: &Target) -> Identity {
        let hashed = sources.iter().map(|s| (s.path.clone(), format!("{:016x}", Fnv::of(s.text.as_bytes()))));
        Identity {
            version: env!("CARGO_PKG_VERSION").to_string(),
            fit: fit.to_string(),
            device: target.describe(),
            program: hir::dump(program),
            sources: hashed.collect(),
            data: String::new(),
        }
    }

    /// Adds the data sets.
    pub fn with_data(self, sets: &[&Dataset]) -> Identity {
        let hashes: Vec<String> = sets.iter().map(|d| format!("{:016x}", d.fingerprint())).collect();
        Identity { data: hashes.join(" "), ..self }
    }

    /// The first difference in program or settings between a run that was kept and this one, in words.
    fn difference(&self, now: &Identity) -> Option<String> {
        if self.version != now.version {
            return Some(format!("it was made by mechc {}, and this is mechc {}", self.version, now.version));
        }
        if let Some(found) = first_difference(&self.program, &now.program) {
            return Some(found);
        }
        if self.device != now.device {
            return Some(format!("it computed on {}, and this is {}", self.device, now.device));
        }
        let paths = self.sources.keys().chain(now.sources.keys());
        let mut changed = paths.filter(|path| self.sources.get(*path) != now.sources.get(*path));
        changed.next().map(|path| format!("the text of `{path}` has changed"))
    }
}

/// Where runs computed whose record does not say it.
fn processor() -> String {
    DeviceChoice::Cpu.to_string()
}

/// The first line that differs, with the block that it stands in.
fn first_difference(old: &str, new: &str) -> Option<String> {
    let (mut olds, mut news) = (old.lines(), new.lines());
    let mut block = None;
    loop {
        let pair = (olds.next(), news.next());
        match pair {
            (None, None) => return None,
            (Some(a), Some(b)) if a == b => {
                if !a.starts_with(' ') {
                    block = Some(a);
                }
            }
            (a, b) => {
                let inside = |line: Option<&str>| line.is_some_and(|l| l.starts_with(' '));
                let place = block.filter(|_| inside(a) || inside(b)).map_or(String::new(), |b| format!("in `{b}`, "));
                // A line of another block means that this one ended here.
                let spelled = |line: Option<&str>, other: Option<&str>| match line {
                    Some(l) if l.starts_with(' ') || !inside(other) => format!("`{}`", l.trim()),
                    _ => "nothing".to_string(),
                };
                return Some(format!("{place}{} has become {}", spelled(a, b), spelled(b, a)));
            }
        }
    }
}

/// A run that is taken up again.
#[derive(Debug)]
pub struct Resumed {
    /// Its folder.
    path: PathBuf,
    /// What was kept.
    pub archive: Archive,
    /// What it was a run of.
    identity: Identity,
    /// Time it has taken so far.
    pub seconds: f64,
    /// What is not as it should be.
    pub warning: Option<String>,
}

impl Resumed {
    /// Opens and locks the folder of an interrupted run.
    ///
    /// # Errors
    /// Usage, where there is nothing to go on from; environment, where it cannot be read.
    pub fn open(path: &Path) -> Result<(RunDir, Resumed), Failure> {
        let usage = |message: String| {
            Failure::Usage(Problem::new("N020", message, "name the folder of an interrupted run, or start a new one"))
        };
        let directory = RunDir::resume(path).map_err(|e| match e {
            OutputError::NotADirectory { .. } => usage(e.to_string()),
            e => e.into(),
        })?;
        let loaded = Checkpoint::load(path).map_err(|e| match e {
            OutputError::NoCheckpoint { .. } => usage(e.to_string()),
            e => e.into(),
        })?;
        let (checkpoint, warning) = match loaded {
            Loaded::Last(checkpoint) => (checkpoint, None),
            Loaded::Previous(checkpoint) => {
                let step = checkpoint.step;
                let what = format!("the last checkpoint is damaged: went on from the one before it, after step {step}");
                (checkpoint, Some(what))
            }
        };
        let damaged = |what| Failure::from(OutputError::Damaged { path: path.into(), what });
        let archive = Archive::decode(&checkpoint.payload).map_err(damaged)?;
        if archive.description.get("finished") == Some(&Value::Bool(true)) {
            return Err(usage(format!("the run in `{}` is finished", path.display())));
        }
        let identity = archive.description.get("identity").cloned().and_then(|v| serde_json::from_value(v).ok());
        let identity = identity.ok_or_else(|| damaged("it does not say what it belongs to"))?;
        let seconds = archive.description.get("wall_seconds").and_then(Value::as_f64).unwrap_or(0.0);
        Ok((directory, Resumed { path: path.into(), archive, identity, seconds, warning }))
    }

    /// The fit that was interrupted.
    pub fn fit(&self) -> &str {
        &self.identity.fit
    }

    /// Refuses another program and other settings.
    pub fn ensure_program(&self, now: &Identity) -> Result<(), Failure> {
        let Some(difference) = self.identity.difference(now) else { return Ok(()) };
        let path = self.path.display();
        let message = format!("the run in `{path}` cannot be taken up again: {difference}");
        let help = "give the same model and the same `--set`, or start a new run without `--resume`";
        Err(Failure::Usage(Problem::new("N021", message, help)))
    }

    /// Refuses other data.
    pub fn ensure_data(&self, now: &Identity, sets: &[&Dataset]) -> Result<(), Failure> {
        if self.identity.data == now.data {
            return Ok(());
        }
        let run = self.path.display().to_string();
        let mut hashes = self.identity.data.split(' ').zip(now.data.split(' ')).zip(sets);
        let changed = hashes.find(|((old, new), _)| old != new).map(|(_, set)| set.source.clone());
        Err(DataError::Changed { file: changed.unwrap_or_default(), run }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn a_difference_is_named_with_its_block() {
        let old = "model M\n  state x order 1\nfit fit: M to d\n  seed 0\n";
        assert_eq!(first_difference(old, old), None);
        let said = |new: &str| first_difference(old, new).unwrap();
        assert_eq!(said(&old.replace("seed 0", "seed 7")), "in `fit fit: M to d`, `seed 0` has become `seed 7`");
        assert_eq!(said(&old.replace("  seed 0\n", "")), "in `fit fit: M to d`, `seed 0` has become nothing");
        let more = old.replace("fit fit", "  state y order 1\nfit fit");
        assert_eq!(said(&more), "in `model M`, nothing has become `state y order 1`");
        assert_eq!(said(&old.replace("model M", "model N")), "`model M` has become `model N`");
    }
}
