//! What one instruction becomes; the same code emits scalars and vectors where Cranelift's instructions do both.

use super::body::Body;
use super::emit::scalar_type;
use super::library::Call;
use crate::base::{Elem, Idx};
use crate::ir::{BinaryOp, CmpOp, UnaryOp};
use crate::kernel::{NestInst, NestValue, ScalarOp};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Value};

/// The function an instruction calls, if it is a call.
pub(super) fn call(inst: &NestInst) -> Option<Call> {
    use UnaryOp::{Abs, Neg, Sign, Sqrt};
    match inst.op {
        ScalarOp::Unary(Neg | Abs | Sqrt | Sign, _) => None,
        ScalarOp::Unary(op, _) => Some(Call::Unary(op, inst.elem)),
        ScalarOp::Binary(BinaryOp::Pow, ..) => Some(Call::Binary(BinaryOp::Pow, inst.elem)),
        _ => None,
    }
}

impl Body<'_> {
    /// Emits instruction number `i`.
    pub(super) fn instruction(&mut self, i: usize) -> Value {
        let nest = self.nest;
        let inst = &nest.insts[i];
        if let Some(call) = call(inst) {
            let operands: Vec<Value> = inst.op.operands().iter().map(|&v| self.operand(v)).collect();
            return self.call(call, &operands);
        }
        match &inst.op {
            ScalarOp::Const(c) => match inst.elem {
                Elem::F32 => self.b.ins().f32const(*c as f32),
                Elem::F64 => self.b.ins().f64const(*c),
            },
            ScalarOp::Load(access) => self.load(access, inst.elem),
            ScalarOp::Unary(op, a) => {
                let a = self.operand(*a);
                match op {
                    UnaryOp::Neg => self.b.ins().fneg(a),
                    UnaryOp::Abs => self.b.ins().fabs(a),
                    UnaryOp::Sqrt => self.b.ins().sqrt(a),
                    _ => self.sign(a, inst.elem),
                }
            }
            ScalarOp::Binary(op, a, b) => {
                let (a, b) = (self.operand(*a), self.operand(*b));
                match op {
                    BinaryOp::Add => self.b.ins().fadd(a, b),
                    BinaryOp::Sub => self.b.ins().fsub(a, b),
                    BinaryOp::Mul => self.b.ins().fmul(a, b),
                    BinaryOp::Div => self.b.ins().fdiv(a, b),
                    // Both are the IEEE 754-2019 operations in Cranelift too.
                    BinaryOp::Min => self.b.ins().fmin(a, b),
                    BinaryOp::Max | BinaryOp::Pow => self.b.ins().fmax(a, b),
                }
            }
            ScalarOp::Powi(n, a) => {
                let a = self.operand(*a);
                self.powi(*n, a, inst.elem)
            }
            ScalarOp::Select(cmp, v) => {
                let [a, b, x, y] = v.map(|v| self.operand(v));
                self.select(*cmp, [a, b, x, y])
            }
            ScalarOp::Convert(a) => {
                let from = self.elem(*a);
                let a = self.operand(*a);
                match (from, inst.elem) {
                    (Elem::F32, Elem::F64) => self.b.ins().fpromote(scalar_type(Elem::F64), a),
                    (Elem::F64, Elem::F32) => self.b.ins().fdemote(scalar_type(Elem::F32), a),
                    _ => a,
                }
            }
            ScalarOp::Pick { at_loop, at, then, otherwise } => {
                let (then, otherwise) = (self.operand(*then), self.operand(*otherwise));
                let here = self.b.ins().icmp_imm_s(IntCC::Equal, self.indices[*at_loop], *at as i64);
                self.b.ins().select(here, then, otherwise)
            }
        }
    }

    /// The value of an operand that is emitted already.
    pub(super) fn operand(&mut self, v: NestValue) -> Value {
        match self.values[v.index()] {
            Some(value) => value,
            // Operands come before their uses on the same or an outer level, so this does not happen.
            None => self.zero(self.elem(v)),
        }
    }

    fn one(&mut self, elem: Elem) -> Value {
        let one = match elem {
            Elem::F32 => self.b.ins().f32const(1.0),
            Elem::F64 => self.b.ins().f64const(1.0),
        };
        self.spread(one, elem)
    }

    /// A scalar in every lane.
    fn spread(&mut self, scalar: Value, elem: Elem) -> Value {
        match scalar_type(elem).by(self.lanes as u32) {
            Some(ty) if self.lanes > 1 => self.b.ins().splat(ty, scalar),
            _ => scalar,
        }
    }

    /// `fcmp(a, b) ? x : y`
    fn select_float(&mut self, cc: FloatCC, [a, b, x, y]: [Value; 4]) -> Value {
        let holds = self.b.ins().fcmp(cc, a, b);
        if self.lanes == 1 {
            return self.b.ins().select(holds, x, y);
        }
        let ty = self.b.func.dfg.value_type(x);
        let mask = self.b.ins().bitcast(ty, MemFlagsData::new().with_endianness(Endianness::Little), holds);
        self.b.ins().bitselect(mask, x, y)
    }

    fn select(&mut self, cmp: CmpOp, operands: [Value; 4]) -> Value {
        let cc = match cmp {
            CmpOp::Lt => FloatCC::LessThan,
            CmpOp::Le => FloatCC::LessThanOrEqual,
            CmpOp::Eq => FloatCC::Equal,
        };
        self.select_float(cc, operands)
    }

    /// As [`Real::sign`](crate::base::Real::sign).
    fn sign(&mut self, a: Value, elem: Elem) -> Value {
        let zero = self.zero(elem);
        let zero = self.spread(zero, elem);
        let one = self.one(elem);
        let minus_one = self.b.ins().fneg(one);
        let at_zero = self.select_float(FloatCC::Equal, [a, zero, zero, a]);
        let below = self.select_float(FloatCC::LessThan, [a, zero, minus_one, at_zero]);
        self.select_float(FloatCC::GreaterThan, [a, zero, one, below])
    }

    /// The multiplications of [`Real::powi`](crate::base::Real::powi), in its order.
    fn powi(&mut self, n: i32, a: Value, elem: Elem) -> Value {
        let mut rest = n.unsigned_abs();
        let mut square = a;
        let mut product: Option<Value> = None;
        while rest > 0 {
            if rest & 1 == 1 {
                product = Some(match product {
                    None => square,
                    Some(p) => self.b.ins().fmul(p, square),
                });
            }
            rest >>= 1;
            if rest > 0 {
                square = self.b.ins().fmul(square, square);
            }
        }
        let one = self.one(elem);
        let positive = product.unwrap_or(one);
        if n < 0 { self.b.ins().fdiv(one, positive) } else { positive }
    }

    fn call(&mut self, call: Call, operands: &[Value]) -> Value {
        let Some(&function) = self.calls.get(&call) else { return self.zero(call.elem()) };
        if self.lanes == 1 {
            let inst = self.b.ins().call(function, operands);
            return self.b.inst_results(inst)[0];
        }
        let zero = self.zero(call.elem());
        let mut result = self.spread(zero, call.elem());
        for lane in 0..self.lanes as u8 {
            let parts: Vec<Value> = operands.iter().map(|&v| self.b.ins().extractlane(v, lane)).collect();
            let inst = self.b.ins().call(function, &parts);
            let part = self.b.inst_results(inst)[0];
            result = self.b.ins().insertlane(result, part, lane);
        }
        result
    }
}
