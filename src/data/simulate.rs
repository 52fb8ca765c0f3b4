//! Simulated data: a model solved on a grid of samples, then measured with noise.

use super::dataset::{Dataset, Trajectory};
use super::error::{CHANGES_NOTHING, DataError};
use super::ode::{Rhs, Tolerance, integrate};
use super::random::{Purpose, normals, stream};

/// When and how a trajectory is sampled.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Time of the first sample.
    pub t0: f64,
    /// Time between two samples.
    pub dt: f64,
    /// Number of samples, the initial value among them.
    pub samples: usize,
    /// Accuracy of the solution.
    pub tolerance: Tolerance,
}

/// The size of Gaussian measurement noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Noise {
    /// A fraction of each column's standard deviation over its trajectory.
    Relative(f64),
    /// A standard deviation in the column's own unit.
    Absolute(f64),
}

impl Default for Sampling {
    fn default() -> Self {
        Self { t0: 0.0, dt: 0.01, samples: 1000, tolerance: Tolerance::default() }
    }
}

/// The most numbers a simulation may hold: 2^27, one gibibyte.
const MOST_VALUES: usize = 1 << 27;

/// Solves a first-order system from the initial values and samples it; without noise, `truth` equal to `values`.
///
/// `observed` lists the components of the system that become columns, with their names; the others (such as the
/// velocities of a second-order state) are left out.
///
/// # Errors
/// [`DataError::BadSimulation`] for settings that make no sense, [`DataError::Simulation`] when the solution fails.
pub fn simulate(
    rhs: &mut Rhs<'_>,
    initial: &[f64],
    observed: &[(String, usize)],
    sampling: &Sampling,
) -> Result<Trajectory, DataError> {
    let Sampling { t0, dt, samples, tolerance } = sampling;
    let bad = |setting, value: String, why| DataError::BadSimulation { setting, value, why };
    if !(dt.is_finite() && *dt > 0.0) {
        return Err(bad("dt", format!("{dt:?}"), "is not a positive number"));
    }
    if !t0.is_finite() {
        return Err(bad("t0", t0.to_string(), "is not finite"));
    }
    if *samples < 2 {
        return Err(bad("steps", samples.to_string(), "is less than two"));
    }
    if samples.checked_mul(initial.len().max(1)).is_none_or(|n| n > MOST_VALUES) {
        return Err(bad("steps", samples.to_string(), "needs more than a gibibyte of memory"));
    }
    if let Some(v) = initial.iter().find(|v| !v.is_finite()) {
        return Err(bad("initial value", v.to_string(), "is not finite"));
    }
    if *t0 + *dt <= *t0 {
        return Err(bad("dt", format!("{dt:?}"), "is too short to move on in time in double precision"));
    }
    let all = integrate(rhs, initial, *t0, *dt, *samples, tolerance)?;
    let rows = all.chunks_exact(initial.len().max(1));
    if rows.clone().all(|row| row == initial) {
        // A system at rest is no mistake.
        let mut slope = vec![0.0; initial.len()];
        rhs(*t0, initial, &mut slope);
        if slope.iter().any(|s| *s != 0.0) {
            return Err(bad("dt", format!("{dt:?}"), CHANGES_NOTHING));
        }
    }
    let mut values = Vec::with_capacity(samples * observed.len());
    for row in rows {
        values.extend(observed.iter().map(|(_, at)| row.get(*at).copied().unwrap_or(0.0)));
    }
    Ok(Trajectory {
        id: String::new(),
        set: String::new(),
        times: Vec::new(),
        t0: *t0,
        dt: *dt,
        len: *samples,
        valid: vec![true; values.len()],
        truth: Some(values.clone()),
        values,
        inputs: Vec::new(),
    })
}

impl Dataset {
    /// Adds Gaussian noise to every sample that is not missing; `truth` keeps the values before it.
    ///
    /// Column `c` of trajectory `k` draws from the stream [`Purpose::Noise`] with index `k * 2^20 + c`, one number per
    /// sample, so neither other columns nor other trajectories have an influence on its noise.
    ///
    /// # Errors
    /// [`DataError::BadSimulation`] for a noise that is negative or not finite.
    pub fn add_noise(&mut self, noise: Noise, seed: u64) -> Result<(), DataError> {
        let (Noise::Relative(size) | Noise::Absolute(size)) = noise;
        if !(size.is_finite() && size >= 0.0) {
            return Err(DataError::BadSimulation {
                setting: "noise",
                value: size.to_string(),
                why: "is not a number of at least zero",
            });
        }
        let width = self.columns.len();
        for (k, t) in self.trajectories.iter_mut().enumerate() {
            if t.truth.is_none() {
                t.truth = Some(t.values.clone());
            }
            let mut draws = vec![0.0; t.len];
            for c in 0..width {
                let sigma = match noise {
                    Noise::Relative(fraction) => fraction * t.stats(c).std,
                    Noise::Absolute(sigma) => sigma,
                };
                normals(&mut stream(seed, Purpose::Noise, ((k as u64) << 20) + c as u64), &mut draws);
                let cells = t.values.iter_mut().zip(&t.valid).skip(c).step_by(width);
                for ((value, &valid), draw) in cells.zip(&draws) {
                    if valid {
                        *value += sigma * draw;
                    }
                }
            }
        }
        Ok(())
    }
}
