//! Parameters that the data do not determine together, as the rates and the beginning of a state that is not observed may not be: the fit
//! goes along a valley of equally good values and does not settle.

use super::findings::is_undetermined;
use super::observed::Observed;
use super::starts_given;
use crate::base::IndexSet;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1102;
use crate::hir::{self, Fit, Model, Program, UnknownKind};
use crate::report::named;
use crate::source::Span;
use crate::train::joint::{Estimate, JointFit};

/// Parameters that make up for each other, at least.
const FEWEST: usize = 2;
/// A parameter whose error is more than this part of it is one of them.
const OPEN: f64 = 0.3;
/// Of a fit with all states observed, parameters are told whose errors are so many times their values
const UNKNOWN: f64 = 2.0;
/// and correlate by at least this.
const TOGETHER: f64 = 0.99;

/// The finding on a fit that did not settle, or not from where a state is `declared` to begin, since parameters make up for each other.
pub fn check(
    (program, fit): (&Program, &Fit),
    (observed, declared): (&Observed, bool),
    result: &JointFit,
) -> Option<Diagnostic> {
    let model = &program.models[fit.model];
    let elsewhere = declared && !observed.known_starts;
    // Of a fit that came to its end only where the data see nothing of what it came to; and where all states are seen, the columns of the parameters
    // say that, with which others, but for what is all but the same on these data.
    let in_doubt = !result.converged || elsewhere;
    let seen = !in_doubt && observed.hidden().next().is_none();
    let which = match (result.converged, elsewhere) {
        (false, _) => Which::All,
        (true, true) => Which::MadeUp,
        (true, false) => Which::Unseen,
    };
    let open = if seen { together(model, result) } else { parameters(model, result, which) };
    let (first, span) = open.first().filter(|_| open.len() >= FEWEST)?;
    let names: Vec<String> = open.iter().map(|(name, _)| format!("`{name}`")).collect();
    // Where a state begins that is declared has been said.
    let hidden = if elsewhere { IndexSet::new() } else { hidden(model, observed) };
    let hold = hold((program, fit), (first, open.len()));
    let (beside, help) = match hidden.first() {
        Some(state) => {
            let states: Vec<String> = hidden.iter().map(|state| format!("`{state}`")).collect();
            let begins = if hidden.len() == 1 { "begins" } else { "begin" };
            (
                format!(" together with where {} {begins}", named(&states)),
                format!(
                    "say where it begins, if that is known (`initial {state} = ...`), or {hold}, or measure `{state}`"
                ),
            )
        }
        None => {
            let held = format!("{hold}; or take data that reach further");
            let given = starts_given::give(model).filter(|_| !result.converged);
            (String::new(), given.map_or(held.clone(), |give| format!("{give}; or {held}")))
        }
    };
    let open = format!("{}{beside}", named(&names));
    let message = format!("{}{}", other_values((program, fit), &open), no_end(result));
    Some(Diagnostic::warning(W1102, message, *span, "declared here").help(help))
}

/// The finding on parameters that make up for the scale of a hidden state: whatever the fit came to, and however small its errors are, other numbers do
/// the same.
pub fn by_scale(
    (program, fit): (&Program, &Fit),
    (state, parameters): (&str, Vec<usize>),
    result: &JointFit,
) -> Option<Diagnostic> {
    let model = &program.models[fit.model];
    let of = parameters.iter().filter_map(|&k| model.unknowns.values().nth(k)).filter_map(|u| match u.kind {
        UnknownKind::Param(param) => Some((u.name.as_str(), model.params[param].span)),
        UnknownKind::Coefficient { .. } => None,
    });
    let of: Vec<(&str, Span)> = of.collect();
    let (first, span) = *of.first()?;
    let names: Vec<String> = of.iter().map(|(name, _)| format!("`{name}`")).collect();
    let message = format!(
        "{}, in another unit of `{state}`, which no column observes{}",
        other_values((program, fit), &named(&names)),
        no_end(result)
    );
    let begins = format!("say where `{state}` begins, `initial {state} = ...`, if not at zero, or measure `{state}`");
    let help = format!("{}, or {begins}", hold((program, fit), (first, of.len())));
    Some(Diagnostic::warning(W1102, message, span, "declared here").help(help))
}

/// That other values of these fit as well.
fn other_values((program, fit): (&Program, &Fit), names: &str) -> String {
    let data = program.name_fitted(fit);
    format!("the data of {data} do not determine {names}: other values fit them as well")
}

/// What is said of a fit that did not settle.
fn no_end(result: &JointFit) -> &'static str {
    if result.converged { "" } else { ", and the fit did not come to an end" }
}

/// How the first of so many parameters is held.
fn hold((program, fit): (&Program, &Fit), (first, count): (&str, usize)) -> String {
    format!(
        "hold {} at a value that is known: `fit {}({} = ...) to {}`",
        if count == 1 { "it" } else { "one of them" },
        program.models[fit.model].name,
        hir::family(first),
        program.spell_data(fit)
    )
}

/// What counts as not determined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Of a fit that did not settle: what others make up for, and what has an error of its own size.
    All,
    /// What others make up for. Of a fit that came to its end an error of the size of its parameter is what the data know of it, and may be little.
    MadeUp,
    /// That of it of whose value the data see nothing, and what is printed as not determined.
    Unseen,
}

/// Parameters that the data do not determine.
pub(super) fn parameters<'m>(model: &'m Model, result: &JointFit, which: Which) -> Vec<(&'m str, Span)> {
    let made_up = result.made_up.iter().filter(|m| which != Which::Unseen || m.open);
    let made_up: Vec<usize> = made_up.map(|m| result.columns.unknown(m.parameter)).collect();
    let is_open = |(k, (u, e)): &(usize, (&hir::Unknown, &Estimate))| {
        let unknown = match which {
            Which::All => e.std_error > OPEN * e.value.abs(),
            Which::MadeUp => false,
            Which::Unseen => is_undetermined(u, e.value, e.std_error),
        };
        unknown || made_up.contains(k) && !e.at_bound
    };
    let of = model.unknowns.values().zip(&result.estimates).enumerate().filter(is_open);
    of.filter_map(|(_, (u, _))| match u.kind {
        UnknownKind::Param(param) => Some((u.name.as_str(), model.params[param].span)),
        UnknownKind::Coefficient { .. } => None,
    })
    .collect()
}

/// Parameters without a start value whose errors are far above their values and go together: the data know what they do with each other alone.
fn together<'m>(model: &'m Model, result: &JointFit) -> Vec<(&'m str, Span)> {
    let of = model.unknowns.values().zip(&result.estimates).enumerate();
    let wide: Vec<(usize, &str, Span, f64)> = of
        .filter_map(|(k, (u, e))| match u.kind {
            UnknownKind::Param(param) if u.start.is_none() && !result.columns.is_own(k) => {
                let is = e.std_error.is_finite() && e.std_error > UNKNOWN * e.value.abs();
                is.then(|| (result.columns.at(k, 0), u.name.as_str(), model.params[param].span, e.std_error))
            }
            _ => None,
        })
        .collect();
    let go_together = |a: &(usize, &str, Span, f64), b: &(usize, &str, Span, f64)| {
        // Of two numbers in units of their errors the sum has the variance 2 + 2r, and the difference 2 - 2r.
        let of = |sign: f64| result.covariance.error_of(&[(a.0, 1.0 / a.3), (b.0, sign / b.3)]);
        a.0 != b.0 && of(1.0).min(of(-1.0)).powi(2) < 2.0 - 2.0 * TOGETHER
    };
    let has_other = |a: &&(usize, &str, Span, f64)| wide.iter().any(|b| go_together(a, b));
    wide.iter().filter(has_other).map(|&(_, name, span, _)| (name, span)).collect()
}

/// States that no column observes and whose beginning is estimated.
fn hidden<'o>(model: &Model, observed: &'o Observed) -> IndexSet<&'o str> {
    let known = |name: &str| {
        let mut of = model.initial.iter().filter(|i| model.states[i.state].name == name);
        observed.is_unfelt(name) || observed.known_starts && of.next().is_some()
    };
    observed.hidden().filter(|name| !known(name)).map(hir::family).collect()
}

#[cfg(test)]
mod tests {
    use super::hold;
    use crate::driver::Session;
    use crate::source::MemoryWorld;

    #[test]
    fn one_parameter_is_no_one_of_them() {
        let text = "model M { state x; param k; x' = -k*x } data d = csv(\"d.csv\") { time t } fit M to d";
        let mut session = Session::new(MemoryWorld::new().with("m.mech", text).with("d.csv", "t,x\n0,1\n1,2\n"));
        let program = session.check("m.mech", &[]).expect("a model").program;
        let fit = program.fits.values().next().expect("a fit");
        let said = |count: usize| hold((&program, fit), ("k", count));
        assert_eq!(said(1), "hold it at a value that is known: `fit M(k = ...) to d`");
        assert_eq!(said(2), "hold one of them at a value that is known: `fit M(k = ...) to d`");
    }
}
