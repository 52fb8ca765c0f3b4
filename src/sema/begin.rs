//! Solves that begin at the last sample of their windows: `initial u = data.u at last`.

use super::settings::{Context, Settings};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0511, E1011};
use crate::hir::{Model, StartSource};
use crate::source::Span;

/// Samples of a window of so many before its solve begins.
pub(super) fn begin(model: &Model, window: usize) -> usize {
    if model.boundary.starts.first().is_some_and(|s| s.last) { window.saturating_sub(1) } else { 0 }
}

/// What such a solve needs: a horizon, and a network that says where derivatives start, since the data have none.
pub(super) fn ensure(
    model: &Model,
    (window, horizon): (usize, Option<usize>),
    start: &StartSource,
    (settings, place): (&Settings<'_>, Span),
    cx: &mut Context<'_>,
) -> bool {
    let Some(first) = model.boundary.starts.first().filter(|s| s.last) else { return true };
    if horizon.is_none_or(|h| h <= window) {
        let message = "a solve that begins at the last sample of its window has nothing to solve";
        let at = settings.get("horizon").or(settings.get("window")).map_or(place, |s| s.span);
        let d = Diagnostic::error(E0511, message, first.span, "begins here").label(at, "ends here");
        cx.sink
            .push(d.help(format!("give the fit a horizon that is longer than its window: `horizon {}`", 2 * window)));
        return false;
    }
    let StartSource::Values(given) = start else { return true };
    let at = settings.get("initial").map_or(place, |s| s.span);
    for (id, state) in model.states.iter() {
        let is_given = |k: u8| given.iter().any(|g| (g.state, g.derivative) == (id, k));
        let spell = |k: u8| model.spell_state(id, k);
        if is_given(0) {
            let message = format!("the start of `{}` is that of the data, and an output gives another", spell(0));
            cx.sink.push(
                Diagnostic::error(E1011, message, at, "the second one")
                    .help("leave one of them out: `at last` in the model, or the output in the fit")
                    .label(first.span, "the first one"),
            );
            return false;
        }
        if let Some(open) = (1..state.order).find(|k| !is_given(*k)) {
            let message = format!("nothing says where `{}` starts: the data have no derivatives", spell(open));
            let family = crate::hir::family(&state.name);
            let all: Vec<String> = (1..state.order).map(|k| format!("{family}{}", "'".repeat(k.into()))).collect();
            let all = if all.len() == 1 { all.concat() } else { format!("({})", all.join(", ")) };
            let d = Diagnostic::error(E1011, message, at, "not given").label(first.span, "begins here");
            cx.sink.push(d.help(format!("add `initial {all} = network.output` to the fit")));
            return false;
        }
    }
    true
}
