//! The lowering itself: schedules the outputs of a plan into steps.

use super::axes::Axes;
use super::finish;
use super::nest::{Context, NestBuilder};
use super::plan::{Class, Plan, RECOMPUTE_LIMIT};
use super::{Program, product, solves};
use crate::artifact::{Buffer, BufferIndex, BufferPlace, Step};
use crate::ir::{AxisId, Function, Module, Op, ValueDef, ValueId};
use std::collections::{BTreeMap, BTreeSet};

/// Rounds of "store what is computed in several places".
const MAX_ROUNDS: usize = 4;
/// A nest with that many instructions takes no more outputs.
const MAX_NEST: usize = 4000;

/// A function that cannot be lowered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KernelError {
    /// The size of an axis follows from no parameter and no reshape.
    #[error("in `{function}`: no parameter tells the size of axis `{axis}`")]
    UnboundAxis {
        /// The function.
        function: String,
        /// The axis.
        axis: String,
    },
    /// An operand of a library step is laid out in a way the step does not take.
    #[error("in `{function}`: {what}")]
    Layout {
        /// The function.
        function: String,
        /// What is wrong.
        what: String,
    },
}

/// A step in the making.
pub(super) enum Draft {
    /// A loop nest.
    Nest(Box<NestBuilder>),
    /// Anything else, finished.
    Library(Box<Step>),
}

/// Lowers `function`, which the verifier accepts, to loops and library steps.
///
/// # Errors
/// [`KernelError`] when a call could not bind an axis, or when an operand of a solve has its axes in an order of its own.
pub fn lower(module: &Module, function: &Function) -> Result<Program, KernelError> {
    let function = &solves::canonical(function);
    let mut stored = BTreeSet::new();
    let mut rounds = 0;
    loop {
        let plan = Plan::new(function, Axes::of(module, function), &stored);
        let buffers = Buffers::of(&plan);
        let drafts = schedule(&plan, &buffers)?;
        let again = repeated(&plan, &drafts);
        if rounds >= MAX_ROUNDS || again.is_empty() {
            return finish::program(&plan, buffers, drafts);
        }
        stored.extend(again);
        rounds += 1;
    }
}

/// The buffers of an entry.
pub(super) struct Buffers {
    /// Their table.
    pub list: Vec<Buffer>,
    /// The buffer of each value that has memory of its own.
    pub of: BTreeMap<ValueId, BufferIndex>,
    /// The buffer of each result.
    pub results: Vec<BufferIndex>,
    /// Results that are copied from another value's memory.
    pub copies: Vec<(ValueId, BufferIndex)>,
}

impl Buffers {
    fn of(plan: &Plan<'_>) -> Buffers {
        let mut buffers = Buffers { list: Vec::new(), of: BTreeMap::new(), results: Vec::new(), copies: Vec::new() };
        for (i, &p) in plan.function.params.iter().enumerate() {
            let b = buffers.add(plan, p, BufferPlace::Param(i));
            buffers.of.insert(p, b);
        }
        for (i, (_, v)) in plan.function.results.iter().enumerate() {
            let b = buffers.add(plan, *v, BufferPlace::Result(i));
            buffers.results.push(b);
            match plan.storage(*v) {
                Some(s) if !buffers.of.contains_key(&s) => {
                    buffers.of.insert(s, b);
                }
                _ => buffers.copies.push((*v, b)),
            }
        }
        for v in plan.function.values.ids() {
            if plan.storage(v) == Some(v) && !buffers.of.contains_key(&v) {
                let b = buffers.add(plan, v, BufferPlace::Temporary);
                buffers.of.insert(v, b);
            }
        }
        buffers
    }

    fn add(&mut self, plan: &Plan<'_>, value: ValueId, place: BufferPlace) -> BufferIndex {
        let ty = plan.function.ty(value);
        self.list.push(Buffer { place, elem: ty.elem, size: plan.axes.product(&ty.axes) });
        self.list.len() - 1
    }
}

/// Puts every output into a step, each as early as what it reads allows.
fn schedule(plan: &Plan<'_>, buffers: &Buffers) -> Result<Vec<Draft>, KernelError> {
    let cx = Context { plan, buffers: &buffers.of };
    let mut drafts: Vec<Draft> = Vec::new();
    let mut step_of: BTreeMap<ValueId, usize> = BTreeMap::new();
    for v in plan.function.values.ids() {
        match plan.class(v) {
            Class::Stored | Class::Summed => {
                let loops = NestBuilder::loops_of(plan, v);
                let first = earliest(plan, &drafts, &step_of, &plan.inputs(v), &loops);
                let at = place(&mut drafts, first, loops);
                if let Some(Draft::Nest(nest)) = drafts.get_mut(at) {
                    nest.output(&cx, v, buffers.of[&v]);
                }
                step_of.insert(v, at);
            }
            Class::Step => {
                if let ValueDef::Inst(id, 0) = plan.function.values[v].def {
                    let inst = &plan.function.insts[id];
                    let step = match &inst.op {
                        Op::Contract(over) => product::step(&cx, inst, over)?,
                        _ => solves::step(&cx, inst)?,
                    };
                    drafts.push(Draft::Library(Box::new(step)));
                    step_of.extend(inst.results.iter().map(|&r| (r, drafts.len() - 1)));
                }
            }
            Class::Param | Class::Alias | Class::Inline => {}
        }
    }
    for &(v, buffer) in &buffers.copies {
        let loops = plan.function.ty(v).axes.clone();
        let inputs = plan.storage(v).map(|s| (s, true)).into_iter().collect();
        let first = earliest(plan, &drafts, &step_of, &inputs, &loops);
        let at = place(&mut drafts, first, loops);
        if let Some(Draft::Nest(nest)) = drafts.get_mut(at) {
            nest.copy(&cx, v, buffer);
        }
    }
    Ok(drafts)
}

/// The first step that may read `inputs`, in a nest with these loops.
fn earliest(
    plan: &Plan<'_>,
    drafts: &[Draft],
    step_of: &BTreeMap<ValueId, usize>,
    inputs: &BTreeMap<ValueId, bool>,
    loops: &[AxisId],
) -> usize {
    let after = |(v, &aliased): (&ValueId, &bool)| {
        let at = *step_of.get(v)?;
        let same = matches!(&drafts[at], Draft::Nest(n) if n.loops == loops);
        Some(if same && !aliased && plan.class(*v) == Class::Stored { at } else { at + 1 })
    };
    inputs.iter().filter_map(after).max().unwrap_or(0)
}

/// The first nest with these loops at or after `first`, or a new one at the end.
fn place(drafts: &mut Vec<Draft>, first: usize, loops: Vec<AxisId>) -> usize {
    let found = drafts.iter().enumerate().skip(first).find(|(_, d)| match d {
        Draft::Nest(n) => n.loops == loops && n.insts.len() < MAX_NEST,
        Draft::Library(_) => false,
    });
    match found {
        Some((at, _)) => at,
        None => {
            drafts.push(Draft::Nest(Box::new(NestBuilder::new(loops))));
            drafts.len() - 1
        }
    }
}

/// Values that several nests compute and that are dear enough to be stored instead: only those no other such value explains.
fn repeated(plan: &Plan<'_>, drafts: &[Draft]) -> Vec<ValueId> {
    let mut nests: BTreeMap<ValueId, BTreeSet<usize>> = BTreeMap::new();
    for (i, draft) in drafts.iter().enumerate() {
        if let Draft::Nest(nest) = draft {
            for &v in &nest.computed {
                nests.entry(v).or_default().insert(i);
            }
        }
    }
    let view = |v: ValueId| {
        matches!(
            plan.def(v),
            Some((
                Op::Const(_) | Op::Broadcast | Op::Transpose | Op::Index { .. } | Op::Stack(_) | Op::Place { .. },
                _
            ))
        )
    };
    // Values are numbered in order of definition, so users come after what they use.
    let mut explained: BTreeMap<ValueId, BTreeSet<usize>> = BTreeMap::new();
    let mut again = Vec::new();
    for (&v, at) in nests.iter().rev() {
        let stored = plan.class(v) != Class::Inline;
        let by_user = explained.get(&v).is_some_and(|e| e.is_superset(at));
        let candidate = !stored && !view(v) && at.len() > 1 && plan.cost(v) > RECOMPUTE_LIMIT;
        let chosen = candidate && !by_user;
        if chosen {
            again.push(v);
        }
        // What only a chosen value (or one explained by it) computes goes away with it.
        let passes = if chosen || by_user {
            Some(at.clone())
        } else if view(v) {
            explained.get(&v).cloned()
        } else {
            None
        };
        if let (Some(passes), Some((_, args))) = (passes, plan.def(v)) {
            for &a in args {
                explained.entry(a).or_default().extend(passes.iter().copied());
            }
        }
    }
    again
}
