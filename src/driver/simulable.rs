//! What could be simulated of a program that simulates nothing.

use crate::hir::{Model, Program, UnknownKind};

/// The block that simulates a model of the program, and what has to be written in its place before.
pub fn way_out(program: &Program) -> String {
    let block = |name: &str| format!("add `data run = simulate {name} {{ steps 1000; dt 0.01 }}`");
    let Some(model) = program.declared_models().min_by_key(|model| obstacles(model).len()) else {
        return block("Model");
    };
    let obstacles = obstacles(model);
    match obstacles.is_empty() {
        true => block(&model.name),
        false => format!("in `{}` {}; then {}", model.name, obstacles.join(", and "), block(&model.name)),
    }
}

/// What a model needs before it can be simulated.
fn obstacles(model: &Model) -> Vec<String> {
    let mut found = Vec::new();
    let inputs: Vec<String> = model.inputs.values().map(|i| format!("`{}`", i.name)).collect();
    if !inputs.is_empty() {
        let known = crate::report::some(&inputs, 4);
        found.push(format!(
            "{known} comes from data: declare them, `data measured = csv(\"...\") {{ time t }}`, and name them in place of steps, `data run = \
             simulate {} {{ data measured }}`; or write it as a `let` that depends on `t`",
            model.name
        ));
    }
    if !model.holes.is_empty() {
        found
            .push("write terms with numbers in place of the holes, or take the `discovered.mech` of a run".to_string());
    }
    let open = |u: &&crate::hir::Unknown| matches!(u.kind, UnknownKind::Param(_)) && u.start.is_none();
    let open: Vec<String> = model.unknowns.values().filter(open).map(|u| format!("`{}`", u.name)).collect();
    if !open.is_empty() {
        found.push(format!("give {} a value", crate::report::some(&open, 4)));
    }
    found
}
