//! Where the solves of windows start.

use super::TrainingError;
use super::forward::{Emitted, Signals, in_units};
use super::plan::Member;
use super::scope::Scope;
use crate::base::{Idx, IndexMap};
use crate::hir::{StartSource, StateId};
use crate::ir::{Builder, SolveScheme, ValueId};
use crate::lower::{Leaves, LowerError};

impl Scope<'_> {
    /// Initial values that network outputs give, in the units of the states.
    pub(super) fn starts(
        &self,
        b: &mut Builder,
        emitted: &Emitted,
        statistics: &[[ValueId; 3]],
    ) -> IndexMap<(StateId, u8), ValueId> {
        let mut out = IndexMap::new();
        let StartSource::Values(list) = &self.request.fit.start else { return out };
        for start in list {
            let Some(value) = emitted.get(&start.source) else { continue };
            let statistics = statistics[start.state.index()];
            let value =
                if start.derivative == 0 { in_units(b, value, statistics) } else { b.mul(value, statistics[1]) };
            out.insert((start.state, start.derivative), value);
        }
        out
    }

    /// Where a member starts, `f64[sample, start, state, given]`: its auxiliaries at the first step of the window, or its data at as
    /// many steps as the model says.
    pub(super) fn start(
        &self,
        b: &mut Builder,
        signals: &Signals,
        leaves: &Leaves,
        member: &Member,
        scheme: &SolveScheme,
        order: u8,
    ) -> Result<ValueId, TrainingError> {
        if self.request.fit.start == StartSource::Free {
            let zero = b.f64(0.0);
            return Ok(b.broadcast(zero, &[self.axes.start, scheme.state, scheme.given]));
        }
        match self.request.model.boundary.starts.first() {
            Some(start) if start.last => return self.start_at_last(b, signals, member, scheme, order),
            Some(start) => return self.start_from_data(b, signals, member, scheme, start.steps),
            None => {}
        }
        let mut states = Vec::new();
        for s in &member.states {
            let mut derivatives = Vec::new();
            let mut last = *signals.auxiliaries.get(s).ok_or_else(|| LowerError::Leaf(format!("{s:?}")))?;
            for k in 0..order {
                // Beyond a state's own order (it is solved with one of higher order) differences go on.
                last = match (leaves.states.get(&(*s, k)), self.difference) {
                    (Some(&value), _) => value,
                    (None, Some(difference)) => {
                        let renamed = b.reshape(last, &[self.axes.sample, self.axes.time2]);
                        let steps =
                            b.contract(renamed, difference, &[self.axes.time2], &[self.axes.sample, self.axes.time]);
                        b.div(steps, signals.steps.at)
                    }
                    (None, None) => return Err(LowerError::Leaf(format!("derivative {k} of {s:?}")).into()),
                };
                let given = signals.starts.get(&(*s, k)).copied();
                derivatives.push(given.unwrap_or_else(|| b.index(last, self.axes.time, 0)));
            }
            states.push(b.stack(&derivatives, scheme.given, 1));
        }
        Ok(self.at_one_step(b, &states, scheme))
    }

    /// The data of a member where its solve begins, and the derivatives that network outputs give.
    fn start_at_last(
        &self,
        b: &mut Builder,
        signals: &Signals,
        member: &Member,
        scheme: &SolveScheme,
        order: u8,
    ) -> Result<ValueId, TrainingError> {
        let mut states = Vec::new();
        for s in &member.states {
            let missing = || TrainingError::NoAuxiliary { state: self.request.model.states[*s].name.clone() };
            let data = *signals.data.get(s).ok_or_else(missing)?;
            let mut derivatives = vec![b.index(data, self.axes.time, 0)];
            for k in 1..order {
                // A state that is solved with one of higher order says nothing of what is beyond its own.
                let zero = b.f64(0.0);
                let value = signals.starts.get(&(*s, k)).copied();
                derivatives.push(value.unwrap_or_else(|| b.broadcast(zero, &[self.axes.sample])));
            }
            states.push(b.stack(&derivatives, scheme.given, 1));
        }
        Ok(self.at_one_step(b, &states, scheme))
    }

    /// A start of one step from the values and derivatives of every state, `f64[sample, given]`.
    fn at_one_step(&self, b: &mut Builder, states: &[ValueId], scheme: &SolveScheme) -> ValueId {
        let all = b.stack(states, scheme.state, 1);
        b.stack(&[all], self.axes.start, 1)
    }

    /// The data of a member at the first steps of the window.
    fn start_from_data(
        &self,
        b: &mut Builder,
        signals: &Signals,
        member: &Member,
        scheme: &SolveScheme,
        steps: usize,
    ) -> Result<ValueId, TrainingError> {
        let mut states = Vec::new();
        for s in &member.states {
            let missing = || TrainingError::NoAuxiliary { state: self.request.model.states[*s].name.clone() };
            let data = *signals.data.get(s).ok_or_else(missing)?;
            let values: Vec<ValueId> = (0..steps).map(|t| b.index(data, self.axes.time, t)).collect();
            let column = b.stack(&values, self.axes.start, 1);
            states.push(b.stack(&[column], scheme.given, 2));
        }
        Ok(b.stack(&states, scheme.state, 2))
    }
}
