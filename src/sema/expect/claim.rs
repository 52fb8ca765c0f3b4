//! A test and its claims.

use super::super::functions::substitute;
use super::super::units::Table;
use super::calls::OfModels;
use super::canonical::{Product, expression};
use super::subject::Resolver;
use super::units::has_units;
use crate::diagnostics::codes::{E1106, E1107, W0708};
use crate::diagnostics::{Diagnostic, Sink};
use crate::hir::{
    self, Claim, EquationRef, Expectation, Model, NamedTerm, Names, Program, Quantity, Relation, Snapshot, Subject,
    Test, Unknown, UnknownKind,
};
use crate::source::Span;
use crate::syntax::ast::{self, Comparison, Expr, ExprKind, Side};

/// The test of an item; `None` after a report. It may call `functions`, and its terms those of the models as well. Names of items that it uses are added to `used`.
pub(in crate::sema) fn test(
    item: &ast::Test,
    (program, (functions, of_models), table): (&Program, (&[ast::Function], &OfModels<'_>), &Table),
    used: &mut Vec<String>,
    sink: &mut Sink,
) -> Option<Test> {
    let name = &item.name.name;
    if name.trim().is_empty() || name.contains(char::is_control) {
        let (message, here) = match name.trim().is_empty() {
            true => ("a test needs a name", "empty"),
            false => ("the name of a test is one line of characters that can be seen", "holds a control character"),
        };
        let help = "name what must hold: `test \"the period is that of the pendulum\" { ... }`";
        sink.push(Diagnostic::error(E1107, message, item.name.span, here).help(help));
        return None;
    }
    if item.expectations.is_empty() {
        let message = format!("the test \"{}\" expects nothing", item.name.name);
        let help = "add an expectation: `expect max(abs(run.x)) < 1`";
        sink.push(Diagnostic::error(E1106, message, item.name.span, "").help(help));
        return None;
    }
    let mut resolver = Resolver { program, sink, used, functions, of_models, table, calls: 0, depth: 0, lost: false };
    // Every expectation is looked at, also after one that is wrong.
    let expectations: Vec<Option<Expectation>> = item.expectations.iter().map(|e| resolver.expectation(e)).collect();
    let expectations = expectations.into_iter().collect::<Option<Vec<_>>>()?;
    Some(Test { name: item.name.name.clone(), expectations, span: item.span })
}

impl Resolver<'_> {
    fn expectation(&mut self, item: &ast::Expectation) -> Option<Expectation> {
        let claim = match &item.claim {
            ast::Claim::Snapshot { what, of } => self.snapshot(what, of.as_ref())?,
            ast::Claim::Compare { left, comparison, right, within } => match (left, right) {
                (Side::Expr(left), Side::Expr(right)) if called(left, "terms").or(called(right, "terms")).is_none() => {
                    let relation = self.relation(*comparison, within.as_ref(), item.span)?;
                    let sides = (self.quantity(left), self.quantity(right));
                    let (from, to) = (sides.0?, sides.1?);
                    let in_unit = |e: &Expr| matches!(e.kind, ExprKind::Measured { .. });
                    let written = has_units(&from) || has_units(&to) || within.as_ref().is_some_and(in_unit);
                    let (left, relation, right, unit) = match written {
                        true => self.in_one_unit((from, left.span), (relation, within.as_ref()), (to, right.span))?,
                        false => (from, relation, to, None),
                    };
                    if let Some(within) = within {
                        self.judge_tolerance(relation, &right, within);
                    }
                    Claim::Compare { left, relation, right, unit }
                }
                (Side::Expr(call), Side::Set(terms, _)) | (Side::Set(terms, _), Side::Expr(call)) => {
                    self.terms(call, *comparison, within.as_ref(), terms, item.span)?
                }
                _ => {
                    let help = "compare the terms of an equation with a set: `terms(x') == {x, y}`";
                    self.wrong("these two cannot be compared", item.span, help);
                    return None;
                }
            },
        };
        Some(Expectation { claim, span: item.span })
    }

    fn relation(&mut self, comparison: Comparison, within: Option<&Expr>, span: Span) -> Option<Relation> {
        let relation = match comparison {
            Comparison::Nearly => {
                let Some(within) = within else {
                    self.wrong("`~=` needs a tolerance", span, "add `within 2%` or `within 0.01`");
                    return None;
                };
                return self.tolerance(within);
            }
            Comparison::Equals => Relation::Equals,
            Comparison::Differs => Relation::Differs,
            Comparison::Less => Relation::Less,
            Comparison::AtMost => Relation::AtMost,
            Comparison::Greater => Relation::Greater,
            Comparison::AtLeast => Relation::AtLeast,
        };
        if let Some(within) = within {
            self.wrong(format!("`{}` takes no tolerance", comparison.symbol()), within.span, "write `~=`");
            return None;
        }
        Some(relation)
    }

    fn tolerance(&mut self, within: &Expr) -> Option<Relation> {
        let (number, has_unit) = match &within.kind {
            ExprKind::Measured { value, .. } => (&value.kind, true),
            kind => (kind, false),
        };
        match number {
            &ExprKind::Number { value, percent } if value > 0.0 && !(percent && has_unit) => {
                Some(if percent { Relation::WithinShare(value) } else { Relation::Within(value) })
            }
            _ => {
                self.wrong("a tolerance is a number above 0", within.span, "write `within 2%` or `within 0.01`");
                None
            }
        }
    }

    /// Reports a tolerance that a number of the other sign, or nothing at all, would meet.
    fn judge_tolerance(&mut self, relation: Relation, right: &Quantity, within: &Expr) {
        let Some(value) = self.constant(right).filter(|v| *v != 0.0) else { return };
        let (by, absolute) = match relation {
            Relation::Within(by) => (by, true),
            Relation::WithinShare(share) => (share * value.abs(), false),
            _ => return,
        };
        if by < value.abs() {
            return;
        }
        let message =
            format!("0 is near enough to {} here: the tolerance is as large as the value", hir::number(value));
        let here = if absolute { "absolute, not a share" } else { "of the value" };
        let d = Diagnostic::warning(W0708, message, within.span, here);
        self.sink.push(match within.kind {
            ExprKind::Number { value, percent: false } if value < 100.0 => {
                d.help(format!("a share is written with `%`: `within {}%`", hir::number(value)))
            }
            _ => d.help("write a smaller tolerance"),
        });
    }

    /// The number that a quantity is, where the file tells it.
    fn constant(&self, quantity: &Quantity) -> Option<f64> {
        match quantity {
            Quantity::Number(value) | Quantity::Measured(value, _) => Some(*value),
            Quantity::Parameter(subject @ Subject::Model(_), name) => {
                self.model(*subject).params.values().find(|p| p.name == *name)?.value
            }
            Quantity::Unary(f, a) => Some(f.apply(self.constant(a)?)),
            Quantity::Binary(op, a, b) => Some(op.apply(self.constant(a)?, self.constant(b)?)),
            _ => None,
        }
    }

    fn terms(
        &mut self,
        call: &Expr,
        comparison: Comparison,
        within: Option<&Expr>,
        terms: &[Expr],
        span: Span,
    ) -> Option<Claim> {
        let equal = match (comparison, within) {
            (Comparison::Equals, None) => true,
            (Comparison::Differs, None) => false,
            _ => {
                self.wrong("sets are compared with `==` or `!=`", span, "write `terms(x') == {x, y}`");
                return None;
            }
        };
        let Some([equation]) = called(call, "terms") else {
            self.wrong("only the terms of an equation are a set", call.span, "write `terms(x') == {x, y}`");
            return None;
        };
        let of = self.equation(equation)?;
        let mut named: Vec<NamedTerm> = Vec::new();
        for term in terms {
            let term = self.term(term, &of)?;
            if !named.iter().any(|n| n.spelled == term.spelled) {
                named.push(term);
            }
        }
        Some(Claim::Terms { of, equal, terms: named })
    }

    /// A term in canonical spelling, and as it is written.
    pub fn term(&mut self, term: &Expr, of: &EquationRef) -> Option<NamedTerm> {
        let model = self.model(of.subject);
        if !self.knows_term(term, model) {
            return None;
        }
        let product = Product::of(term);
        let shown = product.spelled();
        let is_number = shown == "1";
        if product.number != 1.0 {
            let help =
                if is_number { "the constant term is called `1`" } else { "its coefficient is `coef(x', term)`" };
            self.wrong("a term is named without its coefficient", term.span, help);
            return None;
        }
        // Names that equations do not keep stand for what is left of them; numbers among that belong to the coefficient, as do parameters
        // that enter linearly.
        let spelled = self.spelled(term, model);
        let written_out = self.without_calls(term, &model.name).map(|term| self.spelled(&term, model));
        Some(NamedTerm { spelled, written_out, shown })
    }

    /// The canonical spelling of a term as the equations of the model have it.
    fn spelled(&mut self, term: &Expr, model: &Model) -> String {
        let mut product = Product::of(&self.written_out(term, model));
        if model.statements.is_none() {
            let linear = |u: &&Unknown| u.linear && matches!(u.kind, UnknownKind::Param(_));
            product = model.unknowns.values().filter(linear).fold(product, |p, u| p.without(&u.name));
        }
        product.spelled()
    }

    /// A term with what names stand for in their place.
    fn written_out(&mut self, term: &Expr, model: &Model) -> Expr {
        let names = Names { units: None, ..model.names() };
        let parsed: Vec<(&str, Expr)> = model
            .abbreviations
            .iter()
            .filter_map(|(n, value)| Some((n.as_str(), expression(&names.spell(value))?)))
            .collect();
        let pairs: Vec<(&str, &Expr)> = parsed.iter().map(|(name, value)| (*name, value)).collect();
        let mut out = term.clone();
        self.calls += 1;
        substitute(&mut out, &pairs, self.calls);
        out
    }

    fn snapshot(&mut self, what: &ast::Ident, of: Option<&ast::Ident>) -> Option<Claim> {
        let subject = of.map(|of| self.subject(&of.name, of.span));
        let snapshot = match (what.name.as_str(), subject) {
            (_, Some(None)) => return None,
            ("equations", None) => Snapshot::Equations(Subject::Fit(self.only_fit(what.span)?)),
            ("equations", Some(Some(subject))) => {
                let open = self.model(subject).params.values().find(|p| p.value.is_none()).map(|p| p.name.clone());
                if let (Subject::Model(_), Some(name)) = (subject, open) {
                    self.wrong(format!("parameter `{name}` has no value"), what.span, "take a snapshot of a fit");
                    return None;
                }
                Snapshot::Equations(subject)
            }
            ("lowering", None) => Snapshot::Lowering(None),
            ("lowering", Some(Some(Subject::Model(id)))) => Snapshot::Lowering(Some(id)),
            ("lowering", Some(Some(Subject::Fit(_)))) => {
                self.wrong("a lowering is that of a model", what.span, "name a model after `of`, or nothing");
                return None;
            }
            (other, _) => {
                let help = "there are `snapshot equations` and `snapshot lowering`".to_string();
                self.unknown(format!("there is no snapshot of `{other}`"), what.span, help);
                return None;
            }
        };
        let key = match of {
            Some(of) => format!("{} of {}", what.name, of.name),
            None => what.name.clone(),
        };
        Some(Claim::Snapshot { what: snapshot, key })
    }
}

/// The arguments of a call to `function`.
fn called<'e>(expr: &'e Expr, function: &str) -> Option<&'e [Expr]> {
    match &expr.kind {
        ExprKind::Call(call) if call.function.name == function => Some(&call.arguments),
        _ => None,
    }
}
