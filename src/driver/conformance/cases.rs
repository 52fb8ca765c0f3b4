//! Functions with arguments.

use super::arguments;
use crate::artifact::device::DeviceProgram;
use crate::base::{Elem, Tensor};
use crate::driver::emit::{self, Stage};
use crate::driver::failure::Failure;
use crate::driver::gradient;
use crate::driver::session::Session;
use crate::hir::Engine;
use crate::kernel::{self, Program};
use crate::source::MemoryWorld;
use crate::{codegen, ir};

/// Every example, by the name of its file.
pub const EXAMPLES: &[(&str, &str)] = &[
    ("burgers.mech", include_str!("../../../examples/burgers.mech")),
    ("bvp.mech", include_str!("../../../examples/bvp.mech")),
    ("damped_sine.mech", include_str!("../../../examples/damped_sine.mech")),
    ("epidemic.mech", include_str!("../../../examples/epidemic.mech")),
    ("formula.mech", include_str!("../../../examples/formula.mech")),
    ("hidden.mech", include_str!("../../../examples/hidden.mech")),
    ("logistic.mech", include_str!("../../../examples/logistic.mech")),
    ("lorenz.mech", include_str!("../../../examples/lorenz.mech")),
    ("lorenz96.mech", include_str!("../../../examples/lorenz96.mech")),
    ("lorenz_encoder.mech", include_str!("../../../examples/lorenz_encoder.mech")),
    ("lotka_volterra.mech", include_str!("../../../examples/lotka_volterra.mech")),
    ("michaelis_menten.mech", include_str!("../../../examples/michaelis_menten.mech")),
    ("oscillator.mech", include_str!("../../../examples/oscillator.mech")),
    ("pendulum.mech", include_str!("../../../examples/pendulum.mech")),
    ("prey.mech", include_str!("../../../examples/prey.mech")),
    ("room.mech", include_str!("../../../examples/room.mech")),
    ("sine.mech", include_str!("../../../examples/sine.mech")),
    ("two_body.mech", include_str!("../../../examples/two_body.mech")),
];

/// A function and what it is called with.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is.
    pub name: String,
    /// The function.
    pub program: Program,
    /// Its arguments, in order.
    pub arguments: Vec<Tensor>,
}

impl Case {
    /// Whether single precision is anywhere in it.
    pub fn single(&self) -> bool {
        self.program.entry.buffers.iter().any(|b| b.elem == Elem::F32)
    }

    /// Its source for CUDA devices with the launches.
    pub fn device_program(&self) -> DeviceProgram {
        codegen::cuda::generate(&self.program)
    }
}

/// The cases whose name contains `filter`.
///
/// # Errors
/// A mistake of the compiler, or of an example.
pub fn cases(filter: &str) -> Result<Vec<Case>, Failure> {
    let mut cases = solves()?;
    for (name, _) in EXAMPLES {
        cases.extend(of_example(name)?);
    }
    cases.retain(|case| case.name.contains(filter));
    Ok(cases)
}

/// Relaxed solves with their adjoints: blocks of 3 to 36 unknowns, a matrix for each sample and one for all, with and without
/// central rows.
fn solves() -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    for own in [true, false] {
        for (states, orders, given) in [(1, 3, 1), (2, 3, 2), (3, 3, 1), (2, 5, 2), (6, 6, 1)] {
            for central in [false, true] {
                // One of the widest blocks, whose matrices with central rows are beyond shared memory, is enough.
                if states == 6 && !(central && own) {
                    continue;
                }
                let module = ir::parse(&text(states, orders, given, own, central)).map_err(internal)?;
                let matrices = if own { "own matrices" } else { "one matrix" };
                let rows = if central { ", central rows" } else { "" };
                let name = format!("solve: block {}, {matrices}{rows}", states * orders);
                for program in lowered(&module)? {
                    let arguments = arguments::of_solve(&program, 3, 7)?;
                    cases.push(Case { name: name.clone(), program, arguments });
                }
            }
        }
    }
    Ok(cases)
}

/// A solve and its adjoint in the text form of the intermediate representation.
fn text(states: usize, orders: usize, given: usize, own: bool, central: bool) -> String {
    let batch = if own { "sample, " } else { "" };
    let names = "time = time, state = state, order = order, equation = equation, start = start, given = given";
    let rows = format!("{names}, central = {central}, weights = [1.5, 2.0, 0.5]");
    format!(
        "module T
axis sample
axis time
axis state = {states}
axis order = {orders}
axis equation = {states}
axis start = 1
axis given = {given}
func f(%c: f64[{batch}equation, time, state, order], %rhs: f64[sample, equation, time], %iv: f64[sample, start, state, given], %h: f64[], %g: f64[sample, time, state, order]) {{
  %u = solve %c, %rhs, %iv, %h, {rows} : f64[sample, time, state, order]
  %c_adj, %rhs_adj, %iv_adj, %h_adj = solve_adjoint %c, %rhs, %iv, %h, %u, %g, {rows} : f64[{batch}equation, time, state, order], f64[sample, equation, time], f64[sample, start, state, given], f64[]
  return u = %u, c_adj = %c_adj, rhs_adj = %rhs_adj, iv_adj = %iv_adj, h_adj = %h_adj
}}
"
    )
}

/// Right-hand sides, linearisations, and the functions of fits by gradient, these in double precision as well.
fn of_example(file: &str) -> Result<Vec<Case>, Failure> {
    let mut session = Session::new(examples());
    let program = session.check(file, &[])?.program;
    let mut cases = Vec::new();
    let mut add = |module: &ir::Module, what: &str, given: &arguments::Given| -> Result<(), Failure> {
        for program in lowered(module)? {
            let name = format!("{file}: {}{what}", program.entry.name);
            let arguments = arguments::of_function(&program, given)?;
            cases.push(Case { name, program, arguments });
        }
        Ok(())
    };
    for module in emit::modules(&program, Stage::Cuda)?.iter().take(program.models.len()) {
        add(module, &format!(" of {}", module.name), &Vec::new())?;
    }
    for fit in program.fits.values().filter(|f| f.engine == Engine::Gradient) {
        let lowered = gradient::lowered(&program, fit)?;
        let given = arguments::given(&lowered)?;
        add(&widened(&lowered.module), ", double", &given)?;
        add(&lowered.module, "", &given)?;
    }
    Ok(cases)
}

/// A world with all examples.
pub(super) fn examples() -> MemoryWorld {
    EXAMPLES.iter().fold(MemoryWorld::new(), |world, (name, text)| world.with(*name, *text))
}

fn lowered(module: &ir::Module) -> Result<Vec<Program>, Failure> {
    module.functions.iter().map(|f| kernel::lower(module, f).map_err(internal)).collect()
}

/// The same functions in double precision.
fn widened(module: &ir::Module) -> ir::Module {
    let mut module = module.clone();
    for f in &mut module.functions {
        let ids: Vec<_> = f.values.ids().collect();
        for id in ids {
            f.values[id].ty.elem = Elem::F64;
        }
    }
    module
}

fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::Internal(error.to_string())
}
