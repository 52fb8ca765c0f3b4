//! Units of measure: which units are known, what follows for names without one, and where units do not fit.
//!
//! The check runs on the syntax tree of a model that is otherwise right, where both sides of a conflict still have a place, and
//! once for every statement, however many elements it stands for. Units of names without one are inferred: every quantity is a
//! product of powers of units and of unknown units, and two quantities that must agree give one equation between such
//! products, which unification solves (Kennedy, Programming Languages and Dimensions, 1996). Since exponents are fractions
//! every equation with an unknown can be solved for it; what no equation determines stays unknown, which is no error.
//!
//! Numbers are never rescaled here: two units of one dimension and different size do not fit either.
//!
//! A model in which no unit is written is not looked at.

mod calls;
mod data;
mod dataset;
mod holes;
mod infer;
mod names;
mod numbers;
mod report;
mod sets;
mod solve;
mod statements;
mod table;
mod written;

pub(super) use calls::{Effect, effect};
pub(super) use data::{Conversions, Unitless, forget_of_columns, settle, settle_fit};
pub(super) use dataset::{compare, simulated, wanted};
pub(super) use report::{mismatch, what};
pub(super) use sets::in_place_of_units;
pub(super) use statements::{check, of_formula};
pub(super) use table::{Table, refuse};
pub(super) use written::{as_unit, refuse_in};

use super::functions::each_part;
use crate::syntax::ast::{self, ExprKind, ModelItem};

/// Calls `each` with every name that `item` declares and that can have a unit, and the unit as written.
fn each_declared<'m>(item: &'m ModelItem, each: &mut dyn FnMut(&'m ast::Ident, Option<&'m ast::UnitExpr>)) {
    match item {
        ModelItem::State(list) => list.iter().for_each(|d| each(&d.name, d.unit.as_ref())),
        ModelItem::Param(list) => list.iter().for_each(|d| each(&d.name, d.unit.as_ref())),
        ModelItem::Const(list) => list.iter().for_each(|b| each(&b.name, b.unit.as_ref())),
        ModelItem::Input(list) => list.iter().for_each(|d| each(&d.name, d.unit.as_ref())),
        ModelItem::Field(f) => f.names.iter().for_each(|d| each(&d.name, d.unit.as_ref())),
        ModelItem::Let(b) | ModelItem::Hole(b) => each(&b.name, b.unit.as_ref()),
        _ => {}
    }
}

/// Whether any unit is written in `model`.
fn has_units(model: &ast::Model) -> bool {
    model.body.iter().any(item_has_units)
}

fn item_has_units(item: &ModelItem) -> bool {
    let binding = |b: &ast::Binding| b.unit.is_some() || mentions_unit(&b.value);
    match item {
        ModelItem::Time(_) => true,
        ModelItem::State(list) => list.iter().any(|d| d.unit.is_some()),
        ModelItem::Param(list) => list.iter().any(|d| {
            let bounds = d.bounds.as_ref().is_some_and(|(low, high)| mentions_unit(low) || mentions_unit(high));
            d.unit.is_some() || bounds || d.value.as_ref().is_some_and(mentions_unit)
        }),
        ModelItem::Const(list) => list.iter().any(binding),
        ModelItem::Input(list) => list.iter().any(|d| d.unit.is_some()),
        ModelItem::Let(b) | ModelItem::Hole(b) => binding(b),
        ModelItem::Equation(eq) => mentions_unit(&eq.left) || mentions_unit(&eq.right),
        ModelItem::Initial(list) | ModelItem::Final(list) => list.iter().any(|d| mentions_unit(&d.value)),
        ModelItem::Field(f) => f.names.iter().any(|d| d.unit.is_some()) || f.init.as_ref().is_some_and(mentions_unit),
        ModelItem::Step(step) => step.init.as_ref().is_some_and(mentions_unit),
        ModelItem::Boundary(_) => false,
        ModelItem::Index(list) => list.iter().any(|d| d.spacing.as_ref().is_some_and(mentions_unit)),
        ModelItem::Function(f) => mentions_unit(&f.body),
        ModelItem::For(f) => f.body.iter().any(item_has_units),
    }
}

/// Whether a number in `expr` has a unit.
fn mentions_unit(expr: &ast::Expr) -> bool {
    let mut found = matches!(expr.kind, ExprKind::Measured { .. });
    each_part(expr, &mut |part| found = found || mentions_unit(part));
    found
}
