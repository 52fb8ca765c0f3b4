//! Which rows there are, their weights, and how a solve is done.

/// The scalar slack of the 2024 form: one unknown `eps` in every smoothness row, pushed up by `gamma * alpha`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slack {
    pub alpha: f64,
    pub gamma: f64,
}

/// Factors on the rows (not on their squares): finite numbers, none of them negative.
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

/// The rows that tie neighbouring steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowSet {
    /// Truncated Taylor series forward and backward, as published: `2 (K - 1)` or `2 K` rows for an interval.
    Taylor,
    /// Two-point Hermite (Obreshkov) formulas and a weak tie of the highest derivative, `K` rows for an interval: row `i < K - 1`
    /// ties `u_i` at both ends through all higher derivatives kept and is exact for polynomials of degree `2 K - 2 - i`;
    /// the last one, [`RowSet::TOP`] strong, keeps the extra derivatives from oscillating. With one derivative more than the equation
    /// has the solution is of fourth order in the step.
    Hermite,
}

impl RowSet {
    /// Factor on the row that ties the highest derivative of the Hermite set. Without it a spline of full smoothness results, which
    /// diverges (Loscalzo and Talbot, SIAM J. Numer. Anal. 4, 1967); between 0.003 and 0.1 the results hardly depend on it.
    pub const TOP: f64 = 0.01;
}

/// Arithmetic of a solve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    #[default]
    Double,
    /// Everything in `f32`, with unknowns scaled by the step so that their sizes stay comparable. Gradients are differences of nearly equal
    /// numbers, of which this may leave no digit: take [`Precision::of_gradients`] for them.
    Single,
    /// Factor in `f32`, corrections of each solve with residuals in `f64`. A batch with a system that is singular in `f32`, or whose
    /// corrections do not settle, is factored in `f64`.
    Mixed,
}

impl Precision {
    /// As options name it.
    pub const fn name(self) -> &'static str {
        match self {
            Precision::Double => "f64",
            Precision::Single => "f32",
            Precision::Mixed => "mixed",
        }
    }

    /// In which gradients of solves of this precision are taken where they are to have digits: those of [`Precision::Single`] in
    /// [`Precision::Mixed`], with a factor and a solution of their own.
    pub const fn of_gradients(self) -> Precision {
        match self {
            Precision::Single => Precision::Mixed,
            Precision::Double | Precision::Mixed => self,
        }
    }

    /// Corrections of each solve that a precision may need; a solve ends before, where another would change nothing. With a factor in `f32` each gains about five digits over fifty
    /// steps, but hardly one over five hundred, whose matrix is nearly singular in `f32`.
    pub(super) const fn corrections(self, steps: usize) -> usize {
        match (self, steps > 100) {
            (Precision::Double, _) => 0,
            (Precision::Single, false) => 2,
            (Precision::Single, true) => 8,
            (Precision::Mixed, false) => 8,
            (Precision::Mixed, true) => 20,
        }
    }
}

/// How the factor is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Cholesky factor of the normal matrix; in double and mixed precision of the rows, as [`Method::Qr`], where that is singular or
    /// corrections, if there are two or more, do not settle.
    #[default]
    Normal,
    /// Orthogonal factor of the rows: the same triangular factor without squaring the condition number, one sample
    /// after the other in plain code, which costs small blocks a hundred times as much and more.
    /// Solves are corrected at least twice (corrected semi-normal equations).
    Qr,
}

/// Which rows there are, their weights, and how the solve is done.
///
/// The default is the accurate one: Hermite rows and two corrections of each solve. With one derivative more than the equation's order
/// ([`Scheme::orders_for`]) its error falls with the fourth power of the step. [`Scheme::published`] is that of the publications.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scheme {
    pub slack: Option<Slack>,
    /// Central rows, of the Taylor set alone.
    pub central: bool,
    /// Rows `u[0, d, k] = u[T-1, d, k]` for `k < K - 1`, weighted like initial values.
    pub periodic: bool,
    pub rows: RowSet,
    pub precision: Precision,
    pub method: Method,
    pub weights: Weights,
    /// Corrections of each solve with a residual taken from the rows themselves; fewer where they are at rounding level, and from two on up to 20 more where they
    /// gain and are needed. None follows the normal equations alone; one
    /// or two recover most of the accuracy that they lose by squaring the condition number, at the cost of a solve each.
    pub refinements: usize,
    /// Whether residuals of rows are kept with a single correction too, as they are with two or more in double precision: taken once with twice the digits and corrected by
    /// themselves. Gradients over thousands of steps are made of residuals that a solution in double precision does not tell.
    pub keeps_rows: bool,
}

impl Default for Scheme {
    fn default() -> Self {
        Scheme { rows: RowSet::Hermite, refinements: 2, ..Scheme::published() }
    }
}

impl Scheme {
    /// The same with the precision that gradients are taken in: [`Precision::of_gradients`].
    pub const fn of_gradients(self) -> Self {
        Scheme { precision: self.precision.of_gradients(), ..self }
    }

    /// Truncated Taylor rows without a slack, uncorrected: arXiv 2410.06074 with its central rows left out.
    pub const fn published() -> Self {
        Scheme {
            slack: None,
            central: false,
            periodic: false,
            rows: RowSet::Taylor,
            precision: Precision::Double,
            method: Method::Normal,
            weights: Weights { equation: 1.0, initial: 1.0, smooth: 1.0 },
            refinements: 0,
            keeps_rows: false,
        }
    }

    /// The derivatives to keep, [`Shape::orders`](super::Shape::orders), for an equation with derivatives up to `order` in the default scheme.
    pub const fn orders_for(order: usize) -> usize {
        order + 2
    }
}
