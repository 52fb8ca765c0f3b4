//! Estimates that hang on where a hidden state begins. A model that is imported states starts with which it can be simulated: no one has said
//! that the data begin there.

use super::observed::Observed;
use super::undetermined::{self, Which};
use crate::base::IndexSet;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1102;
use crate::hir::{self, Fit, Model, Program, State, UnknownKind};
use crate::report::{estimate, named};
use crate::source::Span;
use crate::train::joint::{Estimate, JointError, JointFit};

/// An estimate hangs on a start where it may be so many of its standard errors away when that is estimated too.
const FAR: f64 = 4.0;

/// The finding on a fit to an imported model whose starts were `held`, beside what came of the one in which they were `free`; both with one
/// estimate for every unknown.
pub fn remark(
    (program, fit): (&Program, &Fit),
    observed: &Observed,
    held: &JointFit,
    free: &Result<JointFit, JointError>,
) -> Option<Diagnostic> {
    let model = &program.models[fit.model];
    let starts = starts(model, observed);
    // What a model of one's own says of its start is known.
    if model.span.file == fit.span.file {
        return None;
    }
    let (_, first) = starts.first()?;
    let values: Vec<String> = starts.iter().map(|(value, _)| value.clone()).collect();
    let (begins, those) = if values.len() == 1 { ("a start", "that") } else { ("starts", "those") };
    let begins = format!(
        "{begins} of the imported model that no column observes, {}: with {those} estimated too",
        named(&values)
    );
    let (message, help) = match Freed::of(model, held, free)? {
        Freed::Moved { names, open, becomes } => {
            let verb = if names.len() == 1 { "hangs" } else { "hang" };
            let undetermined = match open.len() {
                0 => None,
                n if n == names.len() => {
                    Some(format!("the data do not determine {}", if n == 1 { "it" } else { "them" }))
                }
                _ => Some(format!("the data do not determine {}", named(&open))),
            };
            let becomes = (!becomes.is_empty()).then(|| named(&becomes));
            let then: Vec<String> = undetermined.into_iter().chain(becomes).collect();
            let message = format!("{} {verb} on {begins} {}", named(&names), then.join(", and "));
            (message, "write `initial free` in the block of the fit, and see what they determine".to_string())
        }
        Freed::Open(why) => {
            let message = format!("the estimates hold for {begins} {why}");
            let hold = format!(
                "hold what is known of the parameters that the start makes up for, `fit {}(NAME = ...) to {}`",
                model.name,
                program.spell_data(fit)
            );
            (message, hold)
        }
    };
    let help = format!("if the data may begin elsewhere, {help}; or measure `{}`", hir::family(&first.name));
    let d = Diagnostic::warning(W1102, message, fit.span, "this fit").help(help);
    // Elements of a family stand in one declaration.
    let places: IndexSet<Span> = starts.iter().map(|(_, state)| state.span).collect();
    Some(places.into_iter().fold(d, |d, place| d.label(place, "begins as the model says")))
}

/// What becomes of the estimates of a fit when starts are estimated too.
enum Freed {
    /// Parameters that hang on the starts, those of them that the data do not determine then, and what becomes of the others.
    Moved { names: Vec<String>, open: Vec<String>, becomes: Vec<String> },
    /// No one can say what becomes of them, and why.
    Open(&'static str),
}

impl Freed {
    /// What there is to say, if anything. Of a fit that did not settle, or has no single solution, no number is an estimate.
    fn of(model: &Model, held: &JointFit, free: &Result<JointFit, JointError>) -> Option<Freed> {
        let free = match free {
            Ok(free) => free,
            Err(JointError::Collinear | JointError::Singular { .. }) => {
                return Some(Freed::Open(
                    "the fit has no single solution, and other parameters may fit the data as well",
                ));
            }
            Err(_) => return None,
        };
        let settled = free.converged && (held.process_noise || !free.process_noise);
        let undetermined: Vec<&str> =
            undetermined::parameters(model, free, Which::All).iter().map(|(name, _)| *name).collect();
        let (mut names, mut open, mut becomes) = (Vec::new(), Vec::new(), Vec::new());
        for ((id, unknown), (held, free)) in model.unknowns.iter().zip(held.estimates.iter().zip(&free.estimates)) {
            let is_open = undetermined.contains(&unknown.name.as_str());
            if !matches!(unknown.kind, UnknownKind::Param(_)) || !hangs(held, free) || !(settled || is_open) {
                continue;
            }
            let name = format!("`{}`", unknown.name);
            if is_open {
                open.push(name.clone());
            } else {
                let unit = model.units.unknown(id).map(|unit| unit.to_string());
                let number = |e: &Estimate| estimate(e.value, e.std_error.is_finite().then_some(e.std_error), &unit);
                becomes.push(format!("{name} is {} in place of {}", number(free), number(held)));
            }
            names.push(name);
        }
        match names.is_empty() {
            false => Some(Freed::Moved { names, open, becomes }),
            true if settled => None,
            true => Some(Freed::Open("the fit did not come to an end, and what becomes of them is open")),
        }
    }
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
