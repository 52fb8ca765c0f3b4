//! Algebraic identities of element-wise instructions.

use super::rewrite::{Rewriter, rewrite};
use crate::ir::{BinaryOp, Function, Inst, Module, Op, Type, UnaryOp, ValueId};

/// Applies identities that hold for every number, up to the sign of a zero, and one that does not: a power with a constant
/// whole exponent becomes a whole power.
pub fn simplify_algebra(module: &Module, function: &mut Function) -> bool {
    rewrite(module, function, rule)
}

fn rule(r: &mut Rewriter, inst: &Inst, ty: &Type) -> Option<ValueId> {
    match (&inst.op, inst.args.as_slice()) {
        (Op::Unary(op), &[a]) => unary(r, *op, a),
        (Op::Binary(op), &[a, b]) => binary(r, *op, a, b, ty),
        (Op::Powi(n), &[a]) => powi(r, *n, a, ty),
        _ => None,
    }
}

fn unary(r: &mut Rewriter, op: UnaryOp, a: ValueId) -> Option<ValueId> {
    match op {
        UnaryOp::Neg => {
            if let Some(x) = r.unary_of(a, UnaryOp::Neg) {
                return Some(x);
            }
            let inst = r.def(a).filter(|i| i.op == Op::Binary(BinaryOp::Sub))?;
            let (x, y) = (inst.args[0], inst.args[1]);
            Some(r.emit_binary(BinaryOp::Sub, y, x))
        }
        UnaryOp::Abs => {
            if r.unary_of(a, UnaryOp::Abs).is_some() {
                return Some(a);
            }
            let x = r.unary_of(a, UnaryOp::Neg)?;
            let ty = r.ty(x).clone();
            Some(r.emit(Op::Unary(UnaryOp::Abs), vec![x], ty))
        }
        UnaryOp::Sign => r.unary_of(a, UnaryOp::Sign).map(|_| a),
        _ => None,
    }
}

fn binary(r: &mut Rewriter, op: BinaryOp, a: ValueId, b: ValueId, ty: &Type) -> Option<ValueId> {
    let (known_a, known_b) = (r.splat(a), r.splat(b));
    let (neg_a, neg_b) = (r.unary_of(a, UnaryOp::Neg), r.unary_of(b, UnaryOp::Neg));
    match op {
        BinaryOp::Add => match (known_a, known_b) {
            (_, Some(0.0)) => Some(a),
            (Some(0.0), _) => Some(b),
            _ => match (neg_a, neg_b) {
                (_, Some(y)) => Some(r.emit_binary(BinaryOp::Sub, a, y)),
                (Some(x), None) => Some(r.emit_binary(BinaryOp::Sub, b, x)),
                (None, None) => None,
            },
        },
        BinaryOp::Sub => match (known_a, known_b) {
            (_, Some(0.0)) => Some(a),
            (Some(0.0), _) => Some(r.emit_neg(b)),
            _ => neg_b.map(|y| r.emit_binary(BinaryOp::Add, a, y)),
        },
        BinaryOp::Mul => match (known_a, known_b) {
            (_, Some(1.0)) => Some(a),
            (Some(1.0), _) => Some(b),
            (_, Some(-1.0)) => Some(r.emit_neg(a)),
            (Some(-1.0), _) => Some(r.emit_neg(b)),
            (Some(x), None) => neg_b.map(|y| {
                let x = r.emit_splat(-x, ty);
                r.emit_binary(BinaryOp::Mul, x, y)
            }),
            (None, Some(y)) => neg_a.map(|x| {
                let y = r.emit_splat(-y, ty);
                r.emit_binary(BinaryOp::Mul, x, y)
            }),
            _ => match (neg_a, neg_b) {
                (Some(x), Some(y)) => Some(r.emit_binary(BinaryOp::Mul, x, y)),
                (Some(x), None) => Some(negated(r, BinaryOp::Mul, x, b)),
                (None, Some(y)) => Some(negated(r, BinaryOp::Mul, a, y)),
                (None, None) => None,
            },
        },
        BinaryOp::Div => match (known_b, neg_a, neg_b) {
            (Some(1.0), ..) => Some(a),
            (Some(-1.0), ..) => Some(r.emit_neg(a)),
            // The reciprocal of a power of two is exact, so quotient and product round the same number.
            (Some(y), ..) if is_power_of_two(y) && known_a.is_none() => {
                let y = r.emit_splat(1.0 / y, ty);
                Some(r.emit_binary(BinaryOp::Mul, a, y))
            }
            (_, Some(x), Some(y)) => Some(r.emit_binary(BinaryOp::Div, x, y)),
            (_, Some(x), None) => Some(negated(r, BinaryOp::Div, x, b)),
            (_, None, Some(y)) => Some(negated(r, BinaryOp::Div, a, y)),
            (_, None, None) => None,
        },
        BinaryOp::Pow => {
            let n = known_b?;
            let whole = n.fract() == 0.0 && n.abs() <= 8.0;
            whole.then(|| r.emit(Op::Powi(n as i32), vec![a], ty.clone()))
        }
        BinaryOp::Min | BinaryOp::Max => (a == b).then_some(a),
    }
}

/// `-(a op b)`: negations move outward, where they meet sums and one another.
fn negated(r: &mut Rewriter, op: BinaryOp, a: ValueId, b: ValueId) -> ValueId {
    let value = r.emit_binary(op, a, b);
    r.emit_neg(value)
}

/// Whether `y` and its reciprocal are normal powers of two in single precision too.
fn is_power_of_two(y: f64) -> bool {
    let exponent = y.abs().log2();
    y.is_finite() && exponent.abs() <= 100.0 && y.abs().to_bits().trailing_zeros() >= 52
}

fn powi(r: &mut Rewriter, n: i32, a: ValueId, ty: &Type) -> Option<ValueId> {
    match n {
        0 => Some(r.emit_splat(1.0, ty)),
        1 => Some(a),
        2 => Some(r.emit_binary(BinaryOp::Mul, a, a)),
        _ => None,
    }
}
