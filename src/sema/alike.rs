//! Unknowns that look alike: they multiply the same factors wherever they stand, so that no data can tell them apart.

use super::fold;
use super::product::Product;
use super::resolve::Resolver;
use super::split::{Expanded, bare};
use crate::base::{Arena, Idx, IndexMap, IndexSet};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0404, E0405, W0704};
use crate::hir::{Names, Unknown, UnknownId, UnknownKind};
use crate::source::Span;

/// Terms of a hole that a help lists, at most.
const MOST_LISTED: usize = 12;

/// What the equations looked at so far say of a linear unknown.
struct Place {
    /// The same number for unknowns that have multiplied the same in each of them.
    class: usize,
    /// The number in front of its first factor: what unknowns that look alike may differ by.
    scale: f64,
    /// What it multiplies in the first equation that holds it.
    factor: Vec<Product>,
}

impl Resolver<'_, '_> {
    /// Pairs of unknowns that no data can tell apart, which are reported: as errors where both are coefficients.
    pub(super) fn alike(
        &mut self,
        equations: &[Expanded],
        linear: &[bool],
        unknowns: &Arena<UnknownId, Unknown>,
    ) -> Vec<[UnknownId; 2]> {
        let mut first_of: IndexMap<usize, UnknownId> = IndexMap::new();
        let mut pairs = Vec::new();
        let mut holes: IndexSet<(usize, usize)> = IndexSet::new();
        for (u, place) in places(equations, linear) {
            let Some(&first) = first_of.get(&place.class) else {
                first_of.insert(place.class, u);
                continue;
            };
            pairs.push([first, u]);
            let spelled = self.spell_factor(&place.factor, unknowns, self.unknown_span(&unknowns[u]));
            self.say_alike([first, u], &spelled, unknowns, &mut holes);
        }
        pairs
    }

    /// A sum of products up to the number in front of the first.
    fn spell_factor(&self, products: &[Product], unknowns: &Arena<UnknownId, Unknown>, span: Span) -> String {
        let names = Names { states: &self.scope.states, inputs: &self.scope.inputs, unknowns, units: None };
        let scale = products.first().map_or(1.0, |p| p.scale);
        let parts = products.iter().map(|p| Product { scale: p.scale / scale, ..p.clone() }.to_expr());
        let sum = parts.collect::<Result<Vec<_>, _>>().and_then(|parts| fold::sum(parts, span));
        sum.map_or_else(|_| shape(products, scale), |e| names.spell(&e))
    }

    fn say_alike(
        &mut self,
        [a, b]: [UnknownId; 2],
        spelled: &str,
        unknowns: &Arena<UnknownId, Unknown>,
        holes: &mut IndexSet<(usize, usize)>,
    ) {
        let (first, second) = (&unknowns[a], &unknowns[b]);
        let (place, other) = (self.unknown_span(first), self.unknown_span(second));
        match (first.kind, second.kind) {
            (UnknownKind::Coefficient { hole: h, term: a }, UnknownKind::Coefficient { hole: k, term: b })
                if h == k =>
            {
                let term = |i: usize| self.holes[h.index()].terms.get(i).map_or("", |t| t.spelled.as_str());
                let message = format!("`{}` and `{}` are the same up to a factor", term(a), term(b));
                let d = Diagnostic::error(E0404, message, place, "terms of this hole");
                self.sink.push(d.help("their coefficients cannot be told apart: keep one of them"));
            }
            (UnknownKind::Coefficient { hole: h, .. }, UnknownKind::Coefficient { hole: k, .. }) => {
                // One report for two holes, however many terms they share.
                if holes.insert((h.index(), k.index())) {
                    let message = format!("two holes of one equation both hold the term `{spelled}`");
                    let d = Diagnostic::error(E0405, message, other, "the second one");
                    let help = "their coefficients cannot be told apart: keep the term in one of them";
                    self.sink.push(d.label(place, "the first one").help(help));
                }
            }
            (UnknownKind::Param(_), UnknownKind::Param(_)) => {
                let (x, y) = (&first.name, &second.name);
                let message = format!("no data can tell `{x}` and `{y}` apart: both multiply `{spelled}`");
                let d = Diagnostic::warning(W0704, message, other, "looks like the other one");
                let help = format!("keep one of them, or give one a value that is known: `param {y} = 1 fixed`");
                self.sink.push(d.label(place, "the other one").help(help));
            }
            // Parameters come before coefficients.
            (_, UnknownKind::Coefficient { hole, term }) => {
                let (name, hole) = (&first.name, &self.holes[hole.index()]);
                let term = hole.terms.get(term).map_or("", |t| t.spelled.as_str());
                let message = format!(
                    "no data can tell `{name}` and the coefficient of `{term}` apart: both multiply `{spelled}`"
                );
                let others: Vec<&str> = hole.terms.iter().map(|t| t.spelled.as_str()).filter(|t| *t != term).collect();
                let without = match others.len() {
                    1..=MOST_LISTED => format!("leave `{term}` out of the hole, `?terms({})`", others.join(", ")),
                    _ => format!("leave `{term}` out of the hole"),
                };
                let help = format!("{without}, or leave `{name}` out of the equation: the hole finds their sum");
                let d = Diagnostic::warning(W0704, message, other, "in this hole");
                self.sink.push(d.label(place, "the parameter").help(help));
            }
            (UnknownKind::Coefficient { .. }, UnknownKind::Param(_)) => {}
        }
    }

    fn unknown_span(&self, unknown: &Unknown) -> Span {
        match unknown.kind {
            UnknownKind::Param(p) => self.scope.params[p].span,
            UnknownKind::Coefficient { hole, .. } => self.holes[hole.index()].span,
        }
    }
}

/// The linear unknowns in the order of their numbers, with what the equations say of them.
fn places(equations: &[Expanded], linear: &[bool]) -> std::collections::BTreeMap<UnknownId, Place> {
    let mut places: std::collections::BTreeMap<UnknownId, Place> = std::collections::BTreeMap::new();
    let mut classes = 0;
    for equation in equations {
        let mut with: IndexMap<UnknownId, Vec<Product>> = IndexMap::new();
        for product in &equation.products {
            if let Some(u) = bare(product, linear) {
                with.entry(u).or_default().push(product.clone().without(u));
            }
        }
        let mut of_shape: IndexMap<(Option<usize>, String), usize> = IndexMap::new();
        for (u, factor) in with {
            let before = places.get(&u);
            let scale = before.map_or_else(|| first_scale(&factor), |place| place.scale);
            let key = (before.map(|place| place.class), shape(&factor, scale));
            let class = *of_shape.entry(key).or_insert_with(|| {
                classes += 1;
                classes
            });
            places.entry(u).or_insert(Place { class, scale, factor }).class = class;
        }
    }
    places
}

/// The number in front of the product that comes first in [`shape`].
fn first_scale(products: &[Product]) -> f64 {
    products.iter().map(|p| (p.key(), p.scale)).min_by(|a, b| a.0.cmp(&b.0)).map_or(1.0, |p| p.1)
}

/// A text that sums of products share that are equal when each is divided by its `scale`.
fn shape(products: &[Product], scale: f64) -> String {
    let mut parts: Vec<(String, f64)> = products.iter().map(|p| (p.key(), p.scale)).collect();
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    // Sums of the same numbers in another order may differ in their last digits.
    parts.iter().map(|(key, number)| format!("{:.12e}*{key}", number / scale)).collect::<Vec<_>>().join(" + ")
}
