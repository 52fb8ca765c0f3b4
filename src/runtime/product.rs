//! Products of matrices through `gemm`, in blocks whose shape depends on sizes only.

use super::call::Run;
use crate::artifact::{Product, Size};
use crate::base::Elem;
use gemm::Parallelism;

/// Multiplications and additions in a block, about; smaller products are one block.
const BLOCK_WORK: u64 = 24_000_000;
/// Blocks of one product at most.
const MAX_BLOCKS: u64 = 16;
/// Blocks start at multiples of that many rows or columns, so that none has an awkward edge but the last.
const BLOCK_STEP: u64 = 48;

/// One product with all sizes known.
struct Sizes {
    m: u64,
    n: u64,
    k: u64,
    a: [isize; 2],
    b: [isize; 2],
    out: [isize; 2],
    outer_k: Vec<(u64, [isize; 2])>,
    batch: Vec<(u64, [isize; 3])>,
}

/// Runs one product step.
pub(super) fn run(run: &Run<'_>, p: &Product) {
    match p.elem {
        Elem::F32 => typed::<f32>(run, p, 0.0, 1.0),
        Elem::F64 => typed::<f64>(run, p, 0.0, 1.0),
    }
}

fn typed<T: Copy + Sync + 'static>(run: &Run<'_>, p: &Product, zero: T, one: T) {
    let s = Sizes::of(run, p);
    let offset = |parts: &[Size]| parts.iter().map(|x| value(run, x)).sum::<u64>() as isize;
    let bases = Bases::<T> {
        a: run.pointer(p.a.buffer).cast::<T>().wrapping_offset(offset(&p.a.offset)),
        b: run.pointer(p.b.buffer).cast::<T>().wrapping_offset(offset(&p.b.offset)),
        out: run.pointer(p.out).cast::<T>(),
    };
    let systems: u64 = s.batch.iter().map(|(extent, _)| extent).product();
    let (rows, blocks, length) = s.blocks(systems);
    let tasks = systems * blocks;
    run.threads.for_each(tasks as usize, |task| {
        let (mut system, block) = (task as u64 / blocks, task as u64 % blocks);
        let bases = &bases;
        let (mut a, mut b, mut out) = (bases.a, bases.b, bases.out);
        for (extent, [sa, sb, so]) in s.batch.iter().rev() {
            let i = (system % extent) as isize;
            system /= extent;
            a = a.wrapping_offset(i * sa);
            b = b.wrapping_offset(i * sb);
            out = out.wrapping_offset(i * so);
        }
        let from = block * length;
        let (mut m, mut n) = (s.m, s.n);
        if rows {
            m = length.min(s.m - from);
            a = a.wrapping_offset(from as isize * s.a[0]);
            out = out.wrapping_offset(from as isize * s.out[0]);
        } else {
            n = length.min(s.n - from);
            b = b.wrapping_offset(from as isize * s.b[1]);
            out = out.wrapping_offset(from as isize * s.out[1]);
        }
        for (i, (a_part, b_part)) in s.outer_offsets().into_iter().enumerate() {
            // SAFETY: strides and extents describe elements of the entry's buffers, which are as large as the sizes bound
            // say; the result overlaps no operand; tasks write different elements of it.
            unsafe {
                gemm::gemm(
                    m as usize,
                    n as usize,
                    s.k as usize,
                    out,
                    s.out[1],
                    s.out[0],
                    i > 0,
                    a.wrapping_offset(a_part),
                    s.a[1],
                    s.a[0],
                    b.wrapping_offset(b_part),
                    s.b[1],
                    s.b[0],
                    if i > 0 { one } else { zero },
                    one,
                    false,
                    false,
                    false,
                    Parallelism::None,
                );
            }
        }
    });
}

struct Bases<T> {
    a: *mut T,
    b: *mut T,
    out: *mut T,
}

// SAFETY: addresses only; `run` says who touches what behind them.
unsafe impl<T> Sync for Bases<T> {}

fn value(run: &Run<'_>, size: &Size) -> u64 {
    // The layout has evaluated the sizes of whole buffers, of which extents and strides are factors.
    size.value(run.sizes).unwrap_or(0)
}

impl Sizes {
    fn of(run: &Run<'_>, p: &Product) -> Sizes {
        let stride = |s: &Size| value(run, s) as isize;
        Sizes {
            m: value(run, &p.m.extent),
            n: value(run, &p.n.extent),
            k: value(run, &p.k.extent),
            a: [stride(&p.m.strides[0]), stride(&p.k.strides[0])],
            b: [stride(&p.k.strides[1]), stride(&p.n.strides[0])],
            out: [stride(&p.m.strides[1]), stride(&p.n.strides[1])],
            outer_k: p
                .outer_k
                .iter()
                .map(|r| (value(run, &r.extent), [stride(&r.strides[0]), stride(&r.strides[1])]))
                .collect(),
            batch: p.batch.iter().map(|(e, [a, b, o])| (value(run, e), [stride(a), stride(b), stride(o)])).collect(),
        }
    }

    /// Whether rows are cut (or columns), into how many blocks, of what length.
    fn blocks(&self, systems: u64) -> (bool, u64, u64) {
        let rows = self.m >= self.n;
        let length = if rows { self.m } else { self.n };
        let work = [self.n, self.k].iter().fold(self.m, |p, &x| p.saturating_mul(x));
        let wanted = (work / BLOCK_WORK).clamp(1, MAX_BLOCKS).min((MAX_BLOCKS / systems.max(1)).max(1));
        let step = length.div_ceil(wanted).next_multiple_of(BLOCK_STEP).min(length).max(1);
        (rows, length.div_ceil(step), step)
    }

    /// Offsets of both operands for every combination of the outer summation indices: at least one.
    fn outer_offsets(&self) -> Vec<(isize, isize)> {
        let mut all = vec![(0, 0)];
        for &(extent, [sa, sb]) in &self.outer_k {
            all = all
                .into_iter()
                .flat_map(|(a, b)| (0..extent as isize).map(move |i| (a + i * sa, b + i * sb)))
                .collect();
        }
        all
    }
}
