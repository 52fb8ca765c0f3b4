//! How networks see the states: moved and scaled numbers, and windows that start at zero.

use super::{Layout, Settings};
use crate::base::{Normalise, least_and_most};
use crate::data::{Dataset, Window};

/// What is subtracted from each state and what it is divided by before a network reads it, and undone behind the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Normalisation {
    /// By state; 0 for those that are not observed.
    pub mean: Vec<f64>,
    /// By state; 1 for those that are not observed.
    pub scale: Vec<f64>,
}

/// Sums over the samples of a state as the windows show them.
struct Moments {
    mean: f64,
    deviation: f64,
    min: f64,
    max: f64,
}

/// For every column of the data the one whose first sample in a window is subtracted.
pub(super) fn moved_by(layout: &Layout, settings: &Settings, columns: usize) -> Vec<Option<usize>> {
    let mut out = vec![None; columns];
    for &(state, by) in &settings.shifts {
        let column = |s: usize| layout.columns.get(s).copied().flatten();
        if let (Some(column), Some(by)) = (column(state), column(by))
            && let Some(slot) = out.get_mut(column)
        {
            *slot = Some(by);
        }
    }
    out
}

/// What is subtracted from a column in a window, in which no sample is missing.
pub(super) fn origin(data: &Dataset, w: &Window, by: Option<usize>) -> f64 {
    let first = |by: usize| data.trajectories.get(w.trajectory)?.values.get(w.start * data.columns.len() + by).copied();
    by.and_then(first).unwrap_or(0.0)
}

/// The normalisation of every state, and its standard deviation, which its misfits are measured in.
pub(super) fn normalisation(
    data: &Dataset,
    windows: &[Window],
    (layout, settings): (&Layout, &Settings),
) -> (Normalisation, Vec<f64>) {
    let moved = moved_by(layout, settings, data.columns.len());
    let (mut out, mut deviations) = (Normalisation::default(), Vec::new());
    for column in &layout.columns {
        let moments = column.map(|c| match moved.get(c).copied().flatten() {
            Some(by) => of_windows(data, windows, c, by),
            None => {
                let stats = data.stats(c);
                Moments { mean: stats.mean, deviation: stats.std, min: stats.min, max: stats.max }
            }
        });
        let positive = |x: f64| if x > 0.0 { x } else { 1.0 };
        let (mean, scale) = match (&moments, settings.normalise) {
            (None, _) | (_, Normalise::Off) => (0.0, 1.0),
            (Some(m), Normalise::Standard) => (m.mean, positive(m.deviation)),
            (Some(m), Normalise::Range) => (0.5 * (m.min + m.max), positive(0.5 * (m.max - m.min))),
        };
        out.mean.push(mean);
        out.scale.push(scale / settings.deviation);
        deviations.push(moments.map_or(1.0, |m| positive(m.deviation)));
    }
    (out, deviations)
}

/// Statistics of a column over windows that start at zero.
fn of_windows(data: &Dataset, windows: &[Window], column: usize, by: usize) -> Moments {
    let width = data.columns.len();
    let values = || {
        windows.iter().flat_map(move |w| {
            let origin = origin(data, w, Some(by));
            let all = data.trajectories.get(w.trajectory).map_or(&[][..], |t| &t.values);
            (w.start..w.start + w.len).filter_map(move |i| all.get(i * width + column)).map(move |x| x - origin)
        })
    };
    let count = values().count().max(1) as f64;
    let mean = values().sum::<f64>() / count;
    let deviation = (values().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count).sqrt();
    let [min, max] = least_and_most(values());
    Moments { mean, deviation, min, max }
}

#[cfg(test)]
mod tests {
    use super::super::{Layout, Settings};
    use super::{Normalise, normalisation};
    use crate::artifact::training::Elimination;
    use crate::data::{Dataset, Trajectory, Window};

    #[test]
    fn states_are_scaled_as_asked_and_windows_are_moved() {
        let values = vec![2.0, 4.0, 6.0, 8.0];
        let trajectory = Trajectory { dt: 1.0, len: 4, valid: vec![true; 4], values, ..Trajectory::default() };
        let data = Dataset {
            source: String::new(),
            columns: vec!["x".into()],
            inputs: Vec::new(),
            trajectories: vec![trajectory],
        };
        let layout = Layout {
            weights: Vec::new(),
            coefficients: Vec::new(),
            parameters: Vec::new(),
            constants: Vec::new(),
            columns: vec![Some(0), None],
            observed: vec![0],
            elimination: Elimination::Projected,
        };
        let windows: Vec<Window> = [0, 2].map(|start| Window { trajectory: 0, start, len: 2 }).to_vec();
        let of = |normalise, shifts: Vec<(usize, usize)>| {
            let settings = Settings { normalise, shifts, ..Settings::default() };
            let (found, deviations) = normalisation(&data, &windows, (&layout, &settings));
            (found.mean, found.scale, deviations)
        };
        let deviation = 5f64.sqrt();
        let standard = of(Normalise::Standard, Vec::new());
        assert_eq!(standard, (vec![5.0, 0.0], vec![deviation, 1.0], vec![deviation, 1.0]));
        assert_eq!(of(Normalise::Range, Vec::new()), (vec![5.0, 0.0], vec![3.0, 1.0], vec![deviation, 1.0]));
        assert_eq!(of(Normalise::Off, Vec::new()), (vec![0.0, 0.0], vec![1.0, 1.0], vec![deviation, 1.0]));
        // Both windows are 0, 2.
        assert_eq!(of(Normalise::Standard, vec![(0, 0)]), (vec![1.0, 0.0], vec![1.0, 1.0], vec![1.0, 1.0]));
    }
}
