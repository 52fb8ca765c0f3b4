//! Owned handles of the driver: memory, modules and recorded graphs, each released once, while its device is still there.

use super::DeviceError;
use super::device::Device;
use cudarc::driver::{result, sys};
use std::ffi::{CString, c_void};

/// The driver's words for a failed call.
pub(super) fn fault(doing: &'static str) -> impl Fn(result::DriverError) -> DeviceError {
    move |error| {
        let words = error.error_string().map(|s| s.to_string_lossy().into_owned());
        DeviceError::Fault { doing, reason: words.unwrap_or_else(|_| format!("error {}", error.0 as u32)) }
    }
}

/// A piece of device memory.
pub(super) struct DeviceMemory {
    device: Device,
    address: sys::CUdeviceptr,
}

impl DeviceMemory {
    /// Allocates `bytes` for `entry`.
    ///
    /// # Errors
    /// [`DeviceError::Memory`], [`DeviceError::Fault`].
    pub fn new(device: &Device, entry: &str, bytes: u64) -> Result<DeviceMemory, DeviceError> {
        device.bind()?;
        let size = usize::try_from(bytes.max(1)).unwrap_or(usize::MAX);
        // SAFETY: a context is current; the address is kept until it is freed in `drop`.
        match unsafe { result::malloc_sync(size) } {
            Ok(address) => Ok(DeviceMemory { device: device.clone(), address }),
            Err(error) if error.0 == sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
                let free = result::mem_get_info().map_or(0, |(free, _)| free as u64);
                Err(DeviceError::Memory { entry: entry.to_string(), needed: bytes, free })
            }
            Err(error) => Err(fault("allocated memory")(error)),
        }
    }

    /// Its first byte.
    pub fn address(&self) -> sys::CUdeviceptr {
        self.address
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        // SAFETY: the memory was allocated in this context and is freed here only; freeing waits for the work that uses it.
        let _ = self.device.bind().map(|()| unsafe { result::free_sync(self.address) });
    }
}

/// Machine code on a device.
pub(super) struct Module {
    device: Device,
    module: sys::CUmodule,
}

/// A kernel of a [`Module`], valid as long as that is.
#[derive(Clone, Copy)]
pub(super) struct Function(pub sys::CUfunction);

// SAFETY: the driver's handles may be used by any thread in which their context is current, which every use here makes sure of.
unsafe impl Send for Module {}
// SAFETY: as above; the driver's functions for one context may be called by several threads.
unsafe impl Sync for Module {}
// SAFETY: as above.
unsafe impl Send for Function {}
// SAFETY: as above.
unsafe impl Sync for Function {}

impl Module {
    /// Loads machine code.
    ///
    /// # Errors
    /// [`DeviceError::Fault`].
    pub fn new(device: &Device, cubin: &[u8]) -> Result<Module, DeviceError> {
        device.bind()?;
        // SAFETY: the bytes are what the compiler made for this device; the driver reads the length from their header, and copies them.
        let module = unsafe { result::module::load_data(cubin.as_ptr().cast()) };
        Ok(Module { device: device.clone(), module: module.map_err(fault("loaded machine code"))? })
    }

    /// The kernel of this name.
    ///
    /// # Errors
    /// [`DeviceError::Fault`].
    pub fn function(&self, name: &str) -> Result<Function, DeviceError> {
        let none = || DeviceError::Fault { doing: "looked for a kernel", reason: format!("`{name}` is no name") };
        let name = CString::new(name).map_err(|_| none())?;
        self.device.bind()?;
        // SAFETY: the module is loaded.
        let function = unsafe { result::module::get_function(self.module, name) };
        function.map(Function).map_err(fault("looked for a kernel"))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: the module was loaded in this context and is unloaded here only.
        let _ = self.device.bind().map(|()| unsafe { result::module::unload(self.module) });
    }
}

/// Launches `blocks` blocks of `threads` threads with these 64-bit arguments.
///
/// # Safety
/// The function takes as many arguments of 64 bits, and what it does with them is within the memory they name.
///
/// # Errors
/// [`DeviceError::Fault`].
pub(super) unsafe fn launch(
    device: &Device,
    function: Function,
    (blocks, threads): (u32, u32),
    arguments: &[u64],
) -> Result<(), DeviceError> {
    // The arguments as one packed buffer: then the driver and we agree on their number.
    let mut bytes = size_of_val(arguments);
    let mut extra: [*mut c_void; 5] = [
        sys::CU_LAUNCH_PARAM_BUFFER_POINTER_AS_INT as usize as *mut c_void,
        arguments.as_ptr().cast_mut().cast(),
        sys::CU_LAUNCH_PARAM_BUFFER_SIZE_AS_INT as usize as *mut c_void,
        (&raw mut bytes).cast(),
        sys::CU_LAUNCH_PARAM_END_AS_INT as usize as *mut c_void,
    ];
    // SAFETY: the caller's contract; the driver copies the arguments before it returns.
    let status = unsafe {
        sys::cuLaunchKernel(
            function.0,
            blocks,
            1,
            1,
            threads,
            1,
            1,
            0,
            device.stream(),
            std::ptr::null_mut(),
            extra.as_mut_ptr(),
        )
    };
    status.result().map_err(fault("launched a kernel"))
}

/// Recorded work that is run again as a whole.
pub(super) struct Graph {
    device: Device,
    graph: sys::CUgraph,
    instance: sys::CUgraphExec,
}

// SAFETY: as for `Module`.
unsafe impl Send for Graph {}

impl Graph {
    /// Records what `work` puts on the device's stream, without running it.
    ///
    /// # Errors
    /// Those of `work`, and [`DeviceError::Fault`].
    pub fn record(device: &Device, work: impl FnOnce() -> Result<(), DeviceError>) -> Result<Graph, DeviceError> {
        device.bind()?;
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream is the device's and lives as long as it.
        unsafe { result::stream::begin_capture(device.stream(), mode) }.map_err(fault("began to record a graph"))?;
        let done = work();
        // SAFETY: as above; a recording is ended also when the work could not be recorded.
        let graph = unsafe { result::stream::end_capture(device.stream()) };
        // What the work says comes first: a recording that it spoiled cannot be ended well.
        let recorded = match (done, graph) {
            (Ok(()), Ok(graph)) => graph,
            (Ok(()), Err(error)) => return Err(fault("recorded a graph")(error)),
            (Err(error), Err(_)) => return Err(error),
            (Err(error), Ok(graph)) => {
                // SAFETY: nothing else has the graph, which holds the work up to its failure.
                let _ = unsafe { result::graph::destroy(graph) };
                return Err(error);
            }
        };
        // SAFETY: the graph was just recorded.
        let made = unsafe { instantiate(recorded) };
        match made {
            Ok(instance) => Ok(Graph { device: device.clone(), graph: recorded, instance }),
            Err(error) => {
                // SAFETY: nothing else has the graph.
                let _ = unsafe { result::graph::destroy(recorded) };
                Err(fault("prepared a graph")(error))
            }
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// [`DeviceError::Fault`].
    pub fn launch(&self) -> Result<(), DeviceError> {
        // SAFETY: graph and stream live as long as `self`.
        unsafe { result::graph::launch(self.instance, self.device.stream()) }.map_err(fault("ran a graph"))
    }
}

/// Makes a graph runnable.
///
/// # Safety
/// The graph is valid.
unsafe fn instantiate(graph: sys::CUgraph) -> Result<sys::CUgraphExec, result::DriverError> {
    let mut instance = std::ptr::null_mut();
    // SAFETY: the caller's contract, and the address is of a handle that lives long enough.
    unsafe { sys::cuGraphInstantiateWithFlags(&mut instance, graph, 0) }.result()?;
    Ok(instance)
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: both were made in `record` and are destroyed here only.
        let _ = self.device.bind().map(|()| unsafe {
            let _ = result::graph::exec_destroy(self.instance);
            let _ = result::graph::destroy(self.graph);
        });
    }
}
