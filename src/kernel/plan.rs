//! Which values get memory of their own, and which are computed where they are used.

use super::axes::Axes;
use crate::base::Idx;
use crate::ir::{AxisId, BinaryOp, Function, Op, UnaryOp, ValueId};
use std::collections::{BTreeMap, BTreeSet};

/// Largest size of an axis whose positions are written out one by one. Those of a stack are at any size: there is an operand for each of them, and a loop would
/// compute all of them for each position.
const MAX_UNROLL: usize = 64;
/// Largest number of scalar operations one unrolled output may have.
const MAX_UNROLLED_OPS: u64 = 6000;
/// From this cost on, a value used under more loops than its own is stored rather than computed again.
pub(super) const RECOMPUTE_LIMIT: u64 = 6;

/// How an instruction's result comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Memory of the caller.
    Param,
    /// Other axes for the memory of the operand.
    Alias,
    /// Computed where it is used.
    Inline,
    /// Computed in a loop nest and stored.
    Stored,
    /// Summed in a loop nest.
    Summed,
    /// Written by a library step.
    Step,
}

/// The classes of all values.
pub(super) struct Plan<'a> {
    /// The function.
    pub function: &'a Function,
    /// Its axes.
    pub axes: Axes,
    class: Vec<Class>,
}

impl<'a> Plan<'a> {
    /// Classifies every value; `stored` are values that a former round found worth storing.
    pub fn new(function: &'a Function, axes: Axes, stored: &BTreeSet<ValueId>) -> Plan<'a> {
        let class = vec![Class::Inline; function.values.len()];
        let mut plan = Plan { function, axes, class };
        plan.steps();
        for &v in stored {
            plan.store(v);
        }
        plan.sums();
        plan.broadcasts();
        plan.unrolling();
        plan
    }

    /// The class of a value.
    pub fn class(&self, value: ValueId) -> Class {
        self.class[value.index()]
    }

    /// The value whose memory holds `value`, if one does.
    pub fn storage(&self, value: ValueId) -> Option<ValueId> {
        match self.class(value) {
            Class::Inline => None,
            Class::Alias => {
                let (_, inst) = self.function.def(value)?;
                self.storage(*inst.args.first()?)
            }
            _ => Some(value),
        }
    }

    /// The operator and operands of a value.
    pub fn def(&self, value: ValueId) -> Option<(&'a Op, &'a [ValueId])> {
        self.function.def(value).map(|(_, inst)| (&inst.op, inst.args.as_slice()))
    }

    /// The axes of `value`'s definition that are written out position by position, because it or something inline below it is
    /// a stack or a place along them.
    pub fn unrolled(&self, value: ValueId) -> BTreeSet<AxisId> {
        let mut axes = BTreeSet::new();
        let mut stacked = BTreeSet::new();
        if let Some((op, args)) = self.def(value) {
            axes = self.placed_in(op, args);
            for v in args.iter().filter(|&&a| self.storage(a).is_none()) {
                self.inline_values(*v, &mut |v| stacked.extend(self.stacked(v)));
            }
            stacked.extend(self.stacked(value));
        }
        axes.retain(|&a| self.unrollable(a) || stacked.contains(&a));
        axes
    }

    /// The axis along which a value is a stack.
    fn stacked(&self, value: ValueId) -> Option<AxisId> {
        match self.def(value)? {
            (Op::Stack(axis), _) => Some(*axis),
            _ => None,
        }
    }

    /// The storage that computing `value` from its definition reads; true for what is read through other axes.
    pub fn inputs(&self, value: ValueId) -> BTreeMap<ValueId, bool> {
        let mut seen = BTreeSet::new();
        let mut inputs = BTreeMap::new();
        let mut stack: Vec<ValueId> = self.def(value).map(|(_, args)| args.to_vec()).unwrap_or_default();
        while let Some(v) = stack.pop() {
            match self.storage(v) {
                Some(s) => *inputs.entry(s).or_insert(false) |= s != v,
                None if seen.insert(v) => stack.extend(self.def(v).map(|(_, args)| args.to_vec()).unwrap_or_default()),
                None => {}
            }
        }
        inputs
    }

    /// Rough cost of one element of `value` when it is computed where it is used.
    pub fn cost(&self, value: ValueId) -> u64 {
        let mut total = 0;
        self.inline_values(value, &mut |v| {
            total += match self.def(v).map(|(op, _)| op) {
                Some(Op::Unary(UnaryOp::Neg | UnaryOp::Abs | UnaryOp::Sign)) => 1,
                Some(Op::Unary(UnaryOp::Sqrt) | Op::Binary(BinaryOp::Div)) => 4,
                Some(Op::Unary(..)) => 25,
                Some(Op::Binary(BinaryOp::Pow)) => 60,
                Some(Op::Binary(_) | Op::Select(_) | Op::Convert) => 1,
                Some(Op::Powi(n)) => 1 + u64::from(32 - n.unsigned_abs().leading_zeros()),
                Some(Op::Sum(over)) => self.axes.estimate(over),
                Some(Op::Contract(over)) => 2 * self.axes.estimate(over),
                _ => 0,
            };
        });
        total
    }

    /// Calls `f` for `value` and every inline value below it.
    pub fn inline_values(&self, value: ValueId, f: &mut impl FnMut(ValueId)) {
        let mut seen = BTreeSet::new();
        let mut stack = vec![value];
        while let Some(v) = stack.pop() {
            if seen.insert(v) {
                f(v);
                for &a in self.def(v).map(|(_, args)| args).unwrap_or_default() {
                    if self.storage(a).is_none() {
                        stack.push(a);
                    }
                }
            }
        }
    }

    /// Gives `value` memory, unless it has some.
    fn store(&mut self, value: ValueId) {
        if self.class(value) == Class::Inline {
            self.class[value.index()] = Class::Stored;
        }
    }

    fn steps(&mut self) {
        let f = self.function;
        for &p in &f.params {
            self.class[p.index()] = Class::Param;
        }
        for inst in f.insts.values() {
            match &inst.op {
                Op::Solve(_) | Op::SolveAdjoint(_) | Op::SpdSolve | Op::SpdSolveAdjoint => {
                    for &a in &inst.args {
                        self.store(a);
                    }
                    for &r in &inst.results {
                        self.class[r.index()] = Class::Step;
                    }
                }
                Op::Contract(over) if super::product::worthwhile(self, inst, over) => {
                    for &a in &inst.args {
                        self.store_below_transposes(a);
                    }
                    for &r in &inst.results {
                        self.class[r.index()] = Class::Step;
                    }
                }
                Op::Reshape => {
                    for &a in &inst.args {
                        self.store(a);
                    }
                    for &r in &inst.results {
                        self.class[r.index()] = Class::Alias;
                    }
                }
                _ => {}
            }
        }
        for (_, v) in &f.results {
            self.store(*v);
        }
    }

    fn store_below_transposes(&mut self, value: ValueId) {
        let mut v = value;
        while self.class(v) == Class::Inline {
            match self.def(v) {
                Some((Op::Transpose | Op::Broadcast, args)) => v = args.first().copied().unwrap_or(v),
                Some((Op::Index { .. }, args)) if args.first().is_some_and(|&a| self.storage(a).is_some()) => return,
                _ => return self.store(v),
            }
        }
    }

    fn sums(&mut self) {
        for inst in self.function.insts.values() {
            let (Op::Sum(over) | Op::Contract(over)) = &inst.op else { continue };
            let Some(&result) = inst.results.first() else { continue };
            if self.class(result) == Class::Step {
                continue;
            }
            let below = self.placed_in_args(&inst.args);
            let inline = over.iter().all(|&a| self.unrollable(a))
                && self.axes.estimate(over) <= MAX_UNROLL as u64
                && over.iter().any(|a| below.contains(a));
            if inline {
                continue;
            }
            self.class[result.index()] = Class::Summed;
        }
    }

    fn broadcasts(&mut self) {
        for inst in self.function.insts.values() {
            if matches!(inst.op, Op::Broadcast) && inst.results.first().is_some_and(|&r| self.class(r) == Class::Inline)
            {
                for &a in &inst.args {
                    if self.storage(a).is_none() && self.cost(a) > RECOMPUTE_LIMIT {
                        self.store(a);
                    }
                }
            }
        }
    }

    fn unrolling(&mut self) {
        for v in self.function.values.ids() {
            if !matches!(self.class(v), Class::Stored | Class::Summed) {
                continue;
            }
            loop {
                let unrolled = self.unrolled(v);
                let mut ops = 0u64;
                let mut placed = Vec::new();
                self.inline_values(v, &mut |u| {
                    let axes = &self.function.ty(u).axes;
                    let repeated: Vec<AxisId> = axes.iter().copied().filter(|a| unrolled.contains(a)).collect();
                    ops = ops.saturating_add(self.axes.estimate(&repeated));
                    if u != v && matches!(self.def(u), Some((Op::Stack(_) | Op::Place { .. }, _))) {
                        placed.push(u);
                    }
                });
                if ops <= MAX_UNROLLED_OPS || placed.is_empty() {
                    break;
                }
                for u in placed {
                    self.store(u);
                }
            }
        }
    }

    fn unrollable(&self, axis: AxisId) -> bool {
        self.axes.known(axis).is_some_and(|n| n <= MAX_UNROLL)
    }

    fn placed_in_args(&self, args: &[ValueId]) -> BTreeSet<AxisId> {
        let mut axes = BTreeSet::new();
        for &a in args {
            if self.storage(a).is_none() {
                axes.extend(self.placed_below(a));
            }
        }
        axes
    }

    fn placed_in(&self, op: &Op, args: &[ValueId]) -> BTreeSet<AxisId> {
        let mut axes = self.placed_in_args(args);
        match op {
            Op::Stack(axis) | Op::Place { axis, .. } => {
                axes.insert(*axis);
            }
            Op::Index { axis, .. } => {
                axes.remove(axis);
            }
            _ => {}
        }
        axes
    }

    /// Axes along which a stack or place stands at or below an inline value (a superset where an index picks one part).
    fn placed_below(&self, value: ValueId) -> BTreeSet<AxisId> {
        let mut axes = BTreeSet::new();
        self.inline_values(value, &mut |v| {
            if let Some((Op::Stack(axis) | Op::Place { axis, .. }, _)) = self.def(v) {
                axes.insert(*axis);
            }
        });
        let present = &self.function.ty(value).axes;
        axes.retain(|a| present.contains(a));
        axes
    }
}
