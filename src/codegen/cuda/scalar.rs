//! What one scalar instruction becomes.

use super::text;
use crate::base::{Elem, Idx};
use crate::ir::{BinaryOp, CmpOp, UnaryOp};
use crate::kernel::{NestInst, NestValue, ScalarOp};

/// The name of a value.
pub(super) fn value(v: NestValue) -> String {
    format!("t{}", v.index())
}

/// The expression of an instruction; `load` is the text of the element that a load takes.
pub(super) fn expression(inst: &NestInst, load: impl Fn() -> String) -> String {
    let elem = inst.elem;
    match &inst.op {
        ScalarOp::Const(c) => text::number(*c, elem),
        ScalarOp::Load(_) => load(),
        ScalarOp::Unary(op, a) => unary(*op, elem, &value(*a)),
        ScalarOp::Binary(op, a, b) => binary(*op, elem, &value(*a), &value(*b)),
        ScalarOp::Powi(n, a) => power(*n, elem, &value(*a)),
        ScalarOp::Select(cmp, [a, b, x, y]) => {
            let cmp = match cmp {
                CmpOp::Lt => "<",
                CmpOp::Le => "<=",
                CmpOp::Eq => "==",
            };
            format!("{} {cmp} {} ? {} : {}", value(*a), value(*b), value(*x), value(*y))
        }
        ScalarOp::Convert(a) => format!("({}){}", text::elem(elem), value(*a)),
        ScalarOp::Pick { at_loop, at, then, otherwise } => {
            format!("i{at_loop} == {at} ? {} : {}", value(*then), value(*otherwise))
        }
    }
}

fn unary(op: UnaryOp, elem: Elem, a: &str) -> String {
    let name = match op {
        UnaryOp::Neg => return format!("-{a}"),
        UnaryOp::Sign => return format!("sign({a})"),
        UnaryOp::Abs => "fabs",
        UnaryOp::Sqrt => "sqrt",
        UnaryOp::Exp => "exp",
        UnaryOp::Ln => "log",
        UnaryOp::Sin => "sin",
        UnaryOp::Cos => "cos",
        UnaryOp::Tan => "tan",
        UnaryOp::Asin => "asin",
        UnaryOp::Acos => "acos",
        UnaryOp::Atan => "atan",
        UnaryOp::Sinh => "sinh",
        UnaryOp::Cosh => "cosh",
        UnaryOp::Tanh => "tanh",
    };
    format!("{}({a})", function(name, elem))
}

fn binary(op: BinaryOp, elem: Elem, a: &str, b: &str) -> String {
    match op {
        BinaryOp::Add => format!("{a} + {b}"),
        BinaryOp::Sub => format!("{a} - {b}"),
        BinaryOp::Mul => format!("{a} * {b}"),
        BinaryOp::Div => format!("{a} / {b}"),
        BinaryOp::Pow => format!("{}({a}, {b})", function("pow", elem)),
        BinaryOp::Min => format!("minimum({a}, {b})"),
        BinaryOp::Max => format!("maximum({a}, {b})"),
    }
}

/// The functions of C for each number type.
fn function(name: &str, elem: Elem) -> String {
    match elem {
        Elem::F32 => format!("{name}f"),
        Elem::F64 => name.to_string(),
    }
}

/// A call of the prelude's product by squaring, which compilers unroll.
fn power(n: i32, elem: Elem, a: &str) -> String {
    let positive = format!("whole_power({a}, {}u)", n.unsigned_abs());
    if n < 0 { format!("{} / {positive}", text::number(1.0, elem)) } else { positive }
}
