//! Joins neighbouring loops that every access steps through with one stride.

use super::{Access, Loop, LoopNest, ScalarOp};
use crate::artifact::Size;

/// `nest` with as few loops as its accesses allow: longer inner loops vectorise better and split better over threads.
pub(super) fn collapse(mut nest: LoopNest) -> LoopNest {
    let mut l = nest.depth().saturating_sub(1);
    while l > 0 {
        if joins(&nest, l - 1) {
            join(&mut nest, l - 1);
        }
        l -= 1;
    }
    nest
}

fn accesses(nest: &LoopNest) -> impl Iterator<Item = &Access> {
    let loads = nest.insts.iter().filter_map(|i| match &i.op {
        ScalarOp::Load(access) => Some(access),
        _ => None,
    });
    loads.chain(nest.stores.iter().map(|s| &s.access)).chain(nest.sums.iter().map(|s| &s.access))
}

fn joins(nest: &LoopNest, outer: usize) -> bool {
    let inner = outer + 1;
    let extent = &nest.loops[inner].extent;
    let one_run = |a: &Access| a.strides[inner].times(extent) == a.strides[outer];
    let alike = nest.sums.iter().all(|s| s.over[outer] == s.over[inner]);
    // A position of one of the two loops has no meaning in the joined one; and what stands between them would move inside.
    let picked = nest
        .insts
        .iter()
        .any(|i| matches!(i.op, ScalarOp::Pick { at_loop, .. } if at_loop == outer || at_loop == inner));
    let between = nest.insts.iter().any(|i| i.level == inner);
    alike && !picked && !between && accesses(nest).all(one_run)
}

fn join(nest: &mut LoopNest, outer: usize) {
    let inner = nest.loops.remove(outer + 1);
    let first = &mut nest.loops[outer];
    *first = Loop { name: format!("{}*{}", first.name, inner.name), extent: first.extent.times(&inner.extent) };
    for inst in &mut nest.insts {
        if inst.level > outer + 1 {
            inst.level -= 1;
        }
        match &mut inst.op {
            ScalarOp::Load(access) => drop_stride(access, outer),
            ScalarOp::Pick { at_loop, .. } if *at_loop > outer => *at_loop -= 1,
            _ => {}
        }
    }
    nest.stores.iter_mut().for_each(|s| drop_stride(&mut s.access, outer));
    for sum in &mut nest.sums {
        drop_stride(&mut sum.access, outer);
        sum.over.remove(outer);
    }
}

/// The joined loop has the inner loop's stride.
fn drop_stride(access: &mut Access, outer: usize) {
    let stride: Size = access.strides.remove(outer + 1);
    access.strides[outer] = stride;
}
