//! Findings as text: for people (with snippets), one line each, or as JSON.

use std::fmt::Write as _;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, Report};
use serde_json::{Value, json};

use super::shown::{Snippets, visible};
use super::{Diagnostic, Label, Severity, Suggestion};
use crate::source::{FileId, Sources, Span};

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// With source snippets.
    Human {
        /// With ANSI colours.
        color: bool,
        /// With box-drawing characters; plain ASCII otherwise.
        unicode: bool,
    },
    /// `path:line:column: error[E0101]: message`
    Short,
    /// One JSON object per line.
    Json,
}

/// Snippets are shown of lines up to this length; a machine-made line of megabytes is named, not printed.
const LONGEST_SHOWN_LINE: usize = 200;

/// So many findings are shown with snippets; nobody reads more of them on a terminal.
const MOST_SHOWN: usize = 100;

/// All `findings` in the order given, each ended by a newline; empty without findings. For people at most a hundred are shown, errors
/// rather than warnings, and the others are counted.
pub fn render(findings: &[Diagnostic], sources: &Sources, format: Format) -> String {
    let mut out = String::new();
    match format {
        Format::Human { color, unicode } => people(&mut out, findings, sources, theme(color, unicode)),
        Format::Short => findings.iter().for_each(|finding| short(&mut out, finding, sources)),
        Format::Json => findings.iter().for_each(|finding| {
            let _ = writeln!(out, "{}", as_json(finding, sources));
        }),
    }
    out
}

/// Findings with snippets, and how many are not shown.
fn people(out: &mut String, findings: &[Diagnostic], sources: &Sources, theme: GraphicalTheme) {
    let mut snippets = Snippets::new(sources);
    let is_error = |d: &&Diagnostic| d.severity == Severity::Error;
    let mut room = (MOST_SHOWN, MOST_SHOWN.saturating_sub(findings.iter().filter(is_error).count()));
    let mut left_out = (0, 0);
    for finding in findings {
        let (room, left_out) = match finding.severity {
            Severity::Error => (&mut room.0, &mut left_out.0),
            Severity::Warning => (&mut room.1, &mut left_out.1),
        };
        if *room == 0 {
            *left_out += 1;
            continue;
        }
        *room -= 1;
        human(out, finding, &mut snippets, theme.clone());
    }
    let counted = |n: usize, word: &str| match n {
        0 => None,
        1 => Some(format!("1 more {word}")),
        n => Some(format!("{n} more {word}s")),
    };
    let more: Vec<String> =
        [counted(left_out.0, "error"), counted(left_out.1, "warning")].into_iter().flatten().collect();
    if !more.is_empty() {
        let _ = writeln!(out, "and {}: `--message-format short` lists all", more.join(" and "));
    }
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// `path:line:column` of a span's start.
fn place(span: Span, sources: &Sources) -> String {
    let file = sources.file(span.file);
    let (line, column) = file.line_column(span.start);
    format!("{}:{line}:{column}", file.shown)
}

fn short(out: &mut String, finding: &Diagnostic, sources: &Sources) {
    let at = place(finding.primary.span, sources);
    let word = severity_word(finding.severity);
    let _ = writeln!(out, "{at}: {word}[{}]: {}", finding.code, one_line(&finding.message));
}

/// A message never spans lines in the one-line form.
fn one_line(text: &str) -> String {
    visible(text).replace(['\n', '\r'], " ")
}

fn as_json(finding: &Diagnostic, sources: &Sources) -> Value {
    let span = |span: Span| {
        let file = sources.file(span.file);
        let (line, column) = file.line_column(span.start);
        let (end_line, end_column) = file.line_column(span.end.max(span.start));
        (file.shown.clone(), line, column, json!({"line": end_line, "column": end_column}))
    };
    let label = |label: &Label| {
        let (file, line, column, end) = span(label.span);
        json!({"file": file, "line": line, "column": column, "end": end, "text": label.text})
    };
    let edit = |edit: &Suggestion| {
        let (file, line, column, end) = span(edit.span);
        json!({"file": file, "line": line, "column": column, "end": end, "replacement": edit.replacement})
    };
    let (file, line, column, end) = span(finding.primary.span);
    json!({
        "severity": severity_word(finding.severity),
        "code": finding.code,
        "message": finding.message,
        "here": finding.primary.text,
        "file": file,
        "line": line,
        "column": column,
        "end": end,
        "labels": finding.labels.iter().map(label).collect::<Vec<_>>(),
        "help": finding.help,
        "suggestion": finding.suggestion.as_ref().map(edit),
    })
}

fn theme(color: bool, unicode: bool) -> GraphicalTheme {
    match (color, unicode) {
        (true, true) => GraphicalTheme::unicode(),
        (true, false) => GraphicalTheme::ascii(),
        (false, true) => GraphicalTheme::unicode_nocolor(),
        (false, false) => GraphicalTheme::none(),
    }
}

fn human(out: &mut String, finding: &Diagnostic, snippets: &mut Snippets<'_>, theme: GraphicalTheme) {
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(110).with_context_lines(1);
    let main = finding.primary.span.file;
    let severity = match finding.severity {
        Severity::Warning => miette::Severity::Warning,
        Severity::Error => miette::Severity::Error,
    };
    let mut report = MietteDiagnostic::new(visible(&finding.message)).with_code(finding.code).with_severity(severity);
    if let Some(help) = way_out(finding, snippets.sources) {
        report = report.with_help(visible(&help));
    }
    // One snippet shows one file; places in other files follow with their own.
    let here = std::iter::once(&finding.primary).chain(&finding.labels).filter(|l| l.span.file == main);
    write_snippet(out, &handler, report, here, main, snippets);
    let elsewhere = finding.labels.iter().filter(|l| l.span.file != main);
    for label in elsewhere {
        let note = MietteDiagnostic::new(visible(&label.text)).with_severity(miette::Severity::Advice);
        write_snippet(out, &handler, note, std::iter::once(label), label.span.file, snippets);
    }
}

/// The help, and the corrected line where an edit makes one that the help does not hold already.
fn way_out(finding: &Diagnostic, sources: &Sources) -> Option<String> {
    let corrected = finding.suggestion.as_ref().and_then(|edit| edit.corrected(sources));
    match (&finding.help, corrected) {
        (Some(help), Some(line)) if !help.contains(&line) => Some(format!("{help}\n{line}")),
        (None, Some(line)) => Some(format!("write `{line}`")),
        (help, _) => help.clone(),
    }
}

fn write_snippet<'a>(
    out: &mut String,
    handler: &GraphicalReportHandler,
    mut report: MietteDiagnostic,
    labels: impl Iterator<Item = &'a Label> + Clone,
    file: FileId,
    snippets: &mut Snippets<'_>,
) {
    let sources = snippets.sources;
    let source = sources.file(file);
    let mut rendered = String::new();
    let printable =
        !source.text.is_empty() && labels.clone().all(|l| source.longest_line_near(l.span.start) <= LONGEST_SHOWN_LINE);
    if !printable {
        let at = labels.clone().next().map(|l| place(l.span, sources)).unwrap_or_else(|| source.shown.clone());
        report.message = format!("{} [{at}]", report.message);
        let _ = handler.render_report(&mut rendered, &report);
        trim_line_ends(&rendered, out);
        return;
    }
    let marks = labels.enumerate().map(|(i, l)| {
        let start = l.span.start as usize;
        let end = snippet_end(&source.text, l.span);
        let text = (!l.text.is_empty()).then(|| visible(&l.text).into_owned());
        match i {
            0 => LabeledSpan::new_primary_with_span(text, start..end),
            _ => LabeledSpan::new_with_span(text, start..end),
        }
    });
    report = report.with_labels(marks);
    let report = Report::new(report).with_source_code(snippets.shown(file));
    let _ = handler.render_report(&mut rendered, report.as_ref());
    trim_line_ends(&rendered, out);
}

/// A label underlines at most the first line of its span: whole blocks would flood the snippet.
fn snippet_end(text: &str, span: Span) -> usize {
    let (start, end) = (span.start as usize, span.end.max(span.start) as usize);
    match text.get(start..end.min(text.len())) {
        Some(part) => start + part.find(['\n', '\r']).unwrap_or(part.len()),
        None => start,
    }
}

/// Snippet frames leave blanks at the ends of lines, which editors and reviews dislike in recorded output.
fn trim_line_ends(rendered: &str, out: &mut String) {
    for line in rendered.lines() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
}
