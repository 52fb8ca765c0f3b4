//! Initial values that no part of a file uses: fits estimate where states begin that columns observe.

use super::sets::columns;
use super::suggest::listed;
use crate::base::IndexSet;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W0709;
use crate::hir::{DataSource, Engine, Fit, Model, Program, StartSource, family};
use crate::source::{Sources, Span};
use crate::syntax::ast;

/// Values that are shown beside the first one, at most.
const MOST_PLACES: usize = 3;

/// A warning for every model of the main file that is fitted and nothing else, and states an `initial` value for a state of which every fit to it
/// estimates where it begins. `fits` are those of the file as they are written.
pub(super) fn check(program: &Program, fits: &[&ast::Fit], sources: &Sources) -> Vec<Diagnostic> {
    // A test may be about a model as it is declared.
    if !program.tests.is_empty() {
        return Vec::new();
    }
    let mut out = Vec::new();
    let mut seen = IndexSet::new();
    for fit in program.fits.values() {
        let model = &program.models[fit.model];
        // A fit that holds parameters has a copy of the model.
        let of_model = || program.fits.values().filter(|other| program.models[other.model].span == model.span);
        let is_own = model.span.file == fit.span.file;
        if !seen.insert(model.span) || !is_own || is_solved(program, model) || !of_model().all(estimates) {
            continue;
        }
        let unused = |state: &str| of_model().all(|fit| observes(program, fit, state));
        let values = model.initial.iter().filter(|i| unused(&model.states[i.state].name));
        let (mut names, mut places): (IndexSet<&str>, IndexSet<Span>) = Default::default();
        for value in values {
            names.insert(family(&model.states[value.state].name));
            places.insert(value.span);
        }
        let Some(first) = places.first().copied() else { continue };
        let begin = if names.len() == 1 { "begins" } else { "begin" };
        let them = if places.len() == 1 { "the value" } else { "the values" };
        let begins = format!("{} {begin}", listed(names.iter().copied()));
        let message = format!("nothing in this file uses {them}: the fit estimates where {begins}");
        let finding = Diagnostic::warning(W0709, message, first, "has no effect on the fit").help(format!(
            "if every trajectory is known to begin there, say `initial held` in the block of the fit; else leave {them} out"
        ));
        let places = places.iter().skip(1).take(MOST_PLACES);
        let finding = places.fold(finding, |finding, place| finding.label(*place, "nor has this one"));
        let mut written = fits.iter().filter(|f| of_model().any(|fit| fit.span == f.span));
        out.push(match (written.next().and_then(|fit| edit(fit, sources)), written.next()) {
            (Some((place, text)), None) => finding.replace(place, text),
            _ => finding,
        });
    }
    out
}

/// Whether a fit estimates where states begin that columns observe, without having been told to.
fn estimates(fit: &Fit) -> bool {
    fit.engine == Engine::Joint && matches!(fit.start, StartSource::Values(_))
}

/// Whether a model is simulated, solved or predicted somewhere.
fn is_solved(program: &Program, model: &Model) -> bool {
    program.data.values().any(|data| match &data.source {
        DataSource::Simulate(spec) => program.models[spec.model].span == model.span,
        DataSource::Solve(spec) => program.models[spec.of].span == model.span,
        DataSource::Predict(spec) => program.models[program.fits[spec.fit].model].span == model.span,
        _ => false,
    })
}

/// Whether a data set of which something is fitted observes a state, as far as the program tells: where a file is not said to have its column, all are
/// read by their names.
fn observes(program: &Program, fit: &Fit, state: &str) -> bool {
    let model = &program.models[fit.model];
    program.data_of(fit).filter(|data| data.is_fitted()).any(|data| {
        match (columns(data, program), data.source.file()) {
            (Some(columns), _) => columns.iter().any(|column| column == state),
            (None, Some((_, columns))) => {
                columns.lists(state) || !model.states.values().any(|s| columns.lists(&s.name))
            }
            (None, None) => false,
        }
    })
}

/// Where `initial held` is written in a fit, and how.
fn edit(fit: &ast::Fit, sources: &Sources) -> Option<(Span, String)> {
    let own = fit.settings.iter().map(|setting| setting.span).filter(|span| span.file == fit.span.file);
    match own.max_by_key(|span| span.end) {
        Some(last) => Some((Span { start: last.end, ..last }, "; initial held".to_string())),
        None => {
            let empty = sources.text(fit.span).strip_suffix('}');
            let (before, text) = match empty {
                None => (0, " { initial held }"),
                Some(block) if block.ends_with(char::is_whitespace) => (1, "initial held "),
                Some(_) => (1, " initial held "),
            };
            let at = fit.span.end.saturating_sub(before);
            Some((Span { start: at, end: at, ..fit.span }, text.to_string()))
        }
    }
}
