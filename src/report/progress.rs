//! Progress as text: plain lines for a pipe, a bar that is redrawn for a terminal. Who prints it is the caller's choice.

use std::time::Duration;

use super::text::short;

/// Where the text goes. A program implements this; nothing here writes to a stream.
pub trait ProgressSink {
    /// True where a line can be redrawn.
    fn is_terminal(&self) -> bool;
    /// Number of characters in a line of the terminal.
    fn width(&self) -> usize;
    /// Replaces the current line (terminals only).
    fn redraw(&mut self, line: &str);
    /// Adds a line for good, after clearing one that was redrawn.
    fn line(&mut self, line: &str);
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What is being done.
    pub phase: String,
    /// Iterations done.
    pub done: u64,
    /// Iterations in all, where that is known.
    pub total: Option<u64>,
    /// The loss, where there is one.
    pub loss: Option<f64>,
    /// More to say, such as `terms 9`; may be empty.
    pub note: String,
    /// Time since the start of the run.
    pub elapsed: Duration,
}

/// Decides when to show progress, by the time that the caller reports.
#[derive(Debug)]
pub struct Reporter<S> {
    sink: S,
    shown: Option<(String, Duration)>,
}

impl Progress {
    /// One line, such as `fit 120/500  loss 0.0123  terms 9  3.4 s`.
    pub fn plain(&self) -> String {
        let count = match self.total {
            Some(total) => format!("{} {}/{total}", self.phase, self.done),
            None => format!("{} {}", self.phase, self.done),
        };
        self.with_details(count, true)
    }

    /// A bar with the same details, at most `width` characters long.
    pub fn bar(&self, width: usize) -> String {
        /// Eighths of a cell.
        const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
        let Some(total) = self.total.filter(|&t| t > 0) else {
            return self.plain().chars().take(width).collect();
        };
        let details = self.with_details(format!("{}/{total}", self.done), true);
        let phase = &self.phase;
        let taken = phase.chars().count() + details.chars().count() + 4;
        let cells = width.saturating_sub(taken).min(40);
        if cells < 5 {
            return self.plain().chars().take(width).collect();
        }
        let eighths = (self.done.min(total) as f64 / total as f64 * (cells * 8) as f64) as usize;
        let mut bar: String = "█".repeat(eighths / 8);
        if eighths / 8 < cells {
            bar.push(PARTS.get(eighths % 8).copied().unwrap_or(' '));
            bar.push_str(&" ".repeat(cells - eighths / 8 - 1));
        }
        format!("{phase} ▕{bar}▏ {details}")
    }

    fn with_details(&self, mut text: String, time: bool) -> String {
        if let Some(loss) = self.loss {
            text.push_str(&format!("  loss {}", short(loss)));
        }
        if !self.note.is_empty() {
            text.push_str(&format!("  {}", self.note));
        }
        if time {
            text.push_str(&format!("  {:.1} s", self.elapsed.as_secs_f64()));
        }
        text
    }
}

impl<S: ProgressSink> Reporter<S> {
    /// The longest silence of a pipe: one line in so many seconds.
    const PIPE: Duration = Duration::from_secs(5);
    /// The time between two pictures on a terminal.
    const TERMINAL: Duration = Duration::from_millis(80);

    /// Reports to a sink.
    pub fn new(sink: S) -> Self {
        Self { sink, shown: None }
    }

    /// Shows progress if a phase begins or enough time has passed since the last time.
    pub fn update(&mut self, progress: &Progress) {
        let pause = if self.sink.is_terminal() { Self::TERMINAL } else { Self::PIPE };
        let due = match &self.shown {
            Some((phase, at)) => *phase != progress.phase || progress.elapsed.saturating_sub(*at) >= pause,
            None => true,
        };
        if due {
            self.show(progress);
        }
    }

    /// Shows progress now and for good, as at the end of a phase.
    pub fn finish(&mut self, progress: &Progress) {
        // A pipe may have this line already.
        let shown = self.shown.as_ref().is_some_and(|(phase, at)| *phase == progress.phase && *at == progress.elapsed);
        if self.sink.is_terminal() || !shown {
            self.sink.line(&progress.plain());
        }
        self.shown = Some((progress.phase.clone(), progress.elapsed));
    }

    /// A message between the lines of progress.
    pub fn message(&mut self, text: &str) {
        self.sink.line(text);
    }

    /// The sink.
    pub fn into_sink(self) -> S {
        self.sink
    }

    fn show(&mut self, progress: &Progress) {
        if self.sink.is_terminal() {
            let width = self.sink.width().saturating_sub(1);
            self.sink.redraw(&progress.bar(width));
        } else {
            self.sink.line(&progress.plain());
        }
        self.shown = Some((progress.phase.clone(), progress.elapsed));
    }
}
