//! `predict` items: what goes on where a fit ends.

use super::rules::PREDICT;
use super::settings::{Context, Settings};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0505, E0516};
use crate::hir::{
    DataPlaces, DataSet, DataSource, Engine, FOLLOWS, Fit, FitId, Holdout, Origin, PredictSpec, Program, StepSource,
};
use crate::syntax::ast;

/// Tables of a run directory, which has predictions as tables too, and what is in them.
const TABLES: [(&str, &str); 2] = [
    ("parameters", "the parameters that differ from window to window"),
    ("fields", "the fields and learned steps of every sample"),
];

/// The data set that a prediction makes.
pub(super) fn predict(
    item: &ast::Data,
    of: &ast::Ident,
    (program, id): (&Program, FitId),
    cx: &mut Context<'_>,
) -> Option<DataSet> {
    let fit = &program.fits[id];
    let model = &program.models[fit.model];
    let sets = || program.data_of(fit);
    let mut settings = Settings::new(PREDICT, &item.settings, item.name.span, &[], &[], cx);
    let refuse = |message: String, label: &str, help: &str, settings: &mut Settings<'_>, cx: &mut Context<'_>| {
        let d = Diagnostic::error(E0516, message, of.span, label.to_string()).label(fit.span, "the fit");
        cx.sink.push(d.help(help.to_string()));
        settings.ok = false;
    };
    if let Some((table, holds)) = TABLES.iter().find(|(table, _)| item.name.name.eq_ignore_ascii_case(table)) {
        let message = format!("a prediction cannot be called `{}`", item.name.name);
        let label = format!("`{table}.csv` in the run directory has {holds}");
        let d = Diagnostic::error(E0516, message, item.name.span, label);
        cx.sink.push(d.help("choose another name: the run directory has the prediction as `NAME.csv`"));
        settings.ok = false;
    }
    let file = |name: &str| name.to_lowercase();
    let alike = |(other, _): &(&DataSet, PredictSpec)| {
        other.name != item.name.name && file(&other.name) == file(&item.name.name)
    };
    if let Some((other, _)) = program.predictions(&fit.name).into_iter().find(alike) {
        let message = format!("`{}` and `{}` differ by the case of their letters alone", item.name.name, other.name);
        let label = "its table would be the same file where file names have no case";
        let d = Diagnostic::error(E0516, message, item.name.span, label).label(other.span, "the other prediction");
        cx.sink.push(d.help("choose another name: the run directory has the prediction as `NAME.csv`"));
        settings.ok = false;
    }
    if let Some(input) = model.inputs.values().find(|i| i.field.is_none()) {
        let message = format!("a fit with the input `{}` cannot be solved on", input.name);
        let help = "nothing says what the input does after the data; within them `holdout 20%` in the data block predicts what is held out, and `simulate` solves the model along a record of the input";
        refuse(message, "has inputs", help, &mut settings, cx);
    }
    let most = fit.span().saturating_sub(fit.window);
    let rolls = fit.engine == Engine::Gradient && most > 0;
    if !rolls && differs(fit, program) {
        let message = "the equations of this fit differ from window to window, and no solve reaches beyond its window";
        let help = "give the fit a horizon that is longer than its window: `horizon 100`";
        refuse(message.to_string(), "says nothing of what comes", help, &mut settings, cx);
    }
    let by = settings.count("by", cx);
    if let (Some(by), Some(span)) = (by.filter(|by| *by > most), settings.get("by").map(|s| s.span)) {
        let (message, help) = match rolls {
            true => (
                format!("`by` is {by}, and the horizon has {most} samples behind the window"),
                format!("take at most {most}, or a longer `horizon` in the fit"),
            ),
            false => (
                "`by` belongs to a fit whose solves reach beyond their windows".to_string(),
                "leave it out: the equations that were found are solved on".to_string(),
            ),
        };
        cx.sink.push(Diagnostic::error(E0516, message, span, "too many").label(fit.span, "the fit").help(help));
        settings.ok = false;
    }
    let word = settings.word("from", cx);
    let split = sets().any(|data| matches!(data.holdout, Some(Holdout::Trajectories(_))));
    let from = match word.and_then(|w| Origin::ALL.into_iter().find(|o| o.name() == w)) {
        Some(from) => from,
        None if split => Origin::HeldOut,
        None => Origin::End,
    };
    let nothing_held = sets().all(|data| data.holdout.is_none());
    if let (Origin::HeldOut, true, Some(setting), Some(data)) =
        (from, nothing_held, settings.get("from"), sets().next())
    {
        let message = format!("`{}` holds nothing out", data.name);
        let d = Diagnostic::error(E0516, message, setting.span, "nothing to start from").label(data.span, "the data");
        cx.sink.push(d.help("add `holdout 20%` to the data, or write `from end`"));
        settings.ok = false;
    }
    let steps = settings.count("steps", cx);
    let compared = from != Origin::End || sets().any(|data| matches!(data.holdout, Some(Holdout::Time(_))));
    // A key that is unknown may have been meant for it.
    if settings.ok && settings.get("steps").is_none() && !compared {
        let message = "`steps` is missing: nothing was held out behind the fitted samples";
        let d = Diagnostic::error(E0505, message, item.name.span, "set in this block");
        cx.sink.push(d.help("write `steps 1000`"));
        settings.ok = false;
    }
    let spec = PredictSpec {
        fit: id,
        steps,
        by: rolls.then(|| by.unwrap_or(most)),
        from,
        tolerance: settings.number("tolerance", cx).unwrap_or(FOLLOWS),
    };
    settings.ok.then(|| DataSet {
        places: DataPlaces::default(),
        name: item.name.name.clone(),
        source: DataSource::Predict(spec),
        holdout: None,
        span: item.span,
    })
}

/// Whether what was found is no law by itself: it differs between windows or steps.
fn differs(fit: &Fit, program: &Program) -> bool {
    let field = program.models[fit.model].inputs.values().any(|i| i.field.is_some());
    fit.engine == Engine::Gradient && (field || !fit.parameters.is_empty() || fit.step != StepSource::Data)
}
