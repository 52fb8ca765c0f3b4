//! Networks: inputs, layers, outputs.

use super::settings::{Context, NETWORK, Settings, as_word, elements};
use super::suggest;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0202, E0503, E0504};
use crate::hir::{Activation, Network, NetworkOutput};
use crate::syntax::ast::{self, ExprKind, Setting, SettingValue};

/// The most hidden layers.
const MAX_LAYERS: usize = 64;
/// The widest layer and the largest output.
const MAX_WIDTH: f64 = 65_536.0;

/// Checks a network.
pub(super) fn network(block: &ast::Block, cx: &mut Context<'_>) -> Option<Network> {
    let mut settings = Settings::new(NETWORK, &block.settings, block.name.span, &["output"], &[], cx);
    for key in ["input", "mlp", "output"] {
        if settings.get(key).is_none() {
            settings.missing(key, cx);
        }
    }
    let inputs = settings.get("input").and_then(|s| input(s, &mut settings, cx));
    let layers = settings.get("mlp").and_then(|s| layers(s, &mut settings, cx));
    let mut outputs: Vec<NetworkOutput> = Vec::new();
    for setting in settings.all("output") {
        let Some(output) = output(setting, &mut settings, cx) else { continue };
        if outputs.iter().any(|o| o.name == output.name) {
            let message = format!("the output `{}` is declared twice", output.name);
            cx.sink.push(Diagnostic::error(E0202, message, setting.span, "again here"));
            settings.ok = false;
        }
        outputs.push(output);
    }
    let (hidden, activation) = layers?;
    let network =
        Network { name: block.name.name.clone(), inputs: inputs?, hidden, activation, outputs, span: block.span };
    settings.ok.then_some(network)
}

/// `(x, y, z) over window`
fn input(setting: &Setting, settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Option<Vec<String>> {
    let (list, over) = over_window(&setting.values);
    if !over {
        return settings.wrong_form(setting, cx);
    }
    let mut names = Vec::new();
    for value in list {
        for e in elements(value).unwrap_or_default() {
            let ExprKind::Name(name) = &e.kind else { return settings.wrong_form(setting, cx) };
            if names.contains(name) {
                let d = Diagnostic::error(E0202, format!("`{name}` is read twice"), e.span, "again here");
                cx.sink.push(d);
                settings.ok = false;
            }
            names.push(name.clone());
        }
    }
    if names.is_empty() { settings.wrong_form(setting, cx) } else { Some(names) }
}

/// `[1024, 1024] relu`
fn layers(setting: &Setting, settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Option<(Vec<usize>, Activation)> {
    let (list, activation) = match setting.values.as_slice() {
        [SettingValue::List(list, _)] => (list, Activation::Relu),
        [SettingValue::List(list, _), SettingValue::Expr(e)] => {
            let ExprKind::Name(name) = &e.kind else { return settings.wrong_form(setting, cx) };
            match Activation::ALL.into_iter().find(|a| a.name() == name) {
                Some(activation) => (list, activation),
                None => {
                    let help = suggest::help("activations", name, Activation::ALL.iter().map(|a| a.name()));
                    let d = Diagnostic::error(E0503, format!("there is no activation `{name}`"), e.span, "unknown");
                    cx.sink.push(d.help(help));
                    settings.ok = false;
                    return None;
                }
            }
        }
        _ => return settings.wrong_form(setting, cx),
    };
    if list.is_empty() || list.len() > MAX_LAYERS {
        let message = format!("a network has 1 to {MAX_LAYERS} hidden layers, and this one has {}", list.len());
        return settings.out_of_range(message, setting.span, cx);
    }
    let widths = list.iter().map(|e| width(e, setting, settings, cx)).collect::<Vec<_>>();
    Some((widths.into_iter().collect::<Option<Vec<usize>>>()?, activation))
}

/// `v[3] over window`, `v over window`, `p[2]`
fn output(setting: &Setting, settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Option<NetworkOutput> {
    let (list, over_window) = over_window(&setting.values);
    let [SettingValue::Expr(e)] = list else { return settings.wrong_form(setting, cx) };
    match &e.kind {
        ExprKind::Name(name) => Some(NetworkOutput { name: name.clone(), size: 1, over_window }),
        ExprKind::Subscript { of, at } => match (&of.kind, at.as_slice()) {
            (ExprKind::Name(name), [size]) => {
                let size = width(size, setting, settings, cx)?;
                Some(NetworkOutput { name: name.clone(), size, over_window })
            }
            _ => settings.wrong_form(setting, cx),
        },
        _ => settings.wrong_form(setting, cx),
    }
}

fn width(e: &ast::Expr, setting: &Setting, settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Option<usize> {
    let v = settings.constant(setting, e, cx)?;
    if v.fract() == 0.0 && (1.0..=MAX_WIDTH).contains(&v) {
        return Some(v as usize);
    }
    let message = format!("a size is a whole number from 1 to {MAX_WIDTH}");
    cx.sink.push(Diagnostic::error(E0504, message, e.span, "out of range"));
    settings.ok = false;
    None
}

/// Takes `over window` off the end.
fn over_window(values: &[SettingValue]) -> (&[SettingValue], bool) {
    match values {
        [rest @ .., over, window] if as_word(over) == Some("over") && as_word(window) == Some("window") => (rest, true),
        _ => (values, false),
    }
}
