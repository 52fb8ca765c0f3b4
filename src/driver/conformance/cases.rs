//! Functions with arguments.

use super::judge::{tolerance, worst};
use super::models::{CONSTRUCTS, EXAMPLES, of_file};
use super::{arguments, published, solves};
use crate::artifact::Step;
use crate::artifact::device::DeviceProgram;
use crate::base::{Elem, SolvePrecision, Tensor};
use crate::driver::failure::Failure;
use crate::kernel::{self, Program};
use crate::runtime::{Executable, TensorView, Threads};
use crate::{codegen, ir};

/// A function and what it is called with.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is.
    pub name: String,
    /// The function, as the reference evaluator runs it.
    pub module: ir::Module,
    /// The same, lowered.
    pub program: Program,
    /// Its arguments, in order.
    pub arguments: Vec<Tensor>,
    /// Its results as others have computed them, where they have.
    pub golden: Option<Golden>,
    /// The same function in double precision, where it has arrays in single precision.
    pub exact: Option<Program>,
}

/// Published results.
#[derive(Clone, Debug)]
pub struct Golden {
    /// One after the other, in the order of the program's results.
    pub results: Vec<Vec<f64>>,
    /// How far from them a result may be, relative to the largest number.
    pub tolerance: f64,
}

impl Case {
    /// Whether arrays in single precision are anywhere in it.
    pub fn single(&self) -> bool {
        self.program.entry.buffers.iter().any(|b| b.elem == Elem::F32)
    }

    /// Whether a relaxed solve in it is in single precision alone: where gradients of it are taken it never is.
    pub fn single_solve(&self) -> bool {
        let narrow = |step: &Step| matches!(step, Step::Solve(s) if s.precision == SolvePrecision::F32);
        self.program.entry.steps.iter().any(narrow)
    }

    /// How far results may be from what the processor gives, `expected`, relative to their largest numbers.
    ///
    /// Two places add the products of a layer in different orders, so that each rounds its outputs differently, by about a unit of the last place for
    /// each factor. What that does to a result depends on the function: a solve magnifies differences of the coefficients that a network gives it. So
    /// the function itself, in double precision, is asked how far results move when every number in single precision among the arguments moves by
    /// one unit of its last place, up or down at random, and how far they are from those of the processor. Every layer of a network rounds like
    /// that, forwards and backwards, in either place: eight times the larger may be between them. The training step of `two_body_network.mech`
    /// moves by 2.9e-6, 24 units of the last place, and 1.4e-5 was seen between two orders.
    ///
    /// # Errors
    /// A mistake of the compiler.
    pub fn tolerances(&self, expected: &[Tensor], threads: &Threads) -> Result<Vec<f64>, Failure> {
        let fixed = self.program.entry.results.iter().map(|_| self.allowed());
        let Some(exact) = &self.exact else { return Ok(fixed.collect()) };
        let wide = |moved: f64| -> Result<Vec<Vec<f64>>, Failure> {
            let arguments = self.arguments.iter().zip(0..).map(|(tensor, at)| arguments::widened(tensor, moved, at));
            let results = on_host(exact, &arguments.collect::<Result<Vec<_>, _>>()?, threads)?;
            Ok(results.iter().map(Tensor::to_f64).collect())
        };
        let (exact, moved) = (wide(0.0)?, wide(f64::from(f32::EPSILON))?);
        let apart = exact.iter().zip(&moved).zip(expected).map(|((exact, moved), own)| {
            let apart = worst(exact, moved).max(worst(exact, &own.to_f64()));
            if apart.is_finite() { apart } else { 0.0 }
        });
        Ok(fixed.zip(apart).map(|(fixed, apart)| fixed.max(8.0 * apart)).collect())
    }

    /// How far a result may be from what is expected of it, relative to its largest number.
    pub fn allowed(&self) -> f64 {
        match &self.golden {
            _ if self.single_solve() => tolerance(true),
            Some(golden) => golden.tolerance,
            None => tolerance(self.single()),
        }
    }

    /// Its source for CUDA devices with the launches.
    pub fn device_program(&self) -> DeviceProgram {
        codegen::cuda::generate(&self.program)
    }
}

/// What the processor gives.
///
/// # Errors
/// A mistake of the compiler.
pub fn on_host(program: &Program, arguments: &[Tensor], threads: &Threads) -> Result<Vec<Tensor>, Failure> {
    let views: Vec<TensorView<'_>> = arguments.iter().map(TensorView::from).collect();
    let artifact = codegen::host::compile("conformance", vec![program.clone()]).map_err(internal)?;
    let mut host = Executable::new(&artifact, &program.entry.name, threads.clone()).map_err(internal)?;
    host.run(&views).map_err(internal)
}

/// The cases whose name contains `filter`.
///
/// # Errors
/// A mistake of the compiler, or of an example.
pub fn cases(filter: &str) -> Result<Vec<Case>, Failure> {
    let mut cases = solves::regimes()?;
    cases.extend(solves::operators()?);
    cases.extend(published::golden()?);
    for (name, _) in EXAMPLES.iter().chain(CONSTRUCTS) {
        cases.extend(of_file(name)?);
    }
    cases.retain(|case| case.name.contains(filter));
    Ok(cases)
}

pub(super) fn lowered(module: &ir::Module) -> Result<Vec<Program>, Failure> {
    module.functions.iter().map(|f| kernel::lower(module, f).map_err(internal)).collect()
}

pub(super) fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::Internal(error.to_string())
}
