//! Solves in random programs.

use super::interval::Interval;
use super::program::Generator;
use crate::base::SolvePrecision;
use crate::ir::{SolveScheme, Type, UnaryOp, ValueId};
use rand::RngExt;

/// The parameters of the solves.
pub(super) struct Systems {
    scheme: SolveScheme,
    relaxed: [ValueId; 4],
    batched: bool,
    factor: ValueId,
    right: ValueId,
    mask: ValueId,
}

/// `u' + a u = rhs` of two coupled states with three derivatives kept, and a symmetric system of three unknowns.
pub(super) fn params(g: &mut Generator) -> Systems {
    let [sample, time, k, j, _] = [0, 1, 2, 3, 4].map(|i| g.axes[i].0);
    let mut axis = |name: &str, size: usize| g.b.module.axis(name, Some(size));
    let (state, order, equation, start, given) =
        (axis("state", 2), axis("order", 3), axis("equation", 2), axis("start", 1), axis("given", 2));
    let scheme = SolveScheme {
        time,
        state,
        order,
        equation,
        start,
        given,
        central: g.rng.random_bool(0.5),
        weights: [1.0, g.rng.random_range(1.0..3.0), g.rng.random_range(0.5..2.0)],
        slack: if g.rng.random_bool(0.3) { Some(g.rng.random_range(-0.5..0.5)) } else { None },
        precision: SolvePrecision::F64,
    };
    let batched = g.rng.random_bool(0.7);
    let mut axes = vec![equation, time, state, order];
    if batched {
        axes.insert(0, sample);
    }
    let steps = g.size(time);
    let mut at = 0;
    let c = g.param("c", Type::f64(axes), |g| {
        // Row-major over equation, time, state and order (and samples before them).
        let (k, d, e) = (at % 3, at / 3 % 2, at / (6 * steps) % 2);
        at += 1;
        let diagonal = if d == e && k == 1 { 1.0 } else { 0.0 };
        diagonal + 0.2 * g.rng.random_range(-1.0..1.0)
    });
    let rhs = g.param("rhs", Type::f64([equation, time]), |g| g.rng.random_range(-1.0..1.0));
    let iv_axes = if batched { vec![sample, start, state, given] } else { vec![start, state, given] };
    let iv = g.param("iv", Type::f64(iv_axes), |g| g.rng.random_range(-1.0..1.0));
    let h = g.param("h", Type::f64([]), |g| g.rng.random_range(0.6..1.0));
    let factor = g.param("factor", Type::f64([sample, k, j]), |g| g.rng.random_range(-1.0..1.0));
    let right = g.param("right", Type::f64([sample, k]), |g| g.rng.random_range(-1.0..1.0));
    let mask = g.param("mask", Type::f64([k]), |g| if g.rng.random_bool(0.7) { 1.0 } else { 0.0 });
    Systems { scheme, relaxed: [c, rhs, iv, h], batched, factor, right, mask }
}

/// The solves; what they give is brought into known bounds before anything else uses it.
pub(super) fn solves(g: &mut Generator, systems: &Systems) {
    let [sample, _, k, j, kk] = [0, 1, 2, 3, 4].map(|i| g.axes[i].0);
    let batch = if systems.batched { vec![sample] } else { Vec::new() };
    let u = g.b.solve(systems.scheme.clone(), systems.relaxed, &batch);
    g.b.name(u, "u");
    let values = g.b.index(u, systems.scheme.order, 0);
    let second = g.b.index(u, systems.scheme.order, 2);
    for v in [values, second] {
        let x = g.b.index(v, systems.scheme.state, 1);
        let bounded = g.b.unary(UnaryOp::Tanh, x);
        g.push(bounded, Interval::new(-1.0, 1.0));
    }
    // F F' + 1, positive definite.
    let renamed = g.b.reshape(systems.factor, &[sample, kk, j]);
    let mut n = g.b.contract(systems.factor, renamed, &[j], &[sample, k, kk]);
    let one = g.b.f64(1.0);
    for i in 0..g.size(k) {
        let row = g.b.place(one, k, i, 0);
        let cell = g.b.place(row, kk, i, 1);
        n = g.b.add(n, cell);
    }
    let x = g.b.spd_solve(n, systems.right, systems.mask);
    let bounded = g.b.unary(UnaryOp::Tanh, x);
    g.push(bounded, Interval::new(-1.0, 1.0));
}
