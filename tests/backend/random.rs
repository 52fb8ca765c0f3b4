//! Random programs and their gradients against the reference evaluator.

use super::check::{Tolerance, compare, executable};
use mechc::autodiff;
use mechc::base::Tensor;
use mechc::ir::Module;
use mechc::ir::testing::{ProgramOptions, random_program};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const PROGRAMS: u64 = 150;

fn program(seed: u64, options: &ProgramOptions) -> (Module, Vec<Tensor>) {
    random_program(&mut ChaCha8Rng::seed_from_u64(seed), options)
}

#[test]
fn random_programs_equal_the_reference() {
    for seed in 0..PROGRAMS {
        let options = ProgramOptions {
            solves: seed % 3 == 0,
            instructions: 10 + (seed as usize % 5) * 12,
            single: seed % 4 == 1,
            smooth: false,
        };
        let (module, args) = program(seed, &options);
        compare(&module, &args, Tolerance::Rounding);
    }
}

#[test]
fn gradients_of_random_programs_equal_the_reference() {
    for seed in 1000..1000 + PROGRAMS / 2 {
        let options = ProgramOptions { solves: seed % 3 == 0, instructions: 25, single: false, smooth: true };
        let (mut module, args) = program(seed, &options);
        let f = &module.functions[0];
        let names: Vec<String> = f.params.iter().map(|&p| f.values[p].name.clone()).filter(|n| n != "mask").collect();
        let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
        let gradient = autodiff::gradient(&mut module, "program", "loss", &wanted).expect("it is differentiable");
        module.functions = vec![gradient];
        compare(&module, &args, Tolerance::Rounding);
    }
}

#[test]
fn code_is_freed_and_made_again() {
    let (module, args) = program(7, &ProgramOptions { solves: false, ..ProgramOptions::default() });
    let views: Vec<_> = args.iter().map(mechc::runtime::TensorView::from).collect();
    let first = executable(&module, "program", 1).run(&views).expect("it runs");
    for _ in 0..50 {
        assert_eq!(executable(&module, "program", 1).run(&views).as_ref(), Ok(&first));
    }
}
