//! The equations of a group of systems: coefficients and known right-hand sides.

use super::TrainingError;
use super::forward::{Elements, Signals};
use super::plan::{Group, Member};
use super::scope::Scope;
use crate::base::{Idx, IndexMap};
use crate::hir::{InputId, OutputRef};
use crate::ir::{AxisId, Builder, SolveScheme, ValueId};
use crate::lower::{Leaves, LowerError, lower_expr};

impl Scope<'_> {
    /// Leaves with the fields of all members, side by side along `member`, in the place of the group's.
    pub(super) fn own_leaves(
        &self,
        b: &mut Builder,
        signals: &Signals,
        leaves: &Leaves,
        group: &Group,
        member: AxisId,
    ) -> Result<Leaves, TrainingError> {
        let (sample, time) = (self.axes.sample, self.axes.time);
        let mut out = leaves.clone();
        for (k, &field) in group.fields.iter().enumerate() {
            let own: Vec<InputId> = group.members.iter().filter_map(|m| m.fields.get(k).copied()).collect();
            let source = |i: &InputId| self.request.fit.fields.iter().find(|f| f.input == *i).map(|f| f.source);
            let sources: Option<Vec<OutputRef>> = own.iter().map(source).collect();
            let together = sources.and_then(|sources| {
                let first = *sources.first()?;
                let found = signals.elements.get(&first).filter(|e| e.count == sources.len())?;
                let next = |at: usize| OutputRef { component: first.component + at, ..first };
                sources.iter().enumerate().all(|(at, s)| *s == next(at)).then_some(*found)
            });
            let value = match together {
                // All elements of an index set, in order: nothing to put together.
                Some(Elements { value, axis, .. }) => {
                    let turned = b.transpose(value, &[axis, sample, time]);
                    b.reshape(turned, &[member, sample, time])
                }
                None => {
                    let missing = |i: &InputId| LowerError::Leaf(format!("{i:?}"));
                    let values = own.iter().map(|i| signals.fields.get(i).copied().ok_or_else(|| missing(i)));
                    let values = values.collect::<Result<Vec<ValueId>, LowerError>>()?;
                    b.stack(&values, member, 0)
                }
            };
            if let Some(slot) = out.inputs.get_mut(field.index()) {
                *slot = b.broadcast(value, &[member, sample, time]);
            }
        }
        Ok(out)
    }

    /// `c[equation, time, state, order]`, with leading axes of members and samples where these have coefficients of their own.
    pub(super) fn matrix(
        &self,
        b: &mut Builder,
        leaves: &Leaves,
        group: &Group,
        scheme: &SolveScheme,
        member: AxisId,
    ) -> Result<ValueId, TrainingError> {
        let kept = super::scope::highest_derivative(self.request.model, self.request.fit.orders);
        let zero = b.f64(0.0);
        let mut entries: IndexMap<(usize, usize, usize), ValueId> = IndexMap::new();
        for (&(row, column, k), terms) in &group.matrix {
            let mut sum: Option<ValueId> = None;
            for term in terms {
                let value = lower_expr(b, leaves, term)?;
                sum = Some(sum.map_or(value, |s| b.add(s, value)));
            }
            if let Some(sum) = sum {
                entries.insert((row, column, k.into()), sum);
            }
        }
        // Fields that all windows share give one matrix for all.
        let has = |axis: AxisId| entries.values().any(|&v| b.ty(v).axes.contains(&axis));
        let batch: Vec<AxisId> = [member, self.axes.sample].into_iter().filter(|a| has(*a)).collect();
        let varies = has(self.axes.time) || !batch.is_empty();
        let over = if varies { [batch.as_slice(), &[self.axes.time]].concat() } else { Vec::new() };
        let mut rows = Vec::new();
        for row in 0..group.size {
            let mut columns = Vec::new();
            for column in 0..group.size {
                let mut numbers = Vec::new();
                for k in 0..=kept {
                    let value = entries.get(&(row, column, k)).copied().unwrap_or(zero);
                    numbers.push(if varies { b.broadcast(value, &over) } else { value });
                }
                columns.push(b.stack(&numbers, scheme.order, over.len()));
            }
            rows.push(b.stack(&columns, scheme.state, over.len()));
        }
        if varies {
            return Ok(b.stack(&rows, scheme.equation, batch.len()));
        }
        let matrix = b.stack(&rows, scheme.equation, 0);
        Ok(b.broadcast(matrix, &[scheme.equation, scheme.time, scheme.state, scheme.order]))
    }

    /// The known right-hand sides of a member, `f64[sample, equation, time]`.
    pub(super) fn known(
        &self,
        b: &mut Builder,
        leaves: &Leaves,
        member: &Member,
        scheme: &SolveScheme,
    ) -> Result<Option<ValueId>, TrainingError> {
        if member.known.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mut rows = Vec::new();
        for known in &member.known {
            let value = match known {
                Some(expr) => lower_expr(b, leaves, expr)?,
                None => b.f64(0.0),
            };
            rows.push(b.broadcast(value, &[self.axes.sample, self.axes.time]));
        }
        Ok(Some(b.stack(&rows, scheme.equation, 1)))
    }
}
