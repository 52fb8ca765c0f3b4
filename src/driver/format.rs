//! `mechc fmt`: files in their settled layout.

use super::failure::Failure;
use super::session::Session;
use crate::diagnostics::{Diagnostic, Sink, codes};
use crate::source::Span;
use crate::syntax;

/// A file and its layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formatted {
    /// The text as it was read.
    pub before: String,
    /// The text in its settled layout.
    pub after: String,
}

impl Formatted {
    /// Whether nothing has to change.
    pub fn is_settled(&self) -> bool {
        self.before == self.after
    }

    /// The lines that differ, as a unified diff with three lines of context; empty for a settled file.
    pub fn diff(&self, name: &str) -> String {
        let diff = similar::TextDiff::from_lines(&self.before, &self.after);
        diff.unified_diff().context_radius(3).header(name, name).to_string()
    }
}

impl Session {
    /// The layout of a source file. Imports are not read.
    ///
    /// # Errors
    /// [`Failure::Model`] with the syntax errors of a file that has no layout.
    pub fn format(&mut self, path: &str) -> Result<Formatted, Failure> {
        let file = self.read(path)?;
        let before = self.sources().file(file).text.clone();
        let mut sink = Sink::new();
        let Some(after) = syntax::format(file, &before, &mut sink) else {
            return Err(Failure::Model(sink.into_sorted()));
        };
        // A layout that changes the program would be a mistake of this compiler: nothing is better than that.
        if !syntax::same_program(&before, &after) {
            return Err(Failure::Internal(format!("the layout of `{path}` is another program")));
        }
        Ok(Formatted { before, after })
    }

    /// The finding on a file that is not in its layout; `None` for a settled one.
    ///
    /// # Errors
    /// Those of [`Session::format`].
    pub fn check_format(&mut self, path: &str) -> Result<Option<(Formatted, Diagnostic)>, Failure> {
        let formatted = self.format(path)?;
        if formatted.is_settled() {
            return Ok(None);
        }
        let same = formatted.before.bytes().zip(formatted.after.bytes()).take_while(|(a, b)| a == b).count();
        let at = formatted.before.floor_char_boundary(same);
        let end = at + formatted.before[at..].chars().next().map_or(0, char::len_utf8);
        let file = self.sources().iter().last().map(|(id, _)| id);
        let Some(file) = file else { return Ok(None) };
        let finding =
            Diagnostic::error(codes::E1201, "the file is not in its layout", Span::new(file, at, end), "first here")
                .help("`mechc fmt FILE` writes it");
        Ok(Some((formatted, finding)))
    }
}
