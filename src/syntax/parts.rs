//! What statements and headers are made of. Their rules differ in which parts they hold; what a part is, is the same in all.

use pest::iterators::{Pair, Pairs};

use super::ast::{Binding, Expr, Ident, Range, UnitExpr};
use super::build::Builder;
use super::grammar::Rule;

/// A declared name with its index sets and its unit.
pub(super) struct Declared {
    pub name: Ident,
    pub axes: Vec<Ident>,
    pub unit: Option<UnitExpr>,
}

/// The parts of a rule in the order of the text, each kind by itself.
#[derive(Default)]
pub(super) struct Parts {
    /// Names and words.
    pub names: Vec<Ident>,
    pub declared: Option<Declared>,
    pub exprs: Vec<Expr>,
    pub range: Option<Range>,
    /// The ends behind `in`.
    pub bounds: Option<(Expr, Expr)>,
    pub bindings: Vec<Binding>,
    /// Whether `fixed` or `periodic` stands there.
    pub marked: bool,
}

impl Builder<'_, '_> {
    /// The parts of a rule.
    pub(super) fn parts(&mut self, pairs: Pairs<Rule>) -> Option<Parts> {
        let mut parts = Parts::default();
        for pair in pairs {
            match pair.as_rule() {
                Rule::name | Rule::word => parts.names.push(self.ident(&pair)),
                Rule::declared => parts.declared = Some(self.declared(pair)?),
                Rule::expr => parts.exprs.push(self.expr(pair)?),
                Rule::range => parts.range = Some(self.range(pair)?),
                Rule::bounds => {
                    let mut ends = self.each(pair.into_inner(), Rule::expr, Self::expr)?.into_iter();
                    parts.bounds = Some((ends.next()?, ends.next()?));
                }
                Rule::binding => parts.bindings.push(self.binding(pair)?),
                Rule::kw_fixed | Rule::kw_periodic => parts.marked = true,
                _ => {}
            }
        }
        Some(parts)
    }

    pub(super) fn declared(&mut self, pair: Pair<Rule>) -> Option<Declared> {
        let mut name = None;
        let mut axes = Vec::new();
        let mut unit = None;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => name = Some(self.ident(&pair)),
                Rule::axes => axes = self.each(pair.into_inner(), Rule::name, |build, p| Some(build.ident(&p)))?,
                Rule::unit => unit = Some(self.unit(pair)?),
                _ => {}
            }
        }
        Some(Declared { name: name?, axes, unit })
    }
}

impl Parts {
    /// The first name and the only one that most rules hold.
    pub fn name(&mut self) -> Option<Ident> {
        (!self.names.is_empty()).then(|| self.names.remove(0))
    }

    /// The last expression: the value or the body.
    pub fn expr(&mut self) -> Option<Expr> {
        self.exprs.pop()
    }
}
