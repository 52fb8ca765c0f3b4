//! Wide loop nests as several. The more a body stores the more pointers are alive in it at once, and code generators take longer than in proportion.

use super::{LoopNest, NestInst, NestValue, ScalarOp, Store};
use crate::base::Idx;

/// The most stores of a nest.
const MOST_STORES: usize = 128;

/// Nests that together do what `nest` does, in this order.
pub(super) fn divided(nest: LoopNest) -> Vec<LoopNest> {
    if nest.stores.len() <= MOST_STORES || !nest.sums.is_empty() {
        return vec![nest];
    }
    let parts = nest.stores.chunks(MOST_STORES).enumerate();
    parts.map(|(i, stores)| part(&nest, format!("{}.{i}", nest.name), stores)).collect()
}

/// The nest with some of its stores, and the instructions that these need.
fn part(nest: &LoopNest, name: String, stores: &[Store]) -> LoopNest {
    let mut needed = vec![false; nest.insts.len()];
    let mut open: Vec<NestValue> = stores.iter().map(|store| store.value).collect();
    while let Some(value) = open.pop() {
        if !std::mem::replace(&mut needed[value.index()], true) {
            open.extend(nest.insts[value.index()].op.operands());
        }
    }
    let mut new = vec![NestValue::new(0); nest.insts.len()];
    let mut insts: Vec<NestInst> = Vec::new();
    for (at, inst) in nest.insts.iter().enumerate().filter(|(at, _)| needed[*at]) {
        new[at] = NestValue::new(insts.len());
        // Operands come before their uses.
        insts.push(NestInst { op: with_operands(&inst.op, |v| new[v.index()]), ..inst.clone() });
    }
    let stores = stores.iter().map(|s| Store { access: s.access.clone(), value: new[s.value.index()] }).collect();
    LoopNest { name, loops: nest.loops.clone(), insts, stores, sums: Vec::new() }
}

fn with_operands(op: &ScalarOp, new: impl Fn(NestValue) -> NestValue) -> ScalarOp {
    match op {
        ScalarOp::Const(_) | ScalarOp::Load(_) => op.clone(),
        ScalarOp::Unary(op, a) => ScalarOp::Unary(*op, new(*a)),
        ScalarOp::Powi(n, a) => ScalarOp::Powi(*n, new(*a)),
        ScalarOp::Convert(a) => ScalarOp::Convert(new(*a)),
        ScalarOp::Binary(op, a, b) => ScalarOp::Binary(*op, new(*a), new(*b)),
        ScalarOp::Select(cmp, values) => ScalarOp::Select(*cmp, values.map(new)),
        ScalarOp::Pick { at_loop, at, then, otherwise } => {
            ScalarOp::Pick { at_loop: *at_loop, at: *at, then: new(*then), otherwise: new(*otherwise) }
        }
    }
}
