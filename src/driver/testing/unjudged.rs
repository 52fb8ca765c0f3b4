//! Why an expectation can be neither met nor missed.

use super::super::failure::Failure;
use crate::diagnostics::Format;
use crate::source::Sources;

/// The way out where the expectation asks for what there is not.
const OTHERWISE: &str = "ask for what there is, or look at what a run gives: `mechc run`";

/// Why something could not be had.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unjudged {
    pub why: String,
    /// The way out.
    pub help: String,
}

impl From<String> for Unjudged {
    /// Of something that the expectation names.
    fn from(why: String) -> Self {
        Unjudged { why, help: OTHERWISE.to_string() }
    }
}

impl From<&str> for Unjudged {
    fn from(why: &str) -> Self {
        why.to_string().into()
    }
}

impl From<Failure> for Unjudged {
    /// Of data or a fit: in one line, with its code.
    fn from(failure: Failure) -> Self {
        let why = failure.render(&Sources::default(), Format::Short).trim_end().to_string();
        Unjudged { why, help: failure.help().unwrap_or_else(|| OTHERWISE.to_string()) }
    }
}
