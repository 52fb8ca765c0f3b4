//! Where each row of a system lies among all of them.

use super::plan::Plan;
use super::problem::Problem;

/// The first row of each kind, in the order of all rows: those of the equations `(E, T)` come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowOrder {
    /// `(Ti, D, Ki)`
    pub initial: usize,
    /// `(M)`
    pub data: usize,
    /// Between two steps, `(T-1, D, R)` for `R` rows of a state.
    pub between: usize,
    /// Central rows, `(T-2, D)`
    pub around: usize,
    /// Of the periodic boundary, `(D, K-1)`
    pub closed: usize,
    /// Of the border's ridge, `(P)`
    pub ridge: usize,
    /// All rows.
    pub len: usize,
}

impl RowOrder {
    pub fn new(problem: &Problem, plan: &Plan) -> Self {
        let shape = &problem.shape;
        let initial = shape.right_hand_sides();
        let data = initial + shape.initial_values();
        let between = data + problem.data.places.len();
        let around = between + shape.intervals() * shape.states * plan.rows.rows.len();
        let closed = around + if problem.scheme.central { shape.steps.saturating_sub(2) * shape.states } else { 0 };
        let ridge = closed + if problem.scheme.periodic { shape.states * (shape.orders - 1) } else { 0 };
        RowOrder { initial, data, between, around, closed, ridge, len: ridge + plan.own }
    }
}
