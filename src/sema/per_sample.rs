//! What a model says differs from window to window: parameters and steps `per sample`, steps `over time`.

use super::resolve::Resolver;
use super::settings::{Context, Settings};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E1010, E1012};
use crate::hir::{DeclaredStep, Engine, Fit, Model, Over, Program, StepSource, UnknownKind, number};
use crate::syntax::ast;

impl Resolver<'_, '_> {
    /// Steps that are not those of the data.
    pub(super) fn declared_step(&mut self, model: &ast::Model) -> Option<DeclaredStep> {
        let mut found: Option<DeclaredStep> = None;
        for item in &model.body {
            let ast::ModelItem::Step(step) = item else { continue };
            if let Some(first) = found {
                let d = Diagnostic::error(E1012, "the steps are declared twice", step.span, "again here")
                    .help("leave one of them out");
                self.sink.push(d.label(first.span, "first here"));
                continue;
            }
            let init = step.init.as_ref().and_then(|e| Some((e, self.constant(e)?)));
            if let Some((e, v)) = init.filter(|(_, v)| !(*v > 0.0 && *v <= 1e9)) {
                let message = format!("a step must be above 0 and at most {}, and this is {}", number(1e9), number(v));
                self.sink.push(
                    Diagnostic::error(E1010, message, e.span, "out of range")
                        .help("write the step that the data have: `init 0.1`"),
                );
            }
            found = Some(DeclaredStep { over_time: step.over_time, init: init.map(|(_, v)| v), span: step.span });
        }
        found
    }
}

/// What stands for the steps of a fit that names nothing for them.
pub(super) fn step(model: &Model, given: StepSource) -> StepSource {
    match (given, model.step) {
        (StepSource::Data, Some(DeclaredStep { over_time: true, init, .. })) => StepSource::Trained(init),
        (given, _) => given,
    }
}

/// Every parameter and step per sample has what gives it.
pub(super) fn ensure(
    item: &ast::Fit,
    fit: &Fit,
    model: &Model,
    program: &Program,
    settings: &Settings<'_>,
    cx: &mut Context<'_>,
) -> bool {
    let mut ok = true;
    let mut refuse = |message: String, label: &str, span, help: String| {
        let d = Diagnostic::error(E1012, message, item.model.span, label.to_string()).label(span, "declared here");
        cx.sink.push(d.help(help));
        ok = false;
    };
    let open: Vec<(&str, crate::source::Span)> = model
        .unknowns
        .iter()
        .filter_map(|(id, u)| {
            let UnknownKind::Param(p) = u.kind else { return None };
            // The joint engine estimates a number for every trajectory.
            let given = fit.engine == Engine::Joint || fit.parameters.iter().any(|b| b.unknown == id);
            (model.params[p].per_sample && !given).then_some((u.name.as_str(), model.params[p].span))
        })
        .collect();
    if let Some(&(_, span)) = open.first() {
        let names: Vec<&str> = open.iter().map(|(name, _)| *name).collect();
        let all = names.join(", ");
        let left = if names.len() == 1 { all.clone() } else { format!("({all})") };
        let message = format!("{all}: a number for each sample, and no network gives it");
        let help = format!(
            "let a network read it off the data, `parameters {left} = network.output`, or fit with `engine joint`"
        );
        refuse(message, "fitted here", span, help);
    }
    match (model.step, fit.step) {
        (Some(step), _) if fit.engine == Engine::Joint => {
            // Data lie at their times there, so a step that is learned is a factor on what moves the states, or nothing.
            let message = "the joint engine takes the steps of the data, and these are learned".to_string();
            let instead = match step.over_time {
                true => "leave `engine` out: the gradient engine learns a step for every interval",
                false => {
                    "leave `engine` out and let a network give it, `step = network.output`; or write it as a factor that the \
                     joint engine estimates: `param pace per sample`, `x' = pace*(...)`"
                }
            };
            refuse(message, "fitted here", step.span, instead.to_string());
        }
        (Some(DeclaredStep { over_time: false, span, .. }), StepSource::Output(source)) => {
            let over = program.networks[source.network].outputs.get(source.output).map(|o| o.over);
            if over.is_some_and(|over| over != Over::Once) {
                let message = "the step is per sample, and the output has one for every interval".to_string();
                let place = settings.get("step").map_or(span, |s| s.span);
                refuse(message, "fitted here", place, "leave `over window` out of the output".to_string());
            }
        }
        (Some(DeclaredStep { over_time: false, span, .. }), _) => {
            let message = "the step: a number for each sample, and no network gives it".to_string();
            refuse(message, "fitted here", span, "add `step = network.output`".to_string());
        }
        _ => {}
    }
    ok
}
