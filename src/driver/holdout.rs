//! How well what was found predicts what was held out.

use super::experiment::Observed;
use super::failure::Failure;
use super::findings::Findings;
use super::pointwise::Compiled;
use crate::data::{self, Tolerance, Trajectory};
use crate::hir::Model;

/// A prediction counts as following the data while its error, relative to the standard deviation of the data and averaged
/// over the states, stays below this.
const FOLLOWS: f64 = 0.4;

/// Solves the found equations over the held-out part, starting from the last estimated state, and adds the figures to
/// the findings. Models with inputs are left out: nothing says what they do between samples.
pub fn predict(model: &Model, observed: &mut Observed, findings: &mut Findings) -> Result<(), Failure> {
    fitted_error(observed, findings);
    let Some(test) = observed.test.clone().filter(|_| observed.test_follows && model.inputs.is_empty()) else {
        return Ok(());
    };
    let mut compiled = Compiled::field(model)?;
    let xi: Vec<f64> = findings.estimates.iter().map(|e| e.value).collect();
    let n = observed.components.len();
    let total: usize = observed.train.trajectories.iter().map(|t| t.len).sum();
    let mut end = 0;
    let mut squares = vec![(0.0, 0usize); n];
    let mut followed = f64::INFINITY;
    for (fitted, held) in observed.train.trajectories.iter().zip(&test.trajectories) {
        end += fitted.len;
        let last: Option<Vec<f64>> = (0..n).map(|c| findings.solution.get(c * total + end - 1).copied()).collect();
        let Some(last) = last else { continue };
        let mut rhs = |t: f64, x: &[f64], dx: &mut [f64]| {
            if compiled.evaluate(t, x, &xi, dx).is_err() {
                dx.fill(f64::NAN);
            }
        };
        let start = fitted.time(fitted.len.saturating_sub(1));
        let solved = data::integrate(&mut rhs, &last, start, fitted.dt, held.len + 1, &Tolerance::default());
        let rows = match solved {
            Ok(values) => values,
            Err(error) => {
                findings.warnings.push(format!("the prediction of the held-out part fails: {error}"));
                continue;
            }
        };
        let mut prediction = vec![0.0; n * held.len];
        for (i, row) in rows.chunks_exact(n).skip(1).enumerate() {
            for (c, v) in row.iter().enumerate() {
                prediction[c * held.len + i] = *v;
            }
        }
        followed = followed.min(compare(observed, &test.columns, held, &prediction, &mut squares));
        observed.predictions.push(prediction);
    }
    for (c, (sum, count)) in observed.components.iter().zip(&squares) {
        if *count > 0 {
            let rmse = (sum / *count as f64).sqrt();
            findings.metrics.push((format!("RMSE of {}", c.state), "held out".into(), rmse));
        }
    }
    if followed.is_finite() {
        let name = format!("time the prediction follows the data (error below {FOLLOWS} standard deviations)");
        findings.metrics.push((name, "held out".into(), followed));
    }
    Ok(())
}

/// Adds squared errors, and returns for how long the prediction follows the data.
fn compare(
    observed: &Observed,
    columns: &[String],
    held: &Trajectory,
    prediction: &[f64],
    squares: &mut [(f64, usize)],
) -> f64 {
    let mut followed = held.len;
    for i in (0..held.len).rev() {
        let (mut error, mut count) = (0.0, 0usize);
        for (c, component) in observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0) {
            let column = columns.iter().position(|name| *name == component.state);
            let Some(value) = column.and_then(|col| held.value(i, col)) else { continue };
            let e = prediction[c * held.len + i] - value;
            squares[c].0 += e * e;
            squares[c].1 += 1;
            if component.deviation > 0.0 {
                error += (e / component.deviation).powi(2);
                count += 1;
            }
        }
        if count > 0 && (error / count as f64).sqrt() > FOLLOWS {
            followed = i;
        }
    }
    followed as f64 * held.dt
}

/// Root mean square of data minus solution on the fitted part.
fn fitted_error(observed: &Observed, findings: &mut Findings) {
    let total: usize = observed.train.trajectories.iter().map(|t| t.len).sum();
    for (c, component) in observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0) {
        let Some(column) = observed.train.column(&component.state) else { continue };
        let (mut sum, mut count, mut offset) = (0.0, 0usize, 0);
        for t in &observed.train.trajectories {
            for i in 0..t.len {
                let solved = findings.solution.get(c * total + offset + i);
                if let (Some(y), Some(x)) = (t.value(i, column), solved) {
                    sum += (y - x) * (y - x);
                    count += 1;
                }
            }
            offset += t.len;
        }
        if count > 0 {
            let rmse = (sum / count as f64).sqrt();
            findings.metrics.push((format!("RMSE of {}", component.state), "fitted".into(), rmse));
        }
    }
}
