//! From a mini-batch to trajectories: auxiliaries, factors, solves.

use super::TrainingError;
use super::encoder;
use super::plan::Group;
use super::scope::Scope;
use super::varying::{Steps, data_inputs};
use crate::base::{Idx, IndexMap, SolvePrecision};
use crate::hir::{Expr, InputId, LossTerm, Measure, OutputRef, StartSource, StateId, UnknownId};
use crate::ir::{AxisId, Builder, SolveScheme, ValueId};
use crate::lower::{Leaves, lower_expr};

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
pub(super) fn in_units(b: &mut Builder, output: ValueId, [mean, scale, _]: [ValueId; 3]) -> ValueId {
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
            slack: None,
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
}
