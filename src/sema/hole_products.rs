//! Products of holes, whose scales no data can tell apart.

use super::resolve::Resolver;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E0408;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};

/// The first hole that is a factor of `expr` as a whole.
pub(super) fn factor_hole(expr: &Expr) -> Option<Span> {
    match &expr.kind {
        ExprKind::Hole(_) => Some(expr.span),
        ExprKind::Unary { op: UnaryOp::Negate | UnaryOp::Plus, operand } => factor_hole(operand),
        ExprKind::Binary { op: BinaryOp::Multiply | BinaryOp::Divide, left, right } => {
            factor_hole(left).or_else(|| factor_hole(right))
        }
        _ => None,
    }
}

impl Resolver<'_, '_> {
    /// Reports two holes that are factors of one product.
    pub(super) fn holes_multiplied(&mut self, first: Span, second: Span) {
        let message = "two holes are factors of one product, and only the product of their scales can be found";
        let d = Diagnostic::error(E0408, message, second, "a second factor without a scale of its own");
        let d = d.label(first, "the first one");
        self.sink.push(d.help(
            "write the products of their terms in one hole, `?terms(x*y)`, or fix a scale: `(1 + ?linear(x))*?linear(y)`",
        ));
    }
}
