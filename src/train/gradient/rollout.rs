//! Predictions that networks make from their own output.

use super::functions::Functions;
use super::sums::{Sums, go_on};
use super::{GradientError, GradientFit, Layout, Settings};
use crate::artifact::training::names;
use crate::data::Dataset;
use crate::runtime::RuntimeError;
use crate::train::Observer;

/// What a prediction starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct Seed {
    /// The time of the first sample that is read.
    pub t0: f64,
    /// `[sample, observed state]`: as many samples as networks read.
    pub values: Vec<f64>,
}

/// Goes on from every seed: networks read the last samples, the system is solved over its horizon, the first `by` samples behind those
/// that were read are appended, and so on, until there are `steps` of them. Gives `[sample, state]` by seed, normalised as what
/// was trained on; a prediction that is no longer finite, or whose solve fails, ends there and takes none of the others with it.
///
/// # Errors
/// As [`fit`](super::fit); [`GradientError::Horizon`] where solves reach no further than networks read.
pub fn roll_out(
    functions: &Functions,
    layout: &Layout,
    train: &Dataset,
    settings: &Settings,
    fit: &GradientFit,
    (seeds, steps, by): (&[Seed], usize, usize),
    observer: &dyn Observer,
) -> Result<Vec<Vec<f64>>, GradientError> {
    let mut sums = Sums::new(functions, layout, (train, train), settings, &fit.state.weights, 0)?;
    sums.arrays.give(&fit.state.coefficients)?;
    let (read, length, begin, states) = (settings.read, settings.window, settings.begin, layout.columns.len());
    let by = by.min(length.saturating_sub(read));
    if by == 0 {
        return Err(GradientError::Horizon);
    }
    let columns = layout.observed.len();
    let mut out: Vec<Vec<f64>> = vec![Vec::new(); seeds.len()];
    let mut last: Vec<Vec<f64>> = seeds.iter().map(|s| s.values.clone()).collect();
    let mut going: Vec<usize> = (0..seeds.len()).filter(|&i| last[i].len() == read * columns).collect();
    let mut done = 0;
    while done < steps && !going.is_empty() {
        let mut next = Vec::new();
        // Batches that are still to be solved, the next one last.
        let mut waiting: Vec<&[usize]> = going.chunks(sums.windows.batch).rev().collect();
        while let Some(chosen) = waiting.pop() {
            go_on(&fit.state, observer)?;
            let (mut values, mut times, mut reads) = (Vec::new(), Vec::new(), Vec::new());
            let mut origins = Vec::with_capacity(chosen.len());
            for &i in chosen {
                reads.extend_from_slice(&last[i]);
                values.extend_from_slice(last[i].get(begin * columns..).unwrap_or_default());
                origins.push(by_state(layout, &sums.windows.origins_of(&last[i])));
                // What is to come is compared with nothing: any number will do.
                let row = last[i].get((read - 1) * columns..).unwrap_or_default();
                values.extend(row.iter().cycle().take((length - read) * columns));
                times.extend((begin..length).map(|k| seeds[i].t0 + (done + k) as f64 * sums.windows.dt));
            }
            sums.arrays.put(chosen.len(), [values, reads, times], states)?;
            let samples = match sums.evaluate_put(chosen.len()) {
                Ok(samples) => samples,
                // One of them has run away: halves find out which.
                Err(GradientError::Runtime(RuntimeError::Solve { .. } | RuntimeError::NotPositiveDefinite { .. })) => {
                    if chosen.len() > 1 {
                        let (first, second) = chosen.split_at(chosen.len() / 2);
                        waiting.extend([second, first]);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            let solution = sums.evaluated(samples, names::SOLUTION)?;
            let new = by.min(steps - done);
            for ((&i, origin), rows) in chosen.iter().zip(&origins).zip(solution.chunks((length - begin) * states)) {
                let rows = rows.get((read - begin) * states..(read - begin + new) * states).unwrap_or_default();
                let rows: Vec<f64> = rows.iter().zip(origin.iter().cycle()).map(|(x, o)| x + o).collect();
                let finite = rows.chunks(states).take_while(|row| row.iter().all(|x| x.is_finite())).count();
                out[i].extend_from_slice(&rows[..finite * states]);
                let observed = rows.chunks(states).flat_map(|row| layout.observed.iter().map(|&s| row[s]));
                last[i].extend(observed);
                let read_before = (new * columns).min(last[i].len());
                last[i].drain(..read_before);
                if finite == new {
                    next.push(i);
                }
            }
        }
        going = next;
        done += by;
    }
    Ok(out)
}

/// Numbers of the observed states as numbers of all; 0 for the others.
fn by_state(layout: &Layout, observed: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; layout.columns.len()];
    for (&state, &x) in layout.observed.iter().zip(observed) {
        out[state] = x;
    }
    out
}
