//! Relaxed solves: factor, solve, adjoint and gradients.
//!
//! With the unknowns scaled by powers of the step the normal matrix of a system is block tridiagonal (central rows couple two steps), with
//! blocks of states times derivatives. Systems are done whole or, where they are few and long, cut in time ([`regimes`]). What one thread goes
//! through is an [`extent`]; the same texts serve all of them:
//!
//! | module | text |
//! |---|---|
//! | [`solve`], [`scale`] | sizes and types, places in memory, unknowns scaled by powers of the step |
//! | [`factor`] | assembly and Cholesky factor, step by step |
//! | [`residuals`] | right-hand sides of a step at the solution so far |
//! | [`substitute`] | both halves of a substitution |
//! | [`slack`] | the unknown of all rows between steps, by its Schur complement |
//! | [`kept_rows`] | residuals as numbers of their own, where time is cut |
//! | [`corrections`] | when a solve is corrected again |
//! | [`settled`] | whether corrections have settled |
//! | [`gradients`], [`gradient_sums`] | gradients from a solution and its adjoint: one thread for each time step of a system, then sums |
//!
//! and [`factors`] and [`solves`] put kernels together. A whole system is one kernel for the factor, and one for the solve with its
//! corrections. A system that is cut has steps that separate segments; by elimination of the segments, all at once, what is left is a short
//! chain of these separators (nested dissection of one level, as the host's segments). One thread does a system or a segment while its blocks fit
//! in registers, a group of lanes with blocks in shared memory does it beyond.

mod corrections;
mod extent;
mod factor;
mod factors;
mod gradient_sums;
mod gradients;
mod kept_rows;
mod regimes;
mod residuals;
mod scale;
mod settled;
mod slack;
mod solve;
mod solves;
mod substitute;

use super::generate::Generator;
use super::rows::{INTERVALS, Rows};
use crate::artifact::device::Count;
use crate::artifact::{SolveStep, StepSizes};
use crate::base::SolvePrecision;
use regimes::Regimes;
pub use regimes::SolveRegime;
use solve::Solve;

/// What earlier steps have left for later ones.
#[derive(Default)]
pub(super) struct Known {
    factors: Vec<factors::KeptFactor>,
    rows: Vec<kept_rows::KeptRows>,
}

/// The step of a solve or its adjoint.
pub(super) fn step(generator: &mut Generator<'_>, s: &SolveStep) {
    debug_assert!(s.adjoint.is_none() || s.precision != SolvePrecision::F32, "gradients are in double precision");
    let rows = Rows::new(s.orders, s.central, solve::high(s.device_precision()));
    generator.function(&format!("rows_{}", rows.tag), || rows.text());
    if s.slack.is_some() {
        generator.function(&format!("sums_{}", rows.tag), || rows.sums());
    }
    if s.steps != StepSizes::One {
        generator.function("intervals", || INTERVALS.to_string());
        if s.central {
            generator.function(&format!("central_{}", rows.tag), || rows.central_text());
        }
    }
    let regimes = Regimes::of(generator, s);
    let solve = Solve::new(s, &rows, &regimes);
    let swept = generator.scratch(solve.low, Count::of(solve.unknowns()));
    let scaled = generator.scratch(solve.high, Count::of(solve.unknowns()));
    let whole_keeps = regimes.may(false) && kept_rows::are_kept(generator, &solve);
    // Those of systems that are cut, and of the others where theirs are kept.
    let kept = (whole_keeps || regimes.may(true)).then(|| kept_rows::memory(generator, &solve, whole_keeps));
    if regimes.may(false) {
        let made = factors::of(generator, &solve, false);
        let places = solves::Places { made, swept, scaled };
        match kept.filter(|_| whole_keeps) {
            Some(rows) => solves::by_passes(generator, &Solve { keeps: true, ..solve }, places, rows),
            None => solves::whole(generator, &solve, places),
        }
    }
    if let Some(rows) = kept.filter(|_| regimes.may(true)) {
        generator.function("segments", || extent::PLACES.to_string());
        let made = factors::of(generator, &solve, true);
        let cut = Solve { keeps: true, ..solve.over(extent::Extent::Segment) };
        solves::by_passes(generator, &cut, solves::Places { made, swept, scaled }, rows);
    }
    match (s.adjoint, kept) {
        (Some((_, adjoints)), applied) => {
            let kept = applied.and_then(|applied| Some([kept_rows::left(generator, s)?, applied]));
            gradients::write(generator, &solve, scaled, (kept, whole_keeps), adjoints);
        }
        (None, Some(rows)) => kept_rows::leave(generator, s, rows),
        (None, None) => {}
    }
}
