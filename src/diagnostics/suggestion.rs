//! Ways out that a program can take: edits of the source that mend a mistake.

use crate::source::{Sources, Span};

/// An edit: `replacement` in place of what stands at `span`; an insertion where the span is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What is replaced.
    pub span: Span,
    /// What is written there.
    pub replacement: String,
}

impl Suggestion {
    /// The text of the file with the edit made; `None` where the span is no part of it.
    pub fn apply(&self, text: &str) -> Option<String> {
        let before = text.get(..self.span.start as usize)?;
        let after = text.get(self.span.end as usize..)?;
        Some([before, &self.replacement, after].concat())
    }

    /// The corrected line without blanks around it; `None` where that is too long to be read at a glance, or more than a line.
    pub(super) fn corrected(&self, sources: &Sources) -> Option<String> {
        /// A longer line is hard to find the edit in.
        const LONGEST: usize = 90;
        let text = &sources.file(self.span.file).text;
        let (start, end) = (self.span.start as usize, self.span.end as usize);
        let before = text.get(..start)?.rsplit(['\n', '\r']).next()?;
        let after = text.get(end..)?.split(['\n', '\r']).next()?;
        let gone = text.get(start..end)?;
        if gone.contains(['\n', '\r']) || before.len() + after.len() + self.replacement.len() > 4 * LONGEST {
            return None;
        }
        let line = [before, &self.replacement, after].concat().trim().to_string();
        (line.chars().count() <= LONGEST && !line.contains(['\n', '\r'])).then_some(line)
    }
}

/// What to do about a finding, in words, and where it is as simple as that, what to write at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The words.
    pub text: String,
    /// What to write in place of what the finding is about.
    pub instead: Option<String>,
}

impl Advice {
    /// Words alone.
    pub fn new(text: impl Into<String>) -> Self {
        Advice { text: text.into(), instead: None }
    }

    /// Words, and what to write at the place of the finding.
    pub fn instead(text: impl Into<String>, instead: impl Into<String>) -> Self {
        Advice { text: text.into(), instead: Some(instead.into()) }
    }
}

impl From<String> for Advice {
    fn from(text: String) -> Self {
        Advice::new(text)
    }
}

impl From<&str> for Advice {
    fn from(text: &str) -> Self {
        Advice::new(text)
    }
}

impl From<&String> for Advice {
    fn from(text: &String) -> Self {
        Advice::new(text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_shows_the_line_it_makes() {
        let mut sources = Sources::default();
        let text = "model M {\n  state x\n  x' = -x**2\n}\n";
        let file = sources.add("a.mech", text);
        let at = text.find("**").unwrap();
        let edit = Suggestion { span: Span::new(file, at, at + 2), replacement: "^".to_string() };
        assert_eq!(edit.corrected(&sources).as_deref(), Some("x' = -x^2"));
        assert_eq!(edit.apply(text).as_deref(), Some("model M {\n  state x\n  x' = -x^2\n}\n"));
        let insertion = Suggestion { span: Span::new(file, 10, 10), replacement: "  index c = 2\n".to_string() };
        assert_eq!(insertion.corrected(&sources), None);
        assert_eq!(insertion.apply(text).map(|t| t.lines().count()), Some(5));
        let beyond = Suggestion { span: Span::new(file, 10, 400), replacement: String::new() };
        assert_eq!((beyond.corrected(&sources), beyond.apply(text)), (None, None));
    }
}
