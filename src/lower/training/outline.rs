//! The relaxed solves of a model as the compiler knows them, without any number of the data.

use super::plan::{Group, Plan};
use super::scope::highest_derivative;
use crate::artifact::{OutlineEntry, OutlineValue, SolveOutline};
use crate::base::{Idx, IndexMap};
use crate::hir::{Expr, ExprKind, Fit, Model, Point, StepSource};

/// The solves of a model over windows of `steps` steps, with derivatives up to `orders` kept (as many as a fit keeps by itself
/// where that is `None`), started and stepped as in `fit`: one for each set of systems with the same matrix.
pub fn outlines(model: &Model, steps: usize, orders: Option<usize>, fit: Option<&Fit>) -> Vec<SolveOutline> {
    let plan = Plan::new(model, fit);
    let orders = highest_derivative(model, orders) + 1;
    plan.groups.iter().map(|group| outline(model, group, steps, orders, fit)).collect()
}

/// What stands for the slope of a term that is not linear in the states.
pub const LINEARISED: &str = "linearised";

/// One solve of all states of a model at once, with `orders` derivatives kept of each, as a solve item makes it: terms that are not
/// linear count with their slopes, which vary.
pub fn whole(model: &Model, steps: usize, orders: usize, central: bool, weights: [f64; 3]) -> SolveOutline {
    let mut terms: IndexMap<(usize, usize, u8), (Vec<&Expr>, bool)> = IndexMap::new();
    for (row, equation) in model.equations.iter().enumerate() {
        for term in &equation.linear {
            let entry = terms.entry((row, term.state.index(), term.derivative)).or_default();
            entry.0.push(&term.coefficient);
        }
        let parts = equation.known.iter().chain(equation.unknowns.iter().map(|u| &u.factor));
        parts.for_each(|part| {
            part.visit(&mut |e| {
                if let ExprKind::State(s, d) = e.kind {
                    terms.entry((row, s.index(), d)).or_default().1 = true;
                }
            });
        });
    }
    let entry = |((equation, state, derivative), (terms, slope)): ((usize, usize, u8), (Vec<&Expr>, bool))| {
        let value = if slope { OutlineValue::Varies(LINEARISED.to_string()) } else { value(model, &terms) };
        OutlineEntry { equation, state, derivative: derivative.into(), value }
    };
    SolveOutline {
        systems: vec![model.states.values().map(|s| s.name.clone()).collect()],
        responses: 0,
        steps,
        orders,
        own_steps: false,
        own_matrices: false,
        start: 0,
        given: 0,
        central,
        weights,
        entries: terms.into_iter().map(entry).collect(),
    }
}

fn outline(model: &Model, group: &Group, steps: usize, orders: usize, fit: Option<&Fit>) -> SolveOutline {
    let names = |states: &[_]| states.iter().map(|&s| model.states[s].name.clone()).collect();
    SolveOutline {
        systems: group.members.iter().map(|m| names(&m.states)).collect(),
        responses: group.sources.len(),
        steps,
        orders,
        start: group.given(model, fit).0,
        own_matrices: !group.fields.is_empty(),
        own_steps: fit.is_some_and(|f| matches!(f.step, StepSource::Output(_))),
        given: group.given(model, fit).1,
        central: Group::CENTRAL,
        weights: Group::WEIGHTS,
        entries: group
            .matrix
            .iter()
            .map(|(&(equation, state, derivative), terms)| OutlineEntry {
                equation,
                state,
                derivative: derivative.into(),
                value: value(model, terms),
            })
            .collect(),
    }
}

/// The sum of coefficients, which hold neither states nor unknowns.
fn value(model: &Model, terms: &[&Expr]) -> OutlineValue {
    let varies = |e: &&Expr| e.any(&mut |e| matches!(e.kind, ExprKind::Time | ExprKind::Input(_)));
    if terms.iter().any(varies) {
        let spelled: Vec<String> = terms.iter().map(|e| model.spell(e)).collect();
        return OutlineValue::Varies(spelled.join(" + "));
    }
    OutlineValue::Constant(terms.iter().map(|e| e.eval(&Point::default())).sum())
}
