//! Whether systems are done one by one or cut in time, decided here where their sizes are known, else by each call.

use std::fmt;

use super::super::generate::Generator;
use super::super::text;
use super::extent::Extent;
use super::solve;
use crate::artifact::SolveStep;
use crate::artifact::device::{Count, FEWEST_STEPS_CUT, Factor, MOST_THREADS_CUT, TimeCut, cuts_time, lanes, segments};
use crate::base::SolvePrecision;

/// How a device does the systems of a relaxed solve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SolveRegime {
    /// Threads of a system or of a segment.
    pub lanes: u32,
    /// Segments of its time, where it is cut.
    pub segments: Option<u64>,
}

impl SolveRegime {
    /// That of so many systems with blocks of `block` unknowns at each step; `may_cut` says whether there are only rows that tie two steps, in double precision.
    pub fn of(systems: u64, steps: u64, block: usize, may_cut: bool, precision: SolvePrecision) -> SolveRegime {
        let lanes = lanes(block as u64, solve::high(precision));
        let cut = may_cut && cuts_time(systems, u64::from(lanes), steps);
        SolveRegime { lanes, segments: cut.then(|| segments(steps)) }
    }
}

impl fmt::Display for SolveRegime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = if self.lanes == 1 { "one thread".to_string() } else { format!("{} threads", self.lanes) };
        match self.segments {
            Some(segments) => write!(f, "time in {segments} segments, {threads} for each"),
            None => write!(f, "{threads} for each system"),
        }
    }
}

/// The ways in which the systems of a step are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Regimes {
    /// One by one.
    Whole,
    /// Cut in time.
    Cut,
    /// As the sizes of a call want it.
    BySize(TimeCut),
}

impl Regimes {
    /// Those of a step.
    pub fn of(generator: &Generator<'_>, s: &SolveStep) -> Regimes {
        // Central rows couple a step with two others, a slack couples all of them, and corrections that end when nothing is gained any more need all of a
        // system in one place: these are done whole, as on the host. A second try does systems as the first one did, which is whole: kernels of both ways would be half of a source for what hardly
        // ever runs.
        if !s.may_keep_rows() || generator.is_guarded() {
            return Regimes::Whole;
        }
        let lanes = u64::from(lanes((s.states * s.orders) as u64, solve::high(s.device_precision())));
        let known = |size| text::known(generator.entry, size);
        // What is not known is as it should be for a cut.
        let (systems, steps) = (known(&s.batch), known(&s.time));
        if !cuts_time(systems.unwrap_or(0), lanes, steps.unwrap_or(u64::MAX)) {
            return Regimes::Whole;
        }
        match systems.and(steps) {
            Some(_) => Regimes::Cut,
            None => Regimes::BySize(TimeCut { systems: s.batch.clone(), lanes, steps: s.time.clone() }),
        }
    }

    /// Whether systems may be done in this way.
    pub fn may(&self, cut: bool) -> bool {
        match self {
            Regimes::Whole => !cut,
            Regimes::Cut => cut,
            Regimes::BySize(_) => true,
        }
    }

    /// A count that holds for one way: nothing in the other one.
    pub fn only(&self, count: Count, cut: bool) -> Count {
        match self {
            Regimes::BySize(systems) => count.by(Factor::When { systems: systems.clone(), cut }),
            _ => count,
        }
    }

    /// What a kernel's comment says of it.
    pub fn describe(&self, extent: Extent) -> String {
        let cut = if extent == Extent::Whole { "" } else { ", time in segments" };
        match self {
            Regimes::BySize(systems) => {
                let most = MOST_THREADS_CUT / systems.lanes;
                let or = if extent == Extent::Whole { "unless" } else { "for" };
                format!("{cut} ({or} at most {most} systems of at least {FEWEST_STEPS_CUT} steps)")
            }
            _ => cut.to_string(),
        }
    }
}
