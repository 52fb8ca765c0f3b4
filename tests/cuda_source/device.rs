//! Runs device programs on the processor.

use libloading::Library;
use mechc::artifact::Size;
use mechc::artifact::device::{
    Argument, Check, Count, DeviceProgram, DeviceStep, Gemm, Launch, Matrix, Memory, Scratch,
};
use mechc::base::{Elem, Tensor, TensorData};
use mechc::codegen;
use mechc::driver::conformance::{Case, worst};
use mechc::runtime::{Executable, TensorView, Threads};
use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// How many libraries are compiled side by side.
const LIBRARIES: usize = 2;

/// Memory of a buffer.
enum Numbers {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Numbers {
    /// Filled with what no result may be.
    fn new(elem: Elem, count: usize) -> Numbers {
        match elem {
            Elem::F32 => Numbers::F32(vec![f32::NAN; count]),
            Elem::F64 => Numbers::F64(vec![f64::NAN; count]),
        }
    }

    fn of(tensor: &Tensor) -> Numbers {
        match tensor.data() {
            TensorData::F32(x) => Numbers::F32(x.clone()),
            TensorData::F64(x) => Numbers::F64(x.clone()),
        }
    }

    fn address(&mut self) -> u64 {
        match self {
            Numbers::F32(x) => x.as_mut_ptr() as u64,
            Numbers::F64(x) => x.as_mut_ptr() as u64,
        }
    }

    fn get(&self, i: usize) -> f64 {
        match self {
            Numbers::F32(x) => f64::from(x[i]),
            Numbers::F64(x) => x[i],
        }
    }

    fn to_f64(&self) -> Vec<f64> {
        match self {
            Numbers::F32(x) => x.iter().map(|&x| f64::from(x)).collect(),
            Numbers::F64(x) => x.clone(),
        }
    }
}

/// Sources of several programs, built.
pub struct Built {
    libraries: Vec<Library>,
    programs: Vec<DeviceProgram>,
    _folder: tempfile::TempDir,
}

type StandInLaunch = unsafe extern "C" fn(*mut c_void, *const u64, u32, u32, u32, i32) -> i32;

/// The first check that failed, with its sample and time step.
pub type Failed = (Check, u64, u64);

impl Built {
    /// Builds all programs in turn into a few libraries, side by side; each in a name space of its own, the kernels under `p0_name`,
    /// `p1_name`, ...
    pub fn new(programs: Vec<DeviceProgram>) -> Built {
        let folder = tempfile::tempdir().expect("a folder");
        let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda/device.h");
        let mut sources = vec![format!("#include \"{}\"\n", header.display()); LIBRARIES.min(programs.len()).max(1)];
        let count = sources.len();
        for (i, program) in programs.iter().enumerate() {
            let mut text = program.source.clone();
            for kernel in &program.kernels {
                text = text.replace(&format!(" {}(\n", kernel.name), &format!(" p{i}_{}(\n", kernel.name));
            }
            sources[i % count].push_str(&format!("namespace program{i} {{\n{text}\n}}\n"));
        }
        let path = |name: String| folder.path().join(name);
        let begin = |(at, source): (usize, &String)| {
            let (file, library) = (path(format!("kernels{at}.cpp")), path(format!("kernels{at}.so")));
            std::fs::write(&file, source).expect("the source is written");
            let compiler = Command::new("g++")
                .args(["-std=c++17", "-O1", "-w", "-U_FORTIFY_SOURCE", "-ffp-contract=off", "-shared", "-fPIC", "-o"])
                .args([&library, &file])
                .stderr(Stdio::piped())
                .spawn();
            (compiler.expect("g++ starts"), library)
        };
        let compilers: Vec<_> = sources.iter().enumerate().map(begin).collect();
        let load = |(compiler, library): (Child, PathBuf)| {
            let output = compiler.wait_with_output().expect("g++ ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            // SAFETY: the library's initialisers make empty lists, nothing else.
            unsafe { Library::new(&library) }.expect("the library loads")
        };
        Built { libraries: compilers.into_iter().map(load).collect(), programs, _folder: folder }
    }

    /// The library with the program at this position.
    fn library(&self, at: usize) -> &Library {
        &self.libraries[at % self.libraries.len()]
    }

    /// The device program at this position, run on `args`: its results, and the first check that failed.
    pub fn run(&self, at: usize, args: &[Tensor]) -> (Vec<Vec<f64>>, Option<Failed>) {
        let program = &self.programs[at];
        let mut sizes: Vec<u64> = program.entry.axes.iter().map(|a| a.size.unwrap_or(0) as u64).collect();
        for (port, arg) in program.entry.params.iter().zip(args) {
            for (&axis, &size) in port.axes.iter().zip(arg.shape()) {
                sizes[axis] = size as u64;
            }
        }
        let value = |s: &Size| s.value(&sizes).expect("a size") as usize;
        let mut buffers: Vec<Numbers> =
            program.entry.buffers.iter().map(|b| Numbers::new(b.elem, value(&b.size))).collect();
        for (port, arg) in program.entry.params.iter().zip(args) {
            buffers[port.buffer] = Numbers::of(arg);
        }
        let used = program.operators_used(&sizes);
        let count = |s: &Scratch| s.numbers(&sizes, &used).expect("a count") as usize;
        let scratch: Vec<Numbers> = program.scratch.iter().map(|s| Numbers::new(s.elem, count(s))).collect();
        let status = vec![u64::MAX; program.checks.len()];
        let mut machine = Machine { built: self, at, sizes, buffers, scratch, status };
        for step in program.steps.iter().filter(|step| step.launch().when.needed(&used, true)) {
            match step {
                DeviceStep::Launch(launch) => machine.launch(launch),
                DeviceStep::Gemm(gemm) => machine.gemm(gemm),
            }
        }
        let results = program.entry.results.iter().map(|r| machine.buffers[r.buffer].to_f64()).collect();
        let failed = machine.status.iter().zip(&program.checks).find(|(word, check)| check.failed(**word));
        let failed = failed.map(|(word, check)| {
            let (sample, time) = check.place(*word, &machine.sizes);
            // That of all samples where an explicit matrix cannot be made.
            (check.clone(), sample.unwrap_or_default(), time)
        });
        (results, failed)
    }
}

struct Machine<'b> {
    built: &'b Built,
    at: usize,
    sizes: Vec<u64>,
    buffers: Vec<Numbers>,
    scratch: Vec<Numbers>,
    status: Vec<u64>,
}

impl Machine<'_> {
    fn size(&self, size: &Size) -> usize {
        size.value(&self.sizes).expect("a size") as usize
    }

    fn count(&self, count: &Count) -> u64 {
        count.value(&self.sizes).expect("a count")
    }

    fn memory(&mut self, memory: Memory) -> &mut Numbers {
        match memory {
            Memory::Buffer(i) => &mut self.buffers[i],
            Memory::Scratch(i) => &mut self.scratch[i],
        }
    }

    fn launch(&mut self, launch: &Launch) {
        let kernel = &self.built.programs[self.at].kernels[launch.kernel];
        let threads = self.count(&launch.threads);
        let words: Vec<u64> = launch
            .arguments
            .iter()
            .map(|a| match a {
                Argument::Memory(m) => self.memory(*m).address(),
                Argument::Count(c) => self.count(c),
                Argument::Status(i) => &raw mut self.status[*i] as u64,
            })
            .collect();
        let grid = threads.div_ceil(u64::from(kernel.block)) as u32;
        let name = format!("p{}_{}", self.at, kernel.name);
        // SAFETY: the symbols have these types; the words are what the kernel takes, and memory has the sizes of the contract.
        let done = unsafe {
            let function = self.built.library(self.at).get::<*mut c_void>(name.as_bytes()).expect("the kernel");
            let start = self.built.library(self.at).get::<StandInLaunch>(b"stand_in_launch").expect("the launch");
            let function = function.try_as_raw_ptr().expect("an address");
            start(function, words.as_ptr(), words.len() as u32, grid, kernel.block, i32::from(kernel.barriers))
        };
        assert_eq!(done, 0, "{name} starts");
    }

    /// The generated kernel, whose result must be that of the product in the terms of the library.
    fn gemm(&mut self, gemm: &Gemm) {
        let before = self.memory(gemm.out.memory).to_f64();
        self.launch(&gemm.generated);
        let (rows, columns, inner) = (self.size(&gemm.rows), self.size(&gemm.columns), self.size(&gemm.inner));
        let mut batches = vec![[0usize; 3]];
        for (extent, strides) in &gemm.batch {
            let (extent, strides) = (self.size(extent), strides.each_ref().map(|s| self.size(s)));
            batches = batches
                .into_iter()
                .flat_map(|b| {
                    (0..extent).map(move |i| [b[0] + i * strides[0], b[1] + i * strides[1], b[2] + i * strides[2]])
                })
                .collect();
        }
        let mut sums = vec![[0usize; 2]];
        for (extent, strides) in &gemm.sums {
            let (extent, strides) = (self.size(extent), strides.each_ref().map(|s| self.size(s)));
            sums = sums
                .into_iter()
                .flat_map(|b| (0..extent).map(move |i| [b[0] + i * strides[0], b[1] + i * strides[1]]))
                .collect();
        }
        for batch in &batches {
            for column in 0..columns {
                for row in 0..rows {
                    let place = self.place(&gemm.out, batch[2], row, column);
                    let mut sum: f64 = if gemm.add { before[place] } else { 0.0 };
                    let mut size = sum.abs();
                    for outer in &sums {
                        for k in 0..inner {
                            let a = self.element(&gemm.left, batch[0] + outer[0], row, k);
                            let b = self.element(&gemm.right, batch[1] + outer[1], k, column);
                            sum += a * b;
                            size += (a * b).abs();
                        }
                    }
                    let found = self.memory(gemm.out.memory).get(place);
                    let tolerance = if gemm.elem == Elem::F32 { 1e-5 } else { 1e-13 };
                    assert!(
                        (found - sum).abs() <= tolerance * size,
                        "row {row}, column {column}: {found} is not {sum}"
                    );
                }
            }
        }
    }

    fn element(&mut self, matrix: &Matrix, base: usize, row: usize, column: usize) -> f64 {
        let place = self.place(matrix, base, row, column);
        self.memory(matrix.memory).get(place)
    }

    fn place(&self, matrix: &Matrix, base: usize, row: usize, column: usize) -> usize {
        let start: usize = matrix.offset.iter().map(|s| self.size(s)).sum::<usize>() + base;
        let leading = self.size(&matrix.leading);
        let (row, column) = if matrix.transposed { (column, row) } else { (row, column) };
        start + row + column * leading
    }
}

/// Compares the device program of each case with the host.
pub fn compare(cases: &[Case]) {
    let built = Built::new(cases.iter().map(|c| c.device_program()).collect());
    for (at, case) in cases.iter().enumerate() {
        let (name, program) = (&case.name, &case.program);
        let views: Vec<TensorView<'_>> = case.arguments.iter().map(TensorView::from).collect();
        let host = codegen::host::compile("test", vec![program.clone()]).expect("host code");
        let threads = Threads::new(1).expect("a thread");
        let mut host = Executable::new(&host, &program.entry.name, threads.clone()).expect("the entry");
        let expected = host.run(&views).expect("the host runs");
        let (found, failed) = built.run(at, &case.arguments);
        assert_eq!(failed, None, "{name}");
        if let Some(golden) = &case.golden {
            for ((port, expected), found) in program.entry.results.iter().zip(&golden.results).zip(&found) {
                let error = worst(expected, found);
                assert!(error <= case.allowed(), "{name}: {} is {error:e} from what is published", port.name);
            }
        }
        let Ok(tolerances) = case.tolerances(&expected, &threads) else { panic!("{name} in double precision") };
        let results = program.entry.results.iter().zip(&expected).zip(&found).zip(tolerances);
        // Published numbers have rounding errors of their own, which both places leave out.
        let parity = case.golden.is_some() && !case.single_solve();
        for (((port, expected), found), allowed) in results {
            let allowed = if parity { 1e-10 } else { allowed };
            let error = worst(&expected.to_f64(), found);
            println!("{name}: {} differs by {error:e} of its largest number, {allowed:e} is allowed", port.name);
            assert!(error <= allowed, "{name}: {} is {error:e} wrong", port.name);
        }
        let (again, _) = built.run(at, &case.arguments);
        assert!(
            found.iter().flatten().zip(again.iter().flatten()).all(|(a, b)| a.to_bits() == b.to_bits()),
            "{name} differs in a second run"
        );
    }
}
