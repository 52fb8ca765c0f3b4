//! Sums of placed parts: `place a at 0 + place b at 2` is one stack of `a`, zero and `b`.

use super::rewrite::{Rewriter, rewrite};
use crate::base::Idx;
use crate::ir::{AxisId, BinaryOp, Function, Inst, Module, Op, Type, ValueId};
use std::collections::{BTreeMap, HashSet};

/// A longer axis is filled by places only when at least half of it is covered.
const SHORT_AXIS: usize = 32;

/// Merges the places at the leaves of every tree of sums and differences into one stack (for each axis). What reverse
/// differentiation leaves of many `index` instructions becomes one instruction. The other terms are added in their order.
pub fn merge_places(module: &Module, function: &mut Function) -> bool {
    let inner = inner_sums(function);
    let mut at = 0;
    let mut trees = HashSet::new();
    rewrite(module, function, |r, inst, ty| {
        let is_inner = inner.get(at).copied().unwrap_or(false);
        at += 1;
        if is_inner {
            // It is part of the tree of the sum that uses it, where all leaves are seen.
            trees.insert(r.next_value());
            return None;
        }
        if is_sum(&inst.op) { merge(r, &trees, inst, ty) } else { None }
    })
}

fn is_sum(op: &Op) -> bool {
    matches!(op, Op::Binary(BinaryOp::Add | BinaryOp::Sub))
}

/// For every instruction with one result, in order: whether it is a sum that one other sum uses, once, and nothing else.
fn inner_sums(function: &Function) -> Vec<bool> {
    let mut uses = vec![(0, false); function.values.len()];
    for inst in function.insts.values() {
        for arg in &inst.args {
            uses[arg.index()].0 += 1;
            uses[arg.index()].1 |= is_sum(&inst.op);
        }
    }
    for (_, value) in &function.results {
        uses[value.index()].0 += 1;
    }
    let single = function.insts.values().filter(|i| i.results.len() == 1);
    single.map(|i| is_sum(&i.op) && uses[i.results[0].index()] == (1, true)).collect()
}

/// A leaf of a tree of sums.
struct Leaf {
    value: ValueId,
    negative: bool,
    /// The axis and the position, where it is a place.
    place: Option<(AxisId, usize)>,
}

fn merge(r: &mut Rewriter, trees: &HashSet<ValueId>, inst: &Inst, ty: &Type) -> Option<ValueId> {
    let leaves = leaves(r, trees, inst);
    let mut positions: BTreeMap<AxisId, Vec<usize>> = BTreeMap::new();
    for (axis, at) in leaves.iter().filter_map(|leaf| leaf.place) {
        positions.entry(axis).or_default().push(at);
    }
    positions.retain(|axis, positions| {
        let size = r.module.axes.get(*axis).and_then(|a| a.size).unwrap_or(usize::MAX);
        positions.len() >= 2 && (size <= SHORT_AXIS || 2 * positions.len() >= size)
    });
    if positions.is_empty() {
        return None;
    }
    let mut groups: BTreeMap<AxisId, Parts> = BTreeMap::new();
    let mut total = None;
    for leaf in leaves {
        match leaf.place.filter(|(axis, _)| positions.contains_key(axis)) {
            Some((axis, at)) => {
                let part = r.def(leaf.value).map_or(leaf.value, |place| place.args[0]);
                groups.entry(axis).or_default().entry(at).or_default().push((part, leaf.negative));
            }
            None => total = Some(join(r, total, leaf.value, leaf.negative)),
        }
    }
    for (axis, parts) in groups {
        let stack = stack(r, axis, parts, ty);
        total = Some(join(r, total, stack, false));
    }
    total
}

/// What is added at each position, and whether it is subtracted instead.
type Parts = BTreeMap<usize, Vec<(ValueId, bool)>>;

/// The leaves of the tree of sums under `inst`, from left to right.
fn leaves(r: &Rewriter, trees: &HashSet<ValueId>, inst: &Inst) -> Vec<Leaf> {
    let mut out = Vec::new();
    let mut open = operands(inst, false).to_vec();
    while let Some((value, negative)) = open.pop() {
        match r.def(value) {
            Some(inner) if trees.contains(&value) => open.extend(operands(inner, negative)),
            Some(Inst { op: Op::Place { axis, at }, .. }) => {
                out.push(Leaf { value, negative, place: Some((*axis, *at)) });
            }
            _ => out.push(Leaf { value, negative, place: None }),
        }
    }
    out
}

/// The operands of a sum with their signs, the last first.
fn operands(inst: &Inst, negative: bool) -> [(ValueId, bool); 2] {
    let subtracts = inst.op == Op::Binary(BinaryOp::Sub);
    [(inst.args[1], negative != subtracts), (inst.args[0], negative)]
}

fn join(r: &mut Rewriter, total: Option<ValueId>, value: ValueId, negative: bool) -> ValueId {
    match (total, negative) {
        (None, false) => value,
        (None, true) => r.emit_neg(value),
        (Some(total), false) => r.emit_binary(BinaryOp::Add, total, value),
        (Some(total), true) => r.emit_binary(BinaryOp::Sub, total, value),
    }
}

fn stack(r: &mut Rewriter, axis: AxisId, mut parts: Parts, ty: &Type) -> ValueId {
    let size = r.module.axes.get(axis).and_then(|a| a.size).unwrap_or(0);
    let part_type = ty.without(axis);
    let mut zero = None;
    let mut values = Vec::with_capacity(size);
    for at in 0..size {
        let mut part = None;
        for (value, negative) in parts.remove(&at).unwrap_or_default() {
            part = Some(join(r, part, value, negative));
        }
        let value = part.unwrap_or_else(|| *zero.get_or_insert_with(|| r.emit_splat(0.0, &part_type)));
        values.push(value);
    }
    r.emit(Op::Stack(axis), values, ty.clone())
}
