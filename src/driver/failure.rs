//! Everything that ends a command early, and the exit code it stands for.

use crate::data::DataError;
use crate::diagnostics::{self, Diagnostic, Format};
use crate::report::OutputError;
use crate::source::{Sources, Span};

/// Why a command ended without a result.
#[derive(Debug)]
pub enum Failure {
    /// The model is wrong: exit code 1.
    Model(Vec<Diagnostic>),
    /// The command was used wrongly: exit code 2.
    Usage(Problem),
    /// A `--set` names what is not there, or gives it a bad value: exit code 2.
    Override(Vec<Diagnostic>),
    /// The data are wrong (exit code 3), or could not be read (exit code 4).
    Data(DataError),
    /// The same with the place of the model file that asks for the data, and what stands beside it.
    DataAt(Box<DataError>, Span, &'static str),
    /// The environment failed: a file, a directory, memory. Exit code 4.
    Environment(Problem),
    /// The numbers failed: divergence, a singular system. Exit code 5.
    Numerical(Problem),
    /// The user asked to stop; says what was kept. Exit code 130.
    Interrupted(Problem),
    /// The compiler made a mistake; never the user's fault. Exit code 70.
    Internal(String),
}

/// A failure that is no place in a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub help: String,
}

impl Problem {
    /// A problem with its way out.
    pub fn new(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Problem { code, message: message.into(), help: help.into() }
    }

    /// An interrupt that found nothing worth keeping.
    pub fn interrupted() -> Self {
        Problem::new("N000", "interrupted", "")
    }

    fn render(&self, format: Format) -> String {
        match format {
            Format::Json => {
                let object = serde_json::json!({
                    "severity": "error", "code": self.code, "message": self.message, "help": self.help,
                });
                format!("{object}\n")
            }
            Format::Short => format!("error[{}]: {}\n", self.code, self.message),
            _ if self.help.is_empty() => format!("error[{}]: {}\n", self.code, self.message),
            _ => format!("error[{}]: {}\n  help: {}\n", self.code, self.message, self.help),
        }
    }
}

impl Failure {
    /// Adds what may be the cause of a numerical failure to its way out.
    pub fn with_cause(self, remarks: &[Diagnostic]) -> Failure {
        match self {
            Failure::Numerical(mut problem) => {
                for remark in remarks {
                    problem.help.push_str(&format!("; {}: it is {}", remark.message, remark.primary.text));
                }
                Failure::Numerical(problem)
            }
            other => other,
        }
    }

    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Model(_) => 1,
            Failure::Usage(_) | Failure::Override(_) => 2,
            Failure::Data(error) => error.exit_code(),
            Failure::DataAt(error, ..) => error.exit_code(),
            Failure::Environment(_) => 4,
            Failure::Numerical(_) => 5,
            Failure::Internal(_) => 70,
            Failure::Interrupted(_) => 130,
        }
    }

    /// The text for people or programs.
    pub fn render(&self, sources: &Sources, format: Format) -> String {
        match self {
            Failure::Model(found) | Failure::Override(found) => diagnostics::render(found, sources, format),
            Failure::Usage(p) | Failure::Environment(p) | Failure::Numerical(p) | Failure::Interrupted(p) => {
                p.render(format)
            }
            Failure::Data(e) => Problem::new(e.code(), e.to_string(), e.help()).render(format),
            // Without its sources, as where a test tells it in one line, it has no place.
            Failure::DataAt(e, span, _) if sources.iter().all(|(file, _)| file != span.file) => {
                Problem::new(e.code(), e.to_string(), e.help()).render(format)
            }
            Failure::DataAt(e, span, here) => {
                let d = Diagnostic::error(e.code(), e.to_string(), *span, *here).help(e.help());
                diagnostics::render(&[d], sources, format)
            }
            Failure::Internal(what) => Problem::new(
                "B001",
                format!("mechc made a mistake: {what}"),
                "please report this together with the model file",
            )
            .render(format),
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Failure::Data(error)
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Failure::Environment(Problem::new(error.code(), error.to_string(), error.help()))
    }
}
