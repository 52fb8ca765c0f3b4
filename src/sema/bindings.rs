//! Network outputs that a fit refers to, and those that stand for parameters.

use super::families::{self, Noun};
use super::fit::Surroundings;
use super::settings::{Context, Settings, elements};
use super::std_paths::{self, Kind};
use super::suggest;
use crate::diagnostics::codes::{E0201, E0509, E1006};
use crate::diagnostics::{Among, Diagnostic};
use crate::hir::{Model, Network, NetworkId, NetworkOutput, Over, ParameterBinding, UnknownId, UnknownKind};
use crate::syntax::ast::{Expr, ExprKind, Setting, SettingValue};

const READ: Noun = Noun {
    code: E1006,
    noun: "parameter",
    nouns: "estimated parameters",
    only: "an output stands for a parameter",
    instead: "not a name",
};

/// All `parameters` settings; those that are wrong are reported and left out.
pub(super) fn parameters(
    settings: &mut Settings<'_>,
    model: &Model,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Vec<ParameterBinding> {
    let mut out: Vec<ParameterBinding> = Vec::new();
    for setting in settings.all("parameters") {
        let Some(bindings) = binding(setting, settings, model, around, cx) else {
            settings.ok = false;
            continue;
        };
        for binding in bindings {
            if out.iter().any(|b| b.unknown == binding.unknown) {
                let message = format!("`{}` is given by two outputs", model.unknowns[binding.unknown].name);
                cx.sink.push(
                    Diagnostic::error(E1006, message, setting.span, "the second one")
                        .help("leave it out of one of them"),
                );
                settings.ok = false;
            }
            out.push(binding);
        }
    }
    out
}

/// `(a, b) = reader.p`
fn binding(
    setting: &Setting,
    settings: &mut Settings<'_>,
    model: &Model,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Option<Vec<ParameterBinding>> {
    let [names, SettingValue::Equals(_), SettingValue::Expr(source)] = setting.values.as_slice() else {
        return settings.wrong_form(setting, cx);
    };
    let Some(names) = elements(names) else { return settings.wrong_form(setting, cx) };
    let unknowns: Vec<Option<Vec<UnknownId>>> = names.iter().map(|e| parameter(e, model, cx)).collect();
    let (network, output) = output(source, setting, settings, around, cx)?;
    let unknowns = unknowns.into_iter().collect::<Option<Vec<_>>>()?.concat();
    let declared = around.program.networks[network].outputs.get(output)?;
    let problem = if declared.over != Over::Once {
        Some(format!("`{}` has numbers for every step, and a parameter has one for the window", declared.name))
    } else if declared.numbers() != unknowns.len() {
        let wanted = families::count(unknowns.len(), &names, "parameters");
        Some(format!("`{}` has {}, for {wanted}", declared.name, families::so_many(declared.numbers())))
    } else {
        None
    };
    if let Some(message) = problem {
        let d = Diagnostic::error(E1006, message, source.span, "does not fit").help("an output has one number for each parameter, and is not over the window: `output p[2] = ...` for `parameters (a, b) = net.p`");
        cx.sink.push(d.label(around.program.networks[network].span, "the network"));
        return None;
    }
    let bind = |(component, unknown)| ParameterBinding { unknown, network, output, component };
    Some(unknowns.into_iter().enumerate().map(bind).collect())
}

/// The unknown of an estimated parameter; of a family, those of all elements.
fn parameter(e: &Expr, model: &Model, cx: &mut Context<'_>) -> Option<Vec<UnknownId>> {
    let estimated = || {
        let params = model.unknowns.iter().filter(|(_, u)| matches!(u.kind, UnknownKind::Param(_)));
        params.map(|(id, u)| (id, u.name.as_str()))
    };
    if let Some(fixed) = families::written(e)
        .filter(|w| model.params.values().any(|p| w.covers(&p.name)) && !estimated().any(|(_, name)| w.covers(name)))
    {
        let message = format!("`{}` is fixed, so nothing else can stand for it", fixed.text());
        let names: Vec<&str> = estimated().map(|(_, name)| name).collect();
        let d = Diagnostic::error(E1006, message, e.span, "fixed");
        cx.sink.push(d.help(suggest::help("estimated parameters", fixed.name, names)));
        return None;
    }
    let ids = families::expand(e, estimated(), &READ, model, cx)?;
    let unknowns = ids.iter().map(|id| &model.unknowns[*id]);
    if let Some(half) = unknowns.into_iter().find(|u| u.bounds.lower.is_finite() != u.bounds.upper.is_finite()) {
        let message = format!("the range of `{}` has one end: an output can be kept to both or to none", half.name);
        cx.sink.push(
            Diagnostic::error(E1006, message, e.span, "half a range")
                .help("give both ends, `in [0, 10]`, or none")
                .label(model.span, "the model"),
        );
        return None;
    }
    Some(ids)
}

/// Why an output has no number for every step of the solves.
pub(super) fn not_for_every_step(output: &NetworkOutput, around: &Surroundings<'_>) -> Option<String> {
    match output.over {
        Over::Once => Some(format!("`{}` is not an output over the window", output.name)),
        Over::Window if around.beyond => {
            let name = &output.name;
            Some(format!("`{name}` is over the window, and the solves reach over the horizon: write `over horizon`"))
        }
        Over::Window | Over::Horizon => None,
    }
}

/// `smoother.v`: the network and the position of its output.
pub(super) fn output(
    source: &Expr,
    setting: &Setting,
    settings: &mut Settings<'_>,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Option<(NetworkId, usize)> {
    let ExprKind::Field { of, name } = &source.kind else { return settings.wrong_form(setting, cx) };
    let ExprKind::Name(network) = &of.kind else { return settings.wrong_form(setting, cx) };
    let Some(found) = around.networks.get(network) else {
        let help = match std_paths::path(Kind::Network, network) {
            Some(path) => std_paths::help(&path).into(),
            None => suggest::help("networks", network, around.networks.keys().map(String::as_str)),
        };
        let d = Diagnostic::error(E0201, format!("there is no network `{network}`"), of.span, "unknown")
            .help(help)
            .missing_among(Among::Items, network.as_str());
        cx.sink.push(d);
        return None;
    };
    let id = (*found)?;
    let declared: &Network = &around.program.networks[id];
    let position = declared.outputs.iter().position(|o| o.name == name.name);
    if position.is_none() {
        let message = format!("network `{network}` has no output `{}`", name.name);
        let help = suggest::help("outputs", &name.name, declared.outputs.iter().map(|o| o.name.as_str()));
        cx.sink.push(Diagnostic::error(E0509, message, name.span, "unknown output").help(help).missing(&name.name));
    }
    position.map(|p| (id, p))
}
