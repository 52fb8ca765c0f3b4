//! Parameters that the data do not determine together, as the rates and the beginning of a state that is not observed may not be: the fit
//! goes along a valley of equally good values and does not settle.

use super::observed::Observed;
use crate::base::IndexSet;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1102;
use crate::hir::{self, Fit, Model, Program, UnknownKind};
use crate::report::some;
use crate::source::Span;
use crate::train::joint::{Estimate, JointFit};

/// Parameters that one message names, at most.
const MOST_NAMED: usize = 6;
/// Parameters that make up for each other, at least.
const FEWEST: usize = 2;
/// A parameter whose error is more than this part of it is one of them.
const OPEN: f64 = 0.3;

/// The finding on a fit that did not settle since parameters make up for each other.
pub fn check((program, fit): (&Program, &Fit), observed: &Observed, result: &JointFit) -> Option<Diagnostic> {
    let model = &program.models[fit.model];
    if result.converged {
        return None;
    }
    let open = parameters(model, &result.estimates);
    let (first, span) = open.first().filter(|_| open.len() >= FEWEST)?;
    let names: Vec<String> = open.iter().map(|(name, _)| format!("`{name}`")).collect();
    let data = program.data_of(fit).map(|d| format!("`{}`", d.name)).collect::<Vec<_>>().join(" and ");
    let hidden = hidden(model, observed);
    let hold = format!(
        "hold one of them at a value that is known: `fit {}({} = ...) to {}`",
        model.name,
        hir::family(first),
        program.spell_data(fit)
    );
    let (beside, help) = match hidden.first() {
        Some(state) => {
            let states: Vec<String> = hidden.iter().map(|state| format!("`{state}`")).collect();
            let begins = if hidden.len() == 1 { "begins" } else { "begin" };
            (
                format!(" together with where {} {begins}", some(&states, MOST_NAMED)),
                format!(
                    "say where it begins, if that is known (`initial {state} = 0`), or {hold}, or measure `{state}`"
                ),
            )
        }
        None => (String::new(), format!("{hold}; or take data that reach further")),
    };
    let message = format!(
        "the data of {data} do not determine {}{beside}: other values fit them as well, and the fit did not come to an end",
        some(&names, MOST_NAMED)
    );
    Some(Diagnostic::warning(W1102, message, *span, "declared here").help(help))
}

/// Parameters whose errors are of their own size.
fn parameters<'m>(model: &'m Model, estimates: &[Estimate]) -> Vec<(&'m str, Span)> {
    let of = model.unknowns.values().zip(estimates).filter(|(_, e)| e.std_error > OPEN * e.value.abs());
    of.filter_map(|(u, _)| match u.kind {
        UnknownKind::Param(param) => Some((u.name.as_str(), model.params[param].span)),
        UnknownKind::Coefficient { .. } => None,
    })
    .collect()
}

/// States that no column observes and whose beginning is estimated.
fn hidden<'o>(model: &Model, observed: &'o Observed) -> IndexSet<&'o str> {
    let known = |name: &str| {
        let mut of = model.initial.iter().filter(|i| model.states[i.state].name == name);
        observed.is_unfelt(name) || observed.known_starts && of.next().is_some()
    };
    let states = observed.components.iter().filter(|c| c.derivative == 0).map(|c| c.state.as_str());
    states.filter(|name| observed.train.column(name).is_none() && !known(name)).map(hir::family).collect()
}
