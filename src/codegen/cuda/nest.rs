//! Loop nests as kernels.
//!
//! Sums over the same loops form a part with a kernel of its own; stores stand in the last part. The loops that a part does not sum over
//! are its threads. A sum with few results is cut into parts strided over its outermost loop, each thread adding up one, and a second
//! kernel adds the parts up in a tree.

use super::generate::{Draft, Generator, Parameter, count};
use super::prelude::{BLOCK, TREE};
use super::{roll, scalar, text};
use crate::artifact::Size;
use crate::artifact::device::{Count, Memory};
use crate::base::{Elem, Idx};
use crate::kernel::{Access, Accumulate, LoopNest, NestValue, ScalarOp};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Sums with fewer results than this are cut.
const FEW_RESULTS: u64 = 8192;
/// Threads of a cut sum, about: enough to fill a large device.
const CUT_THREADS: u64 = 16384;
/// Additions that one thread may as well do alone.
const SHORT_SUM: u64 = 64;
/// Lines of a body that need more registers than the compiler likes to give.
const LONG_BODY: usize = 256;
/// Blocks of such a body in a multiprocessor: 255 registers for each thread.
const RESIDENT: u32 = 2;

/// Writes the kernels of a nest.
pub(super) fn step(generator: &mut Generator<'_>, nest: &LoopNest) {
    // What lies over memory that the nest reads is written by one kernel alone.
    if nest.stores.iter().any(|s| generator.overlaid(s.access.buffer)) {
        whole(generator, nest);
        return;
    }
    for piece in roll::pieces(nest) {
        whole(generator, &piece);
    }
}

/// Writes the kernels of a nest as it stands.
fn whole(generator: &mut Generator<'_>, nest: &LoopNest) {
    let mut groups: Vec<(Vec<bool>, Elem)> = Vec::new();
    for sum in &nest.sums {
        let group = (sum.over.clone(), elem(nest, sum.value));
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let names = written(generator, nest);
    if groups.is_empty() {
        Part { nest, over: vec![false; nest.depth()], sums: Vec::new(), stores: true, elem: Elem::F64, number: None }
            .write(generator, &names);
        return;
    }
    let last = groups.len() - 1;
    for (i, (over, elem_of_group)) in groups.into_iter().enumerate() {
        let in_group = |s: &&Accumulate| s.over == over && elem(nest, s.value) == elem_of_group;
        let sums: Vec<&Accumulate> = nest.sums.iter().filter(in_group).collect();
        // Stores come last: a result may lie over a parameter that the other parts read.
        let part = Part {
            nest,
            over: over.clone(),
            sums,
            stores: i == last,
            elem: elem_of_group,
            number: (last > 0).then_some(i),
        };
        part.write(generator, &names);
    }
}

/// What the nest writes, in the names of the model.
fn written(generator: &Generator<'_>, nest: &LoopNest) -> String {
    let buffers: BTreeSet<usize> =
        nest.stores.iter().map(|s| s.access.buffer).chain(nest.sums.iter().map(|s| s.access.buffer)).collect();
    let names: Vec<String> = buffers.iter().map(|&b| generator.note(b)).filter(|n| !n.is_empty()).collect();
    let axes: Vec<&str> = nest.loops.iter().map(|l| l.name.as_str()).collect();
    let over = if axes.is_empty() { String::new() } else { format!(" over {}", axes.join(", ")) };
    if names.is_empty() { format!("{}{over}", nest.name) } else { format!("{}{over}: {}", nest.name, names.join(", ")) }
}

fn elem(nest: &LoopNest, value: NestValue) -> Elem {
    nest.insts.get(value.index()).map_or(Elem::F64, |inst| inst.elem)
}

/// The sums of a nest over the same loops, and perhaps its stores.
struct Part<'n> {
    nest: &'n LoopNest,
    over: Vec<bool>,
    sums: Vec<&'n Accumulate>,
    stores: bool,
    elem: Elem,
    /// Its number, if there are several.
    number: Option<usize>,
}

impl Part<'_> {
    fn write(&self, generator: &mut Generator<'_>, note: &str) {
        let nest = self.nest;
        let number = self.number.map_or_else(String::new, |n| format!("_{n}"));
        let suffix = format!("{}{number}", nest.name.rsplit('.').next().unwrap_or_default());
        let cut = self.cut(generator);
        let partial = cut.map(|most| {
            let size = self.kept().fold(Size::constant(self.sums.len() as u64), |s, l| s.times(&nest.loops[l].extent));
            let first = self.first_summed().unwrap_or(0);
            let memory = generator.scratch(Elem::F64, Count::of(size).times(nest.loops[first].extent.clone(), most));
            (memory, most)
        });
        let mut body = String::new();
        self.threads(generator, partial.is_some(), &mut body);
        self.body(generator, partial.is_some(), &mut body);
        let mut parameters = self.buffers(generator, partial.is_none());
        if let Some((memory, _)) = partial {
            parameters.push(generator.memory(memory, "parts", true));
        }
        let mut threads = self.kept_count();
        if let Some((_, most)) = partial {
            threads = self.cut_count(threads, most);
            parameters.push(count("cuts", self.cut_count(Count::default(), most), "parts of the sum"));
        }
        parameters.extend(generator.sizes(&body));
        generator.launch(Draft {
            suffix: suffix.clone(),
            note: note.to_string(),
            block: BLOCK,
            resident: (body.lines().count() > LONG_BODY).then_some(RESIDENT),
            barriers: false,
            unrolled: false,
            parameters,
            threads,
            body,
        });
        if let Some((memory, most)) = partial {
            self.add_up(generator, &suffix, note, memory, most);
        }
    }

    /// The loops that are not summed over.
    fn kept(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nest.depth()).filter(|&l| !self.over.get(l).copied().unwrap_or(false))
    }

    fn summed(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nest.depth()).filter(|&l| self.over.get(l).copied().unwrap_or(false))
    }

    fn first_summed(&self) -> Option<usize> {
        self.summed().next()
    }

    fn kept_count(&self) -> Count {
        self.kept().fold(Count::default(), |c, l| c.times(self.nest.loops[l].extent.clone(), u64::MAX))
    }

    fn cut_count(&self, count: Count, most: u64) -> Count {
        match self.first_summed() {
            Some(l) => count.times(self.nest.loops[l].extent.clone(), most),
            None => count,
        }
    }

    /// The most parts that the sums are cut into, if they are.
    fn cut(&self, generator: &Generator<'_>) -> Option<u64> {
        let known = |loops: Vec<usize>| {
            let mut sizes = loops.into_iter().map(|l| text::known(generator.entry, &self.nest.loops[l].extent));
            sizes.try_fold(1u64, |n, size| Some(n.saturating_mul(size?)))
        };
        self.first_summed()?;
        let results = known(self.kept().collect())?;
        let terms = known(self.summed().collect());
        let worth = results < FEW_RESULTS && terms.is_none_or(|n| n > SHORT_SUM);
        worth.then(|| (CUT_THREADS / results.max(1)).clamp(16, 4096))
    }

    /// The index of each thread's loops.
    fn threads(&self, generator: &Generator<'_>, cut: bool, body: &mut String) {
        let kept: Vec<usize> = self.kept().collect();
        let extent = |l: usize| text::size(generator.entry, &self.nest.loops[l].extent);
        let mut total: Vec<String> = kept.iter().map(|&l| extent(l)).filter(|e| e != "1").collect();
        if cut {
            total.insert(0, "cuts".to_string());
        }
        let total = if total.is_empty() { "1".to_string() } else { total.join(" * ") };
        let _ = writeln!(body, "  const word thread = (word)blockIdx.x * {BLOCK} + threadIdx.x;");
        let _ = writeln!(body, "  if (thread >= {total}) return;");
        indices(&kept, extent, |l| self.nest.loops[l].name.clone(), cut.then_some("cut"), body);
    }

    /// The instructions that the part needs.
    fn needed(&self) -> Vec<bool> {
        let insts = &self.nest.insts;
        let mut needed = vec![false; insts.len()];
        let mut stack: Vec<NestValue> = self.sums.iter().map(|s| s.value).collect();
        if self.stores {
            stack.extend(self.nest.stores.iter().map(|s| s.value));
        }
        while let Some(v) = stack.pop() {
            if let (Some(slot), Some(inst)) = (needed.get_mut(v.index()), insts.get(v.index()))
                && !*slot
            {
                *slot = true;
                stack.extend(inst.op.operands());
            }
        }
        needed
    }

    fn body(&self, generator: &Generator<'_>, cut: bool, body: &mut String) {
        let (nest, needed) = (self.nest, self.needed());
        let entry = generator.entry;
        for g in 0..self.sums.len() {
            // In double precision whatever the numbers: the error does not grow with their number.
            let _ = writeln!(body, "  double sum{g} = 0;");
        }
        let mut open = 0;
        for level in 0..=nest.depth() {
            let pad = "  ".repeat(open + 1);
            for (i, inst) in nest.insts.iter().enumerate().filter(|(i, inst)| inst.level == level && needed[*i]) {
                let (mut load, mut note) = (String::new(), String::new());
                if let ScalarOp::Load(access) = &inst.op {
                    load = format!("b{}[{}]", access.buffer, element(generator, access));
                    note = generator.note(access.buffer);
                }
                let expression = scalar::expression(inst, || load.clone());
                let note = if note.is_empty() { note } else { format!("  // {}", text::comment(&note)) };
                let _ = writeln!(body, "{pad}const {} t{i} = {expression};{note}", text::elem(inst.elem));
            }
            let Some(l) = nest.loops.get(level) else { break };
            if self.over.get(level).copied().unwrap_or(false) {
                let extent = text::size(entry, &l.extent);
                let (from, by) = if cut && self.first_summed() == Some(level) { ("cut", "cuts") } else { ("0", "1") };
                let _ = writeln!(
                    body,
                    "{pad}for (word i{level} = {from}; i{level} < {extent}; i{level} += {by}) {{  // {}",
                    text::comment(&l.name)
                );
                open += 1;
            }
        }
        let pad = "  ".repeat(open + 1);
        if self.stores {
            for s in &nest.stores {
                let place = element(generator, &s.access);
                let _ = writeln!(body, "{pad}b{}[{place}] = {};", s.access.buffer, scalar::value(s.value));
            }
        }
        for (g, s) in self.sums.iter().enumerate() {
            let _ = writeln!(body, "{pad}sum{g} += {};", scalar::value(s.value));
        }
        for at in (0..open).rev() {
            let _ = writeln!(body, "{}}}", "  ".repeat(at + 1));
        }
        for (g, s) in self.sums.iter().enumerate() {
            if cut {
                let _ = writeln!(body, "  parts[thread * {} + {g}] = sum{g};", self.sums.len());
            } else {
                let _ = writeln!(
                    body,
                    "  b{}[{}] = ({})sum{g};",
                    s.access.buffer,
                    element(generator, &s.access),
                    text::elem(self.elem)
                );
            }
        }
    }

    /// The kernel that adds up the parts of cut sums, one block for each result.
    fn add_up(&self, generator: &mut Generator<'_>, suffix: &str, note: &str, parts: Memory, most: u64) {
        let kept: Vec<usize> = self.kept().collect();
        let extent = |l: usize| text::size(generator.entry, &self.nest.loops[l].extent);
        let (groups, ty) = (self.sums.len(), text::elem(self.elem));
        let mut stride: Vec<String> = kept.iter().map(|&l| extent(l)).filter(|e| e != "1").collect();
        stride.push(groups.to_string());
        let mut body = String::new();
        let _ = writeln!(body, "  __shared__ double shared[{TREE}];");
        let _ = writeln!(body, "  const word results = {};", stride.join(" * "));
        let _ = writeln!(body, "  double part = 0;");
        let _ = writeln!(
            body,
            "  for (word cut = threadIdx.x; cut < cuts; cut += {TREE}) part += parts[cut * results + blockIdx.x];"
        );
        let _ = writeln!(body, "  const double sum = tree_sum(part, shared);");
        let _ = writeln!(body, "  if (threadIdx.x != 0) return;");
        let _ = writeln!(body, "  const word thread = blockIdx.x / {groups};");
        indices(&kept, extent, |l| self.nest.loops[l].name.clone(), None, &mut body);
        for (g, s) in self.sums.iter().enumerate() {
            let place = element(generator, &s.access);
            let _ = writeln!(body, "  if (blockIdx.x % {groups} == {g}) b{}[{place}] = ({ty})sum;", s.access.buffer);
        }
        let buffers: BTreeSet<usize> = self.sums.iter().map(|s| s.access.buffer).collect();
        let mut parameters: Vec<Parameter> = buffers.iter().map(|&b| generator.buffer(b, true)).collect();
        parameters.push(generator.memory(parts, "parts", false));
        parameters.push(count("cuts", self.cut_count(Count::default(), most), "parts of each sum"));
        parameters.extend(generator.sizes(&body));
        let threads = self.kept_count().times(Size::constant(groups as u64 * u64::from(TREE)), u64::MAX);
        generator.launch(Draft {
            suffix: format!("{suffix}_sum"),
            note: format!("{note}: the sums' parts added up"),
            block: TREE,
            resident: None,
            barriers: true,
            unrolled: false,
            parameters,
            threads,
            body,
        });
    }

    /// The buffers of the part as parameters.
    fn buffers(&self, generator: &Generator<'_>, direct_sums: bool) -> Vec<Parameter> {
        let needed = self.needed();
        let mut written: BTreeSet<usize> = BTreeSet::new();
        if self.stores {
            written.extend(self.nest.stores.iter().map(|s| s.access.buffer));
        }
        if direct_sums {
            written.extend(self.sums.iter().map(|s| s.access.buffer));
        }
        let loads =
            self.nest.insts.iter().zip(&needed).filter(|(_, needed)| **needed).filter_map(|(inst, _)| match &inst.op {
                ScalarOp::Load(access) => Some(access.buffer),
                _ => None,
            });
        let read: BTreeSet<usize> = loads.filter(|b| !written.contains(b)).collect();
        let read = read.into_iter().map(|b| generator.buffer(b, false)).collect::<Vec<_>>();
        read.into_iter().chain(written.into_iter().map(|b| generator.buffer(b, true))).collect()
    }
}

/// Declares the index of each of `loops` from `thread`, the last running fastest, and of `outer` before them.
fn indices(
    loops: &[usize],
    extent: impl Fn(usize) -> String,
    name: impl Fn(usize) -> String,
    outer: Option<&str>,
    body: &mut String,
) {
    let mut below: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for (at, &l) in loops.iter().enumerate().rev() {
        let divided = match below.len() {
            0 => "thread".to_string(),
            1 => format!("thread / ({})", below[0]),
            _ => format!("thread / ({})", below.join(" * ")),
        };
        let whole = at == 0 && outer.is_none();
        let index = if whole { divided } else { format!("{divided} % ({})", extent(l)) };
        lines.push(format!("  const word i{l} = {index};  // {}", text::comment(&name(l))));
        if extent(l) != "1" {
            below.insert(0, extent(l));
        }
    }
    if let Some(outer) = outer {
        let divided = if below.is_empty() { "thread".to_string() } else { format!("thread / ({})", below.join(" * ")) };
        lines.push(format!("  const word {outer} = {divided};"));
    }
    for line in lines.into_iter().rev() {
        let _ = writeln!(body, "{line}");
    }
}

/// The index of an element.
fn element(generator: &Generator<'_>, access: &Access) -> String {
    let mut terms = Vec::new();
    for (l, stride) in access.strides.iter().enumerate() {
        if *stride == Size::ONE {
            terms.push(format!("i{l}"));
        } else if *stride != Size::ZERO {
            terms.push(format!("i{l} * {}", text::size(generator.entry, stride)));
        }
    }
    terms.extend(access.offsets.iter().map(|s| text::size(generator.entry, s)));
    if access.offset != 0 || terms.is_empty() {
        terms.push(access.offset.to_string());
    }
    terms.join(" + ")
}
