//! Sums: in registers where all of their loops are innermost, else in memory.

use super::body::Body;
use super::emit::scalar_type;
use super::vector;
use crate::base::Elem;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};

impl Body<'_> {
    /// Opens a sum before loop `level`.
    pub(super) fn start_sum(&mut self, s: usize, level: usize) {
        let sum = &self.nest.sums[s];
        let elem = self.elem(sum.value);
        let ty = scalar_type(elem);
        if !sum.in_register() {
            return self.zero_elements(s, level);
        }
        let zero = self.zero(elem);
        let scalar = self.b.declare_var(ty);
        self.b.def_var(scalar, zero);
        let lanes = vector::lanes(self.nest);
        let vector = (lanes > 1).then(|| {
            let ty = ty.by(lanes as u32).unwrap_or(ty);
            let variable = self.b.declare_var(ty);
            let zeros = self.b.ins().splat(ty, zero);
            self.b.def_var(variable, zeros);
            variable
        });
        self.accumulators[s] = Some((scalar, vector));
    }

    pub(super) fn zero(&mut self, elem: Elem) -> Value {
        match elem {
            Elem::F32 => self.b.ins().f32const(0.0),
            Elem::F64 => self.b.ins().f64const(0.0),
        }
    }

    /// Zeroes the elements that the loops from `level` on add to.
    fn zero_elements(&mut self, s: usize, level: usize) {
        let sum = &self.nest.sums[s];
        let elem = self.elem(sum.value);
        let (mut pointer, offset) = self.address(self.sum_base(sum), &sum.access, elem);
        let mut open = Vec::new();
        for l in (level..self.nest.depth()).filter(|&l| !sum.over[l]) {
            let from = self.b.ins().iconst(types::I64, 0);
            let to = self.size(&self.nest.loops[l].extent.clone());
            let (index, blocks) = self.open_loop(from, to);
            let step = self.scaled(index, &sum.access.strides[l].clone(), elem.bytes());
            pointer = self.b.ins().iadd(pointer, step);
            open.push((index, blocks));
        }
        let zero = self.zero(elem);
        self.b.ins().store(MemFlagsData::trusted(), zero, pointer, offset);
        for (index, blocks) in open.into_iter().rev() {
            self.close_loop(index, 1, blocks);
        }
    }

    /// Writes a sum that was kept in registers: that of its lanes, lowest first, and the scalar one.
    pub(super) fn finish_sum(&mut self, s: usize) {
        let Some((scalar, vector)) = self.accumulators[s].take() else { return };
        let sum = &self.nest.sums[s];
        let elem = self.elem(sum.value);
        let mut total = self.b.use_var(scalar);
        if let Some(vector) = vector {
            let lanes = self.b.use_var(vector);
            let mut of_lanes = self.b.ins().extractlane(lanes, 0);
            for lane in 1..vector::lanes(self.nest) {
                let next = self.b.ins().extractlane(lanes, lane as u8);
                of_lanes = self.b.ins().fadd(of_lanes, next);
            }
            total = self.b.ins().fadd(of_lanes, total);
        }
        let (pointer, offset) = self.address(self.sum_base(sum), &sum.access, elem);
        self.b.ins().store(MemFlagsData::trusted(), total, pointer, offset);
    }
}
