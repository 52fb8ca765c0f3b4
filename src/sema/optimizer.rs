//! The optimiser of a fit.

use super::settings::{Context, Settings};
use super::suggest;
use crate::diagnostics::codes::{E0503, E0511};
use crate::diagnostics::{Among, Diagnostic};
use crate::hir::{Decay, Optimizer, number};
use crate::syntax::ast::{Expr, ExprKind, NamedArgument, Setting, SettingValue};

const OPTIONS: [&str; 8] = ["lr", "beta1", "beta2", "eps", "decay", "patience", "factor", "warmup"];
const SCHEDULES: [&str; 4] = ["cosine", "constant", "exponential", "plateau"];

/// Share of the rate that an exponential schedule ends with.
const LAST_SHARE: f64 = 0.01;
/// Evaluations without a smaller loss before the rate of a plateau falls, and by which factor.
const PLATEAU: (usize, f64) = (10, 0.5);
/// The most that `patience` and `warmup` may be.
const MOST: f64 = 1e9;

/// `adam(lr = 5e-4, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, decay = plateau, patience = 10, factor = 0.5, warmup = 100)`
pub(super) fn optimizer(settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Optimizer {
    // Rate and schedule of the measured discovery runs; the moments as Kingma and Ba propose.
    let mut out = Optimizer { rate: 5e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: Decay::Cosine, warmup: 0 };
    let Some(setting) = settings.get("optimizer") else { return out };
    let call = match setting.values.as_slice() {
        [SettingValue::Expr(Expr { kind: ExprKind::Call(call), .. })] => call,
        [SettingValue::Expr(Expr { kind: ExprKind::Name(name), .. })] if name == "adam" => return out,
        _ => {
            let _: Option<()> = settings.wrong_form(setting, cx);
            return out;
        }
    };
    if call.function.name != "adam" || !call.arguments.is_empty() {
        let _: Option<()> = settings.wrong_form(setting, cx);
        return out;
    }
    let (mut schedule, mut patience, mut factor) = ("cosine", None, None);
    for option in &call.named {
        let name = option.name.name.as_str();
        if name == "decay" {
            match &option.value.kind {
                ExprKind::Name(word) if SCHEDULES.contains(&word.as_str()) => schedule = word,
                _ => {
                    let written = cx.sources.text(option.value.span);
                    let d = Diagnostic::error(E0503, "there is no such schedule", option.value.span, "unknown");
                    cx.sink.push(
                        d.help(suggest::help("choices", written, SCHEDULES)).missing_among(Among::Settings, written),
                    );
                    settings.ok = false;
                }
            }
            continue;
        }
        if !OPTIONS.contains(&name) {
            let d = Diagnostic::error(E0503, format!("`adam` has no option `{name}`"), option.name.span, "unknown");
            cx.sink.push(d.help(suggest::help("options", name, OPTIONS)).missing_among(Among::Settings, name));
            settings.ok = false;
            continue;
        }
        match name {
            "warmup" => out.warmup = count(option, setting, settings, cx).unwrap_or(0),
            "patience" => patience = count(option, setting, settings, cx).map(|n| (n, option)),
            _ => {
                let (low, high) = match name {
                    "lr" => (0.0, 1e3),
                    "beta1" | "beta2" => (-f64::MIN_POSITIVE, 1.0),
                    _ => (0.0, 1.0),
                };
                let Some(v) = number_in(option, (low, high), setting, settings, cx) else { continue };
                match name {
                    "lr" => out.rate = v,
                    "beta1" => out.beta1 = v,
                    "beta2" => out.beta2 = v,
                    "eps" => out.epsilon = v,
                    _ => factor = Some((v, option)),
                }
            }
        }
    }
    let fits = |wanted: &[&str], option: &NamedArgument, settings: &mut Settings<'_>, cx: &mut Context<'_>| {
        if !wanted.contains(&schedule) {
            let name = &option.name.name;
            let message = format!("`{name}` belongs to `decay = {}`, and this is {schedule}", wanted.join("` or `"));
            cx.sink.push(
                Diagnostic::error(E0511, message, option.name.span, "has nothing to act on")
                    .help(format!("leave it out, or choose `decay = {}`", wanted.first().copied().unwrap_or_default())),
            );
            settings.ok = false;
        }
    };
    patience.iter().for_each(|(_, option)| fits(&["plateau"], option, settings, cx));
    factor.iter().for_each(|(_, option)| fits(&["plateau", "exponential"], option, settings, cx));
    let factor = factor.map(|(v, _)| v);
    out.decay = match schedule {
        "constant" => Decay::Constant,
        "exponential" => Decay::Exponential(factor.unwrap_or(LAST_SHARE)),
        "plateau" => Decay::Plateau {
            patience: patience.map_or(PLATEAU.0, |(n, _)| n.max(1)),
            factor: factor.unwrap_or(PLATEAU.1),
        },
        _ => Decay::Cosine,
    };
    out
}

/// A whole number that is not negative.
fn count(
    option: &NamedArgument,
    setting: &Setting,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<usize> {
    let v = settings.constant(setting, &option.value, cx)?;
    if v.fract() == 0.0 && (0.0..=MOST).contains(&v) {
        return Some(v as usize);
    }
    let name = &option.name.name;
    let message = format!("`{name}` must be a whole number from 0 to {}, and this is {}", number(MOST), number(v));
    settings.out_of_range(message, option.value.span, cx)
}

/// A number between two others.
fn number_in(
    option: &NamedArgument,
    (low, high): (f64, f64),
    setting: &Setting,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<f64> {
    let v = settings.constant(setting, &option.value, cx)?;
    if v > low && v < high {
        return Some(v);
    }
    let name = &option.name.name;
    let message = format!("`{name}` must lie between 0 and {}, and this is {}", number(high), number(v));
    settings.out_of_range(message, option.value.span, cx)
}
