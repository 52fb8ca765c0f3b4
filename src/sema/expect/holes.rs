//! Holes in expectations: those with a name, and the sums of ratios.

use super::super::functions::each_part;
use super::super::suggest;
use super::subject::Resolver;
use crate::hir::{EquationRef, Hole, HoleId, Model, Side, Subject};
use crate::source::Span;
use crate::syntax::ast::{Call, Expr, ExprKind};

/// The side of a ratio that a call names.
fn side(call: &Call) -> Option<Side> {
    Side::ALL.into_iter().find(|side| side.name() == call.function.name)
}

/// A name with what stands before its dot.
pub(super) fn as_written(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Field { of, name } => format!("{}.{}", as_written(of), name.name),
        ExprKind::Name(name) => name.clone(),
        _ => String::new(),
    }
}

/// The holes that were declared with a name.
pub(super) fn declared(model: &Model) -> impl Iterator<Item = (HoleId, &Hole)> {
    model.holes.iter().filter(|(_, hole)| !hole.name.contains('\''))
}

impl<'a> Resolver<'a> {
    /// The hole with a name that is meant, where it is one.
    pub(super) fn named_hole(&self, of: &EquationRef) -> Option<&'a Hole> {
        declared(self.model(of.subject)).find(|(_, hole)| hole.name == of.state).map(|(_, hole)| hole)
    }

    /// A hole or a sum of a ratio; `None` where the expression is something else.
    pub(super) fn hole(&mut self, expr: &Expr) -> Option<Option<EquationRef>> {
        if let ExprKind::Call(call) = &expr.kind
            && let Some(side) = side(call)
        {
            return Some(self.sum(side, call, expr.span));
        }
        let (subject, name) = self.owned(expr)?;
        let (_, hole) = declared(self.model(subject)).find(|(_, hole)| hole.name == name)?;
        self.mention(expr);
        let of = EquationRef { subject, state: name.clone(), sum: None };
        if hole.side.is_none() {
            return Some(self.evaluated(of, expr.span));
        }
        let shown = as_written(expr);
        let help = format!("write `numerator({shown})` or `denominator({shown})`");
        self.wrong(format!("`{name}` is a ratio, which has two sums"), expr.span, help);
        Some(None)
    }

    /// The fit or model, and the name, of `up` or `quick.up`; reports nothing.
    pub(super) fn owned(&self, expr: &Expr) -> Option<(Subject, String)> {
        match &expr.kind {
            ExprKind::Name(name) => Some((Subject::Fit(self.single_fit()?), name.clone())),
            ExprKind::Field { of, name } => match &of.kind {
                ExprKind::Name(owner) => Some((self.named_subject(owner)?, name.name.clone())),
                _ => None,
            },
            _ => None,
        }
    }

    /// The hole with a name, as it is written, that an expression of several parts holds.
    pub(super) fn hole_inside(&self, expr: &Expr) -> Option<String> {
        let named = self.owned(expr).and_then(|(subject, name)| {
            declared(self.model(subject)).find(|(_, hole)| hole.name == name && hole.side.is_none())
        });
        if named.is_some() {
            return Some(as_written(expr));
        }
        let mut found = None;
        each_part(expr, &mut |part| found = found.take().or_else(|| self.hole_inside(part)));
        found
    }

    /// Says where what stands before a dot is no item.
    pub(super) fn known_owner(&mut self, expr: &Expr) -> Option<()> {
        match &expr.kind {
            ExprKind::Field { of, .. } => match &of.kind {
                ExprKind::Name(owner) if !self.is_item(owner) => self.owner(owner, of.span).map(|_| ()),
                _ => Some(()),
            },
            _ => Some(()),
        }
    }

    /// Notes that the owner is used.
    fn mention(&mut self, expr: &Expr) {
        if let ExprKind::Field { of, .. } = &expr.kind
            && let ExprKind::Name(owner) = &of.kind
        {
            self.subject(owner, of.span);
        }
    }

    /// The numerator or denominator of a ratio with a name, or of the only ratio in an equation.
    fn sum(&mut self, side: Side, call: &Call, span: Span) -> Option<EquationRef> {
        let [of] = call.arguments.as_slice() else {
            let help = format!("write `{0}(x')`, or `{0}(up)` with the name of a hole", side.name());
            self.wrong(format!("`{}` takes one ratio", side.name()), span, help);
            return None;
        };
        let named = self.owned(of).and_then(|(subject, name)| {
            let holes = declared(self.model(subject)).filter(|(_, hole)| hole.name == name);
            let sums: Vec<(HoleId, Option<Side>)> = holes.map(|(id, hole)| (id, hole.side)).collect();
            (!sums.is_empty()).then_some((EquationRef { subject, state: name, sum: None }, sums))
        });
        let is_named = named.is_some();
        let (whole, sums) = match named {
            Some(found) => {
                self.mention(of);
                found
            }
            None if !matches!(of.kind, ExprKind::Primed { .. }) => {
                self.known_owner(of)?;
                match self.owned(of) {
                    Some((subject, name)) => {
                        let ratios = declared(self.model(subject)).filter(|(_, h)| h.side == Some(side));
                        let help = suggest::help("ratios", &name, ratios.map(|(_, h)| h.name.as_str()));
                        self.unknown(format!("there is no ratio `{name}`"), of.span, help);
                    }
                    None => {
                        let help = "name a hole, `up` or `quick.up` with the name of a fit, or an equation, `x'`";
                        self.wrong("a ratio is expected here", of.span, help);
                    }
                }
                return None;
            }
            None => {
                let whole = self.equation(of)?;
                let ExprKind::Primed { primes, .. } = &of.kind else { return None };
                let model = self.model(whole.subject);
                let primes = "'".repeat(*primes as usize);
                // Elements that share a ratio name it by their family.
                let names = [whole.state.as_str(), crate::hir::family(&whole.state)].map(|n| format!("{n}{primes}"));
                let holes = model.holes.iter().filter(|(_, hole)| names.contains(&hole.name));
                let sums = holes.map(|(id, hole)| (id, hole.side)).collect();
                (whole, sums)
            }
        };
        let mut found = sums.iter().filter(|(_, s)| *s == Some(side)).map(|(id, _)| *id);
        match (found.next(), found.next()) {
            (Some(id), None) => self.evaluated(EquationRef { sum: Some(id), ..whole }, span),
            (None, _) if is_named => {
                let help = format!("its coefficients are `coef({}, term)`", as_written(of));
                self.wrong(format!("`{}` is one sum, and no ratio", whole.state), of.span, help);
                None
            }
            (None, _) => {
                let help =
                    "a ratio is written `?ratio(linear(x), linear(x))`; one with a name goes by that: `numerator(up)`";
                self.wrong(format!("the equation of `{}` has no ratio of its own", whole.state), of.span, help);
                None
            }
            (Some(_), Some(_)) => {
                let message = format!("the equation of `{}` has several ratios, and this says not which", whole.state);
                self.wrong(message, of.span, "give each a name in the model: `hole up = ?ratio(...)`");
                None
            }
        }
    }
}
