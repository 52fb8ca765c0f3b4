//! `?ratio`: a fraction of two libraries, each with coefficients of its own.

use super::fold;
use super::libraries::LIBRARIES;
use super::product::Product;
use super::resolve::Resolver;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E0402;
use crate::hir::{BinaryOp, Bounds, Expr, Side};
use crate::source::Span;
use crate::syntax::ast;

impl Resolver<'_, '_> {
    /// `?ratio(poly(x; 2), poly(x; 2))`: one sum over one plus another. The constant of the denominator is that one, since
    /// a common factor of both sums could not be told. Bounds behind both sides hold for the coefficients of both.
    pub(super) fn ratio(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        if self.sides_behind_a_semicolon(call) || self.sides_of_values(call, span) {
            return None;
        }
        let mut calls = call.arguments.iter().map(|a| match &a.kind {
            // A function that gives a list is a library by itself.
            ast::ExprKind::Call(inner) if self.list_function(a).is_some() => {
                let function = ast::Ident { name: "terms".to_string(), span: inner.function.span };
                Some((ast::Call { function, arguments: vec![a.clone()], named: Vec::new() }, a.span))
            }
            ast::ExprKind::Call(inner) if inner.function.name != "ratio" => Some((inner.clone(), a.span)),
            _ => None,
        });
        let sides = (calls.next(), calls.next(), calls.next());
        let options = self.options(call, None);
        let (Some(Some(above)), Some(Some(below)), None) = sides else {
            let d = Diagnostic::error(E0402, "`?ratio` takes two libraries", span, "one for each side of the fraction");
            self.sink.push(d.help("write `?ratio(poly(x; degree = 2), poly(x; degree = 2))`"));
            return None;
        };
        let top = self.library(&above.0, above.1);
        let bottom = self.library(&below.0, below.1);
        let (mut top, mut bottom, both) = (top?, bottom?, options?.bounds);
        (top.side, bottom.side) = (Some(Side::Numerator), Some(Side::Denominator));
        for (side, of) in [(&mut top, &above), (&mut bottom, &below)] {
            let (lower, upper) = (side.bounds.lower.max(both.lower), side.bounds.upper.min(both.upper));
            if lower > upper {
                let message = "no coefficient satisfies the bounds of this side and those of the whole ratio";
                let d = Diagnostic::error(E0402, message, of.1, "bounds contradict each other");
                self.sink.push(d.help("write bounds behind each side alone where they differ"));
                return None;
            }
            side.bounds = Bounds { lower, upper };
        }
        let constant = |p: &Product| p.factors.is_empty();
        let keep: Vec<bool> = bottom.products.iter().map(|p| !constant(p)).collect();
        let mut at = keep.iter();
        bottom.products.retain(|_| at.next() == Some(&true));
        let mut at = keep.iter();
        bottom.spelled.retain(|_| at.next() == Some(&true));
        let mut at = keep.iter();
        bottom.factors.retain(|_| at.next() == Some(&true));
        if bottom.products.is_empty() {
            let message = "the denominator has no term but the constant, which is fixed to 1";
            let d = Diagnostic::error(E0402, message, below.1, "nothing to find");
            self.sink.push(d.help("use the numerator alone, without `?ratio`"));
            return None;
        }
        let top = self.weigh(&above.0, top, above.1)?;
        let mut below_sum = vec![Expr::number(1.0, below.1)];
        below_sum.extend(self.weigh(&below.0, bottom, below.1)?);
        let folded =
            fold::sum(top, above.1).and_then(|a| fold::binary(BinaryOp::Div, a, fold::sum(below_sum, below.1)?, span));
        self.folded(folded)
    }

    /// Says of `?ratio(poly(x); poly(x))` that a comma stands between libraries; whether it is one.
    fn sides_behind_a_semicolon(&mut self, call: &ast::Call) -> bool {
        let ([above], [first, ..]) = (call.arguments.as_slice(), call.named.as_slice()) else { return false };
        let is_library = match &first.value.kind {
            ast::ExprKind::Call(inner) => LIBRARIES.contains(&inner.function.name.as_str()),
            _ => false,
        };
        if !first.name.name.is_empty() || !is_library {
            return false;
        }
        let gap = Span { start: above.span.end, end: first.value.span.start, ..above.span };
        let Some(at) = self.sources.text(gap).find(';') else { return false };
        let start = gap.start as usize + at;
        let semicolon = Span::new(gap.file, start, start + 1);
        let message = "a comma stands between the libraries of a `?ratio`";
        let d = Diagnostic::error(E0402, message, semicolon, "options follow");
        self.sink.push(
            d.help("options stand behind both: `?ratio(poly(x; 2), poly(x; 2); coefficients >= 0)`")
                .replace(semicolon, ","),
        );
        true
    }

    /// Says of `?ratio(x; y)` and `?ratio(x, y)` how libraries of these values are written; whether it is one.
    fn sides_of_values(&mut self, call: &ast::Call, span: Span) -> bool {
        let short =
            |n: &ast::NamedArgument| n.name.name.is_empty() && !matches!(n.value.kind, ast::ExprKind::Number { .. });
        let (above, below) = match (call.arguments.as_slice(), call.named.as_slice()) {
            ([above, below], []) => (above, vec![below]),
            ([above], [_, ..]) if call.named.iter().all(short) => {
                (above, call.named.iter().map(|n| &n.value).collect())
            }
            _ => return false,
        };
        let is_call = |e: &ast::Expr| matches!(e.kind, ast::ExprKind::Call(_) | ast::ExprKind::Hole(_));
        if is_call(above) || call.arguments.get(1).is_some_and(is_call) {
            return false;
        }
        let (mut terms, mut terms_below) = (Vec::new(), Vec::new());
        summands(above, &mut terms);
        below.iter().for_each(|e| summands(e, &mut terms_below));
        // The constant below is 1, and stands first.
        terms_below.retain(|e| !matches!(e.kind, ast::ExprKind::Number { .. }));
        if terms_below.is_empty() {
            return false;
        }
        let text = |list: &[&ast::Expr]| list.iter().map(|e| self.sources.text(e.span)).collect::<Vec<_>>().join(", ");
        let (above, below) = (text(&terms), text(&terms_below));
        let d = Diagnostic::error(E0402, "`?ratio` takes two libraries", span, "one for each side of the fraction");
        self.sink.push(d.help(format!("write `?ratio(linear({above}), linear(1, {below}))`")));
        true
    }
}

/// The terms that an expression is a sum of.
fn summands<'e>(expr: &'e ast::Expr, out: &mut Vec<&'e ast::Expr>) {
    match &expr.kind {
        ast::ExprKind::Binary { op: ast::BinaryOp::Add, left, right } => {
            summands(left, out);
            summands(right, out);
        }
        _ => out.push(expr),
    }
}
