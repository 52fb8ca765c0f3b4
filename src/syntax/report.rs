//! Errors of one file on their way to the sink.

use std::ops::Range;

use crate::diagnostics::{Diagnostic, Sink, codes};
use crate::source::{FileId, Span};

/// After so many errors the rest of the file is not worth reading.
const MAX_ERRORS: usize = 50;

/// Adds errors of one file to a sink, up to a limit.
pub(super) struct Reporter<'a> {
    file: FileId,
    sink: &'a mut Sink,
    count: usize,
    /// Keywords that stand as names.
    taken: Vec<String>,
}

impl<'a> Reporter<'a> {
    pub fn new(file: FileId, sink: &'a mut Sink) -> Self {
        Reporter { file, sink, count: 0, taken: Vec::new() }
    }

    /// The span of a byte range of the file.
    pub fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, range.start, range.end)
    }

    /// Whether reading should stop.
    pub fn exhausted(&self) -> bool {
        self.count > MAX_ERRORS
    }

    /// Whether nothing has been reported.
    pub fn clean(&self) -> bool {
        self.count == 0
    }

    pub fn push(&mut self, finding: Diagnostic) {
        self.count += 1;
        if self.count <= MAX_ERRORS {
            self.sink.push(finding);
        } else if self.count == MAX_ERRORS + 1 {
            let message = format!("more than {MAX_ERRORS} syntax errors");
            self.sink.push(
                Diagnostic::error(codes::E0120, message, finding.primary.span, "reading stops here")
                    .help("mend the first ones, or look whether this is a `.mech` file at all"),
            );
        }
    }

    /// An error with its way out.
    pub fn error(&mut self, code: &'static str, message: String, at: Range<usize>, here: &str, help: &str) {
        self.error_with_help(code, message, at, here, Some(help.to_string()));
    }

    /// An error that an edit mends: `instead` in place of the bytes `gone`.
    pub fn error_with_edit(
        &mut self,
        code: &'static str,
        message: String,
        at: Range<usize>,
        help: String,
        (gone, instead): (Range<usize>, String),
    ) {
        let finding = Diagnostic::error(code, message, self.span(at), "").help(help);
        let gone = self.span(gone);
        self.push(finding.replace(gone, instead));
    }

    /// Whether a keyword was reported that stands as a name, so that statements with it are not blamed again.
    pub fn is_taken(&self, word: &str) -> bool {
        self.taken.iter().any(|w| w == word)
    }

    /// Reports that the keyword `word` stands as a name, once.
    pub fn taken(&mut self, word: &str, at: Range<usize>) {
        if self.is_taken(word) {
            return;
        }
        self.taken.push(word.to_string());
        let message = format!("`{word}` is a keyword and cannot be a name");
        let help = format!("choose another name, such as `{word}1`, wherever it stands");
        self.error_with_help(codes::E0115, message, at, "a name is expected here", Some(help));
    }

    pub fn error_with_help(
        &mut self,
        code: &'static str,
        message: String,
        at: Range<usize>,
        here: &str,
        help: Option<String>,
    ) {
        let finding = Diagnostic::error(code, message, self.span(at), here);
        self.push(Diagnostic { help, ..finding });
    }
}
