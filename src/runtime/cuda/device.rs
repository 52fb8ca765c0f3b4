//! Devices: which there are, and one that is open.

use super::DeviceError;
use super::blas::Blas;
use super::handles::fault;
use super::library::Library;
use cudarc::driver::{result, sys};
use std::sync::{Arc, Mutex, OnceLock};

/// What is known of a device without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its number, counted from 0.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Its compute capability: major and minor.
    pub capability: (u32, u32),
    /// Its memory in bytes.
    pub memory: u64,
    /// Its multiprocessors.
    pub multiprocessors: u32,
}

impl DeviceInfo {
    /// Its architecture as the compiler counts it: 90 for `sm_90`.
    pub fn architecture(&self) -> u32 {
        self.capability.0 * 10 + self.capability.1
    }
}

/// The CUDA version that the driver supports, as 1000 times the major plus 10 times the minor one.
///
/// # Errors
/// [`DeviceError::NoDriver`].
pub fn driver_version() -> Result<u32, DeviceError> {
    Library::Driver.ensure()?;
    let mut version = 0;
    // SAFETY: the function is there and needs no initialisation; the address is of a number that lives long enough.
    let status = unsafe { sys::cuDriverGetVersion(&mut version) };
    status.result().map_err(|e| DeviceError::NoDriver { reason: format!("error {}", e.0 as u32) })?;
    Ok(version.unsigned_abs())
}

/// All devices.
///
/// # Errors
/// [`DeviceError::NoDriver`], [`DeviceError::NoDevice`] when there is none.
pub fn devices() -> Result<Vec<DeviceInfo>, DeviceError> {
    Library::Driver.ensure()?;
    let none = |e| match fault("started")(e) {
        DeviceError::Fault { reason, .. } => DeviceError::NoDevice { reason },
        other => other,
    };
    result::init().map_err(none)?;
    let count = usize::try_from(result::device::get_count().map_err(none)?).unwrap_or(0);
    if count == 0 {
        return Err(DeviceError::NoDevice { reason: "it counts none".into() });
    }
    (0..count).map(info).collect()
}

fn info(index: usize) -> Result<DeviceInfo, DeviceError> {
    use sys::CUdevice_attribute as Attribute;
    let asked = fault("described itself");
    let device = result::device::get(i32::try_from(index).unwrap_or(i32::MAX)).map_err(&asked)?;
    // SAFETY: the device was just got from the driver.
    let attribute = |which| unsafe { result::device::get_attribute(device, which) }.map(i32::unsigned_abs);
    let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR).map_err(&asked)?;
    let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR).map_err(&asked)?;
    let multiprocessors = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT).map_err(&asked)?;
    // SAFETY: as above.
    let memory = unsafe { result::device::total_mem(device) }.map_err(&asked)? as u64;
    let name = result::device::get_name(device).map_err(&asked)?;
    Ok(DeviceInfo { index, name, capability: (major, minor), memory, multiprocessors })
}

/// An open device with one stream; clones are the same device.
#[derive(Clone)]
pub struct Device {
    inner: Arc<Inner>,
}

struct Inner {
    info: DeviceInfo,
    device: sys::CUdevice,
    context: sys::CUcontext,
    stream: sys::CUstream,
    /// `None` where cuBLAS is not there, or does not start.
    blas: OnceLock<Option<Mutex<Blas>>>,
}

// SAFETY: the driver's handles may be used by any thread in which their context is current, which `bind` makes sure of.
unsafe impl Send for Inner {}
// SAFETY: as above; the driver's functions for one context may be called by several threads.
unsafe impl Sync for Inner {}

impl Device {
    /// Opens a device.
    ///
    /// # Errors
    /// [`DeviceError::NoDriver`], [`DeviceError::NoDevice`], [`DeviceError::OutOfRange`], [`DeviceError::Fault`].
    pub fn open(index: usize) -> Result<Device, DeviceError> {
        let all = devices()?;
        let count = all.len();
        let info = all.into_iter().nth(index).ok_or(DeviceError::OutOfRange { index, count })?;
        let opened = fault("was opened");
        let device = result::device::get(i32::try_from(index).unwrap_or(i32::MAX)).map_err(&opened)?;
        // SAFETY: the device was just got; the context is released when `Inner` is dropped.
        let context = unsafe { result::primary_ctx::retain(device) }.map_err(&opened)?;
        let mut inner = Inner { info, device, context, stream: std::ptr::null_mut(), blas: OnceLock::new() };
        inner.bind()?;
        inner.stream = result::stream::create(result::stream::StreamKind::NonBlocking).map_err(&opened)?;
        Ok(Device { inner: Arc::new(inner) })
    }

    /// What is known of it.
    pub fn info(&self) -> &DeviceInfo {
        &self.inner.info
    }

    /// Bytes of its memory that are free.
    ///
    /// # Errors
    /// [`DeviceError::Fault`].
    pub fn free_memory(&self) -> Result<u64, DeviceError> {
        self.bind()?;
        result::mem_get_info().map(|(free, _)| free as u64).map_err(fault("counted its memory"))
    }

    /// Makes its context that of the calling thread.
    pub(super) fn bind(&self) -> Result<(), DeviceError> {
        self.inner.bind()
    }

    /// The stream on which everything runs.
    pub(super) fn stream(&self) -> sys::CUstream {
        self.inner.stream
    }

    /// Waits for everything on the stream.
    pub(super) fn synchronize(&self) -> Result<(), DeviceError> {
        // SAFETY: the stream lives as long as the device.
        unsafe { result::stream::synchronize(self.inner.stream) }.map_err(fault("ran kernels"))
    }

    /// Sets bytes, in order with everything else on the stream.
    pub(super) fn fill(&self, address: u64, value: u8, bytes: usize) -> Result<(), DeviceError> {
        if bytes == 0 {
            return Ok(());
        }
        // SAFETY: callers name memory of their own that holds as many bytes.
        unsafe { result::memset_d8_async(address, value, bytes, self.inner.stream) }.map_err(fault("prepared a call"))
    }

    /// cuBLAS on this device, where it is there.
    pub(super) fn blas(&self) -> Option<&Mutex<Blas>> {
        self.inner.blas.get_or_init(|| Blas::new(self.inner.stream).ok().map(Mutex::new)).as_ref()
    }
}

impl Inner {
    fn bind(&self) -> Result<(), DeviceError> {
        // SAFETY: the context is retained until `self` is dropped.
        unsafe { result::ctx::set_current(self.context) }.map_err(fault("was made current"))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.bind().is_err() {
            return;
        }
        self.blas.take();
        // SAFETY: stream and context were made in `open` and are released here only; the handles that use them hold a `Device`.
        unsafe {
            if !self.stream.is_null() {
                let _ = result::stream::destroy(self.stream);
            }
            let _ = result::primary_ctx::release(self.device);
        }
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Device({}, {})", self.inner.info.index, self.inner.info.name)
    }
}
