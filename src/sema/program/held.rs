//! Fits that hold parameters of their model at values, `fit M(a = 1) to d`, or start them at others, `start b = 2`: the model with
//! these in place of what it declares.

use super::super::model::{self, bare_constant};
use super::super::settings::{Context, Settings};
use super::super::suggest;
use super::Checker;
use super::copies::{Purpose, declaration, parameters, put};
use crate::diagnostics::codes::{E0201, E0202, E0511};
use crate::diagnostics::{Diagnostic, Severity, Sink};
use crate::hir::{self, HeldPlace, ModelId};
use crate::source::{Sources, Span};
use crate::syntax::ast::{self, Expr, ExprKind, Ident, Item, ModelItem, Setting, SettingValue};

/// What a fit says about one parameter.
struct Given {
    name: Ident,
    value: Expr,
    /// Whether it is known; otherwise it is where the estimate starts.
    held: bool,
}

impl Checker<'_> {
    /// The model `id` as `fit` takes it; `None` where what the fit says about its parameters is wrong, which is then in `sink`.
    pub(super) fn with_held(
        &mut self,
        id: ModelId,
        fit: &ast::Fit,
        items: &[Item],
        sources: &Sources,
        sink: &mut Sink,
    ) -> Option<ModelId> {
        let given = given(fit);
        if given.is_empty() {
            return Some(id);
        }
        let original = declaration(items, &fit.model.name)?;
        let before = sink.error_count();
        let mut copy = original.clone();
        for (at, one) in given.iter().enumerate() {
            if let Some(first) = given.iter().take(at).find(|g| g.name.name == one.name.name) {
                say_twice(one, first, sink);
                continue;
            }
            if !is_constant(&one.value, sources, sink) {
                continue;
            }
            match parameters(&mut copy).find(|p| p.name.name == one.name.name) {
                Some(param) if param.fixed && !one.held => {
                    let message = format!("`{}` is fixed: it is not estimated, and starts nowhere", one.name.name);
                    let d = Diagnostic::error(E0511, message, one.name.span, "not estimated")
                        .label(param.name.span, "fixed here");
                    let model = &fit.model.name;
                    sink.push(d.help(format!("give it another value: `fit {model}({} = ...)`", one.name.name)));
                }
                Some(param) => put(param, &one.value, if one.held { Purpose::Held } else { Purpose::Start }),
                None => no_parameter(one, original, sink),
            }
        }
        if sink.error_count() > before {
            return None;
        }
        // The model itself is right: what is wrong now comes from the values.
        let mut own = Sink::new();
        let checked = model::analyze(&copy, sources, &mut own);
        for finding in own.into_sorted().into_iter().filter(|d| d.severity == Severity::Error) {
            let here = given.iter().any(|g| g.value.span.covers(finding.primary.span));
            let values = given.iter().filter(|_| !here);
            sink.push(
                values.fold(finding, |d, g| d.label(g.value.span, format!("with this value of `{}`", g.name.name))),
            );
        }
        let mut checked = checked?;
        for id in checked.params.ids() {
            let param = &mut checked.params[id];
            param.held = fit.arguments.iter().any(|a| a.name.name == hir::family(&param.name));
        }
        Some(self.program.models.push(checked))
    }
}

/// Parameters with values in the order in which they stand; settings of another form are told with the others.
fn given(fit: &ast::Fit) -> Vec<Given> {
    let held = fit.arguments.iter().map(|a| Given { name: a.name.clone(), value: a.value.clone(), held: true });
    let starts = fit.settings.iter().filter(|s| s.key.name == "start").filter_map(start);
    held.chain(starts).collect()
}

/// `start a = 2`.
fn start(setting: &Setting) -> Option<Given> {
    let [SettingValue::Expr(Expr { kind: ExprKind::Name(name), span }), SettingValue::Equals(_), value] =
        setting.values.as_slice()
    else {
        return None;
    };
    let value = match value {
        SettingValue::Expr(value) => value.clone(),
        SettingValue::Tuple(list, span) => Expr { kind: ExprKind::Tuple(list.clone()), span: *span },
        _ => return None,
    };
    Some(Given { name: Ident { name: name.clone(), span: *span }, value, held: false })
}

/// The parameters that a fit starts elsewhere.
pub(in super::super) fn started(fit: &ast::Fit) -> Vec<String> {
    given(fit).into_iter().filter(|one| !one.held).map(|one| one.name.name).collect()
}

/// Where a fit takes one more value to hold a parameter at: behind the last one, inside of empty parentheses, or behind the model.
pub(in super::super) fn held_place(fit: &ast::Fit, sources: &Sources) -> HeldPlace {
    let at = |start: u32, file: Span| Span { start, end: start, ..file };
    if let Some(last) = fit.arguments.last() {
        return HeldPlace { place: at(last.value.span.end, last.value.span), before: ", ", after: "" };
    }
    let model = fit.model.span;
    let behind = sources.text(Span { end: fit.span.end, start: model.end, ..model });
    match behind.trim_start().strip_prefix('(') {
        Some(inside) => {
            let place = at(model.end + (behind.len() - inside.len()) as u32, model);
            HeldPlace { place, before: "", after: "" }
        }
        None => HeldPlace { place: at(model.end, model), before: "(", after: ")" },
    }
}

/// Reports `start` settings of another form.
pub(in super::super) fn starts(settings: &mut Settings<'_>, cx: &mut Context<'_>) {
    for setting in settings.all("start") {
        if start(setting).is_none() {
            let _: Option<()> = settings.wrong_form(setting, cx);
        }
    }
}

/// Whether a value is a number, or a list of them for a family, without names.
fn is_constant(value: &Expr, sources: &Sources, sink: &mut Sink) -> bool {
    match &value.kind {
        ExprKind::Tuple(list) => list.iter().all(|e| bare_constant(e, sources, sink).is_some()),
        _ => bare_constant(value, sources, sink).is_some(),
    }
}

fn say_twice(one: &Given, first: &Given, sink: &mut Sink) {
    let name = &one.name.name;
    let message = match one.held == first.held {
        true => format!("`{name}` is given twice"),
        false => format!("`{name}` is held at a value, and starts nowhere"),
    };
    let d = Diagnostic::error(E0202, message, one.name.span, "again here").label(first.name.span, "first here");
    sink.push(d.help("leave one of them out"));
}

fn no_parameter(one: &Given, model: &ast::Model, sink: &mut Sink) {
    let key = one.name.name.as_str();
    let mut names: Vec<&str> = Vec::new();
    let mut other: Option<(Span, &str, &str)> = None;
    for item in &model.body {
        match item {
            ModelItem::Param(list) => names.extend(list.iter().map(|p| p.name.name.as_str())),
            ModelItem::Const(list) => {
                let found = list.iter().find(|c| c.name.name == key);
                let found = found
                    .map(|c| (c.name.span, "a constant", "only parameters are held or started: declare it as `param`"));
                other = other.or(found);
            }
            ModelItem::State(list) => {
                let found = list.iter().find(|s| s.name.name == key);
                let found = found.map(|s| {
                    (
                        s.name.span,
                        "a state",
                        "only parameters are held or started: a model says where states begin, `initial x = 1`",
                    )
                });
                other = other.or(found);
            }
            _ => {}
        }
    }
    let message = format!("model `{}` has no parameter `{key}`", model.name.name);
    let help = suggest::help_of_many(sink, "parameters", key, names);
    let d = Diagnostic::error(E0201, message, one.name.span, "unknown parameter").missing(key);
    sink.push(match other {
        Some((span, what, help)) => d.label(span, what).help(help),
        None => d.help(help),
    });
}
