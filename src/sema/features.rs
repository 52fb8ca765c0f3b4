//! What networks read that one formula says for many elements: `d[i, j, axis] = q[i, axis] - q[j, axis]`.
//!
//! Every subscript on the left is an index set of the states, or a name that runs over the index set of the place where the formula has it
//! first. Formulas are resolved as in a model whose inputs are the states, so sums and functions over index sets are there too.

use super::derived::{self, resolver};
use super::families::Families;
use super::resolve::{Place, Resolver};
use super::settings::Context;
use crate::base::{Between, Idx, IndexSet};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0511, E0518};
use crate::hir::{BinaryOp, Conversion, Derived, Expr, ExprKind, Feature, InputId};
use crate::source::Span;
use crate::syntax::ast::{self, ModelItem};

/// The features that a formula stands for, and the index sets of their subscripts.
pub(super) struct Found {
    /// One for each element.
    pub(super) features: Vec<Feature>,
    /// Index sets, in the order of the subscripts.
    pub(super) sets: Vec<String>,
}

/// The features `name[subscripts] = formula`.
pub(super) fn features(
    name: &str,
    subscripts: &[ast::Expr],
    formula: &ast::Expr,
    (functions, families): (&[ast::Function], &Families<'_>),
    cx: &mut Context<'_>,
) -> Option<Found> {
    if derived::mentions_time(formula) {
        let message = "a network reads what is computed from states, and the time is none";
        cx.sink.push(
            Diagnostic::error(E0518, message, formula.span, "not here")
                .help("compute it from states; a state that follows the time can stand for it, `clock' = 1`"),
        );
        return None;
    }
    if let Some(message) = families.differing(|family| mentions(formula, family)) {
        cx.sink.push(
            Diagnostic::error(E0511, message, formula.span, "which of them?")
                .help("give the families of both models the same size, or read elements: `q[1]`"),
        );
        return None;
    }
    let indices = subscripts.iter().map(|e| index(e, formula, families, cx)).collect::<Option<Vec<Index>>>()?;
    let model = around(formula, functions, families);
    let before = cx.sink.error_count();
    let mut out = Vec::new();
    {
        let mut resolver = resolver(&model, cx);
        let mut numbers = Vec::new();
        over(&mut resolver, &indices, &mut numbers, &mut |r, numbers| {
            let value = r.resolve_at(Place::Let, formula);
            let name = format!("{name}[{}]", numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", "));
            out.extend(value.map(|value| (name, of_states(value, r))));
            r.sink.error_count() == before
        });
    }
    if cx.sink.error_count() > before {
        return None;
    }
    // What is the same at every sample, as the difference of a state to itself, tells a network nothing.
    out.retain(|(_, derived)| varies(derived));
    if out.is_empty() {
        let message = format!("`{name}` is the same at every sample: it is computed from no state");
        cx.sink.push(
            Diagnostic::error(E0518, message, formula.span, "no state")
                .help("compute it from states, `d = x - y`, or leave it out"),
        );
        return None;
    }
    let features = out.into_iter().map(|(name, formula)| Feature { name, formula }).collect();
    Some(Found { features, sets: indices.into_iter().map(|i| i.set).collect() })
}

/// A subscript on the left.
struct Index {
    name: ast::Ident,
    /// The index set that it runs over.
    set: String,
    range: ast::Range,
}

fn index(e: &ast::Expr, formula: &ast::Expr, families: &Families<'_>, cx: &mut Context<'_>) -> Option<Index> {
    let ast::ExprKind::Name(name) = &e.kind else {
        let message = "subscripts of what a network reads are index sets, or names that stand for their elements";
        cx.sink.push(
            Diagnostic::error(E0518, message, e.span, "no name")
                .help("write `d[i, j] = q[i] - q[j]`; for one element `d = q[1] - q[2]`"),
        );
        return None;
    };
    let set =
        families.all_sets().find(|s| *s == name).map(str::to_string).or_else(|| runs_over(name, formula, families));
    let Some(set) = set else {
        let message = format!("nothing says what `{name}` runs over");
        let d = Diagnostic::error(E0518, message, e.span, "of which index set?");
        cx.sink.push(d.help(format!("use it as a subscript of a state, `q[{name}]`, or name an index set")));
        return None;
    };
    let ident = |name: &str| ast::Ident { name: name.to_string(), span: e.span };
    let from = ast::Expr { kind: ast::ExprKind::Name(set.clone()), span: e.span };
    Some(Index { name: ident(name), set, range: ast::Range { from, to: None, span: e.span } })
}

/// The index set of the first place in a formula where a name is a subscript of a state.
fn runs_over(name: &str, formula: &ast::Expr, families: &Families<'_>) -> Option<String> {
    if let ast::ExprKind::Subscript { of, at } = &formula.kind
        && let ast::ExprKind::Name(of) = &of.kind
        && let Some(k) = at.iter().position(|e| matches!(&e.kind, ast::ExprKind::Name(n) if n == name))
    {
        return families.sets(of).get(k).cloned();
    }
    let mut found = None;
    super::functions::each_part(formula, &mut |part| {
        found = found.take().or_else(|| runs_over(name, part, families));
    });
    found
}

fn mentions(e: &ast::Expr, name: &str) -> bool {
    let mut found = matches!(&e.kind, ast::ExprKind::Name(n) if n == name);
    super::functions::each_part(e, &mut |part| found = found || mentions(part, name));
    found
}

/// A model whose inputs are the states, with their index sets.
fn around(formula: &ast::Expr, functions: &[ast::Function], families: &Families<'_>) -> ast::Model {
    let span = formula.span;
    let ident = |name: &str| ast::Ident { name: name.to_string(), span };
    let number = |n: i64| ast::Expr { kind: ast::ExprKind::Number { value: n as f64, percent: false }, span };
    let sets: IndexSet<&str> = families.all_sets().collect();
    let ranges = sets.into_iter().filter_map(|set| Some((set, families.range(set)?)));
    // Index sets are told apart by their places; nothing is ever said about these.
    let place = |k: usize| Span { start: span.start.saturating_add(k as u32), ..span };
    let index = |(k, (set, (first, last))): (usize, (&str, (i64, i64)))| ast::IndexDecl {
        name: ast::Ident { name: set.to_string(), span: place(k) },
        range: ast::Range { from: number(first), to: Some(number(last)), span },
        periodic: false,
        spacing: None,
    };
    let input = |name: &str| ast::InputDecl {
        name: ident(name),
        axes: families.sets(name).iter().map(|set| ident(set)).collect(),
        unit: None,
        between: Between::Smooth,
    };
    let mut body: Vec<ModelItem> = functions.iter().cloned().map(ModelItem::Function).collect();
    body.push(ModelItem::Index(ranges.enumerate().map(index).collect()));
    body.push(ModelItem::Input(families.all().map(input).collect()));
    ast::Model { name: ident("columns"), doc: Vec::new(), body, units: Vec::new(), span }
}

/// Runs `each` for every element of the indices, whose numbers it is given; ends early at `false`.
fn over(
    r: &mut Resolver<'_, '_>,
    indices: &[Index],
    numbers: &mut Vec<i64>,
    each: &mut dyn FnMut(&mut Resolver<'_, '_>, &[i64]) -> bool,
) -> bool {
    let Some((first, rest)) = indices.split_first() else { return each(r, numbers) };
    let mut go_on = true;
    let axis = r.scope.axes.iter().position(|a| a.name == first.name.name);
    match axis {
        Some(axis) => r.at_each(&[axis], |r| {
            let position = r.at.get(axis).copied().flatten().unwrap_or(0);
            numbers.push(r.scope.axes[axis].first + position as i64);
            go_on = over(r, rest, numbers, each);
            numbers.pop();
            go_on
        }),
        None => {
            let done = r.for_each(&first.name, &first.range, |r| {
                numbers.push(r.loop_value(&first.name.name).unwrap_or(0));
                go_on = over(r, rest, numbers, each);
                numbers.pop();
                go_on
            });
            go_on &= done.is_some();
        }
    }
    go_on
}

/// A resolved formula with the states that it reads in the place of all.
fn of_states(mut value: Expr, r: &Resolver<'_, '_>) -> Derived {
    let mut read: IndexSet<InputId> = IndexSet::new();
    value.visit(&mut |e| {
        if let ExprKind::Input(i) = e.kind {
            read.insert(i);
        }
    });
    value.rewrite(&mut |e| {
        if let ExprKind::Input(i) = e.kind
            && let Some(at) = read.get_index_of(&i)
        {
            e.kind = ExprKind::Input(InputId::new(at));
        }
    });
    let columns = read.iter().map(|i| r.scope.inputs[*i].name.clone()).collect();
    Derived { columns, formula: value, conversion: Conversion { factor: 1.0, offset: 0.0 } }
}

/// Whether a formula reads a state and is no difference of a thing to itself.
fn varies(derived: &Derived) -> bool {
    match &derived.formula.kind {
        ExprKind::Binary(BinaryOp::Sub, a, b) => derived.spell_part(a) != derived.spell_part(b),
        _ => !derived.columns.is_empty(),
    }
}
