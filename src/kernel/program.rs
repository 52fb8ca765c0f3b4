//! Loop nests.

use crate::artifact::{BufferIndex, Entry, Size};
use crate::base::{Elem, index_type};
use crate::ir::{BinaryOp, CmpOp, UnaryOp};

index_type!(
    /// A scalar in the body of a loop nest.
    NestValue, "t"
);

/// One function, lowered: what the runtime sees and the loop nests to compile.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Ports, buffers, steps.
    pub entry: Entry,
    /// The nests, in the order of [`LoopStep::nest`](crate::artifact::LoopStep).
    pub nests: Vec<LoopNest>,
}

/// Perfectly nested loops with a straight-line body.
///
/// Each instruction has a level, the number of loops it is inside of; it stands at the beginning of that loop's body, so what
/// does not depend on inner loops is computed once. Stores and accumulations stand in the innermost body, after all instructions.
#[derive(Clone, Debug, PartialEq)]
pub struct LoopNest {
    /// A name for people: the function's and a number.
    pub name: String,
    /// The loops, outermost first. Without loops the body runs once.
    pub loops: Vec<Loop>,
    /// The instructions in order; operands come before their uses and are on the same or an outer level.
    pub insts: Vec<NestInst>,
    /// What is written, element by element.
    pub stores: Vec<Store>,
    /// What is summed.
    pub sums: Vec<Accumulate>,
}

/// One loop, from zero to its extent.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// The names of the axes it runs over.
    pub name: String,
    /// Its extent.
    pub extent: Size,
}

/// One scalar instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct NestInst {
    /// What it does.
    pub op: ScalarOp,
    /// The type of its result.
    pub elem: Elem,
    /// The number of loops around it.
    pub level: usize,
}

/// What a scalar instruction does.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalarOp {
    /// A number.
    Const(f64),
    /// A load.
    Load(Access),
    /// A function.
    Unary(UnaryOp, NestValue),
    /// An operator.
    Binary(BinaryOp, NestValue, NestValue),
    /// A whole power.
    Powi(i32, NestValue),
    /// `cmp(0, 1) ? 2 : 3`
    Select(CmpOp, [NestValue; 4]),
    /// Conversion to the instruction's type.
    Convert(NestValue),
    /// `index of the loop == at ? then : otherwise`
    Pick {
        /// Which loop.
        at_loop: usize,
        /// The position.
        at: u64,
        /// The value there.
        then: NestValue,
        /// The value elsewhere.
        otherwise: NestValue,
    },
}

/// The address of an element: `buffer + offset + sum of index * stride`, in elements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// The buffer.
    pub buffer: BufferIndex,
    /// A constant part.
    pub offset: u64,
    /// Parts that depend on sizes, to be added.
    pub offsets: Vec<Size>,
    /// The stride of each loop.
    pub strides: Vec<Size>,
}

/// `access = value`
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    /// Where.
    pub access: Access,
    /// What.
    pub value: NestValue,
}

/// `access += value`, from zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Accumulate {
    /// Where; its strides are zero for the loops that are summed over. If the outermost loop is one of these, the
    /// buffer is the chunk's accumulator, of the same layout.
    pub access: Access,
    /// What is added.
    pub value: NestValue,
    /// For each loop whether it is summed over.
    pub over: Vec<bool>,
}

impl LoopNest {
    /// The number of loops.
    pub fn depth(&self) -> usize {
        self.loops.len()
    }
}

impl Accumulate {
    /// The number of outer loops before the first one that is summed over: the accumulators are zeroed inside that many loops.
    pub fn level(&self) -> usize {
        self.over.iter().position(|&s| s).unwrap_or(self.over.len())
    }

    /// Whether everything inside [`Accumulate::level`] is summed, so that a register can hold the sum.
    pub fn in_register(&self) -> bool {
        self.over.iter().skip(self.level()).all(|&s| s)
    }

    /// Whether the outermost loop is summed over, so that each chunk of it has an accumulator of its own.
    pub fn chunked(&self) -> bool {
        self.over.first() == Some(&true)
    }
}
impl ScalarOp {
    /// The operands.
    pub fn operands(&self) -> Vec<NestValue> {
        match *self {
            ScalarOp::Const(_) | ScalarOp::Load(_) => Vec::new(),
            ScalarOp::Unary(_, a) | ScalarOp::Powi(_, a) | ScalarOp::Convert(a) => vec![a],
            ScalarOp::Binary(_, a, b) => vec![a, b],
            ScalarOp::Select(_, v) => v.to_vec(),
            ScalarOp::Pick { then, otherwise, .. } => vec![then, otherwise],
        }
    }

    /// Rough cost in additions.
    pub fn cost(&self) -> u64 {
        match self {
            ScalarOp::Const(_) => 0,
            ScalarOp::Binary(BinaryOp::Pow, ..) => 60,
            ScalarOp::Binary(BinaryOp::Div, ..) | ScalarOp::Unary(UnaryOp::Sqrt, _) => 4,
            ScalarOp::Unary(UnaryOp::Neg | UnaryOp::Abs | UnaryOp::Sign, _) => 1,
            ScalarOp::Unary(..) => 25,
            ScalarOp::Powi(n, _) => 2 * u64::from(32 - n.unsigned_abs().leading_zeros()),
            _ => 1,
        }
    }
}
