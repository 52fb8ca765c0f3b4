//! How networks see what they read that is computed from states: its mean and scale over the fitted data.

use super::failure::Failure;
use crate::base::{IndexSet, Tensor, least_and_most};
use crate::data::{Dataset, Window};
use crate::hir::{Fit, Model, Network, Normalise, Point, Program};
use crate::lower::training::statistics_of;
use crate::report::NormalisationRecord;

/// Puts the statistics of the features of all networks of a fit into the arguments that never change, and gives them for the record.
///
/// # Errors
/// Data, where no window fits or a feature has no value at a sample.
pub(super) fn settle(
    program: &Program,
    fit: &Fit,
    data: &Dataset,
    constants: &mut [(String, Tensor)],
) -> Result<Vec<NormalisationRecord>, Failure> {
    let mut records = Vec::new();
    let used: IndexSet<_> = fit.outputs().iter().map(|o| o.network).collect();
    for network in used.into_iter().map(|id| &program.networks[id]).filter(|n| !n.features.is_empty()) {
        let found = statistics(&program.models[fit.model], network, fit, data)?;
        let [means, scales] = statistics_of(network);
        let numbers = |k: usize| found.iter().map(|f| f[k]).collect::<Vec<f64>>();
        for (name, k) in [(means, 0), (scales, 1)] {
            let numbers = numbers(k);
            let tensor = Tensor::from_f64(vec![numbers.len()], numbers);
            let tensor = tensor.map_err(|e| Failure::Internal(e.to_string()))?;
            if let Some((_, slot)) = constants.iter_mut().find(|(n, _)| *n == name) {
                *slot = tensor;
            }
        }
        records.extend(network.features.iter().zip(&found).map(|(feature, &[subtracted, divided_by])| {
            NormalisationRecord { state: format!("{}.{}", network.name, feature.name), subtracted, divided_by }
        }));
    }
    Ok(records)
}

/// What is subtracted from every feature and what it is divided by.
fn statistics(model: &Model, network: &Network, fit: &Fit, data: &Dataset) -> Result<Vec<[f64; 2]>, Failure> {
    // Without moved windows every sample counts once.
    let windows = if fit.shifts.is_empty() {
        let whole = |(trajectory, len): (usize, usize)| Window { trajectory, start: 0, len };
        data.trajectories.iter().map(|t| t.len).enumerate().map(whole).collect()
    } else {
        data.windows(fit.window, fit.stride)?
    };
    let mut out = Vec::with_capacity(network.features.len());
    for feature in &network.features {
        let formula = &feature.formula;
        // Columns of the states, and of those that they are moved by.
        let columns: Vec<(Option<usize>, Option<usize>)> = formula
            .columns
            .iter()
            .map(|name| {
                let moved = fit.shifts.iter().find(|(s, _)| model.states[*s].name == *name);
                (data.column(name), moved.and_then(|(_, by)| data.column(&model.states[*by].name)))
            })
            .collect();
        let mut values = Vec::new();
        for w in &windows {
            let Some(t) = data.trajectories.get(w.trajectory) else { continue };
            for i in w.start..w.start + w.len {
                let value = |&(column, by): &(Option<usize>, Option<usize>)| {
                    let origin = by.map_or(Some(0.0), |by| t.value(w.start, by))?;
                    Some(t.value(i, column?)? - origin)
                };
                let Some(inputs) = columns.iter().map(value).collect::<Option<Vec<f64>>>() else { continue };
                let value = formula.formula.eval(&Point { inputs, ..Point::default() });
                if !value.is_finite() {
                    let place = format!("{}: sample {}", data.source, i + 1);
                    let column = format!("{}.{}", network.name, feature.name);
                    return Err(crate::data::DataError::NotFinite { place, column, value: value.to_string() }.into());
                }
                values.push(value);
            }
        }
        out.push(normalised(&values, fit.normalise));
    }
    Ok(out)
}

fn normalised(values: &[f64], how: Normalise) -> [f64; 2] {
    let positive = |x: f64| if x > 0.0 { x } else { 1.0 };
    let count = values.len().max(1) as f64;
    match how {
        Normalise::Off => [0.0, 1.0],
        Normalise::Standard => {
            let mean = values.iter().sum::<f64>() / count;
            let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
            [mean, positive(variance.sqrt())]
        }
        Normalise::Range => {
            let [low, high] = least_and_most(values.iter().copied());
            if values.is_empty() { [0.0, 1.0] } else { [0.5 * (low + high), positive(0.5 * (high - low))] }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Normalise, normalised};

    #[test]
    fn features_are_scaled_as_asked() {
        let values = [2.0, 4.0, 6.0, 8.0];
        assert_eq!(normalised(&values, Normalise::Standard), [5.0, 5f64.sqrt()]);
        assert_eq!(normalised(&values, Normalise::Range), [5.0, 3.0]);
        assert_eq!(normalised(&values, Normalise::Off), [0.0, 1.0]);
        assert_eq!(normalised(&[7.0; 3], Normalise::Standard), [7.0, 1.0]);
    }
}
