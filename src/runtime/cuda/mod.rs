//! Runs device programs on CUDA devices.
//!
//! A [`DeviceProgram`](crate::artifact::device::DeviceProgram) is CUDA source with a list of launches. Opening it on a [`Device`] compiles the
//! source with NVRTC for exactly that device, or takes the machine code from the [`Cache`]; a [`DeviceExecutable`] then does what
//! [`Executable`](super::Executable) does on the host, with the same checks of its arguments.
//!
//! Invariants: nothing of CUDA is needed to build, and no library is called before it is known to be there with every
//! function that is used, so that a missing or old one is a [`DeviceError`]; every handle is owned and released once; no step of
//! a call waits for the host, so that repeated calls replay one recorded graph.

mod blas;
mod cache;
mod choice;
mod code;
mod compile;
mod device;
mod error;
mod executable;
mod gemm;
mod handles;
mod layout;
mod library;
mod moves;
mod nvrtc;
mod pieces;
mod reason;
mod sequence;
mod usage;

pub use cache::Cache;
pub use choice::DeviceChoice;
pub use compile::{CompileOptions, Compiled, compile, compiled_as};
pub use device::{Device, DeviceInfo, devices, driver_version};
pub use error::{DeviceError, DeviceUse};
pub use executable::DeviceExecutable;
pub use gemm::Products;
pub use library::Library;
pub use moves::MOVES;
pub use nvrtc::{architectures, version as nvrtc_version};
pub use usage::{KernelUsage, kernel_usage};

pub(super) use moves::Moves;
pub(super) use pieces::Piece;
pub(super) use sequence::DeviceSequence;
