//! Relaxed solves in every regime, and every function of every example: right-hand sides, linearisations, training steps, evaluations
//! and optimiser updates.

use super::device::compare;
use mechc::driver::conformance::{EXAMPLES, cases};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_case_equals_the_host() {
    let Ok(cases) = cases("") else { panic!("the cases are made") };
    let of_examples = cases.iter().filter(|c| c.name.contains(".mech: ")).count();
    assert!(of_examples >= 40 && cases.len() - of_examples >= 17, "{of_examples} of {}", cases.len());
    compare(&cases);
}

#[test]
fn every_example_is_among_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(&folder).expect("the examples").map(|e| e.expect("an entry").file_name());
    let there: BTreeSet<String> =
        entries.filter_map(|n| n.into_string().ok()).filter(|n| n.ends_with(".mech")).collect();
    let listed: BTreeSet<String> = EXAMPLES.iter().map(|(name, _)| (*name).to_string()).collect();
    assert_eq!(listed, there);
}
