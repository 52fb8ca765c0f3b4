//! Estimates that hang on where a hidden state begins. A model that is imported states starts with which it can be simulated: no one has said
//! that the data begin there.

use super::observed::Observed;
use crate::base::IndexSet;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1102;
use crate::hir::{self, Fit, Model, Program, State, UnknownKind};
use crate::report::{round, some};
use crate::source::Span;
use crate::train::joint::{Estimate, JointFit};

/// Parameters and states that one message names, at most.
const MOST_NAMED: usize = 6;
/// An estimate hangs on a start where it may be so many of its standard errors away when that is estimated too.
const FAR: f64 = 4.0;

/// The finding on a fit to an imported model whose starts were `held`, beside the one in which they were `free`; both with one estimate for
/// every unknown.
pub fn remark(
    (program, fit): (&Program, &Fit),
    observed: &Observed,
    held: &JointFit,
    free: &JointFit,
) -> Option<Diagnostic> {
    let model = &program.models[fit.model];
    let starts = starts(model, observed);
    // What a model of one's own says of its start is known.
    if starts.is_empty() || model.span.file == fit.span.file {
        return None;
    }
    let all = model.unknowns.values().zip(held.estimates.iter().zip(&free.estimates));
    let hang = |(unknown, (held, free)): (&hir::Unknown, (&Estimate, &Estimate))| match unknown.kind {
        UnknownKind::Param(_) => hangs(held, free).then(|| (unknown.name.clone(), *held, *free)),
        UnknownKind::Coefficient { .. } => None,
    };
    let hung: Vec<(String, Estimate, Estimate)> = all.filter_map(hang).collect();
    let (_, first) = starts.first()?;
    let number = |e: &Estimate| round(e.value, e.std_error.is_finite().then_some(e.std_error)).full();
    let becomes: Vec<String> = hung
        .iter()
        .map(|(name, held, free)| format!("`{name}` is {} in place of {}", number(free), number(held)))
        .collect();
    if becomes.is_empty() {
        return None;
    }
    let names: Vec<String> = hung.iter().map(|(name, ..)| format!("`{name}`")).collect();
    let values: Vec<String> = starts.iter().map(|(value, _)| value.clone()).collect();
    let verb = if names.len() == 1 { "hangs" } else { "hang" };
    let (begins, those) = if values.len() == 1 { ("a start", "that") } else { ("starts", "those") };
    let message = format!(
        "{} {verb} on {begins} of the imported model that no column observes, {}: with {those} estimated too {}",
        some(&names, MOST_NAMED),
        some(&values, MOST_NAMED),
        some(&becomes, MOST_NAMED)
    );
    let help = format!(
        "if the data may begin elsewhere, write `initial free` in the block of the fit, and see what they determine; or measure `{}`",
        hir::family(&first.name)
    );
    let d = Diagnostic::warning(W1102, message, fit.span, "this fit").help(help);
    // Elements of a family stand in one declaration.
    let places: IndexSet<Span> = starts.iter().map(|(_, state)| state.span).collect();
    Some(places.into_iter().fold(d, |d, place| d.label(place, "begins as the model says")))
}

/// Whether an estimate is far from where it stands, or may be, when starts are estimated with it.
fn hangs(held: &Estimate, free: &Estimate) -> bool {
    let error = if free.std_error.is_finite() { free.std_error } else { 0.0 };
    (free.value - held.value).hypot(error) > FAR * held.std_error
}

/// Hidden states that the data feel and that begin as the model says, each with how it does.
fn starts<'m>(model: &'m Model, observed: &Observed) -> Vec<(String, &'m State)> {
    let of = |initial: &hir::InitialValue| {
        let state = &model.states[initial.state];
        let hidden = observed.train.column(&state.name).is_none() && !observed.is_unfelt(&state.name);
        let value =
            format!("`{} = {}`", model.spell_state(initial.state, initial.derivative), hir::number(initial.value));
        hidden.then_some((value, state))
    };
    model.initial.iter().filter_map(of).collect()
}
