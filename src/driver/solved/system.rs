//! The equation rows of a relaxed solve: of a linear model as they are written, of any other linearised around a trajectory.

use super::super::failure::Failure;
use super::super::pointwise::Compiled;
use super::super::target::Target;
use super::given::Given;
use crate::artifact::PatternEntry;
use crate::base::Idx;
use crate::hir::{Model, Point, StateId};
use crate::lower::pointwise::components;
use crate::runtime::Threads;
use crate::solve::relaxed::Shape;
use crate::train::joint::{Dynamics, Points};

/// Coefficients and right-hand sides.
pub(super) struct Rows {
    /// `[equation, step, state, order]`
    pub c: Vec<f64>,
    /// `[equation, step]`
    pub rhs: Vec<f64>,
}

impl Rows {
    fn empty(shape: &Shape) -> Rows {
        Rows { c: vec![0.0; shape.coefficients()], rhs: vec![0.0; shape.right_hand_sides()] }
    }

    fn add(&mut self, shape: &Shape, (equation, step): (usize, usize), (state, order): (StateId, u8), value: f64) {
        let at = ((equation * shape.steps + step) * shape.states + state.index()) * shape.orders + usize::from(order);
        if let Some(slot) = self.c.get_mut(at) {
            *slot += value;
        }
    }
}

/// The rows of a linear model.
pub(super) fn linear(model: &Model, given: &Given, shape: &Shape) -> Rows {
    let mut rows = Rows::empty(shape);
    for step in 0..given.steps {
        let inputs = (0..model.inputs.len()).map(|i| given.inputs.get(i * given.steps + step).copied());
        let inputs = inputs.map(|v| v.unwrap_or(f64::NAN)).collect();
        let point = Point { time: given.time(step), inputs, ..Point::default() };
        for (e, equation) in model.equations.iter().enumerate() {
            for term in &equation.linear {
                rows.add(shape, (e, step), (term.state, term.derivative), term.coefficient.eval(&point));
            }
            if let (Some(known), Some(slot)) = (&equation.known, rows.rhs.get_mut(e * given.steps + step)) {
                *slot = known.eval(&point);
            }
        }
    }
    rows
}

/// A compiled model and its derivatives.
pub(super) struct Linearised {
    compiled: Compiled,
    components: Vec<(StateId, u8)>,
    /// The components whose derivatives the equations give: component, state and its order.
    tops: Vec<(usize, StateId, u8)>,
}

impl Linearised {
    pub fn new(model: &Model) -> Result<Linearised, Failure> {
        let components = components(model);
        let tops = components.iter().enumerate().filter_map(|(i, &(state, k))| {
            let order = model.states[state].order;
            (k + 1 == order).then_some((i, state, order))
        });
        let tops = tops.collect();
        Ok(Linearised { compiled: Compiled::linearisation(model, &Target::Host(Threads::single()))?, components, tops })
    }

    /// The rows of `x_n - f'(x) x = f(x) - f'(x) x` around `x`, `[component, time]`.
    pub fn rows(&mut self, given: &Given, shape: &Shape, x: &[f64]) -> Result<Rows, Failure> {
        let n = given.steps;
        let t: Vec<f64> = (0..n).map(|i| given.time(i)).collect();
        let pattern = self.compiled.pattern().clone();
        let mut entries = vec![0.0; pattern.rows * n];
        let at = Points { x, t: &t, input: &given.inputs };
        self.compiled.linearise(at, &[], &mut entries).map_err(|e| Failure::Internal(e.to_string()))?;
        let value = |entry: &PatternEntry, step: usize| match entry {
            PatternEntry::Constant(v) => *v,
            PatternEntry::Row(row) => entries.get(row * n + step).copied().unwrap_or(f64::NAN),
        };
        let mut rows = Rows::empty(shape);
        for (e, &(component, state, order)) in self.tops.iter().enumerate() {
            let (Some(f), Some(derivatives)) = (pattern.value.get(component), pattern.by_component.get(component))
            else {
                return Err(Failure::Internal("a component without a derivative".into()));
            };
            for step in 0..n {
                rows.add(shape, (e, step), (state, order), 1.0);
                let mut rest = value(f, step);
                for (j, entry) in derivatives {
                    let slope = value(entry, step);
                    rest -= slope * x.get(j * n + step).copied().unwrap_or(f64::NAN);
                    if let Some(&place) = self.components.get(*j) {
                        rows.add(shape, (e, step), place, -slope);
                    }
                }
                if let Some(slot) = rows.rhs.get_mut(e * n + step) {
                    *slot = rest;
                }
            }
        }
        Ok(rows)
    }
}
