//! The gradient checker: a gradient program against differences of the function it claims to differentiate.

use super::{InterpError, run};
use crate::base::{Real, Tensor, TensorData};
use crate::ir::Module;

/// A gradient that is not the function's.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GradientMismatch {
    /// A function cannot be evaluated.
    #[error(transparent)]
    Run(#[from] InterpError),
    /// The function has no such result, or the gradient function has none for a parameter.
    #[error("there is no result `{0}`")]
    NoResult(String),
    /// The function has no such parameter.
    #[error("there is no parameter `{0}`")]
    NoParameter(String),
    /// The numbers differ.
    #[error("`{result}` at position {position}: {gradient:e}, differences say {difference:e}")]
    Differs {
        /// The name of the gradient's result.
        result: String,
        /// The position in it.
        position: usize,
        /// What the gradient function gives.
        gradient: f64,
        /// What differences of the function give.
        difference: f64,
    },
}

/// Compares the results `<param>_adj` of the function `gradient` with fourth-order central differences
/// `(f(x-2d) - 8 f(x-d) + 8 f(x+d) - f(x+2d)) / 12d` of the scalar result `of` of the function `function`, for every number
/// of every parameter in `wrt` (all in double precision). Both functions take `args`. The step is 1e-3 relative to the number
/// (at least absolute), for an error of some 1e-13 in smooth functions of size one; the tolerance is relative to the largest
/// entry of the parameter's gradient, or to a thousandth of the function's value or of one where these are larger.
///
/// # Errors
/// The first difference above `tolerance`, or why there is nothing to compare.
pub fn check_gradient(
    module: &Module,
    function: &str,
    gradient: &str,
    of: &str,
    wrt: &[&str],
    args: &[Tensor],
    tolerance: f64,
) -> Result<(), GradientMismatch> {
    let find = |name: &str| module.function(name).ok_or_else(|| InterpError::NoFunction(name.to_string()));
    let (f, g) = (find(function)?, find(gradient)?);
    let result_of = |f: &crate::ir::Function, name: &str| {
        let at = f.results.iter().position(|(n, _)| n == name);
        at.ok_or_else(|| GradientMismatch::NoResult(name.to_string()))
    };
    let value_at = result_of(f, of)?;
    let value = |args: &[Tensor]| -> Result<f64, GradientMismatch> {
        let results = run(module, function, args)?;
        let numbers = results.get(value_at).map(Tensor::to_f64).unwrap_or_default();
        numbers.first().copied().ok_or_else(|| GradientMismatch::NoResult(of.to_string()))
    };
    let gradients = run(module, gradient, args)?;
    let size = value(args)?.abs();
    for name in wrt {
        let param = f.params.iter().position(|&p| f.values[p].name == *name);
        let param = param.ok_or_else(|| GradientMismatch::NoParameter((*name).to_string()))?;
        let result = format!("{name}_adj");
        let found = gradients.get(result_of(g, &result)?).map(Tensor::to_f64).unwrap_or_default();
        let mut wanted = Vec::with_capacity(found.len());
        for position in 0..found.len() {
            wanted.push(difference(args, param, position, &value)?);
        }
        let scale = wanted.iter().fold(1e-3 * size.max(1.0), |s, x| s.max(x.abs()));
        for (position, (&gradient, difference)) in found.iter().zip(wanted).enumerate() {
            let close = (gradient - difference).abs() <= tolerance * scale;
            if !close {
                return Err(GradientMismatch::Differs { result, position, gradient, difference });
            }
        }
    }
    Ok(())
}

fn difference(
    args: &[Tensor],
    param: usize,
    position: usize,
    value: &impl Fn(&[Tensor]) -> Result<f64, GradientMismatch>,
) -> Result<f64, GradientMismatch> {
    let mut moved = args.to_vec();
    let number = |args: &[Tensor]| args.get(param).and_then(|a| a.to_f64().get(position).copied());
    let x = number(args).unwrap_or_default();
    let step = 1e-3 * x.abs().max(1.0);
    let mut at = |x: f64| -> Result<f64, GradientMismatch> {
        match moved.get_mut(param).map(Tensor::data_mut) {
            Some(TensorData::F64(v)) => v.get_mut(position).into_iter().for_each(|slot| *slot = x),
            Some(TensorData::F32(v)) => v.get_mut(position).into_iter().for_each(|slot| *slot = f32::from_f64(x)),
            None => {}
        }
        value(&moved)
    };
    let near = at(x + step)? - at(x - step)?;
    let far = at(x + 2.0 * step)? - at(x - 2.0 * step)?;
    Ok((8.0 * near - far) / (12.0 * step))
}
