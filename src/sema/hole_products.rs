//! Products of holes, also with parameters, whose scales no data can tell apart.

use super::functions::each_part;
use super::resolve::Resolver;
use super::scope::Meaning;
use crate::base::IndexSet;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0407, E0408};
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

/// A factor of a product whose scale is to be found.
#[derive(Clone, Copy)]
struct Factor {
    kind: Kind,
    /// Where it is declared; of a hole without a name where it stands.
    declared: Span,
    /// Where it stands.
    place: Span,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hole,
    NamedHole,
    /// An estimated parameter.
    Param,
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

    fn hole_times_parameter(&mut self, hole: Factor, param: Factor) {
        let name = self.sources.text(param.declared);
        let message = format!("a hole is multiplied by the estimated parameter `{name}`");
        let d = Diagnostic::error(E0407, message, hole.place, "its coefficients are such numbers already");
        let d = d.label(param.place, "estimated, and nothing else tells its scale");
        self.sink.push(d.help(format!("leave `{name}` out, or write `fixed` after it where it is declared")));
    }

    /// Reports products of a hole with another one or with an estimated parameter, where no other place in the equations tells the
    /// scale of one. Two holes without a name are reported where they are read.
    pub(super) fn unscaled_products(&mut self, model: &ast::Model) {
        // What a wrong statement would tell of a scale is not known.
        if self.holes.is_empty() || self.sink.has_errors() {
            return;
        }
        let mut products = Vec::new();
        self.products_of(&model.body, &mut products);
        // What is the only one in a product has its own scale, and gives one to what else it is multiplied by.
        let mut scaled: IndexSet<Span> = IndexSet::new();
        loop {
            let before = scaled.len();
            for product in &products {
                let mut open = product.iter().filter(|f| !scaled.contains(&f.declared));
                if let Some(first) = open.next()
                    && open.all(|f| f.declared == first.declared)
                {
                    scaled.insert(first.declared);
                }
            }
            if scaled.len() == before {
                break;
            }
        }
        for product in &products {
            let open = product.iter().filter(|f| !scaled.contains(&f.declared));
            let (params, holes): (Vec<Factor>, Vec<Factor>) = open.partition(|f| f.kind == Kind::Param);
            let Some(first) = holes.first() else { continue };
            let named = holes.iter().find(|f| f.kind == Kind::NamedHole);
            let second = holes.iter().find(|f| f.declared != first.declared);
            // With a scale of its own it would be right wherever it stands.
            match (second, named, params.first()) {
                (Some(second), Some(named), _) => {
                    self.holes_multiplied(first.place, second.place);
                    scaled.insert(named.declared);
                }
                (None, _, Some(param)) => {
                    self.hole_times_parameter(*first, *param);
                    scaled.insert(param.declared);
                }
                _ => {}
            }
        }
    }

    fn products_of(&self, body: &[ModelItem], out: &mut Vec<Vec<Factor>>) {
        for item in body {
            match item {
                ModelItem::For(f) => self.products_of(&f.body, out),
                ModelItem::Let(binding) => self.products_in(&binding.value, &[], out),
                ModelItem::Equation(equation) => {
                    self.products_in(&equation.left, &[], out);
                    self.products_in(&equation.right, &[], out);
                }
                _ => {}
            }
        }
    }

    /// The products that `expr` is a sum of, each with the factors `around`; a factor that stands alone is a product by itself.
    fn products_in(&self, expr: &Expr, around: &[Factor], out: &mut Vec<Vec<Factor>>) {
        match &expr.kind {
            ExprKind::Unary { op: UnaryOp::Negate | UnaryOp::Plus, operand } => self.products_in(operand, around, out),
            ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Subtract, left, right } => {
                self.products_in(left, around, out);
                self.products_in(right, around, out);
            }
            _ => {
                let (mut product, mut sums) = (around.to_vec(), Vec::new());
                self.factors(expr, &mut product, &mut sums, out);
                match sums.as_slice() {
                    // In `(f + g)/m` both `f` and `g` are divided by `m`.
                    [sum] => return self.products_in(sum, &product, out),
                    sums => sums.iter().for_each(|sum| self.products_in(sum, &[], out)),
                }
                if !product.is_empty() {
                    out.push(product);
                }
            }
        }
    }

    /// The factors of `expr`, and apart from them those that are sums with holes.
    fn factors<'e>(
        &self,
        expr: &'e Expr,
        product: &mut Vec<Factor>,
        sums: &mut Vec<&'e Expr>,
        out: &mut Vec<Vec<Factor>>,
    ) {
        match &expr.kind {
            ExprKind::Hole(_) => {
                product.push(Factor { kind: Kind::Hole, declared: expr.span, place: expr.span });
                each_part(expr, &mut |part| self.products_in(part, &[], out));
            }
            ExprKind::Name(name) => product.extend(self.factor_named(name, expr.span)),
            ExprKind::Unary { op: UnaryOp::Negate | UnaryOp::Plus, operand } => {
                self.factors(operand, product, sums, out)
            }
            ExprKind::Binary { op: BinaryOp::Multiply | BinaryOp::Divide, left, right } => {
                self.factors(left, product, sums, out);
                self.factors(right, product, sums, out);
            }
            ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Subtract, .. } if self.holds_hole(expr) => sums.push(expr),
            _ => each_part(expr, &mut |part| self.products_in(part, &[], out)),
        }
    }

    /// Whether a hole is a summand or a factor in `expr`.
    fn holds_hole(&self, expr: &Expr) -> bool {
        use BinaryOp::{Add, Divide, Multiply, Subtract};
        match &expr.kind {
            ExprKind::Hole(_) => true,
            ExprKind::Name(name) => self.factor_named(name, expr.span).is_some_and(|f| f.kind == Kind::NamedHole),
            ExprKind::Unary { op: UnaryOp::Negate | UnaryOp::Plus, operand } => self.holds_hole(operand),
            ExprKind::Binary { op: Add | Subtract | Multiply | Divide, left, right } => {
                self.holds_hole(left) || self.holds_hole(right)
            }
            _ => false,
        }
    }

    /// The hole or the estimated parameter called `name`. Parameters of which there are several have scales against each other, and
    /// count as known.
    fn factor_named(&self, name: &str, place: Span) -> Option<Factor> {
        let entry = self.scope.names.get(name)?;
        match entry.meaning {
            Meaning::Hole(i) => {
                let declared = self.scope.holes.get(i)?.name.span;
                Some(Factor { kind: Kind::NamedHole, declared, place })
            }
            Meaning::Param(p) => {
                let param = self.scope.params.get(p)?;
                let single = entry.axes.is_empty() && !param.per_sample && !param.fixed;
                single.then_some(Factor { kind: Kind::Param, declared: entry.span, place })
            }
            _ => None,
        }
    }
}
