//! `mechc build --target cuda`: the sources of every function of a model file, and a header that says how to launch them.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::device_header;
use super::emit::{self, Stage};
use super::failure::Failure;
use super::session::Session;
use crate::artifact::device::DeviceProgram;
use crate::hir::{Model, Unit};
use crate::lower::pointwise::components;
use crate::runtime::cuda::{Cache, CompileOptions, DeviceUse, compile};
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
    /// For an axis by its name, what its elements are, with their units where they are known.
    pub elements: Vec<(String, Vec<String>)>,
    /// The unit of time, where it is known.
    pub time_unit: Option<String>,
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
        // The functions of models come first, in the order of the models.
        let mut models = program.declared_models();
        for module in emit::modules(&program, Stage::Cuda)? {
            let model = models.next();
            for function in &module.functions {
                let lowered = kernel::lower(&module, function).map_err(|e| Failure::Internal(e.to_string()))?;
                let name = identifier(&format!("{}_{}", module.name, function.name));
                functions.push(DeviceFunction {
                    name,
                    program: codegen::cuda::generate(&lowered),
                    elements: model.map(elements).unwrap_or_default(),
                    time_unit: model.and_then(|m| m.units.time.as_ref()).map(Unit::to_string),
                });
            }
        }
        Ok(functions)
    }
}

/// CUDA C++ sources of functions, `MODEL_FUNCTION.cu`, and the header `FILE.h` with their launches; `path` is the model file.
pub fn device_sources(path: &str, functions: &[DeviceFunction]) -> Vec<BuiltFile> {
    let stem = path.rsplit(['/', '\\']).next().unwrap_or(path).trim_end_matches(".mech");
    let mut files = Vec::new();
    for DeviceFunction { name, program, .. } in functions {
        files.push(BuiltFile { name: format!("{name}.cu"), bytes: program.source.clone().into_bytes() });
    }
    files.push(BuiltFile { name: format!("{stem}.h"), bytes: device_header::text(functions).into_bytes() });
    files
}

/// Machine code of functions for each of `architectures`, `MODEL_FUNCTION.sm_90.cubin`, several at a time. What `cache` holds is not compiled again.
///
/// # Errors
/// [`Failure::Environment`] where there is no compiler, or one that does not know an architecture.
pub fn device_code(
    functions: &[DeviceFunction],
    architectures: &[u32],
    cache: &Cache,
) -> Result<Vec<BuiltFile>, Failure> {
    let wanted: Vec<(u32, &DeviceFunction)> =
        architectures.iter().flat_map(|&architecture| functions.iter().map(move |f| (architecture, f))).collect();
    let file = |&(architecture, DeviceFunction { name, program, .. }): &(u32, &DeviceFunction)| {
        let options = CompileOptions { architecture, contract: true };
        let built = compile(&program.entry.name, &program.source, &options, cache)
            .map_err(|error| Failure::of_device(error, DeviceUse::Build))?;
        Ok(BuiltFile { name: format!("{name}.sm_{architecture}.cubin"), bytes: built.cubin })
    };
    // All are waited for, so that the first in order is the one that is told where several fail.
    let files: Vec<Result<BuiltFile, Failure>> = wanted.par_iter().with_max_len(1).map(file).collect();
    files.into_iter().collect()
}

/// Machine code in `folder` of other sources than those that are to be written there: `MODEL_FUNCTION.sm_*.cubin` where
/// `MODEL_FUNCTION.cu` beside it is missing or differs. Code for other architectures of the same source is as good as it was.
pub fn stale_code(folder: &Path, functions: &[DeviceFunction]) -> Vec<PathBuf> {
    let unchanged = |f: &DeviceFunction| {
        fs::read(folder.join(format!("{}.cu", f.name))).is_ok_and(|old| old == f.program.source.as_bytes())
    };
    let changed: Vec<String> = functions.iter().filter(|f| !unchanged(f)).map(|f| format!("{}.sm_", f.name)).collect();
    let is_stale = |name: &str| {
        let architecture = |prefix: &String| name.strip_prefix(prefix.as_str())?.strip_suffix(".cubin");
        changed.iter().filter_map(architecture).any(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
    };
    // A folder that is not there yet, or cannot be listed, holds nothing that is known to be wrong.
    let files = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let stale = files.filter(|file| file.file_name().to_str().is_some_and(is_stale));
    let mut paths: Vec<PathBuf> = stale.map(|file| file.path()).collect();
    paths.sort();
    paths
}

/// What the elements of a model's axes are: components of the first-order system, estimated numbers and inputs.
fn elements(model: &Model) -> Vec<(String, Vec<String>)> {
    let with = |name: String, unit: Option<Unit>| unit.map_or(name.clone(), |u| format!("{name} [{u}]"));
    let component = |(id, order): (crate::hir::StateId, u8)| {
        let name = model.states[id].name.clone() + &"'".repeat(order.into());
        with(name, model.units.derivative(id, order))
    };
    let unknowns = model.unknowns.iter().map(|(id, u)| with(u.name.clone(), model.units.unknown(id).cloned()));
    let inputs = model.inputs.iter().map(|(id, i)| with(i.name.clone(), model.units.input(id).cloned()));
    vec![
        ("component".to_string(), components(model).into_iter().map(component).collect()),
        ("unknown".to_string(), unknowns.collect()),
        ("input".to_string(), inputs.collect()),
    ]
}

fn identifier(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
