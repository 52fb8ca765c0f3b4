//! `mechc info`.

use clap::Args;
use mechc::diagnostics::Format;
use mechc::driver::{Failure, Session};

use super::{ModelArgs, print};

#[derive(Args)]
pub struct InfoArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// One JSON object with everything, for other programs.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &InfoArgs, session: &mut Session, name: &str, format: Format) -> Result<(), Failure> {
    if args.json || format == Format::Json {
        let info = session.info(name, &args.model.set)?;
        return print(&format!("{info:#}\n"));
    }
    print(&session.info_text(name, &args.model.set)?)
}
