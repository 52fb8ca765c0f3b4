//! `mechc explain`.

use clap::Args;
use mechc::diagnostics::Format;
use mechc::driver::{Explanation, Failure, explain, explanations};
use serde_json::json;

use super::print;

#[derive(Args)]
pub struct ExplainArgs {
    /// A code such as E0101 or N503, in any letter case.
    #[arg(required_unless_present = "list")]
    code: Option<String>,
    /// Name every code with a few words.
    #[arg(long, conflicts_with = "code")]
    list: bool,
}

pub fn run(args: &ExplainArgs, format: Format) -> Result<(), Failure> {
    match &args.code {
        Some(code) => print(&whole(&explain(code)?, format)),
        None => print(&explanations().iter().map(|e| short(e, format)).collect::<String>()),
    }
}

fn short(entry: &Explanation, format: Format) -> String {
    match format {
        Format::Json => format!("{}\n", json!({"code": entry.code, "title": entry.title})),
        _ => format!("{}  {}\n", entry.code, entry.title),
    }
}

fn whole(entry: &Explanation, format: Format) -> String {
    if format == Format::Json {
        let exit = entry.exit.and_then(|e| e.parse::<u8>().ok());
        return format!("{}\n", json!({"code": entry.code, "title": entry.title, "text": entry.text, "exit": exit}));
    }
    let mut out = format!("{}: {}\n", entry.code, entry.title);
    if let Some(exit) = entry.exit {
        out.push_str(&format!("exit code {exit}\n"));
    }
    if !entry.text.is_empty() {
        out.push_str(&format!("\n{}\n", entry.text));
    }
    out
}
