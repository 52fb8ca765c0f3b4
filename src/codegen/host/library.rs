//! The functions that generated code calls.

use crate::base::{Elem, Real};
use crate::ir::{BinaryOp, UnaryOp};

/// A function of one or two numbers that generated code calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Call {
    /// Of one number.
    Unary(UnaryOp, Elem),
    /// Of two.
    Binary(BinaryOp, Elem),
}

impl Call {
    /// The symbol.
    pub fn name(self) -> String {
        match self {
            Call::Unary(op, elem) => format!("{}_{elem}", op.name()),
            Call::Binary(op, elem) => format!("{}_{elem}", op.name()),
        }
    }

    /// The number type of operands and result.
    pub fn elem(self) -> Elem {
        match self {
            Call::Unary(_, elem) | Call::Binary(_, elem) => elem,
        }
    }

    /// The number of operands.
    pub fn operands(self) -> usize {
        match self {
            Call::Unary(..) => 1,
            Call::Binary(..) => 2,
        }
    }

    /// The address.
    pub fn address(self) -> *const u8 {
        match self {
            Call::Unary(op, Elem::F64) => unary_address::<f64>(op),
            Call::Unary(op, Elem::F32) => unary_address::<f32>(op),
            Call::Binary(_, Elem::F64) => pow::<f64> as extern "C" fn(f64, f64) -> f64 as *const u8,
            Call::Binary(_, Elem::F32) => pow::<f32> as extern "C" fn(f32, f32) -> f32 as *const u8,
        }
    }
}

macro_rules! functions {
    ($($op:ident $name:ident),*) => {
        $(extern "C" fn $name<T: Real>(a: T) -> T {
            UnaryOp::$op.apply(a)
        })*

        fn unary_address<T: Real>(op: UnaryOp) -> *const u8 {
            match op {
                $(UnaryOp::$op => $name::<T> as extern "C" fn(T) -> T as *const u8,)*
            }
        }
    };
}

functions!(
    Neg neg, Abs abs, Sqrt sqrt, Exp exp, Ln ln, Sin sin, Cos cos, Tan tan, Asin asin, Acos acos, Atan atan, Sinh sinh,
    Cosh cosh, Tanh tanh, Sign sign
);

extern "C" fn pow<T: Real>(a: T, b: T) -> T {
    BinaryOp::Pow.apply(a, b)
}
