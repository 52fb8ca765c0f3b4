//! `mechc build --target cuda`: the sources of every function of a model file, and a header that says how to launch them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::device_header;
use super::device_names::function_names;
use super::emit::{self, Part, PartFit, Stage};
use super::failure::Failure;
use super::session::Session;
use crate::artifact::device::DeviceProgram;
use crate::base::Tensor;
use crate::hir::{InputId, StateId, Unit, UnknownId};
use crate::lower::pointwise::components;
use crate::runtime::cuda::{Cache, CompileOptions, DeviceError, DeviceUse, compile, compiled_as};
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
    /// The name of its source, without an ending: `MODEL_FUNCTION`, or `MODEL_FIT_by_gradient_FUNCTION`.
    pub name: String,
    /// The model or fit that it belongs to, in words.
    pub of: String,
    /// The source as it is written, with the model or fit in its first line. That of [`DeviceFunction::program`] is without, so that equal
    /// functions of several are compiled once.
    pub source: String,
    /// The source and how to launch its kernels.
    pub program: DeviceProgram,
    /// For an axis by its name, what its elements are, with their units where they are known.
    pub elements: Vec<(String, Vec<String>)>,
    /// Constant parameters that say which coefficient multiplies what: where they are 1, and 0 elsewhere.
    pub places: Vec<(String, Vec<Vec<usize>>)>,
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
        let parts = emit::parts(&program, Stage::Cuda)?;
        let declared = |p: &Part<'_>| {
            let module = &p.module;
            module.functions.iter().map(|f| (module.name.clone(), f.name.clone())).collect::<Vec<_>>()
        };
        let mut names = function_names(&parts.iter().flat_map(declared).collect::<Vec<_>>()).into_iter();
        let mut functions = Vec::new();
        for part in &parts {
            for function in &part.module.functions {
                let lowered = kernel::lower(&part.module, function).map_err(|e| Failure::Internal(e.to_string()))?;
                let program = codegen::cuda::generate(&lowered);
                functions.push(DeviceFunction {
                    name: names.next().unwrap_or_default(),
                    of: part.of.clone(),
                    source: part.source(&program),
                    program,
                    elements: elements(part),
                    places: part.fit.as_ref().map(places).unwrap_or_default(),
                    time_unit: part.model.units.time.as_ref().map(Unit::to_string),
                });
            }
        }
        ensure_distinct(&functions)?;
        Ok(functions)
    }
}

/// CUDA C++ sources of functions, `MODEL_FUNCTION.cu`, and the header `FILE.h` with their launches; `path` is the model file.
pub fn device_sources(path: &str, functions: &[DeviceFunction]) -> Vec<BuiltFile> {
    let stem = path.rsplit(['/', '\\']).next().unwrap_or(path).trim_end_matches(".mech");
    let mut files = Vec::new();
    for DeviceFunction { name, source, .. } in functions {
        files.push(BuiltFile { name: format!("{name}.cu"), bytes: source.clone().into_bytes() });
    }
    files.push(BuiltFile { name: format!("{stem}.h"), bytes: device_header::text(functions).into_bytes() });
    files
}

/// Machine code of functions for each of `architectures`, `MODEL_FUNCTION.sm_90.cubin`, several at a time, named by the architecture
/// [that it is for](compiled_as). What `cache` holds is not compiled again.
///
/// # Errors
/// [`Failure::Environment`] where there is no compiler, or one that does not know an architecture.
pub fn device_code(
    functions: &[DeviceFunction],
    architectures: &[u32],
    cache: &Cache,
) -> Result<Vec<BuiltFile>, Failure> {
    let targets: Result<BTreeSet<u32>, DeviceError> = architectures.iter().map(|&a| compiled_as(a)).collect();
    let targets = targets.map_err(|error| Failure::of_device(error, DeviceUse::Build))?;
    let wanted: Vec<(u32, &DeviceFunction)> =
        targets.into_iter().flat_map(|architecture| functions.iter().map(move |f| (architecture, f))).collect();
    let file = |&(architecture, DeviceFunction { name, program, .. }): &(u32, &DeviceFunction)| {
        let options = CompileOptions { architecture, contract: true };
        let built = compile(&program.entry.name, &program.source, &options, cache)
            .map_err(|error| Failure::of_device(error, DeviceUse::Build))?;
        Ok(BuiltFile { name: format!("{name}.sm_{}.cubin", built.architecture), bytes: built.cubin })
    };
    // All are waited for, so that the first in order is the one that is told where several fail.
    let files: Vec<Result<BuiltFile, Failure>> = wanted.par_iter().with_max_len(1).map(file).collect();
    files.into_iter().collect()
}

/// Machine code in `folder` of other sources than those that are to be written there: `MODEL_FUNCTION.sm_*.cubin` where
/// `MODEL_FUNCTION.cu` beside it is missing or differs. Code for other architectures of the same source is as good as it was.
pub fn stale_code(folder: &Path, functions: &[DeviceFunction]) -> Vec<PathBuf> {
    let unchanged = |f: &DeviceFunction| {
        let (path, source) = (folder.join(format!("{}.cu", f.name)), f.source.as_bytes());
        // What is no file, or is of another length, is not read: a device may have no end.
        let like = fs::metadata(&path).is_ok_and(|m| m.is_file() && m.len() == source.len() as u64);
        like && fs::read(&path).is_ok_and(|old| old == source)
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

/// What the elements of a model's axes are: components of the first-order system, estimated numbers and inputs; of a fit's functions,
/// states, coefficients, parameters and what networks give.
fn elements(part: &Part<'_>) -> Vec<(String, Vec<String>)> {
    let model = part.model;
    let with = |name: &str, unit: Option<Unit>| unit.map_or(name.to_string(), |u| format!("{name} [{u}]"));
    let component = |(id, order): (StateId, u8)| {
        let name = model.states[id].name.clone() + &"'".repeat(order.into());
        with(&name, model.units.derivative(id, order))
    };
    let unknown = |id: UnknownId| with(&model.unknowns[id].name, model.units.unknown(id).cloned());
    let input = |id: InputId| with(&model.inputs[id].name, model.units.input(id).cloned());
    let inputs = |fields: bool| {
        let wanted = model.inputs.iter().filter(move |(_, i)| i.field.is_some() == fields);
        wanted.map(|(id, _)| input(id)).collect::<Vec<_>>()
    };
    let Some(PartFit { fit, coefficients, parameters, .. }) = &part.fit else {
        let all = vec![
            ("component", components(model).into_iter().map(component).collect()),
            ("unknown", model.unknowns.ids().map(unknown).collect()),
            ("input", model.inputs.ids().map(input).collect()),
        ];
        return all.into_iter().map(|(axis, names): (_, Vec<String>)| (axis.to_string(), names)).collect();
    };
    let states: Vec<String> = model.states.ids().map(|id| component((id, 0))).collect();
    let all = vec![
        ("state", states.clone()),
        // Without data every state counts as one that they have.
        ("observed", states),
        ("coefficient", coefficients.iter().map(|&id| unknown(id)).collect()),
        ("parameter", parameters.iter().map(|&id| unknown(id)).collect()),
        ("input", inputs(false)),
        ("field", inputs(true)),
        ("bound", fit.parameters.iter().map(|p| unknown(p.unknown)).collect()),
    ];
    all.into_iter().map(|(axis, names)| (axis.to_string(), names)).collect()
}

/// Where the constants that choose coefficients are 1. The others follow from their shapes.
fn places(fit: &PartFit<'_>) -> Vec<(String, Vec<Vec<usize>>)> {
    let of = |(name, tensor): &(String, Tensor)| {
        let numbers = tensor.to_f64();
        let ones = numbers.iter().enumerate().filter(|(_, x)| **x != 0.0).map(|(at, _)| at);
        (name.clone(), ones.map(|at| indices(at, tensor.shape())).collect())
    };
    fit.constants.iter().filter(|(name, _)| name.starts_with("selection")).map(of).collect()
}

/// The indices of a number of an array, by its position.
fn indices(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut found: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&extent| {
            let index = at % extent.max(1);
            at /= extent.max(1);
            index
        })
        .collect();
    found.reverse();
    found
}

/// Refuses functions that would be written to one file.
fn ensure_distinct(functions: &[DeviceFunction]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    match functions.iter().find(|f| f.name.is_empty() || !seen.insert(f.name.to_lowercase())) {
        Some(f) => Err(Failure::Internal(format!("two functions of a file are called `{}`", f.name))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemoryWorld;

    #[test]
    #[cfg(unix)]
    fn a_device_in_the_place_of_a_source_is_not_read() {
        let mut session = Session::new(MemoryWorld::new().with("m.mech", "model M { state x; x' = -x }"));
        let Ok(functions) = session.device_functions("m.mech", &[]) else { panic!("the model lowers") };
        let folder = tempfile::tempdir().expect("a folder");
        let path = |end: &str| folder.path().join(format!("{}.{end}", functions[0].name));
        std::os::unix::fs::symlink("/dev/zero", path("cu")).expect("a link");
        fs::write(path("sm_90.cubin"), "").expect("code");
        assert_eq!(stale_code(folder.path(), &functions), [path("sm_90.cubin")]);
    }

    #[test]
    fn numbers_of_arrays_have_indices() {
        let all: Vec<Vec<usize>> = (0..6).map(|at| indices(at, &[2, 1, 3])).collect();
        assert_eq!(all, [[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 0, 0], [1, 0, 1], [1, 0, 2]]);
    }

    #[test]
    fn functions_of_one_name_are_a_mistake() {
        let mut session = Session::new(MemoryWorld::new().with("m.mech", "model M { state x; x' = -x }"));
        let Ok(mut functions) = session.device_functions("m.mech", &[]) else { panic!("the model lowers") };
        assert!(ensure_distinct(&functions).is_ok());
        functions[1].name = functions[0].name.to_uppercase();
        assert!(matches!(ensure_distinct(&functions), Err(Failure::Internal(_))));
    }
}
