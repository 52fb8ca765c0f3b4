//! Every example's compiled model against the reference evaluator.

use super::check::{Tolerance, compare, random_args};
use mechc::driver::Session;
use mechc::ir::Module;
use mechc::lower::pointwise;
use std::path::Path;

#[test]
fn every_example_equals_the_reference() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut models = 0;
    for entry in std::fs::read_dir(&folder).expect("the examples") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|e| e != "mech") {
            continue;
        }
        let (mut session, name) = Session::open(&path).expect("the example opens");
        let program = session.check(&name, &[]).unwrap_or_else(|_| panic!("{name} checks")).program;
        for model in program.models.values() {
            let mut field = Module::new(&model.name);
            pointwise::field(&mut field, model).expect("it lowers");
            let mut linearise = Module::new(&model.name);
            pointwise::linearise(&mut linearise, model).expect("it lowers");
            for module in [&field, &linearise] {
                let args = random_args(module, &[("time", 37)], 5);
                compare(module, &args, Tolerance::Rounding);
            }
            models += 1;
        }
    }
    assert!(models >= 12, "{models} models compared");
}
