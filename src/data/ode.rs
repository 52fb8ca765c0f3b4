//! Numerical solution of initial value problems `u' = f(t, u)`: the explicit method of Dormand and Prince of order 8.
//!
//! Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, section II.10 (DOP853): twelve stages, an error
//! estimate made of a fifth- and a third-order one, step control by its eighth root.

use thiserror::Error;

use super::dop853::{A, B, B3, C, E5, STAGES};
use crate::base::{number, shortened};

/// A right-hand side: time, state, derivative to fill in.
pub type Rhs<'a> = dyn FnMut(f64, &[f64], &mut [f64]) + 'a;

/// How exact a solution has to be, and how much work it may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Error allowed in a step, relative to each component.
    pub relative: f64,
    /// Error allowed in a step beside the relative one.
    pub absolute: f64,
    /// Most steps, accepted or not, between two samples.
    pub max_steps: usize,
}

/// Why a solution could not be computed.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum OdeError {
    /// The right-hand side gave NaN or an infinity where it cannot be avoided by smaller steps.
    #[error("at time {}, the derivative of component {component} is {value}", told(*time))]
    NotFinite { time: f64, component: usize, value: f64 },
    /// The step has become too small to change the time.
    #[error("at time {}, the step has shrunk to {step:.1e} and the solution still changes too fast", told(*time))]
    StepUnderflow { time: f64, step: f64 },
    /// Too many steps between two samples.
    #[error("more than {limit} steps between two samples, at time {}", told(*time))]
    TooManySteps { time: f64, limit: usize },
}

/// A time with the digits that people look at.
fn told(time: f64) -> String {
    number(shortened(time, 1e-6 * time.abs()))
}

impl Default for Tolerance {
    /// 1e-10 relative and absolute.
    fn default() -> Self {
        Self { relative: 1e-10, absolute: 1e-10, max_steps: 100_000 }
    }
}

impl OdeError {
    /// The same of a solution whose time was counted from `begin`.
    pub fn later(mut self, begin: f64) -> Self {
        let (Self::NotFinite { time, .. } | Self::StepUnderflow { time, .. } | Self::TooManySteps { time, .. }) =
            &mut self;
        *time += begin;
        self
    }

    /// The time up to which the solution exists.
    pub fn time(&self) -> f64 {
        match *self {
            Self::NotFinite { time, .. } | Self::StepUnderflow { time, .. } | Self::TooManySteps { time, .. } => time,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NotFinite { .. } => {
                "the model leaves the domain of one of its terms, or grows beyond all bounds; change the initial \
                 values, the parameters or the time span."
            }
            Self::StepUnderflow { .. } => {
                "the solution probably runs to infinity; change the initial values, the parameters or the time span."
            }
            Self::TooManySteps { .. } => {
                "the model is stiff or its samples are far apart; take smaller sampling steps or slower parameters."
            }
        }
    }
}

/// The solution at `t0 + i*dt` for `i < samples`, shape [samples, u0.len()], row-major; row 0 is `u0`.
///
/// Every sample is the end of a step, so no interpolation error is added.
///
/// # Errors
/// [`OdeError`] with the time that was reached.
pub fn integrate(
    rhs: &mut Rhs<'_>,
    u0: &[f64],
    t0: f64,
    dt: f64,
    samples: usize,
    tolerance: &Tolerance,
) -> Result<Vec<f64>, OdeError> {
    let mut stepper = Stepper::new(rhs, u0, t0, dt, tolerance)?;
    let mut out = Vec::new();
    out.extend_from_slice(u0);
    for i in 1..samples {
        stepper.advance(t0 + i as f64 * dt)?;
        out.extend_from_slice(&stepper.u);
    }
    out.truncate(samples * u0.len());
    Ok(out)
}

struct Stepper<'a, 'b> {
    rhs: &'a mut Rhs<'b>,
    tolerance: Tolerance,
    t: f64,
    u: Vec<f64>,
    /// Derivatives at the stages; the first one is that of `u`.
    k: Vec<Vec<f64>>,
    /// State at a stage, then the proposed solution.
    next: Vec<f64>,
    /// The step that the error control would take.
    h: f64,
}

impl<'a, 'b> Stepper<'a, 'b> {
    fn new(rhs: &'a mut Rhs<'b>, u0: &[f64], t0: f64, dt: f64, tolerance: &Tolerance) -> Result<Self, OdeError> {
        let n = u0.len();
        let mut stepper = Self {
            rhs,
            tolerance: *tolerance,
            t: t0,
            u: u0.to_vec(),
            k: vec![vec![0.0; n]; STAGES],
            next: vec![0.0; n],
            h: dt,
        };
        if let Some(k0) = stepper.k.first_mut() {
            (stepper.rhs)(t0, u0, k0);
            finite(t0, k0)?;
            // A first step over which the solution changes by a hundredth of its size; the control does the rest.
            let size = |v: &[f64]| {
                v.iter()
                    .zip(u0)
                    .map(|(d, u)| (d / (tolerance.absolute + tolerance.relative * u.abs())).powi(2))
                    .sum::<f64>()
            };
            let (state, slope) = (size(u0), size(k0));
            if slope > 0.0 && state > 0.0 {
                stepper.h = (0.01 * (state / slope).sqrt()).min(dt);
            }
        }
        Ok(stepper)
    }

    /// Steps until exactly `end`.
    fn advance(&mut self, end: f64) -> Result<(), OdeError> {
        /// Safety factor and bounds of the change of the step (Hairer et al., II.4, equation 4.13).
        const SAFETY: f64 = 0.9;
        const SHRINK: f64 = 1.0 / 3.0;
        const GROW: f64 = 6.0;
        let mut rejected = false;
        for _ in 0..self.tolerance.max_steps {
            let left = end - self.t;
            // Two halves rather than a full step and a tiny rest.
            let (h, last) = if self.h >= left {
                (left, true)
            } else if 2.0 * self.h > left {
                (0.5 * left, false)
            } else {
                (self.h, false)
            };
            if self.t + h <= self.t {
                return Err(OdeError::StepUnderflow { time: self.t, step: h });
            }
            let error = self.attempt(h);
            let factor = if error > 0.0 { SAFETY * libm::pow(error, -0.125) } else { GROW };
            if error <= 1.0 {
                let grown = h * if rejected { factor.min(1.0) } else { factor.min(GROW) };
                // A step cut short by a sample says nothing against the longer one.
                self.h = if h < self.h { grown.max(self.h.min(h * factor)) } else { grown };
                rejected = false;
                self.t = if last { end } else { self.t + h };
                std::mem::swap(&mut self.u, &mut self.next);
                if let Some(k0) = self.k.first_mut() {
                    (self.rhs)(self.t, &self.u, k0);
                    finite(self.t, k0)?;
                }
                if last {
                    return Ok(());
                }
            } else {
                rejected = true;
                // A NaN says that a stage left the domain: come back inside.
                self.h = if error.is_finite() { h * factor.max(SHRINK) } else { 0.1 * h };
            }
        }
        Err(OdeError::TooManySteps { time: self.t, limit: self.tolerance.max_steps })
    }

    /// Computes the stages of a step of length `h`, puts the solution into `next` and gives the error in units of the
    /// tolerance; infinite where a stage is not finite.
    fn attempt(&mut self, h: f64) -> f64 {
        for s in 1..STAGES {
            let (row, node) = (A.get(s).copied().unwrap_or_default(), C.get(s).copied().unwrap_or(0.0));
            combine(&mut self.next, &self.u, h, row, &self.k);
            if let Some(k) = self.k.get_mut(s) {
                (self.rhs)(self.t + node * h, &self.next, k);
                if k.iter().any(|v| !v.is_finite()) {
                    return f64::INFINITY;
                }
            }
        }
        combine(&mut self.next, &self.u, h, B, &self.k);
        let (mut fifth, mut third) = (0.0, 0.0);
        for (i, (u, next)) in self.u.iter().zip(&self.next).enumerate() {
            let scale = self.tolerance.absolute + self.tolerance.relative * u.abs().max(next.abs());
            let five = weigh(E5, &self.k, i) / scale;
            let three = (weigh(B, &self.k, i) - weigh(B3, &self.k, i)) / scale;
            fifth += five * five;
            third += three * three;
        }
        let both = fifth + 0.01 * third;
        let n = self.u.len().max(1) as f64;
        let error = if both > 0.0 { h.abs() * fifth / (both * n).sqrt() } else { 0.0 };
        if error.is_finite() && self.next.iter().all(|v| v.is_finite()) { error } else { f64::INFINITY }
    }
}

/// `out = u + h * sum of weighted stages`.
fn combine(out: &mut [f64], u: &[f64], h: f64, row: &[(usize, f64)], k: &[Vec<f64>]) {
    for (i, (out, u)) in out.iter_mut().zip(u).enumerate() {
        *out = u + h * weigh(row, k, i);
    }
}

/// Component `i` of a weighted sum of stages.
fn weigh(row: &[(usize, f64)], k: &[Vec<f64>], i: usize) -> f64 {
    row.iter().map(|&(s, w)| w * k.get(s).and_then(|k| k.get(i)).copied().unwrap_or(0.0)).sum()
}

fn finite(time: f64, k: &[f64]) -> Result<(), OdeError> {
    match k.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        Some((component, &value)) => Err(OdeError::NotFinite { time, component, value }),
        None => Ok(()),
    }
}
