//! `mechc doctor`.

use clap::Args;
use mechc::driver::{Doctor, Failure};

use super::print;

#[derive(Args)]
pub struct DoctorArgs {
    /// Write one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let found = Doctor::look();
    print(&if args.json { found.json() } else { found.text() })
}
