//! Solve steps and the layout their operands need.

use super::lower::KernelError;
use super::nest::Context;
use crate::artifact::{BufferIndex, SolveStep, SpdStep, Step, StepSizes};
use crate::base::{Elem, Idx, SolvePrecision};
use crate::ir::{AxisId, Function, Inst, InstId, Op, SolveScheme, Type, ValueData, ValueDef, ValueId};

/// Rewrites `function` so that every operand and result of a solve has its axes in the order of the operator's definition, with all
/// batch axes in the result's order or none, and so that solves have the arithmetic their gradients need ([`arithmetic`]). Transpositions,
/// broadcasts and sums are put around the solves that need it.
pub(super) fn canonical(function: &Function) -> Function {
    let mut copy = Rewriter { out: Function::default(), values: Vec::new() };
    copy.out.name = function.name.clone();
    for (id, value) in function.values.iter() {
        debug_assert_eq!(id.index(), copy.values.len());
        copy.values.push(match value.def {
            ValueDef::Param(_) => {
                let new = copy.out.values.push(value.clone());
                copy.out.params.push(new);
                new
            }
            ValueDef::Inst(..) => ValueId::new(0),
        });
    }
    for inst in function.insts.values() {
        let args: Vec<ValueId> = inst.args.iter().map(|a| copy.values[a.index()]).collect();
        let layout = Layout::of(function, inst);
        let args = match &layout {
            Some(layout) => args.iter().zip(&layout.args).map(|(&a, axes)| copy.arrange(a, axes)).collect(),
            None => args,
        };
        let types = inst.results.iter().enumerate().map(|(i, &r)| {
            let ty = function.ty(r);
            match &layout {
                Some(layout) => Type { elem: ty.elem, axes: layout.results[i].clone() },
                None => ty.clone(),
            }
        });
        let new = copy.push(arithmetic(function, inst), args, types.collect());
        for (&old, new) in inst.results.iter().zip(new) {
            let value = &function.values[old];
            let new = copy.reduce(new, &value.ty.axes);
            copy.out.values[new].name.clone_from(&value.name);
            copy.values[old.index()] = new;
        }
    }
    copy.out.results = function.results.iter().map(|(n, v)| (n.clone(), copy.values[v.index()])).collect();
    copy.out
}

/// The operation with the arithmetic that it is done in. Gradients of coefficients and steps are residuals of the rows times the adjoint
/// solution: differences of nearly equal numbers, a thousandth of the terms, which rounding a solution to single precision leaves three
/// digits of. So a solve in single precision whose gradients are taken keeps its solution, and takes its residuals, in double precision.
fn arithmetic(function: &Function, inst: &Inst) -> Op {
    let differentiated = |u: Option<&ValueId>| {
        let of_this = |other: &Inst| matches!(other.op, Op::SolveAdjoint(_)) && other.args.get(4) == u;
        function.insts.values().any(of_this)
    };
    let mut op = inst.op.clone();
    let scheme = match &mut op {
        Op::Solve(scheme) if differentiated(inst.results.first()) => scheme,
        Op::SolveAdjoint(scheme) => scheme,
        _ => return op,
    };
    if scheme.precision == SolvePrecision::F32 {
        scheme.precision = SolvePrecision::Mixed;
    }
    op
}

/// The axes that the operands and results of a solve should have.
struct Layout {
    args: Vec<Vec<AxisId>>,
    results: Vec<Vec<AxisId>>,
}

impl Layout {
    fn of(function: &Function, inst: &Inst) -> Option<Layout> {
        let arg = |i: usize| inst.args.get(i).map(|&a| function.ty(a).axes.clone()).unwrap_or_default();
        // Matrices may be shared by the samples; right-hand sides and initial values are each sample's own.
        let relaxed = |i: usize, batch: &[AxisId], own: &[AxisId]| match i {
            1 | 2 => [batch, own].concat(),
            _ => arrangement(&arg(i), batch, own),
        };
        match &inst.op {
            Op::Solve(s) => {
                let mut own = solve_axes(s);
                let batch = without(&function.ty(*inst.results.first()?).axes, &own[4]);
                own[3].extend_from_slice(s.step_axes(&arg(3), &batch).1);
                let args = (0..4).map(|i| relaxed(i, &batch, &own[i])).collect();
                Some(Layout { args, results: vec![[batch, own[4].clone()].concat()] })
            }
            Op::SolveAdjoint(s) => {
                let mut own = solve_axes(s);
                let batch = without(&arg(4), &own[4]);
                own[3].extend_from_slice(s.step_axes(&arg(3), &batch).1);
                let solution = [batch.clone(), own[4].clone()].concat();
                let mut args: Vec<_> = (0..4).map(|i| relaxed(i, &batch, &own[i])).collect();
                let results = args.clone();
                args.extend([solution.clone(), solution]);
                Some(Layout { args, results })
            }
            Op::SpdSolve | Op::SpdSolveAdjoint => {
                let matrix = arg(0);
                let (&row, &column) = (matrix.get(matrix.len().checked_sub(2)?)?, matrix.last()?);
                let adjoint = inst.op == Op::SpdSolveAdjoint;
                let (mask, unknown) = if adjoint { (1, 2) } else { (2, 1) };
                let batch = without(&arg(unknown), &[row]);
                let (n, x) = (arrangement(&matrix, &batch, &[row, column]), [batch.clone(), vec![row]].concat());
                let mask = arrangement(&arg(mask), &batch, &[row]);
                Some(if adjoint {
                    Layout {
                        args: vec![n.clone(), mask, x.clone(), x.clone()],
                        results: vec![[batch, vec![row, column]].concat(), x],
                    }
                } else {
                    Layout { args: vec![n, x.clone(), mask], results: vec![x] }
                })
            }
            _ => None,
        }
    }
}

/// All batch axes and the own ones if there is a batch axis in `axes`, the own ones alone otherwise.
fn arrangement(axes: &[AxisId], batch: &[AxisId], own: &[AxisId]) -> Vec<AxisId> {
    let batched = axes.iter().any(|a| batch.contains(a) && !own.contains(a));
    if batched { [batch, own].concat() } else { own.to_vec() }
}

/// Own axes of `c`, `rhs`, `iv`, `h` (of one that is the same at all steps) and `u`.
fn solve_axes(s: &SolveScheme) -> [Vec<AxisId>; 5] {
    [
        vec![s.equation, s.time, s.state, s.order],
        vec![s.equation, s.time],
        vec![s.start, s.state, s.given],
        Vec::new(),
        vec![s.time, s.state, s.order],
    ]
}

fn without(axes: &[AxisId], own: &[AxisId]) -> Vec<AxisId> {
    axes.iter().copied().filter(|a| !own.contains(a)).collect()
}

struct Rewriter {
    out: Function,
    values: Vec<ValueId>,
}

impl Rewriter {
    fn push(&mut self, op: Op, args: Vec<ValueId>, types: Vec<Type>) -> Vec<ValueId> {
        let inst = InstId::new(self.out.insts.len());
        let results: Vec<ValueId> = types
            .into_iter()
            .enumerate()
            .map(|(i, ty)| self.out.values.push(ValueData { ty, name: String::new(), def: ValueDef::Inst(inst, i) }))
            .collect();
        self.out.insts.push(Inst { op, args, results: results.clone() });
        results
    }

    fn one(&mut self, op: Op, arg: ValueId, axes: Vec<AxisId>) -> ValueId {
        let elem = self.out.ty(arg).elem;
        self.push(op, vec![arg], vec![Type { elem, axes }])[0]
    }

    /// `value` over `axes`, a superset of its own.
    fn arrange(&mut self, value: ValueId, axes: &[AxisId]) -> ValueId {
        let own = self.out.ty(value).axes.clone();
        if own == axes {
            return value;
        }
        let order: Vec<AxisId> = axes.iter().copied().filter(|a| own.contains(a)).collect();
        let value = if own == order { value } else { self.one(Op::Transpose, value, order.clone()) };
        if order == axes { value } else { self.one(Op::Broadcast, value, axes.to_vec()) }
    }

    /// `value` summed and transposed to `axes`, a subset of its own.
    fn reduce(&mut self, value: ValueId, axes: &[AxisId]) -> ValueId {
        let own = self.out.ty(value).axes.clone();
        let (kept, extra): (Vec<AxisId>, Vec<AxisId>) = own.iter().partition(|a| axes.contains(a));
        let value = if extra.is_empty() { value } else { self.one(Op::Sum(extra), value, kept.clone()) };
        if kept == axes { value } else { self.one(Op::Transpose, value, axes.to_vec()) }
    }
}

/// The step of a solve or its adjoint.
pub(super) fn step(cx: &Context<'_, '_>, inst: &Inst) -> Result<Step, KernelError> {
    match &inst.op {
        Op::Solve(s) => solve(cx, inst, s, false),
        Op::SolveAdjoint(s) => solve(cx, inst, s, true),
        _ => spd(cx, inst),
    }
}

fn failure(cx: &Context<'_, '_>, what: impl Into<String>) -> KernelError {
    KernelError::Layout { function: cx.plan.function.name.clone(), what: what.into() }
}

fn buffer(cx: &Context<'_, '_>, value: Option<&ValueId>) -> Result<BufferIndex, KernelError> {
    let found = value.and_then(|&v| cx.plan.storage(v)).and_then(|s| cx.buffers.get(&s).copied());
    found.ok_or_else(|| failure(cx, "an operand of a solve has no memory"))
}

fn solve(cx: &Context<'_, '_>, inst: &Inst, s: &SolveScheme, adjoint: bool) -> Result<Step, KernelError> {
    let (plan, axes) = (cx.plan, &cx.plan.axes);
    let fixed = |axis: AxisId| {
        axes.known(axis).ok_or_else(|| failure(cx, format!("axis `{}` of a solve needs a fixed size", axes.name(axis))))
    };
    let solution = if adjoint { inst.args.get(4) } else { inst.results.first() };
    let mut own = solve_axes(s);
    let batch = solution.map(|&u| without(&plan.function.ty(u).axes, &own[4])).unwrap_or_default();
    let step = inst.args.get(3).map(|&h| plan.function.ty(h).axes.as_slice()).unwrap_or_default();
    own[3].extend_from_slice(s.step_axes(step, &batch).1);
    let mut operands = [(0, false); 4];
    for (i, slot) in operands.iter_mut().enumerate() {
        let arg = inst.args.get(i);
        let rank = arg.map_or(0, |&a| plan.function.ty(a).axes.len());
        if arg.is_some_and(|&a| plan.function.ty(a).elem != Elem::F64) {
            return Err(failure(cx, "a relaxed solve takes double precision"));
        }
        *slot = (buffer(cx, arg)?, rank > own[i].len());
    }
    let adjoint = match adjoint {
        true => {
            let mut out = [0; 4];
            for (slot, result) in out.iter_mut().zip(&inst.results) {
                *slot = buffer(cx, Some(result))?;
            }
            Some((buffer(cx, inst.args.get(5))?, out))
        }
        false => None,
    };
    Ok(Step::Solve(SolveStep {
        batch: axes.product(&batch),
        time: axes.size(s.time),
        states: fixed(s.state)?,
        orders: fixed(s.order)?,
        equations: fixed(s.equation)?,
        start: axes.size(s.start),
        given: fixed(s.given)?,
        central: s.central,
        slack: s.slack,
        weights: s.weights,
        precision: s.precision,
        operands,
        steps: match own[3].len() {
            0 => StepSizes::One,
            1 => StepSizes::Intervals,
            _ => StepSizes::States,
        },
        solution: buffer(cx, solution)?,
        adjoint,
    }))
}

fn spd(cx: &Context<'_, '_>, inst: &Inst) -> Result<Step, KernelError> {
    let (plan, axes) = (cx.plan, &cx.plan.axes);
    let adjoint = inst.op == Op::SpdSolveAdjoint;
    let arg = |i: usize| inst.args.get(i);
    let (mask, rhs, solution) = if adjoint { (arg(1), arg(3), arg(2)) } else { (arg(2), arg(1), inst.results.first()) };
    let unknown = rhs.and_then(|&r| plan.function.ty(r).axes.split_last());
    let (&row, batch) = unknown.ok_or_else(|| failure(cx, "a symmetric solve of a scalar"))?;
    let batched = |v: Option<&ValueId>, own: usize| v.is_some_and(|&v| plan.function.ty(v).axes.len() > own);
    let adjoint = match adjoint {
        true => Some([buffer(cx, inst.results.first())?, buffer(cx, inst.results.get(1))?]),
        false => None,
    };
    Ok(Step::Spd(SpdStep {
        elem: rhs.map_or(Elem::F64, |&r| plan.function.ty(r).elem),
        batch: axes.product(batch),
        unknowns: axes.size(row),
        matrix: (buffer(cx, arg(0))?, batched(arg(0), 2)),
        mask: (buffer(cx, mask)?, batched(mask, 1)),
        rhs: buffer(cx, rhs)?,
        solution: buffer(cx, solution)?,
        adjoint,
    }))
}
