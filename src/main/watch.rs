//! Progress of a run.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use mechc::diagnostics::Format;
use mechc::report::{self, ProgressSink, Reporter};
use mechc::train::{Observer, Progress};

use super::{Stop, finding, say};

/// Shows progress on standard error.
pub struct Watch<'a> {
    stop: &'a Stop,
    reporter: Reporter<Stderr>,
    started: Instant,
    last: Option<report::Progress>,
    format: Format,
    /// Whether progress is not shown: standard error belongs to objects.
    quiet: bool,
    /// The warnings that were said.
    pub told: Vec<String>,
}

/// Runs shorter than this show no progress.
const PATIENCE: Duration = Duration::from_millis(500);

impl<'a> Watch<'a> {
    pub fn new(stop: &'a Stop, format: Format) -> Self {
        let (reporter, started, quiet) = (Reporter::new(Stderr), Instant::now(), format == Format::Json);
        Watch { stop, reporter, started, last: None, format, quiet, told: Vec::new() }
    }

    pub fn done(&mut self) {
        if let Some(last) = self.last.take().filter(|p| p.elapsed > PATIENCE && !self.quiet) {
            self.reporter.finish(&last);
        }
    }
}

impl Observer for Watch<'_> {
    fn progress(&mut self, progress: &Progress) {
        let shown = report::Progress {
            phase: progress.phase.to_string(),
            done: progress.step as u64,
            total: Some(progress.total as u64),
            loss: Some(progress.loss),
            note: String::new(),
            elapsed: self.started.elapsed(),
        };
        if shown.elapsed > PATIENCE && !self.quiet {
            self.reporter.update(&shown);
        }
        self.last = Some(shown);
    }

    fn directory(&mut self, folder: &Path) {
        *self.stop.directory() = Some(folder.to_path_buf());
    }

    fn warning(&mut self, code: &'static str, message: &str, help: &str) {
        finding("warning", (Some(code), message, Some(help)), self.format);
        self.told.push(message.to_string());
    }

    fn should_stop(&self) -> bool {
        self.stop.is_asked()
    }
}

struct Stderr;

impl ProgressSink for Stderr {
    fn is_terminal(&self) -> bool {
        std::io::stderr().is_terminal()
    }

    fn width(&self) -> usize {
        std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(80)
    }

    fn redraw(&mut self, line: &str) {
        say(&format!("\r\x1b[2K{line}"));
    }

    fn line(&mut self, line: &str) {
        if self.is_terminal() {
            say("\r\x1b[2K");
        }
        say(&format!("{line}\n"));
    }
}
