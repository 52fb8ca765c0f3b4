//! `mechc new`: a project that runs and tests at once.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::failure::{Failure, Problem};
use super::session::Session;
use crate::report;
use crate::source::MemoryWorld;

/// What makes the project's data. The model does not see it.
const TRUTH: &str = "use std.systems.LotkaVolterra\n\
    data counts = simulate LotkaVolterra { steps 300; dt 0.1; noise 2%; seed 1 }\n";

const MODEL: &str = r#"//! NAME: the law behind the counts of prey and predators in data.csv.
//!
//! Growth of the prey and death of the predators are known in form, with rates to be estimated. What happens when both meet
//! is not known: the holes list candidate terms, and the fit keeps those that the data support.

model Meeting {
  state prey, predators
  param growth = 1 in [0, 5]
  param death = 1 in [0, 5]
  prey' = growth*prey - ?terms(predators, prey^2, prey*predators; coefficients >= 0)
  predators' = ?terms(prey, prey^2, prey*predators; coefficients >= 0) - death*predators
}

// The last fifth of the time is kept out of the fit, and predicted.
data counts = csv("data.csv") { time t; holdout 20% of time }

fit Meeting to counts

test "what happens when they meet" {
  expect terms(prey') == {prey, prey*predators}
  expect terms(predators') == {predators, prey*predators}
  expect growth ~= 1.1 within 5%
  expect held_out_rmse(prey) < 2
}
"#;

const README: &str = r#"# NAME

| file | content |
|---|---|
| `model.mech` | what is known, what is not, where the data are, and tests |
| `data.csv` | the counts: times `t`, columns `prey` and `predators` |

```sh
mechc run model.mech      # fits, prints the equations, writes runs/Meeting-1/report.html
mechc test model.mech     # judges the expectations in model.mech
mechc check model.mech    # reports mistakes without running anything
mechc fmt model.mech      # settles the layout
```

To use your own data, replace `data.csv`, and name the states in `model.mech` after its columns. `mechc check --data model.mech` shows
what is read of it.
"#;

/// Creates the folder `path` with a model, its data and a readme; the files in it.
///
/// # Errors
/// [`Failure::Usage`] where something is already there or the path has no usable name, [`Failure::Environment`] where it cannot
/// be written.
pub fn new_project(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        let message = format!("`{}` is no name for a project", path.display());
        return Err(Failure::Usage(Problem::new("N065", message, "use letters, digits, `-` and `_`")));
    }
    let data = counts()?;
    let files = [
        ("model.mech", MODEL.replace("NAME", &name)),
        ("data.csv", data),
        ("README.md", README.replace("NAME", &name)),
        (".gitignore", "runs/\n".to_string()),
    ];
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|e| cannot_create(path, &e))?;
    }
    // The creation itself decides: nothing that is there is touched.
    match std::fs::create_dir(path) {
        Ok(()) => {}
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            let message = format!("`{}` is already there", path.display());
            return Err(Failure::Usage(Problem::new("N064", message, "choose another name, or remove it first")));
        }
        Err(e) => return Err(cannot_create(path, &e)),
    }
    let mut written = Vec::new();
    for (file, text) in files {
        let place = path.join(file);
        report::save_atomic(&mut report::Disk, &place, text.as_bytes())?;
        written.push(place);
    }
    Ok(written)
}

/// The table of counts.
fn counts() -> Result<String, Failure> {
    let mut session = Session::new(MemoryWorld::new().with("truth.mech", TRUTH));
    let mut dataset = session.simulate("truth.mech", &[], None)?;
    dataset.columns = vec!["prey".to_string(), "predators".to_string()];
    for trajectory in &mut dataset.trajectories {
        // Counts are read to a thousandth.
        trajectory.values.iter_mut().for_each(|v| *v = (*v * 1000.0).round() / 1000.0);
    }
    let table = dataset.to_csv();
    Ok(table.lines().map(rounded_time).collect())
}

/// A row whose time, a multiple of the step, has one decimal.
fn rounded_time(row: &str) -> String {
    match row.split_once(',').and_then(|(t, rest)| Some((t.parse::<f64>().ok()?, rest))) {
        Some((t, rest)) => format!("{t:.1},{rest}\n"),
        None => format!("{row}\n"),
    }
}

fn cannot_create(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot create the folder `{}`: {error}", path.display());
    Failure::Environment(Problem::new("N067", message, "check the permissions of the folder above it"))
}
