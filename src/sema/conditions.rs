//! Conditionals: `if a < b and not c == d then x else y`.
//!
//! A condition that is known picks its branch, and the other one is not looked at: so `if i == 1 then 0 else u[i-1]`
//! never reaches beyond the end. Any other becomes nested selections between two values.

use super::resolve::{Place, Resolver};
use crate::diagnostics::codes::E0907;
use crate::diagnostics::{Advice, Diagnostic};
use crate::hir::{Compare, Expr, ExprKind};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, UnaryOp};

/// A condition, resolved.
enum Condition {
    Known(bool),
    Compare(Compare, Expr, Expr),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

impl Resolver<'_, '_> {
    /// The value of `if condition then ... else ...`.
    pub(super) fn conditional(
        &mut self,
        condition: &ast::Expr,
        then: &ast::Expr,
        otherwise: &ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        match self.condition(condition) {
            Some(Condition::Known(true)) => self.resolve(then),
            Some(Condition::Known(false)) => self.resolve(otherwise),
            condition => {
                let (x, y) = (self.resolve(then), self.resolve(otherwise));
                self.select(condition?, x?, y?, span)
            }
        }
    }

    fn condition(&mut self, expr: &ast::Expr) -> Option<Condition> {
        self.count(1, expr.span)?;
        match &expr.kind {
            ast::ExprKind::Unary { op: UnaryOp::Not, operand } => Some(match self.condition(operand)? {
                Condition::Known(value) => Condition::Known(!value),
                other => Condition::Not(Box::new(other)),
            }),
            ast::ExprKind::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } => {
                let and = *op == BinaryOp::And;
                let a = self.condition(left);
                if let Some(Condition::Known(value)) = a
                    && value != and
                {
                    return a;
                }
                let b = self.condition(right);
                Some(match (a?, b?) {
                    (Condition::Known(_), b) => b,
                    (a, Condition::Known(value)) if value == and => a,
                    (_, Condition::Known(value)) => Condition::Known(value),
                    (a, b) if and => Condition::And(Box::new(a), Box::new(b)),
                    (a, b) => Condition::Or(Box::new(a), Box::new(b)),
                })
            }
            ast::ExprKind::Binary { op, left, right } if is_comparison(*op) => {
                for side in [left, right] {
                    if is_condition(side) {
                        if let ast::ExprKind::Binary { op: inner, right: middle, .. } = &left.kind
                            && is_comparison(*inner)
                            && !is_condition(middle)
                        {
                            return self.chained(left.span, middle.span, expr.span);
                        }
                        return self.not_a_number(side.span);
                    }
                }
                let (a, b) = (self.resolve(left), self.resolve(right));
                let (a, b) = (a?, b?);
                let (compare, a, b, negate) = match op {
                    BinaryOp::Less => (Compare::Less, a, b, false),
                    BinaryOp::AtMost => (Compare::AtMost, a, b, false),
                    BinaryOp::Greater => (Compare::Less, b, a, false),
                    BinaryOp::AtLeast => (Compare::AtMost, b, a, false),
                    BinaryOp::Equal => (Compare::Equal, a, b, false),
                    _ => (Compare::Equal, a, b, true),
                };
                if let (Some(x), Some(y)) = (a.as_number(), b.as_number()) {
                    return Some(Condition::Known(compare.holds(x, y) != negate));
                }
                let plain = Condition::Compare(compare, a, b);
                Some(if negate { Condition::Not(Box::new(plain)) } else { plain })
            }
            _ => {
                let message = "a condition is needed between `if` and `then`";
                let d = Diagnostic::error(E0907, message, expr.span, "not a condition");
                self.sink.push(d.help("compare it with something: `if x > 0 then ... else ...`"));
                None
            }
        }
    }

    /// One value where the condition holds, the other elsewhere.
    fn select(&mut self, condition: Condition, x: Expr, y: Expr, span: Span) -> Option<Expr> {
        match condition {
            Condition::Known(value) => Some(if value { x } else { y }),
            Condition::Not(inner) => self.select(*inner, y, x, span),
            Condition::Compare(compare, a, b) => {
                Some(Expr::new(ExprKind::Select(compare, Box::new([a, b, x, y])), span))
            }
            Condition::And(p, q) => {
                self.count(y.size(), span)?;
                let inner = self.select(*q, x, y.clone(), span)?;
                self.select(*p, inner, y, span)
            }
            Condition::Or(p, q) => {
                self.count(x.size(), span)?;
                let inner = self.select(*q, x.clone(), y, span)?;
                self.select(*p, x, inner, span)
            }
        }
    }

    /// `0 < x < 1`, of which `first` is `0 < x`, `middle` is `x` and `whole` is all.
    fn chained<T>(&mut self, first: Span, middle: Span, whole: Span) -> Option<T> {
        let d = Diagnostic::error(E0907, "a comparison has two sides", whole, "two comparisons");
        let text = self.sources.text(Span { start: first.end, ..whole });
        let written = format!("{} and {}{text}", self.sources.text(first), self.sources.text(middle));
        self.sink.push(d.help(Advice::instead(format!("conditions are joined: `{written}`"), written)));
        None
    }

    /// A condition stands where a number is needed.
    pub(super) fn not_a_number<T>(&mut self, span: Span) -> Option<T> {
        let d = Diagnostic::error(E0907, "a comparison is no number", span, "stands where a number is needed");
        let help = match self.place {
            Place::Constant => "a number is needed here",
            _ => "comparisons stand between `if` and `then`: `if x > 0 then 1 else 0`",
        };
        self.sink.push(d.help(help));
        None
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::{AtLeast, AtMost, Different, Equal, Greater, Less};
    matches!(op, Equal | Different | Less | AtMost | Greater | AtLeast)
}

/// Whether `expr` is true or false rather than a number.
pub(super) fn is_condition(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ast::ExprKind::Unary { op, .. } => *op == UnaryOp::Not,
        ast::ExprKind::Binary { op, .. } => is_comparison(*op) || matches!(op, BinaryOp::And | BinaryOp::Or),
        _ => false,
    }
}
