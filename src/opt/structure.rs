//! Identities of the instructions that rearrange numbers. All of them are exact.

use super::rewrite::{Rewriter, rewrite};
use crate::base::Elem;
use crate::ir::{AxisId, Function, Inst, Module, Op, Type, ValueId};

/// Looks through broadcasts, transposes, reshapes, conversions, stacks, places and indices, and moves element-wise
/// instructions before a broadcast of all their operands.
pub fn simplify_structure(module: &Module, function: &mut Function) -> bool {
    rewrite(module, function, rule)
}

fn rule(r: &mut Rewriter, inst: &Inst, ty: &Type) -> Option<ValueId> {
    match (&inst.op, inst.args.as_slice()) {
        (Op::Broadcast, &[a]) => same(r, a, ty).or_else(|| {
            let x = r.operand_of(a, &Op::Broadcast)?;
            Some(r.emit_broadcast(x, &ty.axes))
        }),
        (Op::Transpose, &[a]) => same(r, a, ty).or_else(|| {
            let x = r.operand_of(a, &Op::Transpose)?;
            same(r, x, ty).or_else(|| Some(r.emit(Op::Transpose, vec![x], ty.clone())))
        }),
        (Op::Reshape, &[a]) => same(r, a, ty).or_else(|| {
            // The reshape between stays if it gives an axis its size: it is removed only when nothing uses it.
            let x = r.operand_of(a, &Op::Reshape)?;
            let fixed = |axis: &AxisId| r.module.axes.get(*axis).is_some_and(|a| a.size.is_some());
            let sizes_known = r.ty(a).axes.iter().all(|axis| fixed(axis) || r.ty(x).position(*axis).is_some());
            if !sizes_known {
                return None;
            }
            same(r, x, ty).or_else(|| Some(r.emit(Op::Reshape, vec![x], ty.clone())))
        }),
        (Op::Convert, &[a]) => same(r, a, ty).or_else(|| {
            // Only a widening can be undone.
            let x = r.operand_of(a, &Op::Convert)?;
            let exact = r.ty(x).elem == Elem::F32;
            if exact { same(r, x, ty) } else { None }
        }),
        (Op::Index { axis, at }, &[a]) => index(r, *axis, *at, a, ty),
        (Op::Stack(axis), parts) => whole_stack(r, *axis, parts, ty),
        (Op::Sum(axes), &[a]) if axes.is_empty() => Some(a),
        (Op::Unary(_) | Op::Binary(_) | Op::Powi(_) | Op::Select(_) | Op::Convert, args) => {
            hoist(r, &inst.op, args, ty)
        }
        _ => None,
    }
}

/// `a` itself when it has the type wanted.
fn same(r: &Rewriter, a: ValueId, ty: &Type) -> Option<ValueId> {
    (r.ty(a) == ty).then_some(a)
}

fn index(r: &mut Rewriter, axis: AxisId, at: usize, a: ValueId, ty: &Type) -> Option<ValueId> {
    let inst = r.def(a)?.clone();
    let x = inst.args.first().copied()?;
    match inst.op {
        Op::Stack(stacked) if stacked == axis => inst.args.get(at).copied(),
        Op::Place { axis: placed, at: there } if placed == axis => {
            Some(if there == at { x } else { r.emit_splat(0.0, ty) })
        }
        Op::Broadcast => {
            let source = r.ty(x).clone();
            if source.position(axis).is_none() {
                return Some(r.emit_broadcast(x, &ty.axes));
            }
            let part = r.emit(Op::Index { axis, at }, vec![x], source.without(axis));
            Some(r.emit_broadcast(part, &ty.axes))
        }
        _ => None,
    }
}

/// The parts 0, 1, ... of one value, side by side again in their place.
fn whole_stack(r: &Rewriter, axis: AxisId, parts: &[ValueId], ty: &Type) -> Option<ValueId> {
    let mut whole = None;
    for (i, &part) in parts.iter().enumerate() {
        let source = r.operand_of(part, &Op::Index { axis, at: i })?;
        if *whole.get_or_insert(source) != source {
            return None;
        }
    }
    whole.filter(|&w| r.ty(w) == ty)
}

/// An element-wise instruction whose operands are all broadcasts of values of the same axes (or constants), of which at least
/// one is no constant: computed before the broadcast.
fn hoist(r: &mut Rewriter, op: &Op, args: &[ValueId], ty: &Type) -> Option<ValueId> {
    let mut sources = Vec::with_capacity(args.len());
    let mut axes: Option<Vec<AxisId>> = None;
    for &a in args {
        if let Some(x) = r.splat(a) {
            sources.push((a, Some(x)));
            continue;
        }
        let x = r.operand_of(a, &Op::Broadcast)?;
        let found = &r.ty(x).axes;
        if axes.as_ref().is_some_and(|known| known != found) {
            return None;
        }
        axes = Some(found.clone());
        sources.push((x, None));
    }
    let axes = axes?;
    let operands = sources
        .into_iter()
        .map(|(v, constant)| {
            let elem = r.ty(v).elem;
            constant.map_or(v, |x| r.emit_splat(x, &Type { elem, axes: axes.clone() }))
        })
        .collect();
    let value = r.emit(op.clone(), operands, Type { elem: ty.elem, axes });
    Some(r.emit_broadcast(value, &ty.axes))
}
