//! Which innermost loops run on vectors.

use super::body::Body;
use super::emit::scalar_type;
use crate::artifact::Size;
use crate::base::{Elem, Idx};
use crate::kernel::{Access, LoopNest, NestValue, ScalarOp};
use cranelift_codegen::ir::{InstBuilder, Value};
use std::collections::BTreeSet;

/// Bytes of a vector: Cranelift's widest on every host.
const VECTOR_BYTES: usize = 16;

/// Lanes of the innermost loop: 1 when it must be scalar.
pub(super) fn lanes(nest: &LoopNest) -> usize {
    let depth = nest.depth();
    let Some(last) = depth.checked_sub(1) else { return 1 };
    let mut elem: Option<Elem> = None;
    let mut same = |e: Elem| *elem.get_or_insert(e) == e;
    for inst in nest.insts.iter().filter(|i| i.level == depth) {
        let fits = match &inst.op {
            ScalarOp::Load(access) => contiguous(access, last),
            ScalarOp::Convert(_) | ScalarOp::Pick { .. } => false,
            _ => true,
        };
        if !fits || !same(inst.elem) {
            return 1;
        }
    }
    let elem_of = |v: NestValue| nest.insts[v.index()].elem;
    let stores = nest.stores.iter().all(|s| contiguous(&s.access, last) && same(elem_of(s.value)));
    let sums = nest
        .sums
        .iter()
        .all(|s| (s.in_register() || (!s.over[last] && contiguous(&s.access, last))) && same(elem_of(s.value)));
    match elem {
        Some(elem) if stores && sums => VECTOR_BYTES / elem.bytes(),
        _ => 1,
    }
}

fn contiguous(access: &Access, last: usize) -> bool {
    access.strides[last] == Size::ONE
}

impl Body<'_> {
    /// Puts what the vector loop takes from outer levels into vectors, before the loop.
    pub(super) fn splat_invariants(&mut self, lanes: usize) {
        let nest = self.nest;
        let depth = nest.depth();
        let inner = nest.insts.iter().filter(|i| i.level == depth).flat_map(|i| i.op.operands());
        let out = nest.stores.iter().map(|s| s.value).chain(nest.sums.iter().map(|s| s.value));
        let used: BTreeSet<NestValue> = inner.chain(out).filter(|v| nest.insts[v.index()].level < depth).collect();
        for v in used {
            let (Some(scalar), Some(ty)) = (self.values[v.index()], scalar_type(self.elem(v)).by(lanes as u32)) else {
                continue;
            };
            let vector = self.b.ins().splat(ty, scalar);
            self.scalars.push((v, scalar));
            self.values[v.index()] = Some(vector);
        }
    }

    /// Goes back to the scalars.
    pub(super) fn drop_vectors(&mut self) {
        let scalars: Vec<(NestValue, Value)> = std::mem::take(&mut self.scalars);
        for (v, scalar) in scalars {
            self.values[v.index()] = Some(scalar);
        }
    }
}
