//! One expression: a tree of the typed model to instructions.

use super::LowerError;
use crate::base::{Idx, IndexMap};
use crate::hir::{self, ExprKind, StateId};
use crate::ir::{BinaryOp, Builder, CmpOp, UnaryOp, ValueId};

/// The values that stand for an expression's leaves at its place of use.
#[derive(Clone, Debug, Default)]
pub struct Leaves {
    /// States and their derivatives.
    pub states: IndexMap<(StateId, u8), ValueId>,
    /// Inputs, by index.
    pub inputs: Vec<ValueId>,
    /// Unknowns, by index.
    pub unknowns: Vec<ValueId>,
    /// The time.
    pub time: Option<ValueId>,
}

/// Appends the instructions of `expr`; scalars among the leaves are broadcast where they meet tensors.
/// The recursion is bounded by the parser's limit on nesting and the analysis' limit on size.
pub fn lower_expr(b: &mut Builder, leaves: &Leaves, expr: &hir::Expr) -> Result<ValueId, LowerError> {
    let missing = |what: String| LowerError::Leaf(what);
    Ok(match &expr.kind {
        ExprKind::Number(x) => b.f64(*x),
        ExprKind::Time => leaves.time.ok_or_else(|| missing("the time".into()))?,
        ExprKind::State(s, k) => {
            *leaves.states.get(&(*s, *k)).ok_or_else(|| missing(format!("derivative {k} of {s:?}")))?
        }
        ExprKind::Input(i) => *leaves.inputs.get(i.index()).ok_or_else(|| missing(format!("{i:?}")))?,
        ExprKind::Unknown(u) => *leaves.unknowns.get(u.index()).ok_or_else(|| missing(format!("{u:?}")))?,
        ExprKind::Unary(f, a) => {
            let a = lower_expr(b, leaves, a)?;
            b.unary(unary_op(*f), a)
        }
        ExprKind::Binary(op, x, y) => {
            let x = lower_expr(b, leaves, x)?;
            let y = lower_expr(b, leaves, y)?;
            b.binary(binary_op(*op), x, y)
        }
        ExprKind::Powi(a, n) => {
            let a = lower_expr(b, leaves, a)?;
            b.powi(a, *n)
        }
        ExprKind::Select(compare, parts) => {
            let [p, q, x, y] = parts.as_ref();
            let p = lower_expr(b, leaves, p)?;
            let q = lower_expr(b, leaves, q)?;
            let x = lower_expr(b, leaves, x)?;
            let y = lower_expr(b, leaves, y)?;
            let compare = match compare {
                hir::Compare::Less => CmpOp::Lt,
                hir::Compare::AtMost => CmpOp::Le,
                hir::Compare::Equal => CmpOp::Eq,
            };
            b.select(compare, p, q, x, y)
        }
    })
}

fn unary_op(f: hir::UnaryFn) -> UnaryOp {
    match f {
        hir::UnaryFn::Neg => UnaryOp::Neg,
        hir::UnaryFn::Abs => UnaryOp::Abs,
        hir::UnaryFn::Sqrt => UnaryOp::Sqrt,
        hir::UnaryFn::Exp => UnaryOp::Exp,
        hir::UnaryFn::Ln => UnaryOp::Ln,
        hir::UnaryFn::Sin => UnaryOp::Sin,
        hir::UnaryFn::Cos => UnaryOp::Cos,
        hir::UnaryFn::Tan => UnaryOp::Tan,
        hir::UnaryFn::Asin => UnaryOp::Asin,
        hir::UnaryFn::Acos => UnaryOp::Acos,
        hir::UnaryFn::Atan => UnaryOp::Atan,
        hir::UnaryFn::Sinh => UnaryOp::Sinh,
        hir::UnaryFn::Cosh => UnaryOp::Cosh,
        hir::UnaryFn::Tanh => UnaryOp::Tanh,
        hir::UnaryFn::Sign => UnaryOp::Sign,
    }
}

fn binary_op(op: hir::BinaryOp) -> BinaryOp {
    match op {
        hir::BinaryOp::Add => BinaryOp::Add,
        hir::BinaryOp::Sub => BinaryOp::Sub,
        hir::BinaryOp::Mul => BinaryOp::Mul,
        hir::BinaryOp::Div => BinaryOp::Div,
        hir::BinaryOp::Pow => BinaryOp::Pow,
        hir::BinaryOp::Min => BinaryOp::Min,
        hir::BinaryOp::Max => BinaryOp::Max,
    }
}
