//! What is to be solved: sizes and the arrays, all row-major `f64` slices.

use super::error::{SolveError, Takes, check_length, check_optional_length};
use super::scheme::{Method, RowSet, Scheme, Slack, Weights};

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
    /// Derivatives kept, `K`, the state itself being the first: the highest derivative is `K - 1`.
    pub orders: usize,
    /// Steps with given initial values, `Ti`.
    pub initial_steps: usize,
    /// Derivatives given at each of these, `Ki`.
    pub initial_orders: usize,
}

/// Equation coefficients.
#[derive(Debug, Clone, Copy)]
pub enum Coefficients<'a> {
    /// `(B, E, T, D, K)`
    PerSample(&'a [f64]),
    /// `(E, T, D, K)`, the same for all samples.
    Shared(&'a [f64]),
}

/// Step sizes in the unit of time of the coefficients. Positive ones; negative ones are solved as they stand, from the end of the time to its start.
#[derive(Debug, Clone, Copy)]
pub struct Steps<'a> {
    /// `(B or 1, T-1, D or 1)`
    pub values: &'a [f64],
    /// Whether the first axis is the batch.
    pub per_sample: bool,
    /// Whether the last axis is the states.
    pub per_state: bool,
}

/// Factors on single rows, on top of the [`Weights`] of their kind and the same for all samples; an empty slice is all ones. They are
/// finite and not negative.
#[derive(Debug, Clone, Copy, Default)]
pub struct RowWeights<'a> {
    /// `(E, T)`
    pub equation: &'a [f64],
    /// `(Ti, D)`
    pub initial: &'a [f64],
    /// `(T-1, D)`; a central row around step `t` takes that of the interval after it.
    pub smooth: &'a [f64],
}

/// Rows `u[step, state, order] = value` at any steps: observations. `M` of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct DataRows<'a> {
    /// `(step, state, order)` of each row, steps ascending.
    pub places: &'a [(usize, usize, usize)],
    /// `(B, M)`
    pub values: &'a [f64],
    /// `(M)`, the same for all samples; finite and not negative.
    pub weights: &'a [f64],
}

/// Unknowns that enter the equations of all steps, such as coefficients to be estimated with the trajectory:
/// `sum c u + sum_p columns[e,t,p] theta[p] = rhs`. `P` of them, each with a row `ridge * theta[p] = 0`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Border<'a> {
    /// `P`
    pub width: usize,
    /// `(B or 1, E, T, P)`
    pub columns: &'a [f64],
    /// Whether the first axis is the batch.
    pub per_sample: bool,
    /// 0 where the rows determine every unknown.
    pub ridge: f64,
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
    pub row_weights: RowWeights<'a>,
    pub data: DataRows<'a>,
    pub border: Border<'a>,
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
        let least = |option, asked: bool, what, got, least| {
            if asked && got < least { Err(SolveError::TooFew { option, what, least, got }) } else { Ok(()) }
        };
        least(Takes::Central, scheme.central, "orders", self.orders, 2)?;
        least(Takes::Hermite, scheme.rows == RowSet::Hermite, "orders", self.orders, 2)?;
        least(Takes::Periodic, scheme.periodic, "steps", self.steps, 3)?;
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

impl Shape {
    /// [`Problem::starts_fully`] with these weights, of rows without factors of their own.
    pub(crate) fn starts_fully(&self, weights: &Weights) -> bool {
        let Shape { initial_steps, initial_orders, orders, equations, states, .. } = *self;
        initial_steps > 0
            && initial_orders > 0
            && initial_orders + 2 >= orders
            && equations >= states
            && [weights.equation, weights.initial, weights.smooth].into_iter().all(|weight| weight != 0.0)
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

/// Corrections of solves by an orthogonal factor, at most. Each gains the rounding unit times the squared condition number: one does for right-hand
/// sides that rows nearly fulfil, whereas adjoint solutions need many where little is gained.
const ORTHOGONAL_CORRECTIONS: usize = 20;

/// Corrections of a solve whose start leaves much open, and which therefore is to settle.
pub(crate) const CORRECTIONS_OF_OPEN_STARTS: usize = 2;

impl Problem<'_> {
    /// Whether one factor serves all samples: neither coefficients nor steps depend on the sample.
    pub fn constant_matrix(&self) -> bool {
        !self.c.per_sample() && !self.h.per_sample && !self.border.per_sample
    }

    /// Whether there is an equation for every state and a start with all derivatives but the two highest kept, and no row has the weight zero: a smooth row without weight cuts the time in two, of which the second part has no start. Such
    /// systems are rarely singular, and where they are a pivot shows it.
    pub(crate) fn starts_fully(&self) -> bool {
        let RowWeights { equation, initial, smooth } = self.row_weights;
        self.shape.starts_fully(&self.scheme.weights)
            && [equation, initial, smooth].into_iter().flatten().all(|own| *own != 0.0)
    }

    /// Corrections of each solve: what the scheme says, and at least what its precision and method may need. Two tell
    /// whether they settle, which is asked of orthogonal factors, whose solutions are corrected anyway, and of starts that leave much open.
    pub fn refinements(&self) -> usize {
        let Scheme { precision, method, refinements, .. } = self.scheme;
        let needed = match method {
            Method::Qr => ORTHOGONAL_CORRECTIONS,
            Method::Normal if !self.starts_fully() => CORRECTIONS_OF_OPEN_STARTS,
            Method::Normal => 0,
        };
        refinements.max(precision.corrections(self.shape.steps)).max(needed)
    }

    /// Unknowns of the whole system: the slack and the border.
    pub(crate) fn borders(&self) -> usize {
        self.border.width + usize::from(self.scheme.slack.is_some())
    }

    /// Lengths of the arrays, and weights and a scheme of finite numbers, none of them negative.
    pub(crate) fn check(&self) -> Result<(), SolveError> {
        let s = &self.shape;
        s.check(&self.scheme)?;
        let times = |per_sample: bool| if per_sample { s.batch } else { 1 };
        check_length("c", times(self.c.per_sample()) * s.coefficients(), self.c.values().len())?;
        check_length("rhs", s.batch * s.right_hand_sides(), self.rhs.len())?;
        check_length("iv", s.batch * s.initial_values(), self.iv.len())?;
        let columns = if self.h.per_state { s.states } else { 1 };
        check_length("h", times(self.h.per_sample) * s.intervals() * columns, self.h.values.len())?;
        check_optional_length("the equation rows' weights", s.right_hand_sides(), self.row_weights.equation.len())?;
        check_optional_length("the initial rows' weights", s.initial_steps * s.states, self.row_weights.initial.len())?;
        check_optional_length("the smooth rows' weights", s.intervals() * s.states, self.row_weights.smooth.len())?;
        let m = self.data.places.len();
        check_length("the data rows' values", s.batch.saturating_mul(m), self.data.values.len())?;
        check_length("the data rows' weights", m, self.data.weights.len())?;
        for (i, &(t, d, k)) in self.data.places.iter().enumerate() {
            let size = |what, got, bad: bool, allowed| {
                if bad { Err(SolveError::Size { what, got, allowed }) } else { Ok(()) }
            };
            size("a data row's step", t, t >= s.steps, "below the steps")?;
            size("a data row's state", d, d >= s.states, "below the states")?;
            size("a data row's order", k, k >= s.orders, "below the orders")?;
            let before = i.checked_sub(1).map_or(0, |j| self.data.places[j].0);
            size("a data row's step", t, t < before, "not before that of the row before it")?;
        }
        // As in the check of the shape, with the border's triangle and its columns behind each step, and its columns in the equations.
        // At most it holds the slack and a step too.
        let width = self.border.width.checked_add(s.block() + 1).ok_or(SolveError::TooLarge)?;
        let product = |xs: &[usize]| xs.iter().try_fold(64usize, |p, &x| p.checked_mul(x.max(1)));
        for sizes in
            [&[s.batch, width, width][..], &[s.batch, s.unknowns(), width], &[s.batch, s.right_hand_sides(), width]]
        {
            if product(sizes).is_none_or(|size| size >= isize::MAX as usize / 64) {
                return Err(SolveError::TooLarge);
            }
        }
        let columns = times(self.border.per_sample) * self.border.width * s.right_hand_sides();
        check_length("the border's columns", columns, self.border.columns.len())?;
        let of_rows = [
            ("equation", self.row_weights.equation),
            ("initial", self.row_weights.initial),
            ("smooth", self.row_weights.smooth),
            ("data", self.data.weights),
        ];
        // Rows count by their squares, which weights below 1e-162 or above 1e154 have not.
        let counts = |value: f64| {
            let square = value * value;
            square.is_finite() && (square > 0.0 || value == 0.0) && value >= 0.0
        };
        let w = &self.scheme.weights;
        for ((rows, weights), of_kind) in of_rows.into_iter().zip([w.equation, w.initial, w.smooth, 1.0]) {
            // Of a kind whose weight is wrong that one is named.
            let of_kind = if counts(of_kind) { of_kind } else { 1.0 };
            // Zero leaves a row out; what becomes zero by rounding does not.
            let product_counts =
                |value: f64| value == 0.0 || of_kind == 0.0 || value * of_kind != 0.0 && counts(value * of_kind);
            for (index, &value) in weights.iter().enumerate() {
                if !counts(value) {
                    return Err(SolveError::Weight { rows, index, value });
                }
                if !product_counts(value) {
                    return Err(SolveError::WeightProduct { rows, index, value, of_kind });
                }
            }
        }
        let squared = |what, value: f64| if counts(value) { Ok(()) } else { Err(SolveError::Scheme { what, value }) };
        squared("the equation weight", w.equation)?;
        squared("the initial weight", w.initial)?;
        squared("the smooth weight", w.smooth)?;
        squared("the border's ridge", self.border.ridge)?;
        if self.scheme.central && self.scheme.rows == RowSet::Hermite {
            return Err(SolveError::Combination { what: "central rows" });
        }
        match self.scheme.slack {
            Some(Slack { alpha, gamma }) if !(gamma * alpha).is_finite() => {
                Err(SolveError::Scheme { what: "gamma * alpha", value: gamma * alpha })
            }
            _ => Ok(()),
        }
    }
}
