//! The linearity analysis: every residual becomes its part linear in states and derivatives, known terms, and unknowns
//! times factors.
//!
//! Products are distributed over sums that hold a state or an unknown, so that each summand is a product in normal form;
//! powers and functions of sums are left whole. An unknown that stands bare and to the first power in every summand that
//! holds it can enter linearly; where two such unknowns multiply each other, hole coefficients go before parameters and
//! the first declared goes before later ones.

use super::fold::{self, Fault};
use super::product::Product;
use super::resolve::{MAX_NODES, Resolver};
use crate::base::{Arena, Idx, IndexMap};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0307, E0309};
use crate::hir::{
    BinaryOp, Equation, Expr, ExprKind, LinearTerm, StateId, UnaryFn, Unknown, UnknownId, UnknownKind, UnknownTerm,
};
use crate::source::Span;

/// A residual as a sum of products, like ones merged, in the order of writing.
pub(super) struct Expanded {
    pub(super) state: StateId,
    pub(super) residual: Expr,
    pub(super) products: Vec<Product>,
    pub(super) span: Span,
}

/// Why an expression cannot be expanded.
pub(super) enum Obstacle {
    /// It would become too large.
    Size,
    /// A constant in it has no value.
    Fault(Fault),
}

/// The sum of products that `expr` is, like products merged.
pub(super) fn expand(expr: &Expr) -> Result<Vec<Product>, Obstacle> {
    let mut weight = 0;
    let mut merged: IndexMap<String, Product> = IndexMap::new();
    for product in distribute(expr, &mut weight)? {
        match merged.entry(product.key()) {
            indexmap::map::Entry::Occupied(mut e) => e.get_mut().scale += product.scale,
            indexmap::map::Entry::Vacant(e) => {
                e.insert(product);
            }
        }
    }
    if let Some(bad) = merged.values().find(|p| !p.scale.is_finite()) {
        let message = "the value is too large for a number".to_string();
        return Err(Obstacle::Fault(Fault { message, span: bad.span }));
    }
    Ok(merged.into_values().filter(|p| p.scale != 0.0).collect())
}

fn distribute(expr: &Expr, weight: &mut usize) -> Result<Vec<Product>, Obstacle> {
    let negated = |list: Vec<Product>| list.into_iter().map(|p| p.scaled(-1.0));
    match &expr.kind {
        ExprKind::Binary(BinaryOp::Add, a, b) => {
            let mut out = distribute(a, weight)?;
            out.extend(distribute(b, weight)?);
            Ok(out)
        }
        ExprKind::Binary(BinaryOp::Sub, a, b) => {
            let mut out = distribute(a, weight)?;
            out.extend(negated(distribute(b, weight)?));
            Ok(out)
        }
        ExprKind::Unary(UnaryFn::Neg, a) => Ok(negated(distribute(a, weight)?).collect()),
        ExprKind::Binary(BinaryOp::Mul, a, b) => {
            let left = factors(a, weight)?;
            let right = factors(b, weight)?;
            let mut out = Vec::with_capacity(left.len().saturating_mul(right.len()).min(1024));
            for p in &left {
                for q in &right {
                    out.push(weighed(p.times(q), weight)?);
                }
            }
            Ok(out)
        }
        ExprKind::Binary(BinaryOp::Div, a, b) => {
            let divisor =
                Expr::new(ExprKind::Binary(BinaryOp::Div, Box::new(Expr::number(1.0, b.span)), b.clone()), expr.span);
            let inverse = Product::flatten(&divisor);
            factors(a, weight)?.into_iter().map(|p| weighed(p.times(&inverse), weight)).collect()
        }
        _ => Ok(vec![weighed(Product::flatten(expr), weight)?]),
    }
}

/// The summands of one side of a product; a side free of states and unknowns stays whole.
fn factors(expr: &Expr, weight: &mut usize) -> Result<Vec<Product>, Obstacle> {
    match expr.has_state() || expr.has_unknown() {
        true => distribute(expr, weight),
        false => Ok(vec![weighed(Product::flatten(expr), weight)?]),
    }
}

fn weighed(product: Product, weight: &mut usize) -> Result<Product, Obstacle> {
    *weight += product.weight();
    if *weight > MAX_NODES { Err(Obstacle::Size) } else { Ok(product) }
}

/// Which unknowns enter every equation linearly, with no product of two of them anywhere.
pub(super) fn choose_linear(equations: &[Expanded], unknowns: &Arena<UnknownId, Unknown>) -> Vec<bool> {
    let n = unknowns.len();
    let mut possible = vec![true; n];
    let mut bare: Vec<Vec<usize>> = Vec::new();
    for product in equations.iter().flat_map(|e| &e.products) {
        let mut here = Vec::new();
        for (base, power) in &product.factors {
            match base.kind {
                ExprKind::Unknown(u) if *power == 1 => here.push(u.index()),
                _ => base.visit(&mut |e| {
                    if let ExprKind::Unknown(u) = e.kind {
                        possible[u.index()] = false;
                    }
                }),
            }
        }
        if here.len() > 1 {
            bare.push(here);
        }
    }
    let is_param = |i: usize| matches!(unknowns[UnknownId::new(i)].kind, UnknownKind::Param(_));
    let mut order: Vec<usize> = (0..n).filter(|&i| possible[i]).collect();
    order.sort_by_key(|&i| (is_param(i), i));
    let mut products_of: Vec<Vec<usize>> = vec![Vec::new(); n];
    for (k, list) in bare.iter().enumerate() {
        list.iter().for_each(|&i| products_of[i].push(k));
    }
    let mut linear = vec![false; n];
    let mut taken = vec![false; bare.len()];
    for i in order {
        if products_of[i].iter().all(|&k| !taken[k]) {
            linear[i] = true;
            products_of[i].iter().for_each(|&k| taken[k] = true);
        }
    }
    linear
}

/// The unknown that a product holds linearly.
pub(super) fn bare(product: &Product, linear: &[bool]) -> Option<UnknownId> {
    product.factors.iter().find_map(|(e, n)| match e.kind {
        ExprKind::Unknown(u) if *n == 1 && linear.get(u.index()) == Some(&true) => Some(u),
        _ => None,
    })
}

impl Resolver<'_, '_> {
    /// Expands a residual; reports what stands in the way.
    pub(super) fn expand(&mut self, state: StateId, residual: Expr, span: Span) -> Option<Expanded> {
        match expand(&residual) {
            Ok(products) => Some(Expanded { state, residual, products, span }),
            Err(Obstacle::Fault(fault)) => {
                let _ = self.folded(Err(fault));
                None
            }
            Err(Obstacle::Size) => {
                let message = "multiplying this equation out gives more terms than can be handled";
                let d = Diagnostic::error(E0309, message, span, "too large");
                self.sink.push(d.help("multiply fewer sums that hold unknowns"));
                None
            }
        }
    }

    /// The coefficient of the highest derivative of `equation`'s own state, if it enters as it must.
    pub(super) fn leading(&mut self, equation: &Expanded) -> Option<Product> {
        let state = &self.scope.states[equation.state];
        let (name, order) = (state.name.clone(), state.order);
        let top = format!("{name}{}", "'".repeat(usize::from(order)));
        let is_top = |e: &Expr| matches!(e.kind, ExprKind::State(s, d) if s == equation.state && d == order);
        let mut found: Option<Product> = None;
        for product in &equation.products {
            if !product.factors.iter().any(|(e, _)| e.any(&mut |e| is_top(e))) {
                continue;
            }
            let bad = match product.split_state() {
                Some((s, d, rest)) if s == equation.state && d == order => {
                    if rest.factors.iter().any(|(e, _)| e.has_unknown()) {
                        Some("is multiplied by an estimated number")
                    } else {
                        found = found.or(Some(rest));
                        None
                    }
                }
                _ => Some("does not enter linearly with a known coefficient"),
            };
            if let Some(why) = bad {
                let message = format!("the highest derivative `{top}` {why}");
                let d = Diagnostic::error(E0307, message, equation.span, format!("must be solvable for `{top}`"));
                self.sink.push(d.help(format!("divide the equation so that `{top}` stands alone: `{top} = ...`")));
                return None;
            }
        }
        if found.is_none() {
            let message = format!("`{top}` cancels in its own equation");
            let d = Diagnostic::error(E0307, message, equation.span, format!("nothing is left to give `{top}`"));
            let help =
                format!("let one `{top}` stand alone: `{top} = ...`; what cancels can be left out on both sides");
            self.sink.push(d.help(help));
        }
        found
    }

    /// Sorts the products of an expanded equation into its split.
    pub(super) fn split(&mut self, equation: &Expanded, linear: &[bool]) -> Option<Equation> {
        let span = equation.span;
        let order = self.scope.states[equation.state].order;
        let mut in_states: IndexMap<(StateId, u8), Vec<Product>> = IndexMap::new();
        // The equation's own highest derivative comes first.
        in_states.insert((equation.state, order), Vec::new());
        let mut known: Vec<Product> = Vec::new();
        let mut with: IndexMap<UnknownId, Vec<Product>> = IndexMap::new();
        for product in &equation.products {
            if let Some(u) = bare(product, linear) {
                with.entry(u).or_default().push(product.clone().without(u).scaled(-1.0));
                continue;
            }
            let free = product.factors.iter().all(|(e, _)| !e.has_unknown());
            match product.split_state().filter(|_| free) {
                Some((s, d, rest)) => in_states.entry((s, d)).or_default().push(rest),
                None => known.push(product.clone().scaled(-1.0)),
            }
        }
        let mut parts = Vec::new();
        for ((state, derivative), products) in in_states {
            let coefficient = self.sum_of(&products, span)?;
            parts.push(LinearTerm { state, derivative, coefficient });
        }
        let known = match known.is_empty() {
            true => None,
            false => Some(self.sum_of(&known, span)?),
        };
        let mut terms = Vec::with_capacity(with.len());
        let with: std::collections::BTreeMap<UnknownId, Vec<Product>> = with.into_iter().collect();
        for (unknown, products) in with {
            terms.push(UnknownTerm { unknown, factor: self.sum_of(&products, span)? });
        }
        let (state, residual) = (equation.state, equation.residual.clone());
        Some(Equation { state, residual, linear: parts, known, unknowns: terms, span })
    }

    fn sum_of(&mut self, products: &[Product], span: Span) -> Option<Expr> {
        let folded = products.iter().map(Product::to_expr).collect::<Result<Vec<_>, _>>();
        let folded = folded.and_then(|terms| fold::sum(terms, span));
        self.folded(folded)
    }
}
