//! Device programs written by hand, one for each thing the runtime does: launches with barriers and a status, and products.

use mechc::artifact::device::{
    Argument, Check, Count, DeviceFailure, DeviceProgram, DeviceStep, Gemm, Kernel, Launch, Matrix, Memory, Scratch,
};
use mechc::artifact::operator::When;
use mechc::artifact::{Axis, Buffer, BufferPlace, Entry, LoopStep, Port, Size, Step, SumBuffer};
use mechc::base::Elem;

const SCALED: &str = r#"
extern "C" __global__ void __launch_bounds__(128) scale(const double *x, const double *f, double *y, unsigned long long n,
                                                        unsigned long long *status) {
    unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    double value = f[0] * x[i];
    y[i] = value;
    if (!isfinite(value)) atomicMin(status, i);
}

extern "C" __global__ void __launch_bounds__(128) total(const double *y, double *square, double *sum, unsigned long long n) {
    __shared__ double part[128];
    double own = 0.0;
    for (unsigned long long i = threadIdx.x; i < n; i += blockDim.x) own += y[i] * y[i];
    part[threadIdx.x] = own;
    __syncthreads();
    for (unsigned step = 64; step > 0; step /= 2) {
        if (threadIdx.x < step) part[threadIdx.x] += part[threadIdx.x + step];
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        square[0] = part[0];
        sum[0] = square[0];
    }
}
"#;

const PRODUCT: &str = r#"
extern "C" __global__ void __launch_bounds__(64) product(const double *a, const double *b, double *out, unsigned long long rows,
                                                        unsigned long long columns, unsigned long long inner) {
    unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= rows * columns) return;
    double sum = 0.0;
    for (unsigned long long k = 0; k < inner; ++k) sum += a[i / columns * inner + k] * b[k * columns + i % columns];
    out[i] = sum;
}
"#;

fn axis(name: &str) -> Axis {
    Axis { name: name.into(), size: None }
}

fn port(name: &str, axes: &[usize], buffer: usize) -> Port {
    Port { name: name.into(), elem: Elem::F64, axes: axes.to_vec(), buffer }
}

fn buffer(place: BufferPlace, size: Size) -> Buffer {
    Buffer { place, elem: Elem::F64, size }
}

fn loops(reads: &[usize], writes: &[usize], sums: &[usize], outer: Size) -> Step {
    Step::Loops(LoopStep {
        nest: 0,
        outer,
        inner: Size::ONE,
        cost: 1,
        reads: reads.to_vec(),
        writes: writes.to_vec(),
        sums: sums.iter().map(|&buffer| SumBuffer { buffer }).collect(),
    })
}

fn kernel(name: &str, block: u32, barriers: bool) -> Kernel {
    Kernel { name: name.into(), block, barriers, unrolled: true }
}

fn at(buffer: usize) -> Argument {
    Argument::Memory(Memory::Buffer(buffer))
}

/// `y[n] = f x`, and the sum of the squares of y; a number that is not finite is a failure of its sample.
pub fn scaled() -> DeviceProgram {
    let n = Size::axis(0);
    let entry = Entry {
        name: "scaled".into(),
        axes: vec![axis("n")],
        params: vec![port("x", &[0], 0), port("f", &[], 1)],
        results: vec![port("y", &[0], 2), port("total", &[], 3)],
        equations: Vec::new(),
        buffers: vec![
            buffer(BufferPlace::Param(0), n.clone()),
            buffer(BufferPlace::Param(1), Size::ONE),
            buffer(BufferPlace::Result(0), n.clone()),
            buffer(BufferPlace::Result(1), Size::ONE),
        ],
        steps: vec![loops(&[0, 1], &[2], &[], n.clone()), loops(&[2], &[], &[3], n.clone())],
        in_place: Vec::new(),
    };
    let count = || Count::of(n.clone());
    let scale = Launch {
        kernel: 0,
        arguments: vec![at(0), at(1), at(2), Argument::Count(count()), Argument::Status(0)],
        threads: count(),
        origin: 0,
        when: When::Always,
        note: String::new(),
    };
    let total = Launch {
        kernel: 1,
        arguments: vec![at(2), Argument::Memory(Memory::Scratch(0)), at(3), Argument::Count(count())],
        threads: Count::of(Size::constant(128)),
        origin: 1,
        when: When::Always,
        note: String::new(),
    };
    DeviceProgram {
        entry,
        source: SCALED.into(),
        kernels: vec![kernel("scale", 128, false), kernel("total", 128, true)],
        scratch: vec![Scratch {
            elem: Elem::F64,
            count: Count::of(Size::ONE),
            alive: (1, 1),
            when: When::Always,
            kept: false,
        }],
        steps: vec![DeviceStep::Launch(scale), DeviceStep::Launch(total)],
        operators: Vec::new(),
        checks: vec![Check {
            step: 0,
            failure: DeviceFailure::NotPositiveDefinite,
            places: Size::ONE,
            when: When::Always,
        }],
    }
}

/// `out[i, j] = sum over k of a[i, k] b[k, j]`.
pub fn product() -> DeviceProgram {
    let [rows, inner, columns] = [0, 1, 2].map(Size::axis);
    let entry = Entry {
        name: "product".into(),
        axes: vec![axis("i"), axis("k"), axis("j")],
        params: vec![port("a", &[0, 1], 0), port("b", &[1, 2], 1)],
        results: vec![port("out", &[0, 2], 2)],
        equations: Vec::new(),
        buffers: vec![
            buffer(BufferPlace::Param(0), rows.times(&inner)),
            buffer(BufferPlace::Param(1), inner.times(&columns)),
            buffer(BufferPlace::Result(0), rows.times(&columns)),
        ],
        steps: vec![loops(&[0, 1], &[2], &[], rows.clone())],
        in_place: Vec::new(),
    };
    let count = |size: &Size| Argument::Count(Count::of(size.clone()));
    let generated = Launch {
        kernel: 0,
        arguments: vec![at(0), at(1), at(2), count(&rows), count(&columns), count(&inner)],
        threads: Count::of(rows.times(&columns)),
        origin: 0,
        when: When::Always,
        note: String::new(),
    };
    // Row-major matrices are the transposes of column-major ones, so the factors change places.
    let matrix = |buffer, leading: &Size| Matrix {
        memory: Memory::Buffer(buffer),
        offset: Vec::new(),
        leading: leading.clone(),
        transposed: false,
    };
    let gemm = Gemm {
        elem: Elem::F64,
        rows: columns.clone(),
        columns: rows.clone(),
        inner: inner.clone(),
        left: matrix(1, &columns),
        right: matrix(0, &inner),
        out: matrix(2, &columns),
        batch: Vec::new(),
        sums: Vec::new(),
        add: false,
        generated,
    };
    DeviceProgram {
        entry,
        source: PRODUCT.into(),
        kernels: vec![kernel("product", 64, false)],
        scratch: Vec::new(),
        steps: vec![DeviceStep::Gemm(Box::new(gemm))],
        operators: Vec::new(),
        checks: Vec::new(),
    }
}
