//! Whether what a solution leaves over is noise: whether neighbouring samples agree, in all columns and trajectories together.

use super::observed::Observed;
use crate::train::joint::Observations;

/// Every column is compared with every other one, of at most so many.
const MOST: usize = 64;

/// How far neighbouring samples agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// The correlation of what is left over at a sample and at the next one, the mean of all columns.
    pub correlation: f64,
    /// By how many standard errors of what chance gives that is above zero.
    pub certain: f64,
}

/// How far neighbouring samples agree in what a solution `[component, sample]` leaves over; none where there is nothing to compare.
pub fn of(observed: &Observed, (data, solution): (&Observations, &[f64])) -> Option<Agreement> {
    agreement(&left(observed, (data, solution)), &data.breaks)
}

/// What a solution `[component, sample]` leaves over of the observed states, a row for each of at most [`MOST`] of them, evenly chosen.
fn left(observed: &Observed, (data, solution): (&Observations, &[f64])) -> Vec<Vec<f64>> {
    let len = data.t.len();
    let part = |of: &[f64], c: usize| of.get(c * len..(c + 1) * len).unwrap_or_default().to_vec();
    let all = || observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0).map(|(c, _)| c);
    let states = all().step_by(all().count().div_ceil(MOST).max(1));
    let rows = states.map(|c| part(&data.y, c).iter().zip(part(solution, c)).map(|(y, x)| y - x).collect());
    rows.filter(|row: &Vec<f64>| row.iter().any(|v| v.is_finite())).collect()
}

/// How far neighbouring samples of the same trajectory agree in these columns; `breaks` are the positions at which other trajectories begin, in order, and samples that are missing
/// are not numbers. Noise of columns that go together counts once: the correlation of a column has the variance 1/n by chance, and those of two columns, whose noise correlates by r, have
/// the covariance r²/n.
fn agreement(columns: &[Vec<f64>], breaks: &[usize]) -> Option<Agreement> {
    let all: Vec<Neighbours> = columns.iter().filter_map(|column| neighbours(column, breaks)).collect();
    let sum: f64 = all.iter().map(|of| of.correlation * of.count.sqrt()).sum();
    let variance: f64 = columns.iter().flat_map(|a| columns.iter().map(move |b| together(a, b))).map(|r| r * r).sum();
    let correlation = all.iter().map(|of| of.correlation).sum::<f64>() / all.len() as f64;
    (variance > 0.0 && correlation.is_finite()).then(|| Agreement { correlation, certain: sum / variance.sqrt() })
}

/// Neighbouring samples of a column.
pub struct Neighbours {
    /// Their correlation.
    pub correlation: f64,
    /// The number of pairs.
    pub count: f64,
    /// Their mean square.
    pub square: f64,
}

/// The neighbours in the trajectories of a column; none where there are none, or nothing is left over.
pub fn neighbours(column: &[f64], breaks: &[usize]) -> Option<Neighbours> {
    let pairs = column.iter().zip(column.iter().skip(1)).enumerate();
    let pairs = pairs.filter(|(i, (a, b))| breaks.binary_search(&(i + 1)).is_err() && (*a * *b).is_finite());
    let (mut products, mut squares, mut count) = (0.0, 0.0, 0.0);
    for (_, (a, b)) in pairs {
        products += a * b;
        squares += 0.5 * (a * a + b * b);
        count += 1.0;
    }
    (squares > 0.0).then(|| Neighbours { correlation: products / squares, count, square: squares / count })
}

/// The correlation of two columns at the same samples.
fn together(a: &[f64], b: &[f64]) -> f64 {
    let (mut products, mut squares) = (0.0, [0.0; 2]);
    for (a, b) in a.iter().zip(b).filter(|(a, b)| (**a * **b).is_finite()) {
        products += a * b;
        squares = [squares[0] + a * a, squares[1] + b * b];
    }
    let size = (squares[0] * squares[1]).sqrt();
    if size > 0.0 { products / size } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::white::white;

    /// Trajectories of eight samples in two columns, whose noise is the same up to a part of its own.
    #[test]
    fn short_trajectories_tell_together_and_noise_that_columns_share_counts_once() {
        let breaks: Vec<usize> = (1..10).map(|k| 8 * k).collect();
        let (mut told, mut false_alarms, mut squares) = (0, 0, 0.0);
        for seed in 0..500 {
            let [one, other, more] = [0, 1, 2].map(|k| white(3 * seed + k, 81));
            let shared: Vec<f64> = one.iter().zip(&other).map(|(a, b)| a + 0.1 * b).collect();
            let of = |columns: &[Vec<f64>]| agreement(columns, &breaks).expect("an agreement");
            let noise = of(&[one[..80].to_vec(), shared[..80].to_vec()]);
            squares += noise.certain * noise.certain;
            false_alarms += usize::from(noise.certain > 4.0);
            let mean = |of: &[f64]| of.windows(2).map(|w| w[0] + w[1]).collect::<Vec<f64>>();
            let smooth = of(&[mean(&one), mean(&more)]);
            told += usize::from(smooth.certain > 4.0 && smooth.correlation > 0.3);
        }
        let size = (squares / 500.0).sqrt();
        assert!((0.85..1.15).contains(&size) && false_alarms == 0 && told > 450, "{size} {false_alarms} {told}");
        assert_eq!(agreement(&[vec![f64::NAN; 8]], &[]), None);
        assert_eq!(agreement(&[vec![0.0; 8]], &[]), None);
    }
}
