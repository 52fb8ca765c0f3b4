//! From a mini-batch to trajectories: auxiliaries, factors, solves.

use super::TrainingError;
use super::encoder;
use super::plan::{Group, Member};
use super::scope::Scope;
use super::varying::{Steps, data_inputs};
use crate::base::{Idx, IndexMap, SolvePrecision};
use crate::hir::{Expr, InputId, LossTerm, Measure, OutputRef, StartSource, StateId, UnknownId};
use crate::ir::{AxisId, Builder, SolveScheme, ValueId};
use crate::lower::{Leaves, LowerError, lower_expr};

/// The numbers of network outputs that the fit uses: over samples, and over time or over what networks read where they have one for every
/// step.
#[derive(Default)]
pub(super) struct Emitted {
    /// Each by itself.
    pub numbers: IndexMap<OutputRef, ValueId>,
    /// Those of all elements of an index set together, by that of the first: `f64[sample, element, time]`, or without the time.
    pub elements: IndexMap<OutputRef, Elements>,
}

/// Numbers of all elements of an index set.
#[derive(Clone, Copy)]
pub(super) struct Elements {
    /// The numbers.
    pub value: ValueId,
    /// The axis of the elements.
    pub axis: AxisId,
    /// How many there are.
    pub count: usize,
}

impl Emitted {
    /// What stands for a number.
    pub fn get(&self, of: &OutputRef) -> Option<ValueId> {
        self.numbers.get(of).copied()
    }
}

/// What a window's states are and stand for, each `f64[sample, time]`.
pub(super) struct Signals {
    /// Data by observed state.
    pub data: IndexMap<StateId, ValueId>,
    /// The part of it that networks read, `f64[sample, read]`.
    pub read: IndexMap<StateId, ValueId>,
    /// Auxiliary of every state that has one; the data where no network stands for an observed state.
    pub auxiliaries: IndexMap<StateId, ValueId>,
    /// What the solution should be: the data, or the auxiliary of an unobserved state.
    pub targets: IndexMap<StateId, ValueId>,
    /// `f64[sample]` by unknown: what network outputs stand for.
    pub bound: IndexMap<UnknownId, ValueId>,
    /// Terms of the loss about network outputs, with these outputs in the units of the data.
    pub compared: Vec<(LossTerm, ValueId)>,
    /// `f64[time]` or `f64[sample, time]` by input: the fields.
    pub fields: IndexMap<InputId, ValueId>,
    /// What network outputs over an index set give for all its elements.
    pub elements: IndexMap<OutputRef, Elements>,
    /// The steps of the solves.
    pub steps: Steps,
    /// `f64[sample]` by state and derivative: initial values that network outputs give.
    pub starts: IndexMap<(StateId, u8), ValueId>,
    /// Mean, scale and weight by state: scalars.
    pub statistics: Vec<[ValueId; 3]>,
}

/// One state of the members of a group.
pub(super) struct Part {
    /// Which group.
    pub group: usize,
    /// Which state of each member.
    pub position: usize,
    /// `f64[member, sample, time]`: the solution without unknown terms.
    pub base: ValueId,
    /// `f64[source, sample, time]`: the response to each source.
    pub responses: Option<ValueId>,
    /// `f64[member, sample, time]`: what the solution should be.
    pub target: ValueId,
    /// `f64[member]`: weights of the squares.
    pub weight: ValueId,
    /// `f64[member]`: the same times what the loss counts each state.
    pub counted: ValueId,
    /// The axis of the members.
    pub member: AxisId,
    /// The axis of the sources.
    pub source: AxisId,
}

/// A network's output in the units of a state.
fn in_units(b: &mut Builder, output: ValueId, [mean, scale, _]: [ValueId; 3]) -> ValueId {
    let v = b.mul(output, scale);
    b.add(v, mean)
}

impl Scope<'_> {
    /// Data, network and auxiliaries.
    pub fn signals(&self, b: &mut Builder) -> Result<Signals, TrainingError> {
        let axes = &self.axes;
        let mut statistics = Vec::new();
        for i in 0..self.request.model.states.len() {
            statistics.push(self.statistics.map(|s| b.index(s, axes.state, i)));
        }
        let (mut data, mut read, mut normalised) = (IndexMap::new(), IndexMap::new(), IndexMap::new());
        for (i, &s) in self.request.observed.iter().enumerate() {
            let x = b.index(self.window, axes.observed, i);
            let seen = self.read.map_or(x, |read| b.index(read, axes.observed, i));
            // A window that is moved starts where the first sample of a state is zero.
            let origin = self.request.shift(s).map(|by| {
                let (samples, steps) = self.read.map_or((self.window, axes.time), |read| (read, axes.read[0]));
                let first = b.index(samples, axes.observed, by);
                b.index(first, steps, 0)
            });
            let [x, seen] = [x, seen].map(|x| origin.map_or(x, |origin| b.sub(x, origin)));
            data.insert(s, x);
            let x = seen;
            read.insert(s, x);
            let [mean, scale, _] = statistics[s.index()];
            let centred = b.sub(x, mean);
            normalised.insert(s, b.div(centred, scale));
        }
        let (place, columns) = ((axes.sample, axes.time, axes.read[0]), (&read, &normalised));
        let emitted = encoder::emitted(b, &self.request, &self.encoders, place, columns, &self.features)?;
        let mut bound = IndexMap::new();
        for binding in &self.request.fit.parameters {
            if let Some(value) = emitted.get(&binding.source()) {
                let bounds = self.request.model.unknowns[binding.unknown].bounds;
                bound.insert(binding.unknown, encoder::within(b, value, bounds));
            }
        }
        let (mut auxiliaries, mut targets) = (IndexMap::new(), IndexMap::new());
        for (s, state) in self.request.model.states.iter() {
            let binding = self.request.fit.auxiliary.iter().find(|a| a.state == s);
            let v = match (binding.and_then(|a| emitted.get(&a.source())), data.get(&s)) {
                (Some(e), _) => in_units(b, e, statistics[s.index()]),
                (None, Some(&x)) => x,
                (None, None) => return Err(TrainingError::NoAuxiliary { state: state.name.clone() }),
            };
            b.name(v, format!("v_{}", state.name));
            auxiliaries.insert(s, v);
            targets.insert(s, data.get(&s).copied().unwrap_or(v));
        }
        let mut compared = Vec::new();
        for term in &self.request.fit.loss.terms {
            if let Some(e) = term.output.and_then(|source| emitted.get(&source)) {
                compared.push((*term, in_units(b, e, statistics[term.state.index()])));
            }
        }
        let fields = self.varying.fields(b, &self.request, &emitted);
        let steps = self.varying.steps(b, &self.request, axes, &emitted, self.h);
        let starts = self.starts(b, &emitted, &statistics);
        let elements = emitted.elements;
        Ok(Signals { data, read, auxiliaries, targets, bound, compared, fields, elements, steps, starts, statistics })
    }

    /// Initial values that network outputs give, in the units of the states.
    fn starts(
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

    /// The solves.
    pub fn parts(&self, b: &mut Builder, signals: &Signals) -> Result<Vec<Part>, TrainingError> {
        let leaves = self.leaves(b, signals);
        let mut parts = Vec::new();
        for (g, group) in self.plan.groups.iter().enumerate() {
            parts.extend(self.solve_group(b, signals, &leaves, g, group)?);
        }
        Ok(parts)
    }

    /// What stands for the leaves of expressions. A derivative of an auxiliary is a five-point difference over the window.
    fn leaves(&self, b: &mut Builder, signals: &Signals) -> Leaves {
        let axes = &self.axes;
        let mut leaves = Leaves { time: self.time, ..Leaves::default() };
        for (s, state) in self.request.model.states.iter() {
            let Some(&v) = signals.auxiliaries.get(&s) else { continue };
            leaves.states.insert((s, 0), v);
            let mut d = v;
            for k in 1..state.order {
                let Some(difference) = self.difference else { continue };
                let renamed = b.reshape(d, &[axes.sample, axes.time2]);
                let steps = b.contract(renamed, difference, &[axes.time2], &[axes.sample, axes.time]);
                d = b.div(steps, signals.steps.at);
                leaves.states.insert((s, k), d);
            }
        }
        let mut inputs: IndexMap<InputId, ValueId> = IndexMap::new();
        if let Some((input, axis)) = self.input {
            let read = data_inputs(&self.request);
            inputs.extend(read.into_iter().enumerate().map(|(at, i)| (i, b.index(input, axis, at))));
        }
        // What has one number for every sample and what has one for every step are brought together on both axes.
        for (&i, &field) in &signals.fields {
            let own = signals.bound.is_empty();
            inputs.insert(i, if own { field } else { b.broadcast(field, &[axes.sample, axes.time]) });
        }
        let nothing = b.f64(f64::NAN);
        leaves.inputs = self.request.model.inputs.ids().map(|i| inputs.get(&i).copied().unwrap_or(nothing)).collect();
        // No factor holds an unknown that enters linearly; should one do, the result says so.
        let never = b.f64(f64::NAN);
        for id in self.request.model.unknowns.ids() {
            let at = self.plan.parameters.iter().position(|&p| p == id);
            let value = match (signals.bound.get(&id), at, self.phi) {
                (Some(&bound), _, _) => bound,
                (None, Some(i), Some((phi, axis))) => b.index(phi, axis, i),
                _ => never,
            };
            leaves.unknowns.push(value);
        }
        leaves
    }

    fn signal(&self, b: &mut Builder, leaves: &Leaves, expr: &Expr) -> Result<ValueId, TrainingError> {
        let value = lower_expr(b, leaves, expr)?;
        Ok(b.broadcast(value, &[self.axes.sample, self.axes.time]))
    }

    fn solve_group(
        &self,
        b: &mut Builder,
        signals: &Signals,
        leaves: &Leaves,
        g: usize,
        group: &Group,
    ) -> Result<Vec<Part>, TrainingError> {
        let axes = &self.axes;
        let n = group.size;
        let member = b.module.axis(&format!("member{g}"), Some(group.members.len()));
        let source = b.module.axis(&format!("source{g}"), Some(group.sources.len()));
        let scheme = SolveScheme {
            time: axes.time,
            state: b.module.axis(&format!("solved{n}"), Some(n)),
            order: axes.order,
            equation: b.module.axis(&format!("equation{n}"), Some(n)),
            start: axes.start,
            given: {
                let given = group.given(self.request.model, Some(self.request.fit)).1;
                b.module.axis(&format!("given{given}"), Some(given))
            },
            central: Group::CENTRAL,
            weights: Group::WEIGHTS,
            precision: SolvePrecision::F64,
        };
        let matrix = match group.fields.is_empty() {
            true => self.matrix(b, leaves, group, &scheme, member)?,
            false => {
                let own = self.own_leaves(b, signals, leaves, group, member)?;
                self.matrix(b, &own, group, &scheme, member)?
            }
        };

        let zero = b.f64(0.0);
        let mut responses = None;
        if !group.sources.is_empty() {
            let mut rhs = Vec::new();
            for &(row, factor) in &group.sources {
                let value = self.signal(b, leaves, factor)?;
                rhs.push(b.place(value, scheme.equation, row, 1));
            }
            let rhs = b.stack(&rhs, source, 0);
            let rest = b.broadcast(zero, &[axes.start, scheme.state, scheme.given]);
            let u = b.solve(scheme.clone(), [matrix, rhs, rest, signals.steps.between], &[source, axes.sample]);
            responses = Some(b.index(u, axes.order, 0));
        }
        let (mut known, mut start) = (Vec::new(), Vec::new());
        for m in &group.members {
            known.push(self.known(b, leaves, m, &scheme)?);
            start.push(self.start(b, signals, leaves, m, &scheme, group.order)?);
        }
        let rhs = if known.iter().all(Option::is_none) {
            // Without a start nothing else would say how many systems there are.
            let batch = if self.request.fit.start == StartSource::Free { &[member, axes.sample][..] } else { &[] };
            b.broadcast(zero, &[batch, &[scheme.equation, axes.time]].concat())
        } else {
            let known: Vec<ValueId> = known.into_iter().map(|k| k.unwrap_or(zero)).collect();
            b.stack(&known, member, 0)
        };
        let start = b.stack(&start, member, 0);
        let base = b.solve(scheme.clone(), [matrix, rhs, start, signals.steps.between], &[member, axes.sample]);
        let base = b.index(base, axes.order, 0);

        let mut parts = Vec::new();
        for position in 0..n {
            let states: Vec<StateId> = group.members.iter().map(|m| m.states[position]).collect();
            let targets: Vec<ValueId> = states.iter().filter_map(|s| signals.targets.get(s).copied()).collect();
            let weights: Vec<ValueId> = states.iter().map(|s| signals.statistics[s.index()][2]).collect();
            let weight = b.stack(&weights, member, 0);
            let mut counted = Vec::new();
            for (&s, &weight) in states.iter().zip(&weights) {
                let loss = &self.request.fit.loss;
                let count = self.request.model.states.len();
                let share = Measure::ALL.iter().map(|&m| loss.of_solution(s, m, count)).sum();
                let share = b.f64(share);
                counted.push(b.mul(share, weight));
            }
            parts.push(Part {
                group: g,
                position,
                base: b.index(base, scheme.state, position),
                responses: responses.map(|r| b.index(r, scheme.state, position)),
                target: b.stack(&targets, member, 0),
                weight,
                counted: if self.request.fit.loss.terms.is_empty() { weight } else { b.stack(&counted, member, 0) },
                member,
                source,
            });
        }
        Ok(parts)
    }

    /// Leaves with the fields of all members, side by side along `member`, in the place of the group's.
    fn own_leaves(
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
    fn matrix(
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
    fn known(
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

    /// Where a member starts, `f64[sample, start, state, given]`: its auxiliaries at the first step of the window, or its data at as
    /// many steps as the model says.
    fn start(
        &self,
        b: &mut Builder,
        signals: &Signals,
        leaves: &Leaves,
        member: &Member,
        scheme: &SolveScheme,
        order: u8,
    ) -> Result<ValueId, TrainingError> {
        let axes = &self.axes;
        if self.request.fit.start == StartSource::Free {
            let zero = b.f64(0.0);
            return Ok(b.broadcast(zero, &[axes.start, scheme.state, scheme.given]));
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
                        let renamed = b.reshape(last, &[axes.sample, axes.time2]);
                        let steps = b.contract(renamed, difference, &[axes.time2], &[axes.sample, axes.time]);
                        b.div(steps, signals.steps.at)
                    }
                    (None, None) => return Err(LowerError::Leaf(format!("derivative {k} of {s:?}")).into()),
                };
                let given = signals.starts.get(&(*s, k)).copied();
                derivatives.push(given.unwrap_or_else(|| b.index(last, axes.time, 0)));
            }
            states.push(b.stack(&derivatives, scheme.given, 1));
        }
        let all = b.stack(&states, scheme.state, 1);
        Ok(b.stack(&[all], axes.start, 1))
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
        let axes = &self.axes;
        let mut states = Vec::new();
        for s in &member.states {
            let missing = || TrainingError::NoAuxiliary { state: self.request.model.states[*s].name.clone() };
            let data = *signals.data.get(s).ok_or_else(missing)?;
            let mut derivatives = vec![b.index(data, axes.time, 0)];
            for k in 1..order {
                // A state that is solved with one of higher order says nothing of what is beyond its own.
                let zero = b.f64(0.0);
                let value = signals.starts.get(&(*s, k)).copied();
                derivatives.push(value.unwrap_or_else(|| b.broadcast(zero, &[axes.sample])));
            }
            states.push(b.stack(&derivatives, scheme.given, 1));
        }
        let all = b.stack(&states, scheme.state, 1);
        Ok(b.stack(&[all], axes.start, 1))
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
        let axes = &self.axes;
        let mut states = Vec::new();
        for s in &member.states {
            let missing = || TrainingError::NoAuxiliary { state: self.request.model.states[*s].name.clone() };
            let data = *signals.data.get(s).ok_or_else(missing)?;
            let values: Vec<ValueId> = (0..steps).map(|t| b.index(data, axes.time, t)).collect();
            let column = b.stack(&values, axes.start, 1);
            states.push(b.stack(&[column], scheme.given, 2));
        }
        Ok(b.stack(&states, scheme.state, 2))
    }
}
