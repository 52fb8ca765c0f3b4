//! Predictions that are solutions of the equations that were found.

use super::cut::{Cut, cuts};
use super::{Part, begun};
use crate::driver::continuation::Continuation;
use crate::driver::failure::Failure;
use crate::driver::pointwise::Compiled;
use crate::driver::powers;
use crate::hir::{DataSet, PredictSpec};

/// Solves the equations on from every trajectory; gives what came of it, and what is to be told.
pub(super) fn solve_on(
    on: &mut Continuation<'_>,
    item: &DataSet,
    spec: &PredictSpec,
) -> Result<(super::Forecast, Vec<String>), Failure> {
    let mut compiled = Compiled::field(&powers::continued(on.model))?;
    let (mut forecast, mut warnings) = (begun(&item.name, spec, 0), Vec::new());
    // From the start, the first sample gives the state; of trajectories held out, the first fifth.
    let cuts = cuts(spec, on.observed, 1);
    forecast.warn_without(&cuts, &mut warnings);
    for cut in cuts.all {
        let of = cut.of();
        match part(on, &mut compiled, cut, spec.steps)? {
            Ok(part) => forecast.parts.push(part),
            Err(why) => warnings.push(format!("the prediction `{}`{of} fails: {why}", item.name)),
        }
    }
    Ok((forecast, warnings))
}

/// The prediction behind a cut, or why there is none.
fn part(
    on: &mut Continuation<'_>,
    compiled: &mut Compiled,
    cut: Cut,
    steps: Option<usize>,
) -> Result<Result<Part, String>, Failure> {
    let whole = cut.whole();
    let started = match cut.fitted {
        Some(k) => on.state(k, cut.before.len, &whole)?.map(|state| (cut, state, on.findings.unknowns_of(k))),
        None => on.of_own(&whole)?.map(|head| {
            let [unknowns, _] = head.unknowns;
            (Cut::new(&whole, head.count, None), head.state, unknowns)
        }),
    };
    let (cut, state, xi) = match started {
        Ok(started) => started,
        Err(why) => return Ok(Err(why)),
    };
    let grid = cut.grid(steps);
    let solved = on.solve(compiled, &xi, &state, (&cut.before, &grid))?;
    Ok(solved.map(|predicted| Part { truth: cut.truth.slice(0, grid.len), grid, predicted }))
}
