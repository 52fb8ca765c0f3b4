//! The model files whose functions are compared: every example, and small models that together have every construct of the language.

use super::arguments;
use super::cases::{Case, lowered};
use crate::base::Elem;
use crate::driver::emit::{self, Stage};
use crate::driver::failure::Failure;
use crate::driver::gradient;
use crate::driver::session::Session;
use crate::hir::{Engine, Program};
use crate::ir;
use crate::source::MemoryWorld;

/// Every example, by the name of its file.
pub const EXAMPLES: &[(&str, &str)] = &[
    ("burgers.mech", include_str!("../../../examples/burgers.mech")),
    ("bvp.mech", include_str!("../../../examples/bvp.mech")),
    ("damped_sine.mech", include_str!("../../../examples/damped_sine.mech")),
    ("doses.mech", include_str!("../../../examples/doses.mech")),
    ("epidemic.mech", include_str!("../../../examples/epidemic.mech")),
    ("formula.mech", include_str!("../../../examples/formula.mech")),
    ("hidden.mech", include_str!("../../../examples/hidden.mech")),
    ("isomers.mech", include_str!("../../../examples/isomers.mech")),
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
    ("three_body.mech", include_str!("../../../examples/three_body.mech")),
    ("two_body.mech", include_str!("../../../examples/two_body.mech")),
    ("two_body_network.mech", include_str!("../../../examples/two_body_network.mech")),
    ("wave.mech", include_str!("../../../examples/wave.mech")),
];

/// One model file for a group of constructs, each with its fits and what they must find.
pub const CONSTRUCTS: &[(&str, &str)] = &[
    ("constructs/bodies.mech", include_str!("../../../tests/constructs/bodies.mech")),
    ("constructs/conditionals.mech", include_str!("../../../tests/constructs/conditionals.mech")),
    ("constructs/decay_of_a_hole.mech", include_str!("../../../tests/constructs/decay_of_a_hole.mech")),
    ("constructs/driven.mech", include_str!("../../../tests/constructs/driven.mech")),
    ("constructs/elements.mech", include_str!("../../../tests/constructs/elements.mech")),
    ("constructs/encoder.mech", include_str!("../../../tests/constructs/encoder.mech")),
    ("constructs/flux.mech", include_str!("../../../tests/constructs/flux.mech")),
    ("constructs/forcing.mech", include_str!("../../../tests/constructs/forcing.mech")),
    ("constructs/free_coefficients.mech", include_str!("../../../tests/constructs/free_coefficients.mech")),
    ("constructs/functions.mech", include_str!("../../../tests/constructs/functions.mech")),
    ("constructs/gaps.mech", include_str!("../../../tests/constructs/gaps.mech")),
    ("constructs/gene.mech", include_str!("../../../tests/constructs/gene.mech")),
    ("constructs/irregular.mech", include_str!("../../../tests/constructs/irregular.mech")),
    ("constructs/learned_numbers.mech", include_str!("../../../tests/constructs/learned_numbers.mech")),
    ("constructs/orders.mech", include_str!("../../../tests/constructs/orders.mech")),
    ("constructs/per_sample.mech", include_str!("../../../tests/constructs/per_sample.mech")),
    ("constructs/prey.mech", include_str!("../../../tests/constructs/prey.mech")),
    ("constructs/ring.mech", include_str!("../../../tests/constructs/ring.mech")),
    ("constructs/shared.mech", include_str!("../../../tests/constructs/shared.mech")),
    ("constructs/solves.mech", include_str!("../../../tests/constructs/solves.mech")),
    ("constructs/two_bodies.mech", include_str!("../../../tests/constructs/two_bodies.mech")),
    ("constructs/wave.mech", include_str!("../../../tests/constructs/wave.mech")),
];

/// A world with all of them.
pub(super) fn world() -> MemoryWorld {
    EXAMPLES.iter().chain(CONSTRUCTS).fold(MemoryWorld::new(), |world, (name, text)| world.with(*name, *text))
}

/// The functions of a file of [`world`].
pub(super) fn of_file(file: &str) -> Result<Vec<Case>, Failure> {
    of_program(&Session::new(world()).check(file, &[])?.program, file)
}

/// Right-hand sides, linearisations, and the functions of fits by gradient, these in double precision as well.
///
/// # Errors
/// A mistake of the compiler, or an equation that cannot be solved for its derivative.
pub fn of_program(program: &Program, file: &str) -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    let mut add = |module: &ir::Module, what: &str, given: &arguments::Given| -> Result<(), Failure> {
        for (program, exact) in lowered(module)?.into_iter().zip(lowered(&widened(module))?) {
            let name = format!("{file}: {}{what}", program.entry.name);
            let arguments = arguments::of_function(&program, given)?;
            let module = alone(module, &program.entry.name);
            let mut case = Case { name, module, program, arguments, golden: None, exact: None };
            case.exact = case.single().then_some(exact);
            cases.push(case);
        }
        Ok(())
    };
    for part in emit::parts(program, Stage::Cuda)?.iter().filter(|part| part.fit.is_none()) {
        add(&part.module, &format!(" of {}", part.module.name), &Vec::new())?;
    }
    let trained: Vec<_> = program.fits.values().filter(|f| f.engine == Engine::Gradient).collect();
    for fit in &trained {
        let lowered = gradient::lowered(program, fit)?;
        let given = arguments::given(&lowered)?;
        // The only fit needs no name.
        let of = if trained.len() > 1 { format!(" of {}", fit.name) } else { String::new() };
        add(&widened(&lowered.module), &format!("{of}, double"), &given)?;
        add(&lowered.module, &of, &given)?;
    }
    Ok(cases)
}

/// A module with one of its functions.
fn alone(module: &ir::Module, function: &str) -> ir::Module {
    let mut module = module.clone();
    module.functions.retain(|f| f.name == function);
    module
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
