//! Functions that are evaluated at every time on its own: the model as an explicit first-order system `x' = f(x, t, xi)`
//! and its linearisation. The joint engine evaluates them at all steps at once, simulation at one time.
//!
//! The components of `x` are the derivatives of every state below its order, state by state ([`components`]).
//!
//! - `field(x: f64[component, time], xi: f64[unknown], t: f64[time], input: f64[input, time]) -> f: f64[component, time]`
//! - `linearise(...same...) -> entries: f64[entry, time]`: `f` together with its derivatives by components and unknowns, from
//!   reverse differentiation. Numbers that are the same at every time are not computed at run time but stand in the
//!   [`Pattern`]; equal rows are stored once. Divisors that hold unknowns stand behind them.
//!
//! Parameters of size zero are left out.

use std::collections::BTreeSet;

use super::{Leaves, LowerError, lower_expr};
use crate::artifact::{Pattern, PatternEntry};
use crate::base::{Idx, IndexMap};
use crate::hir::{BinaryOp, Equation, Expr, ExprKind, Model, StateId};
use crate::ir::{AxisId, Builder, Function, Module, Op, Type, ValueId};
use crate::{autodiff, opt};

/// The name of the linearisation among the module's functions.
pub const LINEARISE: &str = "linearise";
/// The name of the right-hand side.
pub const FIELD: &str = "field";

/// The components of the first-order system: every derivative of every state below its order.
pub fn components(model: &Model) -> Vec<(StateId, u8)> {
    model.states.iter().flat_map(|(id, s)| (0..s.order).map(move |k| (id, k))).collect()
}

/// Adds `field` to `module`.
pub fn field(module: &mut Module, model: &Model) -> Result<(), LowerError> {
    let mut b = Builder::new(module, FIELD);
    let scope = Scope::open(&mut b, model);
    let f = scope.flow(&mut b, model)?;
    let stacked = b.stack(&f, scope.component, 0);
    b.result("f", stacked);
    let mut function = b.into_function()?;
    opt::optimize(module, &mut function);
    module.functions.push(function);
    Ok(())
}

/// Adds `linearise` to `module`.
pub fn linearise(module: &mut Module, model: &Model) -> Result<Pattern, LowerError> {
    let mut b = Builder::new(module, LINEARISE);
    let scope = Scope::open(&mut b, model);
    let f = scope.flow(&mut b, model)?;
    let one = b.f64(1.0);
    let one = b.broadcast(one, &[scope.time]);
    let zero = b.f64(0.0);
    let mut rows = Vec::with_capacity(f.len());
    for (i, &value) in f.iter().enumerate() {
        let row = scope.row(model, i);
        let wrt: Vec<ValueId> = row.components.iter().chain(&row.unknowns).map(|(_, v)| *v).collect();
        let adjoints = autodiff::reverse(&mut b, &[(value, one)], &wrt)?;
        b.result("", value);
        for adjoint in adjoints {
            b.result("", adjoint.unwrap_or(zero));
        }
        rows.push(row);
    }
    for divisor in scope.divisors(&mut b, model)? {
        b.result("", divisor);
    }
    let time = scope.time;
    let mut function = b.into_function()?;
    opt::optimize(module, &mut function);
    gather(module, &rows, function, time)
}

/// What one component's derivative can depend on: components and unknowns by index, each with its value.
struct Row {
    components: Vec<(usize, ValueId)>,
    unknowns: Vec<(usize, ValueId)>,
}

/// The parameters of a pointwise function.
struct Scope {
    time: AxisId,
    component: AxisId,
    leaves: Leaves,
}

impl Scope {
    fn open(b: &mut Builder, model: &Model) -> Scope {
        let components = components(model);
        let time = b.module.axis("time", None);
        let component = b.module.axis("component", Some(components.len()));
        let unknown = b.module.axis("unknown", Some(model.unknowns.len()));
        let inputs = b.module.axis("input", Some(model.inputs.len()));
        let x = b.param("x", Type::f64([component, time]));
        let xi = (!model.unknowns.is_empty()).then(|| b.param("xi", Type::f64([unknown])));
        let t = b.param("t", Type::f64([time]));
        let input = (!model.inputs.is_empty()).then(|| b.param("input", Type::f64([inputs, time])));

        let mut leaves = Leaves { time: Some(t), ..Leaves::default() };
        for (i, &(state, k)) in components.iter().enumerate() {
            let value = b.index(x, component, i);
            b.name(value, format!("{}{}", model.states[state].name, "'".repeat(k.into())));
            leaves.states.insert((state, k), value);
        }
        if let Some(xi) = xi {
            for (i, u) in model.unknowns.iter() {
                // Repeated over time first, so that the adjoint is wanted per step and not summed over them.
                let scalar = b.index(xi, unknown, i.index());
                let value = b.broadcast(scalar, &[time]);
                b.name(value, u.name.clone());
                leaves.unknowns.push(value);
            }
        }
        if let Some(input) = input {
            leaves.inputs = model.inputs.ids().map(|i| b.index(input, inputs, i.index())).collect();
        }
        Scope { time, component, leaves }
    }

    /// What the derivative of the component at position `i` depends on, in order.
    fn row(&self, model: &Model, i: usize) -> Row {
        let mut states: BTreeSet<usize> = BTreeSet::new();
        let mut unknowns: BTreeSet<usize> = BTreeSet::new();
        let place = |key: &(StateId, u8)| self.leaves.states.get_index_of(key);
        let Some((&(state, k), _)) = self.leaves.states.get_index(i) else {
            return Row { components: Vec::new(), unknowns: Vec::new() };
        };
        let equation = model.equations.get(state.index());
        match equation.filter(|_| k + 1 == model.states[state].order) {
            None => states.extend(place(&(state, k + 1))),
            Some(equation) => {
                let mut add = |e: &Expr| match e.kind {
                    ExprKind::State(s, d) => states.extend(place(&(s, d))),
                    ExprKind::Unknown(u) => {
                        unknowns.insert(u.index());
                    }
                    _ => {}
                };
                equation.known.iter().for_each(|e| e.visit(&mut add));
                equation.unknowns.iter().for_each(|t| t.factor.visit(&mut add));
                equation.linear.iter().for_each(|t| t.coefficient.visit(&mut add));
                unknowns.extend(equation.unknowns.iter().map(|t| t.unknown.index()));
                states.extend(equation.linear.iter().filter_map(|t| place(&(t.state, t.derivative))));
            }
        }
        let component = |j: usize| self.leaves.states.get_index(j).map(|(_, v)| (j, *v));
        let unknown = |j: usize| self.leaves.unknowns.get(j).map(|v| (j, *v));
        Row {
            components: states.into_iter().filter_map(component).collect(),
            unknowns: unknowns.into_iter().filter_map(unknown).collect(),
        }
    }

    /// The time derivative of every component.
    fn flow(&self, b: &mut Builder, model: &Model) -> Result<Vec<ValueId>, LowerError> {
        let mut tops: IndexMap<StateId, ValueId> = IndexMap::new();
        for equation in &model.equations {
            let top = self.highest_derivative(b, model, equation)?;
            tops.insert(equation.state, b.broadcast(top, &[self.time]));
        }
        components(model)
            .into_iter()
            .map(|(state, k)| {
                let next = if k + 1 == model.states[state].order {
                    tops.get(&state)
                } else {
                    self.leaves.states.get(&(state, k + 1))
                };
                next.copied().ok_or_else(|| LowerError::Leaf(format!("derivative {} of {state:?}", k + 1)))
            })
            .collect()
    }

    /// The divisors in the equations that hold unknowns.
    fn divisors(&self, b: &mut Builder, model: &Model) -> Result<Vec<ValueId>, LowerError> {
        let mut found: Vec<Expr> = Vec::new();
        let mut add = |e: &Expr| {
            if let ExprKind::Binary(BinaryOp::Div, _, below) = &e.kind
                && below.has_unknown()
                && !found.contains(below)
            {
                found.push(Expr::clone(below));
            }
        };
        for equation in &model.equations {
            equation.known.iter().for_each(|e| e.visit(&mut add));
            equation.unknowns.iter().for_each(|t| t.factor.visit(&mut add));
        }
        found.iter().map(|divisor| lower_expr(b, &self.leaves, divisor)).collect()
    }

    /// `(known + sum(unknown * factor) - other linear terms) / coefficient of the highest derivative`
    fn highest_derivative(&self, b: &mut Builder, model: &Model, equation: &Equation) -> Result<ValueId, LowerError> {
        let state = &model.states[equation.state];
        let implicit = || LowerError::Implicit { state: state.name.clone() };
        let mut sum = match &equation.known {
            Some(known) => lower_expr(b, &self.leaves, known).map_err(|_| implicit())?,
            None => b.f64(0.0),
        };
        for term in &equation.unknowns {
            let factor = lower_expr(b, &self.leaves, &term.factor).map_err(|_| implicit())?;
            let xi = *self.leaves.unknowns.get(term.unknown.index()).ok_or_else(implicit)?;
            let product = b.mul(xi, factor);
            sum = b.add(sum, product);
        }
        let mut top = None;
        for term in &equation.linear {
            let coefficient = lower_expr(b, &self.leaves, &term.coefficient)?;
            if (term.state, term.derivative) == (equation.state, state.order) {
                top = Some(coefficient);
                continue;
            }
            let value = *self.leaves.states.get(&(term.state, term.derivative)).ok_or_else(implicit)?;
            let product = b.mul(coefficient, value);
            sum = b.sub(sum, product);
        }
        Ok(b.div(sum, top.ok_or_else(implicit)?))
    }
}

/// Replaces the loose results, component by component, by one stack of the distinct ones that vary over time.
fn gather(module: &mut Module, layout: &[Row], mut function: Function, time: AxisId) -> Result<Pattern, LowerError> {
    let mut loose = std::mem::take(&mut function.results).into_iter().map(|(_, v)| v);
    let mut rows: IndexMap<ValueId, usize> = IndexMap::new();
    let mut pattern = Pattern::default();
    for row in layout {
        let mut entry = |value: ValueId| entry(&function, &mut rows, value);
        let nonzero = |(_, e): &(usize, PatternEntry)| !matches!(e, PatternEntry::Constant(0.0));
        pattern.value.extend(loose.next().map(&mut entry));
        let mut entries = |places: &[(usize, ValueId)]| -> Vec<(usize, PatternEntry)> {
            let values = loose.by_ref().take(places.len());
            places.iter().map(|(j, _)| *j).zip(values.map(&mut entry)).filter(nonzero).collect()
        };
        pattern.by_component.push(entries(&row.components));
        pattern.by_unknown.push(entries(&row.unknowns));
    }
    // Those of no row are the divisors.
    pattern.divisors = loose.map(|value| entry(&function, &mut rows, value)).collect();
    pattern.rows = rows.len();
    let entry = module.axis("entry", Some(rows.len()));
    let mut b = Builder::resume(module, function);
    if !rows.is_empty() {
        let parts: Vec<ValueId> = rows.keys().map(|&v| b.broadcast(v, &[time])).collect();
        let entries = b.stack(&parts, entry, 0);
        b.result("entries", entries);
    }
    let mut function = b.into_function()?;
    opt::optimize(module, &mut function);
    module.functions.push(function);
    Ok(pattern)
}

/// A number, or the row of a value, which is a new one where it is met for the first time.
fn entry(function: &Function, rows: &mut IndexMap<ValueId, usize>, value: ValueId) -> PatternEntry {
    match constant(function, value) {
        Some(x) => PatternEntry::Constant(x),
        None => {
            let next = rows.len();
            PatternEntry::Row(*rows.entry(value).or_insert(next))
        }
    }
}

/// The number a value always is, looking through broadcasts.
fn constant(function: &Function, value: ValueId) -> Option<f64> {
    let (_, inst) = function.def(value)?;
    match (&inst.op, inst.args.as_slice()) {
        (Op::Const(x), _) => Some(*x),
        (Op::Broadcast, [a]) => constant(function, *a),
        _ => None,
    }
}
