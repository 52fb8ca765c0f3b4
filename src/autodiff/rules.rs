//! The adjoint rule of every instruction.

use super::{AutodiffError, derivatives};
use crate::ir::{AxisId, Builder, CmpOp, Inst, Op, ValueId};

/// The contributions to the adjoints of the operands of `inst`, given the adjoint `g` of its (first) result; `None` where the
/// operand does not matter or `needed` does not ask for it.
pub(super) fn adjoints(
    b: &mut Builder,
    inst: &Inst,
    g: ValueId,
    needed: &[bool],
) -> Result<Vec<Option<ValueId>>, AutodiffError> {
    let need = |i: usize| needed.get(i).copied().unwrap_or(false);
    let contributions = match (&inst.op, inst.args.as_slice(), inst.results.as_slice()) {
        (Op::Unary(op), &[a], &[y]) => vec![derivatives::unary(b, *op, a, y, g)],
        (Op::Powi(n), &[a], _) => vec![derivatives::powi(b, *n, a, g)],
        (Op::Binary(op), &[x, z], &[y]) => derivatives::binary(b, *op, [x, z], y, g, [need(0), need(1)]).to_vec(),
        (Op::Select(cmp), &[p, q, _, _], _) => select(b, *cmp, p, q, g, [need(2), need(3)]),
        (Op::Convert, &[a], _) => {
            let elem = b.ty(a).elem;
            vec![Some(b.convert(g, elem))]
        }
        (Op::Broadcast, &[a], _) => {
            let added: Vec<AxisId> =
                b.ty(g).axes.iter().copied().filter(|&axis| b.ty(a).position(axis).is_none()).collect();
            vec![Some(b.sum(g, &added))]
        }
        (Op::Transpose, &[a], _) => {
            let axes = b.ty(a).axes.clone();
            vec![Some(b.transpose(g, &axes))]
        }
        (Op::Reshape, &[a], _) => {
            let axes = b.ty(a).axes.clone();
            vec![Some(b.reshape(g, &axes))]
        }
        (Op::Sum(_), &[a], _) => {
            let axes = b.ty(a).axes.clone();
            vec![Some(b.broadcast(g, &axes))]
        }
        (Op::Index { axis, at }, &[a], _) => {
            let position = b.ty(a).position(*axis).unwrap_or(0);
            vec![Some(b.place(g, *axis, *at, position))]
        }
        (Op::Place { axis, at }, &[_], _) => vec![Some(b.index(g, *axis, *at))],
        (Op::Stack(axis), parts, _) => (0..parts.len()).map(|at| need(at).then(|| b.index(g, *axis, at))).collect(),
        (Op::Contract(_), &[x, z], _) => {
            vec![need(0).then(|| contract(b, g, z, x)), need(1).then(|| contract(b, g, x, z))]
        }
        (Op::Solve(scheme), &[c, rhs, iv, h], &[u]) => {
            let types = [c, rhs, iv, h].map(|v| b.ty(v).clone()).to_vec();
            let op = Op::SolveAdjoint(scheme.clone());
            b.inst(op, vec![c, rhs, iv, h, u, g], types).into_iter().map(Some).collect()
        }
        (Op::SpdSolve, &[n, r, mask], &[x]) => {
            let types = vec![b.ty(n).clone(), b.ty(r).clone()];
            // The mask is a choice, not a number: it has no adjoint.
            b.inst(Op::SpdSolveAdjoint, vec![n, mask, x, g], types).into_iter().map(Some).chain([None]).collect()
        }
        (Op::SolveAdjoint(_), ..) => return Err(AutodiffError::SecondDerivative("solve_adjoint")),
        (Op::SpdSolveAdjoint, ..) => return Err(AutodiffError::SecondDerivative("spd_solve_adjoint")),
        // A constant has no operands; other counts of operands are not well-formed.
        _ => Vec::new(),
    };
    Ok(contributions.into_iter().enumerate().map(|(i, c)| c.filter(|_| need(i))).collect())
}

fn select(b: &mut Builder, cmp: CmpOp, p: ValueId, q: ValueId, g: ValueId, needed: [bool; 2]) -> Vec<Option<ValueId>> {
    let zero = b.constant(0.0, b.ty(g).elem);
    let first = needed[0].then(|| b.select(cmp, p, q, g, zero));
    let second = needed[1].then(|| b.select(cmp, p, q, zero, g));
    vec![None, None, first, second]
}

/// The adjoint of the operand `of` of a contraction with `other`: the contraction of `g` with `other` over what `of` lacks.
fn contract(b: &mut Builder, g: ValueId, other: ValueId, of: ValueId) -> ValueId {
    let axes = b.ty(of).axes.clone();
    let over: Vec<AxisId> =
        b.ty(g).axes.iter().copied().filter(|a| b.ty(other).position(*a).is_some() && !axes.contains(a)).collect();
    b.contract(g, other, &over, &axes)
}
