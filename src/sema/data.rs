//! What all data sets have in common: numbers for the parameters of a model, and what is held out.

use super::settings::{Context, Settings, as_word};
use super::suggest;
use crate::base::IndexMap;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0201, E0202, E0504, E0505, E0506};
use crate::hir::{Holdout, Model, UnknownKind};
use crate::syntax::ast;

/// What is done to a model whose numbers have to be known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is simulated by itself.
    Simulate,
    /// It is simulated along data, which have its inputs.
    SimulateAlongData,
    /// It is solved; its inputs come from data.
    Solve,
}

/// One number for every unknown of a model that is simulated or solved, as `purpose` says.
pub(super) fn values(
    model: &Model,
    name: &ast::Ident,
    (arguments, varied): (&[ast::Binding], &[&str]),
    purpose: Purpose,
    cx: &mut Context<'_>,
) -> Option<Vec<f64>> {
    let (verb, done) = match purpose {
        Purpose::Solve => ("solve", "solved"),
        Purpose::Simulate | Purpose::SimulateAlongData => ("simulate", "simulated"),
    };
    let mut ok = true;
    let mut given: IndexMap<&str, Option<f64>> = IndexMap::new();
    for argument in arguments {
        let key = argument.name.name.as_str();
        let value = super::model::bare_constant(&argument.value, cx.sources, cx.sink);
        ok &= value.is_some();
        if !model.params.values().any(|p| p.name == key) {
            let message = format!("model `{}` has no parameter `{key}`", name.name);
            let help =
                suggest::help_of_many(cx.sink, "parameters", key, model.params.values().map(|p| p.name.as_str()));
            cx.sink.push(
                Diagnostic::error(E0201, message, argument.name.span, "unknown parameter").help(help).missing(key),
            );
            ok = false;
        } else if given.insert(key, value).is_some() {
            let message = format!("`{key}` is given twice");
            cx.sink.push(
                Diagnostic::error(E0202, message, argument.name.span, "again here").help("leave one of them out"),
            );
            ok = false;
        }
    }
    if let Some(hole) = model.holes.values().next() {
        let message = format!("`{}` cannot be {done}: its equations have holes", name.name);
        let d = Diagnostic::error(E0506, message, name.span, "not known completely");
        cx.sink.push(d.label(hole.span, "unknown term").help(format!("{verb} a model whose terms are all known")));
        ok = false;
    }
    if let Some(input) = model.inputs.values().next().filter(|i| purpose == Purpose::Simulate || i.field.is_some()) {
        let (what, label, why) = match input.field {
            Some(_) => ("field", "a field", "is not known"),
            None => ("input", "an input", "comes from data"),
        };
        let message = format!("`{}` cannot be {done}: its {what} `{}` {why}", name.name, input.name);
        let d = Diagnostic::error(E0506, message, name.span, "not known completely");
        let d = d.label(input.span, label);
        cx.sink.push(d.help(match input.field {
            Some(_) => format!("write the {what} as a `let` that depends on `t`"),
            None => format!("name the data that have it, `simulate {} {{ data measured }}`, or write it as a `let` that depends on `t`", name.name),
        }));
        ok = false;
    }
    if let Some(step) = model.step {
        let message = format!("`{}` cannot be {done}: a fit learns its steps", name.name);
        let d = Diagnostic::error(E0506, message, name.span, "not known completely");
        cx.sink.push(d.label(step.span, "learned").help(format!("{verb} a model without this statement")));
        ok = false;
    }
    let mut out = Vec::new();
    for unknown in model.unknowns.values() {
        let UnknownKind::Param(p) = unknown.kind else { continue };
        if varied.contains(&unknown.name.as_str())
            && unknown.start.is_none()
            && !given.contains_key(unknown.name.as_str())
        {
            out.push(0.0);
            continue;
        }
        match given.get(unknown.name.as_str()).copied().flatten().or(unknown.start) {
            Some(v) => out.push(v),
            None if given.contains_key(unknown.name.as_str()) => {}
            None => {
                let message = format!("`{}` cannot be {done}: `{}` has no value", name.name, unknown.name);
                let d = Diagnostic::error(E0506, message, name.span, "not known completely");
                let d = d.label(model.params[p].span, "no value");
                let call = if verb == "solve" { "solve run =" } else { verb };
                cx.sink.push(d.help(format!("write `{call} {}({} = 1)`", name.name, unknown.name)));
                ok = false;
            }
        }
    }
    ok.then_some(out)
}

/// Whether a data set has several trajectories.
pub(super) struct Several {
    /// It has, so a share is one of them where nothing else is said.
    pub(super) by_default: bool,
    /// It may have.
    pub(super) possible: bool,
}

impl From<bool> for Several {
    fn from(several: bool) -> Self {
        Several { by_default: several, possible: several }
    }
}

/// Whether a number is written with a percent sign.
fn is_percentage(value: &ast::Expr) -> bool {
    matches!(value.kind, ast::ExprKind::Number { percent: true, .. })
}

/// `holdout 20%`, `holdout 20% of time`, `holdout 20% of trajectories`; the whole of a data set is `holdout 100% of trajectories`.
pub(super) fn holdout(
    settings: &mut Settings<'_>,
    several: impl Into<Several>,
    cx: &mut Context<'_>,
) -> Option<Holdout> {
    let several = several.into();
    let setting = settings.get("holdout")?;
    let words = |list: &[ast::SettingValue]| match list {
        [of, what] if as_word(of) == Some("of") => as_word(what).map(str::to_string),
        _ => None,
    };
    let (value, trajectories) = match setting.values.as_slice() {
        [ast::SettingValue::Expr(e)] => (e, several.by_default),
        [ast::SettingValue::Expr(e), rest @ ..] => match words(rest).as_deref() {
            Some("time") => (e, false),
            Some("trajectories") => (e, true),
            _ => return settings.wrong_form(setting, cx),
        },
        _ => return settings.wrong_form(setting, cx),
    };
    let share = settings.constant(setting, value, cx)?;
    if share == 0.0 {
        return None;
    }
    let whole = share == 1.0 && is_percentage(value);
    if whole && trajectories {
        return Some(Holdout::Trajectories(share));
    }
    if !(share > 0.0 && share < 1.0) {
        let message = "`holdout` must lie between 0 and 100 %";
        let help = match (1.0..100.0).contains(&share) && !is_percentage(value) {
            true => format!("a share of {share} in 100 has a percent sign: write `holdout {share}%`"),
            false if whole => {
                "write `holdout 100% of trajectories` for a table that is only predicted, beside one that is fitted"
                    .to_string()
            }
            false => "write a share such as `holdout 20%`".to_string(),
        };
        cx.sink.push(Diagnostic::error(E0504, message, value.span, "out of range").help(help));
        settings.ok = false;
        return None;
    }
    if trajectories && !several.by_default && !several.possible {
        let message = "there is only one trajectory, so none can be held out";
        cx.sink.push(Diagnostic::error(E0505, message, setting.span, "no trajectories").help("write `of time`"));
        settings.ok = false;
    }
    Some(if trajectories { Holdout::Trajectories(share) } else { Holdout::Time(share) })
}
