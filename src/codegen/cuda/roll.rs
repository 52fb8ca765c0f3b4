//! Long bodies of loop nests as short ones.
//!
//! Lowering unrolls axes at whose positions a program does different things. Where most positions do the same after all, with loads and
//! stores at evenly spaced places, the body is rolled up again: one more loop, whose index becomes one of the thread's. What
//! remains is divided so that no kernel has more instructions than a compiler handles well.

use crate::artifact::Size;
use crate::base::Idx;
use crate::kernel::{Access, Loop, LoopNest, NestInst, NestValue, ScalarOp, Store};
use std::collections::{BTreeMap, HashMap};

/// Instructions of a body that is left as it is.
const SHORT: usize = 256;
/// Instructions of a part of a body that is divided.
const PART: usize = 600;
/// The fewest positions that are rolled up.
const FEWEST: usize = 4;
/// The fewest stores that repay a kernel of their own.
const FEWEST_STORES: usize = 12;
/// The most stores of one position.
const WIDEST: usize = 64;

/// Nests that together do what `nest` does, in any order. Only stores are moved, so the sums stay in one nest.
pub(super) fn pieces(nest: &LoopNest) -> Vec<LoopNest> {
    if nest.insts.len() <= SHORT || nest.stores.len() < 2 {
        return vec![nest.clone()];
    }
    let shapes = shapes(nest);
    let mut left = nest.stores.clone();
    left.sort_by(|a, b| place(a).cmp(&place(b)));
    // By the number of positions: stores of all runs of that many share what they compute.
    let mut rolled: BTreeMap<usize, Rolled<'_>> = BTreeMap::new();
    while let Some((first, columns)) = longest(nest, &shapes, &left, &mut rolled) {
        left.drain(first..first + columns);
    }
    let mut out: Vec<LoopNest> = rolled.into_values().filter_map(Rolled::finish).collect();
    out.extend(divided(nest, left));
    out
}

/// What stores are sorted by.
fn place(store: &Store) -> (usize, &[Size], u64) {
    (store.access.buffer, &store.access.offsets, store.access.offset)
}

/// For each instruction a number that those share which compute the same but for the places of loads.
fn shapes(nest: &LoopNest) -> Vec<usize> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut out: Vec<usize> = Vec::with_capacity(nest.insts.len());
    for inst in &nest.insts {
        let own = match &inst.op {
            ScalarOp::Const(x) => format!("{:x}", x.to_bits()),
            ScalarOp::Load(a) => format!("load {} {:?} {}", a.buffer, a.strides, a.offsets.len()),
            ScalarOp::Unary(op, _) => format!("{op:?}"),
            ScalarOp::Binary(op, ..) => format!("{op:?}"),
            ScalarOp::Powi(n, _) => format!("power {n}"),
            ScalarOp::Select(cmp, _) => format!("select {cmp:?}"),
            ScalarOp::Convert(_) => "convert".to_string(),
            ScalarOp::Pick { at_loop, at, .. } => format!("pick {at_loop} {at}"),
        };
        let operands: Vec<usize> =
            inst.op.operands().iter().map(|v| out.get(v.index()).copied().unwrap_or(usize::MAX)).collect();
        let next = known.len();
        out.push(*known.entry(format!("{own} {:?} {operands:?}", inst.elem)).or_insert(next));
    }
    out
}

/// Rolls up the longest run of stores that repeats itself: where it begins in `left`, and its length.
fn longest<'n>(
    nest: &'n LoopNest,
    shapes: &[usize],
    left: &[Store],
    rolled: &mut BTreeMap<usize, Rolled<'n>>,
) -> Option<(usize, usize)> {
    let shape = |s: &Store| (s.access.buffer, shapes.get(s.value.index()).copied());
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for period in 1..=WIDEST.min(left.len() / FEWEST) {
        let mut first = 0;
        while first + period * FEWEST <= left.len() {
            let same =
                (first + period..left.len()).take_while(|&i| shape(&left[i]) == shape(&left[i - period])).count();
            let positions = same / period + 1;
            if positions >= FEWEST && positions * period >= FEWEST_STORES {
                runs.push((period, first, positions));
            }
            first += same + 1;
        }
    }
    runs.sort_by_key(|&(period, first, positions)| (std::cmp::Reverse(period * positions), period, first));
    for (period, first, positions) in runs {
        // Positions at the ends may compute the same from other places.
        for (before, after) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let count = positions.saturating_sub(before + after);
            let first = first + before * period;
            if count < FEWEST || count * period < FEWEST_STORES {
                continue;
            }
            let columns: Vec<Vec<&Store>> =
                (0..period).map(|j| left[first + j..].iter().step_by(period).take(count).collect()).collect();
            let target = rolled.entry(count).or_insert_with(|| Rolled::new(nest, count));
            if target.add(&columns).is_some() {
                return Some((first, count * period));
            }
        }
    }
    None
}

/// A nest with one more loop in the making.
struct Rolled<'n> {
    nest: &'n LoopNest,
    count: usize,
    insts: Vec<NestInst>,
    stores: Vec<Store>,
    /// The instruction that stands for one value at each position.
    known: HashMap<Vec<NestValue>, NestValue>,
}

impl<'n> Rolled<'n> {
    fn new(nest: &'n LoopNest, count: usize) -> Self {
        Rolled { nest, count, insts: Vec::new(), stores: Vec::new(), known: HashMap::new() }
    }

    /// Adds stores, each given at every position; nothing changes unless all of them can be.
    fn add(&mut self, columns: &[Vec<&Store>]) -> Option<()> {
        let mut stores = Vec::with_capacity(columns.len());
        for column in columns {
            let access = spaced(&column.iter().map(|s| &s.access).collect::<Vec<_>>())?;
            let value = self.value(column.iter().map(|s| s.value).collect())?;
            stores.push(Store { access, value });
        }
        self.stores.extend(stores);
        Some(())
    }

    /// The instruction for a value at every position, after those it needs.
    fn value(&mut self, column: Vec<NestValue>) -> Option<NestValue> {
        let mut open = vec![column.clone()];
        while let Some(column) = open.last().cloned() {
            if self.known.contains_key(&column) {
                open.pop();
                continue;
            }
            let operands = self.operands(&column)?;
            let missing: Vec<_> = operands.iter().filter(|c| !self.known.contains_key(*c)).cloned().collect();
            if !missing.is_empty() {
                open.extend(missing);
                continue;
            }
            let inst = self.inst(&column, &operands)?;
            self.known.insert(column, NestValue::new(self.insts.len()));
            self.insts.push(inst);
            open.pop();
        }
        self.known.get(&column).copied()
    }

    /// The operands of the instructions of a column, each a column again.
    fn operands(&self, column: &[NestValue]) -> Option<Vec<Vec<NestValue>>> {
        let each: Option<Vec<Vec<NestValue>>> =
            column.iter().map(|v| Some(self.nest.insts.get(v.index())?.op.operands())).collect();
        let each = each?;
        let count = each.first()?.len();
        (0..count).map(|i| each.iter().map(|operands| operands.get(i).copied()).collect()).collect()
    }

    fn inst(&self, column: &[NestValue], operands: &[Vec<NestValue>]) -> Option<NestInst> {
        let all: Option<Vec<&NestInst>> = column.iter().map(|v| self.nest.insts.get(v.index())).collect();
        let all = all?;
        let first = *all.first()?;
        let new: Option<Vec<NestValue>> = operands.iter().map(|c| self.known.get(c).copied()).collect();
        let new = new?;
        let mut level =
            new.iter().filter_map(|v| self.insts.get(v.index())).map(|i| i.level).fold(first.level, usize::max);
        let op = match (&first.op, new.as_slice()) {
            (ScalarOp::Load(_), _) => {
                let accesses: Option<Vec<&Access>> = all
                    .iter()
                    .map(|inst| match &inst.op {
                        ScalarOp::Load(access) => Some(access),
                        _ => None,
                    })
                    .collect();
                let access = spaced(&accesses?)?;
                if access.strides.last() != Some(&Size::ZERO) {
                    level = self.nest.depth() + 1;
                }
                ScalarOp::Load(access)
            }
            (ScalarOp::Const(x), _) => ScalarOp::Const(*x),
            (ScalarOp::Unary(op, _), &[a]) => ScalarOp::Unary(*op, a),
            (ScalarOp::Powi(n, _), &[a]) => ScalarOp::Powi(*n, a),
            (ScalarOp::Convert(_), &[a]) => ScalarOp::Convert(a),
            (ScalarOp::Binary(op, ..), &[a, b]) => ScalarOp::Binary(*op, a, b),
            (ScalarOp::Select(cmp, _), &[a, b, c, d]) => ScalarOp::Select(*cmp, [a, b, c, d]),
            (ScalarOp::Pick { at_loop, at, .. }, &[then, otherwise]) => {
                ScalarOp::Pick { at_loop: *at_loop, at: *at, then, otherwise }
            }
            _ => return None,
        };
        Some(NestInst { op, elem: first.elem, level })
    }

    fn finish(self) -> Option<LoopNest> {
        if self.stores.is_empty() {
            return None;
        }
        let mut loops = self.nest.loops.clone();
        loops.push(Loop { name: "positions alike".to_string(), extent: Size::constant(self.count as u64) });
        Some(LoopNest {
            name: format!("{}_rolled", self.nest.name),
            loops,
            insts: self.insts,
            stores: self.stores,
            sums: Vec::new(),
        })
    }
}

/// The access that at every index of a further loop is one of `all`, if they are evenly spaced.
fn spaced(all: &[&Access]) -> Option<Access> {
    let (first, second) = (*all.first()?, *all.get(1)?);
    let by = second.offset.checked_sub(first.offset)?;
    let mut stride = Size::constant(by);
    // A part that depends on sizes may grow from one to the next instead of the constant part.
    let mut grows = None;
    for (i, (a, b)) in first.offsets.iter().zip(&second.offsets).enumerate().filter(|(_, (a, b))| a != b) {
        if by != 0 || grows.is_some() || a.axes != b.axes {
            return None;
        }
        let factor = b.factor.checked_sub(a.factor)?;
        stride = Size { factor, axes: a.axes.clone() };
        grows = Some((i, factor));
    }
    for (n, access) in all.iter().enumerate() {
        let n = n as u64;
        let mut offsets = first.offsets.clone();
        if let Some((i, factor)) = grows {
            offsets.get_mut(i)?.factor += factor * n;
        }
        let same = access.buffer == first.buffer && access.strides == first.strides;
        if !same || access.offset != first.offset + by * n || access.offsets != offsets {
            return None;
        }
    }
    let mut access = first.clone();
    access.strides.push(stride);
    Some(access)
}

/// The remaining stores in nests of a bounded number of instructions, the sums with the last of them.
fn divided(nest: &LoopNest, left: Vec<Store>) -> Vec<LoopNest> {
    let mut parts: Vec<Vec<Store>> = Vec::new();
    let mut seen = vec![false; nest.insts.len()];
    let mut size = 0;
    for store in left {
        size += reach(nest, store.value, &mut seen);
        if size > PART || parts.is_empty() {
            seen.fill(false);
            size = reach(nest, store.value, &mut seen);
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(store);
        }
    }
    if parts.is_empty() && !nest.sums.is_empty() {
        parts.push(Vec::new());
    }
    let last = parts.len().saturating_sub(1);
    let piece =
        |(i, stores)| LoopNest { stores, sums: if i == last { nest.sums.clone() } else { Vec::new() }, ..nest.clone() };
    parts.into_iter().enumerate().map(piece).collect()
}

/// Marks what `value` needs; how many were not marked before.
fn reach(nest: &LoopNest, value: NestValue, seen: &mut [bool]) -> usize {
    let (mut stack, mut count) = (vec![value], 0);
    while let Some(v) = stack.pop() {
        if let (Some(slot), Some(inst)) = (seen.get_mut(v.index()), nest.insts.get(v.index()))
            && !*slot
        {
            *slot = true;
            count += 1;
            stack.extend(inst.op.operands());
        }
    }
    count
}
