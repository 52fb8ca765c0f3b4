//! Functions that are evaluated at every time step on its own: the joint engine's linearisation and the explicit
//! right-hand side that simulation integrates.
//!
//! `linearise(jet: f64[slot, time], xi: f64[unknown], t: f64[time], input: f64[input, time]) -> entries: f64[entry, time]`
//! gives the residual of every equation and its derivatives with respect to every state derivative and every unknown, all
//! from reverse differentiation of the residual. Derivatives that are the same number at every step are not computed at
//! run time but stand in the [`Pattern`]; equal ones are stored once. Parameters of size zero are left out.
//!
//! `flow(y: f64[initial], xi: f64[unknown], t: f64[]) -> dy: f64[initial]` is the model as an explicit first-order system.

use super::{Leaves, LowerError, lower_expr};
use crate::base::{Elem, Idx, IndexMap};
use crate::hir::{Model, StateId};
use crate::ir::{Builder, Function, Module, Op, Type, ValueId};
use crate::{autodiff, opt};

/// The name of the linearisation among the module's functions.
pub const LINEARISE: &str = "linearise";
/// The name of the explicit right-hand side.
pub const FLOW: &str = "flow";

/// Where a number of the linearisation is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry {
    /// The same at every step.
    Constant(f64),
    /// Row of `entries`.
    Row(usize),
}

/// What the rows of `entries` mean.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Pattern {
    /// The slots of `jet`: state and derivative, 0 to the state's order, state by state.
    pub slots: Vec<(StateId, u8)>,
    /// Per equation: its residual (left minus right side).
    pub residual: Vec<Entry>,
    /// Per equation: slot and derivative of the residual; zeros are left out.
    pub by_slot: Vec<Vec<(usize, Entry)>>,
    /// Per equation: unknown and derivative of the residual; zeros are left out.
    pub by_unknown: Vec<Vec<(usize, Entry)>>,
    /// Rows of `entries`.
    pub rows: usize,
}

/// The slots of a model's jet: every derivative of every state up to its order.
pub fn slots(model: &Model) -> Vec<(StateId, u8)> {
    model.states.iter().flat_map(|(id, s)| (0..=s.order).map(move |k| (id, k))).collect()
}

/// Adds `linearise` to `module`; see the module documentation for its meaning.
pub fn linearise(module: &mut Module, model: &Model) -> Result<Pattern, LowerError> {
    let slots = slots(model);
    let time = module.axis("time", None);
    let slot_axis = module.axis("slot", Some(slots.len()));
    let mut b = Builder::new(module, LINEARISE);
    let jet = b.param("jet", Type::f64([slot_axis, time]));
    let xi = (!model.unknowns.is_empty()).then(|| {
        let axis = b.module.axis("unknown", Some(model.unknowns.len()));
        (axis, b.param("xi", Type::f64([axis])))
    });
    let t = b.param("t", Type::f64([time]));
    let input = (!model.inputs.is_empty()).then(|| {
        let axis = b.module.axis("input", Some(model.inputs.len()));
        (axis, b.param("input", Type::f64([axis, time])))
    });

    let mut leaves = Leaves { time: Some(t), ..Leaves::default() };
    for (i, &(state, k)) in slots.iter().enumerate() {
        let value = b.index(jet, slot_axis, i);
        b.name(value, format!("{}{}", model.states[state].name, "'".repeat(k.into())));
        leaves.states.insert((state, k), value);
    }
    if let Some((axis, xi)) = xi {
        for (i, unknown) in model.unknowns.iter() {
            // Repeated over time first, so that the adjoint is wanted per step and not summed over them.
            let scalar = b.index(xi, axis, i.index());
            let value = b.broadcast(scalar, &[time]);
            b.name(value, unknown.name.clone());
            leaves.unknowns.push(value);
        }
    }
    if let Some((axis, input)) = input {
        leaves.inputs = model.inputs.ids().map(|i| b.index(input, axis, i.index())).collect();
    }

    let one = b.f64(1.0);
    let one = b.broadcast(one, &[time]);
    let zero = b.f64(0.0);
    let wrt: Vec<ValueId> = leaves.states.values().chain(&leaves.unknowns).copied().collect();
    for equation in &model.equations {
        let residual = lower_expr(&mut b, &leaves, &equation.residual)?;
        let residual = b.broadcast(residual, &[time]);
        let adjoints = autodiff::reverse(&mut b, &[(residual, one)], &wrt)?;
        b.result("", residual);
        for adjoint in adjoints {
            b.result("", adjoint.unwrap_or(zero));
        }
    }
    let mut function = b.into_function()?;
    opt::optimize(module, &mut function);
    gather(module, model, function, slots)
}

/// Replaces the loose results, equation by equation, by one stack of the distinct ones that vary over time.
fn gather(
    module: &mut Module,
    model: &Model,
    mut function: Function,
    slots: Vec<(StateId, u8)>,
) -> Result<Pattern, LowerError> {
    let loose: Vec<ValueId> = std::mem::take(&mut function.results).into_iter().map(|(_, v)| v).collect();
    let mut rows: IndexMap<ValueId, usize> = IndexMap::new();
    let mut pattern = Pattern { slots, ..Pattern::default() };
    let per_equation = 1 + pattern.slots.len() + model.unknowns.len();
    for values in loose.chunks(per_equation) {
        let mut entries = values.iter().map(|&value| match constant(&function, value) {
            Some(x) => Entry::Constant(x),
            None => {
                let next = rows.len();
                Entry::Row(*rows.entry(value).or_insert(next))
            }
        });
        let is_zero = |e: &Entry| matches!(e, Entry::Constant(0.0));
        pattern.residual.extend(entries.next());
        let by_slot = entries.by_ref().take(pattern.slots.len()).enumerate().filter(|(_, e)| !is_zero(e)).collect();
        pattern.by_slot.push(by_slot);
        pattern.by_unknown.push(entries.enumerate().filter(|(_, e)| !is_zero(e)).collect());
    }
    pattern.rows = rows.len();
    let time = module.axis("time", None);
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

/// The number a value always is, looking through broadcasts.
fn constant(function: &Function, value: ValueId) -> Option<f64> {
    let (_, inst) = function.def(value)?;
    match (&inst.op, inst.args.as_slice()) {
        (Op::Const(x), _) => Some(*x),
        (Op::Broadcast, [a]) => constant(function, *a),
        _ => None,
    }
}

/// Adds `flow` to `module`: `y` holds every derivative below its state's order, state by state.
pub fn flow(module: &mut Module, model: &Model) -> Result<(), LowerError> {
    let lower: Vec<(StateId, u8)> =
        model.states.iter().flat_map(|(id, s)| (0..s.order).map(move |k| (id, k))).collect();
    let axis = module.axis("initial", Some(lower.len()));
    let mut b = Builder::new(module, FLOW);
    let y = b.param("y", Type::f64([axis]));
    let xi = (!model.unknowns.is_empty()).then(|| {
        let axis = b.module.axis("unknown", Some(model.unknowns.len()));
        (axis, b.param("xi", Type::f64([axis])))
    });
    let t = b.param("t", Type::f64([]));
    let mut leaves = Leaves { time: Some(t), ..Leaves::default() };
    for (i, &key) in lower.iter().enumerate() {
        let value = b.index(y, axis, i);
        leaves.states.insert(key, value);
    }
    if let Some((axis, xi)) = xi {
        leaves.unknowns = model.unknowns.ids().map(|i| b.index(xi, axis, i.index())).collect();
    }
    let mut tops: IndexMap<StateId, ValueId> = IndexMap::new();
    for equation in &model.equations {
        let implicit = || LowerError::Implicit { state: model.states[equation.state].name.clone() };
        let order = model.states[equation.state].order;
        let mut sum = match &equation.known {
            Some(known) => lower_expr(&mut b, &leaves, known).map_err(|_| implicit())?,
            None => b.constant(0.0, Elem::F64),
        };
        for term in &equation.unknowns {
            let factor = lower_expr(&mut b, &leaves, &term.factor).map_err(|_| implicit())?;
            let xi = *leaves.unknowns.get(term.unknown.index()).ok_or_else(implicit)?;
            let product = b.mul(xi, factor);
            sum = b.add(sum, product);
        }
        let mut top = None;
        for term in &equation.linear {
            let coefficient = lower_expr(&mut b, &leaves, &term.coefficient).map_err(|_| implicit())?;
            if (term.state, term.derivative) == (equation.state, order) {
                top = Some(coefficient);
                continue;
            }
            let value = *leaves.states.get(&(term.state, term.derivative)).ok_or_else(implicit)?;
            let product = b.mul(coefficient, value);
            sum = b.sub(sum, product);
        }
        let top = top.ok_or_else(implicit)?;
        let value = b.div(sum, top);
        tops.insert(equation.state, value);
    }
    let mut parts = Vec::with_capacity(lower.len());
    for &(state, k) in &lower {
        let next = if k + 1 == model.states[state].order { tops.get(&state) } else { leaves.states.get(&(state, k + 1)) };
        parts.push(*next.ok_or_else(|| LowerError::Leaf(format!("derivative {} of {state:?}", k + 1)))?);
    }
    let dy = b.stack(&parts, axis, 0);
    b.result("dy", dy);
    let mut function = b.into_function()?;
    opt::optimize(module, &mut function);
    module.functions.push(function);
    Ok(())
}
