//! What kind a remark is of, for what is said or left out on account of it.

use crate::diagnostics::Diagnostic;
use crate::source::Span;

/// Kinds of remarks that others depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that is observed depends on a state.
    Unfelt,
    /// The table has a column for a state that no column observes.
    Unlisted,
    /// Nothing else depends on it.
    #[default]
    Plain,
}

/// A remark and its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark<T> {
    /// What it is about.
    pub kind: Kind,
    /// What is said.
    pub said: T,
}

impl<T> Remark<T> {
    /// A remark of a kind.
    pub fn new(kind: Kind, said: T) -> Self {
        Remark { kind, said }
    }
}

/// What is said of a fit as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The code of what speaks against the result; none of what only says how to read it.
    pub code: Option<&'static str>,
    /// What is said.
    pub text: String,
}

impl Told {
    /// What speaks against the result.
    pub fn against(code: &'static str, text: impl Into<String>) -> Self {
        Told { code: Some(code), text: text.into() }
    }

    /// How to read the result.
    pub fn note(text: impl Into<String>) -> Self {
        Told { code: None, text: text.into() }
    }

    /// The same as a finding at the place of the fit, where it speaks against the result.
    pub fn finding(&self, fit: Span) -> Option<Diagnostic> {
        self.code.map(|code| Diagnostic::warning(code, self.text.clone(), fit, "this fit"))
    }
}

impl From<Diagnostic> for Remark<Diagnostic> {
    fn from(said: Diagnostic) -> Self {
        Remark::new(Kind::Plain, said)
    }
}
