//! What kind a remark is of, for what is said or left out on account of it.

use crate::diagnostics::Diagnostic;

/// Kinds of remarks that others depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// The fit did not settle, and nothing else says why.
    Unsettled,
    /// Nothing that is observed depends on a state.
    Unfelt,
    /// Nothing else depends on it.
    #[default]
    Plain,
}

/// A remark and its kind: a text, or a finding with a place in the model file.
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

impl From<String> for Remark<String> {
    fn from(said: String) -> Self {
        Remark::new(Kind::Plain, said)
    }
}

impl From<Diagnostic> for Remark<Diagnostic> {
    fn from(said: Diagnostic) -> Self {
        Remark::new(Kind::Plain, said)
    }
}
