//! How a fit tells its caller where it stands.

use std::path::Path;

/// Where a fit stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress<'a> {
    /// Steps done.
    pub step: usize,
    /// Steps expected in all.
    pub total: usize,
    /// The loss at this step.
    pub loss: f64,
    /// What the fit is doing.
    pub phase: &'a str,
}

/// Watches a fit, and may end it.
pub trait Observer: Send {
    /// Called after every step.
    fn progress(&mut self, progress: &Progress);
    /// Told before a fit starts: the folder that its results and checkpoints go to.
    fn directory(&mut self, _: &Path) {}
    /// Told before a fit starts what is done otherwise than it was asked for: a code, what is so, and the way out.
    fn warning(&mut self, _code: &'static str, _message: &str, _help: &str) {}
    /// Asked before every step: whether the fit should end now.
    fn should_stop(&self) -> bool;
}

/// An observer that neither looks nor stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn progress(&mut self, _: &Progress) {}
    fn should_stop(&self) -> bool {
        false
    }
}

/// An observer that is asked whether to go on and not told how far a fit is: for those that are made beside the one that is watched.
pub struct Unseen<'a>(pub &'a mut dyn Observer);

impl Observer for Unseen<'_> {
    fn progress(&mut self, _: &Progress) {}

    fn should_stop(&self) -> bool {
        self.0.should_stop()
    }
}
