//! A model compiled for evaluation point by point: what simulation and the joint engine call.

use super::collocated::{Resident, Sizes};
use super::failure::Failure;
use super::target::{self, Target};
use crate::artifact::Pattern;
use crate::hir::Model;
use crate::lower::{self, LowerError, pointwise};
use crate::runtime::cuda::DeviceError;
use crate::runtime::{Callable, Loaded, RuntimeError, TensorView, TensorViewMut, Threads};
use crate::train::joint::{Chain, Dynamics, EvaluateError, Held, Points};
use crate::{codegen, ir, kernel};

/// A compiled model.
pub struct Compiled {
    field: Callable,
    /// The same on the processor where `field` is a device's: one point is not worth the way there.
    at_point: Option<Callable>,
    linearise: Option<Callable>,
    /// Where it was compiled for.
    program: Loaded,
    /// What stays there between evaluations, on a device.
    resident: Option<Resident>,
    /// Why the device failed, once it has.
    fault: Option<DeviceError>,
    pattern: Pattern,
    unknowns: usize,
    inputs: usize,
    components: usize,
}

/// The pointwise functions of a model in the intermediate representation, with or without derivatives.
pub fn module(model: &Model, derivatives: bool) -> Result<ir::Module, Failure> {
    let mut module = ir::Module::new(model.name.clone());
    pointwise::field(&mut module, model).map_err(lowering)?;
    if derivatives {
        pointwise::linearise(&mut module, model).map_err(lowering)?;
    }
    Ok(module)
}

fn lowering(error: LowerError) -> Failure {
    match error {
        LowerError::Implicit { .. } => Failure::Usage(super::Problem::new(
            "N005",
            error.to_string(),
            "write the equation so that its highest derivative stands alone, or times a number or function of `t`",
        )),
        _ => Failure::Internal(error.to_string()),
    }
}

/// Functions to machine code: the passes after lowering.
pub fn compile(module: &ir::Module) -> Result<crate::artifact::Artifact, Failure> {
    let programs: Result<Vec<kernel::Program>, _> = module.functions.iter().map(|f| kernel::lower(module, f)).collect();
    let programs = programs.map_err(|e| Failure::Internal(e.to_string()))?;
    codegen::host::compile(&module.name, programs).map_err(|e| Failure::Internal(e.to_string()))
}

impl Compiled {
    /// The right-hand side alone, for calls at one point from the caller's thread.
    pub fn field(model: &Model) -> Result<Compiled, Failure> {
        let mut module = ir::Module::new(model.name.clone());
        pointwise::field(&mut module, model).map_err(lowering)?;
        Compiled::new(model, &module, None, &Target::Host(Threads::single()))
    }

    /// The right-hand side and its derivatives.
    pub fn linearisation(model: &Model, target: &Target) -> Result<Compiled, Failure> {
        let mut module = ir::Module::new(model.name.clone());
        pointwise::field(&mut module, model).map_err(lowering)?;
        let pattern = pointwise::linearise(&mut module, model).map_err(lowering)?;
        Compiled::new(model, &module, Some(pattern), target)
    }

    fn new(model: &Model, module: &ir::Module, pattern: Option<Pattern>, target: &Target) -> Result<Compiled, Failure> {
        let program = target.compile(module)?;
        let load = |name: &str| program.open(name).map_err(target::opening);
        let at_point = match target {
            Target::Host(_) => None,
            Target::Device { .. } => {
                let mut module = ir::Module::new(model.name.clone());
                pointwise::field(&mut module, model).map_err(lowering)?;
                let host = Target::Host(Threads::single()).compile(&module)?;
                Some(host.open(pointwise::FIELD).map_err(target::opening)?)
            }
        };
        let linearise = || pattern.is_some().then(|| load(pointwise::LINEARISE)).transpose();
        // At the same time: a device's compiler takes half a second for each of a large model.
        let (field, linearise) = rayon::join(|| load(pointwise::FIELD), linearise);
        Ok(Compiled {
            field: field?,
            at_point,
            linearise: linearise?,
            program,
            resident: None,
            fault: None,
            pattern: pattern.unwrap_or_default(),
            unknowns: model.unknowns.len(),
            inputs: model.inputs.len(),
            components: lower::pointwise::components(model).len(),
        })
    }

    /// f at one point, for a model without inputs.
    pub fn evaluate(&mut self, t: f64, x: &[f64], xi: &[f64], f: &mut [f64]) -> Result<(), EvaluateError> {
        self.evaluate_driven(t, (x, &[]), xi, f)
    }

    /// f at one point, with the values of the inputs there.
    pub fn evaluate_driven(
        &mut self,
        t: f64,
        (x, input): (&[f64], &[f64]),
        xi: &[f64],
        f: &mut [f64],
    ) -> Result<(), EvaluateError> {
        self.field(Points { x, t: &[t], input }, xi, f)
    }

    /// Why the device failed, if that is why an evaluation did.
    pub(super) fn take_fault(&mut self) -> Option<DeviceError> {
        self.fault.take()
    }

    fn failed(&mut self, error: RuntimeError) -> EvaluateError {
        let words = error.to_string();
        if let RuntimeError::Device(fault) = error {
            self.fault.get_or_insert(fault);
        }
        EvaluateError(words)
    }
}

/// Calls `executable(x, xi, t, input)`, leaving out parameters of size zero.
fn call(
    executable: &mut Callable,
    (components, unknowns, inputs): (usize, usize, usize),
    at: Points,
    xi: &[f64],
    rows: usize,
    out: &mut [f64],
) -> Result<(), RuntimeError> {
    if rows == 0 {
        return Ok(());
    }
    let len = at.t.len();
    let (x_shape, xi_shape, t_shape, input_shape) = ([components, len], [unknowns], [len], [inputs, len]);
    let mut args = vec![TensorView::f64(&x_shape, at.x)];
    if unknowns > 0 {
        args.push(TensorView::f64(&xi_shape, xi));
    }
    args.push(TensorView::f64(&t_shape, at.t));
    if inputs > 0 {
        args.push(TensorView::f64(&input_shape, at.input));
    }
    let out_shape = [rows, len];
    executable.call(&args, &mut [TensorViewMut::f64(&out_shape, out)])
}

impl Dynamics for Compiled {
    fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    fn field(&mut self, at: Points, xi: &[f64], f: &mut [f64]) -> Result<(), EvaluateError> {
        let sizes = (self.components, self.unknowns, self.inputs);
        let field = match &mut self.at_point {
            Some(host) if at.t.len() == 1 => host,
            _ => &mut self.field,
        };
        call(field, sizes, at, xi, self.components, f).map_err(|e| self.failed(e))
    }

    fn linearise(&mut self, at: Points, xi: &[f64], entries: &mut [f64]) -> Result<(), EvaluateError> {
        let sizes = (self.components, self.unknowns, self.inputs);
        match &mut self.linearise {
            Some(executable) => call(executable, sizes, at, xi, self.pattern.rows, entries).map_err(|e| self.failed(e)),
            None => Err(EvaluateError("it was compiled without derivatives".to_string())),
        }
    }

    fn hold(&mut self, held: &Held) -> Result<bool, EvaluateError> {
        self.resident = None;
        let Some(linearise) = self.linearise.as_ref().filter(|_| matches!(self.program, Loaded::Device { .. })) else {
            return Ok(false);
        };
        let (components, unknowns, inputs) = (self.components, self.unknowns, self.inputs);
        let sizes = Sizes { components, unknowns, inputs, rows: self.pattern.rows };
        match Resident::new(&self.program, (&self.field, linearise), sizes, held) {
            Ok(resident) => {
                self.resident = Some(resident);
                Ok(true)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn chain(&mut self, what: Chain, x: &[f64], xi: &[f64]) -> Result<Vec<Vec<f64>>, EvaluateError> {
        match &mut self.resident {
            Some(resident) => resident.chain(what, x, xi).map_err(|e| self.failed(e)),
            None => Err(EvaluateError(format!("it holds no grid for {what:?}"))),
        }
    }
}
