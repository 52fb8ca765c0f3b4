//! What is differentiated: the gradients that are wanted, those that come in and those that come out.

use super::error::SolveError;
use super::problem::{Problem, Shape};

/// Which gradients to compute; the others come back empty (0 for the scalar weights).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    pub c: bool,
    pub rhs: bool,
    pub iv: bool,
    pub h: bool,
    pub weights: bool,
    /// Of the factors on single rows.
    pub row_weights: bool,
    /// Of the data rows' values and weights.
    pub data: bool,
    /// Of the border's columns.
    pub border: bool,
}

impl Wanted {
    /// All of them.
    pub const ALL: Wanted =
        Wanted { c: true, rhs: true, iv: true, h: true, weights: true, row_weights: true, data: true, border: true };
}

/// Gradients of a scalar with respect to the inputs of the solve, each in the shape of its input; what the samples share is
/// summed over the batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gradients {
    /// `(B or 1, E, T, D, K)`
    pub c: Vec<f64>,
    /// `(B, E, T)`
    pub rhs: Vec<f64>,
    /// `(B, Ti, D, Ki)`
    pub iv: Vec<f64>,
    /// `(B or 1, T-1, D or 1)`
    pub h: Vec<f64>,
    /// Of the equation, initial and smooth weights, summed over the batch.
    pub weights: [f64; 3],
    /// Of the factors on equation rows `(E, T)`, initial rows `(Ti, D)` and smooth rows `(T-1, D)`.
    pub row_weights: [Vec<f64>; 3],
    /// Of the data rows' values `(B, M)`.
    pub data: Vec<f64>,
    /// Of the data rows' weights `(M)`.
    pub data_weights: Vec<f64>,
    /// `(B or 1, E, T, P)`
    pub border: Vec<f64>,
    /// Of the slack's push `gamma * alpha`, summed over the batch.
    pub push: f64,
}

impl Gradients {
    /// Looks for a gradient that is no number: products of large solutions and adjoint solutions may overflow. `problem` is the one that they are of.
    ///
    /// # Errors
    /// [`SolveError::NonFiniteGradient`], the first one, with its place.
    pub fn check(&self, problem: &Problem) -> Result<(), SolveError> {
        let Shape { batch, equations, steps, states, orders, initial_steps, initial_orders } = problem.shape;
        let samples = |own: bool| ("sample", if own { batch } else { 1 });
        let (equation, step, state, interval) =
            (("equation", equations), ("step", steps), ("state", states), ("interval", problem.shape.intervals()));
        let of_step = ("state", if problem.h.per_state { states } else { 1 });
        let [of_equations, of_initial, of_smooth] = &self.row_weights;
        let (data, border) = (("row", problem.data.places.len()), ("unknown", problem.border.width));
        let one = std::slice::from_ref;
        let [of_equation, of_start, of_smoothness] = &self.weights;
        type Array<'a> = (&'static str, &'a [f64], &'a [(&'static str, usize)]);
        let arrays: [Array; 14] = [
            ("c", &self.c, &[samples(problem.c.per_sample()), equation, step, state, ("derivative", orders)]),
            ("rhs", &self.rhs, &[samples(true), equation, step]),
            ("iv", &self.iv, &[samples(true), ("step", initial_steps), state, ("derivative", initial_orders)]),
            ("h", &self.h, &[samples(problem.h.per_sample), interval, of_step]),
            ("the equation weight", one(of_equation), &[]),
            ("the initial weight", one(of_start), &[]),
            ("the smooth weight", one(of_smoothness), &[]),
            ("the equation rows' weights", of_equations, &[equation, step]),
            ("the initial rows' weights", of_initial, &[("step", initial_steps), state]),
            ("the smooth rows' weights", of_smooth, &[interval, state]),
            ("the data", &self.data, &[samples(true), data]),
            ("the data rows' weights", &self.data_weights, &[data]),
            ("the border's columns", &self.border, &[samples(problem.border.per_sample), equation, step, border]),
            ("the push", one(&self.push), &[]),
        ];
        for (what, numbers, axes) in arrays {
            if let Some(at) = numbers.iter().position(|x| !x.is_finite()) {
                return Err(SolveError::NonFiniteGradient { what, place: place(axes, at) });
            }
        }
        Ok(())
    }
}

/// A place in an array, by those of its axes that are longer than one.
fn place(axes: &[(&str, usize)], at: usize) -> String {
    let mut rest = at;
    let mut names: Vec<String> = Vec::new();
    for (name, len) in axes.iter().rev().filter(|(_, len)| *len > 1) {
        names.push(format!("{name} {}", rest % len));
        rest /= len;
    }
    names.reverse();
    if names.is_empty() { String::new() } else { format!(" at {}", names.join(", ")) }
}

/// Gradients of a scalar `l` with respect to the solution.
#[derive(Debug, Clone, Copy, Default)]
pub struct Upstream<'a> {
    /// `dl/du`, `(B, T, D, K)`
    pub u: &'a [f64],
    /// `dl/d eps`, `(B)`; empty where `l` does not depend on the slack.
    pub eps: &'a [f64],
    /// `dl/d theta`, `(B, P)`; empty where `l` does not depend on the border.
    pub theta: &'a [f64],
}
