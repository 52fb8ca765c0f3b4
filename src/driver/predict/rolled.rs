//! Predictions that networks make from their own output.

use super::cut::{Cut, cuts};
use super::{Forecast, Part, begun};
use crate::driver::failure::Failure;
use crate::driver::findings::Findings;
use crate::driver::gradient::{self, Trained};
use crate::driver::observed::Observed;
use crate::hir::{DataSet, Model, PredictSpec};
use crate::train::Observer;
use crate::train::gradient::Seed;

/// Rolls a trained fit out by `by` samples at a time.
pub(super) fn roll(
    (item, spec, by): (&DataSet, &PredictSpec, usize),
    (model, observed): (&Model, &Observed),
    trained: &Trained,
    findings: &mut Findings,
    observer: &dyn Observer,
) -> Result<(), Failure> {
    let read = trained.read();
    let mut forecast = begun(&item.name, spec, read);
    let cuts = cuts(spec, observed, read);
    let mut warnings = Vec::new();
    forecast.warn_without(&cuts, &mut warnings);
    let (mut kept, mut seeds) = (Vec::new(), Vec::new());
    let states = observed.train.columns.iter().enumerate();
    let states = states.filter(|(_, name)| model.states.values().any(|s| s.name == **name));
    let columns: Vec<usize> = states.map(|(c, _)| c).collect();
    for cut in cuts.all {
        match seed(&cut, read, &columns) {
            Ok(seed) => {
                seeds.push(seed);
                kept.push(cut);
            }
            Err(why) => warnings.push(format!("the prediction `{}`{} fails: {why}", item.name, cut.of())),
        }
    }
    let steps = kept.iter().map(|cut| spec.steps.unwrap_or(cut.truth.len)).max().unwrap_or(0);
    let rolled = trained.roll_out(&observed.train, (&seeds, steps, by), observer).map_err(gradient::failure)?;
    for (cut, rows) in kept.into_iter().zip(rolled) {
        add(&mut forecast, &cut, (model, observed), spec.steps, &rows, &mut warnings);
    }
    findings.fail(warnings);
    findings.predictions.push(forecast);
    Ok(())
}

/// What networks read before a cut: the last `read` samples of the observed states.
fn seed(cut: &Cut, read: usize, columns: &[usize]) -> Result<Seed, String> {
    let before = &cut.before;
    let first = before.len.checked_sub(read).ok_or_else(|| format!("there are fewer than {read} samples to read"))?;
    let rows = (first..before.len).flat_map(|i| columns.iter().map(move |&c| (i, c)));
    let values: Option<Vec<f64>> = rows.map(|(i, c)| before.value(i, c)).collect();
    let values = values.ok_or("one of the samples to read is missing")?;
    Ok(Seed { t0: before.time(first), values })
}

/// Adds to a forecast what a roll-out gave of a cut, `[sample, state]` for the states in `model`'s order. A prediction that ended before
/// its time is told.
fn add(
    forecast: &mut Forecast,
    cut: &Cut,
    (model, observed): (&Model, &Observed),
    steps: Option<usize>,
    rows: &[f64],
    warnings: &mut Vec<String>,
) {
    let states = model.states.len().max(1);
    let mut grid = cut.grid(steps);
    let done = (rows.len() / states).min(grid.len);
    if done < grid.len {
        let (name, of, at) = (&forecast.name, cut.of(), grid.time(done));
        warnings.push(format!("the prediction `{name}`{of} is not finite from the time {at} on and ends there"));
        grid = cut.grid(Some(done));
    }
    let mut predicted = vec![f64::NAN; observed.components.len() * done];
    for (c, component) in observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0) {
        let Some(state) = model.states.values().position(|s| s.name == component.state) else { continue };
        let column = rows.iter().skip(state).step_by(states);
        predicted.iter_mut().skip(c * done).take(done).zip(column).for_each(|(slot, x)| *slot = *x);
    }
    let truth = cut.truth.slice(0, done);
    forecast.parts.push(Part { truth, grid, predicted });
}
