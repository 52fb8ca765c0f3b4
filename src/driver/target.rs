//! Where a run computes: on the processor, or on a CUDA device.

use std::sync::Arc;

use super::failure::{Failure, Problem};
use super::pointwise;
use crate::runtime::cuda::{
    Cache, Device, DeviceChoice, DeviceError, DeviceUse, Products, driver_version, nvrtc_version,
};
use crate::runtime::{Loaded, RuntimeError, Threads};
use crate::{codegen, ir, kernel};

/// A place to compute.
#[derive(Clone, Debug)]
pub enum Target {
    /// The processor.
    Host(Threads),
    /// A CUDA device.
    Device {
        /// The device.
        device: Device,
        /// Who multiplies matrices there.
        products: Products,
        /// Where machine code is kept.
        cache: Arc<Cache>,
    },
}

impl Target {
    /// The place that a user chose, and a warning why it is the processor where a device was looked for in vain.
    ///
    /// # Errors
    /// Why a device that was demanded cannot be used.
    pub fn choose(
        choice: DeviceChoice,
        products: Products,
        threads: &Threads,
    ) -> Result<(Target, Option<Problem>), DeviceError> {
        let host = || Target::Host(threads.clone());
        let index = match choice {
            DeviceChoice::Cpu => return Ok((host(), None)),
            DeviceChoice::Cuda(index) => index,
            DeviceChoice::Auto => 0,
        };
        match open(index) {
            Ok(device) => Ok((Target::Device { device, products, cache: Arc::new(Cache::of_user()) }, None)),
            Err(error) if choice == DeviceChoice::Auto => {
                let message = format!("computing on the processor: {error}");
                Ok((host(), Some(Problem::new(error.code(), message, error.help(DeviceUse::Run)))))
            }
            Err(error) => Err(error),
        }
    }

    /// What to say where products are to be done as this place does not do them.
    pub(super) fn ignores(&self, products: Products) -> Option<Problem> {
        let ignored = matches!(self, Target::Host(_)) && products == Products::Tf32;
        ignored.then(|| {
            let message = "`--tf32` changes nothing on the processor, which multiplies in full precision";
            Problem::new("N040", message, "leave it out, or compute on a device: `--device cuda`")
        })
    }

    /// Compiles the functions of a module for this place.
    pub fn compile(&self, module: &ir::Module) -> Result<Loaded, Failure> {
        match self {
            Target::Host(threads) => {
                let artifact = Arc::new(pointwise::compile(module)?);
                Ok(Loaded::Host { artifact, threads: threads.clone() })
            }
            Target::Device { device, products, cache } => {
                let program = |f| {
                    let lowered = kernel::lower(module, f).map_err(|e| Failure::Internal(e.to_string()))?;
                    Ok(Arc::new(codegen::cuda::generate(&lowered)))
                };
                let programs = module.functions.iter().map(program).collect::<Result<Vec<_>, Failure>>()?;
                Ok(Loaded::Device { device: device.clone(), programs, products: *products, cache: Arc::clone(cache) })
            }
        }
    }

    /// Why compiled kernels could not be kept, once.
    pub fn warning(&self) -> Option<String> {
        match self {
            Target::Host(_) => None,
            Target::Device { cache, .. } => cache.take_warning(),
        }
    }

    /// What it is, for a run's record and identity: numbers from different places differ in their last digits.
    pub fn describe(&self) -> String {
        match self {
            Target::Host(_) => DeviceChoice::Cpu.to_string(),
            Target::Device { device, products, .. } => {
                let info = device.info();
                let (major, minor) = nvrtc_version().unwrap_or_default();
                let driver = driver_version().map(|v| (v / 1000, v % 1000 / 10)).unwrap_or_default();
                let tf32 = if *products == Products::Tf32 { ", TF32 products" } else { "" };
                format!(
                    "cuda:{} {}, sm_{}, driver for CUDA {}.{}, NVRTC {major}.{minor}{tf32}",
                    info.index,
                    info.name,
                    info.architecture(),
                    driver.0,
                    driver.1
                )
            }
        }
    }
}

/// A device that can be compiled for.
fn open(index: usize) -> Result<Device, DeviceError> {
    let device = Device::open(index)?;
    nvrtc_version()?;
    Ok(device)
}

impl Failure {
    /// What a device or its compiler lacks, with the way out of what was asked for.
    pub fn of_device(error: DeviceError, asked: DeviceUse) -> Failure {
        Failure::Environment(Problem::new(error.code(), error.to_string(), error.help(asked)))
    }
}

impl From<DeviceError> for Failure {
    /// Of something that computes.
    fn from(error: DeviceError) -> Self {
        Failure::of_device(error, DeviceUse::Run)
    }
}

/// An entry point that cannot be opened: the device's fault, or a mistake of the compiler.
pub(super) fn opening(error: RuntimeError) -> Failure {
    match error {
        RuntimeError::Device(error) => error.into(),
        other => Failure::Internal(other.to_string()),
    }
}
