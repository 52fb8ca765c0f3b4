//! `mechc build --target cuda`: the sources of every function of a model file, and a header that says how to launch them.

use std::fmt::Write;

use super::emit::{self, Stage};
use super::failure::Failure;
use super::session::Session;
use crate::artifact::BufferPlace;
use crate::artifact::device::{Argument, Count, DeviceProgram, DeviceStep, Launch, Memory};
use crate::runtime::cuda::{Cache, CompileOptions, compile};
use crate::{codegen, kernel};

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltFile {
    /// Its name, without a folder.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A function of a model file for CUDA devices.
#[derive(Clone, Debug)]
pub struct DeviceFunction {
    /// The name of its source, without an ending: `MODEL_FUNCTION`.
    pub name: String,
    /// The source and how to launch its kernels.
    pub program: DeviceProgram,
}

impl Session {
    /// Every function of a model file for CUDA devices: right-hand sides and linearisations of its models, and the functions of its
    /// fits by gradient.
    ///
    /// # Errors
    /// Those of [`Session::check`], and of models that cannot be lowered.
    pub fn device_functions(&mut self, path: &str, overrides: &[String]) -> Result<Vec<DeviceFunction>, Failure> {
        let program = self.check_without_tests(path, overrides)?.program;
        let mut functions = Vec::new();
        for module in emit::modules(&program, Stage::Cuda)? {
            for function in &module.functions {
                let lowered = kernel::lower(&module, function).map_err(|e| Failure::Internal(e.to_string()))?;
                let name = identifier(&format!("{}_{}", module.name, function.name));
                functions.push(DeviceFunction { name, program: codegen::cuda::generate(&lowered) });
            }
        }
        Ok(functions)
    }
}

/// CUDA C++ sources of functions, `MODEL_FUNCTION.cu`, and the header `FILE.h` with their launches; `path` is the model file.
pub fn device_sources(path: &str, functions: &[DeviceFunction]) -> Vec<BuiltFile> {
    let stem = path.rsplit(['/', '\\']).next().unwrap_or(path).trim_end_matches(".mech");
    let mut header = String::from(HEADER);
    let mut files = Vec::new();
    for DeviceFunction { name, program } in functions {
        describe(&mut header, name, program);
        files.push(BuiltFile { name: format!("{name}.cu"), bytes: program.source.clone().into_bytes() });
    }
    files.push(BuiltFile { name: format!("{stem}.h"), bytes: header.into_bytes() });
    files
}

/// Machine code of functions for each of `architectures`, `MODEL_FUNCTION.sm_90.cubin`. What `cache` holds is not compiled again.
///
/// # Errors
/// [`Failure::Environment`] where there is no compiler, or one that does not know an architecture.
pub fn device_code(
    functions: &[DeviceFunction],
    architectures: &[u32],
    cache: &Cache,
) -> Result<Vec<BuiltFile>, Failure> {
    let mut files = Vec::new();
    for &architecture in architectures {
        for DeviceFunction { name, program } in functions {
            let options = CompileOptions { architecture, contract: true };
            let built = compile(&program.entry.name, &program.source, &options, cache)?;
            files.push(BuiltFile { name: format!("{name}.sm_{architecture}.cubin"), bytes: built.cubin });
        }
    }
    Ok(files)
}

const HEADER: &str = "/* Launches of the CUDA sources beside this header, for a program that loads their kernels by name.

   Every kernel is extern \"C\", one-dimensional, and takes 64-bit words in the order of `arguments`: `b0` the address of a buffer, `w0`
   of scratch, `status0` of a 64-bit word that holds all ones before the first launch and afterwards, if a step failed, the smallest
   place at which it did; everything else is a number. s0, s1, ... are the sizes of axes, min(x, n) the smaller of both. A launch
   has ceil(threads / block) blocks. The launches of a function run in this order. */
#pragma once

typedef struct {
  const char* kernel;
  unsigned block;
  const char* threads;
  const char* arguments;
} mechc_launch;

typedef struct {
  const char* name;
  const char* type;
  const char* count;
  const char* use;
} mechc_memory;
";

fn describe(out: &mut String, name: &str, program: &DeviceProgram) {
    let entry = &program.entry;
    let _ = writeln!(out, "\n/* {name}.cu */");
    for (i, axis) in entry.axes.iter().enumerate() {
        let size = axis.size.map_or("of the caller's choice".to_string(), |n| n.to_string());
        let _ = writeln!(out, "/* s{i}: size of {}, {size} */", plain(&axis.name));
    }
    let _ = writeln!(out, "static const mechc_memory {name}_memory[] = {{");
    for (i, buffer) in entry.buffers.iter().enumerate() {
        let port = |kind: &str, port: Option<&crate::artifact::Port>| {
            port.map_or_else(String::new, |p| format!("{kind} {}", plain(&p.name)))
        };
        let what = match buffer.place {
            BufferPlace::Param(p) => port("parameter", entry.params.get(p)),
            BufferPlace::Result(r) => port("result", entry.results.get(r)),
            BufferPlace::Temporary => "temporary".to_string(),
        };
        let _ = writeln!(out, "  {{\"b{i}\", \"{}\", \"{}\", \"{what}\"}},", buffer.elem, buffer.size);
    }
    for (i, scratch) in program.scratch.iter().enumerate() {
        let _ = writeln!(out, "  {{\"w{i}\", \"{}\", \"{}\", \"scratch\"}},", scratch.elem, count(&scratch.count));
    }
    out.push_str("};\n");
    let _ = writeln!(out, "static const mechc_launch {name}_launches[] = {{");
    for step in &program.steps {
        let launch: &Launch = match step {
            DeviceStep::Launch(launch) => launch,
            DeviceStep::Gemm(gemm) => &gemm.generated,
        };
        let Some(kernel) = program.kernels.get(launch.kernel) else { continue };
        let arguments: Vec<String> = launch
            .arguments
            .iter()
            .map(|a| match a {
                Argument::Memory(Memory::Buffer(i)) => format!("b{i}"),
                Argument::Memory(Memory::Scratch(i)) => format!("w{i}"),
                Argument::Count(c) => count(c),
                Argument::Status(i) => format!("status{i}"),
            })
            .collect();
        let (threads, arguments) = (count(&launch.threads), arguments.join(", "));
        let _ = writeln!(out, "  {{\"{}\", {}, \"{threads}\", \"{arguments}\"}},", kernel.name, kernel.block);
    }
    out.push_str("};\n");
}

fn count(count: &Count) -> String {
    let factors: Vec<String> = count
        .factors
        .iter()
        .map(|(size, most)| if *most == u64::MAX { size.to_string() } else { format!("min({size}, {most})") })
        .collect();
    if factors.is_empty() { "1".to_string() } else { factors.join(" * ") }
}

/// A name that can stand in a string or a comment of C.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || "_'[], .".contains(*c)).collect()
}

fn identifier(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
