//! Candidate terms that hold estimated parameters, and libraries of terms, in fits.

use mechc::driver::{Outcome, RunOptions, Session};
use mechc::source::MemoryWorld;
use mechc::train::Silent;

/// The only fit of a file, and the model that was found as source.
fn run(text: &str) -> (Outcome, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = RunOptions { out: Some(folder.path().join("out")), ..RunOptions::default() };
    let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
    let outcome = session.run("m.mech", &options, &mut Silent).expect("a fit").pop().expect("one fit");
    let found = std::fs::read_to_string(outcome.directory.join("discovered.mech")).expect("the model that was found");
    (outcome, found)
}

/// Names of the terms of an equation.
fn terms(outcome: &Outcome, equation: usize) -> Vec<&str> {
    outcome.record.equations[equation].terms.iter().map(|t| t.term.as_str()).collect()
}

/// Warnings of a file; it must check.
fn warnings(text: &str) -> Vec<String> {
    let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
    let checked = session.check("m.mech", &[]).expect("source");
    checked.warnings.into_iter().map(|w| w.message).collect()
}

#[test]
fn a_half_saturation_is_found_among_other_candidates() {
    let (outcome, found) = run("
model Truth {
  state s, p
  param V = 2, K = 0.5
  s' = -V*s/(K + s)
  p' = V*s/(K + s) - 0.3*p
  initial s = 4, p = 0
}
model Open {
  state s, p
  param K = 2 in [0.05, 10]
  s' = ?terms(s/(K + s), s, s^2)
  p' = ?terms(s/(K + s), s, p, s*p)
}
data runs = simulate Truth { steps 300; dt 0.02; trajectories 3; noise 0.5%; seed 1 }
fit Open to runs");
    assert_eq!(terms(&outcome, 0), ["s/(K + s)"]);
    assert_eq!(terms(&outcome, 1), ["s/(K + s)", "p"]);
    let [k] = outcome.record.parameters.as_slice() else { panic!("one parameter") };
    let error = k.std_error.expect("a standard error");
    assert!(error < 0.05 && (k.value - 0.5).abs() < 4.0 * error, "{k:?}");
    let rates = [outcome.record.equations[0].terms[0].coefficient, outcome.record.equations[1].terms[0].coefficient];
    assert!((rates[0] + 2.0).abs() < 0.05 && (rates[1] - 2.0).abs() < 0.05, "{rates:?}");
    assert!(warnings(&found).is_empty(), "{found}");
}

#[test]
fn a_parameter_whose_terms_are_all_dropped_says_nothing() {
    let (outcome, found) = run("
model Truth { state s; param a = 1; s' = -a*s; initial s = 2 }
model Open {
  state s
  param K = 1 in [0.1, 10]
  s' = ?terms(s/(K + s), s, 1)
}
data runs = simulate Truth { steps 200; dt 0.02; trajectories 2; noise 1%; seed 1 }
fit Open to runs");
    assert_eq!(terms(&outcome, 0), ["s"]);
    assert!((outcome.record.equations[0].terms[0].coefficient + 1.0).abs() < 0.02);
    let [k] = outcome.record.parameters.as_slice() else { panic!("one parameter") };
    assert_eq!(k.std_error, None, "{k:?}");
    assert!((0.1..=10.0).contains(&k.value), "{k:?}");
    let said = &outcome.record.warnings;
    assert!(said.iter().any(|w| w == "every term with `K` was dropped: its value says nothing"), "{said:?}");
    assert!(!found.contains('K'), "{found}");
    assert!(warnings(&found).is_empty(), "{found}");
}

#[test]
fn a_term_that_belongs_there_grows_where_a_whole_step_to_it_would_go_too_far() {
    // Six samples for each period: a whole step leaves the trajectory's neighbourhood, and a law without one of the two dampings is nearly as good.
    for seed in 0..6 {
        let (outcome, _) = run(&format!(
            "
model Truth {{
  state x, y
  x' = -0.1*x + 2*y
  y' = -2*x - 0.1*y
  initial x = 2, y = 0
}}
model Open {{ state x, y; (x, y)' = ?poly(x, y; 3) }}
data runs = simulate Truth {{ steps 200; dt 0.5; noise 5%; seed {seed} }}
fit Open to runs"
        ));
        for (equation, truth) in [[-0.1, 2.0], [-2.0, -0.1]].into_iter().enumerate() {
            assert_eq!(terms(&outcome, equation), ["x", "y"], "seed {seed}");
            for (term, truth) in outcome.record.equations[equation].terms.iter().zip(truth) {
                assert!((term.coefficient - truth).abs() < 0.05, "seed {seed}: {term:?}");
            }
        }
    }
}
