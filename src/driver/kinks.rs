//! Parts of the equations that bend where states pass some value, as `max(h, 0)` does: no polynomial from sample to sample goes along with that.

use super::remarks::kept_parts;
use crate::hir::{BinaryOp, Expr, ExprKind, Model, Point, UnaryFn};
use crate::lower::pointwise::components;
use crate::train::joint::{Estimate, Observations};

/// A solution comes as near to a bend as it matters where its distance is less than this part of the largest.
const NEAR: f64 = 0.02;

/// A part of the equations that were found that bends where the solution `[component, sample]` passes or comes near; there is one estimate for every unknown.
pub fn visited(model: &Model, (estimates, x): (&[Estimate], &[f64]), observations: &Observations) -> Option<String> {
    let mut bends: Vec<(String, Expr, Option<Expr>)> = Vec::new();
    for part in kept_parts(model, estimates) {
        part.visit(&mut |e| match &e.kind {
            ExprKind::Unary(UnaryFn::Abs, a) if a.has_state() => bends.push((model.spell(e), (**a).clone(), None)),
            ExprKind::Binary(BinaryOp::Max | BinaryOp::Min, a, b) if e.has_state() => {
                bends.push((model.spell(e), (**a).clone(), Some((**b).clone())))
            }
            _ => {}
        });
    }
    let points = if bends.is_empty() { Vec::new() } else { points(model, (estimates, x), observations) };
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
fn points(model: &Model, (estimates, x): (&[Estimate], &[f64]), observations: &Observations) -> Vec<Point> {
    let len = observations.t.len();
    let at = |of: &[f64], row: usize, t: usize| of.get(row * len + t).copied().unwrap_or(f64::NAN);
    let parts = components(model);
    let unknowns: Vec<f64> = estimates.iter().map(|e| e.value).collect();
    let state = |id, t| {
        let own = parts.iter().enumerate().filter(|(_, (of, _))| *of == id);
        own.map(|(c, _)| at(x, c, t)).collect::<Vec<f64>>()
    };
    let of = |(t, time): (usize, &f64)| Point {
        time: *time,
        states: model.states.iter().map(|(id, _)| state(id, t)).collect(),
        inputs: (0..model.inputs.len()).map(|input| at(&observations.input, input, t)).collect(),
        unknowns: unknowns.clone(),
    };
    observations.t.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::visited;
    use crate::driver::Session;
    use crate::source::MemoryWorld;
    use crate::train::joint::{Estimate, Observations};

    #[test]
    fn a_part_that_bends_where_the_solution_passes_is_named() {
        let text = "model M { state h; param k; h' = 1 - k*sqrt(max(h, 0)) + min(h, 50) }";
        let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
        let program = session.check("m.mech", &[]).expect("a model").program;
        let model = program.models.values().next().expect("a model");
        let t: Vec<f64> = (0..5).map(f64::from).collect();
        let data = Observations { t, ..Observations::default() };
        let estimates = vec![Estimate { value: 1.0, std_error: 0.1, kept: true, at_bound: false }];
        for (x, named) in [
            ([3.0, 2.0, 1.0, 0.01, 0.0], Some("max(h, 0)")),
            ([3.0, 2.0, 1.0, -0.1, 1.0], Some("max(h, 0)")),
            ([3.0, 2.0, 1.0, 2.0, 3.0], None),
            ([40.0, 45.0, 49.0, 53.0, 60.0], Some("min(h, 50)")),
        ] {
            assert_eq!(visited(model, (&estimates, &x), &data).as_deref(), named, "{x:?}");
        }
    }
}
