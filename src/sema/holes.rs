//! Holes to candidate terms: `?poly(x, y; degree = 2)` becomes a weighted sum with weights of its own.

use super::fold;
use super::product::Product;
use super::resolve::{Place, Resolver};
use super::suggest;
use crate::base::{Arena, Idx, IndexMap};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0401, E0402, E0403, E0404, E0407};
use crate::hir::{BinaryOp, Bounds, Expr, ExprKind, Names, UnaryFn, UnknownId};
use crate::source::Span;
use crate::syntax::ast::{self, Relation};

/// A hole before its equation's state is known.
#[derive(Clone, Debug)]
pub(super) struct HoleDraft {
    /// As written.
    pub(super) spelled: String,
    /// Candidate terms with provisional unknowns.
    pub(super) terms: Vec<TermDraft>,
    /// The range of its coefficients.
    pub(super) bounds: Bounds,
    /// Where it stands.
    pub(super) span: Span,
}

/// A candidate term with its provisional unknown.
#[derive(Clone, Debug)]
pub(super) struct TermDraft {
    /// Factors in declaration order.
    pub(super) spelled: String,
    /// Its value.
    pub(super) value: Expr,
    /// Its coefficient, numbered in order of reading.
    pub(super) coefficient: UnknownId,
}

/// The libraries a hole can draw from.
const LIBRARIES: [&str; 4] = ["poly", "linear", "terms", "fourier"];
/// The most candidate terms of one hole.
const MAX_TERMS: usize = 10_000;
/// The highest degree of a polynomial hole and the most harmonics of a Fourier hole.
const MAX_DEGREE: usize = 100;

/// The options of a hole.
struct Options {
    /// `degree` or `harmonics`.
    size: usize,
    bounds: Bounds,
}

impl Resolver<'_, '_> {
    /// Expands the hole `call` and returns the sum that stands for it.
    pub(super) fn hole(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let library = call.function.name.as_str();
        let arguments: Vec<Option<Expr>> = call.arguments.iter().map(|a| self.hole_argument(a)).collect();
        let size_option = match library {
            "poly" => Some("degree"),
            "fourier" => Some("harmonics"),
            "linear" | "terms" => None,
            _ => {
                let message = format!("there is no hole `?{library}`");
                let d = Diagnostic::error(E0401, message, call.function.span, "unknown kind of hole");
                self.sink.push(d.help(suggest::help("kinds", library, LIBRARIES)));
                return None;
            }
        };
        let options = self.options(call, size_option);
        if call.arguments.is_empty() {
            let d =
                Diagnostic::error(E0402, format!("`?{library}` needs at least one argument"), span, "nothing to use");
            self.sink.push(d.help(format!("write what the term may depend on: `?{library}(x, y)`")));
            return None;
        }
        let arguments = arguments.into_iter().collect::<Option<Vec<Expr>>>()?;
        let options = options?;
        let count = match library {
            "poly" => combinations(arguments.len(), options.size),
            "fourier" => arguments.len().saturating_mul(2 * options.size).saturating_add(1),
            _ => arguments.len(),
        };
        if count > MAX_TERMS {
            let shown = if count == usize::MAX { "far too many".to_string() } else { count.to_string() };
            let message = format!("this hole has {shown} candidate terms; at most {MAX_TERMS} are possible");
            let d = Diagnostic::error(E0403, message, span, "too large");
            self.sink.push(d.help("lower the degree or name fewer variables"));
            return None;
        }
        let products = match library {
            "poly" => polynomial(&arguments, options.size),
            "fourier" => self.fourier(&arguments, options.size, span)?,
            _ => arguments.iter().map(Product::flatten).collect(),
        };
        self.finish(call, products, options.bounds, span)
    }

    fn hole_argument(&mut self, argument: &ast::Expr) -> Option<Expr> {
        let expr = self.resolve_at(Place::Hole, argument)?;
        let mut found = None;
        expr.visit(&mut |e| {
            if found.is_none() && matches!(e.kind, ExprKind::Unknown(_)) {
                found = Some(e.span);
            }
        });
        let Some(place) = found else { return Some(expr) };
        let message = "a candidate term cannot hold an estimated parameter";
        let d = Diagnostic::error(E0407, message, argument.span, "this term is not known");
        let d = if place == argument.span { d } else { d.label(place, "estimated") };
        self.sink.push(d.help("write `fixed` after the parameter, or multiply the whole hole by what holds it"));
        None
    }

    fn options(&mut self, call: &ast::Call, size_option: Option<&'static str>) -> Option<Options> {
        let library = &call.function.name;
        let mut bounds = Bounds::FREE;
        let mut size = None;
        let mut ok = true;
        let mut seen: Vec<(&str, Relation, Span)> = Vec::new();
        for option in &call.named {
            let name = option.name.name.as_str();
            let first = seen.iter().find(|(n, r, _)| *n == name && *r == option.relation).map(|(_, _, place)| *place);
            seen.push((name, option.relation, option.name.span));
            if let Some(first) = first {
                let d = Diagnostic::error(E0402, format!("`{name}` is given twice"), option.name.span, "again here");
                self.sink.push(d.label(first, "first here"));
                ok = false;
                continue;
            }
            let value = self.constant(&option.value);
            match (name, option.relation) {
                (_, Relation::Is) if Some(name) == size_option => {
                    let whole = value.filter(|v| v.fract() == 0.0 && *v >= 0.0 && *v <= MAX_DEGREE as f64);
                    if value.is_some() && whole.is_none() {
                        let message = format!("`{name}` is a whole number from 0 to {MAX_DEGREE}");
                        self.sink.push(Diagnostic::error(E0402, message, option.value.span, "out of range"));
                    }
                    ok &= whole.is_some();
                    size = whole.map(|v| v as usize);
                }
                ("coefficients", Relation::AtLeast) => bounds.lower = value.unwrap_or(bounds.lower),
                ("coefficients", Relation::AtMost) => bounds.upper = value.unwrap_or(bounds.upper),
                ("coefficients", Relation::Is) => {
                    let message = "coefficients are unknown; they can only be bounded";
                    let d = Diagnostic::error(E0402, message, option.name.span, "not an equation");
                    self.sink.push(d.help("write `coefficients >= 0` or `coefficients <= 1`"));
                    ok = false;
                }
                (_, _) if Some(name) == size_option => {
                    let d =
                        Diagnostic::error(E0402, format!("`{name}` is set with `=`"), option.name.span, "not a bound");
                    self.sink.push(d.help(format!("write `{name} = 2`")));
                    ok = false;
                }
                _ => {
                    let message = format!("`?{library}` has no option `{name}`");
                    let d = Diagnostic::error(E0402, message, option.name.span, "unknown option");
                    self.sink.push(d.help(suggest::help(
                        "options",
                        name,
                        size_option.into_iter().chain(["coefficients"]),
                    )));
                    ok = false;
                }
            }
            ok &= value.is_some();
        }
        if bounds.lower > bounds.upper {
            let message = "no coefficient satisfies both bounds";
            self.sink.push(Diagnostic::error(E0402, message, call.function.span, "bounds contradict each other"));
            return None;
        }
        let default = if size_option == Some("degree") { 2 } else { 1 };
        ok.then(|| Options { size: size.unwrap_or(default), bounds })
    }

    fn fourier(&mut self, arguments: &[Expr], harmonics: usize, span: Span) -> Option<Vec<Product>> {
        let mut out = vec![Product::one(span)];
        for argument in arguments {
            for k in 1..=harmonics {
                let k = Expr::number(k as f64, argument.span);
                let folded = fold::binary(BinaryOp::Mul, k, argument.clone(), argument.span);
                let angle = self.folded(folded)?;
                for f in [UnaryFn::Sin, UnaryFn::Cos] {
                    let folded = fold::unary(f, angle.clone(), argument.span);
                    out.push(Product::flatten(&self.folded(folded)?));
                }
            }
        }
        Some(out)
    }

    /// Numbers the coefficients and builds the sum.
    fn finish(&mut self, call: &ast::Call, products: Vec<Product>, bounds: Bounds, span: Span) -> Option<Expr> {
        let mut seen: IndexMap<String, Span> = IndexMap::new();
        let mut terms = Vec::with_capacity(products.len());
        let mut summands = Vec::with_capacity(products.len());
        let unknowns = Arena::new();
        for product in products {
            let place = product.span;
            let key = product.key();
            let folded = product.to_expr();
            let value = self.folded(folded)?;
            let names = Names { states: &self.scope.states, inputs: &self.scope.inputs, unknowns: &unknowns };
            let spelled = names.spell(&value);
            if let Some(first) = seen.insert(key, place) {
                let message = format!("`{spelled}` stands twice among the terms of this hole");
                let d = Diagnostic::error(E0404, message, place, "cannot be told apart from another term");
                self.sink.push(if first == place { d } else { d.label(first, "the same term, up to a factor") });
                return None;
            }
            self.count(value.size() + 3, span)?;
            let coefficient = UnknownId::new(self.next_unknown);
            self.next_unknown += 1;
            let unknown = Expr::new(ExprKind::Unknown(coefficient), span);
            let folded = fold::binary(BinaryOp::Mul, unknown, value.clone(), span);
            summands.push(self.folded(folded)?);
            terms.push(TermDraft { spelled, value, coefficient });
        }
        let spelled = self.source_text(span).unwrap_or_else(|| format!("?{}(...)", call.function.name));
        self.holes.push(HoleDraft { spelled, terms, bounds, span });
        let folded = fold::sum(summands, span);
        self.folded(folded)
    }

    fn source_text(&self, span: Span) -> Option<String> {
        let (_, file) = self.sources.iter().find(|(id, _)| *id == span.file)?;
        let text = file.text.get(span.start as usize..span.end as usize)?;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        text.starts_with('?').then_some(text)
    }
}

/// Monomials by total degree, then lexicographically.
fn polynomial(arguments: &[Expr], degree: usize) -> Vec<Product> {
    let mut bases: Vec<Product> = arguments.iter().map(Product::flatten).collect();
    // Terms are spelled with factors in declaration order, so the variables take that order first.
    bases.sort_by_key(Product::rank);
    let span = arguments.first().map(|a| a.span);
    let Some(span) = span else { return Vec::new() };
    // Every monomial of one degree with the last variable it uses; the next degree multiplies by that one or later ones.
    let mut level: Vec<(Product, usize)> = vec![(Product::one(span), 0)];
    let mut out: Vec<Product> = vec![Product::one(span)];
    for _ in 0..degree {
        let mut next = Vec::new();
        for (monomial, last) in &level {
            for (i, base) in bases.iter().enumerate().skip(*last) {
                next.push((monomial.times(base), i));
            }
        }
        out.extend(next.iter().map(|(m, _)| m.clone()));
        level = next;
    }
    out
}

/// The number of monomials in `n` variables up to a degree, or `usize::MAX`.
fn combinations(n: usize, degree: usize) -> usize {
    let mut count: u128 = 1;
    for i in 1..=degree as u128 {
        // binomial(n + i, i) from binomial(n + i - 1, i - 1); exact at every step.
        count = count * (n as u128 + i) / i;
        if count > 1 << 60 {
            return usize::MAX;
        }
    }
    count as usize
}
