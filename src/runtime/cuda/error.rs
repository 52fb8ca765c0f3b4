//! What can go wrong between this program and a CUDA device.

/// Why a device cannot be used, or failed while it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The driver's library is not there, or lacks a function.
    #[error("no CUDA driver: {reason}")]
    NoDriver {
        /// Why not.
        reason: String,
    },
    /// The compiler's library is not there, or lacks a function.
    #[error("no CUDA compiler (NVRTC): {reason}")]
    NoCompiler {
        /// Why not.
        reason: String,
    },
    /// The driver knows no device.
    #[error("the CUDA driver finds no device: {reason}")]
    NoDevice {
        /// The driver's words.
        reason: String,
    },
    /// There is no device of this number.
    #[error("there is no CUDA device {index}: this machine has {count}, counted from 0")]
    OutOfRange {
        /// The number asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The compiler does not know the device's architecture.
    #[error("the CUDA compiler {version} cannot compile for {architecture}: it knows {known}")]
    Architecture {
        /// The device's, such as `sm_90`.
        architecture: String,
        /// The compiler's version.
        version: String,
        /// What it can compile for.
        known: String,
    },
    /// The device has too little memory.
    #[error("`{entry}` needs {needed} bytes of device memory, and {free} are free")]
    Memory {
        /// The entry point.
        entry: String,
        /// Bytes of its buffers and scratch.
        needed: u64,
        /// Bytes free before.
        free: u64,
    },
    /// Generated source that the compiler refuses.
    #[error("the CUDA compiler refuses the source of `{entry}`: {log}")]
    Compile {
        /// The entry point.
        entry: String,
        /// The compiler's words.
        log: String,
    },
    /// A call of the driver or of cuBLAS failed.
    #[error("the CUDA device failed while it {doing}: {reason}")]
    Fault {
        /// What it did.
        doing: &'static str,
        /// The driver's words.
        reason: String,
    },
}

/// What a device, or the compiler for it, is asked for. It decides what can be done without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceUse {
    /// To compute. Every command that does so takes `--device`.
    Run,
    /// To be compared with the processor.
    Check,
    /// To compile for, whether it is there or not.
    Build,
}

impl DeviceError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            DeviceError::NoDriver { .. } => "N031",
            DeviceError::NoCompiler { .. } => "N032",
            DeviceError::NoDevice { .. } => "N033",
            DeviceError::OutOfRange { .. } => "N034",
            DeviceError::Architecture { .. } => "N035",
            DeviceError::Memory { .. } => "N036",
            DeviceError::Compile { .. } => "N037",
            DeviceError::Fault { .. } => "N038",
        }
    }

    /// The way out of what was asked for. Of a run it always includes the host.
    pub fn help(&self, asked: DeviceUse) -> String {
        let mends = self.mends(asked);
        match (asked, self) {
            (DeviceUse::Run, _) => format!("{mends}, or run on the processor: `--device cpu`"),
            (DeviceUse::Check, _) => {
                format!("{mends}; models run on the processor without a device: `mechc run FILE --device cpu`")
            }
            (DeviceUse::Build, DeviceError::NoCompiler { .. }) => {
                format!("{mends}, or leave `--arch` out: the sources need no compiler")
            }
            (DeviceUse::Build, _) => mends.to_string(),
        }
    }

    /// What takes the cause away.
    fn mends(&self, asked: DeviceUse) -> &'static str {
        match self {
            DeviceError::NoDriver { .. } => "install the driver of the device",
            DeviceError::NoCompiler { .. } => "install NVRTC 12 or 13 and name its folder in LD_LIBRARY_PATH",
            DeviceError::NoDevice { .. } => "look at what `mechc doctor` finds",
            DeviceError::OutOfRange { .. } => "choose one that `mechc doctor` lists with `--device cuda:N`",
            DeviceError::Architecture { .. } if asked == DeviceUse::Build => {
                "name architectures that it knows with `--arch`, or install an NVRTC that knows this one"
            }
            DeviceError::Architecture { .. } => "install an NVRTC that knows the device",
            DeviceError::Memory { .. } => "make `window`, `batch` or the network smaller, free the device",
            DeviceError::Compile { .. } => "please report this with the model file",
            DeviceError::Fault { .. } if asked == DeviceUse::Check => "look at the system's log",
            DeviceError::Fault { .. } => "test the device with `mechc doctor --gpu-check`",
        }
    }
}
