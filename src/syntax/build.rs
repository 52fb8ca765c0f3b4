//! Matched rules to the tree's statements and headers.

use pest::iterators::{Pair, Pairs};

use super::ast::{
    Binding, Claim, Comparison, DataSource, Equation, Expectation, Expr, ExprKind, FieldDecl, For, Function, Ident,
    IndexDecl, InitialDecl, InputDecl, ModelItem, ParamDecl, Range, Setting, SettingValue, Side, StateDecl, StepDecl,
    UnitExpr, Use,
};
use super::expr::is_plain_group;
use super::grammar::Rule;
use super::report::Reporter;
use crate::source::{FileId, Span};

/// A declared name with its index sets and its unit.
struct Declared {
    name: Ident,
    axes: Vec<Ident>,
    unit: Option<UnitExpr>,
}

/// What stands before the block of a fit.
pub(super) struct FitHeader {
    pub(super) model: Ident,
    pub(super) arguments: Vec<Binding>,
    pub(super) data: Vec<Ident>,
    /// The name after `as`.
    pub(super) name: Option<Ident>,
}

/// Builds the tree of one chunk of text. A method returns `None` after it has reported an error.
pub(super) struct Builder<'a, 'b> {
    file: FileId,
    /// Where the chunk starts in the file.
    offset: usize,
    pub(super) out: &'a mut Reporter<'b>,
}

impl<'a, 'b> Builder<'a, 'b> {
    pub fn new(file: FileId, offset: usize, out: &'a mut Reporter<'b>) -> Self {
        Builder { file, offset, out }
    }

    /// Where the chunk starts in the file.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// The place of a pair in the file.
    pub(super) fn span(&self, pair: &Pair<Rule>) -> Span {
        let span = pair.as_span();
        Span::new(self.file, self.offset + span.start(), self.offset + span.end())
    }

    pub(super) fn ident(&self, pair: &Pair<Rule>) -> Ident {
        Ident { name: pair.as_str().to_string(), span: self.span(pair) }
    }

    /// The name in `model NAME` and `network NAME`.
    pub fn header_name(&mut self, header: Pair<Rule>) -> Option<Ident> {
        header.into_inner().find(|p| p.as_rule() == Rule::name).map(|p| self.ident(&p))
    }

    pub fn use_item(&mut self, item: Pair<Rule>, span: Span) -> Use {
        let words = item.into_inner().filter(|p| p.as_rule() == Rule::word);
        Use { path: words.map(|p| self.ident(&p)).collect(), span }
    }

    pub fn data_header(&mut self, header: Pair<Rule>) -> Option<(Ident, DataSource)> {
        let mut name = None;
        let mut source = None;
        for pair in header.into_inner() {
            match pair.as_rule() {
                Rule::kw_fit => source = Some(DataSource::Predict(self.ident(&pair))),
                // The second name is what a prediction comes from.
                Rule::name if name.is_some() => source = Some(DataSource::Predict(self.ident(&pair))),
                Rule::name => name = Some(self.ident(&pair)),
                Rule::simulation => {
                    let (model, arguments) = self.simulation(pair)?;
                    source = Some(DataSource::Simulate { model, arguments });
                }
                Rule::data_file => source = Some(self.data_file(pair)?),
                Rule::kw_formula => source = Some(DataSource::Formula(self.span(&pair))),
                Rule::solution => {
                    let (model, arguments) = self.simulation(pair)?;
                    source = Some(DataSource::Solve { model, arguments });
                }
                _ => {}
            }
        }
        Some((name?, source?))
    }

    /// A model and its arguments.
    fn simulation(&mut self, pair: Pair<Rule>) -> Option<(Ident, Vec<Binding>)> {
        let mut model = None;
        let mut arguments = Vec::new();
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => model = Some(self.ident(&pair)),
                Rule::binding => arguments.push(self.binding(pair)?),
                _ => {}
            }
        }
        Some((model?, arguments))
    }

    fn data_file(&mut self, pair: Pair<Rule>) -> Option<DataSource> {
        let mut format = None;
        let mut path = None;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::word => format = Some(self.ident(&pair)),
                Rule::expr => path = Some(self.expr(pair)?),
                _ => {}
            }
        }
        Some(DataSource::File { format: format?, path: path? })
    }

    /// Model, its arguments, data sets and the name after `as`.
    pub fn fit_header(&mut self, header: Pair<Rule>) -> Option<FitHeader> {
        let (mut names, mut data, mut arguments) = (Vec::new(), Vec::new(), Vec::new());
        for pair in header.into_inner() {
            match pair.as_rule() {
                Rule::name => names.push(self.ident(&pair)),
                Rule::fit_data => {
                    let listed = pair.into_inner().filter(|p| p.as_rule() == Rule::name);
                    data = listed.map(|p| self.ident(&p)).collect();
                }
                Rule::binding => arguments.push(self.binding(pair)?),
                _ => {}
            }
        }
        let mut names = names.into_iter();
        Some(FitHeader { model: names.next()?, arguments, data, name: names.next() })
    }

    /// The name in `test "NAME"`.
    pub fn test_header(&mut self, header: Pair<Rule>) -> Option<Ident> {
        let text = header.into_inner().find(|p| p.as_rule() == Rule::text)?;
        let span = self.span(&text);
        Some(Ident { name: self.string(text)?, span })
    }

    /// `expect ...`, whose text ends at byte `end`.
    pub fn expectation(&mut self, pair: Pair<Rule>, end: usize) -> Option<Expectation> {
        let span = Span::new(self.file, self.offset, end);
        let stated = pair.into_inner().find(|p| matches!(p.as_rule(), Rule::claim | Rule::snapshot))?;
        let claim = match stated.as_rule() {
            Rule::snapshot => {
                let mut words = stated.into_inner().filter(|p| p.as_rule() == Rule::word).map(|p| self.ident(&p));
                Claim::Snapshot { what: words.next()?, of: words.next() }
            }
            _ => self.comparison(stated)?,
        };
        Some(Expectation { claim, span })
    }

    fn comparison(&mut self, pair: Pair<Rule>) -> Option<Claim> {
        let (mut sides, mut comparison, mut within) = (Vec::new(), None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::side => sides.push(self.side(part)?),
                Rule::expr => within = Some(self.expr(part)?),
                Rule::equals => comparison = Some(Comparison::Equals),
                Rule::differs => comparison = Some(Comparison::Differs),
                Rule::nearly => comparison = Some(Comparison::Nearly),
                Rule::at_least => comparison = Some(Comparison::AtLeast),
                Rule::at_most => comparison = Some(Comparison::AtMost),
                Rule::less => comparison = Some(Comparison::Less),
                Rule::greater => comparison = Some(Comparison::Greater),
                _ => {}
            }
        }
        let mut sides = sides.into_iter();
        Some(Claim::Compare { left: sides.next()?, comparison: comparison?, right: sides.next()?, within })
    }

    fn side(&mut self, pair: Pair<Rule>) -> Option<Side> {
        let inside = pair.into_inner().next()?;
        let span = self.span(&inside);
        match inside.as_rule() {
            Rule::set => Some(Side::Set(self.each(inside.into_inner(), Rule::quantity_expr, Self::expr)?, span)),
            _ => Some(Side::Expr(self.expr(inside)?)),
        }
    }

    /// The declaration or equation that `rule` matched; `end` is the last byte of its text.
    pub fn model_item(&mut self, rule: Rule, pair: Pair<Rule>, end: usize) -> Option<ModelItem> {
        let span = Span::new(self.file, self.offset, end);
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

    /// What `build` makes of every pair of `rule`.
    pub(super) fn each<'i, T>(
        &mut self,
        pairs: Pairs<'i, Rule>,
        rule: Rule,
        mut build: impl FnMut(&mut Self, Pair<'i, Rule>) -> Option<T>,
    ) -> Option<Vec<T>> {
        pairs.filter(|p| p.as_rule() == rule).map(|p| build(self, p)).collect()
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
    fn binding(&mut self, pair: Pair<Rule>) -> Option<Binding> {
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

    pub fn setting(&mut self, pair: Pair<Rule>, span: Span) -> Option<Setting> {
        let key = pair.clone().into_inner().find(|p| p.as_rule() == Rule::word)?;
        let key = self.ident(&key);
        Some(Setting { key, values: self.values(pair)?, span })
    }

    /// The values of a setting, commas and an `=` after the key left out.
    pub fn values(&mut self, pair: Pair<Rule>) -> Option<Vec<SettingValue>> {
        let mut values = Vec::new();
        for pair in pair.into_inner() {
            let span = self.span(&pair);
            match pair.as_rule() {
                Rule::list => {
                    values.push(SettingValue::List(self.each(pair.into_inner(), Rule::expr, Self::expr)?, span))
                }
                Rule::is_between => values.push(SettingValue::Equals(span)),
                Rule::percentage => {
                    let kind = ExprKind::Name("%".to_string());
                    values.push(SettingValue::List(vec![super::ast::Expr { kind, span }], span));
                }
                Rule::expr => match is_plain_group(&pair) {
                    Some(group) => {
                        let elements = self.each(group.into_inner(), Rule::expr, Self::expr)?;
                        values.push(SettingValue::Tuple(elements, span));
                    }
                    None => values.push(SettingValue::Expr(self.expr(pair)?)),
                },
                _ => {}
            }
        }
        Some(values)
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
