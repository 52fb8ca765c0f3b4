//! Holes to candidate terms: `?poly(x, y; degree = 2)` becomes a weighted sum with weights of its own.

use super::fold;
use super::libraries::{LIBRARIES, Library};
use super::lists::Argument;
use super::product::Product;
use super::resolve::{Place, Resolver};
use super::scope::Meaning;
use crate::base::{Arena, Idx, IndexMap};
use crate::diagnostics::codes::{E0404, E0406, E0407};
use crate::diagnostics::{Advice, Diagnostic};
use crate::hir::{BinaryOp, Bounds, Expr, ExprKind, Names, Param, ParamId, Side, Unknown, UnknownId, UnknownKind};
use crate::source::Span;
use crate::syntax::ast;

/// A hole before its equation's state is known.
#[derive(Clone, Debug)]
pub(super) struct HoleDraft {
    /// As written.
    pub(super) spelled: String,
    /// Candidate terms with provisional unknowns.
    pub(super) terms: Vec<TermDraft>,
    /// The range of its coefficients.
    pub(super) bounds: Bounds,
    /// Whether its statement stands for many equations, which share the coefficients.
    pub(super) repeated: bool,
    /// Which sum of a ratio it is.
    pub(super) side: Option<Side>,
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
    /// The arguments of the library that it is a product of, by position.
    pub(super) factors: Vec<usize>,
}

/// Whether a name stands in an expression.
fn named(expr: &ast::Expr) -> bool {
    let mut found = matches!(expr.kind, ast::ExprKind::Name(_));
    super::functions::each_part(expr, &mut |part| found |= named(part));
    found
}

/// The only hole in an expression.
fn hole_inside(expr: &ast::Expr) -> Option<Span> {
    if let ast::ExprKind::Hole(_) = &expr.kind {
        return Some(expr.span);
    }
    let mut found = Vec::new();
    super::functions::each_part(expr, &mut |part| found.extend(hole_inside(part)));
    match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

impl Resolver<'_, '_> {
    /// Holes with a name are nothing but holes.
    pub(super) fn named_holes(&mut self) {
        for hole in &self.scope.holes {
            if !matches!(hole.value.kind, ast::ExprKind::Hole(_)) {
                let message = format!("`{}` is to be a hole, and this is none", hole.name.name);
                let d = Diagnostic::error(E0406, message, hole.value.span, "not a hole");
                self.sink.push(self.only_hole(hole, d));
            }
        }
    }

    /// What is written where a hole has a factor, or no question mark.
    fn only_hole(&self, hole: &ast::Binding, d: Diagnostic) -> Diagnostic {
        let (name, text) = (&hole.name.name, self.sources.text(hole.value.span));
        if let ast::ExprKind::Call(call) = &hole.value.kind
            && LIBRARIES.contains(&call.function.name.as_str())
        {
            return d.help(Advice::instead(
                format!("a hole has a question mark: `hole {name} = ?{text}`"),
                format!("?{text}"),
            ));
        }
        match hole_inside(&hole.value).map(|inside| self.sources.text(inside)) {
            Some(inside) if text.matches(inside).count() == 1 => {
                let used = text.replace(inside, name);
                d.help(format!("name the hole alone, `hole {name} = {inside}`, and write `{used}` where it is used"))
            }
            _ => d.help("write `hole g = ?poly(x; degree = 2)`; a `let` names any other expression"),
        }
    }

    /// The sum that a hole with a name stands for. Its coefficients are the same wherever the name stands.
    pub(super) fn named_hole(&mut self, hole: &ast::Binding, span: Span) -> Option<Expr> {
        let ast::ExprKind::Hole(call) = &hole.value.kind else { return None };
        if self.place != Place::Equation {
            let message = format!("`{}` is a hole, which stands in equations", hole.name.name);
            let d = Diagnostic::error(E0406, message, span, "not here")
                .help(format!("write `{}` in the equations that it is a part of", hole.name.name));
            self.sink.push(d.label(hole.name.span, "declared here"));
            return None;
        }
        // Its place is that of the declaration, whatever tuple the name stands in.
        let tuple = std::mem::take(&mut self.tuple);
        let sum = self.hole(call, hole.value.span);
        self.tuple = tuple;
        sum
    }

    /// Expands the hole `call` and returns the sum that stands for it.
    pub(super) fn hole(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        if call.function.name == "ratio" {
            return self.ratio(call, span);
        }
        let parts = self.library(call, span)?;
        let summands = self.weigh(call, parts, span)?;
        let folded = fold::sum(summands, span);
        self.folded(folded)
    }

    /// Whether the current equation is one of many that one statement stands for.
    pub(super) fn is_repeated(&self) -> bool {
        !self.loops.is_empty() || self.at.iter().any(Option::is_some)
    }

    pub(super) fn hole_argument(&mut self, argument: &Argument) -> Option<Expr> {
        let expr = self.resolve_at(Place::Hole, &argument.expr)?;
        let product = Product::flatten(&expr);
        // A parameter inside a function of a state is found with the coefficient; as a factor it could not be told from it.
        let mut bare = None;
        for (factor, _) in product.factors.iter().filter(|(f, _)| !f.any(&mut varies)) {
            factor.visit(&mut |e| {
                if bare.is_none() && matches!(e.kind, ExprKind::Unknown(_)) {
                    bare = Some(e.span);
                }
            });
        }
        // What stands in the body of a function is told where it is used.
        let Some(place) = bare else { return Some(Expr { span: argument.place, ..expr }) };
        let message = "a candidate term is multiplied by an estimated parameter";
        let d = Diagnostic::error(E0407, message, argument.place, "its coefficient is such a number already");
        let d = if place == argument.place { d } else { d.label(place, "estimated") };
        self.sink.push(d.help("leave the parameter out, or write `fixed` after it"));
        None
    }

    /// What is said of a hole with two constant terms, where one of them is an argument made of `const`s.
    fn constant_beside_one(&self, call: &ast::Call) -> Option<Diagnostic> {
        let arguments = &call.arguments;
        let at = arguments.iter().rposition(|a| named(a) && self.is_constant(a))?;
        let place = arguments.get(at)?.span;
        let before = at.checked_sub(1).and_then(|k| arguments.get(k));
        let gone = match (before, arguments.get(at + 1)) {
            (Some(before), _) => Some(Span { start: before.span.end, ..place }),
            (None, Some(behind)) => Some(Span { end: behind.span.start, ..place }),
            (None, None) => None,
        };
        let text = self.sources.text(place);
        let message = format!("`{text}` is a number, and a hole has one constant term");
        let d = Diagnostic::error(E0404, message, place, "cannot be told apart from the term 1");
        let d = d.help(format!("take `{text}` out of the hole: the coefficient of its term 1 holds what it does"));
        Some(match gone {
            Some(gone) => d.replace(gone, ""),
            None => d,
        })
    }

    /// Whether nothing but numbers and `const`s stand in `expr`.
    fn is_constant(&self, expr: &ast::Expr) -> bool {
        match &expr.kind {
            ast::ExprKind::Number { .. } | ast::ExprKind::Measured { .. } => true,
            ast::ExprKind::Name(name) => {
                self.scope.names.get(name.as_str()).is_some_and(|entry| matches!(entry.meaning, Meaning::Const(_)))
            }
            ast::ExprKind::Unary { operand, .. } => self.is_constant(operand),
            ast::ExprKind::Binary { left, right, .. } => self.is_constant(left) && self.is_constant(right),
            _ => false,
        }
    }

    /// Candidate terms times their coefficients. The coefficients are numbered where the hole is met first; other elements of
    /// the same statement share them.
    pub(super) fn weigh(&mut self, call: &ast::Call, library: Library, span: Span) -> Option<Vec<Expr>> {
        let Library { products, spelled: written, factors, bounds, side } = library;
        let place = (span, self.tuple);
        let known = self.hole_at_place.get(&place).copied();
        let mut seen: IndexMap<String, Span> = IndexMap::new();
        let mut terms = Vec::with_capacity(products.len());
        let mut summands = Vec::with_capacity(products.len());
        let unknowns = self.parameter_names();
        for (k, product) in products.into_iter().enumerate() {
            let at = product.span;
            let key = product.key();
            let folded = product.to_expr();
            let value = self.folded(folded)?;
            let spelled = match (known, written.get(k)) {
                (Some(_), _) => String::new(),
                (None, Some(text)) => text.clone(),
                (None, None) => {
                    let names = Names {
                        states: &self.scope.states,
                        inputs: &self.scope.inputs,
                        unknowns: &unknowns,
                        units: None,
                    };
                    names.spell(&value)
                }
            };
            let alone = key.is_empty();
            if let Some(first) = seen.insert(key, at) {
                if alone && let Some(finding) = self.constant_beside_one(call) {
                    self.sink.push(finding);
                    return None;
                }
                let shown = written.get(k).unwrap_or(&spelled);
                let message = format!("`{shown}` stands twice among the terms of this hole");
                let d = Diagnostic::error(E0404, message, at, "cannot be told apart from another term");
                let d = if first == at { d } else { d.label(first, "the same term, up to a factor") };
                // `?poly(x, 2)`
                let number = shown.parse::<usize>().is_ok();
                self.sink.push(match (number, degree_meant(call)) {
                    (true, Some(gone)) => {
                        let option = format!("; degree = {shown}");
                        let kept = self.sources.text(Span { end: gone.start, ..call.function.span });
                        d.help(format!("what is no term is an option, behind `;`: `?{kept}{option})`"))
                            .replace(gone, option)
                    }
                    (true, None) => {
                        d.help(format!("what is no term is an option, behind `;`: `?poly(x; degree = {shown})`"))
                    }
                    (false, _) => d.help("leave one of them out"),
                });
                return None;
            }
            self.count(value.size() + 3, span)?;
            let coefficient = match known.and_then(|h| self.holes.get(h)).map(|h| h.terms.get(k)) {
                Some(term) => term?.coefficient,
                None => {
                    self.next_unknown += 1;
                    UnknownId::new(self.next_unknown - 1)
                }
            };
            let unknown = Expr::new(ExprKind::Unknown(coefficient), span);
            let folded = fold::binary(BinaryOp::Mul, unknown, value.clone(), span);
            summands.push(self.folded(folded)?);
            if known.is_none() {
                let factors = factors.get(k).cloned().unwrap_or_default();
                terms.push(TermDraft { spelled, value, coefficient, factors });
            }
        }
        let hole = match known {
            Some(hole) => hole,
            None => {
                let spelled = self.written(span).unwrap_or_else(|| format!("?{}(...)", call.function.name));
                self.holes.push(HoleDraft { spelled, terms, bounds, repeated: !written.is_empty(), side, span });
                self.hole_at_place.insert(place, self.holes.len() - 1);
                self.holes.len() - 1
            }
        };
        if !self.used_holes.contains(&hole) {
            self.used_holes.push(hole);
        }
        Some(summands)
    }

    /// The estimated parameters under their numbers: the names that terms are spelled with before equations have theirs.
    fn parameter_names(&self) -> Arena<UnknownId, Unknown> {
        let estimated = self.scope.params.iter().filter(|(_, p)| !p.fixed);
        let unknown = |(id, p): (ParamId, &Param)| Unknown {
            kind: UnknownKind::Param(id),
            name: p.name.clone(),
            start: p.value,
            bounds: p.bounds,
            linear: false,
        };
        let mut arena = Arena::new();
        for found in estimated.map(unknown) {
            arena.push(found);
        }
        arena
    }

    /// The source text at `span`, with single blanks.
    pub(super) fn written(&self, span: Span) -> Option<String> {
        let (_, file) = self.sources.iter().find(|(id, _)| *id == span.file)?;
        let text = file.text.get(span.start as usize..span.end as usize)?;
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// The `, 2` of `poly(x, y, 2)`, which is meant for a degree.
pub(super) fn degree_meant(call: &ast::Call) -> Option<Span> {
    let [.., before, last] = call.arguments.as_slice() else { return None };
    let is_number = |e: &ast::Expr| matches!(e.kind, ast::ExprKind::Number { .. });
    let is_meant = call.function.name == "poly" && call.named.is_empty() && is_number(last) && !is_number(before);
    is_meant.then_some(Span { start: before.span.end, ..last.span })
}

/// Whether something in an expression differs from sample to sample.
fn varies(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::State(..) | ExprKind::Input(_) | ExprKind::Time)
}
