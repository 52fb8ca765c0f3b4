//! What the joint engine is given and what it gives back.

use std::fmt;

use super::columns::Columns;
use super::covariance::Covariance;
use crate::artifact::Pattern;
use crate::base::{Between, number, shortened};

/// Observations per component needed at least: its smoother's three numbers, and two more to see any noise.
pub const FEWEST_PER_COMPONENT: usize = 5;

/// Points at which the model is evaluated, as structure of arrays.
#[derive(Clone, Copy, Debug)]
pub struct Points<'a> {
    /// `[component, time]`
    pub x: &'a [f64],
    /// `[time]`
    pub t: &'a [f64],
    /// `[input, time]`
    pub input: &'a [f64],
}

/// The compiled model could not be evaluated: a mistake of the compiler or of its caller.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the compiled model failed: {0}")]
pub struct EvaluateError(pub String);

/// What stays the same for all evaluations at the samples of a trajectory and at the links between them.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Held {
    /// Steps of the links; zero where a trajectory ends.
    pub h: Vec<f64>,
    /// Times and inputs (`[input, time]`) of the samples.
    pub samples: (Vec<f64>, Vec<f64>),
    /// Those of the midpoints of the links.
    pub midpoints: (Vec<f64>, Vec<f64>),
    /// Those of the samples `eps` later and earlier.
    pub shifted: [(Vec<f64>, Vec<f64>); 2],
    /// That distance.
    pub eps: f64,
}

/// What a model that holds a [`Held`] evaluates for a trajectory `[component, time]` without anything else being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Defects of the links, `[link, component]`.
    Defects,
    /// Linearisations at the samples and at the midpoints, `[entry, time]` each.
    Rows,
    /// The deferred correction, `[link, component]`.
    Correction,
}

/// A compiled model `x' = f(x, t, xi)`.
pub trait Dynamics {
    /// The meaning of the rows of [`Dynamics::linearise`].
    fn pattern(&self) -> &Pattern;
    /// Writes f, `[component, time]`.
    fn field(&mut self, at: Points, xi: &[f64], f: &mut [f64]) -> Result<(), EvaluateError>;
    /// Writes f and its derivatives, `[entry, time]`.
    fn linearise(&mut self, at: Points, xi: &[f64], entries: &mut [f64]) -> Result<(), EvaluateError>;
    /// Takes in what stays the same, where evaluations are done elsewhere and sending it is worth to be saved; else `false`.
    fn hold(&mut self, _: &Held) -> Result<bool, EvaluateError> {
        Ok(false)
    }
    /// Evaluates a chain with what was taken in.
    fn chain(&mut self, what: Chain, _x: &[f64], _xi: &[f64]) -> Result<Vec<Vec<f64>>, EvaluateError> {
        Err(EvaluateError(format!("it holds no grid for {what:?}")))
    }
}

/// An estimated number.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// Its name, for messages.
    pub name: String,
    /// Where the fit starts; `None`: zero for terms, found by regression.
    pub start: Option<f64>,
    /// Smallest value allowed.
    pub lower: f64,
    /// Largest value allowed.
    pub upper: f64,
    /// Whether f is affine in it.
    pub linear: bool,
    /// Whether it is a candidate term's coefficient, which may be dropped.
    pub droppable: bool,
    /// Whether every trajectory has a number of its own; not for candidate terms.
    pub own: bool,
    /// Whether it is a candidate that stays zero and is only judged, in place of those that are kept.
    pub left_out: bool,
    /// The trajectory whose own number it is, where it is one of those.
    pub trajectory: Option<String>,
}

impl Unknown {
    /// What it is called in messages.
    pub fn spelled(&self) -> String {
        match &self.trajectory {
            None => format!("`{}`", self.name),
            Some(trajectory) => format!("`{}` of trajectory {trajectory}", self.name),
        }
    }

    /// A candidate's coefficient that may have any value.
    #[cfg(test)]
    pub fn free(name: impl Into<String>) -> Self {
        Unknown {
            name: name.into(),
            start: None,
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
            linear: true,
            droppable: true,
            own: false,
            left_out: false,
            trajectory: None,
        }
    }
}

/// What was seen: one or more trajectories, one after the other.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Observations {
    /// Time of every sample, increasing within a trajectory.
    pub t: Vec<f64>,
    /// `[component, time]`; NaN where nothing was seen.
    pub y: Vec<f64>,
    /// `[input, time]`
    pub input: Vec<f64>,
    /// What every input does between samples; all are smooth where the list is empty.
    pub between: Vec<Between>,
    /// Samples whose link is so short that nothing moves in it but what an input makes jump, increasing.
    pub sudden: Vec<usize>,
    /// Samples from which on an impulse comes in, up to the next one, increasing.
    pub impulses: Vec<usize>,
    /// Lengths of the links, where times have not the digits for them; else empty.
    pub lengths: Vec<f64>,
    /// Positions at which a new trajectory starts, increasing, zero not among them.
    pub breaks: Vec<usize>,
    /// For every component, the component it is the time derivative of, if any.
    pub derivative_of: Vec<Option<usize>>,
    /// Where an unobserved component starts; NaN where nothing is known.
    pub guess: Vec<f64>,
    /// Whether that is known: then every trajectory starts there. None is where the list is empty.
    pub known: Vec<bool>,
    /// Names of the components, for messages.
    pub names: Vec<String>,
    /// Names of the trajectories, for messages; those without one are numbered.
    pub trajectories: Vec<String>,
}

impl Observations {
    /// The first sample of every trajectory.
    pub fn firsts(&self) -> impl Iterator<Item = usize> + '_ {
        std::iter::once(0).filter(|_| !self.t.is_empty()).chain(self.breaks.iter().copied())
    }

    /// Samples and components whose values are known, with these.
    pub fn pinned(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        let known = self.known.iter().zip(&self.guess).enumerate().filter(|(_, (known, _))| **known);
        known.flat_map(|(c, (_, value))| self.firsts().map(move |t| (t, c, *value)))
    }

    /// What an input does between samples.
    pub fn between(&self, input: usize) -> Between {
        self.between.get(input).copied().unwrap_or_default()
    }

    /// Length of the link after every sample but the last one; zero where a trajectory ends.
    pub fn links(&self) -> Vec<f64> {
        if !self.lengths.is_empty() {
            return self.lengths.clone();
        }
        let mut h: Vec<f64> = self.t.windows(2).map(|w| w[1] - w[0]).collect();
        for &b in &self.breaks {
            if let Some(h) = b.checked_sub(1).and_then(|i| h.get_mut(i)) {
                *h = 0.0;
            }
        }
        h
    }
}

/// Settings of the engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Seed of the probe vectors that estimate degrees of freedom.
    pub seed: u64,
    /// |t| below which a term is dropped; `None`: the extended Bayesian information criterion decides.
    pub significance: Option<f64>,
    /// Samples are not refined to more than this: what fits in memory.
    pub most_samples: usize,
    /// How many times as fine as the data the samples are at first.
    pub finer: usize,
    /// Of every unknown whether it is kept, where the terms are not to be chosen; what is said of a parameter does not matter.
    pub terms: Option<Vec<bool>>,
    /// Whether what the numbers start at is a solution if it is near one at all: the fit begins with little noise of the process, and ends where it
    /// does not settle.
    pub near: bool,
    /// Whether the trajectory is to be exact, however much noise of the observations that takes.
    pub exact: bool,
}

/// The estimate of one unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Its value; zero when dropped.
    pub value: f64,
    /// Its standard error; NaN when dropped.
    pub std_error: f64,
    /// Whether it is kept.
    pub kept: bool,
    /// Whether it is no candidate term and the best value within its bounds is one of them; then it has no standard error.
    pub at_bound: bool,
}

/// A dropped term that the data do not rule out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plausible {
    /// Position of its number among all.
    pub unknown: usize,
    /// The value it would have, all else linearised.
    pub value: f64,
    /// The t-statistic it would have.
    pub t_statistic: f64,
    /// Whether it would be worth its price, were it added to the terms that are kept.
    pub significant: bool,
}

/// A dropped term that could stand in place of a kept one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exchange {
    /// Position of the kept term's number among all.
    pub kept: usize,
    /// That of the dropped one.
    pub dropped: usize,
    /// The value it would have, all else linearised.
    pub value: f64,
    /// By how much the objective would rise.
    pub rise: f64,
}

/// Terms of an equation in place of others, several at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Rival {
    /// Positions of the numbers of kept terms that are left out.
    pub leave: Vec<usize>,
    /// Those of dropped terms that come in.
    pub enter: Vec<usize>,
    /// By how much the objective with the price of the terms would rise, all else linearised.
    pub rise: f64,
}

/// A dropped term beside which a parameter within the terms is known far less.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beside {
    /// Position of the term's number among all.
    pub dropped: usize,
    /// What it would be, all else linearised, and its standard error.
    pub value: [f64; 2],
    /// Position of the parameter's number among all.
    pub parameter: usize,
    /// What that would be, and its standard error.
    pub becomes: [f64; 2],
}

/// A parameter that other parameters make up for: the data tell only what they do together.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeUp {
    /// Position of its number among all.
    pub parameter: usize,
    /// Those of the others; none where it is held at an end of its range and the data see nothing of it there.
    pub by: Vec<usize>,
    /// Whether the data see nothing of a change of it as large as itself together with the others, although the fit came to an end: its value is
    /// one of many.
    pub open: bool,
}

/// The result of a joint fit.
#[derive(Clone, Debug, PartialEq)]
pub struct JointFit {
    /// One for every number, in the order of `columns`.
    pub estimates: Vec<Estimate>,
    /// Which numbers the unknowns are.
    pub columns: Columns,
    /// How the errors of the numbers hang together.
    pub covariance: Covariance,
    /// Dropped terms with |t| above 2, largest first.
    pub plausible: Vec<Plausible>,
    /// Dropped terms that fit as well as kept ones in their place.
    pub exchanges: Vec<Exchange>,
    /// Other terms of single equations whose criterion is hardly larger in the quadratic model of the objective, least first; only of exact trajectories on
    /// which the fit settled.
    pub rivals: Vec<Rival>,
    /// Dropped terms that the data do not rule out and that would take away most of what is known of a parameter, one for each.
    pub beside: Vec<Beside>,
    /// Parameters that others make up for.
    pub made_up: Vec<MadeUp>,
    /// Twice the negative log marginal likelihood at the best common size of all noise, plus the price of the terms: of two fits to the same
    /// observations the one with the smaller number explains them better for what it takes.
    pub criterion: f64,
    /// The price of the terms alone.
    pub price: f64,
    /// The logarithm of the volume by which the rows of the trajectory stretch: twice that is missing in `criterion` where laws are compared of which one
    /// has noise of the process.
    pub volume: f64,
    /// The estimated trajectory, `[component, time]`.
    pub x: Vec<f64>,
    /// Standard deviation of the measurement noise per component; NaN where unobserved.
    pub noise: Vec<f64>,
    /// The same as the smoother saw it before the fit, from how neighbouring samples scatter.
    pub scatter: Vec<f64>,
    /// Objective after each solve.
    pub losses: Vec<f64>,
    /// Gauss-Newton solves made.
    pub solves: usize,
    /// Whether the noise of the process itself was found to matter, so that the exact trajectory was not enforced.
    pub process_noise: bool,
    /// Whether what the samples are too coarse for is no longer small beside the noise: its trajectory may deviate from the equations by as much.
    pub coarse: bool,
    /// Whether it seemed to, until an exact trajectory was found with the terms held: another fit may be better.
    pub went_astray: bool,
    /// Whether the last step moved every unknown by less than a third of its standard error, was not damped, and left the terms as they were.
    pub converged: bool,
}

/// Why a joint fit failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum JointError {
    /// Too few observations for the number of unknowns.
    #[error("{have} observations cannot determine {unknowns} unknowns and the noise: at least {need} are needed")]
    TooFewObservations {
        /// Observations there are.
        have: usize,
        /// Observations needed.
        need: usize,
        /// Unknowns.
        unknowns: usize,
    },
    /// A state that is never seen.
    #[error("no sample of state `{0}` is observed, nor of any other state")]
    NothingObserved(String),
    /// The normal matrix lost its definiteness.
    #[error("the joint system is singular or not finite in `{component}` at {at}")]
    Singular {
        /// The component that is not determined.
        component: String,
        /// Where.
        at: Spot,
    },
    /// A number became infinite or NaN.
    #[error("{what} is not finite at {at}")]
    NotFinite {
        /// What is not finite.
        what: String,
        /// Where.
        at: Spot,
    },
    /// The border's Schur complement could not be inverted.
    #[error("the coefficients cannot be told apart: their normal matrix is singular")]
    Collinear,
    /// The compiled model failed.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// Stopped by the observer; with what the last solve gave, if there was one.
    #[error("interrupted")]
    Interrupted(Option<Box<Interim>>),
}

/// A point of a trajectory.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Spot {
    /// The time.
    pub time: f64,
    /// The name of the trajectory, where there are several.
    pub trajectory: Option<String>,
    /// The components there.
    pub x: Vec<f64>,
    /// The inputs there; empty where they are not known.
    pub inputs: Box<[f64]>,
    /// The unknowns of the model there.
    pub unknowns: Vec<f64>,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Times are sums of steps: what rounding leaves is no part of them.
        write!(f, "t = {}", number(shortened(self.time, 4.0 * f64::EPSILON * self.time.abs())))?;
        self.trajectory.iter().try_for_each(|name| write!(f, " of trajectory {name}"))
    }
}

/// Where a fit stands that is not finished.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Interim {
    /// Gauss-Newton solves made.
    pub solves: usize,
    /// The unknowns; zero where dropped.
    pub unknowns: Vec<f64>,
    /// Whether each unknown is kept so far.
    pub kept: Vec<bool>,
    /// Standard deviation of the measurement noise per component.
    pub noise: Vec<f64>,
}

impl JointFit {
    /// Whether the fit settled on an exact trajectory.
    pub fn in_order(&self) -> bool {
        self.converged && !self.process_noise
    }

    /// The same in the form of a fit that is not finished.
    pub fn interim(&self) -> Interim {
        Interim {
            solves: self.solves,
            unknowns: self.estimates.iter().map(|e| e.value).collect(),
            kept: self.estimates.iter().map(|e| e.kept).collect(),
            noise: self.noise.clone(),
        }
    }
}
