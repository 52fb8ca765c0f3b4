//! Every function of every example: right-hand sides, linearisations, training steps, evaluations and optimiser updates.

use super::device::compare;
use mechc::artifact::training::names;
use mechc::base::{Elem, Tensor};
use mechc::driver::Session;
use mechc::hir::{Engine, StateId};
use mechc::ir::Module;
use mechc::kernel::{self, Program};
use mechc::lower::{pointwise, training};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// Samples of a mini-batch.
const SAMPLES: usize = 3;

fn lowered(module: &Module) -> Vec<Program> {
    module.functions.iter().map(|f| kernel::lower(module, f).expect("it lowers to loops")).collect()
}

/// Constants of a lowered fit, by the name of their parameter.
type Constants = Vec<(String, Tensor)>;

/// Numbers of the size that each parameter has in a training.
fn args(program: &Program, constants: &Constants) -> Vec<Tensor> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let size = |axis: &usize| program.entry.axes[*axis].size.unwrap_or(SAMPLES);
    let mut one = |port: &mechc::artifact::Port| {
        if let Some((_, tensor)) = constants.iter().find(|(name, _)| *name == port.name) {
            return typed(port.elem, tensor.shape().to_vec(), &tensor.to_f64());
        }
        let shape: Vec<usize> = port.axes.iter().map(size).collect();
        let count: usize = shape.iter().product();
        let mut fill = |from: f64, to: f64| (0..count).map(|_| from + (to - from) * rng.random::<f64>()).collect();
        let numbers: Vec<f64> = match port.name.as_str() {
            names::MASK | names::SCALE | names::WEIGHT | names::CONSISTENCY => vec![1.0; count],
            names::HELD | names::MEAN => vec![0.0; count],
            names::STEP_SIZE => vec![0.05; count],
            names::AVERAGE => vec![1e-3; count],
            // Random windows determine the coefficients badly; two roundings of one matrix must not show.
            names::RIDGE => vec![1e-2; count],
            _ => fill(0.2, 1.2),
        };
        typed(port.elem, shape, &numbers)
    };
    program.entry.params.iter().map(&mut one).collect()
}

fn typed(elem: Elem, shape: Vec<usize>, numbers: &[f64]) -> Tensor {
    match elem {
        Elem::F64 => Tensor::from_f64(shape, numbers.to_vec()).expect("it fits"),
        Elem::F32 => Tensor::from_f32(shape, numbers.iter().map(|&x| x as f32).collect()).expect("it fits"),
    }
}

/// Weights of networks as they start, and the constants.
fn given(fit: &training::Lowered) -> Constants {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let mut given = fit.constants.clone();
    for weight in &fit.weights {
        let bound = weight.shape.first().map_or(1.0, |&inputs| (inputs as f64).sqrt().recip());
        let count: usize = weight.shape.iter().product();
        let numbers: Vec<f64> = (0..count).map(|_| bound * (2.0 * rng.random::<f64>() - 1.0)).collect();
        given.push((weight.name.clone(), typed(Elem::F64, weight.shape.clone(), &numbers)));
    }
    given
}

/// The same functions in double precision.
fn widened(module: &Module) -> Module {
    let mut module = module.clone();
    for f in &mut module.functions {
        let ids: Vec<_> = f.values.ids().collect();
        for id in ids {
            f.values[id].ty.elem = Elem::F64;
        }
    }
    module
}

#[test]
fn every_function_of_every_example_equals_the_host() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder).expect("the examples").map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    let (mut programs, mut constants, mut fits) = (Vec::new(), Vec::new(), 0);
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "mech")) {
        let (mut session, name) = Session::open(path).expect("the example opens");
        let program = session.check(&name, &[]).unwrap_or_else(|_| panic!("{name} checks")).program;
        for model in program.models.values() {
            let mut module = Module::new(&model.name);
            pointwise::field(&mut module, model).expect("it lowers");
            pointwise::linearise(&mut module, model).expect("it lowers");
            let functions = lowered(&module);
            constants.extend(functions.iter().map(|_| Constants::new()));
            programs.extend(functions);
        }
        for fit in program.fits.values().filter(|f| f.engine == Engine::Gradient) {
            let model = &program.models[fit.model];
            let observed: Vec<StateId> = model.states.ids().collect();
            let coefficients =
                if fit.projection { training::Coefficients::Projected } else { training::Coefficients::Trained };
            let request = training::Request {
                model,
                networks: &program.networks,
                fit,
                observed: &observed,
                coefficients: &coefficients,
            };
            let fit = training::lower(request).expect("it lowers");
            for module in [widened(&fit.module), fit.module.clone()] {
                let functions = lowered(&module);
                constants.extend(functions.iter().map(|_| given(&fit)));
                programs.extend(functions);
            }
            fits += 1;
        }
    }
    assert!(programs.len() >= 24 && fits >= 1, "{} functions, {fits} fits", programs.len());
    compare(programs, |at, program| args(program, &constants[at]));
}
