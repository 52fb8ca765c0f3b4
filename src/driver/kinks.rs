//! Parts of the equations that bend where states pass some value, as `max(h, 0)` does: no polynomial from sample to sample goes along with that.

use super::remarks::kept_parts;
use crate::hir::{BinaryOp, Expr, ExprKind, Model, Point, UnaryFn};
use crate::lower::pointwise::components;
use crate::train::joint::{JointFit, Observations};

/// A solution comes as near to a bend as it matters where its distance is less than this part of the largest.
const NEAR: f64 = 0.02;

/// A part of the equations that were found that bends where the solution passes or comes near; `result` has one estimate for every unknown.
pub fn visited(model: &Model, result: &JointFit, observations: &Observations) -> Option<String> {
    let mut bends: Vec<(String, Expr, Option<Expr>)> = Vec::new();
    for part in kept_parts(model, result) {
        part.visit(&mut |e| match &e.kind {
            ExprKind::Unary(UnaryFn::Abs, a) if a.has_state() => bends.push((model.spell(e), (**a).clone(), None)),
            ExprKind::Binary(BinaryOp::Max | BinaryOp::Min, a, b) if e.has_state() => {
                bends.push((model.spell(e), (**a).clone(), Some((**b).clone())))
            }
            _ => {}
        });
    }
    let points = if bends.is_empty() { Vec::new() } else { points(model, result, observations) };
    let is_near = |(_, a, b): &(String, Expr, Option<Expr>)| {
        let apart =
            points.iter().map(|at| a.eval(at) - b.as_ref().map_or(0.0, |b| b.eval(at))).filter(|d| d.is_finite());
        let all: Vec<f64> = apart.collect();
        let largest = all.iter().fold(0.0f64, |most, d| most.max(d.abs()));
        let passes = all.iter().any(|d| *d > 0.0) && all.iter().any(|d| *d < 0.0);
        largest > 0.0 && (passes || all.iter().any(|d| d.abs() < NEAR * largest))
    };
    bends.into_iter().find(is_near).map(|(said, ..)| said)
}

/// The solution at every sample.
fn points(model: &Model, result: &JointFit, observations: &Observations) -> Vec<Point> {
    let len = observations.t.len();
    let at = |of: &[f64], row: usize, t: usize| of.get(row * len + t).copied().unwrap_or(f64::NAN);
    let parts = components(model);
    let unknowns: Vec<f64> = result.estimates.iter().map(|e| e.value).collect();
    let state = |id, t| {
        let own = parts.iter().enumerate().filter(|(_, (of, _))| *of == id);
        own.map(|(c, _)| at(&result.x, c, t)).collect::<Vec<f64>>()
    };
    let of = |(t, time): (usize, &f64)| Point {
        time: *time,
        states: model.states.iter().map(|(id, _)| state(id, t)).collect(),
        inputs: (0..model.inputs.len()).map(|input| at(&observations.input, input, t)).collect(),
        unknowns: unknowns.clone(),
    };
    observations.t.iter().enumerate().map(of).collect()
}
