//! Entry points that are called in one way wherever they run.

use std::sync::Arc;

use super::cuda::{Cache, Device, DeviceExecutable, Products};
use super::{Arg, Executable, RuntimeError, TensorView, TensorViewMut, Threads};
use crate::artifact::device::DeviceProgram;
use crate::artifact::{Artifact, Entry};

/// An entry point on the host or on a device.
#[derive(Debug)]
pub enum Callable {
    /// On the host's threads.
    Host(Box<Executable>),
    /// On a CUDA device.
    Device(Box<DeviceExecutable>),
}

impl Callable {
    /// What it takes and gives.
    pub fn entry(&self) -> &Entry {
        match self {
            Callable::Host(executable) => executable.entry(),
            Callable::Device(executable) => executable.entry(),
        }
    }

    /// Another one with the same code and a workspace of its own.
    #[must_use]
    pub fn again(&self) -> Callable {
        match self {
            Callable::Host(executable) => Callable::Host(Box::new(executable.again())),
            Callable::Device(executable) => Callable::Device(Box::new(executable.again())),
        }
    }

    /// As [`Executable::solved_by_rows`]; devices never do so.
    pub fn solved_by_rows(&self) -> Option<&str> {
        match self {
            Callable::Host(executable) => executable.solved_by_rows(),
            Callable::Device(_) => None,
        }
    }

    /// As [`Executable::call`].
    ///
    /// # Errors
    /// As there, and [`RuntimeError::Device`].
    pub fn call(&mut self, args: &[TensorView<'_>], outs: &mut [TensorViewMut<'_>]) -> Result<(), RuntimeError> {
        match self {
            Callable::Host(executable) => executable.call(args, outs),
            Callable::Device(executable) => executable.call(args, outs),
        }
    }

    /// As [`Executable::update`].
    ///
    /// # Errors
    /// As there, and [`RuntimeError::Device`].
    pub fn update(&mut self, args: &mut [Arg<'_>], outs: &mut [TensorViewMut<'_>]) -> Result<(), RuntimeError> {
        match self {
            Callable::Host(executable) => executable.update(args, outs),
            Callable::Device(executable) => executable.update(args, outs),
        }
    }
}

/// A program whose entry points can be opened.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// Machine code of the host.
    Host {
        /// The code.
        artifact: Arc<Artifact>,
        /// The threads that calls run on.
        threads: Threads,
    },
    /// Sources for a device.
    Device {
        /// The device.
        device: Device,
        /// One program for each entry point.
        programs: Vec<Arc<DeviceProgram>>,
        /// Who multiplies matrices.
        products: Products,
        /// Where machine code is kept.
        cache: Arc<Cache>,
    },
}

impl Loaded {
    /// The entry points.
    pub fn entries(&self) -> Box<dyn Iterator<Item = &Entry> + '_> {
        match self {
            Loaded::Host { artifact, .. } => Box::new(artifact.entries.iter().map(|(entry, _)| entry)),
            Loaded::Device { programs, .. } => Box::new(programs.iter().map(|p| &p.entry)),
        }
    }

    /// Whether there is an entry point of this name.
    pub fn has(&self, name: &str) -> bool {
        self.entries().any(|entry| entry.name == name)
    }

    /// Opens the entry point of this name; on a device its source is compiled, unless the cache has its machine code.
    ///
    /// # Errors
    /// [`RuntimeError::NoEntry`], [`RuntimeError::Device`].
    pub fn open(&self, name: &str) -> Result<Callable, RuntimeError> {
        match self {
            Loaded::Host { artifact, threads } => {
                Ok(Callable::Host(Box::new(Executable::new(artifact, name, threads.clone())?)))
            }
            Loaded::Device { device, programs, products, cache } => {
                let program = programs.iter().find(|p| p.entry.name == name);
                let program = program.ok_or_else(|| RuntimeError::NoEntry { name: name.to_string() })?;
                // A product and a sum rounded once are nearer to the exact numbers, and faster.
                let executable = DeviceExecutable::new(device, Arc::clone(program), (true, *products), cache)?;
                Ok(Callable::Device(Box::new(executable)))
            }
        }
    }
}
