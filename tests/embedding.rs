//! A program with mechc in it, in fewer lines than sixty: a model from memory, facts about it, its right-hand side, a fit, and a mistake.

use mechc::diagnostics::Format;
use mechc::driver::{Failure, RunOptions, Session};
use mechc::source::MemoryWorld;
use mechc::train::Silent;

const MODEL: &str = "model Prey {
  state u, w
  param growth = 1.1, death = 0.4
  u' = growth*u - ?terms(u*w, u^2)
  w' = 0.1*u*w - death*w
}
model Truth {
  state u, w
  u' = 1.1*u - 0.4*u*w
  w' = 0.1*u*w - 0.4*w
  initial u = 10, w = 5
}
data counts = simulate Truth { steps 400; dt 0.05; noise 1%; seed 1 }
fit Prey to counts
";

/// What is known of the model, the right-hand side at a point, and the equations that a fit finds.
fn program(session: &mut Session, folder: &std::path::Path) -> Result<(serde_json::Value, [f64; 2], String), Failure> {
    let facts = session.info("prey.mech", &[])?;
    // The first model is the file's first; its unknowns are in the order of the facts: those of terms, then parameters.
    let mut compiled = session.compile("prey.mech", &[])?;
    let mut slope = [0.0; 2];
    if let Some(truth) = compiled.get_mut(1) {
        truth.evaluate(0.0, &[10.0, 5.0], &[], &mut slope).map_err(|e| Failure::Internal(e.to_string()))?;
    }
    let options = RunOptions { out: Some(folder.join("run")), threads: 2, ..RunOptions::default() };
    let outcomes = session.run("prey.mech", &options, &mut Silent)?;
    Ok((facts, slope, outcomes.iter().map(|o| mechc::report::equations_text(&o.record)).collect()))
}

#[test]
fn a_program_compiles_calls_and_fits_a_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut session = Session::new(MemoryWorld::new().with("prey.mech", MODEL));
    let Ok((facts, slope, equations)) = program(&mut session, folder.path()) else { panic!("the model is right") };
    assert_eq!(facts["models"][0]["states"][1]["name"], "w");
    assert_eq!(slope, [11.0 - 20.0, 5.0 - 2.0]);
    assert!(equations.contains("u' = ") && equations.contains("*u*w"), "{equations}");
    let wrong = MODEL.replace("growth*u -", "grwth*u -");
    let mut session = Session::new(MemoryWorld::new().with("prey.mech", wrong));
    let Err(failure) = program(&mut session, folder.path()) else { panic!("the name is unknown") };
    let said = failure.render(session.sources(), Format::Short);
    assert!(failure.exit_code() == 1 && said.starts_with("prey.mech:4:8: error[E0201]"), "{said}");
}
