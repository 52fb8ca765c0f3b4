//! `--deny` and `--allow`.

use clap::Args;
use mechc::diagnostics::Levels;
use mechc::driver::{Failure, Problem};

#[derive(Args, Clone)]
pub struct LevelArgs {
    /// Treat a warning as an error: a code such as W0706, or `warnings` for all.
    #[arg(long, value_name = "CODE")]
    deny: Vec<String>,
    /// Do not report a warning, by its code.
    #[arg(long, value_name = "CODE")]
    allow: Vec<String>,
}

impl LevelArgs {
    /// The levels asked for.
    pub fn levels(&self) -> Result<Levels, Failure> {
        Levels::new(&self.deny, &self.allow)
            .map_err(|(message, help)| Failure::Usage(Problem::new("N068", message, help)))
    }
}
