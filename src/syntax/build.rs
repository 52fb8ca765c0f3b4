//! Matched rules to the tree's statements and headers.

use pest::iterators::{Pair, Pairs};

use super::ast::{
    Binding, Claim, Comparison, DataSource, Expectation, ExprKind, Ident, Setting, SettingValue, Side, Use,
};
use super::expr::is_plain_group;
use super::grammar::Rule;
use super::report::Reporter;
use crate::source::{FileId, Span};

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

    /// The place of the chunk up to the byte `end` of the file.
    pub(super) fn span_to(&self, end: usize) -> Span {
        Span::new(self.file, self.offset, end)
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
        let mut parts = self.parts(pair.into_inner())?;
        Some((parts.name()?, parts.bindings))
    }

    fn data_file(&mut self, pair: Pair<Rule>) -> Option<DataSource> {
        let mut parts = self.parts(pair.into_inner())?;
        Some(DataSource::File { format: parts.name()?, path: parts.expr()? })
    }

    /// Model, its arguments, data sets and the name after `as`.
    pub fn fit_header(&mut self, header: Pair<Rule>) -> Option<FitHeader> {
        let listed = header.clone().into_inner().find(|p| p.as_rule() == Rule::fit_data);
        let data = listed.map_or_else(|| Some(Vec::new()), |p| self.parts(p.into_inner()).map(|parts| parts.names))?;
        let mut parts = self.parts(header.into_inner())?;
        Some(FitHeader { model: parts.name()?, name: parts.name(), arguments: parts.bindings, data })
    }

    /// The name in `test "NAME"`.
    pub fn test_header(&mut self, header: Pair<Rule>) -> Option<Ident> {
        let text = header.into_inner().find(|p| p.as_rule() == Rule::text)?;
        let span = self.span(&text);
        Some(Ident { name: self.string(text)?, span })
    }

    /// `expect ...`, whose text ends at byte `end`.
    pub fn expectation(&mut self, pair: Pair<Rule>, end: usize) -> Option<Expectation> {
        let span = self.span_to(end);
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

    /// What `build` makes of every pair of `rule`.
    pub(super) fn each<'i, T>(
        &mut self,
        pairs: Pairs<'i, Rule>,
        rule: Rule,
        mut build: impl FnMut(&mut Self, Pair<'i, Rule>) -> Option<T>,
    ) -> Option<Vec<T>> {
        pairs.filter(|p| p.as_rule() == rule).map(|p| build(self, p)).collect()
    }

    pub fn setting(&mut self, pair: Pair<Rule>, span: Span) -> Option<Setting> {
        let key = pair.clone().into_inner().find(|p| matches!(p.as_rule(), Rule::word | Rule::element))?;
        let key = match key.as_rule() {
            Rule::element => self.element(&key)?,
            _ => self.ident(&key),
        };
        Some(Setting { key, values: self.values(pair)?, span })
    }

    /// An element of a family, by the name that its column has: `q[1, 2]`.
    fn element(&self, pair: &Pair<Rule>) -> Option<Ident> {
        let mut parts = pair.clone().into_inner();
        let (word, subscripts) = (parts.next()?, parts.next()?);
        let numbers: Vec<&str> =
            subscripts.into_inner().filter(|p| p.as_rule() == Rule::whole).map(|p| p.as_str()).collect();
        Some(Ident { name: format!("{}[{}]", word.as_str(), numbers.join(", ")), span: self.span(pair) })
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
