//! Normal equations, coefficients and loss.

use super::forward::{Part, Signals};
use super::scope::{Estimate, Scope};
use crate::base::{Idx, IndexMap};
use crate::hir::{Measure, StateId, UnknownId};
use crate::ir::{Builder, UnaryOp, ValueId};

/// The loss and what it is made of.
pub(super) struct Loss {
    /// `fit + consistency * auxiliary`
    pub total: ValueId,
    /// Weighted mean of the squares, or magnitudes, of the solution less the data.
    pub fit: ValueId,
    /// The same of the auxiliaries.
    pub auxiliary: ValueId,
    /// `f64[sample, time]` by state: the solution.
    pub solution: IndexMap<StateId, ValueId>,
    /// Scalars by state: sum of squares of the solution against the data, unweighted.
    pub squares: IndexMap<StateId, ValueId>,
}

impl Scope<'_> {
    /// The normal equations of the weighted squares: matrix `[coefficient, coefficient2]` and right-hand side
    /// `[coefficient]`; `None` for a model without coefficients.
    ///
    /// With `Q` the products of the distinct responses and `P` which coefficient multiplies which of them, the matrix is
    /// the sum over members of `P^T Q P`: the responses are multiplied once, however many equations share them.
    pub fn normal_equations(&self, b: &mut Builder, parts: &[Part]) -> Option<(ValueId, ValueId)> {
        let axes = &self.axes;
        let (mut matrix, mut rhs) = (None, None);
        for part in parts {
            let (Some(responses), Some(selection)) = (part.responses, self.selections[part.group]) else { continue };
            let (member, source) = (part.member, part.source);
            let source2 = b.module.axis(&format!("source{}b", part.group), b.module.axes[source].size);
            let renamed = b.reshape(responses, &[source2, axes.sample, axes.time]);
            let products = b.contract(responses, renamed, &[axes.sample, axes.time], &[source, source2]);
            let rest = b.sub(part.target, part.base);
            let against = b.contract(rest, responses, &[axes.sample, axes.time], &[member, source]);

            let weight = b.broadcast(part.counted, &[member, source, axes.coefficient]);
            let weighted = b.mul(weight, selection);
            let half = b.contract(weighted, products, &[source], &[member, source2, axes.coefficient]);
            let selection2 = b.reshape(selection, &[member, source2, axes.coefficient2]);
            let n = b.contract(half, selection2, &[member, source2], &[axes.coefficient, axes.coefficient2]);
            let r = b.contract(weighted, against, &[member, source], &[axes.coefficient]);
            matrix = Some(matrix.map_or(n, |m| b.add(m, n)));
            rhs = Some(rhs.map_or(r, |s| b.add(s, r)));
        }
        matrix.zip(rhs)
    }

    /// The coefficients, `f64[coefficient]`.
    pub fn coefficients(&self, b: &mut Builder, parts: &[Part]) -> Option<ValueId> {
        match &self.estimate {
            Estimate::Nothing => None,
            Estimate::Given(xi) => Some(*xi),
            Estimate::Trained { xi, mask } => Some(b.mul(*xi, *mask)),
            Estimate::Emitted { emitter, mask } => {
                let xi = emitter.apply(b, self.axes.coefficient);
                Some(b.mul(xi, *mask))
            }
            Estimate::Projected { mask, held, ridge, identity } => {
                let (n, r) = self.normal_equations(b, parts)?;
                // A coefficient whose response is zero everywhere has a zero row: the smallest of ridges keeps it zero.
                let diagonal = b.mul(n, *identity);
                let relative = b.mul(*ridge, diagonal);
                let tiny = b.f64(1e-30);
                let tiny = b.mul(tiny, *identity);
                let ridged = b.add(n, relative);
                let ridged = b.add(ridged, tiny);
                let held2 = b.reshape(*held, &[self.axes.coefficient2]);
                let taken = b.contract(n, held2, &[self.axes.coefficient2], &[self.axes.coefficient]);
                let rest = b.sub(r, taken);
                let free = b.spd_solve(ridged, rest, *mask);
                Some(b.add(free, *held))
            }
        }
    }

    /// The loss for these coefficients; `None` in a function without one.
    pub fn objective(&self, b: &mut Builder, signals: &Signals, parts: &[Part], xi: Option<ValueId>) -> Option<Loss> {
        let axes = &self.axes;
        let [average, consistency] = self.loss?;
        let (mut solution, mut squares) = (IndexMap::new(), IndexMap::new());
        let mut fit = Sums::default();
        for part in parts {
            let mut u = part.base;
            if let (Some(responses), Some(selection), Some(xi)) = (part.responses, self.selections[part.group], xi) {
                let amounts = b.contract(selection, xi, &[axes.coefficient], &[part.member, part.source]);
                let sum = b.contract(amounts, responses, &[part.source], &[part.member, axes.sample, axes.time]);
                u = b.add(u, sum);
            }
            let e = b.sub(u, part.target);
            let square = b.mul(e, e);
            let square = b.sum(square, &[axes.sample, axes.time]);
            for measure in Measure::ALL {
                let size = match measure {
                    Measure::Mse | Measure::Sse => square,
                    Measure::Mae => magnitudes(b, e, axes),
                };
                self.add_part(b, part, measure, size, &mut fit);
            }
            for (i, member) in self.plan.groups[part.group].members.iter().enumerate() {
                let state = member.states[part.position];
                solution.insert(state, b.index(u, part.member, i));
                squares.insert(state, b.index(square, part.member, i));
            }
        }
        let auxiliary = self.consistency(b, signals);
        let (fit, auxiliary) = (fit.total(b, average), auxiliary.total(b, average));
        let term = b.mul(consistency, auxiliary);
        let mut total = b.add(fit, term);
        if let Some(penalty) = self.penalty(b, xi) {
            total = b.add(total, penalty);
        }
        Some(Loss { total, fit, auxiliary, solution, squares })
    }

    /// Adds what the states of a part count by one measure; `size` is the sum of their misfits, `f64[member]`.
    fn add_part(&self, b: &mut Builder, part: &Part, measure: Measure, size: ValueId, sums: &mut Sums) {
        let loss = &self.request.fit.loss;
        let members = &self.plan.groups[part.group].members;
        let states = self.request.model.states.len();
        let shares = members.iter().map(|m| loss.of_solution(m.states[part.position], measure, states));
        let shares: Vec<f64> = shares.collect();
        if shares.iter().all(|share| *share == 0.0) {
            return;
        }
        let weight = if measure == Measure::Mae { b.unary(UnaryOp::Sqrt, part.weight) } else { part.weight };
        let mut weighted = b.mul(size, weight);
        if shares.iter().any(|share| *share != 1.0) {
            let shares: Vec<ValueId> = shares.into_iter().map(|share| b.f64(share)).collect();
            let shares = b.stack(&shares, part.member, 0);
            weighted = b.mul(weighted, shares);
        }
        let weighted = b.sum(weighted, &[part.member]);
        sums.add(b, measure, weighted);
    }

    /// What network outputs count against the data: those that the loss names, else the auxiliaries of observed states.
    fn consistency(&self, b: &mut Builder, signals: &Signals) -> Sums {
        let loss = &self.request.fit.loss;
        let mut sums = Sums::default();
        let mut misfits = Vec::new();
        if loss.names_outputs() {
            let states = self.request.model.states.len();
            // The mean is over the steps of the solves; what has a number for every sample of the window counts as much.
            let fit = self.request.fit;
            let more = fit.reach() as f64 / fit.window as f64;
            for (term, v) in &signals.compared {
                let short = self.axes.read[0] != self.axes.time && b.ty(*v).axes.contains(&self.axes.read[0]);
                let data = if short { &signals.read } else { &signals.data };
                let Some(&x) = data.get(&term.state) else { continue };
                let scaled = short && term.measure != Measure::Sse;
                let share = term.relative(states) * if scaled { more } else { 1.0 };
                misfits.push((term.state, *v, x, term.measure, share));
            }
        } else {
            for (&s, &x) in &signals.data {
                if let Some(&v) = signals.auxiliaries.get(&s).filter(|&&v| v != x) {
                    misfits.push((s, v, x, loss.measure, 1.0));
                }
            }
        }
        for (state, v, x, measure, share) in misfits {
            let e = b.sub(v, x);
            let weight = signals.statistics[state.index()][2];
            let (size, weight) = match measure {
                Measure::Mse | Measure::Sse => (b.mul(e, e), weight),
                Measure::Mae => (b.unary(UnaryOp::Abs, e), b.unary(UnaryOp::Sqrt, weight)),
            };
            let over = b.ty(size).axes.clone();
            let size = b.sum(size, &over);
            let mut weighted = b.mul(size, weight);
            if share != 1.0 {
                let share = b.f64(share);
                weighted = b.mul(share, weighted);
            }
            sums.add(b, measure, weighted);
        }
        sums
    }

    /// The magnitudes of the coefficients of holes, in the loss with the weight that the fit gives them.
    fn penalty(&self, b: &mut Builder, xi: Option<ValueId>) -> Option<ValueId> {
        let mut total = None;
        let trained = [
            (xi, &self.plan.coefficients, self.axes.coefficient),
            (self.phi.map(|p| p.0), &self.plan.parameters, self.phi.map_or(self.axes.coefficient, |p| p.1)),
        ];
        for (numbers, unknowns, axis) in trained {
            let of_hole = |&u: &UnknownId| self.request.model.unknowns[u].is_coefficient();
            let Some(numbers) = numbers.filter(|_| self.request.fit.l1 > 0.0 && unknowns.iter().any(of_hole)) else {
                continue;
            };
            let weight = |u: &UnknownId| if of_hole(u) { self.request.fit.l1 } else { 0.0 };
            let weights: Vec<ValueId> = unknowns.iter().map(|u| b.f64(weight(u))).collect();
            let weights = b.stack(&weights, axis, 0);
            let sizes = b.unary(UnaryOp::Abs, numbers);
            let sum = b.contract(weights, sizes, &[axis], &[]);
            total = Some(total.map_or(sum, |t| b.add(t, sum)));
        }
        total
    }

    /// Values by state side by side along the state axis at `position`.
    pub fn by_state(&self, b: &mut Builder, values: &IndexMap<StateId, ValueId>, position: usize) -> ValueId {
        let ordered: Vec<ValueId> = self.request.model.states.ids().filter_map(|s| values.get(&s).copied()).collect();
        b.stack(&ordered, self.axes.state, position)
    }
}

/// Sums over windows and steps: those of which the mean counts, and those that count as they are.
#[derive(Default)]
struct Sums {
    mean: Option<ValueId>,
    sum: Option<ValueId>,
}

impl Sums {
    fn add(&mut self, b: &mut Builder, measure: Measure, value: ValueId) {
        let slot = if measure == Measure::Sse { &mut self.sum } else { &mut self.mean };
        *slot = Some(slot.map_or(value, |s| b.add(s, value)));
    }

    /// Both together, as one number.
    fn total(self, b: &mut Builder, average: ValueId) -> ValueId {
        let zero = b.f64(0.0);
        let mean = self.mean.map(|mean| b.mul(mean, average));
        [mean, self.sum].into_iter().flatten().reduce(|x, y| b.add(x, y)).unwrap_or(zero)
    }
}

/// The sum of the magnitudes over windows and steps.
fn magnitudes(b: &mut Builder, e: ValueId, axes: &super::scope::Axes) -> ValueId {
    let size = b.unary(UnaryOp::Abs, e);
    b.sum(size, &[axes.sample, axes.time])
}
