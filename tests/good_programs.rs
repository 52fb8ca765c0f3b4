//! Good programs: how each is lowered, in full.
//!
//! Every `tests/good/NAME.mech` compiles without a finding, and its lowering, as `mechc expand` prints it, is compared with
//! `tests/good/NAME.txt`. `MECHC_UPDATE=1` rewrites the records.

use std::fs;
use std::path::{Path, PathBuf};

use mechc::driver::Session;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/good")
}

#[test]
fn recorded_programs() {
    let entries = fs::read_dir(folder()).expect("the folder of good programs");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "mech"));
    paths.sort();
    assert!(paths.len() >= 105, "the programs are there");
    let update = std::env::var_os("MECHC_UPDATE").is_some();
    let mut differences = Vec::new();
    for path in paths {
        let (mut session, name) = Session::open(&path).expect("a folder that can be read");
        let lowered = match session.check(&name, &[]) {
            Ok(checked) if checked.warnings.is_empty() => session.expand(&name, &[]).expect("what checks expands"),
            Ok(checked) => {
                let first = checked.warnings.first().map_or("", |w| w.message.as_str());
                differences.push(format!("{name} has a warning: {first}"));
                continue;
            }
            Err(failure) => {
                differences.push(format!("{name} is not a good program: {failure:?}"));
                continue;
            }
        };
        let record = path.with_extension("txt");
        if fs::read_to_string(&record).unwrap_or_default() == lowered {
            continue;
        }
        match update {
            true => fs::write(&record, lowered).expect("the record can be written"),
            false => differences.push(format!("{name} is lowered otherwise than recorded:\n{lowered}")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
