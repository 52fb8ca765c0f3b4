//! Interrupts: a run ends in order at the first one, everything else at once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mechc::diagnostics::Format;
use mechc::driver::{Failure, Problem};
use mechc::report;

use super::say;

/// What the parts of a run that are interrupted share.
#[derive(Clone, Default)]
pub struct Stop {
    /// Set by the first interrupt; the second one ends the program at once.
    asked: Arc<AtomicBool>,
    /// The folder of the run.
    directory: Arc<Mutex<Option<PathBuf>>>,
}

impl Stop {
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    pub fn directory(&self) -> MutexGuard<'_, Option<PathBuf>> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An interrupted run that has not ended by itself after this time is ended.
const GRACE: Duration = Duration::from_secs(4);
/// How often an interrupt is looked for.
const WATCH: Duration = Duration::from_millis(100);

/// A run looks at `stop` and ends in order; every other command ends at the first interrupt.
pub fn signals(stop: &Stop, running: bool, format: Format) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
    let at_once = if running { Arc::clone(&stop.asked) } else { Arc::new(AtomicBool::new(true)) };
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&at_once))?;
        signal_hook::flag::register(signal, Arc::clone(&stop.asked))?;
    }
    if running {
        let stop = stop.clone();
        std::thread::Builder::new().spawn(move || end_late(&stop, format))?;
    }
    // A file-size limit then is an error of the write, not the end of the program.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    Ok(())
}

/// Ends the program when a run does not come to a place where it looks at `stop`: one large solve can take minutes.
fn end_late(stop: &Stop, format: Format) {
    while !stop.is_asked() {
        std::thread::sleep(WATCH);
    }
    std::thread::sleep(GRACE);
    let last = stop.directory().as_ref().map(|d| d.join(report::Checkpoint::file_names()[0])).filter(|f| f.exists());
    let (kept, help) = match last.as_ref().and_then(|file| Some((file, file.parent()?))) {
        Some((file, folder)) => (
            format!("the last state that was saved is in `{}`", file.display()),
            format!("go on with `--resume {}`", folder.display()),
        ),
        None => ("nothing was saved yet".to_string(), "start it again".to_string()),
    };
    let problem = Problem::new("N000", format!("interrupted in the middle of a long step: {kept}"), help);
    say(&Failure::Interrupted(problem).render(&mechc::source::Sources::default(), format));
    std::process::exit(130);
}
