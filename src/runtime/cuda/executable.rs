//! A device program with its memory, ready to be called with tensors of the host.

use super::code::{Code, Placed};
use super::device::Device;
use super::gemm::Products;
use super::handles::{DeviceMemory, Graph, fault};
use super::layout::{Layout, Outer};
use super::{Cache, DeviceError};
use crate::artifact::Entry;
use crate::artifact::device::{DeviceProgram, Memory};
use crate::runtime::{Arg, RuntimeError, TensorView, TensorViewMut, bind};
use cudarc::driver::result;
use std::sync::Arc;

/// An entry point on a device. Calls with the sizes of the call before replay a recorded graph.
pub struct DeviceExecutable {
    code: Arc<Code>,
    sizes: Vec<u64>,
    laid_out: Option<LaidOut>,
    status: Vec<u64>,
}

/// What holds for one set of sizes. The graph is dropped before its memory.
struct LaidOut {
    graph: Option<Graph>,
    placed: Placed,
    // Keeps what `placed` addresses.
    _memory: DeviceMemory,
    calls: u64,
    /// What the operators in memory were made from: the numbers of the parameters, as bytes. `None` where they have to be made.
    made_from: Option<Vec<u8>>,
}

impl DeviceExecutable {
    /// Compiles a program for `device`, or takes it from `cache`, and loads it.
    ///
    /// # Errors
    /// [`RuntimeError::Device`].
    pub fn new(
        device: &Device,
        program: Arc<DeviceProgram>,
        options: (bool, Products),
        cache: &Cache,
    ) -> Result<Self, RuntimeError> {
        Ok(DeviceExecutable::of(Arc::new(Code::new(device, program, options, cache)?)))
    }

    /// Another one with the same code.
    #[must_use]
    pub fn again(&self) -> Self {
        DeviceExecutable::of(Arc::clone(&self.code))
    }

    fn of(code: Arc<Code>) -> Self {
        let status = vec![u64::MAX; code.program.checks.len()];
        DeviceExecutable { code, sizes: Vec::new(), laid_out: None, status }
    }

    /// Its code.
    pub(in crate::runtime) fn code(&self) -> &Arc<Code> {
        &self.code
    }

    /// What it takes and gives.
    pub fn entry(&self) -> &Entry {
        &self.code.program.entry
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
        let over = bind::checked(&self.code.program.entry, args, outs, &mut self.sizes)?;
        self.code.device.bind()?;
        let mut laid = match self.laid_out.take().filter(|l| l.placed.sizes == self.sizes) {
            Some(laid) => laid,
            None => self.lay_out()?,
        };
        self.upload(&laid, args)?;
        let from = self.constants(&laid, args);
        let making = laid.placed.used.contains(&true) && laid.made_from.as_ref() != Some(&from);
        self.run(&mut laid, making)?;
        self.download(&laid, args, outs, &over)?;
        let failed = self.code.failed(&self.status, &laid.placed);
        laid.made_from = failed.is_ok().then_some(from);
        self.laid_out = Some(laid);
        failed
    }

    fn lay_out(&self) -> Result<LaidOut, RuntimeError> {
        let program = &self.code.program;
        let used = program.operators_used(&self.sizes);
        let layout = Layout::new(program, (&self.sizes, &used), Outer::Inside)?;
        let bytes = layout.total.saturating_add(layout.kept);
        let memory = DeviceMemory::new(&self.code.device, &program.entry.name, bytes)?;
        let starts = (memory.address(), memory.address() + layout.total);
        let placed = Placed::inside(program, &layout, (self.sizes.clone(), used), starts);
        Ok(LaidOut { graph: None, placed, _memory: memory, calls: 0, made_from: None })
    }

    /// The numbers that the operators in use are made from.
    fn constants(&self, laid: &LaidOut, args: &mut [Arg<'_>]) -> Vec<u8> {
        let program = &self.code.program;
        let used = program.operators.iter().zip(&laid.placed.used).filter(|(_, used)| **used);
        let parameters = used.flat_map(|(operator, _)| &operator.parameters);
        let mut bytes = Vec::new();
        for &p in parameters {
            let Some((arg, port)) = args.get_mut(p).zip(program.entry.params.get(p)) else { continue };
            let (from, count) = match arg {
                Arg::Read(view) => (view.address(), view.len()),
                Arg::Update(view, _) => (view.address(), view.len()),
            };
            // SAFETY: the view holds `count` numbers and is borrowed for the call.
            bytes
                .extend_from_slice(unsafe { std::slice::from_raw_parts(from.cast_const(), count * port.elem.bytes()) });
        }
        bytes
    }

    fn upload(&self, laid: &LaidOut, args: &mut [Arg<'_>]) -> Result<(), RuntimeError> {
        for (port, arg) in self.code.program.entry.params.iter().zip(args) {
            let (from, count) = match arg {
                Arg::Read(view) => (view.address(), view.len()),
                Arg::Update(view, _) => (view.address(), view.len()),
            };
            let to = laid.placed.address(Memory::Buffer(port.buffer));
            // SAFETY: the view holds `count` numbers, the buffer has room for as many, and the caller waits for the stream before
            // the view's borrow ends.
            let copied = unsafe {
                let bytes = std::slice::from_raw_parts(from.cast_const(), count * port.elem.bytes());
                result::memcpy_htod_async(to, bytes, self.code.device.stream())
            };
            copied.map_err(fault("took arguments in")).map_err(RuntimeError::from)?;
        }
        Ok(())
    }

    /// Runs all steps: one by one in the first call, so that what the driver loads lazily is there, and where operators are made;
    /// recorded in the second.
    fn run(&self, laid: &mut LaidOut, making: bool) -> Result<(), RuntimeError> {
        laid.calls += 1;
        if laid.calls == 1 || making {
            return Ok(self.steps(laid, making)?);
        }
        if laid.graph.is_none() {
            laid.graph = Some(Graph::record(&self.code.device, || self.steps(laid, false))?);
        }
        Ok(laid.graph.as_ref().map_or(Ok(()), Graph::launch)?)
    }

    fn steps(&self, laid: &LaidOut, making: bool) -> Result<(), DeviceError> {
        self.code.device.fill(laid.placed.status, 0xff, 8 * self.status.len())?;
        self.code.put(&laid.placed, making)
    }

    /// Takes results and status out, and waits for them.
    fn download(
        &mut self,
        laid: &LaidOut,
        args: &mut [Arg<'_>],
        outs: &mut [TensorViewMut<'_>],
        over: &[Option<usize>],
    ) -> Result<(), RuntimeError> {
        let stream = self.code.device.stream();
        let taken = fault("gave results out");
        let mut outs = outs.iter_mut();
        for (port, over) in self.code.program.entry.results.iter().zip(over) {
            let target = |view: &mut TensorViewMut<'_>| (view.address(), view.len());
            let to = match over.and_then(|p| args.get_mut(p)) {
                Some(Arg::Update(view, _)) => Some(target(view)),
                _ => outs.next().map(target),
            };
            let Some((to, count)) = to else { continue };
            let from = laid.placed.address(Memory::Buffer(port.buffer));
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
            let copied = unsafe { result::memcpy_dtoh_async(&mut self.status, laid.placed.status, stream) };
            copied.map_err(&taken).map_err(RuntimeError::from)?;
        }
        Ok(self.code.device.synchronize()?)
    }
}

impl std::fmt::Debug for DeviceExecutable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = &self.entry().name;
        f.debug_struct("DeviceExecutable").field("entry", name).field("device", &self.code.device).finish()
    }
}
