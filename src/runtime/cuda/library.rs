//! Which CUDA libraries are there with all the functions that are used.
//!
//! cudarc opens a library on its first use and panics when it, or a function of it, is missing. So every path to cudarc goes through
//! [`Library::ensure`], which asks for both first. It is built for CUDA 13, and tries file names without a version, then those of CUDA 13, of
//! CUDA 12, and of older ones; what is used here has the same names and arguments in 13 and 12, and with others nothing is tested.

use super::DeviceError;
use cudarc::{cublas, driver, nvrtc};
use std::ffi::c_void;
use std::sync::OnceLock;

/// A CUDA library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// `libcuda`, which comes with the driver.
    Driver,
    /// `libnvrtc`, the compiler.
    Nvrtc,
    /// `libcublas`, products of matrices. Programs run without it.
    Cublas,
}

/// Functions of the driver that are used here.
const DRIVER: &[&str] = &[
    "cuInit",
    "cuDriverGetVersion",
    "cuDeviceGetCount",
    "cuDeviceGet",
    "cuDeviceGetName",
    "cuDeviceTotalMem_v2",
    "cuDeviceGetAttribute",
    "cuDevicePrimaryCtxRetain",
    "cuDevicePrimaryCtxRelease_v2",
    "cuCtxSetCurrent",
    "cuMemGetInfo_v2",
    "cuMemAlloc_v2",
    "cuMemFree_v2",
    "cuMemcpyHtoDAsync_v2",
    "cuMemcpyDtoHAsync_v2",
    "cuMemcpyDtoDAsync_v2",
    "cuMemsetD8Async",
    "cuStreamCreate",
    "cuStreamDestroy_v2",
    "cuStreamSynchronize",
    "cuStreamBeginCapture_v2",
    "cuStreamEndCapture",
    "cuGraphInstantiateWithFlags",
    "cuGraphLaunch",
    "cuGraphExecDestroy",
    "cuGraphDestroy",
    "cuModuleLoadData",
    "cuModuleGetFunction",
    "cuModuleUnload",
    "cuLaunchKernel",
    "cuGetErrorName",
    "cuGetErrorString",
];

/// Functions of the compiler that are used here.
const NVRTC: &[&str] = &[
    "nvrtcVersion",
    "nvrtcGetNumSupportedArchs",
    "nvrtcGetSupportedArchs",
    "nvrtcCreateProgram",
    "nvrtcCompileProgram",
    "nvrtcDestroyProgram",
    "nvrtcGetProgramLogSize",
    "nvrtcGetProgramLog",
    "nvrtcGetCUBINSize",
    "nvrtcGetCUBIN",
];

/// Functions of cuBLAS that are used here.
const CUBLAS: &[&str] = &[
    "cublasCreate_v2",
    "cublasDestroy_v2",
    "cublasSetStream_v2",
    "cublasSetWorkspace_v2",
    "cublasSetMathMode",
    "cublasGetVersion_v2",
    "cublasDgemmStridedBatched",
    "cublasSgemmStridedBatched",
];

impl Library {
    /// The three.
    pub const ALL: [Library; 3] = [Library::Driver, Library::Nvrtc, Library::Cublas];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Library::Driver => "driver (libcuda)",
            Library::Nvrtc => "NVRTC (libnvrtc)",
            Library::Cublas => "cuBLAS (libcublas)",
        }
    }

    /// Makes sure that it can be called.
    ///
    /// # Errors
    /// [`DeviceError::NoDriver`] or [`DeviceError::NoCompiler`]; a missing cuBLAS is a [`DeviceError::Fault`].
    pub fn ensure(self) -> Result<(), DeviceError> {
        static FOUND: [OnceLock<Result<(), String>>; 3] = [const { OnceLock::new() }; 3];
        let found = FOUND[self as usize].get_or_init(|| self.look());
        found.clone().map_err(|reason| match self {
            Library::Driver => DeviceError::NoDriver { reason },
            Library::Nvrtc => DeviceError::NoCompiler { reason },
            Library::Cublas => DeviceError::Fault { doing: "opened cuBLAS", reason },
        })
    }

    fn look(self) -> Result<(), String> {
        // SAFETY: opening a library runs its initialisers, which is what anyone who puts it on the library path wants; the symbols are
        // only looked up, never called through these types.
        unsafe {
            let (present, file, names) = match self {
                Library::Driver => (driver::sys::is_culib_present(), "libcuda.so", DRIVER),
                Library::Nvrtc => (nvrtc::sys::is_culib_present(), "libnvrtc.so", NVRTC),
                Library::Cublas => (cublas::sys::is_culib_present(), "libcublas.so", CUBLAS),
            };
            if !present {
                let version = if self == Library::Driver { ".1" } else { " of CUDA 12 or 13" };
                return Err(format!("{file}{version} is not on the library path"));
            }
            let library = match self {
                Library::Driver => driver::sys::culib(),
                Library::Nvrtc => nvrtc::sys::culib(),
                Library::Cublas => cublas::sys::culib(),
            };
            let missing = names.iter().find(|name| library.get::<*const c_void>(name.as_bytes()).is_err());
            missing.map_or(Ok(()), |name| Err(format!("{file} is too old: it lacks `{name}`")))
        }
    }
}
