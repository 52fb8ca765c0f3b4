//! The invariants of a function; the typing rules are in `rules` and `solves`.

use super::super::{Function, InstId, Module, Op, Type, ValueDef, ValueId};
use super::{Rule, VerifyError, rules};
use crate::base::Idx;
use std::collections::HashSet;

pub(super) fn check(module: &Module, function: &Function, errors: &mut Vec<VerifyError>) {
    let mut found = Vec::new();
    for (id, value) in function.values.iter() {
        if let Some(rule) = bad_type(module, id, &value.ty) {
            found.push((None, rule));
        }
    }
    let mut defined = 0;
    for (i, &param) in function.params.iter().enumerate() {
        define(function, param, ValueDef::Param(i), &mut defined, None, &mut found);
    }
    for (id, inst) in function.insts.iter() {
        for &arg in &inst.args {
            if function.values.get(arg).is_none() {
                found.push((Some(id), Rule::NoSuchValue(arg)));
            } else if arg.index() >= defined {
                found.push((Some(id), Rule::UseBeforeDefinition(arg)));
            }
        }
        for (i, &result) in inst.results.iter().enumerate() {
            define(function, result, ValueDef::Inst(id, i), &mut defined, Some(id), &mut found);
        }
        found.extend(named_axes(&inst.op).into_iter().filter(|a| module.axes.get(*a).is_none()).map(|a| {
            let rule = Rule::NoSuchAxis(a.index());
            (Some(id), rule)
        }));
    }
    if defined < function.values.len() {
        found.push((None, Rule::Definition(ValueId::new(defined))));
    }
    let mut names = HashSet::new();
    for (name, value) in &function.results {
        if !names.insert(name.as_str()) {
            found.push((None, Rule::ResultNameTaken(name.clone())));
        }
        if function.values.get(*value).is_none() {
            found.push((None, Rule::NoSuchValue(*value)));
        }
    }
    // The typing rules look values and axes up without asking, so they wait until these exist.
    if found.is_empty() {
        for (id, inst) in function.insts.iter() {
            found.extend(rules::check(module, function, inst).into_iter().map(|rule| (Some(id), rule)));
        }
    }
    errors.extend(found.into_iter().map(|(inst, rule)| VerifyError {
        function: Some(function.name.clone()),
        inst,
        rule,
    }));
}

fn define(
    function: &Function,
    value: ValueId,
    def: ValueDef,
    defined: &mut usize,
    inst: Option<InstId>,
    found: &mut Vec<(Option<InstId>, Rule)>,
) {
    match function.values.get(value) {
        None => found.push((inst, Rule::NoSuchValue(value))),
        Some(data) if data.def != def || value.index() != *defined => found.push((inst, Rule::Definition(value))),
        Some(_) => {}
    }
    *defined += 1;
}

fn bad_type(module: &Module, id: ValueId, ty: &Type) -> Option<Rule> {
    if let Some(axis) = ty.axes.iter().find(|&&a| module.axes.get(a).is_none()) {
        return Some(Rule::NoSuchAxis(axis.index()));
    }
    let unique: HashSet<_> = ty.axes.iter().collect();
    (unique.len() < ty.axes.len()).then_some(Rule::RepeatedAxis(id))
}

fn named_axes(op: &Op) -> Vec<super::super::AxisId> {
    match op {
        Op::Sum(axes) | Op::Contract(axes) => axes.clone(),
        Op::Index { axis, .. } | Op::Place { axis, .. } | Op::Stack(axis) => vec![*axis],
        Op::Solve(s) | Op::SolveAdjoint(s) => vec![s.time, s.state, s.order, s.equation, s.start, s.given],
        _ => Vec::new(),
    }
}
