//! Relaxed solves in every regime, and every function of every example, of every construct, and of the good programs: right-hand sides,
//! linearisations, training steps, evaluations and optimiser updates.

use super::device::compare;
use mechc::driver::Session;
use mechc::driver::conformance::{CONSTRUCTS, Case, EXAMPLES, cases, of_program};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[test]
fn every_case_equals_the_host() {
    let Ok(cases) = cases("") else { panic!("the cases are made") };
    let of_files = cases.iter().filter(|c| c.name.contains(".mech: ")).count();
    assert!(of_files >= 350 && cases.len() - of_files >= 17, "{of_files} of {}", cases.len());
    compare(&cases);
}

/// Those of the suite are few of each kind; here are the right-hand sides and linearisations of all kinds of equations.
#[test]
fn every_good_program_equals_the_host() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/good");
    let entries = std::fs::read_dir(folder).expect("the good programs").map(|e| e.expect("an entry").path());
    let mut paths: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == "mech")).collect();
    paths.sort();
    let functions = |path: &PathBuf| -> Vec<Case> {
        let (mut session, name) = Session::open(path).expect("the folder can be read");
        let Ok(checked) = session.check(&name, &[]) else { panic!("{name} is good") };
        let Ok(cases) = of_program(&checked.program, &name) else { panic!("the functions of {name} are made") };
        cases
            .into_iter()
            .filter(|case| case.program.entry.name == "linearise" || case.program.entry.name == "field")
            .collect()
    };
    let cases: Vec<Case> = paths.iter().flat_map(functions).collect();
    assert!(cases.len() > 350, "{} functions", cases.len());
    compare(&cases);
}

/// The model files of a folder.
fn files(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).expect("the folder").map(|e| e.expect("an entry").file_name());
    entries.filter_map(|n| n.into_string().ok()).filter(|n| n.ends_with(".mech")).collect()
}

#[test]
fn every_example_and_construct_is_among_them() {
    let listed = |list: &[(&str, &str)]| -> BTreeSet<String> {
        list.iter().map(|(name, _)| name.trim_start_matches("constructs/").to_string()).collect()
    };
    assert_eq!(listed(EXAMPLES), files("examples"));
    assert_eq!(listed(CONSTRUCTS), files("tests/constructs"));
}
