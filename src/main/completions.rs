//! `mechc completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use mechc::driver::Failure;

use super::{Cli, print};

#[derive(Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "mechc", &mut script);
    print(&String::from_utf8_lossy(&script))
}
