//! Exported equations in the hands of the tools they are for: SymPy and NumPy, a LaTeX parser, tree-sitter for Julia, diffsol, a
//! Modelica parser. `tests/export/check.py` evaluates them and compares with mechc's right-hand side.
//!
//! The packages are those of a Python environment in `target/peers` (or where `MECHC_PEERS` says); `.ci/run` creates it. Without
//! it the test is skipped, unless `MECHC_REQUIRE_PEERS` is set.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mechc::export::Format;
use serde_json::json;

use super::{MODELS, compiled, discovered, export, field, folder, model, points, session, source};

/// The text with all digits, where the default is fewer.
fn whole(text: &str, format: Format) -> String {
    let digits = (format == Format::Latex).then_some(17);
    export(text, format, digits).unwrap_or_else(|_| panic!("{} cannot be written", format.name()))
}

/// The environment, or `None` where there is none and none is required.
fn environment() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
    let place = std::env::var_os("MECHC_PEERS").map_or(here, PathBuf::from);
    if place.join("bin/python").exists() {
        return Some(place);
    }
    assert!(std::env::var_os("MECHC_REQUIRE_PEERS").is_none(), "no Python environment in {}", place.display());
    eprintln!("skipped: no Python environment in {}", place.display());
    None
}

/// The samples of a short simulation, for models that can be simulated.
fn trajectory(text: &str) -> Option<serde_json::Value> {
    let name = model(text).name;
    let text = format!("{text}\ndata peer_samples = simulate {name} {{ steps 26; dt 0.02 }}\n");
    let data = session(&text).simulate("m.mech", &[], None).ok()?;
    let samples = &data.trajectories[0];
    let values: Vec<Vec<Option<f64>>> =
        (0..data.columns.len()).map(|c| (0..samples.len).map(|i| samples.value(i, c)).collect()).collect();
    let times: Vec<f64> = (0..samples.len).map(|i| samples.time(i)).collect();
    Some(json!({"columns": data.columns, "t": times, "y": values}))
}

/// The outputs of a model and what they are judged by, in a folder.
fn write_case(name: &str, text: &str, folder: &Path) {
    fs::create_dir(folder).expect("a folder");
    for format in Format::ALL {
        if (name, format) != ("inputs", Format::Diffsl) {
            fs::write(folder.join(format.name()), whole(text, format)).expect("a file");
        }
    }
    let (mut compiled, values) = compiled(text);
    let model = model(text);
    let cases: Vec<serde_json::Value> = points(&model, &values, 12)
        .iter()
        .map(|p| json!({"t": p.t, "y": p.x, "p": p.p, "u": p.u, "f": field(&mut compiled, p)}))
        .collect();
    let orders: Vec<u8> = model.states.values().map(|s| s.order).collect();
    let case = json!({
        "name": name, "orders": orders, "values": values, "points": cases, "trajectory": trajectory(text),
    });
    fs::write(folder.join("case.json"), case.to_string()).expect("a file");
}

#[test]
fn peers_compute_the_same() {
    let Some(place) = environment() else { return };
    let root = tempfile::tempdir().expect("a folder");
    let mut cases: Vec<(String, String)> = MODELS.map(|(name, _)| (name.to_string(), source(name))).into();
    cases.extend(discovered());
    let folders: Vec<PathBuf> = cases.iter().map(|(name, _)| root.path().join(name)).collect();
    cases.iter().zip(&folders).for_each(|((name, text), folder)| write_case(name, text, folder));
    // The Modelica parser needs another release of its grammar's runtime than the LaTeX parser.
    for (formats, library) in [("json,sympy,latex,modelingtoolkit,diffsl", ""), ("modelica", "modelica")] {
        let mut python = Command::new(place.join("bin/python"));
        python.arg(folder().join("check.py")).arg(formats).args(&folders).env("PYTHONDONTWRITEBYTECODE", "1");
        if !library.is_empty() {
            python.env("PYTHONPATH", place.join(library));
        }
        let output = python.output().expect("Python starts");
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{said}");
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        let lines = said.lines().filter(|l| l.contains(" numbers compared")).count();
        // Every format of every model, but for the one that DiffSL cannot say.
        let wanted = cases.len() * formats.split(',').count() - usize::from(library.is_empty());
        assert_eq!(lines, wanted, "{said}");
    }
}
