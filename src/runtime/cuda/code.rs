//! A device program's machine code, and its steps on memory that somebody else owns.

use super::compile::{CompileOptions, compile};
use super::device::Device;
use super::gemm::Products;
use super::handles::{Function, Module, launch};
use super::layout::Layout;
use super::{Cache, DeviceError};
use crate::artifact::BufferPlace;
use crate::artifact::device::{Argument, DeviceFailure, DeviceProgram, DeviceStep, Launch, Memory, Scratch};
use crate::runtime::RuntimeError;
use std::sync::Arc;

/// A program that a device has loaded.
pub(in crate::runtime) struct Code {
    pub program: Arc<DeviceProgram>,
    pub products: Products,
    functions: Vec<Function>,
    // Dropped last: what is above uses them.
    _module: Module,
    pub device: Device,
}

/// Where everything is that the steps of one call address.
pub(super) struct Placed {
    /// Of all axes.
    pub sizes: Vec<u64>,
    /// Which operators of the program are used.
    pub used: Vec<bool>,
    buffers: Vec<u64>,
    scratch: Vec<u64>,
    /// The status words.
    pub status: u64,
}

impl Placed {
    /// Everything in one piece of memory that starts at `start`, but for scratch that is kept, which starts at `kept`.
    pub fn inside(
        program: &DeviceProgram,
        layout: &Layout,
        (sizes, used): (Vec<u64>, Vec<bool>),
        (start, kept): (u64, u64),
    ) -> Placed {
        let at = |offsets: &[u64]| offsets.iter().map(|o| start + o).collect();
        let begin = |of: &Scratch| if of.kept { kept } else { start };
        let scratch = layout.scratch.iter().zip(&program.scratch).map(|(o, of)| begin(of) + o).collect();
        Placed { sizes, used, buffers: at(&layout.buffers), scratch, status: start + layout.status }
    }

    /// As [`Placed::inside`], but parameters, results and status words are elsewhere.
    pub fn between(
        code: &Code,
        layout: &Layout,
        bound: (Vec<u64>, Vec<bool>),
        starts: (u64, u64),
        (params, results): (&[u64], &[u64]),
        status: u64,
    ) -> Placed {
        let mut placed = Placed::inside(&code.program, layout, bound, starts);
        placed.status = status;
        for (address, buffer) in placed.buffers.iter_mut().zip(&code.program.entry.buffers) {
            let given = match buffer.place {
                BufferPlace::Param(p) => params.get(p),
                BufferPlace::Result(r) => results.get(r),
                BufferPlace::Temporary => None,
            };
            *address = given.copied().unwrap_or(*address);
        }
        placed
    }

    /// The address of a piece of memory.
    pub fn address(&self, memory: Memory) -> u64 {
        match memory {
            Memory::Buffer(b) => self.buffers[b],
            Memory::Scratch(s) => self.scratch[s],
        }
    }
}

impl Code {
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
        Ok(Code { program, products, functions, _module: module, device: device.clone() })
    }

    /// Puts all steps on the stream; those that make operators where `making` says so.
    pub(super) fn put(&self, placed: &Placed, making: bool) -> Result<(), DeviceError> {
        self.put_until(placed, usize::MAX, making)
    }

    /// Puts the steps on the stream that make up those of the entry before `end`.
    pub(super) fn put_until(&self, placed: &Placed, end: usize, making: bool) -> Result<(), DeviceError> {
        let wanted = |step: &&DeviceStep| {
            let launch = step.launch();
            launch.origin < end && launch.when.needed(&placed.used, making)
        };
        self.program.steps.iter().filter(wanted).try_for_each(|step| match step {
            DeviceStep::Launch(l) => self.launch(placed, l),
            DeviceStep::Gemm(gemm) => match self.calls(placed, gemm) {
                Some(calls) => self.multiply(&calls),
                None => self.launch(placed, &gemm.generated),
            },
        })
    }

    /// Blocks for so many threads.
    pub(super) fn blocks(kernel: &str, threads: u64, block: u32) -> Result<u32, DeviceError> {
        let blocks = u32::try_from(threads.div_ceil(u64::from(block.max(1)))).ok().filter(|b| *b <= i32::MAX as u32);
        blocks.ok_or_else(|| DeviceError::Fault {
            doing: "launched a kernel",
            reason: format!("`{kernel}` needs more blocks than a grid can have"),
        })
    }

    fn launch(&self, placed: &Placed, l: &Launch) -> Result<(), DeviceError> {
        let (kernel, function) = (&self.program.kernels[l.kernel], self.functions[l.kernel]);
        let too_large = || DeviceError::Fault {
            doing: "launched a kernel",
            reason: format!("`{}` has more threads, or numbers in its arguments, than 63 bits can count", kernel.name),
        };
        let threads = l.threads.value(&placed.sizes).ok_or_else(too_large)?;
        if threads == 0 {
            return Ok(());
        }
        let blocks = Code::blocks(&kernel.name, threads, kernel.block)?;
        let argument = |a: &Argument| match a {
            Argument::Memory(memory) => Ok(placed.address(*memory)),
            Argument::Count(count) => count.value(&placed.sizes).ok_or_else(too_large),
            Argument::Status(word) => Ok(placed.status + 8 * *word as u64),
        };
        let arguments = l.arguments.iter().map(argument).collect::<Result<Vec<u64>, DeviceError>>()?;
        // SAFETY: arguments are those the program lists for the kernel, each of 64 bits; memory is as large as it says.
        unsafe { launch(&self.device, function, (blocks, kernel.block.max(1)), &arguments) }
    }

    /// The first step that failed, by the status words of a call whose memory is still as it left it.
    pub(super) fn failed(&self, status: &[u64], placed: &Placed) -> Result<(), RuntimeError> {
        let entry = &self.program.entry;
        let failed = self.program.checks.iter().zip(status).filter(|(check, word)| check.failed(**word));
        let Some((check, &word)) = failed.min_by_key(|(c, _)| c.step) else { return Ok(()) };
        let (sample, place) = check.place(word, &placed.sizes);
        let (name, step) = (entry.name.clone(), check.step);
        // All samples that an explicit solution matrix is for have the system that it cannot be made of.
        let of = sample.map_or_else(|| "the matrix of all samples".to_string(), |sample| format!("sample {sample}"));
        Err(match check.failure {
            DeviceFailure::NotPositiveDefinite => {
                RuntimeError::NotPositiveDefinite { entry: name, step, sample: sample.unwrap_or(0) as usize }
            }
            DeviceFailure::NotConverged | DeviceFailure::Narrow => {
                let reason = format!(
                    "{of}: single precision is too little for its factor, corrections do not come to rest; double precision is enough where the rows determine the unknowns"
                );
                RuntimeError::Solve { entry: name, step, reason }
            }
            DeviceFailure::Unsettled => {
                let found = || {
                    format!(
                        "{of}: corrections do not settle, the normal matrix is nearly singular; the CPU solves it by a factor of its rows where these determine the unknowns, with `--device cpu`"
                    )
                };
                let reason = self.reason(placed, step, sample.unwrap_or(0) as usize).unwrap_or_else(found);
                RuntimeError::Solve { entry: name, step, reason }
            }
            DeviceFailure::Undetermined | DeviceFailure::NotFinite => {
                let what = match check.failure {
                    DeviceFailure::NotFinite => "the solution is not finite",
                    _ => "the rows do not determine the unknowns, or a number is not finite",
                };
                // Any sample tells what is wrong with a matrix of all.
                let reason = self.reason(placed, step, sample.unwrap_or(0) as usize);
                let reason = reason.unwrap_or_else(|| format!("{of}, time step {place}: {what}"));
                RuntimeError::Solve { entry: name, step, reason }
            }
        })
    }
}
