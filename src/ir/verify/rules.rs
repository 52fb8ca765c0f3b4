//! The typing rule of every instruction but the solves.

use super::super::{AxisId, Function, Inst, Module, Op, Type};
use super::{Rule, solves};
use std::collections::HashSet;

/// The rules that an instruction breaks. All its values and axes exist.
pub(super) fn check(module: &Module, function: &Function, inst: &Inst) -> Vec<Rule> {
    let args: Vec<&Type> = inst.args.iter().map(|&v| function.ty(v)).collect();
    let results: Vec<&Type> = inst.results.iter().map(|&v| function.ty(v)).collect();
    let (expected_args, expected_results) = counts(module, &inst.op);
    if let Some(expected) = expected_args
        && args.len() != expected
    {
        return vec![Rule::OperandCount { expected, found: args.len() }];
    }
    if results.len() != expected_results {
        return vec![Rule::ResultCount { expected: expected_results, found: results.len() }];
    }
    let mut broken = Vec::new();
    match &inst.op {
        Op::Solve(s) => solves::solve(module, s, &args, results[0], &mut broken),
        Op::SolveAdjoint(s) => solves::solve_adjoint(module, s, &args, &results, &mut broken),
        Op::SpdSolve => solves::spd(module, [args[0], args[1], args[2]], results[0], &mut broken),
        Op::SpdSolveAdjoint => solves::spd_adjoint(module, &args, &results, &mut broken),
        op => broken.extend(simple(module, op, &args, results[0])),
    }
    broken
}

/// How many operands (`None` where another rule says) and results belong to an instruction.
fn counts(module: &Module, op: &Op) -> (Option<usize>, usize) {
    match op {
        Op::Const(_) => (Some(0), 1),
        Op::Unary(_) | Op::Powi(_) | Op::Convert | Op::Broadcast | Op::Transpose | Op::Reshape => (Some(1), 1),
        Op::Sum(_) | Op::Index { .. } | Op::Place { .. } => (Some(1), 1),
        Op::Binary(_) | Op::Contract(_) => (Some(2), 1),
        Op::Select(_) | Op::Solve(_) => (Some(4), 1),
        Op::Stack(axis) => (module.axes[*axis].size, 1),
        Op::SolveAdjoint(_) => (Some(6), 4),
        Op::SpdSolve => (Some(3), 1),
        Op::SpdSolveAdjoint => (Some(4), 2),
    }
}

fn simple(module: &Module, op: &Op, args: &[&Type], result: &Type) -> Option<Rule> {
    let elem_differs = args.iter().any(|a| a.elem != result.elem);
    match op {
        Op::Const(_) => (!result.axes.is_empty()).then_some(Rule::ConstNotScalar),
        Op::Unary(_) | Op::Binary(_) | Op::Powi(_) | Op::Select(_) => {
            args.iter().any(|a| *a != result).then_some(Rule::TypesDiffer)
        }
        Op::Convert => (args[0].axes != result.axes).then_some(Rule::ConvertAxes),
        _ if elem_differs => Some(Rule::ElemsDiffer),
        Op::Broadcast => (!is_subsequence(&args[0].axes, &result.axes)).then_some(Rule::NotSubsequence),
        Op::Transpose => {
            let same = args[0].axes.len() == result.axes.len() && args[0].axes.iter().all(|a| result.axes.contains(a));
            (!same).then_some(Rule::NotPermutation)
        }
        Op::Reshape => reshape(module, args[0], result),
        Op::Sum(axes) => sum(axes, args[0], result),
        Op::Index { axis, at } => position(module, *axis, *at).or_else(|| remove(*axis, args[0], result)),
        Op::Place { axis, at } => position(module, *axis, *at).or_else(|| remove(*axis, result, args[0])),
        Op::Stack(axis) => {
            if module.axes[*axis].size.is_none() {
                return Some(Rule::AxisNotFixed);
            }
            // An axis of size zero has no parts to stack: nothing says what they would be.
            let first = args.first()?;
            if args.iter().any(|a| a != first) {
                return Some(Rule::TypesDiffer);
            }
            remove(*axis, result, first)
        }
        Op::Contract(over) => contract(over, args[0], args[1], result),
        Op::Solve(_) | Op::SolveAdjoint(_) | Op::SpdSolve | Op::SpdSolveAdjoint => None,
    }
}

/// Whether `inner` comes out of `outer` by leaving axes out.
pub(super) fn is_subsequence(inner: &[AxisId], outer: &[AxisId]) -> bool {
    let mut rest = outer.iter();
    inner.iter().all(|a| rest.any(|b| a == b))
}

fn reshape(module: &Module, from: &Type, to: &Type) -> Option<Rule> {
    let product = |ty: &Type, other: &Type| -> Option<usize> {
        let rest = ty.axes.iter().filter(|a| !other.axes.contains(a));
        rest.map(|&a| module.axes[a].size).try_fold(1usize, |p, size| size.map(|s| p.saturating_mul(s)))
    };
    match (product(from, to), product(to, from)) {
        (Some(from), Some(to)) if from != to => Some(Rule::ReshapeSize { from, to }),
        _ => None,
    }
}

fn sum(axes: &[AxisId], arg: &Type, result: &Type) -> Option<Rule> {
    if repeats(axes) {
        return Some(Rule::ListedTwice);
    }
    if axes.iter().any(|a| !arg.axes.contains(a)) {
        return Some(Rule::SummedAxisMissing);
    }
    let rest: Vec<AxisId> = arg.axes.iter().copied().filter(|a| !axes.contains(a)).collect();
    (rest != result.axes).then_some(Rule::ResultAxes)
}

fn position(module: &Module, axis: AxisId, at: usize) -> Option<Rule> {
    match module.axes[axis].size {
        None => Some(Rule::AxisNotFixed),
        Some(size) if at >= size => Some(Rule::OutOfRange { at, size }),
        Some(_) => None,
    }
}

/// `rest` must be `whole` without `axis`.
fn remove(axis: AxisId, whole: &Type, rest: &Type) -> Option<Rule> {
    if whole.position(axis).is_none() {
        return Some(Rule::AxisMissing);
    }
    (whole.without(axis) != *rest).then_some(Rule::ResultAxes)
}

fn contract(over: &[AxisId], a: &Type, b: &Type, result: &Type) -> Option<Rule> {
    if repeats(over) {
        return Some(Rule::ListedTwice);
    }
    if over.iter().any(|x| !a.axes.contains(x) || !b.axes.contains(x)) {
        return Some(Rule::SummedAxisMissing);
    }
    if over.iter().any(|x| result.axes.contains(x)) {
        return Some(Rule::ResultAxes);
    }
    if result.axes.iter().any(|x| !a.axes.contains(x) && !b.axes.contains(x)) {
        return Some(Rule::ContractExtraAxis);
    }
    let mut operands = a.axes.iter().chain(&b.axes);
    operands.any(|x| !over.contains(x) && !result.axes.contains(x)).then_some(Rule::ContractLostAxis)
}

fn repeats(axes: &[AxisId]) -> bool {
    axes.iter().collect::<HashSet<_>>().len() < axes.len()
}
