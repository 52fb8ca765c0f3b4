//! How often a solve is corrected, by the rule of the host engine.

use super::super::text;
use super::solve::Right;
use super::{Solve, settled};
use crate::artifact::device::DeviceFailure;
use crate::base::{Elem, SolvePrecision};
use crate::solve::relaxed::{
    Border, CORRECTIONS_OF_OPEN_STARTS, Coefficients, DataRows, Precision, Problem, RowWeights, Scheme, Shape, Steps,
    Stops,
};

/// Corrections of each solve in double precision: one recovers what the normal equations lose on well-scaled systems.
const CORRECTIONS: usize = 1;
/// The last correction of a solve with a factor in single precision, as a share of the solution, beyond which it has failed.
const LARGEST_CORRECTION: f64 = 1e-8;

/// Where a correction's size decides on the next one: text before the passes, at the beginning of one, after each step, and at the end.
pub(super) struct Sizes {
    pub before: String,
    pub begun: String,
    pub added: String,
    pub ended: String,
    pub after: String,
}

impl Sizes {
    /// In double precision corrections are counted, and looked at where the start leaves much open.
    pub fn new(solve: &Solve<'_>) -> Sizes {
        let none = String::new;
        let epsilon = match solve.precision {
            SolvePrecision::F64 if solve.open => return Sizes::of_open_start(solve),
            SolvePrecision::F64 => {
                return Sizes { before: none(), begun: none(), added: none(), ended: none(), after: none() };
            }
            SolvePrecision::F32 => f64::from(f32::EPSILON),
            SolvePrecision::Mixed => f64::EPSILON,
        };
        let stops = Stops::of(epsilon);
        let high = solve.high();
        Sizes {
            before: "  // Squared norms of the uncorrected solution and of the last correction.\n  double uncorrected = 0, last = 0;\n".to_string(),
            begun: format!("    {high} square = 0;\n"),
            added: added(solve),
            // The rule of the host engine, without quotients: a division is a call, around which registers are spilled.
            ended: format!(
                r"    const double now = square, earlier = last;
    last = now;
    if (pass == 0) uncorrected = now;
    else if (now == 0 || now * now <= {} * uncorrected * earlier || now > earlier * (now < {} * uncorrected ? {} : {})) break;
",
                text::number(stops.settled, Elem::F64),
                text::number(stops.near, Elem::F64),
                text::number(stops.stalled_near, Elem::F64),
                text::number(stops.stalled, Elem::F64),
            ),
            after: match solve.precision {
                SolvePrecision::Mixed => format!(
                    "  // Corrections that stay large: the factor is not that of the matrix.\n  if (lane == 0 && !(last <= {} * uncorrected)) atomicMin(status, system);\n",
                    text::number(LARGEST_CORRECTION * LARGEST_CORRECTION, Elem::F64)
                ),
                _ => none(),
            },
        }
    }

    /// Squared sizes of the uncorrected solution and of the last two corrections.
    fn of_open_start(solve: &Solve<'_>) -> Sizes {
        Sizes {
            before: "  double whole = 0, before = 0, last = 0;\n".to_string(),
            begun: "    double square = 0;\n".to_string(),
            added: added(solve),
            ended: "    before = last, last = square;\n    if (pass == 0) whole = square;\n".to_string(),
            after: format!("  if (lane == 0) {{\n{}  }}\n", settled::check("before", "last", "whole")),
        }
    }
}

/// Adds the squares of a step.
fn added(solve: &Solve<'_>) -> String {
    let (sync, unroll, high) = (solve.sync(), solve.unroll(), solve.high());
    format!("      {sync}\n{unroll}      for (int i = 0; i < N; ++i) square += ({high})y[i] * y[i];\n")
}

impl Solve<'_> {
    /// What a whole system fails with where its corrections do not come to rest, if that is looked at.
    pub fn unsettled(&self) -> Option<DeviceFailure> {
        match self.precision {
            SolvePrecision::Mixed => Some(DeviceFailure::NotConverged),
            SolvePrecision::F64 if self.open && self.right == Right::Rows => Some(DeviceFailure::Unsettled),
            _ => None,
        }
    }

    /// The most corrections of a solve. In single precision it ends before, where another would change nothing.
    pub fn corrections(&self) -> usize {
        let precision = match self.precision {
            SolvePrecision::F64 if self.open => return CORRECTIONS_OF_OPEN_STARTS,
            SolvePrecision::F64 => return CORRECTIONS,
            SolvePrecision::F32 => Precision::Single,
            SolvePrecision::Mixed => Precision::Mixed,
        };
        // The host allows the most where systems are longest.
        let nothing: &[f64] = &[];
        let longest = Problem {
            shape: Shape {
                batch: 1,
                equations: 1,
                steps: usize::MAX,
                states: 1,
                orders: 1,
                initial_steps: 1,
                initial_orders: 1,
            },
            scheme: Scheme { precision, ..Scheme::published() },
            c: Coefficients::Shared(nothing),
            rhs: nothing,
            iv: nothing,
            h: Steps { values: nothing, per_sample: false, per_state: false },
            row_weights: RowWeights::default(),
            data: DataRows::default(),
            border: Border::default(),
        };
        longest.refinements()
    }
}
