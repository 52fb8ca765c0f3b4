//! A device program with its memory, ready to be called with tensors of the host.

use super::blas::Call;
use super::compile::{CompileOptions, compile};
use super::device::Device;
use super::handles::{DeviceMemory, Function, Graph, Module, fault, launch};
use super::layout::Layout;
use super::{Cache, DeviceError};
use crate::artifact::device::{Argument, DeviceFailure, DeviceProgram, DeviceStep, Gemm, Launch, Matrix, Memory};
use crate::artifact::{Entry, Size};
use crate::runtime::{Arg, RuntimeError, TensorView, TensorViewMut, bind};
use cudarc::driver::result;
use std::sync::{Arc, PoisonError};

/// Multiplications below which the generated kernel is as fast as the start of a library call.
const SMALL_PRODUCT: u64 = 1 << 15;
/// Library calls that one step may need at most; a generated kernel needs one launch.
const MOST_CALLS: u64 = 64;

/// Who computes products of matrices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Products {
    /// cuBLAS in the precision of the numbers, where it is there and the product is large.
    #[default]
    Library,
    /// As [`Products::Library`], but factors in single precision are rounded to TF32 (10 bits).
    Tf32,
    /// The generated kernels.
    Generated,
}

/// An entry point on a device. Calls with the sizes of the call before replay a recorded graph.
pub struct DeviceExecutable {
    program: Arc<DeviceProgram>,
    products: Products,
    functions: Vec<Function>,
    sizes: Vec<u64>,
    laid_out: Option<LaidOut>,
    status: Vec<u64>,
    // Dropped last: what is above uses them.
    _module: Module,
    device: Device,
}

/// What holds for one set of sizes. The graph is dropped before its memory.
struct LaidOut {
    sizes: Vec<u64>,
    graph: Option<Graph>,
    layout: Layout,
    memory: DeviceMemory,
    calls: u64,
}

impl DeviceExecutable {
    /// Compiles a program for `device`, or takes it from `cache`, and loads it.
    ///
    /// # Errors
    /// [`RuntimeError::Device`].
    pub fn new(
        device: &Device,
        program: Arc<DeviceProgram>,
        (contract, products): (bool, Products),
        cache: &Cache,
    ) -> Result<Self, RuntimeError> {
        let options = CompileOptions { architecture: device.info().architecture(), contract };
        let compiled = compile(&program.entry.name, &program.source, &options, cache)?;
        let module = Module::new(device, &compiled.cubin)?;
        let functions = program.kernels.iter().map(|k| module.function(&k.name)).collect::<Result<Vec<_>, _>>()?;
        let status = vec![u64::MAX; program.checks.len()];
        let device = device.clone();
        Ok(DeviceExecutable {
            program,
            products,
            functions,
            sizes: Vec::new(),
            laid_out: None,
            status,
            _module: module,
            device,
        })
    }

    /// What it takes and gives.
    pub fn entry(&self) -> &Entry {
        &self.program.entry
    }

    /// As [`Executable::call`](crate::runtime::Executable::call).
    ///
    /// # Errors
    /// As there, and [`RuntimeError::Device`].
    pub fn call(&mut self, args: &[TensorView<'_>], outs: &mut [TensorViewMut<'_>]) -> Result<(), RuntimeError> {
        let mut args: Vec<Arg<'_>> = args.iter().map(|&view| Arg::Read(view)).collect();
        self.update(&mut args, outs)
    }

    /// As [`Executable::update`](crate::runtime::Executable::update).
    ///
    /// # Errors
    /// As there, and [`RuntimeError::Device`].
    pub fn update(&mut self, args: &mut [Arg<'_>], outs: &mut [TensorViewMut<'_>]) -> Result<(), RuntimeError> {
        let over = bind::checked(&self.program.entry, args, outs, &mut self.sizes)?;
        self.device.bind()?;
        let mut laid = match self.laid_out.take().filter(|l| l.sizes == self.sizes) {
            Some(laid) => laid,
            None => self.lay_out()?,
        };
        self.upload(&laid, args)?;
        self.run(&mut laid)?;
        self.download(&laid, args, outs, &over)?;
        let failed = self.failed();
        self.laid_out = Some(laid);
        failed
    }

    fn lay_out(&self) -> Result<LaidOut, RuntimeError> {
        let layout = Layout::new(&self.program, &self.sizes)?;
        let memory = DeviceMemory::new(&self.device, &self.program.entry.name, layout.total)?;
        Ok(LaidOut { sizes: self.sizes.clone(), graph: None, layout, memory, calls: 0 })
    }

    fn upload(&self, laid: &LaidOut, args: &mut [Arg<'_>]) -> Result<(), RuntimeError> {
        for (port, arg) in self.program.entry.params.iter().zip(args) {
            let (from, count) = match arg {
                Arg::Read(view) => (view.address(), view.len()),
                Arg::Update(view, _) => (view.address(), view.len()),
            };
            let to = laid.memory.address() + laid.layout.offset(Memory::Buffer(port.buffer));
            // SAFETY: the view holds `count` numbers, the buffer has room for as many, and the caller waits for the stream before
            // the view's borrow ends.
            let copied = unsafe {
                let bytes = std::slice::from_raw_parts(from.cast_const(), count * port.elem.bytes());
                result::memcpy_htod_async(to, bytes, self.device.stream())
            };
            copied.map_err(fault("took arguments in")).map_err(RuntimeError::from)?;
        }
        Ok(())
    }

    /// Runs all steps: one by one in the first call, so that what the driver loads lazily is there; recorded in the second.
    fn run(&self, laid: &mut LaidOut) -> Result<(), RuntimeError> {
        laid.calls += 1;
        if laid.calls == 1 {
            return Ok(self.steps(laid)?);
        }
        if laid.graph.is_none() {
            laid.graph = Some(Graph::record(&self.device, || self.steps(laid))?);
        }
        Ok(laid.graph.as_ref().map_or(Ok(()), Graph::launch)?)
    }

    fn steps(&self, laid: &LaidOut) -> Result<(), DeviceError> {
        if !self.status.is_empty() {
            let (at, bytes) = (laid.memory.address() + laid.layout.status, 8 * self.status.len());
            // SAFETY: the status words are in our memory.
            let filled = unsafe { result::memset_d8_async(at, 0xff, bytes, self.device.stream()) };
            filled.map_err(fault("prepared a call"))?;
        }
        self.program.steps.iter().try_for_each(|step| match step {
            DeviceStep::Launch(l) => self.launch(laid, l),
            DeviceStep::Gemm(gemm) => match self.calls(laid, gemm) {
                Some(calls) => self.multiply(&calls),
                None => self.launch(laid, &gemm.generated),
            },
        })
    }

    fn launch(&self, laid: &LaidOut, l: &Launch) -> Result<(), DeviceError> {
        let start = laid.memory.address();
        let (kernel, function) = (&self.program.kernels[l.kernel], self.functions[l.kernel]);
        // The layout has evaluated all that could overflow: threads and counts are products of parts of buffers' sizes.
        let threads = l.threads.value(&laid.sizes).unwrap_or(0);
        if threads == 0 {
            return Ok(());
        }
        let blocks =
            u32::try_from(threads.div_ceil(u64::from(kernel.block.max(1)))).ok().filter(|b| *b <= i32::MAX as u32);
        let blocks = blocks.ok_or_else(|| DeviceError::Fault {
            doing: "launched a kernel",
            reason: format!("`{}` needs more blocks than a grid can have", kernel.name),
        })?;
        let argument = |a: &Argument| match a {
            Argument::Memory(memory) => start + laid.layout.offset(*memory),
            Argument::Count(count) => count.value(&laid.sizes).unwrap_or(0),
            Argument::Status(word) => start + laid.layout.status + 8 * *word as u64,
        };
        let arguments: Vec<u64> = l.arguments.iter().map(argument).collect();
        // SAFETY: arguments are those the program lists for the kernel, each of 64 bits; memory is as large as it says.
        unsafe { launch(&self.device, function, (blocks, kernel.block.max(1)), &arguments) }
    }

    /// The library calls for a product, or `None` where its generated kernel is better, or the only way.
    fn calls(&self, laid: &LaidOut, gemm: &Gemm) -> Option<Vec<Call>> {
        if self.products == Products::Generated {
            return None;
        }
        let value = |s: &Size| s.value(&laid.sizes);
        let narrow = |s: &Size| value(s).and_then(|n| i32::try_from(n).ok());
        let extents = [narrow(&gemm.rows)?, narrow(&gemm.columns)?, narrow(&gemm.inner)?];
        let work = extents.iter().fold(1u64, |w, &e| w.saturating_mul(e.unsigned_abs().into()));
        let (inner_batch, outer_batch) = match gemm.batch.split_last() {
            Some(((extent, strides), rest)) => ((value(extent)?, strides.clone()), rest),
            None => ((1, [Size::ZERO, Size::ZERO, Size::ZERO]), &[][..]),
        };
        let sums = gemm.sums.iter().try_fold(1u64, |n, (e, _)| n.checked_mul(value(e)?))?;
        let outer = outer_batch.iter().try_fold(1u64, |n, (e, _)| n.checked_mul(value(e)?))?;
        let calls = outer.checked_mul(sums)?;
        let all = work.saturating_mul(calls).saturating_mul(inner_batch.0);
        // A product without any term is zero, which the generated kernel writes.
        if all < SMALL_PRODUCT || calls > MOST_CALLS {
            return None;
        }
        let [rows, columns, inner] = extents;
        let stored = |m: &Matrix, rows: i32, columns: i32| if m.transposed { columns } else { rows };
        let address = |m: &Matrix| -> Option<u64> {
            let offset = m.offset.iter().try_fold(0u64, |sum, s| sum.checked_add(value(s)?))?;
            Some(laid.memory.address() + laid.layout.offset(m.memory) + offset * gemm.elem.bytes() as u64)
        };
        let first = Call {
            elem: gemm.elem,
            transposed: [gemm.left.transposed, gemm.right.transposed],
            extents,
            addresses: [address(&gemm.left)?, address(&gemm.right)?, address(&gemm.out)?],
            leading: [
                narrow(&gemm.left.leading)?.max(stored(&gemm.left, rows, inner)),
                narrow(&gemm.right.leading)?.max(stored(&gemm.right, inner, columns)),
                narrow(&gemm.out.leading)?.max(rows),
            ],
            strides: [0, 1, 2].map(|i| value(&inner_batch.1[i]).and_then(|s| i64::try_from(s).ok()).unwrap_or(0)),
            count: i32::try_from(inner_batch.0).ok()?,
            add: false,
        };
        let mut all = vec![first];
        for (extent, strides) in outer_batch {
            let strides = [value(&strides[0])?, value(&strides[1])?, value(&strides[2])?];
            all = spread(&all, value(extent)?, strides, gemm.elem.bytes(), false);
        }
        for (extent, strides) in &gemm.sums {
            let strides = [value(&strides[0])?, value(&strides[1])?, 0];
            all = spread(&all, value(extent)?, strides, gemm.elem.bytes(), true);
        }
        self.device.blas().map(|_| all)
    }

    fn multiply(&self, calls: &[Call]) -> Result<(), DeviceError> {
        let Some(blas) = self.device.blas() else { return Ok(()) };
        let mut blas = blas.lock().unwrap_or_else(PoisonError::into_inner);
        blas.allow_tf32(self.products == Products::Tf32)?;
        // SAFETY: extents, distances and addresses are those of matrices in our memory, which lives until the stream has been waited for.
        calls.iter().try_for_each(|call| unsafe { blas.multiply(call) })
    }

    /// Takes results and status out, and waits for them.
    fn download(
        &mut self,
        laid: &LaidOut,
        args: &mut [Arg<'_>],
        outs: &mut [TensorViewMut<'_>],
        over: &[Option<usize>],
    ) -> Result<(), RuntimeError> {
        let (start, stream) = (laid.memory.address(), self.device.stream());
        let taken = fault("gave results out");
        let mut outs = outs.iter_mut();
        for (port, over) in self.program.entry.results.iter().zip(over) {
            let target = |view: &mut TensorViewMut<'_>| (view.address(), view.len());
            let to = match over.and_then(|p| args.get_mut(p)) {
                Some(Arg::Update(view, _)) => Some(target(view)),
                _ => outs.next().map(target),
            };
            let Some((to, count)) = to else { continue };
            let from = start + laid.layout.offset(Memory::Buffer(port.buffer));
            // SAFETY: the view has room for its numbers, which are as many as the buffer's; it is borrowed until the stream has
            // been waited for below.
            let copied = unsafe {
                let bytes = std::slice::from_raw_parts_mut(to, count * port.elem.bytes());
                result::memcpy_dtoh_async(bytes, from, stream)
            };
            copied.map_err(&taken).map_err(RuntimeError::from)?;
        }
        if !self.status.is_empty() {
            // SAFETY: as above, for the status words.
            let copied = unsafe { result::memcpy_dtoh_async(&mut self.status, start + laid.layout.status, stream) };
            copied.map_err(&taken).map_err(RuntimeError::from)?;
        }
        Ok(self.device.synchronize()?)
    }

    /// The first step that failed.
    fn failed(&self) -> Result<(), RuntimeError> {
        let entry = &self.program.entry;
        let failed = self.program.checks.iter().zip(&self.status).filter(|(_, word)| **word != u64::MAX);
        let Some((check, &word)) = failed.min_by_key(|(c, _)| c.step) else { return Ok(()) };
        let (sample, place) = check.place(word, &self.sizes);
        let (name, step) = (entry.name.clone(), check.step);
        Err(match check.failure {
            DeviceFailure::NotPositiveDefinite => {
                RuntimeError::NotPositiveDefinite { entry: name, step, sample: sample as usize }
            }
            DeviceFailure::Undetermined => RuntimeError::Solve {
                entry: name,
                step,
                reason: format!(
                    "sample {sample}, time step {place}: the rows do not determine the unknowns, or a number is not finite"
                ),
            },
        })
    }
}

/// Repeats calls along one more index; the first of a sum replaces the result, the others are added to it.
fn spread(calls: &[Call], extent: u64, strides: [u64; 3], bytes: usize, sum: bool) -> Vec<Call> {
    let at = |call: &Call, i: u64| {
        let mut addresses = call.addresses;
        addresses.iter_mut().zip(strides).for_each(|(a, s)| *a += i * s * bytes as u64);
        Call { addresses, add: call.add || (sum && i > 0), ..*call }
    };
    calls.iter().flat_map(|call| (0..extent).map(move |i| at(call, i))).collect()
}

impl std::fmt::Debug for DeviceExecutable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = &self.program.entry.name;
        f.debug_struct("DeviceExecutable").field("entry", name).field("device", &self.device).finish()
    }
}
