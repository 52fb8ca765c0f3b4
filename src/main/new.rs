//! `mechc new`.

use std::path::PathBuf;

use clap::Args;
use mechc::diagnostics::Format;
use mechc::driver::{Failure, new_project};
use serde_json::json;

use super::{print, say};

#[derive(Args)]
pub struct NewArgs {
    /// The folder to create; its last part is the project's name.
    path: PathBuf,
}

pub fn run(args: &NewArgs, format: Format) -> Result<(), Failure> {
    let files = new_project(&args.path)?;
    for file in &files {
        match format {
            Format::Json => print(&format!("{}\n", json!({"created": file.display().to_string()})))?,
            _ => say(&format!("created {}\n", file.display())),
        }
    }
    if format != Format::Json {
        let model = args.path.join("model.mech").display().to_string();
        // As a shell takes it.
        let model = if model.contains(char::is_whitespace) { format!("'{model}'") } else { model };
        say(&format!("go on with `mechc run {model}`\n"));
    }
    Ok(())
}
