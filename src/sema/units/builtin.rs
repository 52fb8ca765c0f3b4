//! Units of the functions that every model knows.

use super::infer::Checker;
use super::solve::Measure;
use crate::base::Ratio;
use crate::syntax::ast;

/// What a function does with the unit of its argument.
enum Effect {
    /// Keeps it: `abs`.
    Same,
    /// Takes its root.
    Root,
    /// Takes any and gives a plain number: `sign`.
    Forgets,
    /// Takes a plain number and gives one.
    Plain,
}

fn effect(name: &str) -> Effect {
    match name {
        "abs" | "relu" => Effect::Same,
        "sqrt" => Effect::Root,
        "sign" => Effect::Forgets,
        _ => Effect::Plain,
    }
}

impl Checker<'_, '_> {
    /// The unit of a call of a function that is not the user's.
    pub(super) fn built_in(&mut self, call: &ast::Call) -> Measure {
        let name = call.function.name.as_str();
        if matches!(name, "min" | "max") {
            return self.alike(&call.arguments.iter().collect::<Vec<_>>());
        }
        let Some(argument) = call.arguments.first() else { return self.solver.fresh() };
        match effect(name) {
            Effect::Same => self.infer(argument),
            Effect::Root => self.infer(argument).power(Ratio::new(1, 2)),
            Effect::Forgets => {
                self.infer(argument);
                Measure::one()
            }
            Effect::Plain => {
                // Of a call that is wrong nothing follows for what holds it.
                match self.bare(argument) || self.plain(argument, call.function.span, &format!("`{name}`")) {
                    true => Measure::one(),
                    false => self.solver.fresh(),
                }
            }
        }
    }
}
