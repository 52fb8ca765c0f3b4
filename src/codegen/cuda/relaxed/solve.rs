//! What the kernels of one step have in common: sizes, types, and where numbers are in memory.

use super::super::generate::{Generator, Parameter, count};
use super::super::rows::Rows;
use super::super::text;
use super::extent::Extent;
use super::regimes::Regimes;
use crate::artifact::device::{Count, Factor, Memory, lanes};
use crate::artifact::{Size, SolveStep};
use crate::base::{Elem, SolvePrecision};
use crate::solve::relaxed::{Shape, Weights};

/// Systems whose factors lie beside each other where each is whole and one thread's. The number is constant so that the places of a step's
/// numbers are at constant distances: with a distance that a call chooses all of them are kept in registers, twice as many as there is room for.
const TILE: u64 = 32;

/// What the kernels of a step have in common, and what one of them goes through.
#[derive(Clone, Copy)]
pub(super) struct Solve<'s> {
    pub s: &'s SolveStep,
    pub rows: &'s Rows,
    /// The ways in which the systems are done.
    pub regimes: &'s Regimes,
    /// What one thread, or all lanes of one block, go through.
    pub extent: Extent,
    /// Threads that do it together.
    pub lanes: u32,
    /// Whether blocks are in registers, with loops of constant length.
    pub unrolled: bool,
    /// The arithmetic.
    pub precision: SolvePrecision,
    /// The type of the factor and of substitutions.
    pub low: Elem,
    /// The type of rows, residuals and solutions.
    pub high: Elem,
    /// Whether all systems have one matrix.
    pub shared: bool,
    /// What a substitution is for.
    pub right: Right,
    /// Whether starts leave much open, so that solves have to settle; not looked at where rows may not be kept.
    pub open: bool,
    /// Whether residuals of rows are kept from pass to pass ([`kept_rows`](super::kept_rows)).
    pub keeps: bool,
}

/// What a substitution through whole systems is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Right {
    /// The residuals of all rows.
    Rows,
    /// The column of the slack.
    Slack,
}

/// The type of rows, residuals and solutions.
pub(super) fn high(precision: SolvePrecision) -> Elem {
    if precision == SolvePrecision::F32 { Elem::F32 } else { Elem::F64 }
}

/// Whether starts leave much open, by the rule of the host; a number of steps with initial values that calls choose is taken to be one.
fn leaves_open(s: &SolveStep) -> bool {
    let [equation, initial, smooth] = s.weights;
    let shape = Shape {
        batch: 1,
        equations: s.equations,
        steps: 1,
        states: s.states,
        orders: s.orders,
        initial_steps: s.start.known().map_or(1, |n| usize::from(n > 0)),
        initial_orders: s.given,
    };
    !shape.starts_fully(&Weights { equation, initial, smooth })
}

impl<'s> Solve<'s> {
    pub fn new(s: &'s SolveStep, rows: &'s Rows, regimes: &'s Regimes) -> Self {
        let (precision, shared) = (s.device_precision(), s.shared());
        let high = high(precision);
        let low = if precision == SolvePrecision::F64 { Elem::F64 } else { Elem::F32 };
        let lanes = lanes((s.states * s.orders) as u64, high);
        Solve {
            s,
            rows,
            regimes,
            extent: Extent::Whole,
            lanes,
            unrolled: lanes == 1,
            precision,
            low,
            high,
            shared,
            right: Right::Rows,
            open: s.may_keep_rows() && leaves_open(s),
            keeps: false,
        }
    }

    /// The unknowns of a step.
    pub fn block(&self) -> usize {
        self.s.states * self.s.orders
    }

    /// Numbers of a factor for each step: the triangle of the diagonal block, and two blocks that couple it with others: the next step,
    /// and the step after that or, where time is cut, the step before the segment.
    pub fn per_step(&self) -> usize {
        let n = self.block();
        n * (n + 1) / 2 + n * n * (1 + usize::from(self.s.central || self.extent != Extent::Whole))
    }

    /// Numbers of the scaled solutions.
    pub fn unknowns(&self) -> Size {
        self.s.batch.times(&self.s.time).times(&Size::constant(self.block() as u64))
    }

    /// Systems with a matrix of their own.
    pub fn matrices(&self) -> Size {
        if self.shared { Size::ONE } else { self.s.batch.clone() }
    }

    /// What a kernel does, for a comment.
    pub fn describe(&self, what: &str) -> String {
        let s = self.s;
        format!(
            "{what}: blocks of {} ({} states, {} derivatives), {} equations{}{}{}",
            self.block(),
            s.states,
            s.orders,
            s.equations,
            match (s.central, s.slack.is_some()) {
                (false, false) => "",
                (true, false) => ", central rows",
                (false, true) => ", a slack",
                (true, true) => ", central rows, a slack",
            },
            if self.shared { ", one matrix for all systems" } else { "" },
            match self.precision {
                SolvePrecision::F64 => "",
                SolvePrecision::F32 => ", single precision",
                SolvePrecision::Mixed => ", factor in single precision",
            }
        )
    }

    /// The same, and of which systems.
    pub fn describe_extent(&self, what: &str) -> String {
        self.describe(what) + &self.regimes.describe(self.extent)
    }

    /// Constants of a body.
    pub fn constants(&self) -> String {
        let s = self.s;
        let [we, wi, ws] = s.weights.map(|w| text::number(w * w, self.high));
        let high = self.high();
        format!(
            r"  enum {{ D = {}, K = {}, N = D * K, E = {}, G = {}, R = {}, LANES = {}, TRIANGLE = N * (N + 1) / 2, F = {} }};
  // Squared weights of equation, initial and smoothness rows.
  const {high} we = {we}, wi = {wi}, ws = {ws};
",
            s.states,
            s.orders,
            s.equations,
            s.given,
            self.rows.count().max(1),
            self.lanes,
            self.per_step(),
        )
    }

    /// The name of the type of the factor and of substitutions.
    pub fn low(&self) -> &'static str {
        text::elem(self.low)
    }

    /// The name of the type of rows, residuals and solutions.
    pub fn high(&self) -> &'static str {
        text::elem(self.high)
    }

    /// What makes a double number one of the rows' type: nothing where that is double.
    pub fn narrowing(&self) -> &'static str {
        if self.high == Elem::F32 { "(float)" } else { "" }
    }

    /// Where lanes wait for each other.
    pub fn sync(&self) -> &'static str {
        if self.lanes > 1 { "__syncthreads();" } else { "" }
    }

    /// What stands before a loop: beyond registers it stays one, since unrolled it would need more of them than there are.
    pub fn unroll(&self) -> &'static str {
        if self.unrolled { "#pragma unroll\n" } else { "#pragma unroll 1\n" }
    }

    /// Whether factors lie in tiles of [`TILE`] systems.
    fn tiled(&self) -> bool {
        self.unrolled && !self.shared && self.extent == Extent::Whole
    }

    /// The numbers of the factors.
    pub fn factor_size(&self) -> Count {
        let each = self.s.time.times(&Size::constant(self.per_step() as u64));
        if self.tiled() {
            return Count::of(each).by(Factor::Multiple(self.matrices(), TILE));
        }
        Count::of(self.matrices().times(&each))
    }

    /// The element of the factor at `t`. One system's numbers lie together where lanes read them together, and where time is cut: there
    /// are few systems then.
    pub fn stored(&self, t: &str, e: &str) -> String {
        if self.tiled() {
            return format!("factor[((system / {TILE} * steps + ({t})) * F + {e}) * {TILE} + system % {TILE}]");
        }
        let system = if self.shared { "" } else { "system * steps + " };
        format!("factor[({system}({t})) * F + {e}]")
    }

    /// The element of a scaled vector at `t`.
    pub fn vector(&self, name: &str, t: &str, e: &str) -> String {
        if self.unrolled {
            format!("{name}[(({t}) * N + {e}) * systems + system]")
        } else {
            format!("{name}[(system * steps + ({t})) * N + {e}]")
        }
    }

    /// An operand of the step as a parameter.
    pub fn operand(&self, generator: &Generator<'_>, which: usize, name: &str) -> Parameter {
        generator.memory(Memory::Buffer(self.s.operands[which].0), name, false)
    }

    /// Sizes that a kernel is told.
    pub fn sizes(&self, systems: Size, start: bool) -> Vec<Parameter> {
        let mut out = vec![
            count("systems", Count::of(systems), "systems"),
            count("steps", Count::of(self.s.time.clone()), "time steps"),
        ];
        if self.extent != Extent::Whole {
            out.push(count("segments", self.segments(), "segments of time"));
        }
        if start {
            out.push(count("start", Count::of(self.s.start.clone()), "steps with initial values"));
        }
        out
    }
}
