//! What element-wise instructions compute on one number; the rules of rounding are those of [`Real`].

use super::{BinaryOp, CmpOp, UnaryOp};
use crate::base::{Elem, Real};

impl UnaryOp {
    /// The function's value at `a`.
    pub fn apply<T: Real>(self, a: T) -> T {
        match self {
            UnaryOp::Neg => a.neg(),
            UnaryOp::Abs => a.abs(),
            UnaryOp::Sqrt => a.sqrt(),
            UnaryOp::Exp => a.exp(),
            UnaryOp::Ln => a.ln(),
            UnaryOp::Sin => a.sin(),
            UnaryOp::Cos => a.cos(),
            UnaryOp::Tan => a.tan(),
            UnaryOp::Asin => a.asin(),
            UnaryOp::Acos => a.acos(),
            UnaryOp::Atan => a.atan(),
            UnaryOp::Sinh => a.sinh(),
            UnaryOp::Cosh => a.cosh(),
            UnaryOp::Tanh => a.tanh(),
            UnaryOp::Sign => a.sign(),
        }
    }

    /// The function in the number type `elem`, for a number held in double precision.
    pub fn apply_as(self, elem: Elem, a: f64) -> f64 {
        match elem {
            Elem::F64 => self.apply(a),
            Elem::F32 => self.apply(f32::from_f64(a)).to_f64(),
        }
    }
}

impl BinaryOp {
    /// The operator's value at `a` and `b`.
    pub fn apply<T: Real>(self, a: T, b: T) -> T {
        match self {
            BinaryOp::Add => a.add(b),
            BinaryOp::Sub => a.sub(b),
            BinaryOp::Mul => a.mul(b),
            BinaryOp::Div => a.div(b),
            BinaryOp::Pow => a.pow(b),
            BinaryOp::Min => a.min(b),
            BinaryOp::Max => a.max(b),
        }
    }

    /// The operator in the number type `elem`, for numbers held in double precision.
    pub fn apply_as(self, elem: Elem, a: f64, b: f64) -> f64 {
        match elem {
            Elem::F64 => self.apply(a, b),
            Elem::F32 => self.apply(f32::from_f64(a), f32::from_f64(b)).to_f64(),
        }
    }

    /// Whether the operands may change places without changing the value.
    pub fn commutes(self) -> bool {
        matches!(self, BinaryOp::Add | BinaryOp::Mul | BinaryOp::Min | BinaryOp::Max)
    }
}

impl CmpOp {
    /// Whether the comparison holds; false when an operand is NaN.
    pub fn holds<T: Real>(self, a: T, b: T) -> bool {
        match self {
            CmpOp::Lt => a < b,
            CmpOp::Le => a <= b,
            CmpOp::Eq => a == b,
        }
    }
}

/// `a` to the whole power `n` in the number type `elem`, for a number held in double precision.
pub fn powi_as(elem: Elem, a: f64, n: i32) -> f64 {
    match elem {
        Elem::F64 => Real::powi(a, n),
        Elem::F32 => Real::powi(f32::from_f64(a), n).to_f64(),
    }
}

/// `a` rounded to the number type `elem`.
pub fn round_as(elem: Elem, a: f64) -> f64 {
    match elem {
        Elem::F64 => a,
        Elem::F32 => f32::from_f64(a).to_f64(),
    }
}
