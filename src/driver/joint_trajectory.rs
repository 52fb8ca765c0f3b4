//! Trajectories that are estimated one by one, under a model whose equations are known.

use super::failure::Failure;
use super::joint_failure::failure;
use super::joint_numbers::unknown;
use super::pointwise::Compiled;
use super::powers;
use super::target::Target;
use crate::artifact::{Pattern, PatternEntry};
use crate::hir::Model;
use crate::runtime::Threads;
use crate::train::joint::{self, Dynamics, EvaluateError, JointError, Observations, Points, Settings, Spot, Unknown};
use crate::train::{Observer, Unseen};

/// A trajectory that was estimated by itself.
pub struct Estimated {
    /// `[component, sample]`
    pub x: Vec<f64>,
    /// The unknowns of the model.
    pub unknowns: Vec<f64>,
    /// Standard errors of those that were estimated with it; not a number for others.
    pub errors: Vec<f64>,
}

/// The trajectory that fits observations best under a model whose unknowns are known, or why there is none. Where `own` says so,
/// unknowns that every trajectory has of its own are estimated with it.
pub fn trajectory(
    (model, xi, own): (&Model, &[f64], bool),
    observations: &Observations,
    threads: &Threads,
    (seed, observer): (u64, &mut dyn Observer),
) -> Result<Result<Estimated, String>, Failure> {
    let free: Vec<(usize, Unknown)> = model
        .unknowns
        .values()
        .enumerate()
        .filter(|(_, u)| own && model.is_per_sample(u))
        .map(|(k, u)| (k, Unknown { own: false, start: xi.get(k).copied(), ..unknown(model, u) }))
        .collect();
    let (free, unknowns): (Vec<usize>, Vec<Unknown>) = free.into_iter().unzip();
    let mut known =
        Known::new(Compiled::linearisation(&powers::continued(model), &Target::Host(threads.clone()))?, xi, free);
    let settings = Settings {
        seed,
        significance: None,
        most_samples: observations.t.len(),
        finer: 1,
        terms: None,
        near: false,
        exact: false,
    };
    match joint::fit(&mut known, &unknowns, observations, &settings, &mut Unseen(observer)) {
        Ok(fit) => {
            let values: Vec<f64> = fit.estimates.iter().map(|e| e.value).collect();
            let mut errors = vec![f64::NAN; xi.len()];
            for (&k, estimate) in known.free.iter().zip(&fit.estimates) {
                errors[k] = estimate.std_error;
            }
            Ok(Ok(Estimated { x: fit.x, unknowns: known.all(&values), errors }))
        }
        Err(error) => match failure(known.told(error), model, observations) {
            Failure::Numerical(problem) => Ok(Err(problem.message)),
            other => Err(other),
        },
    }
}

/// A model with the values of its unknowns but for some that are free.
struct Known {
    compiled: Compiled,
    pattern: Pattern,
    xi: Vec<f64>,
    /// Which are free.
    free: Vec<usize>,
}

impl Known {
    fn new(compiled: Compiled, xi: &[f64], free: Vec<usize>) -> Known {
        let pattern = compiled.pattern();
        let place = |k: usize| free.iter().position(|&f| f == k);
        let of = |list: &Vec<(usize, PatternEntry)>| list.iter().filter_map(|&(k, e)| Some((place(k)?, e))).collect();
        let by_unknown = pattern.by_unknown.iter().map(of).collect();
        Known { pattern: Pattern { by_unknown, ..pattern.clone() }, compiled, xi: xi.to_vec(), free }
    }

    /// An error with all unknowns where it tells of a place.
    fn told(&self, error: JointError) -> JointError {
        match error {
            JointError::NotFinite { what, at } => {
                JointError::NotFinite { what, at: Spot { unknowns: self.all(&at.unknowns), ..at } }
            }
            other => other,
        }
    }

    /// All unknowns, with the values of those that are free.
    fn all(&self, values: &[f64]) -> Vec<f64> {
        let mut all = self.xi.clone();
        for (&k, &value) in self.free.iter().zip(values) {
            if let Some(slot) = all.get_mut(k) {
                *slot = value;
            }
        }
        all
    }
}

impl Dynamics for Known {
    fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    fn field(&mut self, at: Points, values: &[f64], f: &mut [f64]) -> Result<(), EvaluateError> {
        self.compiled.field(at, &self.all(values), f)
    }

    fn linearise(&mut self, at: Points, values: &[f64], entries: &mut [f64]) -> Result<(), EvaluateError> {
        self.compiled.linearise(at, &self.all(values), entries)
    }
}
