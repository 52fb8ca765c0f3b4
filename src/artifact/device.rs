//! A program for an accelerator, as its runtime sees it: source text, kernels and device steps.
//!
//! A [`DeviceProgram`] does what the steps of its [`Entry`] do. Its memory is the entry's buffers, row-major and with the same
//! numbers in them as on the host, and [`Scratch`] of its own. A call
//!
//! 1. binds the sizes of all axes as on the host and lays out buffers and scratch, each aligned to 256 bytes;
//! 2. sets every word of the status, one `u64` for each of [`DeviceProgram::checks`], to `u64::MAX`;
//! 3. runs the [`DeviceProgram::steps`] that are [needed](Launch::when) in order on one stream. No step waits for the host, so that all of them can be recorded as one graph
//!    for each set of sizes;
//! 4. reads the status back: a word that is not `u64::MAX` is a failure ([`Check::failed`], [`Check::place`]).
//!
//! All kernels are `extern "C"`, one-dimensional in grid and block, and take 64-bit words: an address for memory and status, an
//! `unsigned long long` for numbers. They write no float by atomic operations, so that results are the same in every run.

use super::operator::{SolutionOperator, When};
use super::{BufferIndex, Entry, Size};
use crate::base::Elem;

pub use super::count::{Count, FEWEST_STEPS_CUT, Factor, MOST_THREADS_CUT, TimeCut, cuts_time, lanes, segments};

/// The program of one entry.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceProgram {
    /// What the program computes: its ports, axes and buffers. Its steps say which buffers are alive when.
    pub entry: Entry,
    /// A complete CUDA C++ translation unit without includes.
    pub source: String,
    /// The kernels in the source.
    pub kernels: Vec<Kernel>,
    /// Further memory.
    pub scratch: Vec<Scratch>,
    /// What to do, in order.
    pub steps: Vec<DeviceStep>,
    /// Explicit solution matrices, which are used where sizes are such that they pay.
    pub operators: Vec<SolutionOperator>,
    /// The words of the status.
    pub checks: Vec<Check>,
}

/// A function of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Its name in the source.
    pub name: String,
    /// Threads of a block.
    pub block: u32,
    /// Whether threads of a block wait for each other.
    pub barriers: bool,
    /// Whether one thread keeps small matrices in registers: such a kernel must not spill.
    pub unrolled: bool,
}

/// Memory that kernels address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Memory {
    /// A buffer of the entry.
    Buffer(BufferIndex),
    /// A part of the scratch, by position in [`DeviceProgram::scratch`].
    Scratch(usize),
}

/// Memory of the program itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Scratch {
    /// The type of one number.
    pub elem: Elem,
    /// How many numbers it holds.
    pub count: Count,
    /// First and last step of the *entry* that use it; in between it keeps its numbers.
    pub alive: (usize, usize),
    /// When it is needed: else it takes no room.
    pub when: When,
    /// Whether it keeps its numbers from call to call, for as long as sizes stay.
    pub kept: bool,
}

/// One argument of a launch.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// The address of a piece of memory.
    Memory(Memory),
    /// A number.
    Count(Count),
    /// The address of this word of the status.
    Status(usize),
}

/// One step on the device.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceStep {
    /// A launch of a generated kernel.
    Launch(Launch),
    /// Products of matrices.
    Gemm(Box<Gemm>),
}

impl DeviceStep {
    /// The launch of a generated kernel: of a product that which does the same.
    pub fn launch(&self) -> &Launch {
        match self {
            DeviceStep::Launch(launch) => launch,
            DeviceStep::Gemm(gemm) => &gemm.generated,
        }
    }
}

impl DeviceProgram {
    /// For each operator whether it is used, for the sizes of all axes.
    pub fn operators_used(&self, sizes: &[u64]) -> Vec<bool> {
        self.operators.iter().map(|operator| operator.pays(sizes)).collect()
    }
}

impl Scratch {
    /// How many numbers it holds where these operators are used, or `None` beyond 63 bits.
    pub fn numbers(&self, sizes: &[u64], used: &[bool]) -> Option<u64> {
        if self.when.needed(used, true) { self.count.value(sizes) } else { Some(0) }
    }
}

/// A launch: `ceil(threads / block)` blocks. With no thread there is nothing to launch.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// Position in [`DeviceProgram::kernels`].
    pub kernel: usize,
    /// The arguments, in the order of the kernel's parameters.
    pub arguments: Vec<Argument>,
    /// Threads that have something to do.
    pub threads: Count,
    /// The step of the entry that this is a part of.
    pub origin: usize,
    /// When it is needed.
    pub when: When,
    /// What it computes, in the names of the model. Launches of one kernel may differ in it.
    pub note: String,
}

/// Products in the terms of BLAS: all matrices are column-major, and
/// `out (rows x columns) = op(left) (rows x inner) op(right) (inner x columns)` for every combination of the batch indices, summed
/// over the combinations of [`Gemm::sums`], of which the first replaces `out`, unless [`Gemm::add`] says otherwise, and the others are added to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Gemm {
    /// The type of one number.
    pub elem: Elem,
    /// Rows of the result.
    pub rows: Size,
    /// Columns of the result.
    pub columns: Size,
    /// Extent of the sum.
    pub inner: Size,
    /// The left factor.
    pub left: Matrix,
    /// The right factor.
    pub right: Matrix,
    /// The result, never transposed.
    pub out: Matrix,
    /// Batch indices, outermost first: extent, and strides in elements in `left`, `right`, `out`.
    pub batch: Vec<(Size, [Size; 3])>,
    /// Outer summation indices: extent, and strides in `left`, `right`.
    pub sums: Vec<(Size, [Size; 2])>,
    /// Whether the first is added to `out` as well.
    pub add: bool,
    /// The same by a generated kernel, all in one launch: for small products and where there is no library.
    pub generated: Launch,
}

/// A column-major matrix in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Where.
    pub memory: Memory,
    /// First element: the sum of these, in elements.
    pub offset: Vec<Size>,
    /// Distance of neighbouring columns in elements. It may be less than the rows where the matrix has one column at most; then
    /// the rows are as good.
    pub leading: Size,
    /// Whether the factor is the transpose of what is stored.
    pub transposed: bool,
}

/// What a word of the status means when it is not `u64::MAX`: the smallest place at which a step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The step of the entry.
    pub step: usize,
    /// What failed there.
    pub failure: DeviceFailure,
    /// Places of one sample: time steps of a relaxed solve, 1 otherwise.
    pub places: Size,
    /// When the launches that lower it are needed. Those that make an operator solve units, which are no samples.
    pub when: When,
}

impl Check {
    /// Whether a word tells of a failure.
    pub fn failed(&self, word: u64) -> bool {
        word != u64::MAX && self.failure != DeviceFailure::Narrow
    }

    /// The sample, where it is that of one, and the time step that a status word stands for.
    pub fn place(&self, word: u64, sizes: &[u64]) -> (Option<u64>, u64) {
        let places = self.places.value(sizes).unwrap_or(1).max(1);
        let sample = (!matches!(self.when, When::Made(_))).then_some(word / places);
        (sample, word % places)
    }
}

/// Why a step cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceFailure {
    /// The matrix of a symmetric solve has no Cholesky factor.
    NotPositiveDefinite,
    /// Corrections of a relaxed solve with a factor in single precision do not come to rest.
    NotConverged,
    /// Those of a solve in double precision, or of its adjoint, whose start leaves much open do not.
    Unsettled,
    /// Single precision is too little for a factor; later steps solve in double precision, so this is no failure.
    Narrow,
    /// The rows of a relaxed solve leave unknowns of this time step undetermined, or one of its coefficients is not finite.
    Undetermined,
    /// A number of a relaxed solve's solution is not finite: right-hand sides or initial values are not, or were too large.
    NotFinite,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_word_names_sample_and_time_step() {
        let of = |when| Check { step: 4, failure: DeviceFailure::Undetermined, places: Size::axis(0), when };
        assert_eq!(of(When::Always).place(107, &[50]), (Some(2), 7));
        assert_eq!(of(When::Substituted(0)).place(107, &[50]), (Some(2), 7));
        // The units that a solution matrix is made of are no samples.
        assert_eq!(of(When::Made(0)).place(107, &[50]), (None, 7));
    }
}
