//! `--emit`: the text of any stage of compilation, the same bytes every time.

use std::str::FromStr;

use super::failure::Failure;
use super::{gradient, pointwise};
use crate::hir::{self, Engine, Program};
use crate::{codegen, ir, kernel};

/// A stage of compilation that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The syntax tree.
    Ast,
    /// The checked program.
    Hir,
    /// The functions before differentiation.
    Ir,
    /// The functions with their derivatives.
    Adjoint,
    /// Loop nests, products and solves on explicit buffers.
    Kernel,
    /// The code generator's input, one function per loop nest.
    Clif,
    /// CUDA C++, one translation unit per function.
    Cuda,
}

impl Stage {
    /// Every stage with its name, in order.
    pub const ALL: [(&'static str, Stage); 7] = [
        ("ast", Stage::Ast),
        ("hir", Stage::Hir),
        ("ir", Stage::Ir),
        ("adjoint", Stage::Adjoint),
        ("kernel", Stage::Kernel),
        ("clif", Stage::Clif),
        ("cuda", Stage::Cuda),
    ];
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Stage, String> {
        let found = Stage::ALL.iter().find(|(name, _)| *name == text);
        found.map(|(_, stage)| *stage).ok_or_else(|| {
            let names: Vec<&str> = Stage::ALL.iter().map(|(name, _)| *name).collect();
            format!("`{text}` is no stage; there are {}", names.join(", "))
        })
    }
}

/// The text of a stage after the syntax tree: the pointwise functions of every model, and the training functions of every
/// fit by gradient.
pub fn emit(program: &Program, stage: Stage) -> Result<String, Failure> {
    if stage == Stage::Hir {
        return Ok(hir::dump(program));
    }
    let mut out = String::new();
    for module in modules(program, stage)? {
        print(&module, stage, &mut out)?;
    }
    Ok(out)
}

/// The functions of every model as it is declared, and those of every fit by gradient.
pub(super) fn modules(program: &Program, stage: Stage) -> Result<Vec<ir::Module>, Failure> {
    let mut modules = Vec::new();
    for model in program.declared_models() {
        modules.push(pointwise::module(model, stage != Stage::Ir)?);
    }
    for fit in program.fits.values().filter(|f| f.engine == Engine::Gradient) {
        let mut module = gradient::lowered(program, fit)?.module;
        module.name = format!("{}_by_gradient", module.name);
        modules.push(module);
    }
    Ok(modules)
}

fn print(module: &ir::Module, stage: Stage, out: &mut String) -> Result<(), Failure> {
    let internal = |e: &dyn std::fmt::Display| Failure::Internal(e.to_string());
    if !matches!(stage, Stage::Kernel | Stage::Clif | Stage::Cuda) {
        out.push_str(&ir::print(module));
        return Ok(());
    }
    for function in &module.functions {
        let program = kernel::lower(module, function).map_err(|e| internal(&e))?;
        out.push_str(&match stage {
            Stage::Kernel => kernel::print(&program),
            Stage::Cuda => codegen::cuda::generate(&program).source,
            _ => codegen::host::clif(&program).map_err(|e| internal(&e))?,
        });
    }
    Ok(())
}
