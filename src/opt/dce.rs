//! Dead code.

use crate::base::{Arena, Idx};
use crate::ir::{AxisId, Function, Inst, InstId, Module, Op, ValueData, ValueDef, ValueId};
use std::collections::{HashMap, HashSet};

/// Removes instructions of which no result is needed. Parameters stay, and so do reshapes that give an axis its size.
pub fn eliminate_dead(module: &Module, function: &mut Function) -> bool {
    let mut live = vec![false; function.values.len()];
    for (_, value) in &function.results {
        live[value.index()] = true;
    }
    let makers = makers(module, function);
    let mut needed = HashSet::new();
    let mut kept = vec![false; function.insts.len()];
    for (id, inst) in function.insts.iter().rev() {
        if needed.contains(&id) || inst.results.iter().any(|r| live[r.index()]) {
            kept[id.index()] = true;
            needed.extend(sizes_from(function, inst).iter().filter_map(|axis| makers.get(axis)).copied());
            for arg in &inst.args {
                live[arg.index()] = true;
            }
        }
    }
    if kept.iter().all(|&k| k) {
        return false;
    }
    let mut values: Arena<ValueId, ValueData> = Arena::new();
    let mut insts: Arena<InstId, Inst> = Arena::new();
    let mut map = vec![ValueId::new(0); function.values.len()];
    for &param in &function.params {
        map[param.index()] = values.push(function.values[param].clone());
    }
    for (id, inst) in function.insts.iter().filter(|(id, _)| kept[id.index()]) {
        let new = InstId::new(insts.len());
        let mut results = Vec::with_capacity(inst.results.len());
        for (i, result) in inst.results.iter().enumerate() {
            let data = ValueData { def: ValueDef::Inst(new, i), ..function.values[*result].clone() };
            map[result.index()] = values.push(data);
            results.push(map[result.index()]);
        }
        let args = function.insts[id].args.iter().map(|a| map[a.index()]).collect();
        insts.push(Inst { op: inst.op.clone(), args, results });
    }
    for (_, value) in &mut function.results {
        *value = map[value.index()];
    }
    function.values = values;
    function.insts = insts;
    true
}

/// The first reshape to every dynamic axis that no parameter has: what gives it its size.
fn makers(module: &Module, function: &Function) -> HashMap<AxisId, InstId> {
    let known: HashSet<AxisId> = function.params.iter().flat_map(|&p| function.ty(p).axes.iter().copied()).collect();
    let mut makers = HashMap::new();
    for (id, inst) in function.insts.iter().filter(|(_, inst)| inst.op == Op::Reshape) {
        for &axis in &function.ty(inst.results[0]).axes {
            if !known.contains(&axis) && module.axes.get(axis).is_some_and(|a| a.size.is_none()) {
                makers.entry(axis).or_insert(id);
            }
        }
    }
    makers
}

/// The axes whose sizes an instruction must be told. A reshape to one new axis finds its size itself.
fn sizes_from(function: &Function, inst: &Inst) -> Vec<AxisId> {
    if !matches!(inst.op, Op::Broadcast | Op::Reshape) {
        return Vec::new();
    }
    let operand = function.ty(inst.args[0]);
    let result = &function.ty(inst.results[0]).axes;
    let new: Vec<AxisId> = result.iter().copied().filter(|&a| operand.position(a).is_none()).collect();
    if inst.op == Op::Reshape && new.len() < 2 { Vec::new() } else { new }
}
