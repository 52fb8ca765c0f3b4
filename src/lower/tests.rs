//! Lowered models against the tree evaluator of the typed model.

use super::pointwise;
use crate::artifact::{Pattern, PatternEntry};
use crate::base::{Idx, Tensor};
use crate::diagnostics::Sink;
use crate::hir::{Model, Point};
use crate::interp;
use crate::ir::{self, Module};
use crate::source::{MemoryWorld, Sources};
use crate::{sema, syntax};

/// The first model of a source.
fn model(text: &str) -> Model {
    let mut sources = Sources::default();
    let file = sources.add("test.mech", text);
    let mut sink = Sink::new();
    let tree = syntax::parse(file, text, &mut sink);
    let program = sema::analyze(&tree, &MemoryWorld::new(), &[], &mut sources, &mut sink);
    let program = program.unwrap_or_else(|| panic!("{:?}", sink.into_sorted()));
    program.models.values().next().expect("a model").clone()
}

const LORENZ: &str = "model Lorenz { state x, y, z; (x, y, z)' = ?poly(x, y, z; degree = 2) }";
const MIXED: &str = "model Mixed {
  state u, w order 2
  param k = 0.7, c in [0, 3]
  const g = 9.81
  u' = -c*u/(k + u^2) + sin(2*t) + ?terms(u, w, u*w)
  2*w'' + 0.1*w' + g*w = tanh(u) + ?linear(1, w')
}";

#[test]
fn the_field_and_its_derivatives_agree_with_the_typed_model() {
    for text in [LORENZ, MIXED] {
        let model = model(text);
        check(&model);
    }
}

/// Evaluates `field` and `linearise` in the reference evaluator, and compares f with the residual of the typed model (zero
/// when the highest derivative is f) and the derivatives with fourth-order differences of f.
fn check(model: &Model) {
    let mut module = Module::new(model.name.clone());
    pointwise::field(&mut module, model).expect("lowers");
    let pattern = pointwise::linearise(&mut module, model).expect("lowers");
    ir::verify(&module).expect("is well formed");
    let components = pointwise::components(model);
    let (n, p, len) = (components.len(), model.unknowns.len(), 3);
    let x: Vec<f64> = (0..n * len).map(|i| 0.3 + 0.17 * (i as f64) - 0.01 * (i * i) as f64).collect();
    let xi: Vec<f64> = (0..p).map(|i| 0.9 - 0.05 * i as f64).collect();
    let t = vec![0.1, 0.2, 0.35];
    let f = field(&module, &x, &xi, &t);

    for (at, t) in t.iter().enumerate() {
        for equation in &model.equations {
            let states = model.states.values().map(|s| vec![0.0; usize::from(s.order) + 1]).collect();
            let mut point = Point { time: *t, unknowns: xi.clone(), states, ..Point::default() };
            for (i, &(state, k)) in components.iter().enumerate() {
                point.states[state.index()][usize::from(k)] = x[i * len + at];
                if k + 1 == model.states[state].order {
                    point.states[state.index()][usize::from(k + 1)] = f[i * len + at];
                }
            }
            let residual = equation.residual.eval(&point);
            assert!(residual.abs() < 1e-12, "{}: residual {residual}", model.name);
        }
    }

    let entries = linearise(&module, &x, &xi, &t);
    let read = |e: PatternEntry, at: usize| match e {
        PatternEntry::Constant(c) => c,
        PatternEntry::Row(r) => entries[r * len + at],
    };
    let lookup = |list: &[(usize, PatternEntry)], j: usize, at: usize| {
        list.iter().find(|(k, _)| *k == j).map_or(0.0, |(_, e)| read(*e, at))
    };
    for i in 0..n {
        for at in 0..len {
            assert_eq!(read(pattern.value[i], at), f[i * len + at]);
            for j in 0..n {
                let slope = difference(|d| {
                    let mut x = x.clone();
                    x[j * len + at] += d;
                    field(&module, &x, &xi, &t)[i * len + at]
                });
                close(lookup(&pattern.by_component[i], j, at), slope, &model.name);
            }
            for j in 0..p {
                let slope = difference(|d| {
                    let mut xi = xi.clone();
                    xi[j] += d;
                    field(&module, &x, &xi, &t)[i * len + at]
                });
                close(lookup(&pattern.by_unknown[i], j, at), slope, &model.name);
            }
        }
    }
}

fn close(a: f64, b: f64, name: &str) {
    assert!((a - b).abs() < 1e-8 * (1.0 + b.abs()), "{name}: {a} is not {b}");
}

fn difference(f: impl Fn(f64) -> f64) -> f64 {
    let h = 1e-3;
    (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
}

fn call(module: &Module, name: &str, x: &[f64], xi: &[f64], t: &[f64]) -> Vec<f64> {
    let n = x.len() / t.len();
    let mut args = vec![Tensor::from_f64(vec![n, t.len()], x.to_vec()).expect("shape")];
    if !xi.is_empty() {
        args.push(Tensor::from_f64(vec![xi.len()], xi.to_vec()).expect("shape"));
    }
    args.push(Tensor::from_f64(vec![t.len()], t.to_vec()).expect("shape"));
    interp::run(module, name, &args).expect("runs").remove(0).to_f64()
}

fn field(module: &Module, x: &[f64], xi: &[f64], t: &[f64]) -> Vec<f64> {
    call(module, pointwise::FIELD, x, xi, t)
}

fn linearise(module: &Module, x: &[f64], xi: &[f64], t: &[f64]) -> Vec<f64> {
    call(module, pointwise::LINEARISE, x, xi, t)
}

#[test]
fn equal_and_constant_derivatives_are_stored_once() {
    let model = model(LORENZ);
    let mut module = Module::new("Lorenz");
    let pattern: Pattern = pointwise::linearise(&mut module, &model).expect("lowers");
    // The ten terms are shared by the three equations; the constant term is no row; f and its Jacobian are 3 + 9 rows.
    assert_eq!(pattern.rows, 3 + 9 + 9);
    let unknown = |c: usize, k: usize| pattern.by_unknown[c].iter().find(|(j, _)| *j == k).map(|(_, e)| *e);
    assert_eq!(unknown(0, 0), Some(PatternEntry::Constant(1.0)));
    assert_eq!(unknown(0, 4), unknown(1, 14));
}
