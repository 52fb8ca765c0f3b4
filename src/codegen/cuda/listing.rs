//! The text of a kernel and of its parameters.

use super::text;
use crate::artifact::device::{Argument, Count};
use std::fmt::Write;

/// The text of a kernel, without its name. Steps that differ in their memory only share it.
#[derive(PartialEq, Eq)]
pub(super) struct Listing {
    pub block: u32,
    pub resident: Option<u32>,
    pub declarations: Vec<String>,
    pub body: String,
    /// What each launch computes, and what its arguments are in the names of the model.
    pub notes: Vec<(String, Vec<String>)>,
}

/// A parameter of a kernel and what a launch passes for it.
pub(super) struct Parameter {
    /// Its declaration.
    pub declaration: String,
    /// Its argument.
    pub argument: Argument,
    /// What it is, for a comment.
    pub note: String,
}

/// A kernel to be written.
pub(super) struct Draft {
    /// What its name ends with.
    pub suffix: String,
    /// What it computes.
    pub note: String,
    pub block: u32,
    /// Blocks that a multiprocessor has registers for at least, where that is not left to the compiler: it otherwise aims at more of them
    /// than long bodies leave room for, and spills.
    pub resident: Option<u32>,
    pub barriers: bool,
    pub unrolled: bool,
    pub parameters: Vec<Parameter>,
    pub threads: Count,
    /// The text between the braces.
    pub body: String,
}

impl Listing {
    /// Writes it under this name.
    pub fn write(&self, name: &str, source: &mut String) {
        let mut told: Vec<&str> = Vec::new();
        for (note, _) in &self.notes {
            if !told.contains(&note.as_str()) {
                let _ = writeln!(source, "{}// {}", if told.is_empty() { "\n" } else { "" }, text::comment(note));
                told.push(note);
            }
        }
        let bounds = self.resident.map_or(self.block.to_string(), |least| format!("{}, {least}", self.block));
        let _ = writeln!(source, "extern \"C\" __global__ void __launch_bounds__({bounds}) {name}(");
        for (i, declaration) in self.declarations.iter().enumerate() {
            let mut notes: Vec<&str> = Vec::new();
            for note in self.notes.iter().filter_map(|(_, of)| of.get(i)).filter(|note| !note.is_empty()) {
                if !notes.contains(&note.as_str()) {
                    notes.push(note);
                }
            }
            let comma = if i + 1 < self.declarations.len() { "," } else { ") {" };
            let note =
                if notes.is_empty() { String::new() } else { format!("  // {}", text::comment(&notes.join(" or "))) };
            let _ = writeln!(source, "    {declaration}{comma}{note}");
        }
        // Where one thread does a system, waiting leaves nothing behind.
        for line in self.body.lines().filter(|line| !line.trim().is_empty()) {
            let _ = writeln!(source, "{line}");
        }
        source.push_str("}\n");
    }
}

/// A number that a launch passes.
pub(super) fn count(name: &str, count: Count, note: &str) -> Parameter {
    Parameter { declaration: format!("word {name}"), argument: Argument::Count(count), note: note.to_string() }
}

/// A word of the status that a launch passes.
pub(super) fn status(word: usize) -> Parameter {
    status_as("status", word)
}

/// The same under another name, where a kernel has two.
pub(super) fn status_as(name: &str, word: usize) -> Parameter {
    Parameter {
        declaration: format!("word* {name}"),
        argument: Argument::Status(word),
        note: "smallest place that failed".to_string(),
    }
}
