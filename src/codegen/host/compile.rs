//! From programs to an artifact.

use super::emit::{self, Imports};
use crate::artifact::{Artifact, Code, CodeMemory, NestFn};
use crate::kernel::Program;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::UserFuncName;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{CompiledCode, Context};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{ArenaMemoryProvider, JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module, ModuleReloc, default_libcall_names};
use rayon::prelude::*;
use std::sync::{Arc, Mutex};

/// Address space kept for the code of one artifact; only what is used takes memory.
const CODE_SPACE: usize = 256 << 20;

/// Code that cannot be generated: the machine or a limit, never the model.
#[derive(Debug, thiserror::Error)]
pub enum CodegenError {
    /// Cranelift has no back end for this machine.
    #[error("no code can be generated for this machine: {0}")]
    Host(String),
    /// Cranelift refused a function.
    #[error("generating code for `{function}`: {reason}")]
    Function {
        /// The loop nest.
        function: String,
        /// Cranelift's words.
        reason: String,
    },
    /// The operating system gave no memory for code.
    #[error("no memory for code: {0}")]
    Memory(String),
}

/// Compiles `programs` to one artifact named `name`.
///
/// # Errors
/// [`CodegenError`] when this machine is not supported or has no memory for the code.
pub fn compile(name: &str, programs: Vec<Program>) -> Result<Artifact, CodegenError> {
    let mut module = module()?;
    let mut functions = build(&mut module, &programs)?;
    // Compilation of a function depends on nothing but the function and the shared target description.
    let isa = module.isa();
    let compiled: Vec<Result<(), CodegenError>> = functions
        .par_iter_mut()
        .map(|f| match f.context.compile(isa, &mut ControlPlane::default()) {
            Ok(_) => Ok(()),
            Err(e) => Err(CodegenError::Function { function: f.name.clone(), reason: format!("{:?}", e.inner) }),
        })
        .collect();
    compiled.into_iter().collect::<Result<Vec<()>, _>>()?;
    let ids: Vec<FuncId> = functions.iter().map(|f| f.id).collect();
    for f in functions {
        let Some(code) = f.context.compiled_code() else { continue };
        define(&mut module, &f, code)?;
    }
    module.finalize_definitions().map_err(|e| CodegenError::Memory(e.to_string()))?;

    let addresses: Vec<NestFn> = ids
        .iter()
        // SAFETY: the address is that of a finished function which was built with exactly the signature of `NestFn`.
        .map(|&id| unsafe { std::mem::transmute::<*const u8, NestFn>(module.get_finalized_function(id)) })
        .collect();
    let memory = Arc::new(JitMemory(Mutex::new(Some(module))));
    let mut rest = addresses.as_slice();
    let mut entries = Vec::with_capacity(programs.len());
    for program in programs {
        let (own, others) = rest.split_at(program.nests.len());
        rest = others;
        entries.push((program.entry, Code::new(own.to_vec(), memory.clone())));
    }
    Ok(Artifact { name: name.to_string(), entries })
}

/// The Cranelift functions of `program` as text, before compilation.
///
/// # Errors
/// As [`compile`].
pub fn clif(program: &Program) -> Result<String, CodegenError> {
    let mut module = module()?;
    let functions = build(&mut module, std::slice::from_ref(program))?;
    let text: Vec<String> = functions.iter().map(|f| format!("; {}\n{}", f.name, f.context.func.display())).collect();
    Ok(text.join("\n"))
}

/// A function whose body is built.
struct Built {
    name: String,
    id: FuncId,
    context: Context,
}

fn build(module: &mut JITModule, programs: &[Program]) -> Result<Vec<Built>, CodegenError> {
    let mut scratch = FunctionBuilderContext::new();
    let mut imports = Imports::default();
    let mut built = Vec::new();
    for (p, program) in programs.iter().enumerate() {
        for (n, nest) in program.nests.iter().enumerate() {
            let fail = |reason: String| CodegenError::Function { function: nest.name.clone(), reason };
            let mut context = module.make_context();
            context.func.signature = emit::signature(module);
            let id = module
                .declare_function(&format!("{p}.{n}"), Linkage::Local, &context.func.signature)
                .map_err(|e| fail(e.to_string()))?;
            context.func.name = UserFuncName::user(0, id.as_u32());
            emit::body(module, &mut imports, &mut context.func, &mut scratch, nest, &program.entry).map_err(fail)?;
            built.push(Built { name: nest.name.clone(), id, context });
        }
    }
    Ok(built)
}

fn define(module: &mut JITModule, f: &Built, code: &CompiledCode) -> Result<(), CodegenError> {
    let relocs: Vec<ModuleReloc> =
        code.buffer.relocs().iter().map(|r| ModuleReloc::from_mach_reloc(r, &f.context.func, f.id)).collect();
    module
        .define_function_bytes(f.id, u64::from(code.buffer.alignment), code.code_buffer(), &relocs)
        .map_err(|e| CodegenError::Function { function: f.name.clone(), reason: e.to_string() })
}

fn isa() -> Result<OwnedTargetIsa, CodegenError> {
    let host = |e: String| CodegenError::Host(e);
    let mut flags = settings::builder();
    let verify = if cfg!(any(test, debug_assertions)) { "true" } else { "false" };
    for (flag, value) in [
        // Instructions already stand outside the loops that do not change them.
        ("opt_level", "none"),
        ("enable_verifier", verify),
        ("use_colocated_libcalls", "false"),
        ("is_pic", "false"),
        ("enable_probestack", "false"),
        ("unwind_info", "false"),
    ] {
        flags.set(flag, value).map_err(|e| host(e.to_string()))?;
    }
    let builder = cranelift_native::builder().map_err(|e| host(e.to_string()))?;
    builder.finish(settings::Flags::new(flags)).map_err(|e| host(e.to_string()))
}

fn module() -> Result<JITModule, CodegenError> {
    let mut builder = JITBuilder::with_isa(isa()?, default_libcall_names());
    let memory = ArenaMemoryProvider::new_with_size(CODE_SPACE).map_err(|e| CodegenError::Memory(e.to_string()))?;
    builder.memory_provider(Box::new(memory));
    builder.symbol_lookup_fn(Box::new(emit::lookup));
    Ok(JITModule::new(builder))
}

/// Owns the executable memory.
struct JitMemory(Mutex<Option<JITModule>>);

impl CodeMemory for JitMemory {}

impl Drop for JitMemory {
    fn drop(&mut self) {
        let module = match self.0.get_mut() {
            Ok(module) => module.take(),
            Err(poisoned) => poisoned.into_inner().take(),
        };
        if let Some(module) = module {
            // SAFETY: function addresses leave this module only inside a `Code`, which holds this memory alive; this is the
            // last owner, so no function can run or be called any more.
            unsafe { module.free_memory() };
        }
    }
}
