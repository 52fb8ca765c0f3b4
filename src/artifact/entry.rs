//! Entry points: ports, buffers and steps.

use super::{Code, Size};
use crate::base::{Elem, SolvePrecision};

/// Index of an axis in [`Entry::axes`].
pub type AxisIndex = usize;
/// Index of a buffer in [`Entry::buffers`].
pub type BufferIndex = usize;

/// A compiled program.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Its name: the model's.
    pub name: String,
    /// Entry points, each with the code of its loop nests.
    pub entries: Vec<(Entry, Code)>,
}

impl Artifact {
    /// The entry point of this name.
    pub fn entry(&self, name: &str) -> Option<&(Entry, Code)> {
        self.entries.iter().find(|(e, _)| e.name == name)
    }
}

/// A function that can be called.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The axes it uses.
    pub axes: Vec<Axis>,
    /// What it takes, in order.
    pub params: Vec<Port>,
    /// What it gives, in order.
    pub results: Vec<Port>,
    /// Equalities between products of sizes that a call must satisfy; one with a single unbound axis binds it.
    pub equations: Vec<SizeEquation>,
    /// All memory the steps touch.
    pub buffers: Vec<Buffer>,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// The results that may be written over a parameter while the steps run.
    pub in_place: Vec<InPlace>,
}

impl Entry {
    /// Whether anybody reads what step `at` writes to a buffer: the caller, or a later step.
    pub fn is_read_after(&self, at: usize, buffer: BufferIndex) -> bool {
        self.buffers.get(buffer).is_some_and(|b| b.place != BufferPlace::Temporary)
            || self.steps.iter().skip(at + 1).any(|later| later.reads().contains(&buffer))
    }
}

/// An axis with a size known at compile time or bound by each call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Its size, or `None` when every call binds it.
    pub size: Option<usize>,
}

/// A parameter or a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// The type of one number.
    pub elem: Elem,
    /// Its axes, outermost first, row-major.
    pub axes: Vec<AxisIndex>,
    /// Where it lives.
    pub buffer: BufferIndex,
}

/// `left = right`, owed to a reshape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeEquation {
    /// One product of sizes.
    pub left: Size,
    /// The other.
    pub right: Size,
}

/// A piece of contiguous memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Who owns it.
    pub place: BufferPlace,
    /// The type of one number.
    pub elem: Elem,
    /// How many numbers it holds.
    pub size: Size,
}

/// Who owns a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferPlace {
    /// The caller: the parameter at this position.
    Param(usize),
    /// The caller: the result at this position.
    Result(usize),
    /// The call's workspace; its memory is shared with temporaries that are never alive at the same step.
    Temporary,
}

/// Result number `result` may lie over parameter number `param`: it is written in the last step that reads the parameter, element by
/// element at the places read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InPlace {
    /// Position of the result.
    pub result: usize,
    /// Position of the parameter.
    pub param: usize,
}

/// One step of an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A compiled loop nest.
    Loops(LoopStep),
    /// Matrix products.
    Product(Product),
    /// A relaxed solve or its adjoint.
    Solve(SolveStep),
    /// A symmetric positive definite solve or its adjoint.
    Spd(SpdStep),
}

/// A compiled loop nest.
#[derive(Clone, Debug, PartialEq)]
pub struct LoopStep {
    /// Index of its function in [`Code`].
    pub nest: usize,
    /// Iterations of the outermost loop (1 without loops).
    pub outer: Size,
    /// Iterations of the loops inside it.
    pub inner: Size,
    /// Rough cost of one innermost iteration, in additions.
    pub cost: u64,
    /// Buffers it reads.
    pub reads: Vec<BufferIndex>,
    /// Buffers it writes, element by element.
    pub writes: Vec<BufferIndex>,
    /// Sums over the outermost loop, in the order of the function's `sums` argument. Each chunk of the outermost
    /// loop has an accumulator of its own; they are added in a tree whose shape depends on the sizes only.
    pub sums: Vec<SumBuffer>,
}

/// Where a sum over the outermost loop ends up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumBuffer {
    /// The buffer, all of whose elements are results of the sum.
    pub buffer: BufferIndex,
}

/// `out[b, m, n] = sum over k of a[b, m, k] * b[b, k, n]`, each index with its own strides.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// The type of one number.
    pub elem: Elem,
    /// Indices that all three or just one operand and the result have, run one by one: extent and strides in `a`, `b`, `out`.
    pub batch: Vec<(Size, [Size; 3])>,
    /// Extent of the rows, strides in `a` and `out`.
    pub m: Runs,
    /// Extent of the columns, strides in `b` and `out`.
    pub n: Runs,
    /// Extent of the sum, strides in `a` and `b`.
    pub k: Runs,
    /// Further indices to sum over that do not merge with `k`, run one by one, each added to the result.
    pub outer_k: Vec<Runs>,
    /// Left operand.
    pub a: Operand,
    /// Right operand.
    pub b: Operand,
    /// Result.
    pub out: BufferIndex,
}

/// One merged index of a product.
#[derive(Clone, Debug, PartialEq)]
pub struct Runs {
    /// Its extent.
    pub extent: Size,
    /// Its strides in the two tensors that have it.
    pub strides: [Size; 2],
}

/// A strided view of a buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// The buffer.
    pub buffer: BufferIndex,
    /// First element: a sum of products.
    pub offset: Vec<Size>,
}

/// What the steps of a system differ by, on top of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepSizes {
    /// Nothing: one step for all intervals.
    One,
    /// The interval between two time steps.
    Intervals,
    /// The interval, and the state.
    States,
}

/// A relaxed solve: operands in canonical order, batch axes first; each operand has all batch axes or none.
#[derive(Clone, Debug, PartialEq)]
pub struct SolveStep {
    /// Number of systems: the product of the batch axes.
    pub batch: Size,
    /// Number of time steps.
    pub time: Size,
    /// Number of states.
    pub states: usize,
    /// Derivatives kept, 0 included.
    pub orders: usize,
    /// Number of equations.
    pub equations: usize,
    /// First steps that have initial values.
    pub start: Size,
    /// Derivatives given at each of them.
    pub given: usize,
    /// Whether the central row is there.
    pub central: bool,
    /// One more unknown in all rows between time steps, and what pushes it.
    pub slack: Option<f64>,
    /// Weights of the equation, initial and smoothness rows.
    pub weights: [f64; 3],
    /// The arithmetic; never single precision alone for an adjoint, or for a solve that has one.
    pub precision: SolvePrecision,
    /// `c`, `rhs`, `iv`, `h`, each with whether it has the batch axes.
    pub operands: [(BufferIndex, bool); 4],
    /// What the steps `h` differ by.
    pub steps: StepSizes,
    /// The solution `u`: written, or read by the adjoint.
    pub solution: BufferIndex,
    /// The adjoint: `u_adj`, and the buffers for the adjoints of the four operands.
    pub adjoint: Option<(BufferIndex, [BufferIndex; 4])>,
}

impl SolveStep {
    /// Whether all systems have one matrix.
    pub fn shared(&self) -> bool {
        !self.operands[0].1 && !self.operands[3].1
    }

    /// The arithmetic on a device: one factor for all systems costs nothing in double precision.
    pub fn device_precision(&self) -> SolvePrecision {
        match self.precision {
            SolvePrecision::Mixed if self.shared() => SolvePrecision::F64,
            precision => precision,
        }
    }

    /// Whether devices keep residuals of rows from pass to pass, where they need to: not with rows that tie more than two steps, nor where corrections
    /// end when nothing is gained any more.
    pub fn may_keep_rows(&self) -> bool {
        !self.central && self.slack.is_none() && self.device_precision() == SolvePrecision::F64
    }
}

/// A masked symmetric positive definite solve: `n[B, k, k]`, `r[B, k]`, `mask[B, k]` or `mask[k]`.
#[derive(Clone, Debug, PartialEq)]
pub struct SpdStep {
    /// The type of one number.
    pub elem: Elem,
    /// Number of systems.
    pub batch: Size,
    /// Unknowns of each.
    pub unknowns: Size,
    /// The matrices, and whether they have the batch axes.
    pub matrix: (BufferIndex, bool),
    /// The mask, and whether it has the batch axes.
    pub mask: (BufferIndex, bool),
    /// Right-hand sides of the solve; `x_adj` of the adjoint.
    pub rhs: BufferIndex,
    /// The solution: written, or read by the adjoint.
    pub solution: BufferIndex,
    /// The adjoint's results: `n_adj` and `r_adj`.
    pub adjoint: Option<[BufferIndex; 2]>,
}

impl Step {
    /// Buffers the step reads.
    pub fn reads(&self) -> Vec<BufferIndex> {
        match self {
            Step::Loops(s) => s.reads.clone(),
            Step::Product(p) => vec![p.a.buffer, p.b.buffer],
            Step::Solve(s) => {
                let mut reads: Vec<_> = s.operands.iter().map(|o| o.0).collect();
                if let Some((u_adj, _)) = s.adjoint {
                    reads.extend([s.solution, u_adj]);
                }
                reads
            }
            Step::Spd(s) => {
                let mut reads = vec![s.matrix.0, s.mask.0, s.rhs];
                reads.extend(s.adjoint.map(|_| s.solution));
                reads
            }
        }
    }

    /// Buffers the step writes.
    pub fn writes(&self) -> Vec<BufferIndex> {
        match self {
            Step::Loops(s) => s.writes.iter().copied().chain(s.sums.iter().map(|x| x.buffer)).collect(),
            Step::Product(p) => vec![p.out],
            Step::Solve(s) => s.adjoint.map_or_else(|| vec![s.solution], |(_, adjoints)| adjoints.to_vec()),
            Step::Spd(s) => s.adjoint.map_or_else(|| vec![s.solution], |adjoints| adjoints.to_vec()),
        }
    }
}
