//! One finding, and the sink that collects them.

use super::{Advice, Suggestion};
use crate::source::Span;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth a look; can be denied.
    Warning,
    /// The program cannot be compiled.
    Error,
}

/// A place with a short text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be seen there.
    pub text: String,
}

/// A finding: code, message, the primary place, further places, a way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable code, such as `E0203`.
    pub code: &'static str,
    /// One sentence in the user's terms, without a full stop.
    pub message: String,
    /// The primary place and its text.
    pub primary: Label,
    /// The other sides of the conflict.
    pub labels: Vec<Label>,
    /// A way out, if one is known.
    pub help: Option<String>,
    /// The edit that mends it, where one does.
    pub suggestion: Option<Suggestion>,
    /// The name that is not there, where that is what is wrong.
    pub missing: Option<Missing>,
}

/// A name that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The name.
    pub name: String,
    /// Where it was looked for.
    pub among: Among,
}

/// Where a name is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Among {
    /// The names of a model, a function or a network, each of which has names of its own; data, fits and tests use those of a model.
    Names,
    /// The items of the file and its units, which all of the file sees.
    Items,
    /// The words of one block.
    Settings,
    /// The items of another file.
    File(String),
    /// Files: none has this path.
    Files(String),
}

impl Diagnostic {
    /// An error at `span`; `here` is the text beside the primary place.
    pub fn error(code: &'static str, message: impl Into<String>, span: Span, here: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            primary: Label { span, text: here.into() },
            labels: Vec::new(),
            help: None,
            suggestion: None,
            missing: None,
        }
    }

    /// A warning at `span`.
    pub fn warning(code: &'static str, message: impl Into<String>, span: Span, here: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, message, span, here) }
    }

    /// Adds another place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says that what is wrong is that nothing has this name: such errors have [consequences](super::causes()).
    pub fn missing(self, name: impl Into<String>) -> Self {
        self.missing_among(Among::Names, name)
    }

    /// The same, about a name that is looked for elsewhere than among the names of a model.
    pub fn missing_among(mut self, among: Among, name: impl Into<String>) -> Self {
        self.missing = Some(Missing { name: name.into(), among });
        self
    }

    /// Whether it says that another file has nothing of this name.
    pub fn misses_in_a_file(&self, name: &str) -> bool {
        let in_a_file = |m: &&Missing| matches!(m.among, Among::File(_) | Among::Files(_));
        self.missing.as_ref().filter(in_a_file).is_some_and(|m| m.name == name)
    }

    /// Whether it says that one of `names` is nowhere in this file.
    pub fn misses_here(&self, names: &[String]) -> bool {
        let here = |m: &&Missing| matches!(m.among, Among::Names | Among::Items);
        self.missing.as_ref().filter(here).is_some_and(|m| names.contains(&m.name))
    }

    /// Adds the way out.
    pub fn help(mut self, advice: impl Into<Advice>) -> Self {
        let Advice { text, instead } = advice.into();
        self.help = Some(text);
        match instead {
            Some(instead) => {
                let place = self.primary.span;
                self.replace(place, instead)
            }
            None => self,
        }
    }

    /// Adds the edit that mends it.
    pub fn replace(mut self, span: Span, replacement: impl Into<String>) -> Self {
        let replacement = replacement.into();
        self.suggestion =
            (span.start < span.end || !replacement.is_empty()).then_some(Suggestion { span, replacement });
        self
    }
}

/// How many missing names are compared with those there are.
pub const MAX_COMPARED: usize = 50;

/// Collects findings; passes go on after an error wherever they can.
#[derive(Clone, Debug, Default)]
pub struct Sink {
    findings: Vec<Diagnostic>,
    /// How many of them are about a name that is not there.
    missing: usize,
}

impl Sink {
    /// A sink without findings.
    pub fn new() -> Self {
        Sink::default()
    }

    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.missing += usize::from(diagnostic.missing.is_some());
        self.findings.push(diagnostic);
    }

    /// Whether so many names are not there that looking for what was meant by each, among all that there are, would take long.
    pub fn many_missing(&self) -> bool {
        self.missing >= MAX_COMPARED
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|d| d.severity == Severity::Error)
    }

    /// The primary places of the errors so far.
    pub fn error_places(&self) -> impl Iterator<Item = Span> {
        self.findings.iter().filter(|d| d.severity == Severity::Error).map(|d| d.primary.span)
    }

    /// How many findings are errors.
    pub fn error_count(&self) -> usize {
        self.findings.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// The findings, ordered by place, errors and warnings together; equal findings once.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.findings.sort_by(|a, b| {
            (a.primary.span, b.severity, a.code, &a.message).cmp(&(b.primary.span, a.severity, b.code, &b.message))
        });
        self.findings.dedup();
        self.findings
    }
}
