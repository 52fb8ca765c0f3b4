//! Files as snippets show them: what is invisible made visible, and lines found without reading the file from its start.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::source::{FileId, SourceFile, Sources};

/// Text that shows what is invisible: control characters and those that reorder or hide text become marks of the same
/// number of bytes, so that spans still fit and a source cannot act on the terminal.
pub fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| match c {
        '\n' | '\r' | '\t' => false,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => true,
        '\u{61c}' | '\u{ad}' => true,
        c => c.is_control(),
    };
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mark = |c: char| match (hidden(c), c.len_utf8()) {
        (false, _) => c,
        (true, 1) => '?',
        (true, 2) => '\u{bf}',
        (true, _) => '\u{fffd}',
    };
    Cow::Owned(text.chars().map(mark).collect())
}

/// The same in one line, as a cell of a table is: a line break is one mark, a tabulator a blank.
pub fn in_line(text: &str) -> String {
    visible(text).replace("\r\n", "\u{23ce}").replace(['\n', '\r'], "\u{23ce}").replace('\t', " ")
}

/// The files of one rendering, each prepared once.
pub(super) struct Snippets<'s> {
    pub sources: &'s Sources,
    shown: Vec<(FileId, Arc<Shown>)>,
}

impl<'s> Snippets<'s> {
    pub fn new(sources: &'s Sources) -> Self {
        Snippets { sources, shown: Vec::new() }
    }

    /// A file as it is shown.
    pub fn shown(&mut self, file: FileId) -> Arc<Shown> {
        if let Some((_, shown)) = self.shown.iter().find(|(id, _)| *id == file) {
            return shown.clone();
        }
        let source = self.sources.file(file);
        let shown = Arc::new(Shown::new(source));
        self.shown.push((file, shown.clone()));
        shown
    }
}

/// One file as it is shown.
#[derive(Debug)]
pub(super) struct Shown {
    path: String,
    text: Vec<u8>,
    /// The first byte of every line.
    starts: Vec<usize>,
}

impl Shown {
    fn new(file: &SourceFile) -> Self {
        let starts: Vec<usize> = file.line_starts().collect();
        let mut text = visible(&file.text).into_owned().into_bytes();
        // Snippets are cut at newlines alone, and have the bytes of the file.
        for end in starts.iter().filter_map(|start| start.checked_sub(1)) {
            if let Some(end) = text.get_mut(end) {
                *end = b'\n';
            }
        }
        Shown { path: visible(&file.shown).into_owned(), starts, text }
    }

    /// The lines around a span, so many before and after it and one more at either side: the number of the first, from 0, and the bytes.
    fn lines(&self, span: Range<usize>, before: usize, after: usize) -> (usize, Range<usize>) {
        let line = |at: usize| self.starts.partition_point(|&start| start <= at).saturating_sub(1);
        let first = line(span.start).saturating_sub(before + 1);
        let behind = line(span.end.max(span.start)) + after + 2;
        let end = self.starts.get(behind).copied().unwrap_or(self.text.len());
        (first, self.starts.get(first).copied().unwrap_or(0)..end)
    }
}

impl SourceCode for Shown {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (first, bytes) = self.lines(span.offset()..span.offset() + span.len(), before, after);
        let lines = self.text.get(bytes.clone()).unwrap_or_default();
        let inside = SourceSpan::from((span.offset().saturating_sub(bytes.start), span.len()));
        let read = lines.read_span(&inside, before, after)?;
        let place = SourceSpan::from((read.span().offset() + bytes.start, read.span().len()));
        let (line, column) = (read.line() + first, read.column());
        // Two places share a snippet where their lines meet; counted from the start of a file, which is what is handed over otherwise,
        // lines of places far apart would.
        let count = read.data().split_inclusive(|&b| b == b'\n').count();
        let name = self.path.clone();
        Ok(Box::new(MietteSpanContents::new_named(name, read.data(), place, line, column, count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every span of a file is read as the whole file would be read, from a few lines: of a file of any length no more is handed over.
    #[test]
    fn few_lines_are_read_and_they_are_the_right_ones() {
        for end in ["\n", "\r\n", "\r"] {
            let lines: Vec<String> = (0..3000).map(|i| format!("x{i}' = -\u{3b1}*x{i}")).collect();
            let text = lines.join(end);
            let mut sources = Sources::default();
            let file = sources.add("a.mech", text.as_str());
            let shown = Shown::new(sources.file(file));
            let text = if end == "\r" { text.replace(end, "\n") } else { text };
            for start in (0..text.len()).step_by(997).chain([0, text.len() - 1, text.len()]) {
                for (length, around) in [(0, 0), (1, 1), (40, 1)] {
                    let span = SourceSpan::from((start, length));
                    let bytes = shown.lines(start..start + length, around, around).1;
                    assert!(bytes.len() <= 12 * 24, "{} bytes at {start}", bytes.len());
                    let (here, whole) = (shown.read_span(&span, around, around), text.read_span(&span, around, around));
                    let facts = |read: Result<Box<dyn SpanContents<'_> + '_>, MietteError>| {
                        let read = read.ok()?;
                        Some((read.data().to_vec(), *read.span(), read.line(), read.column()))
                    };
                    assert_eq!(facts(here), facts(whole), "{end:?} {start} {length} {around}");
                }
            }
        }
    }

    #[test]
    fn a_file_is_prepared_once() {
        let mut sources = Sources::default();
        let (a, b) = (sources.add("a.mech", "x"), sources.add("b.mech", "y"));
        let mut snippets = Snippets::new(&sources);
        let (first, other, again) = (snippets.shown(a), snippets.shown(b), snippets.shown(a));
        assert!(Arc::ptr_eq(&first, &again) && !Arc::ptr_eq(&first, &other));
    }
}
