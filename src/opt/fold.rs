//! Constant folding: what is the same known number everywhere becomes a broadcast constant.

use super::rewrite::{Rewriter, rewrite};
use crate::ir::{CmpOp, Function, Inst, Module, Op, Type, ValueId, powi_as, round_as};

/// Evaluates element-wise instructions of constants, and moves constants out of whatever only rearranges them. Sums and
/// contractions are evaluated for a zero only: adding the same number many times rounds, so its result depends on the sizes.
pub fn fold_constants(module: &Module, function: &mut Function) -> bool {
    rewrite(module, function, rule)
}

fn rule(r: &mut Rewriter, inst: &Inst, ty: &Type) -> Option<ValueId> {
    // These are what constants are written as.
    if matches!(inst.op, Op::Const(_) | Op::Broadcast) {
        return None;
    }
    if let Op::Select(cmp) = inst.op {
        return select(r, cmp, &inst.args);
    }
    let numbers: Vec<f64> = inst.args.iter().map(|&a| r.splat(a)).collect::<Option<_>>()?;
    let x = match (&inst.op, numbers.as_slice()) {
        (Op::Unary(op), &[a]) => op.apply_as(ty.elem, a),
        (Op::Binary(op), &[a, b]) => op.apply_as(ty.elem, a, b),
        (Op::Powi(n), &[a]) => powi_as(ty.elem, a, *n),
        (Op::Convert, &[a]) => round_as(ty.elem, a),
        // A reshape may be what gives an axis its size, so its operand's shape matters.
        (Op::Transpose | Op::Index { .. }, &[a]) => a,
        (Op::Sum(_), &[0.0]) => 0.0,
        (Op::Place { .. }, &[a]) if a.to_bits() == 0 => a,
        (Op::Contract(_), &[a, b]) if (a == 0.0 && b.is_finite()) || (b == 0.0 && a.is_finite()) => 0.0,
        (Op::Stack(_), parts) => {
            let first = *parts.first()?;
            parts.iter().all(|p| p.to_bits() == first.to_bits()).then_some(first)?
        }
        _ => return None,
    };
    Some(r.emit_splat(x, ty))
}

fn select(r: &Rewriter, cmp: CmpOp, args: &[ValueId]) -> Option<ValueId> {
    let &[a, b, x, y] = args else { return None };
    if x == y {
        return Some(x);
    }
    let (a, b) = (r.splat(a)?, r.splat(b)?);
    Some(if cmp.holds(a, b) { x } else { y })
}
