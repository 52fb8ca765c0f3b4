//! The verifier: checks every invariant of a module and the typing rule of every instruction, as [`Op`](super::Op) states them.
//!
//! All violations are reported, not just the first. A violation is a mistake of the compiler (or of a text written by hand),
//! never of the author of a model. What depends on sizes bound at the call is checked at the call.

mod error;
mod function;
mod rules;
mod solves;
#[cfg(test)]
mod tests;

pub use error::{Rule, VerifyError};

use super::Module;
use std::collections::HashSet;

/// Checks a module.
///
/// # Errors
/// Every violation found.
pub fn verify(module: &Module) -> Result<(), Vec<VerifyError>> {
    let mut errors = Vec::new();
    let mut seen = HashSet::new();
    for axis in module.axes.values() {
        if !seen.insert(axis.name.as_str()) {
            errors.push(VerifyError::in_module(Rule::AxisNameTaken(axis.name.clone())));
        }
    }
    let mut seen = HashSet::new();
    for function in &module.functions {
        if !seen.insert(function.name.as_str()) {
            errors.push(VerifyError::in_module(Rule::FunctionNameTaken(function.name.clone())));
        }
        function::check(module, function, &mut errors);
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Checks one function that need not be in the module yet.
///
/// # Errors
/// Every violation found.
pub fn verify_function(module: &Module, function: &super::Function) -> Result<(), Vec<VerifyError>> {
    let mut errors = Vec::new();
    function::check(module, function, &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
