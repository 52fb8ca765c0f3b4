//! States that no column observes and that are left to holes, driven by inputs that jump or come in impulses.

mod common;

use std::fs;
use std::path::Path;

use common::{run_in, terms};

/// Terms of all equations with their coefficients and errors, and what was said.
fn found(folder: &Path, model: &str) -> (Vec<(String, f64, f64)>, String) {
    let ran = run_in(folder, model, &[]).ok();
    (terms(&ran.record()), ran.said())
}

/// Whether these are the terms, within four errors, each of which is less than a tenth of its number.
fn are(terms: &[(String, f64, f64)], truth: &[(&str, f64)]) -> bool {
    let near = |((name, value, error), (of, truth)): (&(String, f64, f64), &(&str, f64))| {
        name == of && (value - truth).abs() < 4.0 * error && *error < 0.1 * truth.abs()
    };
    terms.len() == truth.len() && terms.iter().zip(truth).all(near)
}

/// A message and the protein that is made from it, in light that is switched after so many samples.
fn gene(folder: &Path, switches: &[usize], seed: usize) -> (Vec<(String, f64, f64)>, String) {
    let light = |i: usize| switches.iter().filter(|at| **at <= i).count() % 2;
    let rows: String = (0..240).map(|i| format!("{:.1},{}\n", 0.5 * i as f64, light(i))).collect();
    fs::write(folder.join("light.csv"), format!("t,light\n{rows}")).expect("a file");
    let model = format!(
        "model Seen {{
  state message, protein
  input light held
  message' = 0.1 + 2*light - 0.8*message
  protein' = message - 0.2*protein
  initial message = 0.1, protein = 0.5
}}
model Gene {{
  state m, protein
  input light held
  m' = ?linear(1, m, light)
  protein' = m - ?terms(protein)
}}
data along = csv(\"light.csv\") {{ time t }}
data seen = simulate Seen {{ data along; noise 3%; seed {seed}; holdout 20% of time }}
fit Gene to seen
"
    );
    found(folder, &model)
}

#[test]
fn what_drives_a_hidden_state_does_not_drive_it_away() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (seed, switches) in [
        (1, &[36, 90, 135, 159, 190, 224][..]),
        (9, &[0, 26, 63, 85, 138, 225]),
        (11, &[0, 26, 52, 69, 101, 116, 151, 182]),
    ] {
        let (terms, said) = gene(folder.path(), switches, seed);
        // Which of both decays faster no data tell that have the protein alone.
        let law = |[m, protein]: [f64; 2]| [("1", 0.1), ("m", m), ("light", 2.0), ("protein", protein)];
        assert!([[-0.8, -0.2], [-0.2, -0.8]].into_iter().any(|rates| are(&terms, &law(rates))), "{seed}: {terms:?}");
        // That is told, and nothing else.
        assert!(said.contains("W1125") && !said.replace("W1125", "").contains("W11"), "{seed}: {said}");
    }
}

#[test]
fn doses_of_a_first_row_are_no_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut rows = "patient,t,dose\n".to_string();
    for patient in 1..=6 {
        for i in 0..40 {
            rows += &format!("{patient},{:.1},{}\n", 0.5 * f64::from(i), if i == 0 { 50 * patient } else { 0 });
        }
    }
    fs::write(folder.path().join("doses.csv"), rows).expect("a file");
    let model = |start: &str| {
        format!(
            "model Seen {{
  state tablet, c
  input dose impulse
  tablet' = dose - 0.9*tablet
  c' = 0.06*tablet - 0.2*c
  initial tablet = 0, c = 0
}}
model Oral {{
  state gut, c
  input dose impulse
  gut' = dose - ?terms(gut)
  c' = ?terms(gut, c, 1)
  {start}
}}
data doses = csv(\"doses.csv\") {{ time t; trajectory patient }}
data seen = simulate Seen {{ data doses; noise 0.03 absolute; seed 3; holdout 20% of trajectories }}
fit Oral to seen
"
        )
    };
    let (terms, said) = found(folder.path(), &model("initial gut = 0"));
    assert!(are(&terms, &[("gut", -0.9), ("gut", 0.06), ("c", -0.2)]), "{terms:?}");
    // Which of both rates is the faster one the blood alone does not say.
    assert!(said.contains("W1125") && !said.replace("W1125", "").contains("W11"), "{said}");
    // What no one says begins anywhere, and makes up for the doses.
    let output = run_in(&folder, &model(""), &[]);
    let said = output.said();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(
        said.contains("help: all impulses of `dose` come with the first rows") && said.contains("`initial gut = 0`"),
        "{said}"
    );
}
