//! What is to be solved: sizes, scheme, and the arrays, all row-major `f64` slices.

use super::error::SolveError;

/// Sizes of a batch of systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Samples (or right-hand sides, where the matrix is shared), `B`.
    pub batch: usize,
    /// Equations per step, `E`; may be 0.
    pub equations: usize,
    /// Time steps, `T`.
    pub steps: usize,
    /// States, `D`.
    pub states: usize,
    /// Derivatives kept, `K`: the state itself and `K - 1` derivatives.
    pub orders: usize,
    /// Steps with given initial values, `Ti`.
    pub initial_steps: usize,
    /// Derivatives given at each of these, `Ki`.
    pub initial_orders: usize,
}

/// The scalar slack of the 2024 form: one unknown `eps` in every smoothness row, pushed up by `gamma * alpha`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slack {
    pub alpha: f64,
    pub gamma: f64,
}

/// Factors on the rows (not on their squares).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    pub equation: f64,
    pub initial: f64,
    pub smooth: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Weights { equation: 1.0, initial: 1.0, smooth: 1.0 }
    }
}

/// Which rows there are, and their weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scheme {
    pub slack: Option<Slack>,
    pub central: bool,
    pub weights: Weights,
    /// Corrections of each solve with a residual taken from the rows themselves. None follows the normal equations alone; one
    /// or two recover most of the accuracy that they lose by squaring the condition number, at the cost of a solve each.
    pub refinements: usize,
}

/// Equation coefficients.
#[derive(Debug, Clone, Copy)]
pub enum Coefficients<'a> {
    /// `(B, E, T, D, K)`
    PerSample(&'a [f64]),
    /// `(E, T, D, K)`, the same for all samples.
    Shared(&'a [f64]),
}

/// Step sizes in the unit of time of the coefficients.
#[derive(Debug, Clone, Copy)]
pub struct Steps<'a> {
    /// `(B or 1, T-1, D or 1)`
    pub values: &'a [f64],
    /// Whether the first axis is the batch.
    pub per_sample: bool,
    /// Whether the last axis is the states.
    pub per_state: bool,
}

/// A batch of systems.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    pub shape: Shape,
    pub scheme: Scheme,
    pub c: Coefficients<'a>,
    /// `(B, E, T)`
    pub rhs: &'a [f64],
    /// `(B, Ti, D, Ki)`
    pub iv: &'a [f64],
    pub h: Steps<'a>,
}

/// Most derivatives kept; beyond it the factorials and powers of the step say nothing in `f64`.
pub(crate) const MAX_ORDERS: usize = 16;

impl Shape {
    /// Unknowns of one step, `D * K`.
    pub fn block(&self) -> usize {
        self.states * self.orders
    }
    /// Unknowns of one sample without the slack, `T * D * K`.
    pub fn unknowns(&self) -> usize {
        self.steps * self.block()
    }
    /// Coefficients of one sample, `E * T * D * K`.
    pub fn coefficients(&self) -> usize {
        self.equations * self.unknowns()
    }
    /// Right-hand sides of one sample, `E * T`.
    pub fn right_hand_sides(&self) -> usize {
        self.equations * self.steps
    }
    /// Initial values of one sample, `Ti * D * Ki`.
    pub fn initial_values(&self) -> usize {
        self.initial_steps * self.states * self.initial_orders
    }
    /// Intervals between steps, `T - 1`.
    pub fn intervals(&self) -> usize {
        self.steps.saturating_sub(1)
    }

    pub(crate) fn check(&self, scheme: &Scheme) -> Result<(), SolveError> {
        let size = |what, got, bad: bool, allowed| {
            if bad { Err(SolveError::Size { what, got, allowed }) } else { Ok(()) }
        };
        size("batch", self.batch, self.batch == 0, "at least 1")?;
        size("steps", self.steps, self.steps == 0, "at least 1")?;
        size("states", self.states, self.states == 0, "at least 1")?;
        size("orders", self.orders, self.orders == 0 || self.orders > MAX_ORDERS, "1 to 16")?;
        size("orders", self.orders, scheme.central && self.orders < 2, "at least 2 with central rows")?;
        size("initial_steps", self.initial_steps, self.initial_steps > self.steps, "at most the steps")?;
        size("initial_orders", self.initial_orders, self.initial_orders > self.orders, "at most the orders")?;
        // Everything allocated is a small multiple of these products.
        let product = |xs: &[usize]| xs.iter().try_fold(64usize, |p, &x| p.checked_mul(x.max(1)));
        let largest = [self.batch, self.equations, self.steps, self.states, self.orders];
        let factor = [self.batch, self.steps, self.states, self.orders, self.states, self.orders];
        match (product(&largest), product(&factor)) {
            (Some(a), Some(b)) if a.max(b) < isize::MAX as usize / 64 => Ok(()),
            _ => Err(SolveError::TooLarge),
        }
    }
}

impl Coefficients<'_> {
    pub(crate) fn values(&self) -> &[f64] {
        match self {
            Coefficients::PerSample(c) | Coefficients::Shared(c) => c,
        }
    }
    pub(crate) fn per_sample(&self) -> bool {
        matches!(self, Coefficients::PerSample(_))
    }
}

impl Problem<'_> {
    /// Whether one factor serves all samples: neither coefficients nor steps depend on the sample.
    pub fn constant_matrix(&self) -> bool {
        !self.c.per_sample() && !self.h.per_sample
    }

    /// Lengths of the arrays and finiteness of the scheme.
    pub(crate) fn check(&self) -> Result<(), SolveError> {
        let s = &self.shape;
        s.check(&self.scheme)?;
        let times = |per_sample: bool| if per_sample { s.batch } else { 1 };
        let length = |what, expected, got| {
            if expected == got { Ok(()) } else { Err(SolveError::Length { what, expected, got }) }
        };
        length("c", times(self.c.per_sample()) * s.coefficients(), self.c.values().len())?;
        length("rhs", s.batch * s.right_hand_sides(), self.rhs.len())?;
        length("iv", s.batch * s.initial_values(), self.iv.len())?;
        let columns = if self.h.per_state { s.states } else { 1 };
        length("h", times(self.h.per_sample) * s.intervals() * columns, self.h.values.len())?;
        let finite = |what, x: f64| {
            if x.is_finite() { Ok(()) } else { Err(SolveError::Scheme { what }) }
        };
        let w = &self.scheme.weights;
        finite("the equation weight", w.equation)?;
        finite("the initial weight", w.initial)?;
        finite("the smooth weight", w.smooth)?;
        match self.scheme.slack {
            Some(slack) => finite("gamma * alpha", slack.gamma * slack.alpha),
            None => Ok(()),
        }
    }
}
