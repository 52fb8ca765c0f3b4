//! Model files below folders, for commands that take many.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::failure::{Failure, Problem};
use crate::diagnostics::closest;
use crate::report::named;

/// Folders nest at most this deep.
const MAX_DEPTH: usize = 64;
/// The file that only the folder of a run has.
const RUN_RECORD: &str = "record.json";

/// The model files that `paths` name: files as they are, and the `.mech` files below folders by name. Hidden folders, links to
/// folders and the folders of runs are passed over.
///
/// # Errors
/// [`Failure::Environment`] where a folder cannot be read, [`Failure::Usage`] where a path does not exist or a folder holds no
/// model file.
pub fn model_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut out: Vec<PathBuf> = Vec::new();
    for path in paths {
        let before = out.len();
        if path.is_dir() {
            below(path, 0, &mut out)?;
            if out.len() == before {
                let message = format!("there is no model file below `{}`", path.display());
                return Err(usage(
                    message,
                    "model files end in .mech; hidden folders and folders of runs are passed over",
                ));
            }
        } else if path.exists() {
            out.push(path.clone());
        } else {
            return Err(missing(path, "file or folder"));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    out.retain(|path| seen.insert(path.clone()));
    Ok(out)
}

/// The failure for a path that names nothing, in the words of the user, with a name like it in the same folder.
pub fn missing(path: &Path, what: &str) -> Failure {
    // The first part that is not there: all before it is right.
    let mut wrong = path;
    while let Some(parent) = wrong.parent().filter(|p| !p.as_os_str().is_empty() && !p.exists()) {
        wrong = parent;
    }
    let folder = wrong.parent().filter(|p| !p.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|e| e.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    let name = wrong.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let shown = |name: &str| folder.map_or(PathBuf::from(name), |f| f.join(name)).display().to_string();
    let models: Vec<String> = names.iter().filter(|n| n.ends_with(".mech")).map(|n| shown(n)).collect();
    let help = match closest(&name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{}`?", shown(near)),
        None if wrong != path => format!("there is no folder `{}`", wrong.display()),
        None if models.is_empty() => "check the path".to_string(),
        None => format!("model files there: {}", named(&models)),
    };
    Failure::Usage(Problem::new("N060", format!("there is no {what} `{}`", path.display()), help))
}

/// Whether `path` names nothing at all; a file that may not be looked at is something.
pub(super) fn is_missing(path: &Path) -> bool {
    let gone = |e: std::io::Error| matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    std::fs::metadata(path).is_err_and(gone)
}

fn usage(message: String, help: &str) -> Failure {
    Failure::Usage(Problem::new("N060", message, help))
}

fn below(folder: &Path, depth: usize, out: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |e: std::io::Error| {
        let message = format!("cannot read the folder `{}`: {e}", folder.display());
        Failure::Environment(Problem::new("N061", message, "check its permissions"))
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        entries.push((entry.path(), entry.file_type().map_err(failed)?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    let hidden = |path: &Path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
    for (path, kind) in entries {
        if hidden(&path) {
            continue;
        }
        // A link may lead in a circle: links to files only.
        if kind.is_dir() && depth < MAX_DEPTH && !path.join(RUN_RECORD).exists() {
            below(&path, depth + 1, out)?;
        } else if path.extension().is_some_and(|e| e == "mech") && path.is_file() {
            out.push(path);
        }
    }
    Ok(())
}
