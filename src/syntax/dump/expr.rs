//! Expressions as S-expressions.

use std::fmt::Write as _;

use super::super::ast::*;
use super::model::{write_range, write_unit};

/// One expression on one line.
pub fn dump_expr(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(&mut out, expr);
    out
}

/// `(head part part)`
pub(super) fn write_node<'a>(out: &mut String, head: &str, parts: impl IntoIterator<Item = &'a Expr>) {
    out.push('(');
    out.push_str(head);
    for part in parts {
        out.push(' ');
        write_expr(out, part);
    }
    out.push(')');
}

pub(super) fn write_expr(out: &mut String, expr: &Expr) {
    match &expr.kind {
        ExprKind::Number { value, percent: false } => {
            let _ = write!(out, "{value:?}");
        }
        ExprKind::Measured { value, unit } => {
            out.push_str("(unit ");
            write_expr(out, value);
            write_unit(out, Some(unit));
            out.push(')');
        }
        ExprKind::Number { value, percent: true } => {
            let _ = write!(out, "(percent {value:?})");
        }
        ExprKind::Text(text) => {
            let _ = write!(out, "{text:?}");
        }
        ExprKind::Name(name) => out.push_str(name),
        ExprKind::Primed { of, primes } => {
            write_node(out, &"'".repeat(*primes as usize), [of.as_ref()]);
        }
        ExprKind::Field { of, name } => {
            write_expr(out, of);
            let _ = write!(out, ".{}", name.name);
        }
        ExprKind::Subscript { of, at } => write_node(out, "at", std::iter::once(of.as_ref()).chain(at)),
        ExprKind::Call(call) => write_call(out, "", call),
        ExprKind::Hole(call) => write_call(out, "?", call),
        ExprKind::Tuple(elements) => write_node(out, "tuple", elements),
        ExprKind::Unary { op, operand } => {
            let head = match op {
                UnaryOp::Negate => "neg",
                UnaryOp::Plus => "pos",
                UnaryOp::Not => "not",
            };
            write_node(out, head, [operand.as_ref()]);
        }
        ExprKind::Sum { variable, range, body } => {
            let _ = write!(out, "(sum {} in ", variable.name);
            write_range(out, range);
            out.push(' ');
            write_expr(out, body);
            out.push(')');
        }
        ExprKind::If { condition, then, otherwise } => {
            write_node(out, "if", [condition.as_ref(), then.as_ref(), otherwise.as_ref()]);
        }
        ExprKind::Binary { op, left, right } => {
            let head = match op {
                BinaryOp::Add => "+",
                BinaryOp::Subtract => "-",
                BinaryOp::Multiply => "*",
                BinaryOp::Divide => "/",
                BinaryOp::Power => "^",
                BinaryOp::Equal => "==",
                BinaryOp::Different => "!=",
                BinaryOp::Less => "<",
                BinaryOp::AtMost => "<=",
                BinaryOp::Greater => ">",
                BinaryOp::AtLeast => ">=",
                BinaryOp::And => "and",
                BinaryOp::Or => "or",
            };
            write_node(out, head, [left.as_ref(), right.as_ref()]);
        }
    }
}

pub(super) fn write_call(out: &mut String, mark: &str, call: &Call) {
    let _ = write!(out, "({mark}{}", call.function.name);
    for argument in &call.arguments {
        out.push(' ');
        write_expr(out, argument);
    }
    for named in &call.named {
        let relation = match named.relation {
            Relation::Is => "=",
            Relation::AtLeast => ">=",
            Relation::AtMost => "<=",
        };
        let _ = write!(out, " ({} {relation} ", named.name.name);
        write_expr(out, &named.value);
        out.push(')');
    }
    out.push(')');
}
