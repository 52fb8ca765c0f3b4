//! Appends instructions to a function and infers their types.

use super::{
    AxisId, BinaryOp, CmpOp, Function, Inst, Module, Op, SolveScheme, Type, UnaryOp, ValueData, ValueDef, ValueId,
};
use crate::base::{Elem, Idx};

/// Builds one function of a module. The methods broadcast scalars and equal-subsequence operands on their own, so that
/// `mul(a, b)` of `f64[]` and `f64[time]` does what it says; anything else that does not fit is a [`BuildError`].
///
/// Lowering only makes well-typed programs, so errors are collected, not returned one by one: a bad call yields a poisoned
/// constant and [`Builder::finish`] reports the first error.
pub struct Builder<'m> {
    /// The module whose axes are used.
    pub module: &'m mut Module,
    function: Function,
    error: Option<BuildError>,
}

/// An instruction whose operands do not fit: a mistake of the compiler, never of its user.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("in `{function}`: {what}")]
pub struct BuildError {
    /// The function being built.
    pub function: String,
    /// What does not fit.
    pub what: String,
}

impl<'m> Builder<'m> {
    /// Starts a function.
    pub fn new(module: &'m mut Module, name: impl Into<String>) -> Self {
        Builder { module, function: Function { name: name.into(), ..Function::default() }, error: None }
    }

    /// Goes on with a function that has instructions already (its results are kept).
    pub fn resume(module: &'m mut Module, function: Function) -> Self {
        Builder { module, function, error: None }
    }

    /// The function as it stands.
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// The type of a value.
    pub fn ty(&self, value: ValueId) -> &Type {
        self.function.ty(value)
    }

    /// Adds a parameter; parameters come before instructions.
    pub fn param(&mut self, name: impl Into<String>, ty: Type) -> ValueId {
        if !self.function.insts.is_empty() {
            self.fail("a parameter after an instruction");
        }
        let def = ValueDef::Param(self.function.params.len());
        let id = self.function.values.push(ValueData { ty, name: name.into(), def });
        self.function.params.push(id);
        id
    }

    /// Names a result of the function.
    pub fn result(&mut self, name: impl Into<String>, value: ValueId) {
        self.function.results.push((name.into(), value));
    }

    /// Gives a value a name for people.
    pub fn name(&mut self, value: ValueId, name: impl Into<String>) {
        self.function.values[value].name = name.into();
    }

    /// Ends the function and adds it to the module.
    pub fn finish(self) -> Result<(), BuildError> {
        let (module, function) = self.into_parts()?;
        module.functions.push(function);
        Ok(())
    }

    /// Ends the function without adding it to the module.
    pub fn into_function(self) -> Result<Function, BuildError> {
        self.into_parts().map(|(_, f)| f)
    }

    fn into_parts(self) -> Result<(&'m mut Module, Function), BuildError> {
        match self.error {
            Some(e) => Err(e),
            None => Ok((self.module, self.function)),
        }
    }

    fn fail(&mut self, what: impl Into<String>) {
        if self.error.is_none() {
            self.error = Some(BuildError { function: self.function.name.clone(), what: what.into() });
        }
    }

    fn poison(&mut self, what: impl Into<String>) -> ValueId {
        self.fail(what);
        self.constant(0.0, Elem::F64)
    }

    /// Appends any instruction with the result types given; nothing is checked here (the verifier does).
    pub fn inst(&mut self, op: Op, args: Vec<ValueId>, types: Vec<Type>) -> Vec<ValueId> {
        let inst = super::InstId::new(self.function.insts.len());
        let results: Vec<ValueId> = types
            .into_iter()
            .enumerate()
            .map(|(i, ty)| {
                let def = ValueDef::Inst(inst, i);
                self.function.values.push(ValueData { ty, name: String::new(), def })
            })
            .collect();
        self.function.insts.push(Inst { op, args, results: results.clone() });
        results
    }

    fn one(&mut self, op: Op, args: Vec<ValueId>, ty: Type) -> ValueId {
        let inst = super::InstId::new(self.function.insts.len());
        let id = self.function.values.push(ValueData { ty, name: String::new(), def: ValueDef::Inst(inst, 0) });
        self.function.insts.push(Inst { op, args, results: vec![id] });
        id
    }

    /// A scalar.
    pub fn constant(&mut self, value: f64, elem: Elem) -> ValueId {
        self.one(Op::Const(value), Vec::new(), Type { elem, axes: Vec::new() })
    }

    /// A double-precision scalar.
    pub fn f64(&mut self, value: f64) -> ValueId {
        self.constant(value, Elem::F64)
    }

    /// `op(a)`
    pub fn unary(&mut self, op: UnaryOp, a: ValueId) -> ValueId {
        let ty = self.ty(a).clone();
        self.one(Op::Unary(op), vec![a], ty)
    }

    /// `a` to the whole power `n`.
    pub fn powi(&mut self, a: ValueId, n: i32) -> ValueId {
        let ty = self.ty(a).clone();
        self.one(Op::Powi(n), vec![a], ty)
    }

    /// `a op b`, with one of them broadcast to the other's axes where its axes are a subsequence of them.
    pub fn binary(&mut self, op: BinaryOp, a: ValueId, b: ValueId) -> ValueId {
        let values = self.unify(&[a, b]);
        let ty = self.ty(values[0]).clone();
        self.one(Op::Binary(op), values, ty)
    }

    /// `a + b`
    pub fn add(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(BinaryOp::Add, a, b)
    }

    /// `a - b`
    pub fn sub(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(BinaryOp::Sub, a, b)
    }

    /// `a * b`
    pub fn mul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(BinaryOp::Mul, a, b)
    }

    /// `a / b`
    pub fn div(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.binary(BinaryOp::Div, a, b)
    }

    /// `-a`
    pub fn neg(&mut self, a: ValueId) -> ValueId {
        self.unary(UnaryOp::Neg, a)
    }

    /// `cmp(a, b) ? x : y`
    pub fn select(&mut self, cmp: CmpOp, a: ValueId, b: ValueId, x: ValueId, y: ValueId) -> ValueId {
        let values = self.unify(&[a, b, x, y]);
        let ty = self.ty(values[0]).clone();
        self.one(Op::Select(cmp), values, ty)
    }

    fn unify(&mut self, values: &[ValueId]) -> Vec<ValueId> {
        let widest = values.iter().copied().max_by_key(|&v| self.ty(v).axes.len());
        let Some(ty) = widest.map(|v| self.ty(v).clone()) else { return Vec::new() };
        values.iter().map(|&v| self.broadcast(v, &ty.axes)).collect()
    }

    /// `a` repeated to `axes`, of which its own axes must be a subsequence; `a` itself when they are the same.
    pub fn broadcast(&mut self, a: ValueId, axes: &[AxisId]) -> ValueId {
        let ty = self.ty(a).clone();
        if ty.axes == axes {
            return a;
        }
        let mut wanted = axes.iter();
        if !ty.axes.iter().all(|a| wanted.any(|w| w == a)) {
            return self.poison(format!("cannot broadcast {:?} to {axes:?}", ty.axes));
        }
        self.one(Op::Broadcast, vec![a], Type { elem: ty.elem, axes: axes.to_vec() })
    }

    /// `a` in another number type; `a` itself when it has that type.
    pub fn convert(&mut self, a: ValueId, elem: Elem) -> ValueId {
        let ty = self.ty(a).clone();
        if ty.elem == elem {
            return a;
        }
        self.one(Op::Convert, vec![a], Type { elem, axes: ty.axes })
    }

    /// `a` with its axes in the order given.
    pub fn transpose(&mut self, a: ValueId, axes: &[AxisId]) -> ValueId {
        let ty = self.ty(a).clone();
        if ty.axes == axes {
            return a;
        }
        self.one(Op::Transpose, vec![a], Type { elem: ty.elem, axes: axes.to_vec() })
    }

    /// The numbers of `a` under other axes of the same total size.
    pub fn reshape(&mut self, a: ValueId, axes: &[AxisId]) -> ValueId {
        let elem = self.ty(a).elem;
        self.one(Op::Reshape, vec![a], Type { elem, axes: axes.to_vec() })
    }

    /// Sum of `a` over `axes`.
    pub fn sum(&mut self, a: ValueId, axes: &[AxisId]) -> ValueId {
        if axes.is_empty() {
            return a;
        }
        let mut ty = self.ty(a).clone();
        ty.axes.retain(|x| !axes.contains(x));
        self.one(Op::Sum(axes.to_vec()), vec![a], ty)
    }

    /// The part of `a` at position `at` of `axis`.
    pub fn index(&mut self, a: ValueId, axis: AxisId, at: usize) -> ValueId {
        let ty = self.ty(a).without(axis);
        self.one(Op::Index { axis, at }, vec![a], ty)
    }

    /// `parts` (broadcast to one another) side by side along `axis`, which becomes axis number `position` of the result.
    pub fn stack(&mut self, parts: &[ValueId], axis: AxisId, position: usize) -> ValueId {
        let parts = self.unify(parts);
        let Some(&first) = parts.first() else { return self.poison("a stack of nothing") };
        let mut ty = self.ty(first).clone();
        if position > ty.axes.len() {
            return self.poison("a stack at a position that does not exist");
        }
        ty.axes.insert(position, axis);
        self.one(Op::Stack(axis), parts, ty)
    }

    /// Zero but at position `at` of the new `axis`, which becomes axis number `position`.
    pub fn place(&mut self, a: ValueId, axis: AxisId, at: usize, position: usize) -> ValueId {
        let mut ty = self.ty(a).clone();
        if position > ty.axes.len() {
            return self.poison("a place at a position that does not exist");
        }
        ty.axes.insert(position, axis);
        self.one(Op::Place { axis, at }, vec![a], ty)
    }

    /// Sum over `over` of the products of `a` and `b`, with the result's axes in the order `axes`.
    pub fn contract(&mut self, a: ValueId, b: ValueId, over: &[AxisId], axes: &[AxisId]) -> ValueId {
        let elem = self.ty(a).elem;
        self.one(Op::Contract(over.to_vec()), vec![a, b], Type { elem, axes: axes.to_vec() })
    }

    /// The relaxed solve; `batch` are the result's batch axes in order.
    pub fn solve(&mut self, scheme: SolveScheme, args: [ValueId; 4], batch: &[AxisId]) -> ValueId {
        let mut axes = batch.to_vec();
        axes.extend([scheme.time, scheme.state, scheme.order]);
        self.one(Op::Solve(scheme), args.to_vec(), Type::f64(axes))
    }

    /// Masked symmetric positive definite solve of `n x = r`; the result has the type of `r`.
    pub fn spd_solve(&mut self, n: ValueId, r: ValueId, mask: ValueId) -> ValueId {
        let ty = self.ty(r).clone();
        self.one(Op::SpdSolve, vec![n, r, mask], ty)
    }
}
