//! The functions of the module.

use super::plan::Plan;
use super::scope::{Estimate, Purpose, Scope, uses};
use super::varying::Varying;
use super::{Coefficient, Lowered, Request, TrainingError};
use crate::artifact::training::{WeightSpec, names};
use crate::base::{Elem, Idx, Tensor};
use crate::hir::{BinaryOp, Expr, ExprKind, Model, UnknownId, UnknownTerm};
use crate::ir::{Builder, Module, Type, UnaryOp, ValueId};
use crate::lower::LowerError;
use crate::{autodiff, opt};

/// Lowers a fit by gradient training.
pub fn lower(request: Request) -> Result<Lowered, TrainingError> {
    let model = bound_known(&request);
    let request = Request { model: &model, ..request };
    let mut plan = Plan::new(request.model, Some(request.fit));
    let is_bound = |u: &UnknownId| request.fit.parameters.iter().any(|p| p.unknown == *u);
    plan.coefficients.retain(|u| !is_bound(u));
    plan.parameters.retain(|u| !is_bound(u));
    check(&request, &plan)?;
    let mut module = Module::new(request.model.name.clone());
    let (weights, constants) = step(&mut module, request, &plan)?;
    if !plan.coefficients.is_empty() {
        normal(&mut module, request, &plan)?;
    }
    evaluate(&mut module, request, &plan)?;
    adam(&mut module, names::ADAM_F32, Elem::F32)?;
    adam(&mut module, names::ADAM_F64, Elem::F64)?;
    let coefficients = plan.coefficients.iter().map(|&unknown| {
        let states =
            plan.groups.iter().flat_map(|g| &g.members).filter(|m| m.unknowns.iter().any(|(u, _)| *u == unknown));
        let states = states.flat_map(|m| m.states.iter().map(|s| s.index())).collect();
        Coefficient { unknown, states }
    });
    Ok(Lowered {
        coefficients: coefficients.collect(),
        parameters: plan.parameters.clone(),
        uses_time: uses(&plan, |k| matches!(k, ExprKind::Time)),
        uses_inputs: uses(&plan, |k| matches!(k, ExprKind::Input(i) if request.model.inputs[*i].field.is_none())),
        module,
        weights,
        constants,
    })
}

/// The model with the terms of unknowns that network outputs stand for among what is known.
fn bound_known(request: &Request) -> Model {
    let mut model = request.model.clone();
    for equation in &mut model.equations {
        let (bound, free): (Vec<UnknownTerm>, Vec<UnknownTerm>) = std::mem::take(&mut equation.unknowns)
            .into_iter()
            .partition(|t| request.fit.parameters.iter().any(|p| p.unknown == t.unknown));
        equation.unknowns = free;
        for UnknownTerm { unknown, factor } in bound {
            let span = factor.span;
            let of = |kind| Expr { kind, span };
            let unknown = of(ExprKind::Unknown(unknown));
            let term = of(ExprKind::Binary(BinaryOp::Mul, Box::new(unknown), Box::new(factor)));
            equation.known = Some(match equation.known.take() {
                Some(known) => of(ExprKind::Binary(BinaryOp::Add, Box::new(known), Box::new(term))),
                None => term,
            });
        }
    }
    model
}

/// What a model must be for this engine.
fn check(request: &Request, plan: &Plan) -> Result<(), TrainingError> {
    if request.fit.window < 2 {
        return Err(TrainingError::Window { window: request.fit.window });
    }
    let mut high = None;
    for expr in plan.expressions() {
        expr.visit(&mut |e| {
            if let ExprKind::State(s, k) = e.kind
                && k >= request.model.states[s].order
            {
                high = Some((s, k));
            }
        });
    }
    match high {
        Some((s, derivative)) => {
            Err(TrainingError::HighDerivative { state: request.model.states[s].name.clone(), derivative })
        }
        None => Ok(()),
    }
}

type Declared = (Vec<WeightSpec>, Vec<(String, Tensor)>);

fn step(module: &mut Module, request: Request, plan: &Plan) -> Result<Declared, TrainingError> {
    let mut b = Builder::new(module, names::STEP);
    let scope = Scope::open(&mut b, request, plan, Purpose::Step)?;
    let signals = scope.signals(&mut b)?;
    let parts = scope.parts(&mut b, &signals)?;
    let xi = scope.coefficients(&mut b, &parts);
    let loss = scope.objective(&mut b, &signals, &parts, xi).ok_or_else(|| LowerError::Leaf("the loss".into()))?;
    b.result(names::LOSS, loss.total);
    b.result(names::FIT_LOSS, loss.fit);
    b.result(names::CONSISTENCY_LOSS, loss.auxiliary);
    if let Some(xi) = xi {
        b.result(names::COEFFICIENTS, xi);
    }

    let mut wrt: Vec<(String, ValueId)> =
        scope.declared.weights.iter().map(|w| w.name.clone()).zip(scope.declared.values.iter().copied()).collect();
    if let Some((phi, _)) = scope.phi {
        wrt.push((names::PARAMETERS.into(), phi));
    }
    if let Estimate::Trained { xi, .. } = scope.estimate {
        wrt.push((names::COEFFICIENTS.into(), xi));
    }
    let one = b.f64(1.0);
    let values: Vec<ValueId> = wrt.iter().map(|(_, v)| *v).collect();
    let adjoints = autodiff::reverse(&mut b, &[(loss.total, one)], &values).map_err(LowerError::from)?;
    for ((name, value), adjoint) in wrt.into_iter().zip(adjoints) {
        let adjoint = adjoint.unwrap_or_else(|| {
            let Type { elem, axes } = b.ty(value).clone();
            let zero = b.constant(0.0, elem);
            b.broadcast(zero, &axes)
        });
        b.result(format!("{name}{}", names::ADJOINT), adjoint);
    }
    let declared = (scope.declared.weights, scope.constants);
    let function = b.into_function()?;
    keep(module, function);
    Ok(declared)
}

fn normal(module: &mut Module, request: Request, plan: &Plan) -> Result<(), TrainingError> {
    let mut b = Builder::new(module, names::NORMAL);
    let scope = Scope::open(&mut b, request, plan, Purpose::Normal)?;
    let signals = scope.signals(&mut b)?;
    let parts = scope.parts(&mut b, &signals)?;
    if let Some((n, r)) = scope.normal_equations(&mut b, &parts) {
        b.result(names::MATRIX, n);
        b.result(names::RHS, r);
    }
    let function = b.into_function()?;
    keep(module, function);
    Ok(())
}

fn evaluate(module: &mut Module, request: Request, plan: &Plan) -> Result<(), TrainingError> {
    let mut b = Builder::new(module, names::EVALUATE);
    let scope = Scope::open(&mut b, request, plan, Purpose::Evaluate)?;
    let signals = scope.signals(&mut b)?;
    let parts = scope.parts(&mut b, &signals)?;
    let xi = scope.coefficients(&mut b, &parts);
    let loss = scope.objective(&mut b, &signals, &parts, xi).ok_or_else(|| LowerError::Leaf("the loss".into()))?;
    b.result(names::LOSS, loss.total);
    b.result(names::FIT_LOSS, loss.fit);
    b.result(names::CONSISTENCY_LOSS, loss.auxiliary);
    let squares = scope.by_state(&mut b, &loss.squares, 0);
    b.result(names::SQUARES, squares);
    let u = scope.by_state(&mut b, &loss.solution, 2);
    b.result(names::SOLUTION, u);
    let v = scope.by_state(&mut b, &signals.auxiliaries, 2);
    b.result(names::AUXILIARIES, v);
    if !signals.bound.is_empty() {
        let axis = b.module.axis("bound", Some(signals.bound.len()));
        let all: Vec<ValueId> = signals.bound.values().copied().collect();
        let bound = b.stack(&all, axis, 1);
        b.result(names::BOUND, bound);
    }
    let (sample, time) = (scope.axes.sample, scope.axes.time);
    if !signals.fields.is_empty() {
        let axis = b.module.axis("field", Some(signals.fields.len()));
        let all: Vec<ValueId> = signals.fields.values().map(|&v| b.broadcast(v, &[sample, time])).collect();
        let fields = b.stack(&all, axis, 2);
        b.result(names::FIELDS, fields);
    }
    if Varying::has_steps(&scope.request) {
        let steps = b.broadcast(signals.steps.at, &[sample, time]);
        b.result(names::STEPS, steps);
    }
    let function = b.into_function()?;
    keep(module, function);
    Ok(())
}

/// Adam (Kingma and Ba, 2015, algorithm 1): `adam(w, m, s, g: [element]; rate, beta1, beta2, epsilon, correction1,
/// correction2: scalars) -> w, m, s`, with `correction_i = 1 - beta_i^t` at step t (from 1).
fn adam(module: &mut Module, name: &str, elem: Elem) -> Result<(), TrainingError> {
    let element = module.axis("element", None);
    let mut b = Builder::new(module, name);
    let vector = Type { elem, axes: vec![element] };
    let scalar = Type { elem, axes: Vec::new() };
    let [w, m, s, g] = ["w", "m", "s", "g"].map(|n| b.param(n, vector.clone()));
    let [rate, beta1, beta2, epsilon, correction1, correction2] =
        ["rate", "beta1", "beta2", "epsilon", "correction1", "correction2"].map(|n| b.param(n, scalar.clone()));
    let one = b.constant(1.0, elem);
    let mix = |b: &mut Builder, beta: ValueId, old: ValueId, new: ValueId| {
        let rest = b.sub(one, beta);
        let old = b.mul(beta, old);
        let new = b.mul(rest, new);
        b.add(old, new)
    };
    let m = mix(&mut b, beta1, m, g);
    let square = b.mul(g, g);
    let s = mix(&mut b, beta2, s, square);
    let mean = b.div(m, correction1);
    let spread = b.div(s, correction2);
    let root = b.unary(UnaryOp::Sqrt, spread);
    let below = b.add(root, epsilon);
    let direction = b.div(mean, below);
    let change = b.mul(rate, direction);
    let w = b.sub(w, change);
    b.result("w", w);
    b.result("m", m);
    b.result("s", s);
    let function = b.into_function()?;
    keep(module, function);
    Ok(())
}

fn keep(module: &mut Module, mut function: crate::ir::Function) {
    opt::optimize(module, &mut function);
    module.functions.push(function);
}
