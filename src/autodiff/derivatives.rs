//! The table of derivatives of element-wise functions.

use crate::ir::{BinaryOp, Builder, CmpOp, UnaryOp, ValueId};

/// `g` times the derivative of `y = op(a)` by `a`, or `None` where it is zero everywhere.
pub(super) fn unary(b: &mut Builder, op: UnaryOp, a: ValueId, y: ValueId, g: ValueId) -> Option<ValueId> {
    let elem = b.ty(a).elem;
    Some(match op {
        UnaryOp::Neg => b.neg(g),
        UnaryOp::Abs => {
            let sign = b.unary(UnaryOp::Sign, a);
            b.mul(g, sign)
        }
        UnaryOp::Sqrt => {
            let twice = b.add(y, y);
            b.div(g, twice)
        }
        UnaryOp::Exp => b.mul(g, y),
        UnaryOp::Ln => b.div(g, a),
        UnaryOp::Sin => {
            let cos = b.unary(UnaryOp::Cos, a);
            b.mul(g, cos)
        }
        UnaryOp::Cos => {
            let sin = b.unary(UnaryOp::Sin, a);
            let product = b.mul(g, sin);
            b.neg(product)
        }
        UnaryOp::Tan => {
            // 1 + tan^2
            let square = b.mul(y, y);
            let one = b.constant(1.0, elem);
            let slope = b.add(one, square);
            b.mul(g, slope)
        }
        UnaryOp::Asin | UnaryOp::Acos => {
            // 1 / sqrt(1 - a^2), and its negative
            let square = b.mul(a, a);
            let one = b.constant(1.0, elem);
            let rest = b.sub(one, square);
            let root = b.unary(UnaryOp::Sqrt, rest);
            let quotient = b.div(g, root);
            if op == UnaryOp::Asin { quotient } else { b.neg(quotient) }
        }
        UnaryOp::Atan => {
            // 1 / (1 + a^2)
            let square = b.mul(a, a);
            let one = b.constant(1.0, elem);
            let sum = b.add(one, square);
            b.div(g, sum)
        }
        UnaryOp::Sinh => {
            let cosh = b.unary(UnaryOp::Cosh, a);
            b.mul(g, cosh)
        }
        UnaryOp::Cosh => {
            let sinh = b.unary(UnaryOp::Sinh, a);
            b.mul(g, sinh)
        }
        UnaryOp::Tanh => {
            // 1 - tanh^2
            let square = b.mul(y, y);
            let one = b.constant(1.0, elem);
            let slope = b.sub(one, square);
            b.mul(g, slope)
        }
        UnaryOp::Sign => return None,
    })
}

/// `g` times the derivative of `a^n` by `a`, or `None` where it is zero everywhere.
pub(super) fn powi(b: &mut Builder, n: i32, a: ValueId, g: ValueId) -> Option<ValueId> {
    if n == 0 {
        return None;
    }
    if n == 1 {
        return Some(g);
    }
    let factor = b.constant(f64::from(n), b.ty(a).elem);
    let scaled = b.mul(g, factor);
    if n == i32::MIN {
        // n - 1 does not exist; a^n is within one factor of it.
        let power = b.powi(a, n);
        let slope = b.div(power, a);
        return Some(b.mul(scaled, slope));
    }
    let power = if n == 2 { a } else { b.powi(a, n - 1) };
    Some(b.mul(scaled, power))
}

/// `g` times the derivatives of `y = x op z` by `x` and by `z`, those that `needed` asks for.
pub(super) fn binary(
    b: &mut Builder,
    op: BinaryOp,
    [x, z]: [ValueId; 2],
    y: ValueId,
    g: ValueId,
    needed: [bool; 2],
) -> [Option<ValueId>; 2] {
    let zero = |b: &mut Builder| b.constant(0.0, b.ty(x).elem);
    match op {
        BinaryOp::Add => [Some(g), Some(g)],
        BinaryOp::Sub => [Some(g), needed[1].then(|| b.neg(g))],
        BinaryOp::Mul => [needed[0].then(|| b.mul(g, z)), needed[1].then(|| b.mul(g, x))],
        BinaryOp::Div => {
            let quotient = b.div(g, z);
            let by_z = needed[1].then(|| {
                let product = b.mul(quotient, y);
                b.neg(product)
            });
            [Some(quotient), by_z]
        }
        BinaryOp::Pow => {
            let by_x = needed[0].then(|| {
                // z x^(z-1), and 0 where z is 0, whatever x is.
                let one = b.constant(1.0, b.ty(x).elem);
                let less = b.sub(z, one);
                let power = b.binary(BinaryOp::Pow, x, less);
                let slope = b.mul(z, power);
                let zero = zero(b);
                let safe = b.select(CmpOp::Eq, z, zero, zero, slope);
                b.mul(g, safe)
            });
            let by_z = needed[1].then(|| {
                let zero = zero(b);
                let ln = b.unary(UnaryOp::Ln, x);
                let safe = b.select(CmpOp::Lt, zero, x, ln, zero);
                let slope = b.mul(y, safe);
                b.mul(g, slope)
            });
            [by_x, by_z]
        }
        BinaryOp::Min | BinaryOp::Max => {
            let [p, q] = if op == BinaryOp::Min { [x, z] } else { [z, x] };
            let by_x = needed[0].then(|| {
                let zero = zero(b);
                b.select(CmpOp::Le, p, q, g, zero)
            });
            let by_z = needed[1].then(|| {
                let zero = zero(b);
                b.select(CmpOp::Le, p, q, zero, g)
            });
            [by_x, by_z]
        }
    }
}
