//! Everything that ends a command early, and the exit code it stands for.

use super::kinds::{Kind, Remark};
use super::{data_places, data_remarks};
use crate::data::DataError;
use crate::diagnostics::{self, Diagnostic, Format};
use crate::report::OutputError;
use crate::source::{Sources, Span};

/// The way out of a mistake of the compiler.
const REPORT: &str = "please report this together with the model file";

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
    /// The same with the place of the model file that asks for the data.
    DataAt(Box<DataError>, Box<DataPlace>),
    /// The environment failed: a file, a directory, memory. Exit code 4.
    Environment(Problem),
    /// The numbers failed: divergence, a singular system. Exit code 5.
    Numerical(Problem),
    /// The user asked to stop; says what was kept. Exit code 130.
    Interrupted(Problem),
    /// The compiler made a mistake; never the user's fault. Exit code 70.
    Internal(String),
}

/// The place of the model file that a failure of the data is about.
#[derive(Clone, Debug)]
pub struct DataPlace {
    /// Where it is.
    pub span: Span,
    /// What stands beside it.
    pub here: &'static str,
    /// What to write there, beside it, and in place of other settings of the block, in the order of the file, where the data tell it.
    pub edits: Vec<(Span, String)>,
}

/// A failure that is no mistake in a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub help: String,
    /// The place of the model file that it is about, and what stands beside it.
    pub place: Option<(Span, &'static str)>,
    /// What to write there instead or beside it, where that mends it.
    pub edit: Option<Box<(Span, String)>>,
}

impl Problem {
    /// A problem with its way out.
    pub fn new(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Problem { code, message: message.into(), help: help.into(), place: None, edit: None }
    }

    /// An interrupt that found nothing worth keeping.
    pub fn interrupted() -> Self {
        Problem::new("N000", "interrupted", "nothing was kept: start it again")
    }

    fn render(&self, sources: &Sources, format: Format) -> String {
        // Without its sources, as where a test tells it in one line, it has no place.
        let file =
            |span: &Span| sources.iter().find(|(file, _)| *file == span.file).map(|(_, file)| file.text.as_str());
        if let Some((span, here, text)) = self.place.and_then(|(span, here)| Some((span, here, file(&span)?))) {
            let shown = first_line(span, text);
            let d = Diagnostic::error(self.code, self.message.clone(), shown, here).help(self.help.clone());
            let d = match self.edit.as_deref() {
                Some((at, edit)) => d.replace(*at, edit.clone()),
                None => d,
            };
            return diagnostics::render(&[d], sources, format);
        }
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

/// Of a block its first line says which it is.
fn first_line(span: Span, text: &str) -> Span {
    let line = text.get(span.start as usize..span.end as usize).and_then(|block| block.lines().next());
    let end = line.map_or(span.end, |line| span.start + line.trim_end().len() as u32);
    Span { end, ..span }
}

impl Failure {
    /// Adds what may be the cause of a numerical failure to its way out: states that nothing observes, and what was found in the data.
    pub fn with_cause(self, unobserved: &[Remark<Diagnostic>], of_data: &[Diagnostic]) -> Failure {
        match self {
            Failure::Numerical(mut problem) => {
                let (unlisted, unobserved): (Vec<_>, Vec<_>) =
                    unobserved.iter().partition(|remark| remark.kind == Kind::Unlisted);
                for Remark { kind, said: remark } in unobserved {
                    let here = &remark.primary.text;
                    let why = match &remark.help {
                        Some(help) if *kind == Kind::Unfelt => help.clone(),
                        _ => format!("it is {here}"),
                    };
                    problem.help.push_str(&format!("; {}: {why}", remark.message));
                }
                let (spoils, others): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
                    of_data.iter().partition(|d| data_remarks::spoils(d));
                for remark in others {
                    problem.help.push_str(&format!("; {}", remark.message));
                }
                // A column that was forgotten is what was meant to be read.
                for Remark { said: remark, .. } in unlisted.into_iter().rev() {
                    let help = remark.help.as_ref().map_or_else(String::new, |help| format!(": {help}"));
                    problem.help = format!("{}{help}; else {}", remark.message, problem.help);
                    problem.edit = None;
                }
                // What spoils a fit is the likely cause, with a way out of its own.
                for remark in spoils.iter().rev() {
                    let help = remark.help.as_ref().map_or_else(String::new, |help| format!(": {help}"));
                    problem.help = format!("{}{help}; else {}", remark.message, problem.help);
                }
                Failure::Numerical(problem)
            }
            other => other,
        }
    }

    /// Gives a failure of numbers or data that has no place yet one in the model file.
    pub(super) fn placed(self, span: Span, here: &'static str) -> Failure {
        match self {
            Failure::Numerical(problem) => {
                let place = problem.place.or(Some((span, here)));
                Failure::Numerical(Problem { place, ..problem })
            }
            Failure::Data(error) => {
                Failure::DataAt(Box::new(error), Box::new(DataPlace { span, here, edits: Vec::new() }))
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

    /// The way out, where there is one.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Failure::Model(found) | Failure::Override(found) => found.iter().find_map(|d| d.help.clone())?,
            Failure::Usage(p) | Failure::Environment(p) | Failure::Numerical(p) | Failure::Interrupted(p) => {
                p.help.clone()
            }
            Failure::Data(e) => e.help(),
            Failure::DataAt(e, _) => data_places::help(e),
            Failure::Internal(_) => REPORT.to_string(),
        };
        Some(help).filter(|help| !help.is_empty())
    }

    /// The text for people or programs.
    pub fn render(&self, sources: &Sources, format: Format) -> String {
        match self {
            Failure::Model(found) | Failure::Override(found) => diagnostics::render(found, sources, format),
            Failure::Usage(p) | Failure::Environment(p) | Failure::Numerical(p) | Failure::Interrupted(p) => {
                p.render(sources, format)
            }
            Failure::Data(e) => Problem::new(e.code(), e.to_string(), e.help()).render(sources, format),
            Failure::DataAt(e, place) => {
                let problem = Problem::new(e.code(), e.to_string(), data_places::help(e));
                let edit = data_places::joined(&place.edits, sources).map(Box::new);
                Problem { place: Some((place.span, place.here)), edit, ..problem }.render(sources, format)
            }
            Failure::Internal(what) => {
                Problem::new("B001", format!("mechc made a mistake: {what}"), REPORT).render(sources, format)
            }
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

#[cfg(test)]
mod tests {
    use super::{Failure, Problem};

    #[test]
    fn an_interrupt_that_kept_nothing_has_a_way_out_and_so_has_a_mistake_of_the_compiler() {
        let help = |failure: Failure| failure.help().unwrap_or_default();
        assert!(help(Failure::Interrupted(Problem::interrupted())).contains("start it again"));
        assert!(help(Failure::Internal("a".to_string())).contains("report this"));
        assert_eq!(Failure::Model(Vec::new()).help(), None);
    }
}
