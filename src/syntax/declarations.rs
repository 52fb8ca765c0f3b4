//! Matched rules to the declarations and equations of a model.

use pest::iterators::{Pair, Pairs};

use super::ast::{
    Binding, Equation, Expr, ExprKind, FieldDecl, For, Function, Ident, IndexDecl, InitialDecl, InputDecl, ModelItem,
    ParamDecl, Range, StateDecl, StepDecl, UnitExpr,
};
use super::build::Builder;
use super::grammar::Rule;
use crate::source::Span;

/// A declared name with its index sets and its unit.
struct Declared {
    name: Ident,
    axes: Vec<Ident>,
    unit: Option<UnitExpr>,
}

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
            Rule::input_statement => ModelItem::Input(self.each(inner, Rule::declared, Self::input_decl)?),
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
        self.declared(pair).map(|Declared { name, axes, unit }| InputDecl { name, axes, unit })
    }

    fn declared(&mut self, pair: Pair<Rule>) -> Option<Declared> {
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

    fn state_decl(&mut self, pair: Pair<Rule>) -> Option<StateDecl> {
        let mut declared = None;
        let mut order = None;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::declared => declared = self.declared(pair),
                Rule::expr => order = Some(self.expr(pair)?),
                _ => {}
            }
        }
        let Declared { name, axes, unit } = declared?;
        Some(StateDecl { name, axes, unit, order })
    }

    fn index_decl(&mut self, pair: Pair<Rule>) -> Option<IndexDecl> {
        let mut name = None;
        let mut range = None;
        let mut periodic = false;
        let mut spacing = None;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => name = Some(self.ident(&pair)),
                Rule::range => range = Some(self.range(pair)?),
                Rule::kw_periodic => periodic = true,
                Rule::expr => spacing = Some(self.expr(pair)?),
                _ => {}
            }
        }
        Some(IndexDecl { name: name?, range: range?, periodic, spacing })
    }

    pub(super) fn range(&mut self, pair: Pair<Rule>) -> Option<Range> {
        let span = self.span(&pair);
        let mut ends = self.each(pair.into_inner(), Rule::expr, Self::expr)?.into_iter();
        Some(Range { from: ends.next()?, to: ends.next(), span })
    }

    /// The function of a `fn` statement, in a model or on its own.
    pub fn function(&mut self, parts: Pairs<Rule>, span: Span) -> Option<Function> {
        let mut names = Vec::new();
        let mut body = None;
        for pair in parts {
            match pair.as_rule() {
                Rule::name => names.push(self.ident(&pair)),
                Rule::expr => body = Some(self.expr(pair)?),
                _ => {}
            }
        }
        let mut names = names.into_iter();
        Some(Function { name: names.next()?, params: names.collect(), body: body?, span })
    }

    /// The loop whose header `pair` is; `body` are its statements.
    pub fn for_loop(&mut self, pair: Pair<Rule>, body: Vec<ModelItem>, span: Span) -> Option<For> {
        let mut variable = None;
        let mut range = None;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => variable = Some(self.ident(&pair)),
                Rule::range => range = Some(self.range(pair)?),
                _ => {}
            }
        }
        Some(For { variable: variable?, range: range?, body, span })
    }

    fn param_decl(&mut self, pair: Pair<Rule>) -> Option<ParamDecl> {
        let mut declared = None;
        let mut value = None;
        let mut bounds = None;
        let mut fixed = false;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::declared => declared = self.declared(pair),
                Rule::expr => value = Some(self.expr(pair)?),
                Rule::bounds => {
                    let mut ends = self.each(pair.into_inner(), Rule::expr, Self::expr)?.into_iter();
                    bounds = Some((ends.next()?, ends.next()?));
                }
                Rule::kw_fixed => fixed = true,
                _ => {}
            }
        }
        let Declared { name, axes, unit } = declared?;
        Some(ParamDecl { name, axes, unit, value, bounds, fixed, per_sample: None })
    }

    /// `name = value`, of a declaration or an argument.
    pub(super) fn binding(&mut self, pair: Pair<Rule>) -> Option<Binding> {
        let mut declared = None;
        let mut value = None;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => declared = Some(Declared { name: self.ident(&pair), axes: Vec::new(), unit: None }),
                Rule::declared => declared = self.declared(pair),
                Rule::expr => value = Some(self.expr(pair)?),
                _ => {}
            }
        }
        let Declared { name, axes, unit } = declared?;
        Some(Binding { name, axes, unit, value: value? })
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
