//! The relaxed solves of a model as the compiler knows them, without any number of the data.

use super::plan::{Group, Plan};
use super::scope::highest_derivative;
use crate::artifact::{OutlineEntry, OutlineValue, SolveOutline};
use crate::hir::{Expr, ExprKind, Fit, Model, Point, StepSource};

/// The solves of a model over windows of `steps` steps, with derivatives up to `orders` kept (as many as a fit keeps by itself
/// where that is `None`), started and stepped as in `fit`: one for each set of systems with the same matrix.
pub fn outlines(model: &Model, steps: usize, orders: Option<usize>, fit: Option<&Fit>) -> Vec<SolveOutline> {
    let plan = Plan::new(model);
    let orders = highest_derivative(model, orders) + 1;
    plan.groups.iter().map(|group| outline(model, group, steps, orders, fit)).collect()
}

fn outline(model: &Model, group: &Group, steps: usize, orders: usize, fit: Option<&Fit>) -> SolveOutline {
    let names = |states: &[_]| states.iter().map(|&s| model.states[s].name.clone()).collect();
    SolveOutline {
        systems: group.members.iter().map(|m| names(&m.states)).collect(),
        responses: group.sources.len(),
        steps,
        orders,
        start: fit.map_or(1, Group::start),
        own_steps: fit.is_some_and(|f| matches!(f.step, StepSource::Output(_))),
        given: group.order.into(),
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
