//! Files that could not be read, as findings.

use super::{Diagnostic, codes};
use crate::source::{SourceError, Sources, Span};

/// The finding for a file that could not be read and that no import names: it points at the file itself, which is added
/// to `sources` without text.
pub fn unreadable(error: &SourceError, sources: &mut Sources) -> Diagnostic {
    let path = match error {
        SourceError::NotFound(path) | SourceError::OutsideRoot(path) | SourceError::NotAFile(path) => path,
        SourceError::TooLarge { path, .. } | SourceError::NotUtf8 { path, .. } | SourceError::Io { path, .. } => path,
    };
    let file = sources.add(path.clone(), "");
    let found = Diagnostic::error(codes::E0001, error.to_string(), Span::new(file, 0, 0), "");
    match error {
        SourceError::NotUtf8 { .. } => {
            found.help("save the file as UTF-8: editors name it where they name the encoding")
        }
        _ => found,
    }
}
