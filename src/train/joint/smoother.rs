//! The first trajectory and noise level of one observed component: an integrated Wiener process smoother.
//!
//! The component's third derivative is taken as white noise; the unknowns at each sample are (u, h u', h^2 u''), with h the
//! median step. The ratio of process to measurement noise is chosen by marginal likelihood (Wahba 1978; Kohn & Ansley
//! 1987; the state-space form: Saerkkae & Solin 2019, section 12.3).

use crate::solve::{Chain, PivotError};

/// The smoothed component.
pub struct Smoothed {
    /// u, u' and u'' at every sample, each `[time]`.
    pub derivatives: [Vec<f64>; 3],
    /// Standard deviation of the measurement noise.
    pub sigma: f64,
}

/// Cholesky factor, inverted, of the covariance of one unit step of the scaled process (rows of the lower triangle).
/// The covariance is [[1/20, 1/8, 1/6], [1/8, 1/3, 1/2], [1/6, 1/2, 1]].
fn inverse_step_factor() -> [[f64; 3]; 3] {
    let q = [[1.0 / 20.0, 1.0 / 8.0, 1.0 / 6.0], [1.0 / 8.0, 1.0 / 3.0, 0.5], [1.0 / 6.0, 0.5, 1.0]];
    let mut l = [[0.0f64; 3]; 3];
    for i in 0..3 {
        for j in 0..=i {
            let s: f64 = q[i][j] - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>();
            l[i][j] = if i == j { s.sqrt() } else { s / l[j][j] };
        }
    }
    let mut m = [[0.0f64; 3]; 3];
    for j in 0..3 {
        m[j][j] = 1.0 / l[j][j];
        for i in j + 1..3 {
            m[i][j] = -(j..i).map(|k| l[i][k] * m[k][j]).sum::<f64>() / l[i][i];
        }
    }
    m
}

/// The shortest step whose own noise counts, relative to the median one: squared weights grow with its fifth power, and of hundreds of samples at random
/// times two are nearly always so close that they would hide in rounding errors what all samples before them say.
const SHORTEST: f64 = 1e-2;

/// The process part of the normal matrix for unit noise ratio.
struct Process {
    diagonal: Vec<f64>,
    lower: Vec<f64>,
    links: usize,
    median: f64,
}

impl Process {
    /// `h[t]` is the step after sample t; zero where a trajectory ends.
    fn new(h: &[f64], unit: Option<f64>) -> Process {
        let mut steps: Vec<f64> = h.iter().copied().filter(|&x| x > 0.0).collect();
        steps.sort_by(f64::total_cmp);
        let median = unit.unwrap_or_else(|| steps.get(steps.len() / 2).copied().unwrap_or(1.0));
        let n = h.len() + 1;
        let mut process =
            Process { diagonal: vec![0.0; n * 9], lower: vec![0.0; h.len() * 9], links: steps.len(), median };
        let factor = inverse_step_factor();
        let taylor = [[1.0, 1.0, 0.5], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]];
        for (t, &h) in h.iter().enumerate().filter(|&(_, &h)| h > 0.0) {
            let r = (h / median).max(SHORTEST);
            // What the step is shorter than it counts: it is extrapolated over as it is.
            let s = h / median / r;
            let scale = [1.0, r, r * r];
            let weight = r.powf(-2.5);
            // Rows: factor (taylor D v_t - D v_{t+1}) r^(-5/2)
            let mut a = [[0.0; 3]; 3];
            let mut b = [[0.0; 3]; 3];
            for i in 0..3 {
                for j in 0..3 {
                    a[i][j] = (0..=j).map(|k| factor[i][k] * taylor[k][j] * s.powi((j - k) as i32)).sum::<f64>()
                        * scale[j]
                        * weight;
                    b[i][j] = -factor[i][j] * scale[j] * weight;
                }
            }
            for i in 0..3 {
                for j in 0..3 {
                    for k in 0..3 {
                        process.diagonal[t * 9 + i * 3 + j] += a[k][i] * a[k][j];
                        process.diagonal[(t + 1) * 9 + i * 3 + j] += b[k][i] * b[k][j];
                        process.lower[t * 9 + i * 3 + j] += b[k][i] * a[k][j];
                    }
                }
            }
        }
        process
    }
}

/// One smoothing at a given noise ratio.
struct Attempt {
    v: Vec<f64>,
    variance: f64,
    /// Twice the negative logarithm of the marginal likelihood, up to a constant.
    criterion: f64,
}

fn attempt(process: &Process, y: &[f64], log_ratio: f64) -> Result<Attempt, PivotError> {
    let ratio = 10f64.powf(log_ratio);
    let mut diagonal: Vec<f64> = process.diagonal.iter().map(|a| a * ratio).collect();
    let lower: Vec<f64> = process.lower.iter().map(|a| a * ratio).collect();
    let mut v = vec![0.0; y.len() * 3];
    let mut observed = 0usize;
    for (t, &y) in y.iter().enumerate() {
        for k in 0..3 {
            // Keeps ends without observations from being undetermined.
            diagonal[t * 9 + k * 4] += 1e-12;
        }
        if y.is_finite() {
            diagonal[t * 9] += 1.0;
            v[t * 3] = y;
            observed += 1;
        }
    }
    let rhs = v.clone();
    let chain = Chain::factor(3, diagonal, &lower)?;
    chain.solve(1, &mut v);
    let total: f64 = y.iter().filter(|y| y.is_finite()).map(|y| y * y).sum();
    let explained: f64 = rhs.iter().zip(&v).map(|(a, b)| a * b).sum();
    let residual: f64 =
        y.iter().zip(v.iter().step_by(3)).filter(|(y, _)| y.is_finite()).map(|(y, v)| (y - v) * (y - v)).sum();
    // The difference cancels on clean data; the residual is a lower bound of the minimum.
    let objective = (total - explained).max(residual).max(f64::MIN_POSITIVE);
    let freedom = (observed as f64 - 3.0).max(1.0);
    let criterion = freedom * libm::log(objective / freedom) + chain.log_determinant()
        - 3.0 * process.links as f64 * libm::log(ratio);
    Ok(Attempt { v, variance: objective / freedom, criterion })
}

/// Why nothing was smoothed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SmoothError {
    /// Stopped from outside.
    Interrupted,
    /// The system lost its definiteness.
    Singular(PivotError),
}

impl From<PivotError> for SmoothError {
    fn from(error: PivotError) -> Self {
        SmoothError::Singular(error)
    }
}

/// Smooths `y` (`[time]`, NaN where missing) with steps `h` (`[time - 1]`, zero at breaks); interrupted once `stop` says so. Ratios are those over a `unit` of
/// time, the median step where there is none: how rough a component may be is not to depend on how many samples of which nothing was seen lie between.
pub fn smooth((h, unit): (&[f64], Option<f64>), y: &[f64], stop: &dyn Fn() -> bool) -> Result<Smoothed, SmoothError> {
    let seen: Vec<f64> = y.iter().copied().filter(|v| v.is_finite()).collect();
    let count = seen.len().max(1) as f64;
    let mean = seen.iter().sum::<f64>() / count;
    let variance = seen.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
    let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    let z: Vec<f64> = y.iter().map(|v| (v - mean) / deviation).collect();

    let process = Process::new(h, unit);
    let mut best: Option<(f64, Attempt)> = None;
    let consider = |k: f64, best: &mut Option<(f64, Attempt)>| -> Result<(), SmoothError> {
        if stop() {
            return Err(SmoothError::Interrupted);
        }
        match attempt(&process, &z, k) {
            Ok(a) if best.as_ref().is_none_or(|(_, b)| a.criterion < b.criterion) => *best = Some((k, a)),
            Ok(_) => {}
            Err(error) if best.is_none() => return Err(error.into()),
            // A ratio so large that the matrix loses its definiteness is no candidate.
            Err(_) => {}
        }
        Ok(())
    };
    let mut k = -4.0;
    while k < 11.0 {
        consider(k, &mut best)?;
        k += 1.5;
    }
    for step in [0.75, 0.375, 0.19] {
        let Some(centre) = best.as_ref().map(|(k, _)| *k) else { break };
        for k in [centre - step, centre + step] {
            consider(k, &mut best)?;
        }
    }
    let Some((_, chosen)) = best else { return Err(PivotError { step: 0, component: 0, pivot: f64::NAN }.into()) };
    let h = process.median;
    let column = |k: usize, scale: f64, shift: f64| -> Vec<f64> {
        chosen.v.iter().skip(k).step_by(3).map(|v| v * scale + shift).collect()
    };
    let derivatives = [column(0, deviation, mean), column(1, deviation / h, 0.0), column(2, deviation / (h * h), 0.0)];
    Ok(Smoothed { derivatives, sigma: chosen.variance.sqrt() * deviation })
}

#[cfg(test)]
mod tests {
    use super::smooth;

    #[test]
    fn finds_signal_slope_and_noise() {
        let n = 600;
        let h = vec![0.02; n - 1];
        // A deterministic stand-in for noise: a well-mixed sequence of variance 1/12.
        let noise = |i: usize| {
            ((i as f64 * 0.754_877_666_246_693).fract() + (i as f64 * 0.569_840_290_998).fract()).fract() - 0.5
        };
        let y: Vec<f64> = (0..n).map(|i| 5.0 + (i as f64 * 0.02).sin() + 0.05 * noise(i * i + 3)).collect();
        let s = smooth((&h, None), &y, &|| false).expect("smooths");
        let sigma = 0.05 / 12f64.sqrt();
        assert!((s.sigma / sigma - 1.0).abs() < 0.15, "{} {sigma}", s.sigma);
        for i in 50..n - 50 {
            let t = i as f64 * 0.02;
            assert!((s.derivatives[0][i] - 5.0 - t.sin()).abs() < 0.02);
            assert!((s.derivatives[1][i] - t.cos()).abs() < 0.1, "{i}: {} {}", s.derivatives[1][i], t.cos());
        }
    }

    #[test]
    fn bridges_missing_samples() {
        let n = 100;
        let mut y: Vec<f64> = (0..n).map(|i| (i as f64 * 0.1).sin()).collect();
        y[40..44].fill(f64::NAN);
        let s = smooth((&vec![0.1; n - 1], None), &y, &|| false).expect("smooths");
        for i in 38..46 {
            assert!((s.derivatives[0][i] - (i as f64 * 0.1).sin()).abs() < 1e-3);
        }
    }
}
