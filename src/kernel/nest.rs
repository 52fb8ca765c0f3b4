//! Builds the body of one loop nest: evaluates values symbolically at the loops' indices.

use super::plan::{Class, Plan};
use super::{Access, Accumulate, NestInst, NestValue, ScalarOp, Store};
use crate::artifact::{BufferIndex, Size};
use crate::base::{Arena, Elem, Idx};
use crate::ir::{AxisId, BinaryOp, CmpOp, Op, UnaryOp, ValueId, powi_as, round_as};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Where along one axis: at a position, or at a loop's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum At {
    /// A position.
    Position(usize),
    /// The index of a loop.
    Loop(usize),
}

/// A nest in the making.
pub(super) struct NestBuilder {
    /// The axes of the loops, outermost first.
    pub loops: Vec<AxisId>,
    /// Instructions.
    pub insts: Arena<NestValue, NestInst>,
    /// Stores.
    pub stores: Vec<Store>,
    /// Sums.
    pub sums: Vec<Accumulate>,
    /// Stored values computed here: their later uses in this nest take the scalar, not the memory.
    own: BTreeSet<ValueId>,
    /// Values computed here.
    pub computed: BTreeSet<ValueId>,
    known: HashMap<(ValueId, Vec<At>), NestValue>,
    scalars: HashMap<Vec<u64>, NestValue>,
    loads: HashMap<Access, NestValue>,
}

/// What all nests of a function need to know.
pub(super) struct Context<'p, 'a> {
    /// Classes and axes.
    pub plan: &'p Plan<'a>,
    /// The buffer of each storage.
    pub buffers: &'p BTreeMap<ValueId, BufferIndex>,
}

impl NestBuilder {
    /// A nest without a body.
    pub fn new(loops: Vec<AxisId>) -> Self {
        NestBuilder {
            loops,
            insts: Arena::new(),
            stores: Vec::new(),
            sums: Vec::new(),
            own: BTreeSet::new(),
            computed: BTreeSet::new(),
            known: HashMap::new(),
            scalars: HashMap::new(),
            loads: HashMap::new(),
        }
    }

    /// The loops that computing `value` into memory needs.
    pub fn loops_of(plan: &Plan<'_>, value: ValueId) -> Vec<AxisId> {
        let mut axes = match plan.def(value) {
            Some((Op::Sum(_), args)) if plan.class(value) == Class::Summed => plan.function.ty(args[0]).axes.clone(),
            Some((Op::Contract(over), args)) if plan.class(value) == Class::Summed => {
                let result = &plan.function.ty(value).axes;
                let sum_first = args.iter().all(|&a| {
                    plan.function
                        .ty(a)
                        .axes
                        .first()
                        .is_some_and(|first| over.contains(first) && !result.contains(first))
                });
                if sum_first {
                    over.iter().chain(result).copied().collect()
                } else {
                    result.iter().chain(over).copied().collect()
                }
            }
            _ => plan.function.ty(value).axes.clone(),
        };
        let unrolled = plan.unrolled(value);
        axes.retain(|a| !unrolled.contains(a));
        axes
    }

    /// Computes `value`, which is stored or summed, into its buffer.
    pub fn output(&mut self, cx: &Context<'_, '_>, value: ValueId, buffer: BufferIndex) {
        if cx.plan.class(value) == Class::Stored {
            self.own.insert(value);
        }
        self.write(cx, value, buffer);
    }

    /// Copies `value`, which has memory, into another buffer.
    pub fn copy(&mut self, cx: &Context<'_, '_>, value: ValueId, buffer: BufferIndex) {
        self.write(cx, value, buffer);
    }

    fn write(&mut self, cx: &Context<'_, '_>, value: ValueId, buffer: BufferIndex) {
        let axes = cx.plan.function.ty(value).axes.clone();
        let strides = cx.plan.axes.strides(cx.plan.function.ty(value));
        for at in self.positions(cx, &axes) {
            let access = self.access(buffer, &at, &strides);
            if cx.plan.class(value) == Class::Summed {
                self.sum_into(cx, value, &axes, &at, access);
            } else {
                let scalar = self.eval(cx, value, &at);
                self.stores.push(Store { access, value: scalar });
            }
        }
    }

    fn sum_into(&mut self, cx: &Context<'_, '_>, value: ValueId, axes: &[AxisId], at: &[At], access: Access) {
        let Some((Op::Sum(over) | Op::Contract(over), _)) = cx.plan.def(value) else { return };
        self.computed.insert(value);
        let positions = self.positions(cx, over);
        let total = self.sum_of_terms(cx, value, axes, at, positions);
        let summed: Vec<bool> = self.loops.iter().map(|a| over.contains(a)).collect();
        if summed.iter().any(|&s| s) {
            self.sums.push(Accumulate { access, value: total, over: summed });
        } else {
            self.stores.push(Store { access, value: total });
        }
    }

    /// The terms of a sum or contraction at `at`, added up over the combinations of indices of the axes summed over.
    fn sum_of_terms(
        &mut self,
        cx: &Context<'_, '_>,
        value: ValueId,
        axes: &[AxisId],
        at: &[At],
        combinations: Vec<Vec<At>>,
    ) -> NestValue {
        let Some((op @ (Op::Sum(over) | Op::Contract(over)), args)) = cx.plan.def(value) else {
            return self.zero(Elem::F64);
        };
        let elem = cx.plan.function.ty(value).elem;
        let mut total = None;
        for positions in combinations {
            let find = |axis: &AxisId| {
                let inner = over.iter().position(|a| a == axis).map(|i| positions[i]);
                inner.or_else(|| axes.iter().position(|a| a == axis).map(|i| at[i])).unwrap_or(At::Position(0))
            };
            let mut factors = Vec::new();
            for &arg in args {
                let at: Vec<At> = cx.plan.function.ty(arg).axes.iter().map(find).collect();
                factors.push(self.eval(cx, arg, &at));
            }
            let term = match (op, factors.as_slice()) {
                (Op::Contract(_), &[a, b]) => self.binary(BinaryOp::Mul, elem, a, b),
                (_, &[a, ..]) => a,
                _ => self.zero(elem),
            };
            total = Some(match total {
                None => term,
                Some(t) => self.binary(BinaryOp::Add, elem, t, term),
            });
        }
        total.unwrap_or_else(|| self.zero(elem))
    }

    /// Every combination of positions of the axes that are no loops here, the others at their loops' indices.
    fn positions(&self, cx: &Context<'_, '_>, axes: &[AxisId]) -> Vec<Vec<At>> {
        combinations(axes, |axis| match self.loops.iter().position(|&a| a == axis) {
            Some(l) => vec![At::Loop(l)],
            None => (0..size(cx, axis)).map(At::Position).collect(),
        })
    }

    fn access(&self, buffer: BufferIndex, at: &[At], strides: &[Size]) -> Access {
        let mut access = Access { buffer, offset: 0, offsets: Vec::new(), strides: vec![Size::ZERO; self.loops.len()] };
        for (at, stride) in at.iter().zip(strides) {
            match *at {
                At::Loop(l) => access.strides[l] = stride.clone(),
                At::Position(0) => {}
                At::Position(k) => {
                    let part = stride.times(&Size::constant(k as u64));
                    match part.known() {
                        Some(n) => access.offset = access.offset.saturating_add(n),
                        None => access.offsets.push(part),
                    }
                }
            }
        }
        access.offsets.sort();
        access
    }

    fn eval(&mut self, cx: &Context<'_, '_>, value: ValueId, at: &[At]) -> NestValue {
        let key = (value, at.to_vec());
        if let Some(&v) = self.known.get(&key) {
            return v;
        }
        let scalar = match cx.plan.storage(value) {
            Some(storage) if !self.own.contains(&storage) || storage != value => self.load(cx, value, storage, at),
            _ => self.compute(cx, value, at),
        };
        self.known.insert(key, scalar);
        scalar
    }

    fn load(&mut self, cx: &Context<'_, '_>, value: ValueId, storage: ValueId, at: &[At]) -> NestValue {
        let ty = cx.plan.function.ty(value);
        let buffer = cx.buffers.get(&storage).copied().unwrap_or(usize::MAX);
        let access = self.access(buffer, at, &cx.plan.axes.strides(ty));
        if let Some(&v) = self.loads.get(&access) {
            return v;
        }
        let level = access.strides.iter().rposition(|s| *s != Size::ZERO).map_or(0, |l| l + 1);
        let v = self.insts.push(NestInst { op: ScalarOp::Load(access.clone()), elem: ty.elem, level });
        self.loads.insert(access, v);
        v
    }

    fn compute(&mut self, cx: &Context<'_, '_>, value: ValueId, at: &[At]) -> NestValue {
        let ty = cx.plan.function.ty(value);
        let Some((op, args)) = cx.plan.def(value) else { return self.zero(ty.elem) };
        self.computed.insert(value);
        match op {
            Op::Const(c) => self.constant(*c, ty.elem),
            Op::Unary(op, ..) => {
                let a = self.eval(cx, args[0], at);
                self.unary(*op, ty.elem, a)
            }
            Op::Binary(op) => {
                let a = self.eval(cx, args[0], at);
                let b = self.eval(cx, args[1], at);
                self.binary(*op, ty.elem, a, b)
            }
            Op::Powi(n) => {
                let a = self.eval(cx, args[0], at);
                self.powi(*n, ty.elem, a)
            }
            Op::Select(cmp) => {
                let v = [0, 1, 2, 3].map(|i| self.eval(cx, args[i], at));
                self.select(*cmp, ty.elem, v)
            }
            Op::Convert => {
                let a = self.eval(cx, args[0], at);
                match self.known_constant(a) {
                    Some(c) => self.constant(c, ty.elem),
                    None => self.scalar(ScalarOp::Convert(a), ty.elem),
                }
            }
            Op::Broadcast | Op::Transpose => {
                let axes = &cx.plan.function.ty(args[0]).axes;
                let at: Vec<At> = axes.iter().map(|&a| ty.position(a).map_or(At::Position(0), |i| at[i])).collect();
                self.eval(cx, args[0], &at)
            }
            Op::Index { axis, at: position } => {
                let mut at = at.to_vec();
                let place = cx.plan.function.ty(args[0]).position(*axis).unwrap_or(0);
                at.insert(place.min(at.len()), At::Position(*position));
                self.eval(cx, args[0], &at)
            }
            Op::Stack(axis) => {
                let place = ty.position(*axis).unwrap_or(0);
                let mut rest = at.to_vec();
                match rest.remove(place) {
                    At::Position(k) => self.eval(cx, args[k.min(args.len() - 1)], &rest),
                    At::Loop(at_loop) => {
                        let mut v = self.eval(cx, args[0], &rest);
                        for (k, &arg) in args.iter().enumerate().skip(1) {
                            let then = self.eval(cx, arg, &rest);
                            v = self.scalar(ScalarOp::Pick { at_loop, at: k as u64, then, otherwise: v }, ty.elem);
                        }
                        v
                    }
                }
            }
            Op::Place { axis, at: position } => {
                let place = ty.position(*axis).unwrap_or(0);
                let mut rest = at.to_vec();
                match rest.remove(place) {
                    At::Position(k) if k == *position => self.eval(cx, args[0], &rest),
                    At::Position(_) => self.zero(ty.elem),
                    At::Loop(at_loop) => {
                        let then = self.eval(cx, args[0], &rest);
                        let otherwise = self.zero(ty.elem);
                        self.scalar(ScalarOp::Pick { at_loop, at: *position as u64, then, otherwise }, ty.elem)
                    }
                }
            }
            Op::Sum(over) | Op::Contract(over) => {
                // Written out in full, even where an axis summed over here is a loop of the nest: that is another index.
                let combinations = combinations(over, |axis| (0..size(cx, axis)).map(At::Position).collect());
                self.sum_of_terms(cx, value, &ty.axes, at, combinations)
            }
            // These have memory of their own, so they are loaded and never come here.
            Op::Reshape | Op::Solve(_) | Op::SolveAdjoint(_) | Op::SpdSolve | Op::SpdSolveAdjoint => self.zero(ty.elem),
        }
    }

    fn zero(&mut self, elem: Elem) -> NestValue {
        self.constant(0.0, elem)
    }

    fn constant(&mut self, value: f64, elem: Elem) -> NestValue {
        self.scalar(ScalarOp::Const(round_as(elem, value)), elem)
    }

    fn known_constant(&self, v: NestValue) -> Option<f64> {
        match self.insts[v].op {
            ScalarOp::Const(c) => Some(c),
            _ => None,
        }
    }

    fn unary(&mut self, op: UnaryOp, elem: Elem, a: NestValue) -> NestValue {
        match self.known_constant(a) {
            Some(c) => self.constant(op.apply_as(elem, c), elem),
            None => self.scalar(ScalarOp::Unary(op, a), elem),
        }
    }

    fn binary(&mut self, op: BinaryOp, elem: Elem, a: NestValue, b: NestValue) -> NestValue {
        match (self.known_constant(a), self.known_constant(b)) {
            (Some(x), Some(y)) => self.constant(op.apply_as(elem, x, y), elem),
            _ => self.scalar(ScalarOp::Binary(op, a, b), elem),
        }
    }

    fn powi(&mut self, n: i32, elem: Elem, a: NestValue) -> NestValue {
        match self.known_constant(a) {
            Some(c) => self.constant(powi_as(elem, c, n), elem),
            None => self.scalar(ScalarOp::Powi(n, a), elem),
        }
    }

    fn select(&mut self, cmp: CmpOp, elem: Elem, v: [NestValue; 4]) -> NestValue {
        match (self.known_constant(v[0]), self.known_constant(v[1])) {
            (Some(x), Some(y)) if cmp.holds(x, y) => v[2],
            (Some(_), Some(_)) => v[3],
            _ => self.scalar(ScalarOp::Select(cmp, v), elem),
        }
    }

    /// Appends an instruction unless the same one is there.
    fn scalar(&mut self, op: ScalarOp, elem: Elem) -> NestValue {
        let key = key(&op, elem);
        if let Some(&v) = self.scalars.get(&key) {
            return v;
        }
        let mut level = op.operands().iter().map(|&v| self.insts[v].level).max().unwrap_or(0);
        if let ScalarOp::Pick { at_loop, .. } = op {
            level = level.max(at_loop + 1);
        }
        let v = self.insts.push(NestInst { op, elem, level });
        self.scalars.insert(key, v);
        v
    }
}

/// The size of an axis that is written out position by position, which is known.
fn size(cx: &Context<'_, '_>, axis: AxisId) -> usize {
    cx.plan.axes.known(axis).unwrap_or(0)
}

/// Every combination of the choices for each axis, the last axis changing fastest.
fn combinations(axes: &[AxisId], choices: impl Fn(AxisId) -> Vec<At>) -> Vec<Vec<At>> {
    let mut all = vec![Vec::with_capacity(axes.len())];
    for &axis in axes {
        let choices = choices(axis);
        let longer = |p: Vec<At>| {
            let with = |&c: &At| p.iter().copied().chain([c]).collect::<Vec<At>>();
            choices.iter().map(with).collect::<Vec<_>>()
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}

/// Equal for equal instructions.
fn key(op: &ScalarOp, elem: Elem) -> Vec<u64> {
    let mut key = vec![elem as u64];
    match *op {
        ScalarOp::Const(c) => key.extend([0, c.to_bits()]),
        ScalarOp::Load(_) => key.push(1),
        ScalarOp::Unary(op, _) => key.extend([2, op as u64]),
        ScalarOp::Binary(op, ..) => key.extend([3, op as u64]),
        ScalarOp::Powi(n, _) => key.extend([4, n as u32 as u64]),
        ScalarOp::Select(cmp, _) => key.extend([5, cmp as u64]),
        ScalarOp::Convert(_) => key.push(6),
        ScalarOp::Pick { at_loop, at, .. } => key.extend([7, at_loop as u64, at]),
    }
    key.extend(op.operands().iter().map(|v| v.index() as u64));
    key
}
