//! Contractions as strided matrix products.

use super::lower::KernelError;
use super::nest::Context;
use super::plan::Plan;
use crate::artifact::{Operand, Product, Runs, Size, Step};
use crate::ir::{AxisId, Inst, Op, ValueId};

/// Products smaller than that are plain loops.
const SMALLEST_PRODUCT: u64 = 2048;

/// Whether a contraction is worth a call of the product library.
pub(super) fn worthwhile(plan: &Plan<'_>, inst: &Inst, over: &[AxisId]) -> bool {
    let Some(roles) = Roles::of(plan, inst, over) else { return false };
    let (m, n, k) = (plan.axes.estimate(&roles.m), plan.axes.estimate(&roles.n), plan.axes.estimate(over));
    m.saturating_mul(n).saturating_mul(k) >= SMALLEST_PRODUCT && k >= 4 && m.max(n) >= 8
}

/// The step of a contraction whose operands have memory or are views of it.
pub(super) fn step(cx: &Context<'_, '_>, inst: &Inst, over: &[AxisId]) -> Result<Step, KernelError> {
    let plan = cx.plan;
    let fail = |what: &str| KernelError::Layout { function: plan.function.name.clone(), what: what.to_string() };
    let roles = Roles::of(plan, inst, over).ok_or_else(|| fail("a contraction without two operands"))?;
    let (result, a, b) = (inst.results[0], inst.args[0], inst.args[1]);
    let view_a = View::of(cx, a).ok_or_else(|| fail("the left operand of a product has no memory"))?;
    let view_b = View::of(cx, b).ok_or_else(|| fail("the right operand of a product has no memory"))?;
    let view_out = View::of(cx, result).ok_or_else(|| fail("a product has no memory"))?;

    let m = merge(plan, &roles.m, &view_a, &view_out);
    let n = merge(plan, &roles.n, &view_b, &view_out);
    let mut over: Vec<AxisId> = over.to_vec();
    over.sort_by_key(|&axis| plan.function.ty(a).position(axis));
    let k = merge(plan, &over, &view_a, &view_b);

    let mut batch: Vec<(Size, [Size; 3])> = Vec::new();
    for &axis in &roles.batch {
        batch.push((plan.axes.size(axis), [view_a.stride(axis), view_b.stride(axis), view_out.stride(axis)]));
    }
    let (m, rest) = largest(plan, m);
    batch.extend(rest.into_iter().map(|r| (r.extent, [r.strides[0].clone(), Size::ZERO, r.strides[1].clone()])));
    let (n, rest) = largest(plan, n);
    batch.extend(rest.into_iter().map(|r| (r.extent, [Size::ZERO, r.strides[0].clone(), r.strides[1].clone()])));
    let (k, outer_k) = largest(plan, k);
    Ok(Step::Product(Product {
        elem: plan.function.ty(result).elem,
        batch,
        m,
        n,
        k,
        outer_k,
        a: view_a.operand,
        b: view_b.operand,
        out: view_out.operand.buffer,
    }))
}

/// The axes of a contraction by what they do, in the result's order.
struct Roles {
    batch: Vec<AxisId>,
    m: Vec<AxisId>,
    n: Vec<AxisId>,
}

impl Roles {
    fn of(plan: &Plan<'_>, inst: &Inst, over: &[AxisId]) -> Option<Roles> {
        let (&[a, b], &[result]) = (inst.args.as_slice(), inst.results.as_slice()) else { return None };
        let (a, b) = (plan.function.ty(a), plan.function.ty(b));
        let mut roles = Roles { batch: Vec::new(), m: Vec::new(), n: Vec::new() };
        for &axis in &plan.function.ty(result).axes {
            match (a.axes.contains(&axis), b.axes.contains(&axis)) {
                (true, true) => roles.batch.push(axis),
                (true, false) => roles.m.push(axis),
                (false, _) => roles.n.push(axis),
            }
        }
        // An axis of one operand alone that the result lacks would be a sum over that operand: not a product.
        let kept = |axis: &AxisId| over.contains(axis) || plan.function.ty(result).axes.contains(axis);
        a.axes.iter().chain(&b.axes).all(kept).then_some(roles)
    }
}

/// A value as strides over a buffer.
struct View {
    operand: Operand,
    strides: Vec<(AxisId, Size)>,
}

impl View {
    fn of(cx: &Context<'_, '_>, value: ValueId) -> Option<View> {
        let plan = cx.plan;
        if let Some(storage) = plan.storage(value) {
            let ty = plan.function.ty(value);
            let strides = ty.axes.iter().copied().zip(plan.axes.strides(ty)).collect();
            let buffer = *cx.buffers.get(&storage)?;
            return Some(View { operand: Operand { buffer, offset: Vec::new() }, strides });
        }
        let (op, args) = plan.def(value)?;
        let mut view = View::of(cx, *args.first()?)?;
        match op {
            Op::Transpose => {}
            Op::Broadcast => {
                let ty = plan.function.ty(value);
                let missing: Vec<AxisId> =
                    ty.axes.iter().copied().filter(|&a| view.strides.iter().all(|(b, _)| *b != a)).collect();
                view.strides.extend(missing.into_iter().map(|a| (a, Size::ZERO)));
            }
            Op::Index { axis, at } => {
                let part = view.stride(*axis).times(&Size::constant(*at as u64));
                if part != Size::ZERO {
                    view.operand.offset.push(part);
                }
                view.strides.retain(|(a, _)| a != axis);
            }
            _ => return None,
        }
        Some(view)
    }

    fn stride(&self, axis: AxisId) -> Size {
        self.strides.iter().find(|(a, _)| *a == axis).map_or(Size::ZERO, |(_, s)| s.clone())
    }
}

/// Neighbouring axes that both tensors step through with one stride become one index.
fn merge(plan: &Plan<'_>, axes: &[AxisId], x: &View, y: &View) -> Vec<Runs> {
    let mut runs: Vec<Runs> = Vec::new();
    for &axis in axes.iter().rev() {
        let size = plan.axes.size(axis);
        if size == Size::ONE {
            continue;
        }
        let strides = [x.stride(axis), y.stride(axis)];
        match runs.last_mut() {
            Some(inner) if inner.strides.iter().zip(&strides).all(|(i, o)| i.times(&inner.extent) == *o) => {
                inner.extent = inner.extent.times(&size);
            }
            _ => runs.push(Runs { extent: size, strides }),
        }
    }
    runs
}

/// The run with the largest extent, and the others.
fn largest(plan: &Plan<'_>, mut runs: Vec<Runs>) -> (Runs, Vec<Runs>) {
    let best = (0..runs.len()).max_by_key(|&i| plan.axes.estimate_size(&runs[i].extent));
    match best {
        Some(i) => (runs.remove(i), runs),
        None => (Runs { extent: Size::ONE, strides: [Size::ZERO, Size::ZERO] }, runs),
    }
}
