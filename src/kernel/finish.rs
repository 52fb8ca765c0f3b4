//! Puts drafts, buffers and ports together into a program.

use super::lower::{Buffers, Draft, KernelError};
use super::nest::NestBuilder;
use super::plan::{Class, Plan};
use super::{Loop, LoopNest, NestInst, Program, ScalarOp, collapse, divide};
use crate::artifact::{BufferIndex, Entry, InPlace, LoopStep, Port, Size, SizeEquation, Step, SumBuffer};
use std::collections::BTreeSet;

/// The finished program.
pub(super) fn program(plan: &Plan<'_>, buffers: Buffers, drafts: Vec<Draft>) -> Result<Program, KernelError> {
    let function = plan.function;
    let mut nests = Vec::new();
    let mut steps = Vec::new();
    for draft in drafts {
        match draft {
            Draft::Nest(builder) => {
                let nest = collapse::collapse(nest(plan, *builder, nests.len()));
                for nest in divide::divided(nest) {
                    steps.push(Step::Loops(loop_step(&nest, nests.len())));
                    nests.push(nest);
                }
            }
            Draft::Library(step) => steps.push(*step),
        }
    }
    let port = |name: &str, value, buffer| {
        let ty = function.ty(value);
        let axes = ty.axes.iter().map(|&a| plan.axes.number(a)).collect();
        Port { name: name.to_string(), elem: ty.elem, axes, buffer }
    };
    let params: Vec<Port> =
        function.params.iter().map(|&p| port(&function.values[p].name, p, buffers.of[&p])).collect();
    let results: Vec<Port> = function.results.iter().zip(&buffers.results).map(|((n, v), &b)| port(n, *v, b)).collect();
    let mut equations = Vec::new();
    for v in function.values.ids() {
        if let (Class::Alias, Some((_, args))) = (plan.class(v), plan.def(v)) {
            let (left, right) =
                (plan.axes.product(&function.ty(args[0]).axes), plan.axes.product(&function.ty(v).axes));
            let equation = SizeEquation { left, right };
            if equation.left != equation.right && !equations.contains(&equation) {
                equations.push(equation);
            }
        }
    }
    let mut entry = Entry {
        name: function.name.clone(),
        axes: plan.axes.list.clone(),
        params,
        results,
        equations,
        buffers: buffers.list,
        steps,
        in_place: Vec::new(),
    };
    bound(&entry)?;
    entry.in_place = in_place(&entry, &nests);
    Ok(Program { entry, nests })
}

fn nest(plan: &Plan<'_>, builder: NestBuilder, number: usize) -> LoopNest {
    let loops = builder
        .loops
        .iter()
        .map(|&a| Loop { name: plan.axes.name(a).to_string(), extent: plan.axes.size(a) })
        .collect();
    LoopNest {
        name: format!("{}.{number}", plan.function.name),
        loops,
        insts: builder.insts.values().cloned().collect::<Vec<NestInst>>(),
        stores: builder.stores,
        sums: builder.sums,
    }
}

fn loop_step(nest: &LoopNest, number: usize) -> LoopStep {
    let mut reads = BTreeSet::new();
    let mut cost = 0;
    for inst in &nest.insts {
        if let ScalarOp::Load(access) = &inst.op {
            reads.insert(access.buffer);
        }
        if inst.level == nest.depth() {
            cost += inst.op.cost();
        }
    }
    let chunked: Vec<SumBuffer> = unique(nest.sums.iter().filter(|s| s.chunked()).map(|s| s.access.buffer))
        .map(|buffer| SumBuffer { buffer })
        .collect();
    let direct = nest.sums.iter().filter(|s| !s.chunked()).map(|s| s.access.buffer);
    let writes = unique(nest.stores.iter().map(|s| s.access.buffer).chain(direct)).collect();
    let extents: Vec<&Size> = nest.loops.iter().map(|l| &l.extent).collect();
    LoopStep {
        nest: number,
        outer: extents.first().map_or(Size::ONE, |&s| s.clone()),
        inner: extents.iter().skip(1).fold(Size::ONE, |p, s| p.times(s)),
        cost: cost + 1,
        reads: reads.into_iter().collect(),
        writes,
        sums: chunked,
    }
}

fn unique(items: impl Iterator<Item = BufferIndex>) -> impl Iterator<Item = BufferIndex> {
    let mut seen = BTreeSet::new();
    items.filter(move |&b| seen.insert(b))
}

/// Checks that a call can bind every axis, the way the runtime does it.
fn bound(entry: &Entry) -> Result<(), KernelError> {
    let mut known: Vec<bool> = entry.axes.iter().map(|a| a.size.is_some()).collect();
    entry.params.iter().flat_map(|p| &p.axes).for_each(|&a| known[a] = true);
    for equation in &entry.equations {
        let unknown: Vec<u32> =
            equation.left.axes.iter().chain(&equation.right.axes).copied().filter(|&a| !known[a as usize]).collect();
        if let &[axis] = unknown.as_slice() {
            known[axis as usize] = true;
        }
    }
    match known.iter().position(|k| !k) {
        Some(i) => Err(KernelError::UnboundAxis { function: entry.name.clone(), axis: entry.axes[i].name.clone() }),
        None => Ok(()),
    }
}

/// The most stores of a nest whose results may lie over what it reads.
const WIDEST_IN_PLACE: usize = 64;

/// The results that may lie over a parameter of the same type.
fn in_place(entry: &Entry, nests: &[LoopNest]) -> Vec<InPlace> {
    let mut pairs = Vec::new();
    for (r, result) in entry.results.iter().enumerate() {
        for (p, param) in entry.params.iter().enumerate() {
            if result.elem == param.elem
                && result.axes == param.axes
                && may_overwrite(entry, nests, result.buffer, param.buffer)
            {
                pairs.push(InPlace { result: r, param: p });
            }
        }
    }
    pairs
}

fn may_overwrite(entry: &Entry, nests: &[LoopNest], result: BufferIndex, param: BufferIndex) -> bool {
    let Some(write) = entry.steps.iter().position(|s| s.writes().contains(&result)) else { return false };
    if entry.steps.iter().skip(write + 1).any(|s| s.reads().contains(&param)) {
        return false;
    }
    let step = &entry.steps[write];
    if !step.reads().contains(&param) {
        return true;
    }
    let Step::Loops(step) = step else { return false };
    let nest = &nests[step.nest];
    // Wide bodies are divided into kernels on devices, all of which read what one of them would write.
    if nest.stores.len() > WIDEST_IN_PLACE || nest.sums.iter().any(|s| s.access.buffer == result) {
        return false;
    }
    let written: Vec<_> = nest.stores.iter().map(|s| &s.access).filter(|a| a.buffer == result).collect();
    // All reads of an iteration come before its writes, so it is enough that no iteration touches another one's elements.
    let apart = written.first().is_some_and(|a| a.strides.iter().all(|s| *s != Size::ZERO));
    let harmless = |inst: &NestInst| match &inst.op {
        ScalarOp::Load(read) if read.buffer == param => {
            inst.level == nest.depth()
                && written
                    .iter()
                    .any(|w| w.strides == read.strides && w.offset == read.offset && w.offsets == read.offsets)
        }
        _ => true,
    };
    apart && nest.insts.iter().all(harmless)
}
