//! `--set block.key=value`: settings from outside the file replace or add to those of the named block.

use super::suggest;
use crate::diagnostics::codes::{E0601, E0602, E0603};
use crate::diagnostics::{Diagnostic, Sink};
use crate::source::{FileId, Sources, Span};
use crate::syntax::ast::{self, Ident, Item, ModelItem, Setting, SettingValue};
use crate::syntax::parse_setting_value;

/// One setting from outside the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// The block: a data set, a network, a fit or a model.
    pub block: Ident,
    /// The setting, parameter or constant.
    pub key: Ident,
    /// What it is set to.
    pub values: Vec<SettingValue>,
    /// The whole of it, in a file of its own.
    pub span: Span,
}

/// Reads `block.key=value`; the text becomes a file called `--set` of `sources`, so that findings can point into it.
pub fn parse_override(text: &str, sources: &mut Sources, sink: &mut Sink) -> Option<Override> {
    let file = sources.add("--set", text);
    let text = sources.file(file).text.clone();
    let whole = Span::new(file, 0, text.len());
    let parts = text.split_once('=').and_then(|(left, _)| left.split_once('.').map(|(b, k)| (b, k, left.len())));
    let is_word = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_alphanumeric() || c == '_');
    let Some((block, key, equals)) = parts.filter(|(b, k, _)| is_word(b.trim()) && is_word(k.trim())) else {
        let d = Diagnostic::error(E0603, format!("`{text}` is not of the form `block.key=value`"), whole, "malformed");
        sink.push(d.help("write for example `run.noise=5%` or `fit.seed=3`"));
        return None;
    };
    let ident = |name: &str, start: usize| {
        let start = start + (name.len() - name.trim_start().len());
        let name = name.trim();
        Ident { name: name.to_string(), span: Span::new(file, start, start + name.len()) }
    };
    let (block, key) = (ident(block, 0), ident(key, block.len() + 1));
    // The value is read at its own offset: everything before it counts as blank.
    let padded = format!("{}{}", " ".repeat(equals + 1), &text[equals + 1..]);
    if padded.trim().is_empty() {
        let d = Diagnostic::error(E0603, format!("`{text}` gives no value"), whole, "nothing after `=`");
        sink.push(d.help("write for example `run.noise=5%`"));
        return None;
    }
    let values = parse_setting_value(file, &padded, sink)?;
    Some(Override { block, key, values, span: whole })
}

/// Applies `overrides` to the items of a program; what fits nowhere is reported.
pub(super) fn apply(items: &mut [Item], overrides: &[Override], sink: &mut Sink) {
    for change in overrides {
        let name = change.block.name.as_str();
        let at = items.iter().position(|i| block_name(i) == Some(name));
        match at.and_then(|i| items.get_mut(i)) {
            Some(Item::Data(b)) => set(&mut b.settings, change),
            Some(Item::Network(b)) => set(&mut b.settings, change),
            Some(Item::Fit(b)) => set(&mut b.settings, change),
            Some(Item::Model(m)) => set_value(m, change, sink),
            Some(Item::Use(_) | Item::Function(_) | Item::Test(_) | Item::Unit(_)) | None => {
                let help = suggest::help("blocks", name, items.iter().filter_map(block_name));
                let message = format!("there is no block `{name}`");
                sink.push(Diagnostic::error(E0601, message, change.block.span, "unknown").help(help));
            }
        }
    }
}

/// The files overrides stand in.
pub(super) fn files(overrides: &[Override]) -> Vec<FileId> {
    overrides.iter().map(|o| o.span.file).collect()
}

/// The name a block is addressed by.
pub(super) fn block_name(item: &Item) -> Option<&str> {
    match item {
        Item::Use(_) | Item::Function(_) | Item::Test(_) | Item::Unit(_) => None,
        Item::Model(m) => Some(&m.name.name),
        Item::Network(b) => Some(&b.name.name),
        Item::Data(d) => Some(&d.name.name),
        Item::Fit(f) => Some(f.name.as_ref().map_or("fit", |n| n.name.as_str())),
    }
}

fn set(settings: &mut Vec<Setting>, change: &Override) {
    // In its place: layers of a network read those above them.
    let at = settings.iter().position(|s| s.key.name == change.key.name).unwrap_or(settings.len());
    settings.retain(|s| s.key.name != change.key.name);
    settings.insert(at, Setting { key: change.key.clone(), values: change.values.clone(), span: change.span });
}

fn set_value(model: &mut ast::Model, change: &Override, sink: &mut Sink) {
    let key = change.key.name.as_str();
    let [SettingValue::Expr(value)] = change.values.as_slice() else {
        let d = Diagnostic::error(E0603, format!("`{key}` takes a number"), change.span, "not a number")
            .help(format!("write `{}.{key}=1.5`", model.name.name));
        sink.push(d);
        return;
    };
    let mut names = Vec::new();
    for item in &mut model.body {
        match item {
            ModelItem::Param(list) => {
                for p in list {
                    if p.name.name == key {
                        p.value = Some(value.clone());
                        return;
                    }
                    names.push(p.name.name.as_str());
                }
            }
            ModelItem::Const(list) => {
                for c in list {
                    if c.name.name == key {
                        c.value = value.clone();
                        return;
                    }
                    names.push(c.name.name.as_str());
                }
            }
            _ => {}
        }
    }
    let message = format!("model `{}` has no parameter or constant `{key}`", model.name.name);
    let help = suggest::help("parameters and constants", key, names);
    sink.push(Diagnostic::error(E0602, message, change.key.span, "unknown").help(help));
}
