//! What is said of a command line that cannot be read: as of other mistakes, with a code, the argument, and a way out.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use mechc::diagnostics::Format;
use mechc::driver::{Failure, Problem};

use super::values::Refused;
use super::{Cli, human, say};

/// Values that a help lists, at most.
const MOST_LISTED: usize = 24;

/// Commands as other programs call them.
const MEANT: [(&str, &str); 5] =
    [("fit", "run"), ("discover", "run"), ("train", "run"), ("format", "fmt"), ("validate", "check")];

/// What other programs have commands for and model files say.
const IN_FILES: [(&[&str], &str); 2] = [
    (
        &["predict", "forecast", "extrapolate"],
        "a prediction is an item of the model file, which `mechc run` makes behind the fit: `predict later = Model { steps 100 }`",
    ),
    (
        &["plot", "report", "show"],
        "`mechc run` leaves a folder with `report.html`, a page with data, solution and coefficients",
    ),
];

/// Says what is wrong with the arguments; the exit code. Help and the version are no mistakes and go to standard output.
pub fn tell(error: &Error, arguments: &[OsString]) -> u8 {
    let words: Vec<String> = arguments.iter().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    let asked_for = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if asked_for {
        // A reader that has gone is no mistake.
        let _ = error.print();
        return u8::try_from(error.exit_code()).unwrap_or(2);
    }
    let failure = Failure::Usage(problem(error, &words));
    say(&failure.render(&mechc::source::Sources::default(), format(&words)));
    failure.exit_code()
}

/// How findings are to be written, as far as that can be read.
fn format(words: &[String]) -> Format {
    const OPTION: &str = "--message-format";
    let value = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix(OPTION) {
        Some("") => words.get(at + 1).map(String::as_str),
        Some(rest) => rest.strip_prefix('='),
        None => None,
    });
    match value {
        Some("json") => Format::Json,
        Some("short") => Format::Short,
        _ => human(),
    }
}

fn problem(error: &Error, words: &[String]) -> Problem {
    let command = command(words);
    let described = format!("`{command} --help` describes what it takes");
    let given = one(error, ContextKind::InvalidArg);
    // `--threads <N>`
    let name = given.split(' ').next().unwrap_or_default();
    let value = one(error, ContextKind::InvalidValue);
    let (message, help) = match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => {
            (format!("`{name}` needs a value"), format!("write `{given}`; {described}"))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let refused = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Refused>());
            let why = refused.map_or_else(|| reason(error), Refused::to_string);
            let message = match why.is_empty() {
                true => format!("`{name}` does not take `{value}`"),
                false => format!("`{name}` does not take `{value}`: {why}"),
            };
            let help = refused.map(|refused| refused.help.clone()).or_else(|| values(error));
            (message, help.unwrap_or(described))
        }
        ErrorKind::InvalidSubcommand => {
            let wrong = one(error, ContextKind::InvalidSubcommand);
            let meant = MEANT.iter().find(|(word, _)| wrong == *word).map(|(_, command)| command.to_string());
            let in_file = IN_FILES.iter().find(|(words, _)| words.contains(&wrong.as_str()));
            let help = match meant.or_else(|| suggested(error, ContextKind::SuggestedSubcommand)) {
                _ if let Some((_, help)) = in_file => help.to_string(),
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("`{command} --help` lists the commands"),
            };
            (format!("there is no command `{command} {wrong}`"), help)
        }
        ErrorKind::UnknownArgument if given.parse::<f64>().is_ok() => {
            // What stands before a number that no option takes is the option it is for, if it is one.
            // Of a number only the first digit is named.
            let at = words.iter().position(|w| w.starts_with(&given) && w.parse::<f64>().is_ok());
            let number = at.and_then(|at| words.get(at)).unwrap_or(&given);
            let before = at.and_then(|at| words.get(at.checked_sub(1)?));
            let message = match before.filter(|word| word.starts_with("--")) {
                Some(option) => format!("`{option}` does not take `{number}`: it is negative"),
                None => format!("`{command}` takes no number, and here is `{number}`"),
            };
            (message, described)
        }
        ErrorKind::UnknownArgument if !given.starts_with('-') => {
            let help = format!("leave it out, or quote it with the argument before if it belongs to that; {described}");
            (format!("`{command}` takes no further argument, and here is `{given}`"), help)
        }
        ErrorKind::UnknownArgument => {
            let help = match suggested(error, ContextKind::SuggestedArg) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("`{command} --help` lists the options"),
            };
            (format!("`{command}` has no option `{given}`"), help)
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = all(error, ContextKind::InvalidArg);
            (format!("`{command}` needs {}", quoted(&missing)), described)
        }
        ErrorKind::ArgumentConflict => {
            let other = all(error, ContextKind::PriorArg);
            let message = match other.is_empty() {
                true => format!("`{name}` does not go together with other options that are given"),
                false if other.iter().any(|o| o.split(' ').next() == Some(name)) => format!("`{name}` is given twice"),
                false => format!("`{name}` does not go together with {}", quoted(&other)),
            };
            (message, "leave one of them out".to_string())
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            (first.trim_start_matches("error: ").to_string(), described)
        }
    };
    Problem::new("N018", message, help)
}

/// The command that the words name, as far as there is one: `mechc bench solve`.
fn command(words: &[String]) -> String {
    let mut path = "mechc".to_string();
    let mut here = Cli::command();
    for word in words {
        if let Some(next) = here.find_subcommand(word).cloned() {
            path.push_str(&format!(" {word}"));
            here = next;
        }
    }
    path
}

/// Why a value is refused.
fn reason(error: &Error) -> String {
    let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    if let Some((_, range)) = text.split_once(" is not in ") {
        let (low, high) = range.split_once("..=").unwrap_or((range, ""));
        return format!("a whole number from {low} to {high} is needed");
    }
    match text.as_str() {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "a whole number is needed".to_string()
        }
        "number too large to fit in target type" => "it is too large".to_string(),
        "number too small to fit in target type" => "it is too small".to_string(),
        _ if ["is ", "has ", "takes "].iter().any(|verb| text.starts_with(verb)) => format!("it {text}"),
        _ => text,
    }
}

/// The values that there are, and before them the one that was meant.
fn values(error: &Error) -> Option<String> {
    let known = all(error, ContextKind::ValidValue);
    let known = (!known.is_empty()).then(|| format!("it takes {}", quoted(&known)));
    match (suggested(error, ContextKind::SuggestedValue), known) {
        (Some(near), Some(known)) => Some(format!("did you mean `{near}`? {known}")),
        (Some(near), None) => Some(format!("did you mean `{near}`?")),
        (None, known) => known,
    }
}

fn suggested(error: &Error, kind: ContextKind) -> Option<String> {
    all(error, kind).into_iter().next()
}

fn one(error: &Error, kind: ContextKind) -> String {
    all(error, kind).into_iter().next().unwrap_or_default()
}

fn all(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(list)) => list.clone(),
        _ => Vec::new(),
    }
}

/// Names in back quotes: `` `a`, `b` ``
fn quoted(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(MOST_LISTED).map(|n| format!("`{n}`")).collect();
    shown.join(", ")
}
