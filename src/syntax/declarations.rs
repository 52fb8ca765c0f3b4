//! Matched rules to the declarations and equations of a model.

use pest::iterators::{Pair, Pairs};

use super::ast::{
    Binding, Equation, Expr, ExprKind, FieldDecl, For, Function, IndexDecl, InitialDecl, InputDecl, ModelItem,
    ParamDecl, Range, StateDecl, StepDecl,
};
use super::build::Builder;
use super::grammar::Rule;
use super::parts::Declared;
use crate::base::Between;
use crate::source::Span;

impl Builder<'_, '_> {
    /// The declaration or equation that `rule` matched; `end` is the last byte of its text.
    pub fn model_item(&mut self, rule: Rule, pair: Pair<Rule>, end: usize) -> Option<ModelItem> {
        let span = self.span_to(end);
        let inner = pair.into_inner();
        Some(match rule {
            Rule::state_statement => ModelItem::State(self.each(inner, Rule::state_decl, Self::state_decl)?),
            Rule::param_statement => {
                let per_sample = inner.clone().find(|p| p.as_rule() == Rule::per_sample).map(|p| self.span(&p));
                let mut list = self.each(inner, Rule::param_decl, Self::param_decl)?;
                list.iter_mut().for_each(|decl| decl.per_sample = per_sample);
                share_range(&mut list);
                ModelItem::Param(list)
            }
            Rule::step_statement => {
                let over_time = inner.clone().any(|p| p.as_rule() == Rule::kw_over);
                let init = self.each(inner, Rule::expr, Self::expr)?.pop();
                ModelItem::Step(StepDecl { over_time, init, span })
            }
            Rule::hole_statement => ModelItem::Hole(self.each(inner, Rule::quantity, Self::binding)?.pop()?),
            Rule::const_statement => ModelItem::Const(self.each(inner, Rule::quantity, Self::binding)?),
            Rule::input_statement => {
                let between = inner.clone().find_map(|p| match p.as_rule() {
                    Rule::kw_held => Some(Between::Held),
                    Rule::kw_impulse => Some(Between::Impulse),
                    _ => None,
                });
                let mut list = self.each(inner, Rule::declared, Self::input_decl)?;
                list.iter_mut().for_each(|decl| decl.between = between.unwrap_or_default());
                ModelItem::Input(list)
            }
            Rule::field_statement => {
                let init = self.each(inner.clone(), Rule::expr, Self::expr)?.pop();
                ModelItem::Field(FieldDecl { names: self.each(inner, Rule::declared, Self::input_decl)?, init })
            }
            Rule::let_statement => ModelItem::Let(self.each(inner, Rule::quantity, Self::binding)?.pop()?),
            Rule::index_statement => ModelItem::Index(self.each(inner, Rule::index_decl, Self::index_decl)?),
            Rule::fn_statement => ModelItem::Function(self.function(inner, span)?),
            Rule::time_statement => ModelItem::Time(self.each(inner, Rule::unit, Self::unit)?.pop()?),
            Rule::initial_statement => ModelItem::Initial(self.each(inner, Rule::initial_decl, Self::initial_decl)?),
            Rule::final_statement => ModelItem::Final(self.each(inner, Rule::final_decl, Self::initial_decl)?),
            Rule::boundary_statement => {
                ModelItem::Boundary(self.each(inner, Rule::word, |build, p| Some(build.ident(&p)))?.pop()?)
            }
            _ => {
                let mut sides = self.each(inner, Rule::expr, Self::expr)?.into_iter();
                ModelItem::Equation(Equation { left: sides.next()?, right: sides.next()?, span })
            }
        })
    }

    fn input_decl(&mut self, pair: Pair<Rule>) -> Option<InputDecl> {
        self.declared(pair).map(|Declared { name, axes, unit }| InputDecl {
            name,
            axes,
            unit,
            between: Between::Smooth,
        })
    }

    fn state_decl(&mut self, pair: Pair<Rule>) -> Option<StateDecl> {
        let mut parts = self.parts(pair.into_inner())?;
        let order = parts.expr();
        let Declared { name, axes, unit } = parts.declared?;
        Some(StateDecl { name, axes, unit, order })
    }

    fn index_decl(&mut self, pair: Pair<Rule>) -> Option<IndexDecl> {
        let mut parts = self.parts(pair.into_inner())?;
        Some(IndexDecl { name: parts.name()?, spacing: parts.expr(), range: parts.range?, periodic: parts.marked })
    }

    pub(super) fn range(&mut self, pair: Pair<Rule>) -> Option<Range> {
        let span = self.span(&pair);
        let mut ends = self.each(pair.into_inner(), Rule::expr, Self::expr)?.into_iter();
        Some(Range { from: ends.next()?, to: ends.next(), span })
    }

    /// The function of a `fn` statement, in a model or on its own.
    pub fn function(&mut self, parts: Pairs<Rule>, span: Span) -> Option<Function> {
        let mut parts = self.parts(parts)?;
        Some(Function { name: parts.name()?, body: parts.expr()?, params: parts.names, span })
    }

    /// The loop whose header `pair` is; `body` are its statements.
    pub fn for_loop(&mut self, pair: Pair<Rule>, body: Vec<ModelItem>, span: Span) -> Option<For> {
        let mut parts = self.parts(pair.into_inner())?;
        Some(For { variable: parts.name()?, range: parts.range?, body, span })
    }

    fn param_decl(&mut self, pair: Pair<Rule>) -> Option<ParamDecl> {
        let mut parts = self.parts(pair.into_inner())?;
        let value = parts.expr();
        let Declared { name, axes, unit } = parts.declared?;
        Some(ParamDecl { name, axes, unit, value, bounds: parts.bounds, fixed: parts.marked, per_sample: None })
    }

    /// `name = value`, of a declaration or an argument.
    pub(super) fn binding(&mut self, pair: Pair<Rule>) -> Option<Binding> {
        let mut parts = self.parts(pair.into_inner())?;
        let value = parts.expr()?;
        let alone = parts.name().map(|name| Declared { name, axes: Vec::new(), unit: None });
        let Declared { name, axes, unit } = parts.declared.or(alone)?;
        Some(Binding { name, axes, unit, value })
    }

    fn initial_decl(&mut self, pair: Pair<Rule>) -> Option<InitialDecl> {
        let span = self.span(&pair);
        let mut state = None;
        let mut at = Vec::new();
        let mut primes = 0;
        let mut value = None;
        let mut steps = None;
        let mut last = None;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::at_last => last = Some(self.span(&pair)),
                Rule::for_steps => steps = self.each(pair.into_inner(), Rule::expr, Self::expr)?.pop(),
                Rule::initial_target => {
                    for part in pair.into_inner() {
                        match part.as_rule() {
                            Rule::name => state = Some(self.ident(&part)),
                            Rule::subscript => at = self.each(part.into_inner(), Rule::expr, Self::expr)?,
                            _ => primes = self.primes(&part)?,
                        }
                    }
                }
                Rule::expr => value = Some(self.expr(pair)?),
                _ => {}
            }
        }
        Some(InitialDecl { state: state?, at, primes, value: value?, steps, last, span })
    }
}

/// In `param a, b, c in [0, 5]` the range is that of all three: names alone have that of the name alone which the statement ends with.
fn share_range(list: &mut [ParamDecl]) {
    let Some((last, others)) = list.split_last_mut() else { return };
    let alone = |decl: &ParamDecl| decl.value.is_none() && !decl.fixed && decl.unit.is_none();
    // What is wrong with a range of other than numbers is said of one name, not of each.
    let number = |e: &Expr| matches!(e.kind, ExprKind::Number { .. } | ExprKind::Unary { .. });
    let range = last.bounds.as_ref().filter(|(low, high)| alone(last) && number(low) && number(high));
    let Some(range) = range else { return };
    for decl in others.iter_mut().rev() {
        if !alone(decl) || decl.bounds.is_some() {
            break;
        }
        decl.bounds = Some(range.clone());
    }
}
