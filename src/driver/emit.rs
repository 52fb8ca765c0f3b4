//! `--emit`: the text of any stage of compilation, the same bytes every time.

use std::str::FromStr;

use super::failure::Failure;
use super::{gradient, pointwise};
use crate::artifact::device::DeviceProgram;
use crate::base::Tensor;
use crate::hir::{self, Engine, Fit, Model, Program, UnknownId};
use crate::lower::training::Lowered;
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
    for part in parts(program, stage)? {
        print(&part, stage, &mut out)?;
    }
    Ok(out)
}

/// The functions of a model, or of a fit by gradient.
pub(super) struct Part<'a> {
    /// What they belong to, in words.
    pub of: String,
    /// The model.
    pub model: &'a Model,
    /// The fit.
    pub fit: Option<PartFit<'a>>,
    /// The functions. Its name begins those of their files.
    pub module: ir::Module,
}

/// A fit by gradient, as its functions see it.
pub(super) struct PartFit<'a> {
    /// The fit.
    pub fit: &'a Fit,
    /// Unknowns in the order of the coefficient axis.
    pub coefficients: Vec<UnknownId>,
    /// Unknowns in the order of the parameter axis.
    pub parameters: Vec<UnknownId>,
    /// Arguments that are the same in every call.
    pub constants: Vec<(String, Tensor)>,
}

impl Part<'_> {
    /// The CUDA source of one of its functions, whose first line says what it belongs to.
    pub fn source(&self, program: &DeviceProgram) -> String {
        let rest = program.source.split_once('\n').map_or("", |(_, rest)| rest);
        format!("// {} of {}\n{rest}", program.entry.name, self.of)
    }
}

/// The functions of every model as it is declared, and those of every fit by gradient.
pub(super) fn parts(program: &Program, stage: Stage) -> Result<Vec<Part<'_>>, Failure> {
    let mut parts = Vec::new();
    for model in program.declared_models() {
        let module = pointwise::module(model, stage != Stage::Ir)?;
        parts.push(Part { of: format!("the model {}", model.name), model, fit: None, module });
    }
    for fit in program.fits.values().filter(|f| f.engine == Engine::Gradient) {
        let model = &program.models[fit.model];
        let Lowered { mut module, coefficients, parameters, constants, .. } = gradient::lowered(program, fit)?;
        // Of several fits of a model one may be without a name.
        let (name, of) = match fit.name.as_str() {
            hir::UNNAMED_FIT => (module.name, format!("the fit of {}", model.name)),
            own => (format!("{}_{own}", module.name), format!("the fit {own} of {}", model.name)),
        };
        module.name = format!("{name}_by_gradient");
        let coefficients = coefficients.into_iter().map(|c| c.unknown).collect();
        parts.push(Part { of, model, fit: Some(PartFit { fit, coefficients, parameters, constants }), module });
    }
    Ok(parts)
}

fn print(part: &Part<'_>, stage: Stage, out: &mut String) -> Result<(), Failure> {
    let module = &part.module;
    let internal = |e: &dyn std::fmt::Display| Failure::Internal(e.to_string());
    if !matches!(stage, Stage::Kernel | Stage::Clif | Stage::Cuda) {
        out.push_str(&ir::print(module));
        return Ok(());
    }
    for function in &module.functions {
        let program = kernel::lower(module, function).map_err(|e| internal(&e))?;
        out.push_str(&match stage {
            Stage::Kernel => kernel::print(&program),
            Stage::Cuda => part.source(&codegen::cuda::generate(&program)),
            _ => codegen::host::clif(&program).map_err(|e| internal(&e))?,
        });
    }
    Ok(())
}
