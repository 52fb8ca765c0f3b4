//! The snippet of the readme on the use of the crate in other programs.

use mechc::driver::{Failure, RunOptions, Session};
use mechc::report::equations_text;
use mechc::source::MemoryWorld;
use mechc::train::Silent;

/// Fits a model that is held in memory and returns the equations as text.
pub fn equations(model: &str, folder: &std::path::Path) -> Result<String, Failure> {
    let world = MemoryWorld::new().with("model.mech", model);
    let mut session = Session::new(world);
    let options = RunOptions { out: Some(folder.to_path_buf()), threads: 2, ..RunOptions::default() };
    let outcomes = session.run("model.mech", &options, &mut Silent)?;
    Ok(outcomes.iter().map(|outcome| equations_text(&outcome.record)).collect())
}
