//! Products of holes, whose scales no data can tell apart.

use super::functions::each_part;
use super::resolve::Resolver;
use super::scope::Meaning;
use crate::base::IndexSet;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E0408;
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, Expr, ExprKind, ModelItem, UnaryOp};

/// The first hole without a name that is a factor of `expr` as a whole.
pub(super) fn factor_hole(expr: &Expr) -> Option<Span> {
    match &expr.kind {
        ExprKind::Hole(_) => Some(expr.span),
        ExprKind::Unary { op: UnaryOp::Negate | UnaryOp::Plus, operand } => factor_hole(operand),
        ExprKind::Binary { op: BinaryOp::Multiply | BinaryOp::Divide, left, right } => {
            factor_hole(left).or_else(|| factor_hole(right))
        }
        _ => None,
    }
}

/// A hole that is a factor of a product.
#[derive(Clone, Copy)]
struct Factor {
    /// Where it is declared; of one without a name where it stands.
    hole: Span,
    /// Where it stands.
    place: Span,
}

impl Factor {
    fn is_named(self) -> bool {
        self.hole != self.place
    }
}

impl Resolver<'_, '_> {
    /// Reports two holes that are factors of one product.
    pub(super) fn holes_multiplied(&mut self, first: Span, second: Span) {
        let message = "two holes are factors of one product, and only the product of their scales can be found";
        let d = Diagnostic::error(E0408, message, second, "a second factor without a scale of its own");
        let d = d.label(first, "the first one");
        self.sink.push(d.help(
            "write the products of their terms in one hole, `?terms(x*y)`, or fix a scale: `(1 + ?linear(x))*?linear(y)`",
        ));
    }

    /// Reports products of holes with a name, where no other place in the equations tells the scale of one: those without a name
    /// stand nowhere else, so for them their product says everything.
    pub(super) fn named_holes_multiplied(&mut self, model: &ast::Model) {
        if self.scope.holes.is_empty() {
            return;
        }
        let mut products = Vec::new();
        self.products_of(&model.body, &mut products);
        // A hole that is the only one in a product has its own scale, and gives one to what else it is multiplied by.
        let mut scaled: IndexSet<Span> = IndexSet::new();
        loop {
            let before = scaled.len();
            for product in &products {
                let mut open = product.iter().filter(|f| !scaled.contains(&f.hole));
                if let Some(first) = open.next()
                    && open.all(|f| f.hole == first.hole)
                {
                    scaled.insert(first.hole);
                }
            }
            if scaled.len() == before {
                break;
            }
        }
        for product in &products {
            let mut open = product.iter().filter(|f| !scaled.contains(&f.hole));
            let Some(first) = open.next() else { continue };
            let Some(second) = open.find(|f| f.hole != first.hole) else { continue };
            let Some(named) = [first, second].into_iter().find(|f| f.is_named()) else { continue };
            self.holes_multiplied(first.place, second.place);
            // With a scale of its own it would be right wherever it stands.
            scaled.insert(named.hole);
        }
    }

    fn products_of(&self, body: &[ModelItem], out: &mut Vec<Vec<Factor>>) {
        for item in body {
            match item {
                ModelItem::For(f) => self.products_of(&f.body, out),
                ModelItem::Equation(equation) => {
                    self.products_in(&equation.left, out);
                    self.products_in(&equation.right, out);
                }
                _ => {}
            }
        }
    }

    /// The holes of every product in `expr`; one that stands alone is a product by itself.
    fn products_in(&self, expr: &Expr, out: &mut Vec<Vec<Factor>>) {
        let mut product = Vec::new();
        self.factors(expr, &mut product, out);
        if !product.is_empty() {
            out.push(product);
        }
    }

    fn factors(&self, expr: &Expr, product: &mut Vec<Factor>, out: &mut Vec<Vec<Factor>>) {
        match &expr.kind {
            ExprKind::Hole(_) => product.push(Factor { hole: expr.span, place: expr.span }),
            ExprKind::Name(name) => {
                if let Some(Meaning::Hole(i)) = self.scope.names.get(name.as_str()).map(|entry| entry.meaning) {
                    let declared = self.scope.holes.get(i).map(|hole| hole.name.span);
                    product.extend(declared.map(|hole| Factor { hole, place: expr.span }));
                }
            }
            ExprKind::Unary { op: UnaryOp::Negate | UnaryOp::Plus, operand } => self.factors(operand, product, out),
            ExprKind::Binary { op: BinaryOp::Multiply | BinaryOp::Divide, left, right } => {
                self.factors(left, product, out);
                self.factors(right, product, out);
            }
            _ => each_part(expr, &mut |part| self.products_in(part, out)),
        }
    }
}
