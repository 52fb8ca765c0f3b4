//! Source text with holes of which nothing stays: what is constant because of them is worked out.
//!
//! A text comes with a [`NOTHING`] for each such hole. Texts of the same length in which marks are names are parsed, so that places in
//! the tree are places in the text.

use std::collections::BTreeMap;

use super::inside::{CLOSE, OPEN};
use crate::base::Real;
use crate::diagnostics::Sink;
use crate::hir::{self, UnaryFn};
use crate::source::{Sources, Span};
use crate::syntax;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Item, ModelItem, UnaryOp};

/// Stands for a hole of which nothing stays.
pub(super) const NOTHING: char = '\u{e002}';
/// The same as a name as long.
const NAME: &str = "_0_";

/// A text that has been simplified.
pub(super) struct Simplified {
    /// The text.
    pub text: String,
    /// Its value, where it is a number now.
    pub value: Option<f64>,
}

/// The text without what its empty holes make constant.
pub(super) fn simplified(text: &str) -> Simplified {
    if !text.contains(NOTHING) {
        return Simplified { text: text.to_string(), value: None };
    }
    let head = "model M { x' = ";
    let shadow = text.replace(NOTHING, NAME).replace([OPEN, CLOSE], "___");
    let parsed = parsed(&format!("{head}{shadow}\n}}"));
    let part = parsed.as_ref().map(|expr| Part { text, skip: head.len() }.of(expr));
    let part = part.unwrap_or_else(|| Simplified { text: text.to_string(), value: None });
    Simplified { text: part.text.replace(NOTHING, "0"), ..part }
}

fn parsed(source: &str) -> Option<Expr> {
    let (mut sources, mut sink) = (Sources::default(), Sink::new());
    let file = sources.add("m.mech", source);
    let tree = syntax::parse(file, source, &mut sink);
    let model = tree.items.into_iter().find_map(|item| if let Item::Model(m) = item { Some(m) } else { None })?;
    let equation =
        model.body.into_iter().find_map(|item| if let ModelItem::Equation(e) = item { Some(e) } else { None });
    equation.filter(|_| !sink.has_errors()).map(|e| e.right)
}

/// A text and where it begins in what was parsed.
struct Part<'t> {
    text: &'t str,
    skip: usize,
}

impl Part<'_> {
    fn slice(&self, from: u32, to: u32) -> &str {
        let at = |place: u32| (place as usize).saturating_sub(self.skip);
        self.text.get(at(from)..at(to)).unwrap_or_default()
    }

    /// A text in place of an expression, within the brackets that stood around it.
    fn instead(&self, span: Span, (first, last): (&Expr, &Expr), text: &str) -> Simplified {
        let (before, after) = (self.slice(span.start, first.span.start), self.slice(last.span.end, span.end));
        Simplified { text: format!("{before}{text}{after}"), value: None }
    }

    fn of(&self, expr: &Expr) -> Simplified {
        let parts = parts(expr);
        let inner: Vec<Simplified> = parts.iter().map(|part| self.of(part)).collect();
        let values: Vec<Option<f64>> = inner.iter().map(|part| part.value).collect();
        if let Some(value) = value(expr, &parts, &values).filter(|v| v.is_finite()) {
            let text = hir::number(value);
            return Simplified { text: if value < 0.0 { format!("({text})") } else { text }, value: Some(value) };
        }
        let (zero, one) = (Some(0.0), Some(1.0));
        if let ([a, b], [left, right], ExprKind::Binary { op, .. }) = (parts.as_slice(), inner.as_slice(), &expr.kind) {
            let kept = match (op, left.value, right.value) {
                (BinaryOp::Add, v, _) if v == zero => Some(right.text.clone()),
                (BinaryOp::Subtract, v, _) if v == zero => Some(format!("-{}", right.text)),
                (BinaryOp::Add | BinaryOp::Subtract, _, v) if v == zero => Some(left.text.clone()),
                (BinaryOp::Multiply, v, _) if v == one => Some(right.text.clone()),
                (BinaryOp::Multiply | BinaryOp::Divide, _, v) if v == one => Some(left.text.clone()),
                _ => None,
            };
            if let Some(text) = kept {
                return self.instead(expr.span, (a, b), &text);
            }
        }
        // What stands between the parts stays.
        let by_place: BTreeMap<u32, (&Expr, &Simplified)> =
            parts.iter().zip(&inner).map(|(part, new)| (part.span.start, (*part, new))).collect();
        let (mut out, mut at) = (String::new(), expr.span.start);
        for (part, new) in by_place.values() {
            out.push_str(self.slice(at, part.span.start));
            out.push_str(&new.text);
            at = part.span.end;
        }
        out.push_str(self.slice(at, expr.span.end));
        Simplified { text: out, value: None }
    }
}

/// The operands that may hold a hole.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Unary { operand, .. } => vec![operand],
        ExprKind::Binary { left, right, .. } => vec![left, right],
        ExprKind::If { condition, then, otherwise } => vec![condition, then, otherwise],
        ExprKind::Call(call) => call.arguments.iter().collect(),
        ExprKind::Sum { body, .. } => vec![body],
        _ => Vec::new(),
    }
}

/// The value of an expression that is constant because something in it is; `values` are those of its `parts`.
fn value(expr: &Expr, parts: &[&Expr], values: &[Option<f64>]) -> Option<f64> {
    if matches!(&expr.kind, ExprKind::Name(name) if name == NAME) {
        return Some(0.0);
    }
    if values.iter().all(Option::is_none) {
        return None;
    }
    let known: Vec<Option<f64>> = parts.iter().zip(values).map(|(part, v)| v.or_else(|| written(part))).collect();
    match (&expr.kind, known.as_slice()) {
        (ExprKind::Unary { op: UnaryOp::Negate, .. }, [a]) => a.map(|a| if a == 0.0 { 0.0 } else { -a }),
        (ExprKind::Unary { op: UnaryOp::Plus, .. }, [a]) => *a,
        (ExprKind::Binary { op, .. }, [a, b]) => match (op, *a, *b) {
            (BinaryOp::Multiply, Some(0.0), _) | (BinaryOp::Multiply, _, Some(0.0)) => Some(0.0),
            (BinaryOp::Divide, Some(0.0), None) => Some(0.0),
            (BinaryOp::Add, Some(a), Some(b)) => Some(a + b),
            (BinaryOp::Subtract, Some(a), Some(b)) => Some(a - b),
            (BinaryOp::Multiply, Some(a), Some(b)) => Some(a * b),
            (BinaryOp::Divide, Some(a), Some(b)) => Some(a / b),
            (BinaryOp::Power, Some(a), Some(b)) => Some(Real::pow(a, b)).filter(|_| a >= 0.0),
            _ => None,
        },
        (ExprKind::If { .. }, [_, Some(a), Some(b)]) if a == b => Some(*a),
        (ExprKind::Sum { .. }, [Some(0.0)]) => Some(0.0),
        (ExprKind::Call(call), [Some(a)]) => {
            let function = UnaryFn::ALL.into_iter().find(|f| *f != UnaryFn::Neg && f.name() == call.function.name)?;
            Some(function.apply(*a))
        }
        _ => None,
    }
}

/// The value of a number that is written out.
fn written(expr: &Expr) -> Option<f64> {
    if let ExprKind::Number { value, .. } = &expr.kind { Some(*value) } else { None }
}

#[cfg(test)]
mod tests {
    use super::{NOTHING, simplified};

    #[test]
    fn what_empty_holes_make_constant_is_worked_out() {
        for (text, simple, value) in [
            ("tanh(0)*x", "tanh(0)*x", None),
            ("tanh(?)*x", "0", Some(0.0)),
            ("-x*(y + ?)", "-x*(y)", None),
            ("if x > 1 then ? else 0", "0", Some(0.0)),
            ("if x > 1 then ? else y", "if x > 1 then 0 else y", None),
            ("x*cos(?)/5", "x/5", None),
            ("exp(2*?)", "1", Some(1.0)),
            ("cos(?) - 3", "(-2)", Some(-2.0)),
            ("?/(1 + x)", "0", Some(0.0)),
            ("(? - x[2])*k", "(-x[2])*k", None),
            ("max(?, x)", "max(0, x)", None),
            ("ln(?)*x", "ln(0)*x", None),
            ("sum(i in 1..3) ?*q[i]", "0", Some(0.0)),
        ] {
            let found = simplified(&text.replace('?', &NOTHING.to_string()));
            assert_eq!((found.text.as_str(), found.value), (simple, value), "{text}");
        }
    }
}
