//! Rebuilding a function instruction by instruction, with some of them replaced.

use crate::base::{Arena, Idx};
use crate::ir::{AxisId, BinaryOp, Function, Inst, InstId, Module, Op, Type, UnaryOp, ValueData, ValueDef, ValueId};

/// The new function under construction, as a rule sees it.
pub(super) struct Rewriter<'a> {
    pub module: &'a Module,
    new: Function,
    /// From values of the old function to values of the new one.
    map: Vec<ValueId>,
}

/// Rebuilds `function`. For every instruction with one result, `rule` is shown the instruction with its operands in the new
/// function and the type of its result; it may return the value that stands in its place.
pub(super) fn rewrite(
    module: &Module,
    function: &mut Function,
    mut rule: impl FnMut(&mut Rewriter, &Inst, &Type) -> Option<ValueId>,
) -> bool {
    let old = std::mem::take(function);
    let new = Function { name: old.name, ..Function::default() };
    let mut rewriter = Rewriter { module, new, map: Vec::with_capacity(old.values.len()) };
    for &param in &old.params {
        let id = rewriter.new.values.push(old.values[param].clone());
        rewriter.new.params.push(id);
        rewriter.map.push(id);
    }
    let mut changed = false;
    for inst in old.insts.values() {
        let args = inst.args.iter().map(|a| rewriter.map[a.index()]).collect();
        let inst = Inst { op: inst.op.clone(), args, results: inst.results.clone() };
        if let [result] = inst.results[..]
            && let Some(value) = rule(&mut rewriter, &inst, &old.values[result].ty)
        {
            changed = true;
            rewriter.inherit_name(value, &old.values[result].name);
            rewriter.map.push(value);
            continue;
        }
        rewriter.copy(inst, &old.values);
    }
    rewriter.new.results = old.results.iter().map(|(n, v)| (n.clone(), rewriter.map[v.index()])).collect();
    *function = rewriter.new;
    changed
}

impl Rewriter<'_> {
    /// The type of a value of the new function.
    pub fn ty(&self, value: ValueId) -> &Type {
        self.new.ty(value)
    }

    /// The instruction that defines a value of the new function.
    pub fn def(&self, value: ValueId) -> Option<&Inst> {
        self.new.def(value).map(|(_, inst)| inst)
    }

    /// The operand, when `value` is the unary function `op` of one.
    pub fn unary_of(&self, value: ValueId, op: UnaryOp) -> Option<ValueId> {
        self.def(value).filter(|i| i.op == Op::Unary(op)).map(|i| i.args[0])
    }

    /// The operand of the only operand `op` that defines `value`.
    pub fn operand_of(&self, value: ValueId, op: &Op) -> Option<ValueId> {
        self.def(value).filter(|i| i.op == *op).map(|i| i.args[0])
    }

    /// The number, when every element of `value` is known to be this number.
    pub fn splat(&self, value: ValueId) -> Option<f64> {
        let mut value = value;
        loop {
            let inst = self.def(value)?;
            match inst.op {
                Op::Const(x) => return Some(crate::ir::round_as(self.ty(value).elem, x)),
                Op::Broadcast => value = inst.args[0],
                _ => return None,
            }
        }
    }

    /// The value that an instruction with one result will define if it is the next to be appended.
    pub fn next_value(&self) -> ValueId {
        ValueId::new(self.new.values.len())
    }

    /// Appends an instruction with one result.
    pub fn emit(&mut self, op: Op, args: Vec<ValueId>, ty: Type) -> ValueId {
        let def = ValueDef::Inst(InstId::new(self.new.insts.len()), 0);
        let id = self.new.values.push(ValueData { ty, name: String::new(), def });
        self.new.insts.push(Inst { op, args, results: vec![id] });
        id
    }

    /// The number `x` at every position of a tensor of type `ty`.
    pub fn emit_splat(&mut self, x: f64, ty: &Type) -> ValueId {
        let scalar = Type { elem: ty.elem, axes: Vec::new() };
        let constant = self.emit(Op::Const(x), Vec::new(), scalar);
        self.emit_broadcast(constant, &ty.axes)
    }

    /// `value` repeated to `axes`; `value` itself when it has them.
    pub fn emit_broadcast(&mut self, value: ValueId, axes: &[AxisId]) -> ValueId {
        let elem = self.ty(value).elem;
        if self.ty(value).axes == axes {
            return value;
        }
        self.emit(Op::Broadcast, vec![value], Type { elem, axes: axes.to_vec() })
    }

    /// `-value`
    pub fn emit_neg(&mut self, value: ValueId) -> ValueId {
        let ty = self.ty(value).clone();
        self.emit(Op::Unary(UnaryOp::Neg), vec![value], ty)
    }

    /// `a op b` of operands of one type.
    pub fn emit_binary(&mut self, op: BinaryOp, a: ValueId, b: ValueId) -> ValueId {
        let ty = self.ty(a).clone();
        self.emit(Op::Binary(op), vec![a, b], ty)
    }

    /// Gives a value without a name the name of what it replaces.
    fn inherit_name(&mut self, value: ValueId, name: &str) {
        let data = &mut self.new.values[value];
        if data.name.is_empty() && matches!(data.def, ValueDef::Inst(..)) {
            data.name = name.to_string();
        }
    }

    fn copy(&mut self, inst: Inst, values: &Arena<ValueId, ValueData>) {
        let id = InstId::new(self.new.insts.len());
        let mut results = Vec::with_capacity(inst.results.len());
        for (i, &old) in inst.results.iter().enumerate() {
            let data = ValueData { def: ValueDef::Inst(id, i), ..values[old].clone() };
            let new = self.new.values.push(data);
            self.map.push(new);
            results.push(new);
        }
        self.new.insts.push(Inst { results, ..inst });
    }
}
