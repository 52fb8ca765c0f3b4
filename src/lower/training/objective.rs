//! Normal equations, coefficients and loss.

use super::forward::{Part, Signals};
use super::scope::{Estimate, Scope};
use crate::base::{Idx, IndexMap};
use crate::hir::{Loss as Kind, StateId};
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

            let weight = b.broadcast(part.weight, &[member, source, axes.coefficient]);
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
        let mut fit = b.f64(0.0);
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
            let weighted = match self.request.fit.loss {
                Kind::Mse => b.mul(square, part.weight),
                Kind::Mae => {
                    let size = b.unary(UnaryOp::Abs, e);
                    let size = b.sum(size, &[axes.sample, axes.time]);
                    let weight = b.unary(UnaryOp::Sqrt, part.weight);
                    b.mul(size, weight)
                }
            };
            let weighted = b.sum(weighted, &[part.member]);
            fit = b.add(fit, weighted);
            for (i, member) in self.plan.groups[part.group].members.iter().enumerate() {
                let state = member.states[part.position];
                solution.insert(state, b.index(u, part.member, i));
                squares.insert(state, b.index(square, part.member, i));
            }
        }
        let mut auxiliary = b.f64(0.0);
        for (s, &x) in &signals.data {
            let Some(&v) = signals.auxiliaries.get(s).filter(|&&v| v != x) else { continue };
            let e = b.sub(v, x);
            let weight = signals.statistics[s.index()][2];
            let (size, weight) = match self.request.fit.loss {
                Kind::Mse => (b.mul(e, e), weight),
                Kind::Mae => (b.unary(UnaryOp::Abs, e), b.unary(UnaryOp::Sqrt, weight)),
            };
            let size = b.sum(size, &[axes.sample, axes.time]);
            let weighted = b.mul(size, weight);
            auxiliary = b.add(auxiliary, weighted);
        }
        let fit = b.mul(fit, average);
        let auxiliary = b.mul(auxiliary, average);
        let term = b.mul(consistency, auxiliary);
        let total = b.add(fit, term);
        Some(Loss { total, fit, auxiliary, solution, squares })
    }

    /// Values by state side by side along the state axis at `position`.
    pub fn by_state(&self, b: &mut Builder, values: &IndexMap<StateId, ValueId>, position: usize) -> ValueId {
        let ordered: Vec<ValueId> = self.request.model.states.ids().filter_map(|s| values.get(&s).copied()).collect();
        b.stack(&ordered, self.axes.state, position)
    }
}
