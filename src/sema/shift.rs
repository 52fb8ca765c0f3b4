//! `shift q by q at 0`: states that are moved in every window by the first sample of a state.

use super::families::{Noun, expand, states, subscripts_of};
use super::settings::{Context, Settings, as_word, elements};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E1015;
use crate::hir::{Model, StateId, family};
use crate::syntax::ast::{ExprKind, Setting, SettingValue};

const MOVED: Noun =
    Noun { code: E1015, noun: "state", nouns: "states", only: "states are moved by states", instead: "not a state" };

/// All `shift` settings; those that are wrong are reported and left out.
pub(super) fn shifts(settings: &mut Settings<'_>, model: &Model, cx: &mut Context<'_>) -> Vec<(StateId, StateId)> {
    let mut out: Vec<(StateId, StateId)> = Vec::new();
    for setting in settings.all("shift") {
        let Some(pairs) = shift(setting, settings, model, cx) else {
            settings.ok = false;
            continue;
        };
        for (state, by) in pairs {
            if out.iter().any(|(s, _)| *s == state) {
                let message = format!("`{}` is moved twice", model.states[state].name);
                cx.sink.push(
                    Diagnostic::error(E1015, message, setting.span, "the second time")
                        .help("leave it out of one of them"),
                );
                settings.ok = false;
                break;
            }
            out.push((state, by));
        }
    }
    out
}

/// `(x, y) by x at 0`
fn shift(
    setting: &Setting,
    settings: &mut Settings<'_>,
    model: &Model,
    cx: &mut Context<'_>,
) -> Option<Vec<(StateId, StateId)>> {
    let [moved, by, SettingValue::Expr(source), at, SettingValue::Expr(sample)] = setting.values.as_slice() else {
        return settings.wrong_form(setting, cx);
    };
    let first = matches!(sample.kind, ExprKind::Number { value, percent: false } if value == 0.0);
    if as_word(by) != Some("by") || as_word(at) != Some("at") || !first {
        return settings.wrong_form(setting, cx);
    }
    let Some(moved) = elements(moved) else { return settings.wrong_form(setting, cx) };
    let origins = expand(source, states(model), &MOVED, model, cx)?;
    let given = if let ExprKind::Subscript { at, .. } = &source.kind { at.len() } else { 0 };
    let mut out = Vec::new();
    for e in moved {
        for state in expand(e, states(model), &MOVED, model, cx)? {
            let own = subscripts_of(&model.states[state].name);
            let by = match origins.as_slice() {
                [one] => Some(one),
                // `q[1]` for `q[2, axis]` is the element of the same axis; `q` is the state itself.
                many => many.iter().find(|&&by| {
                    let other = subscripts_of(&model.states[by].name);
                    other.len() == own.len() && other.iter().skip(given).eq(own.iter().skip(given))
                }),
            };
            let Some(&by) = by else {
                let (name, of) = (&model.states[state].name, family(&model.states[state].name));
                let message = format!("which element `{name}` is moved by is not said");
                let d = Diagnostic::error(E1015, message, source.span, "has several elements");
                cx.sink.push(d.help(format!("write `shift {of} by {of} at 0`, or name one element")));
                return None;
            };
            out.push((state, by));
        }
    }
    Some(out)
}
