//! The body of one function: loops and addresses. What one instruction becomes is in `scalar` and `vector`, what a sum becomes in `sums`.

use super::emit::scalar_type;
use super::library::Call;
use super::vector;
use crate::artifact::{BufferIndex, Entry, Size};
use crate::base::{Elem, Idx};
use crate::kernel::{Access, Accumulate, LoopNest, NestValue, ScalarOp};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{FuncRef, InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::{FunctionBuilder, Variable};
use std::collections::{BTreeMap, HashMap};

/// Where an address starts.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Base {
    Buffer(BufferIndex),
    /// The chunk's accumulator at this position of the `sums` argument.
    Sum(usize),
}

/// Accesses that differ by a constant share their pointer.
type PointerKey = (Base, Vec<Size>, Vec<Size>);

/// Builds one function.
pub(super) struct Body<'a> {
    pub(super) b: FunctionBuilder<'a>,
    pub(super) nest: &'a LoopNest,
    pub(super) calls: BTreeMap<Call, FuncRef>,
    /// The value of each instruction, once emitted: a scalar, or a vector in the innermost body of a vector loop.
    pub(super) values: Vec<Option<Value>>,
    /// The index of each loop that is open.
    pub(super) indices: Vec<Value>,
    /// Lanes of the innermost body being emitted: 1 in scalar code.
    pub(super) lanes: usize,
    /// Scalars that stand as vectors in `values` while a vector loop is emitted.
    pub(super) scalars: Vec<(NestValue, Value)>,
    entry: &'a Entry,
    chunked: Vec<BufferIndex>,
    pointer_type: Type,
    arguments: [Value; 5],
    sizes: HashMap<Size, Value>,
    /// The pointer of each key inside 0, 1, .. open loops.
    pointers: HashMap<PointerKey, Vec<Value>>,
    /// Register accumulators of each sum: scalar, and vector where the innermost loop is one of vectors.
    pub(super) accumulators: Vec<Option<(Variable, Option<Variable>)>>,
}

impl<'a> Body<'a> {
    /// The functions that `nest` calls.
    pub fn calls(nest: &LoopNest) -> Vec<Call> {
        nest.insts.iter().filter_map(super::scalar::call).collect()
    }

    /// A function whose body is empty so far.
    pub fn new(
        mut b: FunctionBuilder<'a>,
        nest: &'a LoopNest,
        entry: &'a Entry,
        calls: BTreeMap<Call, FuncRef>,
        pointer_type: Type,
    ) -> Self {
        let block = b.create_block();
        b.append_block_params_for_function_params(block);
        b.switch_to_block(block);
        b.seal_block(block);
        let mut arguments = [Value::from_u32(0); 5];
        for (slot, &v) in arguments.iter_mut().zip(b.block_params(block)) {
            *slot = v;
        }
        let mut chunked = Vec::new();
        for s in nest.sums.iter().filter(|s| s.chunked()) {
            if !chunked.contains(&s.access.buffer) {
                chunked.push(s.access.buffer);
            }
        }
        let (values, accumulators) = (vec![None; nest.insts.len()], vec![None; nest.sums.len()]);
        Body {
            b,
            nest,
            calls,
            values,
            indices: Vec::new(),
            lanes: 1,
            scalars: Vec::new(),
            entry,
            chunked,
            pointer_type,
            arguments,
            sizes: HashMap::new(),
            pointers: HashMap::new(),
            accumulators,
        }
    }

    /// Emits everything.
    pub fn build(mut self, config: TargetFrontendConfig) {
        self.prologue();
        self.level(0);
        self.b.ins().return_(&[]);
        self.b.finalize(config);
    }

    /// Sizes and base pointers.
    fn prologue(&mut self) {
        let nest = self.nest;
        for l in &nest.loops {
            self.size(&l.extent);
        }
        for inst in &nest.insts {
            if let ScalarOp::Load(access) = &inst.op {
                self.base_pointer(Base::Buffer(access.buffer), access, inst.elem);
            }
        }
        for s in &nest.stores {
            self.base_pointer(Base::Buffer(s.access.buffer), &s.access, self.elem(s.value));
        }
        for s in &nest.sums {
            self.base_pointer(self.sum_base(s), &s.access, self.elem(s.value));
        }
    }

    pub(super) fn sum_base(&self, s: &Accumulate) -> Base {
        match self.chunked.iter().position(|&b| b == s.access.buffer) {
            Some(i) if s.chunked() => Base::Sum(i),
            _ => Base::Buffer(s.access.buffer),
        }
    }

    pub(super) fn elem(&self, v: NestValue) -> Elem {
        self.nest.insts[v.index()].elem
    }

    pub(super) fn size(&mut self, size: &Size) -> Value {
        if let Some(&v) = self.sizes.get(size) {
            return v;
        }
        let mut value = None;
        if size.factor != 1 || size.axes.is_empty() {
            value = Some(self.b.ins().iconst(types::I64, size.factor as i64));
        }
        for &axis in &size.axes {
            let known = self.entry.axes.get(axis as usize).and_then(|a| a.size);
            let factor = match known {
                Some(n) => self.b.ins().iconst(types::I64, n as i64),
                None => {
                    let (table, offset) = (self.arguments[1], 8 * axis as i32);
                    self.b.ins().load(types::I64, MemFlagsData::trusted(), table, offset)
                }
            };
            value = Some(match value {
                None => factor,
                Some(v) => self.b.ins().imul(v, factor),
            });
        }
        let value = match value {
            Some(v) => v,
            None => self.b.ins().iconst(types::I64, 1),
        };
        self.sizes.insert(size.clone(), value);
        value
    }

    fn base_pointer(&mut self, base: Base, access: &Access, elem: Elem) {
        let key = (base, access.strides.clone(), access.offsets.clone());
        if self.pointers.contains_key(&key) {
            return;
        }
        for stride in access.strides.iter().filter(|s| s.known().is_none()) {
            self.size(stride);
        }
        let (table, i) = match base {
            Base::Buffer(i) => (self.arguments[0], i),
            Base::Sum(i) => (self.arguments[2], i),
        };
        let offset = i32::try_from(i).unwrap_or(i32::MAX).saturating_mul(self.pointer_type.bytes() as i32);
        let mut pointer = self.b.ins().load(self.pointer_type, MemFlagsData::trusted(), table, offset);
        for size in &access.offsets {
            let elements = self.size(size);
            let bytes = self.b.ins().imul_imm_s(elements, elem.bytes() as i64);
            pointer = self.b.ins().iadd(pointer, bytes);
        }
        self.pointers.insert(key, vec![pointer]);
    }

    /// Everything inside `l` loops.
    fn level(&mut self, l: usize) {
        for i in 0..self.nest.insts.len() {
            if self.nest.insts[i].level == l {
                let value = self.instruction(i);
                self.values[i] = Some(value);
            }
        }
        let sums: Vec<usize> = (0..self.nest.sums.len()).filter(|&s| self.nest.sums[s].level() == l).collect();
        for &s in &sums {
            self.start_sum(s, l);
        }
        if l == self.nest.depth() {
            self.innermost();
        } else {
            let (from, to) = if l == 0 {
                (self.arguments[3], self.arguments[4])
            } else {
                (self.b.ins().iconst(types::I64, 0), self.size(&self.nest.loops[l].extent.clone()))
            };
            let lanes = if l + 1 == self.nest.depth() { vector::lanes(self.nest) } else { 1 };
            if lanes > 1 {
                let mask = -(lanes as i64);
                let count = self.b.ins().isub(to, from);
                let whole = self.b.ins().band_imm_s(count, mask);
                let middle = self.b.ins().iadd(from, whole);
                self.splat_invariants(lanes);
                self.lanes = lanes;
                self.loop_over(l, from, middle, lanes);
                self.lanes = 1;
                self.drop_vectors();
                self.loop_over(l, middle, to, 1);
            } else {
                self.loop_over(l, from, to, 1);
            }
        }
        for &s in &sums {
            self.finish_sum(s);
        }
    }

    fn loop_over(&mut self, l: usize, from: Value, to: Value, step: usize) {
        let (index, done) = self.open_loop(from, to);
        self.indices.push(index);
        self.advance_pointers(l, index);
        self.level(l + 1);
        self.pointers.values_mut().for_each(|p| p.truncate(l + 1));
        self.indices.pop();
        self.close_loop(index, step, done);
    }

    /// Opens `for index in from..to` and gives the index and the block after it.
    pub(super) fn open_loop(&mut self, from: Value, to: Value) -> (Value, LoopBlocks) {
        let (head, body, after) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let index = self.b.append_block_param(head, types::I64);
        self.b.ins().jump(head, &[from.into()]);
        self.b.switch_to_block(head);
        let more = self.b.ins().icmp(IntCC::SignedLessThan, index, to);
        self.b.ins().brif(more, body, &[], after, &[]);
        self.b.seal_block(body);
        self.b.switch_to_block(body);
        (index, LoopBlocks { head, after })
    }

    pub(super) fn close_loop(&mut self, index: Value, step: usize, blocks: LoopBlocks) {
        let next = self.b.ins().iadd_imm_s(index, step as i64);
        self.b.ins().jump(blocks.head, &[next.into()]);
        self.b.seal_block(blocks.head);
        self.b.seal_block(blocks.after);
        self.b.switch_to_block(blocks.after);
    }

    /// Moves every pointer to the element of this loop's index.
    fn advance_pointers(&mut self, l: usize, index: Value) {
        let mut steps: HashMap<(Size, usize), Value> = HashMap::new();
        let mut keys: Vec<PointerKey> = self.pointers.keys().cloned().collect();
        // The order decides the text of the function.
        keys.sort_by(|a, b| (base_order(a.0), &a.1, &a.2).cmp(&(base_order(b.0), &b.1, &b.2)));
        for key in keys {
            let Some(&pointer) = self.pointers.get(&key).and_then(|p| p.get(l)) else { continue };
            let stride = &key.1[l];
            let moved = if *stride == Size::ZERO {
                pointer
            } else {
                let bytes = self.base_bytes(key.0);
                let step = match steps.get(&(stride.clone(), bytes)) {
                    Some(&v) => v,
                    None => {
                        let v = self.scaled(index, stride, bytes);
                        steps.insert((stride.clone(), bytes), v);
                        v
                    }
                };
                self.b.ins().iadd(pointer, step)
            };
            if let Some(p) = self.pointers.get_mut(&key) {
                p.push(moved);
            }
        }
    }

    fn base_bytes(&self, base: Base) -> usize {
        let buffer = match base {
            Base::Buffer(i) => i,
            Base::Sum(i) => self.chunked[i],
        };
        self.entry.buffers[buffer].elem.bytes()
    }

    /// `index * stride * bytes`
    pub(super) fn scaled(&mut self, index: Value, stride: &Size, bytes: usize) -> Value {
        match stride.known() {
            Some(n) => {
                let factor = n.saturating_mul(bytes as u64);
                if factor.is_power_of_two() {
                    self.b.ins().ishl_imm_u(index, i64::from(factor.trailing_zeros()))
                } else {
                    self.b.ins().imul_imm_s(index, factor as i64)
                }
            }
            None => {
                let stride = self.size(stride);
                let elements = self.b.ins().imul(index, stride);
                self.b.ins().ishl_imm_u(elements, i64::from(bytes.trailing_zeros()))
            }
        }
    }

    /// Address and constant byte offset of an access inside the loops that are open.
    pub(super) fn address(&mut self, base: Base, access: &Access, elem: Elem) -> (Value, i32) {
        let key = (base, access.strides.clone(), access.offsets.clone());
        let pointer = self.pointers.get(&key).and_then(|p| p.last()).copied();
        let pointer = pointer.unwrap_or(self.arguments[0]);
        let bytes = access.offset.saturating_mul(elem.bytes() as u64);
        match i32::try_from(bytes) {
            Ok(offset) => (pointer, offset),
            Err(_) => (self.b.ins().iadd_imm_s(pointer, bytes as i64), 0),
        }
    }

    /// The number at an access, or a vector of them in vector code.
    pub(super) fn load(&mut self, access: &Access, elem: Elem) -> Value {
        let (pointer, offset) = self.address(Base::Buffer(access.buffer), access, elem);
        let (ty, flags) = self.memory(elem);
        self.b.ins().load(ty, flags, pointer, offset)
    }

    fn memory(&self, elem: Elem) -> (Type, MemFlagsData) {
        let ty = scalar_type(elem);
        match self.lanes {
            1 => (ty, MemFlagsData::trusted()),
            // Vectors start at any number, so they are not aligned to their own size.
            lanes => (ty.by(lanes as u32).unwrap_or(ty), MemFlagsData::new().with_notrap()),
        }
    }

    fn innermost(&mut self) {
        let nest = self.nest;
        for s in &nest.stores {
            let elem = self.elem(s.value);
            let value = self.operand(s.value);
            let (pointer, offset) = self.address(Base::Buffer(s.access.buffer), &s.access, elem);
            let (_, flags) = self.memory(elem);
            self.b.ins().store(flags, value, pointer, offset);
        }
        for (i, s) in nest.sums.iter().enumerate() {
            let value = self.operand(s.value);
            match self.accumulators[i] {
                Some((scalar, vector)) => {
                    let variable = if self.lanes > 1 { vector.unwrap_or(scalar) } else { scalar };
                    let old = self.b.use_var(variable);
                    let new = self.b.ins().fadd(old, value);
                    self.b.def_var(variable, new);
                }
                None => {
                    let elem = self.elem(s.value);
                    let (pointer, offset) = self.address(self.sum_base(s), &s.access, elem);
                    let (ty, flags) = self.memory(elem);
                    let old = self.b.ins().load(ty, flags, pointer, offset);
                    let new = self.b.ins().fadd(old, value);
                    self.b.ins().store(flags, new, pointer, offset);
                }
            }
        }
    }
}

/// The blocks of an open loop.
pub(super) struct LoopBlocks {
    head: cranelift_codegen::ir::Block,
    after: cranelift_codegen::ir::Block,
}

fn base_order(base: Base) -> (usize, usize) {
    match base {
        Base::Buffer(i) => (0, i),
        Base::Sum(i) => (1, i),
    }
}
