//! Units in settings, where a list in brackets may be one.

use super::table::refuse;
use crate::base::Ratio;
use crate::diagnostics::Sink;
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, Expr, ExprKind, SettingValue, UnaryOp, UnitExpr};

/// Reports units in a setting that takes none.
pub(in super::super) fn refuse_in(setting: &ast::Setting, sink: &mut Sink) {
    let what = format!("`{}`", setting.key.name);
    for value in &setting.values {
        match value {
            SettingValue::Expr(e) => {
                refuse(e, &what, sink);
            }
            SettingValue::List(list, _) | SettingValue::Tuple(list, _) => list.iter().for_each(|e| {
                refuse(e, &what, sink);
            }),
            SettingValue::Equals(_) => {}
        }
    }
}

/// The unit that a list in a setting is: `[1/km^2]`.
pub(in super::super) fn as_unit(list: &[Expr], span: Span) -> Option<UnitExpr> {
    let [one] = list else { return None };
    let mut factors = Vec::new();
    collect(one, Ratio::ONE, &mut factors)?;
    Some(UnitExpr { factors, span })
}

fn collect(e: &Expr, power: Ratio, out: &mut Vec<(ast::Ident, Ratio)>) -> Option<()> {
    match &e.kind {
        ExprKind::Number { value, percent: false } if *value == 1.0 => Some(()),
        ExprKind::Name(name) => {
            out.push((ast::Ident { name: name.clone(), span: e.span }, power));
            Some(())
        }
        ExprKind::Binary { op: BinaryOp::Multiply, left, right } => {
            collect(left, power, out)?;
            collect(right, power, out)
        }
        ExprKind::Binary { op: BinaryOp::Divide, left, right } => {
            collect(left, power, out)?;
            collect(right, power.negated(), out)
        }
        ExprKind::Binary { op: BinaryOp::Power, left, right } => collect(left, power.times(exponent(right)?), out),
        _ => None,
    }
}

fn exponent(e: &Expr) -> Option<Ratio> {
    match &e.kind {
        ExprKind::Number { value, percent: false } => Ratio::of(*value),
        ExprKind::Unary { op: UnaryOp::Negate, operand } => exponent(operand).map(Ratio::negated),
        ExprKind::Binary { op: BinaryOp::Divide, left, right } => {
            let below = exponent(right).filter(|r| !r.is_zero())?;
            Some(exponent(left)?.times(below.inverse()))
        }
        _ => None,
    }
}
