//! Common subexpressions.

use super::rewrite::rewrite;
use crate::base::SolvePrecision;
use crate::ir::{Function, Module, Op, SolveScheme, Type, ValueId};
use std::collections::HashMap;

/// Computes what is computed twice once: instructions with one result that are equal in everything, constants to the bit.
/// Operands of operators that commute (sums, products, smaller, larger, contractions) are put in the order of definition first.
pub fn eliminate_common(module: &Module, function: &mut Function) -> bool {
    let mut known: HashMap<(Key, Vec<ValueId>, Type), ValueId> = HashMap::new();
    rewrite(module, function, |r, inst, ty| {
        let mut args = inst.args.clone();
        if commutes(&inst.op) {
            args.sort();
        }
        let key = (Key::new(&inst.op), args, ty.clone());
        if let Some(&value) = known.get(&key) {
            return Some(value);
        }
        known.insert(key, r.next_value());
        None
    })
}

fn commutes(op: &Op) -> bool {
    match op {
        Op::Binary(op) => op.commutes(),
        Op::Contract(_) => true,
        _ => false,
    }
}

/// An instruction that can be compared and hashed: numbers by their bits.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Const(u64),
    Scheme(bool, [usize; 6], bool, [u64; 3], SolvePrecision),
    Other(String),
}

impl Key {
    fn new(op: &Op) -> Key {
        match op {
            Op::Const(x) => Key::Const(x.to_bits()),
            Op::Solve(s) => Key::scheme(false, s),
            Op::SolveAdjoint(s) => Key::scheme(true, s),
            // Every other instruction is told apart by its debug form, which has all of its attributes.
            other => Key::Other(format!("{other:?}")),
        }
    }

    fn scheme(adjoint: bool, s: &SolveScheme) -> Key {
        use crate::base::Idx;
        let axes = [s.time, s.state, s.order, s.equation, s.start, s.given].map(Idx::index);
        Key::Scheme(adjoint, axes, s.central, s.weights.map(f64::to_bits), s.precision)
    }
}
