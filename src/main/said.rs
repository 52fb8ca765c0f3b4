//! What the command writes to its two streams.

use std::io::{IsTerminal, Write};

use mechc::diagnostics::Format;
use mechc::driver::{Failure, Problem};

/// Colour and box characters where a terminal can show them.
pub fn human() -> Format {
    let terminal = std::io::stderr().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    Format::Human { color: colour, unicode: terminal }
}

/// Writes to standard error; when even that fails there is nobody left to tell.
pub fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Says something that has no code and no place: a line, or an object where findings are objects.
pub fn remark(severity: &str, message: &str, format: Format) {
    finding(severity, (None, message, None), format);
}

/// Says something that has no place, with its code and a way out where it has them.
pub fn finding(severity: &str, (code, message, help): (Option<&str>, &str, Option<&str>), format: Format) {
    let head = code.map_or_else(|| severity.to_string(), |code| format!("{severity}[{code}]"));
    match (format, help.filter(|help| !help.is_empty())) {
        (Format::Json, help) => {
            let object = serde_json::json!({"severity": severity, "code": code, "message": message, "help": help});
            say(&format!("{object}\n"));
        }
        _ if severity == "note" => say(&format!("{message}\n")),
        (Format::Human { .. }, Some(help)) => say(&format!("{head}: {message}\n  help: {help}\n")),
        _ => say(&format!("{head}: {message}\n")),
    }
}

/// Writes to standard output; a reader that has gone is no mistake.
pub fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            let message = format!("cannot write to standard output: {e}");
            Err(Failure::Environment(Problem::new("N012", message, "check the disk or the pipe")))
        }
        _ => Ok(()),
    }
}
