//! The gradient of one scalar result as a function of its own.

use super::{AutodiffError, reverse};
use crate::ir::{Builder, Function, Module, ValueId};

/// The function `<function>_grad`, which takes the parameters of `function` and returns its results and, as `<param>_adj`, the
/// gradients of its scalar result `of` by the parameters `wrt`. It is not added to the module.
///
/// # Errors
/// Where a name is unknown, the result is not a scalar, or there is no derivative.
pub fn gradient(module: &mut Module, function: &str, of: &str, wrt: &[&str]) -> Result<Function, AutodiffError> {
    let base = module.function(function).ok_or_else(|| AutodiffError::NoFunction(function.to_string()))?;
    let mut f = base.clone();
    f.name = format!("{function}_grad");
    let params: Vec<ValueId> = wrt
        .iter()
        .map(|name| {
            let found = f.params.iter().copied().find(|&p| f.values[p].name == *name);
            found.ok_or_else(|| AutodiffError::NoParameter((*name).to_string()))
        })
        .collect::<Result<_, _>>()?;
    let result = f.results.iter().find(|(name, _)| name == of).map(|(_, v)| *v);
    let result = result.ok_or_else(|| AutodiffError::NoResult(of.to_string()))?;
    if !f.ty(result).axes.is_empty() {
        return Err(AutodiffError::NotScalar(of.to_string()));
    }
    let mut builder = Builder::resume(module, f);
    let one = builder.constant(1.0, builder.ty(result).elem);
    let adjoints = reverse(&mut builder, &[(result, one)], &params)?;
    for ((name, param), adjoint) in wrt.iter().zip(params).zip(adjoints) {
        let adjoint = adjoint.unwrap_or_else(|| {
            let ty = builder.ty(param).clone();
            let zero = builder.constant(0.0, ty.elem);
            builder.broadcast(zero, &ty.axes)
        });
        builder.result(format!("{name}_adj"), adjoint);
    }
    Ok(builder.into_function()?)
}
